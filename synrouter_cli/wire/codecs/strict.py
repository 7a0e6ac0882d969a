"""What OpenAI takes of a tool's schema, and its strict mode: objects whose properties are all required, and no others
(developers.openai.com, "Structured outputs": supported schemas). Anthropic's takes optional ones too, so a tool that is
strict there may be refused here.

>>> takes_strict({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False})
True
>>> takes_strict({"type": "object", "properties": {"a": {}}, "additionalProperties": False})
False
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from synrouter_cli.wire.ir import Loss, Request

__all__ = ["fitting", "takes_strict", "with_properties"]

_ONE: Final = ("items", "additionalProperties")
_LISTS: Final = ("anyOf", "prefixItems")
_MAPS: Final = ("properties", "$defs", "definitions")


def fitting(request: Request, losses: list[Loss]) -> Request:
    """The request with its tools strict where they can be; the same value where they are."""
    if request.dialect != "anthropic" or not any(tool.strict for tool in request.tools):
        return request
    tools = list(request.tools)
    for i, tool in enumerate(tools):
        if tool.strict and not takes_strict(tool.schema):
            losses.append(Loss("strict", f"tools.{i}"))
            tools[i] = replace(tool, strict=False)
    return replace(request, tools=tuple(tools))


def takes_strict(schema: Any) -> bool:
    """Whether a schema, and every one within it, is one that strict mode takes."""
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, Mapping):
        required = schema.get("required")
        named = set(required) if isinstance(required, list) else set()
        if schema.get("additionalProperties") is not False or not set(properties or ()) <= named:
            return False
    return all(takes_strict(one) for one in _within(schema))


def _within(schema: Mapping[str, Any]) -> Iterable[Any]:
    for name in _ONE:
        yield schema.get(name)
    for name in _LISTS:
        yield from schema[name] if isinstance(schema.get(name), list) else ()
    for name in _MAPS:
        yield from schema[name].values() if isinstance(schema.get(name), Mapping) else ()


def with_properties(schema: Any) -> Any:
    """A tool's schema with the `properties` without which an object is refused, empty where there are none.

    >>> with_properties({"type": "object"})
    {'type': 'object', 'properties': {}}
    """
    if not isinstance(schema, Mapping) or schema.get("type") != "object" or "properties" in schema:
        return schema
    return {**schema, "properties": {}}
