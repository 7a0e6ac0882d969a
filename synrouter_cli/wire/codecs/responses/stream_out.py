"""Events → a streamed answer with every event that the API sends, numbered, the items whole at their end.

Items may be open beside each other, so interleaved blocks go out as they come. Texts that follow one another are parts
of one message, which ends when something else begins. A call that this dialect has a type of its own for goes out when
it is whole.

>>> encoder = Encoder(Request("gpt-6"))
>>> encoder.encode(Started("msg_1", "claude-opus-5")).split(b"\\n")[0]
b'event: response.created'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec.structs import replace

from synrouter_cli.wire.codecs.disguise import Restorer
from synrouter_cli.wire.codecs.responses.answer_out import (
    NOTHING,
    call_item,
    finish,
    frame,
    message_item,
    stem,
    write_block,
)
from synrouter_cli.wire.codecs.responses.calls import Names
from synrouter_cli.wire.codecs.responses.citations import annotation
from synrouter_cli.wire.codecs.responses.failures import in_stream
from synrouter_cli.wire.codecs.responses.reading import dump
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
    Request,
    Started,
    StreamEvent,
    Text,
    Thinking,
    ToolUse,
)

Json = dict[str, Any]


@dataclass(slots=True)
class _Message:
    """A message item that is open: its place in the output, and how many of its parts are still being said."""

    item: Json
    place: int
    speaking: int = 0


@dataclass(slots=True)
class _Open:
    """A block that is open. `part` is its place in its message, `about` what of each of its events is the same."""

    block: Block
    place: int
    item: Json
    about: Json
    message: _Message | None = None
    pieces: list[str] = field(default_factory=list)
    signature: list[str] = field(default_factory=list)
    citations: list[Json] = field(default_factory=list)
    held: bool = False
    """Goes out when it is whole."""

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Encoder:
    """One stream's state; see `StreamEncoder`."""

    def __init__(self, asked: Request) -> None:
        self._asked = asked
        self._names = Names(asked.tools)
        self._restorer = Restorer(asked)
        self._losses: list[Loss] = []
        self._answer: Json = {}
        self._root = ""
        self._number = 0
        self._output: list[Json] = []
        self._open: dict[int, _Open] = {}
        self._message: _Message | None = None
        self._refused = False
        self._over = False

    @property
    def losses(self) -> Sequence[Loss]:
        return self._losses

    def encode(self, event: StreamEvent) -> bytes:
        """The events to send for one; none after the answer ended."""
        if self._over:
            return b""
        sent = [_HANDLERS[type(one)](self, one) for one in self._restorer.event(event)]
        return b"".join(piece for some in sent for piece in some)

    def end(self) -> bytes:
        return b""

    def _event(self, kind: str, **fields: Any) -> bytes:
        data = dump({"type": kind, "sequence_number": self._number, **fields})
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)

    # ── the answer ──

    def _started(self, event: Started) -> list[bytes]:
        self._answer = frame(self._asked, event.id, event.created)
        self._root = stem(event.id)
        return [self._event(f"response.{kind}", response=self._answer) for kind in ("created", "in_progress")]

    def _ping(self, event: Ping) -> list[bytes]:
        """Clients wait for events, not for comments; this one may come again and means nothing new."""
        return [self._event("response.in_progress", response=self._answer)] if self._answer else [b": ping\n\n"]

    def _finished(self, event: Finished) -> list[bytes]:
        sent = self._begin_if_needed()
        for index in list(self._open):
            sent += self._ended(BlockEnded(index))
        sent += self._close_message()
        answer = {**self._answer, "output": self._output}
        finish(answer, event.stop_reason, event.usage, event.reasoning_tokens, refused=self._refused)
        self._over = True
        return [*sent, self._event(f"response.{answer['status']}", response=answer)]

    def _failed(self, event: Failure) -> list[bytes]:
        sent = self._begin_if_needed()
        done = [item for item in self._output if item.get("status") != "in_progress"]
        answer = {**self._answer, "status": "failed", "error": in_stream(event), "output": done}
        self._over = True
        return [*sent, self._event("response.failed", response=answer)]

    def _begin_if_needed(self) -> list[bytes]:
        return [] if self._answer else self._started(Started("", self._asked.model))

    # ── blocks ──

    def _block_started(self, event: BlockStarted) -> list[bytes]:
        block = event.block
        if isinstance(block, Text | Refusal):
            return self._part_started(event.index, block)
        sent = self._close_message()
        if isinstance(block, Thinking):
            item: Json | None = {"type": "reasoning", "id": f"rs_{self._root}_{len(self._output)}", "summary": []}
        elif isinstance(block, ToolUse):
            item = {**call_item(block, self._names, self._root, len(self._output))}
        else:
            item = write_block(
                block, self._names, self._root, len(self._output), self._losses, f"content.{event.index}"
            )
        if item is None:
            return sent
        opened = self._place(event.index, block, item)
        if isinstance(block, ToolUse):
            return sent + self._call_started(opened, block)
        if isinstance(block, Thinking):
            sent.append(self._item_event("added", opened))
            return sent + (self._piece(opened, block.text) if block.text else [])
        opened.held = True
        return [*sent, self._item_event("added", opened)]

    def _place(self, index: int, block: Block, item: Json) -> _Open:
        place = len(self._output)
        self._output.append(item)
        opened = self._open[index] = _Open(block, place, item, {"item_id": item.get("id"), "output_index": place})
        return opened

    def _call_started(self, opened: _Open, block: ToolUse) -> list[bytes]:
        kind = opened.item["type"]
        opened.held = kind not in _CALL_EVENTS
        if not opened.held:
            opened.item["arguments" if kind == "function_call" else "input"] = ""
            sent = [self._item_event("added", opened)]
        else:
            sent = []
        return sent + (self._piece(opened, block.arguments) if block.arguments else [])

    def _part_started(self, index: int, block: Text | Refusal) -> list[bytes]:
        sent: list[bytes] = []
        message = self._message
        if message is None or message.place != len(self._output) - 1:
            item = message_item(self._root, len(self._output), "in_progress")
            message = self._message = _Message(item, len(self._output))
            self._output.append(item)
            sent.append(self._event("response.output_item.added", output_index=message.place, item=item))
        refusal = isinstance(block, Refusal)
        self._refused |= refusal
        part = _refusal_part("") if refusal else _text_part("", [])
        parts = message.item["content"]
        about = {"item_id": message.item["id"], "output_index": message.place, "content_index": len(parts)}
        parts.append(part)
        message.speaking += 1
        opened = self._open[index] = _Open(block, message.place, part, about, message)
        sent.append(self._event("response.content_part.added", **about, part=part))
        return sent + (self._piece(opened, block.text) if block.text else [])

    def _item_event(self, what: str, opened: _Open, item: Json | None = None) -> bytes:
        """`added` of an item that is still in progress, or `done` of the whole."""
        item = opened.item if item is None else item
        if what == "added" and "status" in item:
            item = {**item, "status": "in_progress"}
        return self._event(f"response.output_item.{what}", output_index=opened.place, item=item)

    # ── pieces ──

    def _delta(self, event: Delta) -> list[bytes]:
        opened = self._open.get(event.index)
        if opened is None:
            return []
        if event.kind == "signature":
            opened.signature.append(event.data)
            return []
        if event.kind == "citation":
            return self._cited(opened, event.data)
        return self._piece(opened, event.data) if event.data else []

    def _piece(self, opened: _Open, piece: str) -> list[bytes]:
        first = not opened.pieces
        opened.pieces.append(piece)
        if opened.held:
            return []
        block = opened.block
        if isinstance(block, Text):
            return [self._event("response.output_text.delta", **opened.about, delta=piece, logprobs=[])]
        if isinstance(block, Refusal):
            return [self._event("response.refusal.delta", **opened.about, delta=piece)]
        if isinstance(block, Thinking):
            part = {"type": "summary_text", "text": ""}
            about = {**opened.about, "summary_index": 0}
            began = [self._event("response.reasoning_summary_part.added", **about, part=part)] if first else []
            return [*began, self._event("response.reasoning_summary_text.delta", **about, delta=piece)]
        return [self._event(f"response.{_CALL_EVENTS[opened.item['type']]}.delta", **opened.about, delta=piece)]

    def _cited(self, opened: _Open, citation: Json) -> list[bytes]:
        """Told when the text is whole: where in it the quotation stands is known only then."""
        opened.citations.append(citation)
        return []

    # ── ends ──

    def _ended(self, event: BlockEnded) -> list[bytes]:
        opened = self._open.pop(event.index, None)
        if opened is None:
            return []
        if isinstance(opened.block, Text | Refusal):
            return self._part_ended(opened)
        if isinstance(opened.block, Thinking):
            return self._thought(opened, opened.block)
        if isinstance(opened.block, ToolUse):
            return self._call_ended(opened, opened.block)
        return [self._item_event("done", opened)]

    def _part_ended(self, opened: _Open) -> list[bytes]:
        about, text, part = opened.about, opened.text, opened.item
        if isinstance(opened.block, Refusal):
            part["refusal"] = text
            sent = [self._event("response.refusal.done", **about, refusal=text)]
        else:
            part["text"] = text
            sent = self._annotations(opened, text)
            sent.append(self._event("response.output_text.done", **about, text=text, logprobs=[]))
        sent.append(self._event("response.content_part.done", **about, part=part))
        message = opened.message
        if message is not None:
            message.speaking -= 1
            if message is not self._message or message.place != len(self._output) - 1:
                sent += self._message_done(message)
        return sent

    def _annotations(self, opened: _Open, text: str) -> list[bytes]:
        sent: list[bytes] = []
        for citation in opened.citations:
            mark = annotation(citation, text)
            if mark is None:
                self._losses.append(Loss("citations", f"content.{opened.place}"))
                continue
            place = len(opened.item["annotations"])
            opened.item["annotations"].append(mark)
            kind = "response.output_text.annotation.added"
            sent.append(self._event(kind, **opened.about, annotation_index=place, annotation=mark))
        return sent

    def _close_message(self) -> list[bytes]:
        """Something else begins, or nothing more comes."""
        message, self._message = self._message, None
        return [] if message is None else self._message_done(message)

    def _message_done(self, message: _Message) -> list[bytes]:
        """Nothing while a part is still being said: its end comes back here."""
        if message.speaking or message.item["status"] == "completed":
            return []
        message.item["status"] = "completed"
        return [self._event("response.output_item.done", output_index=message.place, item=message.item)]

    def _thought(self, opened: _Open, block: Thinking) -> list[bytes]:
        text = opened.text
        sent: list[bytes] = []
        if opened.pieces:
            about = {**opened.about, "summary_index": 0}
            part = {"type": "summary_text", "text": text}
            sent.append(self._event("response.reasoning_summary_text.done", **about, text=text))
            sent.append(self._event("response.reasoning_summary_part.done", **about, part=part))
        whole = replace(block, text=text, signature=block.signature + "".join(opened.signature))
        item = write_block(whole, self._names, self._root, opened.place, self._losses, "")
        return [*sent, self._done(opened, item or opened.item)]

    def _call_ended(self, opened: _Open, block: ToolUse) -> list[bytes]:
        sent = [] if opened.pieces or opened.item["type"] != "function_call" else self._piece(opened, NOTHING)
        whole = replace(block, arguments=opened.text)
        item = call_item(whole, self._names, self._root, opened.place)
        kind = item["type"]
        if kind not in _CALL_EVENTS:
            return [self._item_event("added", opened, item), self._done(opened, item)]
        key = "arguments" if kind == "function_call" else "input"
        ended = self._event(f"response.{_CALL_EVENTS[kind]}.done", **opened.about, **{key: item[key]})
        return [*sent, ended, self._done(opened, item)]

    def _done(self, opened: _Open, item: Json) -> bytes:
        self._output[opened.place] = item
        return self._item_event("done", opened, item)


def _text_part(text: str, annotations: list[Json]) -> Json:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def _refusal_part(text: str) -> Json:
    return {"type": "refusal", "refusal": text}


_CALL_EVENTS: Final = {"function_call": "function_call_arguments", "custom_tool_call": "custom_tool_call_input"}
_HANDLERS: Final[Mapping[type, Callable[[Encoder, Any], list[bytes]]]] = {
    Started: Encoder._started,
    BlockStarted: Encoder._block_started,
    Delta: Encoder._delta,
    BlockEnded: Encoder._ended,
    Finished: Encoder._finished,
    Failure: Encoder._failed,
    Ping: Encoder._ping,
}
