"""Small free calls to providers, for commands: what a list of models says, whether a key is taken.

Redirects, certificates and proxies are as for every request of ours.

Example: `async with calling(settings) as calls: status, body = await calls.get("anthropic", "anthropic", path, key)`
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Final

from synrouter_cli import __version__
from synrouter_cli.credentials import Secret
from synrouter_cli.errors import SynrouterError
from synrouter_cli.proxy.failures import Broken, Failure
from synrouter_cli.proxy.headers import Pairs, with_own
from synrouter_cli.proxy.upstream import Call, Upstream
from synrouter_cli.settings import Settings

_PATIENCE_S: Final = 30.0
_MOST_BYTES: Final = 8 * 1024 * 1024
_NEEDED: Final[dict[str, Pairs]] = {"anthropic": [("anthropic-version", "2023-06-01")]}
"""Dialect → the headers that it needs."""


@dataclass(frozen=True)
class Calls:
    """The providers, as the settings have them."""

    settings: Settings
    upstream: Upstream

    async def get(self, provider: str, dialect: str, path: str, key: Secret | None) -> tuple[int, bytes]:
        """The status and the body. Raises UpstreamUnreachable and the other errors of an upstream."""
        to = self.settings.providers[provider]
        ours: Pairs = [("User-Agent", f"synrouter/{__version__}"), *_NEEDED.get(dialect, ())]
        headers = with_own(ours, to.headers)
        if key is not None:
            name, value = to.auth_for(dialect, key.reveal())
            headers += [(name, value)] if name else []
        try:
            with closing(await self.upstream.send(Call(provider, "GET", path, headers))) as answer:
                body = b""
                while len(body) <= _MOST_BYTES and (chunk := await answer.read()):
                    body += chunk
                return answer.status, body
        except Broken:
            raise SynrouterError(detail=f"{provider} broke off its answer.") from None
        except Failure as failure:
            raise failure.error from None


@asynccontextmanager
async def calling(settings: Settings) -> AsyncIterator[Calls]:
    """Open the way to all providers, and close it."""
    homes = {name: provider.base_url for name, provider in settings.providers.items()}
    upstream = Upstream(
        base_urls={**homes, **settings.upstreams},
        proxies=settings.proxies,
        ca_bundles=settings.ca_bundles,
        connect_timeout_s=settings.connect_timeout_s,
        idle_timeout_s=min(settings.idle_timeout_s, _PATIENCE_S),
    )
    try:
        yield Calls(settings, upstream)
    finally:
        await upstream.close()
