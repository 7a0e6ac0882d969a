"""What is wrong, cut off, odd or foreign: requests that are refused with their place, streams of relays, answers of
other providers for a client of the Messages API."""

from __future__ import annotations

import json

import pytest

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.anthropic import CODEC
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import (
    Audio,
    BlockEnded,
    BlockStarted,
    Delta,
    Failure,
    Finished,
    Format,
    Opaque,
    Ping,
    RedactedThinking,
    Refusal,
    Request,
    Response,
    Started,
    Text,
    Thinking,
    ToolUse,
)
from synrouter_cli.wire.sealed import seal
from synrouter_cli.wire.usage import Usage
from wire.oracle import answer_faults, error_faults, event_faults, events_of

ASKED = Request("claude-opus-4-8")


def body(**more):
    return json.dumps({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}], **more}).encode()


def with_block(**block):
    return body(messages=[{"role": "user", "content": [block]}])


# ── requests that can't be read ──


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        (b"{", "The body: "),
        (b"[]", "The body: "),
        (b'{"model":"m"}', "The body: Object missing required field `messages`"),
        (body(messages={}), "messages: "),
        (body(messages=[{"role": "tool", "content": "x"}]), "messages.0.role: "),
        (body(messages=[{"role": 1, "content": "x"}]), "messages.0.role: "),
        (body(messages=[{"role": "user", "content": 5}]), "messages.0.content: "),
        (with_block(type="text"), "messages.0.content.0.text: missing"),
        (with_block(type="text", text=5), "messages.0.content.0.text: "),
        (with_block(text="a"), "messages.0.content.0.type: "),
        (with_block(type="tool_use", id="t", input={}), "messages.0.content.0.name: missing"),
        (with_block(type="tool_result", content="x"), "messages.0.content.0.tool_use_id: missing"),
        (with_block(type="tool_result", tool_use_id="t", content=[{"type": "image"}]), "messages.0.content.0.content.0.source: "),
        (with_block(type="image", source={"type": "smoke"}), "messages.0.content.0.source: "),
        (body(system=[{"type": "image", "source": {"type": "url", "url": "u"}}]), "system.0: "),
        (body(tools=[{"input_schema": {}}]), "tools.0.name: missing"),
        (body(tool_choice={"type": "tool"}), "tool_choice: "),
        (body(thinking={"type": "hard"}), "thinking.type: "),
        (body(output_config={"format": {"type": "xml"}}), "output_config.format: "),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_read_says_where(sent, place):
    with pytest.raises(InvalidRequest) as error:
        CODEC.decode_request(sent)
    assert error.value.message.startswith(place)


def test_numbers_in_arguments_stay_as_sent():
    raw = b'{"big":123456789012345678901234567890,"f":1.10,"e":1E+5,"z":-0,"d":1,"d":2}'
    block = b'{"type":"tool_use","id":"t","name":"f","input":' + raw + b"}"
    sent = b'{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[' + block + b"]}]}"
    request, _ = CODEC.decode_request(sent)
    assert request.messages[0].blocks[0].arguments.encode() == raw
    assert raw in CODEC.encode_request(request)[0]


def test_the_former_place_of_a_format_is_known():
    request, _ = CODEC.decode_request(body(output_format={"type": "json_schema", "schema": {"type": "object"}}))
    assert (request.format, request.extras) == (Format("schema", schema={"type": "object"}), {})


def test_half_a_surrogate_pair_in_a_text_does_not_refuse_the_request():
    request, _ = CODEC.decode_request(body(messages=[{"role": "user", "content": "\ud83d and \U0001f600"}]))
    assert request.messages[0].blocks[0].text == "\ufffd and \U0001f600"


# ── streams ──


def feed(*events, end=True):
    decoder = CODEC.stream_decoder()
    data = b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)
    return decoder.feed(data) + (decoder.end() if end else [])


START = {
    "type": "message_start",
    "message": {"id": "m", "model": "c", "usage": {"input_tokens": 1, "output_tokens": 0}},
}
DELTA = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
STOP = {"type": "message_stop"}


def begun(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(index, **delta):
    return {"type": "content_block_delta", "index": index, "delta": delta}


def test_what_is_new_in_a_stream_is_left_out():
    out = feed(
        START,
        {"type": "weather", "x": 1},
        begun(0, type="text", text=""),
        piece(0, type="smell_delta", smell="x"),
        DELTA,
        STOP,
    )
    assert [type(one) for one in out] == [Started, BlockStarted, BlockEnded, Finished]


def test_a_relay_that_gives_every_block_one_index_is_understood():
    out = feed(
        START,
        begun(0, type="text", text=""),
        piece(0, type="text_delta", text="a"),
        begun(0, type="tool_use", id="t", name="f", input={}),
        piece(0, type="input_json_delta", partial_json="{}"),
        DELTA,
        STOP,
    )
    assert [one.index for one in out if isinstance(one, BlockStarted | Delta | BlockEnded)] == [0, 0, 0, 1, 1, 1]


def test_what_a_block_already_says_at_its_start_is_a_piece_of_it():
    out = feed(
        START,
        begun(0, type="text", text="hello"),
        begun(1, type="tool_use", id="t", name="f", input={"a": 1}),
        begun(2, type="thinking", thinking="hm", signature=""),
        DELTA,
        STOP,
    )
    assert [(one.kind, one.data.replace(" ", "")) for one in out if isinstance(one, Delta)] == [
        ("text", "hello"),
        ("arguments", '{"a":1}'),
        ("thinking", "hm"),
    ]


@pytest.mark.parametrize(
    "events",
    [[], [START], [START, begun(0, type="text", text="")], [{"type": "ping"}]],
    ids=["nothing", "start", "block", "ping"],
)
def test_a_stream_that_breaks_off_is_a_failure(events):
    assert isinstance(feed(*events)[-1], Failure)


def test_a_stream_that_only_lacks_its_last_event_is_whole():
    assert feed(START, DELTA)[-1] == Finished("end_turn", usage=Usage(1, output_tokens=2))


def test_nothing_is_said_after_an_error_or_the_end():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "m"}}
    assert [type(one) for one in feed(START, error, DELTA, STOP)] == [Started, Failure]
    assert [type(one) for one in feed(START, DELTA, STOP, START)] == [Started, Finished]


@pytest.mark.parametrize(
    "data",
    [
        b"data: {\n\n",
        b"event: content_block_start\ndata: {}\n\n",
        b'data: {"type":"content_block_start","content_block":{"type":"text","text":1}}\n\n',
    ],
)
def test_what_cannot_be_read_in_a_stream_is_a_failure(data):
    assert isinstance(CODEC.stream_decoder().feed(data)[-1], Failure)


def test_the_last_counts_win():
    late = {**DELTA, "usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 9}}
    assert feed(START, DELTA, late, STOP)[-1].usage == Usage(5, 7, output_tokens=9)


# ── answers of others, for a client of this API ──


def told(*events, asked=ASKED, lost=()):
    encoder = CODEC.stream_encoder(asked)
    out = events_of(b"".join(encoder.encode(event) for event in events) + encoder.end())
    assert [fault for one in out for fault in event_faults("anthropic", one)] == []
    assert [one.code for one in encoder.losses] == list(lost)
    return out


def test_a_foreign_stream_has_this_apis_shape():
    sealed = seal("responses", {"id": "rs_1"})
    out = told(
        Started("chatcmpl-1", "gpt-6"),
        Ping(),
        BlockStarted(0, Thinking("")),
        Delta(0, "thinking", "hm"),
        Delta(0, "signature", sealed),
        BlockEnded(0),
        BlockStarted(1, Refusal("")),
        Delta(1, "refusal", "no"),
        BlockEnded(1),
        BlockStarted(2, Text("")),
        BlockEnded(2),
        BlockStarted(3, Opaque("responses", "web_search_call", {})),
        Delta(3, "text", "x"),
        BlockEnded(3),
        BlockStarted(4, ToolUse("call:1", "f", "")),
        Delta(4, "arguments", "{}"),
        Finished("content_filter", usage=Usage(3, 4, 5, 0, 6), reasoning_tokens=2),
        lost=["block"],
    )
    assert out[0]["message"]["id"] == "msg_chatcmpl-1"
    assert out[0]["message"]["model"] == "claude-opus-4-8"
    starts = [one for one in out if one["type"] == "content_block_start"]
    assert [(one["index"], one["content_block"]["type"]) for one in starts] == [
        (0, "thinking"),
        (1, "text"),
        (2, "tool_use"),
    ]
    assert starts[2]["content_block"]["id"] == "call_1"
    assert out[-2]["delta"]["stop_reason"] == "end_turn"
    assert out[-2]["usage"]["cache_read_input_tokens"] == 4
    assert out[-2]["usage"]["output_tokens_details"] == {"thinking_tokens": 2}
    assert out[-1] == {"type": "message_stop"}


def test_a_failure_in_the_middle_is_an_error_event():
    out = told(Started("m", "c"), BlockStarted(0, Text("")), Delta(0, "text", "a"), Failure("overloaded_error", "busy"))
    assert out[-1] == {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}


def test_a_citation_of_another_kind_is_told():
    told(
        Started("m", "c"),
        BlockStarted(0, Text("")),
        Delta(0, "citation", {"type": "url_citation"}),
        BlockEnded(0),
        Finished("end_turn"),
        lost=["citations"],
    )


def test_a_foreign_answer_has_this_apis_shape():
    own = {"type": "thinking", "thinking": "hm", "signature": "Eq"}
    blocks = (Thinking("why"), RedactedThinking(seal("anthropic", own)), Text(""), Refusal("no"), Audio("A", "wav"))
    response = Response("resp_1", "gpt-6", blocks, "content_filter", extras={"system_fingerprint": "x"})
    sent, losses = CODEC.encode_response(response, ASKED)
    assert answer_faults("anthropic", sent) == []
    assert [one.code for one in losses] == ["block", "field:system_fingerprint"]
    answer = json.loads(sent)
    assert answer["content"] == [
        {"type": "thinking", "thinking": "why", "signature": ""},
        own,
        {"type": "text", "text": "no"},
    ]
    assert (answer["id"], answer["model"], answer["stop_reason"]) == ("msg_resp_1", "claude-opus-4-8", "end_turn")


@pytest.mark.parametrize("sent", [b"", b"<html>", b"[1]", b'{"content":[{"type":"text"}]}', b'{"content":5}'])
def test_an_answer_that_cannot_be_read_is_a_failure(sent):
    failure, _ = CODEC.decode_response(sent)
    assert isinstance(failure, Failure)
    assert failure.status == 502


@pytest.mark.parametrize(
    ("failure", "status", "kind"),
    [
        (Failure("insufficient_quota", "m", 429), 429, "rate_limit_error"),
        (Failure("server_error", "m", 503), 503, "overloaded_error"),
        (Failure("made_up", "m", 422), 422, "invalid_request_error"),
        (Failure("made_up", "m"), 500, "api_error"),
        (Failure("billing_error", "m"), 402, "billing_error"),
    ],
)
def test_a_foreign_error_gets_a_type_that_clients_know(failure, status, kind):
    found, sent = CODEC.encode_failure(failure)
    assert (found, json.loads(sent)["error"]["type"]) == (status, kind)
    assert error_faults("anthropic", sent) == []


def test_a_full_window_is_told_in_the_words_by_which_clients_compact():
    _, sent = CODEC.encode_failure(Failure("invalid_request_error", "Too many tokens", 400, "context_length_exceeded"))
    assert json.loads(sent)["error"]["message"] == "prompt is too long: Too many tokens"
    failure, _ = CODEC.decode_response(sent)
    assert isinstance(failure, Failure)
    assert failure.code == "context_length_exceeded"


def test_the_registry_finds_the_codec_and_no_other_name():
    assert CODECS["anthropic"] is CODEC
    assert len(CODECS) == 3
    with pytest.raises(KeyError):
        CODECS["gopher"]
