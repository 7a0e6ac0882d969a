"""The control API: health, shutdown, reload-tokens; for our own commands only, with a token of its own.

Its routes stand in `routing`, its token is checked by the guard; here are the answers.

    GET /_synrouter/health → {"instance": "5f…", "in_flight": 2, "committed": 118, "ledger": {…}, …}
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import Any, Protocol

from synrouter_cli import __version__
from synrouter_cli.proxy.guard import Tokens


class Ledger(Protocol):
    """What the control API says of the ledger."""

    @property
    def committed(self) -> int: ...

    def health(self) -> Any: ...


class Control:
    """One running proxy's answers about itself."""

    def __init__(
        self,
        *,
        port: int,
        instance: str,
        started_at: float,
        tokens: Tokens,
        ledger: Ledger,
        shutdown: Callable[[], None],
    ) -> None:
        """`started_at` is in seconds since the epoch; `shutdown` only asks, and returns at once."""
        self._port = port
        self._instance = instance
        self._started_at = started_at
        self._tokens = tokens
        self._ledger = ledger
        self._shutdown = shutdown

    def answer(self, endpoint: str, *, in_flight: int) -> dict[str, Any]:
        """The JSON object for one of health | shutdown | reload-tokens.

        Raises ConfigError where the token file holds no token.
        """
        if endpoint == "health":
            return self._health(in_flight)
        if endpoint == "shutdown":
            self._shutdown()
        else:
            self._tokens.reload()
        return {}

    def _health(self, in_flight: int) -> dict[str, Any]:
        return {
            "instance": self._instance,
            "version": __version__,
            "pid": os.getpid(),
            "port": self._port,
            "uptime_s": round(time.time() - self._started_at, 3),
            "in_flight": in_flight,
            "committed": self._ledger.committed,
            "ledger": _plain(self._ledger.health()),
        }


def _plain(health: object) -> dict[str, Any]:
    """A dataclass as JSON has it; a path becomes text."""
    values = asdict(health) if is_dataclass(health) and not isinstance(health, type) else {}
    return {
        name: value if isinstance(value, (int, float, str, type(None))) else str(value)
        for name, value in values.items()
    }
