"""What is said in other words where a request goes to a provider of another dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synrouter_cli.proxy.abroad import abroad
from synrouter_cli.proxy.crossing import cross
from synrouter_cli.ways import Way
from synrouter_cli.wire.codecs.disguise import Restorer
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import Response, ToolUse

BILLING = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2; cc_entrypoint=cli;"}
YOU = {"type": "text", "text": "You are.", "cache_control": {"type": "ephemeral"}}
SCHEMA = {"type": "object", "properties": {}}


def tool(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "input_schema": SCHEMA, **fields}


def called(name: str, *loads: str) -> list[dict[str, Any]]:
    use = {"type": "tool_use", "id": f"t_{name}", "name": name, "input": {}}
    references = [{"type": "tool_reference", "tool_name": each} for each in loads]
    result = {"type": "tool_result", "tool_use_id": f"t_{name}", "content": references}
    return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]


def sent(dialect: str, body: dict[str, Any], to: str, cache: Any = "automatic") -> dict[str, Any]:
    crossing = cross(dialect, json.dumps(body).encode(), Way("p", to, "m"), cache)
    return json.loads(crossing.outgoing())


def anthropic(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **fields}


@pytest.mark.parametrize("to", ["chat", "responses"])
def test_the_billing_line_stays_behind_and_what_follows_it_comes_first(to: str):
    body = sent("anthropic", anthropic(system=[BILLING, YOU]), to)
    assert "billing" not in json.dumps(body)
    assert body.get("instructions", "") == "You are." or body["messages"][0]["content"] == "You are."


@pytest.mark.parametrize(("cache", "marked"), [("automatic", False), ("key", False), ("session", True)])
def test_markers_go_along_only_to_those_that_know_them(cache: str, marked: bool):
    body = sent("anthropic", anthropic(system=[YOU]), "chat", cache)
    assert ("cache_control" in json.dumps(body)) is marked


@pytest.mark.parametrize("to", ["chat", "responses"])
def test_tools_that_are_loaded_later_stand_behind_those_that_were_there(to: str):
    tools = [tool("Agent"), tool("Early", defer_loading=True), tool("Late", defer_loading=True), tool("Write")]
    tools.append(tool("Placeholder", defer_loading=True))
    start = [{"role": "user", "content": "hi"}]
    told: list[list[str]] = []
    for loads in ([], ["Late"], ["Late", "Early"]):
        messages = [*start, *(message for name in loads for message in called("Agent", name))]
        body = sent("anthropic", anthropic(tools=tools, messages=messages), to)
        told.append([(each.get("function") or each)["name"] for each in body["tools"]])
        assert "defer_loading" not in json.dumps(body["tools"])
        assert all(f"Tool {name} is loaded." in json.dumps(body) for name in loads)
    assert told == [["Agent", "Write"], ["Agent", "Write", "Late"], ["Agent", "Write", "Late", "Early"]]


def test_where_the_provider_searches_tools_itself_all_are_shown_to_one_that_does_not():
    search = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
    body = sent("anthropic", anthropic(tools=[search, tool("Late", defer_loading=True)]), "chat")
    assert [each["function"]["name"] for each in body["tools"]] == ["Late"]


PATCH = {"type": "custom", "name": "apply_patch", "description": "Edits.", "format": {"type": "text"}}
AGENTS = {"type": "namespace", "name": "agents", "tools": [{"type": "function", "name": "spawn", "parameters": SCHEMA}]}
CODEX = {
    "model": "m",
    "tools": [PATCH, AGENTS],
    "tool_choice": {"type": "custom", "name": "apply_patch"},
    "input": [
        {"role": "user", "content": "hi"},
        {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": '*** Begin "é"\n'},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "Done"},
        {"type": "function_call", "call_id": "c2", "name": "spawn", "namespace": "agents", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c2", "output": "ok"},
    ],
}


def test_a_chat_server_sees_functions_alone():
    body = sent("responses", CODEX, "chat")
    assert {each["type"] for each in body["tools"]} == {"function"}
    assert [each["function"]["name"] for each in body["tools"]] == ["apply_patch", "agents__spawn"]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "apply_patch"}}
    calls = [call for message in body["messages"] for call in message.get("tool_calls", ())]
    assert [(call["type"], call["function"]["name"]) for call in calls] == [
        ("function", "apply_patch"),
        ("function", "agents__spawn"),
    ]
    assert json.loads(calls[0]["function"]["arguments"]) == {"input": '*** Begin "é"\n'}


def test_the_calls_of_an_answer_are_what_the_client_knows():
    request, _ = CODECS["responses"].decode_request(json.dumps(CODEX).encode())
    uses = (ToolUse("c1", "apply_patch", '{"input":"*** é\\n"}'), ToolUse("c2", "agents__spawn", "{}"))
    blocks = Restorer(request).response(Response("r", "m", uses, "tool_use")).blocks
    assert [(b.kind, b.name, b.namespace, b.arguments) for b in blocks if isinstance(b, ToolUse)] == [
        ("custom", "apply_patch", None, "*** é\n"),
        ("function", "spawn", "agents", "{}"),
    ]


def test_what_needs_no_other_words_is_the_same_value():
    request, _ = CODECS["responses"].decode_request(b'{"model": "m", "input": "hi"}')
    assert abroad(request, "chat") == request
    assert abroad(request, "responses") is request


@pytest.mark.parametrize("to", ["chat", "responses"])
def test_losses_are_told_by_the_places_in_the_request_that_came(to: str):
    """The billing line stays behind, and tools that are loaded later stand behind all others."""
    tools = [tool("late", defer_loading=True, eager_input_streaming=True), tool("f"), tool("g", input_examples=[{}])]
    loads = called("f", "late")
    body = anthropic(system=[BILLING, YOU], tools=tools, messages=[{"role": "user", "content": "hi"}, *loads])
    crossing = cross("anthropic", json.dumps(body).encode(), Way("p", to, "m"), "automatic")
    crossing.outgoing()
    assert {loss.path for loss in crossing.losses} - {"max_tokens"} == {
        "system.1",
        "tools.0.eager_input_streaming",
        "tools.2.input_examples",
    }
