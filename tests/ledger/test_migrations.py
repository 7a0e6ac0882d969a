"""The schema moves forward only, step by step, after a backup; a newer one is refused untouched."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from synrouter_cli.ledger import files, migrations
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.migrations import MIGRATIONS, SchemaTooNew, migrate, schema_version
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.store import Store

NEXT = ("ALTER TABLE turns ADD COLUMN note TEXT",)
BROKEN = ("CREATE TABLE half (a)", "CREATE TABLE nonsense (")


def memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def no_backup(version: int) -> None:
    raise AssertionError("a fresh ledger needs no backup")


def test_a_fresh_ledger_gets_every_step_and_no_backup():
    db = memory()
    migrate(db, backup=no_backup)
    assert schema_version(db) == len(MIGRATIONS)


def test_migrating_again_changes_nothing():
    db = memory()
    migrate(db, backup=no_backup)
    before = db.total_changes
    migrate(db, backup=no_backup)
    assert db.total_changes == before


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_ledger_of_each_older_version_keeps_its_rows_and_is_backed_up_first(
    monkeypatch, ledger_file: Path, make_turn, version: int
):
    monkeypatch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:version])
    store = Store.open(ledger_file)
    store.write(Batch({("s1", n): make_turn(turn=n) for n in range(1, 4)}))
    store.close()

    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, NEXT))
    Store.open(ledger_file).close()

    db = sqlite3.connect(ledger_file)
    assert schema_version(db) == len(MIGRATIONS) + 1
    assert db.execute("SELECT turn, note FROM turns ORDER BY turn").fetchall() == [(n, None) for n in (1, 2, 3)]
    db.close()
    backup = sqlite3.connect(files.migration_backup_file(ledger_file, version))
    assert schema_version(backup) == version
    assert backup.execute("SELECT count(*) FROM turns").fetchone() == (3,)
    backup.close()


def test_a_step_that_fails_leaves_the_version_and_the_tables_as_they_were(monkeypatch):
    db = memory()
    migrate(db, backup=no_backup)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, BROKEN))
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, backup=lambda version: None)
    assert schema_version(db) == len(MIGRATIONS)
    assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)


def test_no_step_is_taken_when_the_backup_fails(monkeypatch):
    db = memory()
    migrate(db, backup=no_backup)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, NEXT))

    def full_disk(version: int) -> None:
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        migrate(db, backup=full_disk)
    assert schema_version(db) == len(MIGRATIONS)


def test_a_newer_ledger_is_refused_with_the_next_command_and_stays_as_it_is(ledger_file: Path):
    Store.open(ledger_file).close()
    db = sqlite3.connect(ledger_file)
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()
    before = ledger_file.read_bytes()
    with pytest.raises(SchemaTooNew) as refused:
        Ledger.open(ledger_file)
    assert "schema 99" in refused.value.message
    assert "upgrade" in refused.value.hint
    assert ledger_file.read_bytes() == before


def test_the_views_bucket_is_the_one_that_queries_assume():
    db = memory()
    migrate(db, backup=no_backup)
    (view,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'final_turns'").fetchone()
    seconds = migrations.BUCKET_SECONDS
    assert f"/ {seconds} * {seconds} AS bucket" in view
