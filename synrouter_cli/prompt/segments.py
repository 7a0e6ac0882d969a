"""A Messages body as blocks in render order (tools, system, messages), each with its place and its digest.

A block's digest is by meaning: markers, the order of keys, and whether a text stands as a string or as a list of
one block make no difference. `keys[i]` is the digest of everything up to block `i`: two requests with the same
key share that prefix. What stood in the last request of the session is compared, not digested again.

>>> a = segment(b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
>>> b = segment(b'{"model":"m","messages":[{"content":[{"text":"hi","type":"text"}],"role":"user"}]}')
>>> a.keys == b.keys
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from synrouter_cli.prompt.body import Unplannable, address, parseable
from synrouter_cli.prompt.tokens import estimate, estimate_fields

__all__ = ["MESSAGES", "SYSTEM", "TOOLS", "Block", "Mark", "Prompt", "Unit", "segment"]

TOOLS, SYSTEM, MESSAGES = 0, 1, 2
KEY_BYTES: Final = 16
_NO_MARKER_KINDS = frozenset({"thinking", "redacted_thinking"})
_EMPTY = msgspec.Raw(b"")


class Mark(msgspec.Struct, frozen=True, gc=False):
    """A `cache_control` value: where it stands (relative to its unit) and what it says.

    `ttl` is "5m", "1h" or whatever else was sent, "?" where the value is no ephemeral marker, and None where it is
    null (no marker, but a place for one). `ttl_span` is where the ttl's own value stands; `extra` says that there
    are keys beside type and ttl, which are kept.
    """

    start: int
    end: int
    ttl: str | None
    ttl_span: tuple[int, int] | None = None
    extra: bool = False


class Block(msgspec.Struct, frozen=True, gc=False):
    """One block. `start` and `end` are relative to its unit; `bare` is a string that stands for a text block."""

    layer: int
    role: str
    kind: str
    start: int
    end: int
    bare: bool
    markable: bool
    digest: bytes
    tokens: int
    mark: Mark | None = None
    nested: tuple[Mark, ...] = ()
    image: bool = False
    citations: bool = False


class Unit(msgspec.Struct, frozen=True, gc=False):
    """What is compared as a whole: a tool, a system block (or the system string), a message's content.

    `own` are settings that the message carries for itself (`output_config`), as they came. `marked` says that one of
    its blocks has a marker, `answers` that one is a tool result; `image` and `citations` likewise.
    """

    role: str
    length: int
    blocks: tuple[Block, ...]
    own: bytes = b""
    marked: bool = False
    answers: bool = False
    image: bool = False
    citations: bool = False


class _Message(msgspec.Struct):
    role: str
    content: msgspec.Raw
    output_config: msgspec.Raw = _EMPTY


class _Top(msgspec.Struct):
    model: str = ""
    messages: list[_Message] = []
    tools: list[msgspec.Raw] | None = None
    system: msgspec.Raw = _EMPTY
    cache_control: msgspec.Raw = _EMPTY
    metadata: msgspec.Raw = _EMPTY
    thinking: msgspec.Raw = _EMPTY
    tool_choice: msgspec.Raw = _EMPTY
    output_config: msgspec.Raw = _EMPTY
    output_format: msgspec.Raw = _EMPTY
    context_management: msgspec.Raw = _EMPTY
    speed: msgspec.Raw = _EMPTY
    max_tokens: msgspec.Raw = _EMPTY
    stream: msgspec.Raw = _EMPTY


_top = msgspec.json.Decoder(_Top)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Prompt:
    """A request split into blocks. Offsets are those of `body`, the bytes as they came.

    `keys`, `tokens` (cumulative estimates) and `runs` (the number of each block's lookback position, in which a run
    of tool_use or of tool_result counts as one) run parallel to `blocks`.
    """

    __slots__ = (
        "automatic",
        "blocks",
        "body",
        "first_block",
        "keys",
        "layer_ends",
        "max_tokens",
        "metadata",
        "model",
        "runs",
        "seeds",
        "settings",
        "starts",
        "stream",
        "tokens",
        "unit_counts",
        "units",
    )

    def __init__(self) -> None:
        self.body: bytes | None = b""
        self.model = ""
        self.units: list[Unit] = []
        self.starts: list[int] = []
        self.unit_counts = (0, 0, 0)
        self.blocks: list[Block] = []
        self.first_block: list[int] = []
        self.keys: list[bytes] = []
        self.tokens: list[int] = []
        self.runs: list[int] = []
        self.layer_ends = (0, 0, 0)
        self.seeds: tuple[bytes, bytes, bytes] = (b"", b"", b"")
        self.settings: dict[str, bytes] = {}
        self.automatic: Mark | None = None
        self.metadata: bytes = b""
        self.max_tokens: int | None = None
        self.stream = False

    @property
    def size(self) -> int:
        return len(self.body) if self.body is not None else 0

    @property
    def message_units(self) -> Sequence[Unit]:
        return self.units[self.unit_counts[0] + self.unit_counts[1] :]

    def message_ends(self) -> list[int]:
        """For each message the index of its last block."""
        head = self.unit_counts[0] + self.unit_counts[1]
        ends = [first - 1 for first in self.first_block[head + 1 :]]
        if len(self.units) > head:
            ends.append(len(self.blocks) - 1)
        return ends

    def real_user_block(self) -> int:
        """The first block of the newest user message that is no tool result; 0 where there is none."""
        head = self.unit_counts[0] + self.unit_counts[1]
        for index in range(len(self.units) - 1, head - 1, -1):
            unit = self.units[index]
            if unit.role == "user" and not unit.answers:
                return self.first_block[index]
        return 0

    def shared_with(self, keys: Sequence[bytes]) -> int:
        """How many leading blocks this prompt shares with one of these cumulative keys."""
        low, high = 0, min(len(self.keys), len(keys))
        while low < high:
            middle = (low + high + 1) // 2
            if self.keys[middle - 1] == keys[middle - 1]:
                low = middle
            else:
                high = middle - 1
        return low

    def marked_blocks(self) -> Iterator[tuple[int, Block]]:
        """The blocks that carry a marker, or a place for one, or have one inside."""
        for unit, first in zip(self.units, self.first_block, strict=True):
            if unit.marked:
                for index, block in enumerate(unit.blocks, first):
                    if block.mark is not None or block.nested:
                        yield index, block

    def unit_of(self, block: int) -> int:
        """The index of the unit that holds a block."""
        low, high = 0, len(self.first_block)
        while high - low > 1:
            middle = (low + high) // 2
            if self.first_block[middle] <= block:
                low = middle
            else:
                high = middle
        # units without blocks share their first block with the next one
        while low > 0 and not self.units[low].blocks:
            low -= 1
        return low

    def forget_body(self) -> None:
        """Give the bytes back to the machine; the digests stay."""
        self.body = None


def segment(
    body: bytes,
    previous: Prompt | None = None,
    *,
    keeps_thinking: Callable[[str], bool] = lambda model: True,
    secret: bytes = b"",
) -> Prompt:
    """Split a Messages body. `secret` keys the chain, so that stored keys tell nothing of a prompt's text.

    `previous` is the session's last request: units whose bytes did not change are taken over from it. On models
    that do not keep earlier thinking (`keeps_thinking(model)` is false), thinking before the newest real user
    message is left out of the keys, as the provider leaves it out of the prompt (platform.claude.com, "Extended
    thinking").

    Raises Unplannable where the body is no such request.
    """
    source = body
    try:
        top = _top.decode(source)
        return _segment(body, source, top, previous, keeps_thinking, secret)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # a lone surrogate, mostly: once more, on a copy in which they are replaced
    try:
        source = parseable(body)
        top = _top.decode(source)
        return _segment(body, source, top, None, keeps_thinking, secret)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unplannable(f"not a Messages request: {type(error).__name__}") from None


def _segment(
    body: bytes,
    source: bytes,
    top: _Top,
    previous: Prompt | None,
    keeps_thinking: Callable[[str], bool],
    secret: bytes,
) -> Prompt:
    prompt = Prompt()
    prompt.body = body
    prompt.model = top.model
    base = address(source)
    units: tuple[list[msgspec.Raw], ...] = (
        top.tools or [],
        _system_raws(top.system),
        [message.content for message in top.messages],
    )
    prompt.unit_counts = (len(units[0]), len(units[1]), len(units[2]))
    same_so_far = previous is not None
    kept_units = 0
    for layer, raws in enumerate(units):
        same = 0
        if previous is not None:
            first = first_unit_of(previous, layer)
            known = previous.units[first : first + previous.unit_counts[layer]]
            most = min(len(raws), len(known))
            if layer == MESSAGES:
                most = _under_the_same_roles(top.messages, known, most)
            same = _unchanged(source, raws, base, previous, first, most)
            if same:
                moved = address(raws[0]) - base - previous.starts[first]
                prompt.units += known[:same]
                prompt.starts += [start + moved for start in previous.starts[first : first + same]]
        if same_so_far and previous is not None:
            kept_units += same
            same_so_far = same == len(raws) == previous.unit_counts[layer]
        for index in range(same, len(raws)):
            at = address(raws[index])
            prompt.starts.append(at - base)
            if layer == MESSAGES:
                prompt.units.append(_read_message(top.messages[index], at))
            else:
                prompt.units.append(_read_tool(raws[index], at) if layer == TOOLS else _read_system(raws[index], at))
    _read_settings(prompt, top, base)
    _lay_out(prompt, previous if kept_units else None, kept_units, keeps_thinking(top.model), secret)
    return prompt


def first_unit_of(prompt: Prompt, layer: int) -> int:
    """The index of a layer's first unit."""
    return sum(prompt.unit_counts[:layer])


def _system_raws(raw: msgspec.Raw) -> list[msgspec.Raw]:
    view = memoryview(raw)
    if not len(view) or bytes(view[:4]) == b"null":
        return []
    if bytes(view[:1]) == b'"':
        return [raw]
    return _raws.decode(raw)


def _under_the_same_roles(messages: list[_Message], known: list[Unit], most: int) -> int:
    """How many leading messages have the roles and settings of their own that they had before."""
    for index in range(most):
        message, unit = messages[index], known[index]
        if message.role != unit.role or (
            (unit.own or len(memoryview(message.output_config))) and (bytes(message.output_config) != unit.own)
        ):
            return index
    return most


def _unchanged(body: bytes, raws: list[msgspec.Raw], base: int, previous: Prompt, first: int, most: int) -> int:
    """How many of the `most` leading units of a layer stand in the last request byte for byte."""
    old, starts, known = previous.body, previous.starts, previous.units
    if not most or old is None:
        return 0
    old_start, start = starts[first], address(raws[0]) - base
    # nearly always all, or all but the last one or two (a marker that moved on): one comparison each
    for same in (most, most - 1, most - 2):
        if same <= 0:
            return 0
        last = first + same - 1
        region = old[old_start : starts[last] + known[last].length]
        if body.startswith(region, start) and _ends_at(raws[same - 1], base) == start + len(region):
            return same
    # one after the other, as long as all that stands between is the same too
    same = 0
    while same < most:
        last = first + same
        end = _ends_at(raws[same], base)
        before = starts[last - 1] + known[last - 1].length if same else old_start
        done = _ends_at(raws[same - 1], base) if same else start
        if body[done:end] != old[before : starts[last] + known[last].length]:
            break
        same += 1
    return same


def _ends_at(raw: msgspec.Raw, base: int) -> int:
    return address(raw) - base + len(memoryview(raw))


# ── reading one unit ──────────────────────────────────────────────────────────────────────────────────────────


def _read_tool(raw: msgspec.Raw, base: int) -> Unit:
    fields = _fields.decode(raw)
    deferred = bytes(fields.get("defer_loading", _EMPTY)) == b"true"
    mark = _read_mark(fields.get("cache_control"), base)
    length = len(memoryview(raw))
    block = Block(
        layer=TOOLS,
        role="",
        kind="deferred_tool" if deferred else "tool",
        start=0,
        end=length,
        bare=False,
        markable=not deferred,
        digest=_digest_fields(fields),
        tokens=0 if deferred else estimate_fields("tool", fields),
        mark=mark,
    )
    return _unit("", length, (block,))


def _read_system(raw: msgspec.Raw, base: int) -> Unit:
    return _unit("", len(memoryview(raw)), (_read_block(raw, base, SYSTEM, ""),))


def _read_message(message: _Message, base: int) -> Unit:
    content = memoryview(message.content)
    raws = [message.content] if bytes(content[:1]) == b'"' else _raws.decode(message.content)
    blocks = tuple(_read_block(block, base, MESSAGES, message.role) for block in raws)
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


def _read_block(raw: msgspec.Raw, base: int, layer: int, role: str) -> Block:
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
            digest=_digest_text(view),
            tokens=estimate(view[1:-1]),
        )
    fields = _fields.decode(raw)
    kind = _kind(fields.get("type"))
    blank = kind == "text" and _is_blank(memoryview(fields.get("text", _EMPTY)))
    nested: tuple[Mark, ...] = ()
    image = kind == "image"
    if kind == "tool_result":
        digest, nested, image = _read_tool_result(fields, base)
    else:
        digest = _digest_fields(fields)
    return Block(
        layer=layer,
        role=role,
        kind=kind,
        start=start,
        end=start + len(view),
        bare=False,
        markable=not blank and kind not in _NO_MARKER_KINDS and kind != "",
        digest=digest,
        tokens=estimate_fields(kind, fields),
        mark=_read_mark(fields.get("cache_control"), base),
        nested=nested,
        image=image,
        citations="citations" in fields and _is_enabled(bytes(fields["citations"])),
    )


_KINDS = {b'"%s"' % kind.encode(): kind for kind in ("text", "tool_use", "tool_result", "thinking", "image")}


def _kind(raw: msgspec.Raw | None) -> str:
    if raw is None:
        return ""
    quoted = bytes(raw)
    return _KINDS.get(quoted) or str(msgspec.json.decode(quoted))


def _is_enabled(citations: bytes) -> bool:
    return b'"enabled"' in citations and b"true" in citations


def _read_tool_result(fields: dict[str, msgspec.Raw], base: int) -> tuple[bytes, tuple[Mark, ...], bool]:
    """Digest, nested markers and whether an image is in it; a string content equals a list of one text."""
    content = fields.get("content", _EMPTY)
    view = memoryview(content)
    digests: list[bytes] = []
    marks: list[Mark] = []
    image = False
    if bytes(view[:1]) == b'"':
        digests.append(_digest_text(view))
    elif bytes(view[:1]) == b"[":
        for raw in _raws.decode(content):
            inner = _fields.decode(raw)
            digests.append(_digest_fields(inner))
            image = image or bytes(inner.get("type", _EMPTY)) == b'"image"'
            mark = _read_mark(inner.get("cache_control"), base)
            if mark is not None and mark.ttl is not None:
                marks.append(mark)
    digests.append(_canonical(fields, without="content"))
    return sha256(b"".join(digests)).digest(), tuple(marks), image


def _read_mark(raw: msgspec.Raw | None, base: int) -> Mark | None:
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
    ephemeral = bytes(fields.get("type", _EMPTY)) == b'"ephemeral"'
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


# ── digests ───────────────────────────────────────────────────────────────────────────────────────────────────


_TEXT = sha256(b"text\0")


def _digest_text(quoted: memoryview) -> bytes:
    hasher = _TEXT.copy()
    hasher.update(quoted)
    return hasher.digest()


def _digest_fields(fields: dict[str, msgspec.Raw]) -> bytes:
    if len(fields) <= 3 and "text" in fields and _is_plain_text(fields):
        return _digest_text(memoryview(fields["text"]))
    return sha256(_canonical(fields)).digest()


def _is_plain_text(fields: dict[str, msgspec.Raw]) -> bool:
    """A text block that has nothing but its text, beside a marker or what is null."""
    if _kind(fields.get("type")) != "text":
        return False
    return all(name in ("type", "text", "cache_control") or _is_null(raw) for name, raw in fields.items())


def _canonical(fields: dict[str, msgspec.Raw], without: str = "") -> bytes:
    """An object's keys in order, each with its length and its value as it came; markers and nulls left out."""
    parts: list[bytes | msgspec.Raw] = []
    for name in sorted(fields):
        raw = fields[name]
        if name == "cache_control" or name == without or _is_null(raw):
            continue
        parts.append(b"%s:%d:" % (name.encode("utf-8", "surrogatepass"), len(memoryview(raw))))
        parts.append(raw)
    return b"".join(parts)


def _is_null(raw: msgspec.Raw) -> bool:
    view = memoryview(raw)
    return len(view) == 4 and bytes(view) == b"null"


_ROLE_TAG = {"": b"h", "user": b"u", "assistant": b"a", "system": b"s"}


def _lay_out(prompt: Prompt, previous: Prompt | None, kept_units: int, keeps_thinking: bool, secret: bytes) -> None:
    """Fill the parallel lists: blocks, keys, cumulative tokens, lookback positions."""
    blocks = prompt.blocks
    for unit in prompt.units:
        prompt.first_block.append(len(blocks))
        blocks.extend(unit.blocks)
    tools_units, system_units, _ = prompt.unit_counts
    head = tools_units + system_units
    ends = (
        _block_at(prompt, tools_units),
        _block_at(prompt, head),
        len(blocks),
    )
    prompt.layer_ends = ends
    dropped = 0 if keeps_thinking else prompt.real_user_block()
    kept = 0
    if previous is not None:
        kept = _block_at(prompt, kept_units)
        if not keeps_thinking and dropped != previous.real_user_block():
            kept = min(kept, ends[1])
    prompt.keys = previous.keys[:kept] if previous is not None else []
    prompt.tokens = previous.tokens[:kept] if previous is not None else []
    prompt.runs = previous.runs[:kept] if previous is not None else []
    _extend(prompt, kept, dropped, secret)


def _block_at(prompt: Prompt, unit: int) -> int:
    return prompt.first_block[unit] if unit < len(prompt.first_block) else len(prompt.blocks)


def _extend(prompt: Prompt, kept: int, dropped_before: int, secret: bytes) -> None:
    keys, tokens, runs, blocks = prompt.keys, prompt.tokens, prompt.runs, prompt.blocks
    key = keys[-1] if keys else secret
    total = tokens[-1] if tokens else 0
    run = runs[-1] if runs else -1
    kind = blocks[kept - 1].kind if kept else ""
    tags = _ROLE_TAG
    for index in range(kept, len(blocks)):
        block = blocks[index]
        absent = block.kind == "deferred_tool" or (
            index < dropped_before and block.layer == MESSAGES and block.kind in _NO_MARKER_KINDS
        )
        if not absent:
            tag = tags.get(block.role) or block.role.encode("utf-8", "surrogatepass")
            key = sha256(key + tag + block.digest).digest()[:KEY_BYTES]
            total += block.tokens
            if not (block.kind == kind and kind in ("tool_use", "tool_result")):
                run += 1
            kind = block.kind
        keys.append(key)
        tokens.append(total)
        runs.append(max(run, 0))


# ── what else invalidates ─────────────────────────────────────────────────────────────────────────────────────


def _read_settings(prompt: Prompt, top: _Top, base: int) -> None:
    """Settings outside the prompt that its cache depends on (the table "What invalidates" of the facts)."""
    prompt.metadata = bytes(top.metadata)
    prompt.automatic = _read_mark(top.cache_control, base) if len(memoryview(top.cache_control)) else None
    prompt.stream = bytes(top.stream) == b"true"
    maximum: Any = msgspec.json.decode(top.max_tokens) if len(memoryview(top.max_tokens)) else None
    prompt.max_tokens = maximum if isinstance(maximum, int) else None
    for name in ("thinking", "tool_choice", "output_config", "output_format", "speed"):
        raw = bytes(getattr(top, name))
        if raw and raw != b"null":
            prompt.settings[name] = raw
    image = any(unit.image for unit in prompt.units)
    citations = any(unit.citations for unit in prompt.units)
    system = b"speed=%s;citations=%d" % (prompt.settings.get("speed", b""), citations)
    shape = [b"%s=%s" % (name.encode(), raw) for name, raw in prompt.settings.items() if name != "speed"]
    messages = b";".join([system, b"image=%d" % image, *shape])
    prompt.seeds = (b"", sha256(system).digest()[:KEY_BYTES], sha256(messages).digest()[:KEY_BYTES])
