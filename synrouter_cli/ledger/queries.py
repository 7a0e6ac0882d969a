"""What the ledger says, read over a read-only connection in one short transaction.

A range [since, until) in epoch seconds is answered from the rollups as far as it covers whole 15-minute
buckets, its ragged edges from the rows; the answer is what the rows alone would give.

>>> report(Path("/nonexistent/ledger.db"), 0.0, 1.0).totals.count("turns")
0
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Final

from synrouter_cli.errors import SynrouterError
from synrouter_cli.ledger.columns import COLUMNS, ROLLUPS, decode, key_text
from synrouter_cli.ledger.figures import MEASURES, Figures, Sums
from synrouter_cli.ledger.files import is_damage
from synrouter_cli.ledger.migrations import (
    BUCKET_SECONDS,
    MIGRATIONS,
    SchemaTooNew,
    SchemaTooOld,
    schema_version,
)
from synrouter_cli.ledger.rows import OWN_CACHE, Turn

READ_SECONDS: Final = 2.0
"""How long a read waits where another process holds the whole file."""

DIMENSIONS: Final = ("day", "session", "client", "model", "provider")
"""What figures can be broken down by."""
_KEYS = {
    "day": ("rollup", "local_day(bucket)"),
    "session": ("session_rollup", "session"),
    "client": ("rollup", "client"),
    "model": ("rollup", "model"),
    "provider": ("rollup", "provider"),
}
_SUMS = ", ".join(f"sum({name})" for name in MEASURES)
_ALL = ", ".join(COLUMNS)
IN_USE: Final = "turns + pings > 0"
"""Of a rollup's rows, those that count: one is left with neither where the request that it was for has been
replaced by one of another time or name. A row of pings alone has a cost."""


class LedgerUnreadable(SynrouterError):
    """The ledger {path} can't be read: {detail}"""

    next_command = "synrouter status"


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one value of a dimension."""

    key: str
    figures: Figures


@dataclass(slots=True)
class Session:
    """A session's figures within a range; client, mode, kind and parent as its last turn of all has them, a
    ping only where there is no other."""

    id: str
    client: str
    mode: str
    kind: str
    parent: str | None
    model: str = ""
    """The model of most of its turns within the range."""
    last_bucket: int = 0
    figures: Figures = field(default_factory=Figures)
    own_cache: bool = False
    """The provider of its last turn caches by itself: how warm that is nobody knows."""


@dataclass(frozen=True, slots=True)
class Report:
    """A range and its figures, all from one snapshot of the ledger."""

    totals: Figures
    sessions: list[Session]
    """Latest first (by their last 15 minutes), then by id."""
    rows: list[Group]


@contextmanager
def reading(path: Path, zone: tzinfo | None = None) -> Iterator[sqlite3.Connection]:
    """A snapshot of the ledger at `path`; `zone` is where days begin (None: this machine's zone).

    Raises LedgerUnreadable, SchemaTooNew and SchemaTooOld; FileNotFoundError where there is no ledger yet.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=READ_SECONDS, isolation_level=None
        )
        try:
            db.execute("BEGIN")
            _check_schema(schema_version(db), path)
            know_days(db, zone)
            yield db
        finally:
            db.close()
    except sqlite3.Error as error:
        hint = "synrouter up    # the next turn puts it aside and restores a backup" if is_damage(error) else None
        raise LedgerUnreadable(path=path, detail=error, hint=hint) from error


def know_days(db: sqlite3.Connection, zone: tzinfo | None) -> None:
    """Give `db` the function `local_day(epoch seconds)`: the date there in `zone`, daylight saving and all."""

    begin = end = 0.0  # of the day that the last call found: most calls ask for the same again
    text = ""

    def local_day(at: float) -> str:
        nonlocal begin, end, text
        if not begin <= at < end:
            day = datetime.fromtimestamp(at, zone).date()
            midnight = datetime.combine(day + timedelta(days=1), time.min, zone)
            begin, end, text = at, midnight.timestamp(), day.isoformat()
        return text

    db.create_function("local_day", 1, local_day, deterministic=True)


def report(
    path: Path,
    since: float,
    until: float,
    *,
    by: str = "day",
    zone: tzinfo | None = None,
    with_sessions: bool = True,
) -> Report:
    """Totals, sessions and the rows `by` one of DIMENSIONS, of [since, until); empty without a ledger.

    Sessions are most of the work on a long range: none where `with_sessions` is False.
    Raises what `reading` raises but FileNotFoundError.
    """
    totals = Figures()
    try:
        with reading(path, zone) as db:
            found = sessions(db, since, until) if with_sessions else []
            rows = groups(db, since, until, by)
    except FileNotFoundError:
        return Report(totals, [], [])
    for row in rows:
        totals.merge(row.figures)
    return Report(totals, found, rows)


def totals(db: sqlite3.Connection, since: float, until: float) -> Figures:
    """The figures of all turns that began in [since, until)."""
    figures = Figures()
    for billing, *sums in db.execute(*_select("rollup", ("billing",), since, until)):
        figures.add(billing, Sums(*sums))
    return figures


def session_totals(db: sqlite3.Connection, session: str) -> Figures:
    """The figures of all turns of `session`; from its rows, which go by an index."""
    figures = Figures()
    query = f"SELECT billing, {_SUMS} FROM final_turns WHERE session = ? GROUP BY billing"
    for billing, *sums in db.execute(query, (key_text(session),)):
        figures.add(billing, Sums(*sums))
    return figures


def children_totals(db: sqlite3.Connection, since: float) -> dict[str, Figures]:
    """Session → the figures of its subagents' and side requests' turns that began from `since` on. It reads every row
    of that time: about 0.4 s for 100,000."""
    found: dict[str, Figures] = {}
    query = f"""
        SELECT turns.parent, final_turns.billing, {", ".join(f"sum(final_turns.{name})" for name in MEASURES)}
        FROM turns JOIN final_turns ON final_turns.session = turns.session AND final_turns.turn = turns.turn
        WHERE turns.started_at >= ? AND turns.parent IS NOT NULL
        GROUP BY turns.parent, final_turns.billing
    """
    for parent, billing, *sums in db.execute(query, (since,)):
        found.setdefault(parent, Figures()).add(billing, Sums(*sums))
    return found


def groups(db: sqlite3.Connection, since: float, until: float, by: str) -> list[Group]:
    """The figures by one of DIMENSIONS: days in order, else the one with most turns first."""
    table, key = _KEYS[by]
    found: dict[str, Figures] = {}
    for value, billing, *sums in db.execute(*_select(table, (key, "billing"), since, until)):
        found.setdefault(value, Figures()).add(billing, Sums(*sums))
    if by == "day":
        return [Group(day, found[day]) for day in sorted(found)]
    ranked = sorted(found, key=lambda value: (-found[value].count("turns"), value))
    return [Group(value, found[value]) for value in ranked]


def sessions(db: sqlite3.Connection, since: float, until: float) -> list[Session]:
    """The sessions with final turns in [since, until), latest first."""
    found: dict[str, Session] = {}
    turns: dict[str, dict[str, int]] = {}
    keys = ("session", "model", "billing", "max(bucket)")
    for session_id, model, billing, bucket, *values in db.execute(*_select("session_rollup", keys, since, until)):
        session = found.get(session_id) or found.setdefault(session_id, _described(db, session_id))
        sums = Sums(*values)
        session.figures.add(billing, sums)
        session.last_bucket = max(session.last_bucket, bucket)
        models = turns.setdefault(session_id, {})
        models[model] = models.get(model, 0) + sums.turns
    for session_id, models in turns.items():
        found[session_id].model = min(models, key=lambda model: (-models[model], model))
    return sorted(found.values(), key=lambda session: (-session.last_bucket, session.id))


def last_turns(db: sqlite3.Connection, count: int) -> list[Turn]:
    """The `count` turns that began last, the latest first; those still under way too."""
    return _turns(db, f"SELECT {_ALL} FROM turns ORDER BY started_at DESC, turn DESC LIMIT ?", (count,))


def turns_of(db: sqlite3.Connection, session: str) -> list[Turn]:
    """All turns of `session` in their order."""
    return _turns(db, f"SELECT {_ALL} FROM turns WHERE session = ? ORDER BY turn", (key_text(session),))


def last_turn(db: sqlite3.Connection, session: str) -> int:
    """The highest turn number of `session`; 0 where it has none."""
    query = "SELECT coalesce(max(turn), 0) FROM turns WHERE session = ?"
    return int(db.execute(query, (key_text(session),)).fetchone()[0])


def recall(db: sqlite3.Connection, kind: str, limit: int) -> list[tuple[str, bytes, float]]:
    """(key, value, updated_at) of what is remembered as `kind`, newest first."""
    query = "SELECT key, value, updated_at FROM memory WHERE kind = ? ORDER BY updated_at DESC, key LIMIT ?"
    return [(key, bytes(value), at) for key, value, at in db.execute(query, (kind, limit))]


def _select(table: str, keys: tuple[str, ...], since: float, until: float) -> tuple[str, dict[str, float]]:
    """The sums per `keys` over [since, until): whole buckets from the rollup `table`, the rest from rows.

    `keys` come from this module alone; values are bound.
    """
    first = math.ceil(since / BUCKET_SECONDS) * BUCKET_SECONDS
    last = math.floor(until / BUCKET_SECONDS) * BUCKET_SECONDS
    bounds = {"since": since, "until": until, "first": first, "last": last}
    if first >= last:  # no whole bucket inside
        bounds.update(first=until, last=until)
    grouped = ", ".join(key for key in keys if not key.startswith("max("))
    query = f"""
        SELECT {", ".join(keys)}, {_SUMS} FROM (
            SELECT {_shared(table)} FROM {table}
            WHERE bucket >= :first AND bucket < :last AND {IN_USE}
            UNION ALL
            SELECT {_shared(table)} FROM final_turns WHERE started_at >= :since AND started_at < :first
            UNION ALL
            SELECT {_shared(table)} FROM final_turns WHERE started_at >= :last AND started_at < :until
        )
        GROUP BY {grouped}
    """
    return query, bounds


def _shared(table: str) -> str:
    return ", ".join((*ROLLUPS[table], *MEASURES))


def _described(db: sqlite3.Connection, session: str) -> Session:
    query = """
        SELECT plan, client, mode, kind, parent FROM turns WHERE session = ? ORDER BY kind = 'ping', turn DESC LIMIT 1
    """
    plan, client, mode, kind, parent = db.execute(query, (session,)).fetchone()
    return Session(session, client, mode, kind, parent, own_cache=plan.endswith(OWN_CACHE))


def _turns(db: sqlite3.Connection, query: str, values: tuple[str | int, ...]) -> list[Turn]:
    cursor = db.execute(query, values)
    return [decode(dict(zip(COLUMNS, row, strict=True))) for row in cursor]


def _check_schema(found: int, path: Path) -> None:
    if found == 0:
        raise FileNotFoundError(path)  # made a moment ago, nothing in it yet
    if found > len(MIGRATIONS):
        raise SchemaTooNew(found=found, known=len(MIGRATIONS))
    if found < len(MIGRATIONS):
        raise SchemaTooOld(found=found, known=len(MIGRATIONS))
