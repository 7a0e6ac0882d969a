"""A chain of providers: who is asked, who is waited for, who is left alone for a while."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import pytest

from support.edge import MESSAGE, Edge, Upstream, running_edge, whole
from synrouter_cli.credentials import Secret
from synrouter_cli.proxy.resting import LIMITED_S, UNREACHABLE_S, Rests

KEYS = {name: Secret(f"sk-{name}") for name in ("anthropic", "minimax", "moonshot")}
ROUTES = (("claude-*", ("anthropic", "moonshot/kimi-k2", "minimax/minimax-m2")),)
BODY = json.dumps(
    {"model": "claude-opus-4-8", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
).encode()
GOOD = whole(MESSAGE)
NOW = 1_000_000.0


def refused(status: int, **headers: str) -> bytes:
    return whole(b'{"error":{"message":"no"}}', status=status, **headers)


@dataclass
class Chain:
    """A proxy with three providers, all of them the one upstream, and its clocks."""

    edge: Edge
    now: list[float] = field(default_factory=lambda: [0.0])
    slept: list[float] = field(default_factory=list)

    async def ask(self, *answers: bytes, body: bytes = BODY) -> Any:
        self.edge.upstream.plays(*answers)
        return await self.edge.ask(body=body)

    @property
    def asked(self) -> list[str]:
        """The providers of the turns so far; their names are cleared away."""
        names = [turn.inbound.provider for turn in self.edge.turns.turns]
        self.edge.turns.turns.clear()
        return names


@asynccontextmanager
async def chain(**settings: Any) -> AsyncIterator[Chain]:
    now, slept = [0.0], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    services = {"rests": Rests(clock=lambda: now[0]), "sleep": sleep, "clock": lambda: NOW}
    options = {"provider_keys": KEYS, "points": tuple(KEYS), "routes": ROUTES, "services": services, **settings}
    async with running_edge(**options) as edge:
        yield Chain(edge, now, slept)


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"retry_after": "2"}, 2.0),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "30", "retry_after_ms": "250"}, 0.25),
        ({"retry_after": formatdate(NOW + 4, usegmt=True)}, 4.0),
    ],
)
async def test_a_provider_that_is_back_in_a_moment_is_waited_for(headers: dict[str, str], waited: float) -> None:
    async with chain() as it:
        answer = await it.ask(refused(429, **headers), GOOD)
        assert answer.status == 200
        assert it.slept == [waited]
        outcome = await it.edge.outcome()
        assert (outcome.status, outcome.attempts) == ("ok", 2)
        assert it.asked == ["anthropic"]


@pytest.mark.parametrize(
    "headers",
    [{"retry_after": "6"}, {}, {"retry_after": "soon"}, {"retry_after": "1", "x_should_retry": "false"}],
)
async def test_any_other_is_not(headers: dict[str, str]) -> None:
    async with chain() as it:
        assert (await it.ask(refused(429, **headers), GOOD)).status == 200
        assert it.slept == []
        assert it.asked == ["anthropic", "moonshot"]


async def test_who_is_still_busy_after_the_wait_is_passed_over() -> None:
    async with chain() as it:
        assert (await it.ask(refused(529, retry_after="1"), refused(529, retry_after="1"), GOOD)).status == 200
        assert it.slept == [1.0]
        assert it.asked == ["anthropic", "moonshot"]


async def test_who_said_for_how_long_is_asked_last_until_then() -> None:
    async with chain() as it:
        await it.ask(refused(429, retry_after="60"), GOOD)
        assert it.asked == ["anthropic", "moonshot"]
        it.now[0] = 59
        await it.ask(GOOD)
        assert it.asked == ["moonshot"]
        await it.ask(refused(500), refused(503), GOOD)
        assert it.asked == ["moonshot", "minimax", "anthropic"]  # who wakes last is asked last
        it.now[0] = 59 + LIMITED_S
        await it.ask(GOOD)
        assert it.asked == ["anthropic"]


async def test_an_answer_ends_a_rest() -> None:
    async with chain() as it:
        await it.ask(refused(429), refused(429), refused(429))
        assert it.asked == ["anthropic", "moonshot", "minimax"]
        await it.ask(GOOD)  # all rest: the first is asked, and is well
        assert it.asked == ["anthropic"]
        await it.ask(GOOD)
        assert it.asked == ["anthropic"]


async def test_a_rest_is_one_models_own() -> None:
    async with chain() as it:
        await it.ask(refused(429, retry_after="60"), GOOD)
        await it.ask(GOOD, body=BODY.replace(b"opus-4-8", b"haiku-4-5"))
        assert it.asked == ["anthropic", "moonshot", "anthropic"]


async def test_a_key_that_is_refused_is_no_reason_to_rest() -> None:
    async with chain() as it:
        await it.ask(refused(401), GOOD)
        await it.ask(GOOD)
        assert it.asked == ["anthropic", "moonshot", "anthropic"]


async def test_what_says_that_it_should_be_tried_again_is_whatever_its_status() -> None:
    async with chain() as it:
        assert (await it.ask(refused(409, x_should_retry="true"), GOOD)).status == 200
        assert (await it.ask(refused(409))).status == 409
        assert it.asked == ["anthropic", "moonshot", "anthropic"]


async def test_who_can_not_be_reached_rests_too() -> None:
    gone = "http://127.0.0.1:9"
    upstream = Upstream()
    await upstream.open()
    there = f"http://127.0.0.1:{upstream.port}"
    addresses = {"anthropic": gone, "moonshot": gone, "minimax": there}
    async with chain(upstream=upstream, upstreams=addresses) as it:
        assert (await it.ask(GOOD)).status == 200
        assert it.asked == ["anthropic", "moonshot", "minimax"]
        it.now[0] = UNREACHABLE_S - 1
        assert (await it.ask(GOOD)).status == 200
        assert it.asked == ["minimax"]


async def test_without_a_fallback_every_refusal_goes_on_at_once_and_nobody_rests() -> None:
    async with chain(routes=()) as it:
        for status in (429, 503, 529):
            answer = await it.ask(refused(status, retry_after="1"))
            assert (answer.status, answer.body) == (status, b'{"error":{"message":"no"}}')
            assert answer.all("retry-after") == ["1"]
        assert it.slept == []
        await it.ask(GOOD)
        assert it.asked == ["anthropic"] * 4


async def test_a_fallback_that_the_request_can_not_be_put_to_is_named_with_the_others() -> None:
    routes = (("claude-*", ("anthropic", "openai/gpt-5.5")),)
    keys = {**KEYS, "openai": Secret("sk-proj-o")}
    async with chain(routes=routes, provider_keys=keys, points=tuple(keys)) as it:
        odd = json.dumps({"model": "claude-opus-4-8", "max_tokens": 9, "messages": {"odd": 1}}).encode()
        answer = await it.ask(refused(529), body=odd)
        assert answer.status == 529
        assert answer.error["message"].startswith("no | Synrouter tried besides: openai: ")


async def test_a_first_one_without_a_key_is_passed_over_too_and_named_where_none_can_answer() -> None:
    async with chain(provider_keys={name: KEYS[name] for name in ("moonshot", "minimax")}) as it:
        assert (await it.ask(GOOD)).status == 200
        assert it.asked == ["moonshot"]
        answer = await it.ask(refused(503), refused(500))
        assert "SYNROUTER_ANTHROPIC_KEY" in answer.error["message"]
        assert "moonshot answered 503, minimax answered 500" in answer.error["message"]
