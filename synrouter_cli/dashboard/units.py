"""Numbers as a person reads them: dollars, tokens, shares. A loss has a minus, an unknown price is `?`.

>>> usd(Decimal("14.818")), usd(Decimal("-0.0213")), usd(None), tokens(1_234_567), percent(0.957)
('$14.82', '-$0.0213', '?', '1.23M', '95%')
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

UNKNOWN: Final = "?"
NOTHING: Final = "–"

_CENT_UNITS: Final = Decimal("0.01")
_SMALL_UNITS: Final = Decimal("0.0001")
_SCALES: Final = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def usd(amount: Decimal | None) -> str:
    """Dollars with two places, four below one dollar; `?` for None."""
    if amount is None:
        return UNKNOWN
    sign, size = ("-", -amount) if amount < 0 else ("", amount)
    if 0 < size < _SMALL_UNITS / 2:
        return f"{sign}<${_SMALL_UNITS}"
    unit = _CENT_UNITS if size >= 1 or size == 0 else _SMALL_UNITS
    return f"{sign}${size.quantize(unit, ROUND_HALF_UP):,}"


def tokens(count: int) -> str:
    """A count in at most three digits and its scale.

    >>> tokens(999), tokens(27_132), tokens(999_999)
    ('999', '27.1k', '1.00M')
    """
    for scale, name in _SCALES:
        if count * 1000 >= scale * 999.5:
            value = count / scale
            places = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{places}f}{name}"
    return str(count)


def percent(share: float | None) -> str:
    """A share of one, rounded down, so that only all of it is 100%; `–` for None."""
    return NOTHING if share is None else f"{math.floor(share * 100 + 1e-9)}%"


def milliseconds(value: float | None) -> str:
    """A duration in at most five characters; `–` for None.

    >>> milliseconds(842.4), milliseconds(1240), milliseconds(73_000), milliseconds(714_000)
    ('842ms', '1.2s', '73s', '12m')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    seconds = max(0.0, value) / 1000
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    return f"{seconds:.0f}s" if seconds < 99.5 else f"{seconds / 60:.0f}m"


def countdown(seconds: float) -> str:
    """What is left of a lifetime: minutes, and seconds too in the last ten of them.

    >>> countdown(3540), countdown(252.9), countdown(9), countdown(-1)
    ('59m', '4:12', '0:09', 'cold')
    """
    whole = int(seconds)
    if seconds <= 0:
        return "cold"
    return f"{whole // 60}m" if whole >= 600 else f"{whole // 60}:{whole % 60:02}"


def age(seconds: float) -> str:
    """How long something lasts already, to the minute, so that it changes once a minute.

    >>> age(8077), age(59), age(200_000)
    ('2h 14m', '<1m', '2d 7h')
    """
    minutes = int(max(0.0, seconds)) // 60
    if minutes >= 1440:
        return f"{minutes // 1440}d {minutes % 1440 // 60}h"
    if minutes >= 60:
        return f"{minutes // 60}h {minutes % 60}m"
    return f"{minutes}m" if minutes else "<1m"
