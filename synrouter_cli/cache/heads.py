"""How a head (tools and system prompt) is used by all the sessions that have it: what its own lifetime depends on.

A head is read by each request of each session that begins with it. So its gaps are shorter than a session's, and a
session that begins while it lives reads what another one wrote.

Sessions that differ (in the MCP servers that they have, say) share a shorter one: so a prompt has several, each with
its own gaps, and of the sessions that had a shorter one some had a longer one too.

>>> heads = Heads()
>>> for at in (0.0, 900.0, 1800.0):
...     heads.used(b"tools", at, begins=True)
>>> heads.pause_first(b"tools", 0.2, now=1900.0) > 0.5, heads.shared(b"tools", usual=0.02) > 0.05
(True, True)
>>> heads.goes_on(b"tools", b"tools and a server")
0.25
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from synrouter_cli.cache.gaps import NOTHING_SEEN, Seen

__all__ = ["Head", "Heads"]

MOST_HEADS: Final = 128
PAUSE_WEIGHT: Final = 2.0
"""How many gaps of a head the expectation for the session weighs as much as, where each session is a short one."""
SHARED_WEIGHT: Final = 20.0
"""How many uses of a head what is usual weighs as much as."""


@dataclass(frozen=True, slots=True)
class Head:
    """What was seen of one head. `uses` are requests that have it, `begins` those with which a session began."""

    last_at: float
    gaps: Seen = NOTHING_SEEN
    uses: int = 1
    begins: int = 0


class Heads:
    """The heads in use, by the prefix keys at their ends."""

    def __init__(self, known: Iterable[tuple[bytes, Head]] = ()) -> None:
        self._heads: OrderedDict[bytes, Head] = OrderedDict(known)

    def items(self) -> list[tuple[bytes, Head]]:
        return list(self._heads.items())

    def used(self, key: bytes, now: float, *, begins: bool) -> None:
        """A request at `now` has this head; `begins` where it is the first of its session."""
        known = self._heads.get(key)
        if known is None:
            head = Head(now)
        else:
            gaps = known.gaps.after(max(now - known.last_at, 0.0))
            head = Head(now, gaps, known.uses + 1, known.begins + begins)
        self._heads[key] = head
        self._heads.move_to_end(key)
        while len(self._heads) > MOST_HEADS:
            self._heads.popitem(last=False)

    def pause_first(
        self, key: bytes, session: float, now: float | None = None, *, weight: float = PAUSE_WEIGHT
    ) -> float:
        """How likely this head pauses for five minutes to an hour before it pauses longer; `session` is how likely the
        session that asks does (`gaps.Habits.pause_first`). With `now`, the gap that ends then is one of the head's;
        `weight` is how many of its gaps `session` weighs as much as."""
        head = self._heads.get(key)
        gaps = NOTHING_SEEN if head is None else head.gaps
        if head is not None and now is not None:
            gaps = gaps.after(max(now - head.last_at, 0.0))
        return (gaps.paused + weight * session) / (gaps.paused + gaps.long + weight)

    def shared(self, key: bytes, usual: float) -> float:
        """How likely the next request with this head begins another session; `usual` where little is known."""
        head = self._heads.get(key)
        if head is None:
            return usual
        return (head.begins + usual * SHARED_WEIGHT) / (head.uses + SHARED_WEIGHT)

    def goes_on(self, shorter: bytes, longer: bytes) -> float:
        """Which share of the sessions that begin with the shorter head have the longer one too; at first a half."""
        begun = [self._heads[key].begins if key in self._heads else 0 for key in (shorter, longer)]
        return min((begun[1] + 1) / (begun[0] + 2), 1.0)
