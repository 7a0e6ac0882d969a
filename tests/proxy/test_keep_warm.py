"""Keep-warm from end to end: the real proxy between a client and the simulated provider, on a clock that tests move."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from support.edge import PROVIDER_KEY, Edge, running_edge
from support.memory import Memory
from synrouter_cli.config_file import KeepWarm
from synrouter_cli.demo.api import Answered, Provider
from synrouter_cli.demo.script import Script
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.own_providers import BudgetLimits
from synrouter_cli.proxy.budgeting import Budgets
from synrouter_cli.proxy.pinging import Pinger
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.settings import NO_BUDGET

START = 1_790_000_000.0
MODEL = "claude-sonnet-4-6"
WORDS = "the quick brown fox jumps over the lazy dog and reads another file; "
LUNCHES = [[(8.0, False), (5000.0, True)] * 8] * 9
PAUSES = [[(8.0, False), (420.0, True)] * 8] * 9
SCRIPT = Script.parse([{"when": "", "steps": [{"say": "Done."}]}])
SWITCHED_ON = KeepWarm(enabled=True)
CANARY = PROVIDER_KEY


class Clock:
    """The time of provider and proxy; it passes only where a test lets it, and the loop of pings with it."""

    def __init__(self) -> None:
        self.now = START
        self._ticks: asyncio.Queue[None] = asyncio.Queue()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await self._ticks.get()

    async def tick(self, pinger: Pinger | None) -> None:
        """Wake the loop, and return once all that it sent is answered."""
        self._ticks.put_nowait(None)
        while pinger is not None and (self._ticks.qsize() or pinger._under_way):
            await asyncio.sleep(0)


class Day:
    """One user's day: a proxy, its provider, and a session."""

    def __init__(self, edge: Edge, provider: Provider, turns: Turns, ledger: Memory, clock: Clock) -> None:
        self.edge, self.provider, self.turns, self.ledger, self.clock = edge, provider, turns, ledger, clock
        self.pinger = edge.running._pinger
        self.rounds = 0

    async def ask(self, *, ttl: str = "1h", **fields: Any) -> Answered:
        """The session's next request; the provider's line of it."""
        self.rounds += 1
        answer = await self.edge.ask(body=body(self.rounds, ttl, **fields), headers=HEADERS)
        assert answer.status == 200, answer.body
        return self.provider.answered[-1]

    async def passes(self, seconds: float, step_s: float = 10.0) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now = min(self.clock.now + step_s, end)
            await self.clock.tick(self.pinger)

    @property
    def pings(self) -> list[Turn]:
        return [row for row in self.ledger.rows if row.kind == "ping"]


HEADERS = {"anthropic-version": "2023-06-01", "anthropic-beta": "b-1", "x-claude-code-session-id": "s1"}


def body(rounds: int, ttl: str, **fields: Any) -> bytes:
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": WORDS * 400}]}]
    for number in range(1, rounds):
        messages += [
            {"role": "assistant", "content": [{"type": "text", "text": "Done."}]},
            {"role": "user", "content": [{"type": "text", "text": f"Now part {number}. {WORDS * 20}"}]},
        ]
    mark = {"type": "ephemeral", "ttl": ttl}
    messages[-1]["content"][-1]["cache_control"] = mark
    tools = [{"name": "Bash", "description": WORDS * 30, "input_schema": {"type": "object"}}]
    asked = {"model": MODEL, "max_tokens": 100, "stream": True, "tools": tools, "messages": messages, **fields}
    return json.dumps(asked).encode()


@asynccontextmanager
async def day(
    keep_warm: KeepWarm = SWITCHED_ON,
    past: list[list[tuple[float, bool]]] = LUNCHES,
    limits: BudgetLimits = NO_BUDGET,
) -> AsyncIterator[Day]:
    clock, ledger = Clock(), Memory(at=START)
    provider = Provider(SCRIPT, clock=clock, key=PROVIDER_KEY)
    server = TestServer(provider.application())
    await server.start_server(shutdown_timeout=0.1)
    budgets = Budgets(limits, clock=clock)
    turns = Turns(
        level="safe", mode="auto", ledger=ledger, clock=clock, secret=b"k", keep_warm=keep_warm, budgets=budgets
    )
    turns.learn(past)
    services = {"turns": turns, "budgets": budgets, "clock": clock, "sleep": clock.sleep}
    upstreams = {"anthropic": str(server.make_url("")).rstrip("/")}
    try:
        async with running_edge(services=services, upstreams=upstreams, keep_warm=keep_warm) as edge:
            yield Day(edge, provider, turns, ledger, clock)
    finally:
        await server.close()


async def test_a_session_that_pauses_is_pinged_before_its_entry_expires_and_the_next_request_hits() -> None:
    async with day() as today:
        first = await today.ask()
        await today.passes(5000.0)
        [ping] = today.pings
        assert 3540.0 < ping.started_at - START < 3600.0
        pinged = today.provider.answered[-1]
        assert (pinged.at, pinged.status, pinged.streamed) == (ping.started_at, 200, False)
        assert pinged.usage["output_tokens"] == pinged.usage["cache_creation_input_tokens"] == 0
        assert pinged.usage["cache_read_input_tokens"] == first.usage["cache_creation_input_tokens"] > 2000
        after = await today.ask()
        assert after.usage["cache_read_input_tokens"] == first.usage["cache_creation_input_tokens"]


async def test_a_ping_is_a_row_and_costs_what_the_provider_billed() -> None:
    async with day() as today:
        first = await today.ask()
        await today.passes(5000.0)
        [ping] = today.pings
        assert ping.usage is not None and ping.session == today.ledger.rows[0].session
        assert ping.usage.cache_read_tokens == first.usage["cache_creation_input_tokens"]
        assert (ping.status, ping.http_status, ping.turn, ping.plan) == ("ok", 200, 2, "ping; ttl=1h")
        assert ping.cost_pusd == ping.usage.cache_read_tokens * 300_000 + ping.usage.input_tokens * 3_000_000
        assert (ping.baseline_no_cache_pusd, ping.baseline_client_pusd) == (0, 0)


async def test_without_it_the_same_pause_is_a_rewrite() -> None:
    async with day(KeepWarm()) as today:
        await today.ask()
        await today.passes(5000.0)
        assert len(today.provider.answered) == 1
        assert (await today.ask()).usage["cache_read_input_tokens"] == 0


async def test_a_session_that_is_over_gets_no_endless_pings() -> None:
    async with day() as today:
        await today.ask()
        await today.passes(30 * 3600.0, step_s=20.0)
        assert 1 <= len(today.pings) <= 6
        assert today.pinger is not None and not today.pinger._ways


async def test_a_ping_that_the_budget_of_all_turns_does_not_allow_is_not_sent() -> None:
    async with day(limits=BudgetLimits(session_usd=Decimal("0.0001"))) as today:
        await today.ask()
        await today.passes(5000.0)
        assert today.pings == []
    async with day(limits=BudgetLimits(session_usd=Decimal(10))) as today:
        await today.ask()
        await today.passes(5000.0)
        assert len(today.pings) == 1


async def test_the_budget_stops_it() -> None:
    async with day() as today:
        await today.ask()
        await today.passes(3 * 3600.0, step_s=20.0)
        [first, *more] = today.pings
        assert more
    assert first.cost_pusd is not None
    enough_for_one = KeepWarm(True, Decimal(first.cost_pusd) * 3 / 2 / 10**12, Decimal(5))
    async with day(enough_for_one) as today:
        await today.ask()
        await today.passes(3 * 3600.0, step_s=20.0)
        assert len(today.pings) == 1


async def test_a_five_minute_entry_is_kept_too_where_that_pays() -> None:
    async with day(past=PAUSES) as today:
        await today.ask(ttl="5m")
        for pair in today.turns._planning.pairs.values():
            pair.hours = False  # as once the provider has given five minutes for an hour
        await today.passes(60.0)
        asked = (await today.ask(ttl="5m")).usage
        assert asked["cache_creation"]["ephemeral_5m_input_tokens"] > 0
        await today.passes(420.0, step_s=5.0)
        [ping] = today.pings
        assert (ping.plan, ping.started_at - START) == ("ping; ttl=5m", 60.0 + 280.0)
        cached = asked["cache_read_input_tokens"] + asked["cache_creation_input_tokens"]
        assert (await today.ask(ttl="5m")).usage["cache_read_input_tokens"] == cached


async def test_a_provider_that_refuses_it_is_asked_once() -> None:
    async with day() as today:
        await today.ask()
        today.provider._key = "another-key-from-now-on"
        await today.passes(8000.0)
        [ping] = today.pings
        assert (ping.status, ping.http_status, ping.error_type) == ("error", 401, "authentication_error")
        assert ping.cost_pusd == 0


async def test_a_provider_that_is_gone_makes_no_error_of_ours() -> None:
    async with day() as today:
        await today.ask()
        assert today.pinger is not None

        class Gone:
            async def send(self, call: Any) -> Any:
                raise ConnectionResetError

        today.pinger._upstream = Gone()
        await today.passes(8000.0)
        assert [row.status for row in today.pings] == ["error"]
        assert today.pinger._loop is not None and not today.pinger._loop.done()


async def test_the_credential_goes_to_the_provider_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with day() as today:
        await today.ask()
        await today.passes(5000.0)
        assert len(today.pings) == 1  # the provider takes this key only
        assert today.pinger is not None
        assert CANARY in str([way.headers for way in today.pinger._ways.values()])
        kept = [repr(today.ledger.rows), repr(today.ledger.started), repr(today.ledger.kept), repr(today.pinger._ways)]
        assert not any(CANARY in text for text in [*kept, caplog.text])
    assert not today.pinger._ways


async def test_a_real_request_waits_for_no_ping() -> None:
    async with day() as today:
        await today.ask()
        assert today.pinger is not None
        upstream, held = today.pinger._upstream, asyncio.Event()

        class Slow:
            async def send(self, call: Any) -> Any:
                await held.wait()
                return await upstream.send(call)

        today.pinger._upstream = Slow()
        today.clock.now += 3570.0
        [under_way] = today.pinger.look()
        assert (await today.ask()).usage["cache_read_input_tokens"] > 2000
        held.set()
        await under_way
        assert [row.status for row in today.pings] == ["ok"]


async def test_closing_gives_up_what_is_under_way() -> None:
    async with day() as today:
        await today.ask()
        assert today.pinger is not None

        class Silent:
            async def send(self, call: Any) -> Any:
                await asyncio.Event().wait()

        today.pinger._upstream = Silent()
        today.clock.now += 3570.0
        [under_way] = today.pinger.look()
        await asyncio.sleep(0)
    assert under_way.done()
    assert [row.status for row in today.pings] == ["cancelled"]
