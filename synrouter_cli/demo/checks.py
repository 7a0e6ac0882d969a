"""What the API refuses about a request's shape, in its own words: clients recover by these words.

Markers are `cache/rules.py`'s. The list is not all that the API checks: it is what a proxy that edits bodies
could get wrong, and what the agents repeat their requests on.

>>> refusal({"model": "m", "max_tokens": 9, "messages": []})
'messages: at least one message is required'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["refusal"]

_REQUIRED = {"messages": ("model", "max_tokens", "messages"), "count_tokens": ("model", "messages")}
_ROLES = ("user", "assistant", "system")

_EMPTY = "messages.{}: all messages must have non-empty content except for the optional final assistant message"
_UNEXPECTED = (
    "messages.{}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {}. Each `tool_result` "
    "block must have a corresponding `tool_use` block in the previous message."
)
_UNANSWERED = (
    "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each "
    "`tool_use` block must have a corresponding `tool_result` block in the next message."
)


def refusal(body: Mapping[str, Any], endpoint: str = "messages") -> str | None:
    """The message of the 400 that this request gets, or None."""
    for name in _REQUIRED[endpoint]:
        if name not in body:
            return f"{name}: Field required"
    messages = body["messages"]
    if not isinstance(messages, list):
        return "messages: Input should be a valid list"
    if not messages:
        return "messages: at least one message is required"
    names = [tool.get("name") for tool in body.get("tools") or []]
    if len(set(names)) != len(names):
        return "tools: Tool names must be unique."
    return _about_max_tokens(body) or _about_force(body) or _about_texts(messages) or _about_tools(messages)


def _about_max_tokens(body: Mapping[str, Any]) -> str | None:
    maximum = body.get("max_tokens", 1)
    if not isinstance(maximum, int) or isinstance(maximum, bool):
        return "max_tokens: Input should be a valid integer"
    if maximum < 0:
        return "max_tokens: Input should be greater than or equal to 0"
    return _about_no_tokens(body) if maximum == 0 else None


def _about_no_tokens(body: Mapping[str, Any]) -> str | None:
    """What `max_tokens: 0`, a request that only fills or renews the cache, does not go together with."""
    if body.get("stream"):
        return "max_tokens: 0 is not supported with stream"
    if (body.get("thinking") or {}).get("type") == "enabled":
        return "max_tokens: 0 is not supported with thinking.type enabled"
    if (body.get("output_config") or {}).get("format") or body.get("output_format"):
        return "max_tokens: 0 is not supported with output_config.format"
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        return "max_tokens: 0 is not supported with a forced tool_choice"
    return None


def _about_force(body: Mapping[str, Any]) -> str | None:
    forced = (body.get("tool_choice") or {}).get("type") in ("any", "tool")
    if forced and (body.get("thinking") or {}).get("type") in ("enabled", "adaptive"):
        return "Thinking may not be enabled when tool_choice forces tool use."
    return None


def _about_texts(messages: Sequence[Mapping[str, Any]]) -> str | None:
    for index, message in enumerate(messages):
        if message.get("role") not in _ROLES:
            return f"messages.{index}.role: Input should be 'user' or 'assistant'"
        last_answer = index == len(messages) - 1 and message["role"] == "assistant"
        if not message.get("content"):
            if last_answer or (message["role"] == "system" and message.get("output_config")):  # effort from here on
                continue
            return _EMPTY.format(index)
        for block in _blocks(message):
            if block.get("type") == "text" and not block.get("text"):
                return "messages: text content blocks must be non-empty"
            if block.get("type") == "text" and not str(block["text"]).strip():
                return "messages: text content blocks must contain non-whitespace text"
    return None


def _about_tools(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Each tool_use is answered in the next turn, each tool_result answers the one before, ids differ."""
    seen: set[str] = set()
    asked: list[str] = []
    for index, blocks in [*_turns(messages), (len(messages), [])]:
        results = [str(b.get("tool_use_id")) for b in blocks if b.get("type") == "tool_result"]
        for ident in results:
            if ident not in asked:
                return _UNEXPECTED.format(index, ident)
        unanswered = [ident for ident in asked if ident not in results]
        if unanswered:
            return _UNANSWERED.format(index - 1, ", ".join(unanswered))
        asked = [str(b.get("id")) for b in blocks if b.get("type") == "tool_use"]
        if seen & set(asked) or len(set(asked)) != len(asked):
            return f"messages.{index}: `tool_use` ids must be unique"
        seen.update(asked)
    return None


def _turns(messages: Sequence[Mapping[str, Any]]) -> list[tuple[int, list[Mapping[str, Any]]]]:
    """Messages of one role in a row are one turn to the API; system entries between them are none."""
    turns: list[tuple[int, list[Mapping[str, Any]]]] = []
    role = None
    for index, message in enumerate(messages):
        if message["role"] == "system":
            continue
        if message["role"] == role:
            turns[-1][1].extend(_blocks(message))
        else:
            turns.append((index, list(_blocks(message))))
        role = message["role"]
    return turns


def _blocks(message: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else [{"type": "text", "text": content}]
