"""Requests in other dialects, led to their providers by their model's name, and their answers brought back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from support.edge import CLIENT_TOKEN, MESSAGE, Edge, Received, Wire, head, running_edge, stream, whole
from synrouter_cli.credentials import Secret
from synrouter_cli.providers import builtin
from synrouter_cli.wire.sealed import seal

FOREIGN = seal("chat", {"reasoning_content": "of another"})
USER = [{"role": "user", "content": "hi"}]
KEYS = {
    "anthropic": Secret("sk-ant-api03-a"),
    "openai": Secret("sk-proj-o"),
    "google": Secret("AIza-g"),
    "xai": Secret("xai-x"),
}
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5.5",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 3,
        "total_tokens": 103,
        "prompt_tokens_details": {"cached_tokens": 64},
    },
}


@asynccontextmanager
async def edge_to(*providers: str, models: Any = None, **settings: Any) -> AsyncIterator[Edge]:
    """A proxy all of whose `providers` are the one upstream, which is known to have `models`."""
    services = {"models": models or {}}
    async with running_edge(provider_keys=KEYS, points=providers, services=services, **settings) as edge:
        yield edge


def body(model: str, **fields: Any) -> bytes:
    return json.dumps({"model": model, "messages": USER, **fields}).encode()


def sent(edge: Edge) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(edge.upstream.received[-1].body)
    return value


async def test_a_chat_client_reaches_claude_and_is_answered_in_its_own_words():
    async with edge_to("anthropic") as edge:
        edge.upstream.plays(whole(MESSAGE))
        answer = await edge.ask(target="/v1/chat/completions", body=body("anthropic/claude-opus-4.8"))
        assert answer.status == 200
        assert answer.json()["choices"][0]["message"]["content"] == "Hi"
        assert answer.json()["model"] == "anthropic/claude-opus-4.8"  # as asked
        assert answer.json()["usage"]["prompt_tokens"] == 7
        received = edge.upstream.received[0]
        assert received.line == "POST /v1/messages HTTP/1.1"
        assert received.all("anthropic-version") == ["2023-06-01"]
        assert sent(edge)["model"] == "claude-opus-4-8"
        assert sent(edge)["max_tokens"] == 128_000  # a chat client need not say
        [turn] = edge.turns.turns
        assert (turn.inbound.dialect, turn.inbound.provider, turn.inbound.markers) == ("chat", "anthropic", True)
        assert turn.outcome.usage.input_tokens == 7


async def test_a_stream_of_claude_is_a_stream_of_chunks():
    async with edge_to("anthropic") as edge:
        edge.upstream.plays(whole(b"".join(stream()), content_type="text/event-stream"))
        answer = await edge.ask(
            target="/v1/chat/completions",
            body=body("claude-opus-4-8", stream=True, stream_options={"include_usage": True}),
        )
        lines = [line[6:] for line in answer.body.decode().splitlines() if line.startswith("data: ")]
        assert lines[-1] == "[DONE]"
        chunks = [json.loads(line) for line in lines[:-1]]
        text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
        assert text.startswith("Hello 0 naïve ✓ 漢字 😀")
        assert chunks[-1]["usage"]["prompt_tokens_details"]["cached_tokens"] == 90
        assert edge.turns.turns[0].outcome.status == "ok"
        assert edge.turns.turns[0].outcome.usage.cache_read_tokens == 90


async def test_an_anthropic_client_reaches_a_chat_provider():
    async with edge_to("google") as edge:
        edge.upstream.plays(whole(json.dumps({**CHAT, "model": "gemini-3-pro"}).encode()))
        answer = await edge.ask(body=body("gemini-3-pro", max_tokens=9))
        assert answer.status == 200, answer.body
        assert answer.json()["content"] == [{"type": "text", "text": "Hello"}]
        assert answer.json()["usage"]["input_tokens"] == 36  # without what was read from the cache
        assert edge.upstream.received[0].line == "POST /v1beta/openai/chat/completions HTTP/1.1"
        assert edge.upstream.received[0].all("authorization") == ["Bearer AIza-g"]
        assert edge.upstream.received[0].all("x-api-key") == []
        assert edge.turns.turns[0].outcome.usage.cache_read_tokens == 64


async def test_the_same_dialect_goes_through_byte_for_byte_but_for_its_session():
    async with edge_to("openai") as edge:
        odd = b'{"model":"gpt-5.5", "messages" :[{"role":"user","content":"\\u00e9"}],"x":1.10,"seed":12345678901234567890}'
        edge.upstream.plays(whole(json.dumps(CHAT).encode()))
        answer = await edge.ask(target="/v1/chat/completions", body=odd)
        assert answer.json() == CHAT
        assert edge.upstream.received[0].body == b'{"prompt_cache_key":"session-1",' + odd[1:]


async def test_a_clients_own_cache_key_is_kept():
    async with edge_to("openai") as edge:
        edge.upstream.plays(whole(json.dumps(CHAT).encode()))
        asked = body("gpt-5.5", prompt_cache_key="mine")
        await edge.ask(target="/v1/chat/completions", body=asked)
        assert edge.upstream.received[0].body == asked


async def test_an_error_of_the_provider_is_told_in_the_clients_dialect_with_its_status():
    async with edge_to("anthropic") as edge:
        error = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
        edge.upstream.plays(whole(json.dumps(error).encode(), status=429))
        answer = await edge.ask(target="/v1/responses", body=b'{"model":"claude-opus-4-8","input":"hi"}')
        assert answer.status == 429
        assert "slow down" in answer.json()["error"]["message"]
        assert edge.turns.turns[0].outcome.error_type == "rate_limit_error"


async def test_a_model_that_nobody_knows_is_a_404_with_names_near_it():
    async with edge_to(models={"anthropic": ("claude-opus-4-8",)}) as edge:
        answer = await edge.ask(target="/v1/chat/completions", body=body("clawde-opus-4-8"))
        assert answer.status == 404
        assert "claude-opus-4-8" in answer.json()["error"]["message"]
        assert edge.upstream.received == []


async def test_a_request_that_can_not_be_translated_is_refused_and_says_where():
    async with edge_to("anthropic") as edge:
        answer = await edge.ask(target="/v1/chat/completions", body=b'{"model":"claude-opus-4-8","messages":{}}')
        assert answer.status == 400
        assert "messages" in answer.json()["error"]["message"]


async def test_a_fallback_is_asked_where_the_first_can_not_answer():
    async with edge_to("openai", "anthropic", routes=(("claude-*", ("openai/gpt-5.5", "anthropic")),)) as edge:
        edge.upstream.plays(whole(b'{"error":{"message":"busy"}}', status=503), whole(MESSAGE))
        answer = await edge.ask(body=body("claude-opus-4-8", max_tokens=9))
        assert answer.status == 200
        assert answer.json()["content"] == [{"type": "text", "text": "Hi"}]
        first, second = edge.turns.turns
        assert (first.inbound.provider, first.outcome.status, first.outcome.http_status) == ("openai", "error", 503)
        assert (second.inbound.provider, second.outcome.status) == ("anthropic", "ok")


async def test_a_conversation_has_one_owner_at_every_provider_and_of_two_credentials_each_its_own():
    async with edge_to("openai", "anthropic", routes=(("claude-*", ("anthropic", "openai/gpt-5.5")),)) as edge:
        busy = whole(b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}', status=529)
        for own in ({}, {"x-api-key": "sk-ant-api03-one"}, {"x-api-key": "sk-ant-api03-two"}):
            edge.upstream.plays(busy, busy)
            headers = {"x-synrouter-key": CLIENT_TOKEN, **own}
            assert (await edge.ask(body=body("claude-opus-4-8", max_tokens=9), headers=headers)).status == 529
        asked = [(turn.inbound.provider, turn.inbound.owner, turn.inbound.scope) for turn in edge.turns.turns]
        assert [provider for provider, _, _ in asked] == ["anthropic", "openai"] * 3
        assert all(first[1] == second[1] != b"" for first, second in zip(asked[::2], asked[1::2], strict=True))
        assert len({owner for _, owner, _ in asked}) == 3
        assert len({scope for _, _, scope in asked}) == 4, "three keys of one provider, one of the other"


async def test_an_alias_is_answered_under_its_own_name():
    async with edge_to("anthropic", aliases={"fast": "claude-opus-5"}) as edge:
        edge.upstream.plays(whole(MESSAGE), whole(b"".join(stream()), content_type="text/event-stream"))
        assert (await edge.ask(body=body("fast", max_tokens=9))).json()["model"] == "fast"
        assert sent(edge)["model"] == "claude-opus-5"
        streamed = await edge.ask(body=body("fast", max_tokens=9, stream=True))
        assert b'"model": "fast"' in streamed.body


async def test_every_chunk_of_a_stream_names_the_model_as_it_was_asked_for():
    async with edge_to("openai", aliases={"fast": "gpt-5.5"}) as edge:
        chunks = b"".join(b'data: {"model":"gpt-5.5","choices":[]}\n\n' for _ in range(3))
        edge.upstream.plays(whole(chunks, content_type="text/event-stream"))
        answer = await edge.ask(target="/v1/chat/completions", body=body("fast", stream=True))
        assert answer.body.count(b'"model":"fast"') == 3
        assert b"gpt-5.5" not in answer.body


@pytest.mark.parametrize(
    ("provider", "model", "target", "theirs", "named"),
    [
        ("anthropic", "claude-opus-4-8", "/v1/chat/completions", "request-id", "x-request-id"),
        ("openai", "gpt-5.5", "/v1/messages", "x-request-id", "request-id"),
    ],
)
async def test_a_translated_answer_has_the_requests_id_where_its_client_looks(provider, model, target, theirs, named):
    async with edge_to(provider) as edge:
        edge.upstream.plays(whole(b'{"error":{"message":"no"}}', status=400, **{theirs.replace("-", "_"): "req_1"}))
        answer = await edge.ask(target=target, body=body(model, max_tokens=9))
        assert answer.all(named) == ["req_1"]


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (529, "overloaded_error", 529),
        (404, "not_found_error", 404),
        (422, "invalid_request_error", 422),
        (502, "api_error", 502),
    ],
)
async def test_an_error_whose_words_say_little_is_told_by_its_status(status, kind, told):
    async with edge_to("openai") as edge:
        said = b'{"error":{"message":"Hm.","type":"server_error","code":null}}'
        edge.upstream.plays(whole(said, status=status))
        answer = await edge.ask(body=body("gpt-5.5", max_tokens=9))
        assert (answer.status, answer.json()["error"]["type"]) == (told, kind)


async def test_a_thread_that_the_provider_holds_goes_through_and_is_refused_where_it_would_be_translated():
    async with edge_to("anthropic", "openai") as edge:
        edge.upstream.plays(whole(MESSAGE))
        asked = body("claude-opus-4-8", max_tokens=9, thread={"type": "continue", "previous_message_id": "msg_1"})
        await edge.ask(body=asked)
        assert edge.upstream.received[0].body == asked
        answer = await edge.ask(body=body("gpt-5.5", max_tokens=9, thread={"type": "create"}))
        assert answer.status == 400
        # by this the SDK sends the whole conversation instead
        assert answer.json()["error"]["details"]["error_code"] == "thread_unsupported_request"
        assert len(edge.upstream.received) == 1


@pytest.mark.parametrize(
    ("target", "headers", "shape"),
    [
        ("/v1/models", {"authorization": "Bearer x"}, "openai"),
        ("/api/v1/models", {}, "openai"),
        ("/v1/models?client_version=0.169.0", {}, "codex"),
    ],
)
async def test_models_are_listed_in_the_askers_shape(target, headers, shape):
    async with edge_to(models={"anthropic": ("claude-opus-4-8",), "openai": ("gpt-5.5",)}) as edge:
        answer = await edge.ask("GET", target, b"")
        if shape == "codex":
            [row] = answer.json()["models"]  # the other one it knows better than we do
            assert (row["slug"], row["apply_patch_tool_type"]) == ("claude-opus-4-8", "freeform")
        elif target == "/api/v1/models":
            assert [row["id"] for row in answer.json()["data"]] == ["claude-opus-4-8", "gpt-5.5"]


async def test_a_model_that_is_not_listed_is_told_with_those_near_it():
    async with edge_to(models={"anthropic": ("claude-opus-4-8",), "openai": ("gpt-5.5",)}) as edge:
        asked = await edge.ask("GET", "/v1/models/gtp-5.5", b"")
        assert "for the model 'gtp-5.5'; near it: gpt-5.5." in asked.json()["error"]["message"]


async def test_headers_that_the_user_sets_take_the_place_of_the_clients_and_join_its_betas():
    own = {"user-agent": "mine", "x-team": "7", "Anthropic-Beta": "b,c"}
    providers = {**builtin(), "anthropic": replace(builtin()["anthropic"], headers=own)}
    async with edge_to("anthropic", providers=providers) as edge:
        edge.upstream.plays(whole(MESSAGE))
        theirs = {"User-Agent": "a client", "anthropic-beta": "a,b", "X-Team": "1"}
        await edge.ask(body=body("claude-opus-4-8", max_tokens=9), headers=theirs)
        [received] = edge.upstream.received
        assert [received.all(name) for name in ("user-agent", "x-team", "anthropic-beta")] == [
            ["mine"], ["7"], ["a,b,c"]
        ]  # fmt: skip


async def test_a_model_that_is_not_listed_is_a_404_in_the_askers_dialect():
    async with edge_to(models={"anthropic": ("claude-opus-4-8",)}) as edge:
        bearer = {"authorization": f"Bearer {CLIENT_TOKEN}"}
        asked = await edge.ask("GET", "/v1/models/none", b"", bearer, token=None)
        assert (asked.status, asked.json()["error"]["code"]) == (404, "model_not_found")
        asked = await edge.ask("GET", "/v1/models/none", b"")
        assert (asked.status, asked.json()["error"]["type"]) == (404, "not_found_error")


async def test_a_count_for_another_dialect_is_an_estimate_and_says_so():
    async with edge_to("openai") as edge:
        answer = await edge.ask(target="/v1/messages/count_tokens", body=body("gpt-5.5"))
        assert answer.json() == {"input_tokens": 42}
        assert answer.all("x-synrouter-plan") == ["estimate"]


async def test_embeddings_go_to_a_provider_that_has_them():
    async with edge_to("openai") as edge:
        edge.upstream.plays(whole(b'{"object":"list","data":[]}'))
        asked = b'{"model":"text-embedding-3-small","input":"x"}'
        answer = await edge.ask(target="/v1/embeddings", body=asked)
        assert answer.json() == {"object": "list", "data": []}
        assert edge.upstream.received[0].body == asked
        assert edge.turns.turns == []


async def test_embeddings_of_a_provider_without_them_are_a_404():
    async with edge_to("anthropic") as edge:
        answer = await edge.ask(target="/v1/embeddings", body=b'{"model":"claude-opus-4-8","input":"x"}')
        assert answer.status == 404
        assert "embeddings" in answer.json()["error"]["message"]
        assert edge.upstream.received == []


async def test_a_stream_that_breaks_off_ends_with_an_error_in_the_clients_dialect():
    async with edge_to("anthropic") as edge:
        events = stream()
        cut = sum(map(len, events))  # more is announced than comes
        start = head(200, content_type="text/event-stream", content_length=str(cut))

        async def breaks_off(_: Received, wire: Wire) -> None:
            await wire.send(start + b"".join(events[:4]))
            wire.writer.close()

        edge.upstream.plays(breaks_off)
        answer = await edge.ask(target="/v1/chat/completions", body=body("claude-opus-4-8", stream=True))
        assert b'"error"' in answer.body
        assert edge.turns.turns[0].outcome.status == "truncated"


async def test_a_provider_that_keeps_its_cache_by_conversation_is_told_the_session():
    async with edge_to("xai") as edge:
        edge.upstream.plays(whole(json.dumps(CHAT).encode()), whole(json.dumps(CHAT).encode()))
        await edge.ask(target="/v1/chat/completions", body=body("grok-5"))
        await edge.ask(target="/v1/chat/completions", body=body("grok-5"), headers={"x-grok-conv-id": "mine"})
        assert [received.all("x-grok-conv-id") for received in edge.upstream.received] == [["session-1"], ["mine"]]


async def test_a_request_that_its_own_provider_is_to_refuse_goes_out_and_has_a_row():
    async with edge_to("openai") as edge:
        edge.upstream.plays(whole(b'{"error":{"message":"messages must be a list"}}', status=400))
        answer = await edge.ask(target="/v1/chat/completions", body=b'{"model":"gpt-5.5","messages":7}')
        assert (answer.status, answer.json()) == (400, {"error": {"message": "messages must be a list"}})
        assert edge.turns.turns[0].outcome.http_status == 400


@pytest.mark.parametrize(
    ("target", "provider", "asked"),
    [
        (
            "/v1/messages",
            "anthropic",
            {
                "model": "claude-opus-4-8",
                "max_tokens": 9,
                "messages": [
                    *USER,
                    {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": FOREIGN}]},
                    *USER,
                ],
            },
        ),
        (
            "/v1/responses",
            "openai",
            {
                "model": "gpt-5.5",
                "input": [
                    *USER,
                    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": FOREIGN},
                    {"role": "assistant", "content": "x"},
                    *USER,
                ],
            },
        ),
    ],
)
async def test_what_another_provider_thought_is_not_shown_to_this_one(target, provider, asked):
    async with edge_to(provider) as edge:
        edge.upstream.plays(whole(MESSAGE))
        await edge.ask(target=target, body=json.dumps(asked).encode())
        assert FOREIGN.encode() not in edge.upstream.received[0].body
        assert sent(edge)["model"] == asked["model"]


@pytest.mark.parametrize("asks", [False, True], ids=["without usage", "with usage"])
async def test_a_chat_stream_that_had_to_be_written_anew_tells_its_usage_where_it_was_asked_to(asks: bool):
    """Thinking of another provider's is taken out of the request, so it does not go through as it came."""
    foreign = {"type": "reasoning.encrypted", "data": FOREIGN, "format": "anthropic-claude-v1", "index": 0}
    answer = {"role": "assistant", "content": "x", "reasoning_details": [foreign]}
    options = {"stream_options": {"include_usage": True}} if asks else {}
    chunks = [{"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]},
              {"id": "c", "choices": [], "usage": CHAT["usage"]}]  # fmt: skip
    told = "".join(f"data: {json.dumps(one)}\n\n" for one in chunks) + "data: [DONE]\n\n"
    async with edge_to("openai") as edge:
        edge.upstream.plays(whole(told.encode(), content_type="text/event-stream"))
        asked = {"model": "gpt-5.5", "messages": [*USER, answer, *USER], "stream": True, **options}
        streamed = await edge.ask(target="/v1/chat/completions", body=json.dumps(asked).encode())
        assert sent(edge)["stream_options"] == {"include_usage": True}
        assert (b'"usage"' in streamed.body) is asks
        assert streamed.body.endswith(b"data: [DONE]\n\n")
        assert edge.turns.turns[0].outcome.usage.cache_read_tokens == 64


async def test_where_none_can_answer_the_first_ones_error_is_told_and_who_was_tried():
    routes = (("claude-*", ("openai/gpt-5.5", "google/gemini-3-pro", "xai/grok-5", "anthropic")),)
    async with edge_to("openai", "anthropic", "google", "xai", routes=routes) as edge:
        busy = {"error": {"message": "no room", "type": "server_error"}}
        edge.upstream.plays(
            whole(json.dumps(busy).encode(), status=503),
            whole(b"{}", status=500),
            whole(b"<html>", status=502, content_type="text/html"),
            whole(b"{}", status=529),
        )
        answer = await edge.ask(body=body("claude-opus-4-8", max_tokens=9))
        assert answer.status == 503
        assert answer.error["message"].startswith("no room | Synrouter tried besides: google answered 500, xai")
        assert [turn.outcome.http_status for turn in edge.turns.turns] == [503, 500, 502, 529]


async def test_a_fallback_without_a_key_is_not_tried():
    async with edge_to("openai", routes=(("gpt-*", ("openai", "deepseek/deepseek-v4")),)) as edge:
        edge.upstream.plays(whole(b'{"error":{"message":"busy"}}', status=503))
        answer = await edge.ask(target="/v1/chat/completions", body=body("gpt-5.5"))
        assert (answer.status, answer.json()) == (503, {"error": {"message": "busy"}})


async def test_a_stream_whose_client_does_not_ask_for_its_usage_is_metered_and_comes_as_it_was_asked_for():
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.5"}
    text = {**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": None}]}
    stop = {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage = {**chunk, "choices": [], "usage": CHAT["usage"]}
    events = [f"data: {json.dumps(each)}\n\n".encode() for each in (text, stop, usage)] + [b"data: [DONE]\n\n"]
    async with edge_to("openai") as edge:
        edge.upstream.plays(whole(b"".join(events), content_type="text/event-stream"))
        answer = await edge.ask(target="/v1/chat/completions", body=body("gpt-5.5", stream=True))
        assert answer.body == b"".join([*events[:2], events[3]])
        assert sent(edge)["stream_options"] == {"include_usage": True}
        assert edge.turns.turns[0].outcome.usage.cache_read_tokens == 64
        edge.upstream.plays(whole(b"".join(events), content_type="text/event-stream"))
        asked = body("gpt-5.5", stream=True, stream_options={"include_usage": True}, prompt_cache_key="mine")
        answer = await edge.ask(target="/v1/chat/completions", body=asked)
        assert answer.body == b"".join(events)
        assert edge.upstream.received[-1].body == asked


CODEX = {"user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64) dumb"}
BUSY = {"error": {"message": "Slow down.", "type": "requests", "code": "rate_limit_exceeded"}}


@pytest.mark.parametrize(
    ("provider", "model", "headers", "error", "given", "wait"),
    [
        ("anthropic", "claude-opus-4-8", CODEX, {"type": "rate_limit_error", "message": "Slow."}, {}, "10"),
        ("openai", "gpt-5.5", CODEX, BUSY["error"], {}, "10"),
        ("openai", "gpt-5.5", CODEX, BUSY["error"], {"retry_after": "3"}, "3"),
        ("openai", "gpt-5.5", CODEX, {"message": "No money.", "code": "insufficient_quota"}, {}, None),
        ("openai", "gpt-5.5", {"user-agent": "openai-python/2"}, BUSY["error"], {}, None),
    ],
)
async def test_codex_is_told_when_to_ask_again_where_its_provider_does_not_say(
    provider, model, headers, error, given, wait
):
    async with edge_to(provider) as edge:
        told = {"type": "error", "error": error} if provider == "anthropic" else {"error": error}
        edge.upstream.plays(whole(json.dumps(told).encode(), status=429, content_type="application/json", **given))
        asked = json.dumps({"model": model, "input": "hi", "stream": True}).encode()
        answer = await edge.ask(target="/v1/responses", body=asked, headers=headers)
        waits = [value for name, value in answer.headers if name.lower() == "retry-after"]
        assert (answer.status, waits) == (429, [wait] if wait else [])
        assert answer.json()["error"]["message"] == error["message"]


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        ({"message": "No such model.", "type": "invalid_request_error"}, 404, (404, "not_found_error")),
        ({"message": "No money.", "type": "insufficient_quota", "code": "insufficient_quota"}, 429, (402, "billing_error")),
        ({"message": "Busy."}, 529, (529, "overloaded_error")),
        ({"message": "Down."}, 503, (503, "overloaded_error")),
        ({"message": "Bad.", "type": "invalid_request_error"}, 400, (400, "invalid_request_error")),
    ],
)  # fmt: skip
async def test_a_translated_error_keeps_its_status_but_for_an_empty_account(error, status, told):
    async with edge_to("openai") as edge:
        edge.upstream.plays(
            whole(json.dumps({"error": error}).encode(), status=status, content_type="application/json")
        )
        answer = await edge.ask(body=body("gpt-5.5", max_tokens=9))
        assert (answer.status, answer.json()["error"]["type"]) == told
