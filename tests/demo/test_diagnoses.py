"""What the simulated provider says of a miss: the first thing that differs from the request that an answer was to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from synrouter_cli.demo.diagnoses import Diagnoses, asked
from synrouter_cli.demo.judge import Refused
from synrouter_cli.prompt.segments import Prompt, segment
from synrouter_cli.wire.diagnosis import BETA

TOOLS = [{"name": "Bash", "description": "runs", "input_schema": {}}, {"name": "Read", "input_schema": {}}]


def body(**more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]
    return {"model": "claude-opus-4-8", "tools": TOOLS, "system": "be good", "messages": messages, **more}


def prompt(made: dict[str, Any]) -> Prompt:
    return segment(json.dumps(made).encode())


def more_messages(made: dict[str, Any]) -> None:
    made["messages"] = [*made["messages"], {"role": "user", "content": "three"}]


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str | None]] = {
    "the same again": (lambda made: None, None),
    "more messages": (more_messages, None),
    "another model": (lambda made: made.update(model="claude-opus-5"), "model_changed"),
    "another tool": (lambda made: made.update(tools=[*TOOLS, {"name": "Edit", "input_schema": {}}]), "tools_changed"),
    "a tool less": (lambda made: made.update(tools=TOOLS[:1]), "tools_changed"),
    "another order": (lambda made: made.update(tools=TOOLS[::-1]), "tools_changed"),
    "another system": (lambda made: made.update(system="be bad"), "system_changed"),
    "no system": (lambda made: made.pop("system"), "system_changed"),
    "a message rewritten": (lambda made: made.update(messages=[{"role": "user", "content": "2"}]), "messages_changed"),
    "a rewind": (lambda made: made.update(messages=made["messages"][:1]), "messages_changed"),
    "another choice of tools": (lambda made: made.update(tool_choice={"type": "any"}), "unavailable"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_differs_first_is_named(name: str) -> None:
    change, reason = CHANGES[name]
    diagnoses, later = Diagnoses(), body()
    diagnoses.remember("msg_1", "a", prompt(body()))
    change(later)
    found = diagnoses.compare("msg_1", "a", prompt(later))
    assert (found["cache_miss_reason"]["type"] if found else None) == reason
    if reason is not None and reason.endswith("_changed"):
        assert found is not None and found["cache_miss_reason"]["cache_missed_input_tokens"] > 0


def test_a_first_turn_and_a_forgotten_one() -> None:
    diagnoses = Diagnoses()
    assert diagnoses.compare(None, "a", prompt(body())) is None
    found = diagnoses.compare("msg_0", "a", prompt(body()))
    assert found == {"cache_miss_reason": {"type": "previous_message_not_found"}}


def test_other_betas_are_not_named() -> None:
    diagnoses = Diagnoses()
    diagnoses.remember("msg_1", "a", prompt(body()))
    assert diagnoses.compare("msg_1", "b", prompt(body())) == {"cache_miss_reason": {"type": "unavailable"}}


@pytest.mark.parametrize(
    ("field", "betas", "message"),
    [
        ({"previous_message_id": None}, "", "Extra inputs"),
        ({"previous_message_id": None}, "other", "Extra inputs"),
        ({"previous_message_id": 5}, BETA, "valid string"),
        ({}, BETA, "valid string"),
        (None, BETA, "valid string"),
    ],
)
def test_a_question_that_the_api_does_not_know_is_refused(field: Any, betas: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        asked({"diagnostics": field}, betas)


def test_with_the_beta_it_may_be_asked() -> None:
    assert asked({"diagnostics": {"previous_message_id": None}}, f"x, {BETA}")
    assert not asked({}, "")
