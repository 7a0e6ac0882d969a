"""What a model costs at a date, or None: a price is never guessed.

`prices.json` is generated from genai-prices (tools/generate_prices.py); `prices.toml` is our own small table,
which wins. A name is found exactly or not at all: no prefix of a known name ever stands for a model, and no vendor's
price for what somebody else asks for its model: relays and regions differ.

>>> from datetime import date
>>> haiku = price("anthropic", "claude-haiku-5-5", date(2026, 11, 21))
>>> haiku.rates(100_000).input, haiku.rates(100_001).input
(Decimal('0.10'), Decimal('0.50'))
>>> price("openai", "gpt-5.5-codex", date(2026, 11, 21)) is None
True
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files

import msgspec

from synrouter_cli.providers.names import canonical

__all__ = ["Price", "Rates", "Schedule", "billed_as", "listed_models", "price", "price_version", "priced_as"]

_APART = {"bedrock": "global."}
"""Provider → what in its models' names has prices of its own: a global profile costs a tenth less than all others."""


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per million tokens. None: the category has no known price."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    """Also the one write price of providers that have no choice of lifetimes."""
    cache_write_1h: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rates by the length of the prompt: crossing a threshold reprices the whole request."""

    base: Rates
    tiers: tuple[tuple[int, Rates], ...] = ()
    """(threshold, rates) ascending; a tier holds for prompts of more tokens than its threshold."""

    def at(self, prompt_tokens: int) -> Rates:
        found = self.base
        for threshold, rates in self.tiers:
            if prompt_tokens > threshold:
                found = rates
        return found


@dataclass(frozen=True, slots=True)
class Price:
    """Everything a turn's cost depends on besides its usage."""

    standard: Schedule
    fast: Schedule | None
    """Prices of `speed: "fast"`, where they are published."""
    fees: Mapping[str, Decimal]
    """USD per 1,000 uses of a server tool, by its counter in `usage.server_tool_use`."""
    service_tiers: Mapping[str, Decimal]
    """Multiplier by `usage.service_tier`; one that is not listed has no known price."""
    inference_geos: Mapping[str, Decimal]
    """Multiplier by `usage.inference_geo`; one that is not listed has no known price."""
    version: str

    def rates(self, prompt_tokens: int = 0, *, speed: str | None = None) -> Rates | None:
        """The rates for a prompt of that length; speed is None, "standard" or "fast". None if unknown."""
        schedule = _SPEEDS.get(speed or "standard", _no_schedule)(self)
        return None if schedule is None else schedule.at(prompt_tokens)


def _no_schedule(price: Price) -> Schedule | None:
    return None


_SPEEDS = {"standard": lambda price: price.standard, "fast": lambda price: price.fast}

_Row = list[Decimal | None]
"""input, output, cache read, 5m write, 1h write"""


class _Era(msgspec.Struct, forbid_unknown_fields=True):
    rates: _Row
    above: dict[str, _Row] = {}
    fast: _Row | None = None
    fast_above: dict[str, _Row] = {}
    since: date | None = None


class _Model(msgspec.Struct, forbid_unknown_fields=True):
    eras: list[_Era]
    fees: dict[str, Decimal] = {}
    dated: bool = False
    """Snapshots (the name and a date) have the same price."""


class _Generated(msgspec.Struct, forbid_unknown_fields=True):
    models: dict[str, msgspec.Raw]
    aliases: dict[str, str] = {}
    known: dict[str, int | None] = {}
    """What is offered today, as the provider spells it → its context window in tokens."""


class _GeneratedFile(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    providers: dict[str, msgspec.Raw]


class _Own(msgspec.Struct, forbid_unknown_fields=True):
    models: dict[str, _Era] = {}
    fees: dict[str, Decimal] = {}
    service_tiers: dict[str, Decimal] = {}
    inference_geos: dict[str, Decimal] = {}
    hours: dict[str, Decimal] = {}
    """How a model's name begins → what a write for an hour costs relative to input, where only that for five minutes
    is listed."""


class _OwnFile(msgspec.Struct, forbid_unknown_fields=True):
    version: str
    providers: dict[str, _Own]


_model_decoder = msgspec.json.Decoder(_Model)
_DATE = re.compile(r"-(?:20\d\d-\d\d-\d\d|20\d{6})$")


@lru_cache(maxsize=1)
def _files() -> tuple[_GeneratedFile, _OwnFile]:
    folder = files("synrouter_cli.providers")
    generated = msgspec.json.decode(folder.joinpath("prices.json").read_bytes(), type=_GeneratedFile)
    own = msgspec.convert(tomllib.loads(folder.joinpath("prices.toml").read_text("utf-8")), _OwnFile)
    return generated, own


@lru_cache(maxsize=1)
def price_version() -> str:
    """What the prices are, for the ledger: `genai-prices 0.2.3 + table 2026-11-21`."""
    generated, own = _files()
    return f"{generated.source} + table {own.version}"


def price(provider: str, model: str, at: date) -> Price | None:
    """The price of a model on that day (UTC), in whatever spelling; None where none is known for certain."""
    if isinstance(at, datetime):
        at = (at.astimezone(UTC) if at.tzinfo is not None else at).date()
    return _price(provider, priced_as(provider, model), at)


@lru_cache(maxsize=1024)
def priced_as(provider: str, model: str) -> str:
    """The name that a model's price is kept under.

    >>> priced_as("bedrock", "global.anthropic.claude-opus-4-8"), priced_as("bedrock", "us.anthropic.claude-opus-4-8")
    ('global.claude-opus-4-8', 'claude-opus-4-8')
    """
    name = canonical(model)
    apart = _APART.get(provider)
    return f"{apart}{name}" if apart and f"{apart}anthropic." in model.lower() else name


def billed_as(provider: str, asked: str, used: str) -> str:
    """Which of two names a turn is priced by: the model that answered, at the place that was asked for.

    >>> billed_as("bedrock", "global.anthropic.claude-opus-5", "claude-opus-5"), billed_as("openai", "a", "b")
    ('global.anthropic.claude-opus-5', 'b')
    """
    return asked if not used or (provider in _APART and canonical(asked) == canonical(used)) else used


@lru_cache(maxsize=32)
def listed_models(provider: str) -> Mapping[str, int | None]:
    """The models that a provider is known to offer, as it spells them → their context windows in tokens, None where
    that is not known. Empty for a provider whose models are listed nowhere."""
    table = _table(provider)
    return table.known if table is not None else {}


@lru_cache(maxsize=512)
def _price(provider: str, name: str, at: date) -> Price | None:
    _, own_file = _files()
    own = own_file.providers.get(provider, _Own())
    listed = _listed(_table(provider), name)
    model = _with_own(listed, own.models.get(name))
    era = _era_at(model, at)
    if model is None or era is None:
        return None
    hour = next((times for start, times in own.hours.items() if name.startswith(start)), None)
    return Price(
        standard=_schedule(era.rates, era.above, hour),
        fast=None if era.fast is None else _schedule(era.fast, era.fast_above, hour),
        fees={**model.fees, **own.fees},
        service_tiers=own.service_tiers,
        inference_geos=own.inference_geos,
        version=price_version(),
    )


@lru_cache(maxsize=32)
def _table(provider: str) -> _Generated | None:
    raw = _files()[0].providers.get(provider)
    return None if raw is None else msgspec.json.decode(raw, type=_Generated)


def _listed(table: _Generated | None, name: str) -> _Model | None:
    if table is None:
        return None
    raw = table.models.get(table.aliases.get(name, name))
    if raw is not None:
        return _model_decoder.decode(raw)
    raw = table.models.get(_DATE.sub("", name))
    model = _model_decoder.decode(raw) if raw is not None else None
    return model if model is not None and model.dated else None


def _with_own(listed: _Model | None, own: _Era | None) -> _Model | None:
    """The listed model with our own row in it, which holds from its date on and where it says nothing leaves
    fast prices and fees as they are listed."""
    if own is None:
        return listed
    if listed is None:
        return _Model(eras=[own])
    earlier = [e for e in listed.eras if own.since is not None and (e.since is None or e.since < own.since)]
    if own.fast is None:
        last = listed.eras[-1]
        own = msgspec.structs.replace(own, fast=last.fast, fast_above=last.fast_above)
    return _Model(eras=[*earlier, own], fees=listed.fees)


def _era_at(model: _Model | None, at: date) -> _Era | None:
    found = None
    for era in model.eras if model is not None else []:
        if era.since is None or era.since <= at:
            found = era
    return found


def _schedule(row: _Row, above: Mapping[str, _Row], hour: Decimal | None) -> Schedule:
    tiers = sorted((int(threshold), _rates(tier, hour)) for threshold, tier in above.items())
    return Schedule(_rates(row, hour), tuple(tiers))


def _rates(row: _Row, hour: Decimal | None) -> Rates:
    given, answered, read, short, long = row
    if given is None or answered is None:
        raise ValueError("a price row needs input and output")
    if long is None and short is not None and hour is not None:
        long = given * hour
    return Rates(given, answered, read, short, long)
