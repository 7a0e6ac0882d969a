"""What nobody can undercut: sessions replayed by somebody who knows what will be asked, and when.

Two exact dynamic programmes over the same cost (each token of a prompt is read, written for five minutes, written for
an hour, or plain input), both without keep-warm requests:

- `every_block`: each block is decided for itself at each of its occurrences. Markers, their number, the lookback and
  the minimum length are left out, and a block may live for an hour while its neighbours live for five minutes. So no
  placement of markers and no mix of lifetimes costs less, while this may cost less than any placement can.
- `one_lifetime`: the whole prompt has one lifetime at a time, changed only by writing all of it again; markers are
  wherever they need be, and what was written once is taken to live as long as the newest entry does. It is the bound
  of a client that has one setting for its cache.

Both assume that a lifetime belongs to the tokens that it was paid for: a tail of an hour does not keep alive what
stands before it and was written for five minutes. An entry can be read for its lifetime after the request that last
used it.

>>> rates = Rates(read=0.1, write_5m=1.25, write_1h=2.0, input=1.0)
>>> asked = [Asked(at, (b"a",), (100,)) for at in (0.0, 400.0, 600.0)]
>>> every_block(asked[:1], rates), round(every_block(asked, rates), 3), round(one_lifetime(asked, rates), 3)
(100.0, 220.0, 220.0)
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from synrouter_cli.cache.model import TTL_SECONDS

FIVE_S, HOUR_S = TTL_SECONDS["5m"], TTL_SECONDS["1h"]
NOTHING_S = 0.0
"""The lifetime of what is not cached."""
States = dict[tuple[float, int], float]
"""(lifetime, the last request that wrote) → the least cost so far."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices of one token, in any unit."""

    read: float
    write_5m: float
    write_1h: float
    input: float

    @property
    def fresh(self) -> Mapping[float, float]:
        """Lifetime → what a token costs that is not read."""
        return {NOTHING_S: self.input, FIVE_S: self.write_5m, HOUR_S: self.write_1h}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request at `at` seconds: each block's key, which names the whole prefix, and the tokens up to its end."""

    at: float
    keys: Sequence[bytes]
    tokens: Sequence[int]


def every_block(asked: Sequence[Asked], rates: Rates) -> float:
    """The least that the prompts can cost, block by block."""
    moments: dict[bytes, list[float]] = defaultdict(list)
    sizes: dict[bytes, int] = {}
    for request in asked:
        start = 0
        for key, end in zip(request.keys, request.tokens, strict=True):
            moments[key].append(request.at)
            sizes[key] = min(end - start, sizes.get(key, end - start))
            start = end
    known: dict[tuple[float, ...], float] = {}
    total = 0.0
    for key, times in moments.items():
        signature = tuple(times)
        if signature not in known:
            known[signature] = _one_block(times, rates)
        total += known[signature] * sizes[key]
    return total


def _one_block(times: Sequence[float], rates: Rates) -> float:
    """The least cost of one token that is asked for at these times. A state is the lifetime it is cached for."""
    cost = dict(rates.fresh)
    for earlier, later in pairwise(times):
        cheapest = min(cost.values())
        cost = {
            lifetime: min(cheapest + fresh, cost[lifetime] + rates.read if later - earlier < lifetime else inf)
            for lifetime, fresh in rates.fresh.items()
        }
    return min(cost.values())


def one_lifetime(asked: Sequence[Asked], rates: Rates) -> float:
    """The least that the prompts can cost where a request has one lifetime for all that it marks.

    Each request goes on with the lifetime there is, and writes what is new or leaves it plain input; or it writes
    everything anew for another lifetime; or it marks nothing.
    """
    states: States = {(NOTHING_S, -1): 0.0}
    for index, request in enumerate(asked):
        gap = request.at - asked[index - 1].at if index else inf
        shared = list(_shared_so_far(asked[:index], request))
        following: States = {}
        for state, cost, written in _moves(states, index, gap, shared, request.tokens[-1], rates):
            following[state] = min(cost + written, following.get(state, inf))
        states = _worth_keeping(following)
    return min(states.values())


def _moves(
    states: States, index: int, gap: float, shared: Sequence[int], whole: int, rates: Rates
) -> Iterator[tuple[tuple[float, int], float, float]]:
    """What can be done at a request: (state after it, cost before it, its own cost)."""
    cheapest = min(states.values())
    for lifetime, fresh in rates.fresh.items():
        yield (lifetime, index if lifetime else -1), cheapest, whole * fresh
    for (lifetime, writer), cost in states.items():
        if gap < lifetime:
            read = shared[writer]
            yield (lifetime, writer), cost, read * rates.read + (whole - read) * rates.input
            yield (lifetime, index), cost, read * rates.read + (whole - read) * rates.fresh[lifetime]


def _shared_so_far(earlier: Sequence[Asked], request: Asked) -> Iterator[int]:
    """For each earlier request, the tokens that it or one before it has in common with this request's beginning."""
    longest = 0
    for other in earlier:
        blocks = min(len(other.keys), len(request.keys))
        differs = bisect_left(range(blocks), True, key=lambda at, keys=other.keys: keys[at] != request.keys[at])
        longest = max(longest, request.tokens[differs - 1] if differs else 0)
        yield longest


def _worth_keeping(states: States) -> States:
    """Without the states that cost no less than one of the same lifetime that has written later."""
    kept: States = {}
    least: dict[float, float] = {}
    for (lifetime, writer), cost in sorted(states.items(), key=lambda item: (-item[0][1], item[1])):
        if cost < least.get(lifetime, inf):
            kept[lifetime, writer] = least[lifetime] = cost
    return kept
