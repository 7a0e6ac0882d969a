"""Where the markers go, and for how long: at most four, by the cost of this turn and the expected cost of the next.

Three sets are weighed on the cache model: the client's own, the client's with free slots filled, and ours. The
cheapest wins, and at the same cost the one that changes least. Lifetimes (`cache/lifetimes.py`) are chosen for the
head and the tail, each by what an hour would be worth.

>>> repaired([Marker(11, "5m"), Marker(40, "1h")])
(Marker(position=11, ttl='5m'), Marker(position=40, ttl='5m'))
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from synrouter_cli.cache.lifetimes import worth_of_an_hour
from synrouter_cli.cache.model import Found, Marker
from synrouter_cli.cache.scoring import Scoring, Situation

__all__ = ["Plan", "decide", "repaired"]

MAX_MARKERS = 4
DOUBT = 0.05
"""Ours replace a client's marker only where they are better by this share of what a full rewrite costs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The markers to send, what they are expected to meet in the cache, and why they were chosen."""

    markers: tuple[Marker, ...]
    found: Found
    choice: str
    """client | filled | ours"""
    reason: str


def repaired(markers: Iterable[Marker]) -> tuple[Marker, ...]:
    """The same markers in an order of lifetimes that the API takes: a 1h after a 5m becomes 5m."""
    result: list[Marker] = []
    short = False
    for marker in sorted(markers):
        short = short or marker.ttl == "5m"
        result.append(Marker(marker.position, "5m" if short else marker.ttl))
    return tuple(result)


def decide(situation: Situation) -> Plan:
    """The plan for one request. Pure: the same situation gives the same plan."""
    return _Weighing(situation).best()


class _Weighing:
    def __init__(self, s: Situation) -> None:
        self.s = s
        self.scoring = scoring = Scoring(s)
        self.tokens, self.live, self.hours = scoring.tokens, scoring.live, scoring.hours
        self.client = repaired(s.client)
        self.slots = MAX_MARKERS - s.fixed_slots
        self.long_until = self._long_until()
        self.fixed = {marker.position: marker for marker in s.fixed}
        # what is before an hour that can't be changed must be for an hour too
        hours = (marker.position for marker in s.fixed if marker.ttl == "1h")
        self.until = max(self.long_until, max(hours, default=-1))
        self.branch = self._last_markable(s.branch)
        self.candidates = self._candidates()

    def best(self) -> Plan:
        own_free = [m for m in self.client if m not in self.s.fixed]
        too_many = len(own_free) > self.slots
        if self.s.outlook.soon <= 0 and not too_many:
            return self._plan(self.client, "client", "nobody continues this request: no marker is added")
        options: list[tuple[float, int, tuple[Marker, ...]]] = []
        if not too_many:
            options.append((self.scoring.score(self.client), 0, self.client))
            filled = self._fill(self._timed(m.position for m in self.client), len(own_free))
            options.append((self.scoring.score(filled), 1, filled))
        if self.client:  # where the client marks nothing, what fills its slots is ours already
            options += [(self.scoring.score(ours) + self._doubt(ours), 2, ours) for ours in self._without_clients()]
        cheapest = min(score for score, _, _ in options)
        # equal to a hundredth of a token: take the one that changes least
        _, choice, markers = next(option for option in options if option[0] <= cheapest + 0.01)
        return self._plan(markers, ("client", "filled", "ours")[choice], _REASONS[choice])

    def _without_clients(self) -> Iterator[tuple[Marker, ...]]:
        """Sets that leave markers of the client out: all of them, and each where they take every slot."""
        yield self._fill(self.s.fixed, 0)
        own_free = [m for m in self.client if m not in self.s.fixed]
        if len(own_free) == self.slots:
            for left_out in own_free:
                kept = self._timed(m.position for m in self.client if m != left_out)
                yield self._fill(kept, len(own_free) - 1)

    def _long_until(self) -> int:
        """The last position at which an hour is asked for: everything written behind it is for five minutes.

        Over an entry that lives five minutes an hour is paid for in vain, so a warm prefix that was written for five
        minutes keeps them until a pause ends it; then all is chosen anew.
        """
        longest = self.live[-1] if self.live else -1
        until = max(self.hours, default=-1)
        if longest > until:
            return until
        if self.scoring.lifetimes.tail == "1h":
            return len(self.s.rendered.keys)
        return max(until, self.scoring.long_head)

    def _timed(self, positions: Iterable[int]) -> tuple[Marker, ...]:
        """Markers at these positions, with our lifetimes; fixed ones keep theirs."""
        until, fixed = self.until, self.fixed
        timed = [fixed.get(p) or Marker(p, "1h" if p <= until else "5m") for p in positions]
        return repaired(timed)

    def _doubt(self, ours: tuple[Marker, ...]) -> float:
        """What ours must be better by where it leaves client's markers out, who may know why they are there: a share of
        what it costs to rewrite the longest part that only such a marker would keep."""
        places = sorted(marker.position for marker in ours)
        longest = 0
        for marker in self.client:
            kept = bisect_right(places, marker.position)
            if kept and places[kept - 1] == marker.position:
                continue
            before = self.tokens[places[kept - 1]] if kept else 0
            longest = max(longest, self.tokens[marker.position] - before)
        return DOUBT * (self.scoring.rewrite - self.s.rates.read) * longest

    def _plan(self, markers: tuple[Marker, ...], choice: str, reason: str) -> Plan:
        if choice == "filled" and markers == self.client:
            choice, reason = "client", _REASONS[0]
        found = self.scoring.found(markers)
        return Plan(markers, found, choice, reason + self._why_so_long(found))

    def _why_so_long(self, found: Found) -> str:
        """Why what is written lives as long as it does."""
        if not found.writes or not self.s.outlook.hours:
            return ""
        pause, rates = self.s.outlook.tail_pause, self.s.rates
        if found.writes[-1].ttl == "1h":
            if worth_of_an_hour(pause, rates) <= rates.write_1h - rates.write_5m:
                return "; for an hour, as the client asks"
            return f"; for an hour: a pause is likely ({pause:.0%}) before the session ends"
        if found.writes[0].ttl == "1h":
            return f"; the head for an hour, the rest for 5 minutes: a pause is unlikely ({pause:.0%})"
        if found.hit >= 0 and found.hit not in self.hours and self.scoring.lifetimes.tail == "1h":
            return "; for 5 minutes, as what it stands on"
        return f"; for 5 minutes: a pause is unlikely ({pause:.0%})" if pause < 0.5 else ""

    def _candidates(self) -> tuple[int, ...]:
        """Where a marker of ours may pay, most useful first: last entry, tail, head, branch."""
        s = self.s
        wanted = []
        reachable = [p for p in self.live if s.markable[p]]
        if reachable:
            wanted.append(reachable[-1])
        wanted.append(self._last_markable(s.stable_end))
        wanted += [self._last_markable(end.position + 1) for end in reversed(self.scoring.ends)]
        wanted.append(self.branch)
        wanted += [m.position for m in self.client if s.markable[m.position]]
        unique = dict.fromkeys(p for p in wanted if p >= 0 and self.tokens[p] >= s.facts.minimum_tokens)
        return tuple(unique)

    def _last_markable(self, end: int) -> int:
        position = end - 1
        while position >= 0 and not self.s.markable[position]:
            position -= 1
        return position

    def _fill(self, start: tuple[Marker, ...], used: int) -> tuple[Marker, ...]:
        """Add candidates to free slots, the best first, as long as each lowers the cost; where there is room for all,
        leave out those that don't, which is half as much to weigh."""
        taken = {marker.position for marker in start}
        missing = [position for position in self.candidates if position not in taken]
        if used + len(missing) <= self.slots:
            kept = self._without_useless(taken, missing)
            return self._insured(self._timed(kept), used + len(kept) - len(taken))
        markers = start
        score = self.scoring.score(markers)
        while used < self.slots:
            best: tuple[float, tuple[Marker, ...]] | None = None
            taken = {marker.position for marker in markers}
            for position in self.candidates:
                if position in taken:
                    continue
                trial = self._timed((*taken, position))
                trial_score = self.scoring.score(trial)
                if trial_score < score - 0.01 and (best is None or trial_score < best[0] - 0.01):
                    best = (trial_score, trial)
            if best is None:
                break
            score, markers = best
            used += 1
        return self._insured(markers, used)

    def _without_useless(self, taken: set[int], missing: list[int]) -> set[int]:
        """All of these positions but those of `missing` without which it costs no more, the least useful first."""
        kept = {*taken, *missing}
        score = self.scoring.score(self._timed(kept))
        for position in reversed(missing):
            if position in self.scoring.alive:
                continue  # a marker on an entry that lives costs nothing
            without = self.scoring.score(self._timed(kept - {position}))
            if without <= score + 0.01:
                kept.discard(position)
                score = without
        return kept

    def _insured(self, markers: tuple[Marker, ...], used: int) -> tuple[Marker, ...]:
        """Give what slots are left to places that cost nothing there: live entries, read where a longer one fails,
        and the point at which this prompt left the last one, for the next that does."""
        if not markers:
            return markers
        taken = {marker.position for marker in markers}
        for position in self.candidates:
            if used >= self.slots:
                break
            if (
                (position in self.scoring.alive or position == self.branch)
                and position not in taken
                and position < markers[-1].position
            ):
                taken.add(position)
                used += 1
        return self._timed(taken)


_REASONS = (
    "the client's own markers serve best",
    "the client's markers, with free slots filled",
    "our markers cost less than the client's",
)
