"""Many at once: nobody's bytes in another's answer, nobody starved, nothing left over."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.edge import LAST_CHUNK, SSE_HEAD, Edge, Received, Wire, chunk, request, running_edge, stream, until, whole

STREAMS = 200
EVENTS = 20


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with running_edge() as running:
        yield running


def descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder if folder.exists() else "/dev/fd"))


async def names_its_request(received: Received, wire: Wire) -> None:
    """A stream in which every event holds what the request's body holds."""
    [mark] = re.findall(rb"request-\d+", received.body)
    await wire.send(SSE_HEAD)
    for piece in stream(mark.decode(), pieces=EVENTS):
        await wire.send(chunk(piece))
        await asyncio.sleep(0.001)
    await wire.send(LAST_CHUNK)


async def test_43_two_hundred_streams_at_once_are_kept_apart_and_served_alike(edge: Edge) -> None:
    finished: list[float] = []

    async def when_all_are_here(received: Received, wire: Wire) -> None:
        await until(lambda: len(edge.upstream.received) == STREAMS, seconds=20)
        await names_its_request(received, wire)

    async def one(number: int) -> None:
        mark = f"request-{number}"
        async with edge.connect() as connection:
            await connection.send(request(edge.port, body=mark.encode()))
            answer = await connection.response(seconds=30)
            finished.append(time.monotonic())
            assert answer.body == b"".join(stream(mark, pieces=EVENTS))

    edge.upstream.plays(when_all_are_here)
    started = time.monotonic()
    await asyncio.gather(*(one(number) for number in range(STREAMS)))
    assert {turn.outcome.status for turn in edge.turns.turns} == {"ok"}
    assert edge.upstream.connections == STREAMS
    # All began together: none ends in the first half of the time that the last one takes.
    assert finished[0] - started > (finished[-1] - started) / 2


async def test_52_descriptors_tasks_and_the_budget_are_back_where_they_were() -> None:
    async with running_edge(idle_timeout_s=0.5) as edge:
        await edge.ask()
        before = descriptors(), len(asyncio.all_tasks())

        async def leave() -> None:
            async with edge.connect() as connection:
                await connection.send(request(edge.port, body=b"request-1"))
                await connection.head()

        async def cut(received: Received, wire: Wire) -> None:
            await wire.send(SSE_HEAD + chunk(b"event: x\n"))
            wire.reset()

        for script in (names_its_request, cut):
            edge.upstream.plays(script)
            await asyncio.gather(*(leave() for _ in range(40)), *(edge.ask(body=b"request-2") for _ in range(10)))
        edge.upstream.plays(whole(b"{}"))
        await until(lambda: edge.running.in_flight == 0)
        await edge.running._upstream._session.connector.close()  # type: ignore[union-attr]  # the kept ones
        await until(lambda: descriptors() <= before[0] and len(asyncio.all_tasks()) <= before[1])
        exchange = edge.running._entrance._handler.__self__  # type: ignore[attr-defined]
        assert exchange.budget.held == 0
