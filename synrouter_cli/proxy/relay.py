"""An answer on its way to the client: its bytes as they come, and a copy of them for the meter.

What is added to a stream is added between events only: pings while the upstream is silent, one error
event where it broke off. The meter can fail without the client noticing.

>>> last_words(b"{", "gone").splitlines()[1]
b'event: error'
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from multidict import CIMultiDict

from synrouter_cli.errors import SynrouterError, body_anthropic
from synrouter_cli.proxy.failures import Broken
from synrouter_cli.proxy.headers import first, to_client
from synrouter_cli.proxy.reading import Reading
from synrouter_cli.proxy.refusals import Context, Reworded, error_type_of, reword
from synrouter_cli.proxy.upstream import Answer

SERVER: Final = "synrouter"
PING: Final = b'event: ping\ndata: {"type": "ping"}\n\n'
COMMENT: Final = b": waiting for the provider\n\n"

# What follows on a connection whose request was refused for its form is not trusted.
_CLOSING: Final = (400, 403, 408, 413, 421, 426)
_BROKEN: Final[Mapping[str, str]] = {
    "reset": "the connection to the provider broke in the middle of the answer.",
    "eof": "the provider ended its answer in the middle.",
    "idle_timeout": "the provider went silent in the middle of its answer.",
    "stopping": "it was stopped in the middle of the answer.",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended. `status` is ok | error | truncated."""

    status: str
    error_type: str | None = None


class Relay:
    """Brings one answer to one client."""

    def __init__(
        self,
        request: web.BaseRequest,
        answer: Answer,
        reading: Reading,
        *,
        context: Context,
        ours: Mapping[str, str],
        ping_interval_s: float,
        stopped: Callable[[], bool],
    ) -> None:
        """`context` decides what becomes of a refusal; `ours` are headers to add; `stopped` says whether a
        cancellation was the daemon's own wish to end, and takes it back."""
        self._request = request
        self._answer = answer
        self._reading = reading
        self._context = context
        self._ours = ours
        self._ping_interval_s = ping_interval_s
        self._stopped = stopped

    async def run(self) -> tuple[web.StreamResponse, Ending]:
        """Relay it all. Raises Failure where it broke before anything was sent, ConnectionError where
        the client is gone."""
        if (reworded := await reword(self._answer, self._context)) is not None:
            return self._instead(reworded)
        if _takes_events(self._answer):
            return await self._stream()
        return await self._copy()

    async def _stream(self) -> tuple[web.StreamResponse, Ending]:
        response = await self._begin()
        tail = b""
        try:
            while chunk := await self._next_or_ping(response):
                await response.write(chunk)
                self._reading.feed(chunk)
                tail = (tail + chunk[-3:])[-3:]
            broken = Broken("eof") if self._reading.inside_event else None
        except Broken as cut:
            broken = cut
        ending = self._ending()
        if broken is not None and not self._reading.complete:
            await response.write(last_words(tail, _BROKEN[broken.kind]))
            ending = Ending("truncated", broken.kind)
        await response.write_eof()  # now, so that the client does not wait for the books
        return response, ending

    async def _next_or_ping(self, response: web.StreamResponse) -> bytes:
        while (chunk := await self._read(self._ping_interval_s)) is None:
            if self._reading.may_ping:
                await response.write(PING if self._reading.started else COMMENT)
        return chunk

    async def _copy(self) -> tuple[web.StreamResponse, Ending]:
        try:
            chunk = await self._read(None)
        except Broken as broken:
            raise self._answer.failure(broken) from None
        response = await self._begin()
        try:
            while chunk:
                await response.write(chunk)
                self._reading.feed(chunk)
                chunk = await self._read(None)
        except Broken as broken:
            # Without an end the client sees that a part is missing; a clean end would hide it.
            self._request.protocol.force_close()
            return response, Ending("truncated", broken.kind)
        self._reading.end()
        return response, self._ending()

    def _instead(self, reworded: Reworded) -> tuple[web.StreamResponse, Ending]:
        headers = CIMultiDict(reworded.headers(self._answer, self._ours))
        response = web.Response(status=reworded.status, body=reworded.body, headers=headers)
        return response, Ending("error", reworded.error_type)

    async def _begin(self) -> web.StreamResponse:
        answer = self._answer
        headers = CIMultiDict(to_client(answer.headers, self._ours))
        headers.setdefault("Server", SERVER)
        response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
        await response.prepare(self._request)
        return response

    async def _read(self, patience_s: float | None) -> bytes | None:
        """The next bytes, empty at the end, None after `patience_s` seconds of silence."""
        silence = asyncio.timeout(patience_s)
        try:
            async with silence:
                return await self._answer.read()
        except TimeoutError:
            return None
        except asyncio.CancelledError:
            if self._stopped():
                raise Broken("stopping") from None
            raise

    def _ending(self) -> Ending:
        error_type = self._reading.error_type
        if self._answer.status >= 400 or error_type:
            return Ending("error", error_type or error_type_of(self._answer.status))
        return Ending("ok") if self._reading.complete else Ending("truncated", "eof")


def is_stream(answer: Answer) -> bool:
    """Whether the answer is a stream of events."""
    return first(answer.headers, b"content-type").startswith("text/event-stream")


def _takes_events(answer: Answer) -> bool:
    """Whether events can be added to it: a stream, not compressed, of no announced length."""
    encoded = first(answer.headers, b"content-encoding") not in ("", "identity")
    return is_stream(answer) and not encoded and not first(answer.headers, b"content-length")


def last_words(tail: bytes, message: str) -> bytes:
    """An error event for a stream that broke off anywhere, `tail` being its last three bytes.

    A character that was cut is completed, for decoders that are strict, and so is a line: its event is
    not ended, so that the name given here replaces its own and nobody takes half of it for the whole.
    The type is one that clients take for passing and ask again; an api_error would end their run.
    """
    error = {"type": "error", "error": {"type": "overloaded_error", "message": f"Synrouter: {message}"}}
    event = b"event: error\ndata: " + json.dumps(error, separators=(",", ":")).encode() + b"\n\n"
    line_end = b"\n" if tail[-1:] not in b"\r\n" else b""
    return _rest_of_character(tail) + line_end + event


def _rest_of_character(tail: bytes) -> bytes:
    """What the last character of UTF-8 text lacks; the character it becomes does not matter."""
    for length, lead in enumerate(reversed(tail), start=1):
        if lead >= 0xC0:
            missing = (lead >= 0xF0) + (lead >= 0xE0) + 2 - length
            second = {0xE0: b"\xa0", 0xF0: b"\x90"}.get(lead, b"\x80") if length == 1 else b"\x80"
            return (second + b"\x80\x80")[: max(missing, 0)]
        if lead < 0x80:
            return b""
    return b""


def refusal(error: SynrouterError, *, permanent: bool = False, ours: Mapping[str, str] | None = None) -> web.Response:
    """`error` as an answer in the dialect; `permanent` tells clients not to try again by themselves."""
    headers = CIMultiDict({"Content-Type": "application/json", "Server": SERVER, **(ours or {})})
    if error.type == "overloaded_error":
        headers["Retry-After"] = "2"
    if permanent:
        headers["x-should-retry"] = "false"
    if error.http_status == 426:
        headers["Upgrade"] = "HTTP/1.1"
    response = web.Response(status=error.http_status, body=body_anthropic(error), headers=headers)
    if error.http_status in _CLOSING:
        response.force_close()
    return response
