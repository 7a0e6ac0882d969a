"""A conversation in either dialect is read as the script wants it."""

from __future__ import annotations

from typing import Any

from synrouter_cli.demo.openai.turns import chat_turns, offered_by, responses_turns, tools_of
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
