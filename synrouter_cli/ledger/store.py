"""The one connection that writes: a batch is one transaction of rows, rollups and memory.

The rollups are kept by subtracting what the row added before and adding what it adds now, both through the
view `final_turns`; so they always equal a sum over the rows, whatever replaces what.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     store = Store.open(Path(folder) / "ledger.db")
...     store.write(Batch({("s", 1): Turn(session="s", turn=1, started_at=0.0, status="ok")}))
...     store.close()
1
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from synrouter_cli.ledger import files
from synrouter_cli.ledger.columns import COLUMNS, ROLLUPS, encode, key_text
from synrouter_cli.ledger.figures import MEASURES
from synrouter_cli.ledger.migrations import migrate
from synrouter_cli.ledger.pending import Batch, Blob
from synrouter_cli.ledger.rows import Turn

Connect = Callable[[Path], sqlite3.Connection]

BUSY_SECONDS: Final = 1.0
"""How long a statement waits for another process's lock; the batch is tried again after that."""
JOURNAL_SIZE_LIMIT: Final = 16 * 1024 * 1024

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    f"PRAGMA journal_size_limit = {JOURNAL_SIZE_LIMIT}",
)
_PUT = f"INSERT OR REPLACE INTO turns ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
_WAS_FINAL = "SELECT 1 FROM turns WHERE session = ? AND turn = ? AND status <> 'started'"
_LEFT_OPEN = "SELECT session, turn FROM turns WHERE status = 'started'"
_MARK_UNKNOWN = """
UPDATE turns SET status = 'unknown', reason = coalesce(reason, 'Synrouter ended before the answer did')
WHERE session = ? AND turn = ?
"""
_REMEMBER = "INSERT OR REPLACE INTO memory (kind, key, value, updated_at) VALUES (?, ?, ?, ?)"
_FORGET = "DELETE FROM memory WHERE kind = ? AND key = ?"


def _fold(table: str, sign: str) -> str:
    """The statement that adds (`+`) or subtracts (`-`) one turn in `table`."""
    keys = ROLLUPS[table]
    return (
        f"INSERT INTO {table} ({', '.join((*keys, *MEASURES))}) "
        f"SELECT {', '.join((*keys, *(f'{sign}{name}' for name in MEASURES)))} "
        "FROM final_turns WHERE session = ? AND turn = ? "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET "
        + ", ".join(f"{name} = {name} + excluded.{name}" for name in MEASURES)
    )


_ADD = tuple(_fold(table, "+") for table in ROLLUPS)
_SUBTRACT = tuple(_fold(table, "-") for table in ROLLUPS)


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode; transactions are opened by hand."""
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


class Store:
    """A ledger opened for writing. Methods raise sqlite3.Error; what failed is rolled back."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def open(cls, path: Path, *, connect: Connect = connect) -> Store:
        """Create or open `path`, migrate it, and mark the turns an earlier run left open as unknown.

        Raises SchemaTooNew, OSError and sqlite3.Error.
        """
        files.prepare(path)
        db = connect(path)
        try:
            for pragma in _PRAGMAS:
                db.execute(pragma)
            migrate(db, backup=lambda version: files.back_up(db, files.migration_backup_file(path, version)))
            store = cls(db)
            store._in_transaction(store._mark_left_open)
        except BaseException:
            db.close()
            raise
        return store

    def write(self, batch: Batch) -> int:
        """Commit `batch`. Returns how many turns became final by it."""

        def put_all() -> int:
            for (kind, key), blob in batch.memory.items():
                self._put_blob(kind, key, blob)
            return sum([self._put_turn(turn) for turn in batch.turns.values()])

        return self._in_transaction(put_all)

    def back_up(self, target: Path) -> None:
        """Replace `target` by a checked copy. Raises OSError too."""
        files.back_up(self._db, target)

    def close(self) -> None:
        self._db.close()

    def _in_transaction(self, work: Callable[[], int]) -> int:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            result = work()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                with suppress(sqlite3.Error):  # the first error is the one that says why
                    self._db.execute("ROLLBACK")
            raise
        return result

    def _put_turn(self, turn: Turn) -> bool:
        row = encode(turn)
        key = (key_text(turn.session), turn.turn)
        was_final = self._db.execute(_WAS_FINAL, key).fetchone() is not None
        if was_final:
            self._fold(_SUBTRACT, key)
        self._db.execute(_PUT, row)
        self._fold(_ADD, key)
        return turn.status != "started" and not was_final

    def _put_blob(self, kind: str, key: str, blob: Blob) -> None:
        if blob.value is None:
            self._db.execute(_FORGET, (kind, key))
        else:
            self._db.execute(_REMEMBER, (kind, key, blob.value, blob.updated_at))

    def _mark_left_open(self) -> int:
        left = self._db.execute(_LEFT_OPEN).fetchall()
        for key in left:
            self._db.execute(_MARK_UNKNOWN, key)
            self._fold(_ADD, key)
        return len(left)

    def _fold(self, statements: tuple[str, ...], key: tuple[str, int]) -> None:
        for statement in statements:
            self._db.execute(statement, key)
