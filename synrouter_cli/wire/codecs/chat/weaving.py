"""An assistant's text, calls and thinking in the order in which they were said. Here text stands before calls and
thinking before both; what is known to have stood elsewhere is put there.

>>> woven((Text("ab"),), [], [Placed(Thinking("?", "s"), chars=1)])[1].text
'?'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from synrouter_cli.wire.codecs.chat.reasoning import Placed
from synrouter_cli.wire.ir import Block, RedactedThinking, Refusal, Text, Thinking, ToolUse

__all__ = ["Placed", "placed", "woven"]


def woven(parts: Sequence[Block], calls: Sequence[ToolUse], thinking: Sequence[Placed]) -> tuple[Block, ...]:
    """The blocks of a message."""
    if not thinking:
        return (*parts, *calls)
    if not any(one.chars or one.calls for one in thinking):
        return (*(one.block for one in thinking), *parts, *calls)
    early = [one for one in thinking if not one.calls]
    found = _among_text(parts, sorted(early, key=lambda one: one.chars))
    for i, call in enumerate(calls):
        found += [one.block for one in thinking if one.calls == i and one.calls]
        found.append(call)
    return (*found, *(one.block for one in thinking if one.calls >= max(len(calls), 1)))


def _among_text(parts: Sequence[Block], thinking: list[Placed]) -> list[Block]:
    found: list[Block] = []
    waiting = list(thinking)
    passed = 0
    for part in parts:
        while isinstance(part, Text) and waiting and waiting[0].chars - passed < len(part.text):
            cut = waiting[0].chars - passed
            if cut > 0:
                found.append(replace(part, text=part.text[:cut], cache=None))
                part = replace(part, text=part.text[cut:])
                passed += cut
            found.append(waiting.pop(0).block)
        if isinstance(part, Refusal):  # stands last, and nothing was thought after it
            found += [one.block for one in waiting]
            waiting = []
        found.append(part)
        passed += len(part.text) if isinstance(part, Text) else 0
    return found + [one.block for one in waiting]


def placed(blocks: Iterable[Block]) -> list[Placed]:
    """The thinking among the blocks of a message, each with its place."""
    found: list[Placed] = []
    chars = calls = 0
    for block in blocks:
        if isinstance(block, Thinking | RedactedThinking):
            found.append(Placed(block, chars, calls))
        elif isinstance(block, Text):
            chars += len(block.text)
        elif isinstance(block, ToolUse):
            calls += 1
    return found
