"""An answer on its way to the client: its bytes as they come, and a copy of them for the meter.

What is added to a stream is added between events only: pings while the upstream is silent, one error
event where it broke off. The meter can fail without the client noticing.

>>> last_words(b"{", "gone").splitlines()[1]
b'event: error'
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web
from multidict import CIMultiDict

from synrouter_cli.errors import SynrouterError
from synrouter_cli.proxy.crossed import Crossed
from synrouter_cli.proxy.failures import Broken
from synrouter_cli.proxy.headers import first, to_client
from synrouter_cli.proxy.reading import Reading
from synrouter_cli.proxy.refusals import OF_THE_BODY, Context, Reworded, error_type_of, reword
from synrouter_cli.proxy.renaming import Renamer
from synrouter_cli.proxy.retrying import added, may_add
from synrouter_cli.proxy.stamping import StreamStamper, WholeStamper
from synrouter_cli.proxy.upstream import Answer
from synrouter_cli.proxy.wording import body_of, failed, last_event

SERVER: Final = "synrouter"
_REQUEST_IDS: Final = ("request-id", "x-request-id")
PING: Final = b'event: ping\ndata: {"type": "ping"}\n\n'
COMMENT: Final = b": waiting for the provider\n\n"

_LOOK_BYTES: Final = 64 * 1024

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
        reading: Reading | Crossed,
        *,
        context: Context,
        dialect: str = "anthropic",
        renames: tuple[str, str] | None = None,
        stamps: str = "",
        ours: Mapping[str, str],
        ping_interval_s: float,
        stopped: Callable[[], bool],
    ) -> None:
        """`dialect` is the client's; where `reading` translates, its bytes are sent and not the answer's. `renames` is
        the model's name as the provider has it, and as the client asked for it; `stamps` is the provider whose stamp
        its signatures get. `context` decides what becomes of a
        refusal; `ours` are headers to add; `stopped` says whether a cancellation was the daemon's own wish to end, and
        takes it back."""
        self._request = request
        self._answer = answer
        self._reading = reading
        self._dialect = dialect
        self._translates = isinstance(reading, Crossed) and reading.translates
        encodes = isinstance(reading, Crossed) and reading.encodes  # those name the model as it was asked for
        self._editors = [] if encodes or _encoded(answer) else _editors(answer, renames, stamps)
        self._context = context
        self._ours = ours
        self._ping_interval_s = ping_interval_s
        self._stopped = stopped

    async def run(self) -> tuple[web.StreamResponse, Ending]:
        """Relay it all. Raises Failure where it broke before anything was sent, ConnectionError where
        the client is gone."""
        self._ours = {**self._ours, **await self._hints()}
        if (reworded := await reword(self._answer, self._context)) is not None:
            return self._instead(reworded)
        if self._translates and not is_stream(self._answer):
            return await self._whole()
        if self._translates or _takes_events(self._answer):
            return await self._stream()
        return await self._copy()

    async def _hints(self) -> dict[str, str]:
        """What helps the client with an error."""
        answer = self._answer
        names = {name.lower().decode("latin-1") for name, _ in answer.headers} if answer.status >= 400 else ()
        if not may_add(answer.status, names):
            return {}
        try:
            body = await answer.read_ahead(_LOOK_BYTES)
        except Broken:
            return {}
        return added(self._context.asked().client, answer.status, names, body)

    async def _whole(self) -> tuple[web.StreamResponse, Ending]:
        """An answer in one piece, in the client's dialect."""
        reading = self._reading
        assert isinstance(reading, Crossed)
        try:
            while chunk := await self._read(None):
                reading.feed(chunk)
        except Broken as broken:
            raise self._answer.failure(broken) from None
        reading.end()
        status = reading.status or self._answer.status
        headers = CIMultiDict(translated_headers(self._answer, self._ours, "application/json", self._dialect))
        return web.Response(status=status, body=reading.take(), headers=headers), self._ending()

    async def _stream(self) -> tuple[web.StreamResponse, Ending]:
        response = await self._begin()
        tail = b""
        try:
            while chunk := await self._next_or_ping(response):
                tail = await self._pass_on(response, chunk, tail)
            broken = Broken("eof") if self._reading.inside_event else None
        except Broken as cut:
            broken = cut
        if isinstance(self._reading, Crossed):
            cut_off = broken is not None and not self._reading.complete
            self._reading.end(broken=_BROKEN[broken.kind] if broken is not None and cut_off else "")
            if last := self._edited(self._reading.take()):
                await response.write(last)
        if last := self._last():
            await response.write(last)
        ending = self._ending()
        if broken is not None and not self._reading.complete:
            if not self._translates:
                await response.write(last_words(tail, _BROKEN[broken.kind], self._dialect))
            ending = Ending("truncated", broken.kind)
        await response.write_eof()  # now, so that the client does not wait for the books
        return response, ending

    async def _pass_on(self, response: web.StreamResponse, chunk: bytes, tail: bytes) -> bytes:
        """Returns the last three bytes that the client has."""
        self._reading.feed(chunk)
        if isinstance(self._reading, Crossed) and self._translates:
            chunk = self._reading.take()
        if not (chunk := self._edited(chunk)):
            return tail
        await response.write(chunk)
        return (tail + chunk[-3:])[-3:]

    def _edited(self, chunk: bytes) -> bytes:
        """What the client is to get of it now."""
        for editor in self._editors:
            chunk = editor.feed(chunk)
        return chunk

    def _last(self) -> bytes:
        """What was still held back."""
        last = b""
        for editor in self._editors:
            last = (editor.feed(last) if last else b"") + editor.end()
        return last

    async def _next_or_ping(self, response: web.StreamResponse) -> bytes:
        while (chunk := await self._read(self._ping_interval_s)) is None:
            if self._reading.may_ping:
                named = self._reading.started and self._dialect == "anthropic"
                await response.write(PING if named else COMMENT)
        return chunk

    async def _copy(self) -> tuple[web.StreamResponse, Ending]:
        try:
            chunk = await self._read(None)
        except Broken as broken:
            raise self._answer.failure(broken) from None
        response = await self._begin()
        try:
            while chunk:
                if edited := self._edited(chunk):
                    await response.write(edited)
                self._reading.feed(chunk)
                chunk = await self._read(None)
            if last := self._last():
                await response.write(last)
        except Broken as broken:
            # Without an end the client sees that a part is missing; a clean end would hide it.
            self._request.protocol.force_close()
            return response, Ending("truncated", broken.kind)
        self._reading.end()
        return response, self._ending()

    def _instead(self, reworded: Reworded) -> tuple[web.StreamResponse, Ending]:
        headers = CIMultiDict(reworded.headers(self._answer, self._ours))
        body = reworded.body
        if self._dialect != "anthropic":
            body = failed(reworded.error_type, reworded.message, self._dialect, reworded.status)
        response = web.Response(status=reworded.status, body=body, headers=headers)
        return response, Ending("error", reworded.error_type)

    async def _begin(self) -> web.StreamResponse:
        answer = self._answer
        headers = CIMultiDict(to_client(answer.headers, self._ours))
        if self._translates:
            headers = CIMultiDict(translated_headers(answer, self._ours, "text/event-stream", self._dialect))
        headers.setdefault("Server", SERVER)
        if self._editors:
            headers.popall("Content-Length", None)
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


class Editor(Protocol):
    """Changes an answer's bytes in passing."""

    def feed(self, data: bytes, /) -> bytes: ...
    def end(self) -> bytes: ...


def _editors(answer: Answer, renames: tuple[str, str] | None, stamps: str) -> list[Editor]:
    found: list[Editor] = []
    if stamps and answer.status < 400:
        found.append(StreamStamper(stamps) if is_stream(answer) else WholeStamper(stamps))
    if renames is not None and renames[0] != renames[1]:
        found.append(Renamer(*renames))
    return found


def is_stream(answer: Answer) -> bool:
    """Whether the answer is a stream of events."""
    return first(answer.headers, b"content-type").startswith("text/event-stream")


def _takes_events(answer: Answer) -> bool:
    """Whether events can be added to it: a stream, not compressed, of no announced length."""
    return is_stream(answer) and not _encoded(answer) and not first(answer.headers, b"content-length")


def _encoded(answer: Answer) -> bool:
    return first(answer.headers, b"content-encoding") not in ("", "identity")


def translated_headers(
    answer: Answer, ours: Mapping[str, str], content_type: str, dialect: str
) -> list[tuple[str, str]]:
    """An answer's headers without those of its body, which is another now; the request's id where clients of the
    dialect look for it."""
    kept = [pair for pair in to_client(answer.headers, ours) if pair[0].lower() not in OF_THE_BODY]
    named = "request-id" if dialect == "anthropic" else "x-request-id"
    return [
        *((named if name.lower() in _REQUEST_IDS else name, value) for name, value in kept),
        ("Content-Type", content_type),
        *([("Cache-Control", "no-cache")] if "event" in content_type else []),
    ]


def last_words(tail: bytes, message: str, dialect: str = "anthropic") -> bytes:
    """An error event for a stream that broke off anywhere, `tail` being its last three bytes.

    A character that was cut is completed, for decoders that are strict, and so is a line: its event is
    not ended, so that the name given here replaces its own and nobody takes half of it for the whole.
    The type is one that clients take for passing and ask again; an api_error would end their run.
    """
    event = last_event(message, dialect)
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


def refusal(
    error: SynrouterError,
    dialect: str = "anthropic",
    *,
    permanent: bool = False,
    ours: Mapping[str, str] | None = None,
) -> web.Response:
    """`error` as an answer in the dialect; `permanent` tells clients not to try again by themselves."""
    headers = CIMultiDict({"Content-Type": "application/json", "Server": SERVER, **(ours or {})})
    if error.type == "overloaded_error":
        headers["Retry-After"] = "2"
    if permanent:
        headers["x-should-retry"] = "false"
    if error.http_status == 426:
        headers["Upgrade"] = "HTTP/1.1"
    response = web.Response(status=error.http_status, body=body_of(error, dialect), headers=headers)
    if error.http_status in _CLOSING:
        response.force_close()
    return response
