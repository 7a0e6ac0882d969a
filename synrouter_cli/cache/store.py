"""The entries that live in a provider's cache, by what they were written for and by whom.

An entry belongs to the session that wrote it. What changed is known by owner, so that keeping a store takes as long as
what a turn changed, not as long as all that lives.

>>> store = Store()
>>> rendered = Rendered(keys=[b"a"], runs=[0], layer_ends=(0, 0, 1), seeds=(b"", b"", b""))
>>> store.put(b"", b"a", Entry(300.0, 300.0, 2000, "session"))
>>> store.live(rendered, now=299.0), store.changed
([0], {'session'})
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from synrouter_cli.cache.model import TTL_SECONDS, Counts, Found, Rendered

__all__ = ["Entry", "Place", "Store"]

PRUNED_EVERY_S: Final = 10.0


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
    """The entries of one scope (provider, credential, model, betas), by settings seed and prefix key.

    What has expired may stay for a while. `changed` are the owners whose entries are others than when it was emptied.
    """

    entries: dict[bytes, dict[bytes, Entry]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set, compare=False)
    _owned: dict[str, set[tuple[bytes, bytes]]] = field(default_factory=dict, repr=False, compare=False)
    _pruned_at: float = field(default=float("-inf"), repr=False, compare=False)

    def live(self, rendered: Rendered, now: float) -> list[int]:
        """The positions of this prompt at which an entry can be read now, ascending."""
        found: list[int] = []
        start = 0
        for layer, end in enumerate(rendered.layer_ends):
            entries = self.entries.get(rendered.seeds[layer])
            if entries and len(entries) < end - start:
                found += sorted(_at(entries, rendered, start, end, now))
            elif entries:
                keys = rendered.keys
                alive = ((place, entries.get(keys[place])) for place in range(start, end))
                found += [place for place, entry in alive if entry is not None and entry.expires_at > now]
            start = end
        return found

    def place(self, rendered: Rendered, position: int) -> Place:
        """Where the entry of this position is found as long as it lives."""
        return Place(self, rendered.seed(position), rendered.keys[position])

    def places(self) -> Iterator[Place]:
        """All that are taken."""
        for seed, entries in self.entries.items():
            for key in entries:
                yield Place(self, seed, key)

    def entry(self, rendered: Rendered, position: int) -> Entry | None:
        """The entry at a position, which may have expired."""
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
        self.renew(rendered, found.renewed, started_at)
        read = self.entry(rendered, found.hit) if found.hit >= 0 else None
        longest = max(TTL_SECONDS.values()) if read is None or hour_keeps_five else read.ttl
        for marker in found.writes:
            # what was read lives as long as it was written for: a longer entry over it can't outlive it
            longest = ttl = min(TTL_SECONDS[marker.ttl], longest)
            known = self.entry(rendered, marker.position)
            if known is None or known.expires_at <= started_at + ttl:  # another request may have written for longer
                size = tokens[marker.position] if tokens is not None else 0
                entry = Entry(ttl, started_at + ttl, size, owner)
                self.put(rendered.seed(marker.position), rendered.keys[marker.position], entry)

    def renew(self, rendered: Rendered, positions: Iterable[int], started_at: float) -> None:
        """A request that began at `started_at` read these entries: each lives on by its own lifetime."""
        for position in positions:
            entry = self.entry(rendered, position)
            if entry is not None and entry.expires_at < started_at + entry.ttl:
                entry.expires_at = started_at + entry.ttl
                self.changed.add(entry.owner)

    def evict(self, rendered: Rendered, positions: Iterable[int]) -> None:
        """Forget the entries of this prompt at these positions: the provider did not have them."""
        for position in positions:
            self.drop(rendered.seed(position), rendered.keys[position])

    def shorten(self, rendered: Rendered, positions: Iterable[int], started_at: float) -> None:
        """These entries live five minutes only: the provider said so of a request that began at `started_at`."""
        short = TTL_SECONDS["5m"]
        for position in positions:
            entry = self.entry(rendered, position)
            if entry is not None and entry.ttl > short:
                entry.ttl, entry.expires_at = short, started_at + short
                self.changed.add(entry.owner)

    def add(self, rendered: Rendered, position: int, ttl: float, expires_at: float, tokens: int) -> None:
        """An entry that we did not know of: the provider said it read it. One that lives is left as it is."""
        known = self.entry(rendered, position)
        if known is None or known.expires_at <= expires_at - ttl:
            self.put(rendered.seed(position), rendered.keys[position], Entry(ttl, expires_at, tokens))

    def put(self, seed: bytes, key: bytes, entry: Entry) -> None:
        """Take an entry in, in place of what is there."""
        self.drop(seed, key)
        self.entries.setdefault(seed, {})[key] = entry
        self._owned.setdefault(entry.owner, set()).add((seed, key))
        self.changed.add(entry.owner)

    def drop(self, seed: bytes, key: bytes) -> None:
        """Forget an entry, if it is there."""
        entries = self.entries.get(seed, {})
        entry = entries.pop(key, None)
        if entry is None:
            return
        if not entries:
            del self.entries[seed]
        owned = self._owned[entry.owner]
        owned.discard((seed, key))
        if not owned:
            del self._owned[entry.owner]
        self.changed.add(entry.owner)

    def owned(self, owner: str) -> Iterator[tuple[bytes, bytes, Entry]]:
        """(seed, key, entry) of all that a session wrote."""
        for seed, key in self._owned.get(owner, ()):
            yield seed, key, self.entries[seed][key]

    def prune(self, now: float) -> None:
        """Drop what has expired, now and then."""
        if self._pruned_at <= now < self._pruned_at + PRUNED_EVERY_S:
            return
        self._pruned_at = now
        for seed, entries in list(self.entries.items()):
            for key in [key for key, entry in entries.items() if entry.expires_at <= now]:
                self.drop(seed, key)

    def __len__(self) -> int:
        return sum(len(entries) for entries in self.entries.values())


def _at(entries: dict[bytes, Entry], rendered: Rendered, start: int, end: int, now: float) -> Iterator[int]:
    """The same as looking the prompt up in the entries, where there are fewer of them."""
    index = rendered.index
    if index is None:
        index = {key: place for place, key in reversed(list(enumerate(rendered.keys)))}
    for key, entry in entries.items():
        if start <= (place := index.get(key, -1)) < end and entry.expires_at > now:
            yield place


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
