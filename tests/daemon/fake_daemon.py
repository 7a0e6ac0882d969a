"""`synrouter …` with a proxy that only has the control routes: the process without the HTTP side.

`GET /hold` is a request in flight until the daemon closes; it answers "held" first, so that a test
knows it began, and "cut" when it was cut.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import types
from contextlib import asynccontextmanager

from synrouter_cli import __version__
from synrouter_cli.cli import main
from synrouter_cli.daemon.server import Parts


class FakeProxy:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._cut = asyncio.Event()
        self.in_flight = 0
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self._parts.settings.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self, drain_s: float) -> None:
        self._server.close()
        deadline = time.monotonic() + drain_s
        while self.in_flight and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        self._cut.set()
        while self.in_flight:
            await asyncio.sleep(0.01)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, path = head.split(b" ")[:2]
            await self._route(method.decode(), path.decode(), head, writer)
            await writer.drain()
        finally:
            writer.close()

    async def _route(self, method: str, path: str, head: bytes, writer: asyncio.StreamWriter) -> None:
        if path == "/hold":
            await self._hold(writer)
            return
        token = head.partition(b"Authorization: Bearer ")[2].partition(b"\r\n")[0]
        if path == "/client":
            send(writer, 200 if self._parts.tokens.is_client(token) else 401, {})
        elif not self._parts.tokens.is_control(token):
            send(writer, 401, {})
        elif (method, path) == ("GET", "/_synrouter/health"):
            send(writer, 200, self._health())
        elif (method, path) == ("POST", "/_synrouter/shutdown"):
            if not os.environ.get("FAKE_STUBBORN"):
                self._parts.shutdown()
            send(writer, 200, {})
        elif (method, path) == ("POST", "/_synrouter/reload-tokens"):
            self._parts.tokens.reload()
            send(writer, 200, {})
        elif (method, path) == ("POST", "/say"):
            for number in range(int(os.environ["FAKE_LINES"])):
                self._parts.say(f"turn {number} " + "x" * 100)
                await asyncio.sleep(0)
            send(writer, 200, {})
        else:
            send(writer, 404, {})

    async def _hold(self, writer: asyncio.StreamWriter) -> None:
        self.in_flight += 1
        try:
            writer.write(b"held")
            await self._cut.wait()
            writer.write(b"cut")
        finally:
            self.in_flight -= 1

    def _health(self) -> dict[str, object]:
        return {
            "instance": self._parts.instance,
            "version": __version__,
            "pid": os.getpid(),
            "port": self.port,
            "uptime_s": time.time() - self._parts.started_at,
            "in_flight": self.in_flight,
            "committed": 3,
            "ledger": {"queue": 0},
        }


def send(writer: asyncio.StreamWriter, status: int, value: object) -> None:
    body = json.dumps(value).encode()
    writer.write(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body)


@asynccontextmanager
async def assemble(parts: Parts):
    proxy = FakeProxy(parts)
    await proxy.open()
    yield proxy


if __name__ == "__main__":
    wiring = types.ModuleType("synrouter_cli.daemon.wiring")
    wiring.assemble_with = lambda turn_line: assemble
    sys.modules["synrouter_cli.daemon.wiring"] = wiring
    sys.exit(main())
