"""The order of tools at level `max`: by layer, then first seen first, so that what changes stands behind what stays.

A session pins its `Order`. A server's tools that vanish and come back, or a tool whose definition changed, keep their
places; what is new goes to the end of its layer.

>>> order = Order().extended(["mcp__a__x", "Bash"], [3, 0])
>>> ordered(["mcp__b__y", "mcp__a__x", "Read", "Bash"], [3, 3, 0, 0], order)
(3, 2, 1, 0)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from synrouter_cli.prompt.body import Edit
from synrouter_cli.prompt.prompt import TOOLS, Prompt

__all__ = ["MOST_NAMES", "Order", "ordered", "reorder_edits"]

MOST_NAMES: Final = 1_000
"""Names an order holds: a client that makes up new ones in every request must not fill the memory."""


@dataclass(frozen=True, slots=True)
class Order:
    """The tools a session has seen, first seen first, each with the layer it had then.

    The layer is pinned too: a newer version's table must not move what is already in a cache.
    """

    names: tuple[str, ...] = ()
    layers: tuple[int, ...] = ()

    def extended(self, names: Sequence[str], layers: Sequence[int]) -> Order:
        """This order and, after it, what is new in a request; itself where nothing is."""
        seen = set(self.names)
        if seen.issuperset(names):
            return self
        new: dict[str, int] = {}
        for name, layer in zip(names, layers, strict=True):
            if name not in seen:
                new.setdefault(name, layer)
        return Order((*self.names, *new)[:MOST_NAMES], (*self.layers, *new.values())[:MOST_NAMES])


def ordered(names: Sequence[str], layers: Sequence[int], order: Order) -> tuple[int, ...]:
    """The permutation that brings tools into order: at each place the index of the tool that belongs there."""
    rank = {name: (layer, place) for place, (name, layer) in enumerate(zip(order.names, order.layers, strict=True))}
    last = len(rank)
    keys = [rank.get(name) or (layer, last) for name, layer in zip(names, layers, strict=True)]
    return tuple(sorted(range(len(names)), key=keys.__getitem__))


def reorder_edits(prompt: Prompt, permutation: Sequence[int]) -> list[Edit]:
    """The edits that bring the tools into that order; none where they stand in it.

    Each tool goes to its place as it came, with the marker it carries; what stands between the tools stays. So markers
    are planned afterwards, on the edited body. Raises ValueError where `permutation` does not name each tool once.
    """
    assert prompt.body is not None
    count = prompt.unit_counts[TOOLS]
    if sorted(permutation) != list(range(count)):
        raise ValueError(f"no order of {count} tools")
    spans = [(start, prompt.units[place].length) for place, start in enumerate(prompt.starts[:count])]
    moved = ((spans[place], spans[source]) for place, source in enumerate(permutation) if place != source)
    return [Edit(offset, length, prompt.body[start : start + size]) for (offset, length), (start, size) in moved]
