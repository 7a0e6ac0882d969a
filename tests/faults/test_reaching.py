"""Faults on the way to the provider: what is tried again, how long it takes, what the client is told."""

from __future__ import annotations

import asyncio
import base64
import errno
import gc
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from support.edge import MESSAGE, PROVIDER_KEY, Edge, Received, Response, Upstream, Wire, running_edge, until, whole
from synrouter_cli.proxy.failures import diagnose

CERTIFICATE = Path(__file__).with_name("upstream.pem")


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with running_edge() as running:
        yield running


def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def failed(edge: Edge, status: int, kind: str, attempts: int) -> Response:
    """Ask, and check what the client and the ledger are told of the failure."""
    answer = await edge.ask()
    assert (answer.status, answer.error["type"]) == (status, kind)
    assert answer.error["message"].startswith("Synrouter: anthropic")
    assert answer.all("x-synrouter-session") == ["session-1"]
    outcome = await edge.outcome()
    assert (outcome.status, outcome.error_type, outcome.http_status) == ("error", kind, None)
    assert outcome.attempts == attempts
    return answer


# ── 1–4: no connection ──


async def test_1_a_name_without_an_address_is_looked_up_twice() -> None:
    async with running_edge(upstreams={"anthropic": "https://nowhere.invalid"}) as edge:
        answer = await failed(edge, 502, "api_error", attempts=2)
        assert "no address for nowhere.invalid" in answer.error["message"]


async def test_after_a_sleep_of_the_machine_no_kept_connection_is_used_and_what_is_under_way_goes_on() -> None:
    slept = [1e9]
    async with running_edge(services={"slept_s": lambda: slept[0]}) as edge:
        go_on = asyncio.Event()

        async def slowly(received: Received, wire: Wire) -> None:
            body = whole(MESSAGE)
            await wire.send(body[:-5])
            await go_on.wait()
            await wire.send(body[-5:])

        edge.upstream.plays(slowly, whole(MESSAGE))
        under_way = asyncio.ensure_future(edge.ask())
        await until(lambda: edge.upstream.received)
        for asleep, connections in ((0.0, 2), (0.5, 2), (3600.0, 3), (3600.0, 3), (7200.0, 4)):
            slept[0] = 1e9 + asleep
            assert (await edge.ask()).status == 200
            assert edge.upstream.connections == connections
        go_on.set()
        assert (await under_way).body == MESSAGE


async def test_2_a_refused_connection_is_tried_three_times_within_a_second(edge: Edge) -> None:
    await edge.upstream.close()
    started = time.monotonic()
    answer = await failed(edge, 502, "api_error", attempts=3)
    assert time.monotonic() - started < 2
    assert "synrouter status" in answer.error["message"]


async def test_2_a_provider_that_comes_back_in_between_is_reached(edge: Edge) -> None:
    await edge.upstream.close()
    asking = asyncio.create_task(edge.ask())
    await asyncio.sleep(0.05)
    await edge.upstream.open()
    assert (await asking).status == 200
    assert (await edge.outcome()).attempts in (2, 3)


@pytest.fixture
def blackhole() -> Iterator[int]:
    """A port whose queue is full: connecting to it gets no answer at all."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()


async def test_3_a_connection_that_is_not_answered_is_given_up(blackhole: int) -> None:
    upstreams = {"anthropic": f"http://127.0.0.1:{blackhole}"}
    async with running_edge(upstreams=upstreams, connect_timeout_s=0.2) as edge:
        started = time.monotonic()
        await failed(edge, 504, "timeout_error", attempts=2)
        assert 0.35 < time.monotonic() - started < 2


@asynccontextmanager
async def tls_edge(host: str = "127.0.0.1", *, trusted: bool) -> AsyncIterator[Edge]:
    upstream = Upstream()
    await upstream.open(tls())
    upstreams = {"anthropic": f"https://{host}:{upstream.port}"}
    bundles = (CERTIFICATE,) if trusted else ()
    async with running_edge(upstream=upstream, upstreams=upstreams, ca_bundles=bundles) as edge:
        yield edge


@pytest.mark.parametrize(("host", "trusted"), [("127.0.0.1", False), ("localhost", True)])
async def test_4_a_bad_certificate_is_not_tried_again(host: str, trusted: bool) -> None:
    async with tls_edge(host, trusted=trusted) as edge:
        answer = await failed(edge, 502, "api_error", attempts=1)
        assert "certificate was refused" in answer.error["message"]
        assert "SSL_CERT_FILE" in answer.error["message"]
        assert answer.all("x-should-retry") == ["false"]
        assert edge.upstream.received == []


async def test_4_a_bundle_of_the_users_is_trusted_besides_the_systems() -> None:
    async with tls_edge(trusted=True) as edge:
        assert (await edge.ask()).status == 200


async def test_plain_text_where_tls_is_expected_is_said_plainly() -> None:
    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running_edge(upstreams={"anthropic": f"https://127.0.0.1:{port}"}) as edge:
        answer = await failed(edge, 502, "api_error", attempts=1)
        assert "TLS" in answer.error["message"]
    server.close()


# ── 5, 6: connections that break ──


async def reset(_: Received, wire: Wire) -> None:
    wire.reset()


async def hang_up(_: Received, wire: Wire) -> None:
    wire.writer.close()


async def half_a_head(_: Received, wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    wire.writer.close()


@pytest.mark.parametrize("breaks", [reset, hang_up, half_a_head])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_5_a_fresh_connection_that_breaks_is_not_tried_again(edge: Edge, breaks: object, method: str) -> None:
    edge.upstream.plays(breaks, whole(MESSAGE))  # type: ignore[arg-type]
    target = {"POST": "/v1/messages", "GET": "/v1/models", "DELETE": "/v1/files/f"}[method]
    answer = await edge.ask(method, target, b"")
    assert (answer.status, answer.error["type"]) == (502, "api_error")
    assert len(edge.upstream.received) == 1


@pytest.mark.parametrize("breaks", [reset, hang_up])
async def test_6_a_kept_connection_that_breaks_unanswered_is_tried_once_more(edge: Edge, breaks: object) -> None:
    edge.upstream.plays(whole(MESSAGE), breaks, whole(MESSAGE))  # type: ignore[arg-type]
    for _ in range(2):
        assert (await edge.ask()).status == 200
    assert [received.connection for received in edge.upstream.received] == [1, 1, 2]
    assert [turn.outcome.attempts for turn in edge.turns.turns] == [1, 2]


async def test_6_a_kept_connection_that_is_reset_while_nobody_uses_it_is_no_news(edge: Edge) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    wires: list[Wire] = []

    async def keeps(_: Received, wire: Wire) -> None:
        wires.append(wire)
        await wire.send(whole(MESSAGE)[:-1])
        await until(lambda: edge.turns.turns[-1].responses)  # the rest comes once its head was read
        await wire.send(whole(MESSAGE)[-1:])

    edge.upstream.plays(keeps)
    for _ in range(2):
        assert (await edge.ask()).status == 200
    kept = wires[-1].writer.transport
    kept.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    kept.abort()
    assert (await edge.ask()).status == 200
    assert edge.upstream.connections == 2
    gc.collect()
    assert complaints == []


async def test_6_a_kept_connection_that_breaks_after_a_byte_is_not(edge: Edge) -> None:
    edge.upstream.plays(whole(MESSAGE), half_a_head, whole(MESSAGE))
    assert (await edge.ask()).status == 200
    assert (await edge.ask()).status == 502
    assert len(edge.upstream.received) == 2


async def test_6_the_second_connection_that_breaks_is_the_last(edge: Edge) -> None:
    edge.upstream.plays(whole(MESSAGE), reset, reset, whole(MESSAGE))
    assert (await edge.ask()).status == 200
    assert (await edge.ask()).status == 502
    assert len(edge.upstream.received) == 3


async def test_6_an_upload_is_never_sent_twice(edge: Edge) -> None:
    edge.upstream.plays(whole(MESSAGE), reset, whole(MESSAGE))
    assert (await edge.ask(target="/v1/files")).status == 200
    assert (await edge.ask(target="/v1/files")).status == 502
    assert len(edge.upstream.received) == 2


async def test_a_connection_is_kept_for_the_next_request(edge: Edge) -> None:
    for _ in range(5):
        await edge.ask()
    assert edge.upstream.connections == 1


async def test_7_a_provider_that_never_answers_is_given_up() -> None:
    async def silent(_: Received, wire: Wire) -> None:
        await wire.gone()

    async with running_edge(idle_timeout_s=0.2) as edge:
        edge.upstream.plays(silent)
        await failed(edge, 504, "timeout_error", attempts=1)


async def test_an_answer_that_is_not_http_is_said_plainly(edge: Edge) -> None:
    edge.upstream.plays(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    answer = await failed(edge, 502, "api_error", attempts=1)
    assert "OpenSSH" not in answer.error["message"]


@dataclass
class Key:
    """As much of aiohttp's connection key as its errors read."""

    host: str = "h"
    port: int = 1
    ssl: bool = True
    is_ssl: bool = True


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_51_no_file_descriptors_left_is_a_503_that_passes(number: int) -> None:
    exception = aiohttp.ClientConnectorError(Key(), OSError(number, "Too many open files"))  # type: ignore[arg-type]
    failure = diagnose(exception, "anthropic", reused=False, connect_timeout_s=1, idle_timeout_s=1)
    assert (failure.error.http_status, failure.error.type) == (503, "overloaded_error")
    assert not failure.permanent


def test_no_failure_tells_what_the_library_said() -> None:
    for exception in (
        ValueError(PROVIDER_KEY),
        aiohttp.InvalidURL(PROVIDER_KEY),
        aiohttp.ClientConnectionError(PROVIDER_KEY),
        RuntimeError(PROVIDER_KEY),
    ):
        failure = diagnose(exception, "anthropic", reused=True, connect_timeout_s=1, idle_timeout_s=1)
        assert PROVIDER_KEY not in f"{failure} {failure.error}"


# ── proxies ──


class HttpProxy:
    """A proxy that tunnels, or answers `refusal`."""

    def __init__(self, refusal: bytes = b"") -> None:
        self.asked: list[bytes] = []
        self._refusal = refusal

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        if self._refusal:
            writer.write(self._refusal)
            writer.close()
            return
        host, _, port = head.split()[1].decode().partition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()


@dataclass
class Through:
    """Every address through one proxy."""

    proxy: str | None

    def for_url(self, url: str) -> str | None:
        return self.proxy


@asynccontextmanager
async def behind(proxy: HttpProxy, user: str = "") -> AsyncIterator[Edge]:
    upstream = Upstream()
    await upstream.open(tls())
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running_edge(
        upstream=upstream,
        upstreams={"anthropic": f"https://127.0.0.1:{upstream.port}"},
        ca_bundles=(CERTIFICATE,),
        proxies=Through(f"http://{user}127.0.0.1:{port}"),
    ) as edge:
        yield edge
    server.close()


async def test_a_proxy_sees_where_to_but_not_what() -> None:
    proxy = HttpProxy()
    async with behind(proxy) as edge:
        assert (await edge.ask()).status == 200
        [asked] = proxy.asked
        assert asked.startswith(f"CONNECT 127.0.0.1:{edge.upstream.port} HTTP/1.1\r\n".encode())
        assert PROVIDER_KEY.encode() not in asked
        assert edge.upstream.received[0].all("x-api-key") == [PROVIDER_KEY]


async def test_a_proxys_password_goes_to_the_proxy_alone() -> None:
    proxy = HttpProxy()
    async with behind(proxy, "user:pass@") as edge:
        assert (await edge.ask()).status == 200
        expected = b"Proxy-Authorization: Basic " + base64.b64encode(b"user:pass")
        assert expected in proxy.asked[0]
        assert edge.upstream.received[0].all("proxy-authorization") == []
        assert edge.upstream.received[0].all("authorization") == []


async def test_a_proxy_that_refuses_is_named_and_not_asked_again() -> None:
    proxy = HttpProxy(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    async with behind(proxy) as edge:
        answer = await failed(edge, 502, "api_error", attempts=1)
        assert "proxy" in answer.error["message"] and "407" in answer.error["message"]
        assert len(proxy.asked) == 1


async def test_a_proxy_that_is_down_is_named() -> None:
    async with running_edge(proxies=Through("http://127.0.0.1:9")) as edge:
        answer = await failed(edge, 502, "api_error", attempts=3)
        assert "proxy" in answer.error["message"]
