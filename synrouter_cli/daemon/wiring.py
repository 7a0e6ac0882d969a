"""Which parts make the proxy: the ledger, the turns and the HTTP side, put together for one run.

All of it is imported and read before the first request, so that an upgrade of the installed package under a
running daemon changes nothing for it.

Example: `server.run(settings, assemble=assemble_with(str))` prints every finished turn as a row.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from synrouter_cli import models_file
from synrouter_cli.daemon import tokens
from synrouter_cli.daemon.key_holder import KeyHolder
from synrouter_cli.daemon.server import Assemble, Parts, Running
from synrouter_cli.errors import ConfigError
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.trim import limits_of
from synrouter_cli.providers import (
    billed_writes,
    builtin,
    credential_owner,
    facts,
    known_models,
    model,
    price_version,
    relay_of,
)
from synrouter_cli.proxy.app import Services, start
from synrouter_cli.proxy.budgeting import Budgets
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.settings import Settings
from synrouter_cli.wire.codecs.registry import CODECS

# What the libraries import only when a request needs it.
_IMPORTED_LATE = ("encodings.idna", "encodings.latin_1", "stringprep", "zlib", "gzip", "backports.zstd")


def assemble_with(turn_line: Callable[[Turn], str], *, clock: Callable[[], float] = time.time) -> Assemble:
    """How to build the proxy whose finished turns are printed through `turn_line`.

    `clock` is the wall clock by which entries live and turns are dated.
    """

    @asynccontextmanager
    async def assemble(parts: Parts) -> AsyncIterator[Running]:
        def on_turn(turn: Turn) -> None:
            if turn.status != "started":
                parts.say(turn_line(turn))

        settings = parts.settings
        _check_names(settings)
        key = tokens.digest_key(settings.paths)
        holder = KeyHolder(settings, learned=parts.learned)
        ledger = Ledger.open(settings.paths.ledger_file, clock=clock)
        try:
            budgets = Budgets(settings.budget, clock=clock, ledger=ledger, tell=parts.warn)
            turns = Turns(
                level=settings.level,
                mode=settings.mode,
                ledger=ledger,
                clock=clock,
                on_turn=on_turn,
                secret=key,
                policy=_policy(settings),
                keep_warm=settings.keep_warm,
                budgets=budgets,
            )
            services = Services(
                tokens=parts.tokens,
                turns=turns,
                ledger=ledger,
                instance=parts.instance,
                scope_key=key,
                shutdown=parts.shutdown,
                started_at=parts.started_at,
                clock=clock,
                keys=holder,
                budgets=budgets,
                models=models_file.known(settings),
            )
            _import_late()
            _read_data(clock())
            _settle_memory()
            holder.start()
            yield await start(settings, services)
            turns.close()  # no request is left: the turn numbers that nobody used are given back
        finally:
            await holder.close()
            await asyncio.to_thread(ledger.close)

    return assemble


def _policy(settings: Settings) -> Policy:
    """What sessions that begin now may have changed in them."""
    trim = settings.trim
    limits = limits_of(settings.level, trim.over_chars, trim.keep_chars, trim.tools)
    return Policy(settings.level, limits, diagnoses=settings.diagnostics and settings.level != "observe")


def _check_names(settings: Settings) -> None:
    for name in settings.upstreams:
        if name not in settings.providers:
            known = ", ".join(sorted(settings.providers))
            raise ConfigError(where=f"upstream {name}", detail=f"no such provider; known are: {known}")


def _settle_memory() -> None:
    """What is there by now stays: the collector need not look at it again, nor at every request's few thousand values
    (a sixth of the time of planning)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _read_data(now: float) -> None:
    """What is read from files of the package, once each; the names have read who the providers are."""
    today = datetime.fromtimestamp(now, UTC).date()
    price_version()
    known_models(today)
    for provider in builtin():
        model("", today, provider)
        facts(provider, "")
    credential_owner("")
    relay_of("")
    billed_writes("")


def _import_late() -> None:
    for dialect in CODECS:
        CODECS[dialect]
    for name in _IMPORTED_LATE:
        if importlib.util.find_spec(name.split(".")[0]) and importlib.util.find_spec(name):
            importlib.import_module(name)
