"""Breakpoints over sockets: who gets them, and what happens where a provider refuses them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from support.edge import Edge, Upstream, running_edge, whole
from support.memory import Memory
from synrouter_cli.credentials import Secret
from synrouter_cli.own_providers import at, read_providers
from synrouter_cli.providers import Provider, builtin
from synrouter_cli.proxy.turns import Turns

LONG = "the quick brown fox jumps over the lazy dog; " * 400
MESSAGES = [{"role": "developer", "content": [{"type": "text", "text": LONG}]}, {"role": "user", "content": "hi"}]
USAGE = {
    "prompt_tokens": 9_000,
    "completion_tokens": 3,
    "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 8_990},
}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
ANSWER = whole(json.dumps({"id": "c", "model": "gpt-5.6-sol", "choices": [CHOICE], "usage": USAGE}).encode())
REFUSAL = whole(
    json.dumps(
        {
            "error": {
                "message": "prompt_cache_breakpoint is not supported on this model",
                "type": "invalid_request_error",
                "param": "prompt_cache_breakpoint",
                "code": "invalid_parameter",
            }
        }
    ).encode(),
    status=400,
)


@asynccontextmanager
async def edge_to(
    name: str, table: Mapping[str, Any] | None = None, **settings: Any
) -> AsyncIterator[tuple[Edge, Memory]]:
    """The proxy before an upstream that stands at the home of the provider `name`."""
    upstream, ledger = Upstream(), Memory()
    await upstream.open()
    home = f"http://127.0.0.1:{upstream.port}"
    if table is None:
        providers: dict[str, Provider] = {**builtin(), name: replace(builtin()[name], base_url=home)}
    else:
        own, _ = read_providers({name: {"base_url": f"{home}/v1", **table}}, at)
        providers = {**builtin(), **own}
        settings["own_models"] = {name: ("gpt-5.6-sol",)}
    turns = Turns(level="safe", mode="auto", ledger=ledger, clock=lambda: ledger.at, secret=b"k")
    async with running_edge(
        upstream=upstream,
        services={"turns": turns},
        points=(),
        provider_keys={name: Secret("sk-proj-o")},
        providers=providers,
        **settings,
    ) as edge:
        yield edge, ledger


async def ask(edge: Edge, **fields: Any) -> Any:
    body = json.dumps({"model": "gpt-5.6-sol", "messages": MESSAGES, **fields}).encode()
    return await edge.ask(target="/v1/chat/completions", body=body, headers={"x-session-id": "s"})


def breakpoints(edge: Edge, index: int = -1) -> int:
    return edge.upstream.received[index].body.count(b'"prompt_cache_breakpoint"')


async def test_openai_at_its_own_address_gets_breakpoints() -> None:
    async with edge_to("openai") as (edge, ledger):
        edge.upstream.plays(ANSWER)
        said = await ask(edge)
        assert said.status == 200 and said.all("x-synrouter-plan") == ["safe; breakpoints=1"]
        assert breakpoints(edge) == 1
    [row] = ledger.rows
    assert row.cost_pusd == row.baseline_client_pusd is not None and row.verdict == "first"


@pytest.mark.parametrize(("cache", "placed"), [("breakpoints", 1), ("key", 0), ("automatic", 0)])
async def test_a_provider_of_the_users_own_gets_them_where_its_configuration_says_so(cache: str, placed: int) -> None:
    async with edge_to("corp", {"dialect": "chat", "cache": cache}) as (edge, _):
        edge.upstream.plays(ANSWER)
        assert (await ask(edge)).status == 200
        assert breakpoints(edge) == placed
        assert (b'"prompt_cache_key"' in edge.upstream.received[0].body) is (cache != "automatic")


async def test_openai_that_the_user_pointed_elsewhere_gets_its_key_alone() -> None:
    async with running_edge(points=("openai",), provider_keys={"openai": Secret("sk-proj-o")}) as edge:
        edge.upstream.plays(ANSWER)
        assert (await ask(edge)).status == 200
        assert breakpoints(edge) == 0 and b'"prompt_cache_key"' in edge.upstream.received[0].body


async def test_where_they_are_refused_the_request_goes_without_and_so_do_all_that_follow() -> None:
    async with edge_to("openai") as (edge, ledger):
        edge.upstream.plays(REFUSAL, ANSWER, ANSWER)
        said = await ask(edge)
        assert said.status == 200 and said.json()["choices"][0]["message"]["content"] == "Hello"
        assert said.all("x-synrouter-plan") == ["safe; the provider's own cache"]
        assert [breakpoints(edge, i) for i in range(2)] == [1, 0]
        await ask(edge)
        assert len(edge.upstream.received) == 3 and breakpoints(edge) == 0
    assert [(row.status, row.attempts, row.planned) for row in ledger.rows] == [("ok", 2, False), ("ok", 1, False)]
    assert all(row.cost_pusd == row.baseline_client_pusd is not None for row in ledger.rows)


async def test_a_refusal_of_what_the_client_itself_sent_is_the_clients() -> None:
    async with edge_to("openai") as (edge, _):
        edge.upstream.plays(REFUSAL)
        said = await ask(edge, prompt_cache_options={"mode": "explicit"})
        assert said.status == 400 and len(edge.upstream.received) == 1
