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
from typing import Any, Final, cast, get_args

from msgspec.structs import replace

from synrouter_cli.wire.codecs.responses import reasoning
from synrouter_cli.wire.codecs.responses.calls import CALLS, OUTPUTS, read_call, read_output
from synrouter_cli.wire.codecs.responses.parts import read_parts
from synrouter_cli.wire.codecs.responses.reading import a_list, an_object, refused, rest, text
from synrouter_cli.wire.codecs.responses.tools import CAME_WITH, read_tools
from synrouter_cli.wire.ir import Block, Message, Opaque, Refusal, Role, Text, Tool

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


class Turns:
    """Messages and tools as they come out of the items; raises InvalidRequest for an item that is not one."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.tools: list[Tool] = []
        self._said: list[Block] = []
        self._results: list[Block] = []
        self._calls: dict[str, str] = {}

    def read_all(self, items: list[Any], path: str = "input") -> None:
        for i, item in enumerate(items):
            here = f"{path}.{i}"
            self._read(an_object(item, here), here, i)
        self._close()

    def _read(self, item: Item, path: str, place: int) -> None:
        kind = item.get("type")
        if kind is None:
            kind = "message" if "role" in item else "item_reference" if item.keys() == {"id"} else None
        if not isinstance(kind, str):
            raise refused(f"{path}.type", "a string is needed here")
        if kind == "message":
            self._message(item, path)
        elif kind in CALLS:
            call = read_call(item, path)
            self._calls[str(item.get("id"))] = call.id
            self._say(call)
        elif kind in OUTPUTS:
            self._result(item, path)
        elif kind == "reasoning":
            self._say(reasoning.read(item, path))
        elif kind == "additional_tools":
            about = {CAME_WITH: {"place": place, **{key: one for key, one in item.items() if key != "tools"}}}
            self.tools += read_tools(item.get("tools"), f"{path}.tools", about)
        elif kind == "item_reference":
            raise refused(path, NOTHING_HELD.format(what="an item_reference"))
        else:
            self._opaque(kind, item)

    def _message(self, item: Item, path: str) -> None:
        role = text(item, "role", path)
        if role not in _ROLES:
            raise refused(f"{path}.role", "this is none of user, assistant, system and developer")
        content = item.get("content")
        bare = isinstance(content, str)
        here = f"{path}.content"
        blocks: tuple[Block, ...] = (Text(content),) if isinstance(content, str) else ()
        if not bare:
            blocks = read_parts(a_list(content, here), here)
        if role == "assistant":
            self._answer(blocks, item, bare)
            return
        self._close()
        about = rest(item, _MESSAGE)
        if "type" not in item:
            about["type"] = None  # an easy message: leave it out again
        self.messages.append(Message(cast(Role, role), blocks, bare, item=about or None))

    def _answer(self, blocks: tuple[Block, ...], item: Item, bare: bool) -> None:
        """An answer's message; its first block says what the item did, unless it can be told without."""
        about = {key: one for key, one in rest(item, _MESSAGE).items() if one is not None}
        if str(about.get("id", "")).startswith(OWN_ID):
            del about["id"]
            if about.get("status") == "completed":
                del about["status"]
        elif bare:
            about["bare"] = True
        first = blocks[0] if blocks else None
        follows = bool(self._said) and isinstance(self._said[-1], Text | Refusal)
        if isinstance(first, Text | Refusal) and (about or follows):
            blocks = (_told(first, about), *blocks[1:])
        for block in blocks:
            self._say(block)

    def _result(self, item: Item, path: str) -> None:
        result = read_output(item, path, self._calls)
        if item["type"] == "tool_search_output":
            came = {CAME_WITH: None}
            loaded = read_tools(item.get("tools") or [], f"{path}.tools", came)
            self.tools += [replace(tool, deferred=None) for tool in loaded]
        self._close(self._said)
        self._results.append(result)

    def _opaque(self, kind: str, item: Item) -> None:
        block = Opaque("responses", kind, item)
        if kind in _OF_THE_USER:
            self._close()
            self.messages.append(Message("user", (block,)))
        else:
            self._say(block)

    def _say(self, block: Block) -> None:
        self._close(self._results)
        self._said.append(block)

    def _close(self, blocks: list[Block] | None = None) -> None:
        """End the message that is open; of two sides only the one that is given."""
        said, results = self._said, self._results
        if said and blocks is not results:
            self.messages.append(_message_of("assistant", said))
            said.clear()
        if results and blocks is not said:
            self.messages.append(_message_of("user", results))
            results.clear()


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
