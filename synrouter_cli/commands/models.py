"""`synrouter models`: what is known of the providers' models; `--refresh` asks those that can be used for their lists.

anthropic
  claude-opus-5-5      4      20  0.20  1,000,000  markers
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from synrouter_cli import models_file
from synrouter_cli.commands.cells import breadth, columns, cut, padded
from synrouter_cli.commands.key_states import Survey, survey
from synrouter_cli.commands.providers import tell_problem
from synrouter_cli.credentials import Secret, variable_of
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import EXIT_FAILURE, SynrouterError, UsageError
from synrouter_cli.models_file import Listing
from synrouter_cli.providers import (
    Listed,
    Provider,
    Rates,
    cache_kind,
    canonical,
    known_names,
    limits,
    price,
    read_listing,
)
from synrouter_cli.settings import Settings, load

SCHEMA_VERSION: Final = 1
_TITLES: Final = ("", "Input", "Output", "Read", "Context", "Cache")
_TO_THE_LEFT: Final = (True, False, False, False, False, True)
_NARROWEST_NAME: Final = 18


@dataclass(frozen=True, slots=True)
class Row:
    """One model of one provider. Rates in USD per million tokens; None where nothing is known."""

    model: str
    provider: str
    usable: bool
    rates: Rates | None
    context_tokens: int | None
    output_tokens: int | None
    cache: str


def show(provider: str | None, *, refresh: bool, as_json: bool) -> int:
    """Print them; returns the exit code: 1 where a provider that was named, or every one, could not be asked.

    Raises UsageError for a provider that nobody knows, ConfigError.
    """
    settings = load()
    if provider is not None and provider not in settings.providers:
        known_providers = ", ".join(sorted(settings.providers))
        detail = f"There is no provider {provider!r}; known are: {known_providers}."
        raise UsageError(detail=detail, hint="synrouter providers")
    known = survey(settings)
    able = {name for name, each in settings.providers.items() if each.local or name in known.keys}
    asked = [name for name in settings.providers if name in able and provider in (None, name)]
    code = _refresh(settings, known, asked, only=provider) if refresh else 0
    listings = models_file.load(settings.paths)
    today = datetime.now(UTC).date()
    rows = list(listed(settings, known.usable, listings, today, only=provider))
    if as_json:
        print(json.dumps(_object(rows, listings)))
    else:
        room = columns()
        print("\n".join(table(rows, room)) or _nothing(provider), flush=True)
        tell_problem(known)
    return code


def listed(
    settings: Settings, usable: frozenset[str], listings: Mapping[str, Listing], today: date, *, only: str | None = None
) -> Iterator[Row]:
    """A row for each model that is known, those of usable providers first. Of a provider that has everybody's models
    those of the price list are left out unless it can be used or is the only one asked for."""
    providers = [provider for name, provider in settings.providers.items() if only in (None, name)]
    for provider in sorted(providers, key=lambda provider: provider.name not in usable):
        everybodys = provider.builtin and not provider.vendor
        if only is None and everybodys and provider.name not in usable:
            continue
        yield from _of(provider, settings, usable, listings.get(provider.name), today)


def table(rows: Iterable[Row], room: int) -> Iterator[str]:
    """The rows for people under their providers' names, in at most `room` columns: names are cut, then the last columns
    left out."""
    shown = list(rows)
    cells = [_TITLES, *(_cells(row) for row in shown)]
    widths = [max(breadth(row[column]) for row in cells) for column in range(len(_TITLES))]
    while len(widths) > 1 and min(widths[0], _NARROWEST_NAME) + sum(widths[1:]) + 2 * len(widths[1:]) > room:
        widths.pop()
    widths[0] = min(widths[0], room - sum(widths[1:]) - 2 * len(widths[1:]))
    before = ""
    for row, (name, *rest) in zip((None, *shown), cells, strict=True):
        if row is not None and row.provider != before:
            before = row.provider
            yield cut(before if row.usable else f"{before} (no key)", room)
        parts = list(zip((cut(name, widths[0]), *rest), widths, _TO_THE_LEFT, strict=False))
        if shown:
            yield cut("  ".join(padded(cell, space, left) for cell, space, left in parts).rstrip(), room)


def _of(
    provider: Provider, settings: Settings, usable: frozenset[str], listing: Listing | None, today: date
) -> Iterator[Row]:
    """What the provider says of itself goes before what is written down of it, but for prices."""
    said = {model.id: model for model in listing.models} if listing is not None else {}
    names = dict.fromkeys((*said, *settings.own_models.get(provider.name, ())))
    spelled = {canonical(name) for name in names}
    names |= dict.fromkeys(name for name in known_names(provider.name) if canonical(name) not in spelled)
    for name in names:
        found = price(provider.name, name, today)
        own = said.get(name, Listed(name))
        context, output = limits(name, provider.name)
        yield Row(
            model=name,
            provider=provider.name,
            usable=provider.name in usable,
            rates=found.rates() if found is not None else own.rates,
            context_tokens=own.context_tokens or context,
            output_tokens=own.output_tokens or output,
            cache=cache_kind(provider, name),
        )


def _cells(row: Row) -> tuple[str, ...]:
    given, answered, read = (
        (row.rates.input, row.rates.output, row.rates.cache_read) if row.rates is not None else (None, None, None)
    )
    context = f"{row.context_tokens:,}" if row.context_tokens else "?"
    return f"  {clean(row.model)}", _usd(given), _usd(answered), _usd(read), context, row.cache


def _usd(amount: Decimal | None) -> str:
    """USD as short as it is exact, at least in cents where it has any.

    >>> _usd(Decimal("0.2")), _usd(Decimal("5")), _usd(Decimal("0.0036")), _usd(None)
    ('0.20', '5', '0.0036', '?')
    """
    if amount is None:
        return "?"
    plain = format(amount.normalize(), "f")
    return plain if "." not in plain else plain.ljust(plain.index(".") + 3, "0")


def _object(rows: Iterable[Row], listings: Mapping[str, Listing]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "models": [_row(row) for row in rows],
        "asked_on": {name: listing.asked_on.isoformat() for name, listing in listings.items()},
    }


def _row(row: Row) -> dict[str, Any]:
    rates = row.rates
    names = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
    usd = {name: getattr(rates, name) if rates is not None else None for name in names}
    return {
        "model": row.model,
        "provider": row.provider,
        "usable": row.usable,
        "usd_per_million": {name: None if amount is None else float(amount) for name, amount in usd.items()},
        "context_tokens": row.context_tokens,
        "output_tokens": row.output_tokens,
        "cache": row.cache,
    }


def _nothing(provider: str | None) -> str:
    return f"no models of {provider} are known: synrouter models --refresh {provider}"


# ── asking ──


def _refresh(settings: Settings, known: Survey, asked: list[str], *, only: str | None) -> int:
    """Ask them all at once, keep what they say; what went wrong is told on stderr."""
    answers = asyncio.run(_ask_all(settings, known.keys, asked))
    listings = models_file.load(settings.paths)
    for name, answer in answers.items():
        if isinstance(answer, Listing):
            listings[name] = answer
            print(f"synrouter: {name}: {len(answer.models):,} models", file=sys.stderr)
        elif only is not None or not settings.providers[name].local:  # one that does not run here is no news
            print(f"synrouter: {name}: {answer}", file=sys.stderr)
    if not asked:
        print(f"synrouter: no provider can be asked\n  next: {_how_to_ask(known, only)}", file=sys.stderr)
        return EXIT_FAILURE
    settings.paths.create()
    models_file.save(settings.paths, listings)
    return 0 if any(isinstance(answer, Listing) for answer in answers.values()) else EXIT_FAILURE


def _how_to_ask(known: Survey, only: str | None) -> str:
    if only is not None and known.states[only].usable:
        return f"export {variable_of(only)}=… here too    # the running proxy alone has the key"
    return f"synrouter keys set {only or 'PROVIDER'}"


async def _ask_all(settings: Settings, keys: Mapping[str, Secret], asked: list[str]) -> dict[str, Listing | str]:
    from synrouter_cli.commands.provider_calls import Calls, calling  # aiohttp is slow to load

    today = datetime.now(UTC).date()

    async def one(calls: Calls, name: str) -> Listing | str:
        dialect, path = settings.providers[name].listing()
        try:
            status, body = await calls.get(name, dialect, path, keys.get(name))
            return Listing(today, read_listing(body)) if status == 200 else f"answered {status}"
        except SynrouterError as error:
            return error.message.removeprefix(f"{name} ")
        except ValueError as error:
            return f"answered with {error}"

    async with calling(settings) as calls:
        found = await asyncio.gather(*(one(calls, name) for name in asked))
    return dict(zip(asked, found, strict=True))
