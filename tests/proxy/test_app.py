"""Starting, stopping, and what the running proxy says of itself."""

from __future__ import annotations

import asyncio
import json
import logging
import os

import pytest
from anthropic._streaming import SSEDecoder

from support.edge import (
    CLIENT_TOKEN,
    CONTROL_TOKEN,
    LAST_CHUNK,
    MESSAGE,
    PROVIDER_KEY,
    SSE_HEAD,
    Edge,
    Received,
    Wire,
    chunk,
    head,
    request,
    running_edge,
    stream,
    until,
    whole,
)
from synrouter_cli import __version__
from synrouter_cli.proxy.app import Running


class Held:
    """An upstream script that sends `before`, waits to be let go, and sends `after`."""

    def __init__(self, before: bytes = b"", after: bytes = b"") -> None:
        self._before, self._after = before, after
        self.go_on = asyncio.Event()
        self.waiting = asyncio.Event()

    async def __call__(self, _: Received, wire: Wire) -> None:
        if self._before:
            await wire.send(self._before)
        self.waiting.set()
        await self.go_on.wait()
        await wire.send(self._after)


def held_stream() -> Held:
    first, *rest = stream()
    return Held(SSE_HEAD + chunk(first), b"".join(map(chunk, rest)) + LAST_CHUNK)


# ── stopping ──


async def test_closing_lets_open_requests_end_and_takes_no_more(edge: Edge) -> None:
    script = held_stream()
    edge.upstream.plays(script)
    async with edge.connect() as connection, edge.connect() as idle:
        await connection.send(request(edge.port))
        await script.waiting.wait()
        closing = asyncio.create_task(edge.running.close(5))
        assert await idle.closed()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", edge.port)
        assert not closing.done()
        script.go_on.set()
        answer = await connection.response()
        assert (answer.complete, answer.body) == (True, b"".join(stream()))
        await asyncio.wait_for(closing, 2)
    assert (await edge.outcome()).status == "ok"
    assert edge.running.in_flight == 0


async def test_a_request_whose_body_is_still_coming_is_served_to_its_end(edge: Edge) -> None:
    async with edge.connect() as connection:
        whole_request = request(edge.port, body=b'{"x": 1}')
        await connection.send(whole_request[:-4])
        await until(lambda: edge.running.in_flight == 1)
        closing = asyncio.create_task(edge.running.close(5))
        await asyncio.sleep(0.02)
        await connection.send(whole_request[-4:])
        answer = await connection.response()
        assert answer.body == MESSAGE
        assert await connection.closed()
        await asyncio.wait_for(closing, 2)


async def test_a_stream_still_open_at_the_end_of_the_drain_gets_a_last_event(edge: Edge) -> None:
    script = held_stream()
    edge.upstream.plays(script)
    async with edge.connect() as connection:
        await connection.send(request(edge.port))
        await script.waiting.wait()
        closing = asyncio.create_task(edge.running.close(0.1))
        answer = await connection.response()
        assert answer.complete
        events = list(SSEDecoder().iter_bytes(iter([answer.body])))
        assert [event.event for event in events] == ["message_start", "error"]
        assert json.loads(events[-1].data)["error"]["type"] == "overloaded_error"
        await asyncio.wait_for(closing, 2)
    outcome = await edge.outcome()
    assert (outcome.status, outcome.error_type) == ("truncated", "stopping")


async def test_a_second_close_hurries_the_first(edge: Edge) -> None:
    script = held_stream()
    edge.upstream.plays(script)
    async with edge.connect() as connection:
        await connection.send(request(edge.port))
        await script.waiting.wait()
        closing = asyncio.create_task(edge.running.close(60))
        await asyncio.sleep(0.02)
        assert not closing.done()
        await asyncio.wait_for(edge.running.close(0), 2)
        assert closing.done()
        assert (await connection.response()).body.startswith(stream()[0])


async def test_a_request_without_an_answer_yet_is_told_to_come_back(edge: Edge) -> None:
    script = Held()
    edge.upstream.plays(script)
    async with edge.connect() as connection:
        await connection.send(request(edge.port))
        await script.waiting.wait()
        edge.running.cut()
        answer = await connection.response()
        assert (answer.status, answer.error["type"]) == (503, "overloaded_error")
        assert answer.all("retry-after") == ["2"]
    assert (await edge.outcome()).status == "cancelled"


async def test_an_answer_in_one_piece_that_is_cut_does_not_look_whole(edge: Edge) -> None:
    script = Held(head(content_type="application/json", content_length="99") + b"{")
    edge.upstream.plays(script)
    async with edge.connect() as connection:
        await connection.send(request(edge.port))
        status, _ = await connection.head()
        edge.running.cut()
        assert status == 200
        assert await connection.reader.read() == b"{"
    assert (await edge.outcome()).error_type == "stopping"


async def test_a_client_that_reads_nothing_does_not_hold_up_the_end(edge: Edge) -> None:
    async def flood(_: Received, wire: Wire) -> None:
        await wire.send(SSE_HEAD)
        while True:
            await wire.send(chunk(b": " + b"x" * 60_000 + b"\n\n"))

    edge.upstream.plays(flood)
    async with edge.connect(limit=1024) as connection:
        await connection.send(request(edge.port))
        await connection.head()
        await asyncio.sleep(0.1)
        await asyncio.wait_for(edge.running.close(0), 4)
    assert (await edge.outcome()).status in ("cancelled", "truncated")


async def test_after_closing_nothing_of_it_is_left() -> None:
    before = asyncio.all_tasks()
    async with running_edge() as edge, edge.connect() as connection:
        await connection.send(request(edge.port))
        await connection.response()
        await edge.running.close(0)
        await edge.upstream.close()
        await until(lambda: asyncio.all_tasks() == before)


async def test_a_port_that_is_taken_is_an_os_error_and_leaves_nothing_open(edge: Edge) -> None:
    with pytest.raises(OSError):
        async with running_edge(upstream=edge.upstream, port=edge.port):
            raise AssertionError("it must not start")


# ── the control API ──


async def control(edge: Edge, method: str, name: str) -> object:
    answer = await edge.ask(method, f"/_synrouter/{name}", b"", token=CONTROL_TOKEN)
    assert answer.status == 200
    return answer.json()


async def test_health_says_who_and_how_it_is(edge: Edge) -> None:
    script = held_stream()
    edge.upstream.plays(script)
    async with edge.connect() as connection:
        await connection.send(request(edge.port))
        await script.waiting.wait()
        health = await control(edge, "GET", "health")
    assert isinstance(health, dict)
    assert health.pop("uptime_s") >= 0
    assert health == {
        "instance": "instance-1",
        "version": __version__,
        "pid": os.getpid(),
        "port": edge.port,
        "in_flight": 1,
        "committed": 5,
        "ledger": {"queue": 0},
        "budget": {},
        "keys": {},
        "keyring": "",
    }


async def test_shutdown_asks_the_process_and_returns_at_once(edge: Edge) -> None:
    assert await control(edge, "POST", "shutdown") == {}
    assert len(edge.shutdowns) == 1


async def test_reload_takes_up_a_new_token(edge: Edge) -> None:
    assert await control(edge, "POST", "reload-tokens") == {}
    assert edge.tokens.reloaded == 1


async def test_control_answers_through_every_header_that_takes_a_token(edge: Edge) -> None:
    for headers in ({"Authorization": f"Bearer {CONTROL_TOKEN}"}, {"x-synrouter-key": CONTROL_TOKEN}):
        answer = await edge.ask("GET", "/_synrouter/health", b"", headers, token=None)
        assert answer.status == 200


# ── secrets ──


async def test_no_secret_is_in_a_log_or_in_what_a_client_gets(caplog: pytest.LogCaptureFixture) -> None:
    own = "sk-ant-oat01-canary-of-the-client"
    prompt = "canary-of-the-prompt"
    body = json.dumps({"messages": [{"role": "user", "content": prompt}]}).encode()
    seen: list[str] = []

    async def reset(_: Received, wire: Wire) -> None:
        wire.reset()

    with caplog.at_level(logging.DEBUG):
        async with running_edge(idle_timeout_s=0.2) as edge:
            port = edge.port
            for script in (
                whole(MESSAGE),
                whole(b"<html>", 502, content_type="text/html"),
                whole(b"", 307, location="https://evil.com"),
                whole(b"{}", 401),
                b"garbage\r\n\r\n",
                head(content_type="application/json", content_length="9") + b"{",
            ):
                edge.upstream.plays(script)
                for headers, token in (
                    ([], CLIENT_TOKEN),
                    ([("x-synrouter-key", CLIENT_TOKEN), ("Authorization", f"Bearer {own}")], None),
                ):
                    answer = await edge.ask(body=body, headers=headers, token=token)
                    seen.append(f"{answer.headers} {answer.body!r}")
            edge.upstream.plays(reset)
            answer = await edge.ask(body=body)
            seen.append(f"{answer.headers} {answer.body!r}")
            for broken in (
                request(port, target=f"/v1/messages?key={CLIENT_TOKEN}"),
                request(port, headers={"x-wrong": f"{PROVIDER_KEY}\0"}),
                request(port, token="sk-sr-local-wrong"),
                request(port, body=b"\x1f\x8b" + body, headers={"Content-Encoding": "gzip"}),
                f"GET /?{own} HTTP/9.9\r\n\r\n".encode(),
            ):
                answer = await edge.ask_raw(broken)
                assert 400 <= answer.status < 500
                seen.append(f"{answer.headers} {answer.body!r}")
    assert len(seen) == 18
    for secret in (own, prompt, PROVIDER_KEY, CLIENT_TOKEN, CONTROL_TOKEN, "sk-sr-local-wrong"):
        assert not [text for text in seen if secret in text]
        assert secret not in caplog.text


async def test_a_running_proxy_shows_no_secret_in_its_repr(edge: Edge) -> None:
    assert isinstance(edge.running, Running)
    exchange = edge.running._entrance.request_handler.__self__  # type: ignore[union-attr]
    assert PROVIDER_KEY not in repr(exchange)
    assert repr(b"s" * 32)[2:-1] not in repr(exchange)
