"""A streamed answer of the Messages API → events of `wire.ir`, whatever the pieces that its bytes come in.

The answer ends with `message_stop`; one that breaks off before its stop reason is a Failure. What is new to us is left
out, as the API asks of its clients (platform.claude.com, "Streaming messages").

>>> stream = Decoder()
>>> stream.feed(b'event: ping\\ndata: {"type": "ping"}\\n\\n'), stream.end()[0].type
([Ping()], 'api_error')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.anthropic import shapes
from synrouter_cli.wire.codecs.anthropic.blocks_in import blocks
from synrouter_cli.wire.codecs.anthropic.failure import read_failure
from synrouter_cli.wire.codecs.anthropic.usage import read_usage
from synrouter_cli.wire.codecs.halves import mended_json
from synrouter_cli.wire.ir import (
    Block,
    BlockEnded,
    BlockStarted,
    Delta,
    Failure,
    Finished,
    Loss,
    Ping,
    RedactedThinking,
    Started,
    StreamEvent,
    Text,
    Thinking,
    ToolUse,
)
from synrouter_cli.wire.sse import Event, EventStream

__all__ = ["Decoder"]

_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one event; a result of a server's tool comes in one."""
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidRequest)
_CUT: Final = Failure("api_error", "The provider's stream ended in the middle of its answer.", 502)


class _Piece(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    citation: Any = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    delta: _Piece | None = None
    content_block: msgspec.Raw = msgspec.Raw()


_event: Final = msgspec.json.Decoder(_Event).decode
_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_PIECES: Final[Mapping[str, tuple[Any, Callable[[_Piece], Any]]]] = {
    "text_delta": ("text", lambda piece: piece.text),
    "thinking_delta": ("thinking", lambda piece: piece.thinking),
    "signature_delta": ("signature", lambda piece: piece.signature),
    "input_json_delta": ("arguments", lambda piece: piece.partial_json),
    "citations_delta": ("citation", lambda piece: piece.citation),
}
_GROW: Final[Mapping[type, tuple[str, ...]]] = {
    Text: ("text", "citation"),
    Thinking: ("thinking", "signature"),
    RedactedThinking: (),
}
_GROWS: Final = ("arguments",)
"""What grows of calls, also of a server's tools."""


class Decoder:
    """One stream's state."""

    def __init__(self) -> None:
        self._stream = EventStream(limit=_LIMIT)
        self._losses: list[Loss] = []
        self._open: dict[int, tuple[int, bool, tuple[str, ...]]] = {}
        """The provider's index of an open block → ours, whether it is a call without arguments so far, and the kinds
        of pieces that it takes."""
        self._begun = 0
        self._usage: dict[str, Any] = {}
        self._ending: dict[str, Any] = {}
        self._extras: dict[str, Any] = {}
        self._done = False

    @property
    def losses(self) -> Sequence[Loss]:
        return self._losses

    def feed(self, data: bytes) -> list[StreamEvent]:
        out: list[StreamEvent] = []
        for event in self._stream.feed(data):
            if not self._done:
                out += self._take(event)
        return out

    def end(self) -> list[StreamEvent]:
        """Where the last blank line is missing, the event before it still counts."""
        out = self.feed(b"\n\n") if self._stream.pending else []
        if self._done:
            return out
        self._done = True
        return out + (self._finish() if self._ending.get("stop_reason") is not None else [_CUT])

    def _take(self, event: Event) -> list[StreamEvent]:
        if not event.data or event.data.strip() == b"[DONE]":
            return [] if event.whole else self._unreadable("an event is too long")
        try:
            read = _event(event.data)
            kind = read.type or event.name.decode("ascii", "replace")
            if kind == "content_block_delta":
                return self._delta(read)
            if kind == "content_block_start":
                return self._start(read)
            if kind == "content_block_stop":
                return self._stop(read.index)
            return self._rare(kind, event.data)
        except _UNREADABLE as error:
            if (whole := mended_json(event.data)) != event.data:
                return self._take(event._replace(data=whole))
            return self._unreadable(error.message if isinstance(error, InvalidRequest) else str(error))

    def _rare(self, kind: str, data: bytes) -> list[StreamEvent]:
        if kind == "ping":
            return [Ping()]
        if kind == "message_start":
            return [self._begin(_object(data))]
        if kind == "message_delta":
            self._end_with(_object(data))
        elif kind == "message_stop":
            self._done = True
            return self._finish()
        elif kind == "error":
            self._done = True
            return [read_failure(_object(data))]
        return []

    def _unreadable(self, detail: str) -> list[StreamEvent]:
        self._done = True
        return [Failure("api_error", f"The provider's stream can't be read: {detail}", 502)]

    # ── the message ──

    def _begin(self, event: dict[str, Any]) -> StreamEvent:
        found = event.get("message")
        message = found if isinstance(found, dict) else {}
        self._report(message.get("usage"))
        usage, _, rest = read_usage(self._usage)
        known = ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage")
        extras = {name: value for name, value in message.items() if name not in known and value is not None}
        return Started(_word(message.get("id")), _word(message.get("model")), usage, extras=_with_usage(extras, rest))

    def _end_with(self, event: dict[str, Any]) -> None:
        delta = event.get("delta")
        self._report(event.get("usage"))
        for name, value in (delta if isinstance(delta, dict) else {}).items():
            if value is not None:
                self._ending[name] = value
        more = {name: value for name, value in event.items() if name not in ("type", "delta", "usage")}
        self._extras |= {name: value for name, value in more.items() if value is not None}

    def _report(self, usage: Any) -> None:
        """The last value of each count wins; nothing is added up."""
        if isinstance(usage, dict):
            self._usage |= {name: value for name, value in usage.items() if value is not None}

    def _finish(self) -> list[StreamEvent]:
        out: list[StreamEvent] = []
        for index in sorted(self._open):
            out += self._stop(index)
        usage, thought, rest = read_usage(self._usage or None)
        reason, sequence = self._ending.pop("stop_reason", None), self._ending.pop("stop_sequence", None)
        extras = _with_usage({**self._ending, **self._extras}, rest)
        return [*out, Finished(reason, sequence, usage, thought, extras)]

    # ── its blocks ──

    def _start(self, read: _Event) -> list[StreamEvent]:
        out = self._stop(read.index)  # some relays give every block the same index
        (block,) = blocks([shapes.read(shapes.Block, read.content_block, "content_block")], "")
        index, self._begun = self._begun, self._begun + 1
        emptied, begun = _emptied(block)
        self._open[read.index] = (index, isinstance(block, ToolUse) and begun is None, _GROW.get(type(block), _GROWS))
        out.append(BlockStarted(index, emptied))
        return out if begun is None else [*out, Delta(index, *begun)]

    def _delta(self, read: _Event) -> list[StreamEvent]:
        place, piece = self._open.get(read.index), read.delta
        if place is None or piece is None:
            return []
        if piece.type not in _PIECES:
            self._losses.append(Loss("block", f"content.{place[0]}"))
            return []
        kind, take = _PIECES[piece.type]
        value = take(piece)
        if not value:
            return []
        if kind not in place[2]:
            self._losses.append(Loss("block", f"content.{place[0]}"))
            return []
        if place[1]:
            self._open[read.index] = (place[0], False, place[2])
        return [Delta(place[0], kind, value)]

    def _stop(self, given: int) -> list[StreamEvent]:
        place = self._open.pop(given, None)
        if place is None:
            return []
        index, is_bare_call, _ = place
        if is_bare_call:  # the buffered answer says {} too
            return [Delta(index, "arguments", "{}"), BlockEnded(index)]
        return [BlockEnded(index)]


def _emptied(block: Block) -> tuple[Block, tuple[Any, Any] | None]:
    """A block at its start, and what some relays already say with it."""
    if isinstance(block, Text) and block.text:
        return Text("", citations=block.citations, extras=block.extras), ("text", block.text)
    if isinstance(block, Thinking) and block.text:
        return Thinking("", block.signature, block.extras), ("thinking", block.text)
    if isinstance(block, ToolUse):
        whole = block.arguments.replace(" ", "") != "{}"
        return _call(block), ("arguments", block.arguments) if whole else None
    return block, None


def _call(block: ToolUse) -> ToolUse:
    return ToolUse(block.id, block.name, "", extras=block.extras)


def _with_usage(extras: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    return {**extras, "usage": rest} if rest else extras


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""
