"""How likely the next request of a session comes within five minutes, within an hour, later, or never.

Nothing is known by a client's name. A gap is either inside a *loop* (the last answer asked for a tool) or a *return*
(the last answer had ended its turn, somebody came back). A session is *attended* once somebody returned; one that goes
on and on without a return probably never will be. These numbers are learned, each by counting, each with a weak prior
that a few dozen gaps outweigh:

- `returns`: the share of gaps that are returns, in attended sessions;
- `paused`: the share of loop gaps, and of returns, that last from five minutes to an hour, and `long`: over an hour;
  how much longer than five minutes, or than an hour, follows one power law (`TAIL`);
- `attended`: the share of sessions of some length that are attended;
- `ended`: the share of requests that are the last, by how many the session has had, since most sessions are short and
  one that has lived long lives on;
- `lost`: the share of requests that find most of their prefix gone though the gap was short (a compaction, a change of
  tools, the provider itself): what was paid for an hour is gone with it.

The counts of a session weigh on top of those of all earlier ones (`Habits`), which the ledger keeps; only `long` is of
all sessions alike, since nights and meals are the user's and come to any of them.

>>> habits, alone, busy = Habits(), History(), History()
>>> for gap, returned in [(8.0, False), (700.0, True), (9.0, False), (1500.0, True)]:
...     busy = busy.after(gap, returned=returned)
>>> habits.pause_first(alone) < 0.4 < habits.pause_first(busy)
True
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Final

__all__ = ["FIVE_MINUTES", "HOUR", "NOTHING_SEEN", "Habits", "History", "Next", "Seen"]

FIVE_MINUTES: Final = 300.0
HOUR: Final = 3600.0
TAIL: Final = 0.9
"""Twice as long a pause is so many halvings rarer. Of the published gaps 3.15% last over 300 s, 1% over 1,061 s, 0.34%
over 3,600 s: an exponent of 0.91, then of 0.88."""

AGES: Final = (1, 2, 4, 8, 16, 32, 64)
"""Sessions are counted by how many requests they have had: 1, 2–3, 4–7, …"""

# The priors: (share, how many gaps it weighs as much as). Shares from 244 published sessions; the weights are small.
RETURNS: Final = (0.1, 10.0)
RETURN_PAUSED: Final = (0.2, 4.0)
RETURN_LONG: Final = (0.025, 4.0)
LOOP_PAUSED: Final = (0.008, 20.0)
LOOP_LONG: Final = (0.001, 20.0)
LOST: Final = (0.004, 50.0)
ATTENDED: Final = (0.7, 2.0)
ENDED_WEIGHT: Final = 3.0
ENDED_OPEN: Final = (0.15, 4.0)
"""The share of sessions that are left while a tool runs, not after an answer that ended its turn."""
ENDED_CLOSED: Final = (0.2, 4.0)
"""The share of answers that ended their turn after which nobody returned."""
OWN: Final = 10.0
"""A session's own gaps outweigh everybody's from so many on."""
TELLING: Final = 8
"""A session that ends with fewer requests says nothing of whether it would have been attended."""
MANY: Final = 200
"""Habits of so many gaps, or a session of half as many, are known well."""
MOST_GAPS: Final = 6000
"""Older habits fade: beyond so many gaps all counts are halved."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Gaps of one kind: how many, and of them those of five minutes to an hour and those of more."""

    all: int = 0
    paused: int = 0
    long: int = 0

    def after(self, gap_s: float) -> Seen:
        pause = FIVE_MINUTES <= gap_s < HOUR
        return Seen(self.all + 1, self.paused + pause, self.long + (gap_s >= HOUR))


NOTHING_SEEN: Final = Seen()


@dataclass(frozen=True, slots=True)
class History:
    """The gaps of one session so far. It has had one request more than gaps."""

    loops: Seen = Seen()
    returns: Seen = Seen()
    lost: int = 0

    @classmethod
    def of(cls, gaps: Iterable[tuple[float, bool]]) -> History:
        """The history of these (seconds, whether somebody returned)."""
        history = cls()
        for gap_s, returned in gaps:
            history = history.after(gap_s, returned=returned)
        return history

    def after(self, gap_s: float, *, returned: bool) -> History:
        """With one gap more."""
        if returned:
            return History(self.loops, self.returns.after(gap_s), self.lost)
        return History(self.loops.after(gap_s), self.returns, self.lost)

    def losing(self) -> History:
        """With one request more that found most of its prefix gone."""
        return History(self.loops, self.returns, self.lost + 1)

    @property
    def requests(self) -> int:
        return 1 + self.loops.all + self.returns.all


@dataclass(frozen=True, slots=True)
class Next:
    """Probabilities of what comes next; they add up to 1."""

    soon: float
    """Within five minutes."""
    paused: float
    """After five minutes, within an hour."""
    long: float
    never: float


@dataclass(slots=True)
class Habits:
    """What all earlier sessions of one kind had: the user's habits, as counts."""

    loops: Seen = Seen()
    returns: Seen = Seen()
    attended: int = 0
    unattended: int = 0
    attended_gaps: int = 0
    requests: list[int] = field(default_factory=lambda: [0] * len(AGES))
    """By age: how many requests there were, and how many of them were the last of their session."""
    ended: list[int] = field(default_factory=lambda: [0] * len(AGES))
    ended_open: int = 0
    lost: int = 0

    # ── learning ──

    def passed(self, before: History, gap_s: float, *, returned: bool) -> None:
        """A session with this history went on after `gap_s` seconds."""
        if returned:
            self.returns = self.returns.after(gap_s)
            if not before.returns.all:
                self.attended += 1
                self.attended_gaps += before.loops.all
        else:
            self.loops = self.loops.after(gap_s)
        if returned or before.returns.all:
            self.attended_gaps += 1
        self.requests[_age(before.requests)] += 1
        if self._gaps > MOST_GAPS:
            self._fade()

    def over(self, history: History, *, open_end: bool) -> None:
        """A session with this history has ended; `open_end` where its last answer had asked for a tool."""
        age = _age(history.requests)
        self.requests[age] += 1
        self.ended[age] += 1
        self.ended_open += open_end
        if not history.returns.all and history.requests >= TELLING:
            self.unattended += 1

    def losing(self) -> None:
        """A request found most of its prefix gone, though its gap was short."""
        self.lost += 1

    def learn(self, gaps: Iterable[tuple[float, bool]], *, open_end: bool = False) -> None:
        """A whole session that is over."""
        history = History()
        for gap_s, returned in gaps:
            self.passed(history, gap_s, returned=returned)
            history = history.after(gap_s, returned=returned)
        self.over(history, open_end=open_end)

    def _fade(self) -> None:
        self.loops = Seen(self.loops.all // 2, self.loops.paused // 2, self.loops.long // 2)
        self.returns = Seen(self.returns.all // 2, self.returns.paused // 2, self.returns.long // 2)
        self.attended, self.unattended = self.attended // 2, self.unattended // 2
        self.attended_gaps //= 2
        self.requests = [count // 2 for count in self.requests]
        self.ended = [count // 2 for count in self.ended]
        self.ended_open //= 2
        self.lost //= 2

    @property
    def _gaps(self) -> int:
        return self.loops.all + self.returns.all

    # ── what is to be expected ──

    def sure(self, history: History) -> bool:
        """Whether enough was seen to say more of a session than its client does."""
        return self._gaps >= MANY or history.requests > MANY // 2

    def next(self, history: History) -> Next:
        """What follows the request that this session sends now."""
        return self._next(history, self._rates(history), self._attended(history))

    def _next(self, history: History, rates: _Rates, sure: float) -> Next:
        returning = sure * rates.returns
        ends = self._ended(_age(history.requests))
        paused = returning * rates.return_paused + (1 - returning) * rates.loop_paused
        long = returning * rates.return_long + (1 - returning) * rates.loop_long
        return Next((1 - ends) * (1 - paused - long), (1 - ends) * paused, (1 - ends) * long, ends)

    def pause_first(self, history: History) -> float:
        """How likely a pause of five minutes to an hour comes before anything that ends an hour's entry too: a longer
        pause, a loss, or the end. It is what a lifetime of an hour is worth having for."""
        return self._pause_first(history, self._rates(history), self._attended(history))

    def soon_and_pause_first(self, history: History) -> tuple[float, float]:
        """`next(history).soon` and `pause_first(history)` at once: every request asks for both."""
        rates, sure = self._rates(history), self._attended(history)
        return self._next(history, rates, sure).soon, self._pause_first(history, rates, sure)

    def _pause_first(self, history: History, rates: _Rates, sure: float) -> float:
        attended = self._first(history, rates, rates.returns)
        return attended if sure == 1 else sure * attended + (1 - sure) * self._first(history, rates, 0.0)

    def within(self, history: History, life_s: float) -> float:
        """How likely the next request comes within `life_s` (300 or more) of the one that this session sends now."""
        then = self.next(history)
        paused = then.paused * (1 - _later(life_s, FIVE_MINUTES, HOUR))
        return then.soon + paused + then.long * (1 - _later(life_s, HOUR))

    def returns_within(self, history: History, idle_s: float, within_s: float, *, open_end: bool) -> float:
        """How likely the next request comes within `within_s` more seconds, `idle_s` (300 or more) after the last;
        `open_end` where the last answer asked for a tool, so that something is still under way."""
        rates = self._rates(history)
        if open_end:
            paused, long = rates.loop_paused, rates.loop_long
        else:
            paused, long = rates.return_paused, rates.return_long
        share = _mean(self.ended_open, sum(self.ended), ENDED_OPEN)
        ends = self._ended(_age(history.requests))
        # of the requests that are followed by nothing, each kind has its part; so of those that wait there
        waiting = self._attended(history) * rates.returns
        last, waits = (ends * share, 1 - waiting) if open_end else (ends * (1 - share), waiting)
        ends_here = last / (last + waits)
        if not open_end:
            # where nobody has ever come back, nobody does, however long the loops are
            closed = sum(self.ended) - self.ended_open
            ends_here = max(ends_here, _mean(closed, self.returns.all + closed, ENDED_CLOSED))
        here = (1 - ends_here) * (paused * _later(idle_s, FIVE_MINUTES, HOUR) + long * _later(idle_s, HOUR))
        after = idle_s + within_s
        there = (1 - ends_here) * (paused * _later(after, FIVE_MINUTES, HOUR) + long * _later(after, HOUR))
        return (here - there) / (here + ends_here) if here > 0 else 0.0

    def _first(self, history: History, rates: _Rates, returns: float) -> float:
        """`pause_first` where this share of the gaps are returns, over the ages that the session may still reach."""
        paused = returns * rates.return_paused + (1 - returns) * rates.loop_paused
        long = returns * rates.return_long + (1 - returns) * rates.loop_long
        at, alive, total = history.requests, 1.0, 0.0
        for age in range(_age(at), len(AGES)):
            ends = self._ended(age)
            pause = (1 - ends) * paused
            anything = min(ends + (1 - ends) * (paused + long + rates.lost), 1.0)
            if age + 1 == len(AGES):
                return total + alive * pause / anything
            left = (1 - anything) ** (AGES[age + 1] - at)
            total += alive * pause / anything * (1 - left)
            alive *= left
            at = AGES[age + 1]
        raise AssertionError("unreachable")

    def _attended(self, history: History) -> float:
        """Whether somebody will return to this session: certain once somebody did, ever less so after each gap of a
        loop that nobody broke."""
        if history.returns.all:
            return 1.0
        first = _mean(self.attended, self.attended + self.unattended, ATTENDED)
        share = _mean(self.returns.all, self.attended_gaps, RETURNS)
        unbroken: float = (1 + history.loops.all / OWN) ** (-OWN * share)
        return first * unbroken / (first * unbroken + 1 - first)

    def _ended(self, age: int) -> float:
        return (self.ended[age] + ENDED_WEIGHT * _usual_end(age)) / (self.requests[age] + ENDED_WEIGHT)

    def _rates(self, history: History) -> _Rates:
        loops, returns = history.loops, history.returns
        usual = _mean(self.returns.all, self.attended_gaps, RETURNS)
        return _Rates(
            returns=_own(returns.all, loops.all + returns.all, usual, OWN),
            return_paused=_own(returns.paused, returns.all, _of(self.returns, "paused", RETURN_PAUSED), OWN / 2),
            return_long=_of(self.returns, "long", RETURN_LONG),
            loop_paused=_own(loops.paused, loops.all, _of(self.loops, "paused", LOOP_PAUSED), 3 * OWN),
            loop_long=_of(self.loops, "long", LOOP_LONG),
            lost=_own(history.lost, loops.all + returns.all, _mean(self.lost, self._gaps, LOST), 5 * OWN),
        )


@dataclass(frozen=True, slots=True)
class _Rates:
    """A session's own shares of gaps, as far as it has shown them."""

    returns: float
    return_paused: float
    return_long: float
    loop_paused: float
    loop_long: float
    lost: float


def _age(requests: int) -> int:
    return bisect_right(AGES, requests) - 1


def _usual_end(age: int) -> float:
    """How likely a request is the last where nothing was learned: a session lives about as long again as it has."""
    return 1 / (1.5 * AGES[age] + 4)


def _mean(count: int, of: int, prior: tuple[float, float]) -> float:
    share, weight = prior
    return (count + share * weight) / (of + weight)


def _of(seen: Seen, what: str, prior: tuple[float, float]) -> float:
    count: int = getattr(seen, what)
    return _mean(count, seen.all, prior)


def _own(count: int, of: int, usual: float, weight: float) -> float:
    return (count + usual * weight) / (of + weight)


def _later(idle_s: float, first_s: float, last_s: float = inf) -> float:
    """The share of gaps between `first_s` and `last_s` that are longer than `idle_s`, by the power law."""
    if idle_s <= first_s:
        return 1.0
    if idle_s >= last_s:
        return 0.0
    beyond: float = (first_s / last_s) ** TAIL
    share: float = ((first_s / idle_s) ** TAIL - beyond) / (1 - beyond)
    return share
