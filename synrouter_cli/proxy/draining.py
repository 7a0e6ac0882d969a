"""Answers whose client is gone, of providers that bill an abandoned stream in full: read to their end, for their usage.

Example: `drains.take(answer, reading, done)` returns at once; `done` is called when the answer has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from synrouter_cli.proxy.crossed import Crossed
from synrouter_cli.proxy.failures import Broken
from synrouter_cli.proxy.live import place
from synrouter_cli.proxy.reading import Reading
from synrouter_cli.proxy.upstream import Answer

log = logging.getLogger("synrouter.proxy")


class Drains:
    """Those of one running proxy."""

    def __init__(self, *, patience_s: float = 600.0) -> None:
        self._patience_s = patience_s
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, answer: Answer, reading: Reading | Crossed, done: Callable[[], None]) -> None:
        """Read the rest of `answer` in the background and close it; `done` comes last, whatever happens."""
        task = asyncio.get_running_loop().create_task(self._drain(answer, reading, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Give up those under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drain(self, answer: Answer, reading: Reading | Crossed, done: Callable[[], None]) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                while chunk := await answer.read():
                    reading.feed(chunk)
                    if isinstance(reading, Crossed):
                        reading.take()
            reading.end()
        except (Broken, TimeoutError):
            log.info("an abandoned answer broke off while it was read to its end")
        except Exception as error:
            log.warning("an abandoned answer could not be read to its end: %s", place(error))
        finally:
            answer.close()
            done()
