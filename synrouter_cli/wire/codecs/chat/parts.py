"""Content parts ⇄ blocks: text, images, files, audio, refusals. A `data:` URL is base64 with its media type.

>>> part_in({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}, "m.0").source
Source(kind='base64', data='AAAA', media_type='image/png')
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from synrouter_cli.wire.codecs.chat.fields import Object, cache_in, checked, mapping, refused, rest, text
from synrouter_cli.wire.codecs.chat.leaving import Leaving
from synrouter_cli.wire.codecs.readable import readable
from synrouter_cli.wire.ir import Audio, Block, Document, Image, Opaque, Refusal, Source, Text

__all__ = ["content_in", "part_in", "part_out"]

_DATA_URL: Final = re.compile(r"data:([^;,]*)((?:;[^;,]*)*);base64,", re.IGNORECASE)
_PDF: Final = "application/pdf"
_TEXT: Final = frozenset({"type", "text", "cache_control"})
_IMAGE: Final = frozenset({"type", "image_url", "cache_control"})
_FILE: Final = frozenset({"type", "file", "cache_control"})


# ── in ──


def content_in(content: Any, holder: str) -> tuple[tuple[Block, ...], bool]:
    """The blocks of a content, and whether it was a plain string. `holder` is where what has the content stands."""
    if isinstance(content, str):
        return (Text(content),), True
    if content is None:
        return (), False
    path = f"{holder}.content"
    if not isinstance(content, list):
        raise refused(path, "a string or a list of parts is needed here")
    return tuple(part_in(part, f"{path}.{i}") for i, part in enumerate(content)), False


def part_in(part: Any, path: str) -> Block:
    """The block of one part. Raises InvalidRequest where it is none; a kind that is not known is kept as it is."""
    if isinstance(part, str):  # some clients put bare strings into the list
        return Text(part)
    part = mapping(part, path)
    kind = text(part, "type", path)
    reader = _READERS.get(kind)
    return reader(part, path) if reader is not None else Opaque("chat", kind, part)


def _text_in(part: Object, path: str) -> Block:
    return Text(text(part, "text", path), cache_in(part, path), (), rest(part, _TEXT))


def _image_in(part: Object, path: str) -> Block:
    image = part.get("image_url")
    where = f"{path}.image_url"
    image = {"url": image} if isinstance(image, str) else mapping(image, where)
    extras = rest(part, _IMAGE)
    source = _source(text(image, "url", where), "image/png")
    return Image(source, cache_in(part, path), checked(image, "detail", str, where), extras)


def _file_in(part: Object, path: str) -> Block:
    file = mapping(part.get("file"), f"{path}.file")
    data, file_id = checked(file, "file_data", str, f"{path}.file"), checked(file, "file_id", str, f"{path}.file")
    if data is None and file_id is None:
        raise refused(f"{path}.file", "file_data or file_id is needed here")
    source = Source("file", file_id) if data is None else _source(data, _PDF)
    extras = rest(part, _FILE)
    return Document(source, checked(file, "filename", str, f"{path}.file"), cache_in(part, path), extras)


def _source(url: str, media_type: str) -> Source:
    if url.startswith(("http://", "https://")):
        return Source("url", url)
    found = _DATA_URL.match(url)
    if found is not None:
        return Source("base64", url[found.end() :], found.group(1).lower() or media_type)
    return Source("url", url) if ":" in url[:40] else Source("base64", url, media_type)


def _audio_in(part: Object, path: str) -> Block:
    audio = mapping(part.get("input_audio"), f"{path}.input_audio")
    return Audio(text(audio, "data", f"{path}.input_audio"), text(audio, "format", f"{path}.input_audio"))


def _refusal_in(part: Object, path: str) -> Block:
    return Refusal(text(part, "refusal", path))


_READERS: Final[Mapping[str, Callable[[Object, str], Block]]] = {
    "text": _text_in,
    "input_text": _text_in,
    "output_text": _text_in,
    "image_url": _image_in,
    "file": _file_in,
    "input_audio": _audio_in,
    "refusal": _refusal_in,
}


# ── out ──


def part_out(block: Block, path: str, leaving: Leaving) -> list[Object]:
    """The parts of one block; several for a document made of blocks, none where there is no place for it."""
    if isinstance(block, Text):
        if block.citations:
            leaving.lose("citations", path)
        return [{"type": "text", "text": block.text, **leaving.marked(block, path)}]
    if isinstance(block, Image):
        return [_image_out(block, path, leaving)]
    if isinstance(block, Document):
        return _document_out(block, path, leaving)
    if isinstance(block, Audio):
        return [{"type": "input_audio", "input_audio": {"data": block.data, "format": block.format}}]
    if isinstance(block, Refusal):
        return [{"type": "refusal", "refusal": block.text}]
    if isinstance(block, Opaque) and block.dialect == "chat":
        return [dict(block.data)]
    if isinstance(block, Opaque) and (said := readable(block)) is not None:
        return [{"type": "text", "text": said}]
    leaving.lose("block", path)
    return []


def _image_out(block: Image, path: str, leaving: Leaving) -> Object:
    if block.source.kind == "file":
        leaving.lose("file_id", path)
        return {"type": "text", "text": "[An image that only another provider holds.]", **leaving.marked(block, path)}
    detail = {"detail": block.detail} if block.detail is not None else {}
    image = {"url": _url(block.source, "image/png"), **detail}
    return {"type": "image_url", "image_url": image, **leaving.marked(block, path)}


def _document_out(block: Document, path: str, leaving: Leaving) -> list[Object]:
    source = block.source
    if source.kind == "content":
        inner = source.data if isinstance(source.data, list | tuple) else [Text(str(source.data))]
        parts = [part for i, one in enumerate(inner) for part in _inner_out(one, f"{path}.source.content.{i}", leaving)]
        if parts:
            parts[-1].update(leaving.marked(block, path))
        return parts
    if source.kind == "text":
        title = f"{block.title}\n\n" if block.title else ""
        return [{"type": "text", "text": f"{title}{source.data}", **leaving.marked(block, path)}]
    name = {"filename": block.title} if block.title is not None else {}
    if source.kind == "file" and not leaving.files:
        leaving.lose("file_id", path)
        note = f"[{block.title or 'A file'}: only another provider holds it.]"
        return [{"type": "text", "text": note, **leaving.marked(block, path)}]
    if source.kind == "file":
        file = {"file_id": source.data, **name}
    else:
        file = {
            "file_data": _url(source, _PDF),
            **(name or {"filename": "document.pdf"} if source.kind == "base64" else name),
        }
    return [{"type": "file", "file": file, **leaving.marked(block, path)}]


def _inner_out(one: Any, path: str, leaving: Leaving) -> list[Object]:
    """A block of a document's content: ours, or as Anthropic has it."""
    if isinstance(one, dict):
        source = one.get("source")
        if one.get("type") == "text" and isinstance(one.get("text"), str):
            return [{"type": "text", "text": one["text"]}]
        if one.get("type") == "image" and isinstance(source, dict):
            linked = source.get("type") == "url"
            data = source.get("url" if linked else "data")
            found = Source("url" if linked else "base64", data, source.get("media_type"))
            return part_out(Image(found), path, leaving)
        leaving.lose("block", path)
        return []
    return part_out(one, path, leaving)


def _url(source: Source, media_type: str) -> str:
    return str(source.data) if source.kind == "url" else f"data:{source.media_type or media_type};base64,{source.data}"
