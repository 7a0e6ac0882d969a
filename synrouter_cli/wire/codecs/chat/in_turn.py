"""One call after the other: clients that show calls as they come take the next one's beginning for the end of the one
before it (openai's own SDK does), so what belongs to a later block waits until an open call has ended.

>>> first, second = BlockStarted(0, ToolUse("a", "x", "")), BlockStarted(1, ToolUse("b", "y", ""))
>>> turns = CallsInTurn()
>>> turns.take(first) == [first], turns.take(second), turns.take(BlockEnded(0)) == [BlockEnded(0), second]
(True, [], True)
"""

from __future__ import annotations

from synrouter_cli.wire.ir import BlockEnded, BlockStarted, Delta, Failure, Finished, StreamEvent, ToolUse

__all__ = ["CallsInTurn"]

Kept = list[StreamEvent]


class CallsInTurn:
    """One stream's state."""

    __slots__ = ("_open", "_waiting")

    def __init__(self) -> None:
        self._open: int | None = None
        """The call that others wait for."""
        self._waiting: dict[int, Kept] = {}
        """By block, in the order of their beginnings."""

    def take(self, event: StreamEvent) -> Kept:
        """The events that may go on now."""
        if isinstance(event, Finished | Failure):
            return [*(one for kept in self._all() for one in kept), event]
        if not isinstance(event, BlockStarted | Delta | BlockEnded):
            return [event]
        if event.index in self._waiting:
            self._waiting[event.index].append(event)
            return []
        if isinstance(event, BlockStarted):
            return self._begin(event)
        if isinstance(event, BlockEnded) and event.index == self._open:
            return [event, *self._next()]
        return [event]

    def _begin(self, event: BlockStarted) -> Kept:
        if self._open is not None:
            self._waiting[event.index] = [event]
            return []
        if isinstance(event.block, ToolUse):
            self._open = event.index
        return [event]

    def _next(self) -> Kept:
        """What waited, up to a call that has not ended."""
        self._open = None
        out: Kept = []
        while self._open is None and self._waiting:
            index = next(iter(self._waiting))
            kept = self._waiting.pop(index)
            out += kept
            if isinstance(kept[0], BlockStarted) and isinstance(kept[0].block, ToolUse):
                self._open = None if isinstance(kept[-1], BlockEnded) else index
        return out

    def _all(self) -> list[Kept]:
        waiting, self._waiting, self._open = self._waiting, {}, None
        return list(waiting.values())
