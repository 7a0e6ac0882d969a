"""Which tool is to be called: `tool_choice` in all its forms ⇄ `ToolChoice`. One in a namespace is named with it, as
where there are none.

>>> read_choice({"type": "function", "name": "f"}, [], "tool_choice")
ToolChoice(kind='tool', name='f', names=(), required=False, target='function')
>>> write_choice(ToolChoice("any"), [])
'required'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from synrouter_cli.wire.codecs.disguise import flat_name
from synrouter_cli.wire.codecs.responses.clientside import CLIENT_SIDE
from synrouter_cli.wire.codecs.responses.reading import a_list, an_object, refused, text
from synrouter_cli.wire.ir import Tool, ToolChoice

_WORDS: Final[Mapping[str, Literal["auto", "any", "none"]]] = {"auto": "auto", "required": "any", "none": "none"}
_SAID: Final = {kind: word for word, kind in _WORDS.items()}


def read_choice(choice: Any, tools: Sequence[Tool], path: str) -> ToolChoice:
    """InvalidRequest for a word or a form that the dialect does not have."""
    if isinstance(choice, str):
        if choice not in _WORDS:
            raise refused(path, "this is none of auto, required and none")
        return ToolChoice(_WORDS[choice])
    said = an_object(choice, path)
    if said.get("type") == "allowed_tools":
        entries = a_list(said.get("tools"), f"{path}.tools")
        names = [name for i, one in enumerate(entries) for name in _names(one, tools, f"{path}.tools.{i}")]
        return ToolChoice("allowed", names=tuple(names), required=said.get("mode") == "required")
    name, *_ = _names(said, tools, path) or [str(said.get("type"))]
    return ToolChoice("tool", name, target=_target(said, name, tools))


def _names(entry: Any, tools: Sequence[Tool], path: str) -> list[str]:
    """The tools that an entry names, by the names that they have everywhere."""
    said = an_object(entry, path)
    kind = text(said, "type", path)
    if kind == "namespace":
        return [flat_name(tool.name, tool.namespace) for tool in tools if tool.namespace == said.get("name")]
    if kind == "mcp":
        return [f"mcp:{said.get('server_label')}"]
    if kind not in ("function", "custom"):
        return [next((tool.name for tool in tools if tool.config.get("type") == kind), kind)]
    name = text(said, "name", path)
    inside = said.get("namespace")
    fits = (tool for tool in tools if tool.name == name and inside in (None, tool.namespace))
    return [next((_called(tool) for tool in fits), name)]


def _called(tool: Tool) -> str:
    return tool.name if tool.namespace is None else flat_name(tool.name, tool.namespace)


def _target(said: Mapping[str, Any], name: str, tools: Sequence[Tool]) -> Literal["function", "custom", "builtin"]:
    kind = said.get("type")
    if kind == "custom":
        return "custom"
    return "function" if kind == "function" or (kind in CLIENT_SIDE and _find(name, tools) is not None) else "builtin"


def write_choice(choice: ToolChoice, tools: Sequence[Tool]) -> str | dict[str, Any]:
    if choice.kind == "allowed":
        entries = [_entry(name, tools, "function") for name in choice.names]
        return {"type": "allowed_tools", "mode": "required" if choice.required else "auto", "tools": entries}
    if choice.kind == "tool":
        return _entry(choice.name or "", tools, choice.target)
    return _SAID[choice.kind]


def _entry(name: str, tools: Sequence[Tool], target: str) -> dict[str, Any]:
    if name.startswith("mcp:"):
        return {"type": "mcp", "server_label": name.removeprefix("mcp:")}
    tool = _find(name, tools)
    if tool is None:
        return {"type": name} if target == "builtin" else {"type": target, "name": name}
    special = tool.config.get("type")
    if tool.kind == "builtin" or special in CLIENT_SIDE:
        return {"type": special or tool.name}
    return {"type": tool.kind, "name": tool.name}


def _find(name: str, tools: Sequence[Tool]) -> Tool | None:
    return next((tool for tool in tools if name in (tool.name, _called(tool))), None)
