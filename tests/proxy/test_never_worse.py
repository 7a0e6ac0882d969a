"""Real clients' marker layouts on a made-up session: never dearer with Synrouter, and nothing false is claimed.

The same comparison on recorded sessions is `benchmarks/replay.py`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from benchmarks import layouts, replay, traces
from synrouter_cli import meter
from synrouter_cli.cache.model import Split

MODEL = "claude-opus-4-8"


def call(number: int, chars: int) -> list[dict[str, Any]]:
    ident = f"toolu_{number}"
    thinking = {"type": "thinking", "thinking": f"step {number}", "signature": "s" * 800}
    use = {"type": "tool_use", "id": ident, "name": "tool_01", "input": {"path": f"src/{number}.py"}}
    text = (f"{number}: def value(): return {number}\n" * (chars // 20))[:chars]
    return [
        {"role": "assistant", "content": [thinking, use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": ident, "content": text}]},
    ]


def human(text: str) -> list[dict[str, Any]]:
    return [
        {"role": "assistant", "content": [{"type": "text", "text": f"Done with {text}."}]},
        {"role": "user", "content": [{"type": "text", "text": f"Now {text}, please. " * 20}]},
    ]


def session() -> list[replay.Step]:
    """Tool loops, two things a person types, a rewind, a compaction, pauses shorter and longer than 5 minutes."""
    fixed = traces.head()
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": "Fix the tests. " * 40}]}]
    steps: list[replay.Step] = []
    now = 0.0

    def ask(gap: float) -> None:
        nonlocal now
        now += gap
        request = traces.Request(now, list(messages), 0, None, None, now)
        steps.append((now, traces.body(request, MODEL, fixed)))

    ask(0.0)
    for number in range(30):
        messages += call(number, 400 + 700 * (number % 5))
        ask({9: 400.0, 21: 200.0}.get(number, 8.0))
        if number in (12, 24):
            messages += human(f"part {number}")
            ask(60.0)
        if number == 17:
            del messages[-8:]
            messages += human("it another way")
            ask(30.0)
    messages = [{"role": "user", "content": [{"type": "text", "text": "Summary of what was done. " * 200}]}]
    for number in range(40, 46):
        ask(10.0)
        messages += call(number, 900)
    return steps


@pytest.fixture(scope="module")
def steps() -> list[replay.Step]:
    return session()


def premium(ours: replay.Sum, alone: replay.Sum) -> Decimal:
    """What it cost more to write for an hour what the client writes for five minutes: a bet on pauses to come, which
    a single session may lose."""
    more = ours.split.write_1h - alone.split.write_1h
    return (
        replay.price_of(Split(write_1h=more), MODEL) - replay.price_of(Split(write_5m=more), MODEL)
        if more > 0
        else Decimal(0)
    )


@pytest.mark.parametrize("name", layouts.LAYOUTS)
def test_with_synrouter_a_session_costs_no_more_than_with_the_clients_own_markers(
    name: str, steps: list[replay.Step]
) -> None:
    alone = replay.alone(steps, MODEL, layouts.LAYOUTS[name])
    ours = replay.through(steps, MODEL, layouts.LAYOUTS[name])
    assert ours.usd - premium(ours, alone) <= alone.usd * Decimal("1.00001")
    claimed = sum((meter.from_pico(row.baseline_client_pusd - row.cost_pusd) for row in ours.rows), Decimal(0))
    true = alone.usd - ours.usd
    assert abs(claimed - true) <= Decimal("0.005") * ours.usd, "what is claimed is what was saved"


@pytest.mark.parametrize("name", layouts.LAYOUTS)
def test_in_observe_the_baseline_is_the_cost_to_the_cent(name: str, steps: list[replay.Step]) -> None:
    observed = replay.through(steps, MODEL, layouts.LAYOUTS[name], "observe")
    assert [row.baseline_client_pusd for row in observed.rows] == [row.cost_pusd for row in observed.rows]
    assert observed.usd == replay.alone(steps, MODEL, layouts.LAYOUTS[name]).usd


def test_a_client_that_marks_nothing_costs_no_more_than_head_and_tail(steps: list[replay.Step]) -> None:
    ours, head_tail = replay.through(steps, MODEL, layouts.none), replay.alone(steps, MODEL, layouts.head_tail)
    assert ours.usd - premium(ours, head_tail) <= head_tail.usd * Decimal("1.00001")
    assert ours.usd < replay.alone(steps, MODEL, layouts.none).usd / 2


@pytest.mark.parametrize("calls", [14, 30])
def test_in_a_fan_out_no_turn_costs_more_than_with_head_previous_tail_and_tail(calls: int) -> None:
    steps = replay.fan_out(calls, 6, MODEL)
    ours = replay.through(steps, MODEL, layouts.none)
    best = replay.alone(steps, MODEL, layouts.head_previous_tail)
    for mine, theirs in zip(ours.per_turn, best.per_turn, strict=True):
        assert mine <= theirs * Decimal("1.0001")
    assert ours.usd < replay.alone(steps, MODEL, layouts.head_tail).usd


def test_the_clear_gains(steps: list[replay.Step]) -> None:
    """Where a client marks badly, Synrouter saves a good part of its bill."""
    for name, share in (("none", 0.5), ("cline", 0.8), ("openclaw, thinking dropped", 0.95)):
        alone, ours = (f(steps, MODEL, layouts.LAYOUTS[name]) for f in (replay.alone, replay.through))
        assert ours.usd < Decimal(share) * alone.usd, name
