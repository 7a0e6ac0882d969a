"""Calls and results are pairs on every way, however the client that asks is strict about them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synrouter_cli.wire.codecs.pairing import paired
from synrouter_cli.wire.ir import Block, Message, Text, ToolResult, ToolUse
from wire.crossings import CROSSINGS, Json, carried, request_is_wrong

HI: Json = {"role": "user", "content": "hi"}


def chat(*messages: Json) -> Json:
    return {"model": "m", "messages": list(messages)}


def calls(*ids: str) -> Json:
    called = [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": called}


def result(called: str, text: str = "ok") -> Json:
    return {"role": "tool", "tool_call_id": called, "content": text}


HABITS = {
    "ids that come again with every answer": chat(HI, calls("call_0"), result("call_0", "1"), calls("call_0"),
                                                  result("call_0", "2")),
    "the same id twice in one answer": chat(HI, calls("a", "a"), result("a", "1"), result("a", "2")),
    "no ids": chat(HI, calls("", ""), result("", "1"), result("", "2"), calls("", ""), result("", "3"),
                   result("", "4")),
    "ids with signs in them": chat(HI, calls("functions.f:0", "functions_f_0"), result("functions_f_0", "1"),
                                   result("functions.f:0", "2")),
    "ids of two hundred characters": chat(HI, calls("x" * 200, "x" * 201), result("x" * 201), result("x" * 200)),
    "long ids that come again": chat(HI, calls("x" * 40), result("x" * 40), calls("x" * 40), result("x" * 40)),
    "a call without a result": chat(HI, calls("a", "b"), result("b"), HI),
    "calls without any result": chat(HI, calls("a", "b"), HI, calls("c"), result("c")),
    "a history that begins with a result": chat(result("a"), HI, calls("b"), result("b")),
    "two results of one call": chat(HI, calls("a"), result("a", "1"), result("a", "2"), HI),
    "a result after another word": chat(HI, calls("a", "b"), result("a", "1"), HI, result("b", "2"), HI),
    "a result after another answer": chat(HI, calls("a"), {"role": "assistant", "content": "Hm"}, result("a")),
    "an instruction before the results": chat(HI, calls("a"), {"role": "system", "content": "s"}, result("a")),
    "results in another order": chat(HI, calls("a", "b", "c"), result("c"), result("a"), result("b")),
}  # fmt: skip


def check_anthropic(body: Json) -> None:
    messages = body["messages"]
    called: list[str] = []
    for i, message in enumerate(messages):
        content = message["content"] if isinstance(message["content"], list) else []
        results = [one["tool_use_id"] for one in content if one["type"] == "tool_result"]
        before = messages[i - 1]["content"] if i and messages[i - 1]["role"] == "assistant" else []
        wanted = [one["id"] for one in before if isinstance(one, dict) and one["type"] == "tool_use"]
        assert sorted(results) == sorted(wanted)
        assert all(one["type"] == "tool_result" for one in content[: len(results)])
        called += [one["id"] for one in content if one["type"] == "tool_use"]
    assert len(set(called)) == len(called)


def check_chat(body: Json) -> None:
    waiting: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])
            continue
        assert not waiting
        waiting = [one["id"] for one in message.get("tool_calls", ())]
        assert all(len(one) <= 40 for one in waiting)
    assert not waiting


def check_responses(body: Json) -> None:
    items = body["input"]
    called = [one["call_id"] for one in items if one["type"] == "function_call"]
    answered = [one["call_id"] for one in items if one["type"] == "function_call_output"]
    assert sorted(called) == sorted(answered) and len(set(called)) == len(called)
    for called_id in called:
        places = [i for i, one in enumerate(items) if one.get("call_id") == called_id]
        assert items[places[0]]["type"] == "function_call"
        assert all(0 < len(one["call_id"]) <= 64 for one in items if "call_id" in one)


CHECKS = {"anthropic": check_anthropic, "chat": check_chat, "responses": check_responses}


def check(target: str, out: bytes) -> None:
    assert request_is_wrong(target, out) == []
    CHECKS[target](json.loads(out))


@pytest.mark.parametrize("target", ["anthropic", "responses"])
@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in HABITS.items()])
def test_a_clients_habits_become_pairs(body: Json, target: str):
    out = carried(body, "chat", target)[1]
    check(target, out)
    texts = [one["content"] for one in body["messages"] if one["role"] == "tool"]
    assert out.count(b'"ok"') + sum(out.count(b'"%d"' % i) for i in range(9)) == len(texts)


@pytest.mark.parametrize(("source", "target"), CROSSINGS)
@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in HABITS.items() if name != "no ids"])
def test_they_do_so_from_every_dialect(body: Json, source: str, target: str):
    check(target, carried(_unpaired(source, body), source, target)[1])


def _unpaired(dialect: str, body: Json) -> Json:
    """The same habits in another dialect's words."""
    if dialect == "chat":
        return body
    said: list[Json] = []
    for one in body["messages"]:
        said += _anthropic(one) if dialect == "anthropic" else _items(one)
    key = "messages" if dialect == "anthropic" else "input"
    return {"model": "m", key: said, **({"max_tokens": 64} if dialect == "anthropic" else {})}


def _anthropic(message: Json) -> list[Json]:
    if message["role"] == "tool":
        block = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}
        return [{"role": "user", "content": [block]}]
    if "tool_calls" not in message:
        return [message]
    blocks = [{"type": "tool_use", "id": one["id"], "name": "f", "input": {}} for one in message["tool_calls"]]
    return [{"role": "assistant", "content": blocks}]


def _items(message: Json) -> list[Json]:
    if message["role"] == "tool":
        return [{"type": "function_call_output", "call_id": message["tool_call_id"], "output": message["content"]}]
    if "tool_calls" not in message:
        return [message]
    return [{"type": "function_call", "call_id": one["id"], "name": "f", "arguments": "{}"}
            for one in message["tool_calls"]]  # fmt: skip


ids = st.sampled_from(["a", "b", "c"])
blocks: st.SearchStrategy[Block] = st.builds(Text, st.just("t")) | st.builds(
    ToolResult, ids, st.just((Text("r"),)), bare=st.just(True)
)
calling: st.SearchStrategy[Any] = st.lists(
    st.builds(Text, st.just("t")) | st.builds(ToolUse, ids, st.just("f"), st.just("{}")), min_size=1, max_size=3
)
messages = st.lists(
    st.builds(lambda said: Message("user", tuple(said)), st.lists(blocks, min_size=1, max_size=3))
    | st.builds(lambda said: Message("assistant", tuple(said)), calling)
    | st.just(Message("developer", (Text("d"),))),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(messages, messages)
def test_whatever_comes_is_in_pairs_and_a_longer_history_begins_as_a_shorter_one(
    before: list[Message], after: list[Message]
):
    answer = Message("assistant", (Text("Yes"),))
    asked = (*before, answer, Message("user", (Text("And?"),)))
    early, late = paired(asked), paired((*asked, answer, *after))
    assert early == late[: len(early)]
    assert paired(late) == late
    results = [one.id for message in late for one in message.blocks if isinstance(one, ToolResult)]
    called = [one.id for message in late for one in message.blocks if isinstance(one, ToolUse)]
    assert len(set(called)) == len(called) and len(set(results)) == len(results) and set(results) <= set(called)
    said = sum(isinstance(one, Text) and one.text in "rtd" for message in late for one in _flat(message.blocks))
    assert said == sum(isinstance(one, Text) for message in (*before, *after) for one in _flat(message.blocks))


def _flat(found: tuple[Block, ...]) -> list[Block]:
    return [inner for one in found for inner in (one.content if isinstance(one, ToolResult) else (one,))]
