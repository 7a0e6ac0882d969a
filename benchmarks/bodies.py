"""Bodies that share their parts: changed by putting a new part in an old one's place, serialised once a part.

A session's requests have nearly all of their messages in common. So no part of a body is ever changed: `mark` and the
layouts put copies into the lists of a body, which are its own, and what stayed the same object keeps its bytes.

>>> body = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
>>> as_bytes(body) == json.dumps(body).encode()
True
>>> marked({"type": "text", "text": "hi"}, {"type": "ephemeral"})["cache_control"]
{'type': 'ephemeral'}
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Body = dict[str, Any]
Part = dict[str, Any]
Made = TypeVar("Made")

LISTS = ("tools", "system", "messages")
MOST_KEPT = 4096


class OnceEach(Generic[Made]):
    """A function of a part that is worked out once for each object; parts are never changed."""

    def __init__(self, make: Callable[[Part], Made]) -> None:
        self._make = make
        self._kept: dict[int, tuple[Part, Made]] = {}

    def __call__(self, part: Part) -> Made:
        known = self._kept.get(id(part))
        if known is not None:  # the part is held, so nobody else can have its id
            return known[1]
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        made = self._make(part)
        self._kept[id(part)] = (part, made)
        return made


_part_bytes = OnceEach(lambda part: json.dumps(part).encode())


def as_bytes(body: Body) -> bytes:
    """A body as it goes over the wire."""
    fields = []
    for name, value in body.items():
        if name in LISTS and isinstance(value, list):
            text = b"[" + b", ".join([_part_bytes(part) for part in value]) + b"]"
        else:
            text = json.dumps(value).encode()
        fields.append(json.dumps(name).encode() + b": " + text)
    return b"{" + b", ".join(fields) + b"}"


def own_lists(body: Body) -> Body:
    """A copy whose lists of tools, system blocks and messages can be changed; their parts are shared."""
    return {name: list(value) if name in LISTS and isinstance(value, list) else value for name, value in body.items()}


def marked(block: Part, value: dict[str, str]) -> Part:
    """A copy of a tool or a block with a breakpoint on it."""
    return {**block, "cache_control": dict(value)}


def markable(block: Part) -> bool:
    """Whether a block of a message may carry a breakpoint."""
    return block["type"] != "thinking" and not (block["type"] == "text" and not block["text"].strip())


def mark_message(body: Body, index: int, value: dict[str, str], kinds: tuple[str, ...] = ()) -> bool:
    """Mark the last block of a message that may carry a breakpoint, of these kinds where some are named."""
    message = body["messages"][index]
    content = message["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    for at in range(len(content) - 1, -1, -1):
        if markable(content[at]) and (not kinds or content[at]["type"] in kinds):
            blocks = [*content[:at], marked(content[at], value), *content[at + 1 :]]
            body["messages"][index] = {**message, "content": blocks}
            return True
    return False


def _without_thinking(message: Part) -> Part:
    kept = [block for block in message["content"] if block["type"] != "thinking"]
    return {**message, "content": kept or [{"type": "text", "text": "…"}]}


without_thinking = OnceEach(_without_thinking)
"""An assistant's message as a client sends it that drops earlier thinking."""
