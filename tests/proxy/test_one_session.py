"""A conversation is one session, whoever answers; what one provider was sent says nothing of another's cache."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from support.bench import WORDS, body, like_claude_code, long_body
from support.places import FABLE, GPT, HAIKU, MARKED, OPUS, ROUTER, Place, Places
from synrouter_cli import meter
from synrouter_cli.cache.breaker import Breaker
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.session import MOST_LANES

EVERYWHERE = (*MARKED, GPT)


def unmarked(_: dict[str, Any]) -> None:
    """A client that marks nothing."""


# ── one session ──


def test_a_conversation_is_one_session_at_every_provider_model_and_key() -> None:
    places = Places()
    rows = [places.ask(body(number), to) for number, to in enumerate([*EVERYWHERE, *EVERYWHERE])]
    assert len({row.session for row in rows}) == 1
    assert [row.turn for row in rows] == list(range(1, len(rows) + 1))
    assert [row.gap_s for row in rows] == [None, *[5.0] * (len(rows) - 1)]
    assert places.session().gaps.loops.all == len(rows) - 1, "its habits are learned wherever it goes"


@pytest.mark.parametrize("headers", [{"x-claude-code-session-id": "s1"}, {}], ids=["named", "by its beginning"])
@pytest.mark.parametrize("primary", [OPUS, GPT], ids=["marked", "caches by itself"])
def test_a_fallback_stays_in_the_session_from_its_first_turn_on(headers: dict[str, str], primary: Place) -> None:
    places = Places()
    places.headers = headers
    for number in range(3):
        places.ask(body(number), ROUTER, past=[primary])
    places.ask(body(3), primary)
    rows = places.ledger.rows
    assert [(row.provider, row.status) for row in rows[:2]] == [(primary.provider, "error"), ("openrouter", "ok")]
    assert len({row.session for row in rows}) == 1 and [row.turn for row in rows] == list(range(1, 8))
    assert [row.retry_of for row in rows] == [None, 1, None, 3, None, 5, None]
    assert places.session().gaps.loops.all == 3, "a provider that failed ended no gap"


def test_two_owners_share_no_session_wherever_they_ask() -> None:
    places = Places()
    places.headers = {}
    rows = [places.ask(body(2), OPUS, owner=owner) for owner in (b"", b"one's key", b"another's key", b"one's key")]
    assert [row.session == rows[1].session for row in rows] == [False, True, False, True]
    assert len({row.session for row in rows}) == 3


def test_the_same_question_put_to_two_models_is_two_sessions_that_stay_apart() -> None:
    places = Places()
    places.headers = {}

    def talk(said: str, rounds: int) -> dict[str, Any]:
        made = body(rounds)
        for message in made["messages"][1::2]:
            message["content"][0]["input"]["command"] += said
        return made

    pairs = [[places.ask(talk(to.model, rounds), to).session for to in (OPUS, ROUTER)] for rounds in range(3)]
    assert pairs[0][0] != pairs[0][1] and pairs == [pairs[0]] * 3


def test_a_subagent_at_another_provider_belongs_to_the_same_session() -> None:
    places = Places()
    main = places.ask(body(1), OPUS)
    places.headers = {**places.headers, "x-claude-code-agent-id": "a1"}
    assert places.ask(body(0), ROUTER).conversation == main.session


# ── each cache by itself ──


def test_back_at_the_first_provider_what_lives_there_is_read_as_predicted() -> None:
    places = Places()
    for number in range(3):
        places.ask(body(number), OPUS)
    left = places.session().newest.line.cached_tokens
    first = places.ask(body(3), ROUTER)
    assert (first.verdict, first.predicted_read_tokens, first.usage and first.usage.cache_read_tokens) == (
        "provider",
        0,
        0,
    )
    assert json.loads(first.detail or "")["asked"]["provider"] == ["anthropic", "openrouter"]
    assert "another provider, whose cache knows nothing of this session" in (first.reason or "")
    assert places.ask(body(4), ROUTER).verdict == "hit"
    back = places.ask(body(5), OPUS)
    assert back.usage is not None and back.usage.cache_read_tokens == back.predicted_read_tokens == left
    assert (back.verdict, back.missed_pusd) == ("hit", 0)


def test_after_a_pause_at_one_provider_the_other_was_not_asked_it_says_so() -> None:
    places = Places()
    places.ask(body(1), OPUS)
    for number in range(2, 6):
        places.ask(body(number), ROUTER, after=200.0)
    row = places.ask(body(6), OPUS)
    assert row.verdict == "expired" and row.gap_s == 5.0
    assert json.loads(row.detail or "") | {"ttl_s": 300} == {"gap_s": 805, "ttl_s": 300, "apart": True}


@pytest.mark.parametrize("to", [HAIKU, FABLE], ids=lambda to: to.model)
def test_another_model_is_named_even_after_a_restart(to: Place) -> None:
    places = Places()
    places.ask(body(1), OPUS)
    places.restart()
    row = places.ask(long_body(2), to)
    assert (row.verdict, json.loads(row.detail or "")) == ("model", {"model": [OPUS.model, to.model]})


def test_a_provider_that_caches_by_itself_left_nothing_that_could_be_missed() -> None:
    places = Places()
    places.ask(body(1), GPT)
    row = places.ask(body(2), OPUS)
    assert (row.verdict, row.missed_pusd) == ("provider", 0)


@pytest.mark.parametrize("to", [FABLE, GPT, HAIKU], ids=lambda to: to.model)
def test_a_visit_where_no_content_is_edited_is_no_fault_of_our_edits(to: Place) -> None:
    places = Places("standard")
    for number in range(8):
        places.ask(long_body(number), to if number % 2 else OPUS)
    rows = [row for row in places.ledger.rows if row.provider == OPUS.provider and row.model == OPUS.model]
    assert [row.verdict for row in rows] == ["first", "hit", "hit", "hit"]
    assert all("ours" not in (row.detail or "") for row in rows)
    lane = places.session().lanes[OPUS.scope, OPUS.model]
    assert not lane.breaker.unsteady and lane.breaker.in_a_row == 0


def test_a_breaker_that_tripped_at_one_provider_leaves_the_others_alone() -> None:
    places = Places()
    turn = places.begin(body(1), OPUS)
    turn.original()
    places.finish(turn, OPUS)
    assert places.ask(body(2), ROUTER).plan.startswith("safe; marks=2")
    row = places.ask(body(3), OPUS)
    assert row.plan == "safe; marks=0" and "two misses" in (row.reason or "")
    places.restart()
    assert places.ask(body(4), OPUS).plan == "safe; marks=0"
    assert places.ask(body(5), ROUTER).plan.startswith("safe; marks=")


def test_a_question_names_the_last_answer_of_the_provider_that_is_asked() -> None:
    places = Places()
    places.policy = replace(Policy.of("safe"), diagnoses=True)
    places.restart()
    places.ask(body(0), OPUS, answer="msg_opus")
    places.ask(body(1), HAIKU, answer="msg_haiku")
    turn = places.begin(body(2), OPUS)
    assert json.loads(turn.body)["diagnostics"] == {"previous_message_id": "msg_opus"}


def test_a_restart_forgets_no_place() -> None:
    places = Places("standard")
    for number, to in enumerate([OPUS, ROUTER, HAIKU, OPUS]):
        before = places.ask(long_body(number), to)
    places.restart()
    for number, to in enumerate([HAIKU, ROUTER, OPUS], start=4):
        row = places.ask(long_body(number), to)
        assert row.usage is not None and row.verdict == "hit", row
        assert row.session == before.session and row.turn > before.turn
        assert row.predicted_read_tokens == pytest.approx(row.usage.cache_read_tokens, rel=0.02)


def test_the_least_recent_places_are_forgotten_not_what_lives_there() -> None:
    places = Places()
    many = [replace(OPUS, scope=b"key %d" % number) for number in range(MOST_LANES + 3)]
    for number, to in enumerate(many):
        places.ask(body(number), to)
    assert list(places.session().lanes) == [(to.scope, to.model) for to in many[3:]]
    row = places.ask(body(len(many)), many[0])
    assert row.usage is not None and row.usage.cache_read_tokens > 0
    assert row.predicted_read_tokens == pytest.approx(row.usage.cache_read_tokens, rel=0.02)


def test_a_history_that_began_without_us_is_claimed_nowhere() -> None:
    places = Places()
    rows = [places.ask(body(5 + number, badly_marked), to) for number, to in enumerate([OPUS, ROUTER])]
    assert all(row.baseline_client_pusd is not None and row.cost_pusd is not None for row in rows)
    assert all((row.baseline_client_pusd or 0) <= (row.cost_pusd or 0) for row in rows)


def badly_marked(made: dict[str, Any]) -> None:
    """An hour is asked for what is never asked again."""
    made["system"][-1]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}


# ── what is claimed, over random ways ──

FAILS, RESTARTS, REWINDS, COMPACTS, RETURNS, NOTHING = "fails", "restarts", "rewinds", "compacts", "returns", ""
Way = tuple[Place, float, str, int]
"""Where requests go, after how many seconds the first of them, what happens before it, how many there are."""
WILD = (2.0, 5.0, 9.0, 40.0, 200.0, 400.0, 1500.0, 4000.0)
CALM = (2.0, 5.0, 9.0, 9.0, 40.0, 40.0, 200.0, 400.0)


def wild(chance: Random) -> list[Way]:
    """Anywhere at any time, and anything may happen."""
    events = [NOTHING, NOTHING, FAILS, RESTARTS, REWINDS, COMPACTS, RETURNS]
    places = [*MARKED, *MARKED, GPT]
    return [
        (chance.choice(places), chance.choice(WILD), chance.choice(events), chance.randint(1, 6))
        for _ in range(chance.randint(2, 12))
    ]


def calm(chance: Random) -> list[Way]:
    """A person who works with one of two for a while, then with the other, which falls back to the first."""
    first, second = chance.sample([OPUS, HAIKU, ROUTER], 2)
    ways = []
    for number in range(chance.randint(4, 10)):
        to = second if number % 2 else first
        ways.append((to, chance.choice(CALM), chance.choice([NOTHING, FAILS, RETURNS]), chance.randint(3, 20)))
    return ways


Mark = Callable[[dict[str, Any]], None]


def talk(ways: list[Way], mark: Mark, places: Places) -> None:
    """One conversation with tools and thinking, its requests sent these ways."""
    chance = Random(len(ways))
    messages: list[dict[str, Any]] = [said("begin " + WORDS * 40)]
    number = 0
    for to, gap, happens, stays in ways:
        if happens == RESTARTS:
            places.restart()
        if happens == REWINDS and len(messages) > 6:
            del messages[-4:]
            while messages[-1]["role"] == "assistant":
                del messages[-1]
            messages.append(said(f"another way, {number} " + WORDS))
        if happens == COMPACTS:
            messages = [said(f"summary {number} " + WORDS * 30)]
        if happens == RETURNS:
            messages.append(said(f"and now {number} " + WORDS))
        for again in range(stays):
            number += 1
            made = body(0, system=[{"type": "text", "text": WORDS * 400}], messages=json.loads(json.dumps(messages)))
            mark(made)
            past = [to] if happens == FAILS and not again else []
            places.ask(made, ROUTER if past and to is not ROUTER else to, gap if not again else 5.0, past=past)
            size = chance.choice([200, 2000, 40_000]) if places.level != "safe" else chance.choice([200, 2000])
            messages += called(number, size)


def said(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def called(number: int, size: int) -> list[dict[str, Any]]:
    thinking = {"type": "thinking", "thinking": f"step {number} " + WORDS, "signature": "s" * 300}
    call = {"type": "tool_use", "id": f"t{number}", "name": "Bash", "input": {"command": f"make {number}"}}
    text = (f"{number}: " + WORDS * (size // len(WORDS) + 1))[:size]
    result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": text}
    return [{"role": "assistant", "content": [thinking, call]}, {"role": "user", "content": [result]}]


def answered(places: Places) -> Iterator[Turn]:
    return (row for row in places.ledger.rows if row.status == "ok" and not row.own_cache)


EXPLAINED = {"first", "hit", "shared", "partial", "expired", "provider", "model", "minimum", "unmarked"}


def nothing_false_is_said(places: Places, *, rewritten: bool) -> None:
    """Nothing was lost, and but for what was `rewritten` no prompt changed: whatever says otherwise took one cache for
    another."""
    for row in answered(places):
        assert row.usage is not None and row.predicted_read_tokens is not None
        read = row.usage.cache_read_tokens
        assert abs(row.predicted_read_tokens - read) <= max(0.02 * read, 64), row
        detail = json.loads(row.detail or "{}")
        dropped = detail.get("message", {}).get("how") == "thinking"
        assert row.verdict in EXPLAINED or (row.verdict == "message" and (rewritten or dropped)), row
        assert "ours" not in detail
    for lane in places.session().lanes.values():
        assert lane.breaker == Breaker()


def of_the_ledger(places: Places) -> tuple[Decimal, Decimal]:
    """What was paid, and what is claimed of it (USD)."""
    rows = list(answered(places))
    paid = sum((meter.from_pico(row.cost_pusd or 0) for row in rows), Decimal(0))
    return paid, sum((meter.from_pico(row.baseline_client_pusd or 0) for row in rows), Decimal(0)) - paid


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("mark", [unmarked, like_claude_code])
@pytest.mark.parametrize("level", ["safe", "standard", "max"])
def test_over_random_ways_it_is_one_session_and_claimed_is_what_was_saved(level: str, mark: Mark, seed: int) -> None:
    places, ways = Places(level), wild(Random(seed))
    talk(ways, mark, places)
    nothing_false_is_said(places, rewritten=any(way[2] in (REWINDS, COMPACTS) for way in ways))
    assert len({row.session for row in places.ledger.rows}) == 1
    numbers = [row.turn for row in places.ledger.rows]
    assert numbers == sorted(set(numbers))
    paid, claimed = of_the_ledger(places)
    assert abs(paid - places.paid) <= Decimal("1e-9")
    true, slack = places.would_have_paid - places.paid, Decimal("0.005") * places.paid
    assert claimed <= true + slack
    if level == "safe":  # what trimming saves is in no sum
        assert claimed >= true - slack


@pytest.mark.parametrize("mark", [unmarked, like_claude_code])
def test_people_who_change_models_pay_no_more_than_with_their_clients_own_markers(mark: Mark) -> None:
    paid = alone = hours = Decimal(0)
    for seed in range(8):
        places = Places()
        talk(calm(Random(seed)), mark, places)
        nothing_false_is_said(places, rewritten=False)
        assert places.paid - places.hours <= places.would_have_paid * Decimal("1.01")
        paid, alone, hours = paid + places.paid, alone + places.would_have_paid, hours + places.hours
    assert paid <= alone and paid - hours <= alone * Decimal("0.95")
