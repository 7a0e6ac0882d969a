"""What the API refuses about tools: names, kinds, schemas, and what may only stand beside tools.

>>> from synrouter_cli.demo.openai.errors import Refusal
>>> loose = {"type": "object", "properties": {"a": {"type": "string"}}}
>>> refused = next(schema_refusals("t", loose, strict=True, path="tools[0].function.parameters"))
>>> refused.code
'invalid_function_parameters'
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from synrouter_cli.demo.openai.errors import Refusal, missing, too_long, wrong_type

__all__ = ["choice_refusals", "name_refusals", "schema_refusals"]

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+")
_LONGEST_NAME: Final = 64


def name_refusals(tool: Mapping[str, Any], path: str) -> Iterator[Refusal]:
    """A tool's name: there, short, and of plain characters."""
    name = tool.get("name")
    if name is None:
        yield missing(f"{path}.name")
    elif not isinstance(name, str):
        yield wrong_type(f"{path}.name", "a string", name)
    elif len(name) > _LONGEST_NAME:
        yield too_long(f"{path}.name", name, _LONGEST_NAME)
    elif not _NAME.fullmatch(name):
        words = "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        yield Refusal(f"Invalid '{path}.name': {words}", f"{path}.name", "invalid_value")


def schema_refusals(name: str, schema: Any, *, strict: bool, path: str) -> Iterator[Refusal]:
    """A function's parameters: an object, and all of it closed and required where it is strict."""
    if schema is None:
        return
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind != "object":
        words = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
        yield _invalid_schema(name, words, path)
    elif strict:
        yield from (_invalid_schema(name, words, path) for words in _not_strict(schema, ()))


def choice_refusals(body: Mapping[str, Any], names: Mapping[str, str], named: Any) -> Iterator[Refusal]:
    """`tool_choice` and `parallel_tool_calls`; `named` is what the choice names, if anything."""
    if isinstance(body.get("tools"), list) and not body["tools"] and "messages" in body:
        words = "empty array. Expected an array with minimum length 1, but got an empty array instead."
        yield Refusal(f"Invalid 'tools': {words}", "tools", "empty_array")
    for field in ("tool_choice", "parallel_tool_calls") if "messages" in body else ():
        if field in body and not names and body[field] not in ("none", None):
            yield Refusal(f"'{field}' is only allowed when 'tools' are specified.", field)
    if isinstance(named, str) and not any(name.endswith(named) for name in names):
        words = f"Tool choice '{named}' not found in 'tools' parameter."
        yield Refusal(words, "tool_choice")


def _not_strict(schema: Any, context: tuple[str, ...]) -> Iterator[str]:
    """What keeps a schema from being strict, with the place of each."""
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties") or {}
    if "properties" in schema or schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            yield f"In context={context}, 'additionalProperties' is required to be supplied and to be false."
        absent = [name for name in properties if name not in (schema.get("required") or ())]
        if absent:
            words = "'required' is required to be supplied and to be an array including every key in properties."
            yield f"In context={context}, {words} Missing '{absent[0]}'."
    for name, inner in properties.items():
        yield from _not_strict(inner, (*context, "properties", name))
    yield from _not_strict(schema.get("items"), (*context, "items"))
    for at, inner in enumerate(schema.get("anyOf") or ()):
        yield from _not_strict(inner, (*context, "anyOf", str(at)))
    for name, inner in (schema.get("$defs") or {}).items():
        yield from _not_strict(inner, (*context, "$defs", name))


def _invalid_schema(name: str, words: str, path: str) -> Refusal:
    return Refusal(f"Invalid schema for function '{name}': {words}", path, "invalid_function_parameters")
