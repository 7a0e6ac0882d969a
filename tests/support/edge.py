"""The proxy's edge between a scripted upstream and a raw client, all in one event loop.

Both ends are plain sockets, so that a test says exactly which bytes go over them.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from synrouter_cli.credentials import Secret
from synrouter_cli.paths import find_paths
from synrouter_cli.proxy.app import Running, Services, start
from synrouter_cli.proxy.turn import Inbound, Outcome
from synrouter_cli.settings import Settings

CLIENT_TOKEN = "sk-sr-local-" + "c" * 43
CONTROL_TOKEN = "sk-sr-control-" + "k" * 43
PROVIDER_KEY = "sk-ant-api03-canary-of-the-provider"
DEADLINE_S = 5.0


def event(name: str, **fields: Any) -> bytes:
    """One server-sent event as Anthropic writes them."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields}, ensure_ascii=False)}\n\n".encode()


def stream(text: str = "Hello", *, pieces: int = 3) -> list[bytes]:
    """The events of a whole streamed answer."""
    usage = {"input_tokens": 12, "cache_read_input_tokens": 90, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5"}
    deltas = [
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": f"{text} {i} naïve ✓ 漢字 😀 "})
        for i in range(pieces)
    ]
    return [
        event("message_start", message={**message, "content": [], "stop_reason": None, "usage": usage}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("ping"),
        *deltas,
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 42}),
        event("message_stop"),
    ]


MESSAGE = json.dumps(
    {
        "id": "msg_2",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }
).encode()


def head(status: int = 200, **headers: str) -> bytes:
    """A response head; underscores in names are dashes."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


SSE_HEAD = head(content_type="text/event-stream; charset=utf-8", transfer_encoding="chunked")
LAST_CHUNK = b"0\r\n\r\n"


def whole(body: bytes, status: int = 200, **headers: str) -> bytes:
    """A whole response of known length."""
    return head(status, **{"content_type": "application/json", **headers}, content_length=str(len(body))) + body


# ── the upstream ──


@dataclass
class Received:
    """One request as the upstream got it."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header.lower() == name.lower()]


@dataclass
class Wire:
    """The upstream's side of one connection, for scripts."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Return once the other side has closed."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            return


Script = Callable[[Received, Wire], Awaitable[None]]


def says(data: bytes) -> Script:
    """A script that sends `data` and waits for the next request."""

    async def script(_: Received, wire: Wire) -> None:
        await wire.send(data)

    return script


class Upstream:
    """A provider that follows a script. `scripts` are used one a request, the last for all that follow."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.scripts: list[Script] = [says(whole(MESSAGE))]
        self.errors: list[BaseException] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def plays(self, *scripts: Script | bytes) -> None:
        self.scripts = [says(script) if isinstance(script, bytes) else script for script in scripts]

    async def open(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._converse(Wire(reader, writer), self.connections)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        except BaseException as error:
            self.errors.append(error)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _converse(self, wire: Wire, number: int) -> None:
        while not wire.writer.transport.is_closing():
            line, headers = await read_head(wire.reader)
            received = Received(line, headers, await read_body(wire.reader, headers), number)
            self.received.append(received)
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            await script(received, wire)


async def read_head(reader: asyncio.StreamReader) -> tuple[str, list[tuple[str, str]]]:
    raw = await reader.readuntil(b"\r\n\r\n")
    line, *rest = raw[:-4].decode("latin-1").split("\r\n")
    return line, [(name, value.strip()) for name, _, value in (one.partition(":") for one in rest)]


async def read_body(reader: asyncio.StreamReader, headers: list[tuple[str, str]]) -> bytes:
    names = {name.lower(): value for name, value in headers}
    if names.get("transfer-encoding") == "chunked":
        return b"".join([piece async for piece in _pieces(reader)])
    return await reader.readexactly(int(names.get("content-length", "0")))


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readline(), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)


# ── the client ──


@dataclass
class Response:
    """What the client got. `complete` is False where the framing says that a part is missing."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    complete: bool

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header.lower() == name.lower()]

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, str]:
        """The error of a body in Anthropic's shape, or OpenAI's."""
        answer = self.json()
        assert answer.get("type", "error") == "error", answer
        error: dict[str, str] = answer["error"]
        return error


class Connection:
    """A client's connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, seconds: float = DEADLINE_S) -> tuple[int, list[tuple[str, str]]]:
        async with asyncio.timeout(seconds):
            line, headers = await read_head(self.reader)
        return int(line.split()[1]), headers

    async def response(self, seconds: float = DEADLINE_S) -> Response:
        """The next response, whole or cut."""
        status, headers = await self.head(seconds)
        body = bytearray()
        complete = True
        names = {name.lower(): value for name, value in headers}
        try:
            async with asyncio.timeout(seconds):
                if names.get("transfer-encoding") == "chunked":
                    async for piece in _pieces(self.reader):
                        body += piece
                else:
                    left = int(names.get("content-length", "0"))
                    while left:
                        piece = await self.reader.read(left)
                        if not piece:
                            raise EOFError
                        body += piece
                        left -= len(piece)
        except (asyncio.IncompleteReadError, ConnectionError, EOFError, ValueError):
            complete = False
        return Response(status, headers, bytes(body), complete)

    async def closed(self) -> bool:
        """Whether the proxy closes this connection without another byte."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self.writer.transport.abort()


def request(
    port: int,
    method: str = "POST",
    target: str = "/v1/messages",
    body: bytes = b"{}",
    headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
    *,
    token: str | None = CLIENT_TOKEN,
) -> bytes:
    """A request's bytes; `token` as x-api-key."""
    pairs = [("Host", f"127.0.0.1:{port}")]
    if token is not None:
        pairs.append(("x-api-key", token))
    pairs += headers.items() if isinstance(headers, Mapping) else headers or []
    if body:
        pairs.append(("Content-Length", str(len(body))))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


# ── the proxy ──


class Tokens:
    """The two local tokens."""

    reloaded = 0

    def is_client(self, presented: bytes) -> bool:
        return presented == CLIENT_TOKEN.encode()

    def is_control(self, presented: bytes) -> bool:
        return presented == CONTROL_TOKEN.encode()

    def reload(self) -> None:
        self.reloaded += 1


@dataclass
class Turn:
    """A turn that changes nothing unless `edit` does, and keeps what it is told."""

    inbound: Inbound
    number: int
    body: bytes
    edited: bool
    fallback: bytes | None = None
    beta: str = ""
    wire: bytes | None = None
    session_id: str = "session-1"
    client: str = "unknown"
    conversation: str = "session-1"
    plan: str = "safe; marks=0"
    responses: list[int] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    fell_back: bool = False
    finished_at: float = 0.0

    def original(self) -> None:
        self.fell_back = True

    def responding(self, http_status: int) -> None:
        self.responses.append(http_status)

    def finish(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.finished_at = time.monotonic()

    @property
    def outcome(self) -> Outcome:
        assert len(self.outcomes) == 1, self.outcomes
        return self.outcomes[0]


class Turns:
    """Keeps every turn that began."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.edit: Callable[[bytes], bytes] | None = None
        self.content: Callable[[bytes], bytes] | None = None
        """The edit of the content alone, which stays where markers are refused."""
        self.fails = False

    def begin(self, inbound: Inbound) -> Turn:
        if self.fails:
            raise RuntimeError(f"planning failed on {inbound.body!r}")
        body = self.edit(inbound.body) if self.edit else inbound.body
        turn = Turn(inbound, len(self.turns) + 1, body, self.edit is not None)
        turn.fallback = self.content(inbound.body) if self.content else None
        self.turns.append(turn)
        return turn

    def count(self, body: bytes, provider: str = "anthropic") -> int:
        return 42

    def warm(self) -> dict[str, float]:
        return {}

    def health(self) -> dict[str, dict[str, Any]]:
        return {}

    def changed_line(self, session: str, turn: int) -> str | None:
        return None


@dataclass(frozen=True)
class LedgerHealth:
    queue: int = 0


class Ledger:
    committed = 5

    def health(self) -> LedgerHealth:
        return LedgerHealth()


@dataclass
class Edge:
    """A running proxy, its upstream, and what it was given."""

    running: Running
    upstream: Upstream
    turns: Turns
    tokens: Tokens
    shutdowns: list[float]

    @property
    def port(self) -> int:
        return self.running.port

    @asynccontextmanager
    async def connect(self, **options: Any) -> AsyncIterator[Connection]:
        connection = Connection(*await asyncio.open_connection("127.0.0.1", self.port, **options))
        try:
            yield connection
        finally:
            connection.close()

    async def ask(self, *arguments: Any, **options: Any) -> Response:
        """Send one request (as `request` takes it) on a connection of its own."""
        return await self.ask_raw(request(self.port, *arguments, **options))

    async def ask_raw(self, data: bytes) -> Response:
        async with self.connect() as connection:
            await connection.send(data)
            return await connection.response()

    async def outcome(self, index: int = -1) -> Outcome:
        """The outcome of a turn, once it is there."""
        await until(lambda: len(self.turns.turns) > max(index, 0) and self.turns.turns[index].outcomes)
        return self.turns.turns[index].outcome


async def until(condition: Callable[[], object], seconds: float = DEADLINE_S) -> None:
    """Wait for a condition; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.002)


@asynccontextmanager
async def running_edge(
    *,
    upstream: Upstream | None = None,
    services: Mapping[str, Any] | None = None,
    points: Iterable[str] = ("anthropic",),
    **settings: Any,
) -> AsyncIterator[Edge]:
    """The proxy on a free port in front of a scripted upstream, which the providers that it `points` there are."""
    upstream = upstream or Upstream()
    if not upstream.port:
        await upstream.open()
    turns, tokens, shutdowns = Turns(), Tokens(), list[float]()
    values: dict[str, Any] = {
        "port": 0,
        "upstreams": dict.fromkeys(points, f"http://127.0.0.1:{upstream.port}"),
        "provider_keys": {"anthropic": Secret(PROVIDER_KEY)},
        **settings,
    }
    running = await start(
        Settings(paths=find_paths(), **values),
        dataclasses.replace(
            Services(
                tokens=tokens,
                turns=turns,
                ledger=Ledger(),
                instance="instance-1",
                scope_key=b"s" * 32,
                shutdown=lambda: shutdowns.append(time.monotonic()),
                started_at=time.time(),
            ),
            **(services or {}),
        ),
    )
    try:
        yield Edge(running, upstream, turns, tokens, shutdowns)
        assert not upstream.errors
    finally:
        await running.close(0)
        await upstream.close()
