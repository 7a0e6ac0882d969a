"""Whatever a request of this dialect may say comes back from its bytes, and a longer history begins as a shorter one."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from synrouter_cli.wire.codecs.chat import CODEC
from synrouter_cli.wire.codecs.chat.reasoning import SEALED
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import (
    Audio,
    Cache,
    Document,
    Format,
    Image,
    Message,
    Reasoning,
    RedactedThinking,
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

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
signatures = st.text("abcdEFGH0123+/=", min_size=1, max_size=8)
names = st.text("abcdefgh_", min_size=1, max_size=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
schemas = st.dictionaries(names, json_values, max_size=3)
markers = st.none() | st.builds(Cache, st.sampled_from([None, "5m", "1h"]))
texts = st.builds(Text, words, markers)
pictures = st.builds(
    Image,
    st.builds(Source, st.just("base64"), st.just("AAAA"), st.sampled_from(["image/png", "image/webp"]))
    | st.builds(Source, st.just("url"), st.just("https://example.org/a.png")),
    markers,
    st.sampled_from([None, "low", "high"]),
)
files = st.builds(
    Document, st.builds(Source, st.just("base64"), st.just("JVBE"), st.just("application/pdf")), words, markers
)
sounds = st.builds(Audio, st.just("UklG"), st.sampled_from(["wav", "mp3"]))
bare = st.builds(lambda said: ((Text(said),), True), words)
listed = st.builds(
    lambda parts: (tuple(parts), False), st.lists(texts | pictures | files | sounds, min_size=1, max_size=3)
)


def message(role: Any, content: tuple[Any, bool], name: str | None, marker: Cache | None) -> Message:
    return Message(role, content[0], content[1], name, marker)


users = st.builds(message, st.just("user"), bare | listed, st.none() | names, markers)
later = st.builds(message, st.sampled_from(["system", "developer"]), bare, st.none() | names, st.none())
thoughts = st.builds(Thinking, words, signatures) | st.builds(RedactedThinking, signatures)
plain_thoughts = st.builds(Thinking, words, st.sampled_from(list(SEALED.values())))


@st.composite
def assistants(draw: st.DrawFn) -> list[Message]:
    """A turn, with the results of its calls."""
    as_string = draw(st.booleans())
    blocks: list[Any] = []
    if draw(st.booleans()):
        blocks = [draw(plain_thoughts)]
        blocks += draw(st.lists(st.builds(Text, words), max_size=1) if as_string else st.lists(texts, max_size=2))
    else:
        for block in draw(st.lists(thoughts | (st.builds(Text, words) if as_string else texts), max_size=4)):
            if not (as_string and blocks and isinstance(block, Text) and isinstance(blocks[-1], Text)):
                blocks.append(block)
    if draw(st.booleans()):
        blocks.append(Refusal(draw(words)))
    kinds = draw(st.lists(st.sampled_from(["function", "custom"]), max_size=3))
    calls = [
        ToolUse(f"call_{i}", draw(names), draw(words | st.just("")), kind, None, draw(markers))
        for i, kind in enumerate(kinds)
    ]
    turn = [Message("assistant", (*blocks, *calls), as_string or not (blocks or calls))]
    if calls:
        results = [
            ToolResult(call.id, (Text(draw(words)),), None, True, call.kind, draw(markers))
            for call in draw(st.permutations(calls))
        ]
        turn.append(Message("user", tuple(results)))
    return turn


turns = st.lists(st.builds(lambda user, turn: [user, *turn], users | later, assistants()), max_size=3)
tools = st.builds(
    Tool, st.just("function"), names, st.none() | words, schemas, st.sampled_from([None, True, False]), cache=markers
)
customs = st.builds(Tool, st.just("custom"), names, st.none() | words)
choices = st.builds(ToolChoice, st.sampled_from(["auto", "any", "none"])) | st.builds(
    ToolChoice, st.just("tool"), st.just("none_such")
)
efforts = st.builds(Reasoning, effort=st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]))
budgets = st.builds(Reasoning, st.just("enabled"), budget=st.integers(1024, 64000))
formats = st.builds(Format, st.sampled_from(["text", "json"])) | st.builds(
    Format, st.just("schema"), names, schemas, st.booleans()
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    conversation = [one for turn in draw(turns) for one in turn]
    if conversation and conversation[0].role != "user" and not conversation[0].name:
        conversation[0] = replace(conversation[0], name="example")  # without a name it were the system prompt
    system = draw(st.sampled_from([(), (Text("s"),)]) | st.builds(tuple, st.lists(texts, min_size=1, max_size=2)))
    offered = tuple(draw(st.lists(tools | customs, max_size=2)))
    streamed = draw(st.booleans())
    return Request(
        draw(st.sampled_from(["gpt-6", "deepseek-v4"])),
        system,
        system == (Text("s"),) and draw(st.booleans()),
        tuple(conversation),
        offered,
        draw(st.none() | choices) if offered else None,
        draw(st.none() | st.booleans()) if offered else None,
        draw(st.none() | st.integers(1, 9)),
        draw(st.none() | st.sampled_from([0, 0.7, 2])),
        draw(st.none() | st.just(0.9)),
        draw(st.none() | st.just(40)),
        tuple(draw(st.lists(words, max_size=2))),
        streamed or None,
        streamed or None,
        draw(st.none() | efforts | budgets),
        draw(st.none() | formats),
        draw(st.none() | st.just("low")),
        draw(markers),
        draw(st.none() | words),
        draw(st.none() | words),
        draw(st.dictionaries(names, words, max_size=2)),
        draw(st.none() | st.just("flex")),
        draw(st.none() | st.booleans()),
        extras=draw(
            st.dictionaries(st.sampled_from(["seed", "logit_bias", "provider"]), st.integers(0, 9), max_size=2)
        ),
        dialect="chat",
    )


@given(requests())
@settings(max_examples=120, deadline=None)
def test_any_request_comes_back_from_its_bytes(asked: Request):
    body, losses = CODEC.encode_request(asked)
    assert losses == ()
    assert CODEC.decode_request(body) == (asked, ())


@given(requests(), st.sampled_from(["chat", "anthropic", "responses"]), turns)
@settings(max_examples=40, deadline=None)
def test_a_longer_history_begins_with_the_bytes_of_the_shorter_one(
    asked: Request, dialect: Any, more: list[list[Message]]
):
    asked = replace(asked, dialect=dialect)
    longer = replace(asked, messages=(*asked.messages, *(one for turn in more for one in turn)))
    before, after = (messages_of(CODEC.encode_request(one)[0]) for one in (asked, longer))
    assert after.startswith(before)


def messages_of(body: bytes) -> str:
    """The text between the brackets of `messages`."""
    text = body.decode().partition('"messages":')[2]
    _, end = json.JSONDecoder().raw_decode(text)
    return text[1 : end - 1]


def test_the_codec_is_found_by_its_name():
    assert CODECS["chat"] is CODEC
