"""The ledger's files are private from the start; a damaged one gives way to the last sound backup."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from synrouter_cli.ledger import files
from synrouter_cli.ledger.ledger import Ledger

posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def database(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE t (a)")
        db.execute("INSERT INTO t VALUES (?)", (text,))
    return path


def content(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT a FROM t").fetchone()[0]


@posix
def test_every_file_of_a_running_ledger_is_0600_and_its_directory_0700_under_umask_0(no_umask, ledger_file, make_turn):
    ledger = Ledger.open(ledger_file)
    ledger.record(make_turn())
    assert ledger.flush(10)
    made = sorted(entry.name for entry in ledger_file.parent.iterdir())
    modes = {mode(entry) for entry in ledger_file.parent.iterdir()}
    ledger.close()
    assert {"ledger.db", "ledger.db-wal", "ledger.db-shm"} <= set(made)
    assert modes == {0o600}
    assert mode(ledger_file.parent) == 0o700
    assert mode(files.backup_file(ledger_file)) == 0o600


@posix
def test_the_file_is_private_from_its_first_byte_not_only_afterwards(no_umask, ledger_file, monkeypatch):
    def refuse(path: Path, mode: int) -> None:
        raise AssertionError(f"{path.name} was open to others for a moment")

    monkeypatch.setattr(Path, "chmod", refuse)
    files.prepare(ledger_file)
    assert mode(ledger_file) == 0o600


@posix
def test_a_ledger_that_others_could_read_is_closed_to_them(ledger_file):
    ledger_file.parent.mkdir()
    ledger_file.touch(0o644)
    ledger_file.chmod(0o644)
    files.prepare(ledger_file)
    assert mode(ledger_file) == 0o600


@posix
def test_a_directory_that_was_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    files.prepare(tmp_path / "ledger.db")
    assert mode(tmp_path) == 0o755


def test_a_backup_is_replaced_only_by_a_sound_copy(tmp_path, monkeypatch):
    source, target = database(tmp_path / "a.db", "new"), database(tmp_path / "a.db.bak", "old")
    monkeypatch.setattr(files, "is_sound", lambda path: False)
    with closing(sqlite3.connect(source)) as db, pytest.raises(files.DamagedCopy):
        files.back_up(db, target)
    assert content(target) == "old"
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.db", "a.db.bak"}


def test_a_backup_is_one_file_that_holds_everything(tmp_path):
    source = database(tmp_path / "a.db", "new")
    with closing(sqlite3.connect(source)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        files.back_up(db, tmp_path / "a.db.bak")
    assert content(tmp_path / "a.db.bak") == "new"
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.db", "a.db.bak"}


def test_recovery_moves_all_three_files_aside_and_takes_the_newest_sound_backup(tmp_path):
    path = tmp_path / "ledger.db"
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).write_bytes(b"rubbish")
    for age, (name, text) in enumerate([("bak", "old"), ("v1.bak", "older"), ("v2.bak", "")]):
        backup = tmp_path / f"ledger.db.{name}"
        if text:
            database(backup, text)
        else:
            backup.write_bytes(b"not a database" * 100)
        os.utime(backup, (1000 - age if text else 2000, 1000 - age if text else 2000))
    told = files.recover(path, now=0.0)
    assert content(path) == "old"
    assert "ledger.db.bak" in told
    for suffix in ("", "-wal", "-shm"):
        assert (tmp_path / f"ledger.db.damaged-19700101T000000Z{suffix}").read_bytes() == b"rubbish"


def test_recovery_without_a_backup_leaves_room_for_a_new_ledger(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"rubbish")
    assert "a new one" in files.recover(path, now=0.0)
    assert not path.exists()


def test_two_recoveries_in_one_second_keep_both_damaged_files(tmp_path):
    path = tmp_path / "ledger.db"
    for text in (b"first", b"second"):
        path.write_bytes(text)
        files.recover(path, now=0.0)
    assert sorted(entry.read_bytes() for entry in tmp_path.iterdir()) == [b"first", b"second"]


def test_the_size_counts_the_companions_and_is_0_without_a_ledger(tmp_path):
    path = tmp_path / "ledger.db"
    assert files.size_bytes(path) == 0
    path.write_bytes(b"12")
    path.with_name("ledger.db-wal").write_bytes(b"345")
    assert files.size_bytes(path) == 5
