"""Messages → values. Leading system and developer messages are the system prompt, later ones keep their place; results
of tools that stand together are one user message; a call without an id gets one derived from what it says.

>>> system, messages = messages_in([{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
>>> system.texts[0].text, system.bare, messages[0].blocks[0].text
('Be brief.', True, 'Hi')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from synrouter_cli.wire.codecs.chat.calls import call_in
from synrouter_cli.wire.codecs.chat.fields import Object, cache_in, checked, derived_id, mapping, refused, rest, text
from synrouter_cli.wire.codecs.chat.parts import content_in
from synrouter_cli.wire.codecs.chat.reasoning import FIELDS, Placed, carried_by_calls, reasoning_in
from synrouter_cli.wire.codecs.chat.weaving import woven
from synrouter_cli.wire.ir import Message, Refusal, Text, ToolResult, ToolUse

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


def messages_in(values: list[Any]) -> tuple[System, tuple[Message, ...]]:
    """The system prompt and the conversation. Raises InvalidRequest where a message is none."""
    messages = [value if isinstance(value, dict) else mapping(value, f"messages.{i}") for i, value in enumerate(values)]
    leading = 0
    while leading < len(messages) and _leads(messages[leading]):
        leading += 1
    system = _system_in(messages[:leading])
    found: list[Message] = []
    for i in range(leading, len(messages)):
        path = f"messages.{i}"
        role = text(messages[i], "role", path)
        reader = _READERS.get(role)
        if reader is None:
            raise refused(f"{path}.role", "one of system, developer, user, assistant, tool, function is needed here")
        _add(found, reader(messages[i], path, found))
    return system, tuple(found)


def _leads(message: Object) -> bool:
    """Whether a message is of the system prompt: one with a name is an example, and keeps its place."""
    return message.get("role") in _SYSTEM and not message.get("name") and not rest(message, _COMMON)


def _system_in(messages: list[Object]) -> System:
    texts: list[Text] = []
    bare = False
    for i, message in enumerate(messages):
        path = f"messages.{i}"
        blocks, bare = content_in(message.get("content"), path)
        found = [block for block in blocks if isinstance(block, Text)]
        if len(found) < len(blocks):
            raise refused(f"{path}.content", "a system message is text")
        marker = cache_in(message, path)
        if marker is not None and found:
            found[-1] = replace(found[-1], cache=found[-1].cache or marker)
        texts += found
    return System(tuple(texts), bare and len(messages) == 1 and texts[0].cache is None)


def _add(found: list[Message], message: Message) -> None:
    """Results that follow results are of the same message."""
    last = found[-1] if found else None
    if last is not None and _is_results(last) and _is_results(message):
        found[-1] = replace(last, blocks=last.blocks + message.blocks)
    else:
        found.append(message)


def _is_results(message: Message) -> bool:
    return message.role == "user" and bool(message.blocks) and isinstance(message.blocks[-1], ToolResult)


# ── roles ──


def _plain_in(message: Object, path: str, _: list[Message]) -> Message:
    blocks, bare = content_in(message.get("content"), path)
    return Message(
        message["role"],
        blocks,
        bare,
        checked(message, "name", str, path),
        cache_in(message, path),
        rest(message, _COMMON),
    )


def _assistant_in(message: Object, path: str, _: list[Message]) -> Message:
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


def _tool_in(message: Object, path: str, found: list[Message]) -> Message:
    content, bare = content_in(message.get("content"), path)
    kind: Any
    if message["role"] == "function":
        called, kind = _last_call(found, text(message, "name", path))
    else:
        called = text(message, "tool_call_id", path)
        kind = _kind_of(found, called)
    kept = () if message.get("content") == "" else content
    bare = bare or message.get("content") is None
    result = ToolResult(called, kept, None, bare, kind, cache_in(message, path), rest(message, _TOOL))
    return Message("user", (result,))


def _last_call(found: list[Message], name: str) -> tuple[str, Any]:
    """The call that a result of before `tools` belongs to: the last one of that name."""
    for message in reversed(found):
        for block in reversed(message.blocks):
            if isinstance(block, ToolUse) and block.name == name:
                return block.id, block.kind
    return derived_id(name), "function"


def _kind_of(found: list[Message], called: str) -> Any:
    for message in reversed(found):
        if message.role == "assistant":
            for block in message.blocks:
                if isinstance(block, ToolUse) and block.id == called:
                    return block.kind
            return "function"
    return "function"


_READERS: Final[Mapping[str, Callable[[Object, str, list[Message]], Message]]] = {
    "system": _plain_in,
    "developer": _plain_in,
    "user": _plain_in,
    "assistant": _assistant_in,
    "tool": _tool_in,
    "function": _tool_in,
}
