"""Where two texts begin to differ, what kind of thing differs there, and the line to show a person.

A kind is found by leaving out: if two texts are the same without their dates and times, a clock differs; if they
are without their ids too, an id; and so on.

>>> kind_of_change("It is 12:03 on Friday.", "It is 12:04 on Friday."), kind_of_change("turn 9 of 80", "turn 10 of 80")
('clock', 'counter')
>>> line_of_change("a\\nbranch: main\\nz", "a\\nbranch: fix\\nz")
'branch: fix'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from synrouter_cli.prompt.masking import visible

__all__ = ["KINDS", "SHOWN", "TextPlace", "kind_of_change", "line_of_change", "place_of_change", "shared_start"]

SHOWN: Final = 80
"""Characters of a changed line that are shown at most."""
_BEFORE: Final = 30
"""So many of them stand before the change."""
_AROUND: Final = 500
"""Characters on each side of a change that are looked at for a line: some are megabytes long."""
_CONTEXT: Final = 200
"""Characters on each side of what changed that tell what it is: a date may differ in one digit only."""
_LOOKED_AT: Final = 2_000
"""What changed and is longer is text."""

_MONTHS = "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
_MONTHS += "|Nov(?:ember)?|Dec(?:ember)?"
_DAYS = "(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
_CCH: Final = re.compile(r"(x-anthropic-billing-header:[^\n]*?\bcch=)[^;\s]*")
_CLOCK: Final = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ]|(?=\D|$))"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(?!\d)"
    r"|\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?(?:\s?(?:Z|UTC|GMT|[A-Z]{3,4}|[+-]\d{2}:?\d{2}))?\b"
    rf"|\b(?:{_DAYS}|{_MONTHS})\b(?:,? \d{{1,2}}(?:st|nd|rd|th)?\b)?(?:,? \d{{4}}\b)?"
    r"|\b(?:19|20)\d{2}\b|\b1\d{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?\b"
    r"|\b\d+(?:\.\d+)? ?(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|ms|s|m|h|d)\b(?: ago)?"
    r"|\b[AaPp][Mm]\b"
)
_ID: Final = re.compile(
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|\b(?=\w*\d)[0-9a-fA-F]{6,}\b"
    r"|(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{12,}(?![\w-])"
)
_COUNTER: Final = re.compile(r"\d+(?:[.,]\d+)*[kKMGT%]?")
_LEFT_OUT: Final = (("cch", _CCH, r"\1"), ("clock", _CLOCK, "\0"), ("id", _ID, "\1"), ("counter", _COUNTER, "\2"))

KINDS: Final = (*(kind for kind, _, _ in _LEFT_OUT), "text")


@dataclass(frozen=True, slots=True)
class TextPlace:
    """A place in a text: line and column count from 1, in characters."""

    line: int
    column: int


def place_of_change(before: str, after: str) -> TextPlace:
    """Where `after` begins to differ from `before`."""
    at = shared_start(before, after)
    return TextPlace(after.count("\n", 0, at) + 1, at - (after.rfind("\n", 0, at) + 1) + 1)


def kind_of_change(before: str, after: str) -> str:
    """clock | counter | id | cch | text: what makes the difference between two texts.

    `cch` is the field of Claude Code's billing line (`x-anthropic-billing-header: … cch=…;`) that it changes with
    every request.
    """
    old, new = _changed_part(before, after)
    if max(len(old), len(new)) > _LOOKED_AT:
        return "text"
    for kind, pattern, instead in _LEFT_OUT:
        old, new = pattern.sub(instead, old), pattern.sub(instead, new)
        if old == new:
            return kind
    return "text"


def line_of_change(before: str, after: str) -> str:
    """At most 80 visible characters of the first changed line, secrets masked; the old line where the new is gone.

    For a person at this machine only: it is content, and belongs into no ledger and no log.
    """
    at = shared_start(before, after)
    old, new = visible(_line_at(before, at)), visible(_line_at(after, at))
    line, other = (new, old) if new.strip() else (old, new)
    change = shared_start(line, other)
    if line == other:
        change = 0  # what differs is masked, or can't be seen
    start = min(max(0, change - _BEFORE), max(0, len(line) - SHOWN))
    shown = line[start : start + SHOWN]
    if start:
        shown = "…" + shown[1:]
    if start + SHOWN < len(line):
        shown = shown[:-1] + "…"
    return shown.strip()


def shared_start(one: str, other: str) -> int:
    """How many leading characters two texts share."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _changed_part(before: str, after: str) -> tuple[str, str]:
    """What differs of both texts, with some of what stands around it on the same lines."""
    at = shared_start(before, after)
    old, new = before[at:], after[at:]
    end = shared_start(old[::-1], new[::-1])
    lead = before[max(before.rfind("\n", 0, at) + 1, at - _CONTEXT) : at]
    tail = old[len(old) - end :].partition("\n")[0][:_CONTEXT]
    return f"{lead}{old[: len(old) - end]}{tail}", f"{lead}{new[: len(new) - end]}{tail}"


def _line_at(text: str, at: int) -> str:
    """The line around a place, as far as it is looked at; a word that is cut at its edges is left out."""
    at = min(at, len(text))
    first = max(text.rfind("\n", 0, at) + 1, at - _AROUND)
    end = text.find("\n", at)
    last = min(end if end >= 0 else len(text), at + _AROUND)
    line = text[first:last]
    if first and text[first - 1] != "\n":
        line = _after_word(line)
    if last < len(text) and text[last] != "\n":
        line = _after_word(line[::-1])[::-1]
    return line


def _after_word(line: str) -> str:
    """Without the rest of a word at its start; as it is where it is all one word."""
    match = re.search(r"\s", line)
    return line[match.start() :] if match else line
