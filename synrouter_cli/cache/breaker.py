"""Stops our edits in a session where they go wrong: two misses in a row that nothing but ourselves explains.

A turn counts where a hit was predicted and a write was reported instead, though the last request was a minute ago at
most, its answer had begun, no other was under way, no server tool ran, and model, betas and settings were the same. A
provider that loses an entry now and then does not do so twice running.

Where our own edits changed what the client had left unchanged, nothing excuses that, and keeping to them would change
it again: then the content goes as it came, and markers are still planned until they are at fault too.

>>> breaker = Breaker().after(Evidence(missed=True)).after(Evidence(missed=True))
>>> breaker.tripped, Breaker().after(Evidence(missed=True)).after(Evidence()).tripped
(True, False)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

__all__ = ["MOST_GAP_S", "Breaker", "Evidence"]

MOST_GAP_S: Final = 60.0
"""After a longer gap the provider may have dropped an entry by itself."""
TRIPS_AT: Final = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """One turn. `missed`: a hit was predicted, less was read and something written. The rest would excuse it."""

    missed: bool = False
    gap_s: float = 0.0
    overlapped: bool = False
    """Another request of the session was under way, or the last answer had not begun."""
    server_tools: bool = False
    changed: bool = False
    """Model, betas or settings are not those of the last request."""
    rewritten: bool = False
    """Our edits changed what stood in the last request and the client sent unchanged."""

    @property
    def ours(self) -> bool:
        """Whether nothing but our own doing explains the miss."""
        if self.rewritten:
            return True
        excused = self.overlapped or self.server_tools or self.changed or self.gap_s >= MOST_GAP_S
        return self.missed and not excused


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of one session; what has happened once stays so.

    `tripped`: no new edits, those already sent go on. `unsteady`: edits of content were not the same from request to
    request, so that none goes on.
    """

    in_a_row: int = 0
    tripped: bool = False
    unsteady: bool = False

    def after(self, turn: Evidence) -> Breaker:
        """With one turn more. A miss that is excused neither counts nor ends a row of those that do."""
        if self.tripped or (turn.missed and not turn.ours):
            return self
        in_a_row = self.in_a_row + 1 if turn.ours else 0
        if in_a_row < TRIPS_AT:
            return replace(self, in_a_row=in_a_row)
        if turn.rewritten:
            return Breaker(unsteady=True)
        return replace(self, in_a_row=in_a_row, tripped=True)
