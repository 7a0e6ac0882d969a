"""Sizes of images from their first bytes, pages of PDFs, and their tokens."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt.media import (
    TOKENS_PER_PAGE,
    UNKNOWN_FILE_TOKENS,
    image_size,
    image_tokens,
    pdf_tokens,
)


def png(width, height):
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x06\0\0\0"


def gif(width, height):
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\xf7\0\0"


def jpeg(width, height, preview=0, marker=0xC0):
    app = b"\xff\xe1" + struct.pack(">H", preview + 2) + b"\xff\xc0" * (preview // 2)
    tables = b"\xff\xff\xc4" + struct.pack(">H", 4) + b"\0\0"
    return b"\xff\xd8" + app + tables + b"\xff" + bytes([marker]) + struct.pack(">HBHHB", 17, 8, height, width, 3)


def webp(kind, body):
    return b"RIFF\0\0\0\0WEBP" + kind + b"\0\0\0\0" + body + bytes(20)


def webp_lossy(width, height):
    return webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height))


def webp_lossless(width, height):
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14))


def webp_extended(width, height):
    return webp(b"VP8X", b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


FORMATS = [png, gif, jpeg, webp_lossy, webp_lossless, webp_extended]


def tokens(data: bytes, **options) -> int:
    return image_tokens(base64.b64encode(data + bytes(3000)), **options)


@pytest.mark.parametrize("make", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (640, 480), (1920, 1080), (300, 7000)])
def test_the_size_is_in_the_first_bytes(make, size):
    assert image_size(make(*size)) == size


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC2, 0xCF])
def test_a_jpeg_of_any_process_has_a_size(marker):
    assert image_size(jpeg(640, 480, marker=marker)) == (640, 480)


def test_a_preview_inside_a_jpeg_is_not_the_image():
    assert tokens(jpeg(1000, 1000, preview=60_000)) == 36 * 36


@pytest.mark.parametrize(
    ("size", "standard", "high"),
    [
        # from the provider's table: patches of 28 pixels, up to 1,568 tokens or (from 4.7 on) 4,784
        ((200, 200), 64, 64),
        ((1000, 1000), 1296, 1296),
        ((1092, 1092), 1521, 1521),
        ((1920, 1080), 1568, 2691),
        ((3840, 2160), 1568, 4784),
        ((2576, 1456), 1568, 4784),
        ((56, 20_000), 56, 92),
    ],
)
def test_a_patch_is_a_token_up_to_what_the_model_takes(size, standard, high):
    assert tokens(png(*size), maximum=4784) == high
    assert tokens(png(*size), maximum=1568) == standard


def test_the_older_rule_of_thumb_agrees_within_a_tenth():
    for width, height in ((800, 600), (1024, 768), (1400, 1000)):
        assert tokens(png(width, height)) == pytest.approx(width * height / 750, rel=0.1)


def test_base64_may_be_escaped_and_broken_into_lines_as_json_allows():
    data = base64.encodebytes(png(1000, 1000) + bytes(range(256)) * 20)
    escaped = data.replace(b"/", b"\\/").replace(b"\n", b"\\n")
    assert image_tokens(escaped) == 36 * 36


@pytest.mark.parametrize("data", [b"", b"!!!!", b"AAAA", base64.b64encode(b"<svg/>"), base64.b64encode(png(0, 5))])
def test_an_image_of_unknown_size_is_a_guess(data):
    assert image_tokens(data) == UNKNOWN_FILE_TOKENS
    assert image_tokens(data, 1568) == 1568


@given(
    st.binary(max_size=200), st.sampled_from([b"", *(make(64, 48)[:n] for make in FORMATS for n in (3, 12, 20, 40))])
)
def test_no_bytes_make_it_raise(rest, start):
    assert image_size(start + rest) is None or min(image_size(start + rest)) > 0
    assert image_tokens(start + rest) > 0
    assert pdf_tokens(rest) > 0


def pdf(*parts: bytes) -> bytes:
    return base64.b64encode(b"%PDF-1.7\n" + b"".join(parts))


def test_the_page_tree_says_how_many_pages():
    tree = b"<< /Type /Pages /Kids [1 0 R] /Count 12 >>"
    assert pdf_tokens(pdf(b"<< /Count 4 >>", tree)) == 12 * TOKENS_PER_PAGE
    assert pdf_tokens(pdf(bytes(2_000_000), tree)) == 12 * TOKENS_PER_PAGE


@pytest.mark.parametrize("extra", [0, 1, 2, 3, 4])
def test_the_end_is_read_whatever_the_length(extra):
    assert pdf_tokens(pdf(bytes(600_000 + extra), b"/Count 7")) == 7 * TOKENS_PER_PAGE


def test_without_a_tree_in_sight_pages_are_counted_or_the_size_tells():
    assert pdf_tokens(pdf(b"<< /Type /Page >>" * 5)) == 5 * TOKENS_PER_PAGE
    assert pdf_tokens(pdf(bytes(60_000 * 9))) == 9 * TOKENS_PER_PAGE
    assert pdf_tokens(b"") == TOKENS_PER_PAGE
