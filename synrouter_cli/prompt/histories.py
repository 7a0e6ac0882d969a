"""Two histories of one conversation: where the later one leaves the earlier, and what that looks like.

A client that cuts its history back and goes on from there rewinds; one that puts a summary in its place compacts.
Which of them it was is told by sizes, since nobody says it.

Example: `Histories(before, after, old, new).change()` is ("rewind", 7, 7): block 7 of both is the first that differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from synrouter_cli.prompt.prompt import Prompt

__all__ = ["Histories"]

SHIFT: Final = 16
"""So many blocks may have been put in or taken out in one place for the rest to be recognised behind them."""
REPLACED: Final = 0.5
"""A history of which less than this share is left, and that is shorter by as much, was compacted."""
NEW_MESSAGES: Final = 2
"""A rewound history has been continued by no more than that."""


@dataclass(frozen=True, slots=True)
class Histories:
    """The message blocks of two requests that are part of their prompts, by their indices in `blocks`."""

    before: Prompt
    after: Prompt
    old: Sequence[int]
    new: Sequence[int]

    def change(self) -> tuple[str, int, int] | None:
        """How it changed, and the first block that differs in each (-1: none); None where it only grew."""
        had, has = self._marks(self.before, self.old), self._marks(self.after, self.new)
        shared = 0
        for one, other in zip(had, has, strict=False):
            if one != other:
                break
            shared += 1
        if shared == len(had):
            return None
        at = self.old[shared]
        if shared == len(has):
            return "rewind", at, -1
        to = self.new[shared]
        if self._has_lost_thinking(shared):
            return "thinking", at, -1
        if _resumes(had, has, shared, removed=True):
            return "removed", at, -1
        if _resumes(had, has, shared, removed=False):
            return "inserted", -1, to
        if self._is_rewind(shared):
            return "rewind", at, to
        return ("compaction" if self._is_compaction(shared) else "changed"), at, to

    @staticmethod
    def _marks(prompt: Prompt, places: Sequence[int]) -> list[tuple[str, bytes]]:
        return [(prompt.blocks[place].role, prompt.blocks[place].digest) for place in places]

    def _has_lost_thinking(self, shared: int) -> bool:
        """Whether the block is still sent, but is no part of the prompt any more."""
        block = self.before.blocks[self.old[shared]]
        at = self.old[shared] - self.before.layer_ends[1] + self.after.layer_ends[1]
        return (
            at < len(self.after.blocks)
            and self.after.blocks[at].digest == block.digest
            and at not in self.new[shared : shared + SHIFT]
        )

    def _is_rewind(self, shared: int) -> bool:
        """Cut behind an answer, more than the newest message dropped, and a new request put there."""
        if shared == 0 or self.after.blocks[self.new[shared - 1]].role != "assistant":
            return False
        units = self.before.unit_of(self.old[shared]), self.after.unit_of(self.new[shared])
        starts = self.before.first_block[units[0]], self.after.first_block[units[1]]
        if starts != (self.old[shared], self.new[shared]):
            return False
        dropped, added = len(self.before.units) - units[0], len(self.after.units) - units[1]
        return dropped > 1 and added <= NEW_MESSAGES and self.after.unit_counts[2] <= self.before.unit_counts[2]

    def _is_compaction(self, shared: int) -> bool:
        """Little of it is left, and it has become shorter."""
        head = _tokens(self.before, self.before.layer_ends[1] - 1)
        whole = _tokens(self.before, len(self.before.blocks) - 1) - head
        kept = _tokens(self.before, self.old[shared] - 1) - head
        now = _tokens(self.after, len(self.after.blocks) - 1) - _tokens(self.after, self.after.layer_ends[1] - 1)
        messages = self.before.unit_counts[2], self.after.unit_counts[2]
        return kept < REPLACED * whole and now < (1 - REPLACED / 2) * whole and messages[1] < messages[0]


def _resumes(had: Sequence[object], has: Sequence[object], at: int, *, removed: bool) -> bool:
    """Whether, some blocks of one of them left out, both go on alike: by two blocks, or one where there is no more."""
    one, other = (had, has) if removed else (has, had)
    for skipped in range(1, SHIFT + 1):
        rest, rest_of_other = one[at + skipped : at + skipped + 2], other[at : at + 2]
        if not rest:
            return False
        if rest[: len(rest_of_other)] == rest_of_other[: len(rest)]:
            return True
    return False


def _tokens(prompt: Prompt, block: int) -> int:
    return prompt.tokens[block] if block >= 0 else 0
