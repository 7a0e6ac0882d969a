"""Bytes that two parsers could frame differently: refused, the connection ended, nothing sent on."""

from __future__ import annotations

import pytest

from support.edge import CLIENT_TOKEN, Edge, running_edge

GET = b"GET /healthz HTTP/1.1\r\nHost: HOST\r\n"
POST = b"POST /v1/messages HTTP/1.1\r\nHost: HOST\r\nx-api-key: TOKEN\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"

REFUSED = {
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: HOST\r\n\r\n",
    "empty host": b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n",
    "host with a user": b"GET /healthz HTTP/1.1\r\nHost: HOST@evil.com\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "version 0.9": b"GET /healthz HTTP/0.9\r\nHost: HOST\r\n\r\n",
    "version 1.0": b"GET /healthz HTTP/1.0\r\nHost: HOST\r\n\r\n",
    "version 1.2": b"GET /healthz HTTP/1.2\r\nHost: HOST\r\n\r\n",
    "version 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "absolute form": b"GET http://HOST/healthz HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "connect": b"CONNECT evil.com:443 HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "lower-case method": b"get /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "unknown method": b"FOO /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "bytes in the path": b"GET /\xff HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "length and chunked": CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "chunked and length": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "the same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "a signed length": POST + b"Content-Length: +5\r\n\r\nhello",
    "a negative length": POST + b"Content-Length: -5\r\n\r\nhello",
    "a hexadecimal length": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "an unknown encoding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "an encoding before chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two encodings": CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": GET + b"X: a\r\n b\r\n\r\n",
    "a bare LF": b"GET /healthz HTTP/1.1\nHost: HOST\r\n\r\n",
    "a bare CR": GET + b"X: a\rb\r\n\r\n",
    "a NUL in a value": GET + b"X: a\0b\r\n\r\n",
    "a NUL in a name": GET + b"X\0Y: ab\r\n\r\n",
    "a space in a name": GET + b"X Y: ab\r\n\r\n",
    "a huge header": GET + b"X: " + b"a" * 40_000 + b"\r\n\r\n",
    "very many headers": GET + b"X: a\r\n" * 300 + b"\r\n",
    "a huge target": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "a chunk size of letters": CHUNKED + b"\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a chunk size with 0x": CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
    "a chunk size over 64 bits": CHUNKED + b"\r\nffffffffffffffff2\r\n{}\r\n0\r\n\r\n",
    "chunks ended by LF": CHUNKED + b"\r\n2\n{}\n0\n\n",
}


def filled(data: bytes, port: int) -> bytes:
    return data.replace(b"HOST", b"127.0.0.1:%d" % port).replace(b"TOKEN", CLIENT_TOKEN.encode())


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
async def test_it_is_refused_and_the_connection_is_ended(edge: Edge, data: bytes) -> None:
    async with edge.connect() as connection:
        await connection.send(filled(data, edge.port))
        answer = await connection.response()
        assert 400 <= answer.status < 500
        assert answer.error["type"] == "invalid_request_error"
        assert CLIENT_TOKEN not in answer.body.decode()
        assert await connection.closed()
    assert edge.upstream.received == []
    assert edge.turns.turns == []


async def test_what_follows_a_refused_request_is_not_read_as_another(edge: Edge) -> None:
    hidden = filled(POST + b"Content-Length: 2\r\n\r\n{}", edge.port)
    outer = filled(POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", edge.port)
    async with edge.connect() as connection:
        await connection.send(outer + hidden)
        assert (await connection.response()).status == 400
        assert await connection.closed()
    assert edge.upstream.received == []


async def test_requests_one_after_the_other_are_answered_in_order(edge: Edge) -> None:
    one = filled(POST + b"Content-Length: 2\r\n\r\n{}", edge.port)
    async with edge.connect() as connection:
        await connection.send(one + filled(GET + b"\r\n", edge.port) + one)
        answers = [await connection.response() for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert answers[1].body == b"ok"


async def test_trailers_and_chunk_extensions_go_no_further(edge: Edge) -> None:
    data = CHUNKED + b"\r\n2;ext=1\r\n{}\r\n0\r\nx-api-key: smuggled\r\n\r\n"
    answer = await edge.ask_raw(filled(data, edge.port))
    assert answer.status == 200
    [received] = edge.upstream.received
    assert received.body == b"{}"
    assert "smuggled" not in str(received)


async def test_a_head_that_never_ends_is_given_up() -> None:
    async with running_edge(services={"idle_connection_s": 0.2}) as edge, edge.connect() as connection:
        await connection.send(b"POST /v1/messages HTTP/1.1\r\nHost: ")
        assert await connection.closed()


@pytest.mark.parametrize("tail", [b"", b"5\r\nhe", b"zz\r\n"])
async def test_a_body_that_stops_coming_is_given_up(tail: bytes) -> None:
    async with running_edge(services={"body_silence_s": 0.2}) as edge, edge.connect() as connection:
        await connection.send(filled(CHUNKED + b"\r\n2\r\n{}\r\n" + tail, edge.port))
        answer = await connection.response()
        assert (answer.status, answer.error["type"]) in [(408, "timeout_error"), (400, "invalid_request_error")]
        assert await connection.closed()
        assert edge.turns.turns == []
