"""Content blocks of the Messages API → values of `wire.ir`. A block of a type that only this dialect has stays whole.

>>> from synrouter_cli.wire.codecs.anthropic.shapes import Block, read
>>> blocks([read(Block, b'{"type":"tool_use","id":"t","name":"f","input":{"x":1.10}}')], "")[0].arguments
'{"x":1.10}'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.anthropic.paths import Path, joined
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


def blocks(found: str | list[Block] | None, path: Path) -> tuple[Value, ...]:
    """The blocks of a message's or a result's content; a plain string is one text. Raises `InvalidRequest`."""
    if not isinstance(found, list):
        return () if found is None else (Text(found),)
    out: list[Value] = []
    for i, one in enumerate(found):
        out.append(_READERS[one.type](one, path, i) if one.other is None else Opaque("anthropic", one.type, one.other))
    return tuple(out)


def cache_marker(marker: Mapping[str, Any] | None) -> Cache | None:
    if marker is None:
        return None
    if marker.get("type") == "ephemeral" and len(marker) == 1:
        return _PLAIN
    ttl = marker.get("ttl")
    known = ("type", "ttl") if marker.get("type") == "ephemeral" else ("ttl",)
    rest = {name: value for name, value in marker.items() if name not in known}
    return Cache(ttl if isinstance(ttl, str) else None, rest)


def source(found: Mapping[str, Any] | None, path: Path) -> Source:
    """Where an image's or document's bytes are."""
    kind = None if found is None else found.get("type")
    if found is None or kind not in _SOURCE_DATA or _SOURCE_DATA[kind] not in found:
        raise InvalidRequest(detail=f"{joined(path)}.source: one of {', '.join(_SOURCE_DATA)} is needed")
    return Source(kind, found[_SOURCE_DATA[kind]], found.get("media_type"))


_PLAIN: Final = Cache()


def _text(one: Block, path: Path, i: int) -> Value:
    words = one.text if one.text is not None else _missing(path, i, "text")
    if one.cache_control is one.citations is None:
        return Text(words, extras=one.unknown)
    citations = tuple(one.citations) if isinstance(one.citations, list) else ()
    return Text(words, cache_marker(one.cache_control), citations, one.unknown)


def _image(one: Block, path: Path, i: int) -> Value:
    return Image(source(one.source, (path, i)), cache_marker(one.cache_control), extras=one.unknown)


def _document(one: Block, path: Path, i: int) -> Value:
    said = {"context": one.context, "citations": one.citations}
    extras = {name: value for name, value in said.items() if value is not None} | one.unknown
    return Document(source(one.source, (path, i)), one.title, cache_marker(one.cache_control), extras)


def _thinking(one: Block, path: Path, i: int) -> Value:
    words = one.thinking if one.thinking is not None else _missing(path, i, "thinking")
    return Thinking(words, one.signature or "", one.unknown)


def _redacted(one: Block, path: Path, i: int) -> Value:
    data = one.data if one.data is not None else _missing(path, i, "data")
    if one.unknown:
        return Opaque("anthropic", one.type, {"type": one.type, "data": data, **one.unknown})
    return RedactedThinking(data)


def _tool_use(one: Block, path: Path, i: int) -> Value:
    if one.id is None or one.name is None:
        _missing(path, i, "id" if one.id is None else "name")
    extras = one.unknown if one.caller is None else {"caller": one.caller, **one.unknown}
    marker = None if one.cache_control is None else cache_marker(one.cache_control)
    arguments = bytes(one.input).decode("utf-8", "replace") or "{}"
    return ToolUse(one.id, one.name, arguments, cache=marker, extras=extras)


def _tool_result(one: Block, path: Path, i: int) -> Value:
    return ToolResult(
        one.tool_use_id if one.tool_use_id is not None else _missing(path, i, "tool_use_id"),
        blocks(one.content, ((path, i), "content")),
        one.is_error,
        bare=not isinstance(one.content, list),
        cache=None if one.cache_control is None else cache_marker(one.cache_control),
        extras=one.unknown,
    )


def _missing(path: Path, i: int, name: str) -> NoReturn:
    raise InvalidRequest(detail=f"{joined(((path, i), name))}: missing".lstrip("."))


_READERS: Final[Mapping[str, Callable[[Block, Path, int], Value]]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}
