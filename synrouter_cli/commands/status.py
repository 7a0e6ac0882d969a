"""`synrouter status`: what runs, where, since when, and how it was set. Never a key, only where from.

Example of a line: `keys       anthropic from SYNROUTER_ANTHROPIC_KEY`
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from synrouter_cli import __version__
from synrouter_cli.daemon import client, services
from synrouter_cli.daemon.client import Daemon
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import NotRunning
from synrouter_cli.listening import HOST, Listening
from synrouter_cli.paths import find_paths

SCHEMA_VERSION = 1
_WARNING_WIDTH = 69
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def status(*, as_json: bool) -> None:
    """Print the status. Raises NotRunning (with --json after the object)."""
    try:
        daemon = client.find(find_paths())
    except NotRunning:
        if as_json:
            print(json.dumps({"schema_version": SCHEMA_VERSION, "running": False}))
        raise
    print(json.dumps(as_object(daemon)) if as_json else "\n".join(lines(daemon)))


def as_object(daemon: Daemon) -> dict[str, Any]:
    """The status for other programs. Fields of the health are null while the daemon drains."""
    state, health = daemon.state, daemon.health
    return {
        "schema_version": SCHEMA_VERSION,
        "running": True,
        "stopping": state.stopping,
        "url": f"http://{HOST}:{state.port}",
        "port": state.port,
        "listen": state.listen,
        "allow_hosts": list(state.allow_hosts),
        "exposed": state.listening.exposed,
        "pid": state.pid,
        "instance": state.instance,
        "version": state.version,
        "cli_version": __version__,
        "uptime_s": health.uptime_s if health else None,
        "in_flight": health.in_flight if health else None,
        "committed": health.committed if health else None,
        "ledger": dict(health.ledger) if health else None,
        "mode": state.mode,
        "level": state.level,
        "upstreams": dict(state.upstreams),
        "keys": dict(daemon.keys),
        "keyring": health.keyring if health else "",
        "budget": dict(health.budget) if health else None,
    }


def lines(daemon: Daemon) -> list[str]:
    """The status for people, aligned, to fit 80 columns where paths let it."""
    state, health = daemon.state, daemon.health
    version = state.version
    if version != __version__:
        version += f"; this command is {__version__}: synrouter down, then synrouter up"
    rows = [
        ("synrouter", f"{'stopping' if state.stopping else 'running'}, pid {state.pid}"),
        ("address", f"http://{HOST}:{state.port}"),
        *_listening_rows(state.listening, state.port),
        ("version", version),
    ]
    if health is not None:
        rows += [
            ("up for", duration(health.uptime_s)),
            ("in flight", f"{health.in_flight:,}"),
            *_ledger_rows(health.ledger, health.committed),
        ]
    rows += [
        ("level", state.level),
        ("mode", state.mode),
        *_mapping_rows("upstreams", state.upstreams, "=", "the providers' own"),
        *_mapping_rows("keys", daemon.keys, " from ", "none: clients have to bring their own"),
    ]
    if (file := services.installed_file()) is not None:
        rows.append(("service", clean(f"starts at login: {file}")))
    if health is not None and health.keyring:
        rows.append(("keyring", clean(health.keyring)))
    if health is not None and health.budget:
        rows += _budget_rows(health.budget)
    return [f"{name:<10} {value}" for name, value in rows]


def _listening_rows(listening: Listening, port: int) -> list[tuple[str, str]]:
    """What it serves besides its own address, and what that means."""
    also = [("", clean(listening.url(port)))] if listening.address != HOST else []
    hosts = [("hosts", clean(", ".join(listening.allow_hosts)))] if listening.allow_hosts else []
    said = textwrap.wrap(clean(listening.warning(port)), _WARNING_WIDTH)
    return [*also, *hosts, *((("warning" if index == 0 else ""), line) for index, line in enumerate(said))]


def duration(seconds: float) -> str:
    """Two units at most.

    >>> duration(8077), duration(59.9), duration(200_000)
    ('2h 14m', '59s', '2d 7h')
    """
    whole = int(seconds)
    for (name, size), (finer, part) in pairwise(_UNITS):
        if whole >= size:
            return f"{whole // size}{name} {whole % size // part}{finer}"
    return f"{whole}s"


def _ledger_rows(ledger: Mapping[str, Any], committed: int) -> list[tuple[str, str]]:
    parts = [
        f"{committed:,} {'turn' if committed == 1 else 'turns'} written since the start",
        f"{_number(ledger, 'queue'):,} waiting",
    ]
    if size := _number(ledger, "size_bytes"):
        parts.append(f"{size / 1_000_000:.1f} MB")
    if dropped := _number(ledger, "dropped"):
        parts.append(f"{dropped:,} LOST")
    notes = [
        ledger.get("path"),
        ledger.get("last_error") and f"last error: {ledger['last_error']}",
        ledger.get("notice"),
    ]
    return [("ledger", " · ".join(parts)), *(("", clean(str(note))) for note in notes if note)]


def _budget_rows(budget: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The limits and what was spent of them; whatever is near its limit once more, as answers say it."""
    unpriced = _number(budget, "unpriced_turns")
    uncounted = f"{unpriced:,} {'turn' if unpriced == 1 else 'turns'} without a known price, not counted"
    rows = [("budget", " · ".join(_texts(budget, "limits"))), *([("", uncounted)] if unpriced else [])]
    wrapped = [part for one in _texts(budget, "warnings") for part in textwrap.wrap(one, _WARNING_WIDTH)]
    return rows + [("warning" if index == 0 else "", part) for index, part in enumerate(wrapped)]


def _texts(values: Mapping[str, Any], name: str) -> list[str]:
    texts = values.get(name)
    return [clean(str(text)) for text in texts] if isinstance(texts, list) else []


def _number(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    return value if isinstance(value, int) else 0


def _mapping_rows(title: str, values: Mapping[str, str], joint: str, otherwise: str) -> list[tuple[str, str]]:
    texts = [f"{name}{joint}{value}" for name, value in sorted(values.items())] or [otherwise]
    return [(title if index == 0 else "", text) for index, text in enumerate(texts)]
