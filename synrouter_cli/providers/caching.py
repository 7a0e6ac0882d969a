"""How one model's prompt cache behaves at one provider: published facts, from `facts.toml`.

An unknown model gets the most careful values.

>>> from synrouter_cli.providers import provider_of
>>> facts("anthropic", "claude-fable-5-2").prefix_check, facts("anthropic", "nobody-knows").known
(True, False)
>>> cache_kind(provider_of("openrouter"), "anthropic/claude-opus-4.8"), cache_kind(provider_of("openai"), "gpt-5.5")
('markers', 'key')
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from synrouter_cli.providers.names import canonical
from synrouter_cli.providers.registry import CacheKind, Provider

__all__ = ["CacheFacts", "cache_kind", "facts"]


def cache_kind(provider: Provider, model: str) -> CacheKind:
    """How prompts of this model are cached there: Claude by markers wherever Anthropic's dialect is spoken."""
    if canonical(model).startswith("claude-") and "anthropic" in provider.dialects and not provider.local:
        return "markers"
    return "automatic" if provider.cache == "markers" and not provider.vendor else provider.cache


@dataclass(frozen=True, slots=True)
class CacheFacts:
    """How one model's prompt cache behaves. Published facts; `facts.toml` says where they are uncertain."""

    minimum_tokens: int
    """Prefixes shorter than this are silently not cached."""
    lookback_positions: int
    """How many positions a marker looks back over, its own included."""
    max_markers: int
    ttls: Mapping[str, int]
    """Lifetimes in seconds by the name they have in `cache_control.ttl`."""
    write_multipliers: Mapping[str, Decimal]
    """Price of a write relative to an input token, by lifetime."""
    read_multiplier: Decimal
    """Price of a read relative to an input token, for models without a known price."""
    keeps_thinking: bool
    """Earlier thinking stays in the prompt after a user message that is no tool result."""
    prefix_check: bool
    """Thinking is bound to what stood before it: content must not be edited at all."""
    settings_reach_head: bool
    """A change of thinking settings or effort also invalidates tools and system, not only messages."""
    max_image_tokens: int
    hour_keeps_five: bool
    """An hour's marker over a part cached for five minutes keeps that part for an hour too."""
    known: bool
    """False where nothing is published on this model and all values are the careful ones."""


class _Model(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    minimum_tokens: int | None = None
    read_multiplier: Decimal | None = None
    keeps_thinking: bool | None = None
    prefix_check: bool | None = None
    settings_reach_head: bool | None = None
    max_image_tokens: int | None = None


class _Cache(msgspec.Struct, forbid_unknown_fields=True):
    lookback_positions: int
    max_markers: int
    ttls: dict[str, int]
    write_multipliers: dict[str, Decimal]
    hour_keeps_five: bool
    unknown: _Model
    models: dict[str, _Model]


@lru_cache(maxsize=1)
def _caches() -> dict[str, _Cache]:
    text = files("synrouter_cli.providers").joinpath("facts.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text)["cache"], dict[str, _Cache])


@lru_cache(maxsize=512)
def facts(provider: str, model: str) -> CacheFacts:
    """The cache facts of a model, in whatever spelling, wherever it is."""
    caches = _caches()
    cache = caches.get(provider) or caches["anthropic"]
    own = cache.models.get(canonical(model))
    values = {**_given(cache.unknown), **(_given(own) if own is not None else {})}
    return CacheFacts(
        lookback_positions=cache.lookback_positions,
        max_markers=cache.max_markers,
        ttls=cache.ttls,
        write_multipliers=cache.write_multipliers,
        hour_keeps_five=cache.hour_keeps_five,
        known=own is not None,
        **values,
    )


def _given(model: _Model) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(model).items() if value is not None}
