"""Where a key stands in a TOML file, for a message that names its line.

>>> text = '[a]\\nurl = 1\\n[b.c]\\nurl = 2\\nin = {deep = 3}\\n'
>>> line_of(text, "b", "c", "url"), line_of(text, "b", "c"), line_of(text, "b", "c", "in", "deep"), line_of(text, "x")
(4, 3, 5, None)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["line_of"]

_NAME: Final = r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'"""
_PATH: Final = rf"(?:{_NAME})(?:\s*\.\s*(?:{_NAME}))*"
_HEADER: Final = re.compile(rf"\s*\[\[?\s*({_PATH})\s*\]")
_KEY: Final = re.compile(rf"\s*({_PATH})\s*=")


def line_of(text: str, *names: str) -> int | None:
    """The line, counted from 1, of the key that `names` lead to from the outside in; else of the table or the value
    that it stands in. None where there is none. Text over several lines is taken for lines of its own."""
    found, depth = None, 0
    for line, path in _paths(text):
        if path[: len(names)] == names:
            return line
        if len(path) > depth and names[: len(path)] == path:
            found, depth = line, len(path)
    return found


def _paths(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if header := _HEADER.match(line):
            table = _names(header[1])
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, *_names(key[1]))


def _names(path: str) -> tuple[str, ...]:
    return tuple(name.strip("\"'") for name in re.findall(_NAME, path))
