"""Events of `wire.ir` → a streamed answer of the Messages API.

Its blocks come one after the other, while OpenAI's dialects may send the arguments of several calls by turns: what
belongs to a block other than the open one waits until that has ended, and then goes out in one piece, in the order in
which the blocks began. An empty text is never begun, since a client that sent it back would be refused.

>>> stream = Encoder(Request("claude-opus-5"))
>>> stream.encode(BlockStarted(0, Text("")))
b''
>>> stream.encode(Delta(0, "text", "hi")).count(b"event: ")
2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from synrouter_cli.wire.codecs.anthropic.answer_blocks import AnswerWriter
from synrouter_cli.wire.codecs.anthropic.answers import KNOWN_EXTRAS, message_id, stop
from synrouter_cli.wire.codecs.anthropic.blocks_out import written
from synrouter_cli.wire.codecs.anthropic.failure import failure_body
from synrouter_cli.wire.codecs.anthropic.usage import write_delta, write_usage
from synrouter_cli.wire.ir import (
    Block,
    BlockEnded,
    BlockStarted,
    Delta,
    Finished,
    Loss,
    Ping,
    Refusal,
    Request,
    Started,
    StreamEvent,
    Text,
    Thinking,
    ToolUse,
)
from synrouter_cli.wire.losses import field

__all__ = ["Encoder"]

Json = dict[str, Any]
_PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_DELTA: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":%b}}\n\n'
)
_PIECES: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "text": (b"text_delta", b"text"),
    "refusal": (b"text_delta", b"text"),
    "thinking": (b"thinking_delta", b"thinking"),
    "signature": (b"signature_delta", b"signature"),
    "arguments": (b"input_json_delta", b"partial_json"),
    "citation": (b"citations_delta", b"citation"),
}
_FREE: Final = ('{"input":"', '"}')
_END_EXTRAS: Final = ("container", "stop_details")
"""Fields of the message that come with its stop reason; the others stand beside it."""


class Encoder:
    """One stream's state. `asked` is the request that is answered: its model's name is told."""

    def __init__(self, asked: Request) -> None:
        self._asked = asked
        self._to = AnswerWriter()
        self._waiting: dict[int, list[BlockStarted | Delta | BlockEnded]] = {}
        """By the block's own index, in the order of their start: what is still to be sent of it."""
        self._current: int | None = None
        self._written = 0
        self._is_begun = False
        """`content_block_start` of the current block went out."""
        self._is_left_out = False
        """The API has nothing like the current block."""
        self._block: Block = Text("")
        self._is_free = False
        """The current block is a call with free text, which stands in the one property of a function here."""

    @property
    def losses(self) -> Sequence[Loss]:
        return self._to.losses

    def encode(self, event: StreamEvent) -> bytes:
        if isinstance(event, Delta):
            if event.index == self._current:
                return self._delta(event)
            if event.index in self._waiting:
                self._waiting[event.index].append(event)
            return b""
        if isinstance(event, BlockStarted | BlockEnded):
            return self._turn(event)
        if isinstance(event, Ping):
            return _PING
        if isinstance(event, Started):
            return self._start(event)
        return self._finish(event) if isinstance(event, Finished) else _named("error", failure_body(event))

    def end(self) -> bytes:
        return b""

    # ── blocks, one after the other ──

    def _turn(self, event: BlockStarted | BlockEnded) -> bytes:
        if isinstance(event, BlockStarted):
            if self._current is None:
                return self._open(event)
            self._waiting[event.index] = [event]
            return b""
        if event.index != self._current:
            if event.index in self._waiting:
                self._waiting[event.index].append(event)
            return b""
        return self._close() + self._next()

    def _next(self) -> bytes:
        """The blocks that waited, up to one that has not ended."""
        out: list[bytes] = []
        while self._current is None and self._waiting:
            out += [self._replay(one) for one in self._waiting.pop(next(iter(self._waiting)))]
        return b"".join(out)

    def _replay(self, event: BlockStarted | Delta | BlockEnded) -> bytes:
        if isinstance(event, BlockStarted):
            return self._open(event)
        return self._delta(event) if isinstance(event, Delta) else self._close()

    def _open(self, event: BlockStarted) -> bytes:
        self._current, self._block, self._is_begun, self._is_left_out = event.index, event.block, False, False
        if isinstance(event.block, Text | Refusal) and not event.block.text:
            return b""
        self._is_free = isinstance(event.block, ToolUse) and event.block.kind == "custom"
        if isinstance(event.block, ToolUse) and self._is_free:
            self._block = replace(event.block, kind="function", arguments="")
            return self._begin() + self._piece("arguments", _FREE[0] + _escaped(event.block.arguments))
        return self._begin()

    def _begin(self) -> bytes:
        start = _empty(self._block)
        block = start if start is not None else self._to.block(self._block, f"content.{self._current}")
        if block is None:
            self._is_left_out = True
            return b""
        self._is_begun = True
        body = {"type": "content_block_start", "index": self._written, "content_block": block}
        return _named("content_block_start", body)

    def _delta(self, event: Delta) -> bytes:
        if event.kind == "citation" and not _is_citation(event.data):
            self._to.lose("citations", f"content.{event.index}")
            return b""
        if self._is_left_out:
            return b""
        begun = b"" if self._is_begun else self._begin()
        return begun + self._piece(event.kind, _escaped(event.data) if self._is_free else event.data)

    def _piece(self, of: str, data: Any) -> bytes:
        kind, name = _PIECES[of]
        return _DELTA % (self._written, kind, name, written(data))

    def _close(self) -> bytes:
        if self._is_free:
            self._is_free = False
            return self._piece("arguments", _FREE[1]) + self._close()
        self._current = None
        if not self._is_begun:
            return b""
        index, self._written, self._is_begun = self._written, self._written + 1, False
        return b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % index

    # ── the message around them ──

    def _start(self, event: Started) -> bytes:
        rest = event.extras.get("usage")
        message: Json = {
            "id": message_id(event.id),
            "type": "message",
            "role": "assistant",
            "model": self._asked.model or event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(event.usage, None, rest if isinstance(rest, Mapping) else {}),
        }
        message |= self._known(event.extras)
        return _named("message_start", {"type": "message_start", "message": message})

    def _finish(self, event: Finished) -> bytes:
        out = b"" if self._current is None else self._turn(BlockEnded(self._current))
        reason, sequence = stop(event.stop_reason, event.stop_sequence)
        extras = self._known(event.extras)
        delta = {"stop_reason": reason, "stop_sequence": sequence}
        delta |= {name: value for name, value in extras.items() if name in _END_EXTRAS}
        rest = event.extras.get("usage")
        body: Json = {"type": "message_delta", "delta": delta}
        body["usage"] = write_delta(event.usage, event.reasoning_tokens, rest if isinstance(rest, Mapping) else {})
        body |= {name: value for name, value in extras.items() if name not in _END_EXTRAS}
        return out + _named("message_delta", body) + _STOP

    def _known(self, extras: Mapping[str, Any]) -> Json:
        others = [name for name in extras if name not in KNOWN_EXTRAS and name != "usage"]
        self._to.losses.extend(field(name) for name in others)
        return {name: value for name, value in extras.items() if name in KNOWN_EXTRAS}


def _empty(block: Block) -> Json | None:
    """How a block that comes in pieces begins; None for one that comes whole."""
    if isinstance(block, Text | Refusal):
        return {"type": "text", "text": ""}
    if isinstance(block, Thinking):
        return {"type": "thinking", "thinking": block.text, "signature": block.signature}
    return None


def _escaped(text: str) -> str:
    """Text as it stands between the quotes of JSON; that of two pieces is that of their sum."""
    return written(text).decode()[1:-1]


def _is_citation(value: Any) -> bool:
    return isinstance(value, Mapping) and str(value.get("type", "")).endswith("_location")


def _named(name: str, body: Json) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), written(body))
