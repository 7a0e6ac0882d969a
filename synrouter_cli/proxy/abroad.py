"""A request on its way to a provider that caches by itself and speaks another dialect than the client: what only the
client's own kind of provider understands is said in words that any does.

Claude Code's billing line, which Anthropic takes out by itself, stays behind. Of deferred tools those are shown that
have been loaded, behind all others and in the order in which they were: so what stood in front of a prompt stays
there. For Chat Completions, whose servers know functions alone, custom tools and those of a namespace become functions
(`wire/codecs/disguise.py`), and the answer's calls become what they were.

>>> patch = Request("m", tools=(Tool("custom", "apply_patch"), Tool("function", "spawn", namespace="agents")))
>>> [(tool.kind, tool.name) for tool in abroad(replace(patch, dialect="responses"), "chat").tools]
[('function', 'apply_patch'), ('function', 'agents__spawn')]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import is_
from typing import Final

from msgspec.structs import replace

from synrouter_cli.prompt.leaving_out import BILLING_HEADER
from synrouter_cli.providers import CacheKind
from synrouter_cli.wire.codecs.disguise import OPENAIS_NAME, disguised, flat_name, wrapped
from synrouter_cli.wire.codecs.made import Made
from synrouter_cli.wire.ir import Block, Loss, Message, Opaque, Request, Text, Tool, ToolChoice, ToolResult, ToolUse

__all__ = ["TAKES_MARKERS", "abroad", "came_from"]

TAKES_MARKERS: Final[frozenset[CacheKind]] = frozenset({"markers", "session"})
"""Kinds of caches whose providers know `cache_control` in Chat Completions; others may refuse the field."""
_PLACE: Final = re.compile(r"^(system|tools)\.(\d+)(?=\.|$)")
_REFERENCE: Final = "tool_reference"


def abroad(request: Request, to: str) -> Request:
    """What is to be encoded in the dialect `to`."""
    if request.dialect == "anthropic":
        request = replace(request, system=_system(request.system), tools=_shown(request))
    if to == "chat":
        return _as_functions(_each(request, _told))
    return request if request.dialect == to else _with_short_names(request)


def came_from(losses: Sequence[Loss], request: Request) -> list[Loss]:
    """The losses of what `abroad` made of a request, with the places where that stood in the request itself.

    >>> from synrouter_cli.wire.ir import Cache
    >>> told = Request("m", system=(Text(BILLING_HEADER), Text("s", Cache())), dialect="anthropic")
    >>> came_from([Loss("cache_marker", "system.0")], told)[0].path
    'system.1'
    """
    if request.dialect != "anthropic":
        return list(losses)
    names = [tool.name for tool in request.tools]
    stood = {
        "system": range(len(request.system) - len(_system(request.system)), len(request.system)),
        "tools": [names.index(tool.name) for tool in _shown(request)],
    }

    def place(found: re.Match[str]) -> str:
        here, at = stood[found[1]], int(found[2])
        return f"{found[1]}.{here[at] if at < len(here) else at}"

    return [Loss(loss.code, _PLACE.sub(place, loss.path)) for loss in losses]


def _system(system: tuple[Text, ...]) -> tuple[Text, ...]:
    return system[1:] if system and system[0].text.startswith(BILLING_HEADER) else system


# ── tools that are loaded when they are needed ──


def _shown(request: Request) -> tuple[Tool, ...]:
    """All tools, where the provider would search them; else those that the client has loaded so far."""
    if not any(tool.deferred for tool in request.tools) or any(_searches(tool) for tool in request.tools):
        return request.tools
    deferred = {tool.name: tool for tool in request.tools if tool.deferred}
    loaded = [name for name in dict.fromkeys(_references(request)) if name in deferred]
    others = (tool for tool in request.tools if not tool.deferred)
    return (*others, *(replace(deferred[name], deferred=None) for name in loaded))


def _searches(tool: Tool) -> bool:
    return tool.kind == "builtin" and str(tool.config.get("type", tool.name)).startswith("tool_search")


def _references(request: Request) -> Iterator[str]:
    """Names of tools as results load them, in the order of the conversation."""
    for message in request.messages:
        for block in message.blocks:
            for inner in block.content if isinstance(block, ToolResult) else ():
                if isinstance(inner, Opaque) and inner.kind == _REFERENCE:
                    yield str(inner.data.get("tool_name"))


def _told(block: Block) -> Block:
    """The same with the loading of a tool said in words."""
    if isinstance(block, ToolResult) and any(isinstance(inner, Opaque) for inner in block.content):
        return replace(block, content=tuple(map(_in_words, block.content)))
    return block


def _in_words(block: Block) -> Block:
    if isinstance(block, Opaque) and block.kind == _REFERENCE:
        return Text(f"Tool {flat_name(str(block.data.get('tool_name')), None, OPENAIS_NAME)} is loaded.")
    return block


# ── tools of other kinds ──


def _as_functions(request: Request) -> Request:
    """The same with functions alone."""
    if not any(_is_other(tool) for tool in request.tools) and not _calls_others(request):
        return request
    names = {tool.name: flat_name(tool.name, tool.namespace, OPENAIS_NAME) for tool in reversed(request.tools)}
    choice = request.tool_choice
    tools = tuple(map(_function, request.tools))
    chosen = None if choice is None else _chosen(choice, names)
    return replace(_each(request, _call), tools=tools, tool_choice=chosen)


def _calls_others(request: Request) -> bool:
    return any(
        isinstance(block, ToolUse) and _is_other(block) for message in request.messages for block in message.blocks
    )


def _is_other(one: Tool | ToolUse) -> bool:
    """Whether it is none that Chat Completions has under this name."""
    return one.kind == "custom" or bool(one.namespace) or len(one.name) > OPENAIS_NAME


def _with_short_names(request: Request) -> Request:
    """The same for Responses, which has all the kinds, but no names of more characters."""
    names = {one.name: flat_name(one.name, None, OPENAIS_NAME) for one in request.tools if len(one.name) > OPENAIS_NAME}
    tools = tuple([replace(one, name=names[one.name]) if one.name in names else one for one in request.tools])
    choice = request.tool_choice
    if choice is not None and names:
        name = names.get(choice.name or "", choice.name)
        choice = replace(choice, name=name, names=tuple(names.get(one, one) for one in choice.names))
    return replace(_each(request, _short), tools=tools, tool_choice=choice)


def _short(block: Block) -> Block:
    if isinstance(block, ToolUse) and len(block.name) > OPENAIS_NAME:
        return replace(block, name=flat_name(block.name, None, OPENAIS_NAME))
    return block


def _function(tool: Tool) -> Tool:
    if tool.kind == "builtin":
        return tool
    named = replace(tool, name=flat_name(tool.name, tool.namespace, OPENAIS_NAME), namespace=None)
    if tool.kind == "function":
        return named
    description, schema = disguised(tool)
    return replace(named, kind="function", description=description, schema=schema, config={})


def _call(block: Block) -> Block:
    if isinstance(block, ToolUse) and block.kind in ("function", "custom"):
        name = flat_name(block.name, block.namespace, OPENAIS_NAME)
        return replace(block, name=name, namespace=None, kind="function", arguments=wrapped(block))
    if isinstance(block, ToolResult) and block.kind == "custom":
        return replace(block, kind="function")
    return block


def _chosen(choice: ToolChoice, names: Mapping[str, str]) -> ToolChoice:
    if choice.target == "builtin":
        return choice
    name = names.get(choice.name, choice.name) if choice.name is not None else None
    return replace(choice, name=name, names=tuple(names.get(one, one) for one in choice.names), target="function")


def _each(request: Request, change: Callable[[Block], Block]) -> Request:
    """The request with every block of its messages changed so; messages without a change stay the same value, and those
    that come again become the same."""
    made = _CHANGED[change]
    messages: list[Message] = []
    for message in request.messages:
        found = made.get(message, None)
        if found is None:
            blocks = tuple(map(change, message.blocks))
            same = all(map(is_, blocks, message.blocks))
            found = made.keep(message, None, () if same else (replace(message, blocks=blocks),))
        messages.append(found[0] if found else message)
    return replace(request, messages=tuple(messages))


_CHANGED: Final[Mapping[Callable[[Block], Block], Made[tuple[Message, ...]]]] = {
    change: Made() for change in (_told, _call, _short)
}
"""What each change has made of a message; nothing where that stays as it is."""
