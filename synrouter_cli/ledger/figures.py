"""Sums over turns, and what they say: dollars, savings, the hit rate. Integers inside, Decimal outside.

Money counts priced `api` turns only, each difference over the same turns. Turns on a subscription cost no
dollars: their list prices stand apart. An unknown price is None, never 0.

>>> sums = Sums(turns=1, priced_turns=1, cost_pusd=10**12, baseline_no_cache_pusd=4 * 10**12)
>>> sums.saved_usd, sums.saved_percent
(Decimal('3'), 75.0)
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any


@dataclass(slots=True)
class Sums:
    """What turns add up to. Tokens, pico-USD (1e-12 USD) over the priced turns, counts of turns.

    A keep-warm ping is no turn and no error, but tokens and money are those of every request: pings are in
    them, and in the counts of what is estimated, priced and unpriced, which say how good the money is.
    """

    turns: int = 0
    errors: int = 0
    estimated_turns: int = 0
    priced_turns: int = 0
    unpriced_turns: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    trimmed_tokens: int = 0
    cost_pusd: int = 0
    baseline_no_cache_pusd: int = 0
    baseline_client_pusd: int = 0
    pings: int = 0
    ping_cost_pusd: int = 0
    shared_read_tokens: int = 0
    trimmed_pusd: int = 0

    def add(self, other: Sums) -> None:
        for name in MEASURES:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def cost_usd(self) -> Decimal | None:
        return self._usd(self.cost_pusd)

    @property
    def baseline_no_cache_usd(self) -> Decimal | None:
        return self._usd(self.baseline_no_cache_pusd)

    @property
    def baseline_client_usd(self) -> Decimal | None:
        return self._usd(self.baseline_client_pusd)

    @property
    def saved_usd(self) -> Decimal | None:
        """What the same turns would have cost without any cache, minus what they cost; negative is a loss."""
        return self._usd(self.baseline_no_cache_pusd - self.cost_pusd)

    @property
    def saved_percent(self) -> float | None:
        """`saved_usd` of the baseline without a cache; None where that is zero or unknown."""
        saved, baseline = self.saved_usd, self.baseline_no_cache_usd
        return float(100 * saved / baseline) if saved is not None and baseline else None

    @property
    def saved_by_synrouter_usd(self) -> Decimal | None:
        """What the client's own requests would have cost, minus what ours cost; negative is a loss."""
        return self._usd(self.baseline_client_pusd - self.cost_pusd)

    @property
    def ping_cost_usd(self) -> Decimal | None:
        """What the keep-warm pings cost, which is part of `cost_usd`."""
        return self._usd(self.ping_cost_pusd)

    @property
    def trimmed_saved_usd(self) -> Decimal | None:
        """What the trimmed tokens would have cost: an estimate that assumes no re-read, in no other figure."""
        return self._usd(self.trimmed_pusd)

    def _usd(self, pico: int) -> Decimal | None:
        """Pico-USD as USD, exactly; None where there are turns and no price for any of them."""
        if self.unpriced_turns and not self.priced_turns:
            return None
        return Decimal(f"{Decimal(pico).scaleb(-12).normalize():f}")


MEASURES = tuple(measure.name for measure in fields(Sums))
PROMPT_COUNTS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")


@dataclass(slots=True)
class Figures:
    """The figures of a set of turns, the billed ones and those of a subscription apart."""

    api: Sums = field(default_factory=Sums)
    subscription: Sums = field(default_factory=Sums)

    def add(self, billing: str, sums: Sums) -> None:
        """Add `sums` of turns with this `billing` (api | subscription)."""
        (self.subscription if billing == "subscription" else self.api).add(sums)

    def merge(self, other: Figures) -> None:
        self.api.add(other.api)
        self.subscription.add(other.subscription)

    @property
    def requests(self) -> int:
        """Turns and pings: where there are none, there is nothing to show."""
        return self.count("turns") + self.count("pings")

    def count(self, name: str) -> int:
        """The sum `name` of turns or tokens, however they are billed."""
        return int(getattr(self.api, name) + getattr(self.subscription, name))

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all prompts, whether read from a cache, written to it, or neither."""
        return sum(self.count(name) for name in PROMPT_COUNTS)

    @property
    def cache_hit_rate(self) -> float | None:
        """Reads over the whole prompt, 0 to 1; None without any prompt."""
        prompt = self.prompt_tokens
        return self.count("cache_read_tokens") / prompt if prompt else None

    def numbers(self) -> dict[str, Any]:
        """The figures under the names of `stats --json`."""
        return {
            **{name: self.count(name) for name in _COUNTED},
            "cache_hit_rate": self.cache_hit_rate,
            "subscription_turns": self.subscription.turns,
            **{name: getattr(self.api, name) for name in _MONEY},
            "estimated_turns": self.count("estimated_turns"),
            "unpriced_turns": self.api.unpriced_turns,
            "subscription_unpriced_turns": self.subscription.unpriced_turns,
            **{f"subscription_list_{name}": getattr(self.subscription, name) for name in _MONEY[:3]},
            "pings": self.count("pings"),
            "ping_cost_usd": self.api.ping_cost_usd,
            "shared_read_tokens": self.count("shared_read_tokens"),
            "trimmed_saved_usd": self.api.trimmed_saved_usd,
        }


_COUNTED = (
    "turns",
    "errors",
    *PROMPT_COUNTS,
    "output_tokens",
    "trimmed_tokens",
)
_MONEY = (
    "cost_usd",
    "baseline_no_cache_usd",
    "baseline_client_usd",
    "saved_usd",
    "saved_percent",
    "saved_by_synrouter_usd",
)
