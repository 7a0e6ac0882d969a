"""What a transcript says, whatever client wrote it: messages said, answers that a request was sent for, cuts.

Readers of a client's format are pure functions from decoded lines to these events. A request is what stood in the
conversation before its answer: replaying events in order gives every request that was sent.

>>> thread = Thread()
>>> thread.add(1), thread.passed("first"), thread.add(4), list(thread.branch("first"))
(None, None, None, [Kept(start=0, end=1)])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from synrouter_cli.prompt.body import parseable
from synrouter_cli.wire.usage import Usage

__all__ = [
    "Answered",
    "Block",
    "Event",
    "Kept",
    "Named",
    "Said",
    "Skipped",
    "Thread",
    "decoded",
    "number",
    "seconds",
    "text",
]

Block = Mapping[str, Any]
"""A content block as the Messages API takes it."""


@dataclass(frozen=True, slots=True)
class Named:
    """Whose conversation the next events are of. `agent` is a subagent's own id, empty for the main thread."""

    session: str
    project: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A message that the next requests carry. `at` is seconds since the epoch, 0 where it is not written down."""

    role: str
    blocks: Sequence[Block]
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Answered:
    """A request was sent with all messages so far, and this is its answer, which the next requests carry."""

    id: str
    """Unique among all transcripts of a client: an answer is billed once, however often it is written down."""
    model: str
    usage: Usage | None
    blocks: Sequence[Block] = ()
    at: float = 0.0
    """When the answer was written down, seconds since the epoch."""
    provider: str = ""
    """As the client calls it; empty where it does not say."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Only messages [start, end) of the conversation go on: a rewind, or a compaction."""

    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that can't be read: cut off, or of no known shape."""


Event = Named | Said | Answered | Kept | Skipped


class Thread:
    """How long the conversation was at each entry of a tree-shaped transcript, so that a branch can be followed."""

    def __init__(self) -> None:
        self.length = 0
        self._length_at: dict[str, int] = {}

    def add(self, messages: int) -> None:
        """So many messages were said."""
        self.length += messages

    def passed(self, entry: str) -> None:
        """All up to and with this entry is in the conversation."""
        self._length_at[entry] = self.length

    def knows(self, entry: str) -> bool:
        return entry in self._length_at

    def branch(self, parent: str) -> Iterator[Kept]:
        """Go on behind `parent`, which may stand further back."""
        length = self._length_at.get(parent)
        if length is not None and length < self.length:
            self.length = length
            yield Kept(0, length)

    def forget(self, start: int) -> Iterator[Kept]:
        """The messages before `start` are gone; entries before it can't be gone back to."""
        if start > 0:
            self._length_at = {entry: length - start for entry, length in self._length_at.items() if length >= start}
            self.length = max(0, self.length - start)
            yield Kept(start, None)

    def before(self, entry: str) -> int:
        """How many messages stand before this entry's own, the last one's if it is unknown."""
        return max(0, self._length_at.get(entry, self.length) - 1)


_T = TypeVar("_T")


def decoded(decoder: msgspec.json.Decoder[_T], raw: bytes) -> _T | None:
    """A line by this decoder, lone surrogates replaced; None where it can't be read."""
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return decoder.decode(parseable(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return None


def seconds(value: object) -> float:
    """A moment as transcripts write it (ISO 8601, or milliseconds since the epoch) in seconds; 0 for anything else.

    >>> seconds("2026-11-21T10:00:00.500Z"), seconds(1795255200500), seconds(None)
    (1795255200.5, 1795255200.5, 0.0)
    """
    if isinstance(value, bool):
        return 0.0
    if isinstance(value, int | float):
        return value / 1000 if 0 < value < 1e14 else 0.0
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError):
            return 0.0
    return 0.0


def number(value: object) -> int:
    """A token count; 0 for what is none."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12 else 0


def text(value: object) -> str:
    """A string; empty for anything else."""
    return value if isinstance(value, str) else ""
