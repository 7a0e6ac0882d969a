"""The ledger's files: private from their first byte, copied once a day, moved aside when damaged.

SQLite gives -wal and -shm the mode of the database, so that file is made at 0600 before SQLite opens it.
Beside `ledger.db` lie `ledger.db.bak` (of the day), `ledger.db.v1.bak` (before a migration) and, after an
accident, `ledger.db.damaged-20250131T120000Z` with its -wal and -shm.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

_COMPANIONS: Final = ("", "-wal", "-shm")
_DAMAGE: Final = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


class DamagedCopy(sqlite3.DatabaseError):
    """A copy that does not pass SQLite's own check: the older backup is kept."""


def prepare(path: Path) -> None:
    """Make the directory (0700) and the file (0600) where missing, whatever the umask. Raises OSError."""
    _private_directory(path.parent)
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    os.close(handle)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(0o600)


def backup_file(path: Path) -> Path:
    """Where the copy of the day lies."""
    return path.with_name(f"{path.name}.bak")


def migration_backup_file(path: Path, version: int) -> Path:
    """Where the copy from before the migration of schema `version` lies."""
    return path.with_name(f"{path.name}.v{version}.bak")


def back_up(db: sqlite3.Connection, target: Path) -> None:
    """Copy `db` to `target`, which is replaced only by a copy that passes SQLite's check.

    Raises sqlite3.Error (DamagedCopy where the check fails) and OSError; `target` is then as it was.
    """
    fresh = target.with_name(f"{target.name}.new")
    fresh.unlink(missing_ok=True)
    prepare(fresh)
    try:
        with closing(sqlite3.connect(fresh, isolation_level=None)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, readable without companions
        if not is_sound(fresh):
            raise DamagedCopy(f"the copy for {target.name} is damaged")
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def is_sound(path: Path) -> bool:
    """Whether `path` is a SQLite database that passes the quick check."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return bool(db.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def is_damage(error: Exception) -> bool:
    """Whether an error of the database means that its file is damaged."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF in _DAMAGE  # without the extension bits


def recover(path: Path, *, now: float) -> str:
    """Move a damaged ledger aside and put the newest sound backup in its place, if there is one.

    `now` is seconds since the epoch, for the name. Returns what was done, for a person. Raises OSError.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    aside = _unused(path.with_name(f"{path.name}.damaged-{stamp}"))
    for suffix in _COMPANIONS:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    for candidate in _backups(path):
        if is_sound(candidate):
            prepare(path)
            shutil.copyfile(candidate, path)
            return f"the ledger was damaged: kept as {aside.name}, restored from {candidate.name}"
    return f"the ledger was damaged: kept as {aside.name}, a new one was begun"


def size_bytes(path: Path) -> int:
    """Bytes of the database and its companions; 0 where there is none."""
    total = 0
    for suffix in _COMPANIONS:
        try:
            total += path.with_name(path.name + suffix).stat().st_size
        except OSError:
            continue  # not there (yet, or any more)
    return total


def _backups(path: Path) -> list[Path]:
    found = [
        entry
        for entry in path.parent.iterdir()
        if entry.name.startswith(path.name) and entry.name.endswith(".bak") and entry.is_file()
    ]
    return sorted(found, key=lambda entry: entry.stat().st_mtime, reverse=True)


def _unused(path: Path) -> Path:
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def _private_directory(directory: Path) -> None:
    if not directory.exists():
        _private_directory(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)
