"""Where breakpoints go on a model that bills writes, and whether the provider sets one of its own: by the cost of this
turn and the expected cost of the next, against the client's own request.

The provider's own breakpoint stands at the newest message. That is right while a session only grows; it is a write in
vain where the newest message will not stand in the next request, and where nobody continues. So three kinds of sets
are weighed: the request as it came, the same with breakpoints of ours, and ours alone. At the same cost the one that
changes least is taken. Breakpoints that cost nothing are added on top: at what lives, read where the ends of earlier
messages are not looked up after all.

>>> from synrouter_cli.cache.breakpoints import FACTS
>>> rendered = Rendered([b"head", b"tail"], [0, 1], (0, 0, 2), (b"", b"", b""))
>>> side = Placing(rendered, (False, True), (False, True), [1500, 9000], (), FACTS, newest=1, ends=(0, 1), stable_end=2)
>>> place(side).reason
'nobody continues this request: nothing is written'
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from synrouter_cli.cache.breakpoints import Breakpoints, WritesFacts, met
from synrouter_cli.cache.lifetimes import Outlook, Rates, hour_pays
from synrouter_cli.cache.model import TTL_SECONDS, Found, Marker, Rendered, bill

__all__ = ["Placed", "Placing", "Prices", "lifetime", "own", "place"]

LEAST_SAVED: Final = 0.01
"""A set must be cheaper than one that changes less by so much of an input token."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Relative to one input token."""

    write: float = 1.25
    read: float = 0.1


@dataclass(frozen=True, slots=True)
class Placing:
    """All that a decision depends on. Positions are block indices, `tokens` cumulative, `live` where entries live.

    `markable` says which blocks may carry a breakpoint, `safe` which may without becoming another form of themselves.
    `newest` is where the provider sets its own, -1 for nowhere; `ends` are the ends of messages; `head` is the last
    block of what opens the prompt, -1 where that takes none. Before `stable_end` the prompt is expected to stand
    unchanged in the next request, which comes in time with probability `soon`; `shared` is how likely another session,
    or this one anew, reads the head in time.
    """

    rendered: Rendered
    markable: Sequence[bool]
    safe: Sequence[bool]
    tokens: Sequence[int]
    live: Sequence[int]
    facts: WritesFacts
    newest: int
    ends: Sequence[int]
    stable_end: int
    head: int = -1
    soon: float = 0.0
    shared: float = 0.0
    prices: Prices = Prices()
    ttl: str = "30m"
    usual_ttl: str = "30m"
    """The provider's own, where nothing is asked for."""
    settable: bool = True
    """Breakpoints can be placed, and the provider can be told to set none."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The breakpoints to ask for, what they are expected to meet, and why."""

    asked: Breakpoints
    found: Found
    ours: bool
    """Something is added to the client's own request."""
    reason: str


def own(s: Placing) -> Breakpoints:
    """What the request asks for as it came: nothing, so that the provider sets its own."""
    implicit = Marker(s.newest, s.usual_ttl) if s.newest >= 0 else None
    return Breakpoints((), implicit, tuple(s.ends) if implicit is not None else ())


def lifetime(usual: str, longer: str, lives: float, outlook: Outlook, rates: Rates) -> str:
    """The lifetime to ask for where a longer one costs more. What was written lives on as it was (`lives` seconds, 0
    for nothing): it is chosen where all is written anew.

    >>> lifetime("5m", "1h", 0.0, Outlook(tail_pause=0.8), Rates(1.0, 2.0, 0.1))
    '1h'
    """
    if lives and outlook.hours:
        return longer if lives > TTL_SECONDS["5m"] else usual
    return longer if hour_pays(outlook.tail_pause, outlook, rates, None) else usual


def place(s: Placing) -> Placed:
    """The breakpoints for one request. Pure: the same situation gives the same ones."""
    client = own(s)
    cached = client.implicit is not None and s.tokens[s.newest] >= s.facts.minimum_tokens
    best = replace(client, implicit=Marker(s.newest, s.ttl)) if cached else client
    if s.settable:
        best = _insured(s, _cheapest(s, best))
    found = met(best, s.live, s.facts, s.tokens)
    ours = best != client
    return Placed(best, found, ours, _reason(s, best, found, ours))


def _cheapest(s: Placing, client: Breakpoints) -> Breakpoints:
    best, least = client, _score(s, client)
    for asked in _sets(s, client):
        score = _score(s, asked)
        if score < least - LEAST_SAVED:
            best, least = asked, score
    return best


def _sets(s: Placing, client: Breakpoints) -> Iterator[Breakpoints]:
    """What is weighed beside the client's own, that which changes least first."""
    stable = _last_markable(s, s.stable_end)
    read = next((place for place in reversed(s.live) if s.markable[place] and place < s.stable_end), -1)
    ways = [(s.head,), (stable,), (s.head, stable), (s.head, read), (s.head, read, stable), (read,), ()]
    for explicit in (False, True):
        for places in ways:
            marks = _marks(s, {place for place in places if place >= 0})
            if explicit:
                yield Breakpoints(marks, None)
            elif marks:
                yield Breakpoints(marks, client.implicit, client.ends)


def _marks(s: Placing, places: Collection[int]) -> tuple[Marker, ...]:
    return tuple(Marker(place, s.ttl) for place in sorted(places) if s.tokens[place] >= s.facts.minimum_tokens)


def _last_markable(s: Placing, before: int) -> int:
    return next((place for place in range(min(before, len(s.markable)) - 1, -1, -1) if s.markable[place]), -1)


def _score(s: Placing, asked: Breakpoints) -> float:
    """Cost of this turn's prompt, less what its entries are expected to save, in input tokens."""
    found = met(asked, s.live, s.facts, s.tokens)
    split = bill(found, s.tokens)
    cost = split.read * s.prices.read + (split.write_5m + split.write_1h) * s.prices.write + split.input
    saves = s.prices.write - s.prices.read
    after = {mark.position for mark in found.markers} | set(found.renewed)
    ends = set(s.ends)
    lasting = [place for place in after if place < s.stable_end and (s.markable[place] or place in ends)]
    gain = s.soon * saves * (s.tokens[max(lasting)] if lasting else 0)
    if s.head in after:
        gain += s.shared * saves * s.tokens[s.head]
    return cost - gain


def _insured(s: Placing, asked: Breakpoints) -> Breakpoints:
    """With free places given to the head and to what lives, before the last breakpoint: it makes no write longer."""
    last = max(mark.position for mark in (*asked.marks, asked.implicit or Marker(-1)))
    taken = {mark.position for mark in asked.marks}
    most = s.facts.max_writes - (asked.implicit is not None)
    # the head always, so that it has the same form in every request
    places = [s.head, *(place for place in reversed(s.live) if s.safe[place] and place < s.stable_end)]
    for place in places:
        if len(taken) < most and 0 <= place < last:
            taken.add(place)
    return Breakpoints(_marks(s, taken), asked.implicit, asked.ends)


def _reason(s: Placing, asked: Breakpoints, found: Found, ours: bool) -> str:
    if not ours:
        return "the provider's own breakpoint serves best"
    if s.ttl != s.usual_ttl:
        return "pauses are expected that a longer lifetime outlasts"
    if not asked.explicit:
        return "breakpoints beside the provider's own, where they cost nothing or pay"
    if found.writes:
        return "the end of the prompt will not last: what stands before it is written"
    return "nobody continues this request: nothing is written" if s.soon <= 0 else "too little of it will be read again"
