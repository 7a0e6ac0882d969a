"""Chat Completions as a client asks in it, and as a request goes to a server of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.chat import CODEC, Target
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import (
    Cache,
    Document,
    Format,
    Image,
    Message,
    Opaque,
    Reasoning,
    RedactedThinking,
    Refusal,
    Request,
    Source,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from synrouter_cli.wire.losses import LOSSES
from synrouter_cli.wire.sealed import seal
from wire.cases.chat import CLAUDE, EXTENDED, MARK, REQUESTS, assistant, call, custom, request, result, text, tool, user
from wire.oracle import request_faults

ADDED = (
    "cache_control",
    "reasoning_content",
    "reasoning",
    "reasoning_text",
    "reasoning_details",
    "extra_content",
    "thinking",
)


def read(body: Any) -> Request:
    found, losses = CODEC.decode_request(json.dumps(body).encode())
    assert losses == ()
    return found


def write(asked: Request, target: Target | None = None) -> tuple[dict[str, Any], list[str]]:
    body, losses = CODEC.encode_request(asked, target)
    assert all(loss.code in LOSSES or loss.code.startswith("field:") for loss in losses)
    return json.loads(body), [loss.code for loss in losses]


def plain(value: Any) -> Any:
    """What is left without the fields that servers have added to the dialect."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key not in ADDED}
    return [plain(one) for one in value] if isinstance(value, list) else value


def calling(*ids: str) -> Message:
    return Message("assistant", tuple(ToolUse(one, "f", "{}") for one in ids))


def sent(*messages: Message, **more: Any) -> list[dict[str, Any]]:
    found, _ = write(Request("m", messages=messages, dialect="anthropic", **more))
    assert request_faults("chat", plain(found)) == []
    return found["messages"]


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in [*REQUESTS, *EXTENDED]])
def test_a_request_comes_back_as_it_was_understood(body: dict[str, Any]):
    first = read(body)
    written, losses = write(first)
    again = read(written)
    asks_for_usage = {"include_usage": True} if first.stream else {}
    assert losses == []
    assert replace(again, legacy=first.legacy) == replace(first, **asks_for_usage)
    assert CODEC.encode_request(again) == CODEC.encode_request(first)


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in REQUESTS])
def test_what_is_sent_is_what_the_api_says(body: dict[str, Any]):
    assert request_faults("chat", body) == []
    assert request_faults("chat", write(read(body))[0]) == []


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in [*REQUESTS, *EXTENDED]])
def test_a_longer_history_begins_with_the_same_bytes(body: dict[str, Any]):
    longer = {**body, "messages": [*body["messages"], assistant("Yes."), user("And now?")]}
    before, after = (CODEC.encode_request(read(one))[0].partition(b'"messages":[')[2] for one in (body, longer))
    assert after.startswith(_messages(before))


def _messages(rest: bytes) -> bytes:
    """What stands between the brackets of a list that goes on as far as its own end."""
    _, end = json.JSONDecoder().raw_decode("[" + rest.decode())
    return rest.decode()[: end - 2].encode()


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], "body"),
        ({"messages": []}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": [3]}, "messages.0"),
        (request({"role": "robot", "content": "x"}), "messages.0.role"),
        (request({"role": "user", "content": 3}), "messages.0.content"),
        (request(user({"type": "text"})), "messages.0.content.0.text"),
        (request(user({"type": "image_url", "image_url": {}})), "messages.0.content.0.image_url.url"),
        (request(user({"type": "file", "file": {}})), "messages.0.content.0.file"),
        (request({"role": "tool", "content": "x"}), "messages.0.tool_call_id"),
        (
            request(assistant(None, {"id": "c", "type": "function", "function": {}})),
            "messages.0.tool_calls.0.function.name",
        ),
        (
            request({"role": "system", "content": [{"type": "image_url", "image_url": "https://a"}]}),
            "messages.0.content",
        ),
        (request(tools=[{"type": "function"}]), "tools.0.function"),
        (request(tool_choice="perhaps"), "tool_choice"),
        (request(tool_choice=3), "tool_choice"),
        (request(response_format={"type": "xml"}), "response_format.type"),
        (request(stop=[3]), "stop"),
        (request(temperature="hot"), "temperature"),
        (request(max_tokens=True), "max_tokens"),
        (request(n=2), "n"),
        (request(reasoning_effort=3), "reasoning_effort"),
    ],
)
def test_what_can_not_be_read_is_refused_with_its_place(body: Any, where: str):
    with pytest.raises(InvalidRequest, match=rf"^{where}: "):
        CODEC.decode_request(json.dumps(body).encode())


def test_a_body_that_is_no_json_is_refused():
    with pytest.raises(InvalidRequest, match="no JSON"):
        CODEC.decode_request(b'{"model": NaN}')


def test_leading_system_and_developer_messages_are_the_system_prompt_and_later_ones_keep_their_place():
    found = read(request({"role": "system", "content": "a", "cache_control": MARK}, {"role": "developer", "content": "b"},
                         user("hi"), {"role": "developer", "content": "c"}))  # fmt: skip
    assert found.system == (Text("a", Cache()), Text("b"))
    assert [message.role for message in found.messages] == ["user", "developer"]


def test_results_that_stand_together_are_one_message_and_what_follows_is_another():
    found = read(request(user("x"), assistant(None, call("a"), call("b")), result("b"), result("a"), user("y")))
    results, after = found.messages[2:]
    assert [block.id for block in results.blocks] == ["b", "a"]
    assert after.blocks == (Text("y"),)


def test_functions_of_before_tools_are_tools_that_are_called_one_at_a_time():
    body = dict(REQUESTS)["functions of before tools"]
    found = read(body)
    made, answered = found.messages[1].blocks[0], found.messages[2].blocks[0]
    assert made.id == answered.id and made.id.startswith("call_")
    assert (found.legacy, found.parallel, found.tool_choice) == (True, False, ToolChoice("tool", "read"))
    assert found.tools[0].name == "read"


def test_arguments_and_schemas_go_on_as_they_came():
    arguments = '{ "n": 12345678901234567890, "f": 1.10, "n": 2 }'
    found = read(request(user("x"), assistant(None, call(arguments=arguments)), result(), tools=[tool()]))
    assert found.messages[1].blocks[0].arguments == arguments
    assert write(found)[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] == arguments
    assert list(write(found)[0]["tools"][0]["function"]["parameters"]) == [
        "type",
        "properties",
        "required",
        "additionalProperties",
    ]


@pytest.mark.parametrize(
    ("model", "name"),
    [("gpt-6-sol", "max_completion_tokens"), ("openai/o3", "max_completion_tokens"), ("deepseek-v4", "max_tokens")],
)
def test_the_limit_has_the_name_that_the_model_takes(model: str, name: str):
    assert write(Request(model, max_tokens=5))[0][name] == 5


def test_the_target_decides_on_the_limit_the_markers_and_reasoning():
    asked = Request("m", max_tokens=5, messages=(
        Message("user", (Text("hi", Cache()),)), Message("assistant", (Thinking("Hm", "EqQB"), Text("Yes")))))  # fmt: skip
    found, losses = write(asked, Target(markers=False, reasoning=False, max_tokens="max_completion_tokens"))
    assert losses == ["cache_marker", "foreign_thinking"]
    assert found["messages"][0]["content"] == [{"type": "text", "text": "hi"}]
    assert found["messages"][1] == {"role": "assistant", "content": [{"type": "text", "text": "Yes"}]}
    assert found["max_completion_tokens"] == 5


# ── from another dialect ──


def test_results_come_before_what_else_the_user_says_with_them():
    found = sent(calling("t1"), Message("user", (Text("first"), ToolResult("t1", (Text("ok"),)), Text("then"))))[1:]
    assert [message["role"] for message in found] == ["tool", "user"]
    assert found[1]["content"] == "first\n\nthen"


def test_images_of_a_result_follow_all_results_in_a_user_message():
    picture = Image(Source("base64", "AAAA", "image/png"))
    results = (ToolResult("t1", (picture,)), ToolResult("t2", (Text("ok"),)))
    found = sent(calling("t1", "t2"), Message("user", results))[1:]
    assert [message["role"] for message in found] == ["tool", "tool", "user"]
    assert found[2]["content"][0]["text"] == "Of the result of t1:"
    assert found[2]["content"][1]["image_url"]["url"] == "data:image/png;base64,AAAA"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no such file", "Error: no such file"),
        ("", "Error: "),
        ("Error: gone", "Error: gone"),
        ("<tool_use_error>x", "<tool_use_error>x"),
    ],
)
def test_a_result_that_failed_says_so(said: str, told: str):
    content = (Text(said),) if said else ()
    assert sent(calling("t"), Message("user", (ToolResult("t", content, is_error=True),)))[1]["content"] == told


def test_both_spellings_of_one_text_become_the_same_bytes():
    once = sent(Message("user", (Text("hi"),)), Message("assistant", (Text("Yes"),)))
    again = sent(Message("user", (Text("hi"),), bare=True), Message("assistant", (Text("Yes"),), bare=True))
    assert once == again == [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Yes"}]


def test_documents_are_files_and_those_of_text_are_text():
    found = sent(Message("user", (
        Document(Source("base64", "JVBE", "application/pdf"), "a.pdf"),
        Document(Source("base64", "JVBE", "application/pdf")),
        Document(Source("text", "words", "text/plain"), "Title"),
        Document(Source("content", [{"type": "text", "text": "inner"}])),
        Document(Source("file", "file_1")),
        Document(Source("url", "https://example.org/a.pdf")),
    )))[0]["content"]  # fmt: skip
    assert found[0]["file"] == {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"}
    assert found[1]["file"]["filename"] == "document.pdf"
    assert [part["text"] for part in found[2:4]] == ["Title\n\nwords", "inner"]
    assert found[4]["text"] == "[A file: only another provider holds it.]"
    assert found[5]["file"]["file_data"] == "https://example.org/a.pdf"


def test_what_only_another_provider_knows_is_lost_by_name():
    asked = Request(
        "gpt-6",
        messages=(Message("user", (Opaque("anthropic", "x", {}), Image(Source("file", "f")))), Message("assistant", (Opaque("anthropic", "x", {}),))),
        tools=(Tool("builtin", "web_search", dialect="anthropic", config={"type": "web_search_20250305"}), Tool("function", "f", deferred=True)),
        tool_choice=ToolChoice("tool", "web_search", target="builtin"),
        top_k=5, service_tier="ultra", previous="resp_1", extras={"container": "c", "top_logprobs": 2}, dialect="anthropic",
    )  # fmt: skip
    found, losses = write(asked)
    assert losses == ["block", "file_id", "block", "empty_message", "builtin_tool", "deferred_tool", "builtin_tool", "top_k",
                      "service_tier", "previous", "field:container"]  # fmt: skip
    assert found["top_logprobs"] == 2
    assert request_faults("chat", found) == []


def test_a_choice_among_tools_of_which_none_comes_along_is_left_out():
    asked = Request(
        "m",
        tools=(Tool("builtin", "web_search", dialect="anthropic"),),
        tool_choice=ToolChoice("any"),
        dialect="anthropic",
    )
    assert write(asked)[0] == {"model": "m", "messages": []}


def test_tools_that_the_client_runs_are_functions_here():
    found, losses = write(
        Request(
            "m",
            tools=(Tool("builtin", "bash", dialect="anthropic"),),
            tool_choice=ToolChoice("tool", "bash"),
            dialect="anthropic",
        )
    )
    assert losses == []
    assert found["tools"][0]["function"]["parameters"]["properties"]["command"] == {"type": "string"}
    assert found["tool_choice"] == {"type": "function", "function": {"name": "bash"}}


def test_a_grammar_of_responses_is_one_level_deeper_here():
    flat = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    found, _ = write(Request("m", tools=(Tool("custom", "p", config={"format": flat}),), dialect="responses"))
    assert found["tools"][0]["custom"]["format"]["grammar"] == {"definition": "start: x", "syntax": "lark"}
    assert request_faults("chat", {**found, "messages": [user("x")]}) == []


@pytest.mark.parametrize(
    ("reasoning", "effort"),
    [
        (Reasoning("enabled", budget=1024), "low"),
        (Reasoning("enabled", budget=8000), "medium"),
        (Reasoning("enabled", budget=31999), "high"),
        (Reasoning("enabled", budget=60000), "xhigh"),
        (Reasoning("disabled"), "none"),
        (Reasoning("adaptive", effort="max"), "max"),
        (Reasoning("adaptive"), None),
    ],
)
def test_a_budget_becomes_an_effort(reasoning: Reasoning, effort: str | None):
    assert write(Request("m", reasoning=reasoning, dialect="anthropic"))[0].get("reasoning_effort") == effort


@pytest.mark.parametrize(
    "field",
    [
        {"reasoning_effort": "high"},
        {"reasoning": {"max_tokens": 4000}},
        {"reasoning": {"summary": "auto", "exclude": True}},
        {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        {"thinking": {"type": "disabled"}},
        {"reasoning_effort": "low", "thinking": {"type": "adaptive", "display": "omitted"}},
    ],
)
def test_how_much_to_think_goes_on_in_the_words_that_it_was_said_in(field: dict[str, Any]):
    written = write(read(request(**field)))[0]
    assert {key: written[key] for key in ("reasoning_effort", "reasoning", "thinking") if key in written} == field


def test_a_user_id_that_is_too_long_is_told_by_its_digest():
    found, _ = write(Request("m", user="u" * 65))
    assert len(found["user"]) == 64 and found["user"] != "u" * 64
    assert write(Request("m", user="u" * 64))[0]["user"] == "u" * 64


def test_a_schema_without_a_name_gets_one():
    found, _ = write(
        Request("m", messages=(Message("user", (Text("x"),)),), format=Format("schema", schema={"type": "object"}))
    )
    assert found["response_format"]["json_schema"]["name"] == "answer"
    assert request_faults("chat", found) == []


# ── reasoning ──

TURN = (
    Thinking("First.", "Eq1"),
    RedactedThinking("Em1"),
    Text("Let me look."),
    Thinking("Then.", "Eq2"),
    ToolUse("t1", "read", "{}"),
    Thinking("And.", "Eq3"),
    ToolUse("t2", "read", "{}"),
)


def test_claudes_thinking_comes_back_exactly_from_a_client_that_gives_details_back():
    message = sent(Message("assistant", TURN))[0]
    assert message["reasoning_content"] == "First.Then.And."
    assert read(request(message, result("t1"), result("t2"))).messages[0].blocks == TURN


def test_thinking_at_the_head_stands_there_in_the_form_that_openrouter_has():
    entries = sent(Message("assistant", TURN[:3]))[0]["reasoning_details"]
    assert entries == [
        {"type": "reasoning.text", "text": "First.", "signature": "Eq1", "format": CLAUDE, "index": 0},
        {"type": "reasoning.encrypted", "data": "Em1", "format": CLAUDE, "index": 1},
    ]


def test_plain_reasoning_goes_back_in_the_field_that_it_came_in():
    for field in ("reasoning_content", "reasoning", "reasoning_text"):
        body = request(user("x"), assistant("Yes", **{field: "Hm."}), user("y"))
        thought = read(body).messages[1].blocks[0]
        assert thought.text == "Hm." and thought.signature
        assert sent(Message("assistant", (thought, Text("Yes"))))[0] == {
            "role": "assistant",
            "content": "Yes",
            field: "Hm.",
        }


def test_reasoning_of_responses_is_carried_as_it_is():
    sealed = seal("responses", {"id": "rs_1", "encrypted_content": "gAAA"})
    turn = (Thinking("Sum.", sealed), Text("Yes"))
    assert read(request(sent(Message("assistant", turn))[0])).messages[0].blocks == turn


def test_a_refusal_and_a_call_of_a_custom_tool_stand_where_the_dialect_has_them():
    found = sent(
        Message("assistant", (Refusal("No."), ToolUse("c", "apply_patch", "*** Begin", "custom"))),
        tools=(Tool("custom", "apply_patch"),),
    )[0]
    assert found["refusal"] == "No."
    assert found["tool_calls"] == [
        {"id": "c", "type": "custom", "custom": {"name": "apply_patch", "input": "*** Begin"}}
    ]


def test_unknown_tools_of_this_dialect_are_kept():
    body = request(tools=[{"type": "web_search", "filters": {}}, custom(), text("x") | {"type": "retrieval"}])
    assert write(read(body))[0]["tools"] == body["tools"]


@pytest.fixture
def servers_own() -> Request:
    """What Codex asks of a model that anybody may serve."""
    return CODECS["responses"].decode_request(
        json.dumps(
            {
                "model": "deepseek-v4",
                "instructions": "You are an agent.",
                "input": [
                    {"role": "developer", "content": [{"type": "input_text", "text": t} for t in ("<skills>", "a")]},
                    {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
                    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                    {
                        "type": "function_call_output",
                        "call_id": "c",
                        "output": [{"type": "input_text", "text": t} for t in "ab"],
                    },
                    {"role": "developer", "content": "now plan"},
                ],
                "store": False,
                "prompt_cache_key": "k",
                "service_tier": "priority",
                "metadata": {"a": "b"},
                "text": {"verbosity": "low"},
                "prompt_cache_retention": "24h",
            }
        ).encode()
    )[0]


def test_a_server_that_may_know_no_more_is_asked_in_words_that_all_know(servers_own: Request):
    found, losses = write(servers_own, Target(cache_key=False))
    assert [one["role"] for one in found["messages"]] == ["system", "user", "assistant", "tool", "user"]
    assert found["messages"][0]["content"] == "You are an agent.\n\n<skills>\n\na"
    assert found["messages"][3]["content"] == "a\n\nb"
    assert found["messages"][4]["content"] == "<system>\nnow plan\n</system>"
    assert found.keys() == {"model", "messages"}
    assert losses == ["verbosity", "cache_key", "metadata", "service_tier", "field:prompt_cache_retention"]


def test_openais_own_server_is_asked_in_all_of_its_words(servers_own: Request):
    found, losses = write(replace(servers_own, model="gpt-6-sol"), Target(cache_key=False))
    roles = [one["role"] for one in found["messages"]]
    assert roles == ["system", "developer", "user", "assistant", "tool", "developer"]
    assert losses == ["metadata"]
    assert (found["verbosity"], found["prompt_cache_key"], found["store"]) == ("low", "k", False)
