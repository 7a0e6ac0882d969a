"""Hard cases in Anthropic Messages: (name, value) each. Requests and answers are decoded JSON, a stream is a list of
its events, an error is status and body. Every one fits the SDK's types; those under BETA need the beta ones."""

from __future__ import annotations

from typing import Any

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJSVFT0YK"
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
CLOSED = {**SCHEMA, "additionalProperties": False}
READ = {"name": "Read", "description": "Reads a file.", "input_schema": SCHEMA}
BASH = {"name": "Bash", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}
CLOSED = {**BASH["input_schema"], "required": ["command"], "additionalProperties": False}
CHAR = {
    "type": "char_location",
    "cited_text": "c",
    "document_index": 0,
    "document_title": None,
    "start_char_index": 0,
    "end_char_index": 1,
}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content[0] if isinstance(content[0], str) else list(content)}


def call(id: str = "toolu_1", name: str = "Read", **input: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def result(id: str = "toolu_1", content: Any = "ok", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id, "content": content, **more}


def request(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "claude-opus-4-8", "messages": list(messages) or [user("hi")], "max_tokens": 64, **more}


def tools(*more: Any, **fields: Any) -> dict[str, Any]:
    return request(tools=[READ, *more], **fields)


LOOP = (user("read a"), assistant(text("On it."), call(path="a")))
THOUGHT = {"type": "thinking", "thinking": "Let me see.", "signature": "EqQBCkYIBRgCKkD+/="}

REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("plain string content", request()),
    ("list content of several texts", request(user(text("a"), text("b")))),
    ("system as a string", request(system="Be brief.")),
    ("system as marked blocks", request(system=[text("a", cache_control=HOUR), text("b", cache_control=MARK)])),
    ("system entry after the user's turn", request(user("hi"), {"role": "system", "content": "Be brief."})),
    (
        "system entry in the middle",
        request(
            user("hi"), {"role": "system", "content": [text("b", cache_control=MARK)]}, assistant("yes"), user("go")
        ),
    ),
    ("two adjacent user messages", request(user("a"), user("b"))),
    ("markers on text", request(user(text("a", cache_control=MARK), text("b", cache_control=HOUR)))),
    ("marker at the top level", request(cache_control=HOUR)),
    (
        "image in base64",
        request(
            user(
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                text("what is this?"),
            )
        ),
    ),
    (
        "image by URL, marked",
        request(
            user(
                {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}, "cache_control": MARK}
            )
        ),
    ),
    ("image by file id", request(user({"type": "image", "source": {"type": "file", "file_id": "file_1"}}))),
    (
        "document in base64 with title and context",
        request(
            user(
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                    "title": "a.pdf",
                    "context": "a draft",
                    "citations": {"enabled": True},
                    "cache_control": MARK,
                }
            )
        ),
    ),
    (
        "document as text",
        request(user({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}})),
    ),
    (
        "document by URL",
        request(user({"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}})),
    ),
    ("document of blocks", request(user({"type": "document", "source": {"type": "content", "content": [text("a")]}}))),
    (
        "document by file id",
        request(user({"type": "document", "source": {"type": "file", "file_id": "file_1"}, "title": "a.txt"})),
    ),
    ("text with citations", request(user("q"), assistant(text("c", citations=[CHAR])), user("more"))),
    (
        "search result given by the user",
        request(
            user(
                {
                    "type": "search_result",
                    "source": "https://example.org",
                    "title": "t",
                    "content": [text("found")],
                    "citations": {"enabled": True},
                }
            )
        ),
    ),
    ("one call and its result", request(*LOOP, user(result()), tools=[READ])),
    (
        "parallel calls, results in another order",
        request(
            user("go"),
            assistant(call("t1", path="a"), call("t2", path="b")),
            user(result("t2", "B"), result("t1", "A")),
            tools=[READ],
        ),
    ),
    (
        "result with text, image and error",
        request(
            *LOOP,
            user(
                result(
                    content=[
                        text("x", cache_control=MARK),
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                    ],
                    is_error=True,
                )
            ),
            tools=[READ],
        ),
    ),
    (
        "result with a document and a search result",
        request(
            *LOOP,
            user(
                result(
                    content=[
                        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}},
                        {"type": "search_result", "source": "s", "title": "t", "content": [text("f")]},
                    ]
                )
            ),
            tools=[READ],
        ),
    ),
    ("result without content", request(*LOOP, user({"type": "tool_result", "tool_use_id": "toolu_1"}), tools=[READ])),
    ("result that is an empty string", request(*LOOP, user(result(content="")), tools=[READ])),
    (
        "result that found tools",
        request(
            *LOOP,
            user(result(content=[{"type": "tool_reference", "tool_name": "Bash"}])),
            tools=[READ, {**BASH, "defer_loading": True}],
        ),
    ),
    ("result, marked, then words", request(*LOOP, user(result(cache_control=MARK), text("and now?")), tools=[READ])),
    (
        "call with a caller and a marker",
        request(
            user("go"),
            assistant({**call(), "caller": {"type": "direct"}, "cache_control": MARK}),
            user(result()),
            tools=[READ],
        ),
    ),
    (
        "call without arguments",
        request(
            user("go"),
            assistant(call(name="Now")),
            user(result()),
            tools=[{"name": "Now", "input_schema": {"type": "object"}}],
        ),
    ),
    (
        "arguments with big numbers and odd text",
        request(
            user("go"),
            assistant(
                call(n=12345678901234567890123, f=1e300, s='\u2028\u00e9\U0001f600"\\'),
            ),
            user(result()),
            tools=[READ],
        ),
    ),
    (
        "thinking with a signature in a loop",
        request(
            user("go"), assistant(THOUGHT, call(path="a")), user(result()), tools=[READ], thinking={"type": "adaptive"}
        ),
    ),
    (
        "redacted thinking",
        request(
            user("go"),
            assistant({"type": "redacted_thinking", "data": "EmwKAhgB"}, text("yes")),
            user("more"),
            thinking={"type": "adaptive"},
        ),
    ),
    (
        "interleaved thinking and calls",
        request(
            user("go"),
            assistant(THOUGHT, call("t1", path="a"), THOUGHT, call("t2", path="b")),
            user(result("t1"), result("t2")),
            tools=[READ],
            thinking={"type": "adaptive"},
        ),
    ),
    (
        "thinking with a budget",
        request(model="claude-haiku-4-5", thinking={"type": "enabled", "budget_tokens": 2048}, max_tokens=4096),
    ),
    (
        "thinking shown in short",
        request(thinking={"type": "adaptive", "display": "summarized"}, output_config={"effort": "xhigh"}),
    ),
    ("thinking between tools only", request(model="claude-sonnet-5-5", thinking={"type": "between_tools"})),
    ("thinking off", request(model="claude-opus-5", thinking={"type": "disabled"})),
    ("effort alone", request(output_config={"effort": "low"})),
    (
        "structured output",
        request(output_config={"format": {"type": "json_schema", "schema": CLOSED}, "effort": "max"}),
    ),
    ("strict tool", tools({**BASH, "input_schema": CLOSED, "strict": True})),
    (
        "deferred tools and their search",
        tools(
            {**BASH, "defer_loading": True}, {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
        ),
    ),
    (
        "tool with examples, callers and early input",
        tools(
            {
                **BASH,
                "input_examples": [{"command": "ls"}],
                "allowed_callers": ["direct"],
                "eager_input_streaming": True,
                "cache_control": HOUR,
            }
        ),
    ),
    (
        "the provider's own tools",
        tools(
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "cache_control": MARK},
            {"type": "bash_20250124", "name": "bash"},
        ),
    ),
    (
        "schema with everything that schemas have",
        request(
            tools=[
                {
                    "name": "f",
                    "description": "",
                    "input_schema": {
                        "type": "object",
                        "$defs": {"x": {"enum": [1, None, "a"]}},
                        "properties": {
                            "z": {"$ref": "#/$defs/x"},
                            "a": {"anyOf": [{"type": "number", "minimum": 0.5}, {"type": "null"}]},
                        },
                        "additionalProperties": {"type": "string"},
                    },
                }
            ]
        ),
    ),
    (
        "choice left to the model, one call at a time",
        tools(tool_choice={"type": "auto", "disable_parallel_tool_use": True}),
    ),
    ("any tool", tools(tool_choice={"type": "any"})),
    ("one certain tool", tools(tool_choice={"type": "tool", "name": "Read", "disable_parallel_tool_use": False})),
    ("no tool", tools(tool_choice={"type": "none"})),
    (
        "sampling and stops",
        request(model="claude-sonnet-4-5", temperature=0.5, top_k=40, stop_sequences=["END", "\n\nHuman:"]),
    ),
    (
        "user id, service tier, geography",
        request(metadata={"user_id": "u-1"}, service_tier="standard_only", inference_geo="us"),
    ),
    (
        "server tool and its result in the history",
        request(
            user("q"),
            assistant(
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "srvtoolu_1",
                    "content": [
                        {
                            "type": "web_search_result",
                            "url": "https://example.org",
                            "title": "t",
                            "encrypted_content": "E",
                            "page_age": None,
                        }
                    ],
                },
                text(
                    "so",
                    citations=[
                        {
                            "type": "web_search_result_location",
                            "cited_text": "c",
                            "encrypted_index": "I",
                            "title": None,
                            "url": "https://example.org",
                        }
                    ],
                ),
            ),
            user("more"),
        ),
    ),
    ("container with skills", request(container={"id": "container_1"})),
    ("answer begun by the client", request(user("json?"), assistant("{"), model="claude-sonnet-4-5")),
    ("request for nothing but a warm cache", request(max_tokens=0)),
    ("streamed", request(stream=True)),
    ("text that looks like markup and controls", request(user("<system>\u0000\u001f\ufeff</system>\r\n\t"))),
]

BETA_REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("context management", request(context_management={"edits": [{"type": "clear_tool_uses_20250919"}]})),
    (
        "MCP servers",
        request(
            mcp_servers=[{"type": "url", "url": "https://example.org", "name": "m"}],
            tools=[{"type": "mcp_toolset", "mcp_server_name": "m"}],
        ),
    ),
    (
        "fast, with a task budget",
        request(speed="fast", output_config={"effort": "high", "task_budget": {"type": "tokens", "total": 90000}}),
    ),
    (
        "system entry that clears itself",
        request(user("hi"), {"role": "system", "content": "now", "clear_at": "next_user_message"}),
    ),
    ("effort of one turn", request(user("hi"), {"role": "system", "content": "x", "output_config": {"effort": "low"}})),
    ("diagnostics", request(diagnostics={"previous_message_id": "msg_0"})),
    (
        "compaction in the history",
        request(user("hi"), assistant({"type": "compaction", "content": "what was"}), user("go")),
    ),
    (
        "thinking bound loosely",
        request(thinking={"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}),
    ),
]

USAGE = {"input_tokens": 3, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 900, "output_tokens": 7}
FULL_USAGE = {
    **USAGE,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "output_tokens_details": {"thinking_tokens": 5},
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
    "service_tier": "standard",
    "inference_geo": "us",
    "speed": "fast",
}


def answer(*content: Any, stop: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-8",
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": USAGE,
        **more,
    }


ANSWERS: list[tuple[str, dict[str, Any]]] = [
    ("words", answer(text("hi"))),
    ("nothing", answer()),
    ("usage in full", answer(text("hi"), usage=FULL_USAGE)),
    ("a call", answer(text("On it."), call(path="a"), stop="tool_use")),
    ("parallel calls", answer(call("t1", path="a"), call("t2", path="b"), stop="tool_use")),
    (
        "call by code",
        answer({**call(), "caller": {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}}, stop="tool_use"),
    ),
    ("thinking, then words", answer(THOUGHT, text("so"))),
    (
        "thinking that is not shown",
        answer(
            {"type": "thinking", "thinking": "", "signature": "Eq="},
            {"type": "redacted_thinking", "data": "Em="},
            text("so"),
        ),
    ),
    (
        "calls of what stands for Codex's tools",
        answer(
            call("t1", "apply_patch", input='*** Begin Patch\n+"a"\n'),
            call("t2", "local_shell", command=["ls", "-l"]),
            call("t3", "mcp__demo__echo", text="a"),
            call("t4", "tool_search", query="echo"),
            stop="tool_use",
        ),
    ),
    ("cited words", answer(text("c", citations=[{**CHAR, "file_id": None}]))),
    ("cut at max_tokens", answer(text("an"), stop="max_tokens")),
    ("stopped at a sequence", answer(text("a"), stop="stop_sequence", stop_sequence="END")),
    (
        "paused turn with a server's tool",
        answer(
            {
                "type": "server_tool_use",
                "id": "s",
                "name": "web_search",
                "input": {"query": "q"},
                "caller": {"type": "direct"},
            },
            {
                "type": "web_search_tool_result",
                "tool_use_id": "s",
                "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"},
            },
            stop="pause_turn",
        ),
    ),
    ("refused", answer(stop="refusal", stop_details={"type": "refusal", "category": "cyber", "explanation": None})),
    ("window full", answer(text("a"), stop="model_context_window_exceeded")),
    ("in a container", answer(text("a"), container={"id": "c", "expires_at": "2026-11-26T00:00:00Z"})),
    (
        "why the cache missed",
        answer(text("a"), diagnostics={"cache_miss_reason": {"type": "tools_changed", "cache_missed_input_tokens": 9}}),
    ),
]


def start(**more: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": answer(stop=None, **more)}


def block(index: int, begun: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    pieces = [{"type": "content_block_delta", "index": index, "delta": one} for one in deltas]
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *pieces,
        {"type": "content_block_stop", "index": index},
    ]


def words(index: int, *pieces: str) -> list[dict[str, Any]]:
    return block(index, text(""), *[{"type": "text_delta", "text": one} for one in pieces])


def pieces(*texts: str) -> list[dict[str, Any]]:
    return [{"type": "input_json_delta", "partial_json": one} for one in texts]


def called(index: int, id: str, *texts: str) -> list[dict[str, Any]]:
    return block(index, call(id), *pieces(*texts))


def finish(stop: str = "end_turn", **more: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": stop, "stop_sequence": None, **more.pop("delta", {})}
    return [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 12}, **more}, {"type": "message_stop"}]


STREAMS: list[tuple[str, list[dict[str, Any]]]] = [
    ("words", [start(), *words(0, "he", "llo"), *finish()]),
    ("with pings between", [start(), {"type": "ping"}, *words(0, "he"), {"type": "ping"}, *finish()]),
    (
        "thinking with its signature, then a call",
        [
            start(),
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "Let "},
                {"type": "thinking_delta", "thinking": "me."},
                {"type": "signature_delta", "signature": "EqQB"},
            ),
            *called(1, "t1", "", '{"pa', 'th":"\\u00', 'e9"}'),
            *finish("tool_use"),
        ],
    ),
    (
        "thinking that is not shown",
        [
            start(),
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "signature_delta", "signature": "EqQB"},
            ),
            *block(1, {"type": "redacted_thinking", "data": "Em"}),
            *words(2, "so"),
            *finish(),
        ],
    ),
    (
        "parallel calls",
        [
            start(),
            *words(0, "On it."),
            *called(1, "t1", '{"a":1', "}"),
            *called(2, "t2", '{"b":', "2}"),
            *finish("tool_use"),
        ],
    ),
    (
        "calls of what stands for Codex's tools",
        [
            start(),
            *block(0, call("t1", "apply_patch"), *pieces('{"inp', 'ut":"*** Begin \\u', "00e9\\n", '"}')),
            *block(1, call("t2", "local_shell"), *pieces('{"command"', ':["ls","-l"]}')),
            *block(2, call("t3", "mcp__demo__echo"), *pieces('{"text":"a"}')),
            *block(3, call("t4", "tool_search"), *pieces('{"query":', '"echo"}')),
            *finish("tool_use"),
        ],
    ),
    ("call without arguments", [start(), *called(0, "t1", ""), *finish("tool_use")]),
    (
        "cited words",
        [
            start(),
            *block(0, text(""), {"type": "citations_delta", "citation": CHAR}, {"type": "text_delta", "text": "c"}),
            *finish(),
        ],
    ),
    (
        "server tool and its result",
        [
            start(),
            *block(
                0,
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                {"type": "input_json_delta", "partial_json": '{"query":"q"}'},
            ),
            *block(
                1,
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "s",
                    "content": [
                        {
                            "type": "web_search_result",
                            "url": "u",
                            "title": "t",
                            "encrypted_content": "E",
                            "page_age": None,
                        }
                    ],
                },
            ),
            *words(2, "so"),
            *finish(),
        ],
    ),
    ("nothing", [start(), *finish()]),
    (
        "refused in the middle",
        [
            start(),
            *words(0, "he"),
            *finish("refusal", delta={"stop_details": {"type": "refusal", "category": None, "explanation": "no"}}),
        ],
    ),
    (
        "usage in full, counts told again at the end",
        [
            start(usage=FULL_USAGE),
            *words(0, "he"),
            {
                "type": "message_delta",
                "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
                "usage": {**USAGE, "output_tokens": 99, "output_tokens_details": {"thinking_tokens": 40}},
            },
            {"type": "message_stop"},
        ],
    ),
    ("stopped at a sequence", [start(), *words(0, "a"), *finish("stop_sequence", delta={"stop_sequence": "END"})]),
    (
        "error in the middle",
        [start(), *words(0, "he"), {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}],
    ),
    (
        "error at once",
        [{"type": "error", "error": {"type": "api_error", "message": "Internal server error"}, "request_id": "req_1"}],
    ),
]

ERRORS: list[tuple[str, tuple[int, dict[str, Any]]]] = [
    (kind, (status, {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}))
    for kind, status, message in [
        ("invalid_request_error", 400, "max_tokens: Field required"),
        ("authentication_error", 401, "invalid x-api-key"),
        ("billing_error", 402, "Your credit balance is too low"),
        ("permission_error", 403, "no access"),
        ("not_found_error", 404, "model: claude-x"),
        ("rate_limit_error", 429, "slow down"),
        ("api_error", 500, "Internal server error"),
        ("timeout_error", 504, "took too long"),
        ("overloaded_error", 529, "Overloaded"),
    ]
]
ERRORS.append(
    (
        "prompt too long",
        (
            400,
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "prompt is too long: 210000 tokens > 200000 maximum",
                },
                "request_id": "req_1",
            },
        ),
    )
)
