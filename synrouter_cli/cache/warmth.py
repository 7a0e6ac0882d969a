"""Whether the entry at a session's end is worth a keep-warm ping, and when: shortly before it expires.

A ping reads the prompt once, for r of an input token each. It saves a rewrite, w, where the next request comes after
the entry would have expired and before the ping's own renewal does. So it pays while that is likelier than r/(w−r); w
is the write for five minutes, also of an hour's entry, whose rewrite is dearer: where in doubt nothing is spent.

>>> usual = Rates()
>>> round(break_even(usual), 3)
0.087
>>> weigh(0.2, usual, cost_pusd=90, left_pusd=500)
Worth(ping=True, reason='a return in time has P 20.0%, it pays from 8.7%')
>>> weigh(0.02, usual, cost_pusd=90, left_pusd=500).ping, weigh(0.2, usual, cost_pusd=90, left_pusd=80).ping
(False, False)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synrouter_cli.cache.gaps import FIVE_MINUTES, Habits, History
from synrouter_cli.cache.lifetimes import Rates

__all__ = ["Worth", "break_even", "due_at", "lead", "return_in_time", "weigh", "went_well"]

LEAD_SHORT_S: Final = 20.0
LEAD_LONG_S: Final = 45.0
"""So long before its entry expires a ping goes out: time for a slow provider, and for one tick of the loop."""


@dataclass(frozen=True, slots=True)
class Worth:
    """Whether to send a ping, and in a sentence why (or why not)."""

    ping: bool
    reason: str


def lead(ttl_s: float) -> float:
    """How many seconds before an entry of this lifetime expires its ping is due."""
    return LEAD_SHORT_S if ttl_s <= FIVE_MINUTES else LEAD_LONG_S


def due_at(expires_at: float, ttl_s: float) -> float:
    """When the ping of an entry is due, in the seconds of `expires_at`."""
    return expires_at - lead(ttl_s)


def break_even(rates: Rates) -> float:
    """The probability of a return in time from which on a ping pays; 1 where a read costs what a write does."""
    saved = rates.write_5m - rates.read
    return min(rates.read / saved, 1.0) if saved > 0 else 1.0


def return_in_time(
    habits: Habits, history: History, *, idle_s: float, left_s: float, ttl_s: float, open_end: bool
) -> float:
    """How likely the next request, `idle_s` after the last, meets an entry that only a ping now keeps: after the
    `left_s` that the entry lives anyway, within the `ttl_s` that it lives from now on."""
    anyway = habits.returns_within(history, idle_s, left_s, open_end=open_end)
    return max(habits.returns_within(history, idle_s, ttl_s, open_end=open_end) - anyway, 0.0)


def weigh(chance: float, rates: Rates, *, cost_pusd: int, left_pusd: int) -> Worth:
    """The decision on one ping that costs `cost_pusd`, with `left_pusd` of the budget left (pico-USD)."""
    pays_from = break_even(rates)
    said = f"a return in time has P {chance:.1%}, it pays from {pays_from:.1%}"
    if chance <= pays_from:
        return Worth(False, said)
    if cost_pusd > left_pusd:
        return Worth(False, "the budget is spent")
    return Worth(True, said)


def went_well(*, ok: bool, read_tokens: int, written_tokens: int) -> bool:
    """Whether more pings may follow one that was answered: not where it wrote more than it read, nor found nothing."""
    return ok and read_tokens > 0 and written_tokens <= read_tokens
