"""Reads a request's body once, within limits: its size on the wire, its size decoded, the time it may
take, and the bytes that all requests together may hold.

>>> decode(zlib.compress(b"{}"), "deflate", limit=1000)
b'{}'
"""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from synrouter_cli.errors import BodyTooLarge, InvalidRequest, SynrouterError, TooBusy

_OFF_LOOP_BYTES: Final = 64 * 1024
_MIB: Final = 1024 * 1024


class NoRoom(TooBusy):
    """Requests in flight hold more than {limit} already."""

    # Claude Code repeats a 503 eleven times over three minutes, a 529 only three times.
    http_status = 503


class SlowBody(SynrouterError):
    """The request's body stopped coming for {seconds} s."""

    http_status = 408
    type = "timeout_error"


class UnsupportedEncoding(InvalidRequest):
    """The request's Content-Encoding is not one of gzip, deflate, zstd, alone."""

    next_command = "send the body as it is"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds that a request may take."""

    body_bytes: int
    in_flight_bytes: int
    room_wait_s: float = 10.0
    body_silence_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Body:
    """A body as it came and as it reads; the same object where it was not encoded."""

    wire: bytes
    decoded: bytes
    encoded: bool


class Source(Protocol):
    """Where the bytes of a body come from: aiohttp's StreamReader."""

    async def readany(self) -> bytes: ...


class Budget:
    """The bytes that bodies in flight may hold together; who finds no room waits in line."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def held(self) -> int:
        return self._held

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Lease]:
        """A holder of bytes that gives back all it took."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            lease.give_back(lease.held)

    async def take(self, count: int) -> None:
        """Take `count` bytes; raises NoRoom where none came free in time."""
        if not self._waiting and self._fits(count):
            self._held += count
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (count, turn)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(self._limits.room_wait_s):
                await turn
        except (TimeoutError, asyncio.CancelledError) as stopped:
            self._leave_line(entry)
            if isinstance(stopped, TimeoutError):
                raise NoRoom(limit=_size(self._limits.in_flight_bytes)) from None
            raise

    def give_back(self, count: int) -> None:
        self._held -= count
        self._wake()

    def _leave_line(self, entry: tuple[int, asyncio.Future[None]]) -> None:
        count, turn = entry
        if entry in self._waiting:
            self._waiting.remove(entry)
            self._wake()
        elif not turn.cancelled():
            self.give_back(count)  # it was given in the same moment

    def _fits(self, count: int) -> bool:
        # One alone may be larger than the whole budget: it could never be served otherwise.
        return self._held == 0 or self._held + count <= self._limits.in_flight_bytes

    def _wake(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            count, turn = self._waiting.popleft()
            if not turn.done():
                self._held += count
                turn.set_result(None)


class Lease:
    """One request's share of the budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.held = 0

    async def take(self, count: int) -> None:
        if count > 0:
            await self._budget.take(count)
            self.held += count

    def give_back(self, count: int) -> None:
        self.held -= count
        self._budget.give_back(count)


async def read(source: Source, length: int | None, encoding: str, lease: Lease, limits: Limits) -> Body:
    """The body of a request whose headers gave `length` (None: chunked) and `encoding`.

    Raises BodyTooLarge, SlowBody, NoRoom, UnsupportedEncoding, and InvalidRequest where it is corrupt.
    """
    decoder = _decoder_for(encoding)
    wire = await _read_wire(source, length, lease, limits)
    if decoder is None:
        return Body(wire, wire, False)
    # As much as it may become is reserved before, so that many small bombs can't add up.
    await lease.take(limits.body_bytes)
    decoded = await _decode_off_loop(wire, encoding, limits.body_bytes)
    lease.give_back(limits.body_bytes - len(decoded))
    return Body(wire, decoded, True)


def _size(count: int) -> str:
    """A limit as its user would write it.

    >>> _size(64 * 1024 * 1024), _size(2000)
    ('64 MiB', '2,000 bytes')
    """
    return f"{count:,} bytes" if count % _MIB else f"{count // _MIB:,} MiB"


async def pieces(source: Source) -> AsyncIterator[bytes]:
    """A body as it comes, kept nowhere: for what is streamed through without a limit."""
    while piece := await source.readany():
        yield piece


async def _read_wire(source: Source, length: int | None, lease: Lease, limits: Limits) -> bytes:
    if length is not None and length > limits.body_bytes:
        raise BodyTooLarge(limit=_size(limits.body_bytes))
    await lease.take(length or 0)
    chunks: list[bytes] = []
    size = 0
    while chunk := await _next(source, limits.body_silence_s):
        size += len(chunk)
        if size > limits.body_bytes:
            raise BodyTooLarge(limit=_size(limits.body_bytes))
        await lease.take(size - lease.held)
        chunks.append(chunk)
    return b"".join(chunks)


async def _next(source: Source, patience_s: float) -> bytes:
    try:
        async with asyncio.timeout(patience_s):
            return await source.readany()
    except TimeoutError:
        raise SlowBody(seconds=round(patience_s)) from None


async def _decode_off_loop(wire: bytes, encoding: str, limit: int) -> bytes:
    if len(wire) < _OFF_LOOP_BYTES:
        return decode(wire, encoding, limit=limit)
    return await asyncio.to_thread(decode, wire, encoding, limit=limit)


def decode(wire: bytes, encoding: str, *, limit: int) -> bytes:
    """`wire` without its one layer of `encoding`.

    Raises BodyTooLarge past `limit` bytes (no more than that is ever inflated), InvalidRequest where
    it is corrupt or cut off, UnsupportedEncoding.
    """
    make = _decoder_for(encoding)
    if make is None:
        return wire
    decoded = bytearray()
    rest = wire
    try:
        while rest:
            # A body may be several gzip members or zstd frames in a row.
            decoder = make()
            decoded += decoder.decompress(rest, limit + 1 - len(decoded))
            if len(decoded) > limit:
                raise BodyTooLarge(limit=_size(limit))
            if not decoder.eof:
                raise InvalidRequest(detail=f"The request's {encoding} body is cut off.")
            rest = decoder.unused_data
    except (zlib.error, zstd.ZstdError, ValueError):
        raise InvalidRequest(detail=f"The request's {encoding} body is corrupt.") from None
    return bytes(decoded)


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_DECODERS: Final[dict[str, Callable[[], _Decoder] | None]] = {
    "": None,
    "identity": None,
    "gzip": lambda: zlib.decompressobj(wbits=zlib.MAX_WBITS | 16),
    "x-gzip": lambda: zlib.decompressobj(wbits=zlib.MAX_WBITS | 16),
    "deflate": lambda: zlib.decompressobj(),
    "zstd": lambda: zstd.ZstdDecompressor(),
}


def _decoder_for(encoding: str) -> Callable[[], _Decoder] | None:
    try:
        return _DECODERS[encoding.strip().lower()]
    except KeyError:
        raise UnsupportedEncoding() from None
