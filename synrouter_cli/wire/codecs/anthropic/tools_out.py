"""Tools and the choice of them → the Messages API. What it has no kind for goes as a function (`codecs/disguise.py`).

>>> from synrouter_cli.wire.ir import Request
>>> asked = Request("claude-opus-5", tools=(Tool("function", "f"),), tool_choice=ToolChoice("any"), parallel=False)
>>> tool_fields(asked, Writer(), forced=True)["tool_choice"]
{'type': 'any', 'disable_parallel_tool_use': True}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from synrouter_cli.wire.codecs.anthropic.blocks_out import Writer, marker
from synrouter_cli.wire.codecs.anthropic.schemas import closed
from synrouter_cli.wire.codecs.disguise import disguised, flat_name
from synrouter_cli.wire.ir import Message, Request, Tool, ToolChoice, ToolUse
from synrouter_cli.wire.losses import field

__all__ = ["FORMER", "is_forced", "tool_fields"]

Json = dict[str, Any]
_EXTRAS: Final = frozenset(["eager_input_streaming", "input_examples", "allowed_callers"])
FORMER: Final = "A tool of earlier turns, which can't be called any more."
_FINDS: Final = "tool_search_tool"
_SEARCHES: Final = ("web_search", "web_search_preview")


def tool_fields(request: Request, to: Writer, *, forced: bool) -> Json:
    """`tools` and `tool_choice`; `forced`: whether the model can be made to call one."""
    choice, allowed = _settled(request.tool_choice)
    names = {one.name: one.name if to.own else flat_name(one.name, one.namespace) for one in reversed(request.tools)}
    tools = {i: _tool(one, to, f"tools.{i}") for i, one in enumerate(request.tools) if _is_allowed(one, allowed)}
    placed = {i: one for i, one in tools.items() if one is not None}
    written = list(placed.values())
    if not written:
        return {} if to.own else _called_before(request.messages)
    if not to.own:
        _undeferred(placed, to)
    fields: Json = {"tools": written}
    said = _choice(choice, request.parallel, names)
    if said is not None and said["type"] == "tool" and not to.own:
        said = _among(said, written, to) or _choice(ToolChoice("auto"), request.parallel, names)
    if said is not None and not forced and said["type"] in ("any", "tool") and not to.own:
        to.lose("forced_tool", "tool_choice")
        said = _choice(ToolChoice("auto"), request.parallel, names)
    if said is not None:
        fields["tool_choice"] = {**said, **(request.extras.get("tool_choice") or {} if to.own else {})}
    return fields


def _called_before(messages: Sequence[Message]) -> Json:
    """Tools that are called in the conversation and offered no more: calls are taken beside definitions only."""
    used = dict.fromkeys(
        flat_name(one.name, one.namespace) for said in messages for one in said.blocks if isinstance(one, ToolUse)
    )
    tools = [{"name": name, "description": FORMER, "input_schema": {"type": "object"}} for name in used]
    return {"tools": tools, "tool_choice": {"type": "none"}} if tools else {}


def is_forced(request: Request) -> bool:
    choice, _ = _settled(request.tool_choice)
    return bool(request.tools) and choice is not None and choice.kind in ("any", "tool")


def _settled(choice: ToolChoice | None) -> tuple[ToolChoice | None, frozenset[str] | None]:
    """A choice that the API has, and the names of the tools that are to be told of; None for all."""
    if choice is None or choice.kind != "allowed":
        return choice, None
    if choice.required and len(choice.names) == 1:
        return ToolChoice("tool", choice.names[0]), frozenset(choice.names)
    return ToolChoice("any" if choice.required else "auto"), frozenset(choice.names)


def _is_allowed(tool: Tool, names: frozenset[str] | None) -> bool:
    return names is None or tool.name in names or flat_name(tool.name, tool.namespace) in names


def _choice(choice: ToolChoice | None, parallel: bool | None, names: Mapping[str, str]) -> Json | None:
    if choice is None and parallel is None:
        return None
    said: Json = {"type": choice.kind if choice is not None else "auto"}
    if said["type"] == "tool" and choice is not None:
        said["name"] = names.get(choice.name or "", choice.name)
    if parallel is not None and said["type"] != "none":
        said["disable_parallel_tool_use"] = not parallel
    return said


def _undeferred(written: Mapping[int, Json], to: Writer) -> None:
    """Tools that nothing here would find are offered from the start."""
    if any(str(one.get("type", "")).startswith(_FINDS) for one in written.values()):
        return
    for i, one in written.items():
        if one.pop("defer_loading", None):
            to.lose("deferred_tool", f"tools.{i}")


def _among(said: Json, written: Sequence[Json], to: Writer) -> Json | None:
    """A choice of a tool that came along, the provider's search under its name here; None, and a loss, of another."""
    names = [one["name"] for one in written if "name" in one]
    if said["name"] in names:
        return said
    if str(said["name"]).startswith(_SEARCHES) and "web_search" in names:
        return {**said, "name": "web_search"}
    to.lose("builtin_tool", "tool_choice")
    return None


def _tool(tool: Tool, to: Writer, path: str) -> Json | None:
    if tool.kind == "builtin":
        return _builtin(tool, to, path)
    description, schema = (tool.description, tool.schema) if tool.kind == "function" else disguised(tool)
    return _function(tool, description, schema, to, path)


def _function(tool: Tool, description: str | None, schema: Any, to: Writer, path: str) -> Json:
    out: Json = {"name": tool.name if to.own else flat_name(tool.name, tool.namespace)}
    if description is not None:
        out["description"] = description
    shape = _object_schema(schema)
    out["input_schema"] = closed(shape) if tool.strict and not to.own else shape
    if tool.strict is not None:
        out["strict"] = tool.strict
    return _finish(out, tool, to, path)


def _finish(out: Json, tool: Tool, to: Writer, path: str) -> Json:
    if tool.deferred is not None:
        out["defer_loading"] = tool.deferred
    for name, value in tool.extras.items():
        if to.own or (name in _EXTRAS and (name != "allowed_callers" or _are_callers(value))):
            out[name] = value
        else:
            to.losses.append(field(name, f"{path}.{name}"))
    if tool.cache is not None and tool.deferred and not to.own:
        to.lose("cache_marker", path)
    elif tool.cache is not None:
        out["cache_control"] = marker(tool.cache)
    return out


def _are_callers(value: Any) -> bool:
    """Whether it is this API's list: Responses has one of the same name, and other words in it."""
    return isinstance(value, list) and all(one == "direct" or str(one).startswith("code_execution") for one in value)


def _object_schema(schema: Any) -> Json:
    """A schema as the API wants it: of an object."""
    if not isinstance(schema, Mapping) or not schema:
        return {"type": "object", "properties": {}}
    return dict(schema) if "type" in schema else {"type": "object", **schema}


def _builtin(tool: Tool, to: Writer, path: str) -> Json | None:
    if tool.dialect in (None, "anthropic"):
        return _finish(dict(tool.config), tool, to, path)
    if tool.name == "local_shell":
        description, schema = disguised(tool)
        return _function(tool, description, schema, to, path)
    if tool.name in _SEARCHES and tool.config.get("external_web_access") is not False:  # what is cached is not here
        return _finish(_web_search(tool.config), tool, to, path)
    if tool.name == "tool_search" and isinstance(tool.config.get("parameters"), Mapping):
        told = tool.description or tool.config.get("description")
        return _function(tool, told, tool.config["parameters"], to, path)
    to.lose("builtin_tool", path)
    return None


def _web_search(config: Mapping[str, Any]) -> Json:
    """OpenAI's web search as Anthropic's: the provider runs both."""
    out: Json = {"type": "web_search_20250305", "name": "web_search"}
    filters = config.get("filters")
    if isinstance(filters, Mapping) and filters.get("allowed_domains"):
        out["allowed_domains"] = filters["allowed_domains"]
    location = config.get("user_location")
    if isinstance(location, Mapping):
        out["user_location"] = {"type": "approximate", **{k: v for k, v in location.items() if v is not None}}
    return out
