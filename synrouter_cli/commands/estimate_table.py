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
_ID: Final = 8


def show(result: Survey, foreign: int = 0) -> None:
    """Print it to stdout, as wide as its terminal."""
    console = Console(highlight=False, markup=False, emoji=False)
    if result.modelled():
        console.print(_sentence(result), end="\n\n")
        console.print(_months(result), end="\n\n")
    console.print(_sessions(result, console.width >= _WIDE), end="\n\n")
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


def _months(result: Survey) -> Table:
    table = _table("Month", "Sessions")
    months = result.months()
    for month, parts in months.items():
        _row(table, [month, f"{len(parts):,}"], parts)
    if len(months) > 1:
        table.add_section()
        _row(table, ["Total", f"{len(result.modelled()):,}"], result.parts(), "bold")
    return table


def _sessions(result: Survey, is_wide: bool) -> Table:
    shown = sorted(result.sessions, key=lambda session: -(session.sums.cost_usd or Decimal(-1)))
    rows = [session for session in shown if session.sums.turns > session.sums.no_usage_turns]
    table = _table("Session", *(["Model"] if is_wide else []))
    table.columns[0].justify = "left"
    if is_wide:
        table.columns[1].justify = "left"
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


def _table(*heads: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for head in heads:
        table.add_column(head, justify="left" if head == heads[0] else "right")
    for head in ("Turns", "Reported", "No cache", "Observe", "Safe", "Saved"):
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _row(table: Table, names: Sequence[str], parts: list[Sums], style: str = "") -> None:
    sums, gain = total(parts), saved(parts)
    said = [Text(name, no_wrap=True, overflow="ellipsis") for name in names]
    partly = f"+{UNKNOWN}" if sums.unpriced_turns and sums.priced_turns else ""
    compared = [usd(value) if sums.modelled_turns else NOTHING for value in (sums.observe_usd, sums.safe_usd)]
    money = [usd(sums.cost_usd) + partly, usd(sums.no_cache_usd), *compared]
    table.add_row(*said, f"{sums.turns:,}", *money, _gain(gain, sums), style=style)


def _gain(gain: Decimal | None, sums: Sums) -> Text:
    if gain is None:
        return Text(UNKNOWN if sums.modelled_turns else NOTHING)
    rounded = _rounded(gain)
    return Text(usd(rounded), "red" if rounded < 0 else "green" if rounded else "")


def _rounded(gain: Decimal) -> Decimal:
    """Without what is less than a hundredth of a cent: two runs of a model are no finer than that."""
    return gain if abs(gain) >= Decimal("0.0001") else Decimal(0)
