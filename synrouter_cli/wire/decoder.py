"""A content coding undone piece by piece, on a copy that is only metered: it may give up, it never raises.

>>> import gzip
>>> decoder = Decoder("gzip")
>>> b"".join(decoder.feed(gzip.compress(b"data: {}"))), decoder.failed
(b'data: {}', False)
>>> decoder = Decoder("gzip")
>>> list(decoder.feed(b"not compressed")), decoder.failed
([], True)
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

try:  # the standard library from 3.14 on
    from compression import zstd  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    from backports import zstd
try:
    import brotli  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    brotli = None

__all__ = ["Decoder"]

PIECE_BYTES: Final = 1 << 16
"""How much is decoded at a time, so that a small body can't fill the memory."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WBITS, _ZLIB_WBITS, _RAW_WBITS = 31, 15, -15
_WBITS = {"gzip": _GZIP_WBITS, "x-gzip": _GZIP_WBITS, "deflate": _ZLIB_WBITS}


class Decoder:
    """One response's content coding: "", identity, gzip, deflate, zstd, or br where brotli is installed."""

    __slots__ = ("_decode", "failed")

    def __init__(self, encoding: str) -> None:
        coding = encoding.strip().lower()
        self.failed = False
        """The bytes are not in that coding, or the coding is not known here: nothing more comes out."""
        self._decode: Callable[[bytes], Iterator[bytes]]
        if coding in ("", "identity"):
            self._decode = _identity
        elif coding in _WBITS:
            self._decode = _Zlib(_WBITS[coding]).feed
        elif coding == "zstd":
            self._decode = _Zstd().feed
        elif coding == "br" and brotli is not None:
            self._decode = _Brotli().feed
        else:
            self.failed = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes decode to, in pieces of at most 64 KiB (br: as they come)."""
        if self.failed:
            return
        try:
            yield from self._decode(data)
        except _ERRORS:
            self.failed = True


def _identity(data: bytes) -> Iterator[bytes]:
    yield data


class _Zlib:
    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._state = zlib.decompressobj(wbits)
        self._first = b""
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if not self._begun:
            data = self._first = self._first + data
            if len(data) < 2:
                return
            self._begin(data)
            self._first = b""
        while data:
            piece = self._state.decompress(data, PIECE_BYTES)
            if piece:
                yield piece
            if self._state.eof:
                data = self._state.unused_data
                if not data.startswith(_GZIP_MAGIC):
                    return  # padding after the end
                self._state = zlib.decompressobj(self._wbits)
            else:
                data = self._state.unconsumed_tail
        while not self._state.eof and (piece := self._state.decompress(b"", PIECE_BYTES)):
            yield piece

    def _begin(self, data: bytes) -> None:
        """Some servers send deflate without its zlib header: two bytes tell (RFC 1950, section 2.2)."""
        self._begun = True
        if self._wbits == _ZLIB_WBITS and (data[0] & 15 != 8 or int.from_bytes(data[:2], "big") % 31):
            self._state = zlib.decompressobj(_RAW_WBITS)


class _Zstd:
    def __init__(self) -> None:
        self._state = zstd.ZstdDecompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self._state.eof:
                data = self._state.unused_data + data
                if not data:
                    return
                self._state = zstd.ZstdDecompressor()
            piece = self._state.decompress(data, PIECE_BYTES)
            data = b""
            if piece:
                yield piece
            elif self._state.needs_input or not self._state.eof:
                return


class _Brotli:
    def __init__(self) -> None:
        self._state: Any = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield self._state.process(data)


_ERRORS: Final[tuple[type[Exception], ...]] = (
    zlib.error,
    zstd.ZstdError,
    *((brotli.error,) if brotli is not None else ()),
)
