"""The oracle itself: what is right passes, and each kind of mistake is found where it stands."""

from __future__ import annotations

import pytest

from wire.oracle import answer_faults, error_faults, event_faults, events_of, request_faults

USER = {"role": "user", "content": "hi"}
MESSAGES = {"model": "claude-opus-5", "max_tokens": 1, "messages": [USER]}
CHAT = {"model": "gpt-6", "messages": [USER]}
RESPONSES = {"model": "gpt-6", "input": [USER]}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}


@pytest.mark.parametrize(
    ("dialect", "request_"),
    [
        ("anthropic", MESSAGES),
        ("anthropic", {**MESSAGES, "stream": True, "system": [{"type": "text", "text": "s"}]}),
        ("anthropic", {**MESSAGES, "tools": [{"name": "f", "input_schema": {"type": "object", "$defs": {}}}]}),
        ("chat", CHAT),
        ("chat", {**CHAT, "stream": True, "stream_options": {"include_usage": True}}),
        ("responses", RESPONSES),
        ("responses", {**RESPONSES, "input": "hi", "reasoning": {"effort": "high"}, "stream": True}),
    ],
)
def test_a_right_request_has_no_faults(dialect, request_):
    assert request_faults(dialect, request_) == []


@pytest.mark.parametrize(
    ("dialect", "request_", "fault"),
    [
        ("anthropic", {**MESSAGES, "seed": 1}, "seed: unknown key"),
        ("anthropic", {**MESSAGES, "max_tokens": "1"}, "max_tokens: not int"),
        ("anthropic", {**MESSAGES, "max_tokens": True}, "max_tokens: not int"),
        ("anthropic", {"model": "m", "max_tokens": 1}, "messages: missing"),
        ("anthropic", {**MESSAGES, "messages": [{**USER, "name": "n"}]}, "messages.0.name: unknown key"),
        ("chat", {**CHAT, "max_token": 1}, "max_token: unknown key"),
        ("chat", {**CHAT, "messages": [{**USER, "cache_control": {}}]}, "messages.0.cache_control: unknown key"),
        ("responses", {**RESPONSES, "messages": []}, "messages: unknown key"),
        ("responses", {**RESPONSES, "store": "no"}, "store: not bool"),
    ],
)
def test_a_mistake_in_a_request_is_named_with_its_place(dialect, request_, fault):
    assert fault in request_faults(dialect, request_)


def test_a_beta_field_is_a_fault_unless_betas_are_let_in():
    request = {**MESSAGES, "speed": "fast", "mcp_servers": []}
    assert request_faults("anthropic", request)
    assert request_faults("anthropic", request, beta=True) == []


@pytest.mark.parametrize(
    ("dialect", "event", "right"),
    [
        ("anthropic", {"type": "ping"}, True),
        ("anthropic", {"type": "message_stop"}, True),
        ("anthropic", {"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, True),
        ("anthropic", {"type": "content_block_stop"}, False),
        ("anthropic", {"type": "content_block_stop", "index": 0, "usage": {}}, False),
        ("chat", CHUNK, True),
        ("chat", {**CHUNK, "cost": 1}, False),
        ("responses", {"type": "response.output_text.done", "sequence_number": 1}, False),
        ("responses", {"type": "error", "message": "m", "sequence_number": 1, "code": None, "param": None}, True),
    ],
)
def test_events_are_measured_whole(dialect, event, right):
    assert (event_faults(dialect, event) == []) is right


def test_answers_and_errors_are_measured_whole():
    assert answer_faults("chat", {"id": "x"})
    assert error_faults("anthropic", {"type": "error", "error": {"type": "api_error", "message": "m"}}) == []
    assert error_faults("anthropic", {"type": "error", "error": {"type": "made_up", "message": "m"}})
    assert error_faults("chat", {"error": {"type": "t", "message": "m", "code": None, "param": None}}) == []
    assert error_faults("responses", {"error": {"type": "t"}}) == ["error.message: missing"]


def test_a_streams_events_are_found_and_their_names_compared():
    stream = b': hello\n\nevent: ping\ndata: {"type": "ping"}\n\ndata: [DONE]\n\n'
    assert events_of(stream) == [{"type": "ping"}]
    with pytest.raises(AssertionError):
        events_of(stream.replace(b"event: ping", b"event: pong"))
