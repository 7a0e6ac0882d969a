"""Our side of a client's configuration: where the proxy is, what prints the local key, which models there are.

Example: `wish(load(), model="", scope="user", auth="key").url` is the running proxy's, or the one that `up` would have.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from synrouter_cli import models_file
from synrouter_cli.clients.client import Auth, Client, Scope, Wish
from synrouter_cli.credentials import Secret
from synrouter_cli.daemon import client, tokens
from synrouter_cli.errors import UnknownModel, UsageError
from synrouter_cli.listening import HOST
from synrouter_cli.paths import Paths
from synrouter_cli.providers import Model, default_model, known_models, model, small_model
from synrouter_cli.settings import Settings
from synrouter_cli.ways import Book, choose

AUTHS: Final[dict[str, Auth]] = {"key": "key", "subscription": "subscription"}
SCOPES: Final[dict[str, Scope]] = {"user": "user", "project": "project"}


def wish(settings: Settings, *, asked_model: str = "", scope: Scope = "user", auth: Auth = "key") -> Wish:
    """Raises UsageError where no port is known."""
    today = datetime.now(UTC).date()
    models = known_models(today)
    if asked_model and asked_model not in {known.id for known in models}:
        models = (_described(asked_model, settings, today), *models)
    return Wish(
        url=f"http://{HOST}:{port_of(settings)}",
        token_command=token_command(),
        token_file=settings.paths.token_file,
        models=models,
        by_id={known.id: known for known in models},
        model=asked_model,
        default=default_model(),
        small=small_model(),
        scope=scope,
        auth=auth,
    )


def _described(name: str, settings: Settings, today: date) -> Model:
    """The model under the name that was asked for, as its vendor describes it: which keys there are is not asked for,
    since a keyring may have to be unlocked for that, and may change."""
    local = frozenset(
        each.name for each in settings.providers.values() if each.local or each.name in settings.own_models
    )
    book = Book(
        settings.providers,
        usable=local | frozenset(settings.provider_keys),
        aliases=settings.aliases,
        routes=settings.routes,
        models=models_file.known(settings),
    )
    try:
        way = choose(name, "anthropic", book)
    except UnknownModel:
        return model(name, today)
    return replace(model(way.model, today, way.provider), id=name)


def port_of(settings: Settings) -> int:
    """The port of the running proxy, else the one that is set. Raises UsageError where that is any."""
    running = client.believable_state(settings.paths)
    if running is not None:
        return running.port
    if not settings.port:
        raise UsageError(detail="The port changes with every start, so no client can be told.", hint="synrouter up")
    return settings.port


def local_key(paths: Paths, *, make: bool = True) -> Secret:
    """The local key; where there is none yet, one is made, or, without `make`, one that looks like it is returned."""
    if not make and not paths.token_file.exists():
        return Secret(f"{tokens.CLIENT_PREFIX}not-made-yet")
    paths.create()
    return tokens.client_token(paths)


def token_command() -> tuple[str, ...]:
    """What prints the local key, whatever environment and folder it is started in."""
    installed = Path(sys.executable).with_name("synrouter.exe" if sys.platform == "win32" else "synrouter")
    words = (str(installed),) if installed.exists() else (sys.executable, "-m", "synrouter_cli")
    home = os.environ.get("SYNROUTER_HOME")
    elsewhere = ("/usr/bin/env", f"SYNROUTER_HOME={Path(home).expanduser().absolute()}") if home else ()
    return (*(elsewhere if sys.platform != "win32" else ()), *words, "token", "show")


def checked_scope(found: Client, scope: str) -> Scope:
    """Raises UsageError where the client has no such scope."""
    if scope not in found.scopes:
        detail = f"{found.title} has no scope {scope!r}; it has: {', '.join(found.scopes)}."
        raise UsageError(detail=detail, hint=f"synrouter configure {found.name}")
    return SCOPES[scope]


def checked_auth(found: Client, auth: str) -> Auth:
    """Raises UsageError where the client can't be used that way."""
    if auth not in found.auths:
        detail = f"{found.title} has no --auth {auth!r}; it has: {', '.join(found.auths)}."
        raise UsageError(detail=detail, hint=f"synrouter configure {found.name}")
    return AUTHS[auth]
