"""`synrouter stats`: what turns cost, what they would have cost: as a table, JSON, CSV, or live.

    synrouter stats --since 30d --by model
    synrouter stats --since 2025-11-01 --until 2025-12-01 --timezone Europe/Berlin --csv

A span counts back from now, a date or time is one of `--timezone`, and so are the days of the rows.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Final

from synrouter_cli.commands.saying import NO_LEDGER, is_coloured
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import UsageError
from synrouter_cli.ledger.queries import DIMENSIONS, Report, report
from synrouter_cli.paths import Paths

SHAPES: Final = ("table", "compact", "wide", "json", "csv", "live")
"""How the figures are shown; all but the first are options."""

_SPAN = re.compile(r"(\d{1,6})([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DEFAULT_SPAN = "7d"


def one_shape(wanted: Mapping[str, bool]) -> str:
    """The one of SHAPES that is wanted, the table where none is. Raises UsageError for two."""
    shapes = [shape for shape, is_wanted in wanted.items() if is_wanted]
    if len(shapes) > 1:
        first, second = shapes[:2]
        raise UsageError(detail=f"--{first} and --{second} exclude each other.", hint="synrouter stats --help")
    return shapes[0] if shapes else SHAPES[0]


def stats(
    paths: Paths,
    *,
    since: str | None = None,
    until: str | None = None,
    timezone: str | None = None,
    by: str | None = None,
    shape: str = "table",
    now: float | None = None,
) -> int:
    """Print the figures of [since, until) to stdout, by day unless `by` names another dimension.

    Returns the exit code. `now` (epoch seconds) is the clock's unless given. Raises UsageError for values that
    make no sense, and what `ledger.queries.report` raises.
    """
    if shape == "live":
        if since or until or timezone or by:
            raise UsageError(
                detail="--live has a range of its own, with keys 1, 2 and 3.", hint="synrouter stats --live"
            )
        from synrouter_cli.commands import live

        return live.run(paths)
    zone = _zone(timezone)
    by = by or "day"
    if by not in DIMENSIONS:
        raise UsageError(
            detail=f"--by takes one of {', '.join(DIMENSIONS)}, not {clean(by)!r}.",
            hint="synrouter stats --by model",
        )
    now = time.time() if now is None else now
    end = math.floor(now) + 1 if until is None else moment("--until", until, now, zone)  # this second included
    start = moment("--since", _DEFAULT_SPAN if since is None else since, now, zone)
    if start >= end:
        raise UsageError(detail="--since is not before --until.", hint="synrouter stats --since 7d")
    with_sessions = by == "session" or shape == "json"
    found = report(paths.ledger_file, start, end, by=by, zone=zone, with_sessions=with_sessions)
    if shape in ("json", "csv"):
        from synrouter_cli.commands import stats_export as export

        bounds = (local(start, zone), local(end, zone))
        print(export.as_json(found, by, bounds) if shape == "json" else export.as_csv(found, by), end="")
    elif found.totals.requests:
        _show(found, period(start, end, zone), by, shape)
    elif paths.ledger_file.exists():
        print(f"No finished turns {period(start, end, zone)}.\n  next: synrouter stats --since 30d")
    else:
        print(f"{NO_LEDGER}\n  next: synrouter up")
    return 0


def _show(found: Report, period: str, by: str, shape: str) -> None:
    from synrouter_cli.commands.stats_table import WIDEST, notes, table

    width = shutil.get_terminal_size().columns
    room = max(width, WIDEST) if shape == "wide" else width
    coloured = is_coloured(os.environ, sys.stdout)
    print(f"Turns {period}\n")
    print("\n".join(table(found, by, room, shape, coloured=coloured)), end="\n\n")
    for note in notes(found, by):
        text = textwrap.fill(note, width, break_on_hyphens=False)
        print(f"\x1b[2m{text}\x1b[0m" if coloured else text)


def _zone(name: str | None) -> tzinfo | None:
    """The zone of that name; None is this machine's. Raises UsageError."""
    if name is None:
        return None
    from zoneinfo import ZoneInfo  # only here: it need not load where nobody asks

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, not a name, a folder
        detail = f"--timezone takes a name such as UTC or Europe/Berlin, not {clean(name)!r}."
        raise UsageError(detail=detail, hint="synrouter stats --timezone UTC") from None


def moment(option: str, text: str, now: float, zone: tzinfo | None) -> int:
    """`text` as epoch seconds: a span before now, or an ISO date or time, in `zone` where it names none.

    Raises UsageError, which names `option`.
    """
    text = text.strip()
    try:
        if span := _SPAN.fullmatch(text):
            at = math.floor(now) - int(span[1]) * _SECONDS[span[2]]
        else:
            read = datetime.fromisoformat(text)
            at = math.floor((read if read.tzinfo else read.replace(tzinfo=zone)).timestamp())
        at = max(0, at)
        local(at, zone)
    except (ValueError, OverflowError, OSError):
        detail = f"{option} takes a span (30m, 24h, 7d, 4w) or an ISO date or time, not {clean(text)!r}."
        raise UsageError(detail=detail, hint="synrouter stats --since 24h") from None
    return at


def local(at: float, zone: tzinfo | None) -> datetime:
    """`at` (epoch seconds) in `zone`, None is this machine's."""
    return datetime.fromtimestamp(at, zone).astimezone(zone)


def period(start: float, end: float, zone: tzinfo | None) -> str:
    """A range as a person reads it."""
    first, last = (local(at, zone).strftime("%Y-%m-%d %H:%M") for at in (start, end))
    return f"from {first} to {last}" + (f" ({zone})" if zone else "")
