"""The dashboard's loop: look twice a second, draw, paint what changed, do what a key says.

Example: `show(paths, ascii=None, no_color=False, parent=None)` returns when its user leaves.
"""

from __future__ import annotations

import locale
import os
import sys
import time
from typing import Final

from rich.console import Console

from synrouter_cli.commands.terminal import Terminal
from synrouter_cli.commands.watching import Watcher
from synrouter_cli.dashboard.glyphs import ASCII, UNICODE, Glyphs, glyphs_for
from synrouter_cli.dashboard.keys import QUIT, View, press
from synrouter_cli.dashboard.snapshot import Snapshot
from synrouter_cli.dashboard.view import draw
from synrouter_cli.paths import Paths

LOOK_SECONDS: Final = 0.5
"""Two redraws a second at most, unless a key is pressed."""
KEY_SECONDS: Final = 0.1
"""A key that is held down redraws no more often than that."""
_REDRAW: Final = "\x0c"


def show(paths: Paths, *, ascii: bool | None, no_color: bool, parent: int | None) -> int | None:
    """Show the dashboard until its user leaves; the signal that ended it, None where it was a key or the end of
    `parent` (a process's id)."""
    console = Console(no_color=True if no_color else None, highlight=False, markup=False, emoji=False)
    glyphs = glyphs_for(locale.getencoding()) if ascii is None else ASCII if ascii else UNICODE
    with Terminal(console, sys.stdin) as terminal:
        _loop(terminal, Watcher(paths), glyphs, parent)
    return terminal.ended_by


def _loop(terminal: Terminal, watcher: Watcher, glyphs: Glyphs, parent: int | None) -> None:
    view = View()
    snapshot = _look(watcher, view)
    look_at = time.monotonic() + LOOK_SECONDS
    while terminal.ended_by is None:
        painted_at = time.monotonic()
        terminal.paint(draw(snapshot, view, *terminal.size, glyphs))
        before = view
        keys = terminal.wait(look_at - time.monotonic())
        for key in keys:
            if key in QUIT:
                return
            if key == _REDRAW:
                terminal.forget()
            view = press(view, key)
        if parent is not None and os.getppid() != parent:
            return
        if keys:
            time.sleep(max(0.0, painted_at + KEY_SECONDS - time.monotonic()))
        another = (view.days, view.screen) != (before.days, before.screen)
        if time.monotonic() >= look_at or another:
            look_at = time.monotonic() + LOOK_SECONDS
            if not view.paused or another:
                snapshot = _look(watcher, view)


def _look(watcher: Watcher, view: View) -> Snapshot:
    return watcher.look(view.days, time.time(), failures=view.screen == "errors")
