"""The real proxy on a demo's stage: put together as for `up`, but on the stage's clock, with agents at work on it.

Example: `server.run(settings, assemble=assemble_on(stage, turn_line))` plays the story and returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from synrouter_cli.daemon import tokens
from synrouter_cli.daemon.server import Assemble, Parts, Running
from synrouter_cli.demo.clock import FastClock
from synrouter_cli.demo.stage import Stage
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.proxy.app import Services, start
from synrouter_cli.proxy.turns import Turns

__all__ = ["assemble_on"]


class _StoryTurns(Turns):
    """Turns that tell by the story's clock how long a session stays warm."""

    def __init__(self, clock: FastClock, parts: Parts, ledger: Ledger, key: bytes, say: Callable[[Turn], None]) -> None:
        settings = parts.settings
        super().__init__(level=settings.level, mode=settings.mode, ledger=ledger, clock=clock, on_turn=say, secret=key)
        self._story_clock = clock

    def warm(self, now: float) -> dict[str, float]:
        return super().warm(self._story_clock())


@dataclass(slots=True)
class _Onstage:
    """The proxy of a demo: before it closes the agents are sent home, and nobody hears of what they had begun."""

    running: Running
    agents: asyncio.Task[None]
    closing: Callable[[], None]
    in_flight: int = 0
    """Nobody waits for an answer."""

    @property
    def port(self) -> int:
        return self.running.port

    async def close(self, drain_s: float) -> None:
        self.closing()
        self.agents.cancel()
        await self.running.close(drain_s)


def assemble_on(stage: Stage, turn_line: Callable[[Turn], str]) -> Assemble:
    """How to build the proxy of a demo; the agents begin once it serves, and when they are done it stops."""

    @asynccontextmanager
    async def assemble(parts: Parts) -> AsyncIterator[Running]:
        over = asyncio.Event()

        def say(turn: Turn) -> None:
            if not over.is_set():
                parts.say(turn_line(turn))

        paths = parts.settings.paths
        key = tokens.digest_key(paths)
        ledger = Ledger.open(paths.ledger_file, clock=stage.clock)
        try:
            turns = _StoryTurns(stage.clock, parts, ledger, key, say)
            async with stage.provider():
                running = await start(parts.settings, _services(parts, turns, ledger, key))
                url = f"http://{parts.settings.host}:{running.port}"
                token = tokens.client_token(paths).reveal()
                async with stage.playing(url, token, parts.shutdown) as agents:
                    yield _Onstage(running, agents, over.set)
        finally:
            await asyncio.to_thread(ledger.close)

    return assemble


def _services(parts: Parts, turns: Turns, ledger: Ledger, key: bytes) -> Services:
    return Services(
        tokens=parts.tokens,
        turns=turns,
        ledger=ledger,
        instance=parts.instance,
        scope_key=key,
        shutdown=parts.shutdown,
        started_at=parts.started_at,
    )
