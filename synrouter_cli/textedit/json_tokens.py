"""The words of JSON, JSONC and JSON5, each at its offset.

>>> [text for kind, text, _ in tokens("{a: .5} // half", JSON5)]
['{', 'a', ':', '.5', '}', '']
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from synrouter_cli.textedit.document import error_at


@dataclass(frozen=True, slots=True)
class Dialect:
    comments: bool = False
    trailing_commas: bool = False
    json5: bool = False
    """Single quotes, plain keys, hex, Infinity and NaN, continued lines, more kinds of blanks."""


JSON: Final = Dialect()
JSONC: Final = Dialect(comments=True, trailing_commas=True)
JSON5: Final = Dialect(comments=True, trailing_commas=True, json5=True)


class Token(NamedTuple):
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


_BLANK = r"[ \t\r\n]+"
_BLANK5 = r"[\t-\r \xa0\ufeff\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
COMMENT: Final = r"//[^\n\r\u2028\u2029]*|/\*(?s:.*?)\*/"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_NUMBER5 = r"[+-]?(?:0[xX][0-9a-fA-F]+|Infinity|NaN|(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
_ESCAPE5 = r"\\(?:\r\n|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|0(?![0-9])|[^ux0-9])"
_STRING5 = rf""""(?:[^"\\\r\n]|{_ESCAPE5})*"|'(?:[^'\\\r\n]|{_ESCAPE5})*\'"""
_WORD = r"(?:[^\W\d]|[$_]|\\u[0-9a-fA-F]{4})(?:[\w$\u200c\u200d]|\\u[0-9a-fA-F]{4})*"
_WORDS: Final = {"true": True, "false": False, "null": None}


def _compiled(blank: str, number: str, string: str, after: str) -> re.Pattern[str]:
    return re.compile(
        f"(?P<blank>{blank})|(?P<comment>{COMMENT})|(?P<mark>[{{}}\\[\\]:,])|(?P<string>{string})"
        f"|(?P<number>(?:{number})(?!{after}))|(?P<word>{_WORD})"
    )


_PATTERN = _compiled(_BLANK, _NUMBER, _STRING, r"[\w.$+]")
_PATTERN5 = _compiled(_BLANK5, _NUMBER5, _STRING5, r"[\w.$\\]")
_UNFINISHED: Final = {'"': "a string that does not end or holds what no string may", "/": "no comment is allowed here"}


def tokens(text: str, dialect: Dialect) -> Iterator[Token]:
    """All but blanks and comments, and a last one of kind `end`. Raises EditError."""
    match_at = (_PATTERN5 if dialect.json5 else _PATTERN).match
    at = 0
    while at < len(text):
        match = match_at(text, at)
        kind = match.lastgroup if match else None
        if match is None or kind is None or (kind == "comment" and not dialect.comments):
            raise error_at(text, at, _UNFINISHED.get(text[at], f"{text[at]!r} is not expected here"))
        if kind not in ("blank", "comment"):
            yield Token(kind, match[0], at)
        at = match.end()
    yield Token("end", "", at)


# ── their values ──


_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}
_CONTINUED: Final = ("\r\n", "\n", "\r", "\u2028", "\u2029")
_ESCAPED = re.compile(r"\\(\r\n|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)


def scalar(token: Token) -> Any:
    """The value of a string, number, true, false or null. Raises ValueError for another word and a number
    with too many digits."""
    if token.kind == "string":
        return _string(token.text)
    if token.kind == "number":
        return _number(token.text)
    if token.text not in _WORDS:
        raise ValueError(token.text)
    return _WORDS[token.text]


def name(token: Token) -> str:
    """The key that a string or word names."""
    return _string(token.text) if token.kind == "string" else _unescaped(token.text)


def _string(text: str) -> str:
    if text[0] == '"' and text.isprintable():
        try:
            return str(json.loads(text))
        except ValueError:
            pass
    return _unescaped(text[1:-1])


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        said = match[1]
        if said in _CONTINUED:
            return ""
        return chr(int(said[1:], 16)) if len(said) > 1 else _ESCAPES.get(said, said)

    plain = _ESCAPED.sub(one, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")  # joins pairs


def _number(text: str) -> int | float:
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.removeprefix("+"))
    if digits[:2] in ("0x", "0X"):
        return sign * int(digits, 16)
    if digits.isdigit():
        return sign * int(digits)
    return sign * float(digits.replace("Infinity", "inf"))
