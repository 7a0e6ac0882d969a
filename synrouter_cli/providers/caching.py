"""How one model's prompt cache behaves at one provider: published facts, from `facts.toml`.

An unknown model gets the most careful values.

>>> from synrouter_cli.providers import provider_of
>>> facts("anthropic", "claude-fable-5-2").prefix_check, facts("anthropic", "nobody-knows").known
(True, False)
>>> cache_kind(provider_of("openrouter"), "anthropic/claude-opus-4.8"), cache_kind(provider_of("openai"), "gpt-5.5")
('markers', 'key')
>>> cache_kind(provider_of("openai"), "gpt-6-sol")
'breakpoints'
>>> facts("qwen", "qwen3-max").minimum_tokens, billed_writes("gpt-5.5") is None, billed_writes("gpt-6-sol").max_writes
(1024, True, 4)
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from synrouter_cli.providers.names import canonical
from synrouter_cli.providers.registry import CacheKind, Provider

__all__ = ["BilledWrites", "CacheFacts", "billed_writes", "cache_kind", "facts", "is_claude"]


def is_claude(model: str) -> bool:
    """Whether it is Anthropic's, in whatever spelling and wherever it is served."""
    return canonical(model).startswith("claude-")


def cache_kind(provider: Provider, model: str) -> CacheKind:
    """How prompts of this model are cached there: Claude by markers wherever Anthropic's dialect is spoken, others by
    markers where the provider itself says so, and a provider of the user's own as the user says."""
    if is_claude(model) and "anthropic" in provider.dialects and not provider.local:
        return "markers"
    if provider.cache in ("key", "breakpoints"):
        return "breakpoints" if _takes_options(provider, model) else "key"
    if provider.cache != "markers" or not provider.builtin:
        return provider.cache
    if provider.vendor not in _caches():
        return "automatic"
    table = _caches()[provider.vendor]
    return "markers" if canonical(model) in table.models else table.unlisted


def _takes_options(provider: Provider, model: str) -> bool:
    """Whether it can be told where or for how long to cache: who is known to, and whom the user says so of."""
    writes = billed_writes(model)
    if writes is None:
        return False
    return provider.name in writes.providers if provider.builtin else provider.cache == "breakpoints"


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


@dataclass(frozen=True, slots=True)
class BilledWrites:
    """How a model is billed that caches by itself, or at breakpoints that are no markers, and charges for it."""

    providers: tuple[str, ...]
    """Who is known to take the fields below."""
    breakpoints: bool
    """Content blocks may carry a breakpoint, and the provider can be told to set none."""
    asked_ttls: tuple[str, ...]
    """Lifetimes that may be asked for, the usual one first."""
    minimum_tokens: int
    ttls: Mapping[str, int]
    """Lifetimes in seconds by their names."""
    write_multipliers: Mapping[str, Decimal]
    """Price of a write relative to an input token, by lifetime."""
    read_multiplier: Decimal
    """Price of a read relative to an input token, for models without a known price."""
    max_writes: int
    """In one request."""
    remembered: int
    """How many of the latest breakpoints are found again."""


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
    begins: tuple[str, ...]
    unknown: _Model
    models: dict[str, _Model]
    unlisted: Literal["markers", "automatic"] = "markers"


class _Writes(msgspec.Struct, forbid_unknown_fields=True):
    begins: tuple[str, ...]
    providers: tuple[str, ...]
    breakpoints: bool
    asked_ttls: tuple[str, ...]
    minimum_tokens: int
    ttls: dict[str, int]
    write_multipliers: dict[str, Decimal]
    read_multiplier: Decimal
    max_writes: int
    remembered: int


@lru_cache(maxsize=1)
def _file() -> dict[str, Any]:
    return tomllib.loads(files("synrouter_cli.providers").joinpath("facts.toml").read_text("utf-8"))


@lru_cache(maxsize=1)
def _caches() -> dict[str, _Cache]:
    return msgspec.convert(_file()["cache"], dict[str, _Cache])


@lru_cache(maxsize=1)
def _writes() -> dict[str, _Writes]:
    return msgspec.convert(_file()["writes"], dict[str, _Writes])


@lru_cache(maxsize=512)
def billed_writes(model: str) -> BilledWrites | None:
    """How writes to a model's own cache are billed, in whatever spelling of its name; None where they cost nothing."""
    name = canonical(model)
    found = next((row for row in _writes().values() if name.startswith(row.begins)), None)
    if found is None:
        return None
    values = msgspec.structs.asdict(found)
    del values["begins"]
    return BilledWrites(**values)


def _table(provider: str, name: str) -> _Cache:
    caches = _caches()
    named = next((cache for cache in caches.values() if name.startswith(cache.begins)), None)
    return named or caches.get(provider) or caches["anthropic"]


@lru_cache(maxsize=512)
def facts(provider: str, model: str) -> CacheFacts:
    """The cache facts of a model, in whatever spelling, wherever it is: by its name, else by who has it."""
    cache = _table(provider, canonical(model))
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
