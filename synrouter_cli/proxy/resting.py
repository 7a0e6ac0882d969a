"""Who is not to be asked for a while, where there is somebody else to ask: a provider that said so, for as long as it
said, or that could not answer at all.

A limit is often one model's alone, and so is a rest.

>>> now = [0.0]
>>> rests = Rests(clock=lambda: now[0])
>>> rests.note("anthropic", "claude-opus-4-8", 20)
>>> rests.left("anthropic", "claude-opus-4-8"), rests.left("anthropic", "claude-haiku-4-5")
(20.0, 0.0)
>>> now[0] = 20
>>> rests.left("anthropic", "claude-opus-4-8"), rests.report()
(0.0, {})
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

__all__ = ["LIMITED_S", "UNREACHABLE_S", "Rests"]

LIMITED_S: Final = 10.0
"""After a refusal that does not say for how long."""
UNREACHABLE_S: Final = 20.0
"""After no answer at all: each try may take as long as a connection's timeout."""
_LONGEST_S: Final = 300.0
"""Whatever was said: what was to last an hour is asked about again before that."""
_MOST: Final = 256


class Rests:
    """Of one running proxy. `clock` is the monotonic one, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}

    def note(self, provider: str, model: str, seconds: float) -> None:
        """It is not to be asked for that model for so long."""
        now = self._clock()
        if len(self._until) >= _MOST:
            self._until = {key: until for key, until in self._until.items() if until > now}
        if len(self._until) < _MOST:
            self._until[provider, model] = now + min(seconds, _LONGEST_S)

    def over(self, provider: str, model: str) -> None:
        """It has answered."""
        self._until.pop((provider, model), None)

    def left(self, provider: str, model: str) -> float:
        """Seconds until it is asked again; 0 where it is."""
        until = self._until.get((provider, model))
        return max(until - self._clock(), 0.0) if until is not None else 0.0

    def report(self) -> dict[str, float]:
        """Provider → seconds that the longest rest of its models still lasts."""
        found: dict[str, float] = {}
        for provider, model in self._until:
            left = self.left(provider, model)
            if left > 0:
                found[provider] = max(found.get(provider, 0.0), round(left, 1))
        return found
