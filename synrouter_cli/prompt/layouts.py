"""What clients are known to send anew with every request: text at the end of a prompt that must not be marked.

Rules are data. They serve a session's first request, when there is nothing yet to compare with; from the second on a
comparison finds the same, and what no rule knows.

>>> from synrouter_cli.prompt.segments import segment
>>> carrier = '<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>> step 1'
>>> body = '{"messages":[{"role":"user","content":"hi"},{"role":"user","content":"%s"}]}' % carrier
>>> transient_from(segment(body.encode()))
1
"""

from __future__ import annotations

from typing import Final

from synrouter_cli.prompt.prompt import MESSAGES, Prompt, first_unit_of

__all__ = ["TRANSIENT", "transient_from"]

TRANSIENT: Final[tuple[bytes, ...]] = (b"<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>",)
"""How a message begins that stands last in this request and will not stand there in the next (OpenClaw's carrier)."""
_WITHIN: Final = 200
"""So many bytes into a message's content the text begins, with what JSON puts around it."""


def transient_from(prompt: Prompt) -> int:
    """The block from which on the prompt is known not to last; its number of blocks where all may."""
    end = len(prompt.blocks)
    if prompt.body is None:
        return end
    first = first_unit_of(prompt, MESSAGES)
    for unit in range(len(prompt.units) - 1, first - 1, -1):
        start = prompt.starts[unit]
        head = prompt.body[start : start + min(_WITHIN, prompt.units[unit].length)]
        if not any(mark in head for mark in TRANSIENT):
            return end
        end = prompt.first_block[unit]
    return end
