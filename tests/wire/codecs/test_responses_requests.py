"""Requests in OpenAI's Responses: what comes in is understood, what goes out is right and always the same."""

from __future__ import annotations

import itertools
import json

import pytest

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.responses import CODEC
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
from synrouter_cli.wire.losses import LOSSES
from synrouter_cli.wire.sealed import seal
from wire.cases.responses import (
    DEMO,
    ECHO,
    HI,
    PATCH,
    READ,
    REQUESTS,
    SEALED,
    SEARCH,
    THOUGHT,
    asked,
    call,
    output,
    said,
    text,
    thought,
)
from wire.oracle import request_faults

CASES = dict(REQUESTS)
OURS = {"reasoning_of_ours", "hidden_reasoning_of_ours", "reasoning_between_calls"}
"""Thinking of another provider, which is not told to this one."""
OTHER_WORDS = {
    "function_without_parameters": {"parameters": {"type": "object", "properties": {}}},
    "tool_choice_hosted": {"type": "web_search"},
}
UNTYPED = {"audio", "codex_with_a_catalog"}
"""What the API takes, but the SDK's types don't know: sound in messages, `client_metadata`."""


def read(body):
    return CODEC.decode_request(json.dumps(body).encode())[0]


def written(request):
    body, losses = CODEC.encode_request(request)
    return json.loads(body), losses


def items(*messages, **more):
    return written(Request("m", messages=messages, **more))[0]["input"]


def blocks_of(*given, **more):
    return [block for message in read(asked(*given, **more)).messages for block in message.blocks]


@pytest.mark.parametrize("name", [name for name in CASES if name not in OURS | OTHER_WORDS.keys()])
def test_a_request_comes_out_as_it_went_in(name):
    body, losses = written(read(CASES[name]))
    assert body == CASES[name]
    assert losses == ()


@pytest.mark.parametrize("name", CASES)
def test_what_was_written_is_read_as_the_same_again(name):
    request = read(CASES[name])
    body, losses = CODEC.encode_request(request)
    assert CODEC.encode_request(request)[0] == body
    again, more = CODEC.decode_request(body)
    assert more == ()
    assert (again == request) == (not losses)


@pytest.mark.parametrize("name", [name for name in CASES if name not in UNTYPED])
def test_what_was_written_is_what_the_sdk_knows(name):
    assert request_faults("responses", CODEC.encode_request(read(CASES[name]))[0]) == []


def test_what_may_be_said_in_other_words_means_the_same():
    body, _ = written(read(CASES["function_without_parameters"]))
    assert body["tools"][0]["parameters"] == OTHER_WORDS["function_without_parameters"]["parameters"]
    body, _ = written(read(CASES["tool_choice_hosted"]))
    assert body["tool_choice"] in (OTHER_WORDS["tool_choice_hosted"], CASES["tool_choice_hosted"]["tool_choice"])


# ── in ──


def test_what_the_model_said_between_two_inputs_is_one_message():
    request = read(CASES["text_calls_and_outputs_of_two_turns"])
    assert [message.role for message in request.messages] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert [type(block) for block in request.messages[1].blocks] == [Text, ToolUse]


def test_outputs_of_parallel_calls_are_one_message_in_their_order():
    request = read(CASES["parallel_calls_with_outputs_in_another_order"])
    assert [block.id for block in request.messages[1].blocks] == ["call_1", "call_2"]
    assert [block.id for block in request.messages[2].blocks] == ["call_2", "call_1"]


def test_arguments_stay_the_text_that_came():
    (_, use, _) = blocks_of(*CASES["numbers_and_order_in_arguments_stay"]["input"])
    assert use.arguments == '{"b": 1.10, "a": 123456789012345678901234567890, "b": 1e5}'


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "input_text", "text": "a"}, Text("a")),
        ({"type": "input_image", "image_url": "data:image/png;base64,iVBO"}, Image(Source("base64", "iVBO", "image/png"))),
        ({"type": "input_image", "image_url": "https://e.example/a.png", "detail": "auto"}, Image(Source("url", "https://e.example/a.png"))),
        ({"type": "input_image", "image_url": "data:image/svg+xml,%3Csvg%3E"}, Image(Source("url", "data:image/svg+xml,%3Csvg%3E"))),
        ({"type": "input_image", "file_id": "f", "detail": "low"}, Image(Source("file", "f"), detail="low")),
        ({"type": "input_file", "file_data": "JVBERg==", "filename": "a.pdf"}, Document(Source("base64", "JVBERg=="), "a.pdf")),
        ({"type": "input_file", "file_data": "data:text/plain;base64,aGk="}, Document(Source("text", "hi", "text/plain"))),
        ({"type": "input_file", "file_url": "https://e.example/a.pdf"}, Document(Source("url", "https://e.example/a.pdf"))),
        ({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}, Audio("UklG", "wav")),
        ({"type": "input_video", "video_url": "x"}, Opaque("responses", "input_video", {"type": "input_video", "video_url": "x"})),
    ],
)  # fmt: skip
def test_every_kind_of_part_has_its_block(part, block):
    assert blocks_of(said(part)) == [block]


def test_a_refusal_and_a_phase_are_kept():
    (_, refusal, _) = blocks_of(*CASES["assistant_refusal"]["input"])
    assert refusal == Refusal("I can't.", item={"id": "msg_1", "status": "completed"})


def test_a_citation_of_a_web_page_is_told_as_anthropic_tells_it():
    (_, block) = blocks_of(*CASES["output_text_with_a_web_citation"]["input"])
    assert block.citations == (
        {
            "type": "web_search_result_location",
            "cited_text": "rained",
            "encrypted_index": "",
            "title": "Weather",
            "url": "https://example.com/w",
        },
    )


def test_thinking_that_was_sealed_here_comes_back_with_its_signature():
    (_, thinking, _, _) = blocks_of(*CASES["reasoning_of_ours"]["input"])
    assert thinking == Thinking(THOUGHT["thinking"], THOUGHT["signature"])
    (_, hidden, _, _) = blocks_of(*CASES["hidden_reasoning_of_ours"]["input"])
    assert hidden == RedactedThinking("EmwKAhgBEgy3")


def test_thinking_that_was_sealed_here_survives_a_client_that_changes_the_summary():
    (thinking,) = blocks_of({**thought(SEALED, "Something else"), "content": None, "status": None})
    assert thinking == Thinking(THOUGHT["thinking"], THOUGHT["signature"])


def test_any_block_of_anthropics_that_was_sealed_here_comes_back():
    block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rain"}}
    assert blocks_of(thought(seal("anthropic", block))) == [Opaque("anthropic", "server_tool_use", block)]


def test_reasoning_of_openai_shows_its_summary_and_bears_no_signature():
    (_, thinking, _, _) = blocks_of(*CASES["reasoning_of_openai"]["input"])
    assert (thinking.text, thinking.signature) == ("Look first\n\nThen act", "")


def test_tools_of_a_namespace_stand_one_by_one():
    tools = read(CASES["same_name_in_two_namespaces"]).tools
    assert [(tool.namespace, tool.name) for tool in tools] == [(None, "read"), ("mcp__a", "echo"), ("mcp__b", "echo")]


def test_tools_that_come_in_an_item_are_offered():
    tools = read(CASES["codex_of_the_newest_models_brings_tools_in_an_item"]).tools
    assert [(tool.namespace, tool.name, tool.kind) for tool in tools] == [
        ("functions", "exec", "custom"),
        ("functions", "wait", "function"),
        ("clock", "sleep", "function"),
    ]


def test_tools_that_a_search_loaded_are_offered_after_the_others():
    request = read(CASES["tool_search_that_loads_a_namespace"])
    assert [(tool.namespace, tool.name, tool.deferred) for tool in request.tools] == [
        (None, "read", None),
        (None, "tool_search", None),
        ("mcp__demo", "echo", None),
    ]
    assert request.messages[2].blocks[0].content == (Text("Loaded: mcp__demo__echo"),)


def test_a_tool_that_is_loaded_twice_is_offered_once():
    found = {**DEMO, "tools": [{**ECHO, "defer_loading": True}]}
    search = {
        "type": "tool_search_output",
        "call_id": "c",
        "execution": "client",
        "status": "completed",
        "tools": [found],
    }
    assert len(read(asked(HI, search, {**search, "call_id": "d"}, tools=[SEARCH])).tools) == 2


@pytest.mark.parametrize("kind", ["local_shell", "shell", "apply_patch"])
def test_a_tool_that_the_client_runs_is_a_function_with_a_schema(kind):
    (tool,) = read(asked(HI, tools=[{"type": kind}])).tools
    assert (tool.kind, tool.name) == ("function", kind)
    assert tool.description and tool.schema["required"]


def test_a_tool_that_the_provider_runs_is_none():
    (tool,) = read(asked(HI, tools=[{"type": "shell", "environment": {"type": "container_auto"}}])).tools
    assert (tool.kind, tool.dialect) == ("builtin", "responses")


def test_calls_of_the_clients_own_tools_are_json_and_their_outputs_text():
    blocks = blocks_of(*CASES["shell_and_apply_patch"]["input"])
    assert [json.loads(block.arguments) for block in blocks if isinstance(block, ToolUse)] == [
        {"commands": ["ls", "pwd"]},
        {"type": "update_file", "path": "a", "diff": "@@\n-a\n+b\n"},
    ]
    results = [block for block in blocks if isinstance(block, ToolResult)]
    assert [(result.content[0].text, result.is_error) for result in results] == [
        ("a\n\nexit code 0", None),
        ("no such line", True),
    ]


def test_an_output_of_the_local_shell_finds_its_call_by_the_items_id():
    blocks = blocks_of(*CASES["local_shell"]["input"])
    assert [block.id for block in blocks[1:]] == ["call_1", "call_1"]


@pytest.mark.parametrize(
    ("choice", "read_as"),
    [
        ("required", ToolChoice("any")),
        ({"type": "function", "name": "echo"}, ToolChoice("tool", "mcp__demo__echo")),
        ({"type": "custom", "name": "apply_patch"}, ToolChoice("tool", "apply_patch", target="custom")),
        ({"type": "web_search"}, ToolChoice("tool", "web_search", target="builtin")),
        ({"type": "mcp", "server_label": "docs"}, ToolChoice("tool", "mcp:docs", target="builtin")),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "namespace", "name": "mcp__demo"}, {"type": "function", "name": "read"}]},
            ToolChoice("allowed", names=("mcp__demo__echo", "read")),
        ),
    ],
)  # fmt: skip
def test_a_choice_names_the_tool_as_other_dialects_call_it(choice, read_as):
    tools = [READ, PATCH, DEMO, {"type": "web_search"}]
    assert read(asked(HI, tools=tools, tool_choice=choice)).tool_choice == read_as


def test_settings_have_their_places():
    request = read(CASES["everything_else_that_may_be_said"])
    assert (request.max_tokens, request.temperature, request.top_p) == (4096, 0.5, 0.9)
    assert (request.user, request.service_tier, request.store, request.metadata) == (
        "u-1",
        "priority",
        True,
        {"a": "b"},
    )
    assert request.extras["truncation"] == "auto"
    assert request.extras["include"] == ["message.output_text.logprobs"]


def test_effort_summary_and_encrypted_reasoning_are_one_thing():
    asked_for = {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    assert read(asked(HI, **asked_for)).reasoning == Reasoning(effort="high", summary="auto", encrypted=True)


def test_half_a_surrogate_pair_goes_through():
    body = b'{"model":"m","input":[{"type":"message","role":"user","content":"\\ud83d"}]}'
    request, _ = CODEC.decode_request(body)
    assert CODEC.encode_request(request)[0] == body


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"model":"m","input":NaN}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ({"input": "hi"}, "model: a string"),
        ({"model": "m"}, "input: a string or a list"),
        ({"model": "m", "input": [3]}, "input.0: an object"),
        (asked({"type": "message", "role": "bot", "content": "x"}), "input.0.role"),
        (asked({"type": "message", "role": "user", "content": None}), "input.0.content: a list"),
        (asked(said({"type": "input_text"})), "input.0.content.0.text"),
        (asked(said({"type": "input_image"})), "input.0.content.0: an image needs"),
        (asked(said({"text": "x"})), "input.0.content.0.type"),
        (asked({"type": "function_call", "name": "f", "arguments": "{}"}), "input.0.call_id"),
        (asked(call(arguments=None)), "input.0.arguments"),
        (asked(output(None)), "input.0.output"),
        (asked({"id": "msg_1"}), "item_reference"),
        (asked({"type": "item_reference", "id": "msg_1"}), "send the whole input"),
        (asked(HI, previous_response_id="resp_1"), "previous_response_id: Synrouter keeps no earlier answers"),
        (asked(HI, conversation="conv_1"), "conversation: Synrouter keeps no earlier answers"),
        (asked(HI, prompt={"id": "pmpt_1"}), "prompt: Synrouter keeps no earlier answers"),
        (asked(HI, tools={}), "tools: a list"),
        (asked(HI, tools=[{"type": "function"}]), "tools.0.name"),
        (asked(HI, tool_choice="maybe"), "tool_choice"),
        (asked(HI, temperature="hot"), "temperature: this has to be a number"),
        (asked(HI, max_output_tokens=1.5), "max_output_tokens"),
        (asked(HI, stream="yes"), "stream: this has to be true or false"),
        (asked(HI, text={"format": {"type": "yaml"}}), "text.format.type"),
    ],
)
def test_what_is_no_request_is_refused_with_the_place(body, words):
    with pytest.raises(InvalidRequest) as refused:
        CODEC.decode_request(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert words in refused.value.message
    assert refused.value.http_status == 400


# ── out ──


def test_text_that_stands_together_is_one_message_and_all_else_an_item():
    use, result = ToolUse("c", "f", "{}"), ToolResult("c", (Text("r"),), bare=True)
    assert items(
        Message("user", (Text("a"), Text("b"))),
        Message("assistant", (Text("x"), Text("y"), use)),
        Message("user", (result, Text("go on"))),
    ) == [
        said("a", "b"),
        said("x", "y", role="assistant", id="msg_sr_1"),
        call("f", call_id="c"),
        output("r", "c"),
        said("go on"),
    ]


def test_a_longer_conversation_begins_with_the_bytes_of_a_shorter_one():
    whole = [CASES[name]["input"] for name in ("text_calls_and_outputs_of_two_turns", "custom_call_with_a_grammar")]
    messages = read(asked(*whole[0], *whole[1], tools=[READ, PATCH])).messages
    bodies = [
        CODEC.encode_request(Request("m", messages=messages[:n], tools=(Tool("function", "f"),)))[0]
        for n in range(1, len(messages) + 1)
    ]
    heads = [body[: body.index(b'],"tools"')] for body in bodies]
    assert all(longer.startswith(shorter) for shorter, longer in itertools.pairwise(heads))


def test_blocks_of_the_system_are_the_instructions():
    body, losses = written(Request("m", system=(Text("a", Cache()), Text("b"))))
    assert body["instructions"] == "a\n\nb"
    assert [(loss.code, loss.path) for loss in losses] == [("cache_marker", "system.0")]


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        (Image(Source("base64", "iVBO", "image/png")), [{"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"}]),
        (Image(Source("url", "https://e.example/a")), [{"type": "input_image", "image_url": "https://e.example/a", "detail": "auto"}]),
        (Document(Source("base64", "JVBE", "application/pdf")), [{"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "document.pdf"}]),
        (Document(Source("text", "hi", "text/plain"), "notes"), [{"type": "input_file", "file_data": "data:text/plain;base64,aGk=", "filename": "notes"}]),
        (Document(Source("url", "https://e.example/a.pdf")), [{"type": "input_file", "file_url": "https://e.example/a.pdf"}]),
        (Document(Source("content", [{"type": "text", "text": "a"}])), [text("a")]),
        (Audio("UklG", "wav"), [{"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}]),
        (Opaque("anthropic", "search_result", {"title": "T", "source": "S", "content": [{"type": "text", "text": "c"}]}), [text("T\nS\nc")]),
    ],
)  # fmt: skip
def test_every_kind_of_block_has_its_part(block, parts):
    (item,) = items(Message("user", (block,)))
    assert item["content"] == parts


def test_a_file_of_another_provider_is_noted_and_told():
    body, losses = written(Request("m", messages=(Message("user", (Image(Source("file", "file_1")),)),)))
    assert body["input"][0]["content"][0]["type"] == "input_text"
    assert [(loss.code, loss.path) for loss in losses] == [("file_id", "messages.0.content.0")]


def test_a_result_says_that_it_is_an_error():
    use = Message("assistant", (ToolUse("c", "f", "{}"),))
    result = Message("user", (ToolResult("c", (Text("no"),), is_error=True, bare=True),))
    assert items(use, result)[1] == output("no", "c", status="incomplete")
    (_, back) = blocks_of(*items(use, result))
    assert back.is_error is True


def test_a_result_follows_the_kind_of_its_call():
    tools = (Tool("custom", "apply_patch"),)
    use = Message("assistant", (ToolUse("c", "apply_patch", '{"input":"*** Begin"}'),))
    result = Message("user", (ToolResult("c", (Text("ok"),), bare=True),))
    assert items(use, result, tools=tools) == [
        {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "*** Begin"},
        output("ok", "c", kind="custom_tool_call_output"),
    ]


def test_reasoning_that_was_sealed_here_is_given_back_to_its_provider_whole():
    item = thought("gAAAA", "Look first")
    body, losses = written(
        Request("m", messages=(Message("assistant", (Thinking("Look first", seal("responses", item)), Text("Yes"))),))
    )
    assert (body["input"][0], losses) == (item, ())


@pytest.mark.parametrize(
    "block",
    [
        Thinking("hm", "EqQBCkYIBRgCKkD"),
        Thinking("hm"),
        Thinking("hm", seal("responses", thought(None, "hm"))),
        Thinking("hm", seal("chat", {"reasoning_content": "hm"})),
        RedactedThinking("EmwK"),
    ],
)
def test_thinking_of_others_is_left_out_and_told(block):
    body, losses = written(Request("m", messages=(Message("assistant", (block, Text("a"))),)))
    assert [item["type"] for item in body["input"]] == ["message"]
    assert [(loss.code, loss.path) for loss in losses] == [("foreign_thinking", "messages.0.content.0")]


def test_strictness_is_always_said_because_it_is_the_default_here():
    body, _ = written(
        Request("m", tools=(Tool("function", "f", schema={"type": "object"}), Tool("function", "g", strict=True)))
    )
    assert [tool["strict"] for tool in body["tools"]] == [False, True]


def test_deferred_tools_are_offered_at_once_where_nothing_could_load_them():
    body, losses = written(Request("m", tools=(Tool("function", "f", deferred=True),)))
    assert "defer_loading" not in body["tools"][0]
    assert [loss.code for loss in losses] == ["deferred_tool"]


def test_tools_that_anthropics_client_runs_are_functions_and_its_search_is_the_one_here():
    tools = (
        Tool("builtin", "bash", config={"type": "bash_20250124", "name": "bash"}, dialect="anthropic"),
        Tool(
            "builtin",
            "web_search",
            config={"type": "web_search_20250305", "allowed_domains": ["e.example"]},
            dialect="anthropic",
        ),
        Tool("builtin", "code_execution", config={"type": "code_execution_20250825"}, dialect="anthropic"),
    )
    body, losses = written(Request("m", tools=tools))
    assert [tool["type"] for tool in body["tools"]] == ["function", "web_search"]
    assert body["tools"][1]["filters"] == {"allowed_domains": ["e.example"]}
    assert [(loss.code, loss.path) for loss in losses] == [("builtin_tool", "tools.2")]


def test_a_custom_tools_grammar_may_come_in_the_form_of_chat():
    form = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /a/"}}
    body, _ = written(Request("m", tools=(Tool("custom", "c", config={"format": form}),)))
    assert body["tools"][0]["format"] == {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}


@pytest.mark.parametrize(
    ("reasoning", "fields"),
    [
        (None, {}),
        (Reasoning(mode="disabled"), {"reasoning": {"effort": "none"}}),
        (Reasoning(mode="adaptive"), {"reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]}),
        (Reasoning(mode="adaptive", effort="max", display="omitted"), {"reasoning": {"effort": "max"}, "include": ["reasoning.encrypted_content"]}),
        *(
            (Reasoning(mode="enabled", budget=budget), {"reasoning": {"effort": effort, "summary": "auto"}, "include": ["reasoning.encrypted_content"]})
            for budget, effort in ((1024, "low"), (4096, "low"), (8192, "medium"), (31999, "high"), (60000, "xhigh"))
        ),
    ],
)  # fmt: skip
def test_how_much_is_to_be_thought_is_an_effort_here(reasoning, fields):
    body, losses = written(Request("m", reasoning=reasoning))
    assert {key: body[key] for key in ("reasoning", "include") if key in body} == fields
    assert losses == ()


def test_another_dialects_request_is_not_stored():
    assert written(Request("m"))[0]["store"] is False
    assert "store" not in written(Request("m", dialect="responses"))[0]


def test_a_long_name_of_the_user_stands_there_as_its_digest():
    body, _ = written(Request("m", user="u" * 200))
    assert len(body["safety_identifier"]) == 64
    assert written(Request("m", user="me"))[0]["safety_identifier"] == "me"


def test_a_schema_for_the_answer_needs_a_name():
    body, _ = written(Request("m", format=Format("schema", schema={"type": "object"}, strict=True)))
    assert body["text"]["format"] == {
        "type": "json_schema",
        "name": "answer",
        "schema": {"type": "object"},
        "strict": True,
    }


@pytest.mark.parametrize(
    ("request_", "losses"),
    [
        (Request("m", top_k=5), [("top_k", "top_k")]),
        (Request("m", stop=("END",)), [("stop_sequences", "stop")]),
        (Request("m", max_tokens=1), [("max_tokens_least", "max_tokens")]),
        (Request("m", cache=Cache()), [("cache_marker", "cache_control")]),
        (Request("m", service_tier="batch"), [("service_tier", "service_tier")]),
        (Request("m", metadata={"a": 1}), [("metadata", "metadata.a")]),
        (Request("m", extras={"seed": 1}), [("field:seed", "seed")]),
        (Request("m", extras={"top_logprobs": 1}), []),
        (Request("m", messages=(Message("user", (Text("a", Cache("1h")),), name="bo"),)), [("message_name", "messages.0.name"), ("cache_marker", "messages.0.content.0")]),
        (Request("m", messages=(Message("user", (Opaque("anthropic", "container_upload", {}),)),)), [("block", "messages.0.content.0"), ("empty_message", "messages.0")]),
        (Request("m", messages=(Message("user", (Text("a", extras={"x": 1}),)),)), [("field:x", "messages.0.content.0.x")]),
        (Request("m", tools=(Tool("function", "f", extras={"input_examples": []}),)), [("field:input_examples", "tools.0.input_examples")]),
    ],
)  # fmt: skip
def test_what_has_no_place_here_is_told(request_, losses):
    found = CODEC.encode_request(request_)[1]
    assert [(loss.code, loss.path) for loss in found] == losses
    assert all(loss.code in LOSSES or loss.code.startswith("field:") for loss in found)
