"""Which call a piece of `tool_calls` is of. By its index, as the dialect says; but servers leave it out, give every
call index 0, or give no id: then the id tells, or that a name comes again after a call that is whole.

>>> calls = Calls(Blocks())
>>> events = calls.take({"index": 0, "id": "a", "function": {"name": "x", "arguments": "{}"}}, "answer")
>>> [event.block.id for event in calls.take({"index": 0, "id": "b", "function": {"name": "y"}}, "answer")[1:]]
['b']
"""

from __future__ import annotations

from dataclasses import dataclass, field

from synrouter_cli.wire.codecs.chat.calls import arguments_in, call_extras_in, kind_of
from synrouter_cli.wire.codecs.chat.fields import Object, derived_id
from synrouter_cli.wire.codecs.chat.stream_blocks import Blocks, Call, is_whole
from synrouter_cli.wire.ir import StreamEvent

__all__ = ["Calls"]


@dataclass(slots=True, eq=False)
class _Entry:
    """A call: what came of it before its name did, and its block once it has begun."""

    index: int | None
    id: str | None = None
    said: str = ""
    extras: Object = field(default_factory=dict)
    begun: Call | None = None


class Calls:
    """The calls of one answer."""

    __slots__ = ("_blocks", "_entries")

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._entries: list[_Entry] = []

    def take(self, piece: Object, answer_id: str) -> list[StreamEvent]:
        """The events of one piece; none while a call has no name."""
        kind = kind_of(piece)
        inner = piece.get(kind)
        inner = inner if isinstance(inner, dict) else {}
        name, said = _text(inner.get("name")), arguments_in(inner.get("input" if kind == "custom" else "arguments"))
        entry = self._entry(piece, name, said)
        if entry.begun is not None:
            return self._blocks.argue(entry.begun, said)
        entry.said += said
        entry.extras |= call_extras_in(piece)
        if name is None:
            return []
        called = entry.id or derived_id(answer_id, self._entries.index(entry), name)
        entry.begun, found = self._blocks.call(called, name, kind, entry.extras)
        return found + self._blocks.argue(entry.begun, entry.said)

    def _entry(self, piece: Object, name: str | None, said: str) -> _Entry:
        index, called = piece.get("index"), _text(piece.get("id"))
        index = index if isinstance(index, int) else None
        entry = self._known(index, called, name, said)
        if entry is None:
            entry = _Entry(index, called)
            self._entries.append(entry)
        entry.id = entry.id or called
        return entry

    def _known(self, index: int | None, called: str | None, name: str | None, said: str) -> _Entry | None:
        """The call that a piece goes on with; None where it begins one."""
        if index is None and called is not None:
            return next((one for one in self._entries if one.id == called), None)
        fitting = [one for one in self._entries if index is None or one.index == index]
        last = fitting[-1] if fitting else None
        if last is None or name is None:
            return last
        if called is not None and last.id is not None and called != last.id:
            return next((one for one in fitting if one.id == called), None)
        again = (
            called is None and last.begun is not None and (index is None or (said and is_whole(last.begun.arguments)))
        )
        return None if again else last


def _text(value: object) -> str | None:
    return value if value and isinstance(value, str) else None
