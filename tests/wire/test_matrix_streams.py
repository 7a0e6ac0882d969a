"""Streams on every way: however their bytes are cut the client gets the same bytes, and what is streamed is what would
have been answered in one piece."""

from __future__ import annotations

from typing import Final

import pytest

from synrouter_cli.wire.codecs.chat.replaying import replayed
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import Block, BlockEnded, BlockStarted, Delta, Failure, Request, Response, StreamEvent
from wire.cases import responses
from wire.crossings import ANSWERS, CROSSINGS, PAIRS, STREAMS, Json, added_up, dumped, events, on, sse, translated

FINE: Final = {"anthropic": "parallel calls", "chat": "interleaved calls", "responses": "interleaved_calls"}
"""The streams that are cut in two at every place; the others byte by byte and into a few sizes of pieces."""


def cut(stream: bytes, size: int) -> list[bytes]:
    return [stream[i : i + size] for i in range(0, len(stream), size)]


@pytest.mark.parametrize(("upstream", "client", "stream"), on(PAIRS, STREAMS))
def test_the_client_gets_the_same_bytes_however_the_stream_is_cut(upstream: str, client: str, stream: bytes):
    whole = translated(stream, upstream, client, stream=True)
    for ends in (b"\n", b"\r\n"):
        told = stream.replace(b"\n", ends)
        for size in (1, 61):
            assert translated(cut(told, size), upstream, client, stream=True) == whole


@pytest.mark.parametrize(("upstream", "client"), PAIRS)
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_the_client_gets_the_same_bytes_wherever_the_stream_is_cut_in_two(upstream: str, client: str, ends: bytes):
    stream = dict(STREAMS[upstream])[FINE[upstream]]
    whole = translated(stream, upstream, client, stream=True)
    told = stream.replace(b"\n", ends)
    start, end = told.find(b"tool_calls" if upstream == "chat" else b"input_json_delta"), len(told)
    for place in range(max(start, 0), min(max(start, 0) + 400, end)):
        assert translated([told[:place], told[place:]], upstream, client, stream=True) == whole


def of_chat(body: Json, _: Response) -> bytes:
    """An answer as a server of Chat Completions streams it: reasoning, then a chunk for each field of the message."""
    choice, about = body["choices"][0], {key: body[key] for key in ("id", "created", "model")}
    calls = [{"index": i, **one} for i, one in enumerate(choice["message"].get("tool_calls") or ())]
    fields = {**choice["message"], "tool_calls": calls or None}
    thought = {key: fields.pop(key) for key in list(fields) if key.startswith("reasoning")}
    deltas = [thought, *({key: value} for key, value in fields.items() if value is not None)]
    ends = {key: value for key, value in choice.items() if key not in ("message", "index")}
    choices = [[{"index": 0, "delta": one, "finish_reason": None}] for one in deltas]
    chunks: list[Json] = [{**about, "choices": one} for one in [*choices, [{"index": 0, "delta": {}, **ends}]]]
    if "usage" in body:
        chunks.append({**about, "choices": [], "usage": body["usage"]})
    return sse(chunks, named=False) + b"data: [DONE]\n\n"


def of_anthropic(_: Json, answer: Response) -> bytes:
    encoder = CODECS["anthropic"].stream_encoder(Request(answer.model, stream=True))
    return b"".join(map(encoder.encode, replayed(answer))) + encoder.end()


_TOLD: Final = {
    "anthropic": of_anthropic,
    "chat": of_chat,
    "responses": lambda body, _: responses.sse(responses.stream_of(body)),
}


def ordered(answer: Response, dialect: str) -> list[Block]:
    """The blocks; in Chat an answer in one piece does not tell what of text and calls came first."""
    return sorted(answer.blocks, key=lambda one: type(one).__name__ if dialect == "chat" else "")


@pytest.mark.parametrize(("upstream", "client", "body"), on(CROSSINGS, ANSWERS))
def test_what_is_streamed_is_what_would_have_been_answered_in_one_piece(upstream: str, client: str, body: Json):
    raw = dumped(body)
    answer, _ = CODECS[upstream].decode_response(raw)
    assert isinstance(answer, Response)
    stream = _TOLD[upstream](body, answer)
    streamed = added_up(events(client, translated(stream, upstream, client, stream=True)[0]))
    buffered, _ = CODECS[client].decode_response(translated(raw, upstream, client)[0])
    assert isinstance(streamed, Response) and isinstance(buffered, Response)
    assert ordered(streamed, client) == ordered(buffered, client)
    assert (streamed.stop_reason, streamed.stop_sequence) == (buffered.stop_reason, buffered.stop_sequence)
    if answer.usage is not None:
        assert streamed.usage is not None and buffered.usage is not None
        for name in ("prompt_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"):
            assert getattr(streamed.usage, name) == getattr(buffered.usage, name), name


@pytest.mark.parametrize(("upstream", "client", "stream"), on(PAIRS, STREAMS))
def test_blocks_of_a_translated_stream_begin_grow_and_end_in_order(upstream: str, client: str, stream: bytes):
    out = events(client, translated(stream, upstream, client, stream=True)[0])
    open_blocks: set[int] = set()
    for event in out:
        check_order(event, open_blocks, alone=client == "anthropic")
    assert not open_blocks or isinstance(out[-1], Failure)


PIECES: Final = [
    {"type": "text_delta", "text": "x"},
    {"type": "thinking_delta", "thinking": "x"},
    {"type": "signature_delta", "signature": "x"},
    {"type": "input_json_delta", "partial_json": "x"},
    {"type": "citations_delta", "citation": {"type": "char_location"}},
]


@pytest.mark.parametrize("client", CODECS)
@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": ""},
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "new_to_us"},
    ],
    ids=lambda block: block["type"],
)
def test_a_piece_of_another_kind_than_its_block_ends_no_stream(client: str, block: Json):
    deltas = [{"type": "content_block_delta", "index": 0, "delta": piece} for piece in PIECES]
    told = [
        {"type": "message_start", "message": {"id": "m", "model": "c"}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    ]
    out = translated(sse(told, named=True), "anthropic", client, stream=True)[0]
    assert isinstance(added_up(events(client, out)), Response)


def check_order(event: StreamEvent, open_blocks: set[int], *, alone: bool) -> None:
    match event:
        case BlockStarted():
            assert not (alone and open_blocks), "Anthropic's blocks come one after the other"
            open_blocks.add(event.index)
        case Delta():
            assert event.index in open_blocks
        case BlockEnded():
            open_blocks.remove(event.index)
