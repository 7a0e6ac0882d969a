"""kill -9 under load: nothing acknowledged is lost, and the next start is clean.

`KILLS=50 pytest tests/ledger/test_durability.py` does it as often as wanted.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import synrouter_cli
from synrouter_cli.ledger import queries
from synrouter_cli.ledger.figures import MEASURES
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.store import Store

KILLS = int(os.environ.get("KILLS", "20"))
AHEAD = 5

# Turns begin AHEAD turns before they end. `flush` in a thread of its own keeps commits coming without a pause,
# so that the kill falls into one; every figure printed was read from `committed` before.
RECORDER = f"""
import sys, threading, time
from pathlib import Path
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.wire.usage import Usage

ledger = Ledger.open(Path(sys.argv[1]))
session = sys.argv[2]

def hurry():
    while True:
        ledger.flush(10)
        print(ledger.committed, flush=True)

threading.Thread(target=hurry, daemon=True).start()
began = time.time()
for number in range(1, {AHEAD} + 1):
    ledger.record(Turn(session, number, began))
number = 0
while True:
    number += 1
    ledger.record(Turn(session, number + {AHEAD}, began))
    money = dict(cost_pusd=number, baseline_no_cache_pusd=2 * number, baseline_client_pusd=number)
    ledger.record(Turn(session, number, began, "ok", usage=Usage(1, 2, 3, 4, 5), usage_quality="exact", **money))
    ledger.remember("session", session, b"%d" % number)
    time.sleep(0.0002)
"""


def kill_while_recording(path: Path, session: str, after_commits: int) -> int:
    """Run the recorder, kill -9 it once it has acknowledged that many times. Returns what it acknowledged last."""
    environment = os.environ | {"PYTHONPATH": str(Path(synrouter_cli.__file__).parents[1])}
    command = [sys.executable, "-c", RECORDER, str(path), session]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as recorder:
        lines: list[bytes] = []
        while len(lines) < after_commits or int(lines[-1]) == 0:
            lines.append(recorder.stdout.readline())
        recorder.kill()
        lines += recorder.stdout.readlines()
        assert recorder.wait(10) == -signal.SIGKILL
    return int([line for line in lines if line.endswith(b"\n")][-1])


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_nothing_acknowledged_is_lost_to_kill_9_and_the_gap_shows(ledger_file):
    acknowledged = {f"run-{n}": kill_while_recording(ledger_file, f"run-{n}", 1 + 7 * n % 23) for n in range(KILLS)}
    assert all(acknowledged.values())

    Ledger.open(ledger_file).close()  # what `up` does
    for session, count in acknowledged.items():
        with queries.reading(ledger_file) as db:
            turns = queries.turns_of(db, session)
        finished = [turn.turn for turn in turns if turn.status == "ok"]
        left_open = [turn.turn for turn in turns if turn.status == "unknown"]
        assert finished == list(range(1, len(finished) + 1))
        assert len(finished) >= count
        assert len(finished) + len(left_open) == len(turns), "a turn is still marked as started"
        assert left_open == list(range(len(finished) + 1, len(turns) + 1))
        assert len(left_open) <= AHEAD
    assert sound(ledger_file)


def sound(path: Path) -> bool:
    """Whether SQLite finds nothing wrong, and both rollups equal the sums over the rows."""
    sums = ", ".join(f"sum({name})" for name in MEASURES)
    with closing(sqlite3.connect(path)) as db:
        tables = ("final_turns", "rollup", "session_rollup")
        found = {db.execute(f"SELECT {sums} FROM {table}").fetchone() for table in tables}
        return len(found) == 1 and db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_memory_and_rows_of_one_batch_come_back_together(ledger_file):
    kill_while_recording(ledger_file, "run", 12)
    store = Store.open(ledger_file)
    store.close()
    with queries.reading(ledger_file) as db:
        finished = [turn for turn in queries.turns_of(db, "run") if turn.status == "ok"]
        [(_, value, _)] = queries.recall(db, "session", 10)
    # A batch may be taken between a turn's end and the memory of it, never the other way round.
    assert 0 <= len(finished) - int(value) <= 1
