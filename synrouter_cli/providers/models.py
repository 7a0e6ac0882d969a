"""What a client is told of a model: its name, how much it reads and writes, what it costs. From `models.toml`.

A model that is not listed gets careful limits, its own name for a title and no price.

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
from synrouter_cli.providers.pricing import Rates, price

__all__ = ["Model", "default_model", "known_models", "model", "small_model"]

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
    """The listed models with their prices on that day, newest first."""
    return tuple(model(name, at, provider) for name in _file()[provider].models)


def model(name: str, at: date, provider: str = "anthropic") -> Model:
    """The model of that name, in whatever spelling; its id is spelled as asked."""
    listed = _file()[provider].models.get(canonical(name))
    known = price(provider, name, at)
    rates = known.rates() if known is not None else None
    if listed is None:
        return Model(name, name, *CAREFUL, rates)
    return Model(name, listed.title, listed.context_tokens, listed.output_tokens, rates)


def default_model(provider: str = "anthropic") -> str:
    """The model for a client whose user has named none."""
    return _file()[provider].default


def small_model(provider: str = "anthropic") -> str:
    """The cheap model for a client's titles and summaries."""
    return _file()[provider].small
