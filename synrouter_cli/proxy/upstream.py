"""Asks the provider: one pool of connections, nothing of the request changed on the way.

Paths go out as they came; redirects are not followed; no cookie is kept, no environment read.

Example: `await upstream.send(Call("anthropic", "POST", "/v1/messages", headers, body))` is the head of an answer.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, Protocol

import aiohttp
from yarl import URL

from synrouter_cli.providers import Provider, Relay, builtin, relay_of
from synrouter_cli.proxy.failures import (
    RETRIES,
    Broken,
    Failure,
    Reset,
    UpstreamRedirect,
    diagnose,
    unanswered,
)
from synrouter_cli.proxy.guard import RawHeaders
from synrouter_cli.proxy.headers import Pairs

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_LARGE: Final = 1024 * 1024
_SLICE: Final = 256 * 1024
_READ_BUFFER: Final = 64 * 1024
_HEADER_BYTES: Final = 64 * 1024
_IDLE_CONNECTION_S: Final = 90.0
_ASLEEP_S: Final = 5.0
_MOST_OLD: Final = 4
"""Pools whose answers may still be under way: none of them outlasts so many sleeps."""


log = logging.getLogger("synrouter.proxy")


def slept_s() -> float:
    """By how much the wall clock is ahead of the monotonic one, which stands still while the machine sleeps: in a
    suspended laptop or a stopped virtual machine. A clock that is set ahead looks like a sleep, and harms as little."""
    return time.time() - time.monotonic()


class ProxyRoutes(Protocol):
    """Which proxy an address is reached through."""

    def for_url(self, url: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a provider. `body` is None (none), bytes, or a stream, which is never sent twice."""

    provider: str
    method: str
    path: str
    """The provider's own path and query, as they came: never encoded or decoded."""
    headers: Pairs
    body: bytes | AsyncIterator[bytes] | None = None

    @property
    def replayable(self) -> bool:
        return self.body is None or isinstance(self.body, bytes)


class Answer:
    """An upstream's answer whose headers are here and whose body is still to come."""

    def __init__(self, response: aiohttp.ClientResponse, call: Call, *, idle_timeout_s: float) -> None:
        self._response = response
        self._provider = call.provider
        self._idle_timeout_s = idle_timeout_s
        self._ahead: list[bytes] = []
        self.status = response.status
        self.reason = response.reason or ""
        self.headers: RawHeaders = response.raw_headers
        self.attempts = 1
        protocol = response.connection.protocol if response.connection is not None else None
        self._lost = protocol.closed if protocol is not None else None  # an idle protocol is falsy
        if self._lost is not None:
            self._lost.remove_done_callback(_nobody_uses_it)
            self._lost.add_done_callback(self._on_lost)

    async def read(self) -> bytes:
        """The bytes that are there, at least one; empty at the end. Raises Broken."""
        if self._ahead:
            return self._ahead.pop(0)
        try:
            return await self._response.content.readany()
        except TimeoutError:
            raise Broken("idle_timeout") from None
        except aiohttp.ClientPayloadError:
            raise Broken("eof") from None
        except (aiohttp.ClientError, OSError):
            raise Broken("reset") from None

    async def read_ahead(self, limit: int) -> bytes:
        """About the first `limit` bytes; `read` gives them again. Raises Broken."""
        ahead: list[bytes] = []
        try:
            while sum(map(len, ahead)) < limit and (chunk := await self.read()):
                ahead.append(chunk)
        finally:
            self._ahead = [*ahead, *self._ahead]
        return b"".join(ahead)

    def failure(self, broken: Broken) -> Failure:
        """What the client is told where nothing was passed on before it broke."""
        failure = unanswered(broken, self._provider, idle_timeout_s=self._idle_timeout_s)
        failure.attempts = self.attempts
        return failure

    def close(self) -> None:
        """Let go of it: an answer read to its end keeps its connection, any other is cut at once."""
        if self._lost is not None:
            self._lost.remove_done_callback(self._on_lost)
            self._lost.add_done_callback(_nobody_uses_it)
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        self._response.close()

    def _on_lost(self, lost: asyncio.Future[None]) -> None:
        # After a chunk that is none, aiohttp closes the connection and leaves who reads waiting for ever.
        _nobody_uses_it(lost)
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())


def _nobody_uses_it(lost: asyncio.Future[None]) -> None:
    """The end of a kept connection, which asyncio would report as an error that nobody looked at."""
    if not lost.cancelled():
        lost.exception()


@dataclass(slots=True)
class _Attempt:
    """One try at a request; whether it opened a connection of its own."""

    connected: bool = False


# aiohttp connects in tasks of its own, which see this very object in their copy of the context.
_current_attempt: ContextVar[_Attempt] = ContextVar("current_attempt")


class Upstream:
    """The providers, behind one connection pool. To be opened inside the event loop, and closed."""

    def __init__(
        self,
        *,
        base_urls: Mapping[str, str],
        providers: Mapping[str, Provider] | None = None,
        proxies: ProxyRoutes,
        ca_bundles: Iterable[Path] = (),
        connect_timeout_s: float,
        idle_timeout_s: float,
        slept_s: Callable[[], float] = slept_s,
    ) -> None:
        """`base_urls` are those that the user pointed elsewhere; `providers` all there are, the user's own included.
        `slept_s` says how long the machine has slept altogether, in seconds from any beginning."""
        self._homes = {name: each.base_url for name, each in (providers or builtin()).items()}
        self._bases = {**self._homes, **base_urls}
        self._relays = {name: relay_of(base) for name, base in self._bases.items()}
        self._proxies = {name: proxies.for_url(base) for name, base in self._bases.items()}
        self._idle_timeout_s = idle_timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._trust = _trust(self._bases.values(), ca_bundles)
        self._slept_s, self._slept_before = slept_s, slept_s()
        self._session = self._new_session()
        self._old: list[aiohttp.ClientSession] = []

    def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                ssl=self._trust,
                keepalive_timeout=_IDLE_CONNECTION_S,
                socket_factory=_new_socket,
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_timeout_s, sock_read=self._idle_timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            read_bufsize=_READ_BUFFER,
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
            middlewares=(_never_resend,),
        )

    def at_home(self, provider: str) -> bool:
        """Whether a provider is at its own address, not at one that the user named for it."""
        return self._bases[provider] == self._homes.get(provider)

    def relay(self, provider: str) -> Relay | None:
        """The relay that stands in for a provider, where something is known of it."""
        return self._relays[provider]

    async def close(self) -> None:
        for session in (self._session, *self._old):
            await session.close()
        self._old.clear()

    async def send(self, call: Call) -> Answer:
        """The answer's head. Raises Failure."""
        await self._wake()
        failures: dict[str, int] = {}
        for attempt in count(1):
            try:
                answer = await self._attempt(call)
                answer.attempts = attempt
                return answer
            except Failure as failure:
                waits = RETRIES.get(failure.kind, ())
                seen = failures.get(failure.kind, 0)
                if seen >= len(waits) or (failure.kind == "stale" and not call.replayable):
                    failure.attempts = attempt
                    raise
                failures[failure.kind] = seen + 1
                await asyncio.sleep(waits[seen])
        raise AssertionError("unreachable")

    async def _wake(self) -> None:
        """After a sleep of the machine no kept connection is used: the other end has closed them, and where its word
        of that was lost, a request would wait in one for minutes. Answers under way keep theirs."""
        slept = self._slept_s()
        before, self._slept_before = self._slept_before, slept
        if slept - before > _ASLEEP_S:
            log.info("this machine was asleep for about %.0f s: kept connections are given up", slept - before)
            self._old.append(self._session)  # what it keeps is closed when its time is over
            self._session = self._new_session()
            if len(self._old) > _MOST_OLD:
                await self._old.pop(0).close()

    async def _attempt(self, call: Call) -> Answer:
        attempt = _Attempt()
        _current_attempt.set(attempt)
        headers, data = _framed(call)
        try:
            response = await self._session.request(
                call.method,
                URL(self._bases[call.provider] + call.path, encoded=True),
                headers=headers,
                data=data,
                proxy=self._proxies[call.provider],
                allow_redirects=False,
            )
        except Exception as exception:
            raise diagnose(
                exception,
                call.provider,
                reused=not attempt.connected,
                connect_timeout_s=self._connect_timeout_s,
                idle_timeout_s=self._idle_timeout_s,
            ) from None
        answer = Answer(response, call, idle_timeout_s=self._idle_timeout_s)
        if answer.status in _REDIRECTS:
            # Passed on, it would lead the client to take its token and its prompt elsewhere.
            answer.close()
            raise Failure("redirect", UpstreamRedirect(provider=call.provider, status=answer.status))
        return answer


async def _never_resend(
    request: aiohttp.ClientRequest,
    send: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]],
) -> aiohttp.ClientResponse:
    """Keeps aiohttp from repeating GET and DELETE by itself: what is sent again is decided in `send`."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except aiohttp.ServerDisconnectedError as exception:
        # Where a part of an answer had come, it stands in place of the message.
        raise Reset(unanswered=isinstance(exception.message, str)) from None
    except (aiohttp.ClientOSError, aiohttp.ClientConnectionResetError):
        raise Reset(unanswered=True) from None


def _new_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """aiohttp asks for a socket only where no kept connection will do; it says so nowhere else."""
    _current_attempt.get().connected = True
    family, kind, protocol, _, _ = address
    return socket.socket(family, kind, protocol)


def _trust(base_urls: Iterable[str], ca_bundles: Iterable[Path]) -> ssl.SSLContext | bool:
    """The system's certificates and those of `ca_bundles`; not read where nothing speaks TLS."""
    if not any(base.startswith("https:") for base in base_urls):
        return True
    context = ssl.create_default_context()
    for bundle in ca_bundles:
        context.load_verify_locations(cafile=bundle)
    return context


def _framed(call: Call) -> tuple[Pairs, bytes | AsyncIterator[bytes] | None]:
    """Headers and body as aiohttp takes them."""
    if not isinstance(call.body, bytes) or len(call.body) <= _LARGE:
        return call.headers, call.body
    # In one write a large body would lie in the transport's buffer as a second copy.
    return [*call.headers, ("Content-Length", str(len(call.body)))], _slices(call.body)


async def _slices(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _SLICE):
        yield body[start : start + _SLICE]
