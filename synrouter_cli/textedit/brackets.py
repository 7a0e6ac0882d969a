"""Members of objects and arrays in brackets: put in at the end in the file's own layout, and taken out with
their comma, their line and the comment on it.

>>> text = "[1, 2]"
>>> node = parse(text, JSON)
>>> splice(text, insertion(text, node, "3", "//")), splice(text, removal(text, node, node.members[1], "//"))
('[1, 2, 3]', '[1]')
"""

from __future__ import annotations

import re
from typing import Final

from synrouter_cli.textedit.json_parser import JSON, parse
from synrouter_cli.textedit.json_tokens import COMMENT
from synrouter_cli.textedit.nodes import (
    Member,
    Node,
    Splice,
    begins_line,
    indent_at,
    line_start,
    newline_at,
    newline_of,
    splice,
)

__all__ = ["JSON", "insertion", "parse", "removal", "splice"]

_COMMENTS: Final = {"//": COMMENT, "#": r"\#[^\n\r]*"}
_BESIDE: Final = {sign: re.compile(rf"(?:[ \t]|{comment})*") for sign, comment in _COMMENTS.items()}
_INDENTED = re.compile(r"(?:^|[\r\n])([ \t]+)[^\s]")


def unit_of(text: str, root: Node) -> str:
    """What one level of the file is indented by; two blanks where nothing tells."""
    first = root.members[0] if root.members else None
    if first and begins_line(text, first.start):
        return indent_at(text, first.start) or "  "
    match = _INDENTED.search(text)
    return match[1] if match else "  "


def _beside(text: str, offset: int, sign: str) -> int:
    """Behind the blanks and comments from `offset` on, on its line."""
    match = _BESIDE[sign].match(text, offset)
    return match.end() if match else offset


# ── in ──


def insertion(text: str, node: Node, new: str, sign: str, spread: str | None = None) -> list[Splice]:
    """`new` as the last member of `node`; `spread` is the indentation of members where an empty one is
    written on lines."""
    if not node.members:
        return _first(text, node, new, spread)
    last = node.members[-1]
    if not begins_line(text, last.start):
        gap = _gap(text, node)
        if last.comma is not None:
            return [Splice(last.comma, last.comma, f"{gap}{new},")]
        return [Splice(last.end, last.end, f",{gap}{new}")]
    after = _beside(text, last.end, sign)
    after = after if newline_at(text, after) else last.end
    line = newline_of(text) + indent_at(text, last.start) + new
    if last.comma is not None:
        return [Splice(after, after, line + ",")]
    if after == last.end:
        return [Splice(after, after, "," + line)]
    return [Splice(last.end, last.end, ","), Splice(after, after, line)]


def _first(text: str, node: Node, new: str, spread: str | None) -> list[Splice]:
    start, end = node.start + 1, node.end - 1
    newline = newline_of(text)
    if not text[start:end].strip():
        if spread is None:
            return [Splice(start, end, new)]
        return [Splice(start, end, f"{newline}{spread}{new}{newline}{indent_at(text, node.start)}")]
    if begins_line(text, end):
        place = line_start(text, end)
        return [Splice(place, place, (spread or indent_at(text, end)) + new + newline)]
    return [Splice(end, end, new)]


def _gap(text: str, node: Node) -> str:
    """What stands between the members of a line."""
    members = node.members or ()
    if len(members) > 1 and (comma := members[-2].comma) is not None:
        between = text[comma : members[-1].start]
        return " " if between.strip(" \t") else between
    only = members[0]
    return "" if not node.array and text[only.node.start - 1] == ":" else " "


# ── out ──


def removal(text: str, node: Node, member: Member, sign: str) -> list[Splice]:
    """All that `member` takes up in `node`."""
    members = list(node.members or ())
    place = members.index(member)
    before = members[place - 1] if place else None
    after = members[place + 1] if place + 1 < len(members) else None
    cuts = [_own_line(text, member, before, sign)]
    if not begins_line(text, member.start):
        cuts = [_inline(text, member, before, after)]
    if after is None and member.comma is None and before is not None and before.comma is not None:
        return _with_comma(text, cuts[0], before, before.comma)
    rest = splice(text[: node.end], cuts)[node.start + 1 : -1]
    return [Splice(node.start + 1, node.end - 1, "")] if not rest.strip() else cuts


def _own_line(text: str, member: Member, before: Member | None, sign: str) -> Splice:
    end = _beside(text, member.end, sign)
    if length := newline_at(text, end):
        return Splice(line_start(text, member.start), end + length, "")
    if text[end] not in "}]":
        return Splice(member.start, end, "")  # its neighbour stands on the same line
    start = member.start
    if before and not text[before.end : start].strip():
        start = before.end
    return Splice(start, member.end, "")


def _inline(text: str, member: Member, before: Member | None, after: Member | None) -> Splice:
    if after and not text[member.end : after.start].strip():
        return Splice(member.start, after.start, "")
    if not after and before and not text[before.end : member.start].strip():
        return Splice(before.end, member.end, "")
    return Splice(member.start, member.end, "")


def _with_comma(text: str, cut: Splice, before: Member, comma: int) -> list[Splice]:
    """The last member's `cut`, and the comma of the one before, which is now the last."""
    if cut.start <= comma or not text[comma : cut.start].strip(" \t"):
        return [Splice(comma - 1, cut.end, "")]
    return [Splice(comma - 1, comma, ""), cut]
