"""Values → a request of this dialect, its keys always in the same order. Usage is always asked of a stream.

>>> encode_request(Request("m", stream=True))[0]
b'{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}'
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from msgspec.structs import replace

from synrouter_cli.wire.codecs.chat.fields import Object, dump
from synrouter_cli.wire.codecs.chat.leaving import Leaving, Target
from synrouter_cli.wire.codecs.chat.messages_out import messages_out, with_system_first
from synrouter_cli.wire.codecs.chat.settings import format_out, is_openais, limit_name, reasoning_out
from synrouter_cli.wire.codecs.chat.tools import choice_out, tool_out
from synrouter_cli.wire.codecs.pairing import paired, shortened
from synrouter_cli.wire.codecs.sampling import sampled, stop_loss
from synrouter_cli.wire.codecs.strict import fitting
from synrouter_cli.wire.ir import Loss, Request
from synrouter_cli.wire.losses import field as field_loss

__all__ = ["encode_request"]

_SHARED: Final = frozenset({"prompt_cache_options", "prompt_cache_retention", "top_logprobs", "moderation"})
"""Fields that Responses has too, and means the same by."""
_TIERS: Final = {"standard_only": "default"}
_USUAL_TIERS: Final = ("auto", "default")
_KNOWN_TIERS: Final = frozenset("auto default flex scale priority fast".split())
_LONGEST_ID: Final = 64
"""Characters of a user's id; Claude Code's is longer (OpenAI, "Create chat completion")."""
_MOST_STOPS: Final = 4
_LONGEST_CALL: Final = 40
"""Characters of a call's id."""
_PLAIN: Final = Target()


def encode_request(request: Request, target: Target = _PLAIN) -> tuple[bytes, tuple[Loss, ...]]:
    """The body, and what of the request it has no place for. `target` says what the server takes."""
    foreign, openais = request.dialect not in (None, "chat"), is_openais(request.model)
    files = not foreign or (request.dialect == "responses" and openais)
    leaving = Leaving(target, foreign=foreign, plain=not openais, files=files)
    body: Object = {"model": request.model}
    request = _fitting(request, leaving)
    body["messages"] = messages_out(request, leaving)
    _put_tools(body, request, leaving)
    _put_limits(body, request, leaving)
    _put_stream(body, request)
    _put_shape(body, request, leaving)
    _put_names(body, request, leaving)
    extras = leaving.extras(request.extras, "", () if leaving.plain else _SHARED)
    options = extras.pop("stream_options", None)
    if options and request.stream:
        body["stream_options"] = {**body["stream_options"], **options}
    if leaving.foreign:
        _fit_cache_options(extras, leaving)
    body |= leaving.marker(request.cache, "cache_control") | extras
    return dump(body), tuple(leaving.losses)


def _fitting(request: Request, leaving: Leaving) -> Request:
    """The request with its conversation as servers of this dialect want it."""
    if not leaving.foreign:
        return request
    request = replace(fitting(request, leaving.losses), messages=paired(request.messages, _call_id))
    return with_system_first(request, leaving) if leaving.plain else request


def _fit_cache_options(extras: Object, leaving: Leaving) -> None:
    """Responses knows more of them than this dialect, and longer lifetimes, where this one has 30 minutes alone."""
    options = extras.get("prompt_cache_options")
    if not isinstance(options, dict):
        return
    fits = {key: one for key, one in options.items() if key == "mode" or (key == "ttl" and one in (None, "30m"))}
    if fits != options:
        extras["prompt_cache_options"] = fits
        leaving.losses += [field_loss(key, f"prompt_cache_options.{key}") for key in options if key not in fits]


def _call_id(called: str) -> str:
    return shortened(called, _LONGEST_CALL)


def _put(body: Object, **fields: Any) -> None:
    for name, value in fields.items():
        if value is not None:
            body[name] = value


def _put_tools(body: Object, request: Request, leaving: Leaving) -> None:
    found = [tool_out(tool, f"tools.{i}", leaving) for i, tool in enumerate(request.tools)]
    tools = [tool for tool in found if tool is not None]
    if not tools:
        return  # a choice among none is refused
    body["tools"] = tools
    if request.tool_choice is not None:
        _put(body, tool_choice=choice_out(request.tool_choice, request, leaving))
    _put(body, parallel_tool_calls=request.parallel)


def _put_limits(body: Object, request: Request, leaving: Leaving) -> None:
    name = leaving.target.max_tokens or limit_name(request.model)
    _put(body, **{name: request.max_tokens})
    if request.top_k is not None:
        if leaving.foreign:
            leaving.lose("top_k", "top_k")
        else:
            body["top_k"] = request.top_k
    if not leaving.foreign:
        _put(body, temperature=request.temperature, top_p=request.top_p, stop=list(request.stop) or None)
        return
    fields, losses = sampled(request)
    leaving.losses += losses
    if len(fields.get("stop", ())) > _MOST_STOPS and not leaving.plain:
        fields["stop"] = fields["stop"][:_MOST_STOPS]
        leaving.losses.append(stop_loss(request))
    body.update(fields)


def _put_stream(body: Object, request: Request) -> None:
    _put(body, stream=request.stream)
    if request.stream:
        body["stream_options"] = {"include_usage": True}


def _put_shape(body: Object, request: Request, leaving: Leaving) -> None:
    if request.reasoning is not None:
        body |= reasoning_out(request.reasoning, leaving)
    if request.format is not None:
        body["response_format"] = format_out(request.format)
    _put(body, verbosity=_kept(request.verbosity, "verbosity", leaving))


def _put_names(body: Object, request: Request, leaving: Leaving) -> None:
    key = request.cache_key if leaving.target.cache_key else _kept(request.cache_key, "cache_key", leaving)
    _put(body, prompt_cache_key=key, user=_user(request.user))
    store = None if leaving.plain and not request.store else _kept(request.store, "store", leaving)
    if request.metadata and leaving.foreign and not store:  # which is taken of what is stored only
        leaving.lose("metadata", "metadata")
    elif request.metadata:
        body["metadata"] = dict(request.metadata)
    _put(body, service_tier=_tier(request.service_tier, leaving), store=store)
    if request.previous is not None:
        leaving.lose("previous", "previous_response_id")


def _kept(value: Any, code: str, leaving: Leaving) -> Any:
    """A field of OpenAI's own servers; others may refuse it, so there it is lost."""
    if value is None or not leaving.plain:
        return value
    leaving.lose(code, code)
    return None


def _tier(tier: str | None, leaving: Leaving) -> str | None:
    if tier is None or not leaving.foreign:
        return tier
    tier = _TIERS.get(tier, tier)
    if tier in _KNOWN_TIERS and not leaving.plain:
        return tier
    if tier not in _USUAL_TIERS:
        leaving.lose("service_tier", "service_tier")
    return None


def _user(user: str | None) -> str | None:
    """An id that fits; a longer one is told by its digest, which is the same from turn to turn."""
    if user is None or len(user) <= _LONGEST_ID:
        return user
    return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
