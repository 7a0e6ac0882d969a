"""A request to the Messages API → `Request`. What no value has a place for is kept under its own name in `extras`.

>>> body = b'{"model":"claude-opus-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"speed":"fast"}'
>>> request, _ = decode_request(body)
>>> request.max_tokens, request.messages[0].blocks[0].text, request.extras
(9, 'hi', {'speed': 'fast'})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.anthropic import shapes
from synrouter_cli.wire.codecs.anthropic.blocks_in import blocks, cache_marker
from synrouter_cli.wire.codecs.remembered import Remembered
from synrouter_cli.wire.ir import Format, Loss, Message, Reasoning, Request, Text, Tool, ToolChoice

__all__ = ["decode_request"]

_ROLES: Final = ("user", "assistant", "system")
_CHOICES: Final = ("auto", "any", "none", "tool")
_MODES: Final = ("enabled", "disabled", "adaptive", "between_tools")


def decode_request(body: bytes) -> tuple[Request, tuple[Loss, ...]]:
    """Nothing is ever lost here. Raises `InvalidRequest`."""
    read = shapes.read(shapes.Body, body)
    choice, parallel, choice_rest = _choice(read.tool_choice)
    reasoning, form, left = _reasoning(read)
    user, metadata = _user(read.metadata)
    left |= {"tool_choice": choice_rest, "metadata": metadata}
    request = Request(
        read.model,
        system=_system(read.system),
        system_bare=isinstance(read.system, str),
        messages=tuple(_MESSAGES.each(read.messages, "messages")),
        tools=tuple(_TOOLS.each(read.tools or (), "tools")),
        tool_choice=choice,
        parallel=parallel,
        max_tokens=read.max_tokens,
        temperature=read.temperature,
        top_p=read.top_p,
        top_k=read.top_k,
        stop=tuple(read.stop_sequences or ()),
        stream=read.stream,
        reasoning=reasoning,
        format=form,
        cache=cache_marker(read.cache_control),
        user=user,
        service_tier=read.service_tier,
        extras=read.unknown | {name: rest for name, rest in left.items() if rest},
        dialect="anthropic",
    )
    return request, ()


def _system(found: str | list[shapes.Block] | None) -> tuple[Text, ...]:
    texts = blocks(found, "system")
    for i, one in enumerate(texts):
        if not isinstance(one, Text):
            raise InvalidRequest(detail=f"system.{i}: only text may stand here")
    return tuple(one for one in texts if isinstance(one, Text))


def _message(piece: bytes, path: str) -> Message:
    read = shapes.read(shapes.Message, piece, path)
    if read.role not in _ROLES:
        raise InvalidRequest(detail=f"{path}.role: one of {', '.join(_ROLES)} is needed")
    found = blocks(read.content, (path, "content"))
    return Message(read.role, found, bare=isinstance(read.content, str), extras=read.unknown)  # type: ignore[arg-type]


def _tool(piece: bytes, path: str) -> Tool:
    read = shapes.read(shapes.Tool, piece, path)
    if read.type not in (None, "custom"):
        return _builtin(shapes.decoded(piece), read)
    if read.name is None:
        raise InvalidRequest(detail=f"{path}.name: missing")
    said = {
        "eager_input_streaming": read.eager_input_streaming,
        "input_examples": read.input_examples,
        "allowed_callers": read.allowed_callers,
    }
    return Tool(
        "function",
        read.name,
        read.description,
        read.input_schema,
        read.strict,
        deferred=read.defer_loading,
        cache=cache_marker(read.cache_control),
        extras={name: value for name, value in said.items() if value is not None} | read.unknown,
    )


def _builtin(whole: dict[str, Any], read: shapes.Tool) -> Tool:
    config = {name: value for name, value in whole.items() if name not in ("cache_control", "defer_loading")}
    return Tool(
        "builtin",
        read.name or read.type or "",
        config=config,
        dialect="anthropic",
        deferred=read.defer_loading,
        cache=cache_marker(read.cache_control),
    )


_MESSAGES: Final = Remembered(_message)
_TOOLS: Final = Remembered(_tool)


def _choice(found: Mapping[str, Any] | None) -> tuple[ToolChoice | None, bool | None, dict[str, Any]]:
    """The choice, whether calls may be parallel, and what is new to us."""
    if found is None:
        return None, None, {}
    kind, name, single = found.get("type"), found.get("name"), found.get("disable_parallel_tool_use")
    if kind not in _CHOICES or (kind == "tool" and not isinstance(name, str)):
        raise InvalidRequest(detail=f"tool_choice: one of {', '.join(_CHOICES)} is needed, tool with a name")
    rest = {key: value for key, value in found.items() if key not in ("type", "name", "disable_parallel_tool_use")}
    choice = ToolChoice(kind, name=name if kind == "tool" else None)
    return choice, None if single is None else not single, rest


def _reasoning(read: shapes.Body) -> tuple[Reasoning | None, Format | None, dict[str, Any]]:
    """How much is to be thought, what form the answer has, and what is new to us of both fields."""
    thinking, output = dict(read.thinking or {}), dict(read.output_config or {})
    mode, budget, display = (thinking.pop(name, None) for name in ("type", "budget_tokens", "display"))
    if read.thinking is not None and mode not in _MODES:
        raise InvalidRequest(detail=f"thinking.type: one of {', '.join(_MODES)} is needed")
    former = read.unknown.pop("output_format", None)  # where the format stood before output_config
    effort, form = output.pop("effort", None), _format(output.pop("format", former))
    said = read.thinking is not None or effort is not None
    reasoning = Reasoning(mode, effort, budget, display=display) if said else None
    return reasoning, form, {"thinking": thinking, "output_config": output}


def _format(found: Any) -> Format | None:
    if found is None:
        return None
    if not isinstance(found, dict) or found.get("type") != "json_schema":
        raise InvalidRequest(detail="output_config.format: json_schema is needed")
    return Format("schema", schema=found.get("schema"))


def _user(found: Mapping[str, Any] | None) -> tuple[str | None, dict[str, Any]]:
    rest = dict(found or {})
    user = rest.pop("user_id", None)
    return user if isinstance(user, str) else None, rest
