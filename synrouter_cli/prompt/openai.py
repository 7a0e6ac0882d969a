"""A body of OpenAI's dialects as blocks in render order: tools, instructions, messages. What a Messages body is in
`segments.py`, with the same values, so that requests are compared and measured alike.

A unit is a tool, the instructions, a message or an input item. A block is what a cache breakpoint can end at: a part of
a message's content; whatever takes none is one block. Digests leave out breakpoints, the order of keys, and whether a
text stands as a string or as a list of one part.

>>> a = segment_openai("chat", b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
>>> b = segment_openai("chat", b'{"messages":[{"content":[{"text":"hi","type":"text"}],"role":"user"}],"model":"m"}')
>>> a.prompt.keys == b.prompt.keys, a.prompt.markable, a.asks
(True, [True], False)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec

from synrouter_cli.prompt.body import Unplannable, address, parseable
from synrouter_cli.prompt.digests import digest_text, is_null
from synrouter_cli.prompt.media import DEFAULT_MAX_IMAGE_TOKENS
from synrouter_cli.prompt.prompt import MESSAGES, SYSTEM, TOOLS, Block, Prompt, Unit, first_unit_of
from synrouter_cli.prompt.segments import KEY_BYTES, lay_out
from synrouter_cli.prompt.tokens import estimate, estimate_block

__all__ = ["BREAKPOINT", "OPTIONS", "OpenAIPrompt", "segment_openai"]

BREAKPOINT: Final = "prompt_cache_breakpoint"
OPTIONS: Final = "prompt_cache_options"
_RETENTION: Final = "prompt_cache_retention"
_HELD: Final = ("previous_response_id", "conversation", "prompt")
"""Fields that name a prompt of which the body has only a part."""
_MARKED_ROLES: Final = frozenset({"system", "developer", "user"})
_PARTS: Final[Mapping[str, str]] = {
    "text": "text",
    "input_text": "text",
    "image_url": "image",
    "input_image": "image",
    "file": "document",
    "input_file": "document",
    "input_audio": "audio",
}
"""Parts that may carry a breakpoint → the kind of block that they are."""
_NOTHING: Final = msgspec.Raw(b"")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError)


@dataclass(frozen=True, slots=True)
class OpenAIPrompt:
    """`asks` says that the client itself says something of the cache; `cache_key` is its `prompt_cache_key`."""

    prompt: Prompt
    dialect: str
    asks: bool
    cache_key: str


def segment_openai(dialect: str, body: bytes, previous: Prompt | None = None, *, secret: bytes = b"") -> OpenAIPrompt:
    """Split a body of `dialect` ("chat" or "responses"). `previous` is the session's last one, whose units are taken
    over where their bytes are the same; `secret` keys the chain. Raises Unplannable where it is no such request, or
    the provider holds a part of it."""
    try:
        return _Reader(dialect, body, body, previous).read(secret)
    except _UNREADABLE:
        pass  # a lone surrogate, mostly: once more, on a copy in which they are replaced
    try:
        return _Reader(dialect, body, parseable(body), None).read(secret)
    except _UNREADABLE as error:
        raise Unplannable(f"not a request of {dialect}: {type(error).__name__}") from None


class _Reader:
    def __init__(self, dialect: str, body: bytes, source: bytes, previous: Prompt | None) -> None:
        self.dialect, self.body = dialect, body
        self.source, self.base = source, address(source)
        self.previous = previous
        self.marked = False

    def read(self, secret: bytes) -> OpenAIPrompt:
        top = _fields.decode(self.source)
        if any(name in top and not is_null(top[name]) for name in _HELD):
            raise Unplannable("the provider holds what came before")
        prompt = Prompt()
        prompt.body = self.body
        prompt.model = _text(top.get("model"))
        kept = self._units(prompt, self._layers(top))
        prompt.roles = [unit.role for unit in prompt.message_units]
        seed = sha256(b"\0".join(_settings(self.dialect, top))).digest()[:KEY_BYTES]
        prompt.seeds = (seed, seed, seed)
        prompt.stream = bytes(top.get("stream", _NOTHING)) == b"true"
        lay_out(prompt, self.previous if kept else None, kept, keeps_thinking=True, secret=secret)
        asks = self.marked or OPTIONS in top or (_RETENTION in top and not is_null(top[_RETENTION]))
        return OpenAIPrompt(prompt, self.dialect, asks, _text(top.get("prompt_cache_key")))

    def _layers(self, top: Mapping[str, msgspec.Raw]) -> list[list[msgspec.Raw]]:
        tools = _list(top.get("tools"))
        if self.dialect == "chat":
            return [tools, [], _raws.decode(top["messages"])]
        given, instructions = top["input"], top.get("instructions", _NOTHING)
        system = [instructions] if _begins(instructions, b'"') else []
        return [tools, system, [given] if _begins(given, b'"') else _raws.decode(given)]

    def _units(self, prompt: Prompt, layers: Sequence[list[msgspec.Raw]]) -> int:
        """Fill in the units; how many leading ones are those of the last request."""
        known = self.previous
        old = known.body if known is not None else None
        kept, same_so_far = 0, True
        for layer, raws in enumerate(layers):
            first = first_unit_of(known, layer) if known is not None else 0
            for index, raw in enumerate(raws):
                view = memoryview(raw)
                at = first + index
                unit = None
                if known is not None and old is not None and index < known.unit_counts[layer]:
                    start = known.starts[at]
                    length = known.units[at].length
                    if length == len(view) and old[start : start + length] == view:
                        unit = known.units[at]
                same_so_far = same_so_far and unit is not None
                kept += same_so_far
                prompt.starts.append(address(raw) - self.base)
                read = unit if unit is not None else self._unit(layer, raw)
                self.marked = self.marked or read.marked
                prompt.units.append(read)
            same_so_far = same_so_far and known is not None and len(raws) == known.unit_counts[layer]
        prompt.unit_counts = (len(layers[0]), len(layers[1]), len(layers[2]))
        return kept

    def _unit(self, layer: int, raw: msgspec.Raw) -> Unit:
        view = memoryview(raw)
        length = len(view)
        if layer == TOOLS:
            return Unit("", length, (_whole(TOOLS, "", "tool", view),))
        if layer == SYSTEM:
            return Unit("", length, (_whole(SYSTEM, "", "text", view),))
        if bytes(view[:1]) == b'"':  # the whole input
            return Unit("user", length, (_bare("user", 0, view, markable=False),))
        fields = _fields.decode(raw)
        return self._message(fields, raw, length) if "role" in fields else _item(fields, view)

    def _message(self, fields: Mapping[str, msgspec.Raw], raw: msgspec.Raw, length: int) -> Unit:
        role = _text(fields["role"])
        content = fields.get("content", _NOTHING)
        view = memoryview(content)
        if role not in _MARKED_ROLES or bytes(view[:1]) not in (b'"', b"["):
            kind = "tool_result" if role == "tool" else "text"
            block = _whole(MESSAGES, role, kind, memoryview(raw))
            return Unit(role, length, (block,), marked=_has_mark(raw), answers=role == "tool")
        base, own = address(raw), _others(fields)
        blocks = []
        if bytes(view[:1]) == b'"':
            blocks.append(_bare(role, address(content) - base, view, markable=len(view) > 2))
        else:
            for part in _raws.decode(content):
                blocks.append(_part(role, address(part) - base, part))
        if not blocks:
            return Unit(role, length, (_whole(MESSAGES, role, "text", memoryview(raw)),))
        if own:  # a name, say: it stands before the content
            first = msgspec.structs.replace(blocks[0], digest=sha256(blocks[0].digest + own).digest())
            blocks[0] = first
        return Unit(role, length, tuple(blocks), marked=_has_mark(content))


def _part(role: str, start: int, raw: msgspec.Raw) -> Block:
    fields = _fields.decode(raw)
    kind = _PARTS.get(_text(fields.get("type")), "")
    plain = fields.keys() - {"type", "text", BREAKPOINT}
    text = fields.get("text")
    view = memoryview(raw)
    digest = digest_text(memoryview(text)) if kind == "text" and text is not None and not plain else _digest(fields)
    tokens = estimate_block("text", bytes(raw)) if kind == "text" else min(estimate(view), DEFAULT_MAX_IMAGE_TOKENS)
    empty = text is not None and len(memoryview(text)) <= 2
    return Block(
        MESSAGES, role, kind or "other", start, start + len(view), False, bool(kind) and not empty, digest, tokens
    )


def _bare(role: str, start: int, view: memoryview, *, markable: bool) -> Block:
    tokens = estimate(view[1:-1])
    return Block(MESSAGES, role, "text", start, start + len(view), True, markable, digest_text(view), tokens)


def _whole(layer: int, role: str, kind: str, view: memoryview) -> Block:
    """What carries no breakpoint: one block, its digest that of its bytes."""
    return Block(layer, role, kind, 0, len(view), False, False, sha256(view).digest(), estimate(view))


def _item(fields: Mapping[str, msgspec.Raw], view: memoryview) -> Unit:
    kind = _text(fields.get("type"))
    answers = kind.endswith("_output")
    role = "tool" if answers else "user" if kind == "additional_tools" else "assistant"
    blocks = (
        _whole(MESSAGES, role, "tool_result" if answers else "thinking" if kind == "reasoning" else "item", view),
    )
    return Unit(role, len(view), blocks, marked=BREAKPOINT.encode() in bytes(view), answers=answers)


def _others(fields: Mapping[str, msgspec.Raw]) -> bytes:
    """What a message has beside its role and content, in order; not its id or what became of it."""
    return b"".join(
        b"%s:%s;" % (name.encode("utf-8", "surrogatepass"), bytes(fields[name]))
        for name in sorted(fields.keys() - {"role", "content", "type", "id", "status"})
        if not is_null(fields[name])
    )


def _digest(fields: Mapping[str, msgspec.Raw]) -> bytes:
    hasher = sha256()
    for name in sorted(fields.keys() - {BREAKPOINT}):
        raw = fields[name]
        hasher.update(b"%s:%d:" % (name.encode("utf-8", "surrogatepass"), len(memoryview(raw))))
        hasher.update(raw)
    return hasher.digest()


def _has_mark(raw: msgspec.Raw) -> bool:
    return BREAKPOINT.encode() in bytes(raw)


def _begins(raw: msgspec.Raw, first: bytes) -> bool:
    return bytes(memoryview(raw)[:1]) == first


def _settings(dialect: str, top: Mapping[str, msgspec.Raw]) -> list[bytes]:
    """Settings that the cache depends on (OpenAI, "Prompt caching": diagnostics name them)."""
    names = ("service_tier", "reasoning_effort", "verbosity", "response_format")
    found = [bytes(top.get(name, _NOTHING)) for name in names]
    if dialect == "responses":
        for name, within in (("reasoning", ("effort",)), ("text", ("verbosity", "format"))):
            raw = top.get(name, _NOTHING)
            inner = _fields.decode(raw) if _begins(raw, b"{") else {}
            found += [bytes(inner.get(each, _NOTHING)) for each in within]
    return found


def _list(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    return _raws.decode(raw) if raw is not None and not is_null(raw) else []


def _text(raw: msgspec.Raw | None) -> str:
    value: Any = msgspec.json.decode(raw) if raw is not None else None
    return value if isinstance(value, str) else ""
