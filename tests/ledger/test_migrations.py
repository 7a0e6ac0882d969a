"""The schema moves forward only, step by step, after a backup; a newer one is refused untouched."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from synrouter_cli.ledger import files, migrations, queries
from synrouter_cli.ledger.columns import COLUMNS, ROLLUPS, encode
from synrouter_cli.ledger.figures import MEASURES
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.migrations import MIGRATIONS, SchemaTooNew, migrate, schema_version
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.rows import Turn
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


def write_as(version: int, path: Path, *turns: Turn) -> dict[str, dict[str, int]]:
    """A ledger as the Synrouter of that schema left it, and the sums of its rollups."""
    files.prepare(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in (statement for step in MIGRATIONS[:version] for statement in step):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {version}")
        known = columns(db, "turns")
        for turn in turns:
            cells = {name: cell for name, cell in zip(COLUMNS, encode(turn), strict=True) if name in known}
            holes = ", ".join("?" * len(cells))
            db.execute(f"INSERT INTO turns ({', '.join(cells)}) VALUES ({holes})", tuple(cells.values()))
        for table, keys in ROLLUPS.items():
            named = ", ".join((*keys, *measures(db, table)))
            summed = ", ".join((*keys, *(f"sum({name})" for name in measures(db, table))))
            db.execute(f"INSERT INTO {table} ({named}) SELECT {summed} FROM final_turns GROUP BY {', '.join(keys)}")
        return {table: sums(db, table, measures(db, table)) for table in ROLLUPS}


def columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def measures(db: sqlite3.Connection, table: str) -> list[str]:
    return [name for name in columns(db, table) if name not in ROLLUPS[table]]


def sums(db: sqlite3.Connection, table: str, names: Iterable[str]) -> dict[str, int]:
    return {name: db.execute(f"SELECT sum({name}) FROM {table}").fetchone()[0] for name in names}


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_ledger_of_each_older_version_keeps_its_rows_and_sums_and_is_backed_up_first(
    monkeypatch, ledger_file: Path, make_turn, version: int
):
    turns = [make_turn(turn=n) for n in range(1, 4)]
    turns.append(make_turn("s2", 1, status="error", cost_pusd=None, billing="subscription"))
    before = write_as(version, ledger_file, *turns)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, NEXT))
    Store.open(ledger_file).close()

    with closing(sqlite3.connect(ledger_file)) as db:
        assert schema_version(db) == len(MIGRATIONS) + 1
        assert db.execute("SELECT turn, note FROM turns WHERE session = 's1' ORDER BY turn").fetchall() == [
            (n, None) for n in (1, 2, 3)
        ]
        for table, names in before.items():
            assert sums(db, table, names) == names
            assert sums(db, table, MEASURES) == sums(db, "final_turns", MEASURES)
    with closing(sqlite3.connect(files.migration_backup_file(ledger_file, version))) as backup:
        assert schema_version(backup) == version
        assert backup.execute("SELECT count(*) FROM turns").fetchone() == (4,)


def test_turns_of_the_first_schema_are_read_with_nothing_said_of_what_it_did_not_know(ledger_file: Path, make_turn):
    turns = [make_turn(turn=n) for n in range(1, 4)]
    write_as(1, ledger_file, *turns)
    store = Store.open(ledger_file)
    with queries.reading(ledger_file) as db:
        assert queries.turns_of(db, "s1") == turns
    store.write(Batch({("s1", 3): make_turn(turn=3, kind="ping", cost_pusd=7)}))  # a row of then, replaced now
    store.close()
    found = queries.report(ledger_file, 0.0, 4e9).totals
    assert (found.count("turns"), found.count("pings"), found.api.ping_cost_pusd) == (2, 1, 7)


def test_the_first_step_was_released_and_stays_as_it_is():
    digest = hashlib.sha256("\n".join(MIGRATIONS[0]).encode()).hexdigest()
    assert digest == "33928c92cbee3497ad285480a1f0b8c16be82241ba474c003d006d87b17a5074"


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
