"""What a set of markers costs this turn, less what its entries are expected to save, in input tokens.

>>> from synrouter_cli.cache.model import FACTS
>>> rendered = Rendered([b"head", b"tail"], [0, 1], (0, 1, 2), (b"", b"", b""))
>>> s = Situation(rendered, (), [True, True], [2000, 9000], Store(), FACTS, now=0.0, stable_end=2)
>>> scoring = Scoring(s)
>>> scoring.score((Marker(1, "5m"),)) < scoring.score(())
True
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
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
from synrouter_cli.cache.model import Found, Marker, ModelFacts, Rendered, bill, look_up
from synrouter_cli.cache.store import Store

__all__ = ["Scoring", "Situation"]

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


class _Remembered(dict[int, int]):
    """Token counts by position, each worked out once: a decision asks for the same few again and again."""

    def __init__(self, tokens: Sequence[int]) -> None:
        super().__init__()
        self._tokens = tokens

    def __missing__(self, position: int) -> int:
        tokens = self[position] = self._tokens[position]
        return tokens


class Scoring:
    """Weighs markers in one situation."""

    def __init__(self, s: Situation) -> None:
        self.s = s
        self.tokens = _Remembered(s.tokens)
        self.live = s.live if s.live is not None else s.store.live(s.rendered, s.now)
        self.alive = frozenset(self.live)
        self.hours = frozenset(p for p in self.live if s.store.lives_an_hour(s.rendered, p))
        """The live entries that were written for an hour."""
        own = _lifetimes_of(s.client)
        self.lifetimes = chosen(s.outlook, s.rates, own)
        self.rewrite = s.rates.write_1h if self.lifetimes.tail == "1h" else s.rates.write_5m
        self.ends = s.outlook.ends or self._usual_ends()
        """Where the heads end that other sessions may have too."""
        self.long_head = self._long_head(own)
        """The end of the longest of them that is worth an hour, -1 where none is."""
        self._bands = self._worths()
        self._scores: dict[tuple[Marker, ...], float] = {}
        """By the markers: a decision asks for the same few sets again and again."""

    def found(self, markers: Sequence[Marker]) -> Found:
        s = self.s
        return look_up(s.rendered, markers, s.store, s.facts, now=s.now, tokens=self.tokens, live=self.live)

    def score(self, markers: tuple[Marker, ...]) -> float:
        """Cost of this turn's prompt, less what its entries are expected to save, in input tokens."""
        known = self._scores.get(markers)
        if known is None:
            known = self._scores[markers] = self._score(markers)
        return known

    def _score(self, markers: tuple[Marker, ...]) -> float:
        s, rates = self.s, self.s.rates
        found = self.found(markers)
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

    def _usual_ends(self) -> tuple[End, ...]:
        """The ends of tools and system, where nothing is known of each: more sessions have the tools alone."""
        outlook = self.s.outlook
        tools_end, system_end, _ = self.s.rendered.layer_ends
        shares = {system_end - 1: outlook.shared, tools_end - 1: outlook.shared * USUALLY_TOOLS}
        return tuple(End(at, shares[at], outlook.head_pause) for at in sorted(shares) if at >= 0)

    def _long_head(self, own: Lifetimes | None) -> int:
        s = self.s
        if self.lifetimes.head == "1h":
            return s.rendered.layer_ends[1] - 1
        asked = own.head if own else None
        long = (e for e in self.ends if hour_pays(max(e.pause, s.outlook.tail_pause), s.outlook, s.rates, asked))
        return max((end.position for end in long), default=-1)

    def _worths(self) -> tuple[tuple[int, float], ...]:
        """The prompt from head to head and to its end: the last position of each, what an hour is worth there."""
        tail = self.s.outlook.tail_pause
        heads = [
            (end.position, self._worth_of("1h" if end.position <= self.long_head else "5m", max(end.pause, tail)))
            for end in self.ends
        ]
        return (*heads, (len(self.s.rendered.keys) - 1, self._worth_of(self.lifetimes.tail, tail)))

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
        for end, each in self._bands:
            upto = self.tokens[min(end, position)] if position >= 0 else 0
            worth, before = worth + each * (upto - before), upto
        return worth

    def _worth_of(self, ttl: str, pause_first: float) -> float:
        """What an hour is worth a token; where it was chosen, at least what it costs more (the client asked for it).
        Nothing where the provider keeps none."""
        if not self.s.outlook.hours:
            return 0.0
        worth = worth_of_an_hour(pause_first, self.s.rates)
        return max(worth, self.s.rates.write_1h - self.s.rates.write_5m) if ttl == "1h" else worth


def _lifetimes_of(client: Sequence[Marker]) -> Lifetimes | None:
    """The lifetimes that the client chose, as the API takes them; None where it marks nothing."""
    if not client:
        return None
    return Lifetimes(min(client).ttl, "1h" if all(marker.ttl == "1h" for marker in client) else "5m")
