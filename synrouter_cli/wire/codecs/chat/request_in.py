"""A request of this dialect → values.

>>> request, losses = decode_request(b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stop":"END","seed":7}')
>>> request.stop, request.extras, losses
(('END',), {'seed': 7}, ())
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from synrouter_cli.wire.codecs.chat.fields import (
    UNREADABLE,
    Object,
    cache_in,
    checked,
    listed,
    load,
    mapping,
    refused,
    rest,
    text,
)
from synrouter_cli.wire.codecs.chat.messages_in import messages_in
from synrouter_cli.wire.codecs.chat.settings import REASONING_FIELDS, format_in, reasoning_in
from synrouter_cli.wire.codecs.chat.tools import choice_in, function_in, tool_in
from synrouter_cli.wire.codecs.remembered import Remembered
from synrouter_cli.wire.codecs.splitting import splitter
from synrouter_cli.wire.ir import Loss, Request, Tool

__all__ = ["decode_request"]

_KNOWN: Final = frozenset(
    (
        *("model", "messages", "tools", "functions", "tool_choice", "function_call", "parallel_tool_calls", "n"),
        *("max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "stop", "stream", "stream_options"),
        *(*REASONING_FIELDS, "response_format", "verbosity", "cache_control", "prompt_cache_key"),
        *("user", "safety_identifier", "metadata", "service_tier", "store"),
    )
)
_split: Final = splitter(
    dict.fromkeys(sorted(_KNOWN), Any) | dict.fromkeys(("messages", "tools"), list[msgspec.Raw] | None)
)
_TOOLS: Final = Remembered(lambda piece, path: tool_in(load(piece), path), tool_in)


def decode_request(body: bytes) -> tuple[Request, tuple[Loss, ...]]:
    """The request; nothing is lost on the way in. Raises InvalidRequest, which says where and what."""
    value = _taken_apart(body)
    if (checked(value, "n", int) or 1) != 1:
        raise refused("n", "a model of another dialect gives one answer to a request, ask several times")
    system, messages = messages_in(listed(value.get("messages"), "messages"))
    limit = checked(value, "max_completion_tokens", int)
    options = mapping(value.get("stream_options") or {}, "stream_options")
    extras = rest(value, _KNOWN)
    if more := rest(options, {"include_usage"}):
        extras["stream_options"] = more
    legacy = "functions" in value  # which know one call at a time
    choice = value.get("tool_choice", value.get("function_call"))
    form = value.get("response_format")
    request = Request(
        text(value, "model", ""),
        system.texts,
        system.bare,
        messages,
        _tools(value),
        None if choice is None else choice_in(choice),
        False if legacy else checked(value, "parallel_tool_calls", bool),
        checked(value, "max_tokens", int) if limit is None else limit,
        _number(value, "temperature"),
        _number(value, "top_p"),
        checked(value, "top_k", int),
        _stop(value.get("stop")),
        checked(value, "stream", bool),
        checked(options, "include_usage", bool, "stream_options"),
        reasoning_in(value),
        None if form is None else format_in(form),
        checked(value, "verbosity", str),
        cache_in(value, ""),
        checked(value, "prompt_cache_key", str),
        checked(value, "user", str) or checked(value, "safety_identifier", str),
        checked(value, "metadata", dict) or {},
        checked(value, "service_tier", str),
        checked(value, "store", bool),
        extras=extras,
        dialect="chat",
        legacy=legacy,
    )
    return request, ()


def _taken_apart(body: bytes) -> Object:
    try:
        return _split(body)
    except UNREADABLE:
        return mapping(load(body), "body")


def _tools(value: Object) -> tuple[Tool, ...]:
    tools = _TOOLS.each(checked(value, "tools", list) or (), "tools")
    for i, one in enumerate(checked(value, "functions", list) or ()):
        tools.append(function_in(mapping(one, f"functions.{i}"), f"functions.{i}"))
    return tuple(tools)


def _number(value: Object, key: str) -> float | None:
    found = value.get(key)
    if found is None or (isinstance(found, int | float) and not isinstance(found, bool)):
        return found
    raise refused(key, "a number is needed here")


def _stop(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else listed(value, "stop") if value is not None else []
    if not all(isinstance(one, str) for one in stops):
        raise refused("stop", "a string or a list of strings is needed here")
    return tuple(stops)
