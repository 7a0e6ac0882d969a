"""What a piece of a request was read as, found again by its bytes: a conversation says with every turn all it has said
so far, so most of a body has been read before.

Where several pieces make one message, the first one's value keeps that (`Begins`), so that it is the same value again.

It is for readers whose value follows from the piece alone; the values are shared, so nothing may change them.

>>> numbers = Remembered(lambda piece, path: [*msgspec.json.decode(piece)], lambda value, path: value)
>>> first = numbers.each([msgspec.Raw(b"[1]")], "messages")
>>> second = numbers.each([msgspec.Raw(b"[1]"), msgspec.Raw(b"[2]")], "messages")
>>> second, second[0] is first[0]
([[1], [2]], True)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.ir import Block, Message

__all__ = ["LIMIT", "Begins", "Remembered"]

T = TypeVar("T")
LIMIT: Final = 2 * 1024 * 1024
"""Bytes of pieces that are remembered of late; as many again of before. Values take about twice as much."""
_ENTRY: Final = 200
"""Bytes that a piece takes beside its own."""


class Remembered(Generic[T]):
    """Values of one kind of piece. Two generations: when the newer one is full, the older one is forgotten, less what
    was asked for since."""

    __slots__ = ("_limit", "_new", "_old", "_read", "_read_decoded", "_size")

    def __init__(
        self, read: Callable[[bytes, str], T], decoded: Callable[[Any, str], T] | None = None, limit: int = LIMIT
    ) -> None:
        """`read` makes of a piece its value, which is never None; `decoded` does so where a list was decoded already.
        Both are told where it stands, for the InvalidRequest that they may raise."""
        self._read, self._read_decoded, self._limit = read, decoded, limit
        self._new: dict[bytes, T] = {}
        self._old: dict[bytes, T] = {}
        self._size = 0

    def each(self, pieces: Sequence[Any], path: str) -> list[T]:
        """The values of the pieces of a list at `path`."""
        if pieces and self._read_decoded is not None and not isinstance(pieces[0], msgspec.Raw):
            return [self._read_decoded(one, f"{path}.{i}") for i, one in enumerate(pieces)]
        keys = list(map(bytes, pieces))
        found = list(map(self._new.get, keys))
        return [one if one is not None else self._again(keys[i], path, i) for i, one in enumerate(found)]

    def _again(self, key: bytes, path: str, i: int) -> T:
        value = self._new.get(key)  # it may stand twice in one list
        if value is not None:
            return value
        value = self._old.get(key)
        if value is None:
            try:
                value = self._read(key, "")
            except InvalidRequest:
                value = self._read(key, f"{path}.{i}")  # says where
        size = len(key) + _ENTRY
        if self._size + size > self._limit:
            self._old, self._new, self._size = self._new, {}, 0
        if size <= self._limit:
            self._new[key] = value
            self._size += size
        return value


class Begins(Struct, kw_only=True, gc=False):
    """A value that a message may begin with: it keeps the message that it began when it was last read."""

    followed: Sequence[Block] = ()
    begun: Message | None = None

    def message(self, blocks: Sequence[Block]) -> Message | None:
        """That message, where it was made of the very same blocks."""
        same = len(blocks) == len(self.followed) and all(map(is_, blocks, self.followed))
        return self.begun if same else None

    def keep(self, blocks: Sequence[Block], message: Message) -> Message:
        self.followed, self.begun = blocks, message
        return message
