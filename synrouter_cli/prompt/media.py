"""Tokens of images and documents, from the first bytes of what is sent: their base64 is never counted as text.

An image costs a token a patch of 28 × 28 pixels, up to the model's maximum (platform.claude.com, "Vision": about
width × height / 750); a page of a PDF 1,500 to 3,000 ("PDF support").

>>> import base64
>>> png = base64.b64encode(b"\\x89PNG\\r\\n\\x1a\\n" + b"\\0\\0\\0\\rIHDR" + (1000).to_bytes(4, "big") * 2)
>>> image_tokens(png)
1296
"""

from __future__ import annotations

import binascii
import re
from typing import Final

__all__ = ["DEFAULT_MAX_IMAGE_TOKENS", "IMAGE_HEAD", "UNKNOWN_FILE_TOKENS", "image_size", "image_tokens", "pdf_tokens"]

DEFAULT_MAX_IMAGE_TOKENS: Final = 4_784
"""Models from 4.7 on; earlier ones take 1,568."""
UNKNOWN_FILE_TOKENS: Final = 2_000
"""An image or a document that stands elsewhere (`file_id`, a URL): a guess, its size is not in the request."""
TOKENS_PER_PAGE: Final = 2_250
IMAGE_HEAD: Final = 131_072
"""Base64 characters in which an image's size is looked for: in a JPEG it may stand after a preview picture."""

_SHORT_HEAD = 1_024

_PATCH = 28
_EDGES = ((1_568, 1_568), (DEFAULT_MAX_IMAGE_TOKENS, 2_576))
"""(most tokens, longest edge in pixels) of the two classes of models."""
_PDF_PART = 262_144
_BYTES_PER_PAGE = 60_000
_PAGE_COUNT = re.compile(rb"/Count\s+(\d{1,5})")
_PAGE = re.compile(rb"/Type\s*/Page[^s]")
_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def image_tokens(data: bytes, maximum: int = DEFAULT_MAX_IMAGE_TOKENS) -> int:
    """Tokens of an image given as base64, escaped as in JSON or not; `maximum` is the model's own."""
    size = image_size(_decoded(data[:_SHORT_HEAD])) or image_size(_decoded(data[:IMAGE_HEAD]))
    if size is None:
        return min(UNKNOWN_FILE_TOKENS, maximum)
    edge = next((edge for tokens, edge in _EDGES if maximum <= tokens), _EDGES[-1][1])
    scale = min(1.0, edge / max(size))
    width, height = (max(round(side * scale), 1) for side in size)
    return min(-(-width // _PATCH) * -(-height // _PATCH), maximum)


def pdf_tokens(data: bytes) -> int:
    """Tokens of a PDF given as base64: its pages, as far as they can be seen, times an ordinary page."""
    head = _decoded(data[:_PDF_PART])
    tail = _decoded(data[-(_PDF_PART - _PDF_PART % 4 + len(data) % 4) :]) if len(data) > _PDF_PART else b""
    counts = [int(count) for part in (head, tail) for count in _PAGE_COUNT.findall(part)]
    pages = max(counts, default=0) or len(_PAGE.findall(head)) + len(_PAGE.findall(tail))
    return TOKENS_PER_PAGE * (pages or max(1, len(data) * 3 // 4 // _BYTES_PER_PAGE))


def image_size(head: bytes) -> tuple[int, int] | None:
    """Width and height in pixels from the first bytes of a PNG, JPEG, GIF or WebP; None where they do not say."""
    size: tuple[int, int] | None = None
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        size = _big(head[16:20]), _big(head[20:24])
    elif head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10:
        size = _little(head[6:8]), _little(head[8:10])
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP" and len(head) >= 30:
        size = _webp_size(head)
    elif head.startswith(b"\xff\xd8"):
        size = _jpeg_size(head)
    return size if size is not None and min(size) > 0 else None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return _little(head[24:27]) + 1, _little(head[27:30]) + 1
    if kind == b"VP8L":
        bits = _little(head[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(head):
        if head[place] != 0xFF:
            return None
        marker = head[place + 1]
        if marker in _JPEG_SIZE_MARKERS:
            return _big(head[place + 7 : place + 9]), _big(head[place + 5 : place + 7])
        if marker == 0xFF:  # padding
            place += 1
        else:
            place += 2 + max(_big(head[place + 2 : place + 4]), 2)
    return None


def _decoded(data: bytes) -> bytes:
    """Base64 as far as it goes; in JSON its slashes may be escaped and its lines broken."""
    if b"\\" in data:
        data = data.replace(b"\\/", b"/").replace(b"\\n", b"").replace(b"\\r", b"").rstrip(b"\\")
    try:
        return binascii.a2b_base64(data[: len(data) - len(data) % 4])
    except binascii.Error:
        return b""


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
