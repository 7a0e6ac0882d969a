"""Chat Completions as a server answers in it, and as an answer goes to a client of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from synrouter_cli.wire.codecs.chat import CODEC
from synrouter_cli.wire.ir import (
    Failure,
    Opaque,
    RedactedThinking,
    Refusal,
    Request,
    Response,
    Text,
    Thinking,
    ToolUse,
)
from synrouter_cli.wire.sealed import seal, unseal
from synrouter_cli.wire.usage import Usage
from wire.cases.chat import ANSWERS, ERRORS, EXTENDED_ANSWERS, answer, assistant, call, counts, request, result
from wire.oracle import answer_faults, error_faults

ASKED = Request("gpt-6-sol")
ADDED = (
    "reasoning_content",
    "reasoning_details",
    "extra_content",
    "native_finish_reason",
    "stop_reason",
    "cache_creation",
)
EVERY = [*ANSWERS, *EXTENDED_ANSWERS]


def read(body: Any) -> Response:
    found, losses = CODEC.decode_response(json.dumps(body).encode())
    assert isinstance(found, Response) and losses == ()
    return found


def write(response: Response, asked: Request = ASKED) -> dict[str, Any]:
    body, losses = CODEC.encode_response(response, asked)
    assert losses == ()
    assert answer_faults("chat", plain(json.loads(body))) == []
    return json.loads(body)


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key not in ADDED}
    return [plain(one) for one in value] if isinstance(value, list) else value


def case(name: str) -> Response:
    return read(dict(EVERY)[name])


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in ANSWERS])
def test_the_cases_are_what_the_api_says(body: dict[str, Any]):
    assert answer_faults("chat", body) == []


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in ANSWERS])
def test_an_answer_comes_back_as_it_was_understood(body: dict[str, Any]):
    first = read(body)
    assert read(write(first)) == first


@pytest.mark.parametrize(
    ("name", "blocks", "stop"),
    [
        ("text", (Text("Hi"),), "end_turn"),
        ("no content at all", (), "end_turn"),
        ("one call", (ToolUse("call_1", "read", '{"path":"a"}'),), "tool_use"),
        ("custom call", (ToolUse("call_9", "apply_patch", "*** Begin Patch\n", "custom"),), "tool_use"),
        ("cut by the limit", (Text("Hi"),), "max_tokens"),
        ("filtered", (), "refusal"),
        ("refusal", (Refusal("I can't help with that."),), "refusal"),
        ("call that ends with stop", (ToolUse("call_1", "read", '{"path":"a"}'),), "tool_use"),
        ("calls as an empty list", (Text("Hi"),), "end_turn"),
        ("arguments as an object", (ToolUse("call_1", "read", '{"path":"a"}'),), "tool_use"),
        ("no finish reason", (Text("Hi"),), "end_turn"),
    ],
)
def test_blocks_and_stop_reason(name: str, blocks: tuple[Any, ...], stop: str):
    found = case(name)
    assert (found.blocks, found.stop_reason) == (blocks, stop)


@pytest.mark.parametrize(
    ("name", "usage", "thought"),
    [
        ("usage with cached and written tokens", Usage(10, 60, 30, 0, 7), 5),
        ("usage of DeepSeek", Usage(36, 64, 0, 0, 7), None),
        ("usage of Moonshot", Usage(36, 64, 0, 0, 7), None),
        ("usage with writes for an hour", Usage(10, 10, 30, 50, 7), None),
        ("usage with more than counts", Usage(100, 0, 0, 0, 7), 0),
    ],
)
def test_cached_tokens_are_taken_out_of_the_prompt(name: str, usage: Usage, thought: int | None):
    found = case(name)
    assert (found.usage, found.reasoning_tokens) == (usage, thought)
    assert write(found)["usage"]["prompt_tokens"] == 100


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 100, "completion_tokens": 7, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 30},
        {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 60, "cache_creation_tokens": 30}},
        {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 0}, "prompt_cache_hit_tokens": 60,
         "cache_creation_input_tokens": 30},
    ],
)  # fmt: skip
def test_gateways_say_the_cached_part_elsewhere(usage: dict[str, Any]):
    assert read(answer(usage=usage)).usage == Usage(10, 60, 30, 0, 7)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}, "none", {"prompt_tokens": "9"}])
def test_usage_that_is_not_told_is_none(usage: Any):
    assert read(answer(usage=usage)).usage is None


def test_counts_that_contradict_each_other_are_never_negative():
    assert read(answer(usage=counts(10, 1, prompt_tokens_details={"cached_tokens": 50}))).usage == Usage(0, 50, 0, 0, 1)


def test_a_cost_is_kept_beside_the_usage():
    found = case("usage with a cost")
    assert found.extras["chat_usage"] == {"cost": 0.00042, "cost_details": {"upstream_inference_cost": 0.0004}}
    body, _ = CODEC.encode_response(found, ASKED)
    assert json.loads(body)["usage"]["cost"] == 0.00042


def test_plain_reasoning_is_thinking_that_knows_its_field():
    for name in ("reasoning_content", "two fields that say the same"):
        thought, said = case(name).blocks
        assert (thought.text, unseal(thought.signature), said) == ("Hm.", ("chat", "reasoning_content"), Text("Hi"))


def test_claudes_reasoning_keeps_claudes_signature_and_anothers_is_sealed():
    assert case("reasoning and its details").blocks[0] == Thinking("Hm.", "EqQB")
    hidden = case("hidden reasoning").blocks[0]
    assert isinstance(hidden, RedactedThinking)
    assert unseal(hidden.data)[1]["detail"]["data"] == "gAAA"


def test_what_gemini_wants_back_with_a_call_comes_back_with_it():
    found = case("signature of Gemini on a call")
    assert [type(block) for block in found.blocks] == [RedactedThinking, ToolUse]
    asked, _ = CODEC.decode_request(json.dumps(request()).encode())
    turn = replace(asked.messages[0], role="assistant", blocks=found.blocks, bare=False)
    body, _ = CODEC.encode_request(replace(asked, messages=(turn,), dialect="anthropic"))
    message = json.loads(body)["messages"][0]
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "CiQB"}}
    assert "reasoning_details" not in message


def test_an_id_that_is_missing_is_made_of_what_is_there():
    once, again = case("call without an id").blocks[0], case("call without an id").blocks[0]
    assert once.id == again.id and once.id.startswith("call_")


def test_a_citation_of_the_web_is_an_annotation():
    cited = case("citations of a search").blocks[0].citations[0]
    assert (cited["type"], cited["cited_text"], cited["url"]) == (
        "web_search_result_location",
        "Hi",
        "https://example.org",
    )
    two = Response("m", "c", (Text("Well. "), Text("Hi", citations=(cited,))), "end_turn")
    assert write(two)["choices"][0]["message"]["annotations"][0]["url_citation"]["start_index"] == 6


def test_the_first_of_several_choices_is_taken():
    body = answer()
    body["choices"] = [*body["choices"], {**body["choices"][0], "index": 1}]
    found, losses = CODEC.decode_response(json.dumps(body).encode())
    assert found.blocks == (Text("Hi"),)
    assert [loss.code for loss in losses] == ["choices"]


@pytest.mark.parametrize(
    ("stop", "word", "beside"),
    [
        ("end_turn", "stop", {}),
        ("tool_use", "tool_calls", {}),
        ("max_tokens", "length", {}),
        ("refusal", "content_filter", {}),
        ("pause_turn", "stop", {"native_finish_reason": "pause_turn"}),
        ("stop_sequence", "stop", {"native_finish_reason": "stop_sequence", "stop_reason": "END"}),
        ("model_context_window_exceeded", "length", {"native_finish_reason": "model_context_window_exceeded"}),
    ],
)
def test_a_stop_reason_has_its_word_and_comes_back(stop: str, word: str, beside: dict[str, str]):
    sequence = beside.get("stop_reason")
    first = Response("m", "gpt-6-sol", (Text("Hi"),), stop, sequence, created=1)
    choice = write(first)["choices"][0]
    assert choice["finish_reason"] == word
    assert {key: choice[key] for key in ("native_finish_reason", "stop_reason") if key in choice} == beside
    assert read(write(first)) == first


def test_an_answer_has_the_name_that_was_asked_for_and_the_callers_time():
    body, _ = CODEC.encode_response(
        Response("m", "claude-opus-5", (), "end_turn"), Request("anthropic/claude-opus-5"), 17
    )
    assert (json.loads(body)["model"], json.loads(body)["created"]) == ("anthropic/claude-opus-5", 17)


TURN = (Thinking("First.", "Eq1"), Text("Look."), Thinking("Then.", "Eq2"), ToolUse("t1", "read", "{}"),
        RedactedThinking("Em1"), ToolUse("t2", "read", "{}"))  # fmt: skip
GIVING_BACK = {
    "all": lambda message: message,
    "the details": lambda m: {**m, "tool_calls": [{k: v for k, v in c.items() if k != "extra_content"} for c in m["tool_calls"]]},
    "details under a call's id, as Pi does": lambda m: {
        **m,
        "reasoning_details": [one for one in m["reasoning_details"] if one.get("id")],
        "tool_calls": [{k: v for k, v in c.items() if k != "extra_content"} for c in m["tool_calls"]],
    },
    "what Gemini's clients do": lambda m: {k: v for k, v in m.items() if k != "reasoning_details"},
    "a signature beside the call": lambda m: {
        "role": "assistant", "content": m["content"],
        "tool_calls": [{"id": c["id"], "type": "function", "function": c["function"],
                        "thoughtSignature": c["extra_content"]["google"]["thought_signature"]} for c in m["tool_calls"]]},
}  # fmt: skip


@pytest.mark.parametrize("given", [pytest.param(one, id=name) for name, one in GIVING_BACK.items()])
def test_thinking_comes_back_exactly_whatever_the_client_keeps(given: Any):
    message = write(Response("m", "c", TURN, "tool_use"))["choices"][0]["message"]
    again, _ = CODEC.decode_request(json.dumps(request(given(message), result("t1"), result("t2"))).encode())
    assert again.messages[0].blocks == TURN


def test_reasoning_of_responses_is_carried_to_the_client_and_back():
    turn = (Thinking("Sum.", seal("responses", {"id": "rs_1", "encrypted_content": "g"})), ToolUse("c1", "read", "{}"))
    message = write(Response("m", "c", turn, "tool_use"))["choices"][0]["message"]
    again, _ = CODEC.decode_request(json.dumps(request(message, result("c1"))).encode())
    assert again.messages[0].blocks == turn


def test_a_client_of_before_tools_is_answered_in_its_words():
    found = write(Response("m", "c", (ToolUse("t", "read", ""),), "tool_use"), replace(ASKED, legacy=True))
    assert found["choices"][0]["message"]["function_call"] == {"name": "read", "arguments": "{}"}
    assert found["choices"][0]["finish_reason"] == "function_call"


def test_blocks_of_another_dialect_alone_are_lost_by_name():
    cited = {"type": "char_location", "cited_text": "c"}
    _, losses = CODEC.encode_response(
        Response(
            "m",
            "c",
            (Opaque("anthropic", "x", {}), Text("a", citations=(cited,))),
            "end_turn",
            extras={"container": 1, "usage": {"iterations": []}},
        ),
        ASKED,
    )
    assert [loss.code for loss in losses] == ["citations", "block", "field:container", "field:iterations"]


# ── errors ──

TYPES = {
    "OpenAI's": "invalid_request_error", "wrong key": "authentication_error", "no credit": "billing_error",
    "too many requests": "rate_limit_error", "too long": "invalid_request_error", "no such model": "not_found_error",
    "OpenRouter's": "billing_error", "a text alone": "overloaded_error", "FastAPI's": "not_found_error",
    "FastAPI's list": "invalid_request_error", "vLLM's of before": "invalid_request_error", "a message alone": "permission_error",
    "Mistral's": "invalid_request_error", "server error": "api_error", "a page": "api_error", "nothing": "timeout_error",
}  # fmt: skip


@pytest.mark.parametrize(("name", "told"), [pytest.param(name, told, id=name) for name, told in ERRORS])
def test_every_shape_of_error_is_one_with_its_type(name: str, told: tuple[int, Any]):
    status, body = told
    found = CODEC.decode_failure(body.encode() if isinstance(body, str) else json.dumps(body).encode(), status)
    assert (found.type, found.status) == (TYPES[name], status)
    assert found.message
    status_out, written = CODEC.encode_failure(found)
    assert status_out == status
    assert error_faults("chat", written) == []
    assert json.loads(written)["error"]["message"] == found.message


@pytest.mark.parametrize(
    ("body", "type_", "said"),
    [
        ({"error": {"message": "Slow", "code": 429}}, "rate_limit_error", "Slow"),
        ({"error": "busy"}, "api_error", "busy"),
        ({"detail": "gone"}, "api_error", "gone"),
        ({"message": "Overloaded", "type": "overloaded_error"}, "overloaded_error", "Overloaded"),
        (
            {
                **answer(),
                "choices": [{"index": 0, "finish_reason": "error", "error": {"code": 502, "message": "Upstream"}}],
            },
            "api_error",
            "Upstream",
        ),
        (
            {**answer(), "choices": [{"index": 0, "finish_reason": "error", "message": assistant("x")}]},
            "api_error",
            "The provider broke the answer off.",
        ),
        ({**answer(), "error": {"code": 503, "message": "Full"}}, "overloaded_error", "Full"),
        ({"id": "x"}, "api_error", "The provider's answer holds no choice."),
        (answer() | {"choices": []}, "api_error", "The provider's answer holds no choice."),
        ([], "api_error", "The provider's answer is no JSON object."),
    ],
)
def test_an_error_in_place_of_an_answer(body: Any, type_: str, said: str):
    found, _ = CODEC.decode_response(json.dumps(body).encode())
    assert isinstance(found, Failure)
    assert (found.type, found.message) == (type_, said)


def test_an_answer_that_is_no_json_is_a_failure():
    found, _ = CODEC.decode_response(b"<html>")
    assert isinstance(found, Failure) and "can't be read" in found.message


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (
            Failure("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
            400,
            "context_length_exceeded",
        ),
        (Failure("authentication_error", "no"), 401, "invalid_api_key"),
        (Failure("billing_error", "no"), 402, "insufficient_quota"),
        (Failure("not_found_error", "no"), 404, "model_not_found"),
        (Failure("request_too_large", "no"), 413, None),
        (Failure("rate_limit_error", "no"), 429, None),
        (Failure("api_error", "no"), 500, None),
        (Failure("overloaded_error", "no"), 503, None),
        (Failure("overloaded_error", "no", 529), 529, None),
        (Failure("timeout_error", "no"), 504, None),
        (Failure("of_tomorrow", "no"), 500, None),
    ],
)
def test_an_error_has_the_status_and_code_that_clients_go_by(failure: Failure, status: int, code: str | None):
    found, body = CODEC.encode_failure(failure)
    assert (found, json.loads(body)["error"]["code"]) == (status, code)
    assert error_faults("chat", body) == []


def test_every_call_of_an_answer_has_arguments_that_are_json():
    found = write(Response("m", "c", (ToolUse("t", "now", ""),), "tool_use"))
    assert found["choices"][0]["message"]["tool_calls"][0] == call("t", "now", "{}")
