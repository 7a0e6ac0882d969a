"""The free text in `{"input": "…"}`, read while the JSON is still coming, cut anywhere.

>>> text = FreeText()
>>> text.feed('{"inp'), text.feed('ut": "a\\\\'), text.feed('nb"}'), text.end()
('', 'a', '\\nb', '')
"""

from __future__ import annotations

import json
import re
from typing import Final

__all__ = ["FreeText"]

_HEAD: Final = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_PIECE: Final = re.compile(
    r'(?:[^"\\]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\[^u])*'
)
"""As much of a string's inside as is whole: no half escape, no half of a surrogate pair."""


class FreeText:
    """State of one call. What is not of that shape is given out whole at its end, as it came."""

    def __init__(self) -> None:
        self._all = ""
        self._rest = ""
        self._inside = False
        self._closed = False

    def feed(self, piece: str) -> str:
        """The text that `piece` completes."""
        self._all += piece
        self._rest += piece
        if not self._inside:
            head = _HEAD.match(self._rest)
            if head is None:
                return ""
            self._inside = True
            self._rest = self._rest[head.end() :]
        return "" if self._closed else self._take()

    def _take(self) -> str:
        found = _PIECE.match(self._rest)
        whole = found.group() if found is not None else ""
        self._rest = self._rest[len(whole) :]
        self._closed = self._rest.startswith('"')
        return _unescaped(whole)

    def end(self) -> str:
        """What is still to be said once the call is whole."""
        if self._inside:
            return "" if self._closed else _unescaped(self._rest)
        return _whole(self._all)


def _unescaped(inside: str) -> str:
    try:
        text = json.loads(f'"{inside}"', strict=False)
    except ValueError:
        return inside
    return str(text)


def _whole(arguments: str) -> str:
    """The text of arguments whose `input` does not come first, or that are something else altogether."""
    try:
        value = json.loads(arguments)
    except ValueError:
        return arguments
    if isinstance(value, dict) and isinstance(value.get("input"), str):
        return str(value["input"])
    return value if isinstance(value, str) else arguments
