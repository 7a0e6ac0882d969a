"""Reads and writes this dialect's JSON, and says where a value is not what it has to be.

A body that msgspec does not take (half a surrogate pair, a number beyond a float) goes through the standard library.

>>> load(b'{"model": "gpt-6"}')
{'model': 'gpt-6'}
>>> text({"name": 3}, "name", "tools.0")
Traceback (most recent call last):
synrouter_cli.errors.InvalidRequest: tools.0.name: a string is needed here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.ir import Cache

__all__ = [
    "UNREADABLE",
    "Object",
    "cache_in",
    "cache_out",
    "checked",
    "derived_id",
    "dump",
    "listed",
    "load",
    "mapping",
    "refused",
    "rest",
    "text",
]

Object = dict[str, Any]

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError)

_WORDS = {str: "a string", bool: "true or false", int: "a whole number", list: "a list", dict: "an object"}


def load(body: bytes) -> Any:
    """A body decoded once. Raises InvalidRequest where it is no JSON."""
    try:
        return msgspec.json.decode(body)
    except UNREADABLE:
        pass
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(detail=f"The body is no JSON: {type(error).__name__}.") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def dump(value: Any) -> bytes:
    """JSON without spaces; the same value always gives the same bytes."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # half a surrogate pair can only go on as its escape
        return json.dumps(value, separators=(",", ":")).encode()


def refused(path: str, what: str) -> InvalidRequest:
    return InvalidRequest(detail=f"{path}: {what}.")


def checked(source: Mapping[str, Any], key: str, kind: type, path: str = "") -> Any:
    """What stands at `key`, None where nothing does. Raises InvalidRequest where it is not of that kind."""
    value = source.get(key)
    if value is None or (isinstance(value, kind) and (kind is not int or not isinstance(value, bool))):
        return value
    raise refused(f"{path}.{key}" if path else key, f"{_WORDS[kind]} is needed here")


def text(source: Mapping[str, Any], key: str, path: str) -> str:
    """A string that has to be there."""
    value = source.get(key)
    if not isinstance(value, str):
        raise refused(f"{path}.{key}" if path else key, "a string is needed here")
    return value


def mapping(value: Any, path: str) -> Object:
    if not isinstance(value, dict):
        raise refused(path, "an object is needed here")
    return value


def listed(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise refused(path, "a list is needed here")
    return value


def rest(source: Mapping[str, Any], known: AbstractSet[str]) -> Object:
    """What no value has a place for; nulls are left out, they say nothing."""
    if source.keys() <= known:
        return {}
    return {key: value for key, value in source.items() if key not in known and value is not None}


def cache_in(source: Mapping[str, Any], path: str) -> Cache | None:
    """The `cache_control` of an object, wherever clients put it."""
    if "cache_control" not in source or source["cache_control"] is None:
        return None
    marker = mapping(source["cache_control"], f"{path}.cache_control")
    return Cache(checked(marker, "ttl", str, f"{path}.cache_control"), rest(marker, {"type", "ttl"}))


def cache_out(cache: Cache) -> Object:
    return {"type": "ephemeral", **({"ttl": cache.ttl} if cache.ttl is not None else {}), **cache.extras}


def derived_id(*parts: object) -> str:
    """A call's id where a server or an old client gives none: of what is there, so that it is the same again."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "surrogatepass"))
    return f"call_{digest.hexdigest()[:24]}"
