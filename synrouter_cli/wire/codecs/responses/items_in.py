"""Input items → messages: what the model said between two inputs is one assistant message, and the outputs of tools
that follow one another are one user message, as Anthropic and Chat have them.

>>> turns = Turns()
>>> turns.read_all([{"role": "user", "content": "hi"},
...     {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
...     {"type": "function_call_output", "call_id": "c", "output": "done"}])
>>> [message.role for message in turns.messages]
['user', 'assistant', 'user']
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast, get_args

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from synrouter_cli.wire.codecs.remembered import Begins, Remembered
from synrouter_cli.wire.codecs.responses import reasoning
from synrouter_cli.wire.codecs.responses.calls import CALLS, OUTPUTS, read_call, read_output
from synrouter_cli.wire.codecs.responses.parts import read_parts
from synrouter_cli.wire.codecs.responses.reading import UNREADABLE, a_list, an_object, decoded, refused, rest, text
from synrouter_cli.wire.codecs.responses.tools import CAME_WITH, read_tools
from synrouter_cli.wire.ir import Block, Message, Opaque, Refusal, Role, Text, Tool, ToolResult, ToolUse

Item = dict[str, Any]

_MESSAGE: Final = frozenset({"type", "role", "content"})
_ROLES: Final = frozenset(get_args(Role))
_OF_THE_USER: Final = frozenset({"computer_call_output", "mcp_approval_response", "compaction_trigger"})
OWN_ID: Final = "msg_sr"
"""Ids that are made for messages that had none; they say nothing."""
NOTHING_HELD: Final = (
    "Synrouter keeps no earlier answers on this way, so {what} can't be looked up: send the whole input, "
    'with `store: false` and `include: ["reasoning.encrypted_content"]`'
)


class _Part(Begins, gc=False):
    """An item that a message is made of, with others around it: blocks of the model's, or results."""

    blocks: tuple[Block, ...]
    role: Role = "assistant"
    apart: tuple[Block, ...] = ()
    """Of a message: its blocks where text of another one stands right before them."""

    def after(self, before: list[Block]) -> tuple[Block, ...]:
        """The blocks after those `before`."""
        return self.apart if self.apart and before and isinstance(before[-1], Text | Refusal) else self.blocks


class _Placed(Struct, frozen=True, gc=False):
    """An item that means nothing without its place or the items before it."""

    item: Item


_Read: TypeAlias = Message | _Part | _Placed
"""What an item says by itself."""


class Turns:
    """Messages and tools as they come out of the items; raises InvalidRequest for an item that is not one."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.tools: list[Tool] = []
        self._first: _Part | None = None
        self._blocks: list[Block] = []
        self._searched = "search"
        """The latest search for tools, which has no id where the provider searched."""

    def read_all(self, items: list[Any], path: str = "input") -> None:
        for i, one in enumerate(_ITEMS.each(items, path)):
            if isinstance(one, _Part):
                self._add(one)
            elif isinstance(one, Message):
                self._close()
                self.messages.append(one)
            else:
                self._placed(one.item, f"{path}.{i}", i)
        self._close()

    def _add(self, part: _Part) -> None:
        first = self._first
        if first is None or first.role != part.role:
            if not part.blocks:
                return
            self._close()
            self._first = part
        self._blocks += part.after(self._blocks)

    def _close(self) -> None:
        """End the message that is open."""
        if self._first is not None:
            first, blocks = self._first, self._blocks
            self.messages.append(first.message(blocks) or first.keep(blocks, _message_of(first.role, blocks)))
            self._first, self._blocks = None, []

    def _placed(self, item: Item, path: str, place: int) -> None:
        if item["type"] == "additional_tools":
            about = {CAME_WITH: {"place": place, **{key: one for key, one in item.items() if key != "tools"}}}
            self.tools += read_tools(item.get("tools"), f"{path}.tools", about)
            return
        if item["type"] == "tool_search_call":
            self._searched = f"search_{place}"
            self._add(_Part((read_call({**item, "call_id": self._searched}, path),)))
            return
        searched = item["type"] == "tool_search_output" and not item.get("call_id") and not item.get("id")
        given = self._searched if searched else self._call_of(str(item.get("id")))
        result = read_output(item, path, given)
        if item["type"] == "tool_search_output":
            loaded = read_tools(item.get("tools") or [], f"{path}.tools", {CAME_WITH: None})
            self.tools += [replace(tool, deferred=None) for tool in loaded]
        self._add(_Part((result,), "user"))

    def _call_of(self, item_id: str) -> str | None:
        """The id of the call that came as the item of that id, the last one there was."""
        blocks = [*(block for message in self.messages for block in message.blocks), *self._blocks]
        calls = (block for block in reversed(blocks) if isinstance(block, ToolUse))
        return next((call.id for call in calls if str((call.item or {}).get("id")) == item_id), None)


def _read(value: Any, path: str) -> _Read:
    item = an_object(value, path)
    kind = item.get("type")
    if kind is None:
        kind = "message" if "role" in item else "item_reference" if item.keys() == {"id"} else None
    if not isinstance(kind, str):
        raise refused(f"{path}.type", "a string is needed here")
    if kind in CALLS:
        named = kind != "tool_search_call" or item.get("call_id") or item.get("id")
        return _Part((read_call(item, path),)) if named else _Placed(item)
    if kind in OUTPUTS:
        whole = isinstance(item.get("call_id"), str) and item["call_id"] and kind != "tool_search_output"
        return _Part((read_output(item, path),), "user") if whole else _Placed(item)
    if kind == "message":
        return _message(item, path)
    if kind == "reasoning":
        return _Part((reasoning.read(item, path),))
    if kind == "additional_tools":
        return _Placed(item)
    if kind == "item_reference":
        raise refused(path, NOTHING_HELD.format(what="an item_reference"))
    block = Opaque("responses", kind, item)
    return Message("user", (block,)) if kind in _OF_THE_USER else _Part((block,))


def _message(item: Item, path: str) -> Message | _Part:
    role = text(item, "role", path)
    if role not in _ROLES:
        raise refused(f"{path}.role", "this is none of user, assistant, system and developer")
    content = item.get("content")
    bare = isinstance(content, str)
    here = f"{path}.content"
    blocks: tuple[Block, ...] = (Text(content),) if isinstance(content, str) else ()
    if not bare:
        blocks = read_parts(a_list(content, here), here)
    about = rest(item, _MESSAGE)
    if role == "assistant":
        return _answer(blocks, _about_answer(about, bare))
    if "type" not in item:
        about["type"] = None  # an easy message: leave it out again
    return Message(cast(Role, role), blocks, bare, item=about or None)


def _answer(blocks: tuple[Block, ...], about: Item) -> _Part:
    """A message of the model's: its first block says what the item did, unless it can be told without."""
    first = blocks[0] if blocks else None
    if not isinstance(first, Text | Refusal):
        return _Part(blocks)
    apart = (_told(first, about), *blocks[1:])
    return _Part(apart if about else blocks, apart=apart)


def _about_answer(item: Item, bare: bool) -> Item:
    about = {key: one for key, one in item.items() if one is not None}
    if str(about.get("id", "")).startswith(OWN_ID):
        del about["id"]
        if about.get("status") == "completed":
            del about["status"]
    elif bare:
        about["bare"] = True
    return about


def _read_piece(piece: bytes, path: str) -> _Read:
    """The same of an item's JSON; the commonest kinds in one step."""
    try:
        plain = _plain(piece)
    except UNREADABLE:
        return _read(decoded(piece), path)
    if isinstance(plain, _PlainCall):
        return _Part((ToolUse(plain.call_id, plain.name, plain.arguments),))
    if not plain.call_id:
        return _read(decoded(piece), path)
    said = (Text(plain.output),) if plain.output else ()
    return _Part((ToolResult(plain.call_id, said, None, True),), "user")


class _PlainCall(Struct, forbid_unknown_fields=True, gc=False, tag="function_call"):
    call_id: str
    name: str
    arguments: str


class _PlainOutput(Struct, forbid_unknown_fields=True, gc=False, tag="function_call_output"):
    call_id: str
    output: str


_plain: Final = Decoder(_PlainCall | _PlainOutput).decode
_ITEMS: Final = Remembered(_read_piece, _read)


def _message_of(role: Role, blocks: list[Block]) -> Message:
    """A message of blocks; one plain text that stood there as a string is one again."""
    only = blocks[0] if len(blocks) == 1 else None
    if isinstance(only, Text) and only.item == {"bare": True}:
        return Message(role, (replace(only, item=None),), bare=True)
    return Message(role, tuple(blocks))


def _told(block: Text | Refusal, about: Item) -> Block:
    if isinstance(block, Refusal):
        return Refusal(block.text, about)
    return Text(block.text, block.cache, block.citations, block.extras, about)


def known_once(tools: list[Tool]) -> tuple[Tool, ...]:
    """Without those that came again, in a later search: the first stands."""
    found: dict[tuple[object, ...], Tool] = {}
    for tool in tools:
        found.setdefault((tool.namespace, tool.name, len(found) if tool.kind == "builtin" else None), tool)
    return tuple(found.values())


def offered(tool: Tool) -> Mapping[str, Any] | None:
    """The item that a tool came in, an empty one where that says it again by itself; None for the request's own."""
    item = tool.item or {}
    return (item[CAME_WITH] or {}) if CAME_WITH in item else None
