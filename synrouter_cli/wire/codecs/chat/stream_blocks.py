"""The blocks of an answer that comes in pieces, as events. One block of text, thinking or refusal is open at a time;
calls stay open beside it, since their pieces may come interleaved, until what they hold is whole JSON and something
else begins, or the answer ends.

>>> blocks = Blocks()
>>> blocks.say("text", "Hi"), blocks.close_all()
([BlockStarted(index=0, block=Text(text='', cache=None, citations=(), extras={}, item=None)), \
Delta(index=0, kind='text', data='Hi')], [BlockEnded(index=0)])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.chat.fields import Object, load
from synrouter_cli.wire.codecs.chat.reasoning import SEALED, call_kept, detail_text, entry_in
from synrouter_cli.wire.ir import (
    Block,
    BlockEnded,
    BlockStarted,
    Delta,
    RedactedThinking,
    Refusal,
    StreamEvent,
    Text,
    Thinking,
    ToolUse,
)

__all__ = ["Blocks", "Call", "is_whole"]

_EMPTY: Final[dict[str, Block]] = {"text": Text(""), "thinking": Thinking(""), "refusal": Refusal("")}
_JOINED: Final = ("text", "summary", "data")
Kind = Literal["text", "thinking", "refusal"]


@dataclass(slots=True)
class Call:
    """A call whose pieces are coming."""

    index: int
    id: str
    kind: Any
    arguments: str = ""
    open: bool = True


class Blocks:
    """The state of one answer's blocks; every method returns the events that it makes."""

    __slots__ = ("_calls", "_entry", "_index", "_kind", "_next", "_token", "called", "refused", "said")

    def __init__(self) -> None:
        self._next = 0
        self._kind: str | None = None  # of the block that is open, but for calls
        self._index = 0
        self._token = ""  # its signature, where it is plain thinking
        self._entry: Object | None = None  # the entry of `reasoning_details` that it comes from
        self._calls: list[Call] = []
        self.said = ""
        """The text so far, of the block of text that is open."""
        self.called = False
        self.refused = False

    # ── text, thinking, refusals ──

    def say(self, kind: Kind, data: str, field: str = "") -> list[StreamEvent]:
        """More text of a kind; thinking as plain text came in `field`."""
        token = SEALED[field] if field else ""
        events: list[StreamEvent] = []
        if self._kind != kind or self._token != token or self._entry is not None:
            events = [*self.close(), *self._settle(), self._start(kind)]
            self._token = token
        self.refused |= kind == "refusal"
        if kind == "text":
            self.said += data
        events.append(Delta(self._index, kind, data))
        return events

    def _start(self, kind: Kind) -> StreamEvent:
        self._kind, self._index = kind, self._next
        self._next += 1
        self.said = ""
        return BlockStarted(self._index, _EMPTY[kind])

    def cite(self, cited: Object) -> list[StreamEvent] | None:
        """A citation of the text that is open; None where none is."""
        return [Delta(self._index, "citation", cited)] if self._kind == "text" else None

    def detail(self, piece: Object) -> list[StreamEvent]:
        """A piece of an entry of `reasoning_details`."""
        events: list[StreamEvent] = []
        entry = self._entry
        if entry is None or not _same(entry, piece):
            events = self.close()
            entry = self._entry = {}
        for key, value in piece.items():
            if value is not None:
                joined = key in _JOINED and isinstance(value, str) and isinstance(entry.get(key), str)
                entry[key] = entry[key] + value if joined else value
        shown = detail_text(piece)
        if shown:
            if self._kind is None:
                events += [*self._settle(), self._start("thinking")]
            events.append(Delta(self._index, "thinking", shown))
        return events

    def close(self) -> list[StreamEvent]:
        """The end of the block that is open, calls aside."""
        kind, entry = self._kind, self._entry
        self._kind, self._entry, token, self._token = None, None, self._token, ""
        if entry is not None:
            return self._close_entry(entry, started=kind is not None)
        if kind is None:
            return []
        signed: list[StreamEvent] = [Delta(self._index, "signature", token)] if token else []
        return [*signed, BlockEnded(self._index)]

    def _close_entry(self, entry: Object, *, started: bool) -> list[StreamEvent]:
        found = entry_in(entry)
        events: list[StreamEvent] = []
        if found is None:
            return [BlockEnded(self._index)] if started else []
        if isinstance(found.block, RedactedThinking):
            return self.whole(found.block)
        if not started:
            events = [*self._settle(), self._start("thinking")]
            self._kind = None
        return [*events, Delta(self._index, "signature", found.block.signature), BlockEnded(self._index)]

    def whole(self, block: RedactedThinking) -> list[StreamEvent]:
        """A block that comes in one piece."""
        events = self._settle()
        index = self._next
        self._next += 1
        return [*events, BlockStarted(index, block), BlockEnded(index)]

    # ── calls ──

    def call(self, called: str, name: str, kind: Any, extras: Object) -> tuple[Call, list[StreamEvent]]:
        """A call begins."""
        events = [*self.close(), *self._settle()]
        if extras:
            events += self.whole(call_kept(called, extras))
        call = Call(self._next, called, kind)
        self._next += 1
        self._calls.append(call)
        self.called = True
        return call, [*events, BlockStarted(call.index, ToolUse(called, name, "", kind))]

    def argue(self, call: Call, data: str) -> list[StreamEvent]:
        """More of a call's arguments."""
        if not data or not call.open:  # of a call that was whole only white space may follow
            return []
        call.arguments += data
        return [Delta(call.index, "arguments", data)]

    def _settle(self) -> list[StreamEvent]:
        """The ends of calls that are whole."""
        events: list[StreamEvent] = []
        for call in self._calls:
            if call.open and call.kind == "function" and is_whole(call.arguments):
                call.open = False
                events.append(BlockEnded(call.index))
        return events

    def close_all(self) -> list[StreamEvent]:
        events = self.close()
        for call in self._calls:
            if call.open:
                call.open = False
                events.append(BlockEnded(call.index))
        self._calls = []
        return events


def _same(entry: Object, piece: Object) -> bool:
    """Whether a piece goes on with an entry."""
    return all(piece.get(key) is None or entry.get(key) in (None, piece[key]) for key in ("index", "type", "id"))


def is_whole(arguments: str) -> bool:
    """Whether nothing can follow but white space."""
    if not arguments.rstrip().endswith("}"):
        return False
    try:
        return isinstance(load(arguments.encode("utf-8", "surrogatepass")), dict)
    except InvalidRequest:
        return False
