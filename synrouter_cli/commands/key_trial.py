"""Asks a provider something that costs nothing, its list of models as a rule, to see whether it takes a key.

Example: `ask(settings, "anthropic", key)` is (Verdict.WORKS, 200).
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # at run time when something is asked: aiohttp is slow to load
    from synrouter_cli.credentials import Secret
    from synrouter_cli.settings import Settings


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


def ask(settings: Settings, provider: str, key: Secret | None) -> tuple[Verdict, int]:
    """The verdict and the status; no key for a provider that needs none. Raises UpstreamUnreachable and the other
    errors of an upstream."""
    status = asyncio.run(_status(settings, provider, key))
    return read(status), status


async def _status(settings: Settings, provider: str, key: Secret | None) -> int:
    from synrouter_cli.commands.provider_calls import calling

    dialect, path = settings.providers[provider].key_trial()
    async with calling(settings) as calls:
        return (await calls.get(provider, dialect, path, key))[0]
