"""A session that asks with other tools now and then (a heartbeat), and what a request without markers tells."""

from __future__ import annotations

from typing import Any

import pytest

from support.bench import FIVE, Bench, body, like_claude_code

OTHER = [{"name": "Heartbeat", "description": "is anybody there? " * 400, "input_schema": {"type": "object"}}]


def heartbeat(rounds: int) -> dict[str, Any]:
    """The same history under other tools and another system prompt."""
    return {**body(rounds), "tools": OTHER, "system": [{"type": "text", "text": "You look after things. " * 100}]}


def test_a_heartbeat_with_other_tools_does_not_make_the_session_miss() -> None:
    bench = Bench()
    bench.names = {"x-session-id": "s1"}
    bench.ask(body(3))
    for rounds in (4, 5, 6):
        beat = bench.ask(heartbeat(rounds), after=20.0)
        row = bench.ask(body(rounds), after=20.0)
        assert beat.session == row.session and beat.kind == row.kind == "main"
        assert row.verdict == "hit" and row.usage.cache_read_tokens > 0
    assert beat.verdict == "hit", "and it goes on where it was itself"


def test_tools_that_change_for_good_miss_once_and_say_so() -> None:
    bench = Bench()
    bench.names = {"x-session-id": "s1"}
    bench.ask(body(3))
    rows = [bench.ask({**body(rounds), "tools": [*body(0)["tools"], *OTHER]}) for rounds in (4, 5, 6)]
    assert [row.verdict for row in rows] == ["tools", "hit", "hit"]


def test_an_answer_to_a_request_being_under_way_while_a_heartbeat_comes_belongs_to_its_own_line() -> None:
    bench = Bench()
    bench.names = {"x-session-id": "s1"}
    bench.ask(body(3))
    under_way = bench.begin(body(4))
    beat = bench.begin(heartbeat(4), after=0.0)
    bench.answer(under_way)
    bench.answer(beat)
    assert bench.ask(body(5)).verdict == "hit"
    assert bench.ask(heartbeat(5)).verdict == "hit"


@pytest.mark.parametrize("level", ["safe", "standard"])
def test_a_request_that_we_left_unmarked_says_nothing_of_the_clients_own_entries(level: str) -> None:
    """What the client's markers would have met is not what ours, that were not there, did not meet."""
    bench, alone = Bench(level), Bench("observe")
    bench.names = alone.names = {"x-session-id": "s1"}

    def ticking(rounds: int) -> dict[str, Any]:
        made = body(rounds, like_claude_code)
        clock = {"type": "text", "text": f"It is 12:{rounds:02}:07.", "cache_control": dict(FIVE)}
        made["tools"] = made["tools"][:1]
        made["system"] = [clock]
        return made

    for rounds in range(12):
        ours, theirs = bench.ask(ticking(rounds)), alone.ask(ticking(rounds))
        if rounds > 3:
            assert ours.baseline_client_pusd == pytest.approx(theirs.cost_pusd, rel=0.01)
    assert ours.cost_pusd < theirs.cost_pusd, "nothing is written behind a clock"
