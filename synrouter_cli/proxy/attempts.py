"""A turn at its providers: the first that answers, each with its own credential, row and translation.

    way → trip → credential → begin → ask → bring → finish, and where that provider can't, again with the next

One that says when it may be asked again, and that soon, is waited for: with another provider nothing of the
conversation is cached. One that can't be asked for a while comes last until then.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

from aiohttp import web

from synrouter_cli.errors import BudgetReached, InvalidRequest, NoProviderKey, SynrouterError
from synrouter_cli.prompt.top_level import model_of
from synrouter_cli.providers import cache_kind, model
from synrouter_cli.proxy.bodies import Body
from synrouter_cli.proxy.budgeting import Budgets, unlimited
from synrouter_cli.proxy.course import ActiveTurn, Course, Turns, Unplanned
from synrouter_cli.proxy.credentials import Credentials
from synrouter_cli.proxy.crossing import cross, lead
from synrouter_cli.proxy.delivery import Delivery
from synrouter_cli.proxy.draining import Drains
from synrouter_cli.proxy.failures import Failure
from synrouter_cli.proxy.fallbacks import (
    Passed,
    falls_back,
    none_answered,
    not_asked,
    passed_by,
    passed_over,
    rest_after,
    soon,
)
from synrouter_cli.proxy.guard import Admitted, Head
from synrouter_cli.proxy.headers import Credential, credential_owner_of, for_planning, owner_of
from synrouter_cli.proxy.live import place
from synrouter_cli.proxy.pinging import Pinger
from synrouter_cli.proxy.refusals import error_type_of
from synrouter_cli.proxy.relay import SERVER, Ending, refusal
from synrouter_cli.proxy.resting import UNREACHABLE_S, Rests
from synrouter_cli.proxy.sending import ask
from synrouter_cli.proxy.trip import Trip
from synrouter_cli.proxy.turn import Inbound
from synrouter_cli.proxy.upstream import Answer, Upstream
from synrouter_cli.proxy.wayfinding import Ways
from synrouter_cli.proxy.withholding import UNBUDGETED, withheld
from synrouter_cli.ways import Way

__all__ = ["Attempts"]

log = logging.getLogger("synrouter.proxy")

COUNTS: Final = {"count_tokens": {}, "input_tokens": {"object": "response.input_tokens"}}
"""Endpoints that count a request's tokens, and what stands beside the count."""


@dataclass(slots=True)
class Attempts:
    """Everything a turn meets once its body has been read."""

    turns: Turns
    upstream: Upstream
    credentials: Credentials
    ways: Ways
    delivery: Delivery
    scope_key: bytes = field(repr=False)
    clock: Callable[[], float] = time.time
    budgets: Budgets = field(default_factory=unlimited)
    pinger: Pinger | None = None
    """Where keep-warm is switched on: remembers how requests went."""
    drains: Drains = field(default_factory=Drains)
    rests: Rests = field(default_factory=Rests)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def answer(
        self, request: web.BaseRequest, head: Head, admitted: Admitted, body: Body, started: float
    ) -> web.StreamResponse:
        """The answer of the first provider that has one. `started` is on the monotonic clock."""
        dialect = admitted.match.route.dialect
        owner = credential_owner_of(head) if admitted.keeps_credential else ""
        wanted = self.ways.find(model_of(body.decoded), dialect, owner=owner)
        ways = self._in_turn(wanted)
        passed: list[Passed] = []
        for way in ways:
            try:
                trip = self._trip(head, admitted, body, way, first=way is wanted, last=way is ways[-1])
                credential = await self.credentials.of(
                    head, trip.provider, keeps=trip.keeps_credential, dialect=way.dialect
                )
            except SynrouterError as error:
                if len(ways) == 1 or (way is wanted and not isinstance(error, NoProviderKey)):
                    raise
                passed.append(not_asked(error, way.provider, dialect))
                if way is ways[-1]:
                    return none_answered(passed[:-1], passed[-1].said, {})
                continue
            response = await self._try(request, trip, credential, Course(started), passed)
            if response is not None:
                return response
        raise AssertionError("unreachable")

    def _in_turn(self, wanted: Way) -> list[Way]:
        """A way and those to fall back on, as they are to be tried: who rests comes last."""
        usable = self.ways.usable()
        ways = [wanted, *(each for each in wanted.fallbacks if each.provider in usable)]
        return sorted(ways, key=lambda way: self.rests.left(way.provider, way.model)) if len(ways) > 1 else ways

    def _trip(self, head: Head, admitted: Admitted, body: Body, way: Way, *, first: bool, last: bool) -> Trip:
        """Raises InvalidRequest where the request must be translated and can't be read."""
        provider = self.ways.provider(way.provider)
        route = admitted.match.route
        kind = cache_kind(provider, way.model)
        if route.endpoint == "embeddings":
            crossing = lead(body.decoded, way, kind)
            return Trip(head, admitted, body, provider, crossing, admitted.keeps_credential and first, last)
        longest = (
            None
            if route.dialect == "anthropic"
            else model(way.model, datetime.fromtimestamp(self.clock(), UTC).date()).output_tokens
        )
        crossing = cross(route.dialect, body.decoded, way, kind, output_tokens=longest)
        crossing.asks_usage = route.endpoint == "chat/completions" and provider.builtin and not provider.local
        return Trip(head, admitted, body, provider, crossing, admitted.keeps_credential and first, last)

    async def _try(
        self, request: web.BaseRequest, trip: Trip, credential: Credential, course: Course, passed: list[Passed]
    ) -> web.StreamResponse | None:
        """The answer of one provider; None where it failed and another is to be asked."""
        if (counted := self._counted(trip)) is not None:
            return counted
        active = self._begin(trip, credential)
        course.crossing = trip.crossing
        ours = {**_ours(active), **self.budgets.headers(active.conversation)}
        drained = False
        try:
            if (stop := self._over_budget(trip, credential, active)) is not None:
                course.withheld(stop)
                return withheld(stop, trip.crossing, active, ours, now=self.clock())
            answer = await self._ask(trip, credential, active)
            ours |= _ours(active)  # the provider may have refused what was planned
            try:
                course.answered(answer)
                if falls_back(answer) and (passed or not trip.last):
                    self.rests.note(*_place(trip), rest_after(answer, self.clock()))
                    course.ended(Ending("error", error_type_of(answer.status)))
                    if trip.last:
                        return none_answered(passed, f"{trip.provider.name} answered {answer.status}", ours)
                    passed.append(await passed_over(answer, trip))
                    return None
                self.rests.over(*_place(trip))
                _quietly(active.responding, answer.status)
                context = self.delivery.context(trip.head, trip.provider.name, credential, trip.crossing.hub)
                return await self.delivery.bring(request, answer, course, context, ours, trip)
            except (asyncio.CancelledError, ConnectionError):  # the client is gone
                if course.reading is not None and trip.provider.on_disconnect == "drain":
                    drained = True
                    self.drains.take(answer, course.reading, partial(self._finish, trip, credential, course, active))
                raise
            finally:
                if not drained:
                    answer.close()
        except Failure as failure:
            course.failed(failure)
            log.warning("%s: %s after %d attempts", trip.provider.name, failure.kind, failure.attempts)
            if passed or not trip.last:
                self.rests.note(*_place(trip), UNREACHABLE_S)
            if not trip.last:
                passed.append(passed_by(failure, trip))
                return None
            if passed:
                return none_answered(passed, passed_by(failure, trip).said, ours)
            return refusal(failure.error, trip.dialect, permanent=failure.permanent, ours=ours)
        except ConnectionError:
            raise  # the client is gone
        except Exception:
            course.crashed()
            raise
        finally:
            if not drained:
                self._finish(trip, credential, course, active)

    async def _ask(self, trip: Trip, credential: Credential, active: ActiveTurn) -> Answer:
        """The provider's answer; where another could be asked, but this one can be again in a moment, the second.
        Raises Failure."""
        answer = await ask(self.upstream, trip, credential, active)
        wait = soon(answer, self.clock()) if not trip.last and falls_back(answer) else None
        if wait is None:
            return answer
        answer.close()
        await self.sleep(wait)
        second = await ask(self.upstream, trip, credential, active)
        second.attempts += answer.attempts
        return second

    def _finish(self, trip: Trip, credential: Credential, course: Course, active: ActiveTurn) -> None:
        _quietly(active.finish, course.outcome())
        if self.pinger is not None and trip.crossing.planned:
            _quietly(self.pinger.note, active.session_id, trip.call(credential, None, beta=active.beta))

    def _over_budget(self, trip: Trip, credential: Credential, active: ActiveTurn) -> BudgetReached | None:
        """Why a turn that would cost dollars must not go out."""
        if trip.admitted.match.route.endpoint in UNBUDGETED or credential.billing == "subscription":
            return None
        stop = self.budgets.verdict(active.conversation).stop
        return stop.error() if stop is not None else None

    def _counted(self, trip: Trip) -> web.Response | None:
        """The estimate of a count, where the provider has none of its own."""
        shape = COUNTS.get(trip.admitted.match.route.endpoint)
        if shape is None or not trip.crossing.translated:
            return None
        try:
            count = self.turns.count(trip.crossing.hub)
        except Exception as error:  # what can't be split can't be counted
            raise InvalidRequest(detail="The tokens of this request can't be counted.") from error
        headers = {"Server": SERVER, "x-synrouter-plan": "estimate"}
        return web.json_response({**shape, "input_tokens": count}, headers=headers)

    def _begin(self, trip: Trip, credential: Credential) -> ActiveTurn:
        crossing, provider = trip.crossing, trip.provider.name
        if not trip.is_turn:
            return Unplanned(crossing.body)
        relay = self.upstream.relay(provider)
        try:
            return self.turns.begin(
                Inbound(
                    endpoint=trip.admitted.match.route.endpoint,
                    provider=provider,
                    dialect=trip.dialect,
                    headers=for_planning(trip.head.headers),
                    query=trip.admitted.query.removeprefix("?"),
                    body=crossing.hub or crossing.body,
                    wire_encoded=trip.body.encoded,
                    scope=credential.scope(provider, self.scope_key),
                    billing=credential.billing,
                    at_home=self.upstream.at_home(provider),
                    own_credential=credential.own,
                    markers=crossing.planned and crossing.cache == "markers",
                    model=crossing.way.model,
                    checks_clients=relay is not None and relay.checks_clients,
                    upstream_dialect=crossing.way.dialect,
                    outgoing=crossing.outgoing if self._takes_breakpoints(trip) else None,
                    owner=owner_of(trip.head, self.scope_key, keeps_credential=trip.admitted.keeps_credential),
                )
            )
        except Exception as error:
            log.error("a turn was not begun: %s", place(error))
            return Unplanned(crossing.hub if crossing.translated and crossing.planned else crossing.body)

    def _takes_breakpoints(self, trip: Trip) -> bool:
        """Of a provider that the user pointed elsewhere nobody knows; of one of the user's own the user says so."""
        known = not trip.provider.builtin or self.upstream.at_home(trip.provider.name)
        return trip.crossing.cache == "breakpoints" and not trip.crossing.planned and known


def _place(trip: Trip) -> tuple[str, str]:
    return trip.provider.name, trip.crossing.way.model


def _ours(active: ActiveTurn) -> dict[str, str]:
    return {
        "x-synrouter-session": active.session_id,
        "x-synrouter-turn": str(active.number),
        "x-synrouter-plan": active.plan,
    }


def _quietly(step: Callable[..., None], *arguments: object) -> None:
    """Bookkeeping never becomes the client's error."""
    try:
        step(*arguments)
    except Exception as error:
        log.error("a turn's bookkeeping failed: %s", place(error))
