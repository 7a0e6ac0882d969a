"""Names that the ledger knows, the latest first, for whoever types them: sessions, models, clients, days.

Only the rollups' newest rows are read, so that a large ledger answers as soon as a small one.

Example: inside `with reading(path) as db:`, `models(db)` is ["claude-opus-4-8", "claude-haiku-4-5"].
"""

from __future__ import annotations

import sqlite3
from typing import Final

_ROWS: Final = 5000
"""So many of the newest rows of a rollup are looked at."""


def sessions(db: sqlite3.Connection, count: int) -> list[tuple[str, str, int]]:
    """(session, its client, its last turn) of the latest sessions."""
    query = f"""
        SELECT session, client, turn FROM turns JOIN (
            SELECT session, max(bucket) AS latest FROM (
                SELECT session, bucket FROM session_rollup WHERE turns > 0 ORDER BY bucket DESC LIMIT {_ROWS}
            ) GROUP BY session ORDER BY latest DESC, session LIMIT ?
        ) USING (session)
        WHERE turn = (SELECT max(turn) FROM turns AS t WHERE t.session = turns.session)
        ORDER BY latest DESC, session
    """
    return [(session, client, turn) for session, client, turn in db.execute(query, (count,))]


def models(db: sqlite3.Connection) -> list[str]:
    """The models of late, the last used first."""
    query = f"""
        SELECT model FROM (SELECT model, bucket FROM rollup WHERE turns > 0 ORDER BY bucket DESC LIMIT {_ROWS})
        GROUP BY model ORDER BY max(bucket) DESC, model
    """
    return [model for (model,) in db.execute(query) if model]


def days(db: sqlite3.Connection, since: float) -> list[tuple[str, int]]:
    """(day, turns) of the days with turns from `since` (epoch seconds) on, the latest first."""
    query = "SELECT local_day(bucket) AS day, sum(turns) FROM rollup WHERE bucket >= ? GROUP BY day ORDER BY day DESC"
    return [(day, turns) for day, turns in db.execute(query, (since,)) if turns]
