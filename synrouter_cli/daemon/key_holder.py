"""The running proxy's keys: those of the settings at once, those of the keyring when it has been read.

The keyring is read once at the start, all keys in one child that waits for a person to unlock it, while the proxy
serves. What was read stays in memory and in the log's redactor; `reload` reads anew.

Example: `holder = KeyHolder(settings); holder.start(); await holder.settle("anthropic"); holder.known["anthropic"]`
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Protocol

from synrouter_cli.credentials import Secret
from synrouter_cli.daemon.key_reading import read_later
from synrouter_cli.errors import KeyringError, KeyringLocked, NoKeyring
from synrouter_cli.keys import Found
from synrouter_cli.settings import Settings

log = logging.getLogger(__name__)

WAIT_S: Final = 3.0
"""How long a request waits for the keyring."""
RELOAD_S: Final = 5.0
AGAIN_S: Final = 0.3
"""A keyring that failed, which may be just starting, is asked once more after so long."""


class Read(Protocol):
    """Reads the keyring; `read_later` but in tests."""

    def __call__(self, providers: Iterable[str], *, patience_s: float) -> Awaitable[Found]: ...


class KeyHolder:
    """Who knows the keys of one running proxy. Lives in its event loop."""

    def __init__(
        self,
        settings: Settings,
        *,
        learned: Callable[[Iterable[str]], None] = lambda _: None,
        read: Read = read_later,
        wait_s: float = WAIT_S,
        reload_s: float = RELOAD_S,
        again_s: float = AGAIN_S,
    ) -> None:
        """`learned` is told each key before anybody can use it."""
        self._given = dict(settings.provider_keys)
        self._given_sources = dict(settings.key_sources)
        self._asked = [name for name in settings.providers if name not in self._given]
        self._patience_s = settings.keyring_wait_s
        self._learned = learned
        self._read = read
        self._wait_s = wait_s
        self._reload_s = reload_s
        self._again_s = again_s
        self._found = Found("")
        self._problem: KeyringError | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def known(self) -> Mapping[str, Secret]:
        """Provider → key; what the user gave by hand goes before the keyring."""
        return {**self._found.keys, **self._given}

    @property
    def sources(self) -> Mapping[str, str]:
        """Provider → where its key came from."""
        kept = dict.fromkeys(self._found.keys, f"the keyring ({self._found.backend})")
        return {**kept, **self._given_sources}

    @property
    def keyring(self) -> str:
        """reading | the backend's name | none | what is wrong; empty where every key comes from elsewhere."""
        if self._reading:
            return "reading; it may wait to be unlocked"
        if isinstance(self._problem, NoKeyring):
            return "none that would keep a key safe"
        return str(self._problem) if self._problem is not None else self._found.backend

    @property
    def problem(self) -> str:
        """Why what is known may not be what the keyring has; empty where it was read."""
        return self._problem.message if self._problem is not None else ""

    @property
    def _reading(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin to read, where there is anything to ask the keyring for."""
        if self._asked:
            self._task = asyncio.create_task(self._run())

    async def settle(self, provider: str) -> None:
        """Wait until it is known whether there is a key, at most `wait_s`. Raises KeyringError."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._wait_s
        while provider not in self.known and self._reading:  # a reload may take the place of what is waited for
            if (left := deadline - clock()) <= 0:
                raise KeyringLocked(backend="", detail=" and waits for somebody to unlock it", provider=provider)
            await self._done(left)
        if provider not in self.known and self._problem is not None and not isinstance(self._problem, NoKeyring):
            raise self._problem.with_traceback(None)

    async def reload(self) -> None:
        """Read again; what was known stays until the new answer is there, or for good where none comes."""
        before = self._task
        self.start()
        await _end(before)
        await self._done(self._reload_s)

    async def close(self) -> None:
        """End what still reads."""
        await _end(self._task)

    async def _done(self, seconds: float) -> None:
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=seconds)

    async def _run(self) -> None:
        try:
            found = await self._ask()
        except KeyringError as error:
            self._problem = error
            level = logging.INFO if isinstance(error, NoKeyring) else logging.WARNING
            log.log(level, "the keyring was not read: %s", error.message)
        except OSError as error:
            self._problem = KeyringError(detail=f"The keyring can't be asked: {error.strerror}.")
            log.error("the keyring was not read: %s", error.strerror)
        else:
            self._learned([key.reveal() for key in found.keys.values()])
            self._found, self._problem = found, None
            log.info("keyring %s: %d keys", found.backend, len(found.keys))

    async def _ask(self) -> Found:
        try:
            return await self._read(self._asked, patience_s=self._patience_s)
        except KeyringError as error:
            if type(error) is not KeyringError:  # one that is locked, or that there is not, stays so
                raise
        await asyncio.sleep(self._again_s)
        return await self._read(self._asked, patience_s=self._patience_s)


async def _end(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait({task})
