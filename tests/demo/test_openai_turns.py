"""A conversation in either dialect is read as the script wants it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.openai_side import CHAT_TOOL, SENDER, answered, chat, upstream
from synrouter_cli.demo.openai.turns import callable_by, chat_turns, offered_by, responses_turns, tools_of
from synrouter_cli.demo.script import newest_prompt

USER = {"role": "user", "content": "do it"}


def items(ident: str, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    call = {"type": "function_call", "call_id": f"call_{ident * 20}t{number:02d}", "name": "Bash", "arguments": "{}"}
    return call, {"type": "function_call_output", "call_id": call["call_id"], "output": "x"}


def test_an_answer_of_several_items_counts_once():
    (one, result), (two, other) = items("a", 0), items("a", 1)
    message = {"type": "message", "role": "assistant", "content": []}
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": []}
    assert newest_prompt(responses_turns([USER, reasoning, message, one, two, result, other])) == ("do it", 1)
    assert newest_prompt(responses_turns([USER, reasoning, message, one, result, two, other])) == ("do it", 1)


def test_two_answers_count_twice():
    (one, result), (two, other) = items("a", 0), items("b", 0)
    assert newest_prompt(responses_turns([USER, one, result, two, other])) == ("do it", 2)
    foreign = [{**one, "call_id": "call_1"}, {**result, "call_id": "call_1"}, {**two, "call_id": "call_2"}]
    assert newest_prompt(responses_turns([USER, *foreign])) == ("do it", 2)


def test_a_message_behind_a_result_is_no_new_prompt_in_either_dialect():
    call, result = items("a", 0)
    reminder = {"role": "user", "content": [{"type": "text", "text": "a reminder"}]}
    assert newest_prompt(responses_turns([USER, call, result, reminder])) == ("do it", 1)
    told = [USER, {"role": "assistant", "tool_calls": []}, {"role": "tool", "content": "x"}, reminder]
    assert newest_prompt(chat_turns(told)) == ("do it", 1)
    assert newest_prompt(chat_turns([USER, {"role": "assistant", "content": "ok"}, reminder])) == ("a reminder", 0)


def test_tools_are_offered_from_wherever_they_stand():
    body = {"tools": [{"type": "custom", "name": "apply_patch"}, {"type": "web_search"}, {"type": "local_shell"}]}
    brought = {"type": "tool_search_output", "tools": [{"type": "namespace", "name": "a", "tools": [{"type": "function", "name": "b"}]}]}  # fmt: skip
    offered = offered_by(tools_of(body, [USER, brought]))
    assert {name: offered.get(name) for name in ("apply_patch", "local_shell", "a.b")} == {
        "apply_patch": "custom",
        "local_shell": "local_shell",
        "a.b": "function",
    }
    chat_tool = {"type": "function", "function": {"name": "Bash"}}
    assert offered_by([chat_tool]) == {"Bash": "function"}


BASH = {"type": "function", "function": {"name": "Bash"}}
READ = {"type": "function", "function": {"name": "Read"}}


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        (None, ["Bash", "Read"]),
        ("auto", ["Bash", "Read"]),
        ("required", ["Bash", "Read"]),
        ("none", []),
        (READ, ["Read"]),
        ({"type": "function", "name": "Read"}, ["Read"]),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [BASH]}}, ["Bash"]),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "Bash"}]}, ["Bash"]),
        ({"type": "web_search"}, ["Bash", "Read"]),
    ],
)
def test_the_choice_leaves_what_it_names(choice: Any, left: list[str]):
    assert [*callable_by({"tool_choice": choice}, [BASH, READ])] == left


def test_one_call_at_a_time_where_no_more_are_wanted():
    side = upstream()
    for parallel, calls in ((True, 2), (False, 1)):
        body = chat("both at once", tools=[CHAT_TOOL], parallel_tool_calls=parallel)
        asked = side.weigh("chat", json.dumps(body).encode(), SENDER, now=0.0)
        assert len(answered(side, asked).body()["choices"][0]["message"]["tool_calls"]) == calls


def test_an_answer_ends_before_a_stop_sequence():
    side = upstream()
    body = chat("files", model="gpt-4.1", tools=[CHAT_TOOL], stop=["never", "look"])
    choice = answered(side, side.weigh("chat", json.dumps(body).encode(), SENDER, now=0.0)).body()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("I ", "stop")
    assert "tool_calls" not in choice["message"]
