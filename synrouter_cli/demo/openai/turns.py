"""A conversation as the script reads it, and the tools that may be called, out of either dialect.

What the model said in one answer is one turn, also where it stands as several items. A message behind a tool's result
is part of that turn: no new prompt.

>>> chat_turns([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes?"}])
[{'role': 'user', 'content': 'hi'}, {'role': 'assistant', 'content': ''}]
>>> offered_by([{"type": "namespace", "name": "files", "tools": [{"type": "function", "name": "read"}]}])
{'files.read': 'function'}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from synrouter_cli.demo.script import TOOL_RESULTS

__all__ = [
    "ANSWERED_BY",
    "callable_by",
    "chat_turns",
    "item_type",
    "made_by_the_model",
    "offered_by",
    "responses_turns",
    "tools_of",
]

Json = Mapping[str, Any]

ANSWERED_BY: Final[Mapping[str, str]] = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "local_shell_call": "local_shell_call_output",
    "shell_call": "shell_call_output",
    "apply_patch_call": "apply_patch_call_output",
    "tool_search_call": "tool_search_output",
}
"""Items by which the model calls a tool of the client's, and those that bring the result."""
_RESULTS: Final = frozenset(ANSWERED_BY.values())
_OURS: Final = re.compile(r"call_([0-9a-f]{20}[tn])\d\d")
_NAMELESS: Final = frozenset({"local_shell", "tool_search"})
"""Tools called by what they are."""


def item_type(item: Json) -> str:
    """An input item's type: a message may leave it out."""
    return str(item.get("type") or "message")


def made_by_the_model(item: Json) -> bool:
    """Whether it is an output item come back."""
    kind = item_type(item)
    return kind == "reasoning" or kind in ANSWERED_BY or (kind == "message" and item.get("role") == "assistant")


def chat_turns(messages: Iterable[Json]) -> list[dict[str, Any]]:
    """Of Chat Completions."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = message["role"]
        if role == "assistant":
            turns.append({"role": "assistant", "content": ""})
        elif role == "tool":
            turns.append(dict(TOOL_RESULTS))
        elif role == "user":
            _add_user(turns, message)
    return turns


def responses_turns(items: Iterable[Json]) -> list[dict[str, Any]]:
    """Of Responses."""
    turns: list[dict[str, Any]] = []
    answers: set[str] = set()
    for item in items:
        kind = item_type(item)
        if made_by_the_model(item):
            # calls and results of one answer may alternate: the ids tell that they belong together
            ours = _OURS.fullmatch(str(item.get("call_id")))
            answer = ours[1] if ours else ""
            if answer not in answers and not (turns and turns[-1]["role"] == "assistant"):
                turns.append({"role": "assistant", "content": ""})
            answers.update({answer} - {""})
        elif kind in _RESULTS:
            turns.append(dict(TOOL_RESULTS))
        elif kind == "message" and item["role"] == "user":
            _add_user(turns, item)
    return turns


def _add_user(turns: list[dict[str, Any]], message: Json) -> None:
    if turns and turns[-1] == TOOL_RESULTS:
        return
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content or ""}]
    turns.append({"role": "user", "content": "\n".join(str(part["text"]) for part in parts if "text" in part)})


def tools_of(body: Json, items: Iterable[Json]) -> list[Json]:
    """All tools of a request of Responses: those that items bring, too."""
    brought = (tool for item in items for tool in item.get("tools") or ())
    return [*(body.get("tools") or ()), *brought]


def callable_by(body: Json, tools: Sequence[Json]) -> dict[str, str]:
    """The tools of a request that its `tool_choice` leaves to the model."""
    offered, choice = offered_by(tools), body.get("tool_choice")
    if choice == "none":
        return {}
    if not isinstance(choice, dict):
        return offered
    allowed = choice.get("allowed_tools", choice)
    named = {_name(one) for one in allowed.get("tools") or [choice]} - {""}
    return {name: kind for name, kind in offered.items() if not named or name in named}


def _name(tool: Json) -> str:
    """Of a tool, or of what names one; empty where it goes without."""
    inner = tool.get(str(tool.get("type")))
    return str((inner if isinstance(inner, dict) else tool).get("name") or "")


def offered_by(tools: Sequence[Json]) -> dict[str, str]:
    """The kind of each tool that can be called, by its name; in a namespace that stands in front, with a dot."""
    offered: dict[str, str] = {}
    for tool in tools:
        kind = str(tool.get("type"))
        if kind == "namespace":
            inner = offered_by(tool.get("tools") or ())
            offered |= {f"{tool['name']}.{name}": kind for name, kind in inner.items()}
        elif kind in _NAMELESS:
            offered[kind] = kind
        else:
            offered[_name(tool)] = kind
    return offered
