"""A client that leaves: its upstream request ends within a tenth of a second and the turn is cancelled."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from support.edge import (
    SSE_HEAD,
    Edge,
    Received,
    Script,
    Wire,
    chunk,
    head,
    request,
    running_edge,
    stream,
    until,
)
from synrouter_cli.credentials import Secret

SOON_S = 0.1


class Stalled:
    """An upstream script that sends `first`, then nothing, and notes when the other side left."""

    def __init__(self, first: bytes = b"") -> None:
        self._first = first
        self.stalled = asyncio.Event()
        self.left_at = 0.0

    async def __call__(self, _: Received, wire: Wire) -> None:
        if self._first:
            await wire.send(self._first)
        self.stalled.set()
        await wire.gone()
        self.left_at = time.monotonic()


STAGES = {
    "before the answer's head": b"",
    "after the head of a stream": SSE_HEAD,
    "in the middle of a stream": SSE_HEAD + chunk(stream()[0]),
    "in the middle of an event": SSE_HEAD + chunk(stream()[0][:20]),
    "in the middle of an answer in one piece": head(content_type="application/json", content_length="100") + b"{",
    "before the body of an answer in one piece": head(content_type="application/json", content_length="100"),
}


@pytest.mark.parametrize("first", STAGES.values(), ids=STAGES.keys())
@pytest.mark.parametrize("how", ["reset", "close", "half-close"])
async def test_its_upstream_request_ends_at_once(edge: Edge, first: bytes, how: str) -> None:
    script = Stalled(first)
    edge.upstream.plays(script)
    async with edge.connect() as connection:
        await connection.send(request(edge.port))
        async with asyncio.timeout(5):
            await script.stalled.wait()
        await asyncio.sleep(0.02)  # let what was sent arrive
        left = time.monotonic()
        if how == "reset":
            connection.writer.transport.abort()
        elif how == "close":
            connection.writer.close()
        else:
            connection.writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
        await until(lambda: script.left_at)
        outcome = await edge.outcome()
    assert script.left_at - left < SOON_S
    assert edge.turns.turns[0].finished_at - left < SOON_S
    assert outcome.status == "cancelled"
    assert outcome.http_status == (200 if first else None)
    assert edge.running.in_flight == 0


async def test_a_client_that_leaves_while_it_sends_begins_no_turn(edge: Edge) -> None:
    async with edge.connect() as connection:
        await connection.send(request(edge.port, body=b"x" * 100)[:-50])
        await until(lambda: edge.running.in_flight == 1)
        connection.close()
        await until(lambda: edge.running.in_flight == 0)
    assert edge.turns.turns == []
    assert edge.upstream.received == []


async def test_a_client_that_leaves_an_upload_ends_it_upstream(edge: Edge) -> None:
    async with edge.connect() as connection:
        await connection.send(request(edge.port, target="/v1/files", body=b"x" * 100_000)[:-50_000])
        await until(lambda: edge.upstream.connections == 1)
        connection.close()
        await until(lambda: edge.running.in_flight == 0)
    await until(lambda: not edge.upstream._tasks)
    assert edge.upstream.received == []


async def test_usage_up_to_the_leave_is_kept(edge: Edge) -> None:
    script = Stalled(SSE_HEAD + chunk(stream()[0]))
    edge.upstream.plays(script)
    async with edge.connect() as connection:
        await connection.send(request(edge.port))
        await connection.head()
        await connection.reader.readexactly(len(chunk(stream()[0])))
    outcome = await edge.outcome()
    assert (outcome.status, outcome.usage_quality) == ("cancelled", "partial")
    assert outcome.usage is not None
    assert outcome.usage.cache_read_tokens == 90


async def test_a_client_that_leaves_a_flood_it_does_not_read_is_noticed(edge: Edge) -> None:
    ended = asyncio.Event()

    async def flood(_: Received, wire: Wire) -> None:
        try:
            await wire.send(SSE_HEAD)
            while True:
                await wire.send(chunk(b": " + b"x" * 60_000 + b"\n\n"))
        finally:
            ended.set()

    edge.upstream.plays(flood)
    async with edge.connect(limit=1024) as connection:
        await connection.send(request(edge.port))
        await connection.head()
        await asyncio.sleep(0.1)
        left = time.monotonic()
    async with asyncio.timeout(5):
        await ended.wait()
    assert time.monotonic() - left < 3 * SOON_S
    assert (await edge.outcome()).status == "cancelled"


async def test_other_streams_go_on_when_one_client_leaves(edge: Edge) -> None:
    leaves, stays = Stalled(SSE_HEAD), asyncio.Event()

    async def waits(_: Received, wire: Wire) -> None:
        await wire.send(SSE_HEAD)
        await stays.wait()
        await wire.send(b"".join(map(chunk, stream())) + b"0\r\n\r\n")

    scripts: list[Script] = [leaves, waits]
    edge.upstream.plays(*scripts)
    async with edge.connect() as first, edge.connect() as second:
        await first.send(request(edge.port))
        await until(lambda: len(edge.upstream.received) == 1)
        await second.send(request(edge.port))
        await until(lambda: len(edge.upstream.received) == 2)
        first.close()
        await until(lambda: leaves.left_at)
        stays.set()
        assert (await second.response()).body == b"".join(stream())


async def test_an_answer_that_is_billed_anyway_is_read_to_its_end_for_its_usage() -> None:
    left, whole_answer = asyncio.Event(), stream()

    async def slow(_: Received, wire: Wire) -> None:
        await wire.send(SSE_HEAD + chunk(whole_answer[0]))
        await left.wait()
        await wire.send(b"".join(map(chunk, whole_answer[1:])) + b"0\r\n\r\n")

    async with running_edge(points=("bedrock",), provider_keys={"bedrock": Secret("ABSK-b")}) as edge:
        edge.upstream.plays(slow)
        async with edge.connect() as connection:
            await connection.send(request(edge.port, body=b'{"model":"bedrock/claude-opus-4-8","messages":[]}'))
            await connection.head()
            await asyncio.sleep(0.02)  # let the first event arrive
            connection.writer.transport.abort()
        await until(lambda: edge.running.in_flight == 0)
        left.set()
        outcome = await edge.outcome()
    assert (outcome.status, outcome.usage_quality) == ("cancelled", "exact")
    assert outcome.usage is not None and outcome.usage.output_tokens == 42
