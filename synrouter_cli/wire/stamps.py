"""Whose signature stands under a piece of thinking, where several providers speak Anthropic's dialect.

Claude's signatures are good wherever Claude is served. Those of other vendors' models are not: sent to Claude, a
signature of theirs ends the request with a 400. So they get their provider's stamp on the way to the client, which
gives it back with the thinking; it is taken off for that provider, and what bears another's is left out.

>>> stamp("minimax"), stamp("minimax") + "c2ln"
('~synrouter.2.minimax:', '~synrouter.2.minimax:c2ln')
>>> body = b'{"signature": "~synrouter.2.minimax:c2ln"}'
>>> without_stamps(body, "minimax"), is_stamped(without_stamps(body, "zai"))
(b'{"signature": "c2ln"}', True)
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec.structs import replace

from synrouter_cli.wire.ir import (
    Block,
    BlockEnded,
    BlockStarted,
    Delta,
    Loss,
    Message,
    Request,
    Response,
    StreamEvent,
    Thinking,
)
from synrouter_cli.wire.sealed import OURS, unseal

__all__ = ["EventStamper", "is_stamped", "returned", "stamp", "stamped_response", "without_stamps"]

_MARK: Final = OURS + "2."
_RAW_MARK: Final = _MARK.encode()
_SIGNATURE: Final = rb'"signature"\s*:\s*"[^"\\]*'
_FIELD: Final = re.compile(_SIGNATURE)
_STAMPED: Final = re.compile(rb'"signature"\s*:\s*"' + re.escape(_RAW_MARK))


def stamp(provider: str) -> str:
    """What stands in front of a signature of this provider's."""
    return f"{_MARK}{provider}:"


# ── in a request's bytes; in a text the field's quotes are escaped ──


def is_stamped(body: bytes) -> bool:
    """Whether a signature in it bears a stamp."""
    return _STAMPED.search(body) is not None


def without_stamps(body: bytes, provider: str) -> bytes:
    """The body with this provider's signatures as it gave them."""
    ours = stamp(provider).encode()
    if ours not in body:
        return body
    return _FIELD.sub(lambda found: found[0].replace(ours, b""), body)


# ── in a request that is read ──


def returned(request: Request, provider: str, *, strict: bool) -> tuple[Request, tuple[Loss, ...]]:
    """The request for this provider: its own signatures as it gave them, thinking that another has stamped left out.
    With `strict` so is thinking that nobody has signed, which Claude refuses.

    Also where another dialect carried the thinking, sealed (`sealed.py`).
    """
    losses: list[Loss] = []
    messages: list[Message] = []
    for place, message in enumerate(request.messages):
        blocks: list[Block] = []
        for index, block in enumerate(message.blocks):
            if isinstance(block, Thinking):
                kept = _returned(block, provider, strict)
                if kept is None:
                    losses.append(Loss("foreign_thinking", f"messages.{place}.content.{index}"))
                    continue
                block = kept
            blocks.append(block)
        if len(blocks) == len(message.blocks) and all(map(_is, blocks, message.blocks)):
            messages.append(message)
        elif blocks:
            messages.append(replace(message, blocks=tuple(blocks)))
    return replace(request, messages=tuple(messages)), tuple(losses)


def _returned(block: Thinking, provider: str, strict: bool) -> Thinking | None:
    signature = block.signature
    sealed = unseal(signature)
    if sealed is not None:
        value: Any = sealed[1]
        if sealed[0] != "anthropic" or not isinstance(value, dict) or not isinstance(value.get("signature"), str):
            return block
        signature = value["signature"]
        if not signature.startswith(_MARK):
            return block
        block = Thinking(str(value.get("thinking", block.text)), signature)
    if not signature.startswith(_MARK):
        return None if strict and not signature and not block.item else block
    if not signature.startswith(stamp(provider)):
        return None
    return replace(block, signature=signature.replace(stamp(provider), ""))


def _is(one: object, other: object) -> bool:
    return one is other


# ── in answers ──


def stamped_response(response: Response, provider: str) -> Response:
    """An answer in one piece, for the client. Thinking that its provider did not sign bears the stamp alone."""

    def stamped(block: Block) -> Block:
        if isinstance(block, Thinking):
            return replace(block, signature=stamp(provider) + block.signature)
        return block

    return replace(response, blocks=tuple(map(stamped, response.blocks)))


class EventStamper:
    """The same of a stream. A signature in several pieces bears several stamps; all are taken off again."""

    def __init__(self, provider: str) -> None:
        self._stamp = stamp(provider)
        self._unsigned: set[int] = set()

    def event(self, event: StreamEvent) -> list[StreamEvent]:
        """What an event becomes: the same, another, or two in its place."""
        if isinstance(event, BlockStarted) and isinstance(event.block, Thinking):
            if not event.block.signature:
                self._unsigned.add(event.index)
                return [event]
            return [replace(event, block=replace(event.block, signature=self._stamp + event.block.signature))]
        if isinstance(event, Delta) and event.kind == "signature" and event.data:
            self._unsigned.discard(event.index)
            return [replace(event, data=self._stamp + event.data)]
        if isinstance(event, BlockEnded) and event.index in self._unsigned:
            self._unsigned.discard(event.index)
            return [Delta(event.index, "signature", self._stamp), event]
        return [event]
