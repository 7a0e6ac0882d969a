"""What is looked at, and what a key does to it.

>>> press(View(), "2").days, press(View(), "s").screen, press(View("sessions"), "s").screen
(7, 'sessions', 'overview')
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

RANGES: Final = {"1": (1, "today"), "2": (7, "7 days"), "3": (30, "30 days")}
"""Key → local days up to now, and their name."""
SCREENS: Final = {"s": "sessions", "m": "models", "e": "errors", "?": "help"}
QUIT: Final = frozenset({"q", "Q"})


@dataclass(frozen=True, slots=True)
class View:
    """The screen, its range in local days (today is one of them), and whether it stands still."""

    screen: str = "overview"
    """overview | sessions | models | errors | help"""
    days: int = 1
    paused: bool = False

    @property
    def range_name(self) -> str:
        return next(name for days, name in RANGES.values() if days == self.days)


def press(view: View, key: str) -> View:
    """The view after a key; a screen's key a second time, like Esc, leads back. Unknown keys do nothing."""
    key = key.lower()
    if key in RANGES:
        return replace(view, days=RANGES[key][0])
    if key in SCREENS:
        return replace(view, screen="overview" if view.screen == SCREENS[key] else SCREENS[key])
    if key == "p":
        return replace(view, paused=not view.paused)
    if key == "\x1b":
        return replace(view, screen="overview")
    return view
