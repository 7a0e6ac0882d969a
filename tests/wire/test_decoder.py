"""Content codings undone on a copy: in any cut, never raising, never filling the memory."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from synrouter_cli.wire import decoder as module
from synrouter_cli.wire.decoder import PIECE_BYTES, Decoder

TEXT = b"".join(b'data: {"n":%d,"x":"%d"}\n\n' % (i, i * 7919 % 1009) for i in range(9000))


def raw_deflate(data: bytes) -> bytes:
    state = zlib.compressobj(wbits=-15)
    return state.compress(data) + state.flush()


CODINGS = {
    "": lambda data: data,
    "identity": lambda data: data,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    " GZIP ": gzip.compress,
    "deflate": zlib.compress,
    "deflate without a header": raw_deflate,
    "zstd": module.zstd.compress,
    "gzip in two members": lambda data: gzip.compress(data[:5000]) + gzip.compress(data[5000:]),
    "zstd in two frames": lambda data: module.zstd.compress(data[:5000]) + module.zstd.compress(data[5000:]),
    "gzip with padding": lambda data: gzip.compress(data) + b"\0" * 16,
}


def name(coding: str) -> str:
    return coding.split(" without")[0].split(" in")[0].split(" with")[0]


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [1, 1000, 1 << 20])
def test_each_coding_comes_out_as_it_went_in(coding, size):
    data = TEXT if size > 1 else TEXT[:7000]
    packed = CODINGS[coding](data)
    decoder = Decoder(name(coding))
    pieces = [p for i in range(0, len(packed), size) for p in decoder.feed(packed[i : i + size])]
    assert b"".join(pieces) == data
    assert not decoder.failed


@pytest.mark.parametrize("coding", ["gzip", "zstd", "deflate"])
def test_what_was_compressed_as_it_went_comes_out_as_it_comes(coding):
    decoder = Decoder(coding)
    state = module.zstd.ZstdCompressor() if coding == "zstd" else zlib.compressobj(wbits=31 if coding == "gzip" else 15)
    flush = state.FLUSH_BLOCK if coding == "zstd" else zlib.Z_SYNC_FLUSH
    for i in range(20):
        event = b"data: %d\n\n" % i
        packed = state.compress(event) + state.flush(flush)
        assert b"".join(decoder.feed(packed)) == event


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "br", "compress", "gzip, br", "nonsense"])
def test_bytes_that_are_not_in_that_coding_fail_quietly_and_for_good(coding):
    decoder = Decoder(coding)
    assert b"".join(decoder.feed(TEXT)) == b""
    assert decoder.failed
    assert list(decoder.feed(gzip.compress(TEXT))) == []


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_damage_in_the_middle_keeps_what_came_before_it(coding):
    packed = bytearray(CODINGS[coding](TEXT))
    for place in range(len(packed) // 2, len(packed) // 2 + 40):
        packed[place] ^= 0xFF
    decoder = Decoder(coding)
    out = b"".join(p for i in range(0, len(packed), 100) for p in decoder.feed(bytes(packed[i : i + 100])))
    assert decoder.failed
    assert TEXT.startswith(out[: len(out) // 3])


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_any_noise_is_survived(coding):
    noise = random.Random(7)
    for _ in range(200):
        decoder = Decoder(coding)
        packed = bytearray(CODINGS[coding](TEXT[:300]))
        packed[noise.randrange(len(packed))] = noise.randrange(256)
        for i in range(0, len(packed), 13):
            list(decoder.feed(bytes(packed[i : i + 13])))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_a_bomb_comes_out_in_small_pieces(coding):
    packed = CODINGS[coding](b"\0" * (64 << 20))
    assert len(packed) < 100_000
    decoder = Decoder(coding)
    total = 0
    for piece in decoder.feed(packed):
        assert len(piece) <= PIECE_BYTES
        total += len(piece)
        if total > 8 << 20:
            break
    assert total > 8 << 20


def test_brotli_is_unknown_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(module, "brotli", None)
    assert Decoder("br").failed
