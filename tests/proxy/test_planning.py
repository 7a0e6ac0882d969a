"""From a request to its plan, through turns against the simulated provider's books."""

from __future__ import annotations

from support.bench import Bench, body

# ── what begins, and what goes on ──


def test_the_first_request_of_a_client_without_ids_begins_a_session() -> None:
    bench = Bench()
    bench.names = {}
    row = bench.ask(body(0))
    assert row.gap_s is None
    assert bench.session().gaps.requests == 1, "nothing came before it"
    head = bench.turns._planning.expectations.heads.items()[0][1]
    assert head.uses == 1
    assert bench.ask(body(1), after=7.0).gap_s == 7.0


def test_short_sessions_without_ids_teach_that_their_head_is_shared() -> None:
    bench = Bench()
    bench.names = {}
    for number in range(12):
        made = body(0)
        made["messages"][0]["content"][0]["text"] += str(number)
        bench.ask(made)
    expected = bench.turns._planning.expectations
    (key, head), *_ = expected.heads.items()
    assert head.begins == 11 and expected.heads.shared(key, 0.02) > 0.3
