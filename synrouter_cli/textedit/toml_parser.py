"""TOML as a list of its lines that say something, each with the path it is about and the offsets of its value.
The text is known to be TOML: the standard library has read it.

>>> [(each.path, each.header) for each in statements('[[a]]\\nb.c = 1\\n')]
[(('a', 0), True), (('a', 0, 'b', 'c'), False)]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from synrouter_cli.errors import EditError
from synrouter_cli.textedit.document import error_at
from synrouter_cli.textedit.nodes import Member, Node
from synrouter_cli.textedit.values import Key

_QUIET: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANKS: Final = re.compile(r"[ \t]*")
_NAME: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")|\'\'\'.*?\'{3,5}(?!\')|"(?:[^"\\]|\\.)*"|\'[^\']*\'', re.DOTALL
)
_BARE: Final = re.compile(r"[^,\]}#\r\n]*[^,\]}#\s]")
_WHERE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)")


@dataclass(frozen=True, slots=True)
class Statement:
    """A header, or a key with its value. `path` from the root; `table` is the path of its header."""

    path: tuple[Key, ...]
    table: tuple[Key, ...]
    start: int
    node: Node
    header: bool = False

    @property
    def end(self) -> int:
        return self.node.end


def load(text: str) -> Any:
    """The value of `text`. Raises EditError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        found = _WHERE.search(str(err))
        detail = _WHERE.sub("", str(err)) or "not TOML"
        if found and found[1]:
            raise EditError(int(found[1]), int(found[2]), detail) from None
        raise error_at(text, len(text), detail) from None
    except ValueError as err:  # a number with too many digits
        raise EditError(1, 1, str(err)) from None


def statements(text: str) -> list[Statement]:
    """Every header and every key outside of a value."""
    return list(_read(text))


def _read(text: str) -> Iterator[Statement]:
    table: tuple[Key, ...] = ()
    counts: dict[tuple[Key, ...], int] = {}
    at = _after(_QUIET, text, 0)
    while at < len(text):
        if text[at] == "[":
            array = text.startswith("[[", at)
            names, end = _names(text, at + 1 + array)
            table = _place(names, counts, array)
            yield Statement(table, table, at, Node(at, end + 1 + array), header=True)
            end += 1 + array
        else:
            names, end = _names(text, at)
            node = value_at(text, _after(_BLANKS, text, end + 1))
            yield Statement((*table, *names), table, at, node)
            end = node.end
        at = _after(_QUIET, text, end)


def _place(names: list[str], counts: dict[tuple[Key, ...], int], array: bool) -> tuple[Key, ...]:
    """The path of a header, with the place of the latest element in each array of tables."""
    path: tuple[Key, ...] = ()
    for depth, name in enumerate(names, 1):
        path = (*path, name)
        if array and depth == len(names):
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _names(text: str, at: int) -> tuple[list[str], int]:
    """A dotted key, and where the sign behind it stands."""
    names: list[str] = []
    while match := _NAME.match(text, _after(_BLANKS, text, at)):
        names.append(_name(match[0]))
        at = _after(_BLANKS, text, match.end())
        if text[at] != ".":
            break
        at += 1
    return names, at


def _name(text: str) -> str:
    if text[0] not in "\"'":
        return text
    return str(next(iter(tomllib.loads(f"{text} = 0"))))


def value_at(text: str, at: int) -> Node:
    """The value that begins at `at`, with what arrays and inline tables hold."""
    if text[at] in "[{":
        return _collection(text, at)
    match = (_STRING if text[at] in "\"'" else _BARE).match(text, at)
    return Node(at, match.end() if match else at)


def _collection(text: str, start: int) -> Node:
    array = text[start] == "["
    members: list[Member] = []
    at = _after(_QUIET, text, start + 1)
    while text[at] not in "]}":
        names, name_end = ([], at) if array else _names(text, at)
        node = value_at(text, _after(_QUIET, text, at if array else name_end + 1))
        key: Key | None = len(members) if array else names[0] if len(names) == 1 else None
        behind = _after(_QUIET, text, node.end)
        comma = behind + 1 if text[behind] == "," else None
        members.append(Member(key, at, name_end, node, comma))
        at = _after(_QUIET, text, comma or behind)
    return Node(start, at + 1, None, tuple(members), array)
