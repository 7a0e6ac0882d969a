"""What Responses refuses about a request, in its own words (developers.openai.com, API reference).

Not all that it checks: what a proxy that translates or edits bodies could get wrong.

>>> from synrouter_cli.demo.openai.flavours import FLAVOURS
>>> asked = {"model": "gpt-5", "input": [{"type": "function_call_output", "call_id": "call_1", "output": "x"}]}
>>> next(responses_refusals(asked, asked["input"], FLAVOURS["openai"], "account")).message
'No tool call found for function call output with call_id call_1.'
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from synrouter_cli.demo.openai.common_checks import common_refusals, field_refusals, model_refusals, required
from synrouter_cli.demo.openai.errors import Refusal, missing, too_long, wrong_type, wrong_value
from synrouter_cli.demo.openai.flavours import Flavour, reasons
from synrouter_cli.demo.openai.sealed import flaw, not_verified
from synrouter_cli.demo.openai.tools import choice_refusals, name_refusals, schema_refusals
from synrouter_cli.demo.openai.turns import ANSWERED_BY, item_type, made_by_the_model, offered_by, tools_of

__all__ = ["responses_refusals"]

Json = Mapping[str, Any]

_FIELDS: Final = frozenset(
    "access_programs background background_options context_management conversation image include input instructions"
    " max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt"
    " prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier store"
    " stream stream_options temperature text tool_choice"
    " tools top_logprobs top_p truncation user client_metadata".split()
)
"""`client_metadata` is Codex's, and taken."""
_CALL: Final = frozenset({"id", "type", "call_id", "name", "namespace", "caller", "status"})
_OUTPUT: Final = frozenset({"id", "type", "call_id", "name", "namespace", "caller", "status", "output"})
_ITEM: Final[Mapping[str, frozenset[str]]] = {
    "message": frozenset({"id", "type", "role", "content", "status", "phase"}),
    "reasoning": frozenset({"id", "type", "summary", "content", "encrypted_content", "status"}),
    "function_call": _CALL | {"arguments"},
    "function_call_output": _OUTPUT,
    "custom_tool_call": _CALL | {"input"},
    "custom_tool_call_output": _OUTPUT,
    "local_shell_call": frozenset({"id", "type", "call_id", "action", "status"}),
    "local_shell_call_output": frozenset({"id", "type", "call_id", "output", "status"}),
    "shell_call": _CALL | {"action", "environment"},
    "shell_call_output": _OUTPUT | {"max_output_length"},
    "apply_patch_call": _CALL | {"operation"},
    "apply_patch_call_output": _OUTPUT,
    "tool_search_call": _CALL | {"arguments", "execution"},
    "tool_search_output": frozenset({"id", "type", "call_id", "execution", "status", "tools"}),
    "additional_tools": frozenset({"id", "type", "role", "tools"}),
    "web_search_call": frozenset({"id", "type", "action", "status"}),
    "compaction": frozenset({"id", "type", "encrypted_content"}),
    "item_reference": frozenset({"id", "type"}),
}
_IDS: Final[Mapping[str, str]] = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "tool_search_call": "tsc",
}
_PARTS_OF: Final[Mapping[str, tuple[str, ...]]] = {"assistant": ("output_text", "refusal")}
_INPUT_PARTS: Final = ("input_text", "input_image", "input_file", "input_audio")
_PART: Final[Mapping[str, frozenset[str]]] = {
    "input_text": frozenset({"type", "text", "prompt_cache_breakpoint"}),
    "input_image": frozenset({"type", "image_url", "file_id", "detail", "prompt_cache_breakpoint"}),
    "input_file": frozenset(
        {"type", "file_data", "file_id", "file_url", "filename", "detail", "prompt_cache_breakpoint"}
    ),
    "input_audio": frozenset({"type", "input_audio"}),
    "output_text": frozenset({"type", "text", "annotations", "logprobs"}),
    "refusal": frozenset({"type", "refusal"}),
}
_ROLES: Final = ("assistant", "system", "developer", "user")
_FUNCTION: Final = frozenset(
    {"type", "name", "description", "parameters", "strict", "defer_loading", "output_schema", "allowed_callers"}
)
_CUSTOM: Final = frozenset({"type", "name", "description", "format", "defer_loading", "allowed_callers"})
_TOOLS: Final = (
    "function namespace tool_search custom local_shell shell web_search web_search_preview file_search computer"
    " computer_use_preview code_interpreter mcp image_generation apply_patch".split()
)
_LONGEST_ID: Final = 64
_LEAST_OUTPUT: Final = 16
_SPOKEN: Final[Mapping[str, str]] = {kind: kind.replace("_", " ") for kind in ANSWERED_BY}
_THOUGHT: Final = re.compile(r"(?:msg|fc|ctc|lsh|tsc)_([0-9a-f]{32})t(?:\d\d)?")


def responses_refusals(body: Json, items: Sequence[Any], flavour: Flavour, account: str) -> Iterator[Refusal]:
    """Everything that is wrong, the first first. `items` is all input, with what a stored response brings."""
    if flavour.strict:
        yield from field_refusals(body, _FIELDS)
    yield from required(body, "model", "input")
    yield from common_refusals(body, flavour)
    for at, item in enumerate(items):
        yield from _about_item(item, f"input[{at}]", flavour)
    yield from _about_tools(body, items, flavour)
    yield from _about_pairs(items)
    yield from _about_reasoning(items, account)
    if flavour.strict:
        yield from _about_limits(body)


def _about_item(item: Any, path: str, flavour: Flavour) -> Iterator[Refusal]:
    if not isinstance(item, dict):
        yield wrong_type(path, "an object", item)
        return
    kind = item_type(item)
    if kind not in _ITEM:
        yield wrong_value(path, kind, tuple(_ITEM))
        return
    if flavour.strict:
        yield from field_refusals(item, _ITEM[kind], path)
    prefix = _IDS.get(kind)
    if prefix and item.get("id") is not None and not str(item["id"]).startswith(prefix):
        words = f"Invalid '{path}.id': '{item['id']}'. Expected an ID that begins with '{prefix}'."
        yield Refusal(words, f"{path}.id", "invalid_value")
    if kind == "message":
        yield from _about_message(item, path, flavour)
    elif kind in ANSWERED_BY or kind in ANSWERED_BY.values():
        yield from _about_call(item, kind, path)


def _about_message(item: Json, path: str, flavour: Flavour) -> Iterator[Refusal]:
    role, content = item.get("role"), item.get("content")
    if role not in _ROLES:
        yield wrong_value(f"{path}.role", role, _ROLES)
    if not isinstance(content, str | list):
        yield wrong_type(f"{path}.content", "one of a string or array of objects", content)
        return
    kinds = _PARTS_OF.get(str(role), _INPUT_PARTS)
    for at, part in enumerate(content if isinstance(content, list) else ()):
        where = f"{path}.content[{at}]"
        if part.get("type") not in kinds:
            yield wrong_value(f"{where}.type", part.get("type"), kinds)
        elif flavour.strict:
            yield from field_refusals(part, _PART[part["type"]], where)


def _about_call(item: Json, kind: str, path: str) -> Iterator[Refusal]:
    ident = item.get("call_id")
    if ident is None and "tool_search" not in kind and kind != "local_shell_call_output":
        yield missing(f"{path}.call_id")
    if isinstance(ident, str) and len(ident) > _LONGEST_ID:
        yield too_long(f"{path}.call_id", ident, _LONGEST_ID)
    text = {"function_call": "arguments", "custom_tool_call": "input"}.get(kind)
    if text and not isinstance(item.get(text), str):
        yield wrong_type(f"{path}.{text}", "a string", item.get(text))
    if text and not item.get("name"):
        yield missing(f"{path}.name")
    if kind in ("function_call_output", "custom_tool_call_output") and not isinstance(item.get("output"), str | list):
        yield wrong_type(f"{path}.output", "one of a string or array of objects", item.get("output"))


def _about_tools(body: Json, items: Sequence[Json], flavour: Flavour) -> Iterator[Refusal]:
    for at, tool in enumerate(body.get("tools") or ()):
        yield from _about_tool(tool, f"tools[{at}]", flavour)
    choice = body.get("tool_choice")
    if isinstance(choice, str) and choice not in ("none", "auto", "required"):
        yield wrong_value("tool_choice", choice, ("none", "auto", "required"))
    named = None
    if isinstance(choice, dict):
        named = choice.get("name") if choice.get("type") in ("function", "custom") else None
        if choice.get("type") in ("function", "custom") and named is None:
            yield missing("tool_choice.name")
    yield from choice_refusals(body, offered_by(tools_of(body, items)), named)


def _about_tool(tool: Json, path: str, flavour: Flavour) -> Iterator[Refusal]:
    kind = tool.get("type")
    if kind is None:
        yield missing(f"{path}.type")
    elif kind not in _TOOLS:
        yield wrong_value(f"{path}.type", kind, tuple(_TOOLS))
    if kind in ("function", "custom", "namespace"):
        yield from name_refusals(tool, path)
    if flavour.strict and kind in ("function", "custom"):
        yield from field_refusals(tool, _FUNCTION if kind == "function" else _CUSTOM, path)
    if kind == "function":
        where = f"{path}.parameters"
        strict = tool.get("strict") is True
        yield from schema_refusals(tool["name"], tool.get("parameters"), strict=strict, path=where)
    if kind == "namespace":
        for at, inner in enumerate(tool.get("tools") or ()):
            yield from _about_tool(inner, f"{path}.tools[{at}]", flavour)


def _about_pairs(items: Sequence[Json]) -> Iterator[Refusal]:
    """Every call of the client's tools has its result behind it, every result a call of its kind before it."""
    open_calls: dict[tuple[str, str], str] = {}
    for item in items:
        kind, ident = item_type(item), str(item.get("call_id") or item.get("id"))
        if kind in ANSWERED_BY:
            open_calls[ANSWERED_BY[kind], ident] = kind
        elif kind in ANSWERED_BY.values() and open_calls.pop((kind, ident), None) is None:
            asked = next(call for call, result in ANSWERED_BY.items() if result == kind)
            words = f"No tool call found for {_SPOKEN[asked]} output with call_id {ident}."
            if item.get("execution") != "server":
                yield Refusal(words, "input")
    for (_, ident), kind in open_calls.items():
        yield Refusal(f"No tool output found for {_SPOKEN[kind]} {ident}.", "input")


def _about_reasoning(items: Sequence[Json], account: str) -> Iterator[Refusal]:
    """Reasoning comes back as it was, with what it led to behind it, and that not without it."""
    thoughts: set[str] = set()
    for at, item in enumerate(items):
        ident = str(item.get("id"))
        if item_type(item) == "reasoning":
            sealed = item.get("encrypted_content")
            why = flaw(str(sealed), account) if sealed else None
            if sealed and why:
                yield not_verified(str(sealed), why)
            thoughts.add(ident)
            if at + 1 == len(items) or not made_by_the_model(items[at + 1]):
                words = f"Item '{ident}' of type 'reasoning' was provided without its required following item."
                yield Refusal(words, "input")
        led_to = _THOUGHT.fullmatch(ident)
        if led_to and f"rs_{led_to[1]}" not in thoughts:
            words = f"was provided without its required 'reasoning' item: 'rs_{led_to[1]}'."
            yield Refusal(f"Item '{ident}' of type '{item_type(item)}' {words}", "input")


def _about_limits(body: Json) -> Iterator[Refusal]:
    reasoning = body.get("reasoning") or {}
    yield from model_refusals(body, reasoning.get("effort"), "reasoning.effort")
    if "reasoning.encrypted_content" in (body.get("include") or ()) and not reasons(body["model"]):
        yield Refusal("Encrypted content is not supported with this model.", "include")
    most = body.get("max_output_tokens")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool)):
        yield wrong_type("max_output_tokens", "an integer", most)
    elif most is not None and most < _LEAST_OUTPUT:
        words = f"integer below minimum value. Expected a value >= {_LEAST_OUTPUT}, but got {most} instead."
        yield Refusal(f"Invalid 'max_output_tokens': {words}", "max_output_tokens", "integer_below_min_value")
