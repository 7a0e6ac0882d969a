"""What clients are known to send anew with every request: it is not marked, not even the first time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synrouter_cli.prompt.layouts import transient_from
from synrouter_cli.prompt.segments import segment

CARRIER = "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>> step 1"
TEXT = [{"type": "text", "text": CARRIER}]
FAR = "x" * 300 + CARRIER


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("messages", "lasts"),
    [
        ([user("hi")], 1),
        ([user("hi"), user(CARRIER)], 1),
        ([user("hi"), user(TEXT)], 1),
        ([user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), user(TEXT)], 2),
        ([user("hi"), user(TEXT), user(CARRIER)], 1),
        ([user("hi"), user(CARRIER), user("more")], 3),
        ([user("hi"), user(FAR)], 2),
        ([user(CARRIER)], 0),
    ],
    ids=[
        "no carrier",
        "as a string",
        "as a block",
        "behind two blocks",
        "two of them",
        "in the middle",
        "quoted far into a text",
        "nothing else",
    ],
)
def test_a_carrier_at_the_end_will_not_last(messages: list[Any], lasts: int) -> None:
    assert transient_from(segment(json.dumps({"messages": messages}).encode())) == lasts


def test_a_carrier_in_the_system_prompt_is_none() -> None:
    body = {"system": CARRIER, "messages": [user("hi")]}
    assert transient_from(segment(json.dumps(body).encode())) == 2


def test_of_a_body_that_was_given_back_all_may_last() -> None:
    prompt = segment(json.dumps({"messages": [user("hi"), user(CARRIER)]}).encode())
    prompt.forget_body()
    assert transient_from(prompt) == 2
