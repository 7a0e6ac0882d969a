"""The values that shells ask for while a person types: a line each, what it is behind a tab.

Quick and silent: neither aiohttp nor Rich is imported, and where there is nothing to say nothing is said. A value
goes into a command line, so none that a shell would read as more than a word is ever given out.

    $ synrouter complete-values upstreams
    anthropic=	https://api.anthropic.com
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import SynrouterError
from synrouter_cli.paths import find_paths
from synrouter_cli.settings import load

Values = Iterator[tuple[str, str]]

SESSIONS: Final = 50
DAYS: Final = 31

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+=,-]{0,199}")
_SPANS = (("24h", "the last day"), ("7d", "the last week"), ("30d", "the last 30 days"), ("52w", "the last year"))


def show(kind: str) -> None:
    """Print the values of one of KINDS; nothing for another."""
    try:
        for value, what in KINDS.get(kind, _nothing)():
            if _SAFE.fullmatch(value):
                print(f"{value}\t{clean(what)}")
    except (SynrouterError, OSError):  # a shell that completes has no place for an error
        return


def _nothing() -> Values:
    yield from ()


def _providers() -> Values:
    for name, provider in sorted(load().providers.items()):
        yield name, provider.base_url


def _upstreams() -> Values:
    for name, url in _providers():
        yield f"{name}=", url


def _sessions() -> Values:
    from synrouter_cli.ledger import names, queries

    with queries.reading(find_paths().ledger_file) as db:
        for session, client, turn in names.sessions(db, SESSIONS):
            yield session, f"{client}, {turn} {'turn' if turn == 1 else 'turns'}"


def _models() -> Values:
    from synrouter_cli.ledger import names, queries

    with queries.reading(find_paths().ledger_file) as db:
        yield from ((model, "") for model in names.models(db))


def _clients() -> Values:
    from synrouter_cli.clients import client_names

    yield from ((client, "") for client in client_names())


def _days() -> Values:
    from synrouter_cli.ledger import names, queries

    yield from _SPANS
    with queries.reading(find_paths().ledger_file) as db:
        for day, turns in names.days(db, time.time() - DAYS * 86_400):
            yield day, f"{turns:,} {'turn' if turns == 1 else 'turns'}"


def _zones() -> Values:
    from zoneinfo import available_timezones

    yield from ((zone, "") for zone in sorted(available_timezones()))


KINDS: Final[Mapping[str, Callable[[], Values]]] = {
    "providers": _providers,
    "upstreams": _upstreams,
    "sessions": _sessions,
    "models": _models,
    "clients": _clients,
    "days": _days,
    "zones": _zones,
}
