"""What a client is told of a model: its name, how much it reads and writes, what it costs.

From `models.toml` for Claude; of others the context window, where the price list knows it. A model that is not listed
gets careful limits, its own name for a title and no price.

>>> from datetime import date
>>> model("claude-haiku-4-5", date(2026, 11, 21)).context_tokens, default_model()
(200000, 'claude-sonnet-5-5')
>>> model("nobody/knows", date(2026, 11, 21))
Model(id='nobody/knows', title='nobody/knows', context_tokens=200000, output_tokens=32000, rates=None)
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Final

import msgspec

from synrouter_cli.providers.names import canonical
from synrouter_cli.providers.pricing import Rates, listed_models, price

__all__ = ["Model", "default_model", "known_models", "known_names", "limits", "model", "small_model"]

CAREFUL: Final = (200_000, 32_000)
"""Context and output tokens of a model that is not listed: what every model of today has at least."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model as a client's configuration describes it."""

    id: str
    title: str
    context_tokens: int
    output_tokens: int
    rates: Rates | None
    """USD per million tokens, of a short prompt; None where no price is known."""


class _Listed(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    context_tokens: int
    output_tokens: int


class _Provider(msgspec.Struct, forbid_unknown_fields=True):
    default: str
    small: str
    models: dict[str, _Listed]


@lru_cache(maxsize=1)
def _file() -> dict[str, _Provider]:
    text = files("synrouter_cli.providers").joinpath("models.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, _Provider])


def known_models(at: date, provider: str = "anthropic") -> tuple[Model, ...]:
    """The listed models with their prices on that day; Anthropic's newest first, others by name."""
    return tuple(model(name, at, provider) for name in known_names(provider))


def known_names(provider: str) -> tuple[str, ...]:
    """The models that a provider is known to have, as it spells them; empty where nobody lists them.

    >>> known_names("moonshot")[0], known_names("nobody")
    ('kimi-k2.6', ())
    """
    own = _file().get(provider)
    return tuple(own.models) if own is not None else tuple(listed_models(provider))


def model(name: str, at: date, provider: str = "anthropic") -> Model:
    """The model of that name, in whatever spelling; its id is spelled as asked."""
    known = price(provider, name, at)
    rates = known.rates() if known is not None else None
    context, output = limits(name, provider)
    own = _file().get(provider)
    listed = own.models.get(canonical(name)) if own is not None else None
    title = listed.title if listed is not None else name
    context = context or CAREFUL[0]
    return Model(name, title, context, output or min(CAREFUL[1], context), rates)


def limits(name: str, provider: str) -> tuple[int | None, int | None]:
    """The context window and the longest answer of a model in tokens, None where they are not known."""
    own = _file().get(provider)
    listed = own.models.get(canonical(name)) if own is not None else None
    if listed is not None:
        return listed.context_tokens, listed.output_tokens
    return _contexts(provider).get(canonical(name)), None


@lru_cache(maxsize=32)
def _contexts(provider: str) -> dict[str, int]:
    return {canonical(name): tokens for name, tokens in listed_models(provider).items() if tokens is not None}


def default_model(provider: str = "anthropic") -> str:
    """The model for a client whose user has named none."""
    return _file()[provider].default


def small_model(provider: str = "anthropic") -> str:
    """The cheap model for a client's titles and summaries."""
    return _file()[provider].small
