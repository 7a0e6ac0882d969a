"""Models that bill cache writes at breakpoints, on the simulated provider: what is placed, what it saves, what is claimed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.breakpoints import KIMI, MODEL, WORDS, World, picodollars
from synrouter_cli.commands.explaining import explanation
from synrouter_cli.demo.openai import caching
from synrouter_cli.demo.openai.caching import Cache, Looked, breakpoints
from synrouter_cli.demo.openai.prompt import Prompt

Body = dict[str, Any]
CENT = 10**10
"""In pico-USD."""
CHAT_TOOL = {"type": "function", "function": {"name": "Bash", "parameters": {"type": "object", "properties": {}}}}
TOOL = {"type": "function", "name": "Bash", "parameters": {"type": "object", "properties": {}}, "strict": False}
QUICK, SLOW = (5.0, 9.0, 40.0), (5.0, 9.0, 40.0, 900.0, 4000.0)


def said(role: str, text: str) -> Body:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def responses(
    turns: int, *, reminds: bool = False, pauses: tuple[float, ...] = QUICK, seed: int = 3, compacts: int = 0
) -> Iterator[tuple[Body, float]]:
    """A coding session as Codex has it, and the seconds before each request. With `reminds` its last message is another
    in every request."""
    chance = Random(seed)
    opening = [said("developer", "Permissions. " + WORDS * 80), said("user", "Surroundings. " + WORDS * 20)]
    items = [*opening, said("user", "Do it. " + WORDS * 10)]
    for i in range(turns):
        if compacts and i and not i % compacts:
            items = [*opening, said("user", f"Go on from here, {i}. " + WORDS * 10)]
        tail = [said("user", f"Reminder at step {i}: " + WORDS * 15)] if reminds else []
        yield (
            {
                "model": MODEL,
                "instructions": "You are. " + WORDS * 100,
                "input": [*items, *tail],
                "tools": [TOOL],
                "store": False,
                "stream": True,
            },
            chance.choice(pauses),
        )
        output = f"{i} " + WORDS * chance.choice((1, 4, 20))
        items += [
            {"type": "function_call", "call_id": f"c{i}", "name": "Bash", "arguments": "{}"},
            {"type": "function_call_output", "call_id": f"c{i}", "output": output},
        ]
        if i % 7 == 6:
            answer = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]}
            items += [answer, said("user", f"Next, {i}. " + WORDS * 5)]


def chat(
    turns: int, *, reminds: bool = False, pauses: tuple[float, ...] = QUICK, seed: int = 3, compacts: int = 0
) -> Iterator[tuple[Body, float]]:
    """The same in Chat Completions, with contents that are strings; a reminder stands in the last user message."""
    chance = Random(seed)
    system = {"role": "system", "content": "You are. " + WORDS * 100}
    messages: list[Body] = [system, {"role": "user", "content": "Do it. " + WORDS * 10}]
    for i in range(turns):
        if compacts and i and not i % compacts:
            messages = [system, {"role": "user", "content": f"Go on from here, {i}. " + WORDS * 10}]
        sent = list(messages)
        if reminds:
            parts = [{"type": "text", "text": f"Reminder at step {i}: " + WORDS * 15}]
            sent.append({"role": "user", "content": parts})
        yield {"model": MODEL, "messages": sent, "tools": [CHAT_TOOL]}, chance.choice(pauses)
        if i % 3 == 2:
            messages += [{"role": "assistant", "content": "Done."}, {"role": "user", "content": f"Next {i}. " + WORDS}]
            continue
        call = {"id": f"c{i}", "type": "function", "function": {"name": "Bash", "arguments": "{}"}}
        result = {"role": "tool", "tool_call_id": f"c{i}", "content": f"{i} " + WORDS * chance.choice((1, 4, 20))}
        messages += [{"role": "assistant", "content": None, "tool_calls": [call]}, result]


SESSIONS = {"responses": responses, "chat": chat}
DIALECTS = pytest.mark.parametrize("dialect", SESSIONS)


def played(world: World, dialect: str, session: Iterator[tuple[Body, float]], **asked: Any) -> World:
    for body, after in session:
        world.ask(dialect, body, after, **asked)
    return world


def the_ledger_is_true(world: World) -> None:
    rows = world.ledger.rows
    assert [row.cost_pusd for row in rows] == [picodollars(usage, world.model) for usage in world.books]
    assert abs(world.claimed - (world.their_cost - world.cost)) < CENT // 20
    assert all(row.baseline_client_pusd is not None for row in rows)


def breakpoints_in(wire: bytes) -> int:
    return wire.count(b'"prompt_cache_breakpoint"')


@DIALECTS
@pytest.mark.parametrize("pauses", [QUICK, SLOW])
def test_a_session_that_only_grows_costs_what_the_clients_own_would_and_nothing_is_claimed(
    dialect: str, pauses: tuple[float, ...]
) -> None:
    world = played(World(), dialect, SESSIONS[dialect](40, pauses=pauses))
    assert world.cost == world.their_cost and world.claimed == 0
    the_ledger_is_true(world)
    assert not any(b"prompt_cache_options" in wire for wire in world.sent), "the provider's own breakpoint goes on"
    assert all(1 <= breakpoints_in(wire) <= 3 for wire in world.sent)


@DIALECTS
def test_a_session_whose_end_is_another_each_time_is_cheaper_by_what_is_claimed(dialect: str) -> None:
    world = played(World(), dialect, SESSIONS[dialect](40, reminds=True))
    assert world.cost < world.their_cost * 0.6
    the_ledger_is_true(world)
    assert b'"prompt_cache_options":{"mode":"explicit"}' in world.sent[-1]
    assert world.plans[-1].startswith("safe; breakpoints=") and world.plans[-1].endswith("; explicit")


@DIALECTS
def test_after_a_compaction_the_head_is_read(dialect: str) -> None:
    world = played(World(), dialect, SESSIONS[dialect](40, compacts=8))
    assert world.cost < world.their_cost * 0.9
    the_ledger_is_true(world)


def test_a_request_that_nobody_continues_is_not_written() -> None:
    world = World()
    for i in range(5):
        messages = [
            {"role": "system", "content": "Find a title. " + WORDS * 200},
            {"role": "user", "content": f"{i} " + WORDS * 30},
        ]
        world.ask("chat", {"model": MODEL, "messages": messages}, session=f"title-{i}", stop="end_turn")
    assert all(not usage.cache_write_tokens for usage in world.books)
    assert world.cost < world.their_cost * 0.85
    the_ledger_is_true(world)
    assert set(world.plans) == {"safe; breakpoints=0; explicit"}


@DIALECTS
def test_where_it_goes_on_against_expectation_the_loss_is_told(dialect: str) -> None:
    """A probe of one token that a session then goes on from."""
    world = World()
    for place, (body, after) in enumerate(SESSIONS[dialect](6)):
        limit = {"max_output_tokens" if dialect == "responses" else "max_completion_tokens": 1} if not place else {}
        if dialect == "chat" or place:
            world.ask(dialect, {**body, **limit}, after)
    the_ledger_is_true(world)


@pytest.mark.parametrize("to", ["responses", "chat"])
@pytest.mark.parametrize("reminds", [False, True])
def test_a_translated_session_is_placed_in_the_bytes_that_go_out(to: str, reminds: bool) -> None:
    world = World()
    messages: list[Body] = [{"role": "user", "content": [{"type": "text", "text": "Begin. " + WORDS * 40}]}]
    for i in range(20):
        tail = {"role": "user", "content": [{"type": "text", "text": f"Reminder {i}. " + WORDS * 15}]}
        body = {
            "model": MODEL,
            "max_tokens": 4096,
            "system": [{"type": "text", "text": "You are. " + WORDS * 100}],
            "messages": [*messages, tail] if reminds else messages,
        }
        world.ask("anthropic", body, to=to, stop="end_turn")
        messages = [
            *messages,
            {"role": "assistant", "content": [{"type": "text", "text": f"Answer {i}."}]},
            {"role": "user", "content": [{"type": "text", "text": f"Then {i}. " + WORDS * 5}]},
        ]
    the_ledger_is_true(world)
    assert world.cost < world.their_cost * 0.6 if reminds else world.cost == world.their_cost
    assert breakpoints_in(world.sent[-1]) and not breakpoints_in(world.plain[-1])


@DIALECTS
def test_observing_changes_no_byte_and_claims_nothing(dialect: str) -> None:
    world = played(World("observe"), dialect, SESSIONS[dialect](12, reminds=True))
    assert world.sent == world.plain and world.claimed == 0
    assert set(world.plans) == {"observe; the provider's own cache"}


@pytest.mark.parametrize("model", ["gpt-5.5", "o3", "gpt-4.1"])
def test_other_models_get_their_key_and_nothing_else(model: str) -> None:
    world = World()
    for body, after in chat(3):
        raw = {**body, "model": model}
        world.ask("chat", raw, after)
        assert json.loads(world.sent[-1]) == {**raw, "prompt_cache_key": world.ledger.rows[-1].session}
    assert world.sent == world.plain and world.claimed == 0


@pytest.mark.parametrize(
    "own",
    [
        {"prompt_cache_options": {"mode": "explicit"}},
        {"prompt_cache_options": {"mode": "implicit", "ttl": "30m"}},
        {"prompt_cache_retention": "24h"},
    ],
)
def test_a_client_that_says_something_of_the_cache_is_left_alone(own: Body) -> None:
    world = World()
    for body, after in chat(4, reminds=True):
        world.ask("chat", {**body, **own}, after)
    assert world.sent == world.plain and world.claimed == 0
    assert set(world.plans) == {"safe; the provider's own cache"}


def test_a_client_that_places_breakpoints_itself_keeps_them_and_gets_none() -> None:
    world = World()
    part = {"type": "text", "text": WORDS * 200, "prompt_cache_breakpoint": {"mode": "explicit"}}
    for i in range(3):
        parts = [part, {"type": "text", "text": f"{i} " + WORDS * 20}]
        world.ask("chat", {"model": MODEL, "messages": [{"role": "user", "content": parts}]})
    assert world.sent == world.plain and breakpoints_in(world.sent[-1]) == 1


def test_a_refusal_of_the_fields_ends_them_for_that_model() -> None:
    world = World()
    for place, (body, after) in enumerate(responses(6, reminds=True)):
        world.ask("responses", body, after, refused=place == 1)
    assert world.plans[1:] == ["safe; the provider's own cache"] * 5
    assert world.sent[1:] == world.plain[1:]
    the_ledger_is_true(world)


def test_what_the_provider_loses_is_claimed_by_nobody() -> None:
    world = played(World(evicts=0.2), "responses", responses(60, reminds=True))
    rows = world.ledger.rows
    assert any(row.verdict == "lost" for row in rows)
    assert [row.cost_pusd for row in rows] == [picodollars(usage) for usage in world.books]
    assert world.claimed <= world.their_cost - world.cost + CENT // 20


def test_stores_outlive_a_restart() -> None:
    world = World()
    for place, (body, after) in enumerate(responses(20, reminds=True)):
        if place == 12:
            world.restart()
        world.ask("responses", body, after)
    assert world.cost < world.their_cost * 0.6
    assert abs(world.claimed) <= world.their_cost - world.cost + CENT // 20


@pytest.mark.parametrize("reminds", [False, True])
def test_with_two_keys_it_is_one_session_with_a_cache_at_each(reminds: bool) -> None:
    world = World()
    keys = [key for key in ("one", "other") * 6 for _ in range(5)]
    requests = responses(len(keys), reminds=reminds, pauses=(5.0, 9.0))
    rows = [world.ask("responses", body, after, key=key) for (body, after), key in zip(requests, keys, strict=True)]
    assert len({row.session for row in rows}) == 1
    for row, usage in zip(rows[10:], world.books[10:], strict=True):
        if row.predicted_read_tokens is not None:
            assert row.predicted_read_tokens == pytest.approx(usage.cache_read_tokens, rel=0.02)
        assert usage.cache_read_tokens > 0
    assert abs(world.claimed - (world.their_cost - world.cost)) < CENT
    assert world.claimed > 10 * CENT if reminds else world.cost <= world.their_cost


def test_explain_says_what_was_placed_and_why() -> None:
    world = played(World(), "responses", responses(6, reminds=True))
    row = world.ledger.rows[-1]
    assert (row.verdict, row.planned, row.predicted_write_tokens) == ("hit", True, 0)
    assert row.predicted_read_tokens == row.usage.cache_read_tokens
    lines = "\n".join(explanation(row, width=200))
    assert "placed      breakpoints after " in lines and "none of the provider's own" in lines
    assert "expected to be read" in lines and "advice      Nothing to do." in lines


@pytest.mark.parametrize(("provider", "model"), [("openai", MODEL), ("moonshot", KIMI)])
def test_a_prompt_that_is_cached_by_nobody_gets_nothing(provider: str, model: str) -> None:
    world = World(provider=provider)
    messages: list[Body] = []
    for i in range(8):
        messages = [*messages, {"role": "user", "content": f"hi {i}"}]
        world.ask("chat", {"model": model, "messages": messages}, 900.0, stop="end_turn")
        messages.append({"role": "assistant", "content": "Hello."})
    assert world.sent == world.plain


def test_what_is_left_of_a_session_in_the_cache_is_told() -> None:
    world = played(World(), "responses", responses(3, reminds=True))
    [seconds] = world.turns.warm().values()
    assert seconds == 1800.0


def test_a_request_of_which_the_provider_holds_a_part_goes_as_it_came() -> None:
    world = World()
    body = {"model": MODEL, "input": [said("user", "Begin. " + WORDS * 200)], "store": True}
    world.ask("responses", body)
    side = world.ours
    held = next(iter(side._stored))
    world.clients._stored[held] = side._stored[held]
    world.ask("responses", {**body, "input": [said("user", "On.")], "previous_response_id": held})
    assert world.sent[-1] == world.plain[-1] and world.plans[-1] == "safe; unplanned"


@DIALECTS
@pytest.mark.parametrize("reminds", [False, True])
def test_it_is_never_dearer_where_the_provider_looks_up_the_ends_of_earlier_messages_no_more(
    dialect: str, reminds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some say so of it: then only a request's own breakpoints are found, and the newest message's end."""

    def narrow(cache: Cache, shard: str, prompt: Prompt, now: float, *, mode: str, ttl: str) -> Looked:
        return breakpoints(
            cache, shard, replace(prompt, message_ends=prompt.message_ends[-1:]), now, mode=mode, ttl=ttl
        )

    monkeypatch.setattr("synrouter_cli.demo.openai.upstream.breakpoints", narrow)
    world = played(World(), dialect, SESSIONS[dialect](40, reminds=reminds))
    assert world.cost < world.their_cost
    assert 0 <= world.claimed <= world.their_cost - world.cost + CENT // 20


# ── Moonshot: the end of each prompt is written, for five minutes or an hour ──


def kimi(turns: int, pauses: tuple[float, ...]) -> Iterator[tuple[Body, float]]:
    for body, after in chat(turns, pauses=pauses):
        yield {**body, "model": KIMI}, after


def test_kimi_is_asked_for_an_hour_where_pauses_are_expected_that_it_outlasts() -> None:
    world = played(World(provider="moonshot"), "chat", kimi(60, (900.0,)), stop="end_turn")
    assert world.plans[0] == "safe; the provider's own cache" and "safe; ttl=1h" in world.plans
    assert b'"prompt_cache_options":{"ttl":"1h"}' in world.sent[-1]
    assert world.cost < world.their_cost * 0.7
    the_ledger_is_true(world)
    assert "a lifetime of 1h: pauses are expected" in " ".join(explanation(world.ledger.rows[-1], width=200))


def test_kimi_in_a_quick_session_is_told_nothing() -> None:
    world = played(World(provider="moonshot"), "chat", kimi(20, QUICK))
    assert world.sent == world.plain and world.claimed == 0 and world.cost == world.their_cost


def test_an_hour_that_turns_out_to_be_none_is_asked_for_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(caching._TTL_S, "1h", 300)  # type: ignore[index]
    world = played(World(provider="moonshot"), "chat", kimi(60, (900.0,)), stop="end_turn")
    asked = [place for place, plan in enumerate(world.plans) if plan == "safe; ttl=1h"]
    assert len(asked) == 2, "the second is planned before the first is known to be gone"
    the_ledger_is_true(world)


@settings(max_examples=40, deadline=None)
@given(
    dialect=st.sampled_from(sorted(SESSIONS)),
    seed=st.integers(0, 999),
    turns=st.integers(1, 16),
    reminds=st.booleans(),
    compacts=st.sampled_from([0, 3, 5]),
    pauses=st.sampled_from([QUICK, SLOW, (2000.0,)]),
)
def test_claims_are_true_whatever_a_session_does(
    dialect: str, seed: int, turns: int, reminds: bool, compacts: int, pauses: tuple[float, ...]
) -> None:
    session = SESSIONS[dialect](turns, reminds=reminds, pauses=pauses, seed=seed, compacts=compacts)
    world = played(World(), dialect, session)
    the_ledger_is_true(world)
    if not reminds:
        assert world.cost <= world.their_cost, "what only grows, or begins anew, is never dearer"
