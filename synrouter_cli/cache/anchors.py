"""Token counts of a prompt's prefixes: estimates, pinned to what the provider reported before.

Each reported total is the exact length of a prefix we know by its key. Between two such anchors the estimate is
stretched to fit, behind the last one it goes on at the rate learned so far.

>>> anchors = Anchors()
>>> anchors.learn(b"k1", 1000)
>>> anchors.measure([b"k0", b"k1", b"k2"], [100, 500, 600])[1]
1000
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Anchors", "Measured"]

MOST_ANCHORS = 96
MIN_SAMPLE_TOKENS = 200
"""A change smaller than this says too little about the rate of tokens to estimated tokens."""


class Measured(Sequence[int]):
    """Cumulative tokens, one a block, worked out where they are asked for."""

    def __init__(self, estimates: Sequence[int], known: list[tuple[int, int]], rate: float) -> None:
        self._estimates = estimates
        self._positions = [position for position, _ in known]
        self._exact = [tokens for _, tokens in known]
        self._rate = rate

    @property
    def last_exact(self) -> int:
        """The longest prefix whose length is known, in tokens; 0 where none is."""
        return self._exact[-1] if self._exact else 0

    def __len__(self) -> int:
        return len(self._estimates)

    def __getitem__(self, index: int) -> int:  # type: ignore[override]  # no slices: nobody needs a copy
        estimates = self._estimates
        if index < 0:
            index += len(estimates)
        if not 0 <= index < len(estimates):
            raise IndexError(index)
        after = bisect_left(self._positions, index)
        if after < len(self._positions) and self._positions[after] == index:
            return self._exact[after]
        below = estimates[self._positions[after - 1]] if after else 0
        start = self._exact[after - 1] if after else 0
        if after == len(self._positions):
            return start + round((estimates[index] - below) * self._rate)
        span = estimates[self._positions[after]] - below
        share = (estimates[index] - below) / span if span else 0.0
        return start + round((self._exact[after] - start) * share)


class Anchors:
    """Exact prefix lengths of one session, by prefix key, and the rate of tokens to estimated tokens."""

    def __init__(self, rate: float = 1.0, known: Iterable[tuple[bytes, int]] = ()) -> None:
        self.rate = rate
        self._known: OrderedDict[bytes, int] = OrderedDict(known)

    def items(self) -> list[tuple[bytes, int]]:
        return list(self._known.items())

    def learn(self, key: bytes, tokens: int) -> None:
        """The prefix with this key is `tokens` long: the provider said so."""
        self._known[key] = tokens
        self._known.move_to_end(key)
        while len(self._known) > MOST_ANCHORS:
            self._known.popitem(last=False)

    def exact(self, key: bytes) -> int | None:
        return self._known.get(key)

    def measure(
        self, keys: Sequence[bytes], estimates: Sequence[int], index: Mapping[bytes, int] | None = None
    ) -> Measured:
        """Cumulative tokens for a prompt with these keys and cumulative estimates.

        `index` says where each key stands, if that is known.
        """
        places = {key: place for place, key in enumerate(keys)} if index is None else index
        found = sorted((places[key], tokens) for key, tokens in self._known.items() if key in places)
        # a count that is not larger than an earlier one contradicts it: the later report stands
        rising: list[tuple[int, int]] = []
        for position, tokens in found:
            while rising and rising[-1][1] >= tokens:
                rising.pop()
            rising.append((position, tokens))
        return Measured(estimates, rising, self.rate)

    def calibrate(self, measured: Measured, total: int) -> None:
        """Learn the rate from a reported total: what came since the last anchor against its estimate."""
        if not len(measured):
            return
        expected = measured[-1]
        grown = expected - measured.last_exact
        if grown < MIN_SAMPLE_TOKENS:
            return
        observed = self.rate * (1 + (total - expected) / grown)
        if 0.2 < observed < 5:
            self.rate = observed if not measured.last_exact else 0.7 * self.rate + 0.3 * observed
