"""The state file: what a daemon says of itself while it serves, for `status` and `down` to find it.

It is a hint: nobody acts on it before the daemon at that port proved to be that instance.

>>> State(pid=1, create_time=None, port=7477, instance="a1", version="1.0").stopping
False
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from synrouter_cli import private_files
from synrouter_cli.listening import HOST, Listening


@dataclass(frozen=True, slots=True)
class State:
    """One run of the daemon. `upstreams` are those pointed elsewhere, `keys` provider → where its
    key came from; never a key. `listen` and `allow_hosts` are what it serves besides 127.0.0.1."""

    pid: int
    create_time: str | None
    port: int
    instance: str
    version: str
    mode: str = "auto"
    level: str = "safe"
    upstreams: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    drain_s: float = 30.0
    stopping: bool = False
    listen: str = HOST
    allow_hosts: tuple[str, ...] = ()

    @property
    def listening(self) -> Listening:
        return Listening(self.listen, self.allow_hosts)


def write(path: Path, state: State) -> None:
    private_files.replace(path, json.dumps(asdict(state), indent=1).encode())


def read(path: Path) -> State | None:
    """The state; None where there is no file or none that we wrote."""
    try:
        values = json.loads(path.read_bytes())
        state = State(**{**values, "allow_hosts": tuple(values.get("allow_hosts", ()))})
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return None
    plain = (state.pid, state.port, state.instance, state.version)
    if any(type(value) is not kind for value, kind in zip(plain, (int, int, str, str), strict=True)):
        return None
    if not all(isinstance(text, str) for text in (state.listen, *state.allow_hosts)):
        return None
    return state if 0 < state.port < 65536 and state.pid > 0 else None


def remove(path: Path) -> None:
    path.unlink(missing_ok=True)
