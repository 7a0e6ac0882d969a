"""The proxy as one thing to start and to close: port, parser and exchange put together.

aiohttp parses and frames; it neither routes, logs, decompresses nor answers errors by itself here.

    running = await start(settings, services)
    await running.close(drain_s=30)
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from synrouter_cli.errors import InvalidRequest, SynrouterError
from synrouter_cli.proxy.attempts import Attempts
from synrouter_cli.proxy.bodies import Budget, Limits
from synrouter_cli.proxy.budgeting import Budgets, unlimited
from synrouter_cli.proxy.control import Control, Ledger
from synrouter_cli.proxy.control import Turns as LiveTurns
from synrouter_cli.proxy.course import Turns as PlanningTurns
from synrouter_cli.proxy.credentials import Credentials
from synrouter_cli.proxy.delivery import Delivery
from synrouter_cli.proxy.door import Door, bind
from synrouter_cli.proxy.draining import Drains
from synrouter_cli.proxy.exchange import Exchange
from synrouter_cli.proxy.guard import Guard, Tokens
from synrouter_cli.proxy.live import Live, place
from synrouter_cli.proxy.pinging import Pinger
from synrouter_cli.proxy.pinging import Turns as PingingTurns
from synrouter_cli.proxy.provider_keys import FixedKeys, Keys
from synrouter_cli.proxy.relay import refusal
from synrouter_cli.proxy.resting import Rests
from synrouter_cli.proxy.upstream import Upstream, slept_s
from synrouter_cli.proxy.wayfinding import Ways
from synrouter_cli.settings import Settings

log = logging.getLogger("synrouter.proxy")

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_LINE_BYTES: Final = 16 * 1024
_FIELD_BYTES: Final = 32 * 1024
_LINGER_S: Final = 1.0
_LAST_WORDS_S: Final = 2.0


class Turns(PlanningTurns, LiveTurns, PingingTurns, Protocol):
    """Who plans and records turns, says what is live of them and what is to be kept so."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the proxy is given by the process it runs in."""

    tokens: Tokens
    turns: Turns
    ledger: Ledger
    instance: str
    """Random per run: proves to our own commands that this port is the daemon they look for."""
    scope_key: bytes = field(repr=False)
    """Random per installation, up to 64 bytes: keys the digests of credentials."""
    shutdown: Callable[[], None]
    started_at: float
    """Seconds since the epoch."""
    clock: Callable[[], float] = time.time
    """The wall clock by which turns are dated and entries live."""
    keys: Keys | None = None
    """Who holds the providers' keys; those of the settings where it is None."""
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Provider → models that it is known to have."""
    budgets: Budgets = field(default_factory=unlimited)
    """What was spent, against the limits of the settings; the turns tell it what they cost."""
    rests: Rests = field(default_factory=Rests)
    """Which providers are not asked for a while where there are others."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits so many seconds of that clock."""
    slept_s: Callable[[], float] = slept_s
    """For how long the machine has slept, in seconds from any beginning."""
    room_wait_s: float = 10.0
    """How long a body waits for room in the budget."""
    body_silence_s: float = 30.0
    """How long a client may be silent in the middle of its body."""
    idle_connection_s: float = 300.0
    """How long a connection may stay open without a complete request's head on it."""


async def start(settings: Settings, services: Services) -> Running:
    """Bind to what `settings.listening` says and serve. Raises NotBound where an address or the port can't be had."""
    upstream = Upstream(
        base_urls=settings.upstreams,
        providers=settings.providers,
        proxies=settings.proxies,
        ca_bundles=settings.ca_bundles,
        connect_timeout_s=settings.connect_timeout_s,
        idle_timeout_s=settings.idle_timeout_s,
        slept_s=services.slept_s,
    )
    try:
        return await _serve(settings, services, upstream)
    except BaseException:
        await upstream.close()
        raise


async def _serve(settings: Settings, services: Services, upstream: Upstream) -> Running:
    live = Live()
    pinger = None
    if settings.keep_warm.enabled:
        pinger = Pinger(services.turns, upstream, clock=services.clock, sleep=services.sleep)
    entrance: _Entrance
    # The guard must know the port before the first connection is taken.
    door = await bind(lambda: entrance(), settings.listening.binds, settings.port)
    port = door.port
    limits = Limits(settings.max_body_bytes, settings.in_flight_bytes, services.room_wait_s, services.body_silence_s)
    keys = services.keys or FixedKeys(settings.provider_keys, settings.key_sources)
    ways = Ways(settings, keys, services.models)
    credentials = Credentials(upstream, keys)
    delivery = Delivery(upstream, live, settings.ping_interval_s, services.clock)
    attempts = Attempts(
        turns=services.turns,
        upstream=upstream,
        credentials=credentials,
        ways=ways,
        delivery=delivery,
        scope_key=services.scope_key,
        clock=services.clock,
        budgets=services.budgets,
        pinger=pinger,
        rests=services.rests,
        sleep=services.sleep,
    )
    exchange = Exchange(
        guard=Guard(services.tokens, port=port, listening=settings.listening),
        control=Control(
            port=port,
            instance=services.instance,
            started_at=services.started_at,
            tokens=services.tokens,
            ledger=services.ledger,
            turns=services.turns,
            keys=keys,
            shutdown=services.shutdown,
            budgets=services.budgets,
            rests=attempts.rests,
        ),
        upstream=upstream,
        budget=Budget(limits),
        limits=limits,
        ways=ways,
        credentials=credentials,
        live=live,
        delivery=delivery,
        attempts=attempts,
    )
    entrance = _Entrance(exchange.handle, services.idle_connection_s)
    await door.start_serving()
    if pinger is not None:
        pinger.start()
    return Running(door, entrance, upstream, live, pinger, attempts.drains)


class Running:
    """A proxy that serves, until it is closed."""

    def __init__(
        self,
        door: Door,
        entrance: _Entrance,
        upstream: Upstream,
        live: Live,
        pinger: Pinger | None = None,
        drains: Drains | None = None,
    ) -> None:
        self.port = door.port
        self._drains = drains or Drains()
        self._pinger = pinger
        self._door = door
        self._entrance = entrance
        self._upstream = upstream
        self._live = live
        self._hurry = asyncio.Event()
        self._closed = asyncio.Event()
        self._closing = False

    @property
    def in_flight(self) -> int:
        return self._live.in_flight

    def cut(self) -> None:
        """End all that is in flight now; streams get an error event as their last."""
        self._hurry.set()
        self._live.cut()

    async def close(self, drain_s: float) -> None:
        """Take no more connections, give what is in flight `drain_s` seconds, cut the rest.

        A second call hurries the first one and returns with it.
        """
        if self._closing:
            self.cut()
            await self._closed.wait()
            return
        self._closing = True
        self._door.close()
        self._entrance.drain()
        if self._pinger is not None:
            await self._pinger.stop()
        await self._drain(drain_s)
        self.cut()
        await self._live.wait_idle(_LAST_WORDS_S)
        await self._entrance.shutdown(timeout=0.5)
        await self._drains.stop()
        await self._upstream.close()
        self._closed.set()

    async def _drain(self, seconds: float) -> None:
        idle = asyncio.ensure_future(self._live.wait_idle(seconds))
        hurry = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait({idle, hurry}, return_when=asyncio.FIRST_COMPLETED)
        for waiter in (idle, hurry):
            waiter.cancel()
        await asyncio.gather(idle, hurry, return_exceptions=True)


class _Entrance(web.Server):
    """Makes the protocol of each connection, and keeps them to close them in the end."""

    def __init__(self, handler: Handler, idle_connection_s: float) -> None:
        super().__init__(self._handle, handler_cancellation=True)
        self._handler = handler
        self._draining = False
        self._options: dict[str, Any] = {
            "access_log": None,
            "logger": log,
            "auto_decompress": False,
            "keepalive_timeout": idle_connection_s,
            "lingering_time": _LINGER_S,
            "max_line_size": _LINE_BYTES,
            "max_field_size": _FIELD_BYTES,
        }

    def drain(self) -> None:
        """Close the connections that have no request, and each other one after its answer."""
        self._draining = True
        for connection in self.connections:
            if isinstance(connection, _Connection):
                connection.close_if_idle()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        response = await self._handler(request)
        if self._draining:
            response.force_close()
        return response

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), **self._options)


class _Connection(RequestHandler):
    """aiohttp's connection, but for its own error pages and its log, which quote what was sent."""

    __slots__ = ()

    def close_if_idle(self) -> None:
        """Close unless a request is under way. aiohttp's own `close` would also stop reading its body."""
        if self._waiter is not None:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionResetError
        if status == 400:
            response = refusal(InvalidRequest(detail="This is not HTTP/1.1 as it is served here."))
        else:
            response = refusal(SynrouterError(detail="This request met an error of ours."))
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        error = kw.get("exc_info")
        log.debug("a connection failed: %s", place(error) if isinstance(error, BaseException) else "unknown")

    def log_debug(self, *args: Any, **kw: Any) -> None:
        return None
