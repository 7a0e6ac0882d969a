"""What the API refuses about markers: the 400s of Anthropic's "Prompt caching", in one table of checks.

The simulated provider answers with them, the planner never provokes them.

>>> from synrouter_cli.prompt.segments import segment
>>> marked = b'[{"type":"text","text":" ","cache_control":{"type":"ephemeral"}}]'
>>> violation(segment(b'{"messages":[{"role":"user","content":%s}]}' % marked))
'messages.0.content.0.text: cache_control cannot be set for empty text blocks'
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from synrouter_cli.cache.model import Marker, Rendered
from synrouter_cli.prompt.segments import MESSAGES, SYSTEM, TOOLS, Block, Prompt

__all__ = ["MAX_MARKERS", "as_kept", "client_markers", "last_cacheable", "rendered", "violation"]

MAX_MARKERS = 4
_VALID_TTL = frozenset({"5m", "1h"})


def rendered(prompt: Prompt, *, settings_reach_head: bool = False) -> Rendered:
    """The prompt as the cache sees it. On some models thinking settings also invalidate tools and system."""
    seeds = prompt.seeds
    if settings_reach_head:
        seeds = (seeds[2], seeds[2], seeds[2])
    return Rendered(prompt.keys, prompt.runs, prompt.layer_ends, seeds, prompt.index)


def last_cacheable(prompt: Prompt) -> int:
    """The last block that may carry a marker, or -1: what automatic caching marks."""
    for index in range(len(prompt.blocks) - 1, -1, -1):
        if prompt.blocks[index].markable:
            return index
    return -1


def client_markers(prompt: Prompt) -> tuple[Marker, ...]:
    """The markers a request carries, as the cache sees them, in order of position.

    A marker inside a tool_result counts at the tool_result; the automatic one (top level) at the last cacheable
    block. Of two at one position the explicit one stands.
    """
    found: dict[int, Marker] = {}
    for index, block in prompt.marked_blocks():
        if block.mark is not None and block.mark.ttl is not None and block.markable:
            found[index] = Marker(index, _known(block.mark.ttl))
        elif block.nested:
            found[index] = Marker(index, _known(block.nested[-1].ttl))
    if prompt.automatic is not None and prompt.automatic.ttl is not None:
        last = last_cacheable(prompt)
        if last >= 0:
            found.setdefault(last, Marker(last, _known(prompt.automatic.ttl)))
    return tuple(found[index] for index in sorted(found))


def as_kept(markers: Iterable[Marker], ttls: Container[str]) -> tuple[Marker, ...]:
    """The markers with lifetimes that the provider has: five minutes for any that it does not know.

    >>> as_kept([Marker(3, "1h")], ["5m"])
    (Marker(position=3, ttl='5m'),)
    """
    return tuple(marker if marker.ttl in ttls else Marker(marker.position) for marker in markers)


def _known(ttl: str | None) -> str:
    return ttl if ttl in _VALID_TTL and ttl is not None else "5m"


def violation(prompt: Prompt) -> str | None:
    """The message of the 400 that the API answers to these markers, or None."""
    count = 0
    ttl_before: tuple[str, str] | None = None
    for index, block in prompt.marked_blocks():
        for mark in (*block.nested, *((block.mark,) if block.mark is not None else ())):
            if mark.ttl is None:
                continue
            path = _path(prompt, index)
            if mark.ttl not in _VALID_TTL:
                return f"{path}.cache_control.ephemeral.ttl: Input should be '5m' or '1h'"
            refused = _may_not_carry(block, path)
            if refused is not None:
                return refused
            count += 1
            if mark.ttl == "1h" and ttl_before is not None and ttl_before[0] == "5m":
                return (
                    f"{path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
                    "cache_control block. Note that blocks are processed in the following order: `tools`, `system`, "
                    "`messages`."
                )
            ttl_before = (mark.ttl, path)
    return _automatic_violation(prompt, count, ttl_before[0] if ttl_before else None)


def _automatic_violation(prompt: Prompt, count: int, last_ttl: str | None) -> str | None:
    automatic = prompt.automatic
    if automatic is not None and automatic.ttl is not None:
        last = last_cacheable(prompt)
        block = prompt.blocks[last] if last >= 0 else None
        if block is not None and block.mark is not None and block.mark.ttl is not None:
            if block.mark.ttl != automatic.ttl:
                return "cache_control: the last block already has a cache_control with a different ttl"
        else:
            count += 1
            if automatic.ttl == "1h" and last_ttl == "5m":
                return "cache_control.ttl: a ttl='1h' cache_control must not come after a ttl='5m' cache_control block"
    if count > MAX_MARKERS:
        return f"A maximum of {MAX_MARKERS} blocks with cache_control may be provided. Found {count}."
    return None


def _may_not_carry(block: Block, path: str) -> str | None:
    if block.markable:
        return None
    if block.kind == "text":
        return f"{path}.text: cache_control cannot be set for empty text blocks"
    if block.kind == "deferred_tool":
        return f"{path}: cache_control cannot be set on a tool with defer_loading"
    return f"{path}.{block.kind}.cache_control: Extra inputs are not permitted"


def _path(prompt: Prompt, index: int) -> str:
    unit = prompt.unit_of(index)
    layer = prompt.blocks[index].layer
    within = unit - sum(prompt.unit_counts[:layer])
    if layer == TOOLS:
        return f"tools.{within}"
    if layer == SYSTEM:
        return f"system.{within}"
    assert layer == MESSAGES
    return f"messages.{within}.content.{index - prompt.first_block[unit]}"
