"""The provider's prompt cache, as published: what a request hits, what it writes, what it is billed.

Rules are those of Anthropic's "Prompt caching" (platform.claude.com): one entry a marker, a lookback of 20 positions
from each marker, a minimum length, lifetimes from the request's start, and billing by the segments A, B and C. The
model takes `now` as an argument and does no I/O; numbers come with `CacheFacts`.

>>> from synrouter_cli.cache.store import Store
>>> store = Store()
>>> rendered = Rendered(keys=[b"a", b"b"], runs=[0, 1], layer_ends=(0, 0, 2), seeds=(b"", b"", b""))
>>> found = look_up(rendered, [Marker(1, "5m")], store, FACTS, now=0.0, tokens=[600, 2000])
>>> found.hit, [write.position for write in found.writes]
(-1, [1])
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from synrouter_cli.cache.store import Store

__all__ = [
    "TTL_SECONDS",
    "Counts",
    "Found",
    "Marker",
    "ModelFacts",
    "Rendered",
    "Split",
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
