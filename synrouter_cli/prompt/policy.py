"""What may be changed in a session: fixed when it begins, kept to its end, inherited by what goes on from it.

So the same history always becomes the same bytes: after a restart, a rewind, a change of the settings, on a newer
version.

>>> Policy.of("standard").limits.over_chars, Policy.of("safe").limits.over_chars
(32000, 0)
>>> Policy.read(Policy.of("max").plain()) == Policy.of("max")
True
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from synrouter_cli.prompt.trim import LIMITS, VERSION, Limits

__all__ = ["Policy"]

_Plain = tuple[str, int, Any, bool, bool]


@dataclass(frozen=True, slots=True)
class Policy:
    """`level` is the one configured when the session began, `version` that of the trimming, `limits` its limits.

    `billing_block` says that Claude Code's billing block stays; `diagnoses` that the provider is asked why it missed.
    """

    level: str
    limits: Limits
    version: int = VERSION
    billing_block: bool = True
    diagnoses: bool = False

    @classmethod
    def of(cls, level: str) -> Policy:
        """The usual policy of a level (observe | safe | standard | max)."""
        return cls(level, LIMITS[level])

    @property
    def orders_tools(self) -> bool:
        """Whether it brings tools into the order of their layers."""
        return self.level == "max"

    def plain(self) -> _Plain:
        """For storing; `read` gives it back."""
        return self.level, self.version, self.limits.plain(), self.billing_block, self.diagnoses

    @classmethod
    def read(cls, plain: Any) -> Policy:
        """Raises msgspec.ValidationError where this is nothing that `plain` gave."""
        level, version, limits, billing_block, diagnoses = msgspec.convert(plain, _Plain)
        return cls(level, Limits.of(limits), version, billing_block, diagnoses)
