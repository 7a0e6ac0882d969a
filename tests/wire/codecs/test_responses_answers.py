"""Answers and errors in OpenAI's Responses, in one piece."""

from __future__ import annotations

import json

import pytest

from synrouter_cli.wire.codecs.responses import CODEC
from synrouter_cli.wire.ir import (
    Failure,
    Format,
    Image,
    Message,
    Opaque,
    Reasoning,
    RedactedThinking,
    Refusal,
    Request,
    Response,
    Source,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolUse,
)
from synrouter_cli.wire.sealed import seal, unseal
from synrouter_cli.wire.usage import Usage
from wire.cases.responses import ANSWERS, DEMO, ERRORS, HI, OK, PATCH, READ, SEARCH, answered, asked, said, thought
from wire.oracle import answer_faults, error_faults

CASES = dict(ANSWERS)
CODEX, _ = CODEC.decode_request(
    json.dumps(asked(HI, tools=[READ, PATCH, DEMO, SEARCH, {"type": "local_shell"}])).encode()
)
"""What a client of this dialect asked with, its tools of all kinds."""


def read(body):
    return CODEC.decode_response(json.dumps(body).encode())[0]


def written(*blocks, asked_=CODEX, stop="end_turn", **more):
    body, losses = CODEC.encode_response(Response("msg_1", "claude-opus-5", blocks, stop, **more), asked_)
    assert answer_faults("responses", body) == []
    return json.loads(body), losses


def output(*blocks, **more):
    return written(*blocks, **more)[0]["output"]


@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_written_so_that_it_reads_the_same(name):
    answer, losses = CODEC.decode_response(json.dumps(CASES[name]).encode())
    body, more = CODEC.encode_response(answer, CODEX)
    assert answer_faults("responses", body) == []
    assert (losses, more) == ((), ())
    again, _ = CODEC.decode_response(body)
    assert again == Response(**{**{key: getattr(answer, key) for key in answer.__slots__}, "model": "gpt-6-sol"})


@pytest.mark.parametrize(
    ("name", "stop"),
    [
        ("text", "end_turn"),
        ("text_and_two_calls", "tool_use"),
        ("custom_call", "tool_use"),
        ("local_shell_call", "tool_use"),
        ("refusal", "refusal"),
        ("cut_by_max_output_tokens", "max_tokens"),
        ("cut_by_the_filter", "refusal"),
        ("no_output", "end_turn"),
    ],
)
def test_why_an_answer_ended_is_said_in_anthropics_words(name, stop):
    assert read(CASES[name]).stop_reason == stop


@pytest.mark.parametrize(
    ("stop", "status", "reason"),
    [
        ("end_turn", "completed", None),
        ("tool_use", "completed", None),
        ("stop_sequence", "completed", None),
        ("pause_turn", "completed", None),
        ("max_tokens", "incomplete", "max_output_tokens"),
        ("model_context_window_exceeded", "incomplete", "max_output_tokens"),
        ("refusal", "incomplete", "content_filter"),
        (None, "completed", None),
    ],
)
def test_why_an_answer_ended_is_its_status(stop, status, reason):
    body, _ = written(Text("a"), stop=stop)
    assert body["status"] == status
    assert (body["incomplete_details"] or {}).get("reason") == reason


def test_a_refusal_in_words_is_a_complete_answer():
    body, _ = written(Refusal("No."), stop="refusal")
    assert (body["status"], body["output"][0]["content"]) == ("completed", [{"type": "refusal", "refusal": "No."}])


def test_input_tokens_do_not_overlap_inside_and_do_outside():
    usage = read(CASES["cache_read_and_written"]).usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_5m_tokens) == (50, 800, 150)
    body, _ = written(Text("a"), usage=usage, reasoning_tokens=12)
    assert body["usage"] == CASES["cache_read_and_written"]["usage"]


def test_writes_for_hours_are_the_long_ones():
    usage = read(CASES["cache_written_for_hours"]).usage
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (300, 600)
    assert written(Text("a"), usage=usage)[0]["usage"] == CASES["cache_written_for_hours"]["usage"]


@pytest.mark.parametrize(
    "usage", [None, {}, {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 9}}, {"input_tokens": None}, []]
)
def test_counts_that_are_not_there_or_make_no_sense_are_no_error(usage):
    found = read(answered(OK, usage=usage)).usage
    assert found is None or found.input_tokens == 0


def test_the_answer_bears_the_name_that_was_asked_for_and_ids_of_its_own():
    body, _ = written(Text("a"), ToolUse("toolu_1", "read", "{}"))
    assert (body["id"], body["model"]) == ("resp_1", "gpt-6-sol")
    assert [item["id"] for item in body["output"]] == ["msg_1_0", "fc_1_1"]


def test_the_answer_repeats_what_it_was_asked_with():
    request = Request(
        "m", max_tokens=9, temperature=0.5, parallel=False, tools=(Tool("function", "f"),), metadata={"a": "b"},
        tool_choice=ToolChoice("tool", "f"), reasoning=Reasoning(effort="low", summary="auto"), format=Format("json"),
    )  # fmt: skip
    body, _ = written(Text("{}"), asked_=request)
    assert (body["max_output_tokens"], body["temperature"], body["parallel_tool_calls"]) == (9, 0.5, False)
    assert (body["tool_choice"], body["text"]) == (
        {"type": "function", "name": "f"},
        {"format": {"type": "json_object"}},
    )
    assert (body["reasoning"], body["metadata"]) == ({"effort": "low", "summary": "auto"}, {"a": "b"})


def test_texts_that_stand_together_are_one_message():
    (item, _) = output(Text("a"), Text("b"), ToolUse("c", "read", "{}"))
    assert [part["text"] for part in item["content"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("call", "item"),
    [
        (ToolUse("c", "read", '{"path": 1.10}'), {"type": "function_call", "name": "read", "arguments": '{"path": 1.10}'}),
        (ToolUse("c", "mcp__demo__echo", "{}"), {"type": "function_call", "namespace": "mcp__demo", "name": "echo", "arguments": "{}"}),
        (ToolUse("c", "apply_patch", '{"input": "*** \\"\\n"}'), {"type": "custom_tool_call", "name": "apply_patch", "input": '*** "\n'}),
        (ToolUse("c", "apply_patch", "***", kind="custom"), {"type": "custom_tool_call", "name": "apply_patch", "input": "***"}),
        (ToolUse("c", "local_shell", '{"command":["ls"]}'), {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {}}}),
        (ToolUse("c", "tool_search", '{"query":"x"}'), {"type": "tool_search_call", "execution": "client", "arguments": {"query": "x"}}),
        (ToolUse("c", "unknown", "{}"), {"type": "function_call", "name": "unknown", "arguments": "{}"}),
    ],
)  # fmt: skip
def test_a_call_takes_the_form_that_its_tool_has_for_the_client(call, item):
    (found,) = output(call)
    assert found.items() >= {**item, "call_id": "c"}.items()


def test_thinking_is_a_reasoning_item_that_shows_it_and_carries_its_signature():
    (item,) = output(Thinking("First the tests.", "EqQB"))
    assert item["summary"] == [{"type": "summary_text", "text": "First the tests."}]
    carried = {"type": "thinking", "thinking": "First the tests.", "signature": "EqQB"}
    assert unseal(item["encrypted_content"]) == ("anthropic", carried)


@pytest.mark.parametrize(
    "block",
    [
        Thinking("First the tests.", "EqQB"),
        Thinking("", "EqQB"),
        Thinking("hm", "EqQB", {"binding": "loose"}),
        RedactedThinking("EmwK"),
        Opaque(
            "anthropic", "server_tool_use", {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
        ),
        Thinking("hm", seal("chat", {"reasoning_content": "hm"})),
    ],
)
def test_what_a_client_sends_back_is_what_the_provider_said(block):
    back, _ = CODEC.decode_request(json.dumps(asked(HI, *output(block, Text("a")))).encode())
    assert back.messages[1].blocks[0] == block


def test_reasoning_of_this_dialect_goes_out_as_it_came():
    item = thought("gAAAA", "One", "Two")
    (thinking, *_) = read(answered(item, OK)).blocks
    assert thinking.text == "One\n\nTwo"
    assert output(thinking)[0] == item


def test_citations_of_web_pages_are_annotations_and_others_are_told():
    page = {
        "type": "web_search_result_location",
        "url": "https://e.example",
        "title": "E",
        "cited_text": "rain",
        "encrypted_index": "x",
    }
    place = {"type": "char_location", "cited_text": "It", "document_index": 0}
    body, losses = written(Text("It will rain.", citations=(page, place)))
    (mark,) = body["output"][0]["content"][0]["annotations"]
    assert (mark["start_index"], mark["end_index"]) == (8, 12)
    assert [(loss.code, loss.path) for loss in losses] == [("citations", "content.0")]


def test_an_annotation_of_a_file_is_told():
    mark = {"type": "file_citation", "file_id": "f", "filename": "a", "index": 0}
    body = answered(said({"type": "output_text", "text": "a", "annotations": [mark]}, role="assistant"))
    answer, losses = CODEC.decode_response(json.dumps(body).encode())
    assert (answer.blocks, [loss.code for loss in losses]) == ((Text("a"),), ["citations"])


def test_a_block_that_no_answer_has_here_is_told():
    _, losses = written(Image(Source("url", "https://e.example/a.png")))
    assert [(loss.code, loss.path) for loss in losses] == [("block", "content.0")]


def test_an_item_that_can_not_be_read_is_left_out_and_told():
    answer, losses = CODEC.decode_response(json.dumps(answered({"type": "function_call"}, 3, OK)).encode())
    assert answer.blocks == (Text("Hi there"),)
    assert [(loss.code, loss.path) for loss in losses] == [("block", "output.0"), ("block", "output.1")]


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (answered(status="failed", error={"code": "server_error", "message": "Oops."}), ("api_error", "Oops.")),
        (answered(status="cancelled"), ("api_error", "The provider's answer is cancelled.")),
        ({"detail": "Not Found"}, ("api_error", "Not Found")),
        ({"detail": [{"msg": "field required", "loc": ["body"]}]}, ("api_error", "field required")),
        ({"error": "model 'x' not found"}, ("api_error", "model 'x' not found")),
        ({"message": "No credits", "code": "insufficient_quota"}, ("billing_error", "No credits")),
        ({}, ("api_error", "The provider's answer is none that is known.")),
        ([], ("api_error", "The provider's answer is not JSON.")),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_a_failure(body, failure):
    found = read(body)
    assert isinstance(found, Failure)
    assert (found.type, found.message) == failure


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bad_request", "invalid_request_error"),
        ("too_long", "invalid_request_error"),
        ("bad_key", "authentication_error"),
        ("no_money", "billing_error"),
        ("too_many", "rate_limit_error"),
        ("no_such_model", "not_found_error"),
        ("overloaded", "overloaded_error"),
        ("broken", "api_error"),
    ],
)
def test_an_error_has_a_type_of_anthropics_and_keeps_its_code(name, kind):
    _, body = dict(ERRORS)[name]
    failure = read(body)
    assert (failure.type, failure.code, failure.param) == (kind, body["error"]["code"], body["error"]["param"])
    _, again = CODEC.encode_failure(failure)
    assert error_faults("responses", again) == []
    assert read(json.loads(again)).type == kind


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (Failure("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), 400, "context_length_exceeded"),
        (Failure("invalid_request_error", "Bad."), 400, None),
        (Failure("authentication_error", "No."), 401, "invalid_api_key"),
        (Failure("billing_error", "Pay."), 402, "insufficient_quota"),
        (Failure("rate_limit_error", "Slow."), 429, "rate_limit_exceeded"),
        (Failure("overloaded_error", "Busy."), 529, "server_is_overloaded"),
        (Failure("overloaded_error", "Busy.", status=503), 503, "server_is_overloaded"),
        (Failure("brand_new_error", "?"), 500, None),
    ],
)  # fmt: skip
def test_an_error_goes_out_with_the_status_and_the_code_that_clients_go_by(failure, status, code):
    found, body = CODEC.encode_failure(failure)
    assert error_faults("responses", body) == []
    assert (found, json.loads(body)["error"]["code"], json.loads(body)["error"]["message"]) == (
        status,
        code,
        failure.message,
    )


def test_the_message_that_was_answered_does_not_come_back():
    body, _ = written(
        Text("a"), asked_=Request("m", messages=(Message("user", (Text("secret"),)),), system=(Text("rule"),))
    )
    assert "secret" not in json.dumps(body) and "rule" not in json.dumps(body)


def test_an_answer_without_counts_says_none_were_counted():
    assert written(Text("a"))[0]["usage"]["total_tokens"] == 0
    assert written(Text("a"), usage=Usage(service_tier="standard"))[0]["service_tier"] == "default"
