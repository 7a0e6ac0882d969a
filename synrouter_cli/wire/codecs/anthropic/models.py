"""What Claude models take, by their names: thinking, effort, sampling, system entries, longest answer.

Sources: platform.claude.com, "Thinking", "Effort", "Mid-conversation system messages", the migration guides of 4.7, 5
and 5.5 (November 2026). A name of another maker gets what every implementation of the Messages API takes.

>>> takes("us.anthropic.claude-opus-4-8-v1").adaptive, takes("claude-haiku-4-5").adaptive, takes("glm-5.2").adaptive
(True, False, False)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = ["Takes", "takes"]

_NAME: Final = re.compile(r"claude-(?:([a-z]+)-)?(\d{1,2})(?:[-.](\d{1,2}))?(?![\d])(?:-([a-z]+))?")
_LEVELS: Final = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Takes:
    """What a model takes."""

    thinks: bool = True
    adaptive: bool = False
    """`thinking.type: adaptive`; a budget otherwise."""
    off: str | None = None
    """The mildest `thinking.type`; None where leaving the field out is it."""
    always_thinks: bool = False
    efforts: tuple[str, ...] = ()
    sampling: bool = True
    """temperature, top_p, top_k"""
    one_sampler: bool = False
    """temperature or top_p, not both"""
    forced_tools: bool = True
    """`tool_choice` any and tool"""
    system_entries: bool = False
    """`role: system` within `messages`"""
    output_tokens: int = 32_000
    """The longest answer."""

    def effort(self, asked: str) -> str | None:
        """The level that the model has for a word; the next lower one where it has not that."""
        if not self.efforts:
            return None
        if asked not in _LEVELS:
            return "low" if asked in ("none", "minimal") else None
        lower = [level for level in self.efforts if _LEVELS.index(level) <= _LEVELS.index(asked)]
        return lower[-1] if lower else self.efforts[0]


@lru_cache(maxsize=256)
def takes(model: str) -> Takes:
    """By family and version, so that a newer model of a family is taken for its latest."""
    match = _NAME.search(model.lower())
    if match is None:
        return Takes() if "claude" not in model.lower() else Takes(adaptive=True, efforts=_LEVELS, sampling=False)
    family, version = match[1] or match[4] or "", (int(match[2]), int(match[3] or 0))
    if version < (4, 6):
        return _older(family, version)
    always_thinks = family in ("fable", "mythos") or (family == "opus" and version >= (5, 5))
    return Takes(
        adaptive=True,
        off=_off(family, version, always_thinks),
        always_thinks=always_thinks,
        efforts=_LEVELS if version >= (4, 7) else ("low", "medium", "high", "max"),
        sampling=version < (4, 7),
        one_sampler=version < (4, 7),
        forced_tools=not (always_thinks and version >= (5, 1)),
        system_entries=version >= (4, 8),
        output_tokens=64_000 if version == (4, 6) and family == "sonnet" else 128_000,
    )


def _off(family: str, version: tuple[int, int], always_thinks: bool) -> str | None:
    """Up to 4.8 nothing is thought unless asked for; later models think unless told not to, some always."""
    if version < (5, 0) or always_thinks:
        return None
    return "between_tools" if family == "sonnet" and version >= (5, 5) else "disabled"


def _older(family: str, version: tuple[int, int]) -> Takes:
    longest = 64_000 if version >= (4, 5) or (family, version) == ("sonnet", (4, 0)) else 32_000
    return Takes(
        thinks=version >= (3, 7),
        efforts=("low", "medium", "high") if (family, version) == ("opus", (4, 5)) else (),
        one_sampler=version >= (4, 1),
        output_tokens=longest if version >= (3, 7) else 8_192 if version >= (3, 5) else 4_096,
    )
