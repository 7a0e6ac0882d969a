"""An answer in one piece as the events of a stream.

>>> [type(event).__name__ for event in replayed(Response("m", "c", (Text("Hi"),), "end_turn"))]
['Started', 'BlockStarted', 'Delta', 'BlockEnded', 'Finished']
"""

from __future__ import annotations

from msgspec.structs import replace

from synrouter_cli.wire.ir import (
    Block,
    BlockEnded,
    BlockStarted,
    Delta,
    Finished,
    Refusal,
    Response,
    Started,
    StreamEvent,
    Text,
    Thinking,
    ToolUse,
)

__all__ = ["replayed"]


def replayed(answer: Response) -> list[StreamEvent]:
    """The events; a block that has no deltas begins whole."""
    events: list[StreamEvent] = [Started(answer.id, answer.model, None, answer.created)]
    for index, block in enumerate(answer.blocks):
        empty, deltas = _apart(index, block)
        events += [BlockStarted(index, empty), *deltas, BlockEnded(index)]
    ending = Finished(answer.stop_reason, answer.stop_sequence, answer.usage, answer.reasoning_tokens, answer.extras)
    return [*events, ending]


def _apart(index: int, block: Block) -> tuple[Block, list[Delta]]:
    if isinstance(block, Text):
        cited = [Delta(index, "citation", one) for one in block.citations]
        return replace(block, text="", citations=()), [Delta(index, "text", block.text), *cited]
    if isinstance(block, Thinking):
        said = [Delta(index, "thinking", block.text)] if block.text else []
        signed = [Delta(index, "signature", block.signature)] if block.signature else []
        return replace(block, text="", signature=""), said + signed
    if isinstance(block, Refusal):
        return Refusal(""), [Delta(index, "refusal", block.text)]
    if isinstance(block, ToolUse):
        said = [Delta(index, "arguments", block.arguments)] if block.arguments else []
        return replace(block, arguments=""), said
    return block, []
