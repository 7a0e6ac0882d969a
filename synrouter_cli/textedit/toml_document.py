"""TOML files, edited by splices of lines: a new key behind the last of its table, a new table at the end.

>>> print(Toml.parse("a = 1 # one\\n").set(("t", "b"), True).text, end="")
a = 1 # one
<BLANKLINE>
[t]
b = true
"""

from __future__ import annotations

import datetime
import json
import re
from typing import Any, Final

from synrouter_cli.errors import EditError
from synrouter_cli.textedit import brackets
from synrouter_cli.textedit.document import Document, dotted, error_at
from synrouter_cli.textedit.nodes import (
    Node,
    Splice,
    after_line,
    line_start,
    nested,
    splice,
    walk,
)
from synrouter_cli.textedit.toml_parser import Statement, load, statements
from synrouter_cli.textedit.values import ABSENT, Path, find

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")


class Toml(Document):
    """TOML 1.0."""

    __slots__ = ()

    @classmethod
    def _read(cls, body: str) -> Any:
        return load(body)

    def source(self, path: Path) -> str | None:
        node, rest = _node_at(statements(self.body), tuple(path))
        return self.body[node.start : node.end] if node and not rest else None

    def _put(self, path: Path, value: Any, source: str | None) -> str:
        body, path = self.body, tuple(path)
        lines = statements(body)
        node, rest = _node_at(lines, path)
        if node and not rest:
            return splice(body, [Splice(node.start, node.end, source or inline(value))])
        if node:
            return _put_inside(body, node, rest, value)
        there = self.get(path)
        if isinstance(there, dict) and isinstance(value, dict):
            return self._become(path, there, value)
        if there is not ABSENT:
            return self.remove(path)._put(path, value, None)
        return _put_new(body, lines, path, value, source, self.newline)

    def _become(self, path: Path, old: dict[str, Any], new: dict[str, Any]) -> str:
        """A table of lines, key by key."""
        document = self
        for key in old.keys() - new.keys():
            document = document.remove((*path, key))
        for key, value in new.items():
            document = document.set((*path, key), value)
        return document.body

    def _drop(self, path: Path) -> str:
        body, path = self.body, tuple(path)
        lines = statements(body)
        node, rest = _node_at(lines, path[:-1])
        if node:
            found = walk(node, (*rest, path[-1]))
            if len(found) != len(rest) + 1:
                raise error_at(body, node.start, f"{dotted(path)} can't be taken out of its line")
            return splice(body, brackets.removal(body, found[-2].node if rest else node, found[-1], "#"))
        gone = [each for each in lines if each.path[: len(path)] == path]
        cut = splice(body, _cuts(body, gone))
        if gone and gone[0].header and find(load(cut), path[:-1]) is ABSENT:  # only its header had told of the parent
            first, *others = _blocks(body, gone)
            line_end = self.newline if body[: first.end].endswith("\n") else ""
            return splice(body, [first._replace(text=_header(path[:-1]) + line_end), *others])
        return cut


def _node_at(lines: list[Statement], path: Path) -> tuple[Node | None, Path]:
    """The value in brackets or line that `path` leads to or into, and what of `path` it does not have."""
    for each in lines:
        if not each.header and each.path == tuple(path[: len(each.path)]):
            rest = path[len(each.path) :]
            found = walk(each.node, rest)
            return (found[-1].node if found else each.node), rest[len(found) :]
    return None, ()


# ── in ──


def _put_inside(body: str, node: Node, rest: Path, value: Any) -> str:
    if node.members is None or (rest[0] != len(node.members) if node.array else not isinstance(rest[0], str)):
        raise error_at(body, node.start, f"{dotted(rest)} has no place here")
    text = inline(nested(rest[1:], value))
    new = text if node.array else f"{_name(str(rest[0]))} = {text}"
    return splice(body, brackets.insertion(body, node, new, "#"))


def _put_new(body: str, lines: list[Statement], path: Path, value: Any, source: str | None, newline: str) -> str:
    parent, key = tuple(path[:-1]), path[-1]
    dots = [each for each in lines if each.path[: len(parent)] == parent and len(each.table) < len(parent)]
    if dots:  # a table of dotted keys can't have a header
        name = ".".join(_name(str(each)) for each in path[len(dots[-1].table) :])
        return _line_behind(body, dots[-1].end, f"{name} = {source or inline(value)}", newline)
    known = not parent or any(each.header and each.path == parent for each in lines)
    if known and isinstance(key, str) and not isinstance(value, dict):
        line = f"{_name(key)} = {source or inline(value)}"
        section = [each for each in lines if each.table == parent]
        return _line_behind(body, section[-1].end, line, newline) if section else f"{line}{newline}{body}"
    if isinstance(key, int) or isinstance(value, dict):
        new = newline.join(_section(path, value, newline))
    else:
        new = newline.join(_section(parent, {key: value}, newline))
    if body and not body.endswith("\n"):
        return f"{body}{newline}{newline}{new}"
    return f"{body}{newline if body else ''}{new}{newline}"


def _line_behind(body: str, offset: int, line: str, newline: str) -> str:
    place = after_line(body, offset)
    if body[:place].endswith("\n"):
        return body[:place] + line + newline + body[place:]
    return body + newline + line


def _section(path: Path, table: Any, newline: str) -> list[str]:
    """The lines of a new table: its header, its keys, its tables."""
    if not isinstance(table, dict):
        raise EditError(1, 1, f"{dotted(path)} holds tables only")
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    keys = [f"{_name(key)} = {inline(value)}" for key, value in table.items() if key not in tables]
    array = isinstance(path[-1], int)
    lines = [f"[{_header(path)}]" if array else _header(path), *keys] if array or keys or not tables else []
    for key, value in tables.items():
        lines += [*([""] if lines else []), *_section((*path, key), value, newline)]
    return lines


def _header(path: Path) -> str:
    return "[" + ".".join(_name(key) for key in path if isinstance(key, str)) + "]"


def _name(key: str) -> str:
    return key if _PLAIN.fullmatch(key) else inline(key)


def inline(value: Any) -> str:
    """A value on one line. Raises EditError for null, which TOML does not have."""
    if value is None:
        raise EditError(1, 1, "TOML has no null")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_name(key)} = {inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else json.dumps(value)


# ── out ──


def _blocks(body: str, gone: list[Statement]) -> list[Splice]:
    """The lines of `gone`, and the blank ones between them."""
    cuts: list[Splice] = []
    for each in gone:
        start, end = line_start(body, each.start), after_line(body, each.end)
        if cuts and not body[cuts[-1].end : start].strip():
            start = cuts.pop().start
        cuts.append(Splice(start, end, ""))
    return cuts


def _cuts(body: str, gone: list[Statement]) -> list[Splice]:
    """As above. At the end of the file the blank line before a table goes, too, as it came."""
    cuts = _blocks(body, gone)
    if not cuts or cuts[-1].end < len(body):
        return cuts
    start = cuts[-1].start
    above = _before_newline(body, start)
    is_table = any(each.header and line_start(body, each.start) == start for each in gone)
    if not body.endswith("\n"):
        start = _before_newline(body, start)
    if is_table and above > 0 and line_start(body, above) == above:
        start = _before_newline(body, start)
    return [*cuts[:-1], Splice(start, len(body), "")]


def _before_newline(body: str, offset: int) -> int:
    """Where the line end before `offset` begins."""
    return offset - 2 if body.startswith("\r\n", offset - 2) else max(0, offset - 1)
