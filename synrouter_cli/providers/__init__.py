"""What is known of the providers: who they are, what their models cost, how they cache. All of it is data.

>>> from datetime import date
>>> facts("anthropic", "anthropic/claude-opus-4.8").minimum_tokens
1024
>>> price("anthropic", "claude-opus-4-8[1m]", date(2026, 11, 21)).rates().output
Decimal('25')
>>> price("anthropic", "claude-opus-9", date(2026, 11, 21)) is None
True
"""

from __future__ import annotations

from synrouter_cli.providers.caching import BilledWrites, CacheFacts, billed_writes, cache_kind, facts, is_claude
from synrouter_cli.providers.listings import Listed, read_listing
from synrouter_cli.providers.models import Model, default_model, known_models, known_names, limits, model, small_model
from synrouter_cli.providers.names import canonical
from synrouter_cli.providers.pricing import Price, Rates, Schedule, billed_as, listed_models, price, price_version
from synrouter_cli.providers.registry import (
    REGION,
    CacheKind,
    Provider,
    builtin,
    credential_owner,
    may_receive,
    provider_names,
    provider_of,
)
from synrouter_cli.providers.relays import Relay, relay_of

__all__ = [
    "REGION",
    "BilledWrites",
    "CacheFacts",
    "CacheKind",
    "Listed",
    "Model",
    "Price",
    "Provider",
    "Rates",
    "Relay",
    "Schedule",
    "billed_as",
    "billed_writes",
    "builtin",
    "cache_kind",
    "canonical",
    "credential_owner",
    "default_model",
    "facts",
    "is_claude",
    "known_models",
    "known_names",
    "limits",
    "listed_models",
    "may_receive",
    "model",
    "price",
    "price_version",
    "provider_names",
    "provider_of",
    "read_listing",
    "relay_of",
    "small_model",
]
