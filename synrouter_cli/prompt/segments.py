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

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

import msgspec

from synrouter_cli.prompt.blocks import NEVER_MARKED, NOTHING, Message, read_mark, read_message, read_system, read_tool
from synrouter_cli.prompt.body import Unplannable, address, parseable
from synrouter_cli.prompt.prompt import MESSAGES, SYSTEM, TOOLS, Block, Mark, Prompt, Unit, first_unit_of

__all__ = ["KEY_BYTES", "MESSAGES", "SYSTEM", "TOOLS", "Block", "Mark", "Prompt", "Unit", "lay_out", "segment"]

KEY_BYTES: Final = 16


class _Top(msgspec.Struct):
    model: str = ""
    messages: list[Message] = []
    tools: list[msgspec.Raw] | None = None
    system: msgspec.Raw = NOTHING
    cache_control: msgspec.Raw = NOTHING
    metadata: msgspec.Raw = NOTHING
    thinking: msgspec.Raw = NOTHING
    tool_choice: msgspec.Raw = NOTHING
    output_config: msgspec.Raw = NOTHING
    output_format: msgspec.Raw = NOTHING
    context_management: msgspec.Raw = NOTHING
    speed: msgspec.Raw = NOTHING
    max_tokens: msgspec.Raw = NOTHING
    stream: msgspec.Raw = NOTHING
    thread: msgspec.Raw = NOTHING


_top = msgspec.json.Decoder(_Top)
_raws = msgspec.json.Decoder(list[msgspec.Raw])


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

    Raises Unplannable where the body is no such request, or only a part of one (a thread's).
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
    if bytes(top.thread) not in (b"", b"null"):
        raise Unplannable("the provider holds what came before")
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
    prompt.roles = [m.role if m.output_config is NOTHING else _own_role(m) for m in top.messages]
    same_so_far = previous is not None
    kept_units = 0
    for layer, raws in enumerate(units):
        same = 0
        if previous is not None:
            first = first_unit_of(previous, layer)
            known = previous.units[first : first + previous.unit_counts[layer]]
            most = min(len(raws), len(known))
            if layer == MESSAGES:
                most = _under_the_same_roles(prompt.roles, previous.roles, most)
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
                prompt.units.append(read_message(top.messages[index], at))
            else:
                prompt.units.append(read_tool(raws[index], at) if layer == TOOLS else read_system(raws[index], at))
    _read_settings(prompt, top, base)
    lay_out(prompt, previous if kept_units else None, kept_units, keeps_thinking(top.model), secret)
    return prompt


def _system_raws(raw: msgspec.Raw) -> list[msgspec.Raw]:
    view = memoryview(raw)
    if not len(view) or bytes(view[:4]) == b"null":
        return []
    if bytes(view[:1]) == b'"':
        return [raw]
    return _raws.decode(raw)


def _own_role(message: Message) -> str:
    return f"{message.role} {bytes(message.output_config).decode('utf-8', 'replace')}"


def _under_the_same_roles(roles: list[str], known: list[str], most: int) -> int:
    """How many leading messages have the roles and settings of their own that they had before."""
    if roles[:most] == known[:most]:
        return most
    return next(index for index in range(most) if roles[index] != known[index])


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


_ROLE_TAG = {"": b"h", "user": b"u", "assistant": b"a", "system": b"s"}


def lay_out(prompt: Prompt, previous: Prompt | None, kept_units: int, keeps_thinking: bool, secret: bytes) -> None:
    """Fill the parallel lists: blocks, keys, cumulative tokens, lookback positions."""
    blocks = prompt.blocks
    if previous is not None:
        prompt.first_block = previous.first_block[:kept_units]
        blocks.extend(previous.blocks[: _block_at(previous, kept_units)])
    for unit in prompt.units[len(prompt.first_block) :]:
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
    prompt.dropped = dropped = 0 if keeps_thinking else prompt.real_user_block()
    kept = 0
    if previous is not None:
        kept = _block_at(prompt, kept_units)
        if dropped != previous.dropped:
            kept = min(kept, ends[1])
    prompt.keys = previous.keys[:kept] if previous is not None else []
    prompt.tokens = previous.tokens[:kept] if previous is not None else []
    prompt.runs = previous.runs[:kept] if previous is not None else []
    prompt.markable = previous.markable[:kept] if previous is not None else []
    if previous is not None and kept == len(previous.keys):
        prompt.index = previous.index.copy()
    else:
        for position, key in enumerate(prompt.keys):
            prompt.index.setdefault(key, position)
    _extend(prompt, kept, dropped, secret)


def _block_at(prompt: Prompt, unit: int) -> int:
    return prompt.first_block[unit] if unit < len(prompt.first_block) else len(prompt.blocks)


def _extend(prompt: Prompt, kept: int, dropped_before: int, secret: bytes) -> None:
    keys, tokens, runs, blocks, places = prompt.keys, prompt.tokens, prompt.runs, prompt.blocks, prompt.index
    key = keys[-1] if keys else secret
    total = tokens[-1] if tokens else 0
    run = runs[-1] if runs else -1
    kind = blocks[kept - 1].kind if kept else ""
    tags = _ROLE_TAG
    for index in range(kept, len(blocks)):
        block = blocks[index]
        absent = block.kind == "deferred_tool" or (
            index < dropped_before and block.layer == MESSAGES and block.kind in NEVER_MARKED
        )
        if not absent:
            tag = tags.get(block.role) or block.role.encode("utf-8", "surrogatepass")
            key = sha256(key + tag + block.digest).digest()[:KEY_BYTES]
            total += block.tokens
            if not (block.kind == kind and kind in ("tool_use", "tool_result")):
                run += 1
            kind = block.kind
            places.setdefault(key, index)
        keys.append(key)
        tokens.append(total)
        runs.append(max(run, 0))
        prompt.markable.append(block.markable)


def _read_settings(prompt: Prompt, top: _Top, base: int) -> None:
    """Settings outside the prompt that its cache depends on (the table "What invalidates" of the facts)."""
    prompt.metadata = bytes(top.metadata)
    prompt.automatic = read_mark(top.cache_control, base) if len(memoryview(top.cache_control)) else None
    prompt.stream = bytes(top.stream) == b"true"
    maximum: Any = msgspec.json.decode(top.max_tokens) if len(memoryview(top.max_tokens)) else None
    prompt.max_tokens = maximum if isinstance(maximum, int) else None
    for name in ("thinking", "tool_choice", "output_config", "output_format", "speed"):
        raw = bytes(getattr(top, name))
        if raw and raw != b"null":
            prompt.settings[name] = raw
    image = True in [unit.image for unit in prompt.units]  # lists: twice as fast as any() over a generator
    citations = True in [unit.citations for unit in prompt.units]
    system = b"speed=%s;citations=%d" % (prompt.settings.get("speed", b""), citations)
    shape = [b"%s=%s" % (name.encode(), raw) for name, raw in prompt.settings.items() if name != "speed"]
    messages = b";".join([system, b"image=%d" % image, *shape])
    prompt.seeds = (b"", sha256(system).digest()[:KEY_BYTES], sha256(messages).digest()[:KEY_BYTES])
