"""A process of its own that draws on the daemon's terminal, and what becomes of the terminal when it ends.

Drawing costs more than proxying, so it is not done in the daemon. A drawer that ends well was left by its user:
then the daemon stops. One that dies has its terminal put right again, and lines go on in its place.

Example: `Face(spawn).start()` draws; `await face.ended()` is True once its user pressed q.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TextIO

_LEAVE_S: Final = 2.0
# Out of the alternate screen, cursor shown, colours and mouse as they were (xterm's control sequences).
_RESTORE: Final = "\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?2004l\x1b[0m"


class Face:
    """The drawer and the terminal as it was before."""

    def __init__(self, spawn: Callable[[], subprocess.Popen[bytes]], terminal: TextIO | None = None) -> None:
        """`spawn` starts the drawer on the terminal behind `terminal` (stdout)."""
        self._spawn = spawn
        self._terminal = sys.stdout if terminal is None else terminal
        self._drawer: subprocess.Popen[bytes] | None = None
        self._before: list[Any] | None = None
        self.leaving = False
        """Set by whoever stops the daemon: an end of the drawer is no surprise then."""

    @property
    def draws(self) -> bool:
        return self._drawer is not None

    def start(self) -> None:
        """Remember the terminal's settings and start the drawer. Raises OSError."""
        self._before = _settings_of(self._terminal)
        self._drawer = self._spawn()

    async def ended(self) -> bool:
        """Wait for the drawer to end; whether it was left by its user. The terminal is usable then."""
        if self._drawer is None:
            return False
        code = await asyncio.to_thread(self._drawer.wait)
        self._drawer = None
        if code != 0:
            self._restore()
        return code == 0

    def stop(self) -> None:
        """Ask the drawer to end; what waits in `ended` goes on."""
        drawer = self._drawer
        if drawer is None or drawer.poll() is not None:
            return
        drawer.terminate()
        try:
            drawer.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            drawer.kill()

    def _restore(self) -> None:
        with suppress(OSError, ValueError):  # the terminal may be gone as well
            self._terminal.write(_RESTORE)
            self._terminal.flush()
            _apply(self._terminal, self._before)


def _settings_of(terminal: TextIO) -> list[Any] | None:
    """How the terminal treats keys and lines; None where there is no such thing."""
    try:
        import termios
    except ImportError:  # Windows
        return None
    try:
        return termios.tcgetattr(terminal.fileno())
    except (termios.error, OSError, ValueError):
        return None


def _apply(terminal: TextIO, settings: list[Any] | None) -> None:
    if settings is None:
        return
    import termios

    with suppress(termios.error):
        termios.tcsetattr(terminal.fileno(), termios.TCSADRAIN, settings)
