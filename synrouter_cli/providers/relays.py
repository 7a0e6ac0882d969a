"""Relays that treat clients in ways of their own, found by the host of an upstream's address. All of it is data.

>>> relay_of("https://agentrouter.org/").only
frozenset({'claude-code'})
>>> relay_of("https://api.saverouter.com").takes("claude-code"), relay_of("https://api.anthropic.com") is None
(False, True)
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from urllib.parse import urlsplit

import msgspec

__all__ = ["Relay", "relay_of"]


@dataclass(frozen=True, slots=True)
class Relay:
    """One relay. Clients are named as `identity` names them, such as "claude-code"."""

    name: str
    key_headers: frozenset[str]
    """The headers it takes a key in, lower case; empty where any will do."""
    only: frozenset[str]
    """The clients it takes; empty: all but `refuses`."""
    refuses: frozenset[str]
    sentence: str
    """What to tell whoever points a client at it."""

    def takes(self, client: str) -> bool:
        """Whether this client is served there, as far as is known."""
        return client not in self.refuses and (not self.only or client in self.only)

    @property
    def checks_clients(self) -> bool:
        """Whether it looks at what tells one client from another: none of that is to be changed on the way there."""
        return bool(self.only)


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    hosts: tuple[str, ...]
    sentence: str
    key_headers: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    refuses: frozenset[str] = frozenset()


@lru_cache(maxsize=1)
def _by_host() -> Mapping[str, Relay]:
    text = files("synrouter_cli.providers").joinpath("relays.toml").read_text("utf-8")
    rows = msgspec.convert(tomllib.loads(text), dict[str, _Row]).values()
    return {
        host: Relay(row.name, row.key_headers, row.only, row.refuses, row.sentence)
        for row in rows
        for host in row.hosts
    }


def relay_of(url: str) -> Relay | None:
    """The relay at this address, whatever its path; None where nothing is known of its host. Never raises."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    return _by_host().get(host.rstrip("."))
