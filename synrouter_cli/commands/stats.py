"""`synrouter stats`: what turns cost, what they would have cost, as a table or as JSON.

    synrouter stats --since 30d --by model
    synrouter stats --since 2025-11-01 --until 2025-12-01 --json

The JSON's numbers are exact: money is written digit by digit, never through a float.
"""

from __future__ import annotations

import math
import re
import time
from datetime import datetime
from typing import Any, Final

from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import UsageError
from synrouter_cli.ledger.queries import DIMENSIONS, Report, Session, report
from synrouter_cli.settings import Settings

SCHEMA_VERSION: Final = 1

_SPAN = re.compile(r"(\d{1,6})([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def stats(
    settings: Settings,
    *,
    since: str = "7d",
    until: str | None = None,
    by: str | None = None,
    as_json: bool = False,
    now: float | None = None,
) -> None:
    """Print the figures of [since, until) to stdout, by day unless `by` names another dimension.

    `now` (epoch seconds) is the clock's unless given. Raises UsageError for values that make no sense, and
    what `ledger.queries.report` raises.
    """
    by = by or "day"
    if by not in DIMENSIONS:
        raise UsageError(
            detail=f"--by takes one of {', '.join(DIMENSIONS)}, not {clean(by)!r}.",
            hint="synrouter stats --by model",
        )
    now = time.time() if now is None else now
    end = math.floor(now) + 1 if until is None else _moment("--until", until, now)  # this second included
    start = _moment("--since", since, now)
    if start >= end:
        raise UsageError(detail="--since is not before --until.", hint="synrouter stats --since 7d")
    ledger_file = settings.paths.ledger_file
    found = report(ledger_file, start, end, by=by)
    if as_json:
        print(_json(found, start, end, by))
    elif found.totals.count("turns"):
        _show(found, start, end, by)
    elif ledger_file.exists():
        print(f"No finished turns {_range(start, end)}.\n  next: synrouter stats --since 30d")
    else:
        print("No ledger yet: it begins with the first turn through the proxy.\n  next: synrouter up")


def _show(found: Report, start: float, end: float, by: str) -> None:
    from rich.console import Console
    from rich.text import Text

    from synrouter_cli.commands.stats_table import notes, table

    console = Console(highlight=False)
    console.print(Text(f"Turns {_range(start, end)}"), Text(""), sep="\n")
    console.print(table(found, by, console.width), Text(""), sep="\n")
    for note in notes(found.totals):
        console.print(Text(note, "dim"))


def _moment(option: str, text: str, now: float) -> int:
    """`text` as epoch seconds: a span before now, or an ISO date or time (local where it names no zone)."""
    text = text.strip()
    try:
        if span := _SPAN.fullmatch(text):
            at = math.floor(now) - int(span[1]) * _SECONDS[span[2]]
        else:
            at = math.floor(datetime.fromisoformat(text).timestamp())
        at = max(0, at)
        _local(at)
    except (ValueError, OverflowError, OSError):
        detail = f"{option} takes a span (30m, 24h, 7d, 4w) or an ISO date or time, not {clean(text)!r}."
        raise UsageError(detail=detail, hint="synrouter stats --since 24h") from None
    return at


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at).astimezone()


def _range(start: float, end: float) -> str:
    first, last = (_local(at).strftime("%Y-%m-%d %H:%M") for at in (start, end))
    return f"from {first} to {last}"


# ── JSON ──


def _json(found: Report, start: float, end: float, by: str) -> str:
    import msgspec  # only here: the table needs none

    answer = {
        "schema_version": SCHEMA_VERSION,
        "since": _local(start).isoformat(timespec="seconds"),
        "until": _local(end).isoformat(timespec="seconds"),
        "totals": found.totals.numbers(),
        "sessions": [_session(session) for session in found.sessions],
        "rows": [{by: row.key, **row.figures.numbers()} for row in found.rows],
    }
    encoded = msgspec.json.Encoder(decimal_format="number").encode(answer)
    return msgspec.json.format(encoded, indent=2).decode()


def _session(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "client": session.client,
        "mode": session.mode,
        "model": session.model,
        "kind": session.kind,
        "parent": session.parent,
        **session.figures.numbers(),
    }
