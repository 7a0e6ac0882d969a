"""Hard cases in Chat Completions: (name, value) each. Requests and answers are bodies, a stream is a list of its chunks,
an error is status and body. Those under EXTENDED hold fields that servers and clients have added to the dialect."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJSVFT0YK"
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string"}},
    "required": ["path"],
    "additionalProperties": False,
}
LARK = {"type": "grammar", "grammar": {"syntax": "lark", "definition": 'start: "a"+\n'}}
CLAUDE = "anthropic-claude-v1"


def text(words: str, **more: Any) -> Json:
    return {"type": "text", "text": words, **more}


def image(url: str, **more: Any) -> Json:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def system(content: Any = "Be brief.", role: str = "system", **more: Any) -> Json:
    return {"role": role, "content": content, **more}


def user(*content: Any, **more: Any) -> Json:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content), **more}


def assistant(content: Any = None, *calls: Json, **more: Any) -> Json:
    return {"role": "assistant", "content": content, **({"tool_calls": list(calls)} if calls else {}), **more}


def call(id: str = "call_1", name: str = "read", arguments: str = '{"path":"a"}', **more: Any) -> Json:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def patch(id: str = "call_9", input: str = "*** Begin Patch\n") -> Json:
    return {"id": id, "type": "custom", "custom": {"name": "apply_patch", "input": input}}


def result(id: str = "call_1", content: Any = "ok", **more: Any) -> Json:
    return {"role": "tool", "tool_call_id": id, "content": content, **more}


def tool(name: str = "read", **more: Any) -> Json:
    return {"type": "function", "function": {"name": name, "description": "Reads.", "parameters": SCHEMA, **more}}


def custom(**more: Any) -> Json:
    return {"type": "custom", "custom": {"name": "apply_patch", "description": "Patches.", **more}}


def request(*messages: Json, **more: Any) -> Json:
    return {"model": "gpt-6-sol", "messages": list(messages) or [user("hi")], **more}


def tools(**more: Any) -> Json:
    return request(tools=[tool(), custom()], **more)


def named(name: str) -> Json:
    return {"type": "function", "function": {"name": name}}


LOOP = (user("Read a."), assistant("On it.", call()))
WEATHER = {"type": "json_schema", "json_schema": {"name": "w", "description": "d", "schema": SCHEMA, "strict": True}}

REQUESTS: list[tuple[str, Json]] = [
    ("plain string content", request()),
    ("list content of several texts", request(user(text("a"), text("b")))),
    ("system message first", request(system(), user("hi"))),
    ("developer message first", request(system(role="developer"), user("hi"))),
    ("system and developer messages first", request(system("a"), system("b", "developer"), user("hi"))),
    ("system message of parts", request(system([text("a"), text("b")]), user("hi"))),
    ("system message in the middle", request(user("hi"), assistant("Yes?"), system("Now in French."), user("go on"))),
    ("developer message at the end", request(user("hi"), system("Be brief.", "developer"))),
    ("system message with a name is an example", request(system("x", name="example_user"), user("hi"))),
    ("only a system message", request(system())),
    ("names of the speakers", request(user("hi", name="ann"), assistant("Hello", name="bot"), user("bye", name="ann"))),
    ("empty user text", request(user(""))),
    ("image as data", request(user(text("What?"), image(f"data:image/png;base64,{PNG}")))),
    ("image by address with detail", request(user(image("https://example.org/a.png", detail="high")))),
    ("image of a jpeg in capitals", request(user(image("data:IMAGE/JPEG;base64,/9j/")))),
    ("audio", request(user({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}))),
    (
        "file as data",
        request(
            user({"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}})
        ),
    ),
    ("file by id", request(user({"type": "file", "file": {"file_id": "file-1"}}))),
    ("breakpoints of OpenAI's own", request(user(text("a", prompt_cache_breakpoint={"mode": "explicit"}), text("b")))),
    ("tool call and result", request(*LOOP, result(), tools=[tool()])),
    ("tool call without content", request(user("Read."), assistant(None, call()), result())),
    ("tool call with empty content", request(user("Read."), assistant("", call()), result())),
    (
        "tool call without a content field",
        request(user("Read."), {"role": "assistant", "tool_calls": [call()]}, result()),
    ),
    (
        "parallel calls, results in another order",
        request(
            user("Both."), assistant(None, call("c1"), call("c2")), result("c2", "2"), result("c1", "1"), user("And?")
        ),
    ),
    ("result of parts", request(*LOOP, result(content=[text("a"), text("b")]))),
    ("empty result", request(*LOOP, result(content=""))),
    ("two turns of tools", request(*LOOP, result(), assistant(None, call("c2")), result("c2"), assistant("Done."))),
    ("custom call", request(user("Patch."), assistant(None, patch()), result("call_9"), tools=[custom(format=LARK)])),
    ("custom tool of plain text", request(tools=[custom(format={"type": "text"})])),
    (
        "arguments that must stay as sent",
        request(
            user("x"),
            assistant(None, call(arguments='{ "n": 12345678901234567890, "f": 1.10, "e": 1e5, "n": 2 }')),
            result(),
        ),
    ),
    ("arguments that are no JSON", request(user("x"), assistant(None, call(arguments='{"path": "a')), result())),
    ("arguments left empty", request(user("x"), assistant(None, call(arguments="")), result())),
    ("refusal of the assistant", request(user("x"), assistant(None, refusal="I can't."), user("Why?"))),
    ("refusal as a part", request(user("x"), assistant([{"type": "refusal", "refusal": "No."}]), user("Why?"))),
    ("assistant of parts", request(user("x"), assistant([text("a"), text("b")]), user("y"))),
    ("strict tool", request(tools=[tool(strict=True)])),
    ("tool without parameters", request(tools=[{"type": "function", "function": {"name": "now"}}])),
    (
        "schema with its keys in their order",
        request(
            tools=[
                {
                    "type": "function",
                    "function": {
                        "name": "z",
                        "parameters": {
                            "type": "object",
                            "properties": {
                                "z": {"type": "number", "maximum": 18446744073709551616},
                                "a": {"enum": [1, None]},
                            },
                        },
                    },
                }
            ]
        ),
    ),
    ("tool_choice auto", tools(tool_choice="auto")),
    ("tool_choice none", tools(tool_choice="none")),
    ("tool_choice required", tools(tool_choice="required", parallel_tool_calls=False)),
    ("tool_choice of a function", tools(tool_choice=named("read"))),
    ("tool_choice of a custom tool", tools(tool_choice={"type": "custom", "custom": {"name": "apply_patch"}})),
    (
        "tool_choice among some",
        tools(
            tool_choice={
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [named("read"), {"type": "custom", "custom": {"name": "apply_patch"}}],
                },
            }
        ),
    ),
    ("structured output", request(response_format=WEATHER)),
    ("any JSON", request(response_format={"type": "json_object"})),
    ("plain text", request(response_format={"type": "text"})),
    ("one stop sequence", request(stop="END")),
    ("several stop sequences", request(stop=["a", "\n\n"])),
    ("limit of before", request(max_tokens=7)),
    ("limit of today", request(max_completion_tokens=7)),
    ("sampling", request(temperature=1.5, top_p=0.9)),
    ("effort and verbosity", request(reasoning_effort="xhigh", verbosity="low")),
    ("no reasoning", request(reasoning_effort="none")),
    ("stream with usage", request(stream=True, stream_options={"include_usage": True})),
    ("stream without a word on usage", request(stream=True)),
    (
        "stream not obfuscated",
        request(stream=True, stream_options={"include_usage": True, "include_obfuscation": False}),
    ),
    (
        "sampling that only this dialect has",
        request(
            seed=7,
            logit_bias={"50256": -100},
            frequency_penalty=0.5,
            presence_penalty=-0.5,
            logprobs=True,
            top_logprobs=2,
            n=1,
        ),
    ),
    ("prediction", request(prediction={"type": "content", "content": "x = 1"})),
    ("search by the provider", request(web_search_options={"search_context_size": "low"})),
    ("text asked for", request(modalities=["text"])),
    ("who asks", request(user="ann", metadata={"k": "v"}, store=False, service_tier="flex", prompt_cache_key="s1")),
    ("who asks, by the newer name", request(safety_identifier="ann")),
    (
        "cache lifetime of OpenAI's own",
        request(prompt_cache_retention="24h", prompt_cache_options={"mode": "implicit"}),
    ),
    (
        "functions of before tools",
        request(
            user("Read."),
            {"role": "assistant", "content": None, "function_call": {"name": "read", "arguments": "{}"}},
            {"role": "function", "name": "read", "content": "ok"},
            functions=[{"name": "read", "parameters": SCHEMA}],
            function_call={"name": "read"},
        ),
    ),
    ("half a surrogate pair", request(user("a \ud83d b"))),
]

EXTENDED: list[tuple[str, Json]] = [
    ("marker on a part", request(user(text("a", cache_control=MARK), text("b", cache_control=HOUR)))),
    ("marker on a system message", request(system(cache_control=MARK), user("hi"))),
    ("markers on messages", request(user("hi", cache_control=MARK), assistant("Yes", cache_control=HOUR), user("ok"))),
    ("marker on a call", request(user("x"), assistant(None, call(cache_control=MARK)), result(cache_control=MARK))),
    ("marker on a tool", request(tools=[{**tool(), "cache_control": HOUR}])),
    ("marker within a function", request(tools=[tool(cache_control=MARK)])),
    ("marker at the top", request(cache_control=MARK)),
    ("reasoning_content", request(user("x"), assistant("Yes", reasoning_content="Hm."), user("y"))),
    ("reasoning_content with a call", request(user("x"), assistant(None, call(), reasoning_content="Hm."), result())),
    ("reasoning", request(user("x"), assistant("Yes", reasoning="Hm."), user("y"))),
    (
        "reasoning_details of Claude",
        request(
            user("x"),
            assistant(
                "Yes",
                call(),
                reasoning="Hm.",
                reasoning_details=[
                    {"type": "reasoning.text", "text": "Hm.", "signature": "EqQB", "format": CLAUDE, "index": 0},
                    {"type": "reasoning.encrypted", "data": "EmwK", "format": CLAUDE, "index": 1},
                ],
            ),
            result(),
        ),
    ),
    (
        "reasoning_details of another",
        request(
            user("x"),
            assistant(
                "Yes",
                reasoning_details=[
                    {"type": "reasoning.summary", "summary": "Hm.", "format": "openai-responses-v1", "index": 0},
                    {
                        "type": "reasoning.encrypted",
                        "id": "rs_1",
                        "data": "gAAA",
                        "format": "openai-responses-v1",
                        "index": 0,
                    },
                ],
            ),
            user("y"),
        ),
    ),
    (
        "signature of Gemini",
        request(user("x"), assistant(None, call(extra_content={"google": {"thought_signature": "CiQB"}})), result()),
    ),
    ("thinking as Anthropic says it", request(thinking={"type": "enabled", "budget_tokens": 2048})),
    ("thinking switched off", request(thinking={"type": "disabled"})),
    ("reasoning as OpenRouter says it", request(reasoning={"max_tokens": 4000})),
    ("top_k", request(top_k=40, min_p=0.1)),
    ("fields of a gateway", request(provider={"order": ["a"]}, chat_template_kwargs={"enable_thinking": False})),
    ("name on a tool message", request(*LOOP, result(name="read"))),
    ("image in a result", request(*LOOP, result(content=[text("see"), image(f"data:image/png;base64,{PNG}")]))),
    ("arguments as an object", request(user("x"), assistant(None, call(arguments={"path": "a"})), result())),
    ("video", request(user({"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}))),
]


def answer(message: Json | None = None, finish: Any = "stop", usage: Json | None = None, **more: Any) -> Json:
    said = {"role": "assistant", "content": "Hi", "refusal": None} if message is None else message
    found = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "gpt-6-sol",
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": finish}],
    }
    return {**found, **({"usage": usage} if usage is not None else {}), **more}


def counts(prompt: int, completion: int, **more: Any) -> Json:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}


SEARCHED = {
    "type": "url_citation",
    "url_citation": {"start_index": 0, "end_index": 2, "title": "T", "url": "https://example.org"},
}

ANSWERS: list[tuple[str, Json]] = [
    ("text", answer(usage=counts(9, 2))),
    (
        "usage with cached and written tokens",
        answer(
            usage=counts(
                100,
                7,
                prompt_tokens_details={"cached_tokens": 60, "cache_write_tokens": 30},
                completion_tokens_details={"reasoning_tokens": 5},
            )
        ),
    ),
    (
        "usage with more than counts",
        answer(
            usage=counts(
                100,
                7,
                prompt_tokens_details={"cached_tokens": 0, "audio_tokens": 0},
                completion_tokens_details={"reasoning_tokens": 0, "accepted_prediction_tokens": 3},
            )
        ),
    ),
    ("no usage", answer()),
    ("empty text", answer(assistant(""), usage=counts(1, 0))),
    ("no content at all", answer(assistant(None))),
    ("one call", answer(assistant(None, call()), "tool_calls")),
    ("text and parallel calls", answer(assistant("Both.", call("c1"), call("c2", "ls", "{}")), "tool_calls")),
    ("custom call", answer(assistant(None, patch()), "tool_calls")),
    (
        "calls of what stands for Codex's tools",
        answer(
            assistant(
                None,
                call("t1", "apply_patch", '{"input":"*** Begin Patch\\n+\\"a\\"\\n"}'),
                call("t2", "local_shell", '{"command":["ls","-l"]}'),
                call("t3", "mcp__demo__echo", '{"text":"a"}'),
                call("t4", "tool_search", '{"query":"echo"}'),
            ),
            "tool_calls",
        ),
    ),
    ("cut by the limit", answer(finish="length")),
    ("filtered", answer(assistant(None), "content_filter")),
    ("refusal", answer(assistant(None, refusal="I can't help with that."))),
    ("citations of a search", answer(assistant("Hi", annotations=[SEARCHED]))),
    ("service tier and fingerprint", answer(usage=counts(9, 2), service_tier="default", system_fingerprint="fp_1")),
    (
        "function_call of before tools",
        answer(
            {"role": "assistant", "content": None, "function_call": {"name": "read", "arguments": "{}"}},
            "function_call",
        ),
    ),
]

EXTENDED_ANSWERS: list[tuple[str, Json]] = [
    ("reasoning_content", answer(assistant("Hi", reasoning_content="Hm."))),
    ("reasoning_content with a call", answer(assistant(None, call(), reasoning_content="Hm."), "tool_calls")),
    (
        "reasoning and its details",
        answer(
            assistant(
                "Hi",
                reasoning="Hm.",
                reasoning_details=[
                    {"type": "reasoning.text", "text": "Hm.", "signature": "EqQB", "format": CLAUDE, "index": 0}
                ],
            )
        ),
    ),
    (
        "hidden reasoning",
        answer(
            assistant(
                "Hi",
                reasoning_details=[
                    {
                        "type": "reasoning.encrypted",
                        "id": "rs_1",
                        "data": "gAAA",
                        "format": "openai-responses-v1",
                        "index": 0,
                    }
                ],
            )
        ),
    ),
    ("two fields that say the same", answer(assistant("Hi", reasoning="Hm.", reasoning_content="Hm."))),
    (
        "signature of Gemini on a call",
        answer(assistant(None, call(extra_content={"google": {"thought_signature": "CiQB"}})), "tool_calls"),
    ),
    ("usage of DeepSeek", answer(usage=counts(100, 7, prompt_cache_hit_tokens=64, prompt_cache_miss_tokens=36))),
    ("usage of Moonshot", answer(usage=counts(100, 7, cached_tokens=64))),
    ("usage with a cost", answer(usage=counts(100, 7, cost=0.00042, cost_details={"upstream_inference_cost": 0.0004}))),
    (
        "usage with writes for an hour",
        answer(
            usage=counts(
                100,
                7,
                prompt_tokens_details={"cached_tokens": 10, "cache_write_tokens": 80},
                cache_creation={"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 50},
            )
        ),
    ),
    ("call that ends with stop", answer(assistant(None, call()), "stop")),
    ("calls as an empty list", answer({"role": "assistant", "content": "Hi", "tool_calls": []})),
    ("arguments as an object", answer(assistant(None, call(arguments={"path": "a"})), "tool_calls")),
    (
        "call without an id",
        answer(assistant(None, {"type": "function", "function": {"name": "ls", "arguments": "{}"}}), "tool_calls"),
    ),
    ("no finish reason", answer(finish=None)),
    (
        "stop sequence of vLLM",
        {
            **answer(),
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "Hi"},
                    "finish_reason": "stop",
                    "stop_reason": "END",
                }
            ],
        },
    ),
    ("content of parts", answer(assistant([{"type": "thinking", "thinking": [text("Hm.")]}, text("Hi")]))),
]


def chunk(delta: Json | None = None, finish: Any = None, **more: Any) -> Json:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": "gpt-6-sol",
        "choices": choices,
        **more,
    }


def piece(
    index: int | None, arguments: str | None = None, id: str | None = None, name: str | None = None, **more: Any
) -> Json:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    found: Json = {} if index is None else {"index": index}
    found |= {} if id is None else {"id": id, "type": "function"}
    return {"tool_calls": [{**found, "function": function, **more}]}


ROLE = chunk({"role": "assistant", "content": ""})
END = chunk({}, "stop")
CALLED = chunk({}, "tool_calls")
USAGE = chunk(usage=counts(100, 7, prompt_tokens_details={"cached_tokens": 60, "cache_write_tokens": 30}))


def said(*deltas: Json, end: Json = END) -> list[Json]:
    return [ROLE, *map(chunk, deltas), end]


STREAMS: list[tuple[str, list[Json]]] = [
    ("text", [*said({"content": "He"}, {"content": "llo"}), USAGE]),
    ("without usage", said({"content": "Hi"})),
    ("one call in pieces", said(piece(0, "", "c1", "read"), piece(0, '{"pa'), piece(0, 'th":1}'), end=CALLED)),
    (
        "text, then calls",
        said(
            {"content": "On it."},
            piece(0, "", "c1", "a"),
            piece(0, "{}"),
            piece(1, "", "c2", "b"),
            piece(1, "{}"),
            end=CALLED,
        ),
    ),
    (
        "interleaved calls",
        said(
            piece(0, "", "c1", "a"),
            piece(1, "", "c2", "b"),
            piece(0, '{"x"'),
            piece(1, '{"y"'),
            piece(0, ":1}"),
            piece(1, ":2}"),
            end=CALLED,
        ),
    ),
    (
        "two calls in one chunk",
        said(
            {"tool_calls": [*piece(0, "{}", "c1", "a")["tool_calls"], *piece(1, "{}", "c2", "b")["tool_calls"]]},
            end=CALLED,
        ),
    ),
    (
        "calls of what stands for Codex's tools",
        said(
            piece(0, '{"input":"*** Be', "t1", "apply_patch"),
            piece(1, '{"comm', "t2", "local_shell"),
            piece(0, 'gin \\u00e9\\n"}'),
            piece(1, 'and":["ls","-l"]}'),
            piece(2, '{"text":"a"}', "t3", "mcp__demo__echo"),
            piece(3, '{"query":"echo"}', "t4", "tool_search"),
            end=CALLED,
        ),
    ),
    ("call without arguments", said(piece(0, "", "c1", "now"), end=CALLED)),
    ("refusal", said({"refusal": "I "}, {"refusal": "can't."})),
    ("cut by the limit", said({"content": "Hi"}, end=chunk({}, "length"))),
    ("filtered", said(end=chunk({}, "content_filter"))),
    ("empty answer", said()),
    ("empty deltas", said({}, {"content": "Hi"}, {"content": ""}, {})),
    (
        "function_call of before tools",
        said(
            {"function_call": {"name": "read", "arguments": ""}},
            {"function_call": {"arguments": "{}"}},
            end=chunk({}, "function_call"),
        ),
    ),
]

EXTENDED_STREAMS: list[tuple[str, list[Json]]] = [
    ("reasoning_content, then text", said({"reasoning_content": "H"}, {"reasoning_content": "m."}, {"content": "Hi"})),
    ("reasoning, then a call", said({"reasoning": "Hm."}, piece(0, "{}", "c1", "a"), end=CALLED)),
    (
        "details of Claude",
        said(
            {
                "reasoning": "H",
                "reasoning_details": [{"type": "reasoning.text", "text": "H", "format": CLAUDE, "index": 0}],
            },
            {
                "reasoning": "m.",
                "reasoning_details": [{"type": "reasoning.text", "text": "m.", "format": CLAUDE, "index": 0}],
            },
            {"reasoning_details": [{"type": "reasoning.text", "signature": "EqQB", "format": CLAUDE, "index": 0}]},
            {"content": "Hi"},
        ),
    ),
    (
        "details that are hidden",
        said(
            {
                "reasoning_details": [
                    {
                        "type": "reasoning.encrypted",
                        "id": "rs_1",
                        "data": "gAAA",
                        "format": "openai-responses-v1",
                        "index": 0,
                    }
                ]
            },
            {"content": "Hi"},
        ),
    ),
    (
        "signature of Gemini on a call",
        said(piece(0, "{}", "c1", "a", extra_content={"google": {"thought_signature": "CiQB"}}), end=CALLED),
    ),
    ("calls without an index", said(piece(None, "{}", "c1", "a"), piece(None, "{}", "c2", "b"), end=CALLED)),
    ("calls all of index 0", said(piece(0, "{}", "c1", "a"), piece(0, "{}", "c2", "b"), end=CALLED)),
    ("id and name in every piece", said(piece(0, '{"a"', "c1", "a"), piece(0, ":1}", "c1", "a"), end=CALLED)),
    ("calls without an id", said(piece(0, "{}", None, "a"), piece(1, "{}", None, "b"), end=CALLED)),
    ("name after the id", said(piece(0, "", "c1"), piece(0, "{}", None, "a"), end=CALLED)),
    ("arguments as an object", said(piece(0, {"a": 1}, "c1", "a"), end=CALLED)),  # type: ignore[arg-type]
    (
        "custom call",
        said(
            {
                "tool_calls": [
                    {"index": 0, "id": "c1", "type": "custom", "custom": {"name": "apply_patch", "input": ""}}
                ]
            },
            {"tool_calls": [{"index": 0, "custom": {"input": "*** Begin"}}]},
            end=CALLED,
        ),
    ),
    ("call that ends with stop", said(piece(0, "{}", "c1", "a"))),
    ("no finish reason", [ROLE, chunk({"content": "Hi"})]),
    ("usage in every chunk", [{**one, "usage": counts(10, n)} for n, one in enumerate(said({"content": "Hi"}))]),
    ("usage in the choice", [ROLE, {**END, "choices": [{**END["choices"][0], "usage": counts(10, 3)}]}]),
    ("usage null until the end", [{**ROLE, "usage": None}, {**chunk({"content": "Hi"}, "stop"), "usage": None}, USAGE]),
    ("citations of a search", said({"content": "Hi"}, {"annotations": [SEARCHED]})),
]

ERRORS: list[tuple[str, tuple[int, Any]]] = [
    (
        "OpenAI's",
        (400, {"error": {"message": "Bad value", "type": "invalid_request_error", "param": "n", "code": None}}),
    ),
    (
        "wrong key",
        (
            401,
            {
                "error": {
                    "message": "Incorrect API key",
                    "type": "invalid_request_error",
                    "param": None,
                    "code": "invalid_api_key",
                }
            },
        ),
    ),
    (
        "no credit",
        (
            429,
            {"error": {"message": "Quota", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}},
        ),
    ),
    (
        "too many requests",
        (429, {"error": {"message": "Slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}),
    ),
    (
        "too long",
        (
            400,
            {
                "error": {
                    "message": "maximum context length is 8192 tokens",
                    "type": "invalid_request_error",
                    "param": "messages",
                    "code": "context_length_exceeded",
                }
            },
        ),
    ),
    (
        "no such model",
        (
            404,
            {
                "error": {
                    "message": "No model",
                    "type": "invalid_request_error",
                    "param": None,
                    "code": "model_not_found",
                }
            },
        ),
    ),
    (
        "OpenRouter's",
        (
            402,
            {
                "error": {"code": 402, "message": "Insufficient credits", "metadata": {"provider_name": "X"}},
                "user_id": "u",
            },
        ),
    ),
    ("a text alone", (503, {"error": "model is loading"})),
    ("FastAPI's", (404, {"detail": "Not Found"})),
    ("FastAPI's list", (422, {"detail": [{"loc": ["body", "model"], "msg": "field required", "type": "missing"}]})),
    (
        "vLLM's of before",
        (400, {"object": "error", "message": "too long", "type": "BadRequestError", "param": None, "code": 400}),
    ),
    ("a message alone", (403, {"message": "Forbidden"})),
    (
        "Mistral's",
        (
            422,
            {
                "object": "error",
                "message": {"detail": [{"loc": ["body"], "msg": "bad"}]},
                "type": "invalid_request_error",
            },
        ),
    ),
    ("server error", (500, {"error": {"message": "Oops", "type": "server_error", "param": None, "code": None}})),
    ("a page", (502, "<html><body>Bad Gateway</body></html>")),
    ("nothing", (504, "")),
]
