"""What of a prompt will stand in the session's next request, learned by comparing each request with the last one.

Three things don't last: messages that a client carries at the end (a reminder, a rewritten last message), thinking
that a client drops once it is not the newest, and text in the middle that changes again and again (a clock, a counter,
an id). A write behind any of them is never read.

>>> Lasting(place=3, changed=5.0, same=0.5).share > CHANGES_AGAIN > Lasting(place=3, changed=5.0, same=6.0).share
True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from synrouter_cli.prompt.blocks import NEVER_MARKED
from synrouter_cli.prompt.layouts import transient_from
from synrouter_cli.prompt.prompt import Prompt

__all__ = ["CARRIED", "CHANGES_AGAIN", "Lasting"]

CARRIED: Final = 4
"""So many messages at the end may change from request to request; more than that is a rewind or a compaction."""
CHANGES_AGAIN: Final = 0.78
"""From this share on a write behind a changing place is dearer than what it saves: .25 against 1.15 of a token."""
FADES: Final = 0.8
"""What was seen of a place counts so much less with each request."""
MOVES_ON: Final = 0.45
"""That it once stood still counts so much less with each change: a clock that was added is known after three."""
LIKELY: Final = 5.0
"""A clock, a counter or an id counts as having changed so often when it is first seen to; text as twice."""
MOST_SAME: Final = 6.0
"""A place that stood still for long before it changed is taken to have done so in so many requests."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """What a session's requests have shown. `place` is the block that was seen to change, with weights of how often it
    `changed` and stayed the `same`; `seen` counts the comparisons."""

    place: int = -1
    changed: float = 0.0
    same: float = 0.0
    seen: int = 0
    carried: int = 0
    """So many messages at the end vanish with each request."""
    drops_thinking: bool = False

    def after(self, last: Prompt, sent: Prompt, left_at: int, likely: Callable[[], bool]) -> Lasting:
        """With one comparison more: `sent` left `last` at block `left_at`, -1 where it only adds to it. `likely` says
        whether what changed there is of a kind that changes again."""
        seen = replace(self, seen=self.seen + 1)
        if left_at < 0:
            return replace(seen._at(-1, likely), carried=0)
        if left_at >= last.layer_ends[1]:
            vanished = sum(1 for end in last.message_ends() if end >= left_at)
            if vanished <= CARRIED and len(sent.message_ends()) > vanished:
                if last.blocks[left_at].kind in NEVER_MARKED:
                    return replace(seen, drops_thinking=True)
                return replace(seen, carried=vanished)
        return seen._at(left_at, likely)

    def stable_end(self, sent: Prompt) -> int:
        """The block before which the prompt is expected to stand unchanged in the next request."""
        ends = sent.message_ends()
        end = len(sent.blocks)
        if not self.seen:
            return transient_from(sent)
        if self.carried and len(ends) > self.carried:
            end = ends[len(ends) - self.carried - 1] + 1
        if self.drops_thinking:
            end = min(end, _newest_thinking(sent))
        return min(end, self.place) if self.share > CHANGES_AGAIN else end

    @property
    def share(self) -> float:
        """How likely the place in the middle changes again."""
        return self.changed / (self.changed + self.same) if self.place >= 0 else 0.0

    def _at(self, left_at: int, likely: Callable[[], bool]) -> Lasting:
        changed, same = self.changed * FADES, self.same * FADES
        if left_at < 0:
            return replace(self, changed=changed, same=same + 1) if self.place >= 0 else self
        if left_at == self.place:
            return replace(self, changed=changed + 1, same=self.same * MOVES_ON)
        stood = min(float(self.seen - 1), MOST_SAME)
        changed, same = (LIKELY, stood + 0.5) if likely() else (2.0, stood + 1.0)
        return replace(self, place=left_at, changed=changed, same=same)


def _newest_thinking(sent: Prompt) -> int:
    """The first block of thinking in the newest assistant message; the number of blocks where it has none."""
    for unit in range(len(sent.units) - 1, -1, -1):
        if sent.units[unit].role == "assistant":
            first = sent.first_block[unit]
            for offset, block in enumerate(sent.units[unit].blocks):
                if block.kind in NEVER_MARKED:
                    return first + offset
            break
    return len(sent.blocks)
