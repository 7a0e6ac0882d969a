"""A configuration file as text and value. An edit gives a new document, whose text is parsed again: where
anything but the path asked for differs, the edit is refused.

>>> from synrouter_cli.textedit import Json
>>> Json.parse('{"a": 1}').set(("b", "c"), True).text
'{"a": 1, "b": {"c": true}}'
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Self

from synrouter_cli.errors import EditError
from synrouter_cli.textedit.nodes import newline_of
from synrouter_cli.textedit.values import ABSENT, Path, changed, find, place_of, same

BOM = "\ufeff"
_LINE_END = re.compile(r"\r\n|\n|\r")


def decode(data: bytes) -> str:
    """The text of a file, byte order mark and line ends as they are. Raises EditError unless it is UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise error_at(data[: err.start].decode("utf-8").removeprefix(BOM), err.start, "not UTF-8") from None


def error_at(text: str, offset: int, detail: str) -> EditError:
    """An EditError at the character `offset` of `text`; \\n, \\r\\n and \\r each end a line."""
    before = text[:offset]
    ends = [match.end() for match in _LINE_END.finditer(before)]
    return EditError(len(ends) + 1, len(before) - (ends[-1] if ends else 0) + 1, detail)


@dataclass(frozen=True, slots=True)
class Document:
    """Each format implements `_read`, `_put`, `_drop` and `source` on `body`; what they make is checked here."""

    text: str
    value: Any
    newline: str = field(default="\n", compare=False)
    """Its line end, and where an edit left it without any the one that it had."""

    @classmethod
    def parse(cls, text: str, newline: str = "\n") -> Self:
        """`newline` ends lines where `text` has but one. Raises EditError where it does not parse."""
        try:
            return cls(text, cls._read(text.removeprefix(BOM)), newline_of(text, newline))
        except RecursionError:
            raise EditError(1, 1, "nested too deep") from None

    @property
    def body(self) -> str:
        """The text behind a byte order mark."""
        return self.text.removeprefix(BOM)

    def get(self, path: Path) -> Any:
        """The value at `path`, or ABSENT."""
        return find(self.value, path)

    def source(self, path: Path) -> str | None:
        """How the value at `path` is spelled, to put it back the same way; None where that can't be told."""
        return None

    def set(self, path: Path, value: Any, source: str | None = None) -> Self:
        """With `value` at `path`, spelled as `source` where that says the same. Missing parents are made.
        Raises EditError where a parent is something else or the file can't hold that value."""
        if same(self.get(path), value) and source in (None, self.source(path)):
            return self
        if source is not None:
            try:
                return self._checked(self._put(path, value, source), path, value)
            except EditError:
                pass  # what surrounds it has changed since
        return self._checked(self._put(path, value, None), path, value)

    def remove(self, path: Path) -> Self:
        """Without what stands at `path`, its comma and the comment on its line. Raises EditError."""
        return self._checked(self._drop(path), path, ABSENT) if self.get(path) is not ABSENT else self

    def append(self, path: Path, element: Any) -> Self:
        """With `element` in the array at `path`, at its end where it has none that is equal. Raises EditError."""
        array = self.get(path)
        if array is ABSENT or array is None:
            return self.set(path, [element])
        if not isinstance(array, list):
            raise EditError(1, 1, f"{dotted(path)} is expected to be a list")
        return self if place_of(array, element) is not None else self.set((*path, len(array)), element)

    def discard(self, path: Path, element: Any) -> Self:
        """Without the first element of the array at `path` that is equal to `element`. Raises EditError."""
        place = place_of(self.get(path), element)
        return self if place is None else self.remove((*path, place))

    def _checked(self, body: str, path: Path, value: Any) -> Self:
        mark = BOM if self.text.startswith(BOM) else ""
        try:
            after = self.parse(mark + body, self.newline)
            kept = same(after.value, changed(self.value, path, value))
        except (EditError, TypeError, RecursionError):
            kept = False
        if not kept:
            raise EditError(1, 1, f"{dotted(path)} can't be changed here without changing something else")
        return after

    @classmethod
    def _read(cls, body: str) -> Any:
        raise NotImplementedError

    def _put(self, path: Path, value: Any, source: str | None) -> str:
        raise NotImplementedError

    def _drop(self, path: Path) -> str:
        raise NotImplementedError


def dotted(path: Path) -> str:
    """A path as a person reads it.

    >>> dotted(("models", 0, "name"))
    'models.0.name'
    """
    return ".".join(map(str, path)) or "the file"
