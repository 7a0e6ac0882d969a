"""Halves of surrogate pairs, which JSON can spell and UTF-8 can't: U+FFFD stands for one, so that the rest goes on.

>>> mended("a\\ud83d"), mended_json(b'["\\\\ud83d", "\\\\ud83d\\\\ude00", "\\\\\\\\ud83d"]')
('a\ufffd', b'["\\\\ufffd", "\\\\ud83d\\\\ude00", "\\\\\\\\ud83d"]')
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["mended", "mended_json"]

_ESCAPED: Final = re.compile(
    rb"(\\\\)|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def mended(text: str) -> str:
    """Text that has a form in UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def mended_json(data: bytes) -> bytes:
    """JSON without escapes of halves; the same bytes where there are none."""
    if b"\\ud" not in data and b"\\uD" not in data:
        return data
    return _ESCAPED.sub(lambda match: match.group() if match.group(2) is None else b"\\ufffd", data)
