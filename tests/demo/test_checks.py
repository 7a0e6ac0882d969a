"""The simulated API's 400s, in the API's words."""

from __future__ import annotations

import pytest

from synrouter_cli.demo.checks import refusal


def request(*messages, **fields):
    return {"model": "m", "max_tokens": 8, "messages": list(messages), **fields}


def user(content="hi"):
    return {"role": "user", "content": content}


def calls(*idents):
    return {"role": "assistant", "content": [{"type": "tool_use", "id": ident} for ident in idents]}


def results(*idents):
    return user([{"type": "tool_result", "tool_use_id": ident} for ident in idents])


SYSTEM = {"role": "system", "content": "an aside"}

TAKEN = {
    "a plain prompt": request(user()),
    "an answer to each call": request(user(), calls("a", "b"), results("b", "a")),
    "results over two user messages in a row": request(user(), calls("a", "b"), results("a"), results("b")),
    "a system entry after the results": request(user(), calls("a"), results("a"), SYSTEM),
    "an effort from here on": request(user(), {"role": "system", "content": [], "output_config": {"effort": "low"}}),
    "an empty last answer to be continued": request(user(), {"role": "assistant", "content": ""}),
    "a forced tool where nothing is thought": request(
        user(), thinking={"type": "disabled"}, tool_choice={"type": "any"}
    ),
    "a keep-warm request": request(user(), max_tokens=0),
}

REFUSED = {
    "model: Field required": {"max_tokens": 8, "messages": [user()]},
    "max_tokens: Field required": {"model": "m", "messages": [user()]},
    "messages: at least one message is required": request(),
    "messages: Input should be a valid list": {"model": "m", "max_tokens": 8, "messages": "hi"},
    "tools: Tool names must be unique.": request(user(), tools=[{"name": "Bash"}, {"name": "Bash"}]),
    "max_tokens: 0 is not supported with stream": request(user(), max_tokens=0, stream=True),
    "max_tokens: 0 is not supported with output_config.format": request(
        user(), max_tokens=0, output_config={"format": {"type": "json_schema"}}
    ),
    "max_tokens: 0 is not supported with a forced tool_choice": request(
        user(), max_tokens=0, tool_choice={"type": "any"}
    ),
    "Thinking may not be enabled when tool_choice forces tool use.": request(
        user(), thinking={"type": "adaptive"}, tool_choice={"type": "tool", "name": "a"}
    ),
    "max_tokens: Input should be a valid integer": request(user(), max_tokens="8"),
    "messages.0.role: Input should be": request({"role": "robot", "content": "hi"}),
    "messages.0: all messages must have non-empty content": request(user("")),
    "messages.1: all messages must have non-empty content": request(user(), {"role": "system", "content": []}),
    "messages: text content blocks must be non-empty": request(user([{"type": "text", "text": ""}])),
    "messages: text content blocks must contain non-whitespace": request(user(" \n")),
    "messages.2.content.0: unexpected `tool_use_id`": request(user(), calls("a"), results("b")),
    "messages.1: `tool_use` ids were found without `tool_result`": request(user(), calls("a"), user()),
    "messages.3: `tool_use` ids must be unique": request(user(), calls("a"), results("a"), calls("a")),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_the_api_takes_is_taken(name: str):
    assert refusal(TAKEN[name]) is None


@pytest.mark.parametrize("message", REFUSED)
def test_what_the_api_refuses_is_refused_in_its_words(message: str):
    assert (refusal(REFUSED[message]) or "").startswith(message)


def test_calls_at_the_very_end_lack_their_results():
    assert "without `tool_result`" in (refusal(request(user(), calls("a"))) or "")


def test_counting_tokens_needs_no_max_tokens():
    assert refusal({"model": "m", "messages": [user()]}, "count_tokens") is None
