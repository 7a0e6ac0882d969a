"""What the daemon says and where: lines on its terminal, in the log when detached, or a dashboard instead of lines.

While somebody draws on the terminal no line goes there. A drawer that its user left stops the daemon; where it
dies, lines go on.

Example: `async with voice.speaking("synrouter: listening on …", stop): …` speaks while it serves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from synrouter_cli.daemon.face import Face
from synrouter_cli.daemon.logs import describe

Say = Callable[[str], None]
"""Says a line; never blocks, never raises, callable from any thread."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Voice:
    """`say` a line a turn, `note` what a person at the terminal should know, or show a `face`."""

    say: Say
    note: Say
    face: Face | None = None
    greets: bool = True
    """Whether the greeting is said where there is no face."""

    def turn(self, line: str) -> None:
        """Say the line of a finished turn, unless a dashboard shows it."""
        if self.face is None or not self.face.draws:
            self.say(line)

    @asynccontextmanager
    async def speaking(self, greeting: str, stop: Callable[[], None]) -> AsyncIterator[None]:
        """Greet, or draw, inside the block; `stop` is called when the user leaves the dashboard."""
        face = self.face if await asyncio.to_thread(self._draw) else None
        if face is None:
            if self.greets:
                self.say(greeting)
            yield
            return
        watching = asyncio.create_task(self._watch(face, greeting, stop))
        try:
            yield
        finally:
            face.leaving = True
            await asyncio.to_thread(face.stop)
            await watching

    def _draw(self) -> bool:
        try:
            if self.face is not None:
                self.face.start()
                return True
        except OSError as error:
            log.warning("no dashboard: %s", describe(error))
        return False

    async def _watch(self, face: Face, greeting: str, stop: Callable[[], None]) -> None:
        left = await face.ended()
        if left:
            stop()
        elif not face.leaving:
            log.warning("the dashboard ended unexpectedly")
            self.note("synrouter: the dashboard ended unexpectedly; the proxy goes on, with a line a turn")
            self.say(greeting)
