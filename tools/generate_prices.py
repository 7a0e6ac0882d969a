"""Write synrouter_cli/providers/prices.json from the installed genai-prices, or check that it is up to date.

Only what can be looked up without guessing is taken: models that are priced by text tokens alone, under their
exact names; snapshots where the source says that they cost the same; nothing that is priced by the hour. A name that
two vendors of one provider have at two prices is left out. `known` are the names of what is offered today, as the
provider spells them, with their context windows.

    python tools/generate_prices.py            # write
    python tools/generate_prices.py --check    # exit 1 where the file differs
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from synrouter_cli.providers.names import canonical
from synrouter_cli.providers.pricing import priced_as
from synrouter_cli.providers.registry import Provider, builtin

TARGET = Path(__file__).resolve().parent.parent / "synrouter_cli" / "providers" / "prices.json"

PROVIDERS = {
    "anthropic": "anthropic",
    "aws": "bedrock",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google": "google",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshotai": "moonshot",
    "openai": "openai",
    "openrouter": "openrouter",
    "together": "together",
    "x-ai": "xai",
    "zai": "zai",
}
"""genai-prices' name of a provider, and ours."""
LEFT_OUT = {
    "aws": lambda model: "anthropic.claude-" not in model.id,  # the endpoint that we speak to has Claude only
    "openrouter": lambda model: "/" not in model.id or ":" in model.id,  # without its vendor a name is an old one
}
"""What of a provider's list is not ours, or can't be told apart."""
NO_TEXT = re.compile(
    r"image|audio|realtime|-tts|transcri|-live|speech|robotics|moderation|-ocr|search-api|instruct$|extended|ft-$", re.I
)
"""Names of models that are not for agents."""
FROM_SOURCE = {"regional.": "", "-v1:0": "", "-v2:0": ""}
"""How the source spells Bedrock's names, and what is asked for: us., eu. and no region cost the same."""

ROW = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok")
OTHER_KNOWN = {"web_searches_kcount", "storage_searches_kcount", "input_audio_mtok", "cache_audio_read_mtok"}
"""Prices of things that no coding agent's text request is billed for, or that are read apart."""
FEES = {"web_searches_kcount": "web_search_requests"}

Row = list[str | None]


class Unusable(Exception):
    """A model whose price can't be said without knowing more than its name and the day."""


def generate() -> str:
    """The file's text; the same for the same version of genai-prices."""
    from genai_prices import data  # its import takes 0.15 s

    tables = {PROVIDERS[provider.id]: _provider(provider) for provider in data.providers if provider.id in PROVIDERS}
    return _text(f"genai-prices {version('genai-prices')}", dict(sorted(tables.items())))


def _provider(provider: Any) -> dict[str, dict[str, Any]]:
    models: dict[str, Any] = {}
    aliases: dict[str, str] = {}
    known: dict[str, int | None] = {}
    twice: set[str] = set()
    left_out = LEFT_OUT.get(provider.id, lambda model: False)
    for model in provider.models:
        if left_out(model):
            continue
        spelled = _spelled(provider, model)
        name = priced_as(PROVIDERS[provider.id], spelled)
        if _is_offered(PROVIDERS[provider.id], spelled, model):
            known[spelled] = model.context_window
        try:
            row = _model(model, with_fees=provider.id == "anthropic")
        except Unusable:
            continue
        if models.setdefault(name, row) != row:
            twice.add(name)
        aliases |= dict.fromkeys(_aliases(model, name), name)
    models = {name: row for name, row in models.items() if name not in twice}
    aliases = {alias: name for alias, name in aliases.items() if alias not in models and name in models}
    return {section: dict(sorted(table.items())) for section, table in
            (("models", models), ("aliases", aliases), ("known", known))}  # fmt: skip


def _spelled(provider: Any, model: Any) -> str:
    name: str = model.id
    for theirs, ours in FROM_SOURCE.items() if provider.id == "aws" else ():
        name = name.replace(theirs, ours)
    return f"accounts/fireworks/models/{name}" if provider.id == "fireworks" and "/" not in name else name


def _is_offered(provider: str, spelled: str, model: Any) -> bool:
    """Whether it reads and writes text for a price by the token today, under a name that leads to this provider. Where
    a provider has everybody's models, those whose context window nobody wrote down are old ones."""
    given = vars(_eras_last(model, any_constraint=True))
    if NO_TEXT.search(spelled):
        return False
    priced = given.get("input_mtok") is not None and given.get("output_mtok") is not None
    ours = builtin().get(provider)
    named = ours is None or not ours.vendor or ours.has(spelled)
    return priced and named and not model.deprecated and (model.context_window is not None or _has_one_vendor(ours))


def _has_one_vendor(ours: Provider | None) -> bool:
    return ours is not None and bool(ours.vendor)


def _model(model: Any, *, with_fees: bool) -> dict[str, Any]:
    if ":" in model.id and "anthropic." not in model.id:
        raise Unusable(model.id)
    eras = [_era(since, prices, model) for since, prices in _eras(model)]
    starts = [era.get("since", "") for era in eras]
    if starts != sorted(set(starts)):
        raise Unusable(model.id)
    entry: dict[str, Any] = {"eras": eras}
    if fees := _fees(_eras_last(model)) if with_fees else {}:
        entry["fees"] = fees
    if _matches_snapshots(model):
        entry["dated"] = True
    return entry


def _eras(model: Any) -> Iterator[tuple[str | None, Any]]:
    if not isinstance(model.prices, list):
        yield None, model.prices
        return
    for item in model.prices:
        start = getattr(item.constraint, "start_date", None)
        if item.constraint is not None and start is None:
            raise Unusable(model.id)
        yield (start.isoformat() if start is not None else None), item.prices


def _eras_last(model: Any, *, any_constraint: bool = False) -> Any:
    if any_constraint and isinstance(model.prices, list):
        return model.prices[-1].prices
    return list(_eras(model))[-1][1]


def _era(since: str | None, prices: Any, model: Any) -> dict[str, Any]:
    base, above = _rates(prices)
    era: dict[str, Any] = {"rates": base}
    if above:
        era["above"] = above
    for variant in model.price_variants or ():
        if variant.when == {"speed": "fast"} and variant.constraint is None:
            era["fast"], fast_above = _rates(variant.prices)
            if fast_above:
                era["fast_above"] = fast_above
    if since is not None:
        era["since"] = since
    return era


def _rates(prices: Any) -> tuple[Row, dict[str, Row]]:
    given = {key: value for key, value in vars(prices).items() if value is not None}
    if {"input_mtok", "output_mtok"} - given.keys() or given.keys() - {*ROW, *OTHER_KNOWN}:
        raise Unusable(f"prices {sorted(given)}")
    thresholds = {tier.start for key in ROW for tier in getattr(given.get(key), "tiers", ())}
    above = {
        str(threshold): [_text_of(_at(given.get(key), threshold)) for key in ROW] for threshold in sorted(thresholds)
    }
    return [_text_of(_at(given.get(key), -1)) for key in ROW], above


def _at(value: Any, threshold: int) -> Decimal | None:
    """The price once a prompt is longer than `threshold`; -1 for the base."""
    if value is None or isinstance(value, Decimal):
        return value
    found: Decimal = value.base
    for tier in value.tiers:
        if tier.start <= threshold:
            found = tier.price
    return found


def _text_of(value: Decimal | None) -> str | None:
    return None if value is None else format(value.normalize(), "f")


def _fees(prices: Any) -> dict[str, str]:
    found = {name: _text_of(vars(prices).get(key)) for key, name in FEES.items()}
    return {name: fee for name, fee in found.items() if fee is not None}


def _clauses(match: Any) -> Iterator[Any]:
    parts = getattr(match, "or_", None)
    if parts is None:
        yield match
        return
    for part in parts:
        yield from _clauses(part)


def _aliases(model: Any, name: str) -> Iterator[str]:
    """Other exact names that are this very model: a snapshot of it, or the newest of it."""
    for clause in _clauses(model.match):
        alias = canonical(getattr(clause, "equals", ""))
        if alias and alias != name and ":" not in alias and _stem(alias) == _stem(name):
            yield alias


def _stem(name: str) -> str:
    return re.sub(r"(?:-latest|-20\d\d-\d\d-\d\d|-\d{8}|-\d{4})$", "", name.replace(".", "-"))


def _matches_snapshots(model: Any) -> bool:
    """Whether the source says of every dated snapshot that it is this model."""
    patterns = [clause.regex for clause in _clauses(model.match) if hasattr(clause, "regex")]
    names = [f"{model.id}-20270131", f"{model.id}-2027-01-31"]
    return any(re.search(pattern, name) for pattern in patterns for name in names)


def _text(source: str, tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """JSON with a line a model, so that a new version shows as a readable diff."""
    lines = ["{", f'"source": {json.dumps(source)},', '"providers": {']
    for number, (provider, table) in enumerate(tables.items(), 1):
        lines.append(f"{json.dumps(provider)}: {{")
        for section in ("models", "aliases", "known"):
            lines.append(f"{json.dumps(section)}: {{")
            rows = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in table[section].items()]
            lines += [row + "," for row in rows[:-1]] + rows[-1:]
            lines.append("}" if section == "known" else "},")
        lines.append("}," if number < len(tables) else "}")
    return "\n".join([*lines, "}", "}", ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 where the file differs")
    text = generate()
    if not parser.parse_args().check:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.read_text("utf-8") == text:
        return 0
    print(f"{TARGET.name} is out of date: run python tools/generate_prices.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
