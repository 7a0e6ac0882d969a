"""The control API: health, live, explain, shutdown, reload-tokens and -keys; for our own commands, by a token.

Its routes stand in `routing`, its token is checked by the guard; here are the answers.

    GET /_synrouter/health → {"instance": "5f…", "in_flight": 2, "committed": 118, "ledger": {…}, …}
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

from synrouter_cli import __version__
from synrouter_cli.proxy.guard import Tokens
from synrouter_cli.proxy.provider_keys import Keys

_TURN_DIGITS: Final = 18


class Ledger(Protocol):
    """What the control API says of the ledger."""

    @property
    def committed(self) -> int: ...

    def health(self) -> Any: ...


class Turns(Protocol):
    """What the control API says of the turns."""

    def warm(self) -> dict[str, float]: ...

    def health(self) -> dict[str, dict[str, Any]]: ...

    def changed_line(self, session: str, turn: int) -> str | None: ...


class Budgets(Protocol):
    """What the control API says of budgets."""

    def report(self) -> dict[str, Any]: ...


class Rests(Protocol):
    """What the control API says of providers that are not asked for a while."""

    def report(self) -> dict[str, float]: ...


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
        turns: Turns,
        keys: Keys,
        shutdown: Callable[[], None],
        budgets: Budgets | None = None,
        rests: Rests | None = None,
    ) -> None:
        """`started_at` is in seconds since the epoch; `shutdown` only asks, and returns at once."""
        self._port = port
        self._instance = instance
        self._started_at = started_at
        self._tokens = tokens
        self._ledger = ledger
        self._turns = turns
        self._keys = keys
        self._shutdown = shutdown
        self._budgets = budgets
        self._rests = rests

    async def reload_keys(self) -> dict[str, Any]:
        """Read the keyring again, and what is known then: `keys` (provider → source), `keyring`, and the `problem` for
        which it was not read."""
        await self._keys.reload()
        return {**self._key_state(), "problem": self._keys.problem}

    def answer(self, endpoint: str, *, in_flight: int, query: str = "") -> dict[str, Any]:
        """The JSON object for one of health | live | explain | shutdown | reload-tokens.

        `query` is what stands behind the "?" of the request's target. Raises ConfigError where the token file holds
        no token.
        """
        if endpoint == "health":
            return self._health(in_flight)
        if endpoint == "live":
            return self._live(in_flight)
        if endpoint == "explain":
            return {"changed_line": self._changed_line(query)}
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
            "budget": self._budgets.report() if self._budgets is not None else {},
            **self._key_state(),
        }

    def _key_state(self) -> dict[str, Any]:
        return {"keys": dict(self._keys.sources), "keyring": self._keys.keyring}

    def _live(self, in_flight: int) -> dict[str, Any]:
        """What a dashboard asks for twice a second: the health, and what no ledger row says."""
        return {
            **self._health(in_flight),
            "providers": self._turns.health(),
            "resting": self._rests.report() if self._rests is not None else {},
            "warm": {session: round(left, 1) for session, left in self._turns.warm().items()},
        }

    def _changed_line(self, query: str) -> str | None:
        """For `session` and `turn` of the query; None where they name no turn or nothing is known of it."""
        asked = dict(parse_qsl(query))
        turn = asked.get("turn", "")
        if not (turn.isascii() and turn.isdigit() and len(turn) <= _TURN_DIGITS):
            return None
        return self._turns.changed_line(asked.get("session", ""), int(turn))


def _plain(health: object) -> dict[str, Any]:
    """A dataclass as JSON has it; a path becomes text."""
    values = asdict(health) if is_dataclass(health) and not isinstance(health, type) else {}
    return {
        name: value if isinstance(value, (int, float, str, type(None))) else str(value)
        for name, value in values.items()
    }
