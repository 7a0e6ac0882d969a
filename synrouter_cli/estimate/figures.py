"""Sums over replayed turns: as reported, without caching, and by the model at `observe` and `safe`, in USD.

What Synrouter is said to have saved is the difference between the two runs of the model, never between the model and
what was reported; it is scaled by how much was really paid for what the model puts at `observe`. A loss is negative.
Where the model is further than MISFIT from what was reported, nothing is said at all.

>>> sums = Sums()
>>> sums.add(Priced(Decimal(8), Decimal(20), Decimal(10), Decimal(5)), Usage(output_tokens=3))
>>> sums.saved_usd
Decimal('4')
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

from synrouter_cli import meter, providers
from synrouter_cli.estimate.replay import Turn
from synrouter_cli.wire.usage import Usage

__all__ = ["MISFIT", "Priced", "Session", "Sums", "month_of", "priced", "saved", "total"]

MISFIT: Final = Fraction(1, 4)
"""How far from what was reported the model may be before it is not believed, as a share of that."""
_NEVER: Final = "?"


@dataclass(frozen=True, slots=True)
class Priced:
    """One turn's USD. The last two are None where its cache is not modelled."""

    cost: Decimal
    no_cache: Decimal
    observe: Decimal | None = None
    safe: Decimal | None = None


def priced(turn: Turn) -> Priced | None:
    """What a turn cost and would have cost at list prices of its day; None where a price is unknown, and without
    usage."""
    if turn.usage is None:
        return None
    price = _price(turn.group, turn.model, int(turn.at // 86_400))
    if price is None:
        return None
    observe, safe = (None if usage is None else meter.cost(usage, price) for usage in (turn.observe, turn.safe))
    cost, no_cache = meter.cost(turn.usage, price), meter.no_cache_cost(turn.usage, price)
    if cost is None or no_cache is None or (turn.observe is not None and (observe is None or safe is None)):
        return None
    return Priced(cost, no_cache, observe, safe)


@lru_cache(maxsize=256)
def _price(group: str, model: str, day: int) -> providers.Price | None:
    return providers.price(group, model, datetime.fromtimestamp(day * 86_400, UTC).date())


@dataclass(slots=True)
class Sums:
    """What a number of turns come to. Dollars are of priced turns only; tokens of all that report usage."""

    turns: int = 0
    unpriced_turns: int = 0
    no_usage_turns: int = 0
    unmodelled_turns: int = 0
    """Turns that have a price and whose cache is not modelled."""
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    priced_usd: Decimal = Decimal(0)
    uncached_usd: Decimal = Decimal(0)
    modelled_usd: Decimal = Decimal(0)
    """The part of `priced_usd` that the two runs of the model are about."""
    observed_usd: Decimal = Decimal(0)
    made_safe_usd: Decimal = Decimal(0)

    def add(self, usd: Priced | None, usage: Usage | None) -> None:
        """One more turn."""
        self.turns += 1
        if usage is None:
            self.no_usage_turns += 1
            return
        self.input_tokens += usage.input_tokens
        self.cache_read_tokens += usage.cache_read_tokens
        self.cache_write_5m_tokens += usage.cache_write_5m_tokens
        self.cache_write_1h_tokens += usage.cache_write_1h_tokens
        self.output_tokens += usage.output_tokens
        if usd is None:
            self.unpriced_turns += 1
            return
        self.priced_usd += usd.cost
        self.uncached_usd += usd.no_cache
        if usd.observe is None or usd.safe is None:
            self.unmodelled_turns += 1
            return
        self.modelled_usd += usd.cost
        self.observed_usd += usd.observe
        self.made_safe_usd += usd.safe

    @property
    def priced_turns(self) -> int:
        return self.turns - self.no_usage_turns - self.unpriced_turns

    @property
    def modelled_turns(self) -> int:
        return self.priced_turns - self.unmodelled_turns

    @property
    def cost_usd(self) -> Decimal | None:
        return self.priced_usd if self.priced_turns else None

    @property
    def no_cache_usd(self) -> Decimal | None:
        return self.uncached_usd if self.priced_turns else None

    @property
    def observe_usd(self) -> Decimal | None:
        """By the model; turns that are not modelled cost what was reported."""
        return self.observed_usd + self.priced_usd - self.modelled_usd if self.modelled_turns else None

    @property
    def safe_usd(self) -> Decimal | None:
        """Likewise."""
        return self.made_safe_usd + self.priced_usd - self.modelled_usd if self.modelled_turns else None

    @property
    def fits(self) -> bool:
        """Whether the model at `observe` is near what was reported."""
        return abs(self.observed_usd - self.modelled_usd) * MISFIT.denominator <= self.modelled_usd * MISFIT.numerator

    @property
    def saved_usd(self) -> Decimal | None:
        """What `safe` would have saved, negative for a loss; None where that can't be said."""
        if not self.modelled_turns or not self.fits:
            return None
        if not self.observed_usd:
            return Decimal(0)
        return self.modelled_usd * (self.observed_usd - self.made_safe_usd) / self.observed_usd

    def include(self, other: Sums) -> None:
        """Add sums to these."""
        for name in Sums.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Session:
    """One conversation and its subagents, as far as it used the models of one maker."""

    id: str
    client: str
    project: str
    group: str
    models: list[str] = field(default_factory=list)
    unpriced: set[str] = field(default_factory=set)
    """Those of the models whose price is unknown, at least for one turn."""
    agents: set[str] = field(default_factory=set)
    first_at: float = 0.0
    last_at: float = 0.0
    months: dict[str, Sums] = field(default_factory=dict)

    def add(self, turn: Turn, zone: tzinfo | None) -> None:
        """One more of its turns."""
        if turn.model not in self.models:
            self.models.append(turn.model)
        if turn.name.agent:
            self.agents.add(turn.name.agent)
        if turn.at:
            self.first_at = min(self.first_at or turn.at, turn.at)
            self.last_at = max(self.last_at, turn.at)
        usd = priced(turn)
        if usd is None and turn.usage is not None:
            self.unpriced.add(turn.model)
        self.months.setdefault(month_of(turn.at, zone), Sums()).add(usd, turn.usage)

    @property
    def sums(self) -> Sums:
        return total(self.months.values())


def total(parts: Iterable[Sums]) -> Sums:
    """All of them together."""
    whole = Sums()
    for part in parts:
        whole.include(part)
    return whole


def saved(parts: Iterable[Sums]) -> Decimal | None:
    """The savings of all parts in which something can be said; None where that is none.

    A session's month is one part: what is summed up in any other order comes to the same.
    """
    known = [part.saved_usd for part in parts if part.saved_usd is not None]
    return sum(known, Decimal(0)) if known else None


def month_of(at: float, zone: tzinfo | None) -> str:
    """`2026-11`, in the zone given or the machine's own; `?` where no time is known.

    >>> month_of(1795255200.0, UTC), month_of(0.0, UTC)
    ('2026-11', '?')
    """
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m") if at else _NEVER
