"""Compares a request with the last one of its session: tools by name, system by line, messages by block.

What only comes behind the last request's end is no difference, nor is what is no part of a prompt: markers, tools
whose loading is deferred, thinking that the provider leaves out in both.

>>> from synrouter_cli.prompt.segments import segment
>>> one = segment(b'{"model":"m","system":"Be brief.\\\\nIt is 12:03.","messages":[]}')
>>> two = segment(b'{"model":"m","system":"Be brief.\\\\nIt is 12:04.","messages":[]}')
>>> compare(one, two).to_detail()
{'system': {'block': 0, 'how': 'changed', 'before': 25, 'after': 25, 'line': 2, 'column': 11, 'kind': 'clock'}}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from synrouter_cli.prompt.blocks import NEVER_MARKED
from synrouter_cli.prompt.changes import (
    NOWHERE,
    Difference,
    MessageChange,
    NamesChange,
    SystemChange,
    ToolsChange,
)
from synrouter_cli.prompt.histories import Histories
from synrouter_cli.prompt.prompt import MESSAGES, SYSTEM, TOOLS, Block, Prompt
from synrouter_cli.prompt.texts import block_text, decoded, raw_block
from synrouter_cli.prompt.volatile import TextPlace, kind_of_change, line_of_change, place_of_change

__all__ = ["changed_line", "compare"]

_ABSENT_SETTING: Final = b"null"


def compare(
    before: Prompt, after: Prompt, *, betas_before: Iterable[str] = (), betas_after: Iterable[str] = ()
) -> Difference:
    """What differs in `after`. Either body may have been given back: then names and lines are left out.

    Both prompts have to be split with the same secret. `betas_…` are the names in each request's `anthropic-beta`.
    """
    had, has = set(betas_before), set(betas_after)
    betas = NamesChange(tuple(sorted(has - had)), tuple(sorted(had - has))) if had != has else None
    tools = system = message = None
    if after.shared_with(before.keys) < len(before.keys):
        tools = _tools(before, after)
        system = _system(before, after)
        message = _message(before, after)
    return Difference(
        model=(before.model, after.model) if before.model != after.model else None,
        betas=betas,
        settings=tuple(_settings(before, after)) if before.seeds[2] != after.seeds[2] else (),
        settings_reach_system=before.seeds[1] != after.seeds[1],
        tools=tools,
        system=system,
        message=message,
    )


def changed_line(before: Prompt, after: Prompt, difference: Difference) -> str:
    """At most 80 visible characters of the line in which `after` first differs, secrets masked; "" for none.

    Content, for the memory of this process and its user's terminal: it belongs into no ledger and no log.
    """
    for change in (difference.tools, difference.system, difference.message):
        if change is not None and change.at != NOWHERE:
            texts = [block_text(prompt, at) for prompt, at in zip((before, after), change.at, strict=True)]
            if None not in texts:
                return line_of_change(*(text or "" for text in texts))
    return ""


# ── tools ──


def _tools(before: Prompt, after: Prompt) -> ToolsChange | None:
    old, new = _present(before, TOOLS), _present(after, TOOLS)
    if _digests(before, old) == _digests(after, new):
        return None
    first = _first_difference(_digests(before, old), _digests(after, new))
    shown = new if first < len(new) else old
    bare = ToolsChange(first=shown[first], before=len(old), after=len(new))
    had, has = _named(before, old), _named(after, new)
    if had is None or has is None:
        return _by_digest(bare, before, after, had or {}, has or {})
    changed = [name for name in has if name in had and not _same(before, had[name], after, has[name])]
    return replace(
        bare,
        added=tuple(name for name in has if name not in had),
        removed=tuple(name for name in had if name not in has),
        changed=tuple(changed),
        reordered=[name for name in had if name in has] != [name for name in has if name in had],
        at=(had[changed[0]], has[changed[0]]) if changed else NOWHERE,
    )


def _by_digest(
    bare: ToolsChange, before: Prompt, after: Prompt, had: dict[str, int], has: dict[str, int]
) -> ToolsChange:
    """What can be named where only one of the bodies is still there."""
    old = {block.digest for block in before.blocks[: before.layer_ends[0]]}
    new = {block.digest for block in after.blocks[: after.layer_ends[0]]}
    came = tuple(name for name, at in has.items() if after.blocks[at].digest not in old)
    went = tuple(name for name, at in had.items() if before.blocks[at].digest not in new)
    if bare.before == bare.after:
        return replace(bare, changed=came or went)
    return replace(bare, added=came, removed=went)


def _named(prompt: Prompt, places: Sequence[int]) -> dict[str, int] | None:
    """Each tool's name with its block; None where the body has been given back."""
    found: dict[str, int] = {}
    for place in places:
        raw = raw_block(prompt, place)
        if raw is None:
            return None
        value = decoded(raw)
        # server tools have a type; a tool without any name is known by its place
        name = value.get("name") or value.get("type") if isinstance(value, dict) else None
        found.setdefault(name if isinstance(name, str) else f"tool-{place}", place)
    return found


# ── system ──


def _system(before: Prompt, after: Prompt) -> SystemChange | None:
    old, new = _present(before, SYSTEM), _present(after, SYSTEM)
    had, has = _digests(before, old), _digests(after, new)
    found: SystemChange | None = None
    start = 0
    while had[start:] != has[start:]:
        at = start + _first_difference(had[start:], has[start:])
        change = _system_block(before, after, old, new, at)
        if found is None or change.how == "changed":
            found = change
        if change.kind != "cch":
            break
        start = at + 1
    return found


def _system_block(before: Prompt, after: Prompt, old: list[int], new: list[int], at: int) -> SystemChange:
    how = _how(_digests(before, old), _digests(after, new), at)
    there = (
        old[at] if how != "inserted" and at < len(old) else -1,
        new[at] if how != "removed" and at < len(new) else -1,
    )
    place, kind = _text_change(before, after, there)
    head = before.unit_counts[0] if there[1] < 0 else after.unit_counts[0]
    prompt, block = (before, there[0]) if there[1] < 0 else (after, there[1])
    return SystemChange(
        block=prompt.unit_of(block) - head,
        how=how,
        before=_size(before, there[0]),
        after=_size(after, there[1]),
        place=place,
        kind=kind,
        at=there,
    )


def _how(had: Sequence[bytes], has: Sequence[bytes], at: int) -> str:
    if at >= len(has) or (at + 1 < len(had) and had[at + 1] == has[at] and len(had) > len(has)):
        return "removed"
    if at >= len(had) or (at + 1 < len(has) and had[at] == has[at + 1] and len(has) > len(had)):
        return "inserted"
    return "changed"


# ── messages ──


def _message(before: Prompt, after: Prompt) -> MessageChange | None:
    found = Histories(before, after, _present(before, MESSAGES), _present(after, MESSAGES)).change()
    if found is None:
        return None
    how, old, new = found
    there = (old, new)
    place, kind = _text_change(before, after, there) if how == "changed" else (None, None)
    prompt, block = (after, new) if new >= 0 else (before, old)
    unit = prompt.unit_of(block)
    return MessageChange(
        index=unit - prompt.unit_counts[0] - prompt.unit_counts[1],
        how=how,
        role=prompt.units[unit].role,
        block=block - prompt.first_block[unit],
        what=prompt.blocks[block].kind,
        before=_size(before, old),
        after=_size(after, new),
        messages_before=before.unit_counts[2],
        messages_after=after.unit_counts[2],
        place=place,
        kind=kind,
        at=there if how in ("changed", "inserted", "removed") else NOWHERE,
    )


# ── settings ──


def _settings(before: Prompt, after: Prompt) -> Iterator[str]:
    for name in sorted({*before.settings, *after.settings}):
        old, new = (prompt.settings.get(name, _ABSENT_SETTING) for prompt in (before, after))
        if old != new:
            yield from _fields(name, decoded(old), decoded(new))
    for name in ("image", "citations"):
        if any(getattr(unit, name) for unit in before.units) != any(getattr(unit, name) for unit in after.units):
            yield "images" if name == "image" else name


def _fields(name: str, old: object, new: object) -> list[str]:
    """`thinking.budget_tokens` where nothing else of `thinking` differs, `thinking` where it came or went."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [f"{name}.{key}" for key in sorted({*old, *new}) if old.get(key) != new.get(key)] or [name]
    return [name]


# ── what they have in common ──


def _present(prompt: Prompt, layer: int) -> list[int]:
    """The blocks of a layer that the provider puts into the prompt."""
    start = prompt.layer_ends[layer - 1] if layer else 0
    return [
        index
        for index in range(start, prompt.layer_ends[layer])
        if not _is_absent(prompt.blocks[index], index, prompt.keys)
    ]


def _is_absent(block: Block, index: int, keys: Sequence[bytes]) -> bool:
    if block.kind == "deferred_tool":
        return True
    return block.kind in NEVER_MARKED and index > 0 and keys[index] == keys[index - 1]


def _digests(prompt: Prompt, places: Sequence[int]) -> list[bytes]:
    return [prompt.blocks[place].digest for place in places]


def _same(before: Prompt, old: int, after: Prompt, new: int) -> bool:
    return before.blocks[old].digest == after.blocks[new].digest


def _first_difference(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    both = min(len(one), len(other))
    return next((index for index in range(both) if one[index] != other[index]), both)


def _size(prompt: Prompt, block: int) -> int:
    return prompt.blocks[block].end - prompt.blocks[block].start if block >= 0 else 0


def _text_change(before: Prompt, after: Prompt, at: tuple[int, int]) -> tuple[TextPlace | None, str | None]:
    if -1 in at:
        return None, None
    old, new = block_text(before, at[0]), block_text(after, at[1])
    if old is None or new is None:
        return None, None
    return place_of_change(old, new), kind_of_change(old, new)
