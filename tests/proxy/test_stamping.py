"""Stamps in answers that go through as they came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.edge import Edge, running_edge, whole
from synrouter_cli.credentials import Secret
from synrouter_cli.proxy.stamping import StreamStamper, WholeStamper
from synrouter_cli.wire.stamps import stamp

MINE = stamp("zai")
CALL = {"type": "tool_use", "id": "t", "name": "check", "input": {"signature": "def f(x)", "type": "thinking"}}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "glm-5",
    "content": [
        {"type": "thinking", "thinking": 'A "signature": "x"? é', "signature": "c2ln"},
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": '"signature":"no"'},
        CALL,
    ],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


def line(value: object, end: str = "\n") -> bytes:
    data = json.dumps(value, ensure_ascii=False)
    return f"event: x{end}data: {data}{end}{end}".encode()


def events(end: str, signature: str) -> bytes:
    """A stream of a signed thought, a text and a call."""
    values = [
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "thinking", "thinking": "", "signature": ""},
        },
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": '"signature":"é"'}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "signature_delta", "signature": signature + "c2"},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "signature_delta", "signature": signature + "ln"},
        },
        {"type": "content_block_start", "index": 1, "content_block": CALL},
        {
            "type": "content_block_start",
            "index": 2,
            "content_block": {"type": "thinking", "signature": signature + "d2"},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": '{"signature":"x'},
        },
    ]
    return b"".join(line(value, end) for value in values) + b': a comment about "signature":"x"\n\n'


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_streams_signatures_and_nothing_else_wherever_it_is_split(end: str):
    plain, expected = events(end, ""), events(end, MINE)
    for size in [*range(1, 24), 1000, len(plain)]:
        stamper = StreamStamper("zai")
        out = b"".join(stamper.feed(plain[at : at + size]) for at in range(0, len(plain), size)) + stamper.end()
        assert out == expected


def test_thinking_that_is_not_signed_bears_the_stamp_alone():
    thought = [
        line({"type": "content_block_start", "index": 4, "content_block": {"type": "thinking", "thinking": ""}}),
        line({"type": "content_block_delta", "index": 4, "delta": {"type": "thinking_delta", "thinking": "t"}}),
    ]
    stop = line({"type": "content_block_stop", "index": 4})
    stamper = StreamStamper("zai")
    out = stamper.feed(b"".join([*thought, stop, stop]))
    alone = out.removeprefix(b"".join(thought)).removesuffix(stop + stop)
    assert json.loads(alone.partition(b"data: ")[2])["delta"] == {"type": "signature_delta", "signature": MINE}


def test_an_event_that_is_cut_off_comes_as_far_as_it_came():
    stamper = StreamStamper("zai")
    assert stamper.feed(b'data: {"delta":{"type":"signature_delta","signature":"c2') == b""
    assert stamper.end() == b'data: {"delta":{"type":"signature_delta","signature":"c2'


@pytest.mark.parametrize("indent", [None, 2])
def test_a_whole_answers_signatures_and_nothing_else(indent: int | None):
    expected = json.loads(json.dumps(MESSAGE))
    expected["content"][0]["signature"] = MINE + "c2ln"
    expected["content"][1]["signature"] = MINE
    stamper = WholeStamper("zai")
    raw = json.dumps(MESSAGE, indent=indent).encode()
    assert b"".join(stamper.feed(raw[at : at + 7]) for at in range(0, len(raw), 7)) == b""
    assert stamper.end() == json.dumps(expected, indent=indent).encode()


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"content": 5}', b'{"content": [5]}', b"[]", b"\xff"])
def test_what_is_no_message_comes_as_it_is(body: bytes):
    stamper = WholeStamper("zai")
    assert stamper.feed(body) + stamper.end() == body


# ── through the proxy: to another provider and back ──

KEYS = {name: Secret(f"sk-{name}") for name in ("anthropic", "zai")}
ROUTES = (("claude-*", ("anthropic", "zai/glm-5")),)
BUSY = whole(b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}', 529, x_should_retry="false")
HELLO = {"role": "user", "content": "hi"}


def asked(*messages: Any, model: str = "claude-opus-4-8") -> bytes:
    return json.dumps({"model": model, "max_tokens": 9, "messages": [HELLO, *messages, HELLO]}).encode()


def sent(edge: Edge) -> Any:
    return json.loads(edge.upstream.received[-1].body)["messages"]


async def test_thinking_of_a_fallback_goes_back_to_it_as_it_came_and_never_to_claude():
    body = json.dumps(MESSAGE).encode()
    async with running_edge(provider_keys=KEYS, points=tuple(KEYS), routes=ROUTES) as edge:
        edge.upstream.plays(BUSY, whole(body), whole(body), whole(body))
        answer = (await edge.ask(body=asked())).json()
        assert answer["content"][0]["signature"] == MINE + "c2ln"
        assert answer["content"][1]["signature"] == MINE
        assert answer["content"][2:] == MESSAGE["content"][2:]
        again = {"role": "assistant", "content": answer["content"][:1] + answer["content"][2:3]}

        await edge.ask(body=asked(again, model="zai/glm-5"))
        assert edge.upstream.received[-1].body == asked(
            {"role": "assistant", "content": [MESSAGE["content"][0], MESSAGE["content"][2]]}, model="glm-5"
        )
        edge.upstream.plays(whole(body))
        await edge.ask(body=asked(again, model="anthropic/claude-haiku-4-5"))
        assert sent(edge)[1]["content"] == [MESSAGE["content"][2]]
        losses = edge.turns.turns[-1].outcome.losses
        assert [(loss.code, loss.path) for loss in losses] == [("foreign_thinking", "messages.1.content.0")]


@pytest.mark.parametrize("streamed", [False, True])
async def test_so_it_is_where_another_dialect_carries_it(streamed: bool):
    keys = {"anthropic": Secret("sk-a"), "minimax": Secret("sk-m")}
    target = "/v1/responses"

    def question(*items: Any, model: str = "minimax/minimax-m2") -> bytes:
        return json.dumps({"model": model, "input": [HELLO, *items, HELLO], "stream": streamed}).encode()

    body = json.dumps({**MESSAGE, "content": [MESSAGE["content"][0], {"type": "text", "text": "so"}]}).encode()
    parts = {"message": {**MESSAGE, "content": []}, "delta": {"stop_reason": "end_turn"}, "usage": MESSAGE["usage"]}
    stream = b"".join(
        [
            line({"type": "message_start", "message": parts["message"]}),
            events("\n", "").partition(b'event: x\ndata: {"type": "content_block_start", "index": 1')[0],
            line({"type": "content_block_stop", "index": 0}),
            line({"type": "message_delta", "delta": parts["delta"], "usage": parts["usage"]}),
            line({"type": "message_stop"}),
        ]
    )
    answered = whole(stream, content_type="text/event-stream") if streamed else whole(body)
    async with running_edge(provider_keys=keys, points=tuple(keys)) as edge:
        edge.upstream.plays(answered)
        said = await edge.ask(target=target, body=question())
        if streamed:
            values = [json.loads(each[6:]) for each in said.body.decode().splitlines() if each.startswith("data: ")]
            output = next(value for value in values if value["type"] == "response.completed")["response"]["output"]
        else:
            output = said.json()["output"]
        await edge.ask(target=target, body=question(*output))
        assert edge.upstream.received[-1].line.startswith("POST /anthropic/v1/messages")
        assert sent(edge)[1]["content"][0]["signature"] == "c2ln"
        await edge.ask(target=target, body=question(*output, model="claude-opus-4-8"))
        assert b"c2ln" not in edge.upstream.received[-1].body
        assert b"synrouter" not in edge.upstream.received[-1].body


async def test_claudes_own_signatures_are_never_touched():
    own = {"type": "thinking", "thinking": "t", "signature": "EqQB"}
    body = json.dumps({**MESSAGE, "content": [own]}).encode()
    async with running_edge(provider_keys=KEYS, points=tuple(KEYS)) as edge:
        edge.upstream.plays(whole(body))
        assert (await edge.ask(body=asked())).body == body
        question = asked({"role": "assistant", "content": [own, {"type": "text", "text": stamp("zai")}]})
        await edge.ask(body=question)
        assert edge.upstream.received[-1].body == question
