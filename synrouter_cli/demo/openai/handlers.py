"""OpenAI's APIs over HTTP: thin, what is answered comes from `upstream.py`.

>>> sorted(PREFIXES)[:3]
['/api/coding/paas/v4', '/api/paas/v4', '/api/v1']
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from aiohttp import web

from synrouter_cli.demo.books import Answered, Books
from synrouter_cli.demo.faults import HTML_PAGE, Fault, Faults, reset_connection, send_frames
from synrouter_cli.demo.openai import chat, responses
from synrouter_cli.demo.openai.chat import ChatAnswer
from synrouter_cli.demo.openai.embeddings import embedded, embedding_refusal
from synrouter_cli.demo.openai.errors import STATUSES, Refusal, invalid_key
from synrouter_cli.demo.openai.flavours import Flavour
from synrouter_cli.demo.openai.upstream import Answer, Asked, Dialect, Refused, Sender, Upstream, decoded

__all__ = ["PREFIXES", "OpenAIApi"]

PREFIXES: Final = (
    "/v1",
    "/api/v1",
    "/v1beta/openai",
    "/openai/v1",
    "/inference/v1",
    "/compatible-mode/v1",
    "/api/paas/v4",
    "/api/coding/paas/v4",
)
"""Where the providers have these APIs: OpenAI, OpenRouter and relays, Gemini, Groq, Fireworks, Model Studio, Z.ai."""
_CREATED: Final = 1_767_225_600


class OpenAIApi:
    """Its lines stand in the same books; where `key` is set, it is the only one taken."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Where these APIs stand: DeepSeek has them without a version, too."""
        return (*PREFIXES, "") if self._upstream.flavour.name == "deepseek" else PREFIXES

    @property
    def open(self) -> bool:
        """Whether a request without any key is taken."""
        return not (self._upstream.flavour.needs_key or self._key)

    def __init__(self, upstream: Upstream, books: Books, faults: Faults, *, key: str, pace: float) -> None:
        self._upstream = upstream
        self._books = books
        self._faults = faults
        self._key = key
        self._pace = pace

    def add_routes(self, router: web.UrlDispatcher) -> None:
        for prefix in self.prefixes:
            router.add_post(f"{prefix}/chat/completions", self._chat)
            router.add_post(f"{prefix}/responses", self._responses)
            router.add_get(f"{prefix}/responses", self._upgrade)
            router.add_post(f"{prefix}/responses/input_tokens", self._input_tokens)
            router.add_post(f"{prefix}/embeddings", self._embeddings)
        router.add_get("/api/v1/key", self._whose_key)

    async def models(self, request: web.Request) -> web.StreamResponse:
        """`GET /v1/models`."""
        line = self._books.line("models", request.headers, "chat")
        try:
            self._sender(request)
        except Refused as refused:
            return _error(line, refused.refusal)
        listed = [
            {"id": model, "object": "model", "created": _CREATED, "owned_by": self._upstream.flavour.name}
            for model in self._upstream.flavour.models
        ]
        return _json(line, {"object": "list", "data": listed})

    async def _whose_key(self, request: web.Request) -> web.StreamResponse:
        """`GET /api/v1/key`, OpenRouter's: whether a key is good."""
        line = self._books.line("key", request.headers, "chat")
        try:
            self._sender(request)
        except Refused as refused:
            return _error(line, refused.refusal)
        return _json(line, {"data": {"label": "sk-or-…", "usage": 0, "limit": None, "is_free_tier": False}})

    async def not_found(self, request: web.Request) -> web.StreamResponse:
        """Any path that there is not."""
        line = self._books.line(request.path, request.headers, "chat")
        return _error(line, Refusal(f"Invalid URL ({request.method} {request.path})", status=404))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._turn(request, "chat", "chat/completions")

    async def _responses(self, request: web.Request) -> web.StreamResponse:
        return await self._turn(request, "responses", "responses")

    async def _turn(self, request: web.Request, dialect: Dialect, endpoint: str) -> web.StreamResponse:
        line = self._books.line(endpoint, request.headers, dialect)
        try:
            asked = await self._weighed(request, line, dialect)
            fault = self._fault(request, asked)
        except Refused as refused:
            return _error(line, refused.refusal)
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        failed = _failed(request, line, fault)
        if failed is not None:
            return failed
        answer = self._upstream.answer(asked, asked.step, line.at)
        line.usage, line.cached, line.written = dict(answer.usage), asked.looked.cached, asked.looked.written
        if not asked.stream:
            line.complete = True
            return _json(line, answer.body())
        response = web.StreamResponse(headers={"x-request-id": line.request_id, "cache-control": "no-cache"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        frames, broken = _frames(answer, asked, self._upstream.flavour), _broken(answer, fault)
        line.complete = await send_frames(request, response, frames, broken, fault, self._pace)
        return response

    async def _input_tokens(self, request: web.Request) -> web.StreamResponse:
        line = self._books.line("responses/input_tokens", request.headers, "responses")
        try:
            asked = await self._weighed(request, line, "responses")
        except Refused as refused:
            return _error(line, refused.refusal)
        line.complete = True
        return _json(line, {"object": "response.input_tokens", "input_tokens": asked.prompt.tokens})

    async def _embeddings(self, request: web.Request) -> web.StreamResponse:
        line = self._books.line("embeddings", request.headers, "chat")
        try:
            self._sender(request)
            body = decoded(await _read(request))
        except Refused as refused:
            return _error(line, refused.refusal)
        refusal = embedding_refusal(body)
        if refusal is not None:
            return _error(line, refusal)
        answer = embedded(body)
        line.model, line.complete, line.usage = str(body["model"]), True, answer["usage"]
        return _json(line, answer)

    async def _upgrade(self, request: web.Request) -> web.StreamResponse:
        """Responses by WebSocket are not there: clients fall back at once on this status."""
        line = self._books.line("responses", request.headers, "responses")
        return _error(line, Refusal("WebSocket connections are not served here.", status=426))

    async def _weighed(self, request: web.Request, line: Answered, dialect: Dialect) -> Asked:
        """Raises Refused."""
        sender = self._sender(request)
        asked = self._upstream.weigh(dialect, await _read(request), sender, now=line.at)
        line.model, line.streamed, line.tools = asked.model, asked.stream, len(asked.offered)
        key = asked.body.get("prompt_cache_key")
        line.cache_key = sha256(str(key).encode()).hexdigest()[:16] if key else ""
        return asked

    def _sender(self, request: web.Request) -> Sender:
        """Raises Refused: a bearer is the only key, `x-api-key` is none."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip() if scheme.lower() == "bearer" else ""
        if not self.open and (not key or (self._key and key != self._key)):
            raise Refused(invalid_key(bool(key)))
        header = self._upstream.flavour.shard_header
        named = request.headers.get(header, "") if header else ""
        return Sender(sha256(key.encode()).hexdigest(), named)

    def _fault(self, request: web.Request, asked: Asked) -> Fault:
        try:
            return self._faults.of(request, asked.prompt.ident, asked.step.fault, asked.step.times)
        except ValueError as error:
            raise Refused(Refusal(str(error))) from None


def _frames(answer: Answer, asked: Asked, flavour: Flavour) -> list[bytes]:
    if not isinstance(answer, ChatAnswer):
        return responses.framed(answer.events())
    options = asked.body.get("stream_options") or {}
    # a relay that says it is at work, in a comment (openrouter.ai, "Streaming")
    comment = [b": OPENROUTER PROCESSING\n\n"] if flavour.name == "openrouter" else []
    usage = flavour.tells_usage or bool(options.get("include_usage"))
    return [*comment, *chat.framed(answer.chunks(usage=usage))]


def _broken(answer: Answer, fault: Fault) -> bytes:
    """How the dialect says in the middle of a stream that something went wrong."""
    code = fault.argument or "server_error"
    if isinstance(answer, ChatAnswer):
        body = Refusal(STATUSES[500].message, kind=code, code=code).body()
        return f"data: {json.dumps(body)}\n\n".encode()
    return responses.framed([responses.failed(answer, code)])[0]


async def _read(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused(STATUSES[413]) from None


def _failed(request: web.Request, line: Answered, fault: Fault) -> web.Response | None:
    """The answer of a fault that comes before any of the model's."""
    if fault.kind == "status":
        headers = {"retry-after": fault.argument} if fault.argument else {}
        return _error(line, STATUSES[fault.status], headers)
    if fault.kind == "html":
        line.status = 502
        return web.Response(status=502, text=HTML_PAGE, content_type="text/html")
    if fault.kind == "reset":
        reset_connection(request)
        return _error(line, STATUSES[500])
    return None


def _error(line: Answered, refusal: Refusal, headers: Mapping[str, str] | None = None) -> web.Response:
    return _json(line, refusal.body(), refusal.status, headers)


def _json(
    line: Answered, body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    line.status = status
    return web.json_response(body, status=status, headers={"x-request-id": line.request_id, **(headers or {})})
