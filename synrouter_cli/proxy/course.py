"""How a turn went, as far as it is known yet; cancelled, until something else is certain.

>>> Course(started=0.0).outcome(now=1.5).status
'cancelled'
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from synrouter_cli.proxy.failures import Failure
from synrouter_cli.proxy.reading import Reading
from synrouter_cli.proxy.relay import Ending
from synrouter_cli.proxy.turns import Outcome
from synrouter_cli.proxy.upstream import Answer


@dataclass(slots=True)
class Course:
    """Filled in along the way. `started` is on the monotonic clock."""

    started: float
    metered: bool = True
    ours: dict[str, str] = field(default_factory=dict)
    """Headers of ours for the answer."""
    reading: Reading | None = None
    _status: str = "cancelled"
    _error_type: str | None = None
    _http_status: int | None = None
    _ttfb_ms: float | None = None
    _attempts: int = 1

    def answered(self, answer: Answer) -> None:
        """The upstream's headers are here."""
        self._ttfb_ms = (time.monotonic() - self.started) * 1e3
        self._http_status = answer.status
        self._attempts = answer.attempts

    def failed(self, failure: Failure) -> None:
        self._status, self._error_type = "error", failure.error.type
        self._attempts = failure.attempts

    def crashed(self) -> None:
        """An error of ours ended it."""
        self._status, self._error_type = "error", "api_error"

    def ended(self, ending: Ending) -> None:
        self._status, self._error_type = ending.status, ending.error_type

    def outcome(self, now: float | None = None) -> Outcome:
        """What is known by `now` (monotonic seconds)."""
        elapsed = (time.monotonic() if now is None else now) - self.started
        reading = self.reading
        return Outcome(
            status=self._status,
            http_status=self._http_status,
            error_type=self._error_type,
            usage=reading.usage if reading else None,
            usage_quality=reading.usage_quality if reading else "none",
            model_used=reading.model if reading else "",
            stop_reason=reading.stop_reason if reading else None,
            message_id=reading.message_id if reading else None,
            ttfb_ms=self._ttfb_ms,
            total_ms=elapsed * 1e3,
            attempts=self._attempts,
        )
