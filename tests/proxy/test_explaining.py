"""The verdict in a row, what belongs to it, and what a miss cost: through turns against the provider's books."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.bench import WORDS, Bench, body, hours, like_claude_code
from synrouter_cli.demo.judge import Judge
from synrouter_cli.ledger.rows import Turn

READ = {"name": "Read", "description": WORDS * 30, "input_schema": {"type": "object"}}
EDIT = {"name": "Edit", "description": WORDS * 30, "input_schema": {"type": "object"}}


def running(rounds: int = 3, mark: Any = None) -> Bench:
    """A session under way."""
    bench = Bench()
    for number in range(rounds):
        bench.ask(body(number, mark))
    return bench


def another_tool(bench: Bench) -> Turn:
    return bench.ask(body(3, tools=[*body(0)["tools"], READ]))


def another_system(bench: Bench) -> Turn:
    made = body(3)
    made["system"][0]["text"] = "Other rules. " + made["system"][0]["text"]
    return bench.ask(made)


def another_history(bench: Bench) -> Turn:
    made = body(3)
    made["messages"][2]["content"][0]["content"] = "cleared"
    return bench.ask(made)


def after_a_pause(bench: Bench) -> Turn:
    return bench.ask(body(3), after=1400.0)


def at_another_model(bench: Bench) -> Turn:
    return bench.ask(body(3, model="claude-opus-4-8"))


def with_another_beta(bench: Bench) -> Turn:
    return bench.ask(body(3), anthropic_beta="context-1m-2025-08-07")


def with_thinking(bench: Bench) -> Turn:
    return bench.ask(body(3, thinking={"type": "enabled", "budget_tokens": 50}))


def with_all_lost(bench: Bench) -> Turn:
    bench.judge = Judge()
    return bench.ask(body(3))


def as_ever(bench: Bench) -> Turn:
    return bench.ask(body(3))


MISSES: dict[str, tuple[Callable[[Bench], Turn], str, dict[str, Any]]] = {
    "nothing": (as_ever, "hit", {}),
    "a pause": (after_a_pause, "expired", {"gap_s": 1400, "ttl_s": 300}),
    "a tool": (another_tool, "tools", {"tools": {"added": ["Read"], "first": 1, "before": 1, "after": 2}}),
    "the system prompt": (another_system, "system", {}),
    "a message": (another_history, "message", {}),
    "the model": (at_another_model, "model", {"model": ["claude-sonnet-4-6", "claude-opus-4-8"]}),
    "betas": (with_another_beta, "betas", {"betas": {"added": ["context-1m-2025-08-07"]}}),
    "settings": (with_thinking, "settings", {"settings": ["thinking"]}),
    "the provider": (with_all_lost, "lost", {}),
}


@pytest.mark.parametrize(("ask", "code", "detail"), MISSES.values(), ids=MISSES)
def test_each_turn_says_what_made_it_miss(ask: Callable[[Bench], Turn], code: str, detail: dict[str, Any]) -> None:
    row = ask(running())
    assert row.verdict == code, row
    found = json.loads(row.detail) if row.detail else {}
    assert found.items() >= detail.items()
    assert (row.missed_pusd == 0) == (code == "hit")
    assert row.gap_s == (1400.0 if code == "expired" else 5.0)
    assert row.reason and WORDS[:20] not in row.reason + (row.detail or "")


def test_the_first_request_of_all_misses_nothing() -> None:
    row = Bench().ask(body(0))
    assert (row.verdict, row.gap_s, row.missed_pusd, row.detail) == ("first", None, 0, None)


def test_where_a_system_or_a_message_changed_is_told_by_place_and_size() -> None:
    system = json.loads(another_system(running()).detail or "")["system"]
    assert system["block"] == 0 and system["after"] - system["before"] == len("Other rules. ")
    message = json.loads(another_history(running()).detail or "")["message"]
    assert (message["index"], message["what"]) == (2, "tool_result")


def test_a_second_session_with_the_same_head_reads_what_the_first_one_wrote() -> None:
    bench = running()
    made = body(0)
    made["messages"][0]["content"][0]["text"] = "another task"
    row = bench.ask(made, x_claude_code_session_id="s2")
    assert row.verdict == "shared" and row.shared_read_tokens == row.usage.cache_read_tokens > 1000
    assert bench.ask(body(3)).shared_read_tokens == 0, "its own"


def test_a_short_prompt_is_under_the_minimum() -> None:
    row = Bench().ask(like_marked({"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [said(WORDS * 40)]}))
    assert row.verdict == "minimum"
    assert json.loads(row.detail or "")["minimum"] == 4096


def test_what_nobody_marked_is_told_so() -> None:
    bench = Bench("observe")
    assert [bench.ask(body(rounds)).verdict for rounds in range(2)] == ["unmarked", "unmarked"]


def said(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def like_marked(made: dict[str, Any]) -> dict[str, Any]:
    made["messages"][-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
    return made


# ── what a miss cost ──

MILLION = 1_000_000
"""Pico-USD for a token at a USD a million tokens."""
INPUT = 3 * MILLION


def test_an_expired_prefix_cost_what_it_was_written_for_less_a_read() -> None:
    bench = running()
    cached = bench.session().newest.line.cached_tokens
    row = after_a_pause(bench)
    written = 2.0 if row.usage.cache_write_1h_tokens else 1.25
    assert row.missed_pusd == pytest.approx(cached * (written - 0.1) * INPUT, rel=0.01)


def test_a_new_tool_cost_the_whole_prefix_that_was_cached() -> None:
    bench = running()
    cached = bench.session().newest.line.cached_tokens
    row = another_tool(bench)
    assert row.usage.cache_read_tokens == 0
    assert row.missed_pusd == pytest.approx(cached * (1.25 - 0.1) * INPUT, rel=0.01)


def test_a_changed_message_cost_what_stood_behind_it_only() -> None:
    bench = running()
    cached = bench.session().newest.line.cached_tokens
    row = another_history(bench)
    written = row.usage.cache_write_5m_tokens
    behind = min(cached, row.usage.prompt_tokens) - row.usage.cache_read_tokens
    assert row.usage.cache_read_tokens > 0
    assert row.missed_pusd == pytest.approx((written * 1.15 + (behind - written) * 0.9) * INPUT, rel=0.01)


def test_an_unknown_price_leaves_the_cost_of_a_miss_open() -> None:
    bench = Bench()
    for rounds in range(3):
        bench.ask(body(rounds, model="claude-nobody-9", system=[{"type": "text", "text": WORDS * 400}]))
    row = bench.ask(body(3, model="claude-nobody-9", system=[{"type": "text", "text": WORDS * 401}]))
    assert row.verdict == "system" and row.missed_pusd is None and row.cost_pusd is None


# ── sentences ──


def test_a_reason_tells_a_pause_from_a_loss() -> None:
    assert "longer than its entries live" in after_a_pause(running()).reason
    assert "more were expected in the cache" in with_all_lost(running()).reason


def test_after_a_restart_no_miss_is_invented() -> None:
    bench = running(mark=like_claude_code)
    bench.restart()
    assert bench.ask(body(3, like_claude_code)).verdict == "hit"


def test_an_hours_entry_is_not_expired_before_its_hour() -> None:
    bench = running(mark=hours)
    assert bench.ask(body(3, hours), after=1400.0).verdict == "hit"
    assert bench.ask(body(4, hours), after=4000.0).verdict == "expired"
