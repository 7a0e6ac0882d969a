"""`Request` → a request to the Messages API, keys in the order in which clients send them, the same bytes every time.

>>> from synrouter_cli.wire.ir import Message, Text
>>> body, losses = encode_request(Request("claude-opus-5", messages=(Message("user", (Text("hi"),), bare=True),)))
>>> body
b'{"model":"claude-opus-5","messages":[{"role":"user","content":"hi"}],"max_tokens":128000}'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from synrouter_cli.wire.codecs.anthropic.blocks_out import Writer, marker, written
from synrouter_cli.wire.codecs.anthropic.models import Takes, takes
from synrouter_cli.wire.codecs.anthropic.schemas import closed
from synrouter_cli.wire.codecs.anthropic.thought import thought
from synrouter_cli.wire.codecs.anthropic.tools_out import is_forced, tool_fields
from synrouter_cli.wire.codecs.anthropic.turns import leading, turns
from synrouter_cli.wire.codecs.pairing import paired, plain_id
from synrouter_cli.wire.ir import Format, Loss, Request
from synrouter_cli.wire.losses import field

__all__ = ["encode_request"]

Json = dict[str, Any]
_KNOWN: Final = frozenset(
    "billing_policy compaction container context_management diagnostics fallbacks inference_geo mcp_servers speed"
    " thread user_profile_id".split()
)
"""Fields of this API that a client may add to another dialect's request."""
_PARTS: Final = frozenset(["thinking", "output_config", "metadata", "tool_choice"])
"""Fields whose rest, new to us, is written with the field itself."""
_TIERS: Final = {"auto": "auto", "standard_only": "standard_only", "default": "standard_only", "priority": "auto"}
_JSON_ONLY: Final = "Answer with one JSON object and nothing else: no words around it, no code fence."
_MUST_CALL: Final = "<system>\nAnswer by calling {}.\n</system>"


def encode_request(request: Request, default_max_tokens: int | None = None) -> tuple[bytes, tuple[Loss, ...]]:
    """The body and what was lost. `default_max_tokens` stands for `max_tokens` where the request has none; without it
    it is the model's longest answer."""
    to = Writer(own=request.dialect == "anthropic")
    model = takes(request.model)
    most = request.max_tokens if request.max_tokens is not None else default_max_tokens or model.output_tokens
    messages = _messages(request, to, model)
    thinking, effort = thought(request, model, most, messages)
    body: Json = {
        "model": request.model,
        "messages": messages,
        "system": _system(request, to),
        **tool_fields(request, to, forced=model.forced_tools),
        "metadata": _metadata(request, to),
        "max_tokens": most,
        "thinking": thinking,
        "output_config": _output(request, effort, to),
        **_sampling(request, to, model, thinking),
        "stop_sequences": _stop(request, to),
        "service_tier": _tier(request, to),
        "cache_control": None if request.cache is None else marker(request.cache),
        **_rest(request, to),
        "stream": request.stream,
    }
    _without_place(request, to)
    return written({name: value for name, value in body.items() if value is not None}), tuple(to.losses)


def _messages(request: Request, to: Writer, model: Takes) -> list[Json]:
    messages = request.messages if to.own else paired(request.messages, plain_id)
    out = turns(messages, to, system_entries=model.system_entries)
    if is_forced(request) and not model.forced_tools and not to.own:
        name = request.tool_choice.name if request.tool_choice is not None else None
        words = _MUST_CALL.format(f"the tool {name}" if name else "one of the tools")
        if out[-1]["role"] == "system":  # nothing but an answer may follow it
            told = out[-1]["content"]
            before = [{"type": "text", "text": told}] if isinstance(told, str) else told
            out[-1] = {**out[-1], "content": [*before, {"type": "text", "text": words}]}
        else:
            out.append({"role": "user", "content": words})
    if out and out[-1]["role"] == "assistant" and not to.own:
        out[-1] = _trimmed(out[-1])
    return out


def _trimmed(begun: Json) -> Json:
    """An answer that is to be gone on with: white space at its end is refused."""
    content = begun["content"]
    if isinstance(content, str):
        return {**begun, "content": content.rstrip()}
    last = content[-1] if content else {}
    if last.get("type") != "text":
        return begun
    return {**begun, "content": [*content[:-1], {**last, "text": last["text"].rstrip()}]}


def _system(request: Request, to: Writer) -> str | list[Json] | None:
    """The top level's own texts, the messages before the first turn, and what the answer's form asks for."""
    first = () if to.own else request.messages[: leading(request.messages)]
    only_json = request.format is not None and request.format.kind != "text" and not _is_schema(request.format)
    if request.system_bare and len(request.system) == 1 and not first and not only_json:
        return request.system[0].text
    out = to.blocks(request.system, "system")
    for i, message in enumerate(first):
        out += to.blocks(message.blocks, f"messages.{i}.content")
        if message.name is not None:
            to.lose("message_name", f"messages.{i}.name")
        if message.cache is not None and out:
            out[-1].setdefault("cache_control", marker(message.cache))
    if only_json:
        out.append({"type": "text", "text": _JSON_ONLY})
    return out or None


def _metadata(request: Request, to: Writer) -> Json | None:
    if request.metadata:
        to.lose("metadata", "metadata")
    out: Json = {} if request.user is None else {"user_id": request.user}
    rest = request.extras.get("metadata")
    return {**out, **(rest if to.own and isinstance(rest, Mapping) else {})} or None


def _output(request: Request, effort: str | None, to: Writer) -> Json | None:
    out: Json = {} if effort is None else {"effort": effort}
    if request.format is not None and _is_schema(request.format):
        schema = request.format.schema
        out["format"] = {"type": "json_schema", "schema": schema if to.own else closed(schema)}
    rest = request.extras.get("output_config")
    return {**out, **(rest if isinstance(rest, Mapping) else {})} or None


def _is_schema(form: Format) -> bool:
    """Whether the API can be told; a schema that says nothing is any JSON."""
    return form.kind == "schema" and isinstance(form.schema, Mapping)


def _sampling(request: Request, to: Writer, model: Takes, thinking: Json | None) -> Json:
    """temperature, top_p, top_k, as far as they are taken: by newer models not at all, and not beside thinking."""
    said = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    said = {name: value for name, value in said.items() if value is not None}
    if to.own:
        return said
    if request.temperature is not None and request.temperature > 1:
        to.lose("temperature", "temperature")
        said["temperature"] = 1
    thinks = thinking is not None and thinking["type"] != "disabled"
    refused = set(said) if thinks or not model.sampling else set()
    if model.one_sampler and {"temperature", "top_p"} <= said.keys():
        refused.add("top_p")
    for name in sorted(refused & said.keys()):
        if said[name] != 1 or name == "top_k":  # 1 is what they are anyway
            to.lose("sampling", name)
    return {name: value for name, value in said.items() if name not in refused}


def _stop(request: Request, to: Writer) -> list[str] | None:
    kept = [one for one in request.stop if to.own or one.strip()]
    if len(kept) < len(request.stop):
        to.lose("stop", "stop")
    return kept or None


def _tier(request: Request, to: Writer) -> str | None:
    tier = request.service_tier
    if tier is None or to.own or tier in _TIERS:
        return tier if tier is None or to.own else _TIERS[tier]
    to.lose("service_tier", "service_tier")
    return None


def _rest(request: Request, to: Writer) -> Json:
    """Fields that no value has a place for: all of this dialect's, of another's those that this one knows."""
    out: Json = {}
    for name, value in request.extras.items():
        if name in _PARTS:
            if not to.own and name not in ("thinking", "output_config"):
                to.losses.append(field(name))
        elif to.own or (name in _KNOWN and (name != "context_management" or isinstance(value, Mapping))):
            out[name] = value
        else:
            to.losses.append(field(name))
    return out


def _without_place(request: Request, to: Writer) -> None:
    lost = {
        "verbosity": request.verbosity is not None,
        "cache_key": request.cache_key is not None,
        "store": bool(request.store),
        "previous": request.previous is not None,
    }
    for code, is_lost in lost.items():
        if is_lost:
            to.lose(code, code)
