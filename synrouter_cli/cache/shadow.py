"""What the client's own request, unchanged, would have cost: its life on a cache model of its own.

Two stores live side by side for each scope: `sent` holds what our requests wrote, `client` what the client's would
have. After each answer both are corrected by what the provider reported: an eviction of a prefix they share counts
for both, and so does an entry that neither knew of.

>>> Pair().sent is Pair().client
False
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from synrouter_cli.cache.anchors import Measured
from synrouter_cli.cache.model import Counts, Found, Marker, ModelFacts, Rendered, hit_of
from synrouter_cli.cache.store import Store

__all__ = ["Pair", "Reported", "Verdict", "judge", "reread", "same_bill"]

TOLERANCE = 0.02
"""A reported read within this share of the predicted one is the predicted one."""


@dataclass(slots=True)
class Pair:
    """The two stores of one (provider, credential, model, betas)."""

    sent: Store = field(default_factory=Store)
    client: Store = field(default_factory=Store)
    hours: bool = True
    """Entries are kept for an hour when asked to; False once five minutes were reported instead."""

    def prune(self, now: float) -> bool:
        """Drop what has expired, now and then; whether anything is left."""
        self.sent.prune(now)
        self.client.prune(now)
        return bool(self.sent.entries or self.client.entries)

    def take_changed(self) -> set[str]:
        """Whose entries changed since this was asked last."""
        changed = self.sent.changed | self.client.changed
        self.sent.changed, self.client.changed = set(), set()
        return changed


@dataclass(frozen=True, slots=True)
class Reported:
    """A provider's reported prompt tokens."""

    read: int
    write: int
    total: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What really was hit. `position` is -1 for a miss; `evicted` are entries that turned out not to be there."""

    position: int
    as_predicted: bool
    evicted: tuple[int, ...] = ()
    unexpected: bool = False
    """More was read than any entry known to us explains."""


def judge(found: Found, live: Sequence[int], tokens: Measured, reported: Reported, ends: Sequence[int]) -> Verdict:
    """Compare a prediction with what was reported.

    `live` are the positions with an entry on this prompt, `ends` the block indices at which an unknown entry may
    lie (where messages, system and tools end).
    """
    predicted = tokens[found.hit] if found.hit >= 0 else 0
    if abs(reported.read - predicted) <= max(TOLERANCE * predicted, 64 if predicted else 0):
        return Verdict(found.hit, True)
    if reported.read < predicted:
        position = -1
        if reported.read:
            position = _nearest([p for p in live if p < found.hit], tokens, reported.read)
        evicted = tuple(p for p in live if position < p <= found.hit)
        return Verdict(position, False, evicted)
    beyond = [p for p in sorted({*live, *ends}) if p > found.hit]
    return Verdict(_nearest(beyond, tokens, reported.read), False, unexpected=True)


def _nearest(positions: Sequence[int], tokens: Measured, read: int) -> int:
    return min(positions, key=lambda position: abs(tokens[position] - read), default=-1)


def reread(
    rendered: Rendered,
    markers: Sequence[Marker],
    live: Sequence[int],
    verdict: Verdict,
    facts: ModelFacts,
    tokens: Counts,
) -> Found:
    """The client's own request once more, on what we now know the provider had."""
    gone = set(verdict.evicted)
    there = [p for p in live if p not in gone]
    if verdict.unexpected and verdict.position >= 0:
        there = sorted({*there, verdict.position})
    effective = tuple(m for m in sorted(set(markers)) if tokens[m.position] >= facts.minimum_tokens)
    hit = hit_of(effective, there, rendered.runs, facts.lookback_positions)
    writes = tuple(m for m in effective if m.position > hit)
    return Found(hit, effective, writes, tuple(p for p in there if p <= hit))


def same_bill(a: Found, b: Found) -> bool:
    """Whether two requests for the same prompt are billed alike: same read, same written segments."""
    return a.hit == b.hit and _segments(a) == _segments(b)


def _segments(found: Found) -> tuple[int, int]:
    long = [m.position for m in found.writes if m.ttl == "1h"]
    end_1h = long[-1] if long else found.hit
    last = found.writes[-1].position if found.writes else found.hit
    return end_1h, max(last, end_1h)
