"""An estimate for programs: one JSON object of a fixed schema, money exact and never through a float.

What is unknown, or can't be said, is null.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from synrouter_cli.commands.estimate_notes import notes
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.estimate.figures import Session, Sums, saved, total
from synrouter_cli.estimate.survey import Survey

SCHEMA_VERSION: Final = 1
_COUNTS: Final = (
    "turns",
    "unpriced_turns",
    "no_usage_turns",
    "unmodelled_turns",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
)
_PICO: Final = Decimal("1e-12")


def as_json(result: Survey, foreign: int = 0) -> str:
    """One object: sessions the latest first, months, totals over what is modelled, the rest by maker, notes."""
    answer = {
        "schema_version": SCHEMA_VERSION,
        "sessions": [_session(session) for session in result.sessions],
        "months": [{"month": month, **_figures(parts)} for month, parts in result.months().items()],
        "totals": {
            "sessions": len(result.modelled()),
            **_figures(result.parts()),
            "not_modelled": [_others(group, sessions) for group, sessions in result.others().items()],
            "files": result.files,
            "unreadable_files": len(result.unreadable_files),
            "foreign_files": foreign,
            "skipped_lines": result.skipped_lines,
        },
        "notes": notes(result, foreign),
    }
    encoded = msgspec.json.Encoder(decimal_format="number").encode(answer)
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _session(session: Session) -> dict[str, Any]:
    parts = list(session.months.values())
    return {
        "id": clean(session.id),
        "client": session.client,
        "project": clean(session.project),
        "provider": session.group,
        "models": [clean(model) for model in session.models],
        "subagents": len(session.agents),
        "first_at": _moment(session.first_at),
        "last_at": _moment(session.last_at),
        "modelled": total(parts).modelled_turns > 0,
        **_figures(parts),
    }


def _others(group: str, sessions: Iterable[Session]) -> dict[str, Any]:
    found = list(sessions)
    figures = _figures([part for session in found for part in session.months.values()])
    return {"provider": group, "sessions": len(found), **figures}


def _figures(parts: list[Sums]) -> dict[str, Any]:
    sums = total(parts)
    return {
        **{name: getattr(sums, name) for name in _COUNTS},
        "cost_usd": _exact(sums.cost_usd),
        "no_cache_usd": _exact(sums.no_cache_usd),
        "observe_usd": _exact(sums.observe_usd),
        "safe_usd": _exact(sums.safe_usd),
        "saved_usd": _exact(saved(parts)),
    }


def _exact(usd: Decimal | None) -> Decimal | None:
    """To a pico-dollar, which is finer than any price of a token."""
    return None if usd is None else usd.quantize(_PICO).normalize() + 0


def _moment(at: float) -> str | None:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") if at else None
