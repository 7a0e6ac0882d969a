"""A line of a prompt made fit to be seen: one line of visible characters in which no secret is left to read.

Masking rather takes too much than too little: whatever looks random and is long goes, whoever it belongs to.

>>> visible("export API_KEY=\\x1b[1mabc\\u202e123  # mail jo@example.org")
'export API_KEY=‹…›  # mail ‹…›'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from typing import Final

__all__ = ["MASK", "visible"]

MASK: Final = "‹…›"

# ECMA-48 control sequences and strings; half of one must not part a secret in two harmless halves
_SEQUENCES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/][0-~]|\x1b[78=>DEHMNOZc]"
)
_SPACING: Final = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})

_LONG: Final = 20
"""Letters and digits in a row from here on are no word."""

_NAMES: Final = (
    r"pass(?:word|wd|phrase|code)?|pwd|secret|token(?!s\b)|api[-_. ]?key|access[-_. ]?key|private[-_. ]?key|auth(?!or)"
    r"|authorization|credentials?|cookie|session[-_]?id|signature"
)
_PREFIXES: Final = (
    r"sk|pk|rk|ghp|gho|ghu|ghs|ghr|github_pat|glpat|xox[a-z]|xapp|hf|npm|pypi|AKIA|ASIA|AIza|ya29|eyJ|whsec|SG|dop_v1"
)
_SHAPES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (re.compile(r"(?<=://)[^\s/]+(?=@)"), MASK),
    (re.compile(r"[^\s@<>\"'(),;:=]{1,64}@[\w-]+(?:\.[\w-]+)+"), MASK),
    (re.compile(r"(?i)\b(bearer|basic|digest|negotiate)(\s+)[^\s\"',;]+"), rf"\1\2{MASK}"),
    (
        re.compile(
            rf"(?i)((?:{_NAMES})[\w.-]*[\"'\]]*\s*(?:=>|:=|[:=])\s*)"
            r"(?:\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[^\s\"'][^\s]*)"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(rf"(?i)(--?(?:{_NAMES})\s+)(?!‹)\S+"), rf"\1{MASK}"),
    (re.compile(rf"(?<![A-Za-z0-9])(?:{_PREFIXES})[-_.]?[A-Za-z0-9][\w.-]{{5,}}"), MASK),
    (re.compile(r"(?:sk-|ghp_|gho_|ghs_|github_pat_|xox[a-z]-)[\w-]{12,}"), MASK),
    (re.compile(r"[A-Za-z0-9+/=_-]{16,}"), lambda run: MASK if _is_random(run[0]) else run[0]),
)


def visible(text: str) -> str:
    """`text` with control, bidi and invisible characters gone, line breaks as spaces, and secrets as `‹…›`."""
    spaced = _SPACING.sub(" ", _SEQUENCES.sub("", text))
    shown = "".join(char for char in spaced if unicodedata.category(char) not in _UNSEEN)
    for shape, instead in _SHAPES:
        shown = shape.sub(instead, shown)
    return shown


def _is_random(run: str) -> bool:
    """Whether a run of base64's characters is none of words: a path, an identifier, a rule of dashes."""
    parts = re.split(r"[+/=_-]+", run)
    longest = max(parts, key=len)
    if len(longest) >= _LONG + 12 or (len(longest) >= _LONG and _is_mixed(longest)):
        return True
    bare = "".join(parts)
    if len(bare) >= 16 and re.fullmatch(r"[0-9a-fA-F]+", bare) and any(char.isdigit() for char in bare):
        return True
    return len(bare) >= _LONG + 4 and _is_mixed(bare) and _turns(bare) >= len(bare) // 4


def _is_mixed(text: str) -> bool:
    return any(char.isdigit() for char in text) and any(char.isalpha() for char in text)


def _turns(text: str) -> int:
    """How often small letters, capitals and digits take turns: rarely in words, all the time in what is random."""
    kinds = [char.isdigit() * 2 + char.isupper() for char in text]
    return sum(one != other for one, other in pairwise(kinds))
