"""A request's body → `Request`. What is held nowhere (an earlier answer, a stored prompt) is refused with the way out.

>>> request, losses = decode_request(b'{"model": "gpt-6", "input": "hi", "instructions": "Be brief."}')
>>> request.messages[0].blocks[0].text, request.system[0].text, losses
('hi', 'Be brief.', ())
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from synrouter_cli.wire.codecs.responses.choices import read_choice
from synrouter_cli.wire.codecs.responses.items_in import NOTHING_HELD, Turns, known_once
from synrouter_cli.wire.codecs.responses.reading import (
    UNREADABLE,
    a_list,
    load,
    maybe_count,
    maybe_flag,
    maybe_number,
    maybe_object,
    maybe_text,
    refused,
    rest,
    text,
)
from synrouter_cli.wire.codecs.responses.tools import read_own
from synrouter_cli.wire.codecs.splitting import splitter
from synrouter_cli.wire.ir import Extras, Format, Loss, Message, Reasoning, Request, Text

Json = dict[str, Any]

ENCRYPTED: Final = "reasoning.encrypted_content"
_TIERS: Final = {"default": "standard_only"}
_HELD: Final = ("previous_response_id", "conversation", "prompt")
_REASONING: Final = frozenset({"effort", "summary", "generate_summary"})
_TEXT: Final = frozenset({"format", "verbosity"})
_KNOWN: Final = frozenset(
    "model input instructions tools tool_choice parallel_tool_calls max_output_tokens temperature top_p stream"
    " reasoning include text prompt_cache_key safety_identifier user metadata service_tier store".split()
)
_SETTINGS: Final = frozenset({*_KNOWN, *_HELD})
_FIELDS: Final[dict[str, Any]] = {
    **dict.fromkeys(sorted({*_SETTINGS, "client_metadata"}), Any),
    "input": list[msgspec.Raw] | str | None,
    "tools": list[msgspec.Raw] | None,
}
_split: Final = splitter(_FIELDS)


def decode_request(body: bytes) -> tuple[Request, tuple[Loss, ...]]:
    """What a request says; InvalidRequest says where it is none."""
    source = _taken_apart(body)
    for key in _HELD:
        if source.get(key) is not None:
            raise refused(key, NOTHING_HELD.format(what=f"a {key}"))
    extras = {key: one for key, one in rest(source, _SETTINGS).items() if one is not None}
    turns = Turns()
    messages = _read_input(source, turns)
    own = read_own(source["tools"], "tools") if source.get("tools") is not None else []
    tools = known_once([*own, *turns.tools])
    choice = source.get("tool_choice")
    instructions = maybe_text(source, "instructions", "")
    text_extras, verbosity, form = _read_text(source)
    user, extras = _read_user(source, extras)
    request = Request(
        model=text(source, "model", ""),
        system=() if instructions is None else (Text(instructions),),
        system_bare=instructions is not None,
        messages=messages,
        tools=tools,
        tool_choice=None if choice is None else read_choice(choice, tools, "tool_choice"),
        parallel=maybe_flag(source, "parallel_tool_calls", ""),
        max_tokens=maybe_count(source, "max_output_tokens", ""),
        temperature=maybe_number(source, "temperature", ""),
        top_p=maybe_number(source, "top_p", ""),
        stream=maybe_flag(source, "stream", ""),
        reasoning=_read_reasoning(source, extras),
        format=form,
        verbosity=verbosity,
        cache_key=maybe_text(source, "prompt_cache_key", ""),
        user=user,
        metadata=maybe_object(source, "metadata", ""),
        service_tier=_tier(maybe_text(source, "service_tier", "")),
        store=maybe_flag(source, "store", ""),
        extras={**extras, **text_extras},
        dialect="responses",
    )
    return request, ()


def _taken_apart(body: bytes) -> Json:
    try:
        return _split(body)
    except UNREADABLE:
        return load(body)


def _read_input(source: Json, turns: Turns) -> tuple[Message, ...]:
    given = source.get("input")
    if isinstance(given, str):
        return (Message("user", (Text(given),), bare=True, item={"input": True}),)
    if given is None:
        raise refused("input", "a string or a list is needed here")
    turns.read_all(a_list(given, "input"))
    return tuple(turns.messages)


def _read_text(source: Json) -> tuple[Json, str | None, Format | None]:
    """What is left of `text`, the verbosity, the format."""
    said = maybe_object(source, "text", "")
    left = rest(said, _TEXT)
    verbosity = maybe_text(said, "verbosity", "text")
    form = maybe_object(said, "format", "text")
    return ({"text": left} if left else {}), verbosity, _read_format(form) if form else None


def _read_format(form: Json) -> Format:
    kind = text(form, "type", "text.format")
    if kind == "json_schema":
        schema = maybe_object(form, "schema", "text.format")
        name, described = (maybe_text(form, key, "text.format") for key in ("name", "description"))
        return Format("schema", name, schema, maybe_flag(form, "strict", "text.format"), described)
    if kind not in ("json_object", "text"):
        raise refused("text.format.type", "this is none of text, json_object and json_schema")
    return Format("json" if kind == "json_object" else "text")


def _read_reasoning(source: Json, extras: Json) -> Reasoning | None:
    """Effort and summary; what else is said of reasoning and what else is to be included stays in `extras`."""
    said = maybe_object(source, "reasoning", "")
    include = a_list(source["include"], "include") if source.get("include") is not None else []
    encrypted = ENCRYPTED in include
    others = [one for one in include if one != ENCRYPTED]
    if others:
        extras["include"] = others
    left = rest(said, _REASONING)
    if left:
        extras["reasoning"] = left
    if not said and not encrypted:
        return None
    summary = maybe_text(said, "summary", "reasoning") or maybe_text(said, "generate_summary", "reasoning")
    return Reasoning(effort=maybe_text(said, "effort", "reasoning"), summary=summary, encrypted=encrypted)


def _read_user(source: Json, extras: Json) -> tuple[str | None, Json]:
    """Who asks: the identifier that is meant for it, else the older `user`."""
    person, older = maybe_text(source, "safety_identifier", ""), maybe_text(source, "user", "")
    if older is not None and person is not None:
        extras = {**extras, "user": older}
    return person if person is not None else older, extras


def _tier(name: str | None) -> str | None:
    return _TIERS.get(name, name) if name is not None else None


def extra(extras: Extras, key: str) -> Mapping[str, Any]:
    value = extras.get(key)
    return value if isinstance(value, Mapping) else {}
