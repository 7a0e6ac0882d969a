"""Blocks of an answer for a client of the Messages API. Thinking is shown whoever signed it: the client keeps it and
sends it back, and the signature, sealed, finds its way to the provider that it belongs to.

>>> AnswerWriter().blocks((Thinking("hm"), Text("")), "content")
[{'type': 'thinking', 'thinking': 'hm', 'signature': ''}]
"""

from __future__ import annotations

from typing import Any

from synrouter_cli.wire.codecs.anthropic.blocks_out import Writer
from synrouter_cli.wire.codecs.anthropic.paths import Path
from synrouter_cli.wire.ir import Block, Opaque, RedactedThinking, Refusal, Text, Thinking, ToolUse
from synrouter_cli.wire.sealed import unseal

__all__ = ["AnswerWriter"]


class AnswerWriter(Writer):
    """As `Writer`, for what goes to the client."""

    answers = True

    def block(self, one: Block, path: Path) -> dict[str, Any] | None:
        if isinstance(one, Thinking | RedactedThinking):
            return _thinking(one)
        if isinstance(one, Text) and not one.text and not one.citations:
            return None  # a client would send it back, and it would be refused
        if not isinstance(one, Text | ToolUse | Refusal | Opaque):
            self.lose("block", path)
            return None
        return super().block(one, path)


def _thinking(one: Thinking | RedactedThinking) -> dict[str, Any]:
    signed = one.signature if isinstance(one, Thinking) else one.data
    sealed = unseal(signed)
    if sealed is not None and sealed[0] == "anthropic" and isinstance(sealed[1], dict):
        return sealed[1]
    if isinstance(one, Thinking):
        return {"type": "thinking", "thinking": one.text, "signature": one.signature}
    return {"type": "redacted_thinking", "data": one.data}
