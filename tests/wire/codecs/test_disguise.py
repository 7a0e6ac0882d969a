"""Custom tools, the local shell and namespaces go as functions and come back as what they were, streamed or not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.wire.codecs.disguise import Restorer, disguised, flat_name, wrapped
from synrouter_cli.wire.codecs.freetext import FreeText
from synrouter_cli.wire.ir import BlockEnded, BlockStarted, Delta, Message, Request, Response, Text, Tool, ToolUse

TOOLS = (
    Tool("custom", "apply_patch", config={"format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}}),
    Tool("builtin", "local_shell", config={"type": "local_shell"}, dialect="responses"),
    Tool("function", "create issue", namespace="mcp__gh"),
    Tool("function", "plain"),
)
ASKED = Request("claude-opus-5", tools=TOOLS)


@pytest.mark.parametrize(
    ("use", "kind", "name", "arguments"),
    [
        (ToolUse("t", "apply_patch", '{"input":"*** Begin"}'), "custom", "apply_patch", "*** Begin"),
        (ToolUse("t", "apply_patch", '{"why":1,"input":"x"}'), "custom", "apply_patch", "x"),
        (ToolUse("t", "apply_patch", "not json"), "custom", "apply_patch", "not json"),
        (ToolUse("t", "local_shell", '{"command":["ls"]}'), "local_shell", "local_shell", '{"command":["ls"]}'),
        (ToolUse("t", "mcp__gh__create_issue", "{}"), "function", "create issue", "{}"),
        (ToolUse("t", "plain", '{"input":"x"}'), "function", "plain", '{"input":"x"}'),
        (ToolUse("t", "unknown", "{}"), "function", "unknown", "{}"),
    ],
)
def test_a_call_comes_back_as_what_it_was(use, kind, name, arguments):
    answer = Restorer(ASKED).response(Response("m", "c", (Text("a"), use), "tool_use"))
    (_, restored) = answer.blocks
    assert (restored.kind, restored.name, restored.arguments) == (kind, name, arguments)


@given(st.text(max_size=40), st.booleans(), st.lists(st.integers(1, 9), min_size=1, max_size=9))
def test_free_text_is_the_same_however_its_json_is_cut(text, ascii_only, sizes):
    whole = json.dumps({"input": text}, ensure_ascii=ascii_only)
    reader, given_out, at, turn = FreeText(), [], 0, 0
    while at < len(whole):
        size = sizes[turn % len(sizes)]
        given_out.append(reader.feed(whole[at : at + size]))
        at, turn = at + size, turn + 1
    assert "".join(given_out) + reader.end() == text


@given(st.text(max_size=30))
def test_a_custom_call_in_the_history_is_read_back(text):
    use = ToolUse("t", "apply_patch", text, kind="custom")
    assert Restorer(ASKED)._whole(ToolUse("t", "apply_patch", wrapped(use))).arguments == text


def test_a_streamed_custom_call_is_told_as_free_text():
    restorer = Restorer(ASKED)
    events = [
        BlockStarted(0, ToolUse("t", "apply_patch", "")),
        *[Delta(0, "arguments", one) for one in ('{"inp', 'ut":"a\\', 'nb"', "}")],
        BlockEnded(0),
    ]
    out = [one for event in events for one in restorer.event(event)]
    assert out[0] == BlockStarted(0, ToolUse("t", "apply_patch", "", kind="custom"))
    assert [one.data for one in out[1:-1]] == ["a", "\nb"]
    assert out[-1] == BlockEnded(0)


def test_a_streamed_call_of_another_shape_is_told_at_its_end():
    restorer = Restorer(ASKED)
    events = [
        BlockStarted(0, ToolUse("t", "apply_patch", "")),
        Delta(0, "arguments", '{"x":1,"input":"a"}'),
        BlockEnded(0),
    ]
    out = [one for event in events for one in restorer.event(event)]
    assert out[1:] == [Delta(0, "arguments", "a"), BlockEnded(0)]


def test_long_names_keep_apart():
    one, other = flat_name("x" * 200 + "a"), flat_name("x" * 200 + "b")
    assert one != other
    assert len(one) == len(other) == 128


def test_a_tool_without_a_format_takes_any_text():
    description, schema = disguised(Tool("custom", "note"))
    assert description is None
    assert schema["required"] == ["input"]


def test_an_id_that_the_conversation_has_already_gets_a_number():
    """Servers that begin with call_0 in every answer: a client that goes by ids would repeat the first one's call."""
    before = Message("assistant", (ToolUse("functions_f_0", "plain", "{}"), ToolUse("call_0", "plain", "{}")))
    asked = Request("m", messages=(before,))
    calls = (ToolUse("call_0", "plain", "{}"), ToolUse("call_0", "plain", "{}"), ToolUse("functions.f:0", "plain", ""))
    whole = [one.id for one in Restorer(asked).response(Response("m", "c", calls, "tool_use")).blocks]
    streamed = Restorer(asked)
    told = [streamed.event(BlockStarted(i, call))[0].block.id for i, call in enumerate(calls)]
    assert whole == told == ["call_0_2", "call_0_3", "functions.f:0_2"]
