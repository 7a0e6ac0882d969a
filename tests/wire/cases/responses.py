"""Hard cases in OpenAI's Responses: (name, value). Requests and answers are bodies, streams are lists of events, errors are
(status, body). What is of Codex was seen of the client itself, and is reduced to its shape."""

from __future__ import annotations

import json
from typing import Any

from synrouter_cli.wire.sealed import seal

Json = dict[str, Any]

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
THOUGHT = {"type": "thinking", "thinking": "First the tests.", "signature": "EqQBCkYIBRgCKkD"}
SEALED = seal("anthropic", THOUGHT)
HIDDEN = seal("anthropic", {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"})
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": 'start: begin hunk+ end\nbegin: "*** Begin Patch"\n'}


def text(said: str, kind: str = "input_text", **more: Any) -> Json:
    return {"type": kind, "text": said, **more}


def said(*parts: Json | str, role: str = "user", **more: Any) -> Json:
    kind = "output_text" if role == "assistant" else "input_text"
    extra = {"annotations": []} if role == "assistant" else {}
    content = [text(part, kind, **extra) if isinstance(part, str) else part for part in parts]
    about = {"id": "msg_1", "status": "completed"} if role == "assistant" else {}
    return {"type": "message", "role": role, "content": content, **about, **more}


def function(name: str, properties: Json | None = None, **more: Any) -> Json:
    schema = {"type": "object", "properties": properties or {}}
    return {"type": "function", "name": name, "strict": False, "parameters": schema, **more}


def call(name: str = "read", arguments: str = "{}", call_id: str = "call_1", **more: Any) -> Json:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **more}


def output(given: Any = "done", call_id: str = "call_1", kind: str = "function_call_output", **more: Any) -> Json:
    return {"type": kind, "call_id": call_id, "output": given, **more}


def asked(*items: Json, **more: Any) -> Json:
    return {"model": "gpt-6-sol", "input": list(items), **more}


def thought(sealed: str | None, *summary: str, rs: str = "rs_1") -> Json:
    parts = [{"type": "summary_text", "text": one} for one in summary]
    return {"type": "reasoning", "id": rs, "summary": parts, "encrypted_content": sealed}


HI = said("hi")
READ = function("read", {"path": {"type": "string"}}, description="Reads a file.")
PATCH = {"type": "custom", "name": "apply_patch", "description": "Edits files.", "format": GRAMMAR}
ECHO = function("echo", {"text": {"type": "string"}}, description="Say it again")
DEMO = {"type": "namespace", "name": "mcp__demo", "description": "Tools in the mcp__demo namespace.", "tools": [ECHO]}
SEARCH = {
    "type": "tool_search",
    "execution": "client",
    "description": "# Tool discovery",
    "parameters": {"type": "object", "properties": {"query": {"type": "string"}, "limit": {"type": "number"}}},
}
LITE = {
    "type": "additional_tools",
    "id": "at_1",
    "role": "developer",
    "tools": [
        {
            "type": "namespace",
            "name": "functions",
            "description": "",
            "tools": [
                {"type": "custom", "name": "exec", "description": "Run JavaScript", "format": GRAMMAR},
                function("wait", {"cell_id": {"type": "string"}}),
            ],
        },
        {"type": "namespace", "name": "clock", "description": "Time.", "tools": [function("sleep")]},
    ],
}
CODEX = {
    "stream": True,
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "medium", "summary": "auto"},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "01a2158d-21ed-7d80-a64b-7e1cd33687de",
    "text": {"verbosity": "low"},
    "client_metadata": {"turn_id": "t", "session_id": "s", "x-codex-window-id": "s:0"},
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "number", "minimum": 0.5}}, "additionalProperties": False}
CLOSED = {**SCHEMA, "required": ["a"]}


REQUESTS: list[tuple[str, Json]] = [
    ("input_is_a_string", {"model": "gpt-6-sol", "input": "hi"}),
    ("input_is_an_empty_list", asked()),
    ("instructions", asked(HI, instructions="Be brief.")),
    ("easy_message_without_a_type", asked({"role": "user", "content": "hi"})),
    ("easy_assistant_message", asked(HI, {"type": "message", "role": "assistant", "content": "hello"}, HI)),
    ("content_is_a_string", asked({"type": "message", "role": "user", "content": "hi"})),
    ("several_texts_in_one_message", asked(said("one", "two", "three"))),
    ("developer_messages_first", asked(said("You are an agent.", role="developer"), HI)),
    ("system_message_in_the_middle", asked(HI, said("hello", role="assistant"), said("New rule.", role="system"), HI)),
    ("two_user_messages_in_a_row", asked(HI, said("and this"))),
    ("assistant_message_with_a_phase", asked(HI, said("Let me look", role="assistant", phase="commentary"), HI)),
    (
        "two_assistant_messages_in_a_row",
        asked(HI, said("a", role="assistant"), said("b", role="assistant", id="msg_2")),
    ),
    ("assistant_message_of_two_texts", asked(HI, said("a", "b", role="assistant"), HI)),
    (
        "assistant_refusal",
        asked(HI, said({"type": "refusal", "refusal": "I can't."}, role="assistant"), said("Why?")),
    ),
    (
        "output_text_with_a_web_citation",
        asked(
            HI,
            said(
                text(
                    "It rained.",
                    "output_text",
                    annotations=[
                        {
                            "type": "url_citation",
                            "url": "https://example.com/w",
                            "title": "Weather",
                            "start_index": 3,
                            "end_index": 9,
                        }
                    ],
                ),
                role="assistant",
            ),
        ),
    ),
    (
        "image_as_data_url",
        asked(said("Look", {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "high"})),
    ),
    (
        "image_by_address",
        asked(said({"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"})),
    ),
    ("image_by_file_id", asked(said({"type": "input_image", "file_id": "file-1", "detail": "low"}))),
    (
        "pdf_as_data",
        asked(said({"type": "input_file", "file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"})),
    ),
    (
        "plain_text_as_a_file",
        asked(said({"type": "input_file", "file_data": "data:text/plain;base64,aGVsbG8=", "filename": "a.txt"})),
    ),
    ("file_by_address", asked(said({"type": "input_file", "file_url": "https://example.com/a.pdf"}))),
    ("file_by_id", asked(said({"type": "input_file", "file_id": "file-1"}))),
    ("audio", asked(said({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}))),
    ("function_call_and_output", asked(HI, call(), output(), tools=[READ])),
    (
        "parallel_calls_with_outputs_in_another_order",
        asked(
            HI,
            call(call_id="call_1", arguments='{"path":"a"}'),
            call(call_id="call_2", arguments='{"path":"b"}'),
            output("b", "call_2"),
            output("a", "call_1"),
            tools=[READ],
        ),
    ),
    (
        "text_calls_and_outputs_of_two_turns",
        asked(
            HI,
            said("I look", role="assistant"),
            call(),
            output(),
            call(call_id="call_2"),
            output("more", "call_2"),
            said("Done", role="assistant", id="msg_2"),
            said("thanks"),
            tools=[READ],
        ),
    ),
    (
        "numbers_and_order_in_arguments_stay",
        asked(HI, call(arguments='{"b": 1.10, "a": 123456789012345678901234567890, "b": 1e5}'), output()),
    ),
    ("arguments_that_are_no_json", asked(HI, call(arguments="{oops"), output("bad arguments"))),
    ("empty_arguments", asked(HI, call(arguments=""), output())),
    (
        "output_is_a_list_with_an_image",
        asked(
            HI,
            call("view_image"),
            output([text("Here"), {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"}]),
        ),
    ),
    ("output_is_empty", asked(HI, call(), output(""))),
    ("output_is_a_list_of_two_texts", asked(HI, call(), output([text("Wall time: 0.1 s"), text("hi")]))),
    (
        "user_message_between_call_and_output",
        asked(HI, call(), said("wait"), output(), tools=[READ]),
    ),
    (
        "custom_call_with_a_grammar",
        asked(
            HI,
            {
                "type": "custom_tool_call",
                "call_id": "call_1",
                "name": "apply_patch",
                "input": '*** Begin Patch\n+"a\\b"\n*** End Patch',
            },
            output("ok", kind="custom_tool_call_output"),
            tools=[PATCH],
        ),
    ),
    ("custom_tool_of_plain_text", asked(HI, tools=[{"type": "custom", "name": "note", "format": {"type": "text"}}])),
    (
        "local_shell",
        asked(
            HI,
            {
                "type": "local_shell_call",
                "id": "lsh_1",
                "call_id": "call_1",
                "status": "completed",
                "action": {"type": "exec", "command": ["ls", "-l"], "env": {}, "timeout_ms": 100},
            },
            {"type": "local_shell_call_output", "id": "lsh_1", "output": "a.txt"},
            tools=[{"type": "local_shell"}],
        ),
    ),
    (
        "shell_and_apply_patch",
        asked(
            HI,
            {"type": "shell_call", "call_id": "call_1", "action": {"commands": ["ls", "pwd"]}, "status": "completed"},
            {
                "type": "shell_call_output",
                "call_id": "call_1",
                "output": [{"stdout": "a\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
            },
            {
                "type": "apply_patch_call",
                "call_id": "call_2",
                "status": "completed",
                "operation": {"type": "update_file", "path": "a", "diff": "@@\n-a\n+b\n"},
            },
            {"type": "apply_patch_call_output", "call_id": "call_2", "status": "failed", "output": "no such line"},
            tools=[{"type": "shell"}, {"type": "apply_patch"}],
        ),
    ),
    ("namespaces", asked(HI, tools=[READ, DEMO])),
    ("call_in_a_namespace", asked(HI, call("echo", namespace="mcp__demo"), output(), tools=[DEMO])),
    (
        "same_name_in_two_namespaces",
        asked(
            HI,
            call("echo", namespace="mcp__b"),
            output(),
            tools=[READ, {**DEMO, "name": "mcp__a"}, {**DEMO, "name": "mcp__b"}],
        ),
    ),
    (
        "tool_search_that_loads_a_namespace",
        asked(
            HI,
            {
                "type": "tool_search_call",
                "id": "tsc_1",
                "call_id": "call_1",
                "status": "completed",
                "execution": "client",
                "arguments": {"query": "echo", "limit": 3},
            },
            {
                "type": "tool_search_output",
                "call_id": "call_1",
                "status": "completed",
                "execution": "client",
                "tools": [{**DEMO, "tools": [{**ECHO, "defer_loading": True}]}],
            },
            call("echo", namespace="mcp__demo", call_id="call_2"),
            output(call_id="call_2"),
            tools=[READ, SEARCH],
        ),
    ),
    (
        "deferred_tools_and_the_providers_search",
        asked(HI, tools=[{**READ, "defer_loading": True}, {"type": "tool_search"}]),
    ),
    ("codex_of_the_newest_models_brings_tools_in_an_item", asked(LITE, said("You are Codex.", role="developer"), HI)),
    (
        "codex_of_the_newest_models_calls_a_tool",
        asked(
            LITE,
            HI,
            {
                "type": "custom_tool_call",
                "call_id": "call_1",
                "name": "exec",
                "namespace": "functions",
                "input": "text('hi')",
            },
            call("sleep", '{"duration_ms": 5}', "call_2", namespace="clock"),
            output([text("Script completed"), text("hi")], kind="custom_tool_call_output"),
            output("Slept.", "call_2"),
            parallel_tool_calls=False,
            reasoning={"effort": "medium", "context": "all_turns"},
        ),
    ),
    (
        "codex_with_a_catalog",
        asked(
            said("You are a coding agent.", role="developer"),
            said("<skills>", "<permissions>", role="developer"),
            said("<environment_context>"),
            said("say hello"),
            **CODEX,
            tools=[READ, PATCH, DEMO, {"type": "web_search", "external_web_access": False}],
        ),
    ),
    (
        "reasoning_of_openai",
        asked(HI, thought("gAAAAABo", "Look first", "Then act"), call(), output(), tools=[READ]),
    ),
    ("reasoning_of_ours", asked(HI, thought(SEALED, "First the tests."), call(), output(), tools=[READ])),
    ("hidden_reasoning_of_ours", asked(HI, thought(HIDDEN), said("ok", role="assistant"), said("on"))),
    (
        "reasoning_between_calls",
        asked(
            HI,
            thought(SEALED, "First the tests."),
            call(),
            thought(HIDDEN, rs="rs_2"),
            call(call_id="call_2"),
            output(),
            output("b", "call_2"),
        ),
    ),
    (
        "reasoning_shown_in_full",
        asked(
            HI,
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [],
                "content": [{"type": "reasoning_text", "text": "hm"}],
                "encrypted_content": "gAAAA",
            },
            said("ok", role="assistant"),
        ),
    ),
    ("strict_function", asked(HI, tools=[{**function("f"), "strict": True, "parameters": CLOSED}])),
    ("strictness_left_out", asked(HI, tools=[{**READ, "strict": None}])),
    ("function_without_parameters", asked(HI, tools=[{**function("f"), "parameters": None}])),
    (
        "hosted_tools",
        asked(
            HI,
            tools=[
                {"type": "web_search", "filters": {"allowed_domains": ["example.com"]}, "search_context_size": "low"},
                {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"},
                {"type": "code_interpreter", "container": {"type": "auto"}},
                {"type": "image_generation"},
            ],
        ),
    ),
    (
        "items_of_hosted_tools",
        asked(
            HI,
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {"type": "search", "query": "rain", "queries": ["rain"]},
            },
            {
                "type": "mcp_call",
                "id": "mcp_1",
                "server_label": "docs",
                "name": "find",
                "arguments": "{}",
                "output": "found",
            },
            said("It rained.", role="assistant"),
        ),
    ),
    ("compaction", asked({"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA"}, HI)),
    *(
        (f"tool_choice_{name}", asked(HI, tools=[READ, PATCH, DEMO, {"type": "web_search"}], tool_choice=choice))
        for name, choice in (
            ("auto", "auto"),
            ("none", "none"),
            ("required", "required"),
            ("function", {"type": "function", "name": "read"}),
            ("custom", {"type": "custom", "name": "apply_patch"}),
            ("hosted", {"type": "web_search_preview"}),
            (
                "allowed",
                {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [{"type": "function", "name": "read"}, {"type": "custom", "name": "apply_patch"}],
                },
            ),
        )
    ),
    ("one_call_at_a_time", asked(HI, tools=[READ], parallel_tool_calls=False)),
    (
        "structured_output",
        asked(
            HI,
            text={
                "format": {"type": "json_schema", "name": "r", "schema": SCHEMA, "strict": True, "description": "R"},
                "verbosity": "high",
            },
        ),
    ),
    ("any_json_object", asked(HI, text={"format": {"type": "json_object"}})),
    ("plain_text_format", asked(HI, text={"format": {"type": "text"}})),
    *((f"effort_{effort}", asked(HI, reasoning={"effort": effort})) for effort in ("none", "minimal", "xhigh", "max")),
    (
        "everything_else_that_may_be_said",
        asked(
            HI,
            max_output_tokens=4096,
            temperature=0.5,
            top_p=0.9,
            truncation="auto",
            store=True,
            metadata={"a": "b"},
            safety_identifier="u-1",
            user="u-2",
            service_tier="priority",
            include=["message.output_text.logprobs"],
            top_logprobs=2,
            max_tool_calls=3,
            prompt_cache_retention="24h",
            prompt_cache_options={"mode": "explicit", "ttl": "12h"},
        ),
    ),
    (
        "explicit_cache_breakpoint",
        asked(said(text("long", prompt_cache_breakpoint={"mode": "explicit", "ttl": "30m"})), HI),
    ),
    ("text_of_all_kinds", asked(said('"\\\u2028\x7f\u0000 \U0001f600 \u202e<|end|>'))),
    ("empty_text", asked(said(""), HI)),
]
"""Bodies that come out of decoding and encoding as they went in, but for what says the same in other words."""


def usage(total: int = 120, read: int = 0, written: int = 0, out: int = 7, thought_: int = 0, **more: Any) -> Json:
    return {
        "input_tokens": total,
        "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": written, **more},
        "output_tokens": out,
        "output_tokens_details": {"reasoning_tokens": thought_},
        "total_tokens": total + out,
    }


def answered(*items: Json, status: str = "completed", **more: Any) -> Json:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1764115200,
        "status": status,
        "model": "gpt-6-sol",
        "output": list(items),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage(),
        **more,
    }


OK = said("Hi there", role="assistant")
SPOKEN_CALL = call(id="fc_1", status="completed", arguments='{"path":"a"}')
WEB = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "rain"}}
CITED = said(
    text(
        "It rained all day.",
        "output_text",
        annotations=[
            {"type": "url_citation", "url": "https://example.com/w", "title": "W", "start_index": 3, "end_index": 9}
        ],
    ),
    role="assistant",
)

ANSWERS: list[tuple[str, Json]] = [
    ("text", answered(OK)),
    ("two_texts_in_one_message", answered(said("a", "b", role="assistant"))),
    ("call", answered(SPOKEN_CALL)),
    ("text_and_two_calls", answered(OK, SPOKEN_CALL, {**SPOKEN_CALL, "id": "fc_2", "call_id": "call_2"})),
    ("call_without_arguments", answered(call(id="fc_1", arguments="{}", status="completed"))),
    (
        "custom_call",
        answered(
            {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "apply_patch", "input": '*** "\\ \n'}
        ),
    ),
    ("call_in_a_namespace", answered(call("echo", id="fc_1", namespace="mcp__demo"))),
    (
        "local_shell_call",
        answered(
            {
                "type": "local_shell_call",
                "id": "lsh_1",
                "call_id": "call_1",
                "status": "completed",
                "action": {"type": "exec", "command": ["ls"], "env": {}},
            }
        ),
    ),
    (
        "tool_search_call",
        answered(
            {
                "type": "tool_search_call",
                "id": "tsc_1",
                "call_id": "c",
                "execution": "client",
                "status": "completed",
                "arguments": {"query": "echo"},
            }
        ),
    ),
    ("reasoning_with_a_summary", answered(thought("gAAAA", "One", "Two"), OK)),
    ("reasoning_without_a_summary", answered(thought("gAAAA"), SPOKEN_CALL)),
    ("reasoning_that_says_nothing", answered(thought(None), OK)),
    (
        "reasoning_in_full",
        answered(
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [],
                "content": [{"type": "reasoning_text", "text": "hm"}],
            },
            OK,
        ),
    ),
    ("reasoning_between_calls", answered(thought("gA", "a"), SPOKEN_CALL, thought("gB", "b", rs="rs_2"), OK)),
    ("refusal", answered(said({"type": "refusal", "refusal": "I can't help with that."}, role="assistant"))),
    ("web_search_with_citations", answered(WEB, CITED)),
    ("no_output", answered()),
    (
        "cut_by_max_output_tokens",
        answered(
            {**OK, "status": "incomplete"}, status="incomplete", incomplete_details={"reason": "max_output_tokens"}
        ),
    ),
    ("cut_by_the_filter", answered(OK, status="incomplete", incomplete_details={"reason": "content_filter"})),
    ("cache_read_and_written", answered(OK, usage=usage(1000, 800, 150, 20, 12))),
    (
        "cache_written_for_hours",
        answered(
            OK,
            usage=usage(1000, 0, 900, cache_write_tokens_details={"ttl_30m_tokens": 300, "ttl_12h_tokens": 600}),
        ),
    ),
    ("service_tier", answered(OK, service_tier="priority")),
]

ERRORS: list[tuple[str, tuple[int, Json]]] = [
    (
        "bad_request",
        (400, {"error": {"message": "Bad.", "type": "invalid_request_error", "param": "input", "code": None}}),
    ),
    (
        "too_long",
        (
            400,
            {
                "error": {
                    "message": "Your input exceeds the context window of this model.",
                    "type": "invalid_request_error",
                    "param": "input",
                    "code": "context_length_exceeded",
                }
            },
        ),
    ),
    (
        "bad_key",
        (401, {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}}),
    ),
    (
        "no_money",
        (
            429,
            {"error": {"message": "Pay.", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}},
        ),
    ),
    (
        "too_many",
        (429, {"error": {"message": "Slow.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}),
    ),
    (
        "no_such_model",
        (404, {"error": {"message": "?", "type": "invalid_request_error", "param": None, "code": "model_not_found"}}),
    ),
    (
        "overloaded",
        (503, {"error": {"message": "Busy.", "type": "server_error", "param": None, "code": "server_is_overloaded"}}),
    ),
    ("broken", (500, {"error": {"message": "Oops.", "type": "server_error", "param": None, "code": None}})),
]


def sse(events: list[Json], end: str = "\n") -> bytes:
    """Events as the API sends them, numbered, their lines with this end."""
    numbered = [{**event, "sequence_number": i} for i, event in enumerate(events)]
    blocks = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in numbered)
    return "".join(blocks).replace("\n", end).encode()


def event(kind: str, output_index: int | None = None, **more: Any) -> Json:
    place = {} if output_index is None else {"output_index": output_index}
    return {"type": f"response.{kind}", **place, **more}


def begun() -> Json:
    return event("created", response=answered(status="in_progress", usage=None))


def streamed(item: Json, place: int, pieces: int = 2) -> list[Json]:
    """The events of one item, its words in so many pieces."""
    about = {"item_id": item["id"], "output_index": place}
    kind = item["type"]
    found: list[Json] = []
    if kind == "message":
        found.append(event("output_item.added", place, item={**item, "content": [], "status": "in_progress"}))
        for i, part in enumerate(item["content"]):
            found += _part(part, {**about, "content_index": i}, pieces)
    elif kind == "reasoning":
        found.append(event("output_item.added", place, item={**item, "summary": [], "encrypted_content": ""}))
        for i, part in enumerate(item["summary"]):
            here = {**about, "summary_index": i}
            found.append(event("reasoning_summary_part.added", **here, part={"type": "summary_text", "text": ""}))
            found += [event("reasoning_summary_text.delta", **here, delta=one) for one in cut(part["text"], pieces)]
            found.append(event("reasoning_summary_text.done", **here, text=part["text"]))
            found.append(event("reasoning_summary_part.done", **here, part=part))
        for i, part in enumerate(item.get("content") or ()):
            here = {**about, "content_index": i}
            found += [event("reasoning_text.delta", **here, delta=one) for one in cut(part["text"], pieces)]
            found.append(event("reasoning_text.done", **here, text=part["text"]))
    elif kind in ("function_call", "custom_tool_call"):
        key, word = (("arguments", "function_call_arguments"), ("input", "custom_tool_call_input"))[kind[0] == "c"]
        found.append(event("output_item.added", place, item={**item, key: ""}))
        found += [event(f"{word}.delta", **about, delta=one) for one in cut(item[key], pieces)]
        found.append(event(f"{word}.done", **about, **{key: item[key]}))
    else:
        found.append(event("output_item.added", place, item=item))
    return [*found, event("output_item.done", place, item=item)]


def _part(part: Json, about: Json, pieces: int) -> list[Json]:
    if part["type"] == "refusal":
        empty: Json = {"type": "refusal", "refusal": ""}
        words = [event("refusal.delta", **about, delta=one) for one in cut(part["refusal"], pieces)]
        words.append(event("refusal.done", **about, refusal=part["refusal"]))
    else:
        empty = {**part, "text": "", "annotations": []}
        words = [event("output_text.delta", **about, delta=one, logprobs=[]) for one in cut(part["text"], pieces)]
        for i, mark in enumerate(part["annotations"]):
            words.append(event("output_text.annotation.added", **about, annotation_index=i, annotation=mark))
        words.append(event("output_text.done", **about, text=part["text"], logprobs=[]))
    return [
        event("content_part.added", **about, part=empty),
        *words,
        event("content_part.done", **about, part=part),
    ]


def cut(text: str, pieces: int) -> list[str]:
    size = max(len(text) // pieces, 1)
    return [text[i : i + size] for i in range(0, len(text), size)]


def stream_of(answer: Json) -> list[Json]:
    """An answer as the events of the stream that would have told it."""
    events = [begun()]
    for place, item in enumerate(answer["output"]):
        events += streamed(item, place)
    return [*events, event(answer["status"], response=answer)]


A, B = {**SPOKEN_CALL, "id": "fc_a", "call_id": "call_a"}, {**SPOKEN_CALL, "id": "fc_b", "call_id": "call_b"}


def interleaved() -> list[Json]:
    """Two calls whose arguments come in turns."""
    first, second = streamed(A, 0, 4), streamed(B, 1, 4)
    mixed = [one for pair in zip(first, second, strict=True) for one in pair]
    return [begun(), *mixed, event("completed", response=answered(A, B))]


STREAMS: list[tuple[str, list[Json]]] = [
    *((f"answer_{name}", stream_of(answer)) for name, answer in ANSWERS),
    ("interleaved_calls", interleaved()),
    ("only_the_ends_of_items", [begun(), event("output_item.done", 0, item=OK), event("output_item.done", 1, item=A),
                                   event("completed", response=answered(OK, A))]),
    ("only_the_end", [event("completed", response=answered(OK, A))]),
    ("no_beginning", [*streamed(OK, 0), event("completed", response=answered(OK))]),
    ("output_left_out_at_the_end", [begun(), *streamed(OK, 0), *streamed(A, 1),
                                       event("completed", response={**answered(OK, A), "output": []})]),
    ("deltas_of_an_item_that_was_not_announced", [begun(), event("output_text.delta", 0, item_id="msg_1",
        content_index=0, delta="Hi there"), event("completed", response=answered(OK))]),
    ("events_that_are_unknown", [begun(), event("brand_new", 0, item_id="x"), *streamed(OK, 0),
                                    {"type": "keepalive"}, event("completed", response=answered(OK))]),
    ("hosted_tool_before_text", [begun(), *streamed(WEB, 0)[:-1], event("web_search_call.searching", 0, item_id="ws_1"),
        streamed(CITED, 1)[0], streamed(WEB, 0)[-1], *streamed(CITED, 1)[1:], event("completed", response=answered(WEB, CITED))]),
    ("failed_on_the_way", [begun(), *streamed(OK, 0), event("failed", response=answered(OK, status="failed",
        error={"code": "server_error", "message": "Oops."}, usage=None))]),
    ("error_on_the_way", [begun(), *streamed(OK, 0)[:4], {"type": "error", "code": "rate_limit_exceeded",
                                                            "message": "Slow down.", "param": None}]),
    ("error_in_an_object", [begun(), {"type": "error", "error": {"type": "invalid_request_error",
        "code": "context_length_exceeded", "message": "Too long.", "param": "input"}}]),
    ("cut_off", [begun(), *streamed(OK, 0)[:4]]),
]  # fmt: skip
