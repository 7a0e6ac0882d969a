"""The life of a request, from its head to its row.

guard → read → begin → upstream → relay → finish. Whatever goes wrong on our side of it, the request
goes out as it came; whatever goes wrong on the other side is told in the client's dialect.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from synrouter_cli.errors import KeyringError, NoProviderKey, SynrouterError
from synrouter_cli.identity import client_of
from synrouter_cli.providers.complaints import Asked
from synrouter_cli.proxy import bodies
from synrouter_cli.proxy.bodies import Body, Budget, Limits
from synrouter_cli.proxy.control import Control
from synrouter_cli.proxy.course import ActiveTurn, Course, Turns, Unplanned
from synrouter_cli.proxy.failures import Broken, Failure
from synrouter_cli.proxy.guard import Admitted, Guard, Head
from synrouter_cli.proxy.headers import Credential, choose_credential, first, for_planning, to_upstream
from synrouter_cli.proxy.live import Live, Stopping, place
from synrouter_cli.proxy.pinging import Pinger
from synrouter_cli.proxy.provider_keys import Keys
from synrouter_cli.proxy.reading import Reading
from synrouter_cli.proxy.refusals import Context
from synrouter_cli.proxy.relay import SERVER, Relay, is_stream, refusal
from synrouter_cli.proxy.turn import Inbound
from synrouter_cli.proxy.upstream import Answer, Call, Upstream
from synrouter_cli.wire.diagnosis import NAMED_IN_REFUSALS

log = logging.getLogger("synrouter.proxy")

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
    scope_key: bytes = field(repr=False)
    ping_interval_s: float
    live: Live
    pinger: Pinger | None = None
    """Where keep-warm is switched on: remembers how requests went."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request at all."""
        with self.live.here():
            try:
                return await self._answer(request)
            except KeyringError as error:
                return refusal(error, permanent=True)  # a person has to do something first
            except SynrouterError as error:
                return refusal(error)
            except Failure as failure:
                return refusal(failure.error, permanent=failure.permanent)
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
        version = (request.version.major, request.version.minor)
        head = Head(request.method, request.raw_path, version, request.raw_headers, request.remote or "")
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
            case "relay":
                return await self._relay(request, head, admitted)
            case "turn":
                return await self._turn(request, head, admitted)

    async def _turn(self, request: web.BaseRequest, head: Head, admitted: Admitted) -> web.StreamResponse:
        """A request that is read in full, planned and metered."""
        course = Course(time.monotonic())
        credential = await self._credential(head, admitted)
        async with self.budget.lease() as lease:
            await _invite(request, head)
            encoding = b", ".join(head.values(b"content-encoding")).decode("latin-1")
            body = await bodies.read(request.content, request.content_length, encoding, lease, self.limits)
            active = self._begin(head, admitted, credential, body)
            try:
                with closing(await self._ask(head, admitted, credential, body, active)) as answer:
                    course.answered(answer)
                    _quietly(active.responding, answer.status)
                    context = self._context(head, admitted, credential, body.decoded)
                    return await self._bring(request, answer, course, context, _ours(active))
            except Failure as failure:
                course.failed(failure)
                log.warning("%s: %s after %d attempts", admitted.provider, failure.kind, failure.attempts)
                return refusal(failure.error, permanent=failure.permanent, ours=_ours(active))
            except ConnectionError:
                raise  # the client is gone
            except Exception:
                course.crashed()
                raise
            finally:
                _quietly(active.finish, course.outcome())
                if self.pinger is not None:
                    headers = to_upstream(head.headers, credential.headers, decoded=True, beta=active.beta)
                    _quietly(self.pinger.note, active.session_id, self._call(admitted, head.method, headers, None))

    async def _relay(self, request: web.BaseRequest, head: Head, admitted: Admitted) -> web.StreamResponse:
        """A request that is streamed through both ways as it is."""
        credential = await self._credential(head, admitted)
        headers = to_upstream(head.headers, credential.headers)
        body = None
        if request.body_exists:
            await _invite(request, head)
            body = bodies.pieces(request.content)
            if request.content_length is not None:
                headers.append(("Content-Length", str(request.content_length)))
        call = self._call(admitted, head.method, headers, body)
        with closing(await self.upstream.send(call)) as answer:
            context = self._context(head, admitted, credential, None)
            return await self._bring(request, answer, Course(time.monotonic(), metered=False), context, {})

    async def _credential(self, head: Head, admitted: Admitted) -> Credential:
        try:
            return self._credential_now(head, admitted)
        except NoProviderKey:
            await self.keys.settle(admitted.provider)
            return self._credential_now(head, admitted)

    def _credential_now(self, head: Head, admitted: Admitted) -> Credential:
        provider = admitted.provider
        return choose_credential(
            head,
            provider,
            self.keys.known,
            keeps_credential=admitted.keeps_credential,
            at_home=self.upstream.at_home(provider),
        )

    def _begin(self, head: Head, admitted: Admitted, credential: Credential, body: Body) -> ActiveTurn:
        route = admitted.match.route
        relay = self.upstream.relay(route.provider)
        try:
            return self.turns.begin(
                Inbound(
                    endpoint=route.endpoint,
                    provider=route.provider,
                    dialect=route.dialect,
                    headers=for_planning(head.headers),
                    query=admitted.query.removeprefix("?"),
                    body=body.decoded,
                    wire_encoded=body.encoded,
                    scope=credential.scope(route.provider, self.scope_key),
                    billing=credential.billing,
                    at_home=self.upstream.at_home(route.provider),
                    own_credential=credential.own,
                    checks_clients=relay is not None and relay.checks_clients,
                )
            )
        except Exception as error:
            log.error("a turn was not begun: %s", place(error))
            return Unplanned(body.decoded)

    async def _ask(
        self, head: Head, admitted: Admitted, credential: Credential, body: Body, active: ActiveTurn
    ) -> Answer:
        """The provider's answer: where it refuses our question, to the request without it; where it refuses our
        markers, to the client's own. Raises Failure."""

        def call(edited: bytes | None) -> Call:
            decoded = edited is not None
            headers = to_upstream(head.headers, credential.headers, decoded=decoded, beta=active.beta)
            return self._call(admitted, head.method, headers, body.wire if edited is None else edited)

        answer = await self.upstream.send(call(active.body if active.edited else None))
        try:
            if active.beta and await _refuses(answer, NAMED_IN_REFUSALS):
                log.warning("%s does not say why prompts miss; it is asked no more", admitted.provider)
                active.unasked()
                answer = await self._again(answer, call(active.body if active.edited else None))
            if active.edited and active.fallback != active.body and await _refuses(answer, b"cache_control"):
                log.warning("%s refused our markers; the request went out again with its own", admitted.provider)
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

    def _call(
        self,
        admitted: Admitted,
        method: str,
        headers: list[tuple[str, str]],
        body: bytes | AsyncIterator[bytes] | None,
    ) -> Call:
        match = admitted.match
        return Call(match.route.provider, method, match.upstream_path + admitted.query, headers, body)

    def _context(self, head: Head, admitted: Admitted, credential: Credential, body: bytes | None) -> Context:
        """For a refusal; `body` is that of a turn."""
        provider = admitted.provider

        def asked() -> Asked:
            return Asked(
                client=client_of(for_planning(head.headers), body or b""),
                provider=provider,
                relay=self.upstream.relay(provider),
                own_key=credential.own,
                key_headers=frozenset(name.lower() for name, _ in credential.headers),
            )

        expects_json = body is not None or admitted.match.route.endpoint == "models"
        return Context(self.upstream.at_home(provider), expects_json, asked)

    async def _bring(
        self, request: web.BaseRequest, answer: Answer, course: Course, context: Context, ours: Mapping[str, str]
    ) -> web.StreamResponse:
        course.reading = Reading(
            stream=is_stream(answer),
            encoding=first(answer.headers, b"content-encoding"),
            metered=course.metered,
        )
        relay = Relay(
            request,
            answer,
            course.reading,
            context=context,
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
    return refusal(error)


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
