"""An answer in one piece → `Response`, or the `Failure` that it tells.

>>> answer, _ = decode_response(b'{"id": "resp_1", "model": "gpt-6", "status": "completed", "output": '
...     b'[{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}]}')
>>> answer.blocks[0].text, answer.stop_reason
('Hi', 'end_turn')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.responses import reasoning
from synrouter_cli.wire.codecs.responses.calls import CALLS, read_call
from synrouter_cli.wire.codecs.responses.citations import cited
from synrouter_cli.wire.codecs.responses.clientside import BY_CALL
from synrouter_cli.wire.codecs.responses.counts import read_usage
from synrouter_cli.wire.codecs.responses.endings import read_end
from synrouter_cli.wire.codecs.responses.failures import read_body, read_error
from synrouter_cli.wire.codecs.responses.reading import load
from synrouter_cli.wire.ir import Block, Failure, Loss, Opaque, Refusal, Response, Text, ToolUse

Item = dict[str, Any]

FAILED = ("failed", "cancelled")


def decode_response(body: bytes) -> tuple[Response | Failure, tuple[Loss, ...]]:
    """Never raises: what is no answer is a Failure."""
    try:
        source = load(body)
    except InvalidRequest:
        return Failure("api_error", "The provider's answer is not JSON."), ()
    if source.get("status") in FAILED:
        return failed(source), ()
    if not isinstance(source.get("output"), list):
        return read_body(source), ()
    losses: list[Loss] = []
    blocks = [block for i, item in enumerate(source["output"]) for block in read_item(item, f"output.{i}", losses)]
    usage, thought = read_usage(source.get("usage"), source.get("service_tier"))
    return Response(
        id=str(source.get("id") or ""),
        model=str(source.get("model") or ""),
        blocks=tuple(blocks),
        stop_reason=stop_reason(source, blocks),
        usage=usage,
        reasoning_tokens=thought,
        created=created(source),
    ), tuple(losses)


def failed(source: Mapping[str, Any]) -> Failure:
    if source.get("error"):
        return read_error(source["error"])
    return Failure("api_error", f"The provider's answer is {source.get('status')}.")


def created(source: Mapping[str, Any]) -> int | None:
    value = source.get("created_at")
    return int(value) if isinstance(value, int | float) else None


def stop_reason(source: Mapping[str, Any], blocks: list[Block]) -> str:
    called = any(isinstance(block, ToolUse) for block in blocks)
    refused = any(isinstance(block, Refusal) for block in blocks)
    return read_end(source.get("status"), reason_of(source), called=called, refused=refused)


def reason_of(source: Mapping[str, Any]) -> object:
    details = source.get("incomplete_details")
    return details.get("reason") if isinstance(details, Mapping) else None


def read_item(item: Any, path: str, losses: list[Loss]) -> list[Block]:
    """The blocks of an output item; one that can't be read is none, and a loss."""
    kind = item.get("type") if isinstance(item, dict) else None
    try:
        if kind == "message":
            return [read_part(part, f"{path}.content.{i}", losses) for i, part in enumerate(item.get("content") or ())]
        if kind in CALLS:
            return [called(item, path)]
    except (InvalidRequest, AttributeError, TypeError):
        losses.append(Loss("block", path))
        return []
    if kind == "reasoning":
        thinking = reasoning.read_answer(item)
        return [] if thinking is None else [thinking]
    if isinstance(kind, str):
        return [Opaque("responses", kind, item)]
    losses.append(Loss("block", path))
    return []


def called(item: Item, path: str) -> ToolUse:
    """A call of an answer: the ids and states of its items are of no more use."""
    call = read_call(item, path)
    return replace(call, item={"type": item["type"]} if item["type"] in BY_CALL else None)


def read_part(part: Item, path: str, losses: list[Loss]) -> Block:
    """A part of an answer's message, as a stream would tell it: annotations of files have no place."""
    if part.get("type") == "refusal":
        return Refusal(str(part.get("refusal") or ""))
    said = str(part.get("text") or "")
    found = [cited(mark, said) for mark in part.get("annotations") or ()]
    if None in found:
        losses.append(Loss("citations", path))
    return Text(said, citations=tuple(citation for citation in found if citation is not None))
