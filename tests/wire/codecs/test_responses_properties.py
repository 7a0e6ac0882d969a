"""Requests of any shape: what is written is right, reads as the same, and never depends on what comes later."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from synrouter_cli.wire.codecs.responses import CODEC
from synrouter_cli.wire.ir import (
    Document,
    Format,
    Image,
    Message,
    Reasoning,
    Refusal,
    Request,
    Source,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from synrouter_cli.wire.sealed import seal
from wire.oracle import request_faults

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NAMES = st.sampled_from(["read", "write", "find"])
IMAGES = st.builds(
    Image,
    st.one_of(
        st.builds(
            Source, st.just("base64"), st.sampled_from(["iVBO", "R0lG"]), st.sampled_from(["image/png", "image/gif"])
        ),
        st.builds(Source, st.just("url"), st.just("https://e.example/a.png")),
    ),
    detail=st.sampled_from([None, "low", "high"]),
)
DOCUMENTS = st.builds(
    Document,
    st.one_of(
        st.just(Source("base64", "JVBERg==", "application/pdf")),
        st.builds(Source, st.just("text"), WORDS, st.just("text/plain")),
        st.just(Source("url", "https://e.example/a.pdf")),
    ),
    title=st.sampled_from([None, "a.pdf"]),
)
TEXTS = st.builds(Text, WORDS)
INPUTS = st.lists(st.one_of(TEXTS, IMAGES, DOCUMENTS), min_size=1, max_size=3).map(tuple)
THOUGHT = st.builds(
    lambda words: Thinking(
        words,
        seal(
            "responses",
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": words}],
                "encrypted_content": "gA",
            },
        ),
    ),
    WORDS,
)
"""What this provider thought and another dialect carried."""


@st.composite
def turns(draw, at=0):
    """What the model says, what comes of its calls, what the user says next."""
    calls = [
        draw(st.one_of(
            st.builds(ToolUse, st.just(f"call_{at}_{n}"), NAMES, st.sampled_from(["{}", '{"a": 1.10}', "{oops"])),
            st.builds(ToolUse, st.just(f"call_{at}_{n}"), st.just("note"), WORDS, st.just("custom")),
        ))
        for n in range(draw(st.integers(0, 3)))
    ]  # fmt: skip
    said = draw(st.lists(st.one_of(TEXTS, st.builds(Refusal, WORDS)), max_size=2))
    thought = draw(st.lists(THOUGHT, max_size=1))
    messages = [Message("assistant", (*thought, *said, *calls))] if thought or said or calls else []
    results = [
        ToolResult(call.id, draw(st.one_of(INPUTS, st.just(())) if call.kind == "function" else INPUTS), kind=call.kind)
        for call in draw(st.permutations(calls))
    ]
    results = [replace(one, bare=not one.content) for one in results]
    failed = [replace(one, is_error=True) if one.kind == "function" and draw(st.booleans()) else one for one in results]
    if failed:
        messages.append(Message("user", tuple(failed)))
    role = draw(st.sampled_from(["user", "user", "system", "developer"]))
    return [*messages, Message(role, draw(INPUTS))]


@st.composite
def requests(draw):
    messages = [Message("user", draw(INPUTS))]
    for at in range(draw(st.integers(0, 3))):
        messages += draw(turns(at))
    tools = (
        Tool("function", "read", "Reads.", {"type": "object", "properties": {"p": {"type": "string"}}}, draw(st.sampled_from([None, True]))),
        Tool("function", "find", schema={"type": "object", "properties": {}}, namespace="files", item={"namespace": {"type": "namespace", "name": "files", "description": "F"}}),
        Tool("custom", "note", config={"format": {"type": "text"}}),
    )  # fmt: skip
    system = draw(st.lists(TEXTS, max_size=1).map(tuple))
    return Request(
        "m",
        system=system,
        system_bare=bool(system),
        messages=tuple(messages),
        tools=tools,
        tool_choice=draw(st.sampled_from([None, ToolChoice("auto"), ToolChoice("any"), ToolChoice("tool", "read"),
                                          ToolChoice("tool", "files__find"), ToolChoice("allowed", names=("read", "files__find"))])),
        parallel=draw(st.sampled_from([None, True, False])),
        max_tokens=draw(st.sampled_from([None, 16, 64000])),
        temperature=draw(st.sampled_from([None, 0.5])),
        stream=draw(st.sampled_from([None, True])),
        reasoning=draw(st.sampled_from([None, Reasoning(effort="high", encrypted=True), Reasoning(effort="none")])),
        format=draw(st.sampled_from([None, Format("json"), Format("schema", "r", {"type": "object"}, True)])),
        user=draw(st.sampled_from([None, "u"])),
        store=False,
    )  # fmt: skip


def plain(request):
    """Without what this dialect's items say of themselves, and the thinking as it is shown."""
    messages = [
        replace(
            one,
            item=None,
            blocks=tuple(
                replace(block, item=None, signature="") if isinstance(block, Thinking) else block
                for block in one.blocks
            ),
        )
        for one in request.messages
    ]
    return replace(request, messages=tuple(messages), dialect=None)


@given(requests())
@settings(max_examples=40)
def test_what_is_written_fits_the_types_and_reads_as_the_same(request):
    body, losses = CODEC.encode_request(request)
    assert losses == ()
    assert request_faults("responses", body) == []
    again, more = CODEC.decode_request(body)
    assert more == ()
    assert plain(again) == plain(request)


@given(requests(), st.integers(1, 9))
@settings(max_examples=40)
def test_a_longer_conversation_begins_with_the_items_of_a_shorter_one(request, length):
    whole = json.loads(CODEC.encode_request(request)[0])
    part = json.loads(CODEC.encode_request(replace(request, messages=request.messages[:length]))[0])
    assert whole["input"][: len(part["input"])] == part["input"]
    assert {**whole, "input": 0} == {**part, "input": 0}
    assert CODEC.encode_request(request) == CODEC.encode_request(request)
