"""YAML files, edited by splices of lines. What stands behind an alias, a merge key or a tag is never changed.

>>> print(Yaml.parse("a: 1  # one\\n").set(("b", "c"), True).text, end="")
a: 1  # one
b:
  c: true
"""

from __future__ import annotations

import re
from typing import Any

from synrouter_cli.textedit import brackets
from synrouter_cli.textedit.document import Document, dotted, error_at
from synrouter_cli.textedit.nodes import (
    Member,
    Node,
    Splice,
    after_line,
    begins_line,
    line_start,
    nested,
    newline_at,
    newline_of,
    splice,
    walk,
)
from synrouter_cli.textedit.values import ABSENT, Path, find
from synrouter_cli.textedit.yaml_parser import load, parse
from synrouter_cli.textedit.yaml_writer import UNIT, block, flow, is_filled, item

_LINE = re.compile(r"[^\r\n]*")


class Yaml(Document):
    """YAML as PyYAML reads it. A `source` is all behind the colon or dash, the blanks before a value included."""

    __slots__ = ()

    @classmethod
    def _read(cls, body: str) -> Any:
        return load(body)

    def source(self, path: Path) -> str | None:
        root = parse(self.body)
        found = walk(root, path) if root else []
        if not found or len(found) < len(path):
            return None
        return self.body[slice(*_value_span(self.body, found[-1]))]

    def _put(self, path: Path, value: Any, source: str | None) -> str:
        body, root = self.body, parse(self.body)
        newline = self.newline
        if root is None or root.start == root.end or not path:
            if body.strip("\r\n") and not body.endswith(("\r", "\n")):
                body += newline
            return body + block(nested(path, value), "", newline) + newline
        found = walk(root, path)
        node, rest = (found[-1].node if found else root), path[len(found) :]
        if not rest:
            return splice(body, _replacement(body, _parent(root, found), found[-1], value, source))
        if node.members is None or not node.members:
            return self._filled(root, found, rest, value)
        if rest[0] != len(node.members) if node.array else not isinstance(rest[0], str):
            raise error_at(body, node.start, f"{dotted(path)} has no place here")
        new = nested(rest[1:], value)
        if node.block:
            said = f"{flow(rest[0])}:{source}" if source and not node.array and not newline_at(source, 0) else None
            return splice(body, [_line_after(body, node, [new] if node.array else {rest[0]: new}, said)])
        text = flow(new) if node.array else f"{flow(rest[0])}: {flow(new)}"
        return splice(body, brackets.insertion(body, node, text, "#"))

    def _filled(self, root: Node, found: list[Member], rest: Path, value: Any) -> str:
        """`value` below what is null or empty."""
        path = [each.key for each in found if each.key is not None]
        empty = self.get(path)
        if empty not in (None, {}, []) or (rest[0] != 0 and isinstance(empty, list)):
            raise error_at(self.body, found[-1].node.start if found else 0, f"{dotted(rest)} has no place here")
        new = [nested(rest[1:], value)] if isinstance(empty, list) else nested(rest, value)
        if found:
            return splice(self.body, _replacement(self.body, _parent(root, found), found[-1], new, None))
        return splice(self.body, [Splice(root.start, root.end, block(new, "", self.newline))])

    def _drop(self, path: Path) -> str:
        body = self.body
        while (root := parse(body)) and (found := walk(root, path)) and len(found) == len(path):
            parent = _parent(root, found)
            body = splice(body, self._removal(body, root, parent, found))
            if parent.array or find(load(body), path) is ABSENT:
                break  # else it had been named twice
        return body

    def _removal(self, body: str, root: Node, parent: Node, found: list[Member]) -> list[Splice]:
        member, siblings = found[-1], parent.members or ()
        if not parent.block:
            return brackets.removal(body, parent, member, "#")
        if len(siblings) == 1 and len(found) > 1:
            empty: Any = [] if parent.array else {}
            return _replacement(body, _parent(root, found[:-1]), found[-2], empty, None)
        if begins_line(body, member.start):
            return [_whole_lines(body, member)]
        following = next((each for each in siblings if each.start > member.start), None)
        if following is None or body[after_line(body, member.end) : following.start].strip():
            raise error_at(body, member.start, f"{member.key} can't be taken out of its line")
        return [Splice(member.start, following.start, "")]


def _parent(root: Node, found: list[Member]) -> Node:
    return found[-2].node if len(found) > 1 else root


def _line_end(body: str, offset: int) -> int:
    match = _LINE.match(body, offset)
    return match.end() if match else offset


def _value_span(body: str, member: Member) -> tuple[int, int]:
    """The value from behind the colon; one that stands below it, from the end of that line to that of its last."""
    end = _line_end(body, member.name_end)
    if member.node.start > end:
        return end, _line_end(body, member.node.end)
    return member.name_end, member.node.end


def _column(body: str, node: Node) -> str:
    """The indentation of the members of `node`."""
    first = node.members[0].start if node.members else node.start
    return " " * (first - line_start(body, first))


def _line_after(body: str, node: Node, new: Any, said: str | None) -> Splice:
    """The lines of `new`, or what it is `said` as, behind the last member of a block."""
    indent, newline = _column(body, node), newline_of(body)
    place = _line_end(body, node.end)
    return Splice(place, place, newline + indent + (said or block(new, indent, newline)))


def _whole_lines(body: str, member: Member) -> Splice:
    start, end = line_start(body, member.start), after_line(body, member.end)
    if end == len(body) and not newline_at(body, _line_end(body, member.end)):
        while start and not newline_at(body, _line_end(body, start - 1)):
            start -= 1
        start -= 2 if body[:start].endswith("\r\n") else 1 if start else 0
    return Splice(start, end, "")


def _replacement(body: str, parent: Node, member: Member, value: Any, source: str | None) -> list[Splice]:
    """`value` instead of the one of `member`; a comment behind the key or the value stays."""
    node, (start, end) = member.node, _value_span(body, member)
    stands_below = node.start > _line_end(body, member.name_end)
    if not parent.block:
        blank = " " if node.start == node.end == member.name_end else ""
        return [Splice(node.start, node.end, blank + flow(value) if source is None else source.strip())]
    indent, newline = _column(body, parent), newline_of(body)
    if source is not None:
        new, below = source, newline_at(source, 0) > 0
    elif parent.array:
        new, below = " " + item(value, indent, newline), False
    elif is_filled(value):
        new, below = newline + indent + UNIT + block(value, indent + UNIT, newline), True
    else:
        new, below = " " + flow(value), False
        if not stands_below and node.start > start:
            new = body[start : node.start] + new[1:]
    if below:
        place = _line_end(body, end)
        return [Splice(start, end, new)] if place == end else [Splice(start, end, ""), Splice(place, place, new)]
    if stands_below:
        return [Splice(member.name_end, member.name_end, new), Splice(start, end, "")]
    return [Splice(start, end, new)]
