"""What the simulated OpenAI refuses, in the words that proxies and clients know it by."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.openai_side import CHAT_TOOL, CUSTOM, NAMESPACE, SENDER, TOOL, answered, chat, responses, upstream
from synrouter_cli.demo.openai.upstream import Refused, Sender


def refused(dialect: Any, body: dict[str, Any], flavour: str = "openai") -> tuple[str, str | None, str | None]:
    """The message, param and code; empty where it is taken."""
    try:
        upstream(flavour).weigh(dialect, json.dumps(body).encode(), SENDER, now=0.0)
    except Refused as error:
        return error.refusal.message, error.refusal.param, error.refusal.code
    return "", None, None


def said(*messages: dict[str, Any]) -> dict[str, Any]:
    return chat() | {"messages": [{"role": "user", "content": "hi"}, *messages]}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def function(**fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "Bash", "parameters": {"type": "object"}} | fields}


CALL = {"id": "call_1", "type": "function", "function": {"name": "Bash", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "x"}
EPHEMERAL = {"cache_control": {"type": "ephemeral"}}
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}

CHAT_REFUSALS = [
    ("no messages", {"model": "gpt-5"}, "Missing required parameter: 'messages'.", "missing_required_parameter"),
    ("empty messages", chat() | {"messages": []}, "Invalid 'messages': empty array.", "empty_array"),
    ("anthropic's thinking", chat(thinking={"type": "enabled"}), "Unrecognized request argument supplied: thinking", None),
    ("anthropic's system", chat(system="x", top_k=1), "Unrecognized request arguments supplied: system, top_k", None),
    ("marker on a part", said(user({"type": "text", "text": "x"} | EPHEMERAL)), "Unknown parameter: 'messages[1].content[0].cache_control'.", "unknown_parameter"),
    ("marker on a message", said({"role": "user", "content": "x"} | EPHEMERAL), "Unknown parameter: 'messages[1].cache_control'.", "unknown_parameter"),
    ("marker on a tool", chat(tools=[CHAT_TOOL | EPHEMERAL]), "Unknown parameter: 'tools[0].cache_control'.", "unknown_parameter"),
    ("marker on a call", said({**CALLED, "tool_calls": [CALL | EPHEMERAL]}, RESULT), "Unknown parameter: 'messages[1].tool_calls[0].cache_control'.", "unknown_parameter"),
    ("anthropic's tool", chat(tools=[{"name": "Bash", "input_schema": {}}]), "Invalid value: 'None'. Supported values are: 'function', and 'custom'.", "invalid_value"),
    ("a flat tool", chat(tools=[TOOL]), "Missing required parameter: 'tools[0].function'.", "missing_required_parameter"),
    ("anthropic's image", said(user({"type": "image", "source": {}})), "Invalid value: 'image'.", "invalid_value"),
    ("an image's bare url", said(user({"type": "image_url", "image_url": "http://x"})), "Invalid type for 'messages[1].content[0].image_url'", "invalid_type"),
    ("a responses part", said(user({"type": "input_text", "text": "x"})), "Invalid value: 'input_text'.", "invalid_value"),
    ("an image in a result", said(CALLED, {**RESULT, "content": [{"type": "image_url", "image_url": {}}]}), "Invalid value: 'image_url'. Supported values are: 'text'.", "invalid_value"),
    ("thoughts sent back", said({"role": "assistant", "content": "x", "reasoning_content": "y"}), "Unknown parameter: 'messages[1].reasoning_content'.", "unknown_parameter"),
    ("no role", said({"content": "x"}), "Missing required parameter: 'messages[1].role'.", "missing_required_parameter"),
    ("another role", said({"role": "model", "content": "x"}), "Invalid value: 'model'.", "invalid_value"),
    ("no content", said({"role": "user", "content": None}), "Invalid type for 'messages[1].content': expected one of a string or array of objects, but got null instead.", "invalid_type"),
    ("a result without a call", said(RESULT), "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.", None),
    ("a result twice", said(CALLED, RESULT, RESULT), "Invalid parameter: messages with role 'tool'", None),
    ("a call without a result", said(CALLED, {"role": "user", "content": "x"}), "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: call_1", None),
    ("a call at the end", said(CALLED), "An assistant message with 'tool_calls'", None),
    ("a result too late", said(CALLED, {"role": "user", "content": "x"}, RESULT), "An assistant message with 'tool_calls'", None),
    ("arguments as an object", said({**CALLED, "tool_calls": [{**CALL, "function": {"name": "Bash", "arguments": {}}}]}, RESULT), "Invalid type for 'messages[1].tool_calls[0].function.arguments'", "invalid_type"),
    ("a long call id", said({**CALLED, "tool_calls": [{**CALL, "id": "c" * 41}]}), "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40, but got a string with length 41 instead.", "string_above_max_length"),
    ("max_tokens of a reasoning model", chat(max_tokens=9), "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "unsupported_parameter"),
    ("temperature of a reasoning model", chat(temperature=0.2), "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.", "unsupported_value"),
    ("stop of a reasoning model", chat(stop=["x"]), "Unsupported parameter: 'stop' is not supported with this model.", "unsupported_parameter"),
    ("five stops", chat(model="gpt-4.1", stop=list("abcde")), "Invalid 'stop': array too long.", "array_above_max_length"),
    ("effort of another model", chat(model="gpt-4.1", reasoning_effort="low"), "Unsupported parameter: 'reasoning_effort'", "unsupported_parameter"),
    ("an effort that there is not", chat(reasoning_effort="huge"), "Invalid value: 'huge'.", "invalid_value"),
    ("stream options alone", chat(stream_options={"include_usage": True}), "The 'stream_options' parameter is only allowed when 'stream' is enabled.", None),
    ("a choice without tools", chat(tool_choice="auto"), "'tool_choice' is only allowed when 'tools' are specified.", None),
    ("parallel calls without tools", chat(parallel_tool_calls=True), "'parallel_tool_calls' is only allowed when 'tools' are specified.", None),
    ("anthropic's choice", chat(tools=[CHAT_TOOL], tool_choice={"type": "any"}), "Invalid value: 'any'.", "invalid_value"),
    ("a choice of no tool", chat(tools=[CHAT_TOOL], tool_choice={"type": "function", "function": {"name": "Read"}}), "Tool choice 'Read' not found in 'tools' parameter.", None),
    ("no tools in a list", chat(tools=[]), "Invalid 'tools': empty array.", "empty_array"),
    ("a name with a dot", chat(tools=[function(name="a.b")]), "Invalid 'tools[0].function.name': string does not match pattern.", "invalid_value"),
    ("a long name", chat(tools=[function(name="n" * 65)]), "Invalid 'tools[0].function.name': string too long.", "string_above_max_length"),
    ("a schema of no object", chat(tools=[function(parameters={"type": "string"})]), "Invalid schema for function 'Bash': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"string\"'.", "invalid_function_parameters"),
    ("a strict schema that is open", chat(tools=[function(strict=True, parameters={**CLOSED, "additionalProperties": True})]), "Invalid schema for function 'Bash': In context=(), 'additionalProperties' is required", "invalid_function_parameters"),
    ("a strict schema with an option", chat(tools=[function(strict=True, parameters={**CLOSED, "required": []})]), "Invalid schema for function 'Bash': In context=(), 'required' is required", "invalid_function_parameters"),
    ("a strict schema open inside", chat(tools=[function(strict=True, parameters={**CLOSED, "properties": {"a": {"type": "object", "properties": {}}}})]), "Invalid schema for function 'Bash': In context=('properties', 'a')", "invalid_function_parameters"),
    ("json of nothing that says so", chat(response_format={"type": "json_object"}), "'messages' must contain the word 'json'", None),
    ("a long cache key", chat(prompt_cache_key="k" * 65), "Invalid 'prompt_cache_key': string too long.", "string_above_max_length"),
    ("cache options of an older model", chat(prompt_cache_options={"mode": "explicit"}), "Unsupported parameter: 'prompt_cache_options'", "unsupported_parameter"),
    ("no tokens at all", chat(max_completion_tokens=0), "Invalid 'max_completion_tokens': integer below minimum value.", "integer_below_min_value"),
    ("tokens in words", chat(max_completion_tokens="9"), "Invalid type for 'max_completion_tokens': expected an integer, but got a string instead.", "invalid_type"),
    ("a model that is no text", chat(model=5), "Invalid type for 'model'", "invalid_type"),
    ("a part that is no object", said({"role": "user", "content": ["x"]}), "Invalid request", "invalid_type"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "words", "code"), CHAT_REFUSALS, ids=[row[0] for row in CHAT_REFUSALS])
def test_chat_refuses(name: str, body: dict[str, Any], words: str, code: str | None):
    message, _, found = refused("chat", body)
    assert message.startswith(words)
    assert found == code


FCALL = {"type": "function_call", "call_id": "call_1", "name": "Bash", "arguments": "{}"}
FOUT = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
CCALL = {"type": "custom_tool_call", "call_id": "call_2", "name": "apply_patch", "input": "x"}
COUT = {"type": "custom_tool_call_output", "call_id": "call_2", "output": "x"}


def given(*items: Any, **fields: Any) -> dict[str, Any]:
    return responses(**fields) | {"input": [{"role": "user", "content": "hi"}, *items]}


RESPONSES_REFUSALS = [
    ("no input", {"model": "gpt-5"}, "Missing required parameter: 'input'.", "missing_required_parameter"),
    ("messages", {**chat(), "input": "x"}, "Unknown parameter: 'messages'.", "unknown_parameter"),
    ("max_tokens", responses(max_tokens=99), "Unknown parameter: 'max_tokens'.", "unknown_parameter"),
    ("few tokens", responses(max_output_tokens=15), "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 15 instead.", "integer_below_min_value"),
    ("chat's tool", responses(tools=[CHAT_TOOL]), "Missing required parameter: 'tools[0].name'.", "missing_required_parameter"),
    ("anthropic's tool", responses(tools=[{"name": "x", "input_schema": {}}]), "Missing required parameter: 'tools[0].type'.", "missing_required_parameter"),
    ("a tool that there is not", responses(tools=[{"type": "bash_20250124", "name": "bash"}]), "Invalid value: 'bash_20250124'.", "invalid_value"),
    ("a bad name in a namespace", responses(tools=[{**NAMESPACE, "tools": [{**TOOL, "name": "a b"}]}]), "Invalid 'tools[0].tools[0].name': string does not match pattern.", "invalid_value"),
    ("a field of a custom tool", responses(tools=[CUSTOM | {"parameters": {}}]), "Unknown parameter: 'tools[0].parameters'.", "unknown_parameter"),
    ("chat's part", given({"role": "user", "content": [{"type": "text", "text": "x"}]}), "Invalid value: 'text'.", "invalid_value"),
    ("an input part of the model's", given({"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}), "Invalid value: 'input_text'. Supported values are: 'output_text', and 'refusal'.", "invalid_value"),
    ("a tool message", given({"role": "tool", "content": "x"}), "Invalid value: 'tool'.", "invalid_value"),
    ("a marker", given({"role": "user", "content": [{"type": "input_text", "text": "x"} | EPHEMERAL]}), "Unknown parameter: 'input[1].content[0].cache_control'.", "unknown_parameter"),
    ("calls in a message", given({"role": "assistant", "content": "x", "tool_calls": []}), "Unknown parameter: 'input[1].tool_calls'.", "unknown_parameter"),
    ("an item that there is not", given({"type": "tool_use"}), "Invalid value: 'tool_use'.", "invalid_value"),
    ("no result", given(FCALL), "No tool output found for function call call_1.", None),
    ("no call", given(FOUT), "No tool call found for function call output with call_id call_1.", None),
    ("a result before its call", given(FOUT, FCALL), "No tool call found for function call output with call_id call_1.", None),
    ("no result of a custom tool", given(CCALL), "No tool output found for custom tool call call_2.", None),
    ("a result of another kind", given(CCALL, {**FOUT, "call_id": "call_2"}), "No tool call found for function call output with call_id call_2.", None),
    ("chat's id on a call", given({**FCALL, "id": "call_1"}, FOUT), "Invalid 'input[1].id': 'call_1'. Expected an ID that begins with 'fc'.", "invalid_value"),
    ("a long call id", given({**FCALL, "call_id": "c" * 65}), "Invalid 'input[1].call_id': string too long.", "string_above_max_length"),
    ("arguments as an object", given({**FCALL, "arguments": {}}, FOUT), "Invalid type for 'input[1].arguments': expected a string, but got an object instead.", "invalid_type"),
    ("foreign reasoning", given({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "EqQBCkYI"}, {"role": "assistant", "content": "x"}), "The encrypted content EqQB...CkYI could not be verified. Reason: Encrypted content could not be decrypted or parsed.", "invalid_encrypted_content"),
    ("reasoning that led to nothing", given({"type": "reasoning", "id": "rs_1", "summary": []}), "Item 'rs_1' of type 'reasoning' was provided without its required following item.", None),
    ("sealed thoughts of an older model", responses(model="gpt-4.1", include=["reasoning.encrypted_content"]), "Encrypted content is not supported with this model.", None),
    ("effort of an older model", responses(model="gpt-4.1", reasoning={"effort": "low"}), "Unsupported parameter: 'reasoning.effort'", "unsupported_parameter"),
    ("anthropic's choice", responses(tools=[TOOL], tool_choice="any"), "Invalid value: 'any'.", "invalid_value"),
    ("chat's choice", responses(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "Bash"}}), "Missing required parameter: 'tool_choice.name'.", "missing_required_parameter"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "body", "words", "code"), RESPONSES_REFUSALS, ids=[row[0] for row in RESPONSES_REFUSALS]
)
def test_responses_refuse(name: str, body: dict[str, Any], words: str, code: str | None):
    message, _, found = refused("responses", body)
    assert message.startswith(words)
    assert found == code


TAKEN: list[tuple[str, Any, dict[str, Any], str]] = [
    ("two results in any order", "chat", said({**CALLED, "tool_calls": [CALL, {**CALL, "id": "call_2"}]}, {**RESULT, "tool_call_id": "call_2"}, RESULT), "openai"),
    ("a strict schema", "chat", chat(tools=[function(strict=True, parameters=CLOSED)]), "openai"),
    ("max_tokens of an older model", "chat", chat(model="gpt-4.1", max_tokens=9, temperature=0, stop=["x"]), "openai"),
    ("temperature without effort", "chat", chat(reasoning_effort="none", temperature=0), "openai"),
    ("system anywhere", "chat", said({"role": "system", "content": "x"}, {"role": "developer", "content": "y"}), "openai"),
    ("markers for a relay", "chat", said(user({"type": "text", "text": "x"} | EPHEMERAL)) | EPHEMERAL, "openrouter"),
    ("unknown fields elsewhere", "chat", chat(thinking={"type": "enabled"}, top_k=4, max_tokens=9), "deepseek"),
    ("codex' own items", "responses", given({"type": "additional_tools", "role": "developer", "tools": [TOOL, CUSTOM]}, FCALL, CCALL, COUT, FOUT), "openai"),
    ("a tool search and what it found", "responses", given({"type": "tool_search_call", "call_id": "t", "execution": "client", "arguments": {}}, {"type": "tool_search_output", "call_id": "t", "execution": "client", "tools": [NAMESPACE]}), "openai"),
    ("temperature of an older model", "responses", responses(model="gpt-4.1", temperature=0.2, client_metadata={"a": "b"}), "openai"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dialect", "body", "flavour"), TAKEN, ids=[row[0] for row in TAKEN])
def test_taken_is(name: str, dialect: Any, body: dict[str, Any], flavour: str):
    assert refused(dialect, body, flavour)[0] == ""


def test_a_relay_takes_four_markers_and_no_fifth():
    marked = [{"type": "text", "text": "x"} | EPHEMERAL] * 4
    body = said(user(*marked)) | {"model": "anthropic/claude-sonnet-4.5"}
    assert refused("chat", body, "openrouter")[0] == ""
    assert refused("chat", body | EPHEMERAL, "openrouter")[0].startswith("A maximum of 4 blocks")


def test_a_relays_session_id_has_at_most_256_characters():
    assert refused("chat", chat(session_id="s" * 256), "openrouter")[0] == ""
    assert refused("chat", chat(session_id="s" * 257), "openrouter")[1] == "session_id"


def thought_about() -> tuple[Any, list[dict[str, Any]]]:
    """An upstream, and the items of an answer in which it thought before it called a tool."""
    side = upstream()
    asked = side.weigh("responses", json.dumps(responses("files", tools=[TOOL], include=["reasoning.encrypted_content"])).encode(), SENDER, now=0.0)  # fmt: skip
    return side, answered(side, asked).items


def again(side: Any, items: list[dict[str, Any]], sender: Sender = SENDER) -> str:
    call = items[-1]
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "x"}
    body = given(*items, result, tools=[TOOL])
    try:
        side.weigh("responses", json.dumps(body).encode(), sender, now=0.0)
    except Refused as error:
        return error.refusal.message
    return ""


def test_reasoning_comes_back_unchanged_to_whose_it_is_or_is_refused():
    side, items = thought_about()
    assert again(side, items) == ""
    assert "organization_id did not match" in again(side, items, Sender("somebody else"))
    for at in range(0, len(items[0]["encrypted_content"]), 7):
        sealed = items[0]["encrypted_content"]
        changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        assert "could not be verified" in again(side, [{**items[0], "encrypted_content": changed}, *items[1:]])


def test_what_was_thought_about_is_refused_without_the_thought_unless_it_has_no_id():
    side, items = thought_about()
    assert again(side, items[1:]).endswith(f"was provided without its required 'reasoning' item: '{items[0]['id']}'.")
    assert again(side, [{k: v for k, v in item.items() if k != "id"} for item in items[1:]]) == ""


def test_deepseek_wants_the_thoughts_of_the_running_loop_back():
    side = upstream("deepseek")
    body = chat("files", model="deepseek-reasoner", tools=[CHAT_TOOL])
    message = answered(side, side.weigh("chat", json.dumps(body).encode(), SENDER, now=0.0)).body()["choices"][0][
        "message"
    ]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "x"}
    whole = body | {"messages": [*body["messages"], message, result]}
    without = body | {
        "messages": [*body["messages"], {k: v for k, v in message.items() if k != "reasoning_content"}, result]
    }
    assert message["reasoning_content"] == "Hm, files."
    assert refused("chat", whole, "deepseek")[0] == ""
    assert "must be passed back" in refused("chat", without, "deepseek")[0]
    assert refused("chat", without | {"thinking": {"type": "disabled"}}, "deepseek")[0] == ""
    later = without | {
        "messages": [*without["messages"], {"role": "assistant", "content": "ok"}, {"role": "user", "content": "go on"}]
    }
    assert refused("chat", later, "deepseek")[0] == ""


def test_a_prompt_beyond_the_context_is_named_so():
    assert refused("chat", chat("x" * 4_000_100))[2] == "context_length_exceeded"
