"""The real proxy on a demo's stage: put together as for `up`, but on the stage's clock, with agents at work on it.

Example: `server.run(settings, assemble=assemble_on(stage, turn_line))` plays the story and returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from synrouter_cli.daemon import tokens
from synrouter_cli.daemon.server import Assemble, Parts, Running
from synrouter_cli.daemon.wiring import assemble_with
from synrouter_cli.demo.stage import Stage
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.listening import HOST

__all__ = ["assemble_on"]


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
    assemble_proxy = assemble_with(turn_line, clock=stage.clock)

    @asynccontextmanager
    async def assemble(parts: Parts) -> AsyncIterator[Running]:
        over = asyncio.Event()

        def say(line: str) -> None:
            if not over.is_set():
                parts.say(line)

        async with stage.provider(), assemble_proxy(replace(parts, say=say)) as running:
            url = f"http://{HOST}:{running.port}"
            token = tokens.client_token(parts.settings.paths).reveal()
            async with stage.playing(url, token, parts.shutdown) as agents:
                yield _Onstage(running, agents, over.set)

    return assemble
