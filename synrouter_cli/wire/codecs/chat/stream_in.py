"""A stream of chunks → events, whatever the pieces that its bytes come in, and what servers do with the dialect: calls
whole in one chunk, without index or id, usage in every chunk, no finish reason, an answer that is no stream at all.

>>> decoder = Decoder()
>>> events = decoder.feed(b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}]}\\n\\n'
...     b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\\n\\ndata: [DONE]\\n\\n')
>>> [type(event).__name__ for event in events]
['Started', 'BlockStarted', 'Delta', 'BlockEnded', 'Finished']
>>> events[-1].stop_reason
'max_tokens'
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.chat.answer_in import COUNTED, KEPT, response_in
from synrouter_cli.wire.codecs.chat.citations import citation
from synrouter_cli.wire.codecs.chat.counts import Reported, counts_in, with_tier
from synrouter_cli.wire.codecs.chat.endings import FAILED, ending_in
from synrouter_cli.wire.codecs.chat.failures import failure_in
from synrouter_cli.wire.codecs.chat.fields import Object, load
from synrouter_cli.wire.codecs.chat.pieces import pieces
from synrouter_cli.wire.codecs.chat.reasoning import detail_text, text_of
from synrouter_cli.wire.codecs.chat.replaying import replayed
from synrouter_cli.wire.codecs.chat.stream_blocks import Blocks
from synrouter_cli.wire.codecs.chat.stream_calls import Calls
from synrouter_cli.wire.ir import Failure, Finished, Loss, Response, Started, StreamEvent
from synrouter_cli.wire.sse import Event, EventStream

__all__ = ["Decoder"]

_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one event: a call may come whole."""
_OLD: Final = -1
"""The index of the one call of before `tool_calls`."""
_CUT: Final = "The provider's answer ended before it was whole."


class Decoder:
    """One stream's state."""

    __slots__ = (
        "_blocks",
        "_calls",
        "_choice",
        "_done",
        "_extras",
        "_id",
        "_losses",
        "_reported",
        "_started",
        "_stream",
    )

    def __init__(self) -> None:
        self._stream = EventStream(limit=_LIMIT)
        self._blocks = Blocks()
        self._calls = Calls(self._blocks)
        self._choice: Object = {}  # what was said of the ending
        self._reported: Reported | None = None
        self._extras: Object = {}
        self._losses: dict[tuple[str, str], Loss] = {}
        self._id = ""
        self._started = False
        self._done = False

    @property
    def losses(self) -> Sequence[Loss]:
        return tuple(self._losses.values())

    def feed(self, data: bytes) -> list[StreamEvent]:
        """The events that `data` completes."""
        found: list[StreamEvent] = []
        for event in self._stream.feed(data):
            if not self._done:
                found += self._take(event)
        return found

    def end(self) -> list[StreamEvent]:
        """The upstream closed."""
        if self._done:
            return []
        rest = self._stream.pending.strip()
        if rest.startswith(b"{") and not self._started:
            return self._take_whole(rest)
        found = self.feed(b"\n\n") if rest else []
        if found and isinstance(found[-1], Finished | Failure):
            return found
        if self._choice.get("finish_reason"):
            return found + self._finish()
        return found + self._fail(Failure("api_error", _CUT))

    # ── events ──

    def _take(self, event: Event) -> list[StreamEvent]:
        data = event.data.strip()
        if data == b"[DONE]":
            return self._finish() if self._started else self._fail(Failure("api_error", _CUT))
        if not data and event.whole:
            return []
        try:
            chunk = load(data)
        except InvalidRequest:
            chunk = None
        if not isinstance(chunk, dict):
            return self._fail(Failure("api_error", "A piece of the provider's answer can't be read."))
        failure = failure_in(chunk)
        return self._fail(failure) if failure is not None else self._take_chunk(chunk)

    def _take_whole(self, body: bytes) -> list[StreamEvent]:
        """An answer in one piece where a stream was asked for."""
        try:
            value = load(body)
        except InvalidRequest:
            return self._fail(Failure("api_error", _CUT))
        found, losses = response_in(value)
        self._losses.update({(loss.code, loss.path): loss for loss in losses})
        if not isinstance(found, Response):
            return self._fail(found)
        self._done = True
        return replayed(found)

    def _fail(self, failure: Failure) -> list[StreamEvent]:
        self._done = True
        return [failure]

    def _finish(self) -> list[StreamEvent]:
        self._done = True
        blocks = self._blocks
        found = blocks.close_all()
        reason, sequence = ending_in(self._choice, called=blocks.called, refused=blocks.refused)
        reported = self._reported
        extras = dict(self._extras)
        if reported is not None and reported.extras:
            extras[COUNTED] = reported.extras
        usage = None if reported is None else reported.usage
        thought = None if reported is None else reported.reasoning_tokens
        return [*found, Finished(reason, sequence, usage, thought, extras)]

    # ── chunks ──

    def _take_chunk(self, chunk: Object) -> list[StreamEvent]:
        choices = chunk.get("choices")
        choice: Any = choices[0] if isinstance(choices, list) and choices else None
        self._count(chunk, choice if isinstance(choice, dict) else {})
        found = self._begin(chunk)
        for one in choices if isinstance(choices, list) else ():
            if isinstance(one, dict):
                found += self._take_choice(one)
                if self._done:
                    break
        return found

    def _begin(self, chunk: Object) -> list[StreamEvent]:
        for name in KEPT:
            if chunk.get(name) is not None:
                self._extras[name] = chunk[name]
        if self._started:
            return []
        self._started = True
        self._id = str(chunk.get("id") or "")
        created = chunk.get("created")
        usage = None if self._reported is None else self._reported.usage
        created = created if isinstance(created, int) else None
        return [Started(self._id, str(chunk.get("model") or ""), usage, created)]

    def _count(self, chunk: Object, choice: Object) -> None:
        """The last counts win. Moonshot says them in the choice, Groq in a field of its own."""
        groq = chunk.get("x_groq")
        own = groq.get("usage") if isinstance(groq, dict) else None
        told = counts_in(chunk.get("usage") or choice.get("usage") or own)
        self._reported = with_tier(told or self._reported, chunk.get("service_tier"))

    def _take_choice(self, choice: Object) -> list[StreamEvent]:
        if choice.get("index") not in (0, None):
            self._lose("choices", f"choices.{choice['index']}")
            return []
        if choice.get("error") or choice.get("finish_reason") == FAILED:
            inner = failure_in({"error": choice.get("error")}) if choice.get("error") else None
            return self._fail(inner or Failure("api_error", "The provider broke the answer off."))
        delta = choice.get("delta") or choice.get("message")
        found = self._take_delta(delta) if isinstance(delta, dict) else []
        if choice.get("finish_reason"):
            self._choice = {key: value for key, value in choice.items() if key not in ("delta", "message")}
            found += self._blocks.close_all()
        return found

    def _lose(self, code: str, path: str) -> None:
        self._losses.setdefault((code, path), Loss(code, path))

    def _take_delta(self, delta: Object) -> list[StreamEvent]:
        found = self._take_reasoning(delta)
        thought, said = pieces(delta.get("content"))
        if thought:
            found += self._blocks.say("thinking", thought, "reasoning_content")
        if said:
            found += self._blocks.say("text", said)
        if refusal := delta.get("refusal"):
            found += self._blocks.say("refusal", str(refusal))
        if delta.get("annotations"):
            found += self._take_annotations(delta["annotations"])
        if delta.get("audio"):
            self._lose("audio", "choices.0.delta.audio")
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                found += self._calls.take(call, self._id)
        if isinstance(old := delta.get("function_call"), dict):
            found += self._calls.take({"index": _OLD, "function": old}, self._id)
        return found

    def _take_reasoning(self, delta: Object) -> list[StreamEvent]:
        details = delta.get("reasoning_details")
        entries = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
        found: list[StreamEvent] = []
        if not any(detail_text(entry) for entry in entries):
            name, said = text_of(delta)
            if said:
                found += self._blocks.say("thinking", said, name)
        for entry in entries:
            found += self._blocks.detail(entry)
        return found

    def _take_annotations(self, annotations: Any) -> list[StreamEvent]:
        found: list[StreamEvent] = []
        for annotation in annotations if isinstance(annotations, list) else ():
            cited = citation(annotation, self._blocks.said)
            events = None if cited is None else self._blocks.cite(cited)
            if events is None:
                self._lose("citations", "choices.0.delta.annotations")
            found += events or []
        return found
