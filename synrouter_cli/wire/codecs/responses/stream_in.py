"""A streamed answer → events, whatever the pieces that its bytes come in and whatever it leaves out: what an item's end
or the whole answer says and no delta said is made up for.

Blocks begin in the order of the items. An item that only its end tells of (a hosted tool's call, reasoning that nothing
is shown of) holds back what comes after it.

>>> decoder = Decoder()
>>> [type(event).__name__ for event in decoder.feed(
...     b'data: {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"}\\n\\n')]
['Started', 'BlockStarted', 'Delta']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.responses import reasoning
from synrouter_cli.wire.codecs.responses.answer_in import (
    called,
    created,
    failed,
    read_item,
    read_part,
    reason_of,
)
from synrouter_cli.wire.codecs.responses.citations import cited
from synrouter_cli.wire.codecs.responses.counts import read_usage
from synrouter_cli.wire.codecs.responses.endings import read_end
from synrouter_cli.wire.codecs.responses.failures import read_error
from synrouter_cli.wire.codecs.responses.reading import UNREADABLE, load
from synrouter_cli.wire.ir import (
    Block,
    BlockEnded,
    BlockStarted,
    Delta,
    Failure,
    Finished,
    Loss,
    Ping,
    Refusal,
    Started,
    StreamEvent,
    Text,
    Thinking,
    ToolUse,
)
from synrouter_cli.wire.sse import Event, EventStream

Json = dict[str, Any]
Kind = Literal["text", "thinking", "arguments", "refusal"]

LIMIT: Final = 64 * 1024 * 1024
"""Bytes of one event: the last one repeats the whole answer."""
_STREAMED_CALLS: Final = ("function_call", "custom_tool_call")
UNREADABLE_SAID: Final = "The provider's stream can't be read."
_decode: Final = msgspec.json.Decoder().decode


@dataclass(slots=True)
class _Open:
    """A block that has begun: its index, what came of it, where its latest piece stood."""

    index: int
    kind: Kind
    pieces: list[str] = field(default_factory=list)
    place: tuple[str, Any] | None = None
    cited: int = 0
    ended: bool = False


class Decoder:
    """One stream's state; see `StreamDecoder`."""

    def __init__(self) -> None:
        self._stream = EventStream(limit=LIMIT)
        self._losses: list[Loss] = []
        self._started = False
        self._over = False
        self._blocks: dict[tuple[object, object], _Open] = {}
        self._next = 0
        self._keys: dict[str, object] = {}
        self._done: set[object] = set()
        self._waiting: object = None
        self._held: list[tuple[str, Json]] = []
        self._called = False
        self._refused = False

    @property
    def losses(self) -> Sequence[Loss]:
        return self._losses

    def feed(self, data: bytes) -> list[StreamEvent]:
        out: list[StreamEvent] = []
        for event in self._stream.feed(data):
            self._take(event, out)
        return out

    def end(self) -> list[StreamEvent]:
        out = self.feed(b"\n\n") if self._stream.pending else []
        if not self._over:
            self._over = True
            out.append(Failure("api_error", "The provider's stream ended before its answer did."))
        return out

    def _take(self, event: Event, out: list[StreamEvent]) -> None:
        if self._over or event.data in (b"", b"[DONE]"):
            return
        try:
            value = _decode(event.data)
        except UNREADABLE:
            try:
                value = load(event.data)
            except InvalidRequest:
                value = {"type": "error", "message": UNREADABLE_SAID}
        if not isinstance(value, dict):
            return
        try:
            self._see(str(value.get("type") or event.name.decode("utf-8", "replace")), value, out)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # something is not of its kind
            self._over = True
            out.append(Failure("api_error", UNREADABLE_SAID))

    def _see(self, kind: str, value: Json, out: list[StreamEvent]) -> None:
        handler = _HANDLERS.get(kind)
        if handler is None or self._over:
            return
        if self._waiting is not None and handler in _OF_ITEMS and self._key(value) != self._waiting:
            self._held.append((kind, value))
            return
        if handler in _OF_ITEMS and not self._started:
            self._begin({}, out)
        handler(self, value, out)

    def _key(self, value: Json) -> object:
        """What an event's item is known by: its place, else the id that it was announced with."""
        place = value.get("output_index")
        if place is not None:
            return place
        given = str(value.get("item_id") or (value.get("item") or {}).get("id") or "")
        return self._keys.get(given, given)

    # ── the answer ──

    def _begin(self, answer: Mapping[str, Any], out: list[StreamEvent]) -> None:
        self._started = True
        out.append(Started(str(answer.get("id") or ""), str(answer.get("model") or ""), created=created(answer)))

    def _created(self, value: Json, out: list[StreamEvent]) -> None:
        if not self._started:
            self._begin(value.get("response") or {}, out)

    def _ping(self, value: Json, out: list[StreamEvent]) -> None:
        out.append(Ping())

    def _finished(self, value: Json, out: list[StreamEvent]) -> None:
        answer = value.get("response") or {}
        self._created(value, out)
        self._go_on(out)
        for place, item in enumerate(answer.get("output") or ()):
            if place not in self._done:
                self._item_done({"output_index": place, "item": item}, out)
        for block in self._blocks.values():
            self._end(block, out)
        usage, thought = read_usage(answer.get("usage"), answer.get("service_tier"))
        incomplete = value.get("type") == "response.incomplete"
        status = answer.get("status") or ("incomplete" if incomplete else "completed")
        stop = read_end(status, reason_of(answer), called=self._called, refused=self._refused)
        self._over = True
        out.append(Finished(stop, usage=usage, reasoning_tokens=thought))

    def _failed(self, value: Json, out: list[StreamEvent]) -> None:
        self._over = True
        out.append(failed(value.get("response") or {"error": value.get("error"), "status": "failed"}))

    def _error(self, value: Json, out: list[StreamEvent]) -> None:
        self._over = True
        error = value.get("error")
        said = error if isinstance(error, dict) else {k: v for k, v in value.items() if k != "type"}
        out.append(read_error(said))

    # ── items ──

    def _item_added(self, value: Json, out: list[StreamEvent]) -> None:
        item = value.get("item") or {}
        key = self._key(value)
        if isinstance(item.get("id"), str):
            self._keys[item["id"]] = key
        kind = item.get("type")
        if kind in _STREAMED_CALLS:
            self._open_call(item, key, out)
        elif kind != "message":
            self._waiting = key

    def _open_call(self, item: Json, key: object, out: list[StreamEvent]) -> None:
        try:
            call = called({**item, "arguments": "", "input": ""}, "output")
        except InvalidRequest:  # its name comes with its end
            self._waiting = key
            return
        self._called = True
        self._open((key, 0), "arguments", call, out)

    def _item_done(self, value: Json, out: list[StreamEvent]) -> None:
        item, key = value.get("item") or {}, self._key(value)
        if key in self._done:
            return
        self._done.add(key)
        kind = item.get("type")
        if kind == "message":
            self._message_done(item, key, out)
        elif (key, 0) in self._blocks:
            block = self._blocks[key, 0]
            thinking = kind == "reasoning"
            whole = reasoning.text_of(item) if thinking else item.get("arguments", item.get("input"))
            self._make_up(block, whole, out)
            if thinking:
                out.append(Delta(block.index, "signature", reasoning.signature_of(item)))
            self._end(block, out)
        else:
            for one in read_item(item, "output", self._losses):
                self._whole(one, key, out)
        self._go_on(out, key)

    def _message_done(self, item: Json, key: object, out: list[StreamEvent]) -> None:
        for i, part in enumerate(item.get("content") or ()):
            block = self._part(key, i, part, out)
            whole = read_part(part, "output", [])
            self._make_up(block, whole.text if isinstance(whole, Text | Refusal) else None, out)
            self._cite(block, (part.get("annotations") or ())[block.cited :], out)
        for (of, _), block in self._blocks.items():
            if of == key:
                self._end(block, out)

    def _go_on(self, out: list[StreamEvent], key: object = None) -> None:
        """What waited for an item to end is seen now; with no item given, all of it."""
        if key is not None and key != self._waiting:
            return
        self._waiting = None
        held, self._held = self._held, []
        for kind, value in held:
            self._see(kind, value, out)

    # ── blocks ──

    def _open(self, key: tuple[object, object], kind: Kind, block: Block, out: list[StreamEvent]) -> _Open:
        opened = self._blocks[key] = _Open(self._next, kind)
        self._next += 1
        out.append(BlockStarted(opened.index, block))
        return opened

    def _whole(self, block: Block, key: object, out: list[StreamEvent]) -> None:
        """A block that comes in one piece."""
        index = self._next
        self._next += 1
        if isinstance(block, ToolUse):
            self._called = True
            out += [BlockStarted(index, replace(block, arguments="")), Delta(index, "arguments", block.arguments)]
        elif isinstance(block, Thinking):
            out.append(BlockStarted(index, Thinking("")))
            out += [Delta(index, "thinking", block.text)] if block.text else []
            out.append(Delta(index, "signature", block.signature))
        else:
            out.append(BlockStarted(index, block))
        out.append(BlockEnded(index))

    def _part(self, key: object, place: object, part: Json, out: list[StreamEvent]) -> _Open:
        found = self._blocks.get((key, place))
        if found is not None:
            return found
        if part.get("type") == "refusal":
            self._refused = True
            return self._open((key, place), "refusal", Refusal(""), out)
        return self._open((key, place), "text", Text(""), out)

    def _more(self, block: _Open, piece: str, out: list[StreamEvent]) -> None:
        if piece and not block.ended:
            block.pieces.append(piece)
            out.append(Delta(block.index, block.kind, piece))

    def _make_up(self, block: _Open, whole: object, out: list[StreamEvent]) -> None:
        """What the end says beyond what came; where it says something else, what came stands."""
        if isinstance(whole, str):
            so_far = "".join(block.pieces)
            if whole.startswith(so_far):
                self._more(block, whole[len(so_far) :], out)

    def _end(self, block: _Open, out: list[StreamEvent]) -> None:
        if not block.ended:
            block.ended = True
            out.append(BlockEnded(block.index))

    def _cite(self, block: _Open, marks: Sequence[Any], out: list[StreamEvent]) -> None:
        text = "".join(block.pieces)
        for mark in marks:
            block.cited += 1
            citation = cited(mark, text)
            if citation is None:
                self._losses.append(Loss("citations", f"output.{block.index}"))
            else:
                out.append(Delta(block.index, "citation", citation))

    # ── pieces ──

    def _part_added(self, value: Json, out: list[StreamEvent]) -> None:
        part = value.get("part") or {}
        if part.get("type") in ("output_text", "refusal"):
            self._part(self._key(value), value.get("content_index", 0), part, out)

    def _text(self, value: Json, out: list[StreamEvent]) -> None:
        block = self._part(self._key(value), value.get("content_index", 0), {}, out)
        self._more(block, str(value.get("delta") or ""), out)

    def _refusal(self, value: Json, out: list[StreamEvent]) -> None:
        block = self._part(self._key(value), value.get("content_index", 0), {"type": "refusal"}, out)
        self._more(block, str(value.get("delta") or ""), out)

    def _arguments(self, value: Json, out: list[StreamEvent]) -> None:
        block = self._blocks.get((self._key(value), 0))
        if block is not None:  # else the item's end tells all of it
            self._more(block, str(value.get("delta") or ""), out)

    def _thought(self, value: Json, out: list[StreamEvent]) -> None:
        """A piece of a summary or of what was thought: the first kind that comes is shown."""
        piece = str(value.get("delta") or "")
        key = self._key(value)
        if not piece or key in self._done:
            return
        block = self._blocks.get((key, 0))
        if block is None:
            block = self._open((key, 0), "thinking", Thinking(""), out)
        kind = "summary_index" if "summary_index" in value else "content_index"
        place = (kind, value.get(kind))
        if block.place is not None and block.place != place:
            if block.place[0] != kind:
                return
            piece = reasoning.JOINT + piece
        block.place = place
        self._more(block, piece, out)
        self._go_on(out, key)

    def _annotated(self, value: Json, out: list[StreamEvent]) -> None:
        block = self._part(self._key(value), value.get("content_index", 0), {}, out)
        self._cite(block, [value.get("annotation")], out)


Handler = Callable[[Decoder, Json, list[StreamEvent]], None]

_ITEMS: Final[Mapping[str, Handler]] = {
    "response.output_item.added": Decoder._item_added,
    "response.output_item.done": Decoder._item_done,
    "response.content_part.added": Decoder._part_added,
    "response.output_text.delta": Decoder._text,
    "response.output_text.annotation.added": Decoder._annotated,
    "response.refusal.delta": Decoder._refusal,
    "response.function_call_arguments.delta": Decoder._arguments,
    "response.custom_tool_call_input.delta": Decoder._arguments,
    "response.reasoning_summary_text.delta": Decoder._thought,
    "response.reasoning_text.delta": Decoder._thought,
}
_HANDLERS: Final[Mapping[str, Handler]] = {
    **_ITEMS,
    "response.created": Decoder._created,
    "response.in_progress": Decoder._created,
    "response.completed": Decoder._finished,
    "response.incomplete": Decoder._finished,
    "response.done": Decoder._finished,
    "response.failed": Decoder._failed,
    "response.cancelled": Decoder._failed,
    "error": Decoder._error,
    "keepalive": Decoder._ping,
}
_OF_ITEMS: Final = frozenset(_ITEMS.values())
