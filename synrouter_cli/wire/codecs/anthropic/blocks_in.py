"""Content blocks of the Messages API → values of `wire.ir`. A block of a type that only this dialect has stays whole.

>>> from synrouter_cli.wire.codecs.anthropic.shapes import Block, read
>>> blocks([read(Block, b'{"type":"tool_use","id":"t","name":"f","input":{"x":1.10}}')], "")[0].arguments
'{"x":1.10}'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.anthropic.shapes import Block
from synrouter_cli.wire.ir import (
    Block as Value,
)
from synrouter_cli.wire.ir import (
    Cache,
    Document,
    Extras,
    Image,
    Opaque,
    RedactedThinking,
    Source,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)

__all__ = ["blocks", "cache_marker", "source"]

_NOTHING: Final[Extras] = {}
_SOURCE_DATA: Final = {"base64": "data", "url": "url", "file": "file_id", "text": "data", "content": "content"}


def blocks(found: str | list[Block] | None, path: str) -> tuple[Value, ...]:
    """The blocks of a message's or a result's content; a plain string is one text. Raises `InvalidRequest`."""
    if not isinstance(found, list):
        return () if found is None else (Text(found),)
    return tuple([_value(one, path, i) for i, one in enumerate(found)])


def cache_marker(marker: Mapping[str, Any] | None) -> Cache | None:
    if marker is None:
        return None
    if marker.get("type") == "ephemeral" and len(marker) == 1:
        return _PLAIN
    ttl = marker.get("ttl")
    known = ("type", "ttl") if marker.get("type") == "ephemeral" else ("ttl",)
    rest = {name: value for name, value in marker.items() if name not in known}
    return Cache(ttl if isinstance(ttl, str) else None, rest)


def source(found: Mapping[str, Any] | None, path: str) -> Source:
    """Where an image's or document's bytes are."""
    kind = None if found is None else found.get("type")
    if found is None or kind not in _SOURCE_DATA or _SOURCE_DATA[kind] not in found:
        raise InvalidRequest(detail=f"{path}.source: one of {', '.join(_SOURCE_DATA)} is needed")
    return Source(kind, found[_SOURCE_DATA[kind]], found.get("media_type"))


_PLAIN: Final = Cache()


def _value(one: Block, path: str, i: int) -> Value:
    if one.other is not None:
        return Opaque("anthropic", one.type, one.other)
    return _READERS[one.type](one, path, i)


def _text(one: Block, path: str, i: int) -> Value:
    citations = tuple(one.citations) if isinstance(one.citations, list) else ()
    return Text(_needed(one.text, path, i, "text"), cache_marker(one.cache_control), citations, one.unknown)


def _image(one: Block, path: str, i: int) -> Value:
    return Image(source(one.source, f"{path}.{i}"), cache_marker(one.cache_control), extras=one.unknown)


def _document(one: Block, path: str, i: int) -> Value:
    said = {"context": one.context, "citations": one.citations}
    extras = {name: value for name, value in said.items() if value is not None} | one.unknown
    return Document(source(one.source, f"{path}.{i}"), one.title, cache_marker(one.cache_control), extras)


def _thinking(one: Block, path: str, i: int) -> Value:
    return Thinking(_needed(one.thinking, path, i, "thinking"), one.signature or "", one.unknown)


def _redacted(one: Block, path: str, i: int) -> Value:
    data = _needed(one.data, path, i, "data")
    if one.unknown:
        return Opaque("anthropic", one.type, {"type": one.type, "data": data, **one.unknown})
    return RedactedThinking(data)


def _tool_use(one: Block, path: str, i: int) -> Value:
    name, arguments = _needed(one.name, path, i, "name"), bytes(one.input).decode("utf-8", "replace")
    extras = one.unknown if one.caller is None else {"caller": one.caller, **one.unknown}
    marker = cache_marker(one.cache_control)
    return ToolUse(_needed(one.id, path, i, "id"), name, arguments or "{}", cache=marker, extras=extras)


def _tool_result(one: Block, path: str, i: int) -> Value:
    return ToolResult(
        _needed(one.tool_use_id, path, i, "tool_use_id"),
        blocks(one.content or None, f"{path}.{i}.content"),
        one.is_error,
        bare=not isinstance(one.content, list),
        cache=cache_marker(one.cache_control),
        extras=one.unknown,
    )


def _needed(value: str | None, path: str, i: int, name: str) -> str:
    if value is None:
        raise InvalidRequest(detail=f"{path}.{i}.{name}: missing".lstrip("."))
    return value


_READERS: Final[Mapping[str, Callable[[Block, str, int], Value]]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}
