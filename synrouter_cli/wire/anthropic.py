"""What an answer of the Messages API says of itself: usage, model, why it stopped, what went wrong.

Streams are watched as they pass, and only the few events that matter are decoded.

>>> tap = UsageTap()
>>> tap.feed(b'event: message_start\\ndata: {"type":"message_start","message":{"model":"claude-opus-5",'
...          b'"usage":{"input_tokens":3,"cache_read_input_tokens":90,"output_tokens":1}}}\\n\\n')
>>> tap.usage_quality, tap.usage.prompt_tokens
('partial', 93)
>>> tap.feed(b'event: message_delta\\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
...          b'"usage":{"output_tokens":12}}\\n\\nevent: message_stop\\ndata: {"type":"message_stop"}\\n\\n')
>>> tap.usage_quality, tap.usage.output_tokens, tap.stop_reason, tap.complete
('exact', 12, 'end_turn', True)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from synrouter_cli.wire.decoder import Decoder
from synrouter_cli.wire.diagnosis import Diagnosis, read_diagnosis
from synrouter_cli.wire.reported import UNKNOWN, Reported
from synrouter_cli.wire.sse import Event, EventStream
from synrouter_cli.wire.usage import Usage

__all__ = ["ResponseFacts", "UsageTap", "read_error", "read_response"]


class _Error(msgspec.Struct):
    type: str | None = None


class _Delta(msgspec.Struct):
    stop_reason: str | None = None


class _Message(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: Reported | None = None
    error: _Error | None = None
    diagnostics: Any = None


class _StreamEvent(msgspec.Struct):
    type: str = ""
    message: _Message | None = None
    delta: _Delta | None = None
    usage: Reported | None = None
    error: _Error | None = None


_event_decoder: Final = msgspec.json.Decoder(_StreamEvent)
_message_decoder: Final = msgspec.json.Decoder(_Message)
_UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_WITHOUT_USAGE = (b"content_block_", b"ping")
"""Names of events that never carry usage."""
_SKIPPED = (
    b"event: content_block_delta\ndata: {",
    b"event: content_block_start\ndata: {",
    b"event: content_block_stop\ndata: {",
    b"event: ping\ndata: {",
    b'data: {"type":"content_block_',
    b'data: {"type": "content_block_',
)
"""How such events begin: they are nearly the whole stream, and are not even split into lines."""


class UsageTap:
    """Watches a copy of one streamed answer; it never raises and keeps little.

    `encoding` is the response's content coding, undone on the copy.
    """

    def __init__(self, encoding: str = "") -> None:
        self._stream = EventStream(skip=_SKIPPED)
        self._decoder = Decoder(encoding) if encoding.strip().lower() not in ("", "identity") else None
        self._reported: Reported | None = None
        self._final = False
        self._stopped = False
        self._unreadable = False
        self.started = False
        """`message_start` was seen."""
        self.model = ""
        self.message_id: str | None = None
        self.stop_reason: str | None = None
        self.error_type: str | None = None
        """The type of an error event after the 200."""
        self.diagnosis: Diagnosis | None = None
        """What the provider says of a miss, where it was asked."""

    @property
    def usage(self) -> Usage | None:
        """What was reported so far; None if nothing was."""
        return None if self._reported is None else self._reported.usage()

    @property
    def usage_quality(self) -> str:
        """`exact` once the final counts are here, `partial` while only the first ones are, `estimated` where
        something could not be read, else `none`."""
        if self._unreadable or (self._decoder is not None and self._decoder.failed):
            return "estimated"
        if self._reported is None:
            return "none"
        return "exact" if self._final and (self.complete or self.stop_reason is not None) else "partial"

    @property
    def complete(self) -> bool:
        """The answer is whole: `message_stop` was seen, or after a stop reason at least its beginning."""
        if self._stopped:
            return True
        return self.stop_reason is not None and _begins_message_stop(self._stream.pending)

    @property
    def at_boundary(self) -> bool:
        """Whether an event of ours may be put in here. Never into a compressed stream."""
        return self._decoder is None and self._stream.at_boundary

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the answer as they came."""
        if self._decoder is None:
            for event in self._stream.feed(data):
                self._take(event)
            return
        for piece in self._decoder.feed(data):
            for event in self._stream.feed(piece):
                self._take(event)

    def _take(self, event: Event) -> None:
        if not event.whole:
            self._unreadable |= not event.name.startswith(_WITHOUT_USAGE)
            self.started |= event.name == b"message_start"
            return
        if event.name.startswith(_WITHOUT_USAGE) and event.data[:1] == b"{" and event.data[-1:] == b"}":
            return
        try:
            read = _event_decoder.decode(event.data)
        except _UNDECODABLE:
            self._take_unreadable(event)
            return
        kind = read.type or event.name.decode("ascii", "replace")
        if kind == "message_start":
            self._start(read.message)
        elif kind == "message_delta":
            self._report(read.usage)
            self._final |= read.usage is not None
            if read.delta is not None and read.delta.stop_reason is not None:
                self.stop_reason = read.delta.stop_reason
        elif kind == "message_stop":
            self._stopped = True
        elif kind == "error":
            self.error_type = (read.error.type if read.error is not None else None) or UNKNOWN

    def _take_unreadable(self, event: Event) -> None:
        if event.name == b"message_stop":
            self._stopped = True
        elif event.name == b"error":
            self.error_type = self.error_type or UNKNOWN
        elif event.data.strip() != b"[DONE]":
            self._unreadable = True
            self.started |= event.name == b"message_start"

    def _start(self, message: _Message | None) -> None:
        self.started = True
        if message is None:
            self._unreadable = True
            return
        self.model = message.model or self.model
        self.message_id = message.id or self.message_id
        self.stop_reason = message.stop_reason or self.stop_reason
        self.diagnosis = read_diagnosis(message.diagnostics)
        self._report(message.usage)

    def _report(self, newer: Reported | None) -> None:
        if newer is None:
            return
        if self._reported is None:
            self._reported = newer
        else:
            self._reported.update(newer)


def _begins_message_stop(pending: bytes) -> bool:
    """Whether an unfinished event can be seen to be `message_stop`."""
    if b"message_sto" in pending:
        return True
    name = pending.removeprefix(b"event:").strip()
    return name.startswith(b"message_s") and b"message_stop".startswith(name)


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """What an answer in one piece says of itself."""

    usage: Usage | None = None
    usage_quality: str = "none"
    """exact | estimated (it could not be read) | none"""
    model: str = ""
    message_id: str | None = None
    stop_reason: str | None = None
    error_type: str | None = None
    diagnosis: Diagnosis | None = None


def read_response(body: bytes, encoding: str = "") -> ResponseFacts:
    """The facts of a whole JSON answer in its content coding. Never raises."""
    decoded = b"".join(Decoder(encoding).feed(body))
    try:
        message = _message_decoder.decode(decoded)
    except _UNDECODABLE:
        return ResponseFacts(usage_quality="estimated" if body else "none")
    return ResponseFacts(
        usage=message.usage.usage() if message.usage is not None else None,
        usage_quality="exact" if message.usage is not None else "none",
        model=message.model or "",
        message_id=message.id,
        stop_reason=message.stop_reason,
        error_type=message.error.type if message.error is not None else None,
        diagnosis=read_diagnosis(message.diagnostics),
    )


def read_error(body: bytes, encoding: str = "") -> str | None:
    """The `error.type` of an error answer; None where it says none. Never raises."""
    return read_response(body, encoding).error_type
