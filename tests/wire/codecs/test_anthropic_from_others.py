"""What only OpenAI's dialects can say has a good form in the Messages API, and what has none is told."""

from __future__ import annotations

import json

import pytest

from synrouter_cli.wire.codecs.anthropic import CODEC
from synrouter_cli.wire.ir import (
    Audio,
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
from synrouter_cli.wire.sealed import seal
from wire.cases.anthropic import PNG
from wire.oracle import request_faults

HI = Message("user", (Text("hi"),))
YES = Message("assistant", (Text("yes"),))
F = Tool("function", "f", schema={"type": "object", "properties": {}})
G = Tool("function", "g", schema={"type": "object", "properties": {}})


def say(role, *texts, **more):
    return Message(role, tuple(Text(one) if isinstance(one, str) else one for one in texts), **more)


def sent(request=None, *, lost=(), **fields):
    """The body of a request, decoded; `lost` are the codes that must be told."""
    request = request or Request(fields.pop("model", "claude-opus-4-8"), **{"messages": (HI,), **fields})
    body, losses = CODEC.encode_request(request)
    assert request_faults("anthropic", body) == []
    assert [one.code for one in losses] == list(lost)
    return json.loads(body)


# ── instructions ──


def test_messages_before_the_first_turn_belong_to_system():
    body = sent(system=(Text("a"),), messages=(say("developer", "b"), say("system", "c", cache=Cache()), HI))
    assert [one["text"] for one in body["system"]] == ["a", "b", "c"]
    assert body["system"][2]["cache_control"] == {"type": "ephemeral"}
    assert [one["role"] for one in body["messages"]] == ["user"]


@pytest.mark.parametrize(
    ("model", "messages", "roles"),
    [
        ("claude-opus-4-8", (HI, say("developer", "b")), ["user", "system"]),
        ("claude-opus-4-8", (HI, say("developer", "b"), YES, HI), ["user", "system", "assistant", "user"]),
        ("claude-opus-4-8", (HI, say("developer", "b"), say("system", "c")), ["user", "system"]),
        ("claude-opus-4-8", (HI, say("developer", "b"), HI), ["user", "user", "user"]),
        ("claude-opus-4-8", (HI, YES, say("developer", "b"), HI), ["user", "assistant", "user", "user"]),
        ("claude-opus-4-8", (HI, YES, say("developer", "b")), ["user", "assistant", "user"]),
        ("claude-opus-4-7", (HI, say("developer", "b")), ["user", "user"]),
        ("glm-5.2", (HI, say("developer", "b")), ["user", "user"]),
    ],
)
def test_a_later_instruction_is_an_entry_where_the_api_lets_it_stand_else_the_users_words(model, messages, roles):
    body = sent(model=model, messages=messages)
    assert [one["role"] for one in body["messages"]] == roles
    if "system" not in roles:
        assert "<system>\nb\n</system>" in json.dumps(body["messages"]).replace("\\n", "\n")


def test_results_come_right_after_their_calls_even_where_an_instruction_stood_between():
    calls = Message("assistant", (ToolUse("t1", "f", "{}"), ToolUse("t2", "f", '{"a": 1.10}')))
    run = (
        say("developer", "b"),
        Message("user", (ToolResult("t2", (Text("B"),), bare=True),)),
        Message("user", (Text("look:"), ToolResult("t1", (Text("A"),), bare=True))),
        say("user", "go on"),
    )
    body = sent(messages=(HI, calls, *run), tools=(F,))
    assert [one["role"] for one in body["messages"]][:3] == ["user", "assistant", "user"]
    assert {one["role"] for one in body["messages"][3:]} == {"user"}
    kinds = [[one["type"] for one in message["content"]] for message in body["messages"][2:4]]
    assert kinds == [["tool_result", "tool_result"], ["text"]]


def test_the_assistants_neighbouring_messages_become_one_and_the_first_word_is_the_users():
    said = (YES, Message("assistant", (ToolUse("t", "f", "{}"),)), Message("user", (ToolResult("t", (), bare=True),)))
    body = sent(messages=said, tools=(F,))
    assert [one["role"] for one in body["messages"]] == ["user", "assistant", "user"]
    assert len(body["messages"][1]["content"]) == 2


def test_a_request_of_instructions_alone_still_has_a_message():
    assert sent(messages=(say("system", "b"),))["messages"][0]["role"] == "user"


def test_what_is_empty_is_left_out_and_told():
    sent(messages=(HI, say("assistant", ""), HI), lost=["empty_text", "empty_message"])


# ── content ──


@pytest.mark.parametrize(
    ("block", "expected", "lost"),
    [
        (
            Image(Source("url", f"data:image/png;base64,{PNG}")),
            {"type": "base64", "media_type": "image/png", "data": PNG},
            [],
        ),
        (Image(Source("base64", PNG)), {"type": "base64", "media_type": "image/png", "data": PNG}, []),
        (
            Image(Source("url", "https://example.org/a"), detail="high"),
            {"type": "url", "url": "https://example.org/a"},
            ["image_detail"],
        ),
        (
            Image(Source("url", "https://example.org/a"), detail="auto"),
            {"type": "url", "url": "https://example.org/a"},
            [],
        ),
        (
            Document(Source("base64", "aGVsbG8=", "text/csv"), "a.csv"),
            {"type": "text", "media_type": "text/plain", "data": "hello"},
            [],
        ),
        (
            Document(Source("url", "data:application/pdf;base64,JVBE")),
            {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            [],
        ),
    ],
)
def test_images_and_documents_find_their_source(block, expected, lost):
    assert sent(messages=(Message("user", (block,)),), lost=lost)["messages"][0]["content"][0]["source"] == expected


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (Audio("AAAA", "wav"), "audio"),
        (Image(Source("file", "file-1")), "file_id"),
        (Document(Source("file", "file-1"), "a.pdf"), "file_id"),
        (Document(Source("base64", "AAAA", "application/msword"), "a.doc"), "document_type"),
    ],
)
def test_what_cannot_be_shown_leaves_a_note(block, code):
    content = sent(messages=(Message("user", (block,)),), lost=[code])["messages"][0]["content"]
    assert content[0]["type"] == "text"
    assert "[" in content[0]["text"]


def test_a_refusal_is_text_and_a_foreign_block_is_told():
    said = Message("assistant", (Refusal("no"), Opaque("responses", "web_search_call", {})))
    assert sent(messages=(HI, said, HI), lost=["block"])["messages"][1]["content"] == [{"type": "text", "text": "no"}]


def test_a_marker_on_a_message_marks_its_last_block_that_may_bear_one():
    said = Message("assistant", (Text("a"), Thinking("t", "Eq")), cache=Cache("1h"))
    content = sent(messages=(HI, said, HI))["messages"][1]["content"]
    assert content[0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert "cache_control" not in content[1]


# ── thinking ──


def test_thinking_that_another_dialect_carried_comes_back_exactly():
    own = {"type": "thinking", "thinking": "hm", "signature": "EqQB"}
    hidden = {"type": "redacted_thinking", "data": "Em"}
    said = Message(
        "assistant", (Thinking("hm", seal("anthropic", own)), RedactedThinking(seal("anthropic", hidden)), Text("a"))
    )
    assert sent(messages=(HI, said, HI))["messages"][1]["content"][:2] == [own, hidden]


@pytest.mark.parametrize(
    "block", [Thinking("hm"), Thinking("hm", seal("responses", {"id": "rs"})), RedactedThinking(seal("responses", {}))]
)
def test_thinking_that_is_not_signed_by_this_api_is_left_out(block):
    body = sent(messages=(HI, Message("assistant", (block, Text("a"))), HI), lost=["foreign_thinking"])
    assert body["messages"][1]["content"] == [{"type": "text", "text": "a"}]


@pytest.mark.parametrize(
    ("model", "reasoning", "thinking", "effort"),
    [
        ("claude-opus-4-8", Reasoning(effort="high"), {"type": "adaptive"}, "high"),
        (
            "claude-opus-4-8",
            Reasoning(effort="xhigh", summary="auto"),
            {"type": "adaptive", "display": "summarized"},
            "xhigh",
        ),
        ("claude-opus-4-8", Reasoning(effort="minimal"), {"type": "adaptive"}, "low"),
        ("claude-opus-4-8", Reasoning(summary="none"), {"type": "adaptive"}, None),
        ("claude-opus-4-8", Reasoning(budget=20_000), {"type": "adaptive"}, "high"),
        ("claude-opus-4-8", Reasoning(effort="none"), None, None),
        ("claude-opus-4-6", Reasoning(effort="xhigh"), {"type": "adaptive"}, "high"),
        ("claude-opus-5", Reasoning(effort="none"), {"type": "disabled"}, None),
        ("claude-sonnet-5-5", Reasoning(effort="none"), {"type": "between_tools"}, None),
        ("claude-opus-5-5", Reasoning(effort="none"), None, "low"),
        ("claude-opus-4-5", Reasoning(effort="max"), {"type": "enabled", "budget_tokens": 32_000}, "high"),
        ("claude-haiku-4-5", Reasoning(effort="low"), {"type": "enabled", "budget_tokens": 4_096}, None),
        ("claude-haiku-4-5", Reasoning(budget=5_000), {"type": "enabled", "budget_tokens": 5_000}, None),
        ("claude-3-5-haiku-latest", Reasoning(effort="high"), None, None),
        ("glm-5.2", Reasoning(effort="medium"), {"type": "enabled", "budget_tokens": 8_192}, None),
    ],
)
def test_effort_becomes_what_the_model_takes(model, reasoning, thinking, effort):
    body = sent(model=model, reasoning=reasoning)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort


def test_a_small_answer_leaves_no_room_to_think():
    assert "thinking" not in sent(model="claude-haiku-4-5", max_tokens=1000, reasoning=Reasoning(effort="low"))
    body = sent(model="claude-haiku-4-5", max_tokens=3000, reasoning=Reasoning(effort="high"))
    assert body["thinking"]["budget_tokens"] == 1500


def test_a_model_with_a_budget_does_not_think_on_in_a_loop_whose_thinking_is_lost():
    loop = (
        HI,
        Message("assistant", (Thinking("hm"), ToolUse("t", "f", "{}"))),
        Message("user", (ToolResult("t", ()),)),
    )
    assert "thinking" in sent(model="claude-haiku-4-5", reasoning=Reasoning(effort="low"), tools=(F,))
    signed = (HI, Message("assistant", (Thinking("hm", "Eq"), ToolUse("t", "f", "{}"))), loop[2])
    assert "thinking" in sent(model="claude-haiku-4-5", messages=signed, reasoning=Reasoning(effort="low"), tools=(F,))
    unsigned = (HI, Message("assistant", (ToolUse("t", "f", "{}"),)), loop[2])
    assert "thinking" not in sent(
        model="claude-haiku-4-5", messages=unsigned, reasoning=Reasoning(effort="low"), tools=(F,)
    )
    assert "thinking" not in sent(
        model="claude-haiku-4-5",
        messages=loop,
        reasoning=Reasoning(effort="low"),
        tools=(F,),
        lost=["foreign_thinking"],
    )


# ── tools ──

GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": 'start: "*** Begin Patch"'}


def test_a_custom_tool_is_a_function_that_tells_the_grammar():
    patch = Tool("custom", "apply_patch", "Edits files.", config={"format": GRAMMAR})
    used = Message("assistant", (ToolUse("t", "apply_patch", "*** Begin Patch\n", kind="custom"),))
    got = Message("user", (ToolResult("t", (Text("done"),), bare=True, kind="custom"),))
    body = sent(tools=(patch,), messages=(HI, used, got))
    (tool,) = body["tools"]
    assert list(tool["input_schema"]["properties"]) == ["input"]
    assert tool["description"].startswith("Edits files.")
    assert GRAMMAR["definition"] in tool["description"]
    assert body["messages"][1]["content"][0]["input"] == {"input": "*** Begin Patch\n"}


def test_the_local_shell_is_a_function_and_web_search_the_providers_own():
    shell = Tool("builtin", "local_shell", config={"type": "local_shell"}, dialect="responses")
    search = Tool(
        "builtin",
        "web_search",
        config={
            "type": "web_search",
            "filters": {"allowed_domains": ["a.org"]},
            "user_location": {"type": "approximate", "city": "Paris", "region": None},
        },
        dialect="responses",
    )
    body = sent(tools=(shell, search))
    assert body["tools"][0]["name"] == "local_shell"
    assert body["tools"][1] == {
        "type": "web_search_20250305",
        "name": "web_search",
        "allowed_domains": ["a.org"],
        "user_location": {"type": "approximate", "city": "Paris"},
    }


def test_a_tool_that_another_provider_runs_is_told():
    other = Tool("builtin", "image_generation", config={"type": "image_generation"}, dialect="responses")
    assert "tools" not in sent(tools=(other,), lost=["builtin_tool"])


def test_a_namespace_stands_in_the_name_of_tool_call_and_choice():
    tool = Tool("function", "create", schema={}, namespace="mcp__gh__")
    used = Message("assistant", (ToolUse("t", "create", "{}", namespace="mcp__gh__"),))
    body = sent(tools=(tool,), messages=(HI, used, HI), tool_choice=ToolChoice("tool", "create"))
    assert body["tools"][0] == {"name": "mcp__gh__create", "input_schema": {"type": "object", "properties": {}}}
    assert body["messages"][1]["content"][0]["name"] == body["tool_choice"]["name"] == "mcp__gh__create"


@pytest.mark.parametrize(
    ("choice", "parallel", "expected", "names"),
    [
        (ToolChoice("allowed", names=("f",)), None, {"type": "auto"}, ["f"]),
        (ToolChoice("allowed", names=("g",), required=True), None, {"type": "tool", "name": "g"}, ["g"]),
        (
            ToolChoice("allowed", names=("f", "g"), required=True),
            False,
            {"type": "any", "disable_parallel_tool_use": True},
            ["f", "g"],
        ),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}, ["f", "g"]),
        (None, None, None, ["f", "g"]),
        (ToolChoice("none"), True, {"type": "none"}, ["f", "g"]),
    ],
)
def test_the_choice_of_tools(choice, parallel, expected, names):
    body = sent(tools=(F, G), tool_choice=choice, parallel=parallel)
    assert body.get("tool_choice") == expected
    assert [one["name"] for one in body["tools"]] == names


def test_without_tools_there_is_no_choice():
    assert "tool_choice" not in sent(tool_choice=ToolChoice("none"), parallel=True)


def test_a_forced_tool_excludes_thinking():
    body = sent(model="claude-opus-5", tools=(F,), tool_choice=ToolChoice("any"), reasoning=Reasoning(effort="high"))
    assert (body["tool_choice"], body["thinking"]) == ({"type": "any"}, {"type": "disabled"})


def test_a_model_that_cannot_be_forced_is_told_in_words():
    body = sent(model="claude-opus-5-5", tools=(F,), tool_choice=ToolChoice("tool", "f"), lost=["forced_tool"])
    assert body["tool_choice"] == {"type": "auto"}
    assert "calling the tool f" in body["messages"][-1]["content"]
    told = sent(
        model="claude-opus-5-5",
        messages=(HI, say("developer", "b")),
        tools=(F,),
        tool_choice=ToolChoice("any"),
        lost=["forced_tool"],
    )
    assert [one["role"] for one in told["messages"]] == ["user", "system"]
    assert "one of the tools" in told["messages"][-1]["content"][-1]["text"]


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ("", "{}"),
        ("  ", "{}"),
        ('{"a": 1.10}', '{"a": 1.10}'),
        ("[1]", '{"input":"[1]"}'),
        ('{"a":', '{"input":"{\\"a\\":"}'),
    ],
)
def test_arguments_stay_as_sent_and_are_always_an_object(arguments, written):
    used = Message("assistant", (ToolUse("t", "f", arguments),))
    body, _ = CODEC.encode_request(Request("claude-opus-4-8", messages=(HI, used), tools=(F,)))
    assert f'"input":{written}}}'.encode() in body


def test_ids_have_only_the_letters_that_the_api_takes():
    used = Message("assistant", (ToolUse("functions.f:0", "my.tool", "{}"),))
    content = sent(messages=(HI, used, Message("user", (ToolResult("functions.f:0", ()),))), tools=(F,))["messages"]
    assert content[1]["content"][0]["id"] == content[2]["content"][0]["tool_use_id"] == "functions_f_0"
    assert content[1]["content"][0]["name"] == "my_tool"


# ── settings ──


def test_structured_output_and_plain_json():
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {}}}}}
    form = sent(format=Format("schema", "answer", schema, True))["output_config"]["format"]["schema"]
    assert form["additionalProperties"] is form["properties"]["a"]["items"]["additionalProperties"] is False
    body = sent(format=Format("json"), system=(Text("a"),))
    assert "JSON" in body["system"][1]["text"]
    assert "output_config" not in sent(format=Format("text"))


@pytest.mark.parametrize(
    ("model", "asked", "kept", "lost"),
    [
        ("claude-sonnet-4-5", {"temperature": 1.5}, {"temperature": 1}, ["temperature"]),
        ("claude-sonnet-4-5", {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2}, ["sampling"]),
        ("claude-opus-4-8", {"temperature": 0.2, "top_p": 1}, {}, ["sampling"]),
        ("claude-haiku-4-5", {"temperature": 0.2, "reasoning": Reasoning(effort="low")}, {}, ["sampling"]),
        ("glm-5.2", {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2, "top_p": 0.9}, []),
    ],
)
def test_sampling_as_far_as_the_model_takes_it(model, asked, kept, lost):
    body = sent(model=model, lost=lost, **asked)
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == kept


def test_the_longest_answer_is_the_models_own_unless_the_caller_says_another():
    assert sent(model="claude-sonnet-4-6")["max_tokens"] == 64_000
    assert sent(max_tokens=9)["max_tokens"] == 9
    request = Request("claude-opus-5", messages=(HI,))
    assert json.loads(CODEC.encode_request(request, default_max_tokens=777)[0])["max_tokens"] == 777


def test_what_has_no_place_is_told_and_what_the_api_knows_goes_on():
    body = sent(
        verbosity="low", cache_key="k", store=True, previous="resp_1", metadata={"a": "b"}, user="u", stop=(" ", "END"),
        service_tier="flex", extras={"seed": 1, "inference_geo": "us"},
        lost=["metadata", "stop", "service_tier", "field:seed", "verbosity", "cache_key", "store", "previous"],
    )  # fmt: skip
    assert (body["metadata"], body["stop_sequences"], body["inference_geo"]) == ({"user_id": "u"}, ["END"], "us")


def test_a_client_may_add_this_apis_thinking_to_another_dialect():
    thinking = {"type": "enabled", "budget_tokens": 2000}
    assert sent(model="claude-haiku-4-5", extras={"thinking": thinking})["thinking"] == thinking


def test_half_a_surrogate_pair_becomes_a_replacement_character():
    body, _ = CODEC.encode_request(Request("claude-opus-5", messages=(say("user", "a\ud800b"),)))
    assert json.loads(body)["messages"][0]["content"][0]["text"] == "a\ufffdb"
