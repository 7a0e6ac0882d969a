"""Turns against budgets: what is counted, what is not sent any more, and how each client is told."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.edge import CLIENT_TOKEN, Edge, Response, running_edge, whole
from support.memory import Memory
from synrouter_cli.ledger.figures import Sums
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.own_providers import BudgetLimits
from synrouter_cli.proxy.budgeting import MOST_SESSIONS, Budgets
from synrouter_cli.proxy.turns import Turns
from wire.oracle import answer_faults, error_faults, event_faults, events_of

MODEL = "claude-sonnet-4-6"
DOLLAR = 10**12
NOON = 1_790_000_000.0 // 86_400 * 86_400 + 43_200
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": MODEL,
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 100_000, "output_tokens": 20_000},
}
"""USD 0.60 by the price list: 0.30 for the prompt, 0.30 for the answer."""
DAILY = BudgetLimits(daily_usd=Decimal(1))
SESSION = BudgetLimits(session_usd=Decimal(1))
PATHS = {"anthropic": "/v1/messages", "chat": "/v1/chat/completions", "responses": "/v1/responses"}


@dataclass
class House:
    """A proxy with budgets, at noon."""

    edge: Edge
    turns: Turns
    ledger: Memory
    budgets: Budgets
    told: list[str]
    clock: list[float]

    async def ask(self, dialect: str = "anthropic", session: str = "s1", **fields: Any) -> Response:
        headers = {**({"x-session-id": session} if session else {}), **fields.pop("headers", {})}
        said: dict[str, Any] = {"input": "hi"} if dialect == "responses" else {"messages": [USER], "max_tokens": 9}
        body = {"model": MODEL, **said, **fields}
        return await self.edge.ask("POST", PATHS[dialect], json.dumps(body).encode(), headers)


USER = {"role": "user", "content": "hi"}


@asynccontextmanager
async def house(limits: BudgetLimits, **services: Any) -> AsyncIterator[House]:
    ledger, told, now = Memory(at=NOON), list[str](), [NOON]
    budgets = Budgets(limits, clock=lambda: now[0], tell=told.append, ledger=services.pop("known", None))
    turns = Turns(level="safe", mode="auto", ledger=ledger, clock=lambda: now[0], secret=b"k", budgets=budgets)
    own = {"turns": turns, "budgets": budgets, "clock": lambda: now[0]}
    async with running_edge(services={**own, **services}, points=("anthropic",)) as edge:
        edge.upstream.plays(whole(json.dumps(ANSWER).encode()))
        yield House(edge, turns, ledger, budgets, told, now)


async def test_at_the_limit_a_request_is_not_sent_and_its_row_says_so():
    async with house(DAILY) as at:
        for _ in range(2):  # 0.60 and 1.20: the second was sent while there was something left
            assert (await at.ask()).status == 200
        refused = await at.ask()
        assert refused.status == 402
        assert refused.error["type"] == "billing_error"
        assert refused.error["message"].startswith("Synrouter: The daily budget is used up: $1.20 of $1.00 spent")
        assert "[budget] daily_usd = 2" in refused.error["message"]
        assert refused.all("x-should-retry") == ["false"]
        assert len(at.edge.upstream.received) == 2
        row = at.ledger.rows[-1]
        assert (row.status, row.http_status, row.error_type, row.attempts) == ("error", 402, "billing_error", 0)
        assert (row.cost_pusd, row.usage, row.turn) == (0, None, 3)
        assert row.reason is not None and row.reason.startswith("The daily budget is used up")
        assert error_faults("anthropic", refused.body) == []


@pytest.mark.parametrize("dialect", ["chat", "responses"])
async def test_the_refusal_is_told_in_openais_words_where_those_are_the_clients(dialect):
    async with house(DAILY) as at:
        for _ in range(2):
            assert (await at.ask(dialect)).status == 200
        refused = await at.ask(dialect)
        error = refused.json()["error"]
        assert (refused.status, error["type"], error["code"]) == (402, "billing_error", "insufficient_quota")
        assert "synrouter down && synrouter up" in error["message"]
        assert error_faults(dialect, refused.body) == []


async def test_a_session_that_spent_its_own_stops_while_others_go_on():
    async with house(SESSION) as at:
        for _ in range(2):
            await at.ask(session="one")
        assert (await at.ask(session="one")).status == 402
        assert (await at.ask(session="two")).status == 200


async def test_the_next_day_begins_at_nothing():
    async with house(DAILY) as at:
        for _ in range(2):
            await at.ask()
        at.clock[0] = NOON + 43_199
        assert (await at.ask()).status == 402
        at.clock[0] = NOON + 43_200
        assert (await at.ask()).status == 200


async def test_from_80_percent_on_answers_carry_a_warning_and_it_is_told_once():
    async with house(BudgetLimits(daily_usd=Decimal("0.75"))) as at:
        first = await at.ask()
        assert first.all("x-synrouter-warning") == []
        second, third = await at.ask(), await at.ask()
        assert second.all("x-synrouter-warning") == ["daily budget: $0.6000 of $0.7500 spent today (UTC), 80%"]
        assert (second.status, third.status) == (200, 402)
        assert third.all("x-synrouter-warning") != []
        await at.ask()
        assert [line.partition(" spent")[0] for line in at.told] == [
            "daily budget: $0.6000 of $0.7500",
            "daily budget: $1.2000 of $0.7500",
        ]
        assert at.told[1].endswith("no more is sent until [budget] daily_usd in config.toml is raised")


async def test_without_anybody_to_tell_warnings_go_into_the_log(caplog):
    budgets = Budgets(DAILY, clock=lambda: NOON)
    with caplog.at_level(logging.WARNING, "synrouter.budget"):
        budgets.note(turn(cost=DOLLAR))
        budgets.note(turn(cost=DOLLAR))
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("daily budget: $1.00 of $1.00 spent today (UTC), 100%")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", list(PATHS))
async def test_openclaw_is_told_in_an_assistant_message(dialect, stream):
    async with house(DAILY) as at:
        at.budgets.note(turn(cost=DOLLAR))
        answer = await at.ask(dialect, headers={"x-synrouter-client": "openclaw"}, stream=stream)
        assert answer.status == 200 and answer.complete
        assert at.edge.upstream.received == []
        kind = "text/event-stream" if stream else "application/json"
        assert answer.all("content-type") == [kind]
        assert said(dialect, answer, stream).startswith("Synrouter: The daily budget is used up: $1.00 of $1.00")
        row = at.ledger.rows[-1]
        assert (row.client, row.status, row.http_status, row.cost_pusd) == ("openclaw", "error", 402, 0)


def said(dialect: str, answer: Response, stream: bool) -> str:
    """The text of an answer in which there is nothing that its dialect doesn't know."""
    if not stream:
        assert answer_faults(dialect, answer.body) == []
        value = answer.json()
        match dialect:
            case "anthropic":
                return value["content"][0]["text"]
            case "chat":
                return value["choices"][0]["message"]["content"]
        return value["output"][0]["content"][0]["text"]
    events = events_of(answer.body)
    assert [fault for event in events for fault in event_faults(dialect, event)] == []
    match dialect:
        case "anthropic":
            assert events[-1]["type"] == "message_stop"
            return "".join(event["delta"].get("text", "") for event in events if "delta" in event)
        case "chat":
            assert answer.body.rstrip().endswith(b"data: [DONE]")
            return "".join(event["choices"][0]["delta"].get("content") or "" for event in events)
    assert events[-1]["type"] == "response.completed"
    return events[-1]["response"]["output"][0]["content"][0]["text"]


async def test_openclaw_is_known_by_its_prompt_alone_too():
    async with house(DAILY) as at:
        at.budgets.note(turn(cost=DOLLAR))
        system = [{"type": "text", "text": "Runtime: agent=main | session=a | sessionId=0123-abcd"}]
        answer = await at.ask(session="", system=system)
        assert answer.status == 200
        assert answer.json()["content"][0]["text"].startswith("Synrouter: The daily budget")


async def test_counting_tokens_passes():
    async with house(DAILY) as at:
        at.budgets.note(turn(cost=DOLLAR))
        at.edge.upstream.plays(whole(b'{"input_tokens":3}'))
        body = json.dumps({"model": MODEL, "messages": [USER]}).encode()
        assert (await at.edge.ask("POST", "/v1/messages/count_tokens", body)).json() == {"input_tokens": 3}


async def test_a_subscription_costs_nothing_and_is_not_stopped():
    async with house(DAILY) as at:
        at.budgets.note(turn(cost=5 * DOLLAR, billing="subscription"))
        assert at.budgets.verdict("s").near == ()
        at.budgets.note(turn(cost=5 * DOLLAR))
        own = {"authorization": "Bearer sk-ant-oat01-mine", "x-synrouter-key": CLIENT_TOKEN}
        body = json.dumps({"model": MODEL, "messages": [USER], "max_tokens": 9}).encode()
        answer = await at.edge.ask("POST", "/v1/messages", body, own, token=None)
        assert answer.status == 200


async def test_a_budget_refusal_says_nothing_of_the_provider():
    async with house(DAILY) as at:
        at.budgets.note(turn(cost=DOLLAR))
        await at.ask()
        assert at.ledger.rows[-1].status == "error"
        assert at.turns.health() == {}


async def test_no_limit_reads_and_counts_nothing():
    class Broken:
        def spent(self, since: float, until: float) -> Sums:
            raise AssertionError("read")

        spent_by = spent_by_children = spent

    async with house(BudgetLimits(), known=Broken()) as at:
        for _ in range(3):
            assert (await at.ask()).status == 200
        assert at.budgets.report() == {}
        assert at.budgets.left("s1") is None


def turn(session: str = "s", *, cost: int | None, at: float = NOON, number: int = 1, **more: Any) -> Turn:
    money = {"cost_pusd": cost, "baseline_no_cache_pusd": cost, "baseline_client_pusd": cost}
    return Turn(session, number, at, **{"status": "ok", **money, **more})


def test_turns_and_pings_count_on_the_day_that_they_began():
    budgets = Budgets(BudgetLimits(Decimal(10), Decimal(10)), clock=lambda: NOON)
    budgets.verdict("s")
    budgets.note(turn(cost=DOLLAR))
    budgets.note(turn(cost=DOLLAR, kind="ping"))
    budgets.note(turn(cost=DOLLAR, at=NOON - 86_400))
    budgets.note(turn(cost=None))
    budgets.note(turn(cost=DOLLAR, status="started"))
    report = budgets.report()
    assert (report["spent_usd"], report["unpriced_turns"]) == (2.0, 1)
    assert budgets.left("s") == 7 * DOLLAR, "the session has yesterday's too"


def test_a_clock_that_is_set_back_begins_no_day_again():
    now = [NOON]
    budgets = Budgets(DAILY, clock=lambda: now[0])
    budgets.note(turn(cost=DOLLAR))
    now[0] -= 86_400
    assert budgets.verdict("s").stop is not None


def test_what_was_spent_survives_a_restart(tmp_path: Path):
    limits = BudgetLimits(Decimal(10), Decimal(2))

    def clock() -> float:
        return NOON

    rows = [
        turn("aaaa", cost=DOLLAR),
        turn("aaaa", cost=DOLLAR, number=2, kind="ping"),
        turn("bbbb", cost=DOLLAR, at=NOON - 86_400),
        turn("bbbb", cost=None, number=2),
        turn("cccc", cost=9 * DOLLAR, billing="subscription"),
        turn("sub", cost=DOLLAR // 4, kind="subagent", parent="aaaa", at=NOON + 1),
        turn("sub", cost=DOLLAR // 4, kind="ping", parent="aaaa", at=NOON + 2, number=2),
    ]
    ledger = Ledger.open(tmp_path / "ledger.db", clock=clock)
    before = Budgets(limits, clock=clock, ledger=ledger)
    for session in ("aaaa", "bbbb", "cccc"):
        before.verdict(session)
    for row in rows:
        ledger.record(row)
        before.note(row)
    ledger.close()
    again = Ledger.open(tmp_path / "ledger.db", clock=clock)
    after = Budgets(limits, clock=clock, ledger=again)
    for session in ("aaaa", "bbbb", "cccc"):
        assert after.verdict(session) == before.verdict(session)
        assert after.left(session) == before.left(session)
    assert after.report() == before.report()
    stop = before.verdict("aaaa").stop
    assert stop is not None and stop.spent.pusd == 2 * DOLLAR + DOLLAR // 2
    again.close()


def test_a_session_that_was_let_go_of_is_read_again():
    @dataclass
    class Known:
        asked: list[str] = field(default_factory=list)

        def spent(self, since: float, until: float) -> Sums:
            return Sums()

        def spent_by_children(self, since: float) -> dict[str, Sums]:
            return {}

        def spent_by(self, session: str) -> Sums:
            self.asked.append(session)
            return Sums(cost_pusd=DOLLAR)

    known = Known()
    budgets = Budgets(SESSION, clock=lambda: NOON, ledger=known)
    assert budgets.verdict("s").stop is not None
    budgets.verdict("s")
    assert known.asked == ["s"]
    for number in range(MOST_SESSIONS):
        budgets.verdict(f"other {number}")
    assert budgets.verdict("s").stop is not None
    assert known.asked.count("s") == 2


def test_what_can_not_be_counted_stops_nothing():
    class Broken:
        def spent(self, since: float, until: float) -> Sums:
            raise OSError

        spent_by = spent_by_children = spent

    budgets = Budgets(DAILY, clock=lambda: NOON, ledger=Broken())
    assert budgets.verdict("s").stop is None
    budgets.note(turn(cost=DOLLAR))


def test_the_report_names_what_is_near_its_limit():
    budgets = Budgets(BudgetLimits(Decimal(10), Decimal(1)), clock=lambda: NOON)
    for session in ("aaaa1111", "bbbb2222"):
        budgets.verdict(session)
    budgets.note(turn("aaaa1111", cost=DOLLAR * 9 // 10))
    budgets.note(turn("bbbb2222", cost=DOLLAR // 10))
    assert budgets.report() == {
        "day": "2026-09-21",
        "daily_usd": 10.0,
        "session_usd": 1.0,
        "spent_usd": 1.0,
        "unpriced_turns": 0,
        "reached": False,
        "sessions": {"aaaa1111": 0.9},
        "limits": ["$1.00 of $10.00 spent today (UTC)", "$1.00 a session"],
        "warnings": ["session aaaa11: session budget: $0.90 of $1.00 spent by this session, 90%"],
    }


async def test_a_sessions_subagents_and_side_requests_spend_from_its_budget():
    async with house(SESSION) as at:
        names = {"x-claude-code-session-id": "s-1"}
        for agent in ({}, {"x-claude-code-agent-id": "agent-1"}):
            assert (await at.ask(session="", headers={**names, **agent})).status == 200
        assert [row.kind for row in at.ledger.rows] == ["side", "subagent"]
        assert len({row.conversation for row in at.ledger.rows}) == 1
        assert (await at.ask(session="", headers=names)).status == 402
        assert (await at.ask(session="", headers={**names, "x-claude-code-agent-id": "agent-2"})).status == 402
