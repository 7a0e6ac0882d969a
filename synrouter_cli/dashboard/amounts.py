"""Money and shares of figures and of turns, with their marks: `~` estimated, `?` unpriced, `*` at list prices.

A loss is red and has a minus. A subscription's list prices are shown only where no dollar was billed at all.

>>> from synrouter_cli.ledger.rows import Turn
>>> turn_saved(Turn("s", 1, 0.0, "ok", cost_pusd=3 * 10**12, baseline_client_pusd=10**12))
('~-$2.00', 'red')
"""

from __future__ import annotations

from decimal import Decimal

from synrouter_cli.dashboard.layout import Piece
from synrouter_cli.dashboard.snapshot import Figures, Sums
from synrouter_cli.dashboard.units import NOTHING, UNKNOWN, percent, usd
from synrouter_cli.ledger.rows import Turn

LOSS = "red"
GAIN = "green"


def billed(figures: Figures) -> Sums:
    """What the dollars of a line are about."""
    return figures.subscription if is_listed(figures) else figures.api


def is_listed(figures: Figures) -> bool:
    """Whether all there is are a subscription's turns, whose dollars are list prices."""
    api, listed = figures.api, figures.subscription
    return not (api.turns or api.pings) and (listed.turns > 0 or listed.pings > 0)


def cost(figures: Figures) -> Piece:
    """What it cost; `+?` where a part of it has no price."""
    sums = billed(figures)
    partly = f"+{UNKNOWN}" if sums.unpriced_turns and sums.priced_turns else ""
    return amount(sums.cost_usd, sums, listed=is_listed(figures)) + partly, ""


def saved_by_synrouter(figures: Figures) -> Piece:
    """Against the client's own requests."""
    sums = billed(figures)
    return _signed(sums.saved_by_synrouter_usd, sums, listed=is_listed(figures))


def saved(figures: Figures) -> Piece:
    """Against no caching at all."""
    sums = billed(figures)
    return _signed(sums.saved_usd, sums, listed=is_listed(figures))


def share(part: Decimal | None, whole: Decimal | None) -> str:
    """A part in percent, rounded down; `–` where it is unknown or there is no whole."""
    return NOTHING if part is None or not whole else percent(float(part / whole))


def amount(value: Decimal | None, sums: Sums, *, listed: bool = False) -> str:
    """Dollars of `sums`, marked as what they are."""
    if value is None:
        return UNKNOWN
    return ("~" if sums.estimated_turns else "") + ("*" if listed else "") + usd(value)


def _signed(value: Decimal | None, sums: Sums, *, listed: bool) -> Piece:
    return amount(value, sums, listed=listed), _style(value)


def _style(value: Decimal | None) -> str:
    if not value:
        return ""
    return LOSS if value < 0 else GAIN


# ── one turn ──


def turn_cost(turn: Turn) -> Piece:
    return _of_turn(turn, turn.cost_pusd, 0), ""


def turn_saved(turn: Turn) -> Piece:
    """By Synrouter."""
    return _difference(turn, turn.baseline_client_pusd)


def turn_saved_in_all(turn: Turn) -> Piece:
    """Against no caching at all."""
    return _difference(turn, turn.baseline_no_cache_pusd)


def turn_hit(turn: Turn) -> float | None:
    """Read tokens of all prompt tokens; None without a report."""
    usage = turn.usage
    return usage.cache_read_tokens / usage.prompt_tokens if usage and usage.prompt_tokens else None


def turn_saved_usd(turn: Turn) -> Decimal | None:
    """By Synrouter, in USD; None where a price is missing."""
    if turn.baseline_client_pusd is None or turn.cost_pusd is None:
        return None
    return Decimal(turn.baseline_client_pusd - turn.cost_pusd).scaleb(-12)


def _difference(turn: Turn, baseline: int | None) -> Piece:
    if baseline is None or turn.cost_pusd is None:
        return _of_turn(turn, None, 0), ""
    return _of_turn(turn, baseline, turn.cost_pusd), _style(Decimal(baseline - turn.cost_pusd))


def _of_turn(turn: Turn, value: int | None, less: int) -> str:
    if turn.status == "started" or (turn.usage is None and turn.cost_pusd == 0):
        return NOTHING  # not known yet, or refused: there is nothing to say of money
    if value is None:
        return UNKNOWN
    marks = ("" if turn.usage_quality == "exact" else "~") + ("*" if turn.billing == "subscription" else "")
    return marks + usd(Decimal(value - less).scaleb(-12))
