"""A snapshot as a screen: what was saved first, then sessions, turns and health, in whatever room there is.

`draw` is a pure function of the snapshot, of what is looked at, and of the terminal's size; two equal frames are
the same screen.

>>> from synrouter_cli.dashboard.glyphs import ASCII
>>> draw(Snapshot(at=0.0), View(), 40, 10, ASCII).text()
' The dashboard needs 80 columns and 24\\n lines; here are 40 and 10. q leaves.\\n\\n\\n\\n\\n\\n\\n\\n\\n'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from synrouter_cli.dashboard import guide, headline, tables
from synrouter_cli.dashboard.glyphs import Glyphs
from synrouter_cli.dashboard.health import banners, health
from synrouter_cli.dashboard.keys import View
from synrouter_cli.dashboard.layout import ROOMY, Column, Frame, Line, Row, line, rule, table, wrapped
from synrouter_cli.dashboard.snapshot import Snapshot

__all__ = ["LEAST_HEIGHT", "LEAST_WIDTH", "draw"]

LEAST_WIDTH = 80
LEAST_HEIGHT = 24
_RULE = "Saved: what the client's own requests, unchanged, would cost, less cost. In all: without a cache, less cost."
_RULE_SHORT = "Saved: the client's own requests, less cost. No caching: no cache, less cost."
_KEYS = "q quit · p pause · 1 today · 2 7 days · 3 30 days · s sessions · m models · e errors · ? help"
_KEYS_SHORT = "q quit · p pause · 1/2/3 range · s sessions · m models · e errors · ? help"


def draw(snapshot: Snapshot, view: View, width: int, height: int, glyphs: Glyphs) -> Frame:
    """The whole screen, `height` lines of `width` cells."""
    page = _Page(snapshot, view, width, height, glyphs)
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return page.too_small()
    above = headline.top(snapshot, view, width, glyphs)
    below = page.below()
    body = _SCREENS[view.screen](page, height - len(above) - len(below))
    return page.frame([*above, *body], below)


@dataclass(frozen=True, slots=True)
class _Page:
    """One drawing."""

    snapshot: Snapshot
    view: View
    width: int
    height: int
    glyphs: Glyphs

    def too_small(self) -> Frame:
        sentence = (
            f"The dashboard needs {LEAST_WIDTH} columns and {LEAST_HEIGHT} lines; "
            f"here are {self.width} and {self.height}. q leaves."
        )
        return self.frame(wrapped(self.glyphs, self.width, sentence), [])

    def frame(self, above: list[Line], below: list[Line]) -> Frame:
        blank = line(self.glyphs, self.width)
        room = max(0, self.height - len(below))
        above = above[:room]
        return Frame((*above, *[blank] * (room - len(above)), *below)[: self.height], self.width)

    def below(self) -> list[Line]:
        roomy = self.width >= ROOMY
        return [
            *banners(self.snapshot, self.width, self.glyphs),
            rule("", self.width, self.glyphs),
            line(self.glyphs, self.width, (f" {_RULE if roomy else _RULE_SHORT}", "dim")),
            line(self.glyphs, self.width, (f" {_KEYS if roomy else _KEYS_SHORT}", "")),
        ]

    # ── screens ──

    def overview(self, room: int) -> list[Line]:
        state = health(self.snapshot, self.width, self.glyphs)
        room -= len(state) + 4  # two headings of two lines each
        for_turns = len(self.snapshot.turns)
        for_sessions = min(len(self.snapshot.sessions) or 1, max(room // 2 - 1, room - for_turns))
        return [
            *self.sessions(for_sessions + 2),
            *self.turns(room - for_sessions + 2),
            *state,
        ]

    def sessions(self, room: int) -> list[Line]:
        rows = self.snapshot.sessions
        title = f"sessions · {self.view.range_name}"
        return self._part(title, tables.session_columns(self.snapshot), rows, room, "No turns in this range yet.")

    def turns(self, room: int) -> list[Line]:
        rows = self.snapshot.turns
        lines = self._part("last turns", tables.turn_columns(self.snapshot), rows, room, "No turns yet.", total=False)
        return lines + [line(self.glyphs, self.width)] * (room - len(lines))

    def models(self, room: int) -> list[Line]:
        title = f"models · {self.view.range_name}"
        return self._part(title, tables.model_columns(), self.snapshot.models, room, "No turns in this range yet.")

    def errors(self, room: int) -> list[Line]:
        title = f"turns that did not end well · {self.view.range_name}"
        columns = tables.failure_columns(self.snapshot)
        return self._part(title, columns, self.snapshot.failures, room, "None in this range.", total=False)

    def help(self, room: int) -> list[Line]:
        return guide.page(self.width, self.glyphs)[:room]

    def _part(
        self,
        title: str,
        columns: list[Column[Row]],
        rows: Sequence[Row],
        room: int,
        otherwise: str,
        *,
        total: bool = True,
    ) -> list[Line]:
        """A titled table of as many rows as there is room for."""
        shown = rows[: max(0, room - 2)]
        if total and len(rows) > len(shown):
            title += f" · {len(shown)} of {len(rows):,}"
        head = rule(title, self.width, self.glyphs)
        if not rows:
            return [head, line(self.glyphs, self.width, (f" {otherwise}", "dim"))]
        return [head, *table(self.glyphs, self.width, columns, shown)]


_SCREENS: dict[str, Callable[[_Page, int], list[Line]]] = {
    "overview": _Page.overview,
    "sessions": _Page.sessions,
    "models": _Page.models,
    "errors": _Page.errors,
    "help": _Page.help,
}
