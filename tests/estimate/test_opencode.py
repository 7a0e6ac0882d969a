"""OpenCode's and Kilo's messages: a request a step, tools called and answered in one part."""

from __future__ import annotations

from typing import Any

import pytest

from support.transcripts import MODEL
from synrouter_cli.estimate.events import Answered, Kept, Said
from synrouter_cli.estimate.opencode import read

TOKENS = {"input": 10, "output": 20, "reasoning": 5, "cache": {"read": 300, "write": 4000}}
USER = ("u1", {"role": "user", "time": {"created": 1_795_255_200_000}}, [{"type": "text", "text": "hello"}])


def tool(call: str, output: str = "x = 1") -> dict[str, Any]:
    state = {"status": "completed", "input": {"path": "a.py"}, "output": output, "time": {"end": 1_795_255_207_000}}
    return {"type": "tool", "callID": call, "tool": "read", "state": state}


def finished(tokens: dict[str, Any] = TOKENS) -> dict[str, Any]:
    return {"type": "step-finish", "reason": "tool-calls", "tokens": tokens}


def assistant(ident: str, parts: list[dict[str, Any]], **rest: Any):
    message = {"role": "assistant", "modelID": MODEL, "providerID": "anthropic", "time": {"created": 1_795_255_203_000}}
    return ident, {**message, **rest}, parts


def test_each_finished_step_is_a_request_and_its_tools_answer_after_it():
    parts = [{"type": "step-start"}, tool("c1"), finished(), {"type": "step-start"}, {"type": "text", "text": "ok"}]
    found = list(read([USER, assistant("a1", [*parts, finished()], tokens=TOKENS)]))
    assert [type(event) for event in found] == [Said, Answered, Said, Answered]
    assert [event.id for event in found if isinstance(event, Answered)] == ["a1:0", "a1:1"]
    assert found[1].blocks[0]["type"] == "tool_use"
    assert found[2].blocks == [{"type": "tool_result", "tool_use_id": "c1", "content": "x = 1"}]
    assert found[2].at == 1_795_255_207.0


def test_an_answer_without_finished_steps_has_its_usage_on_the_message():
    (_, answered) = read([USER, assistant("a1", [{"type": "text", "text": "ok"}], tokens=TOKENS)])
    assert answered.usage.prompt_tokens == 4310
    assert answered.at == 1_795_255_203.0


@pytest.mark.parametrize(
    ("total", "output"), [(None, 25), (4335, 25), (4330, 20)], ids=["no total", "beside", "within"]
)
def test_reasoning_counts_as_output_once(total, output):
    tokens = {**TOKENS, "total": total}
    (_, answered) = read([USER, assistant("a1", [], tokens=tokens)])
    assert answered.usage.output_tokens == output


def test_a_step_that_was_broken_off_is_no_request_beside_those_that_were_not():
    found = list(read([USER, assistant("a1", [tool("c1"), finished(), {"type": "text", "text": "brok"}])]))
    assert sum(isinstance(event, Answered) for event in found) == 1


def test_a_compaction_leaves_the_question_and_the_summary():
    asked = ("u2", {"role": "user"}, [{"type": "compaction", "auto": True}])
    summary = assistant("a2", [{"type": "text", "text": "so far"}, finished()], summary=True)
    found = list(read([USER, assistant("a1", [finished()]), asked, summary, ("u3", {"role": "user"}, USER[2])]))
    assert found[-2] == Kept(2, None)


def test_what_the_provider_never_sees_is_left_out():
    parts = [{"type": "text", "text": "note", "ignored": True}, {"type": "snapshot", "snapshot": "x"}]
    picture = {"type": "file", "mime": "image/png", "url": "data:image/png;base64,AAAA"}
    (said,) = read([("u1", {"role": "user"}, [*parts, picture])])
    assert [block["type"] for block in said.blocks] == ["image"]
    assert list(read([("u1", {"role": "user"}, parts)])) == []
