"""Cells of a table that is drawn by hand: as wide as a terminal shows them, cut where there is no room.

>>> padded(cut("claude-sonnet", 8), 10, to_the_left=True)
'claude-…  '
"""

from __future__ import annotations

import shutil
import sys
import unicodedata
from typing import Final

_NO_TERMINAL: Final = 200


def columns() -> int:
    """Of the terminal; plenty where nobody looks, so that names are whole there."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _NO_TERMINAL


def cut(label: str, room: int) -> str:
    """`label` in at most `room` columns of a terminal, an ellipsis for what does not fit."""
    if breadth(label) <= room:
        return label
    kept = ""
    for char in label:
        if breadth(kept + char) > room - 1:
            break
        kept += char
    return f"{kept}…"


def padded(text: str, room: int, to_the_left: bool) -> str:
    """`text` in `room` columns, at their left or at their right."""
    space = " " * (room - breadth(text))
    return text + space if to_the_left else space + text


def breadth(text: str) -> int:
    """Columns of a terminal: two for each wide character of East Asia, none for one that combines.

    >>> breadth("naïve"), breadth("模型")
    (5, 4)
    """
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(bool(unicodedata.combining(char)) for char in text)
