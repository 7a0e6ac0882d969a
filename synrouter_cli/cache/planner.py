"""Where the markers go: at most four, by the cost of this turn and what the next one can read.

Three sets are weighed on the cache model: the client's own, the client's with free slots filled, and ours. The
cheapest wins, and at the same cost the one that changes least.

>>> repaired([Marker(11, "5m"), Marker(40, "1h")])
(Marker(position=11, ttl='5m'), Marker(position=40, ttl='5m'))
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synrouter_cli.cache.model import Found, Marker, ModelFacts, Rendered, Store, bill, look_up

__all__ = ["Plan", "Rates", "Situation", "decide", "repaired"]

MAX_MARKERS = 4
HEAD_SHARED = 0.02
"""How much an entry at the end of tools or system is worth to other sessions, as a probability of being read."""

DOUBT = 0.05
"""Ours replace a client's marker only where they are better by this share of what a full rewrite costs."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices relative to one input token: a write for 5 minutes, for an hour, a read."""

    write_5m: float = 1.25
    write_1h: float = 2.0
    read: float = 0.1


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision depends on. Positions are block indices, `tokens` cumulative, `now` seconds.

    `markable` says which blocks may carry a marker; `fixed` are markers that stay, using `fixed_slots` breakpoints;
    `stable_end` is the block before which the prompt is expected to stand unchanged in the next request;
    `branch` is where this prompt leaves the session's last one, -1 where it does not; `continues` is the
    probability that the session goes on while the cache lives.
    """

    rendered: Rendered
    client: tuple[Marker, ...]
    markable: Sequence[bool]
    tokens: Sequence[int]
    store: Store
    facts: ModelFacts
    now: float
    stable_end: int
    branch: int = -1
    continues: float = 0.95
    rates: Rates = Rates()
    fixed: tuple[Marker, ...] = ()
    fixed_slots: int = 0
    live: Sequence[int] | None = None
    """`store.live(rendered, now)`, where it is known already."""


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


class _Remembered(dict[int, int]):
    """Token counts by position, each worked out once: a decision asks for the same few again and again."""

    def __init__(self, tokens: Sequence[int]) -> None:
        super().__init__()
        self._tokens = tokens

    def __missing__(self, position: int) -> int:
        tokens = self[position] = self._tokens[position]
        return tokens


class _Weighing:
    def __init__(self, s: Situation) -> None:
        self.s = s
        self.tokens = _Remembered(s.tokens)
        self.live = s.live if s.live is not None else s.store.live(s.rendered, s.now)
        self.alive = frozenset(self.live)
        self.client = repaired(s.client)
        self.slots = MAX_MARKERS - s.fixed_slots
        hour = bool(self.client) and self.client[-1].ttl == "1h"
        self.rewrite = s.rates.write_1h if hour else s.rates.write_5m
        self.branch = self._last_markable(s.branch)
        self.candidates = self._candidates()

    def best(self) -> Plan:
        own_free = [m for m in self.client if m not in self.s.fixed]
        too_many = len(own_free) > self.slots
        if self.s.continues <= 0 and not too_many:
            return self._plan(self.client, "client", "nobody continues this request: no marker is added")
        options: list[tuple[float, int, tuple[Marker, ...]]] = []
        if not too_many:
            options.append((self._score(self.client), 0, self.client))
            filled = self._fill(self.client, len(own_free))
            options.append((self._score(filled), 1, filled))
        if self.client:  # where the client marks nothing, what fills its slots is ours already
            kept = self._kept()
            ours = self._fill(kept, len(kept) - len(self.s.fixed))
            options.append((self._score(ours) + self._doubt(ours), 2, ours))
        cheapest = min(score for score, _, _ in options)
        # equal to a hundredth of a token: take the one that changes least
        _, choice, markers = next(option for option in options if option[0] <= cheapest + 0.01)
        return self._plan(markers, ("client", "filled", "ours")[choice], _REASONS[choice])

    def _doubt(self, ours: tuple[Marker, ...]) -> float:
        """What ours must be better by where it leaves a client's marker out: the client may know why it is there."""
        places = {marker.position for marker in ours}
        if all(marker.position in places for marker in self.client):
            return 0.0
        return DOUBT * (self.rewrite - self.s.rates.read) * self.tokens[-1]

    def _kept(self) -> tuple[Marker, ...]:
        """What ours starts from: fixed markers, and the last for an hour, since lifetimes are the client's choice."""
        hours = [m for m in self.client if m.ttl == "1h" and m not in self.s.fixed][-1:]
        return repaired({*self.s.fixed, *(hours if self.slots else ())})

    def _plan(self, markers: tuple[Marker, ...], choice: str, reason: str) -> Plan:
        if choice == "filled" and markers == self.client:
            choice, reason = "client", _REASONS[0]
        return Plan(markers, self._found(markers), choice, reason)

    def _found(self, markers: Sequence[Marker]) -> Found:
        s = self.s
        return look_up(s.rendered, markers, s.store, s.facts, now=s.now, tokens=self.tokens, live=self.live)

    def _score(self, markers: Sequence[Marker]) -> float:
        """Cost of this turn's prompt, less what its entries save in the next, in input tokens."""
        s, rates = self.s, self.s.rates
        found = self._found(markers)
        split = bill(found, self.tokens)
        cost = split.read * rates.read + split.write_5m * rates.write_5m + split.write_1h * rates.write_1h + split.input
        written = [marker.position for marker in found.writes if marker.position < s.stable_end]
        renewed = bisect_left(found.renewed, s.stable_end)
        kept = written[-1] if written else found.renewed[renewed - 1] if renewed else -1
        saves = self.rewrite - rates.read
        gain = s.continues * saves * (self.tokens[kept] if kept >= 0 else 0)
        for end in s.rendered.layer_ends[:2]:
            if end - 1 in written or (end - 1 <= found.hit and end - 1 in self.alive):
                gain += HEAD_SHARED * saves * self.tokens[end - 1]
        return cost - gain

    def _candidates(self) -> tuple[int, ...]:
        """Where a marker of ours may pay, most useful first: last entry, tail, head, branch."""
        s = self.s
        wanted = []
        reachable = [p for p in self.live if s.markable[p]]
        if reachable:
            wanted.append(reachable[-1])
        wanted.append(self._last_markable(s.stable_end))
        tools_end, system_end, _ = s.rendered.layer_ends
        wanted += [self._last_markable(system_end), self._last_markable(tools_end)]
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
        """Add candidates to free slots, the best first, as long as each lowers the cost."""
        markers = start
        score = self._score(markers)
        while used < self.slots:
            best: tuple[float, tuple[Marker, ...]] | None = None
            taken = {marker.position for marker in markers}
            for position in self.candidates:
                if position in taken:
                    continue
                trial = repaired((*markers, Marker(position, self._ttl(position))))
                trial_score = self._score(trial)
                if trial_score < score - 0.01 and (best is None or trial_score < best[0] - 0.01):
                    best = (trial_score, trial)
            if best is None:
                break
            score, markers = best
            used += 1
        return self._insured(markers, used)

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
                (position in self.alive or position == self.branch)
                and position not in taken
                and position < markers[-1].position
            ):
                markers = repaired((*markers, Marker(position, self._ttl(position))))
                used += 1
        return markers

    def _ttl(self, position: int) -> str:
        """The client's lifetime at this place, or 5m: 1h where one of its later markers, or its last one, says so."""
        if not self.client:
            return "5m"
        later = [marker for marker in self.client if marker.position >= position]
        if later:
            return "1h" if any(marker.ttl == "1h" for marker in later) else "5m"
        return self.client[-1].ttl


_REASONS = (
    "the client's own markers serve best",
    "the client's markers, with free slots filled",
    "our markers cost less than the client's",
)
