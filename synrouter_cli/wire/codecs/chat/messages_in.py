"""Messages → values. Leading system and developer messages are the system prompt, later ones keep their place; results
of tools that stand together are one user message; a call without an id gets one derived from what it says.

>>> system, messages = messages_in([{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
>>> system.texts[0].text, system.bare, messages[0].blocks[0].text
('Be brief.', True, 'Hi')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from synrouter_cli.wire.codecs.chat.calls import call_in
from synrouter_cli.wire.codecs.chat.fields import (
    UNREADABLE,
    Object,
    cache_in,
    checked,
    derived_id,
    load,
    mapping,
    refused,
    rest,
    text,
)
from synrouter_cli.wire.codecs.chat.parts import content_in
from synrouter_cli.wire.codecs.chat.reasoning import FIELDS, Placed, carried_by_calls, reasoning_in
from synrouter_cli.wire.codecs.chat.weaving import woven
from synrouter_cli.wire.codecs.remembered import Begins, Remembered
from synrouter_cli.wire.ir import Block, Message, Refusal, Text, ToolResult, ToolUse

__all__ = ["System", "messages_in"]

_SYSTEM: Final = ("system", "developer")
_COMMON: Final = frozenset({"role", "content", "name", "cache_control"})
_ASSISTANT: Final = _COMMON | {*FIELDS, "reasoning_details", "tool_calls", "function_call", "refusal"}
_THOUGHT: Final = frozenset({*FIELDS, "reasoning_details"})
_TOOL: Final = _COMMON | {"tool_call_id"}


@dataclass(frozen=True, slots=True)
class System:
    """The system prompt; `bare` where it was one plain string."""

    texts: tuple[Text, ...] = ()
    bare: bool = False


Kind: TypeAlias = Literal["function", "custom", "local_shell", "server"]
Kinds: TypeAlias = dict[str, Kind]


class _Result(Begins, gc=False):
    """A tool's result as its message alone tells it: which kind of call it answers stands elsewhere. With `name`, of
    before `tools`, also which call that was."""

    result: ToolResult
    name: str | None = None

    def of(self, found: list[Message], kinds: Kinds, before: list[Block]) -> ToolResult:
        """The result after the messages that were `found` and the results `before` it; `kinds` are those of the last
        answer's calls, by id."""
        if self.name is not None:
            called, kind = _last_call(found, self.name)
            return replace(self.result, id=called, kind=kind)
        if not self.result.id:  # of the first call that has none yet
            answered = {one.id for one in before if isinstance(one, ToolResult)}
            called = next((one for one in reversed(kinds) if one not in answered), derived_id(""))
            return replace(self.result, id=called, kind=kinds.get(called, "function"))
        kind = kinds.get(self.result.id, "function")
        return self.result if kind == "function" else replace(self.result, kind=kind)

    def together(self, results: list[Block]) -> Message:
        """The message of this result and those right after it."""
        return self.message(results) or self.keep(results, Message("user", tuple(results)))


def messages_in(values: list[Any]) -> tuple[System, tuple[Message, ...]]:
    """The system prompt and the conversation. Raises InvalidRequest where a message is none."""
    read = _READ.each(values, "messages")
    leading = next((i for i, one in enumerate(read) if isinstance(one, _Result) or not _leads(one)), len(read))
    system = _system_in(read[:leading])  # type: ignore[arg-type] # no result leads
    found: list[Message] = []
    kinds: Kinds = {}
    first: _Result | None = None
    results: list[Block] = []
    for one in read[leading:]:
        if isinstance(one, _Result):
            first = first or one
            results.append(one.of(found, kinds, results))
            continue
        if first is not None:
            found.append(first.together(results))
            first, results = None, []
        found.append(one)
        if one.role == "assistant":
            kinds = {block.id: block.kind for block in reversed(one.blocks) if isinstance(block, ToolUse)}
    if first is not None:
        found.append(first.together(results))
    return system, tuple(found)


def _message_in(value: Any, path: str) -> Message | _Result:
    message = mapping(value, path)
    reader = _READERS.get(text(message, "role", path))
    if reader is None:
        raise refused(f"{path}.role", "one of system, developer, user, assistant, tool, function is needed here")
    return reader(message, path)


def _leads(message: Message) -> bool:
    """Whether a message is of the system prompt: one with a name is an example, and keeps its place."""
    return message.role in _SYSTEM and not message.name and not message.extras


def _system_in(messages: list[Message]) -> System:
    texts: list[Text] = []
    for i, message in enumerate(messages):
        found = [block for block in message.blocks if isinstance(block, Text)]
        if len(found) < len(message.blocks):
            raise refused(f"messages.{i}.content", "a system message is text")
        if message.cache is not None and found:
            found[-1] = replace(found[-1], cache=found[-1].cache or message.cache)
        texts += found
    return System(tuple(texts), len(messages) == 1 and messages[0].bare and texts[0].cache is None)


# ── roles ──


def _plain_in(message: Object, path: str) -> Message:
    blocks, bare = content_in(message.get("content"), path)
    return Message(
        message["role"],
        blocks,
        bare,
        checked(message, "name", str, path),
        cache_in(message, path),
        rest(message, _COMMON),
    )


def _assistant_in(message: Object, path: str) -> Message:
    content = message.get("content")
    parts, bare = content_in(content, path)
    calls = _calls_in(message, path)
    carried = carried_by_calls(message)
    thinking: list[Placed] = [] if carried is None else carried
    if carried is None and not _THOUGHT.isdisjoint(message):
        thinking = reasoning_in(message)
    refusal = checked(message, "refusal", str, path)
    said = () if content == "" else parts
    blocks = woven((*said, Refusal(refusal)) if refusal else said, calls, thinking)
    return Message(
        "assistant",
        blocks,
        bare,
        checked(message, "name", str, path),
        cache_in(message, path),
        rest(message, _ASSISTANT),
    )


def _calls_in(message: Object, path: str) -> list[ToolUse]:
    calls = checked(message, "tool_calls", list, path) or ()
    found: list[ToolUse] = []
    for i, call in enumerate(calls):
        where = f"{path}.tool_calls.{i}"
        found.append(call_in(mapping(call, where), where, i))
    old = checked(message, "function_call", dict, path)
    if old is not None:
        found.append(call_in({"function": old}, f"{path}.function_call", len(found)))
    return found


def _tool_in(message: Object, path: str) -> _Result:
    legacy = message["role"] == "function"
    name = text(message, "name", path) if legacy else None
    called = "" if legacy else text(message, "tool_call_id", path)
    content, bare = content_in(message.get("content"), path)
    kept = () if message.get("content") == "" else content
    bare = bare or message.get("content") is None
    return _Result(
        ToolResult(called, kept, None, bare, cache=cache_in(message, path), extras=rest(message, _TOOL)), name
    )


def _last_call(found: list[Message], name: str) -> tuple[str, Kind]:
    """The call that a result of before `tools` belongs to: the last one of that name."""
    for message in reversed(found):
        for block in reversed(message.blocks):
            if isinstance(block, ToolUse) and block.name == name:
                return block.id, block.kind
    return derived_id(name), "function"


_READERS: Final[Mapping[str, Callable[[Object, str], Message | _Result]]] = {
    "system": _plain_in,
    "developer": _plain_in,
    "user": _plain_in,
    "assistant": _assistant_in,
    "tool": _tool_in,
    "function": _tool_in,
}


def _piece_in(piece: bytes, path: str) -> Message | _Result:
    """The same of its JSON; the commonest kinds in one step."""
    try:
        plain = _plain(piece)
    except UNREADABLE:
        return _message_in(load(piece), path)
    if isinstance(plain, _PlainResult):
        said = (Text(plain.content),) if plain.content else ()
        return _Result(ToolResult(plain.tool_call_id, said, None, True))
    calls = () if plain.tool_calls is None else plain.tool_calls
    if not all(call.id for call in calls):
        return _message_in(load(piece), path)
    said = (Text(plain.content),) if plain.content else ()
    found = [ToolUse(call.id, call.function.name, call.function.arguments) for call in calls]
    return Message("assistant", (*said, *found), plain.content is not None)


class _PlainFunction(Struct, forbid_unknown_fields=True, gc=False):
    name: str
    arguments: str


class _PlainCall(Struct, forbid_unknown_fields=True, gc=False):
    id: str
    function: _PlainFunction
    type: Literal["function"] = "function"


class _PlainAnswer(Struct, forbid_unknown_fields=True, gc=False, tag_field="role", tag="assistant"):
    content: str | None = None
    tool_calls: list[_PlainCall] | None = None


class _PlainResult(Struct, forbid_unknown_fields=True, gc=False, tag_field="role", tag="tool"):
    tool_call_id: str
    content: str


_plain: Final = Decoder(_PlainAnswer | _PlainResult).decode
_READ: Final = Remembered(_piece_in, _message_in)
