"""A turn's request at its provider: as it was planned, and where the provider refuses what we added, without that.

Example: `await ask(upstream, trip, credential, active)` is the head of an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from synrouter_cli.proxy.course import ActiveTurn
from synrouter_cli.proxy.failures import Broken, Failure
from synrouter_cli.proxy.headers import Credential
from synrouter_cli.proxy.trip import Trip
from synrouter_cli.proxy.upstream import Answer, Call, Upstream
from synrouter_cli.wire.diagnosis import NAMED_IN_REFUSALS

__all__ = ["ask"]

log = logging.getLogger("synrouter.proxy")

_REFUSAL_BYTES: Final = 1024 * 1024
_NAMED_IN_BREAKPOINTS: Final = b"prompt_cache_"


async def ask(upstream: Upstream, trip: Trip, credential: Credential, active: ActiveTurn) -> Answer:
    """The provider's answer: where it refuses our question, to the request without it; where it refuses our markers, to
    the client's own. Raises Failure."""

    def call(edited: bytes | None) -> Call:
        return trip.call(credential, edited, beta=active.beta, session=active.session_id)

    if not trip.crossing.planned:
        return await _ask_other(upstream, trip, active, call)
    answer = await upstream.send(call(active.body if active.edited else None))
    try:
        if active.beta and await _refuses(answer, NAMED_IN_REFUSALS):
            log.warning("%s does not say why prompts miss; it is asked no more", trip.provider.name)
            active.unasked()
            answer = await _again(upstream, answer, call(active.body if active.edited else None))
        if active.edited and active.fallback != active.body and await _refuses(answer, b"cache_control"):
            log.warning("%s refused our markers; the request went out again with its own", trip.provider.name)
            active.original()
            answer = await _again(upstream, answer, call(active.fallback))
    except BaseException:
        answer.close()
        raise
    return answer


async def _ask_other(upstream: Upstream, trip: Trip, active: ActiveTurn, call: Callable[[bytes], Call]) -> Answer:
    """The same of a provider that caches by itself: where it refuses our breakpoints, to the request without them."""
    named = active.session_id if trip.is_turn else ""
    answer = await upstream.send(call(active.wire if active.wire is not None else trip.crossing.outgoing(named)))
    if active.wire is not None and active.edited and await _refuses(answer, _NAMED_IN_BREAKPOINTS):
        log.warning("%s refused our cache breakpoints; the request went out again without", trip.provider.name)
        active.original()
        try:
            answer = await _again(upstream, answer, call(active.wire))
        except BaseException:
            answer.close()
            raise
    return answer


async def _again(upstream: Upstream, refused: Answer, call: Call) -> Answer:
    """The answer to the request in another form; the refusal itself where that fails."""
    try:
        second = await upstream.send(call)
    except Failure:
        return refused
    refused.close()
    second.attempts += refused.attempts
    return second


async def _refuses(answer: Answer, name: bytes) -> bool:
    """Whether it is a 400 that names this."""
    if answer.status != 400:
        return False
    try:
        return name in await answer.read_ahead(_REFUSAL_BYTES)
    except Broken:
        return False
