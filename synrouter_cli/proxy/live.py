"""The requests that are under way: how many there are, and how they are told to end now.

A request is ended by cancelling its task. The task asks `stopped()` whether that was us; if so, the
cancellation is taken back and the client gets a last word in its dialect.

>>> Live().in_flight
0
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synrouter_cli.errors import SynrouterError


class Stopping(SynrouterError):
    """Synrouter is being stopped."""

    http_status = 503
    type = "overloaded_error"
    next_command = "synrouter up"


class Live:
    """The tasks of the requests in flight."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self._cut: set[asyncio.Task[object]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        return len(self._tasks)

    @contextmanager
    def here(self) -> Iterator[None]:
        """While inside, the current task counts as a request in flight."""
        task = _current_task()
        self._tasks.add(task)
        self._idle.clear()
        try:
            yield
        finally:
            self._tasks.discard(task)
            self._cut.discard(task)
            if not self._tasks:
                self._idle.set()

    def cut(self) -> None:
        """Tell every request in flight to end now."""
        for task in self._tasks - self._cut:
            self._cut.add(task)
            task.cancel()

    def stopped(self) -> bool:
        """Whether the cancellation just caught came from `cut`; it is taken back then."""
        task = _current_task()
        if task not in self._cut:
            return False
        self._cut.discard(task)
        return task.uncancel() == 0

    async def wait_idle(self, seconds: float) -> None:
        """Return once nothing is in flight, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return


def place(error: BaseException) -> str:
    """Type and place of an error, for the log: its text may hold what a client sent."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return type(error).__name__
    return f"{type(error).__name__} at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}"


def _current_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("outside of a task")
    return task
