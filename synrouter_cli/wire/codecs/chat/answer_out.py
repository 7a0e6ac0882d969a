"""Values → an answer in one piece, under the model's name that was asked for.

>>> body, _ = encode_response(Response("m1", "claude", (Text("Hi"),), "end_turn"), Request("opus"), created=5)
>>> body
b'{"id":"m1","object":"chat.completion","created":5,"model":"opus","choices":[{"index":0,\
"message":{"role":"assistant","content":"Hi","refusal":null},"logprobs":null,"finish_reason":"stop"}]}'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synrouter_cli.wire.codecs.chat.answer_in import COUNTED, KEPT
from synrouter_cli.wire.codecs.chat.calls import call_out, carrying
from synrouter_cli.wire.codecs.chat.citations import annotation
from synrouter_cli.wire.codecs.chat.counts import counts_out, tier_out
from synrouter_cli.wire.codecs.chat.endings import ending_out
from synrouter_cli.wire.codecs.chat.fields import Object, dump
from synrouter_cli.wire.codecs.chat.reasoning import reasoning_out
from synrouter_cli.wire.codecs.chat.weaving import Placed, placed
from synrouter_cli.wire.ir import Block, Loss, RedactedThinking, Refusal, Request, Response, Text, Thinking, ToolUse
from synrouter_cli.wire.losses import field as field_loss

__all__ = ["encode_response", "foreign_extras", "merged", "sealed"]


def encode_response(response: Response, asked: Request, created: int = 0) -> tuple[bytes, tuple[Loss, ...]]:
    """The body, and what has no place in it. `created` is epoch seconds, for an answer that does not tell."""
    losses: list[Loss] = []
    message = _message(response.blocks, asked, losses)
    refused = any(isinstance(block, Refusal) for block in response.blocks)
    ending = ending_out(response.stop_reason, response.stop_sequence, refused=refused, legacy=asked.legacy)
    choice: Object = {"index": 0, "message": message, "logprobs": response.extras.get("logprobs"), **ending}
    body: Object = {
        "id": response.id,
        "object": "chat.completion",
        "created": created if response.created is None else response.created,
        "model": asked.model or response.model,
        "choices": [choice],
    }
    if response.usage is not None:
        body["usage"] = counts_out(response.usage, response.reasoning_tokens)
        if isinstance(more := response.extras.get(COUNTED), dict):
            body["usage"] = merged(body["usage"], more)
    body |= tier_out(response.usage)
    body |= {name: value for name, value in response.extras.items() if name in KEPT}
    losses += foreign_extras(response.extras)
    return dump(body), tuple(losses)


def foreign_extras(extras: Mapping[str, Any]) -> list[Loss]:
    """What an answer of another dialect holds beside its values."""
    found = [field_loss(name) for name in extras if name not in (*KEPT, COUNTED, "logprobs", "usage")]
    counted = extras.get("usage")
    return found + [field_loss(name, f"usage.{name}") for name in (counted if isinstance(counted, Mapping) else ())]


def merged(counts: Object, more: Object) -> Object:
    """Counts with what was kept beside them; their own win."""
    merged = {**more, **counts}
    details = more.get("completion_tokens_details")
    if isinstance(details, dict):
        merged["completion_tokens_details"] = {**details, **counts.get("completion_tokens_details", {})}
    return merged


def _message(blocks: tuple[Block, ...], asked: Request, losses: list[Loss]) -> Object:
    texts = [block.text for block in blocks if isinstance(block, Text)]
    refusals = [block.text for block in blocks if isinstance(block, Refusal)]
    message: Object = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    if annotations := _annotations(blocks, losses):
        message["annotations"] = annotations
    message |= reasoning_out(placed(blocks))
    calls = [block for block in blocks if isinstance(block, ToolUse)]
    if asked.legacy and calls:
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments or "{}"}
        losses += [Loss("parallel_calls", f"content.{blocks.index(call)}") for call in calls[1:]]
    elif calls:
        message["tool_calls"] = _calls(blocks, message)
    for i, block in enumerate(blocks):
        if not isinstance(block, Text | Refusal | ToolUse | Thinking | RedactedThinking):
            losses.append(Loss("block", f"content.{i}"))
    return message


def _calls(blocks: tuple[Block, ...], message: Object) -> list[Object]:
    """The calls; one that thinking stands before carries it, so that the client brings it back."""
    found: list[Object] = []
    waiting: list[Placed] = []
    thinking = iter(placed(blocks))
    for block in blocks:
        if isinstance(block, Thinking | RedactedThinking):
            waiting.append(next(thinking))
        elif isinstance(block, ToolUse):
            call = call_out(block)
            if any(sealed(one.block) for one in waiting):
                details = message.setdefault("reasoning_details", [])
                fields, entry = carrying(waiting, block.id, len(details))
                call |= fields
                details.append(entry)
            waiting = []
            found.append(call)
    return found


def sealed(block: Thinking | RedactedThinking) -> bool:
    """Whether a block is of use to the provider that it came from."""
    return bool(block.data if isinstance(block, RedactedThinking) else block.signature)


def _annotations(blocks: tuple[Block, ...], losses: list[Loss]) -> list[Object]:
    found: list[Object] = []
    start = 0
    for i, block in enumerate(blocks):
        if not isinstance(block, Text):
            continue
        for cited in block.citations:
            one = annotation(cited, start, start + len(block.text))
            if one is None:
                losses.append(Loss("citations", f"content.{i}"))
            else:
                found.append(one)
        start += len(block.text)
    return found
