"""Figures as a table for a person, and under it the rule of the baselines.

An estimate is marked `~`, an unknown price `?`, a subscription's list price `*`, a loss has a minus:

    Day         Turns  Prompt  Hit  Output   Cost  Saved    %   router
    2025-11-15     38   2.25M  89%   40.7k  $1.08  $2.72  71%  $0.0310
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from synrouter_cli.commands.cells import breadth, cut, padded
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.dashboard.units import NOTHING, UNKNOWN, percent, tokens, usd
from synrouter_cli.ledger.figures import Figures, Sums
from synrouter_cli.ledger.queries import Report

_RULE = (
    "Saved: what the same turns cost at the provider's prices without any cache, minus their cost. "
    "By Synrouter: what the client's own requests, unchanged, would have cost, minus that cost; "
    "the rest is the client's or the provider's own caching."
)

Column = tuple[str, Callable[[Figures], str]]
"""A heading and what stands under it."""
Rows = list[tuple[tuple[str, ...], Figures]]
Layouts = Sequence[tuple[tuple[Column, ...], int]]

TURNS: Final[Column] = ("Turns", lambda figures: f"{figures.count('turns'):,}")
_PROMPT: Final[Column] = ("Prompt", lambda figures: tokens(figures.prompt_tokens))
_INPUT: Final[Column] = ("Input", lambda figures: tokens(figures.count("input_tokens")))
_WRITE: Final[Column] = ("Write", lambda figures: tokens(_written(figures)))
_READ: Final[Column] = ("Read", lambda figures: tokens(figures.count("cache_read_tokens")))
HIT: Final[Column] = ("Hit", lambda figures: percent(figures.cache_hit_rate))
_OUTPUT: Final[Column] = ("Output", lambda figures: tokens(figures.count("output_tokens")))
COST: Final[Column] = ("Cost", lambda figures: _money(figures, "cost_usd") + _unpriced_too(figures))
SAVED: Final[Column] = ("Saved", lambda figures: _money(figures, "saved_usd"))
_SHARE: Final[Column] = ("%", lambda figures: _saved_share(figures))
_OURS: Final[Column] = ("By Syn-\nrouter", lambda figures: _money(figures, "saved_by_synrouter_usd"))

_ERRORS: Final[Column] = ("Failed", lambda figures: f"{figures.count('errors'):,}")
_TRIMMED: Final[Column] = ("Trimmed", lambda figures: tokens(figures.count("trimmed_tokens")))
_UNCACHED: Final[Column] = ("No cache", lambda figures: _money(figures, "baseline_no_cache_usd"))
_CLIENTS: Final[Column] = ("Client's own", lambda figures: _money(figures, "baseline_client_usd"))

_FULL = (TURNS, _INPUT, _WRITE, _READ, HIT, _OUTPUT, COST, SAVED, _SHARE, _OURS)
_BRIEF = (TURNS, _PROMPT, HIT, _OUTPUT, COST, SAVED, _SHARE, _OURS)
_LEAST = (TURNS, HIT, COST, SAVED, _OURS)
_EVERY = (TURNS, _ERRORS, *_FULL[1:6], _TRIMMED, COST, _UNCACHED, _CLIENTS, *_FULL[7:])
_LAYOUTS: Final = ((_FULL, 2), (_FULL, 1), (_BRIEF, 2), (_BRIEF, 1), (_LEAST, 1))
"""Columns and the gap between them, the roomiest first."""
_FIXED: Final = {"compact": ((_LEAST, 2), (_LEAST, 1)), "wide": ((_EVERY, 2),)}
"""Layouts that are asked for."""
WIDEST: Final = 250
"""Characters that the widest layout may take, whatever the terminal has."""
_NAME_WIDTH: Final = 20
"""Characters that a name may ask for before columns of numbers go."""
MOST_SESSIONS: Final = 100
"""Rows of sessions in a table; the totals are over all, and so are JSON and CSV."""


@dataclass(frozen=True, slots=True)
class _Fitted:
    """What a table of a given width holds."""

    heads: tuple[str, ...]
    rows: Rows
    columns: Sequence[Column]
    cells: list[list[str]]
    gap: int
    room: int
    """Characters that are left for each name."""


def table(found: Report, by: str, width: int, shape: str = "table", *, coloured: bool = False) -> list[str]:
    """The lines of a table at most `width` characters wide: names are cut where they must be, numbers are not.

    `shape` is table (as many columns as fit), compact or wide. Drawn by hand: Rich takes longer for a year of days
    than the ledger.
    """
    fitted = _fit(found, by, width, _FIXED.get(shape, _LAYOUTS))
    names = [[cut(label, fitted.room) for label in labels] for labels, _ in fitted.rows]
    heads = [["", *head.split("\n")][-2:] for head in (*fitted.heads, *(head for head, _ in fitted.columns))]
    body = [[*labels, *texts] for labels, texts in zip(names, fitted.cells, strict=True)]
    widths = [max(map(breadth, column)) for column in zip(*body, *zip(*heads, strict=True), strict=True)]
    left, gap = len(fitted.heads), " " * fitted.gap

    def line(cells: Sequence[str], style: str) -> str:
        shown = [padded(cell, size, place < left) for place, (cell, size) in enumerate(zip(cells, widths, strict=True))]
        if coloured:
            shown = [_styled(cell, style) for cell in shown]
        return gap.join(shown).rstrip()

    above, below = (line(row, "1") for row in zip(*heads, strict=True))
    rule = "─" * (sum(widths) + fitted.gap * (len(widths) - 1))
    lines = [above] if above else []
    return [*lines, below, rule, *(line(cells, "") for cells in body[:-1]), "", line(body[-1], "1")]


def _styled(cell: str, style: str) -> str:
    """A loss is red: SGR 31 (ECMA-48)."""
    codes = [style] * bool(style) + ["31"] * cell.lstrip(" ~*").startswith("-$")
    return f"\x1b[{';'.join(codes)}m{cell}\x1b[0m" if codes else cell


def _fit(found: Report, by: str, width: int, layouts: Layouts) -> _Fitted:
    """The roomiest layout in which the names are readable; the last one where none is."""
    for layout in layouts[:-1]:
        fitted = _laid_out(found, by, width, *layout)
        if fitted.room >= _wanted(fitted.rows):
            return fitted
    return _laid_out(found, by, width, *layouts[-1])


def _laid_out(found: Report, by: str, width: int, columns: Sequence[Column], gap: int) -> _Fitted:
    heads, rows = _named(found, by, in_full=columns in (_FULL, _EVERY))
    rows.append((("Total", *("" for _ in heads[1:])), found.totals))
    cells = [[value(figures) for _, value in columns] for _, figures in rows]
    lines = [head.split("\n") for head, _ in columns]
    widths = [max(map(len, (*head, *texts))) for head, *texts in zip(lines, *cells, strict=True)]
    taken = sum(widths) + gap * (len(widths) + len(heads) - 1)
    return _Fitted(heads, rows, columns, cells, gap, max(6, (width - taken) // len(heads)))


def _wanted(rows: Rows) -> int:
    return min(_NAME_WIDTH, max(breadth(label) for labels, _ in rows for label in labels))


def _named(found: Report, by: str, *, in_full: bool) -> tuple[tuple[str, ...], Rows]:
    """Headings and rows; a session goes by the start of its id, its client, its kind, as in `up`'s lines."""
    if by != "session":
        return (by.capitalize(),), [((clean(row.key) or NOTHING,), row.figures) for row in found.rows]
    rows: Rows = []
    for session in found.sessions[:MOST_SESSIONS]:
        kind = "" if session.kind == "main" else f" {session.kind}"
        name = f"{clean(session.id)[:6]} {clean(session.client)}{kind}"
        rows.append(((name, clean(session.model) or NOTHING) if in_full else (name,), session.figures))
    return (("Session", "Model") if in_full else ("Session",)), rows


def _written(figures: Figures) -> int:
    return figures.count("cache_write_5m_tokens") + figures.count("cache_write_1h_tokens")


def _billed(figures: Figures) -> Sums:
    """What the dollars of a line are about: a subscription's list prices only where nothing was billed."""
    return figures.api if figures.api.turns or figures.api.pings else figures.subscription


def _money(figures: Figures, name: str) -> str:
    sums = _billed(figures)
    amount: Decimal | None = getattr(sums, name)
    if amount is None:
        return UNKNOWN
    return ("~" if sums.estimated_turns else "") + ("*" if sums is figures.subscription else "") + usd(amount)


def _unpriced_too(figures: Figures) -> str:
    sums = _billed(figures)
    return f"+{UNKNOWN}" if sums.unpriced_turns and sums.priced_turns else ""


def _saved_share(figures: Figures) -> str:
    saved = _billed(figures).saved_percent
    return NOTHING if saved is None else percent(saved / 100)


def notes(found: Report, by: str) -> list[str]:
    """What must be known to read the table, the baselines' rule first."""
    lines, totals = [_RULE], found.totals
    if by == "session" and (more := len(found.sessions) - MOST_SESSIONS) > 0:
        lines.append(f"The latest {MOST_SESSIONS} sessions; {more:,} more are in the total, and in --json and --csv.")
    if errors := totals.count("errors"):
        lines.append(f"Failed: {errors:,} of {totals.count('turns'):,} turns.")
    if estimated := totals.count("estimated_turns"):
        lines.append(f"~ Usage of {estimated:,} {_turns(estimated)} was not reported in full and is estimated.")
    if unpriced := totals.count("unpriced_turns"):
        lines.append(f"? The cost of {unpriced:,} {_turns(unpriced)} is unknown, and in none of the sums.")
    if turns := totals.subscription.turns:
        cost, baseline = totals.subscription.cost_usd, totals.subscription.baseline_no_cache_usd
        lines.append(
            f"* {turns:,} {_turns(turns)} on a subscription cost no dollars: at list prices {usd(cost)} "
            f"instead of {usd(baseline)} without any cache, added to no billed dollar."
        )
    return lines + _own_doings(totals)


def _own_doings(totals: Figures) -> list[str]:
    """What trimming and keep-warm did: the one an estimate apart, the other a part of the cost."""
    lines, sums = [], _billed(totals)
    if sums.trimmed_tokens and sums.trimmed_saved_usd != 0:
        saved = _money(totals, "trimmed_saved_usd").removeprefix("~")
        lines.append(
            f"Trimming: about {saved} more not spent on {sums.trimmed_tokens:,} trimmed tokens; "
            "assumes no re-read, in none of the sums."
        )
    if pings := sums.pings:
        noun = "ping" if pings == 1 else "pings"
        lines.append(f"Keep-warm: {pings:,} {noun} cost {_money(totals, 'ping_cost_usd')}, contained in Cost.")
    return lines


def _turns(count: int) -> str:
    return "turn" if count == 1 else "turns"
