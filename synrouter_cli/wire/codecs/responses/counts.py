"""Usage ⇄ `Usage`: this dialect's input count includes what was read from the cache and written to it, ours does not.
Writes that live for 12 hours count as long ones, all others as short.

>>> usage, thought = read_usage({"input_tokens": 100, "input_tokens_details": {"cached_tokens": 90}})
>>> usage.input_tokens, usage.cache_read_tokens, thought
(10, 90, None)
>>> write_usage(usage, None)["input_tokens"]
100
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from synrouter_cli.wire.usage import Usage

_READ_TIERS: Final = {"default": "standard"}
KNOWN_TIERS: Final = frozenset("auto default flex scale priority fast ultrafast".split())
_TIERS: Final = {"standard": "default"}


def read_usage(reported: Any, tier: Any = None) -> tuple[Usage | None, int | None]:
    """The counts in tokens, and of the output those that were thought; None where nothing is told."""
    if not isinstance(reported, Mapping):
        return None, None
    inputs, outputs = _part(reported, "input_tokens_details"), _part(reported, "output_tokens_details")
    read, written = _count(inputs, "cached_tokens"), _count(inputs, "cache_write_tokens")
    long = min(_count(_part(inputs, "cache_write_tokens_details"), "ttl_12h_tokens"), written)
    total = _count(reported, "input_tokens")
    usage = Usage(
        input_tokens=max(total - read - written, 0),
        cache_read_tokens=read,
        cache_write_5m_tokens=written - long,
        cache_write_1h_tokens=long,
        output_tokens=_count(reported, "output_tokens"),
        service_tier=_READ_TIERS.get(tier, tier) if isinstance(tier, str) else None,
    )
    thought = outputs.get("reasoning_tokens")
    return usage, thought if isinstance(thought, int) else None


def write_usage(usage: Usage, thought: int | None) -> dict[str, Any]:
    """The same as this dialect reports it; `thought` is how many of the output tokens were reasoning."""
    inputs: dict[str, Any] = {
        "cached_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
    }
    if usage.cache_write_1h_tokens:
        split = {"ttl_30m_tokens": usage.cache_write_5m_tokens, "ttl_12h_tokens": usage.cache_write_1h_tokens}
        inputs["cache_write_tokens_details"] = split
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": inputs,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": thought or 0},
        "total_tokens": usage.prompt_tokens + usage.output_tokens,
    }


def write_tier(usage: Usage | None) -> str | None:
    tier = usage.service_tier if usage is not None else None
    tier = _TIERS.get(tier, tier) if tier is not None else None
    return tier if tier in KNOWN_TIERS else None


def _part(source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = source.get(key)
    return value if isinstance(value, Mapping) else {}


def _count(source: Mapping[str, Any], key: str) -> int:
    value = source.get(key)
    return value if isinstance(value, int) and value > 0 else 0
