"""Anthropic's Messages API, simulated: answers from a script, bills from the judge, faults on demand.

The same process speaks OpenAI's dialects (`openai/handlers.py`).

`GET /__usage` tells what every request was billed, so that somebody else's books can be compared with these.

>>> provider = Provider(Script.parse([{"when": "", "steps": [{"say": "Hello."}]}]))
>>> app = provider.application()   # for aiohttp's own runner or its test client
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

from aiohttp import web

from synrouter_cli.demo.answer import Answer
from synrouter_cli.demo.books import Answered, Books
from synrouter_cli.demo.diagnoses import Diagnoses, asked
from synrouter_cli.demo.faults import (
    ERRORS,
    HTML_PAGE,
    Fault,
    Faults,
    error_body,
    reset_connection,
    send_events,
)
from synrouter_cli.demo.judge import Judge, Refused, Weighed
from synrouter_cli.demo.openai.flavours import FLAVOURS
from synrouter_cli.demo.openai.handlers import OpenAIApi
from synrouter_cli.demo.openai.upstream import Upstream
from synrouter_cli.demo.script import Script, Step

__all__ = ["Answered", "Provider"]

MAX_BODY_BYTES = 32 * 1024 * 1024
"""The API's own limit (platform.claude.com, "Errors": request size limits)."""
MODELS = ("claude-opus-5-5", "claude-opus-4-8", "claude-sonnet-5-5", "claude-sonnet-4-6", "claude-haiku-4-5")
CHECKS_BETA = "dangerous-tool-use-2026-09-03"
"""With it the API checks the calls of an answer by itself; without its verdict Claude Code asks a model for each."""
_PREFIXES = ("/v1", "/anthropic/v1", "/api/anthropic/v1", "/apps/anthropic/v1", "/api/v1", "/inference/v1")
"""Where the API stands, and where relays and others have it (Z.ai, DeepSeek, Model Studio, OpenRouter, Fireworks)."""


class Provider:
    """The API. `clock` gives the time in seconds; where `key` is set, it is the only one taken. `evicts` and `seed` say
    what share of its cache is lost at random after each request (`Judge`). `flavour` says whose ways OpenAI's dialects
    have."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        clock: Callable[[], float] = time.time,
        key: str = "",
        pace: float = 0.0,
        evicts: float = 0.0,
        seed: int = 0,
        flavour: str = "openai",
    ) -> None:
        self._books = Books(clock)
        self._script = script or Script()
        self._key = key
        self._pace = pace
        self._judge = Judge(evicts=evicts, seed=seed)
        self._diagnoses = Diagnoses()
        self._faults = Faults()
        upstream = Upstream(self._script, FLAVOURS[flavour], evicts=evicts, seed=seed)
        self._openai = OpenAIApi(upstream, self._books, self._faults, key=key, pace=pace)

    @property
    def answered(self) -> deque[Answered]:
        """The books' lines, the oldest first."""
        return self._books.lines

    def application(self) -> web.Application:
        """Routes for aiohttp; any path that the API does not have is a 404 of its shape."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        for prefix in _PREFIXES:
            app.router.add_post(f"{prefix}/messages", self._messages)
            app.router.add_post(f"{prefix}/messages/count_tokens", self._count_tokens)
        for prefix in sorted({*_PREFIXES, *self._openai.prefixes}):
            app.router.add_get(f"{prefix}/models", self._models)
        self._openai.add_routes(app.router)
        app.router.add_get("/__usage", self._usage)
        app.router.add_route("*", "/{path:.*}", self._not_found)
        return app

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        line = self._line(request, "messages")
        try:
            weighed = await self._weighed(request, line)
            step, fault = self._step(request, weighed)
        except Refused as refused:
            return _refused(line, refused)
        line.model, line.streamed = weighed.prompt.model, weighed.prompt.stream
        line.tools = len(weighed.body.get("tools") or ())
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        return _failed(request, line, fault) or await self._answer(request, line, weighed, step, fault)

    async def _answer(
        self, request: web.Request, line: Answered, weighed: Weighed, step: Step, fault: Fault
    ) -> web.StreamResponse:
        thinking = (weighed.body.get("thinking") or {}).get("type", "disabled")
        answer = Answer.of(
            step,
            ident=weighed.ident,
            model=line.model,
            prompt_usage=weighed.usage,
            signature=weighed.signature if thinking != "disabled" else None,
            max_tokens=weighed.prompt.max_tokens,
        )
        if "diagnostics" in weighed.body:
            answer = self._diagnosed(request, weighed, answer)
        if weighed.body.get("safeguards") and CHECKS_BETA in request.headers.get("anthropic-beta", ""):
            answer = replace(answer, checked=True)
        self._judge.begun(weighed)
        line.usage = dict(answer.usage)
        line.cached, line.written = weighed.split.read, weighed.split.write_5m + weighed.split.write_1h
        if not line.streamed:
            line.complete = True
            return _json(line, answer.message())
        response = web.StreamResponse(headers={"request-id": line.request_id, "cache-control": "no-cache"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        line.complete = await send_events(request, response, answer.events(), fault, self._pace)
        return response

    def _diagnosed(self, request: web.Request, weighed: Weighed, answer: Answer) -> Answer:
        """The answer with what it says of the request before."""
        scope = request.headers.get("anthropic-beta", "")
        previous = weighed.body["diagnostics"]["previous_message_id"]
        found = self._diagnoses.compare(previous, scope, weighed.prompt)
        self._diagnoses.remember(answer.message_id, scope, weighed.prompt)
        return replace(answer, more={"diagnostics": found})

    async def _count_tokens(self, request: web.Request) -> web.StreamResponse:
        line = self._line(request, "count_tokens")
        try:
            weighed = await self._weighed(request, line)
        except Refused as refused:
            return _refused(line, refused)
        line.complete = True
        return _json(line, {"input_tokens": weighed.split.total})

    async def _models(self, request: web.Request) -> web.StreamResponse:
        if not self._is_anthropics(request):
            return await self._openai.models(request)
        line = self._line(request, "models")
        try:
            self._admitted(request)
        except Refused as refused:
            return _refused(line, refused)
        listed = [
            {"type": "model", "id": model, "display_name": model, "created_at": "2026-01-01T00:00:00Z"}
            for model in MODELS
        ]
        page = {"data": listed, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
        return _json(line, page)

    async def _usage(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"requests": [asdict(line) for line in self.answered]})

    async def _not_found(self, request: web.Request) -> web.StreamResponse:
        if not self._is_anthropics(request):
            return await self._openai.not_found(request)
        return _error(self._line(request, request.path), 404, "Not found")

    def _line(self, request: web.Request, endpoint: str) -> Answered:
        return self._books.line(endpoint, request.headers)

    async def _weighed(self, request: web.Request, line: Answered) -> Weighed:
        """Raises Refused."""
        key = self._admitted(request)
        if "anthropic-version" not in request.headers:
            raise Refused("anthropic-version: header is required")
        betas = sorted({beta.strip() for beta in request.headers.get("anthropic-beta", "").split(",")})
        scope = sha256("\0".join([key, *betas]).encode()).hexdigest()
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise Refused(ERRORS[413][1], 413) from None
        weighed = self._judge.weigh(raw, scope=scope, now=line.at, endpoint=line.endpoint)
        asked(weighed.body, ",".join(betas))
        return weighed

    def _admitted(self, request: web.Request) -> str:
        """The key of the request. Raises Refused."""
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = request.headers.get("x-api-key", bearer)
        if (not key and not self._openai.open) or (self._key and key != self._key):
            raise Refused("invalid x-api-key" if key else "x-api-key header is required", 401)
        return key

    def _step(self, request: web.Request, weighed: Weighed) -> tuple[Step, Fault]:
        """What to answer, and what goes wrong: a script's fault only for the first tries of this prompt.

        Raises Refused for a fault that there is not.
        """
        offered = {tool.get("name") for tool in weighed.body.get("tools") or []}
        step = self._script.step(weighed.body["messages"], offered)
        try:
            return step, self._faults.of(request, weighed.ident, step.fault, step.times)
        except ValueError as error:
            raise Refused(str(error)) from None

    def _is_anthropics(self, request: web.Request) -> bool:
        """Whose answer a request wants that both could get: OpenAI's clients send a bearer and nothing else."""
        headers = request.headers
        bare = "authorization" not in headers and not self._openai.open
        return "anthropic-version" in headers or "x-api-key" in headers or bare


def _failed(request: web.Request, line: Answered, fault: Fault) -> web.Response | None:
    """The answer of a fault that comes before any of the model's."""
    if fault.kind == "status":
        headers = {"retry-after": fault.argument} if fault.argument else {}
        return _error(line, fault.status, ERRORS[fault.status][1], headers)
    if fault.kind == "html":
        line.status = 502
        return web.Response(status=502, text=HTML_PAGE, content_type="text/html")
    if fault.kind == "reset":
        reset_connection(request)
        return _error(line, 500, "reset")
    return None


def _error(line: Answered, status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = error_body(ERRORS[status][0], message, line.request_id)
    return _json(line, body, status, headers)


def _refused(line: Answered, refused: Refused) -> web.Response:
    body = error_body(ERRORS[refused.status][0], str(refused), line.request_id)
    if refused.details:
        body["error"]["details"] = refused.details
    return _json(line, body, refused.status)


def _json(
    line: Answered, body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    line.status = status
    return web.json_response(body, status=status, headers={"request-id": line.request_id, **(headers or {})})
