"""The official SDKs' own types as the oracle: what fits them is what the API says, and a key that they don't have is a
fault. Requests are measured against the `TypedDict` params, answers, events and errors against the pydantic models.

>>> answer_faults("anthropic", {"type": "message", "role": "assistant", "id": "m", "model": "c", "content": [],
...     "usage": {"input_tokens": 1, "output_tokens": 2, "cached": 3}})
['usage.cached: unknown key']
"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typing_extensions
from typing_extensions import is_typeddict

__all__ = ["answer_faults", "error_faults", "event_faults", "events_of", "faults", "request_faults"]

_UNIONS = (Union, types.UnionType)
_WRAPPERS = (typing_extensions.Required, typing_extensions.NotRequired, Annotated)
_ANYTHING = (object, Any)
_FORMER = ("temperature", "top_p", "top_k")
"""What the SDK's types name no more, while models before 4.7 still take it."""


def request_faults(dialect: str, value: Any, *, beta: bool = False) -> list[str]:
    """What is wrong with a request's body, bytes or decoded; `beta` lets Anthropic's beta fields stand."""
    value = _decoded(value)
    if dialect == "anthropic" and isinstance(value, dict):
        value = {name: one for name, one in value.items() if name not in _FORMER or not isinstance(one, int | float)}
    return _least(_types(dialect, "request", beta), value)


def answer_faults(dialect: str, value: Any, *, beta: bool = False) -> list[str]:
    """What is wrong with an answer in one piece."""
    return _least(_types(dialect, "answer", beta), _decoded(value))


def event_faults(dialect: str, value: Any, *, beta: bool = False) -> list[str]:
    """What is wrong with one stream event's data; pings and error events of Anthropic's are known too."""
    return _least(_types(dialect, "event", beta), _decoded(value))


def error_faults(dialect: str, value: Any) -> list[str]:
    """What is wrong with the body of an error answer."""
    value = _decoded(value)
    if dialect == "anthropic":
        return _least(_types(dialect, "error", False), value)
    if not isinstance(value, dict) or set(value) != {"error"}:
        return ["error: the body holds nothing else"]
    return _least(_types(dialect, "error", False), value["error"], "error")


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """The data of a stream's events, decoded; `[DONE]` is left out. Where an event has a name it is its type."""
    found = []
    for block in stream.decode().replace("\r\n", "\n").split("\n\n"):
        fields = [line.partition(": ")[::2] for line in block.split("\n") if line and not line.startswith(":")]
        data = "\n".join(value for name, value in fields if name == "data")
        if data and data != "[DONE]":
            event = json.loads(data)
            assert all(value == event["type"] for name, value in fields if name == "event"), block
            found.append(event)
    return found


def faults(annotation: Any, value: Any, path: str = "") -> list[str]:
    """Every place where `value` is not what `annotation` says, keys that it does not know included."""
    origin = get_origin(annotation)
    while origin in _WRAPPERS:
        annotation = get_args(annotation)[0]
        origin = get_origin(annotation)
    if annotation in _ANYTHING:
        return []
    if origin in _UNIONS:
        return _least(get_args(annotation), value, path)
    if origin is Literal:
        same = any(value == one and type(value) is type(one) for one in get_args(annotation))
        return [] if same else [f"{path}: not one of {get_args(annotation)}"]
    if annotation is None or annotation is type(None):
        return [] if value is None else [f"{path}: not null"]
    if origin is not None:
        return _container(annotation, origin, value, path)
    if inspect.isclass(annotation) and (is_typeddict(annotation) or hasattr(annotation, "model_fields")):
        return _object(annotation, value, path)
    return _plain(annotation, value, path)


def _container(annotation: Any, origin: Any, value: Any, path: str) -> list[str]:
    args = get_args(annotation)
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            return [f"{path}: not an object"]
        return [fault for key, one in value.items() for fault in faults(args[1], one, _join(path, key))]
    if origin in (list, Iterable, Sequence) or getattr(origin, "__name__", "") == "SequenceNotStr":
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [fault for i, one in enumerate(value) for fault in faults(args[0], one, _join(path, i))]
    return [f"{path}: {annotation} can't be measured"]


def _object(annotation: Any, value: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: not an object"]
    fields = _fields(annotation)
    found = [f"{_join(path, key)}: missing" for key, (_, needed) in fields.items() if needed and key not in value]
    for key, one in value.items():
        if key in fields:
            found += faults(fields[key][0], one, _join(path, key))
        elif not _open(annotation):
            found.append(f"{_join(path, key)}: unknown key")
    return found


@cache
def _fields(annotation: Any) -> dict[str, tuple[Any, bool]]:
    """A type's fields by their names on the wire: annotation, and whether the field must be there."""
    if not is_typeddict(annotation):
        fields = annotation.model_fields
        return {one.alias or name: (one.annotation, one.is_required()) for name, one in fields.items()}
    hints = typing_extensions.get_type_hints(annotation, include_extras=True)
    return {name: (hint, get_origin(hint) is typing_extensions.Required) for name, hint in hints.items()}


def _open(annotation: Any) -> bool:
    """Whether a type says itself that it takes any other key, as a JSON schema does."""
    return getattr(annotation, "__pydantic_config__", {}).get("extra") == "allow"


def _plain(annotation: Any, value: Any, path: str) -> list[str]:
    kinds = {float: (int, float), datetime: (str,), dict: (dict,), list: (list,)}.get(annotation, (annotation,))
    if not all(inspect.isclass(kind) for kind in kinds):
        return [f"{path}: {annotation} can't be measured"]
    fits = isinstance(value, kinds) and (annotation is bool or not isinstance(value, bool))
    return [] if fits else [f"{path}: not {getattr(annotation, '__name__', annotation)}"]


def _least(options: Iterable[Any], value: Any, path: str = "") -> list[str]:
    """The faults with the option that fits best: one with the same `type` or `role` before any other."""
    best: list[str] | None = None
    rank = (True, 0)
    for option in options:
        found = faults(option, value, path)
        if not found:
            return []
        wrong_kind = any(fault.startswith((_join(path, "type:"), _join(path, "role:"))) for fault in found)
        shallow = any(fault.startswith(f"{path}: ") for fault in found)
        if best is None or (wrong_kind or shallow, len(found)) < rank:
            best, rank = found, (wrong_kind or shallow, len(found))
    return best or [f"{path}: nothing fits"]


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, bytes | str) else value


class _Ping(typing_extensions.TypedDict):
    type: typing_extensions.Required[Literal["ping"]]


@cache
def _types(dialect: str, what: str, beta: bool) -> tuple[Any, ...]:
    """The SDK's types for it. Imported late: they are many."""
    if dialect == "anthropic":
        return _anthropic(what) + (_anthropic_beta(what) if beta else ())
    return _chat(what) if dialect == "chat" else _responses(what)


def _anthropic(what: str) -> tuple[Any, ...]:
    from anthropic import types as sdk
    from anthropic.types import message_create_params as params
    from anthropic.types.shared import ErrorResponse

    if what == "request":
        return (params.MessageCreateParamsNonStreaming, params.MessageCreateParamsStreaming)
    if what == "answer":
        return (sdk.Message,)
    return (ErrorResponse,) if what == "error" else (sdk.RawMessageStreamEvent, ErrorResponse, _Ping)


def _anthropic_beta(what: str) -> tuple[Any, ...]:
    from anthropic.types import beta as sdk
    from anthropic.types.beta import message_create_params as params

    if what == "request":
        return (params.MessageCreateParamsNonStreaming, params.MessageCreateParamsStreaming)
    return (sdk.BetaMessage,) if what == "answer" else (sdk.BetaRawMessageStreamEvent,)


def _chat(what: str) -> tuple[Any, ...]:
    from openai.types import ErrorObject, chat
    from openai.types.chat import completion_create_params as params

    if what == "request":
        return (params.CompletionCreateParamsNonStreaming, params.CompletionCreateParamsStreaming)
    return ({"answer": chat.ChatCompletion, "event": chat.ChatCompletionChunk}.get(what, ErrorObject),)


def _responses(what: str) -> tuple[Any, ...]:
    from openai.types import ErrorObject, responses
    from openai.types.responses import response_create_params as params

    if what == "request":
        return (params.ResponseCreateParamsNonStreaming, params.ResponseCreateParamsStreaming)
    return ({"answer": responses.Response, "event": responses.ResponseStreamEvent}.get(what, ErrorObject),)
