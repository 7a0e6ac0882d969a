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

from synrouter_cli.providers.models import Model, default_model, known_models, model, small_model
from synrouter_cli.providers.names import canonical
from synrouter_cli.providers.pricing import Price, Rates, Schedule, price, price_version
from synrouter_cli.providers.registry import (
    CacheFacts,
    Provider,
    credential_owner,
    facts,
    may_receive,
    provider_names,
    provider_of,
)
from synrouter_cli.providers.relays import Relay, relay_of

__all__ = [
    "CacheFacts",
    "Model",
    "Price",
    "Provider",
    "Rates",
    "Relay",
    "Schedule",
    "canonical",
    "credential_owner",
    "default_model",
    "facts",
    "known_models",
    "may_receive",
    "model",
    "price",
    "price_version",
    "provider_names",
    "provider_of",
    "relay_of",
    "small_model",
]
