"""Where the markers go, and for how long: at most four, by the cost of this turn and the expected cost of the next.

Three sets are weighed on the cache model: the client's own, the client's with free slots filled, and ours. The
cheapest wins, and at the same cost the one that changes least. Lifetimes (`cache/lifetimes.py`) are chosen for the
head and the tail, each by what an hour would be worth.

>>> repaired([Marker(11, "5m"), Marker(40, "1h")])
(Marker(position=11, ttl='5m'), Marker(position=40, ttl='5m'))
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from synrouter_cli.cache.lifetimes import (
    USUAL,
    USUAL_RATES,
    End,
    Lifetimes,
    Outlook,
    Rates,
    chosen,
    hour_pays,
    worth_of_an_hour,
)
from synrouter_cli.cache.model import Found, Marker, ModelFacts, Rendered, Store, bill, look_up

__all__ = ["Plan", "Situation", "decide", "repaired"]

MAX_MARKERS = 4
DOUBT = 0.05
"""Ours replace a client's marker only where they are better by this share of what a full rewrite costs."""

USUALLY_TOOLS = 1.5
"""How much likelier another session has the same tools than tools and system, where nothing says otherwise."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision depends on. Positions are block indices, `tokens` cumulative, `now` seconds.

    `markable` says which blocks may carry a marker; `fixed` are markers that stay, using `fixed_slots` breakpoints;
    `stable_end` is the block before which the prompt is expected to stand unchanged in the next request;
    `branch` is where this prompt leaves the session's last one, -1 where it does not; `outlook` is what is expected of
    the session and of the heads that it shares with others.
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
    outlook: Outlook = USUAL
    rates: Rates = USUAL_RATES
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
        self.hours = frozenset(p for p in self.live if s.store.lives_an_hour(s.rendered, p))
        self.client = repaired(s.client)
        self.slots = MAX_MARKERS - s.fixed_slots
        own = self._own()
        self.lifetimes = chosen(s.outlook, s.rates, own)
        self.ends = s.outlook.ends or self._usual_ends()
        self.long_head = self._long_head(own)
        self.long_until = self._long_until()
        self.rewrite = s.rates.write_1h if self.lifetimes.tail == "1h" else s.rates.write_5m
        self.bands = self._bands()
        self.branch = self._last_markable(s.branch)
        self.candidates = self._candidates()

    def best(self) -> Plan:
        own_free = [m for m in self.client if m not in self.s.fixed]
        too_many = len(own_free) > self.slots
        if self.s.outlook.soon <= 0 and not too_many:
            return self._plan(self.client, "client", "nobody continues this request: no marker is added")
        options: list[tuple[float, int, tuple[Marker, ...]]] = []
        if not too_many:
            options.append((self._score(self.client), 0, self.client))
            filled = self._fill(self._timed(m.position for m in self.client), len(own_free))
            options.append((self._score(filled), 1, filled))
        if self.client:  # where the client marks nothing, what fills its slots is ours already
            ours = self._fill(self.s.fixed, 0)
            options.append((self._score(ours) + self._doubt(ours), 2, ours))
        cheapest = min(score for score, _, _ in options)
        # equal to a hundredth of a token: take the one that changes least
        _, choice, markers = next(option for option in options if option[0] <= cheapest + 0.01)
        return self._plan(markers, ("client", "filled", "ours")[choice], _REASONS[choice])

    def _own(self) -> Lifetimes | None:
        """The lifetimes that the client chose, None where it marks nothing."""
        if not self.client:
            return None
        return Lifetimes(self.client[0].ttl, self.client[-1].ttl)

    def _usual_ends(self) -> tuple[End, ...]:
        """The ends of tools and system, where nothing is known of each: more sessions have the tools alone."""
        outlook = self.s.outlook
        tools_end, system_end, _ = self.s.rendered.layer_ends
        shares = {system_end - 1: outlook.shared, tools_end - 1: outlook.shared * USUALLY_TOOLS}
        return tuple(End(at, shares[at], outlook.head_pause) for at in sorted(shares) if at >= 0)

    def _long_head(self, own: Lifetimes | None) -> int:
        """The end of the longest head that is worth an hour, -1 where none is."""
        s = self.s
        if self.lifetimes.head == "1h":
            return s.rendered.layer_ends[1] - 1
        asked = own.head if own else None
        long = (e for e in self.ends if hour_pays(max(e.pause, s.outlook.tail_pause), s.outlook, s.rates, asked))
        return max((end.position for end in long), default=-1)

    def _bands(self) -> tuple[tuple[int, float], ...]:
        """The prompt from head to head and to its end: the last position of each, and what an hour is worth a token."""
        tail = self.s.outlook.tail_pause
        heads = [
            (end.position, self._worth_of("1h" if end.position <= self.long_head else "5m", max(end.pause, tail)))
            for end in self.ends
        ]
        return (*heads, (len(self.s.rendered.keys) - 1, self._worth_of(self.lifetimes.tail, tail)))

    def _worth_of(self, ttl: str, pause_first: float) -> float:
        """What an hour is worth a token; where it was chosen, at least what it costs more (the client asked for it).
        Nothing where the provider keeps none."""
        if not self.s.outlook.hours:
            return 0.0
        worth = worth_of_an_hour(pause_first, self.s.rates)
        return max(worth, self.s.rates.write_1h - self.s.rates.write_5m) if ttl == "1h" else worth

    def _long_until(self) -> int:
        """The last position at which an hour is asked for: everything written behind it is for five minutes.

        Over an entry that lives five minutes an hour is paid for in vain, so a warm prefix that was written for five
        minutes keeps them until a pause ends it; then all is chosen anew.
        """
        longest = self.live[-1] if self.live else -1
        until = max(self.hours, default=-1)
        if longest > until:
            return until
        if self.lifetimes.tail == "1h":
            return len(self.s.rendered.keys)
        return max(until, self.long_head)

    def _timed(self, positions: Iterable[int]) -> tuple[Marker, ...]:
        """Markers at these positions, with our lifetimes; fixed ones keep theirs."""
        fixed = {marker.position: marker for marker in self.s.fixed}
        # what is before an hour that can't be changed must be for an hour too
        until = max((marker.position for marker in self.s.fixed if marker.ttl == "1h"), default=self.long_until)
        timed = (Marker(p, "1h" if p <= max(until, self.long_until) else "5m") for p in positions)
        return repaired(fixed.get(marker.position, marker) for marker in timed)

    def _doubt(self, ours: tuple[Marker, ...]) -> float:
        """What ours must be better by where it leaves a client's marker out: the client may know why it is there."""
        places = {marker.position for marker in ours}
        if all(marker.position in places for marker in self.client):
            return 0.0
        return DOUBT * (self.rewrite - self.s.rates.read) * self.tokens[-1]

    def _plan(self, markers: tuple[Marker, ...], choice: str, reason: str) -> Plan:
        if choice == "filled" and markers == self.client:
            choice, reason = "client", _REASONS[0]
        found = self._found(markers)
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
        if found.hit >= 0 and found.hit not in self.hours and self.lifetimes.tail == "1h":
            return "; for 5 minutes, as what it stands on"
        return f"; for 5 minutes: a pause is unlikely ({pause:.0%})" if pause < 0.5 else ""

    def _found(self, markers: Sequence[Marker]) -> Found:
        s = self.s
        return look_up(s.rendered, markers, s.store, s.facts, now=s.now, tokens=self.tokens, live=self.live)

    def _score(self, markers: Sequence[Marker]) -> float:
        """Cost of this turn's prompt, less what its entries are expected to save, in input tokens."""
        s, rates = self.s, self.s.rates
        found = self._found(markers)
        split = bill(found, self.tokens)
        cost = split.read * rates.read + split.write_5m * rates.write_5m + split.write_1h * rates.write_1h + split.input
        written = [marker for marker in found.writes if marker.position < s.stable_end]
        renewed = found.renewed[: bisect_left(found.renewed, s.stable_end)]
        kept = written[-1].position if written else renewed[-1] if renewed else -1
        saves = self.rewrite - rates.read
        gain = s.outlook.soon * saves * (self.tokens[kept] if kept >= 0 else 0)
        gain += self._worth(self._kept_an_hour(found, written, renewed))
        gain += saves * self._read_by_others(found, {marker.position for marker in written})
        return cost - gain

    def _read_by_others(self, found: Found, written: Collection[int]) -> float:
        """The tokens that the next other session is expected to read: up to the longest head that it has, too."""
        expected, before = 0.0, 0
        for end in self.ends:
            if end.position in written or (end.position <= found.hit and end.position in self.alive):
                expected += end.shared * (self.tokens[end.position] - before)
                before = self.tokens[end.position]
        return expected

    def _kept_an_hour(self, found: Found, written: Sequence[Marker], renewed: Sequence[int]) -> int:
        """The end of the longest prefix that lives for an hour from now, -1 where none does."""
        if found.hit < 0 or found.hit in self.hours:
            long = [marker.position for marker in written if marker.ttl == "1h"]
            if long:
                return long[-1]
        return next((position for position in reversed(renewed) if position in self.hours), -1)

    def _worth(self, position: int) -> float:
        """What it is worth that the prefix up to `position` lives an hour and not five minutes."""
        worth, before = 0.0, 0
        for end, each in self.bands:
            upto = self.tokens[min(end, position)] if position >= 0 else 0
            worth, before = worth + each * (upto - before), upto
        return worth

    def _candidates(self) -> tuple[int, ...]:
        """Where a marker of ours may pay, most useful first: last entry, tail, head, branch."""
        s = self.s
        wanted = []
        reachable = [p for p in self.live if s.markable[p]]
        if reachable:
            wanted.append(reachable[-1])
        wanted.append(self._last_markable(s.stable_end))
        wanted += [self._last_markable(end.position + 1) for end in reversed(self.ends)]
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
                trial = self._timed((*taken, position))
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
                taken.add(position)
                used += 1
        return self._timed(taken)


_REASONS = (
    "the client's own markers serve best",
    "the client's markers, with free slots filled",
    "our markers cost less than the client's",
)
