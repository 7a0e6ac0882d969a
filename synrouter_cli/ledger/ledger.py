"""The ledger as the proxy sees it: `record` and `remember` never wait and never raise.

What was queued is on disk within about 250 ms; `committed` counts turns only once that is so. Reads open
the file anew each time and see what is queued too, where a wrong answer would do harm.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     ledger = Ledger.open(Path(folder) / "ledger.db")
...     ledger.record(Turn(session="s", turn=1, started_at=0.0, status="ok"))
...     ledger.flush(10), ledger.committed, ledger.last_turn("s")
...     ledger.close()
(True, 1, 1)
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from synrouter_cli.errors import SynrouterError
from synrouter_cli.ledger import files, queries
from synrouter_cli.ledger.figures import Sums
from synrouter_cli.ledger.pending import Blob, Pending
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.ledger.store import Connect, connect
from synrouter_cli.ledger.writer import Writer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """How the ledger fares. `last_error` is None again once a batch went through; `notice` stays."""

    queue: int
    """Entries that wait to be written."""
    dropped: int
    """Entries that were lost: refused by a full queue, or impossible to write."""
    last_error: str | None
    notice: str | None
    """What a person should know: a damaged ledger moved aside, a backup that failed."""
    path: Path
    sqlite_version: str
    size_bytes: int


class Ledger:
    """Opened once, by the daemon; every method may be called from any thread."""

    def __init__(self, path: Path, pending: Pending, writer: Writer, clock: Callable[[], float]) -> None:
        self._path = path
        self._pending = pending
        self._writer = writer
        self._clock = clock

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        connect: Connect = connect,
        pending: Pending | None = None,
    ) -> Ledger:
        """Open or create the ledger at `path` and start its writer.

        Raises SchemaTooNew, and nothing else: a disk that is full, locked or damaged is for `health`, and
        tried again with every batch. `connect` and `pending` are for tests.
        """
        queue = Pending() if pending is None else pending
        writer = Writer(path, queue, clock=clock, connect=connect)
        writer.start()
        return cls(path, queue, writer, clock)

    # ── writing ──

    def record(self, turn: Turn) -> None:
        """Queue `turn` as the last word on (session, turn)."""
        self._pending.add_turn(turn)

    def remember(self, kind: str, key: str, value: bytes) -> None:
        """Queue `value` as the last word on (kind, key)."""
        self._pending.add_blob(kind, key, Blob(value, self._clock()))

    def forget(self, kind: str, key: str) -> None:
        """Queue the removal of (kind, key)."""
        self._pending.add_blob(kind, key, Blob(None, self._clock()))

    @property
    def committed(self) -> int:
        """Turns that became final on disk since this ledger was opened, counted after COMMIT."""
        return self._writer.committed

    def flush(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for all that was queued before; False where some still waits."""
        return self._pending.wait_settled(timeout)

    def close(self) -> None:
        """Write what waits and close. What comes later is dropped and counted."""
        self._writer.close()

    # ── reading ──

    def recall(self, kind: str, *, limit: int = 10_000) -> list[tuple[str, bytes, float]]:
        """(key, value, updated_at in epoch seconds) of what is remembered as `kind`, newest first."""
        queued = self._pending.blobs_of(kind)  # first: what is committed meanwhile is then found twice
        nothing: list[tuple[str, bytes, float]] = []
        stored = self._read(lambda db: queries.recall(db, kind, limit), nothing)
        found = [entry for entry in stored if entry[0] not in queued]
        found += [(key, blob.value, blob.updated_at) for key, blob in queued.items() if blob.value is not None]
        return sorted(found, key=lambda entry: (-entry[2], entry[0]))[:limit]

    def last_turn(self, session: str) -> int:
        """The highest turn number of `session`, queued ones included; 0 where it has none."""
        queued = self._pending.turns_of(session)
        return max([*queued, self._read(lambda db: queries.last_turn(db, session), 0)])

    def last_turns(self, count: int) -> list[Turn]:
        """The `count` turns on disk that began last, the latest first."""
        return self._read(lambda db: queries.last_turns(db, count), [])

    def turns_of(self, session: str) -> list[Turn]:
        """The turns of `session` on disk, in their order."""
        return self._read(lambda db: queries.turns_of(db, session), [])

    def spent(self, since: float, until: float) -> Sums:
        """What turns on disk that began in [since, until) add up to, those of a subscription not among them."""
        return self._read(lambda db: queries.totals(db, since, until).api, Sums())

    def spent_by(self, session: str) -> Sums:
        """The same of all turns of a session."""
        return self._read(lambda db: queries.session_totals(db, session).api, Sums())

    def spent_by_children(self, since: float) -> dict[str, Sums]:
        """Session → the same of its subagents and side requests, from `since` on."""
        nothing: dict[str, Sums] = {}

        def read(db: sqlite3.Connection) -> dict[str, Sums]:
            return {parent: figures.api for parent, figures in queries.children_totals(db, since).items()}

        return self._read(read, nothing)

    def health(self) -> LedgerHealth:
        """How the ledger fares right now."""
        return LedgerHealth(
            queue=len(self._pending),
            dropped=self._pending.dropped,
            last_error=self._writer.last_error,
            notice=self._writer.notice,
            path=self._path,
            sqlite_version=sqlite3.sqlite_version,
            size_bytes=files.size_bytes(self._path),
        )

    def _read(self, read: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What `read` finds; `otherwise` where the ledger can't be read: the proxy goes on without."""
        try:
            with queries.reading(self._path) as db:
                return read(db)
        except (SynrouterError, OSError) as error:
            if not isinstance(error, FileNotFoundError):
                self._writer.last_error = f"the ledger can't be read: {error}"
            return otherwise
