"""Cutting the middle out of a JSON string where it stands: what is kept is not re-encoded.

Of what is kept three fifths are head and two fifths tail: a result says at its top what it is, and the first matches or
the first error weigh most; the end needs room for a summary. Both end at line ends, unless a line is longer than half
of its share: then between two characters.

>>> literal = b'"' + rb"caf\\u00e9\\n" * 200 + b'"'
>>> cut = cut_text(literal, over=900, keep=500, advice="ask for less")
>>> cut.chars, cut.data.decode()
(500, '[… 500 characters in 100 lines are left out here; ask for less]\\\\n')
>>> len(literal[: cut.start]), len(literal[cut.end :])
(661, 441)
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

__all__ = ["ROOM", "Splice", "cut_text"]

ROOM: Final = 300
"""Characters that our line may take: head and tail together with it are never over the limit again."""

_HEAD_FIFTHS: Final = 3
_WALKED: Final = 64
"""Characters: so many are looked at one by one."""
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
"""One character of the text, be it two escapes (a surrogate pair)."""
_LOW = re.compile(r"\\u[dD][c-fC-F]")


@dataclass(frozen=True, slots=True)
class Splice:
    """Bytes `start` to `end` of a JSON string, `chars` characters of its text, give way to `data`."""

    start: int
    end: int
    data: bytes
    chars: int


def cut_text(literal: bytes, over: int, keep: int, advice: str) -> Splice | None:
    """The cut of a JSON string (with its quotes) whose text is longer than `over` characters, None where it is not.

    Raises ValueError where it is no JSON string. Lone surrogates, as escapes or as bytes, are characters like others.
    """
    kept = min(keep, over - ROOM)
    if len(literal) - 2 <= over or kept <= 0:
        return None
    source = literal[1:-1].decode("utf-8", "surrogatepass")
    text = json.loads(f'"{source}"')
    if len(text) <= over:
        return None
    head = _head_end(text, kept * _HEAD_FIFTHS // 5)
    tail = _tail_start(text, kept - kept * _HEAD_FIFTHS // 5)
    missing = text[head:tail]
    line = _line(missing, advice)
    if head and text[head - 1] != "\n":
        line = "\n" + line
    start = _advance(source, 0, head)
    end = _advance(source, start, len(missing))
    before, between = source[:start], source[start:end]
    offset = 1 + len(before.encode("utf-8", "surrogatepass"))
    length = len(between.encode("utf-8", "surrogatepass"))
    return Splice(offset, offset + length, json.dumps(line, ensure_ascii=False)[1:-1].encode(), len(missing))


def _line(missing: str, advice: str) -> str:
    """What stands in the place of `missing`; a line of which only a part is missing counts as one."""
    lines = missing.count("\n") + (not missing.endswith("\n"))
    noun = "line" if lines == 1 else "lines"
    return f"[… {len(missing):,} characters in {lines:,} {noun} are left out here; {advice}]\n"


def _head_end(text: str, most: int) -> int:
    end = text.rfind("\n", most // 2, most) + 1
    return end or (most - 1 if _belongs_together(text, most) else most)


def _tail_start(text: str, most: int) -> int:
    start = len(text) - most
    line_end = text.find("\n", start - 1, start + most // 2)
    if line_end >= 0:
        return line_end + 1
    return start + 1 if _belongs_together(text, start) else start


def _belongs_together(text: str, at: int) -> bool:
    """Whether a cut at `at` would part a line end's two characters or the halves of a pair that came as bytes."""
    pair = text[max(at - 1, 0) : at + 1]
    return pair == "\r\n" or (len(pair) == 2 and "\ud800" <= pair[0] <= "\udbff" and "\udc00" <= pair[1] <= "\udfff")


def _advance(source: str, at: int, chars: int) -> int:
    """Where in a JSON string's source stands what is `chars` characters of text behind `at`.

    A piece of source holds at most as many characters as it is long, so decoding such pieces never goes too far;
    it takes a tenth of the time of looking at each escape.
    """
    while chars > _WALKED:
        at, decoded = _piece(source, at, at + chars)
        chars -= decoded
    for _ in range(chars):
        escape = _ESCAPE.match(source, at)
        at = escape.end() if escape is not None else at + 1
    return at


def _piece(source: str, start: int, end: int) -> tuple[int, int]:
    """The last place up to `end` that is in no escape and in no pair of them, and the characters up to there."""
    while True:
        try:
            text = json.loads(f'"{source[start:end]}"')
        except ValueError:  # the end is within an escape
            end -= 1
            continue
        if not ("\ud800" <= text[-1] <= "\udbff" and _LOW.match(source, end)):
            return end, len(text)
        end -= 6
