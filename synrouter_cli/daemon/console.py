"""Lines to a terminal or a pipe from a thread of their own: a stopped reader never stops the proxy.

Example: inside `with Console(duplicate(sys.stdout)) as console:`, `console.say("a line")` returns at once.
"""

from __future__ import annotations

import os
import queue
import threading
from contextlib import suppress
from types import TracebackType
from typing import TextIO

_LINES_WAITING = 1000
_FAREWELL_S = 0.5  # how long leaving waits for lines that the reader does not take


def duplicate(stream: TextIO | None) -> TextIO:
    """`stream` under a descriptor of its own: a writer that is stuck there must not hold the lock that the
    interpreter takes on `sys.stdout` when it ends. Without a file behind it, lines go nowhere."""
    try:
        descriptor = os.dup(stream.fileno()) if stream else -1
    except (OSError, ValueError):  # closed, or not a file
        descriptor = -1
    if stream is None or descriptor < 0:
        return open(os.devnull, "w")
    return os.fdopen(descriptor, "w", encoding=stream.encoding, errors="replace")


class Console:
    """A bounded queue in front of a stream, which is closed in the end. What does not fit is dropped and
    counted."""

    def __init__(self, stream: TextIO) -> None:
        self.dropped = 0
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(_LINES_WAITING)
        self._thread = threading.Thread(target=self._write, name="console", daemon=True)

    def __enter__(self) -> Console:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._lines.put(None, timeout=_FAREWELL_S)
        except queue.Full:
            return  # nobody reads: the thread is a daemon thread and ends with the process
        self._thread.join(_FAREWELL_S)
        if not self._thread.is_alive():
            with suppress(OSError):
                self._stream.close()

    def say(self, line: str) -> None:
        """Queue `line`; never blocks, never raises."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def _write(self) -> None:
        stream: TextIO | None = self._stream
        while (line := self._lines.get()) is not None:
            if stream is None:
                self.dropped += 1
                continue
            try:
                stream.write(line + "\n")
                stream.flush()
            except (OSError, ValueError):  # the reader left, or the terminal was closed
                stream = None
