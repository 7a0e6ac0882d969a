"""A session that asks with other tools now and then (a heartbeat), and what a request without markers tells."""

from __future__ import annotations

from typing import Any

import pytest

from support.bench import Bench, body, like_claude_code
from synrouter_cli.cache.model import Found
from synrouter_cli.cache.planner import Plan

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


def test_a_request_that_we_left_unmarked_says_nothing_of_the_clients_own_entries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That nothing was cached of a request without markers does not mean that the client's would not have been."""
    bench, alone = Bench(), Bench("observe")
    for rounds in range(3):
        bench.ask(body(rounds, like_claude_code))
        alone.ask(body(rounds, like_claude_code))
    with monkeypatch.context() as patch:
        nothing = Plan((), Found(-1, (), ()), "ours", "for this test")
        patch.setattr("synrouter_cli.proxy.planning.decide", lambda situation: nothing)
        ours, theirs = bench.ask(body(3, like_claude_code)), alone.ask(body(3, like_claude_code))
        assert ours.usage.cache_read_tokens == ours.usage.cache_write_tokens == 0
        assert ours.baseline_client_pusd == pytest.approx(theirs.cost_pusd, rel=0.01)
    ours, theirs = bench.ask(body(4, like_claude_code)), alone.ask(body(4, like_claude_code))
    assert ours.baseline_client_pusd == pytest.approx(theirs.cost_pusd, rel=0.01)
