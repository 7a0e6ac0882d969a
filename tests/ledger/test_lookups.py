"""Single answers out of the ledger: they find what is meant, nothing else, and never by reading it all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.ledger import lookups
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.queries import LedgerUnreadable
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.ledger.store import Store

NOON = 1_763_726_400.0
CENT = 10**10


@pytest.fixture
def write(ledger_file: Path):
    def write(*turns: Turn) -> Path:
        store = Store.open(ledger_file)
        store.write(Batch({(turn.session, turn.turn): turn for turn in turns}))
        store.close()
        return ledger_file

    return write


# ── a session by the start of its id ──


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("a1", ["a1", "a1b2", "a1b3"]),
        ("a1b2", ["a1b2"]),
        ("a2", []),
        ("A1", []),
        ("%", ["%_x"]),
        ("a1\x00", []),
        ("", ["%_x", "a1", "a1b2", "a1b3", "é\U0010fffe"]),
        ("é", ["é\U0010fffe"]),
    ],
)
def test_a_session_is_found_by_the_start_of_its_id(write, make_turn, prefix, found):
    names = ("a1b3", "a1", "a1b2", "%_x", "é\U0010fffe")
    path = write(*(make_turn(name, n) for name in names for n in (1, 2)))
    assert lookups.find_session(path, prefix) == found


def test_no_more_sessions_are_found_than_anybody_reads(write, make_turn):
    path = write(*(make_turn(f"s{n:04}") for n in range(lookups.MOST_FOUND + 5)))
    assert lookups.find_session(path, "s") == [f"s{n:04}" for n in range(lookups.MOST_FOUND)]


def test_the_turns_of_a_session_are_all_of_them(write, make_turn):
    turns = [make_turn(turn=1), make_turn(turn=2, kind="ping"), make_turn(turn=3, status="started")]
    path = write(*turns, make_turn("another"))
    assert lookups.turns_of(path, "s1") == turns


# ── the last costly miss ──


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ([CENT, 5 * CENT, None], 2),
        ([5 * CENT, CENT, CENT - 1], 2),
        ([7, 9, 8], 2),
        ([None, 0, None], None),
        ([], None),
    ],
    ids=["the latest", "not one below a cent", "else the largest", "none missed", "no turns"],
)
def test_the_last_miss_that_cost_a_cent_else_the_largest(write, make_turn, missed, expected):
    path = write(*(make_turn(turn=n, missed_pusd=cost) for n, cost in enumerate(missed, start=1)))
    found = lookups.last_costly_miss(path, 0.0)
    assert (found and found.turn) == expected


def test_a_miss_before_the_range_or_under_way_is_not_the_last_one(write, make_turn):
    path = write(
        make_turn(turn=1, missed_pusd=9 * CENT),
        make_turn(turn=2, missed_pusd=3),
        make_turn(turn=3, missed_pusd=9 * CENT, status="started"),
    )
    found = lookups.last_costly_miss(path, NOON + 2)
    assert found == make_turn(turn=2, missed_pusd=3)


# ── what the gap model reads ──


def test_gaps_are_the_times_of_the_latest_main_sessions(write, make_turn):
    path = write(
        *(make_turn("old", n, started_at=NOON + n) for n in (1, 2)),
        *(make_turn("new", n, started_at=NOON + 5000 + at) for n, at in ((1, 9.0), (2, 3.0), (3, 60.0))),
        make_turn("new", 4, started_at=NOON + 5100, kind="side"),
        make_turn("new", 5, started_at=NOON + 5200, status="error"),
        make_turn("new", 6, started_at=NOON + 5300, kind="ping"),
        make_turn("new", 7, started_at=NOON + 5400, status="started"),
        make_turn("helper", 1, started_at=NOON + 5000, kind="subagent"),
        make_turn("pinged", 1, started_at=NOON + 9000, kind="ping"),
    )
    new = ("new", [NOON + 5000 + at for at in (3.0, 9.0, 60.0, 200.0)])
    assert lookups.gaps(path, 1) == [new]
    assert lookups.gaps(path, 99) == [new, ("old", [NOON + 1, NOON + 2])]


def test_gaps_are_of_the_last_turns_of_a_long_session(monkeypatch, write, make_turn):
    monkeypatch.setattr(lookups, "MOST_TURNS", 2)
    path = write(*(make_turn(turn=n) for n in range(1, 6)))
    assert lookups.gaps(path, 9) == [("s1", [NOON + 4, NOON + 5])]


def test_gaps_are_of_so_many_sessions_at_most(monkeypatch, write, make_turn):
    monkeypatch.setattr(lookups, "MOST_SESSIONS", 2)
    path = write(*(make_turn(f"s{n}") for n in range(4)))
    assert len(lookups.gaps(path, 1000)) == 2


# ── all of them ──


def test_without_a_ledger_nothing_is_found(tmp_path):
    path = tmp_path / "none.db"
    assert lookups.find_session(path, "a") == lookups.turns_of(path, "a") == lookups.gaps(path, 9) == []
    assert lookups.last_costly_miss(path, 0.0) is None
    assert not path.exists()


def test_a_file_that_is_no_ledger_is_an_error_and_not_an_empty_one(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerUnreadable):
        lookups.gaps(tmp_path / "ledger.db", 9)


@pytest.mark.parametrize("query", ["_FIND", "_LATEST", "_LARGEST", "_SESSIONS", "_KIND", "_TIMES"])
def test_no_question_reads_the_whole_table(write, make_turn, query):
    text = getattr(lookups, query)
    names = {"first": "a", "behind": "b", "most": 1, "since": 0.0, "least": 1}
    values = ("s1", 1)[: text.count("?")][-text.count("?") :] if "?" in text else names
    with closing(sqlite3.connect(write(make_turn()))) as db:
        steps = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {text}", values)]
    assert any("INDEX" in step or "PRIMARY KEY" in step or "SCAN session_rollup" in step for step in steps)
    assert [step for step in steps if step in ("SCAN turns", "SCAN t")] == []


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4), max_size=6), st.text(max_size=2)
)
def test_a_prefix_finds_the_ids_that_begin_with_it_and_no_others(names, prefix):
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE turns (session TEXT, turn INTEGER, PRIMARY KEY (session, turn))")
    db.executemany("INSERT INTO turns VALUES (?, 1)", [(name,) for name in set(names)])
    first = lookups.key_text(prefix)
    bounds = {"first": first, "behind": first + lookups._BEHIND, "most": 100}
    found = [session for (session,) in db.execute(lookups._FIND, bounds)]
    db.close()
    assert found == sorted(name for name in set(names) if name.startswith(first))
