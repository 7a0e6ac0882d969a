"""The life of the daemon: lock, bind, state file, serve, drain, gone. The proxy itself is handed in.

Whoever holds the lock clears what a killed daemon left, binds, and only then writes the state file;
a stop drains open requests, a second one cuts them.

Example: `run(load(port=7500), assemble=proxy)` serves until a signal and returns the exit code.
"""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

from synrouter_cli import __version__
from synrouter_cli.addresses import check_self_loop
from synrouter_cli.daemon import client, lock, logs, process, state
from synrouter_cli.daemon.console import Console, duplicate
from synrouter_cli.daemon.face import Face
from synrouter_cli.daemon.state import State
from synrouter_cli.daemon.tokens import TokenStore
from synrouter_cli.daemon.voice import Say, Voice
from synrouter_cli.errors import EXIT_INTERRUPTED, AlreadyRunning, ConfigError, NotHere, PortBusy, SynrouterError
from synrouter_cli.listening import HOST
from synrouter_cli.paths import Paths
from synrouter_cli.settings import Settings

log = logging.getLogger(__name__)

_DESCRIPTORS = 8192  # two for each stream, and macOS starts a process with 256


class Running(Protocol):
    """A proxy that serves."""

    @property
    def port(self) -> int: ...

    @property
    def in_flight(self) -> int: ...

    async def close(self, drain_s: float) -> None:
        """Take no more requests, give those in flight `drain_s` seconds, cut the rest."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the process gives the proxy."""

    settings: Settings
    tokens: TokenStore
    instance: str
    started_at: float
    shutdown: Callable[[], None]
    say: Say
    """Says the line of a turn; never blocks, never raises, callable from any thread."""
    warn: Say = log.warning
    """Says what a person should know, beside the turns' lines and in the log."""
    learned: Callable[[Iterable[str]], None] = lambda _: None
    """Told keys that come later, so that the log hides them."""


Assemble = Callable[[Parts], AbstractAsyncContextManager[Running]]


def run(settings: Settings, *, assemble: Assemble, detached: bool = False, face: Face | None = None) -> int:
    """Serve until told to stop; 0, or 130 after Ctrl-C.

    What there is to say goes to stdout; `detached` to the log, since nobody reads along; with a `face` to that.
    Raises AlreadyRunning, PortBusy, ConfigError; nothing is left behind then.
    """
    _check_bundles(settings)
    umask = os.umask(0o077)
    try:
        settings.paths.create()
        with lock.hold(settings.paths.lock_file):
            state.remove(settings.paths.state_file)
            return _run_locked(settings, assemble, detached, face)
    except AlreadyRunning:
        raise already_running(settings.paths) from None
    finally:
        os.umask(umask)


def already_running(paths: Paths) -> AlreadyRunning:
    """What to tell who starts a second daemon: which one runs, as far as its state file can be believed."""
    found = client.believable_state(paths)
    if found is None:
        return AlreadyRunning(where="")
    where = f"pid {found.pid}, http://{HOST}:{found.port}"
    if found.version == __version__:
        return AlreadyRunning(where=f" ({where})")
    where = f" ({where}) as version {found.version}, this is {__version__}"
    return AlreadyRunning(where=where, hint="synrouter down && synrouter up")


def _run_locked(settings: Settings, assemble: Assemble, detached: bool, face: Face | None) -> int:
    tokens = TokenStore(settings.paths)
    secret_values = [secret.reveal() for secret in settings.provider_keys.values()]
    redactor = logs.Redactor(secret_values)
    handler = logs.install(settings.paths.log_file, redactor)
    _raise_descriptor_limit()
    if detached:
        os.chdir("/")  # whoever wants to remove or unmount the directory can
    try:
        with (
            Console(duplicate(sys.stdout)) as lines,
            Console(duplicate(sys.stderr)) as notes,
            asyncio.Runner(loop_factory=_loop_factory()) as runner,
        ):
            voice = Voice(log.info, log.info, greets=False) if detached else Voice(lines.say, notes.say, face)
            return runner.run(_serve(settings, tokens, assemble, voice, redactor))
    finally:
        state.remove(settings.paths.state_file)
        logging.getLogger().removeHandler(handler)
        handler.close()


async def _serve(
    settings: Settings, tokens: TokenStore, assemble: Assemble, voice: Voice, redactor: logs.Redactor
) -> int:
    stop = _Stop()
    stop.listen(asyncio.get_running_loop())
    started_at = time.time()

    def warn(text: str) -> None:
        log.warning("%s", text)
        if voice.greets:
            voice.turn(f"synrouter: {text}")

    instance = secrets.token_hex(16)
    parts = Parts(settings, tokens, instance, started_at, stop.request, voice.turn, warn, redactor.learn)
    async with AsyncExitStack() as stack:
        try:
            running = await stack.enter_async_context(assemble(parts))
        except OSError as error:
            raise _bind_error(error, settings) from None
        drain_s = 0.0
        try:
            check_self_loop(settings.upstreams, running.port)
            serving = _describe(settings, running.port, parts.instance)
            state.write(settings.paths.state_file, serving)
            log.info("listening on port %d, instance %s", running.port, parts.instance)
            _warn(settings.listening.warning(running.port), voice)
            async with voice.speaking(f"synrouter: listening on http://{HOST}:{running.port}", stop.request):
                await stop.wanted.wait()
            drain_s = settings.drain_s
            if running.in_flight:
                voice.note(_draining(running.in_flight, drain_s))
            with suppress(OSError):  # a full disk must not cut what is in flight
                state.write(settings.paths.state_file, dataclasses.replace(serving, stopping=True))
        finally:
            await _close(running, drain_s, stop)
    log.info("stopped after %.0f s", time.time() - started_at)
    return EXIT_INTERRUPTED if stop.by_keyboard else 0


def _warn(warning: str, voice: Voice) -> None:
    """Write down what whoever starts it should know, and say it where somebody reads along."""
    if warning:
        log.warning("%s", warning)
        if voice.greets:
            voice.note(f"synrouter: {warning}")


async def _close(running: Running, drain_s: float, stop: _Stop) -> None:
    """Close, and close at once as soon as a second stop is wanted."""
    draining = asyncio.ensure_future(running.close(drain_s))
    impatient = asyncio.ensure_future(stop.wanted_now.wait())
    await asyncio.wait({draining, impatient}, return_when=asyncio.FIRST_COMPLETED)
    impatient.cancel()
    if not draining.done():
        log.warning("second stop: cutting %d requests", running.in_flight)
        await running.close(0)
    await draining


class _Stop:
    """What was asked for: first a stop, then a stop at once."""

    def __init__(self) -> None:
        self.wanted = asyncio.Event()
        self.wanted_now = asyncio.Event()
        self.by_keyboard = False

    def request(self) -> None:
        (self.wanted_now if self.wanted.is_set() else self.wanted).set()

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
                continue  # nohup
            try:
                loop.add_signal_handler(number, self._on_signal, number)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda got, _: loop.call_soon_threadsafe(self._on_signal, got))

    def _on_signal(self, number: int) -> None:
        if not self.wanted.is_set():
            self.by_keyboard = number == signal.SIGINT
        self.request()


def _describe(settings: Settings, port: int, instance: str) -> State:
    return State(
        pid=os.getpid(),
        create_time=process.create_time(os.getpid()),
        port=port,
        instance=instance,
        version=__version__,
        mode=settings.mode,
        level=settings.level,
        upstreams=settings.upstreams,
        keys=settings.key_sources,
        drain_s=settings.drain_s,
        listen=settings.listening.address,
        allow_hosts=settings.listening.allow_hosts,
    )


def _draining(in_flight: int, drain_s: float) -> str:
    noun = "request" if in_flight == 1 else "requests"
    return f"synrouter: finishing {in_flight} {noun}, up to {drain_s:g} s; Ctrl-C again cuts them"


def _bind_error(error: OSError, settings: Settings) -> Exception:
    port, address = settings.port, getattr(error, "address", HOST)
    if error.errno == errno.EADDRINUSE:
        return PortBusy(port=port, address=address)
    if error.errno == errno.EADDRNOTAVAIL and address != HOST:
        return NotHere(address=address)
    if error.errno in (errno.EACCES, errno.EADDRNOTAVAIL):
        return SynrouterError(
            detail=f"Port {port} can't be used: {os.strerror(error.errno)}.", hint="synrouter up --port 7477"
        )
    return error


def _check_bundles(settings: Settings) -> None:
    for bundle in settings.ca_bundles:
        if not bundle.is_file():
            raise ConfigError(where=str(bundle), detail="no such file of certificates")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # an extra
        return None
    return uvloop.new_event_loop


def _raise_descriptor_limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
