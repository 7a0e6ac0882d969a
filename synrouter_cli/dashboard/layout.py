"""Lines of styled text and tables that fit: the frame is built by hand, which costs a tenth of Rich's own layout.

A line is a tuple of (text, style) pieces, so that two frames can be compared. A table drops its least important
columns until the rest fits; numbers are never cut, names are.

>>> from synrouter_cli.dashboard.glyphs import UNICODE
>>> rule("sessions", 24, UNICODE)[0][0]
'─ sessions ─────────────'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment

from synrouter_cli.dashboard.glyphs import Glyphs

__all__ = ["ROOMY", "Column", "Frame", "Line", "Piece", "line", "plain", "rule", "spread", "table", "wrapped"]

ROOMY = 110
"""From so many columns on, tables have two cells between columns."""

Piece = tuple[str, str]
Line = tuple[Piece, ...]
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole screen: `height` lines, each exactly `width` cells wide. A Rich renderable."""

    lines: tuple[Line, ...]
    width: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for one in self.lines:
            yield from segments(console, one)
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.width, self.width)

    def text(self) -> str:
        """What a person reads, without styles and trailing blanks."""
        return "\n".join(plain(one).rstrip() for one in self.lines) + "\n"


def segments(console: Console, one: Line) -> Iterable[Segment]:
    """A line for Rich."""
    for text, style in one:
        yield Segment(text, console.get_style(style) if style else None)


def plain(one: Line) -> str:
    return "".join(text for text, _ in one)


def line(glyphs: Glyphs, width: int, *pieces: Piece) -> Line:
    """The pieces on one line of exactly `width` cells, what is too much cut off."""
    kept: list[Piece] = []
    left = width
    for text, style in pieces:
        shown = glyphs.text(text)
        length = len(shown) if shown.isascii() else cell_len(shown)
        if length > left:
            kept.append((glyphs.fit(shown, left), style))
            left = 0
            break
        kept.append((shown, style))
        left -= length
    if left:
        kept.append((" " * left, ""))
    return tuple(kept)


def spread(glyphs: Glyphs, width: int, left: Sequence[Piece], right: Sequence[Piece]) -> Line:
    """Pieces at both ends of a line; the left ones are cut where there is too little room."""
    ends = line(glyphs, sum(cell_len(glyphs.text(text)) for text, _ in right), *right)
    room = width - sum(cell_len(text) for text, _ in ends)
    return line(glyphs, width, *line(glyphs, max(0, room), *left), *ends)


def rule(title: str, width: int, glyphs: Glyphs, style: str = "dim") -> Line:
    """A line across the screen with a title in it."""
    named = f"{glyphs.rule} {title} " if title else ""
    return line(glyphs, width, (named + glyphs.rule * max(0, width - cell_len(named)), style))


def wrapped(glyphs: Glyphs, width: int, text: str, style: str = "", indent: str = " ") -> list[Line]:
    """`text` on as many lines as it takes, broken between words."""
    lines: list[str] = []
    current = indent
    for word in text.split():
        if current.strip() and cell_len(current) + 1 + cell_len(word) > width:
            lines.append(current)
            current = indent
        current += (" " if current.strip() else "") + word
    return [line(glyphs, width, (one, style)) for one in (*lines, current)]


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column: its heading, what stands in it, and how badly it is wanted (0 is never dropped).

    `least` cells are enough for a name, which is cut there; None is for numbers, which are not cut. A name gets at
    most `most` cells.
    """

    head: str
    cell: Callable[[Row], Piece]
    wish: int = 0
    least: int | None = None
    most: int = 24


def table(glyphs: Glyphs, width: int, columns: Sequence[Column[Row]], rows: Sequence[Row]) -> list[Line]:
    """The heading and a line a row, indented by one cell."""
    texts = [[(glyphs.text(text), style) for text, style in map(column.cell, rows)] for column in columns]
    natural = [
        max([len(column.head), *lengths]) if any(lengths := [cell_len(text) for text, _ in cells]) else 0
        for column, cells in zip(columns, texts, strict=True)
    ]
    gap = " " * (2 if width >= ROOMY else 1)
    chosen, widths = _fit(width - 1, len(gap), columns, natural)
    lines = [line(glyphs, width, (" ", ""), (_headings(glyphs, columns, chosen, widths, gap), "bold"))]
    for index in range(len(rows)):
        pieces: list[Piece] = [(" ", "")]
        for at, size in zip(chosen, widths, strict=True):
            text, style = texts[at][index]
            pieces.append((glyphs.fit(text, size, right=columns[at].least is None), style))
            pieces.append((gap, ""))
        lines.append(line(glyphs, width, *pieces[:-1]))
    return lines


def _headings(
    glyphs: Glyphs, columns: Sequence[Column[Row]], chosen: Sequence[int], widths: Sequence[int], gap: str
) -> str:
    heads = [
        glyphs.fit(columns[at].head, size, right=columns[at].least is None)
        for at, size in zip(chosen, widths, strict=True)
    ]
    return gap.join(heads)


def _fit(width: int, gap: int, columns: Sequence[Column[Row]], natural: Sequence[int]) -> tuple[list[int], list[int]]:
    """Which columns there is room for, and how wide each is."""
    chosen = [at for at, column in enumerate(columns) if natural[at] or not column.wish]
    floor = [
        size if column.least is None else min(size, max(column.least, len(column.head)))
        for column, size in zip(columns, natural, strict=True)
    ]
    while sum(floor[at] + gap for at in chosen) - gap > width:
        optional = [at for at in chosen if columns[at].wish > 0]
        if not optional:
            break
        chosen.remove(max(optional, key=lambda at: columns[at].wish))
    widths = {at: floor[at] for at in chosen}
    spare = width - sum(size + gap for size in widths.values()) + gap
    while spare > 0:  # a cell at a time to each name that is still cut
        cut = [at for at in chosen if widths[at] < min(natural[at], columns[at].most)]
        if not cut:
            break
        for at in cut[:spare]:
            widths[at] += 1
            spare -= 1
    return chosen, [widths[at] for at in chosen]
