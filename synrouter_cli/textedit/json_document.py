"""JSON, JSONC and JSON5 files, edited by splices in their own layout.

>>> document = Jsonc.parse('{\\n  "a": 1, // one\\n}')
>>> print(document.set(("b",), [True]).text)
{
  "a": 1, // one
  "b": [
    true
  ],
}
"""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar, Final

from synrouter_cli.errors import EditError
from synrouter_cli.textedit import brackets
from synrouter_cli.textedit.document import Document, dotted, error_at
from synrouter_cli.textedit.json_parser import parse
from synrouter_cli.textedit.json_tokens import JSON, JSON5, JSONC, Dialect
from synrouter_cli.textedit.nodes import (
    Member,
    Node,
    Splice,
    begins_line,
    indent_at,
    nested,
    newline_of,
    splice,
    walk,
)
from synrouter_cli.textedit.values import ABSENT, Path, find

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


class Json(Document):
    """Strict JSON (RFC 8259)."""

    __slots__ = ()
    dialect: ClassVar[Dialect] = JSON

    @classmethod
    def _read(cls, body: str) -> Any:
        return parse(body, cls.dialect).value

    def source(self, path: Path) -> str | None:
        found = walk(root := parse(self.body, self.dialect), path)
        node = found[-1].node if found else root
        return self.body[node.start : node.end] if len(found) == len(path) else None

    def _put(self, path: Path, value: Any, source: str | None) -> str:
        root = parse(self.body, self.dialect)
        found = walk(root, path)
        node, rest = (found[-1].node if found else root), path[len(found) :]
        write = _Writer(self.body, root, self.dialect)
        if not rest or node.value is None:
            spread = indent_at(self.body, node.start) if not found or begins_line(self.body, found[-1].start) else None
            return splice(self.body, [Splice(node.start, node.end, source or write.value(nested(rest, value), spread))])
        if node.members is None or (rest[0] != len(node.members) if node.array else not isinstance(rest[0], str)):
            raise error_at(self.body, node.start, f"{dotted(path)} has no place here")
        spread = write.spread(node)
        new = source if source and len(rest) == 1 else write.value(nested(rest[1:], value), spread)
        new = new if node.array else write.name(node, str(rest[0])) + write.colon + new
        return splice(self.body, brackets.insertion(self.body, node, new, "//", spread))

    def _drop(self, path: Path) -> str:
        body = self.body
        while (found := walk(root := parse(body, self.dialect), path)) and len(found) == len(path):
            parent = found[-2].node if len(found) > 1 else root
            body = splice(body, brackets.removal(body, parent, found[-1], "//"))
            if parent.array or find(parse(body, self.dialect).value, path) is ABSENT:
                break  # else it had been named twice
        return body


class Jsonc(Json):
    """JSON with comments and trailing commas."""

    __slots__ = ()
    dialect = JSONC


class Json5(Json):
    """JSON5 (spec.json5.org)."""

    __slots__ = ()
    dialect = JSON5


class _Writer:
    """Values in the layout of a file: its indentation, line ends, separators and way to write names."""

    def __init__(self, body: str, root: Node, dialect: Dialect) -> None:
        self._body = body
        self._root = root
        self._dialect = dialect
        self._unit = brackets.unit_of(body, root)
        self._lines = "\n" in body[root.start : root.end] or "\r" in body[root.start : root.end]
        self.colon = self._colon()

    def _colon(self) -> str:
        members = () if self._root.array else self._root.members or ()
        between = [self._body[each.name_end : each.node.start] for each in members]
        return next((each for each in reversed(between) if not each.strip(" \t:")), ": ")

    def spread(self, node: Node) -> str | None:
        """The indentation of the members of `node`; None where they stand on one line."""
        if node.members:
            last = node.members[-1].start
            return indent_at(self._body, last) if begins_line(self._body, last) else None
        return indent_at(self._body, node.start) + self._unit if self._lines or not self._root.members else None

    def name(self, node: Node, key: str) -> str:
        """`key` quoted like the last name in `node`, or in the file where `node` has none."""
        last: Member | None = next(iter(reversed(node.members or self._root.members or ())), None)
        quote = self._body[last.start] if last and last.key is not None and self._dialect.json5 else '"'
        if quote in "\"'":
            return f"'{key}'" if quote == "'" and _PLAIN_NAME.fullmatch(key) else _dump(key, self._dialect)
        return key if _PLAIN_NAME.fullmatch(key) else _dump(key, self._dialect)

    def value(self, value: Any, spread: str | None) -> str:
        """`value` on one line where `spread` is None, else on lines within a line indented by `spread`."""
        if spread is None:
            compact = self.colon == ":"
            return _dump(value, self._dialect, separators=("," if compact else ", ", ":" if compact else ": "))
        text = _dump(value, self._dialect, indent=self._unit, separators=(",", ": "))
        return text.replace("\n", newline_of(self._body) + spread)


def _dump(value: Any, dialect: Dialect, **layout: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=dialect.json5, **layout)
    except ValueError as err:
        raise EditError(1, 1, str(err)) from None
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(value, allow_nan=dialect.json5, **layout)
    return text
