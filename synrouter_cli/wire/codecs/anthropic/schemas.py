"""A JSON schema as structured output takes it: every object says that it has no other properties.

>>> closed({"type": "object", "properties": {"a": {"type": "object", "properties": {}}}})["properties"]["a"]
{'type': 'object', 'properties': {}, 'additionalProperties': False}
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["closed"]

_ONE: Final = ("items", "not", "if", "then", "else", "contains", "additionalProperties")
_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS: Final = ("properties", "$defs", "definitions", "patternProperties")


def closed(schema: Any) -> Any:
    """The same schema, key order kept; what says itself which other properties it takes is left so."""
    if not isinstance(schema, dict):
        return schema
    out = {name: _part(name, value) for name, value in schema.items()}
    if (out.get("type") == "object" or "properties" in out) and "additionalProperties" not in out:
        out["additionalProperties"] = False
    return out


def _part(name: str, value: Any) -> Any:
    if name in _ONE:
        return closed(value)
    if name in _LISTS and isinstance(value, list):
        return [closed(one) for one in value]
    if name in _MAPS and isinstance(value, dict):
        return {key: closed(one) for key, one in value.items()}
    return value
