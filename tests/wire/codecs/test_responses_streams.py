"""Streamed answers in OpenAI's Responses: the same events for any pieces, and all that a client waits for."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from synrouter_cli.wire.codecs.responses import CODEC
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
    Started,
    Text,
    Thinking,
    ToolUse,
)
from synrouter_cli.wire.sealed import unseal
from synrouter_cli.wire.usage import Usage
from wire.cases.responses import (
    ANSWERS,
    DEMO,
    HI,
    PATCH,
    READ,
    SEARCH,
    STREAMS,
    answered,
    asked,
    begun,
    event,
    said,
    sse,
    stream_of,
)
from wire.oracle import event_faults, events_of

CASES = dict(STREAMS)
CODEX, _ = CODEC.decode_request(
    json.dumps(asked(HI, tools=[READ, PATCH, DEMO, SEARCH, {"type": "local_shell"}])).encode()
)
NOT_IN_THE_TYPES = ("server_is_overloaded", "context_length_exceeded", "insufficient_quota")
"""Codes that the API sends and Codex goes by, but that the SDK's types leave out."""


def read(*pieces):
    decoder = CODEC.stream_decoder()
    found = [event for piece in pieces for event in decoder.feed(piece)]
    return found + decoder.end()


def written(*events, asked_=CODEX):
    encoder = CODEC.stream_encoder(asked_)
    body = b"".join([*map(encoder.encode, events), encoder.end()])
    found = events_of(body)
    for one in found:
        faults = event_faults("responses", one)
        assert faults == [] or any(code in json.dumps(one) for code in NOT_IN_THE_TYPES), (one, faults)
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    return found, list(encoder.losses)


def blocks_of(events):
    """The blocks that a stream tells of, as an answer in one piece has them."""
    blocks = {}
    for one in events:
        if isinstance(one, BlockStarted):
            blocks[one.index] = one.block
        elif isinstance(one, Delta):
            blocks[one.index] = grown(blocks[one.index], one)
    return tuple(blocks[index] for index in sorted(blocks))


def grown(block, delta):
    if delta.kind == "citation":
        return replace(block, citations=(*block.citations, delta.data))
    name = {"thinking": "text", "refusal": "text"}.get(delta.kind, delta.kind)
    return replace(block, **{name: getattr(block, name) + delta.data})


def kinds(events):
    return [one["type"].removeprefix("response.") for one in events]


# ── in ──


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_pieces_and_line_ends_make_no_difference(name, end):
    whole = read(sse(CASES[name]))
    stream = sse(CASES[name], end)
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == whole


@given(st.sampled_from(sorted(CASES)), st.lists(st.integers(0, 5000), max_size=8))
def test_any_cuts_make_no_difference(name, cuts):
    stream = sse(CASES[name])
    places = [0, *sorted(cuts), len(stream)]
    assert read(*(stream[a:b] for a, b in itertools.pairwise(places))) == read(stream)


@pytest.mark.parametrize("name", [name for name, _ in ANSWERS])
def test_a_stream_tells_what_the_answer_in_one_piece_says(name):
    answer, _ = CODEC.decode_response(json.dumps(dict(ANSWERS)[name]).encode())
    events = read(sse(stream_of(dict(ANSWERS)[name])))
    last = events[-1]
    assert blocks_of(events) == answer.blocks
    assert (last.stop_reason, last.usage, last.reasoning_tokens) == (
        answer.stop_reason,
        answer.usage,
        answer.reasoning_tokens,
    )
    assert events[0] == Started("resp_1", "gpt-6-sol", created=1764115200)


@pytest.mark.parametrize("name", CASES)
def test_blocks_begin_and_end_in_their_order(name):
    events = read(sse(CASES[name]))
    begun_ = [one.index for one in events if isinstance(one, BlockStarted)]
    assert begun_ == list(range(len(begun_)))
    open_ = set()
    for one in events:
        if isinstance(one, BlockStarted):
            open_.add(one.index)
        elif isinstance(one, Delta | BlockEnded):
            assert one.index in open_
            open_ -= {one.index} if isinstance(one, BlockEnded) else set()
    assert not open_ or isinstance(events[-1], Failure)


def test_interleaved_arguments_go_to_their_own_calls():
    first, second = blocks_of(read(sse(CASES["interleaved_calls"])))
    assert (first.id, first.arguments) == ("call_a", '{"path":"a"}')
    assert (second.id, second.arguments) == ("call_b", '{"path":"a"}')


@pytest.mark.parametrize(
    "name",
    ["only_the_ends_of_items", "only_the_end", "output_left_out_at_the_end"],
)
def test_what_no_delta_said_is_made_up_for(name):
    text, call = blocks_of(read(sse(CASES[name])))
    assert (text, call.arguments) == (Text("Hi there"), '{"path":"a"}')
    assert read(sse(CASES[name]))[-1].stop_reason == "tool_use"


@pytest.mark.parametrize(
    "name", ["no_beginning", "deltas_of_an_item_that_was_not_announced", "events_that_are_unknown"]
)
def test_events_that_are_missing_or_unknown_do_no_harm(name):
    events = read(sse(CASES[name]))
    assert isinstance(events[0], Started)
    assert blocks_of(events) == (Text("Hi there"),)
    assert isinstance(events[-1], Finished)


def test_a_hosted_tool_that_ends_late_still_comes_first():
    hosted, text = blocks_of(read(sse(CASES["hosted_tool_before_text"])))
    assert (hosted.kind, text.text) == ("web_search_call", "It rained all day.")


def test_reasoning_ends_with_the_whole_item_as_its_signature():
    events = read(sse(CASES["answer_reasoning_with_a_summary"]))
    (thinking, _) = blocks_of(events)
    assert thinking.text == "One\n\nTwo"
    assert unseal(thinking.signature)[1]["encrypted_content"] == "gAAAA"


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("failed_on_the_way", Failure("api_error", "Oops.", code="server_error")),
        ("error_on_the_way", Failure("rate_limit_error", "Slow down.", code="rate_limit_exceeded")),
        (
            "error_in_an_object",
            Failure("invalid_request_error", "Too long.", code="context_length_exceeded", param="input"),
        ),
        ("cut_off", Failure("api_error", "The provider's stream ended before its answer did.")),
    ],
)
def test_an_error_on_the_way_is_the_last_that_is_told(name, failure):
    events = read(sse(CASES[name]))
    assert events[-1] == failure
    assert sum(isinstance(one, Failure | Finished) for one in events) == 1


def test_nothing_is_told_after_the_end():
    decoder = CODEC.stream_decoder()
    decoder.feed(sse(CASES["answer_text"]))
    assert decoder.feed(sse(CASES["answer_text"])) == []
    assert decoder.end() == []


def test_comments_a_byte_order_mark_and_a_missing_last_blank_line_do_no_harm():
    stream = b"\xef\xbb\xbf: hello\n\n" + sse(CASES["answer_text"]).removesuffix(b"\n\n") + b"\n"
    assert read(stream) == read(sse(CASES["answer_text"]))


def test_events_need_no_name_and_no_type_beside_it():
    lines = sse(CASES["answer_text"]).split(b"\n")
    assert read(b"\n".join(line for line in lines if not line.startswith(b"event:"))) == read(sse(CASES["answer_text"]))
    untyped = [json.dumps({k: v for k, v in one.items() if k != "type"}) for one in CASES["answer_text"]]
    named = "".join(
        f"event: {one['type']}\ndata: {data}\n\n" for one, data in zip(CASES["answer_text"], untyped, strict=True)
    )
    assert read(named.encode()) == read(sse(CASES["answer_text"]))


def test_what_can_not_be_read_is_a_failure():
    assert isinstance(read(b"data: {oops\n\n")[-1], Failure)
    assert read(b"data: [1]\n\ndata: [DONE]\n\n") == read(b"")


def test_half_a_surrogate_pair_in_a_delta_goes_through():
    raw = sse([begun(), event("output_text.delta", 0, content_index=0, delta="HALF"), *CASES["answer_text"][-1:]])
    assert blocks_of(read(raw.replace(b"HALF", b"\\ud83d")))[0].text == "\ud83d"


def test_a_sign_of_life_is_passed_on():
    assert Ping() in read(sse([begun(), {"type": "keepalive"}, *CASES["answer_text"][1:]]))


# ── out ──

BEGIN = Started("msg_1", "claude-opus-5")


def told(index, block, *deltas):
    return [BlockStarted(index, block), *(Delta(index, kind, data) for kind, data in deltas), BlockEnded(index)]


def test_text_is_told_with_all_that_the_api_sends():
    events, _ = written(
        BEGIN, *told(0, Text(""), ("text", "Hi"), ("text", " you")), Finished("end_turn", usage=Usage(3))
    )
    assert kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert events[-2]["item"]["content"][0]["text"] == "Hi you"
    assert events[-1]["response"]["output"] == [events[-2]["item"]]
    assert events[-1]["response"]["usage"]["input_tokens"] == 3


def test_thinking_is_told_as_a_summary_and_sealed_at_its_end():
    deltas = [("thinking", "First"), ("thinking", " tests."), ("signature", "EqQB")]
    events, _ = written(BEGIN, *told(0, Thinking(""), *deltas), Finished("end_turn"))
    assert kinds(events)[2:-1] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    carried = unseal(events[-2]["item"]["encrypted_content"])
    assert carried == ("anthropic", {"type": "thinking", "thinking": "First tests.", "signature": "EqQB"})


def test_thinking_that_is_not_shown_is_an_item_without_a_summary():
    events, _ = written(BEGIN, *told(0, RedactedThinking("Emw")), Finished("end_turn"))
    assert kinds(events)[2:-1] == ["output_item.added", "output_item.done"]
    assert events[-2]["item"]["summary"] == []


@pytest.mark.parametrize(
    ("block", "deltas", "names", "item"),
    [
        (
            ToolUse("c", "read", ""),
            ['{"pa', 'th":"a"}'],
            ["function_call_arguments.delta", "function_call_arguments.delta", "function_call_arguments.done"],
            {"name": "read", "arguments": '{"path":"a"}'},
        ),
        (
            ToolUse("c", "mcp__demo__echo", ""),
            ["{}"],
            ["function_call_arguments.delta", "function_call_arguments.done"],
            {"name": "echo", "namespace": "mcp__demo"},
        ),
        (
            ToolUse("c", "read", ""),
            [],
            ["function_call_arguments.delta", "function_call_arguments.done"],
            {"arguments": "{}"},
        ),
        (
            ToolUse("c", "apply_patch", ""),
            ['{"input":"***', ' \\u00', 'e9\\n"}'],
            ["custom_tool_call_input.delta", "custom_tool_call_input.delta", "custom_tool_call_input.delta", "custom_tool_call_input.done"],
            {"type": "custom_tool_call", "input": "*** é\n"},
        ),
        (
            ToolUse("c", "apply_patch", "", kind="custom"),
            ["*** ", "é"],
            ["custom_tool_call_input.delta", "custom_tool_call_input.delta", "custom_tool_call_input.done"],
            {"input": "*** é"},
        ),
    ],
)  # fmt: skip
def test_a_call_is_told_piece_by_piece_and_whole_at_its_end(block, deltas, names, item):
    events, _ = written(BEGIN, *told(0, block, *(("arguments", one) for one in deltas)), Finished("tool_use"))
    assert kinds(events)[2] == "output_item.added"
    assert [name for name in kinds(events)[3:-2] if name != "custom_tool_call_input.delta"] == [
        name for name in names if name != "custom_tool_call_input.delta"
    ]
    assert kinds(events)[-2:] == ["output_item.done", "completed"]
    assert events[-2]["item"].items() >= {**item, "call_id": "c"}.items()
    assert "".join(one["delta"] for one in events if "delta" in one) == str(item.get("input", "".join(deltas) or "{}"))


@pytest.mark.parametrize(("name", "kind"), [("local_shell", "local_shell_call"), ("tool_search", "tool_search_call")])
def test_a_call_of_the_clients_own_tool_is_told_when_it_is_whole(name, kind):
    events, _ = written(
        BEGIN, *told(0, ToolUse("c", name, ""), ("arguments", '{"command":["ls"]}')), Finished("tool_use")
    )
    assert kinds(events)[2:-1] == ["output_item.added", "output_item.done"]
    assert events[-2]["item"]["type"] == kind


def test_interleaved_blocks_stay_apart():
    events, _ = written(
        BEGIN,
        BlockStarted(0, Text("")),
        BlockStarted(1, ToolUse("a", "read", "")),
        BlockStarted(2, ToolUse("b", "read", "")),
        Delta(1, "arguments", '{"a":'),
        Delta(2, "arguments", '{"b":'),
        Delta(0, "text", "Hi"),
        Delta(1, "arguments", "1}"),
        Delta(2, "arguments", "2}"),
        BlockEnded(0),
        BlockEnded(2),
        BlockEnded(1),
        Finished("tool_use"),
    )
    message, first, second = events[-1]["response"]["output"]
    assert (message["content"][0]["text"], first["arguments"], second["arguments"]) == ("Hi", '{"a":1}', '{"b":2}')
    done = [one["output_index"] for one in events if one["type"] == "response.output_item.done"]
    assert sorted(done) == [0, 1, 2]
    assert message["status"] == "completed"


def test_texts_that_follow_one_another_are_parts_of_one_message():
    events, _ = written(
        BEGIN, *told(0, Text(""), ("text", "a")), *told(1, Text(""), ("text", "b")), Finished("end_turn")
    )
    (message,) = events[-1]["response"]["output"]
    assert [part["text"] for part in message["content"]] == ["a", "b"]
    assert kinds(events).count("output_item.done") == 1


def test_blocks_that_never_ended_end_with_the_answer():
    events, _ = written(BEGIN, BlockStarted(0, Text("")), Delta(0, "text", "Hi"), Finished("max_tokens"))
    assert kinds(events)[-3:] == ["content_part.done", "output_item.done", "incomplete"]


def test_citations_are_annotations_of_the_whole_text():
    page = {
        "type": "web_search_result_location",
        "url": "https://e.example",
        "title": "E",
        "cited_text": "rain",
        "encrypted_index": "x",
    }
    deltas = [("citation", page), ("text", "It will "), ("text", "rain."), ("citation", {"type": "page_location"})]
    events, losses = written(BEGIN, *told(0, Text(""), *deltas), Finished("end_turn"))
    (mark,) = [one["annotation"] for one in events if one["type"] == "response.output_text.annotation.added"]
    assert (mark["start_index"], mark["end_index"]) == (8, 12)
    assert [loss.code for loss in losses] == ["citations"]


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure("overloaded_error", "Busy."), "server_error"),  # the other word ends Codex's turn
        (Failure("invalid_request_error", "prompt is too long: 3 > 2"), "context_length_exceeded"),
        (Failure("invalid_request_error", "Bad."), "invalid_prompt"),
        (Failure("rate_limit_error", "Slow."), "rate_limit_exceeded"),
        (Failure("api_error", "Oops."), "server_error"),
    ],
)
def test_an_error_on_the_way_fails_the_answer(failure, code):
    for events in (written(failure)[0], written(BEGIN, *told(0, Text(""), ("text", "Hi")), failure)[0]):
        last = events[-1]
        assert (last["type"], last["response"]["error"]) == (
            "response.failed",
            {"code": code, "message": failure.message},
        )


def test_nothing_is_sent_after_the_end():
    encoder = CODEC.stream_encoder(CODEX)
    encoder.encode(BEGIN)
    encoder.encode(Finished("end_turn"))
    assert (encoder.encode(Failure("api_error", "late")), encoder.end()) == (b"", b"")


def test_a_ping_is_an_event_that_clients_know():
    encoder = CODEC.stream_encoder(CODEX)
    assert encoder.encode(Ping()).startswith(b":")
    encoder.encode(BEGIN)
    assert b"response.in_progress" in encoder.encode(Ping())


def test_a_block_of_anthropics_own_is_carried_and_comes_back():
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "rain"}}
    events, losses = written(BEGIN, *told(0, Opaque("anthropic", "server_tool_use", block)), Finished("end_turn"))
    back, _ = CODEC.decode_request(json.dumps(asked(HI, *events[-1]["response"]["output"])).encode())
    assert (back.messages[1].blocks, losses) == ((Opaque("anthropic", "server_tool_use", block),), [])


def test_a_block_of_chats_own_is_left_out_and_told():
    events, losses = written(BEGIN, *told(0, Opaque("chat", "audio", {})), Finished("end_turn"))
    assert events[-1]["response"]["output"] == []
    assert [loss.code for loss in losses] == ["block"]


# ── both ──

PIECES = st.lists(st.text(min_size=1, max_size=8), max_size=4)


def _block(kind, words, name):
    if kind == "text":
        return Text(""), [("text", one) for one in words]
    if kind == "refusal":
        return Refusal(""), [("refusal", one) for one in words]
    if kind == "thinking":
        return Thinking(""), [*(("thinking", one) for one in words), ("signature", "EqQB" + name)]
    if kind == "custom":
        return ToolUse(name, "note", "", kind="custom"), [("arguments", one) for one in words]
    return ToolUse(name, "read", ""), [("arguments", one) for one in words or ["{}"]]


BLOCKS = st.lists(
    st.builds(
        _block,
        st.sampled_from(["text", "refusal", "thinking", "custom", "call"]),
        PIECES,
        st.text("abc", min_size=1, max_size=3),
    ),
    max_size=5,
)


@settings(max_examples=40)
@given(BLOCKS, st.sampled_from(["end_turn", "tool_use", "max_tokens"]), st.randoms(use_true_random=False))
def test_what_was_streamed_out_is_streamed_in_as_the_same_blocks(blocks, stop, chance):
    """In any interleaving of the blocks' deltas."""
    queues = [told(index, block, *deltas) for index, (block, deltas) in enumerate(blocks)]
    events = [queue.pop(0) for queue in queues]
    while any(queues):
        events.append(chance.choice([queue for queue in queues if queue]).pop(0))
    sent, _ = written(BEGIN, *events, Finished(stop, usage=Usage(7, 90, 3, output_tokens=5)), asked_=Request("m"))
    back = read(sse(sent))
    assert [*map(shape, blocks_of(back))] == [*map(shape, blocks_of(events))]
    assert back[-1].usage == Usage(7, 90, 3, output_tokens=5)


def shape(block):
    """A block without what carries it: thinking's signature is sealed on the way."""
    if isinstance(block, Thinking):
        opened = unseal(block.signature)
        item = opened[1] if opened else None
        inner = unseal(item["encrypted_content"]) if item else None
        return ("thinking", block.text, inner[1]["signature"] if inner else block.signature)
    return (type(block).__name__, getattr(block, "text", ""), getattr(block, "arguments", ""))


def test_an_answer_in_one_piece_says_what_its_stream_said():
    events = read(sse(CASES["answer_text_and_two_calls"]))
    sent, _ = written(*events)
    answer, _ = CODEC.decode_response(
        json.dumps(answered(said("Hi there", role="assistant"), *sent[-1]["response"]["output"][1:])).encode()
    )
    assert blocks_of(events) == answer.blocks
