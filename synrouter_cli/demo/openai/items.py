"""The output items of Responses, whole and as they open, with the events that fill them.

>>> from synrouter_cli.demo.openai.output import Call
>>> call_item(Call("call_1", "read", "function", "{}", "files"), "ab")["namespace"]
'files'
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from synrouter_cli.demo.openai.output import Call, parts

__all__ = ["call_deltas", "call_done", "call_item", "message_events", "message_item", "opened", "reasoning_events"]

Json = dict[str, Any]
Named = tuple[str, Json]


def message_item(text: str, ident: str, status: str = "completed", *, refuse: bool = False) -> Json:
    content = [_text_part(text, refuse)] if text else []
    return {"id": f"msg_{ident}", "type": "message", "status": status, "content": content, "role": "assistant"}


def call_item(call: Call, ident: str) -> Json:
    """The item of a finished call; `ident` makes its id."""
    item = _ITEMS.get(call.kind, _function_item)(call, ident)
    return {**item, "namespace": call.namespace} if call.namespace else item


def opened(item: Json) -> Json:
    """An item as it is added: with nothing in it yet."""
    empty: Json = {"arguments": ""} if item["type"] == "function_call" else {}
    empty |= {"input": ""} if item["type"] == "custom_tool_call" else {}
    empty |= {"content": []} if item["type"] == "message" else {}
    empty |= {"summary": []} if item["type"] == "reasoning" else {}
    empty |= {"status": "in_progress"} if "status" in item else {}
    return {**item, **empty}


def message_events(item: Json) -> Iterator[Named]:
    for index, part in enumerate(item["content"]):
        place = {"content_index": index, "item_id": item["id"]}
        refuse = part["type"] == "refusal"
        name, field = ("refusal", "refusal") if refuse else ("output_text", "text")
        more: Json = {} if refuse else {"logprobs": []}
        yield "content_part.added", {**place, "part": _text_part("", refuse)}
        for piece in parts(part[field]):
            yield f"{name}.delta", {**place, "delta": piece, **more}
        yield f"{name}.done", {**place, field: part[field], **more}
        yield "content_part.done", {**place, "part": part}


def reasoning_events(item: Json) -> Iterator[Named]:
    for index, part in enumerate(item["summary"]):
        place = {"summary_index": index, "item_id": item["id"]}
        yield "reasoning_summary_part.added", {**place, "part": {"type": "summary_text", "text": ""}}
        for piece in parts(part["text"]):
            yield "reasoning_summary_text.delta", {**place, "delta": piece}
        yield "reasoning_summary_text.done", {**place, "text": part["text"]}
        yield "reasoning_summary_part.done", {**place, "part": part}
    for index, part in enumerate(item.get("content") or ()):
        place = {"content_index": index, "item_id": item["id"]}
        yield "content_part.added", {**place, "part": {"type": "reasoning_text", "text": ""}}
        for piece in parts(part["text"]):
            yield "reasoning_text.delta", {**place, "delta": piece}
        yield "reasoning_text.done", {**place, "text": part["text"]}
        yield "content_part.done", {**place, "part": part}


def call_deltas(item: Json) -> tuple[str, str]:
    """The event that brings a piece of a call, and the whole that comes in pieces: both empty where none does."""
    return _STREAMED.get(item["type"], ("", ""))[0], str(item.get(_STREAMED.get(item["type"], ("", ""))[1], ""))


def call_done(item: Json) -> Iterator[Named]:
    """What ends the pieces of a call."""
    name, field = _STREAMED.get(item["type"], ("", ""))
    if name:
        yield name.replace(".delta", ".done"), {"item_id": item["id"], field: item[field]}


def _function_item(call: Call, ident: str) -> Json:
    return {
        "id": f"fc_{ident}",
        "type": "function_call",
        "status": "completed",
        "arguments": call.arguments,
        "call_id": call.id,
        "name": call.name,
    }


def _custom_item(call: Call, ident: str) -> Json:
    return {
        "id": f"ctc_{ident}",
        "type": "custom_tool_call",
        "input": call.arguments,
        "call_id": call.id,
        "name": call.name,
    }


def _shell_item(call: Call, ident: str) -> Json:
    action = {"type": "exec", "env": {}, **json.loads(call.arguments)}
    kind = "local_shell_call"
    return {"id": f"lsh_{ident}", "type": kind, "status": "completed", "call_id": call.id, "action": action}


def _search_item(call: Call, ident: str) -> Json:
    return {
        "id": f"tsc_{ident}",
        "type": "tool_search_call",
        "execution": "client",
        "status": "completed",
        "call_id": call.id,
        "arguments": json.loads(call.arguments),
    }


def _text_part(text: str, refuse: bool = False) -> Json:
    if refuse:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


_ITEMS: Final[Mapping[str, Callable[[Call, str], Json]]] = {
    "custom": _custom_item,
    "local_shell": _shell_item,
    "tool_search": _search_item,
}
_STREAMED: Final[Mapping[str, tuple[str, str]]] = {
    "function_call": ("function_call_arguments.delta", "arguments"),
    "custom_tool_call": ("custom_tool_call_input.delta", "input"),
}
