"""Content parts ⇄ blocks: of messages of both sides and of tools' outputs.

>>> read_parts([{"type": "input_text", "text": "hi"}], "input.0.content")[0].text
'hi'
>>> write_part(Text("hi"), "user", "messages.0.content.0", [])
[{'type': 'input_text', 'text': 'hi'}]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from synrouter_cli.wire import losses as told
from synrouter_cli.wire.codecs.readable import readable
from synrouter_cli.wire.codecs.responses import citations, sources
from synrouter_cli.wire.codecs.responses.reading import a_list, an_object, maybe_object, maybe_text, refused, rest, text
from synrouter_cli.wire.ir import Audio, Block, Document, Image, Loss, Opaque, Refusal, Source, Text

Part = dict[str, Any]
Losses = list[Loss]

_TEXT: Final = frozenset({"type", "text"})
_OUTPUT: Final = frozenset({"type", "text", "annotations"})
_IMAGE: Final = frozenset({"type", "image_url", "file_id", "detail"})
_FILE: Final = frozenset({"type", "file_data", "file_url", "file_id", "filename"})
NOTES: Final = {
    "audio": "[audio left out: this model's API takes none here]",
    "file_id": "[a file of another provider was left out]",
    "block": "[content of another provider was left out]",
}


# ── in ──


def read_parts(parts: list[Any], path: str) -> tuple[Block, ...]:
    """The blocks of a content list; InvalidRequest where a part is not one."""
    return tuple(read_part(part, f"{path}.{i}") for i, part in enumerate(parts))


def read_part(part: Any, path: str) -> Block:
    kind = an_object(part, path).get("type")
    if not isinstance(kind, str):
        raise refused(f"{path}.type", "a string is needed here")
    reader = _READERS.get(kind)
    return reader(part, path) if reader is not None else Opaque("responses", kind, part)


def _read_text(part: Part, path: str) -> Text:
    return Text(text(part, "text", path), extras=rest(part, _TEXT))


def _read_output_text(part: Part, path: str) -> Text:
    said = text(part, "text", path)
    extras = rest(part, _OUTPUT)
    if extras.get("logprobs") == []:
        del extras["logprobs"]
    marks = a_list(part.get("annotations") or [], f"{path}.annotations")
    if not marks:
        return Text(said, extras=extras)
    found = [(mark, citations.cited(mark, said)) for mark in marks]
    others = [mark for mark, citation in found if citation is None]
    if others:
        extras["annotations"] = others
    return Text(said, citations=tuple(citation for _, citation in found if citation is not None), extras=extras)


def _read_refusal(part: Part, path: str) -> Refusal:
    return Refusal(text(part, "refusal", path))


def _read_image(part: Part, path: str) -> Block:
    detail = maybe_text(part, "detail", path)
    url, file = maybe_text(part, "image_url", path), maybe_text(part, "file_id", path)
    if url is None and file is None:
        raise refused(path, "an image needs image_url or file_id")
    source = sources.of_url(url) if url is not None else Source("file", file)
    return Image(source, detail=None if detail == "auto" else detail, extras=rest(part, _IMAGE))


def _read_file(part: Part, path: str) -> Block:
    data, url, file = (maybe_text(part, key, path) for key in ("file_data", "file_url", "file_id"))
    if data is not None:
        source = sources.of_file_data(data)
    elif url is not None:
        source = Source("url", url)
    elif file is not None:
        source = Source("file", file)
    else:
        raise refused(path, "a file needs file_data, file_url or file_id")
    return Document(source, sources.title_of(maybe_text(part, "filename", path)), extras=rest(part, _FILE))


def _read_audio(part: Part, path: str) -> Block:
    sound = maybe_object(part, "input_audio", path)
    return Audio(text(sound, "data", f"{path}.input_audio"), text(sound, "format", f"{path}.input_audio"))


_READERS: Final[Mapping[str, Callable[[Part, str], Block]]] = {
    "input_text": _read_text,
    "text": _read_text,
    "output_text": _read_output_text,
    "refusal": _read_refusal,
    "input_image": _read_image,
    "input_file": _read_file,
    "input_audio": _read_audio,
}


# ── out ──


def write_part(block: Block, role: str, path: str, losses: Losses, *, ours: bool = False) -> list[Part]:
    """The parts for one block in a message of `role` or a tool's output; `ours` says that extras are in our words."""
    if isinstance(block, Text):
        return [_write_text(block, role, path, losses, ours)]
    if role == "assistant" and not ours and isinstance(block, Image | Document | Audio):
        losses.append(Loss("block", path))  # an answer holds words only
        return []
    if isinstance(block, Image):
        return [_write_image(block, role, path, losses, ours)]
    if isinstance(block, Document):
        return _write_document(block, path, losses, ours)
    if isinstance(block, Refusal):
        return [_write_refusal(block, role, path, losses)]
    if isinstance(block, Audio):
        return [_write_audio(block, role, path, losses)]
    if isinstance(block, Opaque):
        return _write_opaque(block, role, path, losses)
    losses.append(Loss("block", path))
    return []


def extras_of(block: Text | Image | Document, path: str, losses: Losses, ours: bool) -> Mapping[str, Any]:
    """A part's own further fields in our words; those of another dialect are losses, cache markers too."""
    if block.cache is not None:
        losses.append(Loss("cache_marker", path))
    if ours or not block.extras:
        return block.extras
    losses.extend(told.field(key, f"{path}.{key}") for key in block.extras)
    return {}


def _write_text(block: Text, role: str, path: str, losses: Losses, ours: bool) -> Part:
    extras = extras_of(block, path, losses, ours) if block.extras or block.cache is not None else {}
    if role != "assistant":
        if block.citations:
            losses.append(Loss("citations", path))
        return {"type": "input_text", "text": block.text, **extras}
    return {"type": "output_text", "text": block.text, "annotations": [], **extras} | _annotations(block, path, losses)


def _annotations(block: Text, path: str, losses: Losses) -> Part:
    if not block.citations:
        return {}
    found = [citations.annotation(citation, block.text) for citation in block.citations]
    if None in found:
        losses.append(Loss("citations", path))
    others = block.extras.get("annotations") or []
    return {"annotations": [*(mark for mark in found if mark is not None), *others]}


def _write_refusal(block: Refusal, role: str, path: str, losses: Losses) -> Part:
    if role == "assistant":
        return {"type": "refusal", "refusal": block.text}
    losses.append(Loss("refusal_as_text", path))
    return {"type": "input_text", "text": block.text}


def _write_image(block: Image, role: str, path: str, losses: Losses, ours: bool) -> Part:
    extras = extras_of(block, path, losses, ours)
    if block.source.kind not in ("base64", "url", "file"):
        losses.append(Loss("block", path))
        return {"type": "input_text", "text": NOTES["block"]}
    if block.source.kind == "file" and not ours:
        losses.append(Loss("file_id", path))
        return {"type": "input_text", "text": NOTES["file_id"]}
    key = "file_id" if block.source.kind == "file" else "image_url"
    data = block.source.data if key == "file_id" else sources.url_of(block.source)
    detail = block.detail or (None if role == "tool" and ours else "auto")  # has to be said, but in outputs
    said = {} if detail is None else {"detail": detail}
    return {"type": "input_image", key: data, **said, **extras}


def _write_document(block: Document, path: str, losses: Losses, ours: bool) -> list[Part]:
    if block.source.kind == "content":
        return _write_pieces(block, path, losses)
    extras = extras_of(block, path, losses, ours)
    if block.source.kind == "file" and not ours:
        losses.append(Loss("file_id", path))
        return [{"type": "input_text", "text": NOTES["file_id"]}]
    named = {"filename": block.title} if block.title else {}
    data = sources.file_data(block)
    if data is not None:
        return [{"type": "input_file", "file_data": data, "filename": sources.file_name(block), **extras}]
    key = "file_url" if block.source.kind == "url" else "file_id"
    return [{"type": "input_file", key: block.source.data, **named, **extras}]


def _write_pieces(block: Document, path: str, losses: Losses) -> list[Part]:
    """A document of blocks: its texts, and its images as far as they stand there."""
    extras_of(block, path, losses, ours=False)
    given = block.source.data
    pieces: list[Part] = [{"type": "text", "text": given}] if isinstance(given, str) else list(given)
    parts: list[Part] = [{"type": "input_text", "text": block.title}] if block.title else []
    for piece in pieces:
        source: Part = piece.get("source") or {}
        if piece.get("type") == "text":
            parts.append({"type": "input_text", "text": piece.get("text", "")})
        elif piece.get("type") == "image" and source.get("type") in ("base64", "url"):
            image = Source(source["type"], source.get("data", source.get("url")), source.get("media_type"))
            parts.append({"type": "input_image", "image_url": sources.url_of(image), "detail": "auto"})
        else:
            losses.append(Loss("block", path))
    return parts


def _write_audio(block: Audio, role: str, path: str, losses: Losses) -> Part:
    """The API takes audio in messages, but its types know none: it goes on as it came."""
    if role == "user":
        return {"type": "input_audio", "input_audio": {"data": block.data, "format": block.format}}
    losses.append(Loss("audio", path))
    return {"type": "input_text", "text": NOTES["audio"]}


def _write_opaque(block: Opaque, role: str, path: str, losses: Losses) -> list[Part]:
    if block.dialect == "responses":
        return [block.data]
    said = readable(block)
    if said is not None:
        return [_write_text(Text(said), role, path, losses, False)]
    losses.append(Loss("block", path))
    return []
