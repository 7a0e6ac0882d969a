"""Messages → input items: text that stands together is one message; calls, outputs and reasoning are items of their
own.

>>> messages = (Message("user", (Text("hi"),)), Message("assistant", (ToolUse("c", "f", "{}"),)))
>>> [item["type"] for item in Items((), []).of(messages)]
['message', 'function_call']
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from synrouter_cli.wire import losses as told
from synrouter_cli.wire.codecs.made import Made
from synrouter_cli.wire.codecs.responses import reasoning
from synrouter_cli.wire.codecs.responses.calls import CALLS, Names, write_call, write_output
from synrouter_cli.wire.codecs.responses.items_in import OWN_ID
from synrouter_cli.wire.codecs.responses.parts import write_part
from synrouter_cli.wire.ir import (
    Block,
    Loss,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
)

Item = dict[str, Any]


class _Written(Struct, frozen=True, gc=False):
    """What a message became; `types` are its calls' items', by the calls' ids."""

    items: list[Item]
    losses: list[Loss]
    types: dict[str, str]


_MADE: Final[Made[_Written]] = Made()


class Items:
    """Writes the items of a conversation; `ours` says that extras are in this dialect's words."""

    def __init__(self, tools: Iterable[Tool], losses: list[Loss], *, ours: bool = False) -> None:
        self._names = Names(tools)
        self._losses = losses
        self._ours = ours
        self._items: list[Item] = []
        self._types: dict[str, str] = {}

    def of(self, messages: Iterable[Message]) -> list[Item]:
        starts: list[int] = []
        for i, message in enumerate(messages):
            starts.append(len(self._items))
            self._again(message, i)
        return self._items if self._ours else self._led_on(starts)

    def _led_on(self, starts: list[int]) -> list[Item]:
        """The items with something said or called after all reasoning, without which it is refused: reasoning at an
        answer's end stands before the last of that; where an answer was broken off after it, it is left out. `starts`
        are the places at which messages begin."""
        if not any(item.get("type") == "reasoning" for item in self._items):
            return self._items
        out: list[Item] = []
        thought: list[Item] = []
        last: int | None = None
        for place, item in enumerate([*self._items, {}]):
            if item.get("type") == "reasoning":
                thought.append(item)
                continue
            if item.get("role") == "assistant" or item.get("type") in CALLS:
                last = len(out) + len(thought)
                out += thought
            elif last is not None:
                out[last:last] = thought
                last = None
            elif thought:
                lost = Loss("foreign_thinking", f"messages.{bisect(starts, place - 1) - 1}")
                self._losses.extend(lost for _ in thought)
            thought.clear()
            out.append(item)
        return out[:-1]

    def _again(self, message: Message, i: int) -> None:
        """The items of a message: the same again, and the same losses, where it stands again and the tools and the
        calls that its results belong to are the same."""
        answered = tuple([self._types.get(one.id) for one in message.blocks if isinstance(one, ToolResult)])
        before, lost = len(self._items), len(self._losses)
        context = (i, before, self._ours, self._names.told, answered)
        made = _MADE.get(message, context)
        if made is not None:
            self._items += made.items
            self._losses += made.losses
            self._types.update(made.types)
            return
        self._message(message, f"messages.{i}")
        types = {one.id: self._types[one.id] for one in message.blocks if isinstance(one, ToolUse)}
        _MADE.keep(message, context, _Written(self._items[before:], self._losses[lost:], types))

    def _message(self, message: Message, path: str) -> None:
        if message.name is not None or message.cache is not None or message.extras:
            self._tell(message, path)
        before = len(self._items)
        if message.bare and len(message.blocks) == 1 and isinstance(message.blocks[0], Text):
            self._bare(message, message.blocks[0], path)
            return
        parts: list[Item] = []
        about: Mapping[str, Any] | None = message.item
        for i, block in enumerate(message.blocks):
            here = f"{path}.content.{i}"
            alone = _ALONE.get(type(block))
            if alone is not None and not _is_part(block):
                self._flush(message.role, parts, about)
                about = None
                alone(self, block, here)
                continue
            if message.role == "assistant" and isinstance(block, Text | Refusal) and block.item is not None:
                self._flush(message.role, parts, about)
                about = block.item
            parts += write_part(block, message.role, here, self._losses, ours=self._ours)
        self._flush(message.role, parts, about)
        if len(self._items) == before:
            self._losses.append(Loss("empty_message", path))

    def _tell(self, message: Message, path: str) -> None:
        if message.name is not None:
            self._losses.append(Loss("message_name", f"{path}.name"))
        if message.cache is not None:
            self._losses.append(Loss("cache_marker", path))
        if not self._ours:
            self._losses.extend(told.field(key, f"{path}.{key}") for key in message.extras)

    def _bare(self, message: Message, block: Text, path: str) -> None:
        if block.cache is not None:
            self._losses.append(Loss("cache_marker", path))
        item: Item = {"type": "message", "role": message.role, "content": block.text, **(message.item or {})}
        if item["type"] is None:
            del item["type"]
        self._items.append(item)

    def _flush(self, role: str, parts: list[Item], about: Mapping[str, Any] | None) -> None:
        """End a message of the parts that have come together."""
        if not parts:
            return
        item: Item = {"type": "message", "role": role, "content": list(parts)}
        parts.clear()
        said = about or {}
        if role == "assistant":
            if said.get("bare"):
                item["content"] = item["content"][0]["text"]
            else:
                item |= {"id": f"{OWN_ID}_{len(self._items)}", "status": "completed"}
        item |= {key: value for key, value in said.items() if key != "bare"}
        if item["type"] is None:
            del item["type"]
        self._items.append(item)

    def _call(self, block: ToolUse, path: str) -> None:
        if block.cache is not None:
            self._losses.append(Loss("cache_marker", path))
        if block.extras and not self._ours:
            self._losses.extend(told.field(key, f"{path}.{key}") for key in block.extras)
        item = write_call(block, None if self._ours else self._names.find(block), "")
        if not self._ours and item.get("arguments") == "":
            item["arguments"] = "{}"
        self._types[block.id] = item["type"]
        self._items.append(item)

    def _result(self, block: ToolResult, path: str) -> None:
        call = self._types.get(block.id)
        self._items.append(write_output(block, call, path, self._losses, self._ours))

    def _thought(self, block: Thinking | RedactedThinking, path: str) -> None:
        item = reasoning.write(block, path, self._losses)
        if item is not None:
            self._items.append(item)

    def _opaque(self, block: Opaque, _: str) -> None:
        self._items.append(block.data)


def _is_part(block: Block) -> bool:
    """Whether a block of one dialect alone is content of a message here, not an item."""
    return isinstance(block, Opaque) and (block.dialect != "responses" or block.kind.startswith(("input_", "output_")))


_ALONE: Final[Mapping[type, Callable[[Items, Any, str], None]]] = {
    ToolUse: Items._call,
    ToolResult: Items._result,
    Thinking: Items._thought,
    RedactedThinking: Items._thought,
    Opaque: Items._opaque,
}
"""Blocks that are items of their own."""
