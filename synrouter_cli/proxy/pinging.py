"""The loop that sends keep-warm pings: each the way that the session's last request went, with its credential.

Headers and credentials are kept in memory here, and only while a ping of their session may still come. No ping ever
raises, and no request waits for one.

Example: `pinger = Pinger(turns, upstream, clock=time.time)`, `pinger.start()` and, in the end, `await pinger.stop()`
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from synrouter_cli.proxy.course import ActiveTurn, Course
from synrouter_cli.proxy.failures import Broken, Failure
from synrouter_cli.proxy.headers import Pairs, first
from synrouter_cli.proxy.live import place
from synrouter_cli.proxy.reading import Reading
from synrouter_cli.proxy.relay import Ending
from synrouter_cli.proxy.upstream import Answer, Call

__all__ = ["Pinger"]

log = logging.getLogger("synrouter.proxy")

EVERY_S: Final = 5.0
PATIENCE_S: Final = 60.0
"""An answer that takes longer than this keeps nothing warm any more."""


class Turns(Protocol):
    """Who knows which pings are due."""

    def due_pings(self, now: float) -> Iterable[ActiveTurn]: ...

    def watches(self, session_id: str) -> bool: ...


class Upstream(Protocol):
    """Who sends them."""

    async def send(self, call: Call) -> Answer: ...


@dataclass(frozen=True, slots=True)
class _Way:
    """How the session's last request went to its provider."""

    provider: str
    path: str
    headers: Pairs = field(repr=False)


class Pinger:
    """`clock` is the wall clock that turns go by; `sleep` waits on it."""

    def __init__(
        self,
        turns: Turns,
        upstream: Upstream,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._turns = turns
        self._upstream = upstream
        self._clock = clock
        self._sleep = sleep
        self._ways: dict[str, _Way] = {}
        self._loop: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def note(self, session_id: str, call: Call) -> None:
        """This is how a request of the session went that has just ended."""
        if self._turns.watches(session_id):
            self._ways[session_id] = _Way(call.provider, call.path, call.headers)

    def start(self) -> None:
        """Look for pings every few seconds from now on."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Send none any more; those under way are given up."""
        tasks = [*self._under_way, *([self._loop] if self._loop is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._ways.clear()

    async def _run(self) -> None:
        while True:
            await self._sleep(EVERY_S)
            self.look()

    def look(self) -> list[asyncio.Task[None]]:
        """Send what is due now; the tasks that do so."""
        try:
            due = list(self._turns.due_pings(self._clock()))
        except Exception as error:
            log.error("looking for pings failed: %s", place(error))
            return []
        tasks = [asyncio.create_task(self._send(ping, self._ways.get(ping.session_id))) for ping in due]
        for task in tasks:
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        self._ways = {session: way for session, way in self._ways.items() if self._turns.watches(session)}
        return tasks

    async def _send(self, ping: ActiveTurn, way: _Way | None) -> None:
        course = Course(time.monotonic())
        if way is None:  # it can't be sent, and costs nothing
            course.crashed()
            ping.finish(replace(course.outcome(), sent=False))
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._ask(ping, way, course)
        except Failure as failure:
            course.failed(failure)
        except Exception as error:
            course.crashed()
            log.warning("a ping failed: %s", place(error))
        finally:
            ping.finish(course.outcome())

    async def _ask(self, ping: ActiveTurn, way: _Way, course: Course) -> None:
        answer = await self._upstream.send(Call(way.provider, "POST", way.path, way.headers, ping.body))
        try:
            course.answered(answer)
            ping.responding(answer.status)
            course.reading = reading = Reading(stream=False, encoding=first(answer.headers, b"content-encoding"))
            while chunk := await answer.read():
                reading.feed(chunk)
            reading.end()
            ok = 200 <= answer.status < 300
            course.ended(Ending("ok" if ok else "error", None if ok else reading.error_type))
        except Broken as broken:
            raise answer.failure(broken) from None
        finally:
            answer.close()
