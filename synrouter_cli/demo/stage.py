"""What is simulated around the proxy of a demo: the provider in front, the agents behind, one clock for all.

with Stage(45.0) as stage:                        # stage.upstream is the provider's URL from here on
    async with stage.playing(url, token, done):   # the agents work; done() is called when they have finished
        ...
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final

from synrouter_cli.demo.agent import play
from synrouter_cli.demo.api import Provider
from synrouter_cli.demo.clock import FastClock
from synrouter_cli.demo.provider import bound, serving
from synrouter_cli.demo.story import SCRIPT, STORY_S

__all__ = ["Stage"]

log = logging.getLogger("synrouter.demo")

_EVENT_S: Final = 0.6
"""Simulated seconds between two events of an answer."""


class Stage:
    """A demo of `seconds`: its clock runs as fast as the story needs."""

    def __init__(self, seconds: float) -> None:
        self.clock = FastClock(speed=STORY_S / seconds, story_s=STORY_S)
        self._listening, self.upstream = bound()

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.close()

    @asynccontextmanager
    async def provider(self) -> AsyncIterator[None]:
        """The simulated provider serves."""
        provider = Provider(SCRIPT, clock=self.clock, pace=_EVENT_S / self.clock.speed)
        async with serving(provider, self._listening):
            yield

    @asynccontextmanager
    async def playing(self, url: str, token: str, done: Callable[[], None]) -> AsyncIterator[asyncio.Task[None]]:
        """The agents work on the proxy at `url`; leaving ends them."""
        task = asyncio.create_task(self._play(url, token, done))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _play(self, url: str, token: str, done: Callable[[], None]) -> None:
        try:
            await play(url, token, self.clock)
        except* Exception as group:
            # the demo is over then, and says what it got to
            for error in group.exceptions:
                log.error("an agent of the demo gave up: %s", error)
        finally:
            done()
