"""Text from outside, made safe for a terminal: no control character, nothing invisible, one line.

Escape sequences go whole, so that no half of one is left to read. Markup is not touched: a string that Rich
is to show goes into a `rich.text.Text`, which reads none.

>>> clean("gpt\\x1b[31m-5\\x1b]0;owned\\x07 \\u202emini")
'gpt-5 mini'
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# ECMA-48: a control sequence, a string that runs to its terminator (or the end), another escape.
_SEQUENCES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])(?:[^\x07\x1b\x9c]|\x1b(?!\\))*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_SPACING: Final = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Controls, formats (bidi, zero width, tags), surrogates, private and unassigned characters."""


def clean(text: str) -> str:
    """`text` as one line of visible characters; line breaks and tabs become a space."""
    spaced = _SPACING.sub(" ", _SEQUENCES.sub("", text))
    return "".join(char for char in spaced if unicodedata.category(char) not in _UNSEEN)
