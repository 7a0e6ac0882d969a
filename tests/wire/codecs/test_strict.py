"""Strict tools are strict at the target only where its strict mode takes their schema."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wire.crossings import carried

OPEN: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
WHOLE = {**OPEN, "required": ["a"]}


@pytest.mark.parametrize(
    ("schema", "is_strict"),
    [
        (WHOLE, True),
        (OPEN, False),
        ({**WHOLE, "properties": {"a": OPEN}}, False),
        ({**WHOLE, "properties": {"a": {"type": "array", "items": OPEN}}}, False),
        ({**WHOLE, "properties": {"a": {"anyOf": [{"type": "null"}, OPEN]}}}, False),
        ({**WHOLE, "$defs": {"x": OPEN}}, False),
        ({**WHOLE, "properties": {"a": WHOLE}, "$defs": {"x": WHOLE}}, True),
        ({"type": "object", "properties": {}}, False),
    ],
)
@pytest.mark.parametrize("target", ["chat", "responses"])
def test_optional_properties_are_taken_by_anthropics_strict_mode_alone(schema: Any, is_strict: bool, target: str):
    tool = {"name": "f", "input_schema": schema, "strict": True}
    body = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}], "tools": [tool]}
    _, out, lost = carried(body, "anthropic", target)
    written = json.loads(out)["tools"][0]
    assert written.get("function", written)["strict"] is is_strict
    assert written.get("function", written)["parameters"] == schema
    assert [loss.path for loss in lost if loss.code == "strict"] == ([] if is_strict else ["tools.0"])


def test_a_schema_that_openai_closes_itself_is_closed_for_anthropic():
    function = {"name": "f", "strict": True, "parameters": {"type": "object", "properties": {"a": {"type": "object"}}}}
    body = {"messages": [{"role": "user", "content": "hi"}], "tools": [{"type": "function", "function": function}]}
    _, out, _ = carried({"model": "m", **body}, "chat", "anthropic")
    schema = json.loads(out)["tools"][0]["input_schema"]
    assert schema["additionalProperties"] is False and schema["properties"]["a"]["additionalProperties"] is False
