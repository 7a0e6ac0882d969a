"""Where values stand in a text, as offsets, and the splices that change it.

>>> splice("abc", [Splice(1, 2, "-"), Splice(3, 3, "!")])
'a-c!'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from synrouter_cli.textedit.values import Key, Path

_NEWLINE = re.compile(r"\r\n|\n|\r")
_BLANKS = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Node:
    """A value from `start` to `end`; `members` where it is an object or array, and None in scalars."""

    start: int
    end: int
    value: Any = None
    members: tuple[Member, ...] | None = None
    array: bool = False
    block: bool = False
    """A collection of YAML without brackets."""

    def member(self, key: Key) -> Member | None:
        """The last one named `key`, as JSON.parse has it."""
        return next((each for each in reversed(self.members or ()) if each.key == key), None)


@dataclass(frozen=True, slots=True)
class Member:
    """A key (or an element) from `start`, and its value; `name_end` is behind the key, `comma` behind the comma."""

    key: Key | None
    start: int
    name_end: int
    node: Node
    comma: int | None = None

    @property
    def end(self) -> int:
        return self.node.end if self.comma is None else self.comma


class Splice(NamedTuple):
    start: int
    end: int
    text: str


def splice(text: str, splices: Iterable[Splice]) -> str:
    """`text` with each span replaced; the spans don't overlap."""
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def walk(root: Node, path: Path) -> list[Member]:
    """The members along `path`, as far as they exist."""
    found: list[Member] = []
    for key in path:
        member = (found[-1].node if found else root).member(key)
        if member is None:
            break
        found.append(member)
    return found


def nested(path: Path, value: Any) -> Any:
    """`value` within new objects.

    >>> nested(("a", "b"), 1)
    {'a': {'b': 1}}
    """
    for key in reversed(path):
        value = {key: value}
    return value


# ── lines ──


def newline_of(text: str, otherwise: str = "\n") -> str:
    """The line end of `text`: its first; `otherwise` where it has none."""
    match = _NEWLINE.search(text)
    return match[0] if match else otherwise


def line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def after_line(text: str, offset: int) -> int:
    """Behind the line end next to `offset`, or the end of `text`."""
    match = _NEWLINE.search(text, offset)
    return match.end() if match else len(text)


def newline_at(text: str, offset: int) -> int:
    """The length of the line end at `offset`, 0 where none is."""
    match = _NEWLINE.match(text, offset)
    return len(match[0]) if match else 0


def indent_at(text: str, offset: int) -> str:
    """The blanks that the line of `offset` begins with."""
    match = _BLANKS.match(text, line_start(text, offset))
    return match[0] if match else ""


def begins_line(text: str, offset: int) -> bool:
    """Whether only blanks stand before `offset` on its line."""
    return line_start(text, offset) + len(indent_at(text, offset)) >= offset
