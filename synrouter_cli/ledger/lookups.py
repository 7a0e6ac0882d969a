"""Single answers for `explain`, `sessions` and the gap model: a session by the start of its id, its turns, a costly
miss, the times of requests. Each is one short transaction, read-only, and goes by an index, however large the ledger.

>>> find_session(Path("/nonexistent/ledger.db"), "a1b2"), last_costly_miss(Path("/nonexistent/ledger.db"), 0.0)
([], None)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from synrouter_cli.ledger import queries
from synrouter_cli.ledger.columns import COLUMNS, decode, key_text
from synrouter_cli.ledger.rows import Turn

T = TypeVar("T")

COSTLY_PUSD: Final = 10**10
"""One cent: a miss that costs less is only of interest where there is none that costs as much."""
MOST_FOUND: Final = 100
"""Sessions that a prefix may stand for."""
MOST_SESSIONS: Final = 500
MOST_TURNS: Final = 400
"""What the gap model reads at most: so many sessions, and of each so many of its latest turns."""
_ROWS: Final = 20_000
"""So many of the newest rows of the rollup are looked at for sessions."""

# Goes from one id to the next through the primary key, so that a long session costs as much as a short one.
_FIND = """
    WITH RECURSIVE found(session) AS (
        SELECT min(session) FROM turns WHERE session >= :first AND session < :behind
        UNION ALL
        SELECT (SELECT min(t.session) FROM turns AS t WHERE t.session > found.session AND t.session < :behind)
        FROM found WHERE found.session IS NOT NULL
    )
    SELECT session FROM found WHERE session IS NOT NULL LIMIT :most
"""
_BEHIND: Final = "\U0010ffff"
"""Sorts behind whatever may follow a prefix, in UTF-8 too."""

_MISSED = f"""
    SELECT {", ".join(COLUMNS)} FROM turns
    WHERE missed_pusd > 0 AND started_at >= :since AND status <> 'started'
"""
_LATEST = f"{_MISSED} AND missed_pusd >= :least ORDER BY started_at DESC, turn DESC LIMIT 1"
_LARGEST = f"{_MISSED} ORDER BY missed_pusd DESC, started_at DESC LIMIT 1"

_SESSIONS = f"""
    SELECT session FROM (
        SELECT session, bucket FROM session_rollup WHERE turns > 0 ORDER BY bucket DESC LIMIT {_ROWS}
    ) GROUP BY session ORDER BY max(bucket) DESC, session
"""
_KIND = "SELECT kind FROM turns WHERE session = ? AND kind <> 'ping' ORDER BY turn DESC LIMIT 1"
_TIMES = """
    SELECT started_at FROM turns WHERE session = ? AND kind = 'main' AND status <> 'started'
    ORDER BY turn DESC LIMIT ?
"""


def find_session(path: Path, prefix: str) -> list[str]:
    """The ids that begin with `prefix`, in their order, MOST_FOUND at most; none without a ledger.

    Raises what `queries.reading` raises but FileNotFoundError; so do the others.
    """
    first = key_text(prefix)
    bounds = {"first": first, "behind": first + _BEHIND, "most": MOST_FOUND}
    return _read(path, lambda db: [session for (session,) in db.execute(_FIND, bounds)], [])


def turns_of(path: Path, session: str) -> list[Turn]:
    """All turns of `session` in their order, those under way and pings too."""
    return _read(path, lambda db: queries.turns_of(db, session), [])


def last_costly_miss(path: Path, since: float) -> Turn | None:
    """The latest final turn from `since` (epoch seconds) on whose miss cost a cent or more, else the one whose miss
    cost most, else None."""

    def miss(db: sqlite3.Connection) -> Turn | None:
        for query in (_LATEST, _LARGEST):
            bounds = {"since": since, "least": COSTLY_PUSD}
            if row := db.execute(query, bounds).fetchone():
                return decode(dict(zip(COLUMNS, row, strict=True)))
        return None

    return _read(path, miss, None)


def gaps(path: Path, limit_sessions: int) -> list[tuple[str, list[float]]]:
    """(session, when its turns began) of the latest main sessions, MOST_SESSIONS at most, the latest first.

    Times are epoch seconds in ascending order, of the last MOST_TURNS final turns; neither pings nor side
    requests are among them.
    """

    def times(db: sqlite3.Connection) -> list[tuple[str, list[float]]]:
        lately = (session for (session,) in db.execute(_SESSIONS))
        main = (session for session in lately if db.execute(_KIND, (session,)).fetchone() == ("main",))
        return [
            (session, sorted(at for (at,) in db.execute(_TIMES, (session, MOST_TURNS))))
            for session in islice(main, min(limit_sessions, MOST_SESSIONS))
        ]

    return _read(path, times, [])


def last_seen(db: sqlite3.Connection, sessions: Iterable[str]) -> dict[str, float]:
    """Session → when its last turn began (epoch seconds); a ping is not its doing."""
    query = "SELECT started_at FROM turns WHERE session = ? AND kind <> 'ping' ORDER BY turn DESC LIMIT 1"
    found = {session: db.execute(query, (session,)).fetchone() for session in sessions}
    return {session: row[0] for session, row in found.items() if row}


def _read(path: Path, read: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
    try:
        with queries.reading(path) as db:
            return read(db)
    except FileNotFoundError:
        return otherwise
