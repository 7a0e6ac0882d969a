"""A wall clock that runs fast: provider, proxy and agent of a demo share one, so that a pause of minutes takes seconds.

It starts in the past and meets the real time when the story is over, so that nothing on the ledger lies in the future;
only just after midnight it starts at once, so that the story is all of one day.

>>> clock = FastClock(speed=60.0, story_s=600.0, wall=lambda: 1e9, monotonic=iter([0.0, 0.0, 10.0]).__next__)
>>> clock() - 1e9, clock() - 1e9
(-590.0, 10.0)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

__all__ = ["FastClock"]


class FastClock:
    """Called, it gives simulated seconds since the epoch; `story_s` are the simulated seconds there are to tell."""

    def __init__(
        self,
        *,
        speed: float,
        story_s: float,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed <= 0:
            raise ValueError("a clock's speed is above 0")
        self.speed = speed
        self._monotonic = monotonic
        self._began = monotonic()
        now = wall()
        earlier = now - story_s + story_s / speed
        self._start = earlier if datetime.fromtimestamp(earlier).date() == datetime.fromtimestamp(now).date() else now

    def __call__(self) -> float:
        return self._start + (self._monotonic() - self._began) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait until so many simulated seconds have passed."""
        await asyncio.sleep(seconds / self.speed)
