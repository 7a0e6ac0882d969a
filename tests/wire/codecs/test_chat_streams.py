"""Streams of Chat Completions, in and out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from synrouter_cli.wire.codecs.chat import CODEC
from synrouter_cli.wire.ir import (
    BlockEnded,
    BlockStarted,
    Delta,
    Failure,
    Finished,
    Opaque,
    Ping,
    RedactedThinking,
    Refusal,
    Request,
    Response,
    Started,
    StreamEvent,
    Text,
    Thinking,
    ToolUse,
)
from synrouter_cli.wire.usage import Usage
from wire.cases.chat import (
    ANSWERS,
    CALLED,
    END,
    EXTENDED_ANSWERS,
    EXTENDED_STREAMS,
    ROLE,
    STREAMS,
    USAGE,
    chunk,
    piece,
    request,
    result,
    said,
)
from wire.oracle import event_faults, events_of

ASKED = Request("gpt-6-sol", stream=True, include_usage=True)
ADDED = (
    "reasoning_content",
    "reasoning_details",
    "extra_content",
    "native_finish_reason",
    "stop_reason",
    "annotations",
    "cache_creation",
)
EVERY = [*STREAMS, *EXTENDED_STREAMS]
DONE = b"data: [DONE]\n\n"


def wire(chunks: list[dict[str, Any]], end: str = "\n") -> bytes:
    return (
        b"".join(f"data: {json.dumps(one)}{end}{end}".encode() for one in chunks) + f"data: [DONE]{end}{end}".encode()
    )


def read(*pieces: bytes) -> list[StreamEvent]:
    decoder = CODEC.stream_decoder()
    found = [event for one in pieces for event in decoder.feed(one)]
    return found + decoder.end()


def write(events: list[StreamEvent], asked: Request = ASKED) -> bytes:
    encoder = CODEC.stream_encoder(asked, 1760000000)
    found = b"".join(map(encoder.encode, events)) + encoder.end()
    assert encoder.losses == ()
    return found


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key not in ADDED}
    return [plain(one) for one in value] if isinstance(value, list) else value


def blocks_of(events: list[StreamEvent]) -> tuple[Any, ...]:
    """The blocks that a stream adds up to."""
    found: dict[int, Any] = {}
    open_: set[int] = set()
    for event in events:
        if isinstance(event, BlockStarted):
            assert event.index == len(found)
            found[event.index] = event.block
            open_.add(event.index)
        elif isinstance(event, Delta):
            assert event.index in open_
            block = found[event.index]
            name = {"text": "text", "thinking": "text", "refusal": "text"}.get(event.kind, event.kind)
            more = (event.data,) if event.kind == "citation" else event.data
            name = "citations" if event.kind == "citation" else name
            found[event.index] = replace(block, **{name: getattr(block, name) + more})
        elif isinstance(event, BlockEnded):
            open_.remove(event.index)
    assert not open_
    return tuple(found.values())


def added_up(events: list[StreamEvent]) -> Response:
    start, end = events[0], events[-1]
    assert isinstance(start, Started) and isinstance(end, Finished)
    return Response(
        start.id,
        start.model,
        blocks_of(events),
        end.stop_reason,
        end.stop_sequence,
        end.usage,
        end.reasoning_tokens,
        start.created,
        end.extras,
    )


@pytest.mark.parametrize("chunks", [pytest.param(chunks, id=name) for name, chunks in STREAMS])
def test_the_cases_are_what_the_api_says(chunks: list[dict[str, Any]]):
    assert [fault for one in chunks for fault in event_faults("chat", one)] == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("chunks", [pytest.param(chunks, id=name) for name, chunks in EVERY])
def test_the_events_are_the_same_wherever_the_stream_is_cut(chunks: list[dict[str, Any]], end: str):
    stream = wire(chunks, end)
    whole = read(stream)
    assert isinstance(whole[-1], Finished)
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == whole
    for cut in range(0, len(stream), 17):
        assert read(stream[:cut], stream[cut:]) == whole
    assert read(b"\xef\xbb\xbf: hello\n\n", wire(chunks)) == whole


@pytest.mark.parametrize("chunks", [pytest.param(chunks, id=name) for name, chunks in EVERY])
def test_what_is_written_is_what_the_api_says_and_comes_back(chunks: list[dict[str, Any]]):
    events = read(wire(chunks))
    written = write(events)
    assert written.endswith(DONE)
    assert [fault for one in plain(events_of(written)) for fault in event_faults("chat", without_custom(one))] == []
    assert without_thinking(added_up(read(written))) == without_thinking(added_up(events))


def test_a_call_that_got_no_arguments_goes_on_with_those_that_are_json():
    events = read(wire(said(piece(0, "", "c1", "now"), end=CALLED)))
    assert blocks_of(events) == (ToolUse("c1", "now", ""),)
    assert blocks_of(read(write(events))) == (ToolUse("c1", "now", "{}"),)


def without_custom(one: dict[str, Any]) -> dict[str, Any]:
    """The SDK's type of a chunk knows calls of functions only; those of custom tools come in the same way."""
    for choice in one["choices"]:
        for call in choice["delta"].get("tool_calls", ()):
            if "custom" in call:
                assert call.pop("type", "custom") == "custom"
                assert call.pop("custom").keys() <= {"name", "input"}
    return one


def without_thinking(found: Response) -> Response:
    """Thinking is compared on the way back; a call without arguments goes on with those that are JSON."""
    blocks = (one for one in found.blocks if not isinstance(one, Thinking | RedactedThinking))
    whole = (replace(one, arguments=one.arguments or "{}") if isinstance(one, ToolUse) else one for one in blocks)
    return replace(found, blocks=tuple(whole))


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in [*ANSWERS, *EXTENDED_ANSWERS]])
def test_an_answer_in_one_piece_and_the_same_in_a_stream_are_the_same(body: dict[str, Any]):
    buffered, _ = CODEC.decode_response(json.dumps(body).encode())
    choice = body["choices"][0]
    message = {key: value for key, value in choice["message"].items() if value is not None}
    if "tool_calls" in message:
        message["tool_calls"] = [{"index": i, **one} for i, one in enumerate(message["tool_calls"])]
    rest = {key: value for key, value in body.items() if key not in ("choices", "usage")} | {
        "object": "chat.completion.chunk"
    }
    ending = {key: value for key, value in choice.items() if key != "message"}
    chunks = [{**rest, "choices": [{"index": 0, "delta": message}]}, {**rest, "choices": [{**ending, "delta": {}}]},
              {**rest, "choices": [], "usage": body.get("usage")}]  # fmt: skip
    assert added_up(read(wire(chunks))) == buffered


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in [*ANSWERS, *EXTENDED_ANSWERS]])
def test_a_server_that_answers_in_one_piece_though_a_stream_was_asked_for(body: dict[str, Any]):
    buffered, _ = CODEC.decode_response(json.dumps(body).encode())
    assert added_up(read(json.dumps(body).encode())) == buffered


def test_interleaved_pieces_come_to_the_call_that_they_are_of():
    first, second = blocks_of(read(wire(dict(STREAMS)["interleaved calls"])))
    assert (first.arguments, second.arguments) == ('{"x":1}', '{"y":2}')


def test_a_call_ends_when_it_is_whole_and_another_begins_and_an_unfinished_one_stays_open():
    whole = read(wire([ROLE, chunk(piece(0, "{}", "c1", "a")), chunk(piece(1, "", "c2", "b")), CALLED]))
    assert whole[3:5] == [BlockEnded(0), BlockStarted(1, ToolUse("c2", "b", ""))]
    cut = read(
        wire(
            [ROLE, chunk(piece(0, '{"a"', "c1", "a")), chunk(piece(1, "{}", "c2", "b")), chunk(piece(0, ":1}")), CALLED]
        )
    )
    assert [event for event in cut if isinstance(event, BlockEnded)] == [BlockEnded(0), BlockEnded(1)]
    assert blocks_of(cut)[0].arguments == '{"a":1}'


@pytest.mark.parametrize("name", ["calls without an index", "calls all of index 0", "calls without an id"])
def test_servers_that_count_calls_badly(name: str):
    found = blocks_of(read(wire(dict(EXTENDED_STREAMS)[name])))
    assert [(block.name, block.arguments) for block in found] == [("a", "{}"), ("b", "{}")]
    assert len({block.id for block in found}) == 2


def test_pieces_without_an_index_or_id_go_on_with_the_last_call():
    found = blocks_of(
        read(
            wire(
                [ROLE, chunk(piece(None, "", "c1", "a")), chunk(piece(None, '{"x":')), chunk(piece(None, "1}")), CALLED]
            )
        )
    )
    assert found == (ToolUse("c1", "a", '{"x":1}'),)


def test_calls_all_of_index_0_without_ids_are_told_apart_by_their_names():
    found = blocks_of(
        read(wire(said(piece(0, "{}", None, "a"), piece(0, '{"b"', None, "b"), piece(0, ":1}", None, "b"), end=CALLED)))
    )
    assert [(block.name, block.arguments) for block in found] == [("a", "{}"), ("b", '{"b":1}')]
    assert found[0].id != found[1].id


def test_a_call_that_never_gets_a_name_is_none():
    assert blocks_of(read(wire([ROLE, chunk(piece(0, "{}", "c1")), END]))) == ()


def test_the_last_counts_win_and_those_of_the_first_chunk_stand_at_the_start():
    events = read(wire(dict(EXTENDED_STREAMS)["usage in every chunk"]))
    assert events[0].usage == Usage(10)
    assert events[-1].usage == Usage(10, output_tokens=2)
    assert read(wire([ROLE, END, USAGE]))[-1].usage == Usage(10, 60, 30, 0, 7)
    groq = chunk({}, "stop", x_groq={"usage": {"prompt_tokens": 5, "completion_tokens": 2}})
    assert read(wire([ROLE, groq]))[-1].usage == Usage(5, output_tokens=2)


def test_a_stream_that_closes_after_its_finish_reason_is_whole():
    stream = wire([ROLE, chunk({"content": "Hi"}, "stop")]).removesuffix(DONE)
    assert read(stream)[-1] == Finished("end_turn")
    assert read(stream.rstrip(b"\n"))[-1] == Finished("end_turn")


@pytest.mark.parametrize(
    "stream", [b"", b"data: [DONE]\n\n", wire([ROLE, chunk({"content": "Hi"})]).removesuffix(DONE), b'{"id":']
)
def test_a_stream_that_breaks_off_is_a_failure(stream: bytes):
    assert read(stream)[-1] == Failure("api_error", "The provider's answer ended before it was whole.")


@pytest.mark.parametrize(
    ("data", "type_", "said"),
    [
        ({"error": {"message": "Overloaded", "code": 503}}, "overloaded_error", "Overloaded"),
        ({"error": "busy"}, "api_error", "busy"),
        ({**chunk({"content": ""}, "error"), "error": {"code": 502, "message": "Lost"}}, "api_error", "Lost"),
        (
            {
                **ROLE,
                "choices": [
                    {"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 429, "message": "Slow"}}
                ],
            },
            "rate_limit_error",
            "Slow",
        ),
        (chunk({}, "error"), "api_error", "The provider broke the answer off."),
        ({"object": "error", "message": "bad", "type": "BadRequestError", "code": 400}, "invalid_request_error", "bad"),
        ("nonsense", "api_error", "A piece of the provider's answer can't be read."),
    ],
)
def test_an_error_in_the_middle_ends_the_stream(data: Any, type_: str, said: str):
    stream = wire([ROLE, chunk({"content": "Hi"}), data, END])
    events = read(stream)
    assert isinstance(events[-1], Failure)
    assert (events[-1].type, events[-1].message) == (type_, said)
    assert isinstance(events[-2], Delta)
    written = write(events)
    assert json.loads(written.rpartition(b"data: ")[2])["error"]["message"] == said
    assert b"[DONE]" not in written


def test_data_that_is_no_json_is_a_failure():
    assert isinstance(read(b"data: {oops}\n\n")[-1], Failure)


def test_comments_unknown_events_and_empty_data_are_passed_over():
    stream = b": OPENROUTER PROCESSING\n\nevent: x\n\ndata:\n\n" + wire([ROLE, END])
    assert read(stream) == read(wire([ROLE, END]))


def test_choices_beyond_the_first_are_lost_by_name():
    decoder = CODEC.stream_decoder()
    decoder.feed(wire([ROLE, {**ROLE, "choices": [{"index": 1, "delta": {"content": "no"}}]}, END]))
    assert [loss.code for loss in decoder.losses] == ["choices"]


# ── out ──

TURN = (Thinking("First.", "Eq1"), Text("Look."), Thinking("Then.", "Eq2"), ToolUse("toolu_1", "read", '{"a":1}'),
        RedactedThinking("Em1"), ToolUse("toolu_2", "now", ""))  # fmt: skip


def events_for(blocks: tuple[Any, ...], stop: str = "tool_use", usage: Usage | None = None) -> list[StreamEvent]:
    """As an Anthropic stream tells them."""
    found: list[StreamEvent] = [Started("msg_1", "claude-opus-5", Usage(3, 90))]
    for i, block in enumerate(blocks):
        if isinstance(block, Thinking):
            deltas = [Delta(i, "thinking", block.text), Delta(i, "signature", block.signature)]
            found += [BlockStarted(i, Thinking("")), *deltas]
        elif isinstance(block, Text | Refusal):
            kind: Any = "text" if isinstance(block, Text) else "refusal"
            found += [BlockStarted(i, type(block)("")), *(Delta(i, kind, one) for one in block.text)]
        elif isinstance(block, ToolUse):
            found += [
                BlockStarted(i, replace(block, arguments="")),
                *(Delta(i, "arguments", one) for one in block.arguments),
            ]
        else:
            found.append(BlockStarted(i, block))
        found.append(BlockEnded(i))
    return [*found, Finished(stop, usage=usage or Usage(3, 90, output_tokens=9))]


def message_of(written: bytes) -> dict[str, Any]:
    """What a client of the dialect keeps of a stream."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "",
        "reasoning_content": "",
        "tool_calls": [],
        "reasoning_details": [],
    }
    for event in events_of(written):
        for choice in event["choices"]:
            delta = choice["delta"]
            for key in ("content", "reasoning_content"):
                message[key] += delta.get(key, "")
            for entry in delta.get("reasoning_details", ()):
                last = message["reasoning_details"][-1] if message["reasoning_details"] else {}
                same = entry["type"] == "reasoning.text" == last.get("type") and entry["index"] == last["index"]
                if same:
                    last |= {**entry, "text": last.get("text", "") + entry.get("text", "")}
                else:
                    message["reasoning_details"].append(dict(entry))
            for piece_ in delta.get("tool_calls", ()):
                if piece_["index"] == len(message["tool_calls"]):
                    message["tool_calls"].append({k: v for k, v in piece_.items() if k != "index"})
                else:
                    message["tool_calls"][piece_["index"]]["function"]["arguments"] += piece_["function"]["arguments"]
    return message


def test_anthropics_events_become_chunks_with_the_same_ids():
    written = write(events_for(TURN))
    chunks = events_of(written)
    assert {one["id"] for one in chunks} == {"msg_1"}
    assert {one["created"] for one in chunks} == {1760000000}
    assert {one["model"] for one in chunks} == {"gpt-6-sol"}
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["prompt_tokens"] == 93
    assert [fault for one in plain(chunks) for fault in event_faults("chat", one)] == []
    message = message_of(written)
    assert message["content"] == "Look."
    assert message["reasoning_content"] == "First.Then."
    assert [(c["id"], c["function"]["arguments"]) for c in message["tool_calls"]] == [
        ("toolu_1", '{"a":1}'),
        ("toolu_2", "{}"),
    ]


@pytest.mark.parametrize("keeps", [("reasoning_details",), ("tool_calls",), ("reasoning_details", "tool_calls")])
def test_thinking_of_a_stream_comes_back_exactly_whatever_the_client_keeps(keeps: tuple[str, ...]):
    message = message_of(write(events_for(TURN)))
    if "tool_calls" not in keeps:
        message["tool_calls"] = [
            {k: v for k, v in one.items() if k != "extra_content"} for one in message["tool_calls"]
        ]
    if "reasoning_details" not in keeps:
        del message["reasoning_details"]
    again, _ = CODEC.decode_request(json.dumps(request(message, result("toolu_1"), result("toolu_2"))).encode())
    assert again.messages[0].blocks == (*TURN[:-1], ToolUse("toolu_2", "now", "{}"))


def test_usage_is_told_only_where_it_was_asked_for():
    silent = write(events_for((Text("Hi"),), "end_turn"), replace(ASKED, include_usage=None))
    assert b"usage" not in silent and silent.endswith(DONE)


def test_a_ping_is_a_comment():
    assert write([Ping()]).startswith(b": ")


def test_interleaved_calls_come_one_after_the_other():
    events: list[StreamEvent] = [
        Started("m", "c"), BlockStarted(0, ToolUse("a", "x", "")), BlockStarted(1, ToolUse("b", "y", "")), Delta(0, "arguments", "{"),
        Delta(1, "arguments", "{}"), Delta(0, "arguments", "}"), BlockEnded(0), BlockEnded(1), Finished("tool_use"),
    ]  # fmt: skip
    written = write(events)
    assert [one["function"]["arguments"] for one in message_of(written)["tool_calls"]] == ["{}", "{}"]
    deltas = [one["choices"][0]["delta"] for one in events_of(written) if one["choices"]]
    assert [call["index"] for delta in deltas for call in delta.get("tool_calls", ())] == [0, 0, 0, 1, 1]


def test_a_client_of_before_tools_is_answered_in_its_words():
    written = write(events_for((ToolUse("t", "read", "{}"),)), replace(ASKED, legacy=True))
    deltas = [one["choices"][0]["delta"].get("function_call") for one in events_of(written) if one["choices"]]
    assert [one for one in deltas if one] == [{"name": "read", "arguments": ""}, {"arguments": "{"}, {"arguments": "}"}]
    assert b'"finish_reason":"function_call"' in written


def test_what_another_dialect_alone_knows_is_lost_by_name():
    encoder = CODEC.stream_encoder(ASKED)
    assert encoder.encode(BlockStarted(0, Opaque("anthropic", "x", {}))) == b""
    encoder.encode(BlockEnded(0))
    encoder.encode(BlockStarted(1, Text("")))
    encoder.encode(Delta(1, "citation", {"type": "char_location"}))
    encoder.encode(BlockEnded(1))
    assert [loss.code for loss in encoder.losses] == ["block", "citations"]


words = st.text(max_size=8)
names = st.text("abcdef_", min_size=1, max_size=5)
blocks_said = st.one_of(
    st.builds(Text, words.filter(bool)),
    st.builds(lambda text, signature: Thinking(text, signature), words, st.text("abc123", min_size=1, max_size=6)),
    st.builds(RedactedThinking, st.text("abc123", min_size=1, max_size=6)),
)
turns = st.tuples(
    st.lists(blocks_said, max_size=4),
    st.lists(st.builds(lambda name, n: ToolUse("", name, json.dumps({"n": n})), names, words), max_size=3),
)


def canonical(turn: tuple[list[Any], list[ToolUse]]) -> tuple[Any, ...]:
    """Texts that stand together are one; calls have ids of their own."""
    found: list[Any] = []
    for block in turn[0]:
        if found and isinstance(block, Text) and isinstance(found[-1], Text):
            found[-1] = Text(found[-1].text + block.text)
        else:
            found.append(block)
    return (*found, *(replace(call, id=f"t{i}") for i, call in enumerate(turn[1])))


@given(turns)
@settings(max_examples=150, deadline=None)
def test_any_turn_comes_back_through_a_client_of_this_dialect(turn: tuple[list[Any], list[ToolUse]]):
    blocks = canonical(turn)
    body, _ = CODEC.encode_response(Response("m", "c", blocks, "end_turn"), ASKED)
    buffered = json.loads(body)["choices"][0]["message"]
    streamed = message_of(write(events_for(blocks)))
    for message in (buffered, streamed):
        again, _ = CODEC.decode_request(json.dumps(request(message)).encode())
        assert again.messages[0].blocks == blocks


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_split_gives_the_same_events(data: st.DataObject):
    stream = wire(data.draw(st.sampled_from([chunks for _, chunks in EVERY])))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(*pieces) == read(stream)
