"""JSON, JSONC and JSON5 as a tree of values with their offsets.

>>> parse('{"a": [1, 2]}', JSON).value
{'a': [1, 2]}
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from synrouter_cli.errors import EditError
from synrouter_cli.textedit.document import error_at
from synrouter_cli.textedit.json_tokens import JSON, Dialect, Token, name, scalar, tokens
from synrouter_cli.textedit.nodes import Member, Node

__all__ = ["JSON", "parse"]

MOST_LEVELS: Final = 100
"""Levels of nesting that are read: far more than a configuration has, far fewer than the interpreter bears."""


@lru_cache(maxsize=4)
def parse(text: str, dialect: Dialect) -> Node:
    """The one value that `text` holds. Raises EditError where it holds another thing."""
    parser = _Parser(text, dialect)
    root = parser.value(0)
    if parser.next.kind != "end":
        raise parser.unexpected("nothing more")
    return root


class _Parser:
    def __init__(self, text: str, dialect: Dialect) -> None:
        self._text = text
        self._dialect = dialect
        self._tokens = tokens(text, dialect)
        self.next = next(self._tokens)

    def value(self, level: int) -> Node:
        token = self.next
        if level > MOST_LEVELS:
            raise error_at(self._text, token.start, "nested too deep")
        if token.text in ("{", "["):
            return self._collection(token.text == "[", level)
        if token.kind in ("mark", "end"):
            raise self.unexpected("a value")
        try:
            value = float(token.text[-8:]) if self._endless(token) else scalar(token)
        except ValueError:
            raise self.unexpected("a value") from None
        self._take()
        return Node(token.start, token.end, value)

    def _endless(self, token: Token) -> bool:
        return token.kind == "word" and self._dialect.json5 and token.text in ("Infinity", "NaN")

    def _collection(self, array: bool, level: int) -> Node:
        opening, closing = self._take(), "]" if array else "}"
        members: list[Member] = []
        while self.next.text != closing or self.next.kind != "mark":
            if members and members[-1].comma is None:
                raise self.unexpected(f"a comma or {closing}")
            members.append(self._element(len(members), level) if array else self._pair(level))
        if members and members[-1].comma is not None and not self._dialect.trailing_commas:
            raise self.unexpected("one more after the comma")
        end = self._take().end
        value = [each.node.value for each in members] if array else {each.key: each.node.value for each in members}
        return Node(opening.start, end, value, tuple(members), array)

    def _element(self, place: int, level: int) -> Member:
        node = self.value(level + 1)
        return Member(place, node.start, node.start, node, self._comma())

    def _pair(self, level: int) -> Member:
        token = self.next
        if token.kind != "string" and not (self._dialect.json5 and self._is_name(token)):
            raise self.unexpected("a key")
        self._take()
        if self.next.text != ":":
            raise self.unexpected("a colon")
        self._take()
        return Member(name(token), token.start, token.end, self.value(level + 1), self._comma())

    @staticmethod
    def _is_name(token: Token) -> bool:
        return token.kind == "word" or token.text in ("Infinity", "NaN")

    def _comma(self) -> int | None:
        return self._take().end if self.next.kind == "mark" and self.next.text == "," else None

    def _take(self) -> Token:
        taken = self.next
        if taken.kind != "end":
            self.next = next(self._tokens)
        return taken

    def unexpected(self, wanted: str) -> EditError:
        found = self.next.text[:20] or "the end of the file"
        return error_at(self._text, self.next.start, f"{wanted} is expected, not {found}")
