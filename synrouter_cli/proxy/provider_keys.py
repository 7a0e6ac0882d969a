"""What the proxy asks of whoever holds the providers' keys, some of which may come later than the first request.

>>> FixedKeys({}, {"anthropic": "SYNROUTER_ANTHROPIC_KEY"}).sources["anthropic"]
'SYNROUTER_ANTHROPIC_KEY'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from synrouter_cli.proxy.headers import Key


class Keys(Protocol):
    """The keys there are now, and a way to wait for the others."""

    @property
    def known(self) -> Mapping[str, Key]:
        """Provider → key."""

    @property
    def sources(self) -> Mapping[str, str]:
        """Provider → where its key came from."""

    @property
    def keyring(self) -> str:
        """How it stands with the keyring, for people; empty where it was not asked."""

    @property
    def problem(self) -> str:
        """Why the keyring could not be read; empty where it was, or was not asked."""

    async def settle(self, provider: str) -> None:
        """Return once the provider's key is known, or that there is none. Raises KeyringError where that can't be said
        in time; clients need not ask again by themselves then."""

    async def reload(self) -> None:
        """Read the keyring again; at most some seconds are waited for it."""


class FixedKeys:
    """Keys that were all there from the start."""

    keyring = ""
    problem = ""

    def __init__(self, known: Mapping[str, Key], sources: Mapping[str, str]) -> None:
        self.known = known
        self.sources = sources

    async def settle(self, provider: str) -> None:
        """Nothing comes later."""

    async def reload(self) -> None:
        """There is nothing to read."""
