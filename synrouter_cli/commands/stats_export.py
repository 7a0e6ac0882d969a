"""Figures for programs: JSON of a fixed schema, and CSV that a spreadsheet takes as numbers and text only.

Money is exact in both, written digit by digit and never through a float; what is unknown is null, or an empty cell.

    day,turns,errors,…
    2025-11-15,38,0,…
"""

from __future__ import annotations

import csv
import io
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.ledger.queries import Report, Session

SCHEMA_VERSION: Final = 1

_FORMULA = ("=", "+", "-", "@")


def as_json(found: Report, by: str, period: tuple[datetime, datetime]) -> str:
    """One object: `schema_version`, the period, totals, sessions, and the rows by `by`."""
    since, until = (at.isoformat(timespec="seconds") for at in period)
    answer = {
        "schema_version": SCHEMA_VERSION,
        "since": since,
        "until": until,
        "totals": found.totals.numbers(),
        "sessions": [{**whose(session), **session.figures.numbers()} for session in found.sessions],
        "rows": [{by: row.key, **row.figures.numbers()} for row in found.rows],
    }
    return encode(answer)


def encode(answer: dict[str, Any]) -> str:
    """`answer` as JSON in lines, its decimals digit by digit."""
    import msgspec  # only here: the table needs none

    encoded = msgspec.json.Encoder(decimal_format="number").encode(answer)
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def as_csv(found: Report, by: str) -> str:
    """A heading and a line a row, without totals, so that a column can be summed up."""
    if by == "session":
        rows = [{"session": session.id, **whose(session), **session.figures.numbers()} for session in found.sessions]
        for row in rows:
            del row["id"]
    else:
        rows = [{by: row.key, **row.figures.numbers()} for row in found.rows]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heading = list(rows[0]) if rows else [by, *found.totals.numbers()]
    writer.writerow(heading)
    writer.writerows([_cell(row[name]) for name in heading] for row in rows)
    return text.getvalue()


def whose(session: Session) -> dict[str, Any]:
    """What a session is, without its figures."""
    return {
        "id": session.id,
        "client": session.client,
        "mode": session.mode,
        "model": session.model,
        "kind": session.kind,
        "parent": session.parent,
    }


def _cell(value: object) -> str:
    """A number as it is, nothing for None; text made harmless, also where a spreadsheet would run it.

    >>> _cell("=1+1"), _cell(Decimal("-0.5")), _cell(None)
    ("'=1+1", '-0.5', '')
    """
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (int, float)):
        return str(value)
    text = clean(str(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
