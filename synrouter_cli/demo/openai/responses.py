"""An answer in the shape of Responses: one object, or the events of its stream.

>>> from synrouter_cli.demo.openai.output import Output
>>> answer = ResponsesAnswer(Output("00" * 16, say="Hi."), {"model": "gpt-5"}, 0, {"total_tokens": 3})
>>> answer.body()["output"][0]["content"][0]["text"]
'Hi.'
>>> [event["type"] for event in answer.events()][-2:]
['response.output_item.done', 'response.completed']
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from synrouter_cli.demo.openai.items import (
    call_deltas,
    call_done,
    call_item,
    message_events,
    message_item,
    opened,
    reasoning_events,
)
from synrouter_cli.demo.openai.output import Output, woven

__all__ = ["ResponsesAnswer", "failed", "framed"]

Json = dict[str, Any]

_ECHOED: Final[Mapping[str, Any]] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "metadata": {},
    "background": False,
    "user": None,
}
"""Fields of the request that the response repeats, and what stands there where the request has none."""


@dataclass(frozen=True, slots=True)
class ResponsesAnswer:
    """`created` in seconds since the epoch; `sealed` is the reasoning's `encrypted_content`, where asked for."""

    output: Output
    request: Mapping[str, Any]
    created: int
    usage: Mapping[str, Any]
    sealed: str | None = None
    summary: bool = False
    """Thoughts are summed up."""
    raw: bool = False
    """Thoughts are shown as they are."""

    @property
    def ident(self) -> str:
        return f"resp_{self.output.ident}"

    @property
    def items(self) -> list[Json]:
        """What the response puts out."""
        output, found = self.output, []
        if output.think:
            found.append(self._reasoning())
        mark = "t" if output.think else "n"
        if output.say:
            status = "incomplete" if self._incomplete else "completed"
            found.append(message_item(output.say, f"{output.ident}{mark}", status, refuse=output.refuse))
        found += [call_item(call, f"{output.ident}{mark}{number:02d}") for number, call in enumerate(output.calls)]
        return found

    def body(self) -> Json:
        """The response as it ends."""
        return self._response("incomplete" if self._incomplete else "completed", self.items)

    def events(self) -> Iterator[Json]:
        """The stream's events, numbered, in the order of the API (developers.openai.com, "Streaming events")."""
        numbers = count()
        for name, data in self._named():
            yield {"type": f"response.{name}", "sequence_number": next(numbers), **data}

    def _named(self) -> Iterator[tuple[str, Json]]:
        begun = self._response("in_progress", [])
        yield "created", {"response": begun}
        yield "in_progress", {"response": begun}
        items = self.items
        calls = [(at, item) for at, item in enumerate(items) if item["type"] not in ("reasoning", "message")]
        for at, item in enumerate(items[: len(items) - len(calls)]):
            yield "output_item.added", {"output_index": at, "item": opened(item)}
            inner = reasoning_events(item) if item["type"] == "reasoning" else message_events(item)
            yield from ((name, {"output_index": at, **data}) for name, data in inner)
            yield "output_item.done", {"output_index": at, "item": item}
        if self.output.interleave:
            yield from _calls(calls)
        else:
            for call in calls:
                yield from _calls([call])
        status = "incomplete" if self._incomplete else "completed"
        yield status, {"response": self._response(status, items)}

    @property
    def _incomplete(self) -> bool:
        return self.output.finish == "length"

    def _reasoning(self) -> Json:
        think = self.output.think
        item: Json = {"id": f"rs_{self.output.ident}", "type": "reasoning", "summary": []}
        if self.summary:
            item["summary"] = [{"type": "summary_text", "text": think}]
        if self.raw:
            item["content"] = [{"type": "reasoning_text", "text": think}]
        return item if self.sealed is None else {**item, "encrypted_content": self.sealed}

    def _response(self, status: str, output: Sequence[Json]) -> Json:
        request = self.request
        reasoning, text = request.get("reasoning") or {}, request.get("text") or {}
        done = status != "in_progress"
        return {
            "id": self.ident,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "model": request["model"],
            "output": list(output),
            "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
            "text": {"format": {"type": "text"}, "verbosity": "medium", **text},
            "tools": [_echoed_tool(tool) for tool in request.get("tools") or ()],
            "service_tier": "default",
            "usage": dict(self.usage) if done else None,
            **{name: default if request.get(name) is None else request[name] for name, default in _ECHOED.items()},
        }


def framed(events: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """The events as they are sent, each under its type's name."""
    return [f"event: {e['type']}\ndata: {json.dumps(e, ensure_ascii=False)}\n\n".encode() for e in events]


def failed(answer: ResponsesAnswer, code: str) -> Json:
    """The event that ends a stream in the middle of which something went wrong."""
    error = {"code": code, "message": "The server had an error while processing your request."}
    response = {**answer.body(), "status": "failed", "error": error, "output": [], "usage": None}
    return {"type": "response.failed", "sequence_number": len([*answer.events()]) // 2, "response": response}


def _calls(calls: Sequence[tuple[int, Json]]) -> Iterator[tuple[str, Json]]:
    """Calls that open one after the other, are filled together, and end one after the other."""
    for at, item in calls:
        yield "output_item.added", {"output_index": at, "item": opened(item)}
    streamed = [call_deltas(item) for _, item in calls]
    for number, piece in woven([text for _, text in streamed], True):
        at, item = calls[number]
        yield streamed[number][0], {"item_id": item["id"], "output_index": at, "delta": piece}
    for at, item in calls:
        yield from ((name, {"output_index": at, **data}) for name, data in call_done(item))
        yield "output_item.done", {"output_index": at, "item": item}


def _echoed_tool(tool: Mapping[str, Any]) -> Json:
    if tool.get("type") == "namespace":
        return {**tool, "tools": [_echoed_tool(inner) for inner in tool.get("tools") or ()]}
    defaults: Mapping[str, Json] = {
        "function": {"description": None, "strict": True},
        "custom": {"format": {"type": "text"}},
    }
    return {**defaults.get(str(tool.get("type")), {}), **tool}
