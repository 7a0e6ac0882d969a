"""What waits to be written: bounded, and only the last word on each key.

A turn that starts and ends within one batch is one write. When the disk takes nothing, newcomers beyond the
bound are refused and counted; what waits already is kept, and may still be replaced by its later version.
The bound is on what waits; one batch more may be in the writer's hands.

>>> pending = Pending()
>>> pending.add_turn(Turn(session="s", turn=1, started_at=0.0))
>>> pending.add_turn(Turn(session="s", turn=1, started_at=0.0, status="ok"))
>>> [turn.status for turn in pending.take(seconds=0).turns.values()]
['ok']
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from synrouter_cli.ledger.rows import Turn

MAX_TURNS: Final = 10_000
MAX_MEMORY_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Blob:
    """A value to remember under (kind, key), or None to forget it; `updated_at` in epoch seconds."""

    value: bytes | None
    updated_at: float


@dataclass(slots=True)
class Batch:
    """The writes of one transaction, oldest first."""

    turns: dict[tuple[str, int], Turn] = field(default_factory=dict)
    memory: dict[tuple[str, str], Blob] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.turns) + len(self.memory)

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches that together hold what this one holds, to find the row that can't be written."""
        turns, memory = list(self.turns.items()), list(self.memory.items())
        if len(turns) > 1 and not memory:
            middle = len(turns) // 2
            return Batch(dict(turns[:middle])), Batch(dict(turns[middle:]))
        if len(memory) > 1 and not turns:
            middle = len(memory) // 2
            return Batch({}, dict(memory[:middle])), Batch({}, dict(memory[middle:]))
        return Batch(dict(turns)), Batch({}, dict(memory))


class Pending:
    """The queue between the event loop, which never waits, and the one writer thread."""

    def __init__(self, *, max_turns: int = MAX_TURNS, max_memory_bytes: int = MAX_MEMORY_BYTES) -> None:
        self._max_turns = max_turns
        self._max_memory_bytes = max_memory_bytes
        self._changed = threading.Condition()
        self._waiting = Batch()
        self._in_hand = Batch()
        self._memory_bytes = 0
        self._added = 0
        self._settled = 0
        self._taken_upto = 0
        self._hurry = False
        self._closed = False
        self.dropped = 0

    # ── the side that never waits ──

    def add_turn(self, turn: Turn) -> None:
        """Queue `turn`; beyond the bound it is dropped and counted."""
        key = (turn.session, turn.turn)
        with self._changed:
            known = key in self._waiting.turns
            if self._closed or (not known and len(self._waiting.turns) >= self._max_turns):
                # The place of a turn that only began is not a loss: its final row comes later.
                self.dropped += turn.status != "started"
                return
            self._waiting.turns[key] = turn
            self._note_addition()

    def add_blob(self, kind: str, key: str, blob: Blob) -> None:
        """Queue the last word on (kind, key); beyond the bound it is dropped and counted."""
        with self._changed:
            older = self._waiting.memory.get((kind, key))
            growth = _size(blob) - (_size(older) if older else 0)
            if self._closed or (growth > 0 and self._memory_bytes + growth > self._max_memory_bytes):
                self.dropped += 1
                return
            self._memory_bytes += growth
            self._waiting.memory[kind, key] = blob
            self._note_addition()

    def turns_of(self, session: str) -> list[int]:
        """Numbers of the turns of `session` that are not known to be on disk yet."""
        with self._changed:
            keys = (*self._in_hand.turns, *self._waiting.turns)
        return [turn for owner, turn in keys if owner == session]

    def blobs_of(self, kind: str) -> dict[str, Blob]:
        """The blobs of `kind` that are not known to be on disk yet."""
        with self._changed:
            entries = {**self._in_hand.memory, **self._waiting.memory}
        return {key: blob for (owner, key), blob in entries.items() if owner == kind}

    def __len__(self) -> int:
        with self._changed:
            return len(self._in_hand) + len(self._waiting)

    def wait_settled(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until all that was added before this call is settled."""
        with self._changed:
            target = self._added
            self._hurry = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= target, timeout)

    def close(self) -> None:
        """Take nothing more; the writer is told to finish what waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    # ── the writer's side ──

    @property
    def closed(self) -> bool:
        with self._changed:
            return self._closed

    def take(self, *, seconds: float) -> Batch:
        """Wait for work, then up to `seconds` for more of it; empty only when closed with nothing left."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._changed.wait_for(lambda: self._hurry or self._closed, seconds)
            self._hurry = False
            self._in_hand, self._waiting = self._waiting, Batch()
            self._memory_bytes = 0
            self._taken_upto = self._added
            return self._in_hand

    def settle(self) -> None:
        """What was taken is done with: on disk, or found impossible and counted as dropped."""
        with self._changed:
            self._in_hand = Batch()
            self._settled = self._taken_upto
            self._changed.notify_all()

    def give_back(self) -> None:
        """What was taken waits again; a later version of the same key stays the last word."""
        with self._changed:
            self._waiting = Batch(
                {**self._in_hand.turns, **self._waiting.turns},
                {**self._in_hand.memory, **self._waiting.memory},
            )
            self._in_hand = Batch()
            self._memory_bytes = sum(_size(blob) for blob in self._waiting.memory.values())

    def drop(self, batch: Batch) -> None:
        """Count `batch` as lost."""
        with self._changed:
            self.dropped += len(batch)

    def pause(self, seconds: float) -> None:
        """Wait before another attempt, less where somebody waits for it."""
        with self._changed:
            self._changed.wait_for(lambda: self._hurry or self._closed, seconds)

    def _note_addition(self) -> None:
        self._added += 1
        self._changed.notify_all()


def _size(blob: Blob) -> int:
    return 200 + len(blob.value or b"")  # a key and its bookkeeping weigh too
