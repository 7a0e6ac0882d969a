"""The one thread that writes the ledger. Nothing that happens to the disk reaches the proxy.

A batch that can't be written (disk full, locked, unreadable) waits and is tried again. A damaged ledger is
moved aside and the last backup restored. A row that can never be written is dropped alone. Every loss is
counted, the last error kept for `health`.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from synrouter_cli.ledger import files
from synrouter_cli.ledger.migrations import SchemaTooNew
from synrouter_cli.ledger.pending import Batch, Pending
from synrouter_cli.ledger.store import Connect, Store

log = logging.getLogger("synrouter.ledger")

BATCH_SECONDS: Final = 0.2
"""How long a batch gathers; with the commit itself an entry is on disk within about 250 ms."""
RETRY_SECONDS: Final = 1.0
BACKUP_SECONDS: Final = 86_400.0
CLOSE_SECONDS: Final = 10.0

_REJECTED = (
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
)
"""The row itself is at fault: trying again can't help."""


class Writer:
    """Owns the store and the thread. `committed`, `last_error` and `notice` may be read by any thread."""

    def __init__(self, path: Path, pending: Pending, *, clock: Callable[[], float], connect: Connect) -> None:
        self._path = path
        self._pending = pending
        self._clock = clock
        self._connect = connect
        self._store: Store | None = None
        self._thread = threading.Thread(target=self._run, name="synrouter-ledger", daemon=True)
        self._backup_due_at = 0.0
        self.committed = 0
        self.last_error: str | None = None
        self.notice: str | None = None

    def start(self) -> None:
        """Open the ledger and start the thread. Raises SchemaTooNew; whatever else fails is tried again."""
        error = self._attempt(self._open)
        if isinstance(error, SchemaTooNew):
            raise error
        self._backup_due_at = self._last_backup_at() + BACKUP_SECONDS
        self._thread.start()

    def close(self) -> None:
        """Write what waits, then end the thread. What the disk does not take now is lost and counted."""
        self._pending.close()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while batch := self._pending.take(seconds=BATCH_SECONDS):
            if self._attempt(partial(self._write, batch)) is None:
                self._pending.settle()
                self._back_up_when_due()
            elif self._pending.closed:
                self._pending.drop(batch)
                break
            else:
                self._pending.give_back()
                self._pending.pause(RETRY_SECONDS)
        self._close_store()

    def _attempt(self, work: Callable[[], object]) -> Exception | None:
        """Do `work`, once more after the recovery of a damaged ledger. Returns what went wrong at last."""
        failure: Exception | None = None
        for _ in range(2):
            try:
                work()
            except Exception as error:  # the thread must outlive whatever a disk can do
                failure = error
                self.last_error = f"{type(error).__name__}: {error}"
                if not self._recovered_from(error):
                    break
            else:
                self.last_error = failure = None
                break
        return failure

    def _open(self) -> Store:
        self._store = Store.open(self._path, connect=self._connect)
        return self._store

    def _write(self, batch: Batch) -> None:
        store = self._store or self._open()
        try:
            self.committed += store.write(batch)
        except _REJECTED as error:
            if len(batch) == 1:
                self._pending.drop(batch)
                self.notice = f"a row can't be written and was dropped: {type(error).__name__}: {error}"
                return
            for half in batch.halves():
                self._write(half)

    def _recovered_from(self, error: Exception) -> bool:
        """Clean up after `error`; True where the ledger was damaged and another one is in its place."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF  # without the extension bits
        if code != sqlite3.SQLITE_BUSY:
            self._close_store()
        if not files.is_damage(error):
            return False
        try:
            self.notice = files.recover(self._path, now=self._clock())
        except OSError as obstacle:
            self.last_error = f"the ledger is damaged and can't be moved aside: {obstacle}"
            return False
        log.warning("%s", self.notice)
        return True

    def _close_store(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            with suppress(sqlite3.Error):  # closing a broken database may fail; nothing is held in it
                store.close()

    def _back_up_when_due(self) -> None:
        now = self._clock()
        if self._store is None or now < self._backup_due_at:
            return
        self._backup_due_at = now + BACKUP_SECONDS
        try:
            self._store.back_up(files.backup_file(self._path))
        except (sqlite3.Error, OSError) as error:
            self.notice = f"no backup was made: {error}"

    def _last_backup_at(self) -> float:
        try:
            return files.backup_file(self._path).stat().st_mtime
        except OSError:
            return 0.0  # none yet: one is due
