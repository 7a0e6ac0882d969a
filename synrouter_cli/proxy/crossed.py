"""An answer read by its dialect's codec: what the meter wants to know of it, and where the client speaks another
dialect, the bytes for the client.

It can fail on nothing that the upstream sends: what can't be read is an error in the client's own dialect.

Example: `Crossed(stream=True, upstream=chat, client=anthropic, asked=request).feed(chunk)`, then `take()`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from synrouter_cli.proxy.live import place
from synrouter_cli.proxy.usage_asked import WithoutUsage
from synrouter_cli.proxy.wording import last_event
from synrouter_cli.wire.codecs import Codec
from synrouter_cli.wire.codecs.disguise import Restorer
from synrouter_cli.wire.decoder import Decoder
from synrouter_cli.wire.diagnosis import Diagnosis
from synrouter_cli.wire.ir import Failure, Finished, Loss, Request, Response, Started, StreamEvent
from synrouter_cli.wire.stamps import EventStamper, stamped_response
from synrouter_cli.wire.usage import Usage

log = logging.getLogger("synrouter.proxy")

_WHOLE_BYTES: Final = 64 * 1024 * 1024
_ERRORS: Final = 400


_BY_STATUS: Final[Mapping[int, str]] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_GENERAL: Final = ("invalid_request_error", "api_error")
"""Types that say no more than whose fault it was."""


def by_status(failure: Failure, status: int) -> Failure:
    """An error told as its HTTP status says, where its words say nothing particular. Where an account is empty, the
    client's dialect says which status that is: OpenAI has 429, which others take for a short wait.

    >>> by_status(Failure("api_error", "Busy."), 529).type, by_status(Failure("billing_error", "", 429), 429).status
    ('overloaded_error', None)
    """
    if failure.type == "billing_error" and status == 429:
        return replace(failure, status=None)
    if failure.type not in _GENERAL or status < 400:
        return failure
    general = "invalid_request_error" if status < 500 else "api_error"
    known = _BY_STATUS.get(status)
    return replace(failure, type=known or general, status=failure.status if known else failure.status or status)


class Crossed:
    """One answer. With `client` it is translated; without, only read."""

    def __init__(
        self,
        *,
        stream: bool,
        upstream: Codec,
        client: Codec | None,
        asked: Request | None,
        encoding: str = "",
        created: int = 0,
        keeps_usage: bool = False,
        upstream_status: int = 200,
        stamps: str = "",
    ) -> None:
        """`encoding` is the answer's Content-Encoding, `created` its epoch second for a dialect that tells one. `asked`
        is needed where the answer is translated; `stamps` is the provider whose stamp its signatures get then. With
        `keeps_usage` the chunk that tells it does not reach the client.
        """
        self._stream = stream
        self._upstream, self._client, self._asked = upstream, client, asked
        self._coding = Decoder(encoding) if encoding not in ("", "identity") else None
        self._decoder = upstream.stream_decoder() if stream else None
        self._encoder = client.stream_encoder(asked) if client is not None and asked is not None and stream else None
        self._restorer = Restorer(asked) if client is not None and asked is not None else None
        self._out = bytearray()
        self._whole = bytearray()
        self._created = created
        self._stamps = stamps
        self._stamper = EventStamper(stamps) if stamps else None
        self._failed = False
        self._upstream_status = upstream_status
        self._tail = b""
        self._without = WithoutUsage() if keeps_usage and stream and client is None and self._coding is None else None
        self.encodes = client is not None
        """What the client gets is in another dialect than what came."""
        self.translates = self.encodes or self._without is not None
        """What the client gets is to be taken from here."""
        self.status: int | None = None
        """The status that a translated error answer has; None: the upstream's own."""
        self.started = False
        self.complete = not stream
        """Whether the answer had said all it had to say."""
        self.usage: Usage | None = None
        self.model = ""
        self.message_id: str | None = None
        self.stop_reason: str | None = None
        self.error_type: str | None = None
        self.diagnosis: Diagnosis | None = None
        self._lost: Sequence[Loss] = ()

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What the client's dialect had no place for, so far; none where nothing is translated."""
        if self._client is None:
            return ()
        ends = (self._decoder, self._encoder)
        return (*self._lost, *(loss for end in ends if end is not None for loss in end.losses))

    @property
    def inside_event(self) -> bool:
        """Of what reaches the client: a translated stream has whole events only."""
        return self._stream and not self.translates and self._tail != b"" and not self._between

    @property
    def may_ping(self) -> bool:
        """Whether something may be put into the stream here."""
        return self._stream and not self.complete and (self.translates or (self._coding is None and self._between))

    @property
    def _between(self) -> bool:
        return self._tail.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))

    @property
    def usage_quality(self) -> str:
        """exact | partial | estimated | none"""
        if self._failed:
            return "estimated"
        if self.usage is None:
            return "none"
        return "exact" if self.complete else "partial"

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the upstream."""
        self._tail = (self._tail + chunk[-4:])[-4:]
        if self._without is not None:
            self._out += self._without.feed(chunk)
        pieces = self._coding.feed(chunk) if self._coding is not None else (chunk,)
        for piece in pieces:
            if self._decoder is None:
                if len(self._whole) < _WHOLE_BYTES:
                    self._whole += piece
            else:
                self._take(self._decoder.feed(piece))

    def take(self) -> bytes:
        """What is ready for the client."""
        ready = bytes(self._out)
        self._out.clear()
        return ready

    def end(self, *, broken: str = "") -> None:
        """The upstream's answer has ended; `broken` says how, where it was not by itself."""
        if self._decoder is None:
            self._finish_whole()
            return
        ends = [Failure("overloaded_error", f"Synrouter: {broken}")] if broken else self._decoder.end()
        self._take(ends)
        if self._encoder is not None:
            self._out += self._encoder.end()
        if self._without is not None:
            self._out += self._without.end()
            self._out += last_event(broken, "chat") if broken else b""

    def _take(self, events: Sequence[StreamEvent]) -> None:
        for event in events:
            self._note(event)
            if isinstance(event, Started) and event.created is None:
                event = replace(event, created=self._created)
            if self._encoder is not None:
                for known in self._stamper.event(event) if self._stamper is not None else [event]:
                    for each in self._restorer.event(known) if self._restorer is not None else [known]:
                        self._out += self._encoder.encode(each)

    def _note(self, event: StreamEvent) -> None:
        match event:
            case Started():
                self.started = True
                self.model, self.message_id = event.model or self.model, event.id or None
                self.usage = event.usage or self.usage
            case Finished():
                self.complete = True
                self.stop_reason = event.stop_reason
                self.usage = event.usage or self.usage
            case Failure():
                self.error_type = event.type

    def _finish_whole(self) -> None:
        if not self._whole and self._client is None:
            return
        try:
            read, losses = self._read_whole(bytes(self._whole))
        except Exception as error:
            self._failed = True
            log.warning("an answer could not be read: %s", place(error))
            if self._client is None:
                return
            read, losses = Failure("api_error", "Synrouter: the provider's answer can't be read.", status=502), ()
        self._lost = losses
        self._whole.clear()
        if isinstance(read, Failure):
            read = by_status(read, self._upstream_status)
            self.error_type = read.type
            if self._client is not None:
                self.status, body = self._client.encode_failure(read)
                self._out += body
            return
        self._note_response(read)
        if self._client is not None and self._asked is not None:
            read = stamped_response(read, self._stamps) if self._stamps else read
            restored = self._restorer.response(read) if self._restorer is not None else read
            dated = restored if read.created is not None else replace(restored, created=self._created)
            body, more = self._client.encode_response(dated, self._asked)
            self._lost = (*losses, *more)
            self._out += body

    def _read_whole(self, body: bytes) -> tuple[Response | Failure, Sequence[Loss]]:
        if self._upstream_status >= _ERRORS:
            return self._upstream.decode_failure(body, self._upstream_status), ()
        return self._upstream.decode_response(body)

    def _note_response(self, response: Response) -> None:
        self.usage, self.model = response.usage, response.model
        self.message_id, self.stop_reason = response.id or None, response.stop_reason
