"""An estimate for a person: a sentence, a table by month, the dearest sessions, and what must be known to read them.

Month    Sessions  Turns  Reported  No cache  Observe    Safe   Saved
2026-11         3    817    $48.92   $315.65   $49.01  $41.80   $7.20
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from synrouter_cli.commands.estimate_notes import notes
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.dashboard.units import NOTHING, UNKNOWN, usd
from synrouter_cli.estimate.figures import Session, Sums, saved, total
from synrouter_cli.estimate.survey import Survey

MOST_SESSIONS: Final = 15
"""Rows of sessions; the sums are over all, and so is JSON."""
_WIDE: Final = 110
"""Columns of a terminal from which on models are shown too."""
_NARROW: Final = 76
"""Columns of a terminal below which `Observe` and how many sessions there were are left out."""
_MONEY: Final = ("Reported", "No cache", "Observe", "Safe", "Saved")
_ID: Final = 8


def show(result: Survey, foreign: int = 0) -> None:
    """Print it to stdout, as wide as its terminal."""
    console = Console(highlight=False, markup=False, emoji=False)
    if result.modelled():
        console.print(_sentence(result), end="\n\n")
        console.print(_months(result, console.width))
        console.print()
    console.print(_sessions(result, console.width))
    console.print()
    for note in notes(result, foreign):
        console.print(Text(note, "dim"))


def _sentence(result: Survey) -> Text:
    parts = result.parts()
    sums, gain = total(parts), saved(parts)
    said = (
        f"{sums.turns:,} turns in {len(result.modelled()):,} sessions cost {usd(sums.cost_usd)} as reported, "
        f"{usd(sums.no_cache_usd)} without any caching. "
    )
    if gain is None:
        return Text(said + "What Synrouter would have saved can't be said.")
    if not _rounded(gain):
        return Text(said + "With Synrouter at `safe` they would have cost the same.")
    share = abs(gain) / sums.priced_usd * 100 if sums.priced_usd else Decimal(0)
    kind = "cost more by" if gain < 0 else "saved"
    return Text(f"{said}Synrouter at `safe` would have {kind} {usd(abs(gain))} ({share:.1f}%).")


def _months(result: Survey, width: int) -> Table:
    counted = width >= _NARROW
    table = _table(width, "Month", *(["Sessions"] if counted else []))
    months = result.months()
    for month, parts in months.items():
        _row(table, [month, f"{len(parts):,}"][: 1 + counted], parts)
    if len(months) > 1:
        table.add_section()
        _row(table, ["Total", f"{len(result.modelled()):,}"][: 1 + counted], result.parts(), "bold")
    return table


def _sessions(result: Survey, width: int) -> Table:
    is_wide = width >= _WIDE
    shown = sorted(result.sessions, key=lambda session: -(session.sums.cost_usd or Decimal(-1)))
    rows = [session for session in shown if session.sums.turns > session.sums.no_usage_turns]
    table = _table(width)
    for session in rows[:MOST_SESSIONS]:
        names = [_name(session), *([_models(session)] if is_wide else [])]
        _row(table, names, list(session.months.values()))
    more = len(rows) - MOST_SESSIONS
    if more > 0:
        table.caption = f"The dearest {MOST_SESSIONS}; {more:,} more are in the sums, and in --json."
        table.caption_justify = "left"
    return table


def _name(session: Session) -> str:
    return " ".join(filter(None, (clean(session.id)[:_ID], clean(session.project), session.client)))


def _models(session: Session) -> str:
    more = len(session.models) - 1
    return (clean(session.models[0]) or UNKNOWN) + (f" +{more}" if more > 0 else "")


def _shown(width: int) -> list[str]:
    return [head for head in _MONEY if width >= _NARROW or head != "Observe"]


def _table(width: int, *heads: str) -> Table:
    """A table by `heads`, or by sessions, whose names may be cut."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    if not heads:
        table.add_column("Session", min_width=_ID)
    if not heads and width >= _WIDE:
        table.add_column("Model", min_width=_ID)
    for place, head in enumerate((*heads, "Turns", *_shown(width))):
        table.add_column(head, justify="left" if heads and not place else "right", no_wrap=True)
    return table


def _row(table: Table, names: Sequence[str], parts: list[Sums], style: str = "") -> None:
    sums = total(parts)
    partly = f"+{UNKNOWN}" if sums.unpriced_turns and sums.priced_turns else ""
    money: dict[str, str | Text] = {
        "Turns": f"{sums.turns:,}",
        "Reported": usd(sums.cost_usd) + partly,
        "No cache": usd(sums.no_cache_usd),
        "Observe": usd(sums.observe_usd) if sums.modelled_turns else NOTHING,
        "Safe": usd(sums.safe_usd) if sums.modelled_turns else NOTHING,
        "Saved": _gain(saved(parts), sums),
    }
    named = [Text(name, no_wrap=True, overflow="ellipsis") for name in names]
    table.add_row(*named, *(money[str(column.header)] for column in table.columns[len(names) :]), style=style)


def _gain(gain: Decimal | None, sums: Sums) -> Text:
    if gain is None:
        return Text(UNKNOWN if sums.modelled_turns else NOTHING)
    rounded = _rounded(gain)
    return Text(usd(rounded), "red" if rounded < 0 else "green" if rounded else "")


def _rounded(gain: Decimal) -> Decimal:
    """Without what is less than a hundredth of a cent: two runs of a model are no finer than that."""
    return gain if abs(gain) >= Decimal("0.0001") else Decimal(0)
