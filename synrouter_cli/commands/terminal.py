"""The terminal while a dashboard is on it: the alternate screen, keys as they are pressed, and all of it undone.

Whatever ends the dashboard (a key, a signal, an error), leaving the block puts the terminal back; after a `kill -9`
that takes whoever started it, or `tput rmcup; reset`. Only lines that changed are written, in one piece: no flicker.

Example: `with Terminal(console, sys.stdin) as terminal: terminal.paint(frame); terminal.wait(0.5)`
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Final, TextIO

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType, Segment, Segments

from synrouter_cli.dashboard.layout import Frame, Line, segments

_NO_WRAP: Final = "\x1b[?7l"  # a character that this terminal draws wider than we count must not wrap its line
_WRAP: Final = "\x1b[?7h"
_ESCAPE: Final = "\x1b"
_KEY_BYTES: Final = 64


class Terminal:
    """Owns the terminal inside its block. Not to be used from another thread."""

    def __init__(self, console: Console, stdin: TextIO) -> None:
        self._console = console
        self._keyboard = stdin.fileno()
        self._before: list[Any] | None = None
        self._handlers: dict[int, Any] = {}
        self._wake_reader, self._wake_writer = -1, -1
        self._shown: tuple[Line, ...] = ()
        self._width = 0
        self.ended_by: int | None = None
        """The signal that asked to leave; also SIGHUP where the keyboard is gone."""

    def __enter__(self) -> Terminal:
        import termios
        import tty

        self._before = termios.tcgetattr(self._keyboard)
        self._wake_reader, self._wake_writer = os.pipe()
        for descriptor in (self._wake_reader, self._wake_writer):
            os.set_blocking(descriptor, False)
        try:
            signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._handlers[number] = signal.signal(number, self._on_end)
            self._handlers[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, self._on_resize)
            tty.setcbreak(self._keyboard)
            self._without_suspend()
            self._console.set_alt_screen(True)
            self._console.show_cursor(False)
        except BaseException:
            self._undo()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo()

    def _undo(self) -> None:
        import termios

        with suppress(OSError, ValueError):  # the terminal may be gone
            self._console.show_cursor(True)
            self._console.set_alt_screen(False)
        if self._before is not None:
            with suppress(termios.error):
                termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self._before)
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        for descriptor in (self._wake_reader, self._wake_writer):
            os.close(descriptor)

    def _without_suspend(self) -> None:
        """Ctrl-Z would leave the alternate screen behind, and stop a proxy that runs in the same foreground."""
        import termios

        attributes = termios.tcgetattr(self._keyboard)
        attributes[6][termios.VSUSP] = b"\x00"
        termios.tcsetattr(self._keyboard, termios.TCSADRAIN, attributes)

    def _on_end(self, number: int, _: FrameType | None) -> None:
        self.ended_by = self.ended_by or number

    def _on_resize(self, _: int, __: FrameType | None) -> None:
        self.forget()

    # ── keys ──

    def wait(self, seconds: float) -> str:
        """The keys pressed within `seconds`; returns at once with the first of them, or with a signal."""
        try:
            ready, _, _ = select.select([self._keyboard, self._wake_reader], [], [], max(0.0, seconds))
        except InterruptedError:
            return ""
        if self._wake_reader in ready:
            with suppress(BlockingIOError):
                os.read(self._wake_reader, _KEY_BYTES)
        return self._keys() if self._keyboard in ready else ""

    def _keys(self) -> str:
        try:
            typed = os.read(self._keyboard, _KEY_BYTES)
        except OSError:
            typed = b""
        if not typed:
            self.ended_by = self.ended_by or signal.SIGHUP
        text = typed.decode("ascii", "ignore")
        # Esc alone is a key; with more behind it, it is an arrow or the like, and none of ours
        return text if text == _ESCAPE or _ESCAPE not in text else text[: text.index(_ESCAPE)]

    # ── the screen ──

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        try:
            found = os.get_terminal_size(self._console.file.fileno())
        except OSError:
            return 0, 0
        return found.columns, found.lines

    def forget(self) -> None:
        """Paint the next frame in full."""
        self._shown = ()

    def paint(self, frame: Frame) -> int:
        """Bring the screen to `frame`; returns how many lines had to be written."""
        before = self._shown if frame.width == self._width and len(frame.lines) == len(self._shown) else ()
        self._shown, self._width = frame.lines, frame.width
        changed = [row for row, line in enumerate(frame.lines) if not before or before[row] != line]
        if not changed:
            return 0
        pieces = [_control(_NO_WRAP)]
        if not before:
            pieces += Control.clear().segment, Control.home().segment
        for row in changed:
            pieces.append(Control.move_to(0, row).segment)
            pieces += segments(self._console, frame.lines[row])
        pieces.append(_control(_WRAP))
        self._console.print(Segments(pieces), end="", crop=False, soft_wrap=True)
        return len(changed)


def _control(sequence: str) -> Segment:
    """A sequence that Rich has no name for; only that it is a control, not which one, matters to it."""
    return Segment(sequence, None, [(ControlType.HOME,)])
