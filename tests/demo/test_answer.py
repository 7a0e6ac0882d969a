"""The simulated API's answers: a stream says what the whole message says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import anthropic.types
import pytest

from synrouter_cli.demo.answer import Answer
from synrouter_cli.demo.script import Step, ToolCall

STEP = Step(
    say="I look at the files that are here, all of them.",
    think="The person wants the files. I list them first.",
    tools=(ToolCall("Bash", {"command": "ls -la", "description": "Все файлы"}), ToolCall("Read", {})),
)
USAGE = {
    "input_tokens": 3,
    "cache_creation_input_tokens": 7,
    "cache_read_input_tokens": 100,
    "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 0},
}


def answer(step: Step = STEP, **options: Any) -> Answer:
    return Answer.of(step, ident="0f" * 16, model="m", prompt_usage=USAGE, **options)


def assembled(said: Answer) -> dict[str, Any]:
    """What a client makes of the stream: each delta appended to its block."""
    message: dict[str, Any] = {}
    for name, data in said.events():
        if name == "message_start":
            message = dict(data["message"])
        elif name == "content_block_start":
            message["content"].append({**data["content_block"], "json": ""})
        elif name == "content_block_delta":
            delta = dict(data["delta"])
            kind = delta.pop("type")
            block = message["content"][data["index"]]
            for field, text in delta.items():
                block["json" if kind == "input_json_delta" else field] += text
        elif name == "message_delta":
            message.update(data["delta"], usage=data["usage"])
    for block in message["content"]:
        text = block.pop("json")
        if block["type"] == "tool_use":
            block["input"] = json.loads(text or "{}")
    return message


@pytest.mark.parametrize("options", [{}, {"signature": "s"}, {"max_tokens": 5}, {"max_tokens": 0}])
def test_the_stream_adds_up_to_the_whole_message(options: dict[str, Any]):
    said = answer(**options)
    assert assembled(said) == said.message()


def test_what_was_checked_says_so_of_each_call_once_it_has_been_made():
    said = replace(answer(), checked=True)
    [check] = said.message()["safeguard_results"]
    calls = [block["id"] for block in said.content if block["type"] == "tool_use"]
    assert check["status"]["tool_uses"] == {key: {"type": "evaluated", "outcome": "not_flagged"} for key in calls}
    assert assembled(said) == said.message()
    assert "safeguard_results" not in dict(said.events())["message_start"]["message"]


def test_the_sdk_takes_the_message():
    message = anthropic.types.Message.model_validate(answer(signature="s").message(), strict=True)
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert message.stop_reason == "tool_use"


def test_there_is_no_thinking_where_none_was_asked_for():
    assert [block["type"] for block in answer().content] == ["text", "tool_use", "tool_use"]


def test_ids_of_tool_calls_differ_and_come_back_the_same():
    idents = [block["id"] for block in answer().content if block["type"] == "tool_use"]
    assert len(set(idents)) == 2
    assert answer() == answer()


def test_an_answer_over_its_limit_is_cut_and_says_so():
    said = answer(max_tokens=5)
    assert said.stop_reason == "max_tokens"
    assert said.usage["output_tokens"] == 5
    assert said.content == ({"type": "text", "text": STEP.say[:15]},)


def test_a_keep_warm_request_is_answered_with_nothing():
    said = answer(max_tokens=0)
    assert (said.content, said.usage["output_tokens"], said.stop_reason) == ((), 0, "max_tokens")


def test_a_refusal_says_so_and_calls_nothing():
    step = Step(say="No.", tools=(ToolCall("Bash", {}),), refuse=True).offered({"Bash"})
    answer = Answer.of(step, ident="00", model="m", prompt_usage={"input_tokens": 3})
    assert (answer.stop_reason, [block["type"] for block in answer.content]) == ("refusal", ["text"])


def test_free_text_for_a_tool_is_its_one_argument():
    answer = Answer.of(Step(tools=(ToolCall("apply_patch", "*** x"),)), ident="00", model="m", prompt_usage={})
    assert answer.content[0]["input"] == {"input": "*** x"}
