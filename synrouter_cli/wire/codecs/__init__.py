"""A codec a dialect: bytes of a dialect → values of `wire.ir` → bytes of another.

Every codec module has the same functions (`Codec`); `CODECS` finds one by its dialect's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from synrouter_cli.wire.ir import Failure, Loss, Request, Response, StreamEvent

__all__ = ["Codec", "StreamDecoder", "StreamEncoder"]


class StreamDecoder(Protocol):
    """A stream's state on the way in; the same events whatever the pieces that its bytes come in."""

    def feed(self, data: bytes) -> list[StreamEvent]:
        """The events that `data` completes. Never raises: what can't be read is a Failure."""
        ...

    def end(self) -> list[StreamEvent]:
        """The upstream closed: what is still to be said. A Failure where the answer was not whole."""
        ...

    @property
    def losses(self) -> Sequence[Loss]: ...


class StreamEncoder(Protocol):
    """A stream's state on the way out."""

    def encode(self, event: StreamEvent) -> bytes:
        """The bytes to send for one event; empty where the dialect says nothing of it (yet)."""
        ...

    def end(self) -> bytes:
        """What ends the stream, e.g. `data: [DONE]`; empty after a Failure that ended it."""
        ...

    @property
    def losses(self) -> Sequence[Loss]: ...


class Codec(Protocol):
    """One dialect. Decoders raise `errors.InvalidRequest`, which says where and what; encoders never fail on what a
    decoder gave. `decode_request(encode_request(x)) == x` up to the losses that were told."""

    def decode_request(self, body: bytes) -> tuple[Request, tuple[Loss, ...]]: ...
    def encode_request(self, request: Request) -> tuple[bytes, tuple[Loss, ...]]: ...
    def decode_response(self, body: bytes) -> tuple[Response | Failure, tuple[Loss, ...]]: ...
    def encode_response(self, response: Response, asked: Request) -> tuple[bytes, tuple[Loss, ...]]: ...
    def decode_failure(self, body: bytes, status: int) -> Failure:
        """The error that an answer with that HTTP status, 400 or more, is, whatever its body is. Never raises."""
        ...

    def encode_failure(self, failure: Failure) -> tuple[int, bytes]:
        """HTTP status and body of an error answer."""
        ...

    def stream_decoder(self) -> StreamDecoder: ...
    def stream_encoder(self, asked: Request) -> StreamEncoder:
        """`asked` is the request that is answered: its model's name, its tools, whether usage is to be told."""
        ...
