"""With whose credential a request goes on, where the provider's key may still be on its way out of the keyring.

Example: `await Credentials(upstream, keys).of(head, provider, keeps=False)` is the provider's key in its own header.
"""

from __future__ import annotations

from dataclasses import dataclass

from synrouter_cli.errors import NoProviderKey
from synrouter_cli.providers import Provider
from synrouter_cli.proxy.guard import Head
from synrouter_cli.proxy.headers import Credential, choose_credential
from synrouter_cli.proxy.provider_keys import Keys
from synrouter_cli.proxy.upstream import Upstream

__all__ = ["Credentials"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of one running proxy."""

    upstream: Upstream
    keys: Keys

    async def of(self, head: Head, provider: Provider, *, keeps: bool, dialect: str = "anthropic") -> Credential:
        """The client's own where it `keeps` one, else our key for the provider.

        Raises NoProviderKey, ForeignCredential, and KeyringError where a person has to unlock the keyring first.
        """

        def now() -> Credential:
            at_home = self.upstream.at_home(provider.name)
            known = self.keys.known
            return choose_credential(head, provider, known, keeps_credential=keeps, at_home=at_home, dialect=dialect)

        try:
            return now()
        except NoProviderKey:
            await self.keys.settle(provider.name)
            return now()
