"""What Chat Completions refuses about a request, in its own words (developers.openai.com, API reference).

Not all that it checks: what a proxy that translates or edits bodies could get wrong. Fields that the reference does not
have are refused where the provider is `strict`.

>>> from synrouter_cli.demo.openai.flavours import FLAVOURS
>>> asked = {"model": "gpt-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
>>> next(chat_refusals(asked, FLAVOURS["openai"])).code
'unsupported_parameter'
>>> list(chat_refusals(asked, FLAVOURS["local"]))
[]
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from synrouter_cli.demo.openai.caching import MOST_MARKS
from synrouter_cli.demo.openai.common_checks import common_refusals, field_refusals, model_refusals, required
from synrouter_cli.demo.openai.errors import Refusal, missing, too_long, wrong_type, wrong_value
from synrouter_cli.demo.openai.flavours import Flavour, reasons
from synrouter_cli.demo.openai.output import THOUGHT
from synrouter_cli.demo.openai.tools import choice_refusals, name_refusals, schema_refusals
from synrouter_cli.demo.openai.turns import offered_by

__all__ = ["chat_refusals"]

Json = Mapping[str, Any]

_FIELDS: Final = frozenset(
    "messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens"
    " max_tokens metadata modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key"
    " prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier"
    " stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity"
    " web_search_options".split()
)
_MESSAGE: Final[Mapping[str, frozenset[str]]] = {
    "developer": frozenset({"role", "content", "name"}),
    "system": frozenset({"role", "content", "name"}),
    "user": frozenset({"role", "content", "name"}),
    "assistant": frozenset(
        {"role", "content", "name", "refusal", "tool_calls", "audio", "function_call", "annotations"}
    ),
    "tool": frozenset({"role", "content", "tool_call_id"}),
    "function": frozenset({"role", "content", "name"}),
}
_PART: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset({"type", field, "prompt_cache_breakpoint"})
    for name, field in {
        "text": "text",
        "image_url": "image_url",
        "input_audio": "input_audio",
        "file": "file",
        "refusal": "refusal",
    }.items()
}
_PARTS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
}
_FUNCTION: Final = frozenset({"name", "description", "parameters", "strict"})
_CUSTOM: Final = frozenset({"name", "description", "format"})
_LONGEST_ID: Final = 40
_LONGEST_SESSION: Final = 256
_MOST_STOPS: Final = 4
_RESULT_WITHOUT_CALL: Final = (
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
)
_CALL_WITHOUT_RESULT: Final = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
    "The following tool_call_ids did not have response messages: {}"
)


def chat_refusals(body: Json, flavour: Flavour) -> Iterator[Refusal]:
    """Everything that is wrong, the first first."""
    if flavour.strict:
        yield from _unknown_fields(body)
    yield from required(body, "model", "messages")
    if not isinstance(body["messages"], list):
        yield wrong_type("messages", "an array of objects", body["messages"])
    if not body["messages"]:
        words = "empty array. Expected an array with minimum length 1, but got an empty array instead."
        yield Refusal(f"Invalid 'messages': {words}", "messages", "empty_array")
    yield from common_refusals(body, flavour)
    for at, message in enumerate(body["messages"]):
        yield from _about_message(message, f"messages[{at}]", flavour)
    yield from _about_tools(body, flavour)
    yield from _about_pairs(body["messages"])
    if flavour.strict:
        yield from _about_limits(body)
    if flavour.name == "deepseek":
        yield from _about_thoughts(body)
    session = body.get("session_id")
    if flavour.shard == "session" and isinstance(session, str) and len(session) > _LONGEST_SESSION:
        yield too_long("session_id", session, _LONGEST_SESSION)
    if flavour.marks and str(body).count("'cache_control':") > MOST_MARKS and "claude" in body["model"]:
        yield Refusal(f"A maximum of {MOST_MARKS} blocks with cache_control may be provided.")


def _unknown_fields(body: Json) -> Iterator[Refusal]:
    more = [name for name in body if name not in _FIELDS]
    if more:
        plural = "s" if len(more) > 1 else ""
        yield Refusal(f"Unrecognized request argument{plural} supplied: {', '.join(sorted(more))}")


def _about_message(message: Any, path: str, flavour: Flavour) -> Iterator[Refusal]:
    if not isinstance(message, dict):
        yield wrong_type(path, "an object", message)
        return
    role = str(message.get("role"))
    if "role" not in message:
        yield missing(f"{path}.role")
    if role not in _MESSAGE:
        yield wrong_value(
            f"{path}.role", message.get("role"), ("system", "assistant", "user", "function", "tool", "developer")
        )
        return
    if flavour.strict:
        yield from field_refusals(message, _MESSAGE[role], path)
    content, calls = message.get("content"), message.get("tool_calls")
    if not isinstance(content, str | list) and not (role == "assistant" and (calls or message.get("refusal"))):
        yield wrong_type(f"{path}.content", "one of a string or array of objects", content)
    for at, part in enumerate(content if isinstance(content, list) else ()):
        yield from _about_part(part, f"{path}.content[{at}]", role, flavour)
    if role == "tool" and "tool_call_id" not in message:
        yield missing(f"{path}.tool_call_id")
    for at, call in enumerate(calls or ()):
        yield from _about_call(call, f"{path}.tool_calls[{at}]", flavour)


def _about_part(part: Json, path: str, role: str, flavour: Flavour) -> Iterator[Refusal]:
    kind = part.get("type")
    kinds = _PARTS_OF.get(role, ("text",))
    if kind not in kinds:
        yield wrong_value(f"{path}.type", kind, kinds)
        return
    if flavour.strict:
        yield from field_refusals(part, _PART[str(kind)], path)
    if kind not in part:
        yield missing(f"{path}.{kind}")
    elif kind == "image_url" and not isinstance(part["image_url"], dict):
        yield wrong_type(f"{path}.image_url", "an object", part["image_url"])


def _about_call(call: Json, path: str, flavour: Flavour) -> Iterator[Refusal]:
    kind = str(call.get("type", ""))
    if kind not in ("function", "custom"):
        yield wrong_value(f"{path}.type", call.get("type"), ("function", "custom"))
        return
    if flavour.strict:
        yield from field_refusals(call, frozenset({"id", "type", kind}), path)
    if not isinstance(call.get("id"), str):
        yield missing(f"{path}.id")
    elif flavour.strict and len(call["id"]) > _LONGEST_ID:
        yield too_long(f"{path}.id", call["id"], _LONGEST_ID)
    field = "input" if kind == "custom" else "arguments"
    inner = call.get(kind) or {}
    if "name" not in inner:
        yield missing(f"{path}.{kind}.name")
    if not isinstance(inner.get(field), str):
        yield wrong_type(f"{path}.{kind}.{field}", "a string", inner.get(field))


def _about_tools(body: Json, flavour: Flavour) -> Iterator[Refusal]:
    tools = body.get("tools") or []
    for at, tool in enumerate(tools):
        path, kind = f"tools[{at}]", str(tool.get("type"))
        kinds = ("function", "custom") if flavour.strict else ("function",)  # others than OpenAI have no custom tools
        if kind not in kinds:
            yield wrong_value(f"{path}.type", tool.get("type"), kinds)
        inner = tool.get(kind)
        if not isinstance(inner, dict):
            yield missing(f"{path}.{kind}")
            return
        if flavour.strict:
            yield from field_refusals(tool, frozenset({"type", kind}), path)
            yield from field_refusals(inner, _CUSTOM if kind == "custom" else _FUNCTION, f"{path}.{kind}")
        yield from name_refusals(inner, f"{path}.{kind}")
        strict, where = bool(inner.get("strict")), f"{path}.{kind}.parameters"
        yield from schema_refusals(inner["name"], inner.get("parameters"), strict=strict, path=where)
    choice = body.get("tool_choice")
    named = choice.get(choice.get("type"), {}).get("name") if isinstance(choice, dict) else None
    if isinstance(choice, str) and choice not in ("none", "auto", "required"):
        yield wrong_value("tool_choice", choice, ("none", "auto", "required"))
    if isinstance(choice, dict) and choice.get("type") not in ("function", "custom", "allowed_tools"):
        yield wrong_value("tool_choice.type", choice.get("type"), ("function", "allowed_tools", "custom"))
    yield from choice_refusals(body, offered_by(tools), named)


def _about_pairs(messages: Sequence[Json]) -> Iterator[Refusal]:
    """Every call is answered right behind it, every result answers one."""
    open_calls: list[str] = []
    asked_at = 0
    for at, message in [*enumerate(messages), (len(messages), {"role": ""})]:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                yield Refusal(_RESULT_WITHOUT_CALL, f"messages.[{at}].role")
            else:
                open_calls.remove(message["tool_call_id"])
            continue
        if open_calls:
            words = _CALL_WITHOUT_RESULT.format(", ".join(open_calls))
            yield Refusal(words, f"messages.[{asked_at}].role" if at == len(messages) else f"messages.[{at}].role")
        open_calls, asked_at = [call["id"] for call in message.get("tool_calls") or ()], at


def _about_limits(body: Json) -> Iterator[Refusal]:
    if reasons(body["model"]) and body.get("max_tokens") is not None:
        words = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        yield Refusal(f"Unsupported parameter: {words}", "max_tokens", "unsupported_parameter")
    yield from model_refusals(body, body.get("reasoning_effort"))
    for name in ("max_tokens", "max_completion_tokens"):
        most = body.get(name)
        if most is not None and (not isinstance(most, int) or isinstance(most, bool)):
            yield wrong_type(name, "an integer", most)
        elif most is not None and most < 1:
            words = f"integer below minimum value. Expected a value >= 1, but got {most} instead."
            yield Refusal(f"Invalid '{name}': {words}", name, "integer_below_min_value")
    stops = body.get("stop")
    if isinstance(stops, list) and len(stops) > _MOST_STOPS:
        words = f"array too long. Expected an array with maximum length {_MOST_STOPS}, but got an array with length"
        yield Refusal(f"Invalid 'stop': {words} {len(stops)} instead.", "stop", "array_above_max_length")
    asks_json = (body.get("response_format") or {}).get("type") == "json_object"
    if asks_json and "json" not in json.dumps(body["messages"]).lower():
        words = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        yield Refusal(words, "messages")


def _about_thoughts(body: Json) -> Iterator[Refusal]:
    """DeepSeek wants the thoughts of the running tool loop back (api-docs.deepseek.com, "Thinking mode")."""
    if (body.get("thinking") or {}).get("type") == "disabled":
        return
    typed = max((at for at, message in enumerate(body["messages"]) if message["role"] == "user"), default=0)
    for message in body["messages"][typed:]:
        thought = any(str(call.get("id", ""))[-3:-2] == THOUGHT for call in message.get("tool_calls") or ())
        if thought and not message.get("reasoning_content"):
            yield Refusal("The `reasoning_content` in the thinking mode must be passed back to the API.")
