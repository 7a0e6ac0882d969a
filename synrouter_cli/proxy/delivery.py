"""An answer on its way to the client: read along for the meter, told in the client's words where it is a refusal.

Example: `await delivery.bring(request, answer, course, context, ours, trip)` returns when the client has all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from synrouter_cli.identity import client_of
from synrouter_cli.providers.complaints import Asked
from synrouter_cli.proxy.course import Course
from synrouter_cli.proxy.guard import Head
from synrouter_cli.proxy.headers import Credential, first, for_planning
from synrouter_cli.proxy.live import Live
from synrouter_cli.proxy.reading import Reading
from synrouter_cli.proxy.refusals import Context
from synrouter_cli.proxy.relay import Relay, is_stream
from synrouter_cli.proxy.trip import Trip
from synrouter_cli.proxy.upstream import Answer, Upstream

__all__ = ["Delivery"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one running proxy passes answers on."""

    upstream: Upstream
    live: Live
    ping_interval_s: float
    clock: Callable[[], float] = time.time

    def context(
        self, head: Head, provider: str, credential: Credential, hub: bytes | None, *, expects_json: bool = True
    ) -> Context:
        """What a refusal depends on; `hub` is the body of a turn."""

        def asked() -> Asked:
            return Asked(
                client=client_of(for_planning(head.headers), hub or b""),
                provider=provider,
                relay=self.upstream.relay(provider),
                own_key=credential.own,
                key_headers=frozenset(name.lower() for name, _ in credential.headers),
            )

        return Context(self.upstream.at_home(provider), expects_json, asked)

    async def bring(
        self,
        request: web.BaseRequest,
        answer: Answer,
        course: Course,
        context: Context,
        ours: Mapping[str, str],
        trip: Trip | None,
    ) -> web.StreamResponse:
        """Pass it on; without a `trip` as it is. Raises Failure where nothing of it could be."""
        encoding = first(answer.headers, b"content-encoding")
        if trip is None:
            course.reading = Reading(stream=is_stream(answer), encoding=encoding, metered=course.metered)
        else:
            course.reading = trip.reading(
                stream=is_stream(answer), encoding=encoding, now=self.clock(), status=answer.status
            )
        relay = Relay(
            request,
            answer,
            course.reading,
            context=context,
            dialect=trip.dialect if trip is not None else "anthropic",
            renames=(trip.crossing.way.model, trip.crossing.asked) if trip is not None else None,
            stamps=trip.stamps if trip is not None else "",
            ours=ours,
            ping_interval_s=self.ping_interval_s,
            stopped=self.live.stopped,
        )
        response, ending = await relay.run()
        course.ended(ending)
        return response
