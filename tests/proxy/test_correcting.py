"""What the provider reports corrects the model, and stops our edits where only they explain a miss."""

from __future__ import annotations

import json

import pytest

from support.bench import Bench, body, like_claude_code, long_body, results
from synrouter_cli.demo.judge import Judge


def lost_twice(bench: Bench, rounds: int = 4, after: float = 5.0) -> None:
    """A session in which the provider has lost, two turns running, what was written."""
    for number in range(rounds):
        if number >= rounds - 2:
            bench.judge = Judge()
        bench.ask(long_body(number, like_claude_code), after)


def test_two_losses_in_a_row_end_our_edits_in_that_session() -> None:
    bench = Bench("standard")
    lost_twice(bench)
    assert bench.session().newest.breaker.tripped
    cut = results(bench.sent[-1])
    row = bench.ask(long_body(5, like_claude_code))
    sent = json.loads(bench.sent[-1])
    marked = [m for m in sent["messages"] for block in m["content"] if "cache_control" in block]
    assert marked == [sent["messages"][-1]], "the client's own markers"
    assert results(bench.sent[-1])[: len(cut)] == cut, "what was cut stays cut"
    assert all(len(result) > 60_000 for result in results(bench.sent[-1])[len(cut) :]), "and nothing new is"
    assert row.usage.cache_read_tokens > 0 and "nothing new is edited" in row.reason
    other = bench.ask(long_body(2), x_claude_code_session_id="s2")
    assert "marks=0" not in other.plan, "other sessions go on"


def test_it_stays_so_after_a_restart() -> None:
    bench = Bench("standard")
    lost_twice(bench)
    before = bench.sent[-1]
    bench.ask(long_body(5, like_claude_code))
    after = bench.sent[-1]
    bench.restart()
    bench.ask(long_body(5, like_claude_code))
    assert bench.sent[-1] == after
    assert results(bench.sent[-1])[: len(results(before))] == results(before)


@pytest.mark.parametrize("after", [61.0, 200.0])
def test_losses_after_a_minute_are_the_providers(after: float) -> None:
    bench = Bench("standard")
    lost_twice(bench, after=after)
    assert not bench.session().newest.breaker.tripped


def test_one_loss_does_not_stop_us() -> None:
    bench = Bench("standard")
    for number in range(6):
        if number == 3:
            bench.judge = Judge()
        bench.ask(long_body(number))
    assert not bench.session().newest.breaker.tripped


def test_what_was_not_edited_is_not_our_fault() -> None:
    bench = Bench("observe")
    for number in range(5):
        bench.judge = Judge() if number > 2 else bench.judge
        bench.ask(body(number, like_claude_code))
    assert not bench.session().newest.breaker.tripped


def test_cuts_that_were_planned_before_it_tripped_stay_too() -> None:
    bench = Bench("standard")
    for number in range(2):
        bench.ask(long_body(number))
    early = bench.begin(long_body(2))  # under way while another one trips the breaker
    assert early._planned is not None
    bench.turns._books.refused(early._planned)
    bench.answer(early)
    bench.ask(long_body(3))
    assert results(bench.sent[-1])[:2] == results(early.body)
    assert len(results(bench.sent[-1])[2]) > 60_000
