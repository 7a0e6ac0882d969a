"""The ledger's schema: numbered steps, only ever added to. `PRAGMA user_version` is the number applied.

A step and its number are one transaction. Before an existing ledger is changed it is copied beside itself;
a ledger of a newer version is refused and stays as it is.

>>> db = sqlite3.connect(":memory:", isolation_level=None)
>>> migrate(db, backup=lambda version: None)
>>> schema_version(db) == len(MIGRATIONS)
True
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

from synrouter_cli.errors import SynrouterError
from synrouter_cli.ledger.schema import STEPS

BUCKET_SECONDS: Final = 900
"""The rollups' grain: 15 minutes of UTC, the coarsest in which every time zone's day is whole."""

MIGRATIONS: Final = STEPS


class SchemaTooNew(SynrouterError):
    """The ledger was written by a newer Synrouter (schema {found}, this one knows up to {known})."""

    next_command = "upgrade Synrouter, then: synrouter up"


class SchemaTooOld(SynrouterError):
    """The ledger was written by an older Synrouter (schema {found}, this one reads {known})."""

    next_command = "synrouter down, then: synrouter up"


def schema_version(db: sqlite3.Connection) -> int:
    """How many migrations `db` has had; 0 for a fresh file."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection, *, backup: Callable[[int], None]) -> None:
    """Bring `db` up to date; `backup(version)` is called before an existing ledger is changed.

    Raises SchemaTooNew, sqlite3.Error, and what `backup` raises; the step that fails is rolled back.
    """
    version = schema_version(db)
    if version > len(MIGRATIONS):
        raise SchemaTooNew(found=version, known=len(MIGRATIONS))
    if 0 < version < len(MIGRATIONS):
        backup(version)
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")  # a pragma takes no bound parameter
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
