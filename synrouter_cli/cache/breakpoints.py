"""The cache of models that bill writes at breakpoints, as published: what a request reads, writes and is billed.

Rules are those of OpenAI's "Prompt caching" for GPT-5.6 and later (developers.openai.com). An entry stands at the
exact end of a breakpoint; there is no lookback. Breakpoints are the request's own, of which the latest few are
written, and in implicit mode one more at the end of the newest message that is not the model's. What is read is the
longest entry at a breakpoint or, in implicit mode, at the end of an earlier message. Billing is that of `model.py`.

>>> rendered = Rendered([b"a", b"b", b"c"], [0, 1, 2], (0, 0, 3), (b"", b"", b""))
>>> store, tokens = Store(), [1500, 2000, 2600]
>>> first = look_up(rendered, Breakpoints((Marker(0, "30m"),), Marker(2, "30m"), (2,)), store, FACTS, 0.0, tokens)
>>> [marker.position for marker in first.writes]
[0, 2]
>>> begun(store, rendered, first, FACTS, 0.0, tokens)
>>> look_up(rendered, Breakpoints((Marker(0, "30m"),), None, ()), store, FACTS, 1799.0, tokens).hit
0
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from synrouter_cli.cache.model import Counts, Found, Marker, Rendered
from synrouter_cli.cache.store import Entry, Store

__all__ = ["FACTS", "Breakpoints", "WritesFacts", "begun", "look_up", "met"]


class WritesFacts(Protocol):
    """The part of a model's facts that this cache depends on."""

    @property
    def minimum_tokens(self) -> int: ...
    @property
    def ttls(self) -> Mapping[str, int]: ...
    @property
    def max_writes(self) -> int: ...
    @property
    def remembered(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _DefaultFacts:
    minimum_tokens: int = 1024
    max_writes: int = 4
    remembered: int = 80

    @property
    def ttls(self) -> Mapping[str, int]:
        return {"30m": 1800}


FACTS = _DefaultFacts()


@dataclass(frozen=True, slots=True)
class Breakpoints:
    """What a request asks of the cache. Positions are block indices, ascending.

    `marks` are its own breakpoints, `implicit` the one that the provider sets, None in explicit mode; `ends` are the
    ends of messages, which are looked up beside them in implicit mode.
    """

    marks: tuple[Marker, ...]
    implicit: Marker | None
    ends: Sequence[int] = ()

    @property
    def explicit(self) -> bool:
        return self.implicit is None

    def written(self, facts: WritesFacts) -> list[Marker]:
        """The breakpoints that are written, ascending."""
        if self.implicit is None:
            return list(self.marks[-facts.max_writes :])
        own = [mark for mark in self.marks if mark.position != self.implicit.position]
        return sorted([*own[len(own) - min(len(own), facts.max_writes - 1) :], self.implicit])

    def looked_at(self, facts: WritesFacts) -> list[int]:
        """The places at which an entry is found, ascending."""
        places = {mark.position for mark in self.marks}
        if self.implicit is not None:
            places |= {self.implicit.position, *self.ends}
        return sorted(places)[-facts.remembered :]


def look_up(
    rendered: Rendered,
    asked: Breakpoints,
    store: Store,
    facts: WritesFacts,
    now: float,
    tokens: Counts,
    live: Sequence[int] | None = None,
) -> Found:
    """What a request reads and writes at `now` (seconds). Changes nothing. `tokens` are cumulative, one a block; `live`
    may be given where `store.live(rendered, now)` is known."""
    return met(asked, store.live(rendered, now) if live is None else live, facts, tokens)


def met(asked: Breakpoints, live: Sequence[int], facts: WritesFacts, tokens: Counts) -> Found:
    """The same where entries are known to live at `live`. `markers` are all breakpoints whose entries live afterwards,
    `writes` those of them that are billed, `renewed` those that lived before."""
    minimum = facts.minimum_tokens
    alive = set(live)
    read = [place for place in asked.looked_at(facts) if place in alive and tokens[place] >= minimum]
    hit = read[-1] if read else -1
    markers = tuple(mark for mark in asked.written(facts) if tokens[mark.position] >= minimum)
    writes = tuple(mark for mark in markers if mark.position > hit)
    touched = {mark.position for mark in markers if mark.position in alive} | ({hit} if hit >= 0 else set())
    return Found(hit, markers, writes, tuple(sorted(touched)))


def begun(
    store: Store,
    rendered: Rendered,
    found: Found,
    facts: WritesFacts,
    started_at: float,
    tokens: Counts,
    *,
    owner: str = "",
) -> None:
    """The answer has begun: what the request wrote can be read from now on, what it read or marked is renewed.
    Lifetimes run from `started_at`, the start of the request."""
    store.renew(rendered, found.renewed, started_at)
    for mark in found.markers:
        if mark.position not in found.renewed:
            ttl = float(facts.ttls[mark.ttl])
            entry = Entry(ttl, started_at + ttl, tokens[mark.position], owner)
            store.put(rendered.seed(mark.position), rendered.keys[mark.position], entry)
