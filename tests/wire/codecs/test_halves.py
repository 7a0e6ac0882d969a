"""Half a surrogate pair anywhere never spoils a request, an answer or a stream: something stands for it."""

from __future__ import annotations

import json

import pytest

from synrouter_cli.wire.codecs.halves import mended, mended_json
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import Response
from wire.crossings import DIALECTS, PAIRS, Json, added_up, carried, events, sse, translated

HALF = "a\ud83d"
CALL = {"function": {"name": "f", "arguments": json.dumps({"x": HALF})}, "id": "c", "type": "function"}
TEXT: Json = {"role": "user", "content": [{"type": "text", "text": HALF, "unknown": 1}]}
REQUESTS: dict[str, Json] = {
    "anthropic": {
        "model": "claude-opus-4-8",
        "max_tokens": 9,
        "messages": [TEXT, {"role": "assistant", "content": [{"type": "server_tool", "input": HALF}]}, TEXT],
        "tools": [{"type": "bash_20250124", "name": "bash", "unknown": HALF}],
    },
    "chat": {
        "model": "gpt-6",
        "messages": [
            TEXT,
            {"role": "assistant", "tool_calls": [CALL, {"id": "d", "custom": {"name": "g", "input": HALF}}]},
            *({"role": "tool", "tool_call_id": one, "content": HALF} for one in ("c", "d")),
        ],
    },
    "responses": {
        "model": "gpt-6",
        "input": [
            {"role": "user", "content": HALF},
            {"type": "custom_tool_call", "call_id": "c", "name": "g", "input": HALF},
            {"type": "custom_tool_call_output", "call_id": "c", "output": HALF},
            {"type": "function_call", "call_id": "d", "name": "f" + HALF * 99, "arguments": json.dumps({"x": HALF})},
            {"type": "function_call_output", "call_id": "d", "output": HALF},
        ],
    },
}


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_request_with_halves_goes_on(source: str, target: str):
    out = carried(json.dumps(REQUESTS[source]).encode(), source, target)[1]
    json.loads(out.decode())
    if target == "anthropic" != source:
        assert mended_json(out) == out


@pytest.mark.parametrize("client", DIALECTS)
def test_an_answer_with_halves_is_an_answer(client: str):
    answer = {"type": "message", "id": "m", "model": "c", "content": [{"type": "text", "text": HALF}], "note": HALF}
    out = translated(json.dumps(answer).encode(), "anthropic", client)[0]
    read, _ = CODECS[client].decode_response(out)  # type: ignore[index]
    assert isinstance(read, Response)


@pytest.mark.parametrize("client", DIALECTS)
def test_a_stream_with_halves_is_read_to_its_end(client: str):
    told = [
        {"type": "message_start", "message": {"id": "m", "model": "c"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": HALF}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    ]
    out = translated(sse(told, named=True), "anthropic", client, stream=True)[0]
    answer = added_up(events(client, out))
    assert isinstance(answer, Response) and answer.stop_reason == "end_turn"


def test_pairs_and_what_only_looks_like_an_escape_stay():
    whole = rb'["\ud83d\ude00", "\\ud83d", "\u00e9"]'
    assert mended_json(whole) == whole
    assert mended("\U0001f600") == "\U0001f600"
