"""The provider's prompt cache, as published: what a request hits, what it writes, what it is billed.

Rules are those of Anthropic's "Prompt caching" (platform.claude.com): one entry a marker, a lookback of 20 positions
from each marker, a minimum length, lifetimes from the request's start, and billing by the segments A, B and C. The
model takes `now` as an argument and does no I/O; numbers come with `CacheFacts`.

>>> store = Store()
>>> rendered = Rendered(keys=[b"a", b"b"], runs=[0, 1], layer_ends=(0, 0, 2), seeds=(b"", b"", b""))
>>> found = look_up(rendered, [Marker(1, "5m")], store, FACTS, now=0.0, tokens=[600, 2000])
>>> found.hit, [write.position for write in found.writes]
(-1, [1])
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

__all__ = [
    "TTL_SECONDS",
    "Counts",
    "Entry",
    "Found",
    "Marker",
    "ModelFacts",
    "Place",
    "Rendered",
    "Split",
    "Store",
    "bill",
    "hit_of",
    "look_up",
]

TTL_SECONDS: Mapping[str, float] = {"5m": 300.0, "1h": 3600.0}


class ModelFacts(Protocol):
    """The part of a model's facts that the cache depends on."""

    @property
    def minimum_tokens(self) -> int: ...
    @property
    def lookback_positions(self) -> int: ...


class Counts(Protocol):
    """Cumulative tokens by block index; -1 is the last block."""

    def __getitem__(self, position: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class _DefaultFacts:
    minimum_tokens: int = 1024
    lookback_positions: int = 20


FACTS = _DefaultFacts()


class Marker(NamedTuple):
    """A breakpoint at block `position` with lifetime `ttl` ("5m" or "1h"). A tuple: plans make and sort many."""

    position: int
    ttl: str = "5m"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt in render order, as the cache sees it. The lists run parallel, one item a block.

    `keys` are cumulative digests; `runs` number the lookback positions; `layer_ends` are the block counts at the ends
    of tools, system and messages; `seeds` stand for the settings that each layer's entries depend on.
    """

    keys: Sequence[bytes]
    runs: Sequence[int]
    layer_ends: tuple[int, int, int]
    seeds: tuple[bytes, bytes, bytes]
    index: Mapping[bytes, int] | None = None
    """Where each key stands first, if that is known."""

    def seed(self, position: int) -> bytes:
        tools, system, _ = self.layer_ends
        return self.seeds[0 if position < tools else 1 if position < system else 2]


@dataclass(slots=True)
class Entry:
    """One cached prefix. `ttl` is its own lifetime in seconds, by which each hit renews it."""

    ttl: float
    expires_at: float
    tokens: int = 0
    owner: str = ""
    """The session that wrote it; empty where that is not known."""


@dataclass(slots=True)
class Store:
    """The live entries of one scope (provider, credential, model, betas), by settings seed and prefix key."""

    entries: dict[bytes, dict[bytes, Entry]] = field(default_factory=dict)

    def live(self, rendered: Rendered, now: float) -> list[int]:
        """The positions of this prompt at which an entry can be read now, ascending."""
        index = rendered.index
        if index is None:
            index = {key: place for place, key in reversed(list(enumerate(rendered.keys)))}
        found: list[int] = []
        start = 0
        for layer, end in enumerate(rendered.layer_ends):
            # an entry is looked up in the prompt, not the prompt in the entries: there are fewer of them
            for key, entry in self.entries.get(rendered.seeds[layer], {}).items():
                place = index.get(key, -1)
                if start <= place < end and entry.expires_at > now:
                    found.append(place)
            start = end
        return sorted(found)

    def place(self, rendered: Rendered, position: int) -> Place:
        """Where the entry of this position is found as long as it lives."""
        return Place(self, rendered.seed(position), rendered.keys[position])

    def places(self) -> Iterator[Place]:
        """All that are taken."""
        for seed, entries in self.entries.items():
            for key in entries:
                yield Place(self, seed, key)

    def entry(self, rendered: Rendered, position: int) -> Entry | None:
        return self.entries.get(rendered.seed(position), {}).get(rendered.keys[position])

    def lives_an_hour(self, rendered: Rendered, position: int) -> bool:
        """Whether the entry at this position was written for more than five minutes."""
        entry = self.entry(rendered, position)
        return entry is not None and entry.ttl > TTL_SECONDS["5m"]

    def begun(
        self,
        rendered: Rendered,
        found: Found,
        started_at: float,
        tokens: Counts | None = None,
        *,
        owner: str = "",
        hour_keeps_five: bool = False,
    ) -> None:
        """The response has begun: what the request wrote can be read from now on, what it read is renewed.

        Lifetimes run from `started_at`, the start of the request. `hour_keeps_five` says whether an hour's entry over a
        part cached for 5 minutes keeps that part for an hour too; where not, it can't outlive it.
        """
        for position in found.renewed:
            entry = self.entry(rendered, position)
            if entry is not None:
                entry.expires_at = max(entry.expires_at, started_at + entry.ttl)
        read = self.entry(rendered, found.hit) if found.hit >= 0 else None
        longest = max(TTL_SECONDS.values()) if read is None or hour_keeps_five else read.ttl
        for marker in found.writes:
            # what was read lives as long as it was written for: a longer entry over it can't outlive it
            longest = ttl = min(TTL_SECONDS[marker.ttl], longest)
            entries = self.entries.setdefault(rendered.seed(marker.position), {})
            size = tokens[marker.position] if tokens is not None else 0
            known = entries.get(rendered.keys[marker.position])
            if known is None or known.expires_at <= started_at + ttl:  # another request may have written for longer
                entries[rendered.keys[marker.position]] = Entry(ttl, started_at + ttl, size, owner)

    def evict(self, rendered: Rendered, positions: Iterable[int]) -> None:
        """Forget the entries of this prompt at these positions: the provider did not have them."""
        for position in positions:
            self.entries.get(rendered.seed(position), {}).pop(rendered.keys[position], None)

    def shorten(self, rendered: Rendered, positions: Iterable[int], started_at: float) -> None:
        """These entries live five minutes only: the provider said so of a request that began at `started_at`."""
        short = TTL_SECONDS["5m"]
        for position in positions:
            entry = self.entry(rendered, position)
            if entry is not None and entry.ttl > short:
                entry.ttl, entry.expires_at = short, started_at + short

    def add(self, rendered: Rendered, position: int, ttl: float, expires_at: float, tokens: int) -> None:
        """An entry that we did not know of: the provider said it read it."""
        entries = self.entries.setdefault(rendered.seed(position), {})
        entries.setdefault(rendered.keys[position], Entry(ttl, expires_at, tokens))

    def prune(self, now: float) -> None:
        """Drop what has expired."""
        for seed in list(self.entries):
            kept = {key: entry for key, entry in self.entries[seed].items() if entry.expires_at > now}
            if kept:
                self.entries[seed] = kept
            else:
                del self.entries[seed]

    def __len__(self) -> int:
        return sum(len(entries) for entries in self.entries.values())


@dataclass(frozen=True, slots=True)
class Place:
    """A prefix in a store, whether its entry lives or not."""

    store: Store = field(repr=False)
    seed: bytes
    key: bytes

    def expires_at(self) -> float:
        """When its entry expires; 0 where there is none."""
        entry = self.store.entries.get(self.seed, {}).get(self.key)
        return entry.expires_at if entry is not None else 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a request meets in the cache. Positions are block indices; `hit` is -1 where nothing is read."""

    hit: int
    markers: tuple[Marker, ...]
    writes: tuple[Marker, ...]
    renewed: tuple[int, ...] = ()

    @property
    def newest(self) -> int:
        """The longest prefix that lives after the request; -1 where none does."""
        return self.writes[-1].position if self.writes else self.hit


@dataclass(frozen=True, slots=True)
class Split:
    """A prompt's tokens as they are billed; they add up to the prompt."""

    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    input: int = 0

    @property
    def total(self) -> int:
        return self.read + self.write_5m + self.write_1h + self.input


def hit_of(markers: Sequence[Marker], live: Sequence[int], runs: Sequence[int], lookback: int = 20) -> int:
    """The position of the longest entry that the markers reach, or -1.

    From each marker, last first, the search walks back over at most `lookback` positions, its own included; a run
    of tool_use or of tool_result blocks is one position.
    """
    best = -1
    for marker in markers:
        index = bisect_right(live, marker.position) - 1
        if index < 0:
            continue
        candidate = live[index]
        if candidate > best and runs[marker.position] - runs[candidate] < lookback:
            best = candidate
    return best


def look_up(
    rendered: Rendered,
    markers: Sequence[Marker],
    store: Store,
    facts: ModelFacts,
    *,
    now: float,
    tokens: Counts,
    live: Sequence[int] | None = None,
) -> Found:
    """What a request with these markers reads and writes at `now`. Changes nothing.

    `tokens` are cumulative, one a block. `live` may be given where `store.live(rendered, now)` is known.
    """
    if live is None:
        live = store.live(rendered, now)
    minimum = facts.minimum_tokens
    effective = tuple([m for m in sorted(set(markers)) if tokens[m.position] >= minimum])
    hit = hit_of(effective, live, rendered.runs, facts.lookback_positions)
    writes = tuple([m for m in effective if m.position > hit])
    renewed = tuple(live[: bisect_right(live, hit)])
    return Found(hit, effective, writes, renewed)


def bill(found: Found, tokens: Counts, total: int | None = None) -> Split:
    """What the provider bills for the prompt: read A, 1h-write B−A, 5m-write C−B, the rest is input.

    A is the end of the hit, B that of the highest 1h marker after it, C that of the last marker. `total` is the
    whole prompt where it is longer than its last block.
    """
    whole = total if total is not None else tokens[-1]
    a = tokens[found.hit] if found.hit >= 0 else 0
    long = [m.position for m in found.writes if m.ttl == "1h"]
    b = max(tokens[long[-1]], a) if long else a
    c = max(tokens[found.writes[-1].position], b) if found.writes else b
    return Split(read=a, write_1h=b - a, write_5m=c - b, input=max(whole - c, 0))
