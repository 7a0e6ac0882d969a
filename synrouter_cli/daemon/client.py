"""The control client: finds the running daemon, makes sure it is ours, asks it for things.

Without aiohttp, for commands that must be quick. The control token goes only to a port that a live
daemon wrote down itself while holding the lock, so that a squatter never sees it.

Example: `find(paths).control.shutdown()` stops the daemon of these paths, or raises NotRunning.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from synrouter_cli.credentials import Secret
from synrouter_cli.daemon import lock, process, state, tokens
from synrouter_cli.daemon.state import State
from synrouter_cli.errors import NotResponding, NotRunning, SynrouterError
from synrouter_cli.listening import HOST
from synrouter_cli.paths import Paths

_ANSWER_BYTES = 1024 * 1024
_LATER = ("keys", "keyring", "budget")
_RELOAD_S = 10.0


class ControlError(Exception):
    """No usable answer from the control API; the text says why."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the daemon says of itself. `committed` counts ledger rows of this run, on disk."""

    instance: str
    version: str
    pid: int
    port: int
    uptime_s: float
    in_flight: int
    committed: int
    ledger: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, str] | None = None
    """Provider → where its key came from; None of a version that doesn't say."""
    keyring: str = ""
    """How it stands with the keyring; empty where it was not asked."""
    budget: Mapping[str, Any] = field(default_factory=dict)
    """Limits and what was spent, in USD; empty without a limit."""


class Control:
    """One daemon's control API under /_synrouter/."""

    def __init__(self, port: int, token: Secret, *, timeout_s: float = 3.0) -> None:
        self._port = port
        self._token = token
        self._timeout_s = timeout_s

    def health(self) -> Health:
        answer = self._call("GET", "health")
        try:
            needed = {name: answer[name] for name in Health.__dataclass_fields__ if name not in _LATER}
            return Health(**needed, **{name: answer[name] for name in _LATER if name in answer})
        except KeyError as missing:
            raise ControlError(f"its answer lacks {missing}") from None

    def live(self) -> dict[str, Any]:
        """The fields of `health`, and `providers`, `keys` (provider → source), `warm` (session → seconds)."""
        return self._call("GET", "live")

    def changed_line(self, session: str, turn: int) -> str | None:
        """The line in which a turn's request changed, where the daemon still knows it."""
        line = self._call("GET", f"explain?{urlencode({'session': session, 'turn': turn})}").get("changed_line")
        return line if isinstance(line, str) else None

    def shutdown(self) -> None:
        """Ask it to drain and leave; returns at once."""
        self._call("POST", "shutdown")

    def reload_tokens(self) -> None:
        self._call("POST", "reload-tokens")

    def reload_keys(self) -> dict[str, Any]:
        """Have it read the keyring again: `keys` (provider → source) and `keyring` as they are then."""
        return self._call("POST", "reload-keys", timeout_s=_RELOAD_S)

    def _call(self, method: str, name: str, *, timeout_s: float | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=timeout_s or self._timeout_s)
        try:
            headers = {"Authorization": f"Bearer {self._token.reveal()}"}
            connection.request(method, f"/_synrouter/{name}", headers=headers)
            response = connection.getresponse()
            body = response.read(_ANSWER_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise ControlError(_reason(error)) from None
        finally:
            connection.close()
        if response.status >= 300:
            raise ControlError(f"it answered {response.status}")
        try:
            answer = json.loads(body or b"{}")
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ControlError("its answer is not JSON")
        return answer


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that proved who it is; `health` is None while it drains and takes no more requests."""

    state: State
    control: Control
    health: Health | None

    @property
    def keys(self) -> Mapping[str, str]:
        """Provider → where its key came from, as it is now; the state file has what was known at the start."""
        known = self.health.keys if self.health else None
        return self.state.keys if known is None else known


def seen(paths: Paths) -> Daemon | None:
    """The running daemon, for what is also told without one: None where none runs or none can be asked."""
    try:
        return find(paths)
    except SynrouterError:
        return None


def find(paths: Paths) -> Daemon:
    """The running daemon. Raises NotRunning, and NotResponding where a daemon holds the lock but does
    not prove to be the one of the state file."""
    if not lock.is_held(paths.lock_file):
        raise NotRunning()
    found = state.read(paths.state_file)
    if found is None:
        raise SynrouterError(detail="Synrouter is just starting or stopping.", hint="synrouter status")
    if not _process_lives(found):
        detail = f"{paths.state_file} is not of the daemon that runs."
        raise SynrouterError(detail=detail, hint="pgrep -fa synrouter")
    control = Control(found.port, tokens.control_token(paths))
    try:
        health = control.health()
    except ControlError as error:
        if found.stopping:
            return Daemon(found, control, None)
        raise NotResponding(pid=found.pid, port=found.port, detail=f"{error}.") from None
    if (health.instance, health.pid) != (found.instance, found.pid):
        raise NotResponding(pid=found.pid, port=found.port, detail="another program has its port.")
    return Daemon(found, control, health)


def believable_state(paths: Paths) -> State | None:
    """The state file, where the process that it names still lives; without asking that process."""
    found = state.read(paths.state_file)
    return found if found and _process_lives(found) else None


def _process_lives(found: State) -> bool:
    return process.create_time(found.pid) == found.create_time


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    return type(error).__name__
