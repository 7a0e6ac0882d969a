"""Usage of this dialect ⇄ exclusive counts: `prompt_tokens` holds what was read from the cache and written to it.

Servers say the cached part in several places; what a count means is the same in all. What has no place (costs, audio
tokens) is kept beside it.

>>> reported = counts_in({"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 90}})
>>> reported.usage.input_tokens, reported.usage.cache_read_tokens
(10, 90)
>>> counts_out(reported.usage)["prompt_tokens"]
100
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from synrouter_cli.wire.codecs.chat.fields import Object
from synrouter_cli.wire.usage import Usage

__all__ = ["Reported", "counts_in", "counts_out", "tier_out", "with_tier"]

_DETAILS: Final = "prompt_tokens_details"
_READ: Final = (
    (_DETAILS, "cached_tokens"),
    ("prompt_cache_hit_tokens",),  # DeepSeek
    ("cached_tokens",),  # Moonshot
    ("cache_read_input_tokens",),  # gateways before Claude
)
_WRITTEN: Final = (
    (_DETAILS, "cache_write_tokens"),
    (_DETAILS, "cache_creation_tokens"),
    (_DETAILS, "cached_creation_tokens"),
    (_DETAILS, "cache_creation_input_tokens"),  # Qwen
    ("cache_creation_input_tokens",),
)
_WRITTEN_1H: Final = (
    ("cache_creation", "ephemeral_1h_input_tokens"),
    (_DETAILS, "cache_creation", "ephemeral_1h_input_tokens"),
    ("claude_cache_creation_1_h_tokens",),
)
_REASONED: Final = (("completion_tokens_details", "reasoning_tokens"), ("reasoning_tokens",))
_COUNTS: Final = frozenset(
    "prompt_tokens completion_tokens total_tokens prompt_tokens_details prompt_cache_hit_tokens"
    " prompt_cache_miss_tokens cached_tokens cache_read_input_tokens cache_creation_input_tokens cache_creation"
    " reasoning_tokens".split()
)
_TIERS: Final = frozenset("auto default flex scale priority fast".split())
_TIER_WORDS: Final = {"standard": "default"}


@dataclass(frozen=True, slots=True)
class Reported:
    """What an answer said of its usage."""

    usage: Usage
    reasoning_tokens: int | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)


def counts_in(value: Any, service_tier: Any = None) -> Reported | None:
    """The exclusive counts, in tokens; None where nothing was reported."""
    if not isinstance(value, dict) or not isinstance(value.get("prompt_tokens", value.get("completion_tokens")), int):
        return None
    read, written = _first(value, _READ), _first(value, _WRITTEN)
    long = _first(value, _WRITTEN_1H) or 0
    written = max(written or 0, long)
    prompt = _first(value, (("prompt_tokens",),)) or 0
    usage = Usage(
        input_tokens=max(prompt - (read or 0) - written, 0),
        cache_read_tokens=read or 0,
        cache_write_5m_tokens=written - long,
        cache_write_1h_tokens=long,
        output_tokens=_first(value, (("completion_tokens",),)) or 0,
        service_tier=service_tier if isinstance(service_tier, str) else None,
    )
    extras = {key: one for key, one in value.items() if key not in _COUNTS and one is not None}
    details = extras.pop("completion_tokens_details", None)
    if isinstance(details, dict) and (more := {k: v for k, v in details.items() if v and k != "reasoning_tokens"}):
        extras["completion_tokens_details"] = more
    return Reported(usage, _first(value, _REASONED), extras)


def _first(value: Object, paths: tuple[tuple[str, ...], ...]) -> int | None:
    """The first count that is there and no less than nothing; a zero only where nothing else says more."""
    zero: int | None = None
    for path in paths:
        found: Any = value
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, int) and not isinstance(found, bool):
            if found > 0:
                return found
            zero = 0
    return zero


def counts_out(usage: Usage, reasoning_tokens: int | None = None) -> Object:
    """`usage` as this dialect says it; 1h writes, for which it has no word, stand apart where there are some."""
    prompt = usage.prompt_tokens
    details = {"cached_tokens": usage.cache_read_tokens, "cache_write_tokens": usage.cache_write_tokens}
    found: Object = {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output_tokens,
        "total_tokens": prompt + usage.output_tokens,
        "prompt_tokens_details": details,
    }
    if reasoning_tokens is not None:
        found["completion_tokens_details"] = {"reasoning_tokens": reasoning_tokens}
    if usage.cache_write_1h_tokens:
        found["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        }
    return found


def tier_out(usage: Usage | None) -> Object:
    """`service_tier` of an answer, where it is one of this dialect's words."""
    tier = _TIER_WORDS.get(usage.service_tier, usage.service_tier) if usage and usage.service_tier else None
    return {"service_tier": tier} if tier in _TIERS else {}


def with_tier(reported: Reported | None, tier: Any) -> Reported | None:
    """A tier that was told in another chunk than the counts."""
    if reported is None or not isinstance(tier, str) or reported.usage.service_tier is not None:
        return reported
    return replace(reported, usage=replace(reported.usage, service_tier=tier))
