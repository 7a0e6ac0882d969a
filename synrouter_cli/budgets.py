"""Whether a turn may go out: what the day and its session have cost so far, against the limits that were set.

At a limit nothing more is sent; from 80% of it on there is a warning. Days are UTC's. What has no known price counts
nothing, and is said so.

>>> limits = BudgetLimits(daily_usd=Decimal(10))
>>> judge(Spent(8_219_000_000_000), Spent(), limits).warnings
('daily budget: $8.21 of $10.00 spent today (UTC), 82%',)
>>> judge(Spent(8_219_000_000_000), Spent(), limits).stop is None
True
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Final

from synrouter_cli import meter
from synrouter_cli.errors import BudgetReached
from synrouter_cli.own_providers import BudgetLimits

__all__ = ["DAILY", "SESSION", "Spent", "Standing", "Verdict", "judge", "left", "standings"]

WARN_PERCENT: Final = 80
_CENT: Final = Decimal("0.01")
DAILY: Final = "daily_usd"
SESSION: Final = "session_usd"
_NAMES: Final = {DAILY: "daily", SESSION: "session"}
_WHOSE: Final = {DAILY: "today (UTC)", SESSION: "by this session"}


@dataclass(frozen=True, slots=True)
class Spent:
    """Pico-USD, and how many turns had no known price."""

    pusd: int = 0
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How one limit stands. `limit` is its key under `[budget]`, `allowed_usd` what that says."""

    limit: str
    allowed_usd: Decimal
    spent: Spent

    @property
    def reached(self) -> bool:
        return self.spent.pusd >= meter.to_pico(self.allowed_usd)

    @property
    def near(self) -> bool:
        """It deserves a warning; a limit that is reached does too."""
        return self.spent.pusd * 100 >= meter.to_pico(self.allowed_usd) * WARN_PERCENT

    @property
    def amounts(self) -> str:
        """`$8.21 of $10.00`"""
        step = _CENT if self.allowed_usd >= 1 else _CENT / 100
        return f"{_shown(meter.from_pico(self.spent.pusd), step)} of {_shown(self.allowed_usd, step)}"

    @property
    def rule(self) -> str:
        """What is allowed, and of a day what was spent of it."""
        if self.limit == DAILY:
            return f"{self.amounts} spent {_WHOSE[DAILY]}"
        return f"{self.amounts.partition(' of ')[2]} a session"

    @property
    def text(self) -> str:
        """In ASCII, so that it may stand in a header."""
        percent = self.spent.pusd * 100 // meter.to_pico(self.allowed_usd)
        said = f"{_NAMES[self.limit]} budget: {self.amounts} spent {_WHOSE[self.limit]}, {percent}%"
        return said + (f"; {_unpriced(self.spent.unpriced)} not counted" if self.spent.unpriced else "")

    def error(self) -> BudgetReached:
        """What a client is told in place of an answer."""
        return BudgetReached(
            limit=_NAMES[self.limit],
            spent=f"{self.amounts} spent {_WHOSE[self.limit]}",
            unpriced=f" ({_unpriced(self.spent.unpriced)} not counted)" if self.spent.unpriced else "",
            key=self.limit,
            more=f"{self.allowed_usd * 2:f}",
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """`stop` is the limit that is reached, the day's before the session's; None: the turn may go out."""

    stop: Standing | None = None
    near: tuple[Standing, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(standing.text for standing in self.near)


def judge(day: Spent, session: Spent, limits: BudgetLimits) -> Verdict:
    """What the spending of the day and of the session means for the next turn."""
    found = standings(day, session, limits)
    stop = next((standing for standing in found if standing.reached), None)
    return Verdict(stop, tuple(standing for standing in found if standing.near))


def left(day: Spent, session: Spent, limits: BudgetLimits) -> int | None:
    """Pico-USD that may still be spent, 0 at least; None without a limit."""
    rests = [meter.to_pico(one.allowed_usd) - one.spent.pusd for one in standings(day, session, limits)]
    return max(min(rests), 0) if rests else None


def standings(day: Spent, session: Spent, limits: BudgetLimits) -> list[Standing]:
    """Of each limit that there is, the day's first."""
    pairs = ((DAILY, limits.daily_usd, day), (SESSION, limits.session_usd, session))
    return [Standing(name, allowed, spent) for name, allowed, spent in pairs if allowed is not None]


def _unpriced(turns: int) -> str:
    return f"{turns:,} {'turn' if turns == 1 else 'turns'} without a known price"


def _shown(usd: Decimal, step: Decimal) -> str:
    """Rounded down, so that nothing looks spent that is not.

    >>> _shown(Decimal("9.999"), _CENT)
    '$9.99'
    """
    return f"${usd.quantize(step, ROUND_DOWN):,}"
