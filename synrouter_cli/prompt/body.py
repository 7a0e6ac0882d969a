"""Edits on bytes, and where JSON values stand in them.

A body is never re-encoded: an edit is (offset, length, bytes) on the bytes that came, and the inverse list
restores them.

>>> sent = apply_edits(b'{"a":1}', [Edit(5, 1, b"22")])
>>> sent, apply_edits(sent, inverse_edits(b'{"a":1}', [Edit(5, 1, b"22")]))
(b'{"a":22}', b'{"a":1}')
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

__all__ = ["Edit", "Unplannable", "address", "apply_edits", "inverse_edits", "parseable"]


class Unplannable(Exception):
    """The body can't be split into segments: it goes out as it came. The message says why."""


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace `length` bytes at `offset` of the original body by `data`."""

    offset: int
    length: int
    data: bytes


def apply_edits(body: bytes, edits: Iterable[Edit]) -> bytes:
    """The edited body. Edits may come in any order, must not overlap, and refer to the original's offsets.

    Two inserts at one offset keep the order in which they were given.
    """
    parts: list[bytes | memoryview] = []
    view = memoryview(body)
    done = 0
    for edit in _in_order(edits):
        if edit.offset < done or edit.offset + edit.length > len(body):
            raise ValueError(f"edit at {edit.offset} overlaps another or leaves the body")
        parts.append(view[done : edit.offset])
        parts.append(edit.data)
        done = edit.offset + edit.length
    parts.append(view[done:])
    return b"".join(parts)


def inverse_edits(body: bytes, edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits that turn `apply_edits(body, edits)` back into `body`."""
    inverse = []
    shift = 0
    for edit in _in_order(edits):
        original = body[edit.offset : edit.offset + edit.length]
        inverse.append(Edit(edit.offset + shift, len(edit.data), original))
        shift += len(edit.data) - edit.length
    return tuple(inverse)


def _in_order(edits: Iterable[Edit]) -> Sequence[Edit]:
    return sorted(edits, key=lambda edit: edit.offset)


class _PyBuffer(ctypes.Structure):
    """CPython's Py_buffer (docs.python.org/3/c-api/buffer.html), to learn where a view points."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = [ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int]
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = [ctypes.POINTER(_PyBuffer)]


def address(view: msgspec.Raw | bytes | memoryview) -> int:
    """The address of a view's first byte. `address(raw) - address(body)` is where `raw` stands in `body`."""
    buffer = _PyBuffer()
    _get_buffer(view, buffer, 0)
    try:
        return int(buffer.buf or 0)
    finally:
        _release_buffer(buffer)


_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_SURROGATE_BYTES = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


def parseable(body: bytes) -> bytes:
    """A copy of the same length in which lone surrogates are replaced, so that a strict parser takes it.

    Agents cut text in the middle of an emoji; such a string must not unplan a whole session. Offsets found in
    the copy hold in the original.
    """
    clean = _SURROGATE_BYTES.sub(b"\xef\xbf\xbd", body)
    if b"\\u" not in clean:
        return clean
    out = bytearray(clean)
    high: re.Match[bytes] | None = None
    for match in _ESCAPE.finditer(clean):
        unit = int(match[1], 16) if match[1] else 0
        is_low = 0xDC00 <= unit <= 0xDFFF
        if high is not None:
            if is_low and high.end() == match.start():
                high = None
                continue
            out[high.start() : high.end()] = b"\\ufffd"
            high = None
        if 0xD800 <= unit <= 0xDBFF:
            high = match
        elif is_low:
            out[match.start() : match.end()] = b"\\ufffd"
    if high is not None:
        out[high.start() : high.end()] = b"\\ufffd"
    return bytes(out)
