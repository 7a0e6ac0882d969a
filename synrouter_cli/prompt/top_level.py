"""A request's fields at the top of its body, of any dialect: read without the rest, changed where they stand.

>>> top = read_top(b'{"model": "a", "stream": true}')
>>> top.model, top.stream, renamed(b'{"model": "a", "stream": true}', "b")
('a', True, b'{"model": "b", "stream": true}')
>>> with_field(b'{"model": "a"}', "user", "me")
b'{"user":"me","model": "a"}'
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from synrouter_cli.prompt.body import Edit, address, apply_edits, parseable

__all__ = ["Top", "model_of", "read_top", "renamed", "with_field"]

_OPENING: Final = re.compile(rb"\s*\{(?=\s*\")")
# Most clients begin with it; then nothing else has to be read.
_MODEL_FIRST: Final = re.compile(rb'\s*\{\s*"model"\s*:\s*"([^"\\\x00-\x1f]{1,200})"')


@dataclass(frozen=True, slots=True)
class Top:
    """What is at the top. `model` is empty where there is none that is text."""

    model: str
    stream: bool = False
    cache_key: bool = False
    """`prompt_cache_key` is there."""
    session_id: bool = False


class _Fields(msgspec.Struct):
    model: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    stream: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    prompt_cache_key: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    session_id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decoder = msgspec.json.Decoder(_Fields)
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def model_of(body: bytes) -> str:
    """The model's name, empty where none can be read. Reads no more than it must."""
    found = _MODEL_FIRST.match(body)
    if found is not None:
        return found[1].decode("utf-8", "replace")
    return read_top(body).model


def read_top(body: bytes) -> Top:
    """Never raises: what can't be read has nothing at its top."""
    fields = _read(body)
    if fields is None:
        return Top("")
    return Top(
        _text(fields.model),
        isinstance(fields.stream, msgspec.Raw) and bytes(fields.stream) == b"true",
        isinstance(fields.prompt_cache_key, msgspec.Raw),
        isinstance(fields.session_id, msgspec.Raw),
    )


def renamed(body: bytes, model: str) -> bytes:
    """The body with another model's name; as it came where it has none."""
    copy = parseable(body)
    fields = _read(copy)
    if fields is None or not isinstance(fields.model, msgspec.Raw):
        return body
    length = len(bytes(fields.model))
    offset = address(fields.model) - address(copy)
    return apply_edits(body, [Edit(offset, length, json.dumps(model).encode())])


def with_field(body: bytes, name: str, value: object) -> bytes:
    """The body with one more field in front; as it came where it is no object with fields."""
    opening = _OPENING.match(body)
    if opening is None:
        return body
    field = f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))},".encode()
    return b"".join((body[: opening.end()], field, memoryview(body)[opening.end() :]))


def _read(body: bytes) -> _Fields | None:
    try:
        return _decoder.decode(body)
    except _UNREADABLE:
        return None


def _text(raw: msgspec.Raw | msgspec.UnsetType) -> str:
    if not isinstance(raw, msgspec.Raw):
        return ""
    try:
        return msgspec.json.decode(raw, type=str)
    except _UNREADABLE:
        return ""
