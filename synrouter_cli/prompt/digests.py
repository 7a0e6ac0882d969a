"""Digests by meaning: a marker, the order of keys, a null, or a string in place of a list of one text change nothing.

>>> one = msgspec.json.decode(b'{"type":"text","text":"hi"}', type=dict[str, msgspec.Raw])
>>> other = msgspec.json.decode(b'{"cache_control":null,"text":"hi","type":"text"}', type=dict[str, msgspec.Raw])
>>> digest_fields(one) == digest_fields(other) == digest_text(memoryview(b'"hi"'))
True
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

__all__ = ["canonical", "digest_fields", "digest_text", "is_null", "kind_of"]

_EMPTY = msgspec.Raw(b"")
_KINDS = {b'"%s"' % kind.encode(): kind for kind in ("text", "tool_use", "tool_result", "thinking", "image")}


def kind_of(raw: msgspec.Raw | None) -> str:
    if raw is None:
        return ""
    quoted = bytes(raw)
    return _KINDS.get(quoted) or str(msgspec.json.decode(quoted))


_TEXT = sha256(b"text\0")


def digest_text(quoted: memoryview) -> bytes:
    hasher = _TEXT.copy()
    hasher.update(quoted)
    return hasher.digest()


def digest_fields(fields: dict[str, msgspec.Raw]) -> bytes:
    if len(fields) <= 3 and "text" in fields and _is_plain_text(fields):
        return digest_text(memoryview(fields["text"]))
    return sha256(canonical(fields)).digest()


def _is_plain_text(fields: dict[str, msgspec.Raw]) -> bool:
    """A text block that has nothing but its text, beside a marker or what is null."""
    if kind_of(fields.get("type")) != "text":
        return False
    return all(name in ("type", "text", "cache_control") or is_null(raw) for name, raw in fields.items())


def canonical(fields: dict[str, msgspec.Raw], without: str = "") -> bytes:
    """An object's keys in order, each with its length and its value as it came; markers and nulls left out."""
    parts: list[bytes | msgspec.Raw] = []
    for name in sorted(fields):
        raw = fields[name]
        if name == "cache_control" or name == without or is_null(raw):
            continue
        parts.append(b"%s:%d:" % (name.encode("utf-8", "surrogatepass"), len(memoryview(raw))))
        parts.append(raw)
    return b"".join(parts)


def is_null(raw: msgspec.Raw) -> bool:
    view = memoryview(raw)
    return len(view) == 4 and bytes(view) == b"null"
