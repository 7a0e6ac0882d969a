"""Asks a provider for its list of models, which costs nothing, to see whether it takes a key.

Redirects, certificates and proxies are as for every request of ours.

Example: `ask(settings, "anthropic", key)` is (Verdict.WORKS, 200).
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from enum import Enum
from typing import TYPE_CHECKING, Final

from synrouter_cli.providers import provider_of

if TYPE_CHECKING:  # at run time when something is asked: aiohttp is slow to load
    from synrouter_cli.settings import Secret, Settings

_PATIENCE_S: Final = 30.0
_HEADERS: Final = {"anthropic": (("anthropic-version", "2023-06-01"),)}
"""Dialect → the headers that it needs."""


class Verdict(Enum):
    """What an answer says of the key."""

    WORKS = "works"
    REFUSED = "refused"
    UNCLEAR = "unclear"


def read(status: int) -> Verdict:
    """The verdict of a status.

    >>> read(200), read(401), read(529)
    (<Verdict.WORKS: 'works'>, <Verdict.REFUSED: 'refused'>, <Verdict.UNCLEAR: 'unclear'>)
    """
    if 200 <= status < 300:
        return Verdict.WORKS
    return Verdict.REFUSED if status in (401, 403) else Verdict.UNCLEAR


def ask(settings: Settings, provider: str, key: Secret) -> tuple[Verdict, int]:
    """The verdict and the status. Raises UpstreamUnreachable and the other errors of an upstream."""
    from synrouter_cli.proxy.failures import Failure

    try:
        status = asyncio.run(_status(settings, provider, key))
    except Failure as failure:
        raise failure.error from None
    return read(status), status


async def _status(settings: Settings, provider: str, key: Secret) -> int:
    from synrouter_cli import __version__
    from synrouter_cli.proxy.upstream import Call, Upstream

    upstream = Upstream(
        base_urls=settings.upstreams,
        proxies=settings.proxies,
        ca_bundles=settings.ca_bundles,
        connect_timeout_s=settings.connect_timeout_s,
        idle_timeout_s=min(settings.idle_timeout_s, _PATIENCE_S),
    )
    to = provider_of(provider)
    dialect = next(iter(to.dialects))
    path = to.path(dialect, "/models", "limit=1" if dialect == "anthropic" else "")
    credential = to.auth_for(dialect, key.reveal())
    own = [("User-Agent", f"synrouter/{__version__}"), *_HEADERS.get(dialect, ()), credential]
    try:
        with closing(await upstream.send(Call(provider, "GET", path, own))) as answer:
            return answer.status
    finally:
        await upstream.close()
