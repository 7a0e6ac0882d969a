"""The stage: a provider on a port of its own, agents that end with it, and nothing left open."""

from __future__ import annotations

import asyncio
import socket

import aiohttp

from synrouter_cli.demo.stage import Stage


async def test_the_provider_serves_where_the_stage_says():
    with Stage(5.0) as stage:
        async with stage.provider(), aiohttp.ClientSession() as http, http.get(f"{stage.upstream}/__usage") as answer:
            assert (await answer.json()) == {"requests": []}


def test_leaving_closes_the_port():
    with Stage(5.0) as stage:
        port = int(stage.upstream.rpartition(":")[2])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))


async def test_agents_at_work_end_with_the_stage():
    over: list[bool] = []
    with Stage(3600.0) as stage:
        async with stage.provider(), stage.playing(stage.upstream, "sk-any", lambda: over.append(True)) as agents:
            await asyncio.sleep(0)
            assert not agents.done()
        assert agents.cancelled() or agents.done()
    assert over == [True]


async def test_agents_that_reach_nobody_end_the_play_in_good_order():
    done = asyncio.Event()
    with Stage(5.0) as stage:
        closed = socket.create_server(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        closed.close()
        async with stage.playing(nobody, "sk-any", done.set) as agents:
            await asyncio.wait_for(done.wait(), 20)
            await agents
