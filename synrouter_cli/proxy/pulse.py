"""How each provider fares, by the turns that ended in this run: counts, the last error, the usual wait.

>>> pulse = Pulse()
>>> pulse.note(Turn("s", 1, 0.0, status="error", http_status=529, error_type="overloaded_error"))
>>> pulse.report()["anthropic"]["last_error"]["type"]
'overloaded_error'
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from synrouter_cli.ledger.rows import Turn

RECENT_TURNS: Final = 50
"""The median of the time to first byte is taken over so many turns."""
_FAILED: Final = ("error", "truncated")
"""What the ledger counts as an error too; a client that leaves says nothing of the provider."""


@dataclass(slots=True)
class _Provider:
    turns: int = 0
    errors: int = 0
    failing: bool = False
    ttfb_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_TURNS))
    last_error: Turn | None = None


class Pulse:
    """Told of every turn that ended; says how its provider fares. A few bytes a provider."""

    def __init__(self) -> None:
        self._providers: dict[str, _Provider] = {}

    def note(self, turn: Turn) -> None:
        """A turn has ended."""
        provider = self._providers.setdefault(turn.provider, _Provider())
        provider.turns += 1
        if turn.ttfb_ms is not None:
            provider.ttfb_ms.append(turn.ttfb_ms)
        if turn.status in _FAILED:
            provider.errors += 1
            provider.failing, provider.last_error = True, turn
        elif turn.status == "ok":
            provider.failing = False

    def report(self) -> dict[str, dict[str, Any]]:
        """Provider → how it fares, as the control API says it. Durations in ms, times in epoch seconds."""
        return {name: _report(provider) for name, provider in self._providers.items()}


def _report(provider: _Provider) -> dict[str, Any]:
    error = provider.last_error
    return {
        "turns": provider.turns,
        "errors": provider.errors,
        "failing": provider.failing,
        "ttfb_p50_ms": round(median(provider.ttfb_ms), 1) if provider.ttfb_ms else None,
        "last_error": None
        if error is None
        else {
            "type": (error.error_type or error.status)[:80],
            "http_status": error.http_status,
            "session": error.session,
            "turn": error.turn,
            "at": round(error.started_at, 3),
        },
    }
