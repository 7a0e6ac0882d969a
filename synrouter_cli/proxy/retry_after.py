"""When a provider says that it may be asked again: `retry-after-ms`, `Retry-After` in seconds or as a date (RFC 9110,
10.2.3), and `x-should-retry`, by which Anthropic and OpenAI say whether it is of use at all.

>>> wait_of([(b"Retry-After", b"2.5")], now=0.0), wait_of([(b"retry-after", b"Thu, 01 Jan 1970 00:01:00 GMT")], now=20)
(2.5, 40.0)
>>> wait_of([(b"Retry-After", b"9"), (b"retry-after-ms", b"300")], now=0.0), wait_of([(b"Retry-After", b"soon")], now=0)
(0.3, None)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime

__all__ = ["should_retry", "wait_of"]

RawHeaders = Iterable[tuple[bytes, bytes]]


def wait_of(headers: RawHeaders, now: float) -> float | None:
    """Seconds to wait, 0 where the time is over; None where nothing that can be read is said. `now` is the wall clock,
    in epoch seconds."""
    said = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    milliseconds = _number(said.get(b"retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1e3
    text = said.get(b"retry-after", "")
    seconds = _number(text)
    return seconds if seconds is not None else _until(text, now)


def should_retry(headers: RawHeaders) -> bool | None:
    """What `x-should-retry` says; None where it says nothing."""
    value = next((value.strip().lower() for name, value in headers if name.lower() == b"x-should-retry"), b"")
    return {b"true": True, b"false": False}.get(value)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(number, 0.0) if math.isfinite(number) else None


def _until(text: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:  # "-0000": a time in UTC of an unknown zone
        moment = moment.replace(tzinfo=UTC)
    return max(moment.timestamp() - now, 0.0)
