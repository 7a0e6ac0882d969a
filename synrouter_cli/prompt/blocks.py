"""Reading one unit of a request: a tool, a system block, a message, with its blocks, their places and their markers.

`base` is the address at which the unit's value begins; all places are relative to it.

>>> raw = b'"hi"'
>>> read_block(msgspec.Raw(raw), address(raw), SYSTEM, "").kind
'text'
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from synrouter_cli.prompt.body import address
from synrouter_cli.prompt.digests import canonical, digest_fields, digest_text, kind_of
from synrouter_cli.prompt.prompt import MESSAGES, SYSTEM, TOOLS, Block, Mark, Unit
from synrouter_cli.prompt.tokens import estimate, estimate_fields

__all__ = ["NEVER_MARKED", "NOTHING", "Message", "read_block", "read_mark", "read_message", "read_system", "read_tool"]

NEVER_MARKED = frozenset({"thinking", "redacted_thinking"})
NOTHING = msgspec.Raw(b"")
"""What stands for a value that is not there."""
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Message(msgspec.Struct, gc=False):
    """A message as it stands in a body."""

    role: str
    content: msgspec.Raw
    output_config: msgspec.Raw = NOTHING


def read_tool(raw: msgspec.Raw, base: int) -> Unit:
    fields = _fields.decode(raw)
    deferred = bytes(fields.get("defer_loading", NOTHING)) == b"true"
    mark = read_mark(fields.get("cache_control"), base)
    length = len(memoryview(raw))
    block = Block(
        layer=TOOLS,
        role="",
        kind="deferred_tool" if deferred else "tool",
        start=0,
        end=length,
        bare=False,
        markable=not deferred,
        digest=digest_fields(fields),
        tokens=0 if deferred else estimate_fields("tool", fields),
        mark=mark,
    )
    return _unit("", length, (block,))


def read_system(raw: msgspec.Raw, base: int) -> Unit:
    return _unit("", len(memoryview(raw)), (read_block(raw, base, SYSTEM, ""),))


def read_message(message: Message, base: int) -> Unit:
    content = memoryview(message.content)
    raws = [message.content] if bytes(content[:1]) == b'"' else _raws.decode(message.content)
    blocks = tuple(read_block(block, base, MESSAGES, message.role) for block in raws)
    own = bytes(message.output_config)
    if own and blocks:
        # a setting of this message alone: it stands in the prompt from here on
        first = msgspec.structs.replace(blocks[0], digest=sha256(blocks[0].digest + own).digest())
        blocks = (first, *blocks[1:])
    return _unit(message.role, len(content), blocks, own)


def _unit(role: str, length: int, blocks: tuple[Block, ...], own: bytes = b"") -> Unit:
    marked = answers = image = citations = False
    for block in blocks:
        marked = marked or block.mark is not None or bool(block.nested)
        answers = answers or block.kind == "tool_result"
        image = image or block.image
        citations = citations or block.citations
    return Unit(role, length, blocks, own, marked, answers, image, citations)


def read_block(raw: msgspec.Raw, base: int, layer: int, role: str) -> Block:
    view = memoryview(raw)
    start = address(raw) - base
    if bytes(view[:1]) == b'"':
        return Block(
            layer=layer,
            role=role,
            kind="text",
            start=start,
            end=start + len(view),
            bare=True,
            markable=not _is_blank(view),
            digest=digest_text(view),
            tokens=estimate(view[1:-1]),
        )
    fields = _fields.decode(raw)
    kind = kind_of(fields.get("type"))
    blank = kind == "text" and _is_blank(memoryview(fields.get("text", NOTHING)))
    nested: tuple[Mark, ...] = ()
    image = kind == "image"
    if kind == "tool_result":
        digest, nested, image = _read_tool_result(fields, base)
    else:
        digest = digest_fields(fields)
    return Block(
        layer=layer,
        role=role,
        kind=kind,
        start=start,
        end=start + len(view),
        bare=False,
        markable=not blank and kind not in NEVER_MARKED and kind != "",
        digest=digest,
        tokens=estimate_fields(kind, fields),
        mark=read_mark(fields.get("cache_control"), base),
        nested=nested,
        image=image,
        citations="citations" in fields and _is_enabled(bytes(fields["citations"])),
    )


def _is_enabled(citations: bytes) -> bool:
    return b'"enabled"' in citations and b"true" in citations


def _read_tool_result(fields: dict[str, msgspec.Raw], base: int) -> tuple[bytes, tuple[Mark, ...], bool]:
    """Digest, nested markers and whether an image is in it; a string content equals a list of one text."""
    content = fields.get("content", NOTHING)
    view = memoryview(content)
    digests: list[bytes] = []
    marks: list[Mark] = []
    image = False
    if bytes(view[:1]) == b'"':
        digests.append(digest_text(view))
    elif bytes(view[:1]) == b"[":
        for raw in _raws.decode(content):
            inner = _fields.decode(raw)
            digests.append(digest_fields(inner))
            image = image or bytes(inner.get("type", NOTHING)) == b'"image"'
            mark = read_mark(inner.get("cache_control"), base)
            if mark is not None and mark.ttl is not None:
                marks.append(mark)
    digests.append(canonical(fields, without="content"))
    return sha256(b"".join(digests)).digest(), tuple(marks), image


def read_mark(raw: msgspec.Raw | None, base: int) -> Mark | None:
    if raw is None:
        return None
    data = bytes(raw)
    start = address(raw) - base
    end = start + len(data)
    if data[:1] != b"{":
        return Mark(start, end, None if data == b"null" else "?", extra=data != b"null")
    fields = _fields.decode(raw)
    ttl_raw = fields.get("ttl")
    ttl = "5m"
    span = None
    if ttl_raw is not None and bytes(ttl_raw) != b"null":
        value = msgspec.json.decode(ttl_raw)
        ttl = value if isinstance(value, str) else "5m"
    if ttl_raw is not None:
        ttl_start = address(ttl_raw) - base
        span = (ttl_start, ttl_start + len(memoryview(ttl_raw)))
    ephemeral = bytes(fields.get("type", NOTHING)) == b'"ephemeral"'
    extra = not ephemeral or bool(fields.keys() - {"type", "ttl"})
    return Mark(start, end, ttl if ephemeral else "?", span, extra)


def _is_blank(quoted: memoryview) -> bool:
    """Whether a JSON string holds only white space: such a text may not carry a marker (it is a 400)."""
    if len(quoted) <= 2:
        return True
    if quoted[1] not in b" \\\t\xc2\xe1\xe2\xe3":
        return False
    text = msgspec.json.decode(quoted)
    return isinstance(text, str) and not text.strip()
