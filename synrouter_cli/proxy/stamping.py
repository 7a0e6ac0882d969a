"""A provider's stamp on the signatures of an answer that goes through as it came (`wire/stamps.py`).

>>> stamper = StreamStamper("zai")
>>> event = b'data: {"type":"content_block_delta","delta":{"type":"signature_delta","signature":"c2ln"}}\\n\\n'
>>> stamper.feed(event)
b'data: {"type":"content_block_delta","delta":{"type":"signature_delta","signature":"~synrouter.2.zai:c2ln"}}\\n\\n'
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from synrouter_cli.prompt.body import Edit, address, apply_edits
from synrouter_cli.proxy.events import EachEvent
from synrouter_cli.wire.stamps import stamp

__all__ = ["StreamStamper", "WholeStamper"]

_SIGNED: Final = re.compile(rb'("signature"\s*:\s*")(?!")')
_DATA: Final = re.compile(rb"^data: ?(.*)$", re.MULTILINE)
_ALONE: Final = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"signature_delta","signature":"%b"}}\n\n'
)
"""For thinking that its provider did not sign."""
_MOST_BYTES: Final = 64 * 1024 * 1024


class _Part(msgspec.Struct, frozen=True):
    type: str = ""
    signature: str = ""


_NO_PART: Final = _Part()


class _Event(msgspec.Struct):
    type: str = ""
    index: int = -1
    delta: _Part = _NO_PART
    content_block: _Part = _NO_PART


class _Block(msgspec.Struct):
    type: str = ""
    signature: msgspec.Raw = msgspec.Raw(b"")


class _Message(msgspec.Struct):
    content: list[msgspec.Raw] = []


_event: Final = msgspec.json.Decoder(_Event)
_block: Final = msgspec.json.Decoder(_Block)
_message: Final = msgspec.json.Decoder(_Message)


class StreamStamper:
    """One stream's state."""

    def __init__(self, provider: str) -> None:
        self._stamp = stamp(provider).encode()
        self._unsigned: set[int] = set()
        self._events = EachEvent(self._stamped)

    def feed(self, data: bytes) -> bytes:
        """What the client is to get of it now: whole events."""
        return self._events.feed(data)

    def end(self) -> bytes:
        """What was still held."""
        return self._events.end()

    def _stamped(self, event: bytes) -> bytes:
        if b"signature" not in event and b"content_block_st" not in event:
            return event
        read = _read(event)
        if read is None:
            return event
        # a call's arguments may have a field of that name too
        if read.delta.type == "signature_delta" or read.content_block.type == "thinking":
            signed = read.delta.signature or read.content_block.signature
            (self._unsigned.discard if signed else self._unsigned.add)(read.index)
            return _SIGNED.sub(lambda found: found[1] + self._stamp, event)
        if read.type == "content_block_stop" and read.index in self._unsigned:
            self._unsigned.discard(read.index)
            return _ALONE % (read.index, self._stamp) + event
        return event


def _read(event: bytes) -> _Event | None:
    data = _DATA.search(event)
    try:
        return _event.decode(data[1]) if data is not None else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


class WholeStamper:
    """An answer in one piece, held until it is whole."""

    def __init__(self, provider: str) -> None:
        self._stamp = stamp(provider).encode()
        self._held = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Nothing yet; what is too long for an answer goes on as it is."""
        self._held += data
        return self.end() if len(self._held) > _MOST_BYTES else b""

    def end(self) -> bytes:
        """All of it."""
        body = bytes(self._held)
        self._held.clear()
        try:
            return apply_edits(body, list(self._edits(body)))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return body

    def _edits(self, body: bytes) -> list[Edit]:
        start = address(body)
        found = []
        for raw in _message.decode(body).content:
            block = _block.decode(raw)
            if block.type == "thinking" and bytes(block.signature)[:1] == b'"':
                found.append(Edit(address(block.signature) - start + 1, 0, self._stamp))
        return found
