"""Usage as the Messages API reports it ⇄ `Usage`, and what of it has no place there.

>>> usage, thought, rest = read_usage({"input_tokens": 1, "output_tokens": 5, "iterations": [],
...     "output_tokens_details": {"thinking_tokens": 2}})
>>> usage.output_tokens, thought, rest
(5, 2, {'iterations': []})
>>> write_usage(usage, thought, rest)["output_tokens_details"]
{'thinking_tokens': 2}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from synrouter_cli.wire.reported import Reported
from synrouter_cli.wire.usage import Usage

__all__ = ["read_usage", "write_delta", "write_usage"]

Json = dict[str, Any]
_KNOWN: Final = frozenset(
    "input_tokens cache_creation_input_tokens cache_read_input_tokens cache_creation output_tokens"
    " output_tokens_details server_tool_use service_tier inference_geo speed".split()
)
_TIERS: Final = {"standard": "standard", "priority": "priority", "batch": "batch", "default": "standard"}
_SPEEDS: Final = ("standard", "fast")


def read_usage(found: Any) -> tuple[Usage | None, int | None, Json]:
    """The counts, the thinking tokens among the output's, and the fields that are neither; never raises."""
    if not isinstance(found, Mapping):
        return None, None, {}
    try:
        usage = msgspec.convert(found, Reported).usage()
    except msgspec.ValidationError:
        return None, None, dict(found)
    details = found.get("output_tokens_details")
    thought = details.get("thinking_tokens") if isinstance(details, Mapping) else None
    rest = {name: value for name, value in found.items() if name not in _KNOWN and value is not None}
    return usage, thought if isinstance(thought, int) else None, rest


def write_usage(usage: Usage | None, thought: int | None, rest: Mapping[str, Any]) -> Json:
    """A whole `usage` object; zeros where nothing is known, since the SDKs want the counts."""
    told = usage or Usage()
    out: Json = {
        "input_tokens": told.input_tokens,
        "cache_creation_input_tokens": told.cache_write_tokens,
        "cache_read_input_tokens": told.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": told.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": told.cache_write_1h_tokens,
        },
        "output_tokens": told.output_tokens,
        **_details(told, thought),
        "service_tier": _TIERS.get(told.service_tier or ""),
    }
    if told.inference_geo is not None:
        out["inference_geo"] = told.inference_geo
    if told.speed in _SPEEDS:
        out["speed"] = told.speed
    return {**out, **rest}


def write_delta(usage: Usage | None, thought: int | None, rest: Mapping[str, Any]) -> Json:
    """The cumulative counts at a stream's end."""
    told = usage or Usage()
    return {
        "input_tokens": told.input_tokens,
        "cache_creation_input_tokens": told.cache_write_tokens,
        "cache_read_input_tokens": told.cache_read_tokens,
        "output_tokens": told.output_tokens,
        **_details(told, thought),
        **rest,
    }


def _details(told: Usage, thought: int | None) -> Json:
    out: Json = {}
    if thought is not None:
        out["output_tokens_details"] = {"thinking_tokens": thought}
    searches, fetches = (told.server_tools.get(f"web_{what}_requests", 0) for what in ("search", "fetch"))
    if searches or fetches:
        out["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": fetches}
    return out
