"""Events → chunks, under the id that the answer began with and the model's name that was asked for. Calls come one
after the other, with indices of their own; usage comes last, where it was asked for.

>>> encoder = Encoder(Request("opus"), created=5)
>>> encoder.encode(Started("m1", "claude"))
b'data: {"id":"m1","object":"chat.completion.chunk","created":5,"model":"opus","choices":[{"index":0,\
"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}\\n\\n'
>>> encoder.encode(Finished("end_turn")).endswith(b'"finish_reason":"stop"}]}\\n\\n'), encoder.end()
(True, b'data: [DONE]\\n\\n')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from synrouter_cli.wire.codecs.chat.answer_in import COUNTED, KEPT
from synrouter_cli.wire.codecs.chat.answer_out import foreign_extras, merged, sealed
from synrouter_cli.wire.codecs.chat.calls import carrying
from synrouter_cli.wire.codecs.chat.citations import annotation
from synrouter_cli.wire.codecs.chat.counts import counts_out, tier_out
from synrouter_cli.wire.codecs.chat.endings import ending_out
from synrouter_cli.wire.codecs.chat.failures import error_out
from synrouter_cli.wire.codecs.chat.fields import Object, dump
from synrouter_cli.wire.codecs.chat.in_turn import CallsInTurn
from synrouter_cli.wire.codecs.chat.reasoning import FIELDS, detail_out
from synrouter_cli.wire.codecs.chat.weaving import Placed
from synrouter_cli.wire.ir import (
    BlockEnded,
    BlockStarted,
    Delta,
    Failure,
    Finished,
    Loss,
    Ping,
    RedactedThinking,
    Refusal,
    Request,
    Started,
    StreamEvent,
    Text,
    Thinking,
    ToolUse,
)
from synrouter_cli.wire.usage import Usage

__all__ = ["Encoder"]

_COMMENT: Final = b": ping\n\n"


class _Open:
    """A block that is open: what it began as, and what came of it that is said at its end."""

    __slots__ = ("block", "call", "cited", "said", "signature", "start")

    def __init__(self, block: Any, start: int, call: int) -> None:
        self.block = block
        self.start = start  # characters of text before it
        self.call = call  # calls before it: a call's own index
        self.said = ""
        self.signature = ""
        self.cited: list[Any] = []


class Encoder:
    """One stream's state. `created` is epoch seconds, for an answer that does not tell."""

    def __init__(self, asked: Request, created: int = 0) -> None:
        self._asked = asked
        self._head: Object = {"id": "", "object": "chat.completion.chunk", "created": created, "model": asked.model}
        self._open: dict[int, _Open] = {}
        self._chars = 0
        self._calls = 0
        self._entries = 0
        self._cites = 0
        self._thinking: list[Placed] = []  # since the last call
        self._refused = False
        self._usage: Usage | None = None
        self._failed = False
        self._losses: list[Loss] = []
        self._turns = CallsInTurn()

    @property
    def losses(self) -> Sequence[Loss]:
        return tuple(self._losses)

    def encode(self, event: StreamEvent) -> bytes:
        """The bytes to send for one event."""
        return b"".join([_WRITERS[type(one)](self, one) for one in self._turns.take(event)])

    def end(self) -> bytes:
        return b"" if self._failed else b"data: [DONE]\n\n"

    def _chunk(self, delta: Object, ending: Object | None = None, **fields: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, **(ending or {"finish_reason": None})}
        return b"data: " + dump({**self._head, "choices": [choice], **fields}) + b"\n\n"

    # ── the answer ──

    def _started(self, event: Started) -> bytes:
        self._head["id"] = event.id
        self._head["model"] = self._asked.model or event.model
        if event.created is not None:
            self._head["created"] = event.created
        self._usage = event.usage
        return self._chunk({"role": "assistant", "content": ""})

    def _finished(self, event: Finished) -> bytes:
        usage = event.usage or self._usage
        ending = ending_out(event.stop_reason, event.stop_sequence, refused=self._refused, legacy=self._asked.legacy)
        self._losses += foreign_extras(event.extras)
        kept = {name: value for name, value in event.extras.items() if name in KEPT}
        found = self._chunk({}, ending, **tier_out(usage), **kept)
        if usage is None or not self._asked.include_usage:
            return found
        counts = counts_out(usage, event.reasoning_tokens)
        if isinstance(more := event.extras.get(COUNTED), dict):
            counts = merged(counts, more)
        return found + b"data: " + dump({**self._head, "choices": [], "usage": counts}) + b"\n\n"

    def _failure(self, event: Failure) -> bytes:
        self._failed = True
        return b"data: " + dump({"error": error_out(event)}) + b"\n\n"

    def _ping(self, _: Ping) -> bytes:
        return _COMMENT

    # ── blocks ──

    def _block_started(self, event: BlockStarted) -> bytes:
        block = event.block
        opened = self._open[event.index] = _Open(block, self._chars, self._calls)
        if isinstance(block, ToolUse):
            self._calls += 1
            return self._call_started(block, opened)
        if isinstance(block, RedactedThinking):
            return self._detail(Placed(block, self._chars, self._calls))
        if isinstance(block, Thinking) and block.text:
            opened.signature = block.signature
            return self._delta(Delta(event.index, "thinking", block.text))
        if isinstance(block, Text | Refusal):
            self._refused |= isinstance(block, Refusal)
            kind: Any = "text" if isinstance(block, Text) else "refusal"
            opened.cited = list(block.citations) if isinstance(block, Text) else []
            return self._delta(Delta(event.index, kind, block.text)) if block.text else b""
        if not isinstance(block, Thinking):
            self._losses.append(Loss("block", f"content.{event.index}"))
        return b""

    def _call_started(self, block: ToolUse, opened: _Open) -> bytes:
        opened.said = block.arguments
        if self._asked.legacy:
            if opened.call:
                self._losses.append(Loss("parallel_calls", f"content.{opened.call}"))
                return b""
            return self._chunk({"function_call": {"name": block.name, "arguments": block.arguments}})
        kind, key = ("custom", "input") if block.kind == "custom" else ("function", "arguments")
        call = {"index": opened.call, "id": block.id, "type": kind, kind: {"name": block.name, key: block.arguments}}
        waiting, self._thinking = self._thinking, []
        if not any(sealed(one.block) for one in waiting):
            return self._chunk({"tool_calls": [call]})
        fields, entry = carrying(waiting, block.id, self._entries)
        self._entries += 1
        return self._chunk({"tool_calls": [{**call, **fields}]}) + self._chunk({"reasoning_details": [entry]})

    def _delta(self, event: Delta) -> bytes:
        opened = self._open.get(event.index)
        if opened is None:
            return b""
        if event.kind == "citation":
            opened.cited.append(event.data)
            return b""
        if event.kind == "signature":
            opened.signature += event.data
            return b""
        opened.said += event.data
        if event.kind == "arguments":
            return self._argued(opened, event.data)
        if event.kind == "thinking":
            return self._chunk({FIELDS[0]: event.data, **self._shown(event.data)})
        if event.kind == "text":
            self._chars += len(event.data)
        return self._chunk({"content" if event.kind == "text" else "refusal": event.data})

    def _shown(self, data: str) -> Object:
        """A piece of an entry. Clients join pieces of one index field by field, so what is no text stands in one piece
        only, and each has an index (openai's own SDK, accumulating deltas)."""
        entry = {"type": "reasoning.text", "text": data, "index": self._entries}
        return {"reasoning_details": [entry]}

    def _argued(self, opened: _Open, data: str) -> bytes:
        if self._asked.legacy:
            return b"" if opened.call else self._chunk({"function_call": {"arguments": data}})
        custom = opened.block.kind == "custom"
        inner = {"custom": {"input": data}} if custom else {"function": {"arguments": data}}
        return self._chunk({"tool_calls": [{"index": opened.call, **inner}]})

    def _block_ended(self, event: BlockEnded) -> bytes:
        opened = self._open.pop(event.index, None)
        if opened is None:
            return b""
        if isinstance(opened.block, ToolUse):
            nothing = not opened.said and opened.block.kind != "custom"
            return self._argued(opened, "{}") if nothing else b""
        if isinstance(opened.block, Thinking):
            return self._thought(Placed(Thinking(opened.said, opened.signature), opened.start, opened.call))
        return self._cited(opened, event.index) if opened.cited else b""

    def _thought(self, placed: Placed) -> bytes:
        """The signature of thinking whose text was shown already."""
        self._thinking.append(placed)
        entry = detail_out(placed, self._entries)
        said = placed.block.text if isinstance(placed.block, Thinking) else ""
        self._entries += 1 if said or entry is not None else 0
        if entry is None or not entry.get("signature"):
            return b""
        return self._chunk({"reasoning_details": [{key: one for key, one in entry.items() if key != "text"}]})

    def _detail(self, placed: Placed) -> bytes:
        self._thinking.append(placed)
        entry = detail_out(placed, self._entries)
        if entry is None:
            return b""
        self._entries += 1
        return self._chunk({"reasoning_details": [entry]})

    def _cited(self, opened: _Open, index: int) -> bytes:
        end = opened.start + len(opened.said)
        told = [one for cited in opened.cited if (one := annotation(cited, opened.start, end)) is not None]
        found = [{"index": self._cites + i, **one} for i, one in enumerate(told)]
        self._cites += len(found)
        if len(found) < len(opened.cited):
            self._losses.append(Loss("citations", f"content.{index}"))
        return self._chunk({"annotations": found}) if found else b""


_WRITERS: Final[Mapping[type, Callable[[Encoder, Any], bytes]]] = {
    Started: Encoder._started,
    BlockStarted: Encoder._block_started,
    Delta: Encoder._delta,
    BlockEnded: Encoder._block_ended,
    Finished: Encoder._finished,
    Failure: Encoder._failure,
    Ping: Encoder._ping,
}
