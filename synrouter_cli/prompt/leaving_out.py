"""What is left out of a request for an upstream that has no use for it: Claude Code's billing block.

Claude Code puts a line for Anthropic's own accounting first into its system prompt. It differs from conversation to
conversation, in some versions from request to request. Anthropic's API takes it out by itself; for any other upstream
it is a changing text in front of everything else that could be shared.

>>> from synrouter_cli.prompt.body import apply_edits
>>> from synrouter_cli.prompt.segments import segment
>>> p = segment(b'{"system":[{"type":"text","text":"x-anthropic-billing-header: a=1;"}, {"type":"text","text":"You"}]}')
>>> apply_edits(p.body, without_unit_edits(p, billing_block(p)))
b'{"system":[{"type":"text","text":"You"}]}'
"""

from __future__ import annotations

from typing import Final

import msgspec

from synrouter_cli.prompt.body import Edit, parseable
from synrouter_cli.prompt.prompt import SYSTEM, Prompt, first_unit_of

__all__ = ["BILLING_HEADER", "billing_block", "without_unit_edits"]

BILLING_HEADER: Final = "x-anthropic-billing-header:"
_BILLING_BYTES = BILLING_HEADER.encode()


class _Text(msgspec.Struct, gc=False):
    text: object = ""


_text = msgspec.json.Decoder(_Text)


def billing_block(prompt: Prompt) -> int | None:
    """The unit of Claude Code's billing block; None where the system prompt does not begin with one.

    Only the first element of a list is looked at: in a system prompt that is one string nothing stands alone.
    """
    assert prompt.body is not None
    unit = first_unit_of(prompt, SYSTEM)
    if not prompt.unit_counts[SYSTEM]:
        return None
    block = prompt.units[unit].blocks[0]
    if block.bare or block.kind != "text":
        return None
    start = prompt.starts[unit]
    end = start + prompt.units[unit].length
    # a long system prompt is not decoded for this: no client writes the name with escapes
    if prompt.body.find(_BILLING_BYTES, start, end) < 0:
        return None
    text = _text.decode(parseable(prompt.body[start:end])).text
    return unit if isinstance(text, str) and text.startswith(BILLING_HEADER) else None


def without_unit_edits(prompt: Prompt, unit: int) -> list[Edit]:
    """The edits that take one element out of the `system` list, with its comma and the marker it carries.

    The only element leaves an empty list. Raises ValueError where `unit` is no element of that list.
    """
    first = first_unit_of(prompt, SYSTEM)
    stop = first + prompt.unit_counts[SYSTEM]
    if not first <= unit < stop or prompt.units[unit].blocks[0].bare:
        raise ValueError(f"unit {unit} is no element of the system list")
    start, end = prompt.starts[unit], prompt.starts[unit] + prompt.units[unit].length
    if unit + 1 < stop:
        end = prompt.starts[unit + 1]
    elif unit > first:
        start = prompt.starts[unit - 1] + prompt.units[unit - 1].length
    return [Edit(start, end - start, b"")]
