"""What only a dashboard asks of the ledger: figures along a range, and the turns that did not end well.

Read inside `queries.reading`, like everything else. Ranges are [since, until) in epoch seconds; a step's figures are
those of the 15-minute buckets that begin in it, so that no row is read.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from synrouter_cli.ledger.columns import COLUMNS, decode
from synrouter_cli.ledger.figures import MEASURES, Figures, Sums
from synrouter_cli.ledger.queries import IN_USE
from synrouter_cli.ledger.rows import Turn

LOOK_BACK: Final = 20_000
"""So many of the latest turns are searched for those that did not end well."""

_SUMS = ", ".join(f"sum({name})" for name in MEASURES)
_STEPS = f"""
    SELECT CAST((bucket - :since) * :steps / (:until - :since) AS INTEGER) AS step, billing, {_SUMS}
    FROM rollup
    WHERE bucket >= :since AND bucket < :until AND {IN_USE}
    GROUP BY step, billing
"""
_UNWELL = f"""
    SELECT {", ".join(COLUMNS)} FROM turns WHERE rowid IN (
        SELECT row FROM (
            SELECT rowid AS row, status, kind FROM turns WHERE started_at >= :since AND started_at < :until
            ORDER BY started_at DESC LIMIT :look_back
        )
        WHERE status NOT IN ('ok', 'started') AND kind <> 'ping' LIMIT :count
    )
    ORDER BY started_at DESC, turn DESC
"""


def steps(db: sqlite3.Connection, since: float, until: float, count: int) -> list[Figures]:
    """The figures of `count` equal steps of a range, the earliest first."""
    found = [Figures() for _ in range(count)]
    bounds = {"since": since, "until": until, "steps": count}
    for step, billing, *sums in db.execute(_STEPS, bounds):
        found[min(step, count - 1)].add(billing, Sums(*sums))
    return found


def unwell(db: sqlite3.Connection, since: float, until: float, count: int) -> list[Turn]:
    """The latest `count` turns of a range that failed, were cut, were cancelled or are unknown; the latest first."""
    bounds = {"since": since, "until": until, "count": count, "look_back": LOOK_BACK}
    return [decode(dict(zip(COLUMNS, row, strict=True))) for row in db.execute(_UNWELL, bounds)]
