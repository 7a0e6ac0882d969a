"""A batch is one transaction: rows, rollups and memory stand or fall together."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from synrouter_cli.ledger import queries
from synrouter_cli.ledger.columns import ROLLUPS
from synrouter_cli.ledger.figures import MEASURES
from synrouter_cli.ledger.pending import Batch, Blob
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.ledger.store import Store


def batch(*turns: Turn) -> Batch:
    return Batch({(turn.session, turn.turn): turn for turn in turns})


def figures_of(path: Path) -> dict[str, object]:
    return queries.report(path, 0.0, 4e9).totals.numbers()


@pytest.fixture
def store(ledger_file: Path):
    store = Store.open(ledger_file)
    yield store
    store.close()


def test_the_writer_is_durable_and_leaves_no_large_journal(store):
    pragmas = ("journal_mode", "synchronous", "journal_size_limit")
    values = [store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
    assert values == ["wal", 2, 16 * 1024 * 1024]  # 2 is FULL


def test_both_rollups_hold_the_measures_and_their_key(store):
    for table, keys in ROLLUPS.items():
        columns = [row[1] for row in store._db.execute(f"PRAGMA table_info({table})")]
        assert sorted(columns) == sorted((*keys, *MEASURES))


def test_a_turn_counts_once_it_is_final(store, ledger_file, make_turn):
    assert store.write(batch(make_turn(status="started"))) == 0
    assert figures_of(ledger_file)["turns"] == 0
    assert store.write(batch(make_turn(status="ok"))) == 1
    assert figures_of(ledger_file)["turns"] == 1


def test_a_final_row_that_is_replaced_leaves_nothing_of_itself_in_the_sums(store, ledger_file, make_turn):
    store.write(batch(make_turn(model="old", cost_pusd=5 * 10**12, status="error")))
    assert store.write(batch(make_turn(model="new", cost_pusd=1 * 10**12))) == 0
    found = queries.report(ledger_file, 0.0, 4e9, by="model")
    assert [row.key for row in found.rows] == ["new"]
    assert (found.totals.count("turns"), found.totals.count("errors"), found.totals.api.cost_usd) == (1, 0, 1)


def test_a_batch_that_fails_changes_nothing(store, ledger_file, make_turn):
    with pytest.raises(sqlite3.Error):
        store.write(
            Batch(
                {("s1", 1): make_turn(), ("s1", 2): make_turn(turn=2, client=None)},
                {("k", "a"): Blob(b"1", 1.0)},
            )
        )
    assert figures_of(ledger_file)["turns"] == 0
    with queries.reading(ledger_file) as db:
        assert queries.recall(db, "k", 10) == []
        assert queries.turns_of(db, "s1") == []
    assert store.write(batch(make_turn())) == 1


def test_turns_that_an_earlier_run_left_open_become_unknown_and_count(store, ledger_file, make_turn):
    unfinished = {"status": "started", "usage": None, "usage_quality": "none", "cost_pusd": None}
    store.write(batch(make_turn(turn=1), make_turn(turn=2, **unfinished), make_turn(turn=3, **unfinished)))
    store.close()
    Store.open(ledger_file).close()
    with queries.reading(ledger_file) as db:
        turns = queries.turns_of(db, "s1")
    assert [turn.status for turn in turns] == ["ok", "unknown", "unknown"]
    assert turns[1].reason == "Synrouter ended before the answer did"
    assert figures_of(ledger_file)["turns"] == 3
    assert figures_of(ledger_file)["unpriced_turns"] == 2


def test_an_unknown_turn_whose_end_arrives_after_all_is_counted_as_that(store, ledger_file, make_turn):
    store.write(batch(make_turn(status="started", cost_pusd=None)))
    store.close()
    again = Store.open(ledger_file)
    again.write(batch(make_turn()))
    again.close()
    numbers = figures_of(ledger_file)
    assert (numbers["turns"], numbers["unpriced_turns"]) == (1, 0)


def test_memory_is_replaced_and_forgotten(store, ledger_file):
    store.write(Batch({}, {("k", "a"): Blob(b"1", 1.0), ("k", "b"): Blob(b"2", 2.0)}))
    store.write(Batch({}, {("k", "a"): Blob(b"3", 3.0), ("k", "b"): Blob(None, 3.0)}))
    with queries.reading(ledger_file) as db:
        assert queries.recall(db, "k", 10) == [("a", b"3", 3.0)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (1, 0, 0)),
        ({"cost_pusd": None}, (0, 1, 0)),
        ({"baseline_client_pusd": None}, (0, 1, 0)),
        ({"baseline_no_cache_pusd": None}, (0, 1, 0)),
        ({"status": "error", "http_status": 429, "usage": None, "cost_pusd": None}, (0, 0, 1)),
        ({"status": "error", "http_status": 429, "usage": None}, (0, 0, 1)),
        ({"status": "error", "http_status": 200, "usage": None, "cost_pusd": None}, (0, 1, 1)),
        ({"status": "error", "http_status": None, "usage": None, "cost_pusd": None}, (0, 1, 1)),
        ({"status": "truncated"}, (1, 0, 1)),
        ({"status": "cancelled", "usage": None, "cost_pusd": None}, (0, 1, 0)),
    ],
    ids=[
        "all prices known",
        "cost unknown",
        "client's baseline unknown",
        "baseline without cache unknown",
        "refused",
        "refused, with a cost of nothing",
        "failed after it began",
        "no answer",
        "cut off",
        "cancelled",
    ],
)
def test_what_counts_as_priced_unpriced_and_failed(store, ledger_file, make_turn, changes, expected):
    store.write(batch(make_turn(**changes)))
    sums = queries.report(ledger_file, 0.0, 4e9).totals.api
    assert (sums.priced_turns, sums.unpriced_turns, sums.errors) == expected


def test_a_ping_is_a_cost_and_no_turn_and_its_failure_none_of_a_turn(store, ledger_file, make_turn):
    ping = {"kind": "ping", "baseline_no_cache_pusd": 0, "baseline_client_pusd": 0}
    store.write(batch(make_turn(turn=1, **ping), make_turn(turn=2, status="truncated", **ping)))
    found = queries.report(ledger_file, 0.0, 4e9, by="client")
    numbers = found.totals.numbers()
    assert (numbers["turns"], numbers["errors"], numbers["pings"]) == (0, 0, 2)
    assert numbers["cost_usd"] == numbers["ping_cost_usd"] == -numbers["saved_by_synrouter_usd"] > 0
    assert [(row.key, row.figures.count("pings")) for row in found.rows] == [("claude-code", 2)]
    assert [session.figures.count("pings") for session in found.sessions] == [2]


def test_a_ping_that_is_replaced_leaves_no_group_behind(store, ledger_file, make_turn):
    store.write(batch(make_turn(kind="ping", model="old")))
    store.write(batch(make_turn(kind="ping", model="new")))
    found = queries.report(ledger_file, 0.0, 4e9, by="model")
    assert [row.key for row in found.rows] == ["new"]


def test_a_sessions_kind_is_that_of_its_last_turn_not_of_the_ping_after_it(store, ledger_file, make_turn):
    store.write(batch(make_turn(turn=1, kind="subagent", mode="coding"), make_turn(turn=2, kind="ping", mode="")))
    [session] = queries.report(ledger_file, 0.0, 4e9).sessions
    assert (session.kind, session.mode) == ("subagent", "coding")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, 5), ({"cost_pusd": None}, None), ({"billing": "subscription"}, 0)],
    ids=["priced", "price unknown", "subscription"],
)
def test_what_trimming_saved_is_of_priced_billed_turns_and_in_no_other_saving(
    store, ledger_file, make_turn, changes, expected
):
    money = dict.fromkeys(("cost_pusd", "baseline_no_cache_pusd", "baseline_client_pusd"), 10**12)
    store.write(batch(make_turn(**(money | {"trimmed_tokens": 9, "trimmed_pusd": 5 * 10**12} | changes))))
    numbers = figures_of(ledger_file)
    assert numbers["trimmed_saved_usd"] == expected
    assert not numbers["saved_usd"] and not numbers["saved_by_synrouter_usd"]


@pytest.mark.parametrize(("quality", "estimated"), [("exact", 0), ("partial", 1), ("estimated", 1), ("none", 0)])
def test_what_counts_as_estimated(store, ledger_file, make_turn, quality, estimated):
    store.write(batch(make_turn(usage_quality=quality)))
    assert figures_of(ledger_file)["estimated_turns"] == estimated


def test_sql_in_a_name_is_only_a_name(store, ledger_file, make_turn):
    name = "x'); DROP TABLE turns; --"
    store.write(batch(make_turn(session=name, client=name, model=name)))
    store.write(Batch({}, {(name, name): Blob(b"1", 1.0)}))
    found = queries.report(ledger_file, 0.0, 4e9, by="client")
    assert (found.rows[0].key, found.sessions[0].id, found.sessions[0].model) == (name, name, name)
    with closing(sqlite3.connect(ledger_file)) as db:
        assert db.execute("SELECT count(*) FROM turns").fetchone() == (1,)


def test_time_before_1970_is_counted_at_its_beginning(store, ledger_file, make_turn):
    store.write(batch(make_turn(started_at=-5.0)))
    assert figures_of(ledger_file)["turns"] == 1
