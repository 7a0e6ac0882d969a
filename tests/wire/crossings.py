"""Hard cases on every way from one dialect to another, as the proxy translates them.

>>> [pair for pair in PAIRS if pair[0] != pair[1]][0], len(PAIRS)
(('anthropic', 'chat'), 9)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import pytest
from msgspec.structs import replace

from synrouter_cli.proxy.crossed import Crossed
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import (
    Block,
    BlockEnded,
    BlockStarted,
    Delta,
    Failure,
    Finished,
    Loss,
    Opaque,
    Request,
    Response,
    Started,
    StreamEvent,
)
from wire.cases import anthropic, chat, responses
from wire.oracle import answer_faults, error_faults, event_faults, events_of, request_faults

Json = dict[str, Any]
Named = list[tuple[str, Any]]

DIALECTS: Final = tuple(CODECS)
PAIRS: Final = [(one, other) for one in DIALECTS for other in DIALECTS]
CROSSINGS: Final = [pair for pair in PAIRS if pair[0] != pair[1]]
MODELS: Final = {"anthropic": "claude-opus-4-8", "chat": "gpt-6-sol", "responses": "gpt-6-sol"}
CREATED: Final = 1764115200


def sse(events: Iterable[Json], *, named: bool) -> bytes:
    lines = ((f"event: {one['type']}\n" if named else "") + f"data: {json.dumps(one)}\n\n" for one in events)
    return "".join(lines).encode()


REQUESTS: Final[dict[str, Named]] = {
    "anthropic": anthropic.REQUESTS,
    "chat": [*chat.REQUESTS, *chat.EXTENDED],
    "responses": responses.REQUESTS,
}
ANSWERS: Final[dict[str, Named]] = {
    "anthropic": anthropic.ANSWERS,
    "chat": [*chat.ANSWERS, *chat.EXTENDED_ANSWERS],
    "responses": responses.ANSWERS,
}
STREAMS: Final[dict[str, list[tuple[str, bytes]]]] = {
    "anthropic": [(name, sse(events, named=True)) for name, events in anthropic.STREAMS],
    "chat": [
        (name, sse(chunks, named=False) + b"data: [DONE]\n\n")
        for name, chunks in [*chat.STREAMS, *chat.EXTENDED_STREAMS]
    ],
    "responses": responses.STREAMS,
}
ERRORS: Final[dict[str, Named]] = {
    "anthropic": anthropic.ERRORS,
    "chat": chat.ERRORS,
    "responses": responses.ERRORS,
}


def on(pairs: Iterable[tuple[str, str]], cases: dict[str, Any], *, of: int = 0) -> list[Any]:
    """The cases of each pair, as test parameters; those of its first dialect, or its second with `of=1`."""
    return [
        pytest.param(*pair, value, id=f"{pair[0]}-{pair[1]}: {name}")
        for pair in pairs
        for name, value in cases[pair[of]]
    ]


def dumped(value: Any) -> bytes:
    """As clients in JavaScript write it."""
    return json.dumps(value, separators=(",", ":")).encode()


# ── requests ──


def read(dialect: str, body: Json | bytes) -> tuple[Request, tuple[Loss, ...]]:
    raw = body if isinstance(body, bytes) else dumped(body)
    return CODECS[dialect].decode_request(raw)  # type: ignore[index]


def carried(
    body: Json | bytes, source: str, target: str, model: str | None = None
) -> tuple[Request, bytes, tuple[Loss, ...]]:
    """What a body says, what goes out for it to a model of the target's, and all that was lost."""
    request, lost = read(source, body)
    if source != target:
        request = replace(request, model=model or MODELS[target])
    out, more = CODECS[target].encode_request(request)  # type: ignore[index]
    return request, out, (*lost, *more)


# ── answers ──

READ: Final = {"type": "object", "properties": {"path": {"type": "string"}}}


def asked(dialect: str, *, stream: bool = False) -> Request:
    """A request whose tools the answers of all cases call: Codex's where the client can have those."""
    names = ("read", "Read", "ls", "a", "b", "now", "mcp__demo__echo")
    functions = [(name, READ) for name in names]
    if dialect == "anthropic":
        tools: list[Json] = [{"name": name, "input_schema": schema} for name, schema in functions]
        body: Json = anthropic.request(tools=tools)
    elif dialect == "chat":
        tools = [{"type": "function", "function": {"name": name, "parameters": schema}} for name, schema in functions]
        body = chat.request(tools=[*tools, chat.custom()], stream_options={"include_usage": True})
    else:
        tools = [responses.function(name) for name in names[:-1]]
        body = responses.asked(
            responses.HI, tools=[*tools, responses.PATCH, responses.DEMO, responses.SEARCH, {"type": "local_shell"}]
        )
    return read(dialect, {**body, "stream": stream})[0]


def translated(
    data: bytes | Iterable[bytes], upstream: str, client: str, *, stream: bool = False, status: int = 200
) -> tuple[bytes, tuple[str, ...], int | None]:
    """An answer as the client gets it, the codes of what was lost, and its status where that is another."""
    crossed = Crossed(
        stream=stream,
        upstream=CODECS[upstream],  # type: ignore[index]
        client=CODECS[client],  # type: ignore[index]
        asked=asked(client, stream=stream),
        created=CREATED,
        upstream_status=status,
    )
    out = bytearray()
    for piece in (data,) if isinstance(data, bytes) else data:
        crossed.feed(piece)
        out += crossed.take()
    crossed.end()
    return bytes(out + crossed.take()), tuple(loss.code for loss in crossed.losses), crossed.status


def events(dialect: str, stream: bytes) -> list[StreamEvent]:
    decoder = CODECS[dialect].stream_decoder()  # type: ignore[index]
    return [*decoder.feed(stream), *decoder.end()]


_PIECES: Final = "pieces of input"
_FIELDS: Final = {"text": "text", "thinking": "text", "refusal": "text"}


def added_up(events: Iterable[StreamEvent]) -> Response | Failure:
    """The answer that a stream tells; the failure, where it ends in one."""
    started, finished, failure = Started("", ""), None, None
    blocks: dict[int, Block] = {}
    open_blocks: set[int] = set()
    for event in events:
        match event:
            case Started():
                started = event
            case BlockStarted():
                assert event.index == len(blocks)
                blocks[event.index] = event.block
                open_blocks.add(event.index)
            case Delta():
                assert event.index in open_blocks
                blocks[event.index] = _longer(blocks[event.index], event)
            case BlockEnded():
                open_blocks.remove(event.index)
            case Finished():
                finished = event
            case Failure():
                failure = event
    if failure is not None:
        return failure
    assert finished is not None and not open_blocks
    return Response(
        started.id,
        started.model,
        tuple(blocks.values()),
        finished.stop_reason,
        finished.stop_sequence,
        finished.usage or started.usage,
        finished.reasoning_tokens,
        started.created,
        finished.extras,
    )


def _longer(block: Any, delta: Delta) -> Block:
    if isinstance(block, Opaque):  # a server's tool: its input comes in pieces too
        pieces = block.data.get(_PIECES, "") + delta.data
        return replace(block, data={**block.data, _PIECES: pieces, "input": pieces})
    if delta.kind == "citation":
        return replace(block, citations=(*block.citations, delta.data))
    name = _FIELDS.get(delta.kind, delta.kind)
    longer: Block = replace(block, **{name: getattr(block, name) + delta.data})
    return longer


# ── the oracle ──

ADDED: Final = frozenset(
    "cache_control reasoning reasoning_content reasoning_text reasoning_details extra_content thinking"
    " native_finish_reason stop_reason annotations cache_creation".split()
)
"""What servers and clients of Chat Completions have added to it, and the SDK's types do not know."""


def plain(dialect: str, value: Any) -> Any:
    """A body without what is known to go beyond the SDK's types."""
    if dialect != "chat":
        return value
    if isinstance(value, dict):
        return {key: plain(dialect, one) for key, one in value.items() if key not in ADDED}
    return [plain(dialect, one) for one in value] if isinstance(value, list) else value


def request_is_wrong(dialect: str, body: bytes) -> list[str]:
    return request_faults(dialect, plain(dialect, json.loads(body)))


def answer_is_wrong(dialect: str, body: bytes) -> list[str]:
    return answer_faults(dialect, plain(dialect, json.loads(body)))


def stream_is_wrong(dialect: str, stream: bytes) -> list[str]:
    return [fault for event in events_of(stream) for fault in _event_is_wrong(dialect, event)]


def _event_is_wrong(dialect: str, event: Json) -> list[str]:
    if dialect == "chat" and "error" in event:
        return error_faults(dialect, event)
    return event_faults(dialect, plain(dialect, event))
