"""Over how many characters a tool's result is cut, and to how many, by level and by what the user set.

>>> limits_of("standard", tools=[("mcp__db__*", 8_000)]).for_call(Call("mcp__db__rows", UNKNOWN))
(8000, 4000)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from synrouter_cli.prompt.calls import Call
from synrouter_cli.prompt.tool_names import READ, UNKNOWN, glob_pattern

__all__ = ["LIMITS", "Limits", "limits_of"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session's policy holds. Results longer than `over_chars` are cut to `keep_chars`; 0 is never.

    `tools` are limits for single tools by name or glob: an exact name wins, then the first glob that fits. Half of such
    a limit is kept.
    """

    over_chars: int
    keep_chars: int
    tools: tuple[tuple[str, int], ...] = ()

    @property
    def least(self) -> int:
        """No result that is shorter is ever cut; 0 where none is at all."""
        return min((over for over in (self.over_chars, *(own for _, own in self.tools)) if over > 0), default=0)

    def for_call(self, call: Call) -> tuple[int, int]:
        """Over how many characters its result is cut, and to how many; (0, 0) is never.

        A file read has no limit, whatever is set; a tool that no table knows has none unless one is set for it.
        """
        own = self._own_of(call.name)
        if call.kind == READ or (own is None and call.kind == UNKNOWN):
            return 0, 0
        return (self.over_chars, self.keep_chars) if own is None else (own, own // 2)

    def _own_of(self, name: str) -> int | None:
        for known, over in self.tools:
            if known.lower() == name.lower():
                return over
        return next((over for glob, over in self.tools if glob_pattern(glob).fullmatch(name)), None)

    def plain(self) -> tuple[int, int, tuple[tuple[str, int], ...]]:
        """For storing; `of` reads it back."""
        return self.over_chars, self.keep_chars, self.tools

    @classmethod
    def of(cls, plain: Any) -> Limits:
        """Raises msgspec.ValidationError where this is nothing that `plain` gave."""
        return cls(*msgspec.convert(plain, tuple[int, int, tuple[tuple[str, int], ...]]))


_NEVER: Final = Limits(0, 0)
LIMITS: Final[Mapping[str, Limits]] = {
    "observe": _NEVER,
    "safe": _NEVER,
    "standard": Limits(32_000, 16_000),
    "max": Limits(16_000, 8_000),
}


def limits_of(
    level: str, over_chars: int | None = None, keep_chars: int | None = None, tools: Sequence[tuple[str, int]] = ()
) -> Limits:
    """A level's limits with what the user set in their place; levels that trim nothing go on trimming nothing."""
    usual = LIMITS[level]
    if usual is _NEVER:
        return _NEVER
    over = usual.over_chars if over_chars is None else over_chars
    kept = usual.keep_chars if over == usual.over_chars else over // 2
    return Limits(over, kept if keep_chars is None else keep_chars, tuple(tools))
