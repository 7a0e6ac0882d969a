"""Random values of the SDKs' own types: what the types allow, a client may send and a server may answer. Every text has
a mark of its own (`q17z`), so that it can be found again.

>>> Typed(1).of(list[str]) == Typed(1).of(list[str])
True
"""

from __future__ import annotations

import inspect
import random
import types
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import typing_extensions
from typing_extensions import is_typeddict

__all__ = ["Typed", "answer_type", "event_type", "request_type"]

_WRAPPERS: Final = (typing_extensions.Required, typing_extensions.NotRequired, Annotated)
_INTS: Final = (0, 1, 2, 7, 16, 1024, 2**40, 12345678901234567890)
_FLOATS: Final = (0, 0.0, 1, 1.10, 0.5, 2.0)
_ODD: Final = (
    "",
    " ",
    "\n",
    "{}é\U0001f600",
    '{} "quoted\\" \n',
    "{}\ud83d",
    "\udc00{}",
    "{}\u2028\x00",
    "{} <system>",
)


class Typed:
    """Values of one seed. `fixed` says what fields of a name are, `without` leaves fields out."""

    def __init__(
        self, seed: int, fixed: Mapping[str, Sequence[Any]] | None = None, without: Iterable[str] = ()
    ) -> None:
        self.random = random.Random(seed)
        self._marks = 0
        self._fixed, self._without = fixed or {}, frozenset(without)

    def text(self) -> str:
        self._marks += 1
        mark = f"q{self._marks}z"
        return self.random.choice(_ODD).replace("{}", mark) if self.random.random() < 0.2 else mark

    def of(self, annotation: Any, name: str = "", depth: int = 0) -> Any:
        origin = get_origin(annotation)
        while origin in _WRAPPERS:
            annotation = get_args(annotation)[0]
            origin = get_origin(annotation)
        if name in self._fixed:
            return self.random.choice(self._fixed[name])
        if annotation in (object, Any, dict):
            return {self.text(): self.random.choice([None, True, 1.10, 2**70, "", [], {}]) for _ in range(2)}
        if origin in (Union, types.UnionType):
            return self.of(self.random.choice(_options(annotation)), name, depth)
        if origin is Literal:
            return self.random.choice(get_args(annotation))
        if annotation is None or annotation is type(None):
            return None
        if origin is not None:
            return self._many(origin, get_args(annotation), name, depth)
        fields = _fields(annotation)
        if fields is not None:
            return self._object(fields, depth)
        if annotation in (int, float, bool):
            return self.random.choice({int: _INTS, float: _FLOATS, bool: (True, False)}[annotation])
        return "2025-01-01T00:00:00Z" if annotation is datetime else self.text()

    def _many(self, origin: Any, args: tuple[Any, ...], name: str, depth: int) -> Any:
        if inspect.isclass(origin) and issubclass(origin, Mapping):
            return {self.text(): self.of(args[1], "", depth + 1) for _ in range(self.random.randint(0, 2))}
        most = 6 if depth < 2 else 3
        return [self.of(args[0], name, depth + 1) for _ in range(self.random.randint(0, most))]

    def _object(self, fields: dict[str, tuple[Any, bool]], depth: int) -> dict[str, Any]:
        return {
            key: self.of(annotation, key, depth + 1)
            for key, (annotation, needed) in fields.items()
            if key not in self._without and (needed or self.random.random() < 0.35)
        }


def _options(annotation: Any) -> list[Any]:
    """A union's members, without files and models where there are dictionaries."""
    found = [one for one in get_args(annotation) if "IO[" not in str(one) and "PathLike" not in str(one)]
    if any(map(is_typeddict, found)):
        found = [one for one in found if not hasattr(one, "model_fields")]
    return found


def _fields(annotation: Any) -> dict[str, tuple[Any, bool]] | None:
    """A type's fields by their names on the wire, and whether they must be there; None for a type that has none."""
    if is_typeddict(annotation):
        hints = typing_extensions.get_type_hints(annotation, include_extras=True)
        return {key: (hint, get_origin(hint) is typing_extensions.Required) for key, hint in hints.items()}
    if inspect.isclass(annotation) and hasattr(annotation, "model_fields"):
        models = annotation.model_fields
        return {one.alias or key: (one.annotation, one.is_required()) for key, one in models.items()}
    return None


def request_type(dialect: str) -> Any:
    if dialect == "anthropic":
        from anthropic.types.message_create_params import MessageCreateParamsNonStreaming as Anthropic

        return Anthropic
    if dialect == "chat":
        from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming as Chat

        return Chat
    from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming as Responses

    return Responses


def answer_type(dialect: str) -> Any:
    from anthropic.types import Message
    from openai.types.chat import ChatCompletion
    from openai.types.responses import Response

    return {"anthropic": Message, "chat": ChatCompletion, "responses": Response}[dialect]


def event_type(dialect: str) -> Any:
    from anthropic.types import RawMessageStreamEvent
    from openai.types.chat import ChatCompletionChunk
    from openai.types.responses import ResponseStreamEvent

    return {"anthropic": RawMessageStreamEvent, "chat": ChatCompletionChunk, "responses": ResponseStreamEvent}[dialect]
