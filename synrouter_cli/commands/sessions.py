"""`synrouter sessions`: the latest sessions, what they cost and saved, and whether their cache is still warm.

    Session  Client       Model              Turns  Hit    Cost   Saved  Last seen    Warm
    a1b2c3   claude-code  claude-sonnet-4-6     38  91%  $1.0800  $2.72  11-21 14:02  4:12

Warm is how long the newest cached prefix can still be read, by the proxy that runs; `?` where none does, `–` where the
provider caches by itself.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from synrouter_cli.commands.cells import breadth, cut, padded
from synrouter_cli.commands.saying import NO_LEDGER
from synrouter_cli.commands.stats import local, moment, period
from synrouter_cli.commands.stats_table import COST, HIT, MOST_SESSIONS, SAVED, TURNS
from synrouter_cli.daemon import client
from synrouter_cli.daemon.client import ControlError
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.dashboard.units import NOTHING, UNKNOWN, countdown
from synrouter_cli.errors import SynrouterError
from synrouter_cli.ledger import lookups, queries
from synrouter_cli.ledger.queries import Session
from synrouter_cli.paths import Paths

SCHEMA_VERSION: Final = 1

_HEADS: Final = ("Session", "Client", "Mode", "Model", "Turns", "Hit", "Cost", "Saved", "Last seen", "Warm")
_NUMBERS: Final = frozenset(("Turns", "Hit", "Cost", "Saved", "Warm"))
_GIVE_WAY: Final = ("Mode", "Model", "Last seen")
"""What goes first where there is no room; after that the client's name is cut."""
_GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class Seen:
    """A session, when its last turn began (epoch seconds), and for how many seconds its cache is warm."""

    session: Session
    at: float
    warm_s: float | None
    """0 where it is cold, None where nobody knows: no proxy runs, or the provider caches by itself."""


def sessions(paths: Paths, *, since: str | None = None, as_json: bool = False, now: float | None = None) -> int:
    """Print the sessions with turns since then (7d unless given), the latest first; returns the exit code.

    `now` (epoch seconds) is the clock's unless given. Raises UsageError for a `since` that makes no sense, and what
    `ledger.queries.reading` raises but FileNotFoundError.
    """
    now = time.time() if now is None else now
    start, end = moment("--since", since or "7d", now, None), math.floor(now) + 1
    found = _read(paths, start, end)
    if as_json:
        from synrouter_cli.commands import stats_export as export

        bounds = {"since": local(start, None).isoformat(), "until": local(end, None).isoformat()}
        listed = [_object(one, export.whose(one.session)) for one in found]
        print(export.encode({"schema_version": SCHEMA_VERSION, **bounds, "sessions": listed}), end="")
    elif found:
        print(f"Sessions {period(start, end, None)}\n")
        print("\n".join(table(found[:MOST_SESSIONS], shutil.get_terminal_size().columns)))
        if (more := len(found) - MOST_SESSIONS) > 0:
            print(f"\nThe latest {MOST_SESSIONS} sessions; {more:,} more are in --json.")
    elif not paths.ledger_file.exists():
        print(f"{NO_LEDGER}\n  next: synrouter up")
    else:
        print(f"No sessions {period(start, end, None)}.\n  next: synrouter sessions --since 30d")
    return 0


def table(found: Sequence[Seen], room: int) -> list[str]:
    """The lines of a table at most `room` columns wide, as long as its numbers fit."""
    rows = [dict(zip(_HEADS, _cells(one), strict=True)) for one in found]
    heads = list(_HEADS)
    sizes = {head: max(len(head), *(breadth(row[head]) for row in rows)) for head in heads}

    def too_wide() -> int:
        return sum(sizes[head] for head in heads) + len(_GAP) * (len(heads) - 1) - room

    for head in _GIVE_WAY:
        if too_wide() > 0:
            heads.remove(head)
    sizes["Client"] = max(len("Client"), sizes["Client"] - max(0, too_wide()))

    def line(cells: Mapping[str, str]) -> str:
        shown = (padded(cut(cells[head], sizes[head]), sizes[head], head not in _NUMBERS) for head in heads)
        return _GAP.join(shown).rstrip()

    rule = "─" * (sum(sizes[head] for head in heads) + len(_GAP) * (len(heads) - 1))
    return [line({head: head for head in heads}), rule, *map(line, rows)]


def _cells(one: Seen) -> tuple[str, ...]:
    session = one.session
    client = session.client if session.kind == "main" else f"{session.client} {session.kind}"
    names = (session.id[:6], client, session.mode, session.model)
    figures = (value(session.figures) for _, value in (TURNS, HIT, COST, SAVED))
    unknown = NOTHING if session.own_cache else UNKNOWN
    warm = unknown if one.warm_s is None else countdown(one.warm_s)
    return (
        *(clean(name) or NOTHING for name in names),
        *figures,
        local(one.at, None).strftime("%m-%d %H:%M"),
        warm,
    )


def _object(one: Seen, whose: dict[str, object]) -> dict[str, object]:
    return {
        **whose,
        "last_seen": local(one.at, None).isoformat(timespec="seconds"),
        "warm": None if one.warm_s is None else one.warm_s > 0,
        "warm_s": one.warm_s,
        **one.session.figures.numbers(),
    }


def _read(paths: Paths, since: float, until: float) -> list[Seen]:
    try:
        with queries.reading(paths.ledger_file) as db:
            found = queries.sessions(db, since, until)
            at = lookups.last_seen(db, (session.id for session in found))
    except FileNotFoundError:
        return []
    warm = _warm(paths)
    seen = [
        Seen(
            session,
            at.get(session.id, float(session.last_bucket)),
            None if warm is None or session.own_cache else max(0.0, warm.get(session.id, 0.0)),
        )
        for session in found
    ]
    return sorted(seen, key=lambda one: (-one.at, one.session.id))


def _warm(paths: Paths) -> dict[str, float] | None:
    """Session → seconds that its newest cache entry still lives; None where no proxy says so."""
    try:
        told = client.find(paths).control.live().get("warm")
    except (SynrouterError, ControlError, OSError):
        return None
    if not isinstance(told, dict):
        return None
    return {str(session): float(left) for session, left in told.items() if isinstance(left, (int, float))}
