"""Providers and the facts of their caches, read once from `facts.toml`.

An unknown model gets the most careful values; an unknown provider is an error.

>>> provider_of("anthropic").base_url
'https://api.anthropic.com'
>>> credential_owner("sk-ant-api03-…").name
'anthropic'
>>> facts("anthropic", "claude-fable-5-2").prefix_check, facts("anthropic", "nobody-knows").known
(True, False)
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

__all__ = ["CacheFacts", "Provider", "credential_owner", "facts", "may_receive", "provider_names", "provider_of"]


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider is and how it knows its customers."""

    name: str
    dialect: str
    base_url: str
    """Without a trailing slash and without `/v1`."""
    auth_header: str
    """The header our own key goes into, lower case."""
    auth_scheme: str
    """What stands before the key in that header: "" or "Bearer"."""
    credential_prefixes: tuple[str, ...]
    """A client's credential that begins so belongs to this provider."""
    subscription_prefixes: tuple[str, ...]
    """Those of them that are logins of a subscription and cost no dollars per token."""

    def owns(self, credential: str) -> bool:
        """Whether a client's credential may be passed on to this provider."""
        return credential.startswith(self.credential_prefixes)

    def billing(self, credential: str) -> str:
        """`subscription` or `api`: how turns with this credential are paid for."""
        return "subscription" if credential.startswith(self.subscription_prefixes) else "api"

    def auth_value(self, key: str) -> str:
        """What to put into `auth_header` for this key."""
        return f"{self.auth_scheme} {key}" if self.auth_scheme else key


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


class _Provider(msgspec.Struct, forbid_unknown_fields=True):
    dialect: str
    base_url: str
    auth_header: str
    auth_scheme: str
    credential_prefixes: tuple[str, ...]
    subscription_prefixes: tuple[str, ...]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    providers: dict[str, _Provider]
    elsewhere: dict[str, tuple[str, ...]]
    cache: dict[str, _Cache]


@lru_cache(maxsize=1)
def _file() -> _File:
    text = files("synrouter_cli.providers").joinpath("facts.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _File)


def provider_names() -> tuple[str, ...]:
    """The providers there are, in the order of the data file."""
    return tuple(_file().providers)


@lru_cache(maxsize=64)
def provider_of(name: str) -> Provider:
    """The provider of that name. Raises KeyError where there is none."""
    return Provider(name=name, **msgspec.structs.asdict(_file().providers[name]))


def credential_owner(credential: str) -> Provider | None:
    """The provider that a client's credential belongs to, or None: then it goes to nobody."""
    for name in _file().providers:
        provider = provider_of(name)
        if provider.owns(credential):
            return provider
    return None


def may_receive(name: str, credential: str, *, at_home: bool) -> bool:
    """Whether a client's credential may be passed on to this provider.

    At the provider's own address (`at_home`) only what bears its prefix may; at an address that the user named for
    it, anything that is not known to be another provider's.
    """
    if provider_of(name).owns(credential):
        return True
    if at_home or credential_owner(credential) is not None:
        return False
    return not any(credential.startswith(prefixes) for prefixes in _file().elsewhere.values())


@lru_cache(maxsize=512)
def facts(provider: str, model: str) -> CacheFacts:
    """The cache facts of a model, in whatever spelling. Raises KeyError for an unknown provider."""
    cache = _file().cache[provider]
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
