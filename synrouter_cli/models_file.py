"""`models.json` in the data folder: what each provider said of its models, and when; written by `models --refresh`.

So a new model needs no release of ours. A file that can't be read counts as none: it can be had again.

Example: `read(paths)["openrouter"]` is ("anthropic/claude-opus-5.5", …).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from synrouter_cli import private_files
from synrouter_cli.paths import Paths
from synrouter_cli.providers import known_names
from synrouter_cli.providers.listings import Listed
from synrouter_cli.providers.pricing import Rates
from synrouter_cli.settings import Settings

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Listing:
    """What one provider said."""

    asked_on: date
    """UTC."""
    models: tuple[Listed, ...]


class _Rates(msgspec.Struct, omit_defaults=True):
    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None


class _Model(msgspec.Struct, omit_defaults=True):
    id: str
    context_tokens: int | None = None
    output_tokens: int | None = None
    rates: _Rates | None = None


class _Listing(msgspec.Struct):
    asked_on: date
    models: tuple[_Model, ...]


class _File(msgspec.Struct):
    schema_version: int
    providers: dict[str, _Listing]


def read(paths: Paths) -> Mapping[str, tuple[str, ...]]:
    """Provider → the names of its models; empty where nobody was asked yet. Never raises."""
    return {name: tuple(model.id for model in listing.models) for name, listing in load(paths).items()}


def known(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Provider → the names of all models that it is known to have: what the user says, what it said itself, what is
    written down of it. For `ways.Book.models`; never raises."""
    own, said = settings.own_models, read(settings.paths)
    return {
        name: tuple(dict.fromkeys((*own.get(name, ()), *said.get(name, ()), *known_names(name))))
        for name in settings.providers
    }


def load(paths: Paths) -> dict[str, Listing]:
    """Provider → what it said of its models. Never raises."""
    try:
        file = msgspec.json.decode(paths.models_file.read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError):
        return {}
    if file.schema_version != SCHEMA_VERSION:
        return {}
    return {
        name: Listing(listing.asked_on, tuple(_listed(model) for model in listing.models))
        for name, listing in file.providers.items()
    }


def save(paths: Paths, listings: Mapping[str, Listing]) -> None:
    """Write all of it in the place of what was there, 0600. Raises OSError."""
    file = _File(SCHEMA_VERSION, {name: _kept(listing) for name, listing in sorted(listings.items())})
    private_files.replace(paths.models_file, msgspec.json.format(msgspec.json.encode(file), indent=1))


def _listed(model: _Model) -> Listed:
    rates = model.rates
    known = None if rates is None else Rates(**msgspec.structs.asdict(rates))
    return Listed(model.id, model.context_tokens, model.output_tokens, known)


def _kept(listing: Listing) -> _Listing:
    return _Listing(listing.asked_on, tuple(_model(model) for model in listing.models))


def _model(model: Listed) -> _Model:
    rates = model.rates
    kept = None if rates is None else _Rates(
        rates.input, rates.output, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h
    )  # fmt: skip
    return _Model(model.id, model.context_tokens, model.output_tokens, kept)
