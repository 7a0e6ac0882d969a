"""Bodies of OpenAI's dialects as blocks, and the breakpoints that are put into them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt.body import Unplannable, apply_edits, inverse_edits
from synrouter_cli.prompt.breakpoints import breakpoint_edits
from synrouter_cli.prompt.openai import OpenAIPrompt, segment_openai

MARK = {"prompt_cache_breakpoint": {"mode": "explicit"}}


def chat(*messages: dict[str, Any], **fields: Any) -> OpenAIPrompt:
    return segment_openai("chat", json.dumps({"model": "m", "messages": messages, **fields}).encode())


def responses(given: Any, **fields: Any) -> OpenAIPrompt:
    return segment_openai("responses", json.dumps({"model": "m", "input": given, **fields}).encode())


def text(words: str, kind: str = "text", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "text": words, **fields}


def user(*parts: Any, role: str = "user", **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": list(parts), **fields}


CONVERSATION = (
    {"role": "system", "content": "Be brief."},
    user(text("a"), {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}),
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}]},
    {"role": "tool", "tool_call_id": "c", "content": [text("result")]},
)


def test_messages_of_people_take_breakpoints_and_what_the_model_or_a_tool_said_does_not() -> None:
    read = chat(*CONVERSATION, tools=[{"type": "function", "function": {"name": "f"}}])
    assert read.prompt.markable == [False, True, True, True, False, False]
    assert [block.kind for block in read.prompt.blocks] == ["tool", "text", "text", "image", "text", "tool_result"]
    assert read.prompt.message_ends() == [1, 3, 4, 5]
    assert [unit.answers for unit in read.prompt.message_units] == [False, False, False, True]


def test_items_of_responses_are_blocks_and_their_instructions_take_no_breakpoint() -> None:
    items = [
        {"type": "message", "role": "developer", "content": [text("be brief", "input_text")]},
        {"role": "user", "content": "a"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [text("result", "input_text")]},
    ]
    read = responses(items, instructions="You are.")
    assert read.prompt.markable == [False, True, True, False, False, False]
    assert [unit.role for unit in read.prompt.message_units] == ["developer", "user", "assistant", "assistant", "tool"]
    assert read.prompt.layer_ends == (0, 1, 6)
    assert responses("the whole input").prompt.markable == [False]


def test_keys_go_by_meaning() -> None:
    plain = chat(user(text("a"), text("b"))).prompt.keys
    assert plain == chat(user({"text": "a", "type": "text"}, text("b", **MARK))).prompt.keys
    assert chat({"role": "user", "content": "a"}).prompt.keys == chat(user(text("a"))).prompt.keys
    assert plain != chat(user(text("a"), text("b"), name="me")).prompt.keys
    assert plain[0] != chat(user(text("a"), role="developer")).prompt.keys[0]
    assert chat(user(text("a", extra=1))).prompt.keys != chat(user(text("a", extra=2))).prompt.keys


@pytest.mark.parametrize(
    ("dialect", "one", "other"),
    [
        ("chat", {"reasoning_effort": "low"}, {"reasoning_effort": "high"}),
        ("chat", {"verbosity": "low"}, {}),
        ("responses", {"reasoning": {"effort": "low"}}, {"reasoning": {"effort": "high"}}),
        ("responses", {"text": {"format": {"type": "json_object"}}}, {}),
    ],
)
def test_settings_that_a_cache_depends_on_are_in_the_seeds(dialect: str, one: Any, other: Any) -> None:
    made = {
        "chat": lambda fields: chat(user(text("a")), **fields),
        "responses": lambda fields: responses("a", **fields),
    }
    assert made[dialect](one).prompt.seeds != made[dialect](other).prompt.seeds
    assert made[dialect]({**one, "user": "me"}).prompt.seeds == made[dialect](one).prompt.seeds


def test_the_rest_of_a_settings_object_makes_no_difference() -> None:
    asked = {"reasoning": {"effort": "low", "summary": "auto"}}
    assert responses("a", **asked).prompt.seeds == responses("a", reasoning={"effort": "low"}).prompt.seeds


@pytest.mark.parametrize(
    ("read", "asks"),
    [
        (chat(user(text("a"))), False),
        (chat(user(text("a", **MARK))), True),
        (chat({"role": "tool", "tool_call_id": "c", "content": [text("a", **MARK)]}), True),
        (chat(user(text("a")), prompt_cache_options={"mode": "implicit"}), True),
        (chat(user(text("a")), prompt_cache_retention="24h"), True),
        (chat(user(text("a")), prompt_cache_retention=None), False),
        (responses([{"type": "function_call_output", "call_id": "c", "output": [text("a", **MARK)]}]), True),
    ],
)
def test_a_client_that_says_something_of_the_cache_is_seen_to(read: OpenAIPrompt, asks: bool) -> None:
    assert read.asks is asks


def test_the_cache_key_is_read() -> None:
    assert chat(user(text("a")), prompt_cache_key="k").cache_key == "k"
    assert chat(user(text("a"))).cache_key == ""


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("chat", b"[]"),
        ("chat", b'{"model":"m"}'),
        ("chat", b'{"messages":[1]}'),
        ("responses", b'{"input":"a","previous_response_id":"resp_1"}'),
        ("responses", b'{"input":"a","conversation":{"id":"conv_1"}}'),
        ("responses", b'{"input":[],"prompt":{"id":"pmpt_1"}}'),
    ],
)
def test_what_is_no_whole_request_is_not_planned(dialect: str, body: bytes) -> None:
    with pytest.raises(Unplannable):
        segment_openai(dialect, body)


def test_a_lone_surrogate_unplans_nothing() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"cut \\ud83d"}]}]}'
    read = segment_openai("chat", body)
    assert read.prompt.markable == [True] and read.prompt.body == body


def test_what_stood_in_the_last_request_is_taken_over() -> None:
    first = chat(*CONVERSATION)
    grown = json.dumps({"model": "m", "messages": [*CONVERSATION, user(text("on"))]}).encode()
    again = segment_openai("chat", grown, first.prompt)
    assert again.prompt.units[1] is first.prompt.units[1]
    assert again.prompt.keys == segment_openai("chat", grown).prompt.keys
    assert again.prompt.tokens == segment_openai("chat", grown).prompt.tokens
    changed = json.dumps({"model": "m", "messages": [user(text("other")), *CONVERSATION[1:]]}).encode()
    assert segment_openai("chat", changed, first.prompt).prompt.keys == segment_openai("chat", changed).prompt.keys


def test_a_string_becomes_a_list_in_the_words_of_its_dialect() -> None:
    read = responses([{"role": "user", "content": "hi"}])
    sent = apply_edits(read.prompt.body or b"", breakpoint_edits(read, [0], explicit=True))
    assert json.loads(sent) == {
        "prompt_cache_options": {"mode": "explicit"},
        "model": "m",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi", **MARK}]}],
    }


def test_a_block_that_takes_none_gets_none() -> None:
    read = chat(*CONVERSATION)
    with pytest.raises(ValueError, match="takes no breakpoint"):
        breakpoint_edits(read, [4], explicit=False)


WORDS = st.text(min_size=1, max_size=8)
PARTS = st.lists(WORDS.map(text), min_size=1, max_size=3)
MESSAGES = st.lists(
    st.one_of(
        WORDS.map(lambda words: {"role": "user", "content": words}),
        PARTS.map(lambda parts: {"role": "developer", "content": parts}),
        WORDS.map(lambda words: {"role": "assistant", "content": words}),
    ),
    min_size=1,
    max_size=6,
)


@given(messages=MESSAGES, spaced=st.booleans(), explicit=st.booleans(), data=st.data())
def test_edits_add_breakpoints_and_nothing_else(
    messages: list[dict[str, Any]], spaced: bool, explicit: bool, data: st.DataObject
) -> None:
    body = json.dumps({"messages": messages, "model": "m"}, indent=2 if spaced else None).encode()
    read = segment_openai("chat", body)
    able = [place for place, markable in enumerate(read.prompt.markable) if markable]
    places = sorted(data.draw(st.sets(st.sampled_from(able), max_size=4))) if able else []
    edits = breakpoint_edits(read, places, explicit=explicit)
    sent = apply_edits(body, edits)
    assert apply_edits(sent, inverse_edits(body, edits)) == body
    again = segment_openai("chat", sent)
    assert again.prompt.keys == read.prompt.keys
    assert sent.count(b'"prompt_cache_breakpoint"') == len(places)
    assert json.loads(sent).get("prompt_cache_options") == ({"mode": "explicit"} if explicit else None)
