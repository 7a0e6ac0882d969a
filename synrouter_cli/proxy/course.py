"""A turn as the edge sees it: what it asks of whoever plans it, and how it went as far as is known yet.

Cancelled, until something else is certain.

>>> Course(started=0.0).outcome(now=1.5).status
'cancelled'
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from synrouter_cli.errors import SynrouterError
from synrouter_cli.proxy.crossed import Crossed
from synrouter_cli.proxy.crossing import Crossing
from synrouter_cli.proxy.failures import Failure
from synrouter_cli.proxy.reading import Reading
from synrouter_cli.proxy.relay import Ending
from synrouter_cli.proxy.turn import Inbound, Outcome
from synrouter_cli.proxy.upstream import Answer
from synrouter_cli.wire.ir import Loss


class ActiveTurn(Protocol):
    """One turn under way, as the proxy sees it."""

    session_id: str
    number: int
    client: str
    conversation: str
    plan: str
    body: bytes
    edited: bool
    fallback: bytes | None
    beta: str
    wire: bytes | None

    def original(self) -> None: ...

    def unasked(self) -> None: ...

    def responding(self, http_status: int) -> None: ...

    def finish(self, outcome: Outcome) -> None: ...


class Turns(Protocol):
    """Who plans and records turns."""

    def begin(self, inbound: Inbound) -> ActiveTurn: ...

    def count(self, body: bytes, provider: str = "anthropic") -> int: ...


@dataclass(slots=True)
class Unplanned:
    """A turn that could not even be begun: its bytes go out as they came, and there is no row."""

    body: bytes
    session_id: str = "none"
    number: int = 0
    client: str = "unknown"
    conversation: str = "none"
    plan: str = "unplanned"
    edited: bool = False
    fallback: bytes | None = None
    beta: str = ""
    wire: bytes | None = None

    def original(self) -> None:
        return None

    def unasked(self) -> None:
        return None

    def responding(self, http_status: int) -> None:
        return None

    def finish(self, outcome: Outcome) -> None:
        return None


@dataclass(slots=True)
class Course:
    """Filled in along the way. `started` is on the monotonic clock."""

    started: float
    metered: bool = True
    crossing: Crossing | None = None
    """The request's own way; None for what is relayed as it is."""
    reading: Reading | Crossed | None = None
    _status: str = "cancelled"
    _error_type: str | None = None
    _http_status: int | None = None
    _ttfb_ms: float | None = None
    _attempts: int = 1
    _sent: bool = True
    _withheld: str = ""

    def answered(self, answer: Answer) -> None:
        """The upstream's headers are here."""
        self._ttfb_ms = (time.monotonic() - self.started) * 1e3
        self._http_status = answer.status
        self._attempts = answer.attempts

    def failed(self, failure: Failure) -> None:
        self._status, self._error_type = "error", failure.error.type
        self._attempts = failure.attempts
        self._sent = not failure.never_sent

    def withheld(self, error: SynrouterError) -> None:
        """We did not send it."""
        self._status, self._error_type, self._http_status = "error", error.type, error.http_status
        self._attempts, self._sent, self._withheld = 0, False, error.message

    def crashed(self) -> None:
        """An error of ours ended it."""
        self._status, self._error_type = "error", "api_error"

    def ended(self, ending: Ending) -> None:
        self._status, self._error_type = ending.status, ending.error_type

    def outcome(self, now: float | None = None) -> Outcome:
        """What is known by `now` (monotonic seconds)."""
        elapsed = (time.monotonic() if now is None else now) - self.started
        reading, crossing = self.reading, self.crossing
        return Outcome(
            status=self._status,
            http_status=self._http_status,
            error_type=self._error_type,
            usage=reading.usage if reading else None,
            usage_quality=reading.usage_quality if reading else "none",
            model_used=reading.model if reading else "",
            stop_reason=reading.stop_reason if reading else None,
            message_id=reading.message_id if reading else None,
            diagnosis=reading.diagnosis if reading else None,
            ttfb_ms=self._ttfb_ms,
            total_ms=elapsed * 1e3,
            attempts=self._attempts,
            sent=self._sent,
            withheld=self._withheld,
            losses=self._losses(),
            upstream_dialect=crossing.way.dialect if crossing is not None and crossing.translated else "",
        )

    def _losses(self) -> tuple[Loss, ...]:
        """Of the request, where it was sent, and of the answer."""
        asked = self.crossing.losses if self.crossing is not None and not self._withheld else ()
        return (*asked, *(self.reading.losses if isinstance(self.reading, Crossed) else ()))
