"""The usage as each provider reports it. Input counts are inclusive: what was cached and written is part of them.

>>> counts = Counts(input=2000, cached=1024, written=0, output=9, thought=4)
>>> chat_usage(counts, FLAVOURS["deepseek"])["prompt_cache_miss_tokens"]
976
>>> responses_usage(counts, FLAVOURS["openai"])["input_tokens_details"]["cached_tokens"]
1024
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from synrouter_cli.demo.openai.flavours import FLAVOURS, Flavour

__all__ = ["FLAVOURS", "Counts", "chat_usage", "cost_usd", "responses_usage"]

_USD_PER_MILLION: Final = {"input": 3.0, "cached": 0.3, "written": 3.75, "output": 15.0}
"""What the simulated relay takes for any model."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of a request and its answer."""

    input: int
    cached: int = 0
    written: int = 0
    output: int = 0
    thought: int = 0
    bills_writes: bool = False
    by_ttl: Mapping[str, int] = field(default_factory=dict)


def chat_usage(counts: Counts, flavour: Flavour) -> dict[str, Any]:
    """`usage` of Chat Completions."""
    usage: dict[str, Any] = {
        "prompt_tokens": counts.input,
        "completion_tokens": counts.output - (counts.thought if flavour.adds_reasoning else 0),
        "total_tokens": counts.input + counts.output,
    }
    if flavour.counters == "none":
        return usage
    details = {"cached_tokens": counts.cached}
    if counts.bills_writes:
        details["cache_write_tokens"] = counts.written
    usage["prompt_tokens_details"] = details
    usage["completion_tokens_details"] = {"reasoning_tokens": counts.thought}
    if flavour.counters == "deepseek":
        usage["prompt_cache_hit_tokens"] = counts.cached
        usage["prompt_cache_miss_tokens"] = counts.input - counts.cached
    if flavour.cost:
        usage["cost"] = cost_usd(counts)
    return usage


def responses_usage(counts: Counts, flavour: Flavour) -> dict[str, Any]:
    """`usage` of Responses."""
    known = flavour.counters != "none"
    details: dict[str, Any] = {
        "cached_tokens": counts.cached if known else 0,
        "cache_write_tokens": counts.written if counts.bills_writes else 0,
    }
    if counts.bills_writes and flavour.strict:
        ttls = {f"ttl_{ttl}_tokens": counts.by_ttl.get(ttl, 0) for ttl in ("30m", "12h")}
        details["cache_write_tokens_details"] = ttls
    usage: dict[str, Any] = {
        "input_tokens": counts.input,
        "input_tokens_details": details,
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.thought},
        "total_tokens": counts.input + counts.output,
    }
    if flavour.cost:
        usage["cost"] = cost_usd(counts)
    return usage


def cost_usd(counts: Counts) -> float:
    """What the relay takes for it."""
    tokens = {
        "input": counts.input - counts.cached - counts.written,
        "cached": counts.cached,
        "written": counts.written,
        "output": counts.output,
    }
    return round(sum(tokens[name] * rate for name, rate in _USD_PER_MILLION.items()) / 1e6, 8)
