"""Reads and writes JSON of this dialect, and says where a value is not what it has to be.

A body that msgspec does not take (half a surrogate pair, say) goes through the standard library, which does.

>>> load(b'{"model": "gpt-6"}')
{'model': 'gpt-6'}
>>> text({"name": 3}, "name", "tools.0")
Traceback (most recent call last):
synrouter_cli.errors.InvalidRequest: tools.0.name: a string is needed here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from synrouter_cli.errors import InvalidRequest

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError)


def load(body: bytes) -> dict[str, Any]:
    """A body as an object; InvalidRequest where it is none."""
    value = decoded(body)
    if not isinstance(value, dict):
        raise InvalidRequest(detail="The body is not a JSON object.")
    return value


def decoded(body: bytes) -> Any:
    """A body, or a piece of one; InvalidRequest where it is no JSON."""
    try:
        return msgspec.json.decode(body)
    except UNREADABLE:
        return _slowly(body)


def _slowly(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(detail=f"The body is not JSON: {type(error).__name__}.") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def dump(value: Any) -> bytes:
    """JSON without spaces; the same value always gives the same bytes."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=_raw)
        return text.encode()


def _raw(value: Any) -> Any:
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value))
    raise TypeError(type(value).__name__)


def refused(path: str, what: str) -> InvalidRequest:
    return InvalidRequest(detail=f"{path}: {what}.")


def text(source: Mapping[str, Any], key: str, path: str) -> str:
    """A string that has to be there."""
    value = source.get(key)
    if not isinstance(value, str):
        raise refused(f"{path}.{key}" if path else key, "a string is needed here")
    return value


def maybe_text(source: Mapping[str, Any], key: str, path: str) -> str | None:
    value = source.get(key)
    if value is not None and not isinstance(value, str):
        raise refused(f"{path}.{key}" if path else key, "this has to be a string")
    return value


def maybe_flag(source: Mapping[str, Any], key: str, path: str) -> bool | None:
    value = source.get(key)
    if value is not None and not isinstance(value, bool):
        raise refused(f"{path}.{key}" if path else key, "this has to be true or false")
    return value


def maybe_count(source: Mapping[str, Any], key: str, path: str) -> int | None:
    value = source.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise refused(f"{path}.{key}" if path else key, "this has to be a whole number")
    return value


def maybe_number(source: Mapping[str, Any], key: str, path: str) -> float | None:
    value = source.get(key)
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
        raise refused(f"{path}.{key}" if path else key, "this has to be a number")
    return value


def an_object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refused(path, "an object is needed here")
    return value


def maybe_object(source: Mapping[str, Any], key: str, path: str) -> dict[str, Any]:
    """An object; an empty one where there is none."""
    value = source.get(key)
    return {} if value is None else an_object(value, f"{path}.{key}" if path else key)


def a_list(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise refused(path, "a list is needed here")
    return value


def rest(source: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """What no value has a place for."""
    if source.keys() <= known:
        return {}
    return {key: value for key, value in source.items() if key not in known}
