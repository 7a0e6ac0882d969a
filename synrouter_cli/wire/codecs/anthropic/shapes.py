"""The shapes of the Messages API's requests, as msgspec reads them: in one pass where every key is known, key by key
where one is not. A key that no shape has a field for is kept in `unknown`.

>>> read(Message, b'{"role":"user","content":"hi","clear_at":"never"}', "messages.0").unknown
{'clear_at': 'never'}
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar, cast, get_args

import msgspec
import msgspec.structs

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.halves import mended_json

__all__ = ["Block", "Body", "Message", "Tool", "decoded", "read"]

_Kind = Literal["text", "image", "document", "thinking", "redacted_thinking", "tool_use", "tool_result"]


class _Shape(msgspec.Struct, forbid_unknown_fields=True):
    unknown: dict[str, Any] = msgspec.field(default_factory=dict, name=" unknown")


class Block(_Shape, kw_only=True, gc=False):
    """Any content block that a value of `wire.ir` stands for; of all others `other` holds everything."""

    type: _Kind
    text: str | None = None
    cache_control: dict[str, Any] | None = None
    citations: list[Any] | dict[str, Any] | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw()
    caller: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: str | list[Block] | None = None
    is_error: bool | None = None
    source: dict[str, Any] | None = None
    title: str | None = None
    context: str | None = None
    other: dict[str, Any] | None = msgspec.field(default=None, name=" other")


class Message(_Shape, kw_only=True):
    role: str
    content: str | list[Block] | None = None


class Tool(_Shape):
    name: str | None = None
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    defer_loading: bool | None = None
    cache_control: dict[str, Any] | None = None
    eager_input_streaming: bool | None = None
    input_examples: list[Any] | None = None
    allowed_callers: list[Any] | None = None


class Body(_Shape, kw_only=True):
    model: str
    messages: list[msgspec.Raw]
    """Each a `Message`."""
    system: str | list[Block] | None = None
    tools: list[msgspec.Raw] | None = None
    """Each a `Tool`."""
    tool_choice: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    cache_control: dict[str, Any] | None = None
    service_tier: str | None = None


_KNOWN_BLOCKS: Final = frozenset(get_args(_Kind))
T = TypeVar("T", bound=_Shape)
_NESTED: Final[dict[type, tuple[tuple[str, type], ...]]] = {
    Body: (("system", Block),),
    Message: (("content", Block),),
    Block: (("content", Block),),
    Tool: (),
}
_FIELDS: Final = {kind: {f.encode_name for f in msgspec.structs.fields(kind)} for kind in _NESTED}
_DECODERS: Final[dict[type, Callable[[bytes | msgspec.Raw], Any]]] = {
    kind: msgspec.json.Decoder(kind).decode for kind in _NESTED
}
_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_anything: Final = msgspec.json.Decoder().decode
_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read(kind: type[T], data: bytes | msgspec.Raw, path: str = "") -> T:
    """`data` as that shape. Raises `InvalidRequest`, which says where and what; `path` is where `data` stands."""
    try:
        value: T = _DECODERS[kind](data)
    except msgspec.ValidationError:
        return _read_by_key(kind, mended_json(bytes(data)), path)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _read_mended(kind, data, path, error)
    return value


def decoded(data: bytes | msgspec.Raw) -> Any:
    try:
        return _anything(data)
    except msgspec.DecodeError:
        return _anything(mended_json(bytes(data)))


def _read_mended(kind: type[T], data: bytes | msgspec.Raw, path: str, error: Exception) -> T:
    """Half a surrogate pair is no text in UTF-8: something stands for it. Anything else is no JSON."""
    mended = mended_json(bytes(data))
    if mended == bytes(data):
        raise InvalidRequest(detail=f"{path or 'The body'}: {error}") from None
    return read(kind, mended, path)


def _read_by_key(kind: type[T], data: bytes | msgspec.Raw, path: str) -> T:
    try:
        keys: dict[str, msgspec.Raw] = _object(data)
        if kind is Block and decoded(keys.get("type", b"null")) not in _KNOWN_BLOCKS:
            return cast(T, _other(keys, path))
        nested = [(name, inner) for name, inner in _NESTED[kind] if _is_list(keys.get(name))]
        known = {k: v for k, v in keys.items() if k in _FIELDS[kind] and k not in dict(nested)}
        value: T = _DECODERS[kind](msgspec.json.encode(known))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(detail=_placed(path, str(error))) from None
    for name, inner in nested:
        places = enumerate(_list(keys[name]))
        setattr(value, name, [read(inner, one, f"{path}.{name}.{i}".lstrip(".")) for i, one in places])
    value.unknown = {k: decoded(v) for k, v in keys.items() if k not in _FIELDS[kind]}
    return value


def _is_list(raw: msgspec.Raw | None) -> bool:
    return raw is not None and bytes(memoryview(raw)[:1]) == b"["


def _other(keys: dict[str, msgspec.Raw], path: str) -> Block:
    whole = {name: decoded(value) for name, value in keys.items()}
    if not isinstance(whole.get("type"), str):
        raise InvalidRequest(detail=f"{path}.type: a block needs one".lstrip("."))
    return Block(type=cast(_Kind, whole["type"]), other=whole)


def _placed(path: str, message: str) -> str:
    """msgspec's `… - at `$.a[0].b`` as `a.0.b: …` below `path`."""
    text, _, place = message.partition(" - at `$")
    inner = re.sub(r"\[(\w*|\.\.\.)\]", r".\1", place.rstrip("`"))
    where = (path + inner).lstrip(".")
    return f"{where or 'The body'}: {text}"
