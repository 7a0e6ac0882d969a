"""A command on a terminal of its own that is answered by typing: a pty that it is in control of."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.processes import end

ROOT = Path(__file__).parents[2]
SECONDS = 30.0
AGAIN_SECONDS = 3.0


class Dialogue:
    """One command; `said` is all that it wrote so far."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self.said = ""
        self._terminal = terminal

    def until(self, text: str) -> None:
        """Read on until it said `text`; fails where it ends before, or takes too long."""
        while text not in self.said:
            assert self._more(), f"{text!r} is not in {self.said!r}"

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def ended(self, again: str = "") -> int:
        """Read to the end; the exit code. `again` is typed where nothing comes for a while: a signal that arrives just
        before a program waits for a line is seen when the wait ends."""
        while self._more(again):
            pass
        return self.process.wait(SECONDS)

    def _more(self, again: str = "") -> bool:
        ready, _, _ = select.select([self._terminal], [], [], AGAIN_SECONDS if again else SECONDS)
        if again and not ready:
            self.type(again)
            ready, _, _ = select.select([self._terminal], [], [], SECONDS)
        assert ready, f"nothing more within {SECONDS} s after {self.said!r}"
        try:
            chunk = os.read(self._terminal, 65536)
        except OSError:  # the other end is closed
            return False
        self.said += chunk.decode().replace("\r\n", "\n")
        return bool(chunk)


@contextmanager
def dialogue(*words: str, width: int = 80, height: int = 24, **environ: str) -> Iterator[Dialogue]:
    """`synrouter WORDS` on a terminal of this size."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (height, width))

    def take_the_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "synrouter_cli", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "", "LINES": "", **environ},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take_the_terminal,
    )
    os.close(theirs)
    try:
        yield Dialogue(process, ours)
    finally:
        end(process)
        os.close(ours)
