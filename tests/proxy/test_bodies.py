"""Reading a body: what it may weigh, how it may be encoded, how many may be held at once."""

from __future__ import annotations

import asyncio
import gzip
import sys
import threading
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.edge import Edge, request, running_edge, until
from synrouter_cli.errors import BodyTooLarge, InvalidRequest
from synrouter_cli.proxy import bodies
from synrouter_cli.proxy.bodies import Budget, Limits, NoRoom, SlowBody, UnsupportedEncoding, decode, read

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}
encodings = pytest.mark.parametrize("encoding", ENCODERS)


class Source:
    """Gives its pieces one by one, then ends; None is a silence without end."""

    def __init__(self, *pieces: bytes | None) -> None:
        self._pieces = list(pieces)

    async def readany(self) -> bytes:
        await asyncio.sleep(0)
        piece = self._pieces.pop(0) if self._pieces else b""
        if piece is None:
            await asyncio.Event().wait()
            raise AssertionError
        return piece


def limits(body: int = 1000, in_flight: int = 10_000, wait: float = 0.05, silence: float = 0.05) -> Limits:
    return Limits(body, in_flight, wait, silence)


async def read_all(source: Source, length: int | None, encoding: str, bounds: Limits) -> bodies.Body:
    budget = Budget(bounds)
    async with budget.lease() as lease:
        body = await read(source, length, encoding, lease, bounds)
        assert budget.held >= len(body.wire)
    assert budget.held == 0
    return body


# ── decoding ──


@given(st.binary(max_size=3000), st.sampled_from(sorted(ENCODERS)))
def test_what_was_encoded_comes_out_again(data: bytes, encoding: str) -> None:
    assert decode(ENCODERS[encoding](data), encoding, limit=3000) == data


@encodings
def test_several_members_in_a_row_are_one_body(encoding: str) -> None:
    encode = ENCODERS[encoding]
    assert decode(encode(b"one ") + encode(b"two"), encoding, limit=100) == b"one two"


@encodings
def test_the_limit_is_the_last_size_that_fits(encoding: str) -> None:
    wire = ENCODERS[encoding](b"x" * 100)
    assert len(decode(wire, encoding, limit=100)) == 100
    with pytest.raises(BodyTooLarge):
        decode(wire, encoding, limit=99)


@encodings
def test_a_bomb_is_not_inflated_past_the_limit(encoding: str) -> None:
    wire = ENCODERS[encoding](bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            decode(wire, encoding, limit=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


@encodings
@pytest.mark.parametrize("harm", ["cut", "flipped", "plain", "followed"])
def test_a_corrupt_body_is_the_clients_mistake(encoding: str, harm: str) -> None:
    wire = ENCODERS[encoding](b'{"model": "claude"}' * 20)
    harmed = {
        "cut": wire[:-3],
        "flipped": wire[:1] + bytes([wire[1] ^ 0xFF]) + wire[2:],
        "plain": b'{"model": "claude"}',
        "followed": wire + b"junk",
    }[harm]
    with pytest.raises(InvalidRequest):
        decode(harmed, encoding, limit=100_000)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "gzip, zstd", "compress", "gzip,"])
def test_other_encodings_and_more_than_one_layer_are_refused(encoding: str) -> None:
    with pytest.raises(UnsupportedEncoding):
        decode(b"", encoding, limit=100)


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
async def test_a_plain_body_is_not_copied(encoding: str) -> None:
    body = await read_all(Source(b"{}"), 2, encoding, limits())
    assert body.wire is body.decoded
    assert not body.encoded


# ── reading ──


async def test_a_large_body_is_decoded_off_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    inner = bodies.decode

    def spy(wire: bytes, encoding: str, *, limit: int) -> bytes:
        threads.append(threading.get_ident())
        return inner(wire, encoding, limit=limit)

    monkeypatch.setattr(bodies, "decode", spy)
    noise = bytes(range(256)) * 1024
    small, large = gzip.compress(b"{}"), gzip.compress(noise, compresslevel=0)
    for wire in (small, large):
        await read_all(Source(wire), None, "gzip", limits(body=1_000_000, in_flight=10_000_000))
    assert threads[0] == threading.get_ident() != threads[1]


async def test_an_announced_size_over_the_limit_is_refused_unread() -> None:
    source = Source(None)
    with pytest.raises(BodyTooLarge, match=r"^The request's body is larger than 1,000 bytes\."):
        await read_all(source, 1001, "", limits())


async def test_a_size_that_is_not_announced_is_refused_where_it_passes_the_limit() -> None:
    with pytest.raises(BodyTooLarge):
        await read_all(Source(b"x" * 600, b"x" * 600, None), None, "", limits())


async def test_a_body_that_goes_silent_is_given_up() -> None:
    with pytest.raises(SlowBody):
        await read_all(Source(b"{", None), None, "", limits())


# ── the budget ──


async def test_bodies_wait_in_line_and_go_on_as_room_comes_free() -> None:
    budget = Budget(limits(in_flight=100, wait=5))
    order: list[str] = []
    done = asyncio.Event()

    async def hold(name: str, count: int) -> None:
        async with budget.lease() as lease:
            await lease.take(count)
            order.append(name)
            await done.wait()

    tasks = [asyncio.create_task(hold(name, size)) for name, size in (("a", 80), ("b", 60), ("c", 20))]
    await until(lambda: len(budget._waiting) == 2)
    assert order == ["a"]  # c would fit, but b was first
    done.set()
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c"]
    assert budget.held == 0


async def test_who_finds_no_room_in_time_is_told_so_in_a_way_that_clients_repeat() -> None:
    budget = Budget(limits(in_flight=100))
    async with budget.lease() as first, budget.lease() as second:
        await first.take(100)
        with pytest.raises(NoRoom) as refusal:
            await second.take(1)
        assert (refusal.value.http_status, refusal.value.type) == (503, "overloaded_error")
        assert budget.held == 100
    assert budget.held == 0


async def test_one_body_alone_may_be_larger_than_the_budget() -> None:
    budget = Budget(limits(in_flight=100))
    async with budget.lease() as lease:
        await lease.take(500)
        assert budget.held == 500


async def test_who_leaves_the_line_lets_the_next_one_in() -> None:
    budget = Budget(limits(in_flight=100, wait=5))
    async with budget.lease() as first, budget.lease() as second, budget.lease() as third:
        await first.take(60)
        leaving = asyncio.create_task(second.take(50))
        staying = asyncio.create_task(third.take(40))
        await until(lambda: len(budget._waiting) == 2)
        leaving.cancel()
        await staying
        assert budget.held == 100
    assert budget.held == 0


async def test_a_cancel_in_the_moment_of_being_let_in_gives_the_bytes_back() -> None:
    budget = Budget(limits(in_flight=100, wait=5))
    await budget.take(100)
    waiting = asyncio.create_task(budget.take(50))
    await until(lambda: budget._waiting)
    budget.give_back(100)  # lets it in, but it has not run yet
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert budget.held == 0


async def test_an_encoded_body_reserves_what_it_may_become() -> None:
    bounds = limits(body=1000, in_flight=1500)
    budget = Budget(bounds)
    wire = gzip.compress(b"{}")
    async with budget.lease() as first:
        await read(Source(wire), None, "gzip", first, bounds)
        assert budget.held == len(wire) + 2
        async with budget.lease() as second:
            await second.take(1000)
            async with budget.lease() as third:
                with pytest.raises(NoRoom):
                    await read(Source(wire), None, "gzip", third, bounds)


# ── through the running proxy ──


@encodings
async def test_an_encoded_request_goes_on_as_it_came_and_is_planned_decoded(edge: Edge, encoding: str) -> None:
    body = b'{"model": "claude-opus-5"}'
    wire = ENCODERS[encoding](body)
    await edge.ask(body=wire, headers={"Content-Encoding": encoding})
    [received] = edge.upstream.received
    assert received.body == wire
    assert received.all("content-encoding") == [encoding]
    [turn] = edge.turns.turns
    assert (turn.inbound.body, turn.inbound.wire_encoded) == (body, True)


async def test_an_edited_request_goes_on_without_its_encoding(edge: Edge) -> None:
    edge.turns.edit = lambda body: body + b" "
    await edge.ask(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})
    [received] = edge.upstream.received
    assert received.body == b"{} "
    assert received.all("content-encoding") == []
    assert received.all("content-length") == ["3"]


async def test_a_corrupt_body_is_a_400_and_one_over_the_cap_a_413() -> None:
    async with running_edge(max_body_bytes=1000) as edge:
        corrupt = await edge.ask(body=b"\x1f\x8bjunk", headers={"Content-Encoding": "gzip"})
        assert (corrupt.status, corrupt.error["type"]) == (400, "invalid_request_error")
        bomb = await edge.ask(body=gzip.compress(bytes(100_000)), headers={"Content-Encoding": "gzip"})
        assert (bomb.status, bomb.error["type"]) == (413, "request_too_large")
        announced = await edge.ask(body=b"x" * 1001)
        assert announced.status == 413
        assert edge.upstream.received == []


async def test_two_headers_of_one_encoding_each_are_two_layers(edge: Edge) -> None:
    body = gzip.compress(gzip.compress(b"{}"))
    answer = await edge.ask(body=body, headers=[("Content-Encoding", "gzip"), ("content-encoding", "gzip")])
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert edge.upstream.received == []


async def test_a_chunked_body_is_sent_on_with_its_length(edge: Edge) -> None:
    data = request(edge.port, body=b"", headers={"Transfer-Encoding": "chunked"})
    answer = await edge.ask_raw(data + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")
    assert answer.status == 200
    [received] = edge.upstream.received
    assert received.body == b"{}"
    assert received.all("content-length") == ["2"]
    assert received.all("transfer-encoding") == []


async def test_a_body_of_several_megabytes_arrives_whole(edge: Edge) -> None:
    body = b'{"x": "' + bytes(range(97, 123)) * 150_000 + b'"}'
    assert (await edge.ask(body=body)).status == 200
    [received] = edge.upstream.received
    assert received.body == body
    assert received.all("content-length") == [str(len(body))]


async def test_a_client_that_asks_before_sending_is_told_to_go_on(edge: Edge) -> None:
    head, body = request(edge.port, body=b"{}", headers={"Expect": "100-continue"})[:-2], b"{}"
    async with edge.connect() as connection:
        await connection.send(head)
        assert await connection.head() == (100, [])
        await connection.send(body)
        assert (await connection.response()).status == 200
    [received] = edge.upstream.received
    assert received.all("expect") == []


async def test_full_house_is_a_503_that_says_when_to_come_back() -> None:
    async with running_edge(in_flight_bytes=100, services={"room_wait_s": 0.05}) as edge:
        release = asyncio.Event()

        async def hold(_: object, wire: object) -> None:
            await release.wait()

        edge.upstream.plays(hold)  # type: ignore[arg-type]
        async with edge.connect() as first:
            await first.send(request(edge.port, body=b"x" * 80))
            await until(lambda: edge.upstream.received)
            refused = await edge.ask(body=b"x" * 30)
            assert (refused.status, refused.error["type"]) == (503, "overloaded_error")
            assert refused.all("retry-after") == ["2"]
            release.set()
