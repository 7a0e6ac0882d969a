"""The user's own providers, routes and budgets: tables of `config.toml`, checked value by value.

    [providers.corp]
    base_url = "https://llm.corp.example/v1"
    dialect = "chat"
    models = ["big", "small"]

    [providers.bedrock]
    region = "eu-west-1"

>>> table = {"corp": {"base_url": "https://x.example/v1", "dialect": "chat", "models": ["m"]}}
>>> made, models = read_providers(table, at)
>>> made["corp"].path("chat", "/chat/completions"), models["corp"]
('/v1/chat/completions', ('m',))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from synrouter_cli.addresses import PROVIDER_NAME, check_upstream
from synrouter_cli.errors import ConfigError

if TYPE_CHECKING:  # at run time where a table is read: what most commands need of the settings loads no msgspec
    from synrouter_cli.providers import Provider

Where = Callable[..., str]
"""The names of keys from the outside in → where that is in the file, for a message."""

DIALECTS: Final = ("anthropic", "chat", "responses")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
_QUERY = re.compile(r"[A-Za-z0-9._~=&%+-]*")
_NOT_THEIRS: Final = frozenset(
    "host content-length transfer-encoding connection accept-encoding x-synrouter-key".split()
)
_ROUTES: Final = ("/chat/completions", "/responses", "/messages")
"""What clients of a dialect put behind a base URL themselves."""
_KEYS: Final = ("base_url", "dialect", "auth", "query", "headers", "models", "cache")
_KEYS_OF_KNOWN: Final = ("headers", "query", "models")
_CACHES: Final = ("markers", "key", "breakpoints", "automatic", "none")
_PLACE: Final = ("region", "endpoint")
"""Keys of the known ones that are in several places."""


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """`[budget]`: USD that a day (UTC) or a session may cost; None is no limit."""

    daily_usd: Decimal | None = None
    session_usd: Decimal | None = None


def at(*names: str) -> str:
    """A place in a file that is not named.

    >>> at("providers", "corp")
    'providers.corp'
    """
    return ".".join(names)


def read_providers(table: Any, where: Where) -> tuple[dict[str, Provider], dict[str, tuple[str, ...]]]:
    """Name → provider, name → its models. A name of ours may be given headers, a query, models and, where it has some,
    a region; everything else makes a new one. Raises ConfigError."""
    from synrouter_cli.providers import builtin

    made: dict[str, Provider] = {}
    models: dict[str, tuple[str, ...]] = {}
    for name, row in _table(table, where("providers")).items():
        place = ("providers", name)
        if not PROVIDER_NAME.fullmatch(name):
            raise ConfigError(where=where(*place), detail="a name has small letters, digits and dashes only")
        known = builtin().get(name)
        for key in _table(row, where(*place)):
            if key not in (*_KEYS, *(_PLACE if known is not None else ())):
                raise ConfigError(where=where(*place, key), detail=f"unknown key; known are {', '.join(_KEYS)}")
        made[name] = _new(name, row, place, where) if known is None else _known(known, row, place, where)
        if named := _texts(row.get("models", []), where(*place, "models")):
            models[name] = named
    return made, models


def read_routes(table: Any, where: Where) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(name or pattern, targets), in the order of the file. Raises ConfigError."""
    routes = []
    for pattern, target in _table(table, where("routes")).items():
        targets = _texts([target] if isinstance(target, str) else target, where("routes", pattern))
        if not targets:
            raise ConfigError(where=where("routes", pattern), detail="expected a model, a provider, or a list of them")
        routes.append((pattern, targets))
    return tuple(routes)


def read_aliases(table: Any, where: Where) -> dict[str, str]:
    """Name → the model that it stands for. Raises ConfigError."""
    aliases = _table(table, where("aliases"))
    for name, target in aliases.items():
        if not isinstance(target, str) or not target:
            raise ConfigError(where=where("aliases", name), detail='expected NAME = "MODEL"')
    return aliases


def read_budget(table: Any, where: Where) -> BudgetLimits:
    """Raises ConfigError."""
    limits: dict[str, Decimal] = {}
    for key, value in _table(table, where("budget")).items():
        if key not in BudgetLimits.__dataclass_fields__:
            known = ", ".join(BudgetLimits.__dataclass_fields__)
            raise ConfigError(where=where("budget", key), detail=f"unknown key; known are {known}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1_000_000:
            raise ConfigError(where=where("budget", key), detail="expected an amount of USD above 0")
        limits[key] = Decimal(str(value))
    return BudgetLimits(**limits)


def _known(known: Provider, row: Mapping[str, Any], place: tuple[str, ...], where: Where) -> Provider:
    has = (*_KEYS_OF_KNOWN, *(_PLACE if known.endpoints else ()))
    odd = next((key for key in row if key not in has), None)
    if odd is not None:
        hint = f'[upstreams] {known.name} = "https://…"' if odd == "base_url" else None
        detail = f"{known.name} is known and keeps its own; what can be set is {', '.join(has)}"
        raise ConfigError(where=where(*place, odd), detail=detail, hint=hint)
    query = _query(row.get("query", known.query), where(*place, "query"))
    changed = replace(known, headers=_headers(row, place, where), query=query)
    return _moved(changed, row, place, where) if any(key in row for key in _PLACE) else changed


def _moved(known: Provider, row: Mapping[str, Any], place: tuple[str, ...], where: Where) -> Provider:
    from synrouter_cli.providers import REGION

    region, endpoint = row.get("region", known.region), row.get("endpoint", next(iter(known.endpoints)))
    if not isinstance(region, str) or not REGION.fullmatch(region):
        raise ConfigError(where=where(*place, "region"), detail="expected a region such as eu-west-1")
    if not isinstance(endpoint, str) or endpoint not in known.endpoints:
        raise ConfigError(where=where(*place, "endpoint"), detail=f"expected one of {', '.join(known.endpoints)}")
    return replace(known, base_url=known.at_place(region, endpoint), region=region)


def _new(name: str, row: Mapping[str, Any], place: tuple[str, ...], where: Where) -> Provider:
    from synrouter_cli.providers import Provider

    if not isinstance(row.get("base_url"), str):
        raise ConfigError(where=where(*place), detail='expected base_url = "https://…"')
    url = check_upstream(row["base_url"], where=where(*place, "base_url"))
    dialect = row.get("dialect", "chat")
    if dialect not in DIALECTS:
        raise ConfigError(where=where(*place, "dialect"), detail=f"expected one of {', '.join(DIALECTS)}")
    cache = row.get("cache", "markers" if dialect == "anthropic" else "automatic")
    if cache not in _CACHES:
        raise ConfigError(where=where(*place, "cache"), detail=f"expected one of {', '.join(_CACHES)}")
    parts = urlsplit(url)
    path = parts.path
    if route := next((route for route in _ROUTES if path.endswith(route)), None):
        raise ConfigError(where=where(*place, "base_url"), detail=f"expected it without {route}")
    if dialect == "anthropic" and not path.endswith("/v1"):
        path += "/v1"  # as clients of that dialect have it: the base URL goes without
    auth = _auth(row.get("auth"), dialect, where(*place, "auth"))
    return Provider(
        name=name,
        title=name,
        base_url=url.removesuffix(parts.path) if parts.path else url,
        dialects={dialect: path},
        auth=auth,
        query=_query(row.get("query", ""), where(*place, "query")),
        cache=cache,
        headers=_headers(row, place, where),
        local=auth == ("", ""),
        builtin=False,
    )


def _auth(value: Any, dialect: str, where: str) -> tuple[str, str]:
    """`bearer`, `x-api-key`, another header's name, or `none`."""
    if value is None:
        return ("x-api-key", "") if dialect == "anthropic" else ("authorization", "Bearer")
    if not isinstance(value, str) or not _HEADER.fullmatch(value) or value.lower() in _NOT_THEIRS:
        raise ConfigError(where=where, detail='expected "bearer", "x-api-key", "none", or a header\'s name')
    special = {"bearer": ("authorization", "Bearer"), "none": ("", "")}
    return special.get(value.lower(), (value.lower(), ""))


def _headers(row: Mapping[str, Any], place: tuple[str, ...], where: Where) -> dict[str, str]:
    headers = _table(row.get("headers", {}), where(*place, "headers"))
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _NOT_THEIRS:
            raise ConfigError(where=where(*place, "headers", name), detail="no header that can be set")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise ConfigError(where=where(*place, "headers", name), detail="expected a line of printable ASCII")
    return headers


def _query(value: Any, where: str) -> str:
    if not isinstance(value, str) or not _QUERY.fullmatch(value.removeprefix("?")):
        raise ConfigError(where=where, detail="expected NAME=VALUE&…")
    return value.removeprefix("?")


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(where=where, detail="expected a table")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise ConfigError(where=where, detail="expected a list of names")
    return tuple(value)
