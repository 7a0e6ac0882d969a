"""Answers on their way back: bytes unchanged, pings between events, a last word where a stream breaks off."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest
from anthropic._streaming import SSEDecoder

from support.edge import (
    LAST_CHUNK,
    MESSAGE,
    SSE_HEAD,
    Edge,
    Received,
    Script,
    Wire,
    chunk,
    event,
    head,
    request,
    running_edge,
    stream,
    until,
    whole,
)
from synrouter_cli.proxy.reading import Reading
from synrouter_cli.proxy.relay import COMMENT, PING, last_words

GOLDEN = b"".join(stream())
STOP = stream()[-1]


def streams(*pieces: bytes, end: bytes = LAST_CHUNK) -> Script:
    """A script that sends each piece as a chunk of its own, and flushes it."""

    async def script(_: Received, wire: Wire) -> None:
        await wire.send(SSE_HEAD)
        for piece in pieces:
            await wire.send(chunk(piece))
            await asyncio.sleep(0)
        await wire.send(end)

    return script


def stalls(before: bytes, seconds: float, after: bytes = b"", end: bytes = LAST_CHUNK) -> Script:
    async def script(_: Received, wire: Wire) -> None:
        await wire.send(SSE_HEAD + (chunk(before) if before else b""))
        await asyncio.sleep(seconds)
        await wire.send((chunk(after) if after else b"") + end)

    return script


def cuts(before: bytes) -> Script:
    async def script(_: Received, wire: Wire) -> None:
        await wire.send(SSE_HEAD + chunk(before))
        wire.reset()

    return script


# ── bytes ──


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
async def test_a_stream_sent_byte_by_byte_arrives_identical_and_is_read(edge: Edge, line_end: bytes) -> None:
    golden = b"\xef\xbb\xbf" + GOLDEN.replace(b"\n", line_end)
    edge.upstream.plays(streams(*(golden[i : i + 1] for i in range(len(golden)))))
    answer = await edge.ask()
    assert answer.complete
    assert answer.body == golden
    outcome = await edge.outcome()
    assert (outcome.status, outcome.usage_quality, outcome.stop_reason) == ("ok", "exact", "end_turn")
    assert outcome.usage is not None
    assert (outcome.usage.input_tokens, outcome.usage.cache_read_tokens, outcome.usage.output_tokens) == (12, 90, 42)
    assert (outcome.model_used, outcome.message_id) == ("claude-opus-5", "msg_1")


async def test_a_stream_split_anywhere_arrives_identical(edge: Edge) -> None:
    places = range(1, len(GOLDEN), 9)
    edge.upstream.plays(*(streams(GOLDEN[:i], GOLDEN[i:]) for i in places))
    async with edge.connect() as connection:
        for i in places:
            await connection.send(request(edge.port))
            assert (await connection.response()).body == GOLDEN, i
    assert all(turn.outcome.usage == edge.turns.turns[0].outcome.usage for turn in edge.turns.turns)
    assert edge.upstream.connections == 1


async def test_comments_unknown_events_and_broken_json_pass_untouched(edge: Edge) -> None:
    odd = (
        b": comment\n\nevent: brand_new\ndata: {\ndata: }\nid: 7\nretry: 10\n\nevent: content_block_delta\n"
        b"data: {not json\n\n\n\n"
    )
    start, rest = stream()[0], b"".join(stream()[1:])
    edge.upstream.plays(streams(start + odd + rest))
    assert (await edge.ask()).body == start + odd + rest
    outcome = await edge.outcome()
    assert outcome.status == "ok"


async def test_an_event_reaches_the_client_before_the_next_is_sent(edge: Edge) -> None:
    seen = asyncio.Event()

    async def in_step(_: Received, wire: Wire) -> None:
        await wire.send(SSE_HEAD)
        for piece in stream():
            seen.clear()
            await wire.send(chunk(piece))
            await seen.wait()
        await wire.send(LAST_CHUNK)

    edge.upstream.plays(in_step)
    async with edge.connect() as connection:
        await connection.send(request(edge.port))
        await connection.head()
        for piece in stream():
            assert await connection.reader.readexactly(len(chunk(piece))) == chunk(piece)
            seen.set()


async def test_an_answer_in_one_piece_keeps_its_length_and_is_read(edge: Edge) -> None:
    answer = await edge.ask()
    assert answer.body == MESSAGE
    assert answer.all("content-length") == [str(len(MESSAGE))]
    assert answer.all("transfer-encoding") == []
    outcome = await edge.outcome()
    assert (outcome.status, outcome.usage_quality, outcome.model_used) == ("ok", "exact", "claude-opus-5")


@pytest.mark.parametrize("sse", [True, False])
async def test_a_compressed_answer_passes_untouched_and_a_copy_is_read(edge: Edge, sse: bool) -> None:
    body = gzip.compress(GOLDEN if sse else MESSAGE)
    content_type = "text/event-stream" if sse else "application/json"
    edge.upstream.plays(whole(body, content_type=content_type, content_encoding="gzip"))
    answer = await edge.ask()
    assert answer.body == body
    assert answer.all("content-encoding") == ["gzip"]
    outcome = await edge.outcome()
    assert (outcome.status, outcome.usage_quality) == ("ok", "exact")


async def test_a_false_content_encoding_passes_and_is_an_estimate(edge: Edge) -> None:
    edge.upstream.plays(whole(MESSAGE, content_encoding="gzip"))
    assert (await edge.ask()).body == MESSAGE
    outcome = await edge.outcome()
    assert (outcome.status, outcome.usage_quality) == ("ok", "estimated")


async def test_a_meter_that_fails_leaves_the_answer_alone(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object, data: bytes) -> None:
        raise RuntimeError("the meter")

    monkeypatch.setattr("synrouter_cli.wire.anthropic.UsageTap.feed", fail)
    edge.upstream.plays(streams(*stream()))
    assert (await edge.ask()).body == GOLDEN
    outcome = await edge.outcome()
    assert (outcome.status, outcome.usage_quality) == ("ok", "estimated")


async def test_an_answer_of_unknown_length_ends_with_its_connection(edge: Edge) -> None:
    async def until_closed(_: Received, wire: Wire) -> None:
        await wire.send(head(content_type="application/json", connection="close") + MESSAGE)
        wire.writer.close()

    edge.upstream.plays(until_closed)
    answer = await edge.ask()
    assert (answer.body, answer.complete) == (MESSAGE, True)


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body_end_at_once(edge: Edge, status: int) -> None:
    edge.upstream.plays(head(status), whole(MESSAGE))
    async with edge.connect() as connection:
        for expected in (status, 200):
            await connection.send(request(edge.port, "GET", "/v1/models", b""))
            answer = await connection.response()
            assert answer.status == expected


async def test_interim_answers_are_passed_over(edge: Edge) -> None:
    edge.upstream.plays(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + whole(MESSAGE))
    answer = await edge.ask()
    assert (answer.status, answer.body) == (200, MESSAGE)


# ── pings ──


@pytest.fixture
async def impatient() -> AsyncIterator[Edge]:
    async with running_edge(ping_interval_s=0.04) as edge:
        yield edge


async def test_silence_after_message_start_is_filled_with_pings(impatient: Edge) -> None:
    start, rest = stream()[0], b"".join(stream()[1:])
    impatient.upstream.plays(stalls(start, 0.15, rest))
    answer = await impatient.ask()
    pings = answer.body.count(PING) - GOLDEN.count(PING)
    assert pings >= 2
    assert answer.body == start + PING * pings + rest
    assert (await impatient.outcome()).status == "ok"


async def test_silence_before_message_start_is_filled_with_comments(impatient: Edge) -> None:
    impatient.upstream.plays(stalls(b"", 0.15, GOLDEN))
    answer = await impatient.ask()
    comments = answer.body.count(COMMENT)
    assert comments >= 2
    assert answer.body == COMMENT * comments + GOLDEN


@pytest.mark.parametrize("place", [5, 30, len(stream()[0]) - 1])
async def test_nothing_is_put_inside_an_event(impatient: Edge, place: int) -> None:
    impatient.upstream.plays(stalls(GOLDEN[:place], 0.15, GOLDEN[place:]))
    assert (await impatient.ask()).body == GOLDEN


async def test_nothing_is_put_after_the_end(impatient: Edge) -> None:
    impatient.upstream.plays(stalls(GOLDEN, 0.15))
    assert (await impatient.ask()).body == GOLDEN


async def test_nothing_is_put_into_what_is_no_plain_stream(impatient: Edge) -> None:
    async def slowly(data: bytes, wire: Wire) -> None:
        await wire.send(data[:-4])
        await asyncio.sleep(0.15)
        await wire.send(data[-4:])

    bodies = [
        whole(MESSAGE),
        whole(GOLDEN, content_type="text/event-stream"),
        whole(gzip.compress(GOLDEN), content_type="text/event-stream", content_encoding="gzip"),
    ]
    impatient.upstream.plays(*(lambda _, wire, data=data: slowly(data, wire) for data in bodies))
    for expected in (MESSAGE, GOLDEN, gzip.compress(GOLDEN)):
        assert (await impatient.ask()).body == expected


# ── streams that break off ──


def decoded(data: bytes) -> list[tuple[str | None, str]]:
    """The events as Anthropic's own SDK takes them."""
    return [(sse.event, sse.data) for sse in SSEDecoder().iter_bytes(iter([data]))]


WHOLE = decoded(GOLDEN)


def test_a_break_anywhere_ends_in_an_error_event_for_the_sdk() -> None:
    for place in range(len(GOLDEN)):
        told = decoded(GOLDEN[:place] + last_words(GOLDEN[max(place - 3, 0) : place], "it broke."))
        *before, (name, data) = told
        assert name == "error", place
        error = json.loads(data.splitlines()[-1])
        assert error["error"] == {"type": "overloaded_error", "message": "Synrouter: it broke."}
        assert before == WHOLE[: len(before)], place


def test_any_character_that_was_cut_is_completed() -> None:
    for character in "éߟࠀ\ud7ff\ue000✓漢\uffff𐀀😀\U0010ffff":
        encoded = character.encode()
        for length in range(1, len(encoded) + 1):
            for before in (b"", b"ab", "ü".encode()):
                cut = before + encoded[:length]
                (cut + last_words(cut[-3:], "gone")).decode("utf-8")


def test_an_answer_is_complete_from_its_last_event_on_even_if_that_is_cut() -> None:
    until_stop = len(GOLDEN) - len(STOP)
    for place in (until_stop + 16, until_stop + 25, len(GOLDEN) - 1, len(GOLDEN)):
        reading = Reading(stream=True)
        reading.feed(GOLDEN[:place])
        assert reading.complete, place
    for place in (0, 10, until_stop - 1, until_stop):
        reading = Reading(stream=True)
        reading.feed(GOLDEN[:place])
        assert not reading.complete, place


@pytest.mark.parametrize("kind", ["reset", "clean end"])
@pytest.mark.parametrize("place", [10, 40, len(stream()[0]) - 1, len(stream()[0]) + 60])
async def test_a_stream_cut_inside_an_event_ends_in_an_error(edge: Edge, kind: str, place: int) -> None:
    edge.upstream.plays(cuts(GOLDEN[:place]) if kind == "reset" else streams(GOLDEN[:place]))
    answer = await edge.ask()
    assert answer.complete
    assert answer.body.startswith(GOLDEN[:place])
    assert decoded(answer.body)[-1][0] == "error"
    outcome = await edge.outcome()
    assert (outcome.status, outcome.error_type) == ("truncated", "eof")
    assert outcome.usage_quality == ("partial" if place > len(stream()[0]) else "none")


async def test_a_stream_reset_between_events_ends_in_an_error(edge: Edge) -> None:
    edge.upstream.plays(cuts(stream()[0]))
    answer = await edge.ask()
    assert [name for name, _ in decoded(answer.body)] == ["message_start", "error"]
    assert (await edge.outcome()).status == "truncated"


async def test_a_stream_that_ends_cleanly_without_its_last_event_is_truncated(edge: Edge) -> None:
    edge.upstream.plays(streams(*stream()[:-1]))
    answer = await edge.ask()
    assert answer.body == b"".join(stream()[:-1])
    outcome = await edge.outcome()
    assert (outcome.status, outcome.usage_quality) == ("truncated", "exact")


@pytest.mark.parametrize("script", [cuts, lambda data: streams(data)])
async def test_a_stream_cut_in_its_very_last_event_is_complete(edge: Edge, script: object) -> None:
    edge.upstream.plays(script(GOLDEN[:-10]))  # type: ignore[operator]
    answer = await edge.ask()
    assert answer.body == GOLDEN[:-10]
    outcome = await edge.outcome()
    assert (outcome.status, outcome.usage_quality) == ("ok", "exact")


async def test_an_error_event_after_200_goes_on_and_counts_as_an_error(edge: Edge) -> None:
    error = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    edge.upstream.plays(streams(stream()[0], error))
    answer = await edge.ask()
    assert answer.body == stream()[0] + error
    outcome = await edge.outcome()
    assert (outcome.status, outcome.error_type, outcome.http_status) == ("error", "overloaded_error", 200)


async def test_a_silence_past_the_limit_ends_in_an_error() -> None:
    async with running_edge(idle_timeout_s=0.2, ping_interval_s=10) as edge:
        edge.upstream.plays(stalls(stream()[0], 5))
        answer = await edge.ask()
        assert [name for name, _ in decoded(answer.body)] == ["message_start", "error"]
        outcome = await edge.outcome()
        assert (outcome.status, outcome.error_type) == ("truncated", "idle_timeout")


async def test_pings_do_not_stretch_the_limit_of_silence() -> None:
    async with running_edge(idle_timeout_s=0.2, ping_interval_s=0.05) as edge:
        edge.upstream.plays(stalls(stream()[0], 5))
        answer = await edge.ask()
        assert PING in answer.body
        assert decoded(answer.body)[-1][0] == "error"


async def test_a_stream_whose_chunks_are_garbage_ends_in_an_error(edge: Edge) -> None:
    edge.upstream.plays(stalls(stream()[0], 0.05, end=b"zz\r\ngarbage\r\n"))
    answer = await edge.ask()
    assert decoded(answer.body)[-1][0] == "error"
    assert b"garbage" not in answer.body
    assert (await edge.outcome()).status == "truncated"


async def test_an_answer_with_length_and_chunks_is_taken_by_its_chunks_or_refused(edge: Edge) -> None:
    both = head(content_type="application/json", content_length="5", transfer_encoding="chunked")
    edge.upstream.plays(both + chunk(MESSAGE) + LAST_CHUNK)
    answer = await edge.ask()
    assert answer.status == 502 or (answer.body, answer.complete) == (MESSAGE, True)


@pytest.mark.parametrize("missing", [10, len(MESSAGE) - 1])
async def test_an_answer_in_one_piece_that_is_cut_does_not_end_cleanly(edge: Edge, missing: int) -> None:
    async def cut(_: Received, wire: Wire) -> None:
        await wire.send(whole(MESSAGE)[:-missing])
        wire.writer.close()

    edge.upstream.plays(cut)
    async with edge.connect() as connection:
        await connection.send(request(edge.port))
        answer = await connection.response()
        assert not answer.complete
        assert await connection.closed()
    assert answer.body == MESSAGE[:-missing]
    assert (await edge.outcome()).status == "truncated"


async def test_a_slow_reader_holds_the_upstream_back(edge: Edge) -> None:
    sent = 0

    async def flood(_: Received, wire: Wire) -> None:
        nonlocal sent
        await wire.send(SSE_HEAD)
        padding = event("ping", pad="x" * 65_000)
        for _i in range(1000):
            await wire.send(chunk(padding))
            sent += len(padding)

    edge.upstream.plays(flood)
    async with edge.connect(limit=1024) as connection:
        await connection.send(request(edge.port))
        await connection.head()
        await until(lambda: sent > 1_000_000)
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        # What the sockets of this machine hold, and a little of ours; far from all of it.
        assert sent < 30_000_000
