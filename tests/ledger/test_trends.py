"""What the dashboard asks of the ledger: steps of a range, turns that did not end well."""

from __future__ import annotations

from synrouter_cli.ledger import queries, trends
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.store import Store

BUCKET = 900
START = 1_763_683_200.0  # 2025-11-21 00:00 UTC


def write(path, *turns):
    path.parent.mkdir(parents=True, exist_ok=True)
    store = Store.open(path)
    store.write(Batch({(turn.session, turn.turn): turn for turn in turns}))
    store.close()


def test_each_bucket_is_in_one_step_and_all_steps_add_up_to_the_total(ledger_file, make_turn):
    turns = [make_turn(turn=i + 1, started_at=START + i * BUCKET + 1) for i in range(96)]
    write(ledger_file, *turns)
    with queries.reading(ledger_file) as db:
        for count in (1, 7, 24, 28, 96, 100):
            steps = trends.steps(db, START, START + 96 * BUCKET, count)
            assert len(steps) == count
            assert sum(step.count("turns") for step in steps) == 96
        hours = trends.steps(db, START, START + 96 * BUCKET, 24)
        assert [step.count("turns") for step in hours] == [4] * 24


def test_a_step_without_turns_is_empty_and_others_are_not_counted(ledger_file, make_turn):
    write(
        ledger_file,
        make_turn(turn=1, started_at=START - 1),
        make_turn(turn=2, started_at=START + 3 * 3600),
        make_turn(turn=3, started_at=START + 86_400),
    )
    with queries.reading(ledger_file) as db:
        steps = trends.steps(db, START, START + 86_400, 24)
    assert [step.count("turns") for step in steps] == [int(hour == 3) for hour in range(24)]
    assert steps[3].api.saved_by_synrouter_usd == steps[3].api.baseline_client_usd - steps[3].api.cost_usd


def test_turns_that_did_not_end_well_come_latest_first_and_within_the_range(ledger_file, make_turn):
    states = ["ok", "error", "truncated", "cancelled", "unknown", "started"]
    write(
        ledger_file,
        make_turn(turn=1, started_at=START - 1, status="error"),
        *[make_turn(turn=2 + i, started_at=START + i, status=state) for i, state in enumerate(states)],
    )
    with queries.reading(ledger_file) as db:
        # what was under way when the ledger was closed stays as it is until a daemon opens it
        found = trends.unwell(db, START, START + 100, 10)
        assert [turn.status for turn in found] == ["unknown", "cancelled", "truncated", "error"]
        assert len(trends.unwell(db, START, START + 100, 2)) == 2


def test_a_step_of_pings_alone_has_their_cost_and_their_failures_are_none_of_turns(ledger_file, make_turn):
    write(ledger_file, make_turn(started_at=START + 5, kind="ping", status="error"))
    with queries.reading(ledger_file) as db:
        [step] = trends.steps(db, START, START + BUCKET, 1)
        assert trends.unwell(db, START, START + 100, 10) == []
    assert (step.count("turns"), step.count("pings"), step.api.cost_pusd) == (0, 1, make_turn().cost_pusd)
