"""Tools and the choice among them. `functions` and `function_call` of before `tools` are read as tools too.

>>> tool = tool_in({"type": "function", "function": {"name": "ls", "parameters": {}, "strict": True}}, "tools.0")
>>> tool.kind, tool.schema, tool.strict
('function', {}, True)
>>> choice_in("required").kind
'any'
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from synrouter_cli.wire.codecs.chat.fields import Object, cache_in, checked, listed, mapping, refused, rest, text
from synrouter_cli.wire.codecs.chat.leaving import Leaving
from synrouter_cli.wire.codecs.disguise import flat_name
from synrouter_cli.wire.codecs.strict import with_properties
from synrouter_cli.wire.ir import Request, Tool, ToolChoice

__all__ = ["choice_in", "choice_out", "function_in", "tool_in", "tool_out"]

_WORDS: Final = {"auto": "auto", "none": "none", "required": "any", "any": "any"}
_CHOICES: Final = {"auto": "auto", "none": "none", "any": "required"}


# ── in ──


def tool_in(value: Any, path: str) -> Tool:
    """One entry of `tools`. A type that is not known is a tool that its own provider runs."""
    tool = mapping(value, path)
    kind = tool.get("type", "function")
    if kind == "function":
        inner = mapping(tool.get("function"), f"{path}.function")
        return function_in(inner, f"{path}.function", cache_in(tool, path) or cache_in(inner, path), rest(tool, _OUTER))
    if kind == "custom":
        inner = mapping(tool.get("custom"), f"{path}.custom")
        name, description = text(inner, "name", f"{path}.custom"), checked(inner, "description", str, f"{path}.custom")
        config = rest(inner, {"name", "description", "cache_control"})
        cache = cache_in(tool, path) or cache_in(inner, path)
        return Tool("custom", name, description, config=config, cache=cache, extras=rest(tool, _OUTER))
    name = str(tool.get("name") or text(tool, "type", path))
    config = rest(tool, {"name", "cache_control"})
    return Tool("builtin", name, config=config, dialect="chat", cache=cache_in(tool, path))


_OUTER: Final = frozenset({"type", "function", "custom", "cache_control"})
_INNER: Final = frozenset({"name", "description", "parameters", "strict", "cache_control"})


def function_in(inner: Object, path: str, cache: Any = None, extras: Object | None = None) -> Tool:
    """A function's definition, also as it stands in `functions`."""
    return Tool(
        "function",
        text(inner, "name", path),
        checked(inner, "description", str, path),
        inner.get("parameters"),
        checked(inner, "strict", bool, path),
        cache=cache,
        extras={**rest(inner, _INNER), **(extras or {})},
    )


def choice_in(value: Any, path: str = "tool_choice") -> ToolChoice:
    """`tool_choice` in all its forms, `function_call` included. Raises InvalidRequest for any other."""
    if isinstance(value, str):
        if value not in _WORDS:
            raise refused(path, "one of none, auto, required is needed here")
        return ToolChoice(_WORDS[value])  # type: ignore[arg-type] # one of its words by the table
    choice = mapping(value, path)
    kind = choice.get("type")
    if kind == "allowed_tools":
        return _allowed_in(mapping(choice.get("allowed_tools", choice), path), path)
    if kind == "custom":
        return ToolChoice("tool", text(mapping(choice.get("custom"), path), "name", path), target="custom")
    if kind in ("function", "tool", None):
        inner = choice.get("function", choice)
        return ToolChoice("tool", text(mapping(inner, path), "name", path))
    if isinstance(kind, str) and kind in _WORDS:
        return ToolChoice(_WORDS[kind])  # type: ignore[arg-type] # one of its words by the table
    return ToolChoice("tool", str(choice.get("name") or kind), target="builtin")


def _allowed_in(allowed: Object, path: str) -> ToolChoice:
    names = []
    for i, one in enumerate(listed(allowed.get("tools"), f"{path}.tools")):
        tool = mapping(one, f"{path}.tools.{i}")
        inner = tool.get(str(tool.get("type")), tool)
        names.append(text(mapping(inner, path), "name", f"{path}.tools.{i}"))
    return ToolChoice("allowed", names=tuple(names), required=allowed.get("mode") == "required")


# ── out ──

_COMMANDS: Final = ("bash", "memory", "str_replace_based_edit_tool", "str_replace_editor")
"""Anthropic's tools that the client runs, whose schemas its own models know: here they are functions."""


def _function_of(tool: Tool) -> Tool:
    """A tool that the client runs, as a function; any other as it is."""
    if tool.schema is None and (tool.dialect != "anthropic" or tool.name not in _COMMANDS):
        return tool
    names = ("command", "restart") if tool.name == "bash" else ("command", "path")
    properties = {name: {"type": "boolean" if name == "restart" else "string"} for name in names}
    schema = tool.schema if tool.schema is not None else {"type": "object", "properties": properties}
    return replace(tool, kind="function", schema=schema, config={})


def tool_out(tool: Tool, path: str, leaving: Leaving) -> Object | None:
    """An entry of `tools`; None for a tool that another provider runs."""
    if tool.kind == "builtin":
        if tool.dialect == "chat":
            named = {"name": tool.name} if tool.name != tool.config.get("type") else {}
            return {**tool.config, **named, **leaving.marker(tool.cache, path)}
        tool = _function_of(tool)
    if tool.kind == "builtin":
        leaving.lose("builtin_tool", path)
        return None
    if tool.deferred:
        leaving.lose("deferred_tool", path)
    described = {"description": tool.description} if tool.description is not None else {}
    outer = leaving.marked(tool, path)
    if tool.kind == "custom":
        config = {key: value for key, value in tool.config.items() if key != "type"}
        return {"type": "custom", "custom": {"name": _called(tool), **described, **_format_out(config)}, **outer}
    function: Object = {"name": _called(tool), **described}
    if tool.schema is not None:
        function["parameters"] = with_properties(tool.schema) if leaving.foreign else tool.schema
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function, **outer}


def _called(tool: Tool) -> str:
    """A tool's name here; one of a namespace has that in front."""
    return flat_name(tool.name, tool.namespace) if tool.namespace else tool.name


def _format_out(config: Object) -> Object:
    """A custom tool's format: Responses says syntax and definition beside the type, this dialect within `grammar`."""
    form = config.get("format")
    if not isinstance(form, dict) or form.get("type") != "grammar" or "grammar" in form:
        return config
    grammar = {key: form[key] for key in ("definition", "syntax") if key in form}
    return {**config, "format": {"type": "grammar", "grammar": grammar}}


def choice_out(choice: ToolChoice, request: Request, leaving: Leaving) -> Any:
    """`tool_choice`; None where it would name a tool that did not come along."""
    if choice.kind in _CHOICES:
        return _CHOICES[choice.kind]
    tools = [tool if tool.dialect == "chat" else _function_of(tool) for tool in request.tools]
    known = [tool for tool in tools if tool.kind != "builtin" or tool.dialect == "chat"]
    kinds = {_called(tool): tool.kind for tool in known}
    full = {tool.name: _called(tool) for tool in reversed(known)}
    if choice.kind == "tool":
        name = full.get(str(choice.name), str(choice.name))
        kind = kinds.get(name, choice.target)
        if kind == "builtin" and name not in kinds:
            leaving.lose("builtin_tool", "tool_choice")
            return None
        return _named(kind, name)
    names = [full.get(name, name) for name in choice.names]
    kept = [name for name in names if kinds.get(name, "function") != "builtin"]
    if len(kept) < len(names):
        leaving.lose("builtin_tool", "tool_choice")
    allowed = [_named(kinds.get(name, "function"), name) for name in kept]
    mode = "required" if choice.required else "auto"
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}


def _named(kind: str, name: str) -> Object:
    return {"type": name} if kind == "builtin" else {"type": kind, kind: {"name": name}}
