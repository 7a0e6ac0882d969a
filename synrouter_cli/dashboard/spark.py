"""Sparklines: a row of bars, one a step, the latest last. A loss is never drawn as a gain.

>>> from synrouter_cli.dashboard.glyphs import UNICODE
>>> "".join(text for text, _ in savings([Decimal(1), None, Decimal(-2), Decimal(4)], 6, UNICODE))
'  ▃·▾█'
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from synrouter_cli.dashboard.glyphs import Glyphs
from synrouter_cli.dashboard.layout import Line


def savings(values: Sequence[Decimal | None], width: int, glyphs: Glyphs) -> Line:
    """The last `width` values, scaled to the largest gain; a loss has a sign of its own, in red."""
    shown = values[-width:] if width > 0 else ()
    top = max((value for value in shown if value is not None), default=Decimal(0))
    pieces = [_saved(value, top, glyphs) for value in shown]
    return ((" " * (width - len(shown)), ""), *pieces)


def hit_rates(values: Sequence[float | None], width: int, glyphs: Glyphs) -> Line:
    """The last `width` shares, from nothing to all."""
    shown = values[-width:] if width > 0 else ()
    text = "".join(glyphs.empty if value is None else _bar(value, glyphs) for value in shown)
    return ((" " * (width - len(shown)), ""), (text, "cyan"))


def _saved(value: Decimal | None, top: Decimal, glyphs: Glyphs) -> tuple[str, str]:
    if value is None:
        return glyphs.empty, "dim"
    if value < 0:
        return glyphs.loss, "red"
    return _bar(float(value / top) if top else 0.0, glyphs), "green"


def _bar(share: float, glyphs: Glyphs) -> str:
    """The bar for 0 ≤ `share` ≤ 1; only nothing at all is the lowest."""
    last = len(glyphs.bars) - 1
    return glyphs.bars[min(last, max(0, round(share * last) or (share > 0)))]
