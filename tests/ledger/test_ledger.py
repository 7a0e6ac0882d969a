"""The ledger as the proxy sees it: nothing waits, nothing raises, what is acknowledged is on disk."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from synrouter_cli.ledger import files, queries, writer
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.pending import Pending

DEADLINE = 10.0


def eventually(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + DEADLINE
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.005)
    return held


class Disk:
    """Connections that fail as told: `full` is a real SQLITE_FULL, `error` is raised by every COMMIT."""

    def __init__(self) -> None:
        self.full = False
        self.error: Exception | None = None
        self.heals_when_opened = False
        self.stalled = threading.Event()
        self.release: threading.Event | None = None
        """While set, a COMMIT waits for it."""
        self.opened = 0

    def connect(self, path: Path) -> sqlite3.Connection:
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
                if disk.full:
                    super().execute("PRAGMA max_page_count = 1")  # never below what there is: it can't grow
                if sql == "COMMIT":
                    disk.commit()
                return super().execute(sql, *values)

        self.opened += 1
        if self.heals_when_opened:
            self.error = None
        return sqlite3.connect(path, timeout=0.02, isolation_level=None, check_same_thread=False, factory=Connection)

    def commit(self) -> None:
        if self.release is not None:
            self.stalled.set()
            self.release.wait(DEADLINE)
        if self.error is not None:
            raise self.error


def sqlite_error(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> sqlite3.Error:
    error = kind("injected")
    error.sqlite_errorcode = code
    return error


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def ledger(ledger_file: Path, disk: Disk) -> Iterator[Ledger]:
    ledger = Ledger.open(ledger_file, connect=disk.connect)
    yield ledger
    ledger.close()


def statuses(path: Path, session: str = "s1") -> list[str]:
    with queries.reading(path) as db:
        return [turn.status for turn in queries.turns_of(db, session)]


# ── when all is well ──


def test_what_is_recorded_is_on_disk_within_moments_without_a_flush(ledger, make_turn):
    ledger.record(make_turn())
    assert eventually(lambda: ledger.committed == 1)
    assert ledger.turns_of("s1") == [make_turn()]


def test_committed_counts_turns_that_are_final_on_disk_each_once(ledger, make_turn):
    counts = []
    for status in ("started", "ok", "ok"):
        ledger.record(make_turn(status=status))
        assert ledger.flush(DEADLINE)
        counts.append(ledger.committed)
    assert counts == [0, 1, 1]


def test_committed_is_never_ahead_of_what_another_process_can_read(ledger, ledger_file, make_turn):
    ahead: list[tuple[int, int]] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            claimed = ledger.committed
            found = queries.report(ledger_file, 0.0, 4e9).totals.count("turns")
            if found < claimed:
                ahead.append((claimed, found))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for n in range(1, 300):
        ledger.record(make_turn(turn=n))
        if n % 10 == 0:
            ledger.flush(DEADLINE)
    done.set()
    watcher.join()
    assert ahead == []


def test_closing_writes_what_waits(ledger_file, make_turn):
    ledger = Ledger.open(ledger_file)
    for n in range(1, 101):
        ledger.record(make_turn(turn=n))
    ledger.close()
    assert statuses(ledger_file) == ["ok"] * 100
    assert ledger.committed == 100


def test_after_closing_a_turn_is_dropped_and_counted(ledger_file, make_turn):
    ledger = Ledger.open(ledger_file)
    ledger.close()
    ledger.record(make_turn())
    assert ledger.health().dropped == 1


def test_the_last_turn_of_a_session_includes_those_not_yet_written(ledger_file, make_turn):
    ledger = Ledger.open(ledger_file)
    ledger.record(make_turn(turn=3))
    ledger.flush(DEADLINE)
    ledger.record(make_turn(turn=7, status="started"))
    assert (ledger.last_turn("s1"), ledger.last_turn("s2")) == (7, 0)
    ledger.close()
    assert ledger.last_turn("s1") == 7


def test_recall_gives_the_last_word_newest_first_whether_written_or_not(ledger_file):
    now = iter(range(100, 200))
    ledger = Ledger.open(ledger_file, clock=lambda: float(next(now)))
    ledger.remember("session", "a", b"1")
    ledger.remember("session", "b", b"2")
    ledger.remember("session", "c", b"3")
    ledger.remember("cache", "a", b"other")
    ledger.flush(DEADLINE)
    ledger.remember("session", "a", b"4")
    ledger.forget("session", "b")
    before = ledger.recall("session")
    ledger.close()
    again = Ledger.open(ledger_file)
    after = again.recall("session")
    again.close()
    assert [(key, value) for key, value, _ in before] == [("a", b"4"), ("c", b"3")]
    assert after == before


def test_recall_is_limited_to_the_newest(ledger):
    for n in range(5):
        ledger.remember("session", str(n), b"")
        ledger.flush(DEADLINE)
    assert [key for key, _, _ in ledger.recall("session", limit=2)] == ["4", "3"]


def test_health_names_the_file_its_size_and_sqlites_version(ledger, ledger_file, make_turn):
    ledger.record(make_turn())
    ledger.flush(DEADLINE)
    health = ledger.health()
    assert (health.path, health.sqlite_version) == (ledger_file, sqlite3.sqlite_version)
    assert (health.queue, health.dropped, health.last_error, health.notice) == (0, 0, None, None)
    assert health.size_bytes == files.size_bytes(ledger_file) > 0


def test_a_copy_is_kept_and_renewed_when_it_is_a_day_old(ledger_file, make_turn):
    now = time.time()
    ledger = Ledger.open(ledger_file, clock=lambda: now)
    backup = files.backup_file(ledger_file)
    found = []
    for n, days in enumerate([0, 0.9, 1.1], start=1):
        now = time.time() + days * 86_400
        ledger.record(make_turn(turn=n))
        ledger.flush(DEADLINE)
        ledger.record(make_turn("other", n))  # the copy is made between two batches
        ledger.flush(DEADLINE)
        found.append(len(statuses(backup)))
    ledger.close()
    assert found == [1, 1, 3]


# ── when it is not ──


def test_a_full_disk_loses_nothing_once_there_is_room_again(ledger, disk, make_turn):
    ledger.record(make_turn("before"))
    assert ledger.flush(DEADLINE)
    disk.full = True
    for n in range(1, 301):
        ledger.record(make_turn(turn=n))
    assert eventually(lambda: "full" in (ledger.health().last_error or ""))
    health = ledger.health()
    assert (ledger.committed, health.queue, health.dropped) == (1, 300, 0)
    disk.full = False
    assert ledger.flush(DEADLINE)
    assert (ledger.committed, ledger.health().last_error) == (301, None)


def test_a_disk_that_is_full_from_the_start_keeps_no_proxy_from_starting(ledger_file, disk, make_turn):
    disk.full = True
    ledger = Ledger.open(ledger_file, connect=disk.connect)
    ledger.record(make_turn())
    assert "full" in (ledger.health().last_error or "")
    assert (ledger.last_turn("s1"), ledger.recall("session")) == (1, [])
    disk.full = False
    assert ledger.flush(DEADLINE)
    ledger.close()
    assert statuses(ledger_file) == ["ok"]


def test_what_does_not_fit_the_queue_is_counted(ledger_file, disk, make_turn):
    ledger = Ledger.open(ledger_file, connect=disk.connect, pending=Pending(max_turns=10))
    disk.error = sqlite_error(sqlite3.SQLITE_FULL)
    for n in range(1, 31):
        ledger.record(make_turn(turn=n))
    assert eventually(lambda: ledger.health().last_error is not None)
    for n in range(31, 61):
        ledger.record(make_turn(turn=n))
    dropped = ledger.health().dropped
    disk.error = None
    assert ledger.flush(DEADLINE)
    ledger.close()
    assert dropped >= 40  # ten wait, and ten more may be in the writer's hands
    assert len(statuses(ledger_file)) == 60 - dropped


def test_closing_on_a_full_disk_ends_and_counts_the_loss(ledger_file, disk, make_turn):
    ledger = Ledger.open(ledger_file, connect=disk.connect)
    disk.error = sqlite_error(sqlite3.SQLITE_FULL)
    ledger.record(make_turn())
    ledger.close()
    assert (ledger.committed, ledger.health().dropped) == (0, 1)


def test_a_ledger_locked_by_another_process_is_written_when_it_is_free(ledger, ledger_file, make_turn):
    script = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "db.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(ledger_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"locked\n"
        ledger.record(make_turn())
        assert eventually(lambda: "locked" in (ledger.health().last_error or ""))
        assert ledger.committed == 0
        other.stdin.close()
        assert ledger.flush(DEADLINE)
    assert (ledger.committed, ledger.health().dropped) == (1, 0)


def test_an_io_error_opens_the_ledger_anew(ledger, disk, make_turn):
    disk.error = sqlite_error(sqlite3.SQLITE_IOERR)
    ledger.record(make_turn())
    assert eventually(lambda: ledger.health().last_error is not None)
    disk.error = None
    assert ledger.flush(DEADLINE)
    assert (ledger.committed, disk.opened > 1) == (1, True)


def test_an_error_that_nobody_foresaw_does_not_end_the_writer(ledger, disk, make_turn):
    disk.error = RuntimeError("unforeseen")
    ledger.record(make_turn())
    assert eventually(lambda: "unforeseen" in (ledger.health().last_error or ""))
    disk.error = None
    assert ledger.flush(DEADLINE)


def test_a_row_that_can_never_be_written_is_dropped_alone(ledger, ledger_file, make_turn):
    for n in range(1, 20):
        ledger.record(make_turn(turn=n, **({"provider": None} if n == 7 else {})))
    ledger.record(make_turn(turn=2**70))
    ledger.record(make_turn(turn=20, plan=b"bytes", started_at="noon"))
    ledger.remember("session", "\ud800", b"")
    ledger.remember("session", "a", b"1")
    assert ledger.flush(DEADLINE)
    health = ledger.health()
    assert (ledger.committed, health.dropped, health.queue) == (18, 4, 0)
    assert "can't be written" in health.notice
    assert len(statuses(ledger_file)) == 18
    assert [key for key, _, _ in ledger.recall("session")] == ["a"]


def damage_header(path: Path) -> None:
    path.write_bytes(b"not a database" * 300)


def damage_pages(path: Path) -> None:
    """All but the first page: the file opens, and fails when it is used."""
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))


@pytest.mark.parametrize("damage", [damage_header, damage_pages])
def test_a_damaged_ledger_is_moved_aside_and_the_backup_restored(ledger_file, make_turn, damage):
    ledger = Ledger.open(ledger_file)
    ledger.record(make_turn(turn=1))
    ledger.flush(DEADLINE)
    ledger.close()  # the first batch also made the backup
    damage(ledger_file)
    again = Ledger.open(ledger_file)
    assert (again.health().last_error, again.last_turn("s1")) == (None, 1)
    again.record(make_turn(turn=2))
    assert again.flush(DEADLINE)
    health = again.health()
    again.close()
    assert statuses(ledger_file) == ["ok", "ok"]
    assert "restored from ledger.db.bak" in health.notice
    assert health.last_error is None
    assert len(list(ledger_file.parent.glob("ledger.db.damaged-*"))) >= 1


def test_a_damaged_ledger_without_a_backup_is_begun_anew(ledger_file, make_turn, caplog):
    ledger_file.parent.mkdir()
    damage_header(ledger_file)
    ledger = Ledger.open(ledger_file)
    assert ledger.health().last_error is None
    ledger.record(make_turn())
    assert ledger.flush(DEADLINE)
    assert "a new one was begun" in ledger.health().notice
    assert caplog.messages == [ledger.health().notice], "it stays in the log when the proxy is gone"
    ledger.close()
    assert statuses(ledger_file) == ["ok"]


def test_damage_found_while_writing_loses_nothing_that_waits(ledger, disk, ledger_file, make_turn):
    ledger.record(make_turn(turn=1))
    ledger.flush(DEADLINE)
    assert eventually(files.backup_file(ledger_file).exists)
    disk.heals_when_opened = True
    disk.error = sqlite_error(sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError)
    ledger.record(make_turn(turn=2))
    assert ledger.flush(DEADLINE)
    assert "restored" in ledger.health().notice
    assert statuses(ledger_file) == ["ok", "ok"]


def test_a_damaged_ledger_that_cannot_be_moved_is_reported_and_tried_again(monkeypatch, ledger_file, make_turn):
    ledger_file.parent.mkdir()
    damage_header(ledger_file)
    recover = files.recover

    def refuse(path: Path, *, now: float) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(writer.files, "recover", refuse)
    ledger = Ledger.open(ledger_file)
    ledger.record(make_turn())
    assert eventually(lambda: "can't be moved" in (ledger.health().last_error or ""))
    monkeypatch.setattr(writer.files, "recover", recover)
    assert ledger.flush(DEADLINE)
    ledger.close()
    assert statuses(ledger_file) == ["ok"]


def test_reading_a_damaged_ledger_gives_nothing_and_raises_nothing(ledger_file, make_turn):
    ledger = Ledger.open(ledger_file)
    ledger.record(make_turn())
    ledger.close()
    damage_header(ledger_file)
    assert (ledger.last_turn("s1"), ledger.last_turns(5), ledger.recall("session")) == (0, [], [])
    assert "can't be read" in ledger.health().last_error


def test_a_backup_that_fails_is_told_and_stops_nothing(monkeypatch, ledger_file, make_turn):
    def refuse(db: sqlite3.Connection, target: Path) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(files, "back_up", refuse)
    ledger = Ledger.open(ledger_file)
    ledger.record(make_turn())
    assert ledger.flush(DEADLINE)
    assert eventually(lambda: "no backup" in (ledger.health().notice or ""))
    ledger.close()
    assert ledger.committed == 1


def test_recording_never_waits_for_the_disk(ledger, disk, make_turn):
    disk.release = threading.Event()
    ledger.record(make_turn(turn=1))
    assert disk.stalled.wait(DEADLINE)
    for n in range(2, 1000):
        ledger.record(make_turn(turn=n))  # a lock held by the stalled writer would hang the test here
    ledger.remember("session", "a", b"1")
    assert ledger.last_turn("s1") == 999
    assert ledger.health().queue == 1000
    disk.release.set()
    assert ledger.flush(DEADLINE)


def test_the_ledger_holds_no_lock_between_batches(ledger, ledger_file, make_turn):
    ledger.record(make_turn())
    ledger.flush(DEADLINE)
    with closing(sqlite3.connect(ledger_file, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
