"""The life of a request, from its head to its row.

guard → read → begin → upstream → relay → finish. Whatever goes wrong on our side of it, the request
goes out as it came; whatever goes wrong on the other side is told in the client's dialect.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import closing
from dataclasses import dataclass

from aiohttp import web

from synrouter_cli.errors import KeyringError, SynrouterError
from synrouter_cli.proxy import bodies
from synrouter_cli.proxy.attempts import Attempts
from synrouter_cli.proxy.bodies import Budget, Limits
from synrouter_cli.proxy.control import Control
from synrouter_cli.proxy.course import Course
from synrouter_cli.proxy.credentials import Credentials
from synrouter_cli.proxy.delivery import Delivery
from synrouter_cli.proxy.failures import Failure
from synrouter_cli.proxy.guard import Admitted, Guard, Head
from synrouter_cli.proxy.headers import (
    to_upstream,
)
from synrouter_cli.proxy.listing import asks_anthropic, listing, shape_of
from synrouter_cli.proxy.live import Live, Stopping, place
from synrouter_cli.proxy.relay import SERVER, refusal
from synrouter_cli.proxy.upstream import Call, Upstream
from synrouter_cli.proxy.wayfinding import Ways
from synrouter_cli.routing import dialect_of

log = logging.getLogger("synrouter.proxy")


@dataclass(slots=True)
class Exchange:
    """Everything a request meets on its way through."""

    guard: Guard
    control: Control
    upstream: Upstream
    budget: Budget
    limits: Limits
    ways: Ways
    credentials: Credentials
    live: Live
    delivery: Delivery
    attempts: Attempts

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
            return await self.attempts.answer(request, head, admitted, body, started)

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
        credential = await self.credentials.of(head, provider, keeps=admitted.keeps_credential)
        headers = to_upstream(head.headers, credential.headers)
        body = None
        if request.body_exists:
            await _invite(request, head)
            body = bodies.pieces(request.content)
            if request.content_length is not None:
                headers.append(("Content-Length", str(request.content_length)))
        path = admitted.match.upstream_path + admitted.query
        with closing(await self.upstream.send(Call(provider.name, head.method, path, headers, body))) as answer:
            lists = admitted.match.route.endpoint == "models"
            context = self.delivery.context(head, provider.name, credential, None, expects_json=lists)
            return await self.delivery.bring(
                request, answer, Course(time.monotonic(), metered=False), context, {}, None
            )


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


async def _invite(request: web.BaseRequest, head: Head) -> None:
    """Tell a client that asked before sending a large body that it may."""
    if any(value.lower() == b"100-continue" for value in head.values(b"expect")):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # it is no part of the answer
