"""What clients and servers do that no reference says, each as it was told of where translations failed on it: what
goes out is what the target takes, what comes back is what the client can go on with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from synrouter_cli.proxy.crossed import Crossed
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import Failure, Request, Response, Text, Thinking, ToolUse
from wire.crossings import (
    CROSSINGS,
    Json,
    added_up,
    carried,
    dumped,
    events,
    read,
    request_is_wrong,
    sse,
    stream_is_wrong,
    translated,
)
from wire.oracle import events_of

LONG: Final = "mcp__plugin_chrome-devtools-mcp_chrome-devtools__get_console_message_of_page"
PNG: Final = "iVBORw0KGgo="
SCHEMA: Final[Json] = {"type": "object", "properties": {}}


def said(role: str, content: Any, **more: Any) -> Json:
    return {"role": role, "content": content, **more}


def text(words: str, **more: Any) -> Json:
    return {"type": "text", "text": words, **more}


def chat(*messages: Json, **more: Any) -> Json:
    tools = [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}]
    return {"model": "m", "messages": list(messages), "tools": tools, **more}


def anthropic(*messages: Json, **more: Any) -> Json:
    return {"model": "m", "max_tokens": 99, "messages": list(messages), **more}


def responses(*items: Json, **more: Any) -> Json:
    return {"model": "m", "input": list(items), **more}


def call(called: str, name: str = "f", arguments: Any = "{}") -> Json:
    return {"id": called, "type": "function", "function": {"name": name, "arguments": arguments}}


def use(called: str, name: str = "f") -> Json:
    return {"type": "tool_use", "id": called, "name": name, "input": {}}


def out(source: str, body: Json, target: str, model: str | None = None) -> Json:
    written = carried(body, source, target, model=model)[1]
    assert request_is_wrong(target, written) == []
    found: Json = json.loads(written)
    return found


HI: Final = said("user", "hi")
YES: Final = said("assistant", "Yes")


# ── requests to Claude ──

BLANKS: Final = {
    "white space before a call": chat(HI, said("assistant", "\n\n", tool_calls=[call("a")]),
                                      said("tool", "ok", tool_call_id="a")),
    "an empty text with a marker": chat(said("user", [text("", cache_control={"type": "ephemeral"}), text("hi")])),
    "a user who says nothing": chat(HI, YES, said("user", "  "), YES, HI),
    "nothing at the end": chat(HI, YES, said("user", "")),
    "an answer of white space": chat(HI, said("system", "s"), said("assistant", "\n"), HI),
    "content that is null": chat(HI, said("assistant", None), HI),
    "an answer of no parts": chat(HI, said("assistant", [], tool_calls=[call("a")]),
                                  said("tool", [], tool_call_id="a")),
}  # fmt: skip


@pytest.mark.parametrize("model", ["claude-opus-4-8", "claude-haiku-4-5"])
@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in BLANKS.items()])
def test_no_text_that_claude_is_given_is_of_white_space_alone(body: Json, model: str):
    messages = out("chat", body, "anthropic", model)["messages"]
    for i, one in enumerate(messages):
        blocks = one["content"] if isinstance(one["content"], list) else [text(one["content"])]
        assert blocks and all(block["text"].strip() for block in blocks if block["type"] == "text")
        if one["role"] == "system":
            assert [other["role"] for other in messages[i + 1 : i + 2]] in ([], ["assistant"])
    assert messages[0]["role"] == messages[-1]["role"] == "user"


def test_an_answer_that_is_to_be_gone_on_with_ends_in_no_white_space():
    for content in ("So: \n", [text("So: \n")]):
        written = out("chat", chat(HI, said("assistant", content)), "anthropic", "claude-haiku-4-5")
        assert json.dumps(written["messages"][-1]["content"]).count("So:") == 1
        assert "\\n" not in json.dumps(written["messages"][-1])


def test_calls_are_taken_beside_definitions_alone_so_those_of_the_past_are_told_again():
    """A client that has a conversation summed up offers no tools for it."""
    body = chat(HI, said("assistant", None, tool_calls=[call("a", "ls"), call("b", "cat"), call("c", "ls")]))
    body["messages"] += [said("tool", "ok", tool_call_id=one) for one in "abc"]
    del body["tools"]
    written = out("chat", body, "anthropic")
    assert [one["name"] for one in written["tools"]] == ["ls", "cat"]
    assert written["tool_choice"] == {"type": "none"}


def test_a_picture_in_an_instruction_is_shown_by_the_user():
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    told = {"role": "developer", "content": [{"type": "input_text", "text": "like this"}, image]}
    for items in ([told, HI], [HI, YES, HI, told]):
        for target in ("anthropic", "chat"):
            written = out("responses", responses(*items), target, "claude-opus-4-8" if target == "anthropic" else None)
            holding = [one for one in written["messages"] if PNG in json.dumps(one)]
            assert [one["role"] for one in holding] == ["user"]
            assert "like this" in json.dumps(written)


def test_what_came_in_this_dialect_and_has_another_ones_seal_in_it_stays_as_it_came():
    """Instructions keep their place and results their order: the API itself says what is wrong with them."""
    messages = [
        said("system", "s"),
        HI,
        said("assistant", [use("a")]),
        said("user", [text("look")]),
        said("system", "t"),
    ]
    found, _ = read("anthropic", anthropic(*messages))
    written, lost = CODECS["anthropic"].encode_request(found)
    assert json.loads(written)["messages"] == messages and lost == ()


def test_fields_of_one_name_and_two_meanings_are_not_taken_for_each_other():
    tool = {"type": "function", "name": "f", "parameters": SCHEMA, "strict": False, "allowed_callers": ["programmatic"]}
    body = responses(
        HI, tools=[tool], context_management=[{"type": "compaction"}], prompt_cache_options={"prewarm": True}
    )
    _, written, lost = carried(body, "responses", "anthropic")
    assert request_is_wrong("anthropic", written) == []
    assert {"field:context_management", "field:allowed_callers"} <= {one.code for one in lost}
    assert out("responses", body, "chat", "gpt-6")["prompt_cache_options"] == {}


def test_a_form_without_a_schema_is_any_json():
    body = chat(HI, response_format={"type": "json_schema", "json_schema": {"name": "x"}})
    assert "JSON" in json.dumps(out("chat", body, "anthropic")["system"])
    assert out("chat", body, "responses")["text"]["format"]["schema"] == {}


# ── requests to OpenAI's dialects ──


@pytest.mark.parametrize("target", ["chat", "responses"])
def test_long_names_of_tools_are_shortened_and_come_back_whole(target: str):
    tools = [{"name": LONG, "input_schema": {"type": "object"}}]
    body = anthropic(HI, said("assistant", [use("a", LONG)]), tools=tools, tool_choice={"type": "tool", "name": LONG})
    body["messages"].append(said("user", [{"type": "tool_result", "tool_use_id": "a", "content": "ok"}]))
    written = out("anthropic", body, target)
    (tool,) = [one.get("function", one) for one in written["tools"]]
    assert len(tool["name"]) == 64 and tool["parameters"] == SCHEMA
    assert json.dumps(written).count(tool["name"]) == 3 and LONG not in json.dumps(written)
    asked, _ = read("anthropic", body)
    answer = {"id": "c", "model": "m", "choices": [{"index": 0, "finish_reason": "tool_calls", "message":
              said("assistant", None, tool_calls=[call("b", tool["name"])])}]}  # fmt: skip
    crossed = Crossed(stream=False, upstream=CODECS["chat"], client=CODECS["anthropic"], asked=asked)
    crossed.feed(dumped(answer))
    crossed.end()
    assert json.loads(crossed.take())["content"][0]["name"] == LONG


def test_a_namespace_makes_no_name_too_long_for_chat_completions():
    inside = {"type": "function", "name": "n" * 60, "parameters": SCHEMA, "strict": False}
    space = {"type": "namespace", "name": "mcp__github", "description": "", "tools": [inside]}
    (tool,) = out("responses", responses(HI, tools=[space]), "chat")["tools"]
    assert len(tool["function"]["name"]) == 64


def test_openai_is_given_four_stop_sequences_at_most():
    body = anthropic(HI, stop_sequences=list("abcde"))
    assert out("anthropic", body, "chat", "gpt-4o")["stop"] == list("abcd")
    assert out("anthropic", body, "chat", "qwen3")["stop"] == list("abcde")


def test_openai_takes_metadata_of_what_it_stores_only():
    for store in (False, None):
        assert "metadata" not in out("responses", responses(HI, metadata={"a": "b"}, store=store), "chat", "gpt-6")
    assert out("responses", responses(HI, metadata={"a": "b"}, store=True), "chat", "gpt-6")["metadata"] == {"a": "b"}


@pytest.mark.parametrize("target", ["chat", "responses"])
def test_results_with_pictures_stand_together_after_their_calls(target: str):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    results = [{"type": "tool_result", "tool_use_id": one, "content": [image]} for one in "ab"]
    written = out("anthropic", anthropic(HI, said("assistant", [use("a"), use("b")]), said("user", results)), target)
    kinds = [one.get("type") or one["role"] for one in written.get("messages", written.get("input"))]
    assert "".join(kinds).count("function_call_outputfunction_call_output") or kinds[2:] == ["tool", "tool", "user"]
    assert json.dumps(written).count(PNG) == 2


def test_reasoning_leads_to_something_wherever_an_answer_ended():
    thought = {"id": "rs_1", "summary": [], "encrypted_content": "gAA"}
    answer = {"id": "r", "status": "completed", "output": [{"type": "reasoning", **thought}]}
    (block,) = json.loads(translated(dumped(answer), "responses", "anthropic")[0])["content"]
    for content, kinds in (
        ([block], ["message", "message"]),
        ([block, text("Yes")], ["message", "reasoning", "message", "message"]),
        ([text("Yes"), block], ["message", "reasoning", "message", "message"]),
        ([use("a"), block], ["message", "reasoning", "function_call", "function_call_output", "message"]),
    ):
        written = out("anthropic", anthropic(HI, said("assistant", content), HI), "responses")
        assert [one["type"] for one in written["input"]] == kinds


def test_what_a_tool_says_uncalled_and_searches_without_ids_are_read():
    items = [
        HI,
        {"type": "tool_search_call", "arguments": {"query": "x"}, "execution": "server"},
        {"type": "tool_search_output", "tools": [{"type": "function", "name": "f", "parameters": SCHEMA}]},
        {"type": "function_call_output", "name": "watch", "output": "a file changed"},
        HI,
    ]
    for target in ("anthropic", "chat"):
        written = out("responses", responses(*items), target)
        assert "a file changed" in json.dumps(written) and "Loaded: f" in json.dumps(written)
    own = json.loads(carried(responses(*items), "responses", "responses")[1])["input"]
    assert "call_id" not in {
        key for item in own for key, value in item.items() if value is not None and item == items[3]
    }


@pytest.mark.parametrize(("source", "target"), [pair for pair in CROSSINGS if pair[0] != "responses"])
def test_a_file_that_only_its_provider_holds_is_told_of(source: str, target: str):
    parts = {"anthropic": {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
             "chat": {"type": "file", "file": {"file_id": "file_1"}}}  # fmt: skip
    body = anthropic(said("user", [parts[source]])) if source == "anthropic" else chat(said("user", [parts[source]]))
    _, written, lost = carried(body, source, target)
    assert b"file_1" not in written and [one.code for one in lost] == ["file_id"]


# ── thinking that has to come back ──


def answered(upstream: str, client: str, body: Json) -> Json:
    found: Json = json.loads(translated(dumped(body), upstream, client)[0])
    return found


@pytest.mark.parametrize("client", ["chat", "responses"])
def test_thinking_that_is_a_signature_alone_comes_back(client: str):
    signed = {"type": "thinking", "thinking": "", "signature": "EqQBsigned"}
    answer = answered("anthropic", client, {"type": "message", "id": "m", "model": "c", "stop_reason": "tool_use",
                                            "content": [signed, use("a", "read")]})  # fmt: skip
    if client == "chat":
        asked = chat(HI, answer["choices"][0]["message"], said("tool", "ok", tool_call_id="a"))
    else:
        asked = responses(HI, *answer["output"], {"type": "function_call_output", "call_id": "a", "output": "ok"})
    assert signed in out(client, asked, "anthropic")["messages"][1]["content"]


@pytest.mark.parametrize("client", ["anthropic", "responses"])
def test_what_gemini_wants_back_with_a_call_comes_back(client: str):
    kept = {"extra_content": {"google": {"thought_signature": "abc"}}}
    message = said("assistant", None, tool_calls=[{**call("a", "read"), **kept}])
    answer = answered("chat", client, {"id": "c", "choices": [{"index": 0, "message": message}]})
    if client == "anthropic":
        results = [{"type": "tool_result", "tool_use_id": "a", "content": "ok"}]
        asked = anthropic(HI, said("assistant", answer["content"]), said("user", results))
    else:
        asked = responses(HI, *answer["output"], {"type": "function_call_output", "call_id": "a", "output": "ok"})
    (given_back,) = carried(asked, client, "chat")[1:2]
    assert json.loads(given_back)["messages"][1]["tool_calls"][0]["extra_content"] == kept["extra_content"]


# ── streams of servers ──


def chunks(*deltas: Json, finish: str | None = "stop", **more: Any) -> bytes:
    choices = [{"index": 0, "delta": one} for one in deltas]
    found = [{"id": "c", "model": "m", "choices": [one]} for one in choices]
    found.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], **more})
    return sse(found, named=False) + b"data: [DONE]\n\n"


def piece(index: int | None = 0, called: str | None = None, name: str | None = None, arguments: Any = None) -> Json:
    function = {key: one for key, one in (("name", name), ("arguments", arguments)) if one is not None}
    about = {key: one for key, one in (("index", index), ("id", called)) if one is not None}
    return {"tool_calls": [{**about, "function": function}]}


CALLED: Final = [("a", "read", '{"x":1}')]
CALLS: Final[Mapping[str, tuple[bytes, Any]]] = {
    "a name in every piece": (chunks(piece(0, "a", "read", '{"x"'), piece(0, "a", "read", ":1}")), CALLED),
    "an empty name and id in later pieces": (chunks(piece(0, "a", "read", ""), piece(0, "", "", '{"x":1}')), CALLED),
    "arguments that are an object": (chunks(piece(0, "a", "read", {"x": 1})), CALLED),
    "arguments before the name": (chunks(piece(0, "a", None, '{"x"'), piece(0, None, "read", ":1}")), CALLED),
    "no index": (chunks(piece(None, "a", "read", '{"x":1}')), CALLED),
    "index 0 for every call": (chunks(piece(0, "a", "read", '{"x":1}'), piece(0, "b", "ls", "{}")),
                               [*CALLED, ("b", "ls", "{}")]),
    "pieces by turns": (chunks(piece(0, "a", "read", '{"x"'), piece(1, "b", "ls", "{"), piece(0, None, None, ":1}"),
                               piece(1, None, None, "}")), [*CALLED, ("b", "ls", "{}")]),
    "nothing for arguments": (chunks(piece(0, "a", "read")), [("a", "read", "{}")]),
    "an end that says stop": (chunks(piece(0, "a", "read", '{"x":1}'), finish="stop"), CALLED),
    "an end that was not said": (chunks(piece(0, "a", "read", '{"x":1}'), finish=None), CALLED),
    "thinking after the call": (chunks(piece(0, "a", "read", '{"x":1}'), {"reasoning_content": "hm"}), CALLED),
}  # fmt: skip


@pytest.mark.parametrize("client", CODECS)
@pytest.mark.parametrize("name", CALLS)
def test_calls_are_what_was_called_however_a_server_streams_them(client: str, name: str):
    stream, called = CALLS[name]
    told = translated(stream, "chat", client, stream=True)[0]
    answer = added_up(events(client, told))
    assert isinstance(answer, Response) and answer.stop_reason == "tool_use"
    assert [(one.id, one.name, one.arguments) for one in answer.blocks if isinstance(one, ToolUse)] == called
    assert stream_is_wrong(client, told) == []


def block(index: int, start: Json, *deltas: Json) -> list[Json]:
    return [{"type": "content_block_start", "index": index, "content_block": start},
            *({"type": "content_block_delta", "index": index, "delta": one} for one in deltas),
            {"type": "content_block_stop", "index": index}]  # fmt: skip


BEGUN: Final = {"type": "message_start", "message": {"id": "m", "model": "c"}}
ENDED: Final = [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, {"type": "message_stop"}]
HELLO: Final = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hi"})
ITEM: Final = {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
               "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}  # fmt: skip
WHOLE: Final = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [ITEM]}}
DONE: Final = {"type": "response.output_item.done", "output_index": 0, "item": ITEM}
DELTA: Final = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"}
SPOKEN: Final[Mapping[str, tuple[str, bytes]]] = {
    "comments while it waits": ("chat", b": OPENROUTER PROCESSING\n\n" * 3 + chunks({"content": "Hi"})),
    "no end mark": ("chat", chunks({"content": "Hi"}).removesuffix(b"data: [DONE]\n\n")),
    "no ending but the mark": ("chat", sse([{"choices": [{"delta": {"content": "Hi"}}]}], named=False)
                               + b"data: [DONE]\n\n"),
    "nulls everywhere": ("chat", chunks({"content": "Hi", "tool_calls": None, "refusal": None, "role": None},
                                        usage=None, system_fingerprint=None)),
    "the counts with the end": ("chat", chunks({"content": "Hi"}, usage={"prompt_tokens": 3, "completion_tokens": 1})),
    "no choices at first": ("chat", sse([{"choices": [], "prompt_filter_results": []}], named=False)
                            + chunks({"content": "Hi"})),
    "an answer in one piece": ("chat", dumped({"id": "c", "choices": [{"message": said("assistant", "Hi"),
                                                                       "finish_reason": "stop"}]})),
    "no counts": ("anthropic", sse([BEGUN, *HELLO, *ENDED], named=True)),
    "no names of events": ("anthropic", sse([BEGUN, *HELLO, *ENDED], named=False)),
    "no ends of blocks": ("anthropic", sse([BEGUN, *HELLO[:-1], *ENDED], named=True)),
    "no last event": ("anthropic", sse([BEGUN, *HELLO, ENDED[0]], named=True)),
    "a ping first": ("anthropic", sse([{"type": "ping"}, BEGUN, *HELLO, *ENDED], named=True)),
    "text with the block's beginning": ("anthropic", sse([BEGUN, *block(0, text("Hi")), *ENDED], named=True)),
    "no beginning": ("responses", sse([DELTA, DONE, WHOLE], named=True)),
    "the whole alone": ("responses", sse([WHOLE], named=True)),
    "items alone, and a whole without": ("responses", sse(
        [DONE, {"type": "response.completed", "response": {"id": "r", "output": []}}], named=True)),
    "pieces alone": ("responses", sse([DELTA, {"type": "response.completed", "response": {"id": "r"}}], named=True)),
}  # fmt: skip


@pytest.mark.parametrize("client", CODECS)
@pytest.mark.parametrize("name", SPOKEN)
def test_an_answer_is_read_whatever_its_server_leaves_out(client: str, name: str):
    upstream, stream = SPOKEN[name]
    told = translated(stream, upstream, client, stream=True)[0]
    answer = added_up(events(client, told))
    assert isinstance(answer, Response) and answer.stop_reason == "end_turn"
    assert [one.text for one in answer.blocks if isinstance(one, Text)] == ["Hi"]
    assert stream_is_wrong(client, told) == []


BROKEN: Final[Mapping[str, tuple[str, bytes]]] = {
    "an error in a chunk": ("chat", sse([{"error": {"message": "boom", "code": 502}}], named=False)),
    "an error that is a string": ("chat", sse([{"error": "boom"}], named=False)),
    "an error as the choice's end": ("chat", sse([{"choices": [{"finish_reason": "error", "error": {
        "message": "boom"}}]}], named=False)),
    "an error in place of a stream": ("chat", b'{"error":{"message":"boom"}}'),
    "an error event": ("anthropic", sse([BEGUN, {"type": "error", "error": {
        "type": "overloaded_error", "message": "boom"}}], named=True)),
    "a failed answer": ("responses", sse([{"type": "response.failed", "response": {
        "status": "failed", "error": {"code": "server_error", "message": "boom"}}}], named=True)),
    "an error event of two shapes": ("responses", sse([{"type": "error", "error": {"message": "boom"}}], named=True)),
    "the other one": ("responses", sse([{"type": "error", "message": "boom", "code": None}], named=True)),
}  # fmt: skip


@pytest.mark.parametrize("client", CODECS)
@pytest.mark.parametrize("name", BROKEN)
def test_an_error_in_the_middle_is_told_with_its_words(client: str, name: str):
    upstream, stream = BROKEN[name]
    told = events(client, translated(stream, upstream, client, stream=True)[0])
    assert isinstance(told[-1], Failure) and told[-1].message == "boom"


def test_a_prompt_that_is_too_long_is_told_in_the_words_that_clients_compact_by():
    error = {"code": "context_length_exceeded", "message": "Your input exceeds the context window of this model."}
    stream = sse([{"type": "response.failed", "response": {"status": "failed", "error": error}}], named=True)
    told = events_of(translated(stream, "responses", "anthropic", stream=True)[0])
    assert told[-1]["error"]["message"].startswith("prompt is too long")
    (back,) = (events_of(translated(sse([{"type": "error", "error": {
        "type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}}], named=True),
        "anthropic", "responses", stream=True)[0])[-1:])  # fmt: skip
    assert back["response"]["error"]["code"] == "context_length_exceeded"


def test_thinking_after_text_and_calls_is_a_block_of_its_own_for_a_client_of_anthropics():
    stream = chunks({"reasoning_content": "a"}, {"content": "b"}, {"reasoning_content": "c"},
                    piece(0, "t", "read", "{}"), {"reasoning_content": "d"}, finish="tool_calls")  # fmt: skip
    told = translated(stream, "chat", "anthropic", stream=True)[0]
    answer = added_up(events("anthropic", told))
    assert isinstance(answer, Response)
    kinds: list[Callable[..., Any]] = [type(one) for one in answer.blocks]
    assert kinds == [Thinking, Text, Thinking, ToolUse, Thinking]


def test_usage_is_told_at_the_end_where_the_beginning_does_not_know_it():
    stream = chunks({"content": "Hi"}, usage={"prompt_tokens": 9, "completion_tokens": 1})
    told = events_of(translated(stream, "chat", "anthropic", stream=True)[0])
    assert told[0]["message"]["usage"]["input_tokens"] == 0
    assert told[-2]["usage"]["input_tokens"] == 9


def test_a_request_that_says_nothing_is_one_all_the_same():
    for source, target in CROSSINGS:
        body = {"anthropic": anthropic(), "chat": {"model": "m", "messages": []}, "responses": responses()}[source]
        out(source, body, target)
    assert isinstance(read("chat", {"model": "m", "messages": []})[0], Request)
