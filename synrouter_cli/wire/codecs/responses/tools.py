"""Tools: what a request offers ⇄ `Tool`. Those of a namespace stand one by one, each with its namespace; what comes in
later items (`additional_tools`, a tool search's output) is offered too.

>>> clock = {"type": "namespace", "name": "clock", "description": "", "tools": [{"type": "function", "name": "now"}]}
>>> [(tool.namespace, tool.name) for tool in read_tools([clock], "tools")]
[('clock', 'now')]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from synrouter_cli.wire import losses as told
from synrouter_cli.wire.codecs.remembered import Remembered
from synrouter_cli.wire.codecs.responses.clientside import CLIENT_SIDE, runs_at_the_client
from synrouter_cli.wire.codecs.responses.reading import (
    a_list,
    an_object,
    decoded,
    maybe_flag,
    maybe_object,
    maybe_text,
    rest,
    text,
)
from synrouter_cli.wire.codecs.strict import with_properties
from synrouter_cli.wire.ir import Loss, Tool

Json = dict[str, Any]

_FUNCTION: Final = frozenset({"type", "name", "description", "parameters", "strict", "defer_loading"})
_CUSTOM: Final = frozenset({"type", "name", "description", "format", "defer_loading"})
_NO_SCHEMA: Final = {"type": "object", "properties": {}}
CAME_WITH: Final = "came_with"
"""In a tool's `item`: the item that it stood in, which says it again by itself."""
_SEARCH: Final = {"web_search", "web_search_preview", "web_search_2025_08_26", "web_search_preview_2025_03_11"}
_HOSTED_ELSEWHERE: Final[Mapping[str, Json]] = {
    "bash": {"command": {"type": "string"}, "restart": {"type": "boolean"}},
    "memory": {"command": {"type": "string"}, "path": {"type": "string"}},
    "str_replace_based_edit_tool": {"command": {"type": "string"}, "path": {"type": "string"}},
    "str_replace_editor": {"command": {"type": "string"}, "path": {"type": "string"}},
}
"""Anthropic's tools that the client runs, whose schemas its models know: here they are functions."""


# ── in ──


def read_tools(tools: Any, path: str, origin: Json | None = None) -> list[Tool]:
    """The tools of a list, one by one; `origin` goes into the `item` of each."""
    listed = a_list(tools, path)
    return [tool for i, one in enumerate(listed) for tool in _read_entry(one, f"{path}.{i}", origin)]


def read_own(tools: Any, path: str) -> list[Tool]:
    """The request's own tools, one by one."""
    return [tool for some in _ENTRIES.each(a_list(tools, path), path) for tool in some]


def _read_entry(entry: Any, path: str, origin: Json | None = None) -> list[Tool]:
    tool = an_object(entry, path)
    if tool.get("type") == "namespace":
        return _read_namespace(tool, path, origin)
    return [_read_tool(tool, path, origin, None)]


_ENTRIES: Final = Remembered(lambda piece, path: _read_entry(decoded(piece), path), _read_entry)


def _read_namespace(tool: Json, path: str, origin: Json | None) -> list[Tool]:
    name = text(tool, "name", path)
    about = {key: value for key, value in tool.items() if key != "tools"}
    inside = a_list(tool.get("tools"), f"{path}.tools")
    item = {**(origin or {}), "namespace": about}
    found = ((f"{path}.tools.{i}", one) for i, one in enumerate(inside))
    return [_read_tool(an_object(one, here), here, item, name) for here, one in found]


def _read_tool(tool: Json, path: str, item: Json | None, namespace: str | None) -> Tool:
    kind = text(tool, "type", path)
    if kind not in ("function", "custom"):
        return _read_builtin(tool, kind, path, item)
    name = text(tool, "name", path)
    described = maybe_text(tool, "description", path)
    deferred = maybe_flag(tool, "defer_loading", path)
    if kind == "custom":
        form = maybe_object(tool, "format", path)
        config = {"format": form} if form else {}
        return Tool(
            "custom", name, described, config=config, deferred=deferred, namespace=namespace,
            extras=rest(tool, _CUSTOM), item=item,
        )  # fmt: skip
    strict = maybe_flag(tool, "strict", path)
    if strict is None:  # left out it may mean true here, which it means nowhere else
        item = {**(item or {}), "strict": None}
    return Tool(
        "function", name, described, maybe_object(tool, "parameters", path) or _NO_SCHEMA, strict or None,
        deferred=deferred, namespace=namespace, extras=rest(tool, _FUNCTION), item=item,
    )  # fmt: skip


def _read_builtin(tool: Json, kind: str, path: str, item: Json | None) -> Tool:
    if not runs_at_the_client(tool):
        name = "web_search" if kind in _SEARCH else kind
        return Tool("builtin", name, config=tool, dialect="responses", item=item)
    known = CLIENT_SIDE[kind]
    described = maybe_text(tool, "description", path) or known.description
    schema = maybe_object(tool, "parameters", path) or known.schema
    return Tool("function", kind, described, schema, config=tool, item=item)


# ── out ──


def write_tools(tools: Iterable[Tool], losses: list[Loss], ours: bool) -> list[Json]:
    """The list of tools; those of one namespace that stand together become one entry."""
    tools = list(tools)
    search = any(tool.config.get("type") == "tool_search" for tool in tools)
    written: list[Json] = []
    for i, tool in enumerate(tools):
        entry = write_tool(tool, f"tools.{i}", losses, ours=ours, search=search)
        if entry is None:
            continue
        if tool.namespace is None:
            written.append(entry)
            continue
        last = written[-1] if written else {}
        if last.get("type") != "namespace" or last.get("name") != tool.namespace:
            about = (tool.item or {}).get("namespace") or {"description": f"Tools in the {tool.namespace} namespace."}
            last = {"type": "namespace", "name": tool.namespace, **about, "tools": []}
            written.append(last)
        last["tools"].append(entry)
    return written


def write_tool(tool: Tool, path: str, losses: list[Loss], *, ours: bool, search: bool) -> Json | None:
    """One tool as its entry; None for one that its own provider runs. `search` says that tools may be deferred."""
    if tool.cache is not None:
        losses.append(Loss("cache_marker", path))
    if tool.kind == "builtin":
        return _write_builtin(tool, path, losses)
    if tool.config.get("type") in CLIENT_SIDE:
        return dict(tool.config)
    extras = tool.extras
    if extras and not ours:
        losses.extend(told.field(key, f"{path}.{key}") for key in extras)
        extras = {}
    entry: Json = {"type": tool.kind, "name": tool.name}
    if tool.description is not None:
        entry["description"] = tool.description
    if tool.kind == "custom":
        form = tool.config.get("format")
        entry |= {"format": _flat(form)} if form else {}
    else:
        schema = tool.schema if tool.schema is not None else _NO_SCHEMA
        entry |= _strictness(tool) | {"parameters": schema if ours else with_properties(schema)}
    if tool.deferred is not None and search:
        entry["defer_loading"] = tool.deferred
    elif tool.deferred:
        losses.append(Loss("deferred_tool", path))
    return entry | dict(extras)


def _strictness(tool: Tool) -> Json:
    """Said always, because left out it may mean true here; null is what leaves it out."""
    unsaid = tool.strict is None and "strict" in (tool.item or {})
    return {"strict": None if unsaid else bool(tool.strict)}


def _flat(form: Json) -> Json:
    """A custom tool's format; Chat has a grammar one level deeper."""
    inner = form.get("grammar")
    return {"type": "grammar", **inner} if isinstance(inner, dict) else dict(form)


def _write_builtin(tool: Tool, path: str, losses: list[Loss]) -> Json | None:
    if tool.dialect == "responses":
        return dict(tool.config)
    if tool.name.startswith("web_search"):
        return _web_search(tool)
    schema = tool.schema
    if schema is None and tool.name in _HOSTED_ELSEWHERE:
        schema = {"type": "object", "properties": _HOSTED_ELSEWHERE[tool.name]}
    if schema is None:
        losses.append(Loss("builtin_tool", path))
        return None
    described = {} if tool.description is None else {"description": tool.description}
    return {"type": "function", "name": tool.name, **described, "strict": False, "parameters": schema}


def _web_search(tool: Tool) -> Json:
    """Anthropic's search as OpenAI's: the domains that are allowed and where the user is have a place in both."""
    entry: Json = {"type": "web_search"}
    if tool.config.get("allowed_domains"):
        entry["filters"] = {"allowed_domains": tool.config["allowed_domains"]}
    if isinstance(tool.config.get("user_location"), dict):
        entry["user_location"] = tool.config["user_location"]
    return entry
