"""Edits that put `cache_control` markers where a plan wants them, and touch nothing else.

>>> from synrouter_cli.prompt.body import apply_edits
>>> from synrouter_cli.prompt.segments import segment
>>> p = segment(b'{"messages":[{"role":"user","content":"hi"}]}')
>>> apply_edits(p.body, marker_edits(p, {0: "5m"}))
b'{"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}'
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from synrouter_cli.prompt.body import Edit
from synrouter_cli.prompt.segments import Block, Mark, Prompt

__all__ = ["is_fixed", "marker_edits", "slots_taken"]

_KEY_BEFORE = re.compile(rb'(,?)\s*"cache_control"\s*:\s*\Z')
_COMMA_AFTER = re.compile(rb"\s*,")
_VALUES = {"5m": b'{"type":"ephemeral"}', "1h": b'{"type":"ephemeral","ttl":"1h"}'}


def is_fixed(block: Block) -> bool:
    """Whether the block carries a marker that is never moved: it has keys we don't know, or stands in a result."""
    return bool(block.nested) or (block.mark is not None and block.mark.extra)


def slots_taken(block: Block) -> int:
    """How many of the request's four breakpoints the block uses as it came."""
    own = 1 if block.mark is not None and block.mark.ttl is not None else 0
    return own + len(block.nested)


def marker_edits(prompt: Prompt, wanted: Mapping[int, str]) -> list[Edit]:
    """The edits after which exactly the blocks `wanted` (index → ttl) carry a marker of their own.

    Fixed markers stay whatever `wanted` says. The automatic marker (top level) is removed where the block that it
    stands for is not wanted; where it is, it goes on doing its work and the block gets none of its own.
    """
    assert prompt.body is not None
    edits: list[Edit] = []
    remaining = dict(wanted)
    automatic = prompt.automatic
    if automatic is not None and automatic.ttl is not None:
        edits += _automatic_edits(prompt, automatic, remaining)
    touched = {index for index, block in prompt.marked_blocks() if block.mark is not None} | remaining.keys()
    for index in sorted(touched):
        start = prompt.starts[prompt.unit_of(index)]
        edits += _block_edits(prompt.body, prompt.blocks[index], start, remaining.get(index))
    return edits


def _automatic_edits(prompt: Prompt, automatic: Mark, remaining: dict[int, str]) -> list[Edit]:
    last = next((i for i in range(len(prompt.blocks) - 1, -1, -1) if prompt.blocks[i].markable), -1)
    own = prompt.blocks[last].mark if last >= 0 else None
    explicit = own is not None and own.ttl is not None
    if automatic.extra or explicit:
        return []
    if last in remaining:
        return _ttl_edits(automatic, 0, remaining.pop(last))
    return [_removal(prompt.body or b"", automatic.start, automatic.end)]


def _block_edits(body: bytes, block: Block, base: int, ttl: str | None) -> list[Edit]:
    mark = block.mark
    if mark is not None and mark.extra:
        return []
    if ttl is None:
        if mark is None or mark.ttl is None:
            return []
        return [_removal(body, base + mark.start, base + mark.end)]
    if mark is not None:
        return _ttl_edits(mark, base, ttl)
    if block.nested:
        return []  # the marker inside counts at this block
    value = _VALUES[ttl]
    end = base + block.end
    if block.bare:
        opening = Edit(base + block.start, 0, b'[{"type":"text","text":')
        return [opening, Edit(end, 0, b',"cache_control":' + value + b"}]")]
    return [Edit(end - 1, 0, b',"cache_control":' + value)]


def _ttl_edits(mark: Mark, base: int, ttl: str) -> list[Edit]:
    if mark.ttl == ttl:
        return []
    if mark.ttl is None:
        return [Edit(base + mark.start, mark.end - mark.start, _VALUES[ttl])]
    quoted = b'"%s"' % ttl.encode()
    if mark.ttl_span is not None:
        start, end = mark.ttl_span
        return [Edit(base + start, end - start, quoted)]
    return [Edit(base + mark.end - 1, 0, b',"ttl":' + quoted)]


def _removal(body: bytes, start: int, end: int) -> Edit:
    """Take the key and its value out, with the one comma that belongs to them.

    A key that is written with escapes is not looked for: its value becomes null, which means the same.
    """
    window_start = max(0, start - 64)
    before = _KEY_BEFORE.search(body[window_start:start])
    if before is None:
        return Edit(start, end - start, b"null")
    if before[1]:
        cut = window_start + before.start()
        return Edit(cut, end - cut, b"")
    key_start = window_start + body[window_start:start].rindex(b'"cache_control"')
    after = _COMMA_AFTER.match(body, end)
    stop = after.end() if after is not None else end
    return Edit(key_start, stop - key_start, b"")
