"""The life of a request, from its head to its row.

guard → read → begin → upstream → relay → finish. Whatever goes wrong on our side of it, the request
goes out as it came; whatever goes wrong on the other side is told in the client's dialect.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

from aiohttp import web

from synrouter_cli.errors import BudgetReached, InvalidRequest, KeyringError, NoProviderKey, SynrouterError
from synrouter_cli.identity import client_of
from synrouter_cli.prompt.top_level import model_of
from synrouter_cli.providers import Provider, cache_kind, model
from synrouter_cli.providers.complaints import Asked
from synrouter_cli.proxy import bodies
from synrouter_cli.proxy.bodies import Body, Budget, Limits
from synrouter_cli.proxy.budgeting import Budgets, unlimited
from synrouter_cli.proxy.control import Control
from synrouter_cli.proxy.course import ActiveTurn, Course, Turns, Unplanned
from synrouter_cli.proxy.crossing import cross, lead
from synrouter_cli.proxy.draining import Drains
from synrouter_cli.proxy.failures import Broken, Failure
from synrouter_cli.proxy.fallbacks import FALLS_BACK, Passed, is_passed_over, none_answered, passed_by, passed_over
from synrouter_cli.proxy.guard import Admitted, Guard, Head
from synrouter_cli.proxy.headers import (
    Credential,
    choose_credential,
    credential_owner_of,
    first,
    for_planning,
    to_upstream,
)
from synrouter_cli.proxy.listing import asks_anthropic, listing, shape_of
from synrouter_cli.proxy.live import Live, Stopping, place
from synrouter_cli.proxy.pinging import Pinger
from synrouter_cli.proxy.provider_keys import Keys
from synrouter_cli.proxy.reading import Reading
from synrouter_cli.proxy.refusals import Context, error_type_of
from synrouter_cli.proxy.relay import SERVER, Ending, Relay, is_stream, refusal
from synrouter_cli.proxy.trip import Trip
from synrouter_cli.proxy.turn import Inbound
from synrouter_cli.proxy.upstream import Answer, Call, Upstream
from synrouter_cli.proxy.wayfinding import Ways
from synrouter_cli.proxy.withholding import UNBUDGETED, withheld
from synrouter_cli.routing import dialect_of
from synrouter_cli.ways import Way
from synrouter_cli.wire.diagnosis import NAMED_IN_REFUSALS

log = logging.getLogger("synrouter.proxy")

COUNTS: Final = {"count_tokens": {}, "input_tokens": {"object": "response.input_tokens"}}
"""Endpoints that count a request's tokens, and what stands beside the count."""
_REFUSAL_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class Exchange:
    """Everything a request meets on its way through."""

    guard: Guard
    control: Control
    turns: Turns
    upstream: Upstream
    budget: Budget
    limits: Limits
    keys: Keys
    ways: Ways
    scope_key: bytes = field(repr=False)
    ping_interval_s: float
    live: Live
    clock: Callable[[], float] = time.time
    drains: Drains = field(default_factory=Drains)
    budgets: Budgets = field(default_factory=unlimited)
    pinger: Pinger | None = None
    """Where keep-warm is switched on: remembers how requests went."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request at all."""
        with self.live.here():
            try:
                return await self._answer(request)
            except KeyringError as error:
                # a person has to do something first
                return refusal(error, _dialect(request), permanent=True)
            except SynrouterError as error:
                return refusal(error, _dialect(request))
            except Failure as failure:
                return refusal(failure.error, _dialect(request), permanent=failure.permanent)
            except asyncio.CancelledError:
                if not self.live.stopped():
                    raise
                return _instead(request, Stopping())
            except ConnectionError:
                raise  # the client is gone
            except Exception as error:
                log.error("a request failed: %s", place(error))
                detail = f"This request met an error of ours ({place(error)})."
                return _instead(request, SynrouterError(detail=detail, hint="synrouter status"))

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        head = _head(request)
        admitted = self.guard.admit(head)
        route = admitted.match.route
        match route.action:
            case "constant":
                body = b"ok" if route.endpoint == "healthz" else b""
                return web.Response(body=body, headers={"Server": SERVER})
            case "control":
                if route.endpoint == "reload-keys":
                    return web.json_response(await self.control.reload_keys(), headers={"Server": SERVER})
                query = request.raw_path.partition("?")[2]
                answer = self.control.answer(route.endpoint, in_flight=self.live.in_flight - 1, query=query)
                return web.json_response(answer, headers={"Server": SERVER})
            case "models":
                return self._models(head, admitted)
            case "relay" if route.endpoint == "models" and not self._lists_anthropic(head):
                return self._models(head, admitted)
            case "relay":
                return await self._relay(request, head, admitted)
            case "turn":
                return await self._turn(request, head, admitted)

    async def _turn(self, request: web.BaseRequest, head: Head, admitted: Admitted) -> web.StreamResponse:
        """A request that is read in full, led to its provider, planned and metered."""
        started = time.monotonic()
        async with self.budget.lease() as lease:
            await _invite(request, head)
            encoding = b", ".join(head.values(b"content-encoding")).decode("latin-1")
            body = await bodies.read(request.content, request.content_length, encoding, lease, self.limits)
            dialect = admitted.match.route.dialect
            owner = credential_owner_of(head) if admitted.keeps_credential else ""
            way = self.ways.find(model_of(body.decoded), dialect, owner=owner)
            tries = [way, *(each for each in way.fallbacks if each.provider in self.ways.usable())]
            passed: list[Passed] = []
            for place_of_way, each in enumerate(tries):
                first, last = place_of_way == 0, place_of_way == len(tries) - 1
                trip = self._trip(head, admitted, body, each, first=first, last=last)
                credential = await self._credential(trip)
                response = await self._try(request, trip, credential, Course(started), passed)
                if response is not None:
                    return response
        raise AssertionError("unreachable")

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
            try:
                course.answered(answer)
                if is_passed_over(answer, trip):
                    passed.append(await passed_over(answer, trip))
                    course.ended(Ending("error", error_type_of(answer.status)))
                    return None
                if passed and answer.status in FALLS_BACK:
                    course.ended(Ending("error", error_type_of(answer.status)))
                    return none_answered(passed, f"{trip.provider.name} answered {answer.status}", ours)
                _quietly(active.responding, answer.status)
                return await self._bring(request, answer, course, self._context(trip, credential), ours, trip)
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

    def _lists_anthropic(self, head: Head) -> bool:
        """Whether a list of models is Anthropic's own to give: its dialect asks, and there is nobody else."""
        return asks_anthropic(head) and self.ways.keyed() <= {"anthropic"}

    def _models(self, head: Head, admitted: Admitted) -> web.Response:
        """Our list of models, in the asker's shape."""
        shape = shape_of(admitted.match.route.dialect, head, admitted.query)
        wanted = admitted.match.upstream_path.partition("/models/")[2]
        return web.json_response(listing(self.ways.known(), shape, wanted), headers={"Server": SERVER})

    async def _relay(self, request: web.BaseRequest, head: Head, admitted: Admitted) -> web.StreamResponse:
        """A request that is streamed through both ways as it is."""
        provider = self.ways.provider(admitted.provider)
        credential = await self._own_credential(head, provider, admitted.keeps_credential)
        headers = to_upstream(head.headers, credential.headers)
        body = None
        if request.body_exists:
            await _invite(request, head)
            body = bodies.pieces(request.content)
            if request.content_length is not None:
                headers.append(("Content-Length", str(request.content_length)))
        path = admitted.match.upstream_path + admitted.query
        with closing(await self.upstream.send(Call(provider.name, head.method, path, headers, body))) as answer:
            context = self._context_of(head, provider.name, credential, None, admitted.match.route.endpoint == "models")
            return await self._bring(request, answer, Course(time.monotonic(), metered=False), context, {}, None)

    async def _credential(self, trip: Trip) -> Credential:
        return await self._own_credential(trip.head, trip.provider, trip.keeps_credential, trip.crossing.way.dialect)

    async def _own_credential(
        self, head: Head, provider: Provider, keeps: bool, dialect: str = "anthropic"
    ) -> Credential:
        def now() -> Credential:
            at_home = self.upstream.at_home(provider.name)
            known = self.keys.known
            return choose_credential(head, provider, known, keeps_credential=keeps, at_home=at_home, dialect=dialect)

        try:
            return now()
        except NoProviderKey:
            await self.keys.settle(provider.name)
            return now()

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
                )
            )
        except Exception as error:
            log.error("a turn was not begun: %s", place(error))
            return Unplanned(crossing.hub if crossing.translated and crossing.planned else crossing.body)

    async def _ask(self, trip: Trip, credential: Credential, active: ActiveTurn) -> Answer:
        """The provider's answer: where it refuses our question, to the request without it; where it refuses our
        markers, to the client's own. Raises Failure."""

        def call(edited: bytes | None) -> Call:
            return trip.call(credential, edited, beta=active.beta, session=active.session_id)

        if not trip.crossing.planned:
            named = active.session_id if trip.is_turn else ""
            return await self.upstream.send(call(trip.crossing.outgoing(named)))
        answer = await self.upstream.send(call(active.body if active.edited else None))
        try:
            if active.beta and await _refuses(answer, NAMED_IN_REFUSALS):
                log.warning("%s does not say why prompts miss; it is asked no more", trip.provider.name)
                active.unasked()
                answer = await self._again(answer, call(active.body if active.edited else None))
            if active.edited and active.fallback != active.body and await _refuses(answer, b"cache_control"):
                log.warning("%s refused our markers; the request went out again with its own", trip.provider.name)
                active.original()
                answer = await self._again(answer, call(active.fallback))
        except BaseException:
            answer.close()
            raise
        return answer

    async def _again(self, refused: Answer, call: Call) -> Answer:
        """The answer to the request in another form; the refusal itself where that fails."""
        try:
            second = await self.upstream.send(call)
        except Failure:
            return refused
        refused.close()
        second.attempts += refused.attempts
        return second

    def _context(self, trip: Trip, credential: Credential) -> Context:
        return self._context_of(trip.head, trip.provider.name, credential, trip.crossing.hub, True)

    def _context_of(
        self, head: Head, provider: str, credential: Credential, hub: bytes | None, expects_json: bool
    ) -> Context:
        """For a refusal; `hub` is the body of a turn."""

        def asked() -> Asked:
            return Asked(
                client=client_of(for_planning(head.headers), hub or b""),
                provider=provider,
                relay=self.upstream.relay(provider),
                own_key=credential.own,
                key_headers=frozenset(name.lower() for name, _ in credential.headers),
            )

        return Context(self.upstream.at_home(provider), expects_json, asked)

    async def _bring(
        self,
        request: web.BaseRequest,
        answer: Answer,
        course: Course,
        context: Context,
        ours: Mapping[str, str],
        trip: Trip | None,
    ) -> web.StreamResponse:
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
            ours=ours,
            ping_interval_s=self.ping_interval_s,
            stopped=self.live.stopped,
        )
        response, ending = await relay.run()
        course.ended(ending)
        return response


def _ours(active: ActiveTurn) -> dict[str, str]:
    return {
        "x-synrouter-session": active.session_id,
        "x-synrouter-turn": str(active.number),
        "x-synrouter-plan": active.plan,
    }


def _instead(request: web.BaseRequest, error: SynrouterError) -> web.Response:
    """`error` in place of an answer; where one has begun already, the connection is cut."""
    if request.writer.output_size:
        request.protocol.force_close()
        raise ConnectionResetError
    return refusal(error, _dialect(request))


def _dialect(request: web.BaseRequest) -> str:
    """In which errors of ours are told. Both dialects list models at one path: whose client it is, headers say."""
    dialect = dialect_of(request.raw_path)
    if request.raw_path.startswith("/v1/models") and not asks_anthropic(_head(request)):
        return "chat"
    return dialect


def _head(request: web.BaseRequest) -> Head:
    version = (request.version.major, request.version.minor)
    return Head(request.method, request.raw_path, version, request.raw_headers, request.remote or "")


async def _refuses(answer: Answer, name: bytes) -> bool:
    """Whether it is a 400 that names this."""
    if answer.status != 400:
        return False
    try:
        return name in await answer.read_ahead(_REFUSAL_BYTES)
    except Broken:
        return False


async def _invite(request: web.BaseRequest, head: Head) -> None:
    """Tell a client that asked before sending a large body that it may."""
    if any(value.lower() == b"100-continue" for value in head.values(b"expect")):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # it is no part of the answer


def _quietly(step: Callable[..., None], *arguments: object) -> None:
    """Bookkeeping never becomes the client's error."""
    try:
        step(*arguments)
    except Exception as error:
        log.error("a turn's bookkeeping failed: %s", place(error))
