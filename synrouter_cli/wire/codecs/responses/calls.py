"""Calls of tools and what came of them: items ⇄ `ToolUse` and `ToolResult`.

>>> item = {"type": "function_call", "call_id": "c", "namespace": "clock", "name": "now", "arguments": "{}"}
>>> call = read_call(item, "input.0")
>>> call.namespace, call.name, write_call(call, None, "fc_1")["namespace"]
('clock', 'now', 'clock')
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from synrouter_cli.wire.codecs.disguise import flat_name
from synrouter_cli.wire.codecs.responses.clientside import BY_CALL, BY_OUTPUT, CLIENT_SIDE
from synrouter_cli.wire.codecs.responses.parts import read_parts, write_part
from synrouter_cli.wire.codecs.responses.reading import (
    UNREADABLE,
    a_list,
    an_object,
    dump,
    maybe_object,
    maybe_text,
    refused,
    rest,
    text,
)
from synrouter_cli.wire.codecs.responses.tools import read_tools
from synrouter_cli.wire.ir import Block, Loss, Text, Tool, ToolResult, ToolUse

Item = dict[str, Any]
Kind = Literal["function", "custom", "local_shell", "server"]

CALLS: Final = frozenset({"function_call", "custom_tool_call", *BY_CALL})
OUTPUTS: Final = frozenset({"function_call_output", "custom_tool_call_output", *BY_OUTPUT})
PREFIX: Final = {"function_call": "fc", "custom_tool_call": "ctc", "local_shell_call": "lsh", "shell_call": "sh"}
"""How ids of items begin; `tc` for the others."""
WRAPPED: Final = "input"
"""The one property that a freeform tool's text stands in where there are only functions."""
_CALL: Final = frozenset({"type", "call_id", "name", "namespace", "arguments", "input"})
_OUTPUT: Final = frozenset({"type", "call_id", "output"})
_OUTPUT_OF: Final = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    **{tool.call: tool.output for tool in CLIENT_SIDE.values()},
}
_FAILED: Final = {True: "incomplete", False: "completed"}


class Names:
    """The tools of a request, to be found by a call."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[tuple[str | None, str], Tool] = {}
        for tool in tools:
            self._tools.setdefault((tool.namespace, tool.name), tool)
        self.told = "\n".join(f"{t.namespace} {t.name} {t.kind} {t.config.get('type')}" for t in self._tools.values())
        """All that a call's item depends on."""

    def find(self, call: ToolUse) -> Tool | None:
        return self._tools.get((call.namespace, call.name))


# ── calls in ──


def read_call(item: Item, path: str) -> ToolUse:
    """The call that an item is."""
    kind = item["type"]
    if kind in BY_CALL:
        return _read_client_side(item, path)
    custom = kind == "custom_tool_call"
    return ToolUse(
        id=text(item, "call_id", path),
        name=text(item, "name", path),
        arguments=text(item, "input" if custom else "arguments", path),
        kind="custom" if custom else "function",
        namespace=maybe_text(item, "namespace", path),
        item=rest(item, _CALL) or None,
    )


def _read_client_side(item: Item, path: str) -> ToolUse:
    name, tool = BY_CALL[item["type"]]
    given = item.get(tool.key)
    if given is None:
        raise refused(f"{path}.{tool.key}", "this is missing")
    if name == "local_shell" and isinstance(given, dict):
        given = {key: value for key, value in given.items() if key != "type" and (key != "env" or value)}
    call_id = item.get("call_id") or item.get("id")
    if not isinstance(call_id, str):
        raise refused(f"{path}.call_id", "a string is needed here")
    return ToolUse(
        id=call_id,
        name=name,
        arguments=given if isinstance(given, str) else dump(given).decode(),
        kind="local_shell" if name == "local_shell" else "function",
        item={"type": item["type"], **rest(item, frozenset({"type", "call_id", tool.key}))},
    )


# ── calls out ──


def call_type(call: ToolUse, tool: Tool | None) -> str:
    """The type of the item that a call becomes; `tool` is the one that was asked with, if it is known."""
    own = (call.item or {}).get("type")
    if isinstance(own, str):
        return own
    if call.kind == "local_shell":
        return "local_shell_call"
    if tool is not None and tool.kind == "function":
        special = CLIENT_SIDE.get(str(tool.config.get("type")))
        return "function_call" if special is None else special.call
    custom = call.kind == "custom" if tool is None else tool.kind == "custom"
    return "custom_tool_call" if custom else "function_call"


def write_call(call: ToolUse, tool: Tool | None, item_id: str) -> Item:
    """The item for a call; `item_id` is for one that has no id of its own, the empty string for none."""
    kind = call_type(call, tool)
    if kind in BY_CALL:
        return _write_client_side(call, kind, item_id)
    item: Item = {"type": kind, "id": item_id, "call_id": call.id, "name": call.name}
    if not item_id:
        del item["id"]
    if kind == "function_call":
        item["arguments"] = call.arguments
    else:
        item["input"] = call.arguments if call.kind == "custom" else unwrapped(call.arguments)
    if call.namespace is not None:
        item["namespace"] = call.namespace
    return item | dict(call.item or {})


def _write_client_side(call: ToolUse, kind: str, item_id: str) -> Item:
    name, tool = BY_CALL[kind]
    given = as_object(call.arguments)
    if name == "local_shell":
        given = {"type": "exec", "command": [], "env": {}, **given}
    item: Item = {"type": kind, "id": item_id, "call_id": call.id, "status": "completed", tool.key: given}
    if name == "tool_search":
        item["execution"] = "client"
    if not item_id and name == "local_shell":
        item["id"] = call.id
    elif not item_id:
        del item["id"]
    return item | dict(call.item or {})


def as_object(arguments: str) -> dict[str, Any]:
    """Arguments as the object that they are; a text that is none stands as one property."""
    try:
        value = json.loads(arguments)
    except UNREADABLE:
        value = None
    return value if isinstance(value, dict) else {WRAPPED: arguments}


def unwrapped(arguments: str) -> str:
    """The text in arguments that wrap a freeform tool's one: that property, or an only one of another name."""
    try:
        value = json.loads(arguments)
    except ValueError:
        return arguments
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        found = value.get(WRAPPED, next(iter(value.values())) if len(value) == 1 else None)
        if isinstance(found, str):
            return found
    return "" if value == {} else arguments


# ── outputs in ──


def read_output(item: Item, path: str, called: str | None = None) -> ToolResult:
    """What came of a call; `called` is the id of the call whose item has this one's id, which some outputs name
    instead."""
    kind = item["type"]
    alone = kind == "function_call_output" and item.get("call_id") is None  # what a tool says uncalled
    given = "" if alone else item.get("call_id") or called or item.get("id")
    if not isinstance(given, str):
        raise refused(f"{path}.call_id", "a string is needed here")
    if kind in BY_OUTPUT:
        return _read_client_side_output(item, path, given)
    content, bare = _read_content(item.get("output"), f"{path}.output")
    item_rest = rest(item, _OUTPUT)
    error = {"incomplete": True}.get(item_rest.pop("status", ""))
    if alone:
        item_rest["call_id"] = None
    custom = kind == "custom_tool_call_output"
    return ToolResult(given, content, error, bare, "custom" if custom else "function", item=item_rest or None)


def _read_content(output: Any, path: str) -> tuple[tuple[Block, ...], bool]:
    if isinstance(output, str):
        return ((Text(output),) if output else (), True)
    if not isinstance(output, list):
        raise refused(path, "a string or a list is needed here")
    return read_parts(output, path), False


def _read_client_side_output(item: Item, path: str, call_id: str) -> ToolResult:
    name, _ = BY_OUTPUT[item["type"]]
    error = True if item.get("status") == "failed" else None
    said = _SAID[name](item, path)
    kept = {key: value for key, value in item.items() if key != "call_id"}
    kind: Kind = "local_shell" if name == "local_shell" else "function"
    return ToolResult(call_id, (Text(said),) if said else (), error, True, kind, item=kept)


def _said_shell(item: Item, path: str) -> str:
    lines: list[str] = []
    for i, given in enumerate(a_list(item.get("output") or [], f"{path}.output")):
        one = an_object(given, f"{path}.output.{i}")
        outcome = maybe_object(one, "outcome", f"{path}.output.{i}")
        ended = f"exit code {outcome['exit_code']}" if "exit_code" in outcome else str(outcome.get("type", ""))
        lines += [str(one.get("stdout") or ""), str(one.get("stderr") or ""), ended]
    return "\n".join(line for line in lines if line)


def _said_search(item: Item, path: str) -> str:
    tools = read_tools(item.get("tools") or [], f"{path}.tools")
    found = [flat_name(tool.name, tool.namespace) for tool in tools]
    return f"Loaded: {', '.join(found)}" if found else "No tools were found."


_SAID: Final[Mapping[str, Callable[[Item, str], str]]] = {
    "local_shell": lambda item, _: str(item.get("output") or ""),
    "apply_patch": lambda item, _: str(item.get("output") or item.get("status") or ""),
    "shell": _said_shell,
    "tool_search": _said_search,
}


# ── outputs out ──


def write_output(result: ToolResult, call: str | None, path: str, losses: list[Loss], ours: bool) -> Item:
    """The item for what came of a call, whose own item was of the type `call`."""
    kind = str((result.item or {}).get("type") or _OUTPUT_OF.get(call or "", ""))
    if not kind:
        kind = {"custom": "custom_tool_call_output", "local_shell": "local_shell_call_output"}.get(
            result.kind, "function_call_output"
        )
    if result.cache is not None:
        losses.append(Loss("cache_marker", path))
    if kind in BY_OUTPUT:
        return _write_client_side_output(result, kind)
    item: Item = {"type": kind, "call_id": result.id, "output": _write_content(result, path, losses, ours)}
    if result.is_error is not None and kind == "function_call_output":
        item["status"] = _FAILED[result.is_error]
    return item | dict(result.item or {})


def _write_content(result: ToolResult, path: str, losses: list[Loss], ours: bool) -> str | list[Item]:
    content = result.content
    if not content:
        return ""
    if result.bare and len(content) == 1 and isinstance(content[0], Text):
        if content[0].cache is not None:
            losses.append(Loss("cache_marker", f"{path}.content"))
        return content[0].text
    parts = [write_part(block, "tool", f"{path}.content.{i}", losses, ours=ours) for i, block in enumerate(content)]
    return [part for some in parts for part in some]


def _write_client_side_output(result: ToolResult, kind: str) -> Item:
    said = "\n".join(block.text for block in result.content if isinstance(block, Text))
    failed = bool(result.is_error)
    made: Item = {"type": kind, "call_id": result.id}
    if kind == "local_shell_call_output":
        made = {"type": kind, "id": result.id, "output": said}
    elif kind == "shell_call_output":
        outcome = {"type": "exit", "exit_code": int(failed)}
        made["output"] = [{"stdout": "" if failed else said, "stderr": said if failed else "", "outcome": outcome}]
    elif kind == "apply_patch_call_output":
        made |= {"status": "failed" if failed else "completed", "output": said}
    else:
        made |= {"execution": "client", "status": "completed", "tools": []}
    return made | dict(result.item or {})
