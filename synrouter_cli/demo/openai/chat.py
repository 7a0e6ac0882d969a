"""An answer in the shape of Chat Completions: one object, or the chunks of its stream.

>>> from synrouter_cli.demo.openai.output import Output
>>> answer = ChatAnswer(Output("00", say="Hi."), "gpt-5", 0, {"total_tokens": 3})
>>> answer.body()["choices"][0]["message"]["content"]
'Hi.'
>>> [chunk["choices"][0]["delta"] for chunk in answer.chunks(usage=False)][1:]
[{'content': 'Hi.'}, {}]
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from synrouter_cli.demo.openai.output import Call, Output, parts, woven

__all__ = ["DONE", "ChatAnswer", "framed"]

DONE: Final = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """`created` in seconds since the epoch; `reasoning` is the field that shows thoughts, empty where none does."""

    output: Output
    model: str
    created: int
    usage: Mapping[str, Any]
    reasoning: str = ""

    def body(self) -> dict[str, Any]:
        """The answer to a request that is not streamed."""
        output = self.output
        said, refused = (None, output.say) if output.refuse else (output.say or None, None)
        message: dict[str, Any] = {"role": "assistant", "content": said, "refusal": refused}
        message |= self._thoughts(output.think)
        if output.calls:
            message["tool_calls"] = [_whole(call) for call in output.calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": output.finish}
        return {**self._head("chat.completion"), "choices": [choice], "usage": dict(self.usage)}

    def chunks(self, *, usage: bool) -> Iterator[dict[str, Any]]:
        """The stream's chunks; with `usage` one more at the end, and the field, empty, on all before."""
        more = {"usage": None} if usage else {}
        for delta in self._deltas():
            yield self._chunk(delta, None) | more
        yield self._chunk({}, self.output.finish) | more
        if usage:
            yield {**self._head("chat.completion.chunk"), "choices": [], "usage": dict(self.usage)}

    def _deltas(self) -> Iterator[dict[str, Any]]:
        output = self.output
        speaks = not output.refuse and bool(output.say or not output.calls)
        yield {"role": "assistant", "content": "" if speaks else None, "refusal": None}
        for piece in parts(output.think):
            if thoughts := self._thoughts(piece):
                yield thoughts
        for piece in parts(output.say):
            yield {"refusal" if output.refuse else "content": piece}
        opened = -1
        for number, piece in woven([call.arguments for call in output.calls], output.interleave):
            for new in range(opened + 1, number + 1):
                yield _part(new, _whole(output.calls[new], ""))
            opened = max(opened, number)
            call = output.calls[number]
            yield _part(number, {_holder(call): {_field(call): piece}})
        for new in range(opened + 1, len(output.calls)):
            yield _part(new, _whole(output.calls[new], ""))

    def _thoughts(self, text: str) -> dict[str, Any]:
        if not text or not self.reasoning:
            return {}
        if self.reasoning != "reasoning":
            return {self.reasoning: text}
        details = [{"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}]
        return {"reasoning": text, "reasoning_details": details}

    def _head(self, kind: str) -> dict[str, Any]:
        ident = f"chatcmpl-{self.output.ident[:29]}"
        return {"id": ident, "object": kind, "created": self.created, "model": self.model, "service_tier": "default"}

    def _chunk(self, delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
        choice = {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}


def framed(chunks: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """The chunks as events that have no name, and the end."""
    return [*(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode() for chunk in chunks), DONE]


def _holder(call: Call) -> str:
    return "custom" if call.kind == "custom" else "function"


def _field(call: Call) -> str:
    return "input" if call.kind == "custom" else "arguments"


def _whole(call: Call, arguments: str | None = None) -> dict[str, Any]:
    text = call.arguments if arguments is None else arguments
    return {"id": call.id, "type": _holder(call), _holder(call): {"name": call.name, _field(call): text}}


def _part(index: int, call: Mapping[str, Any]) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, **call}]}
