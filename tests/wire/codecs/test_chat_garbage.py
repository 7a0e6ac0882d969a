"""Whatever stands where in a body or a stream: a request is read or refused, an answer is one or a failure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.chat import CODEC
from synrouter_cli.wire.ir import BlockStarted, Failure, Finished, Request, Response, ToolUse
from wire.cases.chat import ANSWERS, EXTENDED, EXTENDED_ANSWERS, EXTENDED_STREAMS, REQUESTS, STREAMS

junk = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "x", [], ["x"], [[]], [{}], {}, {"x": 1}, {"type": "text"}, [None], "data:x"]
)


def spoiled(draw: Any, value: Any) -> Any:
    """`value` with something else in one place of it."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: spoiled(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 9)):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], spoiled(draw, value[place]), *value[place + 1 :]]
    return draw(junk)


@st.composite
def spoiled_of(draw: st.DrawFn, cases: list[tuple[str, Any]]) -> Any:
    return spoiled(draw, draw(st.sampled_from([value for _, value in cases])))


@given(spoiled_of([*REQUESTS, *EXTENDED]))
@settings(max_examples=400, deadline=None)
def test_a_request_is_read_or_refused(body: Any):
    try:
        found, _ = CODEC.decode_request(json.dumps(body).encode())
    except InvalidRequest as error:
        assert error.message
        return
    assert isinstance(found, Request)
    CODEC.encode_request(found)


@given(spoiled_of([*ANSWERS, *EXTENDED_ANSWERS]))
@settings(max_examples=300, deadline=None)
def test_an_answer_is_one_or_a_failure(body: Any):
    found, _ = CODEC.decode_response(json.dumps(body).encode())
    if isinstance(found, Response):
        CODEC.encode_response(found, Request("m"))
    else:
        assert isinstance(found, Failure)
        CODEC.encode_failure(found)


@given(spoiled_of([*STREAMS, *EXTENDED_STREAMS]))
@settings(max_examples=400, deadline=None)
def test_a_stream_ends_with_its_end_or_a_failure(chunks: Any):
    stream = b"".join(
        f"data: {json.dumps(one)}\n\n".encode() for one in (chunks if isinstance(chunks, list) else [chunks])
    )
    decoder = CODEC.stream_decoder()
    events = [*decoder.feed(stream), *decoder.feed(b"data: [DONE]\n\n"), *decoder.end()]
    assert isinstance(events[-1], Finished | Failure)
    encoder = CODEC.stream_encoder(Request("m", include_usage=True))
    for event in events:
        encoder.encode(event)


@given(st.binary(max_size=60))
@settings(max_examples=100, deadline=None)
def test_bytes_that_are_no_answer_are_a_failure(body: bytes):
    decoder = CODEC.stream_decoder()
    assert isinstance([*decoder.feed(body), *decoder.end()][-1], Failure)
    assert isinstance(CODEC.decode_response(body)[0], Failure)
    assert CODEC.decode_failure(body, 500).message


@pytest.mark.parametrize(
    "call",
    [
        {"index": ["x"], "id": {"x": 1}, "function": {"name": "a", "arguments": "{}"}},
        {"index": 0, "id": "c", "type": "custom", "function": {"name": "a", "arguments": "{}"}, "cache_control": 3},
        {"index": None, "id": 7, "function": {"name": "a", "arguments": {}}, "extra_content": True},
    ],
)
def test_a_call_that_is_spoiled_around_its_name_is_still_a_call(call: Any):
    body = {
        "id": "x",
        "choices": [{"index": 0, "message": {"tool_calls": [call, "x", {"function": []}]}, "finish_reason": "stop"}],
    }
    found, _ = CODEC.decode_response(json.dumps(body).encode())
    assert isinstance(found, Response)
    assert [(block.name, block.arguments) for block in found.blocks if isinstance(block, ToolUse)] == [("a", "{}")]
    decoder = CODEC.stream_decoder()
    body["choices"][0]["delta"] = body["choices"][0].pop("message")
    started = [
        event.block
        for event in decoder.feed(b"data: " + json.dumps(body).encode() + b"\n\n")
        if isinstance(event, BlockStarted)
    ]
    assert [block.name for block in started if isinstance(block, ToolUse)] == ["a"]
