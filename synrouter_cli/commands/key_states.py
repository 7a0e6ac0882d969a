"""Which providers can be used: where each one's key comes from, or that it needs none; here, or in the running proxy.

Example: `survey(settings).states["ollama"]` is State("not needed", "").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from synrouter_cli import keys
from synrouter_cli.credentials import Secret, variable_of
from synrouter_cli.daemon import client
from synrouter_cli.errors import KeyringError
from synrouter_cli.keys import Found
from synrouter_cli.settings import Settings

_PATIENCE_S: Final = 5.0
"""A list is no reason to wait for somebody to unlock the keyring."""


@dataclass(frozen=True, slots=True)
class State:
    """One provider's key."""

    source: Literal["environment", "key file", "keyring", "none", "not needed"]
    where: str
    """The variable, the path or the keyring's name; empty where there is no key."""

    @property
    def usable(self) -> bool:
        return self.source != "none"


@dataclass(frozen=True)
class Survey:
    """All of them."""

    states: Mapping[str, State]
    keys: Mapping[str, Secret]
    """Those that this command can use itself; the running proxy tells where its own are from, never one of them."""
    problem: KeyringError | None
    """Why the keyring was not asked; what it holds is then missing."""
    upstreams: Mapping[str, str]
    """Provider → where it was pointed: for the running proxy, else by the settings."""

    @property
    def usable(self) -> frozenset[str]:
        return frozenset(name for name, state in self.states.items() if state.usable)

    @property
    def has_keys(self) -> bool:
        return any(state.where for state in self.states.values())


def survey(settings: Settings) -> Survey:
    """Ask the keyring for what is not given by hand. Never raises."""
    asked = [name for name in settings.providers if name not in settings.provider_keys]
    found, problem = Found(""), None
    try:
        found = keys.read(asked, patience_s=min(settings.keyring_wait_s, _PATIENCE_S), waits=None)
    except KeyringError as error:
        problem = error
    daemon = client.seen(settings.paths)
    proxys = daemon.keys if daemon is not None else {}
    states = {name: _state(name, settings, found, proxys) for name in settings.providers}
    upstreams = daemon.state.upstreams if daemon is not None else settings.upstreams
    return Survey(states, {**found.keys, **settings.provider_keys}, problem, upstreams)


def _state(name: str, settings: Settings, found: Found, proxys: Mapping[str, str]) -> State:
    """`proxys`: provider → where the running proxy has its key from."""
    if name in found.keys and name not in settings.provider_keys:
        return State("keyring", found.backend)
    where = settings.key_sources.get(name, proxys.get(name, ""))
    if where.startswith("the keyring"):
        return State("keyring", where)
    if where:
        return State("environment" if where == variable_of(name) else "key file", where)
    return State("not needed" if settings.providers[name].local else "none", "")
