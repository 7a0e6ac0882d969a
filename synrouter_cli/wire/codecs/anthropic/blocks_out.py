"""Values of `wire.ir` → content blocks of the Messages API, with the keys in the order in which its SDKs send them.

What the API has no block for stands there as a note in words; thinking that another provider signed is left out, since
it would be refused.

>>> Writer(own=True).block(Text("hi", Cache("1h")), "messages.0.content.0")
{'type': 'text', 'text': 'hi', 'cache_control': {'type': 'ephemeral', 'ttl': '1h'}}
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from synrouter_cli.wire.codecs.anthropic.paths import Path, joined
from synrouter_cli.wire.codecs.disguise import flat_name, wrapped
from synrouter_cli.wire.codecs.halves import mended, mended_json
from synrouter_cli.wire.codecs.pairing import plain_id
from synrouter_cli.wire.ir import (
    Audio,
    Block,
    Cache,
    Document,
    Extras,
    Image,
    Loss,
    Opaque,
    RedactedThinking,
    Refusal,
    Source,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from synrouter_cli.wire.losses import field
from synrouter_cli.wire.sealed import unseal

__all__ = ["Writer", "arguments", "marker", "written"]

Json = dict[str, Any]
_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[^,;]*)*;base64,")
_IMAGE_HEADS: Final = {"iVBOR": "image/png", "/9j/": "image/jpeg", "R0lG": "image/gif", "UklG": "image/webp"}
_KNOWN_EXTRAS: Final[Mapping[type, frozenset[str]]] = {
    Image: frozenset(["transformations"]),
    Document: frozenset(["context", "citations"]),
    ToolUse: frozenset(["caller", "toolset_name"]),
    ToolResult: frozenset(["toolset_name"]),
}
_LOCATIONS: Final = frozenset(
    ["char_location", "page_location", "content_block_location", "web_search_result_location", "search_result_location"]
)
_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Writer:
    """Writes blocks and gathers what is lost. `own`: the request came in this dialect, so every field is passed on."""

    answers = False
    """For the client: names of tools are its own, and stay."""

    def __init__(self, *, own: bool = False) -> None:
        self.own = own
        self.losses: list[Loss] = []

    def lose(self, code: str, path: Path) -> None:
        self.losses.append(Loss(code, joined(path)))

    def block(self, one: Block, path: Path) -> Json | None:
        """None where nothing is left of it."""
        return _WRITERS[type(one)](self, one, path)

    def blocks(self, many: tuple[Block, ...], path: Path) -> list[Json]:
        if len(many) == 1:
            only = self.block(many[0], (path, 0))
            return [] if only is None else [only]
        found = [self.block(one, (path, i)) for i, one in enumerate(many)]
        return [one for one in found if one is not None]

    def finish(self, out: Json, cache: Cache | None, extras: Extras, kind: type, path: Path) -> Json:
        """A block with its marker and what else stood in it."""
        if cache is not None:
            out["cache_control"] = marker(cache)
        if not extras:
            return out
        for name, value in extras.items():
            if self.own or name in _KNOWN_EXTRAS.get(kind, ()):
                out[name] = value
            else:
                self.losses.append(field(name, joined((path, name))))
        return out

    def note(self, code: str, path: Path, text: str, cache: Cache | None = None) -> Json:
        """Words in place of something that can't be shown."""
        self.lose(code, path)
        return self.finish({"type": "text", "text": text}, cache, {}, Text, path)


def marker(cache: Cache) -> Json:
    out: Json = {"type": "ephemeral"}
    if cache.ttl is not None:
        out["ttl"] = cache.ttl
    return {**out, **cache.extras}


def written(value: Any) -> bytes:
    """JSON. Half a surrogate pair has no place in it: U+FFFD stands for it."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_mended(value))


def arguments(use: ToolUse) -> msgspec.Raw:
    """A call's input, exactly as it came where it is an object; anything else as its one field `input`."""
    text = wrapped(use)
    data = mended_json(text.encode("utf-8", "replace"))
    try:
        _object(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.Raw(written({"input": text}) if text.strip() else b"{}")
    return msgspec.Raw(data)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return mended(value)
    if isinstance(value, dict):
        return {_mended(key): _mended(one) for key, one in value.items()}
    return [_mended(one) for one in value] if isinstance(value, list | tuple) else value


def _text(to: Writer, one: Text, path: Path) -> Json | None:
    if not to.own and not (one.text if to.answers else one.text.strip()):  # white space alone is refused too
        to.lose("empty_text", path)
        return None
    out: Json = {"type": "text", "text": one.text}
    if one.cache is None and not one.citations and not one.extras:
        return out
    known = [c for c in one.citations if to.own or (isinstance(c, dict) and c.get("type") in _LOCATIONS)]
    if known:
        out["citations"] = known
    if len(known) < len(one.citations):
        to.lose("citations", path)
    return to.finish(out, one.cache, one.extras, Text, path)


def _image(to: Writer, one: Image, path: Path) -> Json | None:
    source = _unpacked(one.source)
    if one.detail not in (None, "auto"):
        to.lose("image_detail", path)
    if source.kind == "file" and not to.own:
        return to.note("file_id", path, "[An image that only another provider has a copy of.]", one.cache)
    media = source.media_type
    if source.kind == "base64" and not media:
        media = next((kind for head, kind in _IMAGE_HEADS.items() if str(source.data).startswith(head)), "image/png")
    return to.finish({"type": "image", "source": _place(source, media)}, one.cache, one.extras, Image, path)


def _document(to: Writer, one: Document, path: Path) -> Json | None:
    source = _plain(_unpacked(one.source))
    name = one.title or "a file"
    if source.kind == "file" and not to.own:
        return to.note("file_id", path, f"[{name}: only another provider has a copy of it.]", one.cache)
    media = source.media_type
    if source.kind == "base64":
        media = media or "application/pdf"
        if media != "application/pdf" and not to.own:
            return to.note("document_type", path, f"[{name}: its kind, {media}, can't be shown.]", one.cache)
    out: Json = {"type": "document", "source": _place(source, "text/plain" if source.kind == "text" else media)}
    if one.title is not None:
        out["title"] = one.title
    return to.finish(out, one.cache, one.extras, Document, path)


_DATA_KEYS: Final = {"base64": "data", "url": "url", "file": "file_id", "text": "data", "content": "content"}


def _place(source: Source, media: str | None) -> Json:
    out: Json = {"type": source.kind}
    if source.kind in ("base64", "text") and media:
        out["media_type"] = media
    return {**out, _DATA_KEYS[source.kind]: source.data}


def _unpacked(source: Source) -> Source:
    """A data URL as what is in it."""
    match = _DATA_URL.match(source.data) if source.kind in ("url", "base64") and isinstance(source.data, str) else None
    if match is None:
        return source
    return Source("base64", source.data[match.end() :], match[1] or source.media_type)


def _plain(source: Source) -> Source:
    """Text in base64 as text."""
    if source.kind != "base64" or not (source.media_type or "").startswith("text/"):
        return source
    try:
        return Source("text", base64.b64decode(source.data, validate=True).decode(), "text/plain")
    except (binascii.Error, ValueError):
        return source


def _audio(to: Writer, one: Audio, path: Path) -> Json | None:
    return to.note("audio", path, f"[A recording, {one.format}, that can't be played here.]")


def _thinking(to: Writer, one: Thinking, path: Path) -> Json | None:
    sealed = unseal(one.signature)
    if sealed is not None:
        return _restored(to, sealed, path)
    if not one.signature:
        to.lose("foreign_thinking", path)
        return None
    return to.finish(
        {"type": "thinking", "thinking": one.text, "signature": one.signature}, None, one.extras, Thinking, path
    )


def _redacted(to: Writer, one: RedactedThinking, path: Path) -> Json | None:
    sealed = unseal(one.data)
    return {"type": "redacted_thinking", "data": one.data} if sealed is None else _restored(to, sealed, path)


def _restored(to: Writer, sealed: tuple[str, Any], path: Path) -> Json | None:
    """A block of our own that another dialect carried; what is another provider's own is left out."""
    dialect, value = sealed
    if dialect == "anthropic" and isinstance(value, dict) and value.get("type") in ("thinking", "redacted_thinking"):
        return value
    to.lose("foreign_thinking", path)
    return None


def _tool_use(to: Writer, one: ToolUse, path: Path) -> Json | None:
    if one.kind == "server":
        to.lose("block", path)
        return None
    asis = to.own or (to.answers and not one.namespace)
    name = one.name if asis else flat_name(one.name, one.namespace)
    out: Json = {"type": "tool_use", "id": plain_id(one.id), "name": name, "input": arguments(one)}
    return out if one.cache is None and not one.extras else to.finish(out, one.cache, one.extras, ToolUse, path)


def _tool_result(to: Writer, one: ToolResult, path: Path) -> Json | None:
    if one.kind == "server":
        to.lose("block", path)
        return None
    out: Json = {"type": "tool_result", "tool_use_id": plain_id(one.id)}
    if one.bare and len(one.content) == 1 and isinstance(one.content[0], Text):
        out["content"] = one.content[0].text
    elif one.content or not one.bare:
        out["content"] = to.blocks(one.content, (path, "content"))
    if one.is_error is not None:
        out["is_error"] = one.is_error
    return out if one.cache is None and not one.extras else to.finish(out, one.cache, one.extras, ToolResult, path)


def _refusal(to: Writer, one: Refusal, path: Path) -> Json | None:
    return _text(to, Text(one.text), path)


def _opaque(to: Writer, one: Opaque, path: Path) -> Json | None:
    if one.dialect == "anthropic":
        return one.data  # type: ignore[no-any-return]
    to.lose("block", path)
    return None


_WRITERS: Final[Mapping[type, Callable[[Writer, Any, Path], Json | None]]] = {
    Text: _text,
    Image: _image,
    Document: _document,
    Audio: _audio,
    Thinking: _thinking,
    RedactedThinking: _redacted,
    ToolUse: _tool_use,
    ToolResult: _tool_result,
    Refusal: _refusal,
    Opaque: _opaque,
}
