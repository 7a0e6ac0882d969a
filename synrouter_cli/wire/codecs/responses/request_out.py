"""`Request` → a body, always the same bytes for the same request: keys in the order in which Codex sends them, items
one by one, so that a longer conversation begins with the bytes of a shorter one.

>>> body, losses = encode_request(Request("gpt-6", messages=(Message("user", (Text("hi"),), bare=True),), top_k=5))
>>> body
b'{"model":"gpt-6","input":[{"type":"message","role":"user","content":"hi"}],"store":false}'
>>> losses
(Loss(code='top_k', path='top_k'),)
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from synrouter_cli.wire import losses as told
from synrouter_cli.wire.codecs.efforts import effort_of_budget
from synrouter_cli.wire.codecs.pairing import paired, shortened
from synrouter_cli.wire.codecs.responses.choices import write_choice
from synrouter_cli.wire.codecs.responses.counts import KNOWN_TIERS
from synrouter_cli.wire.codecs.responses.items_in import offered
from synrouter_cli.wire.codecs.responses.items_out import Items
from synrouter_cli.wire.codecs.responses.reading import dump
from synrouter_cli.wire.codecs.responses.request_in import ENCRYPTED, extra
from synrouter_cli.wire.codecs.responses.tools import write_tools
from synrouter_cli.wire.codecs.sampling import sampled, stop_loss
from synrouter_cli.wire.codecs.strict import fitting
from synrouter_cli.wire.ir import Format, Loss, Message, Reasoning, Request, Text, Tool

__all__ = ["encode_request", "write_format"]

Json = dict[str, Any]

FEWEST_TOKENS: Final = 16
"""The least that max_output_tokens may be (OpenAI, "Create a model response")."""
LONGEST_USER: Final = 64
LONGEST_CALL: Final = 64
"""Characters of a call's id."""
_TIERS: Final = {"standard_only": "default"}
_SHARED: Final = frozenset({"prompt_cache_options", "prompt_cache_retention", "top_logprobs", "moderation"})
"""Fields that Chat has too."""
_MERGED: Final = frozenset({"reasoning", "text", "include", "user"})


def encode_request(request: Request) -> tuple[bytes, tuple[Loss, ...]]:
    losses: list[Loss] = []
    ours = request.dialect == "responses"
    request = fitting(request, losses)
    body: Json = {"model": request.model}
    if request.system:
        body["instructions"] = _instructions(request, losses)
    body["input"] = _input(request, losses, ours)
    body |= _tools(request, losses, ours)
    thinking, include = _reasoning(request, ours)
    fields: Json = {
        "parallel_tool_calls": request.parallel,
        "reasoning": thinking,
        "store": request.store if request.store is not None or ours else False,
        "stream": request.stream,
        "include": include,
        "prompt_cache_key": request.cache_key,
        "text": _text(request, ours),
        "max_output_tokens": _tokens(request, losses),
        **_sampling(request, losses, ours),
        "service_tier": _tier(request, losses),
        "metadata": _metadata(request, losses),
        "safety_identifier": _user(request),
    }
    body |= {key: value for key, value in fields.items() if value is not None}
    body |= _extras(request, losses, ours)
    _tell(request, losses)
    return dump(body), tuple(losses)


def _sampling(request: Request, losses: list[Loss], ours: bool) -> Json:
    if ours:
        return {"temperature": request.temperature, "top_p": request.top_p}
    fields, lost = sampled(request)
    losses += [loss for loss in lost if loss.code != "stop_sequences"]  # no model has those here: told below
    return {name: value for name, value in fields.items() if name != "stop"}


def _instructions(request: Request, losses: list[Loss]) -> str:
    for i, block in enumerate(request.system):
        if block.cache is not None:
            losses.append(Loss("cache_marker", f"system.{i}"))
    return "\n\n".join(block.text for block in request.system)


def _input(request: Request, losses: list[Loss], ours: bool) -> str | list[Json]:
    messages = request.messages if ours else paired(request.messages, _call_id)
    if len(messages) == 1 and messages[0].item == {"input": True} and isinstance(messages[0].blocks[0], Text):
        return messages[0].blocks[0].text
    items = Items(request.tools, losses, ours=ours).of(_without_mark(message) for message in messages)
    for about, tools in _brought(request.tools):
        written = {**about, "tools": write_tools(tools, losses, ours)}
        items.insert(written.pop("place"), written)
    return items


def _call_id(called: str) -> str:
    return shortened(called, LONGEST_CALL) or "call"  # an empty one is none here


def _without_mark(message: Message) -> Message:
    if message.item != {"input": True}:
        return message
    return Message(message.role, message.blocks, message.bare)


def _brought(tools: tuple[Tool, ...]) -> list[tuple[Json, list[Tool]]]:
    """The items that brought tools, each with its tools, in their order."""
    found: dict[int, tuple[Json, list[Tool]]] = {}
    for tool in tools:
        about = offered(tool)
        if about:
            found.setdefault(about["place"], (dict(about), []))[1].append(tool)
    return [found[place] for place in sorted(found)]


def _tools(request: Request, losses: list[Loss], ours: bool) -> Json:
    tools = [tool for tool in request.tools if offered(tool) is None]
    written = write_tools(tools, losses, ours)
    body: Json = {"tools": written} if written else {}
    if request.tool_choice is not None:
        body["tool_choice"] = write_choice(request.tool_choice, request.tools)
    return body


def _reasoning(request: Request, ours: bool) -> tuple[Json | None, list[str] | None]:
    """`reasoning` and `include`. Another dialect's client keeps the whole of what was thought only encrypted."""
    said = request.reasoning
    others = list(request.extras.get("include") or ()) if ours else []
    left = dict(extra(request.extras, "reasoning")) if ours else {}
    if said is None:
        return left or None, others or None
    effort = said.effort or _effort(said)
    summary = said.summary
    shown = said.mode in ("enabled", "adaptive") and said.display != "omitted"
    if summary is None and shown:
        summary = "auto"
    fields: Json = {"effort": effort, "summary": summary}
    left |= {key: value for key, value in fields.items() if value is not None}
    wanted = said.encrypted or (not ours and effort != "none")
    include = [*([ENCRYPTED] if wanted else ()), *others]
    return left or None, include or None


def _effort(said: Reasoning) -> str | None:
    if said.mode == "disabled":
        return "none"
    return None if said.budget is None else effort_of_budget(said.budget)


def _text(request: Request, ours: bool) -> Json | None:
    fields: Json = {}
    if request.format is not None:
        fields["format"] = write_format(request.format)
    if request.verbosity is not None:
        fields["verbosity"] = request.verbosity
    if ours:
        fields |= extra(request.extras, "text")
    return fields or None


def write_format(form: Format) -> Json:
    if form.kind != "schema":
        return {"type": "json_object" if form.kind == "json" else "text"}
    fields: Json = {"type": "json_schema", "name": form.name or "answer", "schema": form.schema or {}}
    if form.description is not None:
        fields["description"] = form.description
    if form.strict is not None:
        fields["strict"] = form.strict
    return fields


def _tokens(request: Request, losses: list[Loss]) -> int | None:
    most = request.max_tokens
    if most is not None and most < FEWEST_TOKENS:
        losses.append(Loss("max_tokens_least", "max_tokens"))
        return FEWEST_TOKENS
    return most


def _tier(request: Request, losses: list[Loss]) -> str | None:
    name = request.service_tier
    if name is None:
        return None
    tier = _TIERS.get(name, name)
    if tier in KNOWN_TIERS:
        return tier
    losses.append(Loss("service_tier", "service_tier"))
    return None


def _metadata(request: Request, losses: list[Loss]) -> Json | None:
    fits = {key: value for key, value in request.metadata.items() if isinstance(value, str) and len(value) <= 512}
    losses.extend(Loss("metadata", f"metadata.{key}") for key in request.metadata if key not in fits)
    return fits or None


def _user(request: Request) -> str | None:
    """Who asks; a longer name than the field takes stands there as its digest."""
    if request.user is None or len(request.user) <= LONGEST_USER:
        return request.user
    return hashlib.sha256(request.user.encode("utf-8", "surrogatepass")).hexdigest()


def _extras(request: Request, losses: list[Loss], ours: bool) -> Json:
    if ours:
        return {key: value for key, value in request.extras.items() if key not in _MERGED or key == "user"}
    losses.extend(told.field(key) for key in request.extras if key not in _SHARED)
    return {key: value for key, value in request.extras.items() if key in _SHARED}


def _tell(request: Request, losses: list[Loss]) -> None:
    """What there is no place for here at all."""
    if request.top_k is not None:
        losses.append(Loss("top_k", "top_k"))
    if request.stop:
        losses.append(stop_loss(request))
    if request.cache is not None:
        losses.append(Loss("cache_marker", "cache_control"))
