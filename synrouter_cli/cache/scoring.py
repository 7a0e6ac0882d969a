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
from collections.abc import Sequence
from dataclasses import dataclass

from synrouter_cli.cache.lifetimes import USUAL, USUAL_RATES, Lifetimes, Outlook, Rates, chosen, worth_of_an_hour
from synrouter_cli.cache.model import Found, Marker, ModelFacts, Rendered, Store, bill, look_up

__all__ = ["Scoring", "Situation"]


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision depends on. Positions are block indices, `tokens` cumulative, `now` seconds.

    `markable` says which blocks may carry a marker; `fixed` are markers that stay, using `fixed_slots` breakpoints;
    `stable_end` is the block before which the prompt is expected to stand unchanged in the next request;
    `branch` is where this prompt leaves the session's last one, -1 where it does not; `shared_ends` are places before
    the end of tools up to which other sessions have the same prompt; `outlook` is what is expected of the session.
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
    shared_ends: tuple[int, ...] = ()
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
        self.lifetimes = chosen(s.outlook, s.rates, _lifetimes_of(s.client))
        self.rewrite = s.rates.write_1h if self.lifetimes.tail == "1h" else s.rates.write_5m
        self._worth_tail = self._worth_of(self.lifetimes.tail, s.outlook.tail_pause)
        self._worth_head = self._worth_of(self.lifetimes.head, max(s.outlook.tail_pause, s.outlook.head_pause))
        tools_end, system_end, _ = s.rendered.layer_ends
        self.heads = tuple(dict.fromkeys(end - 1 for end in (system_end, tools_end, *s.shared_ends) if end > 0))
        """Where a head ends that other sessions may have too."""

    def found(self, markers: Sequence[Marker]) -> Found:
        s = self.s
        return look_up(s.rendered, markers, s.store, s.facts, now=s.now, tokens=self.tokens, live=self.live)

    def score(self, markers: Sequence[Marker]) -> float:
        """Cost of this turn's prompt, less what its entries are expected to save, in input tokens."""
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
        places = {marker.position for marker in written}
        for end in self.heads:
            if end in places or (end <= found.hit and end in self.alive):
                gain += s.outlook.shared * saves * self.tokens[end]
        return cost - gain

    def _kept_an_hour(self, found: Found, written: Sequence[Marker], renewed: Sequence[int]) -> int:
        """The end of the longest prefix that lives for an hour from now, -1 where none does."""
        if found.hit < 0 or found.hit in self.hours:
            long = [marker.position for marker in written if marker.ttl == "1h"]
            if long:
                return long[-1]
        return next((position for position in reversed(renewed) if position in self.hours), -1)

    def _worth(self, position: int) -> float:
        """What it is worth that the prefix up to `position` lives an hour and not five minutes."""
        if position < 0:
            return 0.0
        head = min(position, self.s.rendered.layer_ends[1] - 1)
        in_head = self.tokens[head] if head >= 0 else 0
        return self._worth_head * in_head + self._worth_tail * (self.tokens[position] - in_head)

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
