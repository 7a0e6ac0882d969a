"""The characters of a screen, Unicode or ASCII, and the one gate for text on its way there.

Every piece of text goes through `Glyphs.text`: cleaned, without marks that terminals measure differently, and in
ASCII where the terminal shows nothing else.

>>> ASCII.text("modèle \\x1b[31m模型"), UNICODE.text("a\\u0301 \\x1b]0;x\\x07b")
('mod?le ??', 'á b')
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, set_cell_size

from synrouter_cli.dashboard.sanitize import clean


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of characters. `bars` run from nothing to full, `loss` stands for less than nothing."""

    bars: str
    loss: str
    empty: str
    rule: str
    on: str
    off: str
    more: str
    unicode: bool
    translation: dict[int, str]
    """Characters of our own texts that this set has no place for."""

    def text(self, text: str) -> str:
        """`text` as it may stand on the screen: one line, nothing that moves or hides anything."""
        if text.isascii() and text.isprintable():
            return text
        seen = unicodedata.normalize("NFC", clean(text))
        seen = "".join(char for char in seen if unicodedata.category(char) not in ("Mn", "Me"))
        if self.unicode:
            return seen
        return seen.translate(self.translation).encode("ascii", "replace").decode()

    def fit(self, text: str, width: int, *, right: bool = False) -> str:
        """`text` (already cleaned) in exactly `width` cells, cut with a sign where it is longer."""
        length = len(text) if text.isascii() else cell_len(text)
        if length <= width:
            gap = " " * (width - length)
            return gap + text if right else text + gap
        if width <= len(self.more):
            return set_cell_size(text, width)
        return set_cell_size(text, width - len(self.more)) + self.more


UNICODE: Final = Glyphs("▁▂▃▄▅▆▇█", "▾", "·", "─", "●", "○", "…", True, {})
ASCII: Final = Glyphs(
    "_.:-=+*#",
    "v",
    " ",
    "-",
    "*",
    "o",
    ">",
    False,
    {ord("·"): "|", ord("–"): "-", ord("…"): "."},
)


def glyphs_for(encoding: str | None) -> Glyphs:
    """The set that a terminal with this encoding can show.

    >>> glyphs_for("utf-8").unicode, glyphs_for("ANSI_X3.4-1968").unicode
    (True, False)
    """
    return UNICODE if (encoding or "").lower().replace("-", "").replace("_", "") == "utf8" else ASCII
