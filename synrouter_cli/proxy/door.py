"""The addresses that are listened on, all at one port: bound before the first connection is taken, closed together.

Untested on Windows, which may let 0.0.0.0 and another program's 127.0.0.1 have one port.

Example: `door = await bind(factory, ("127.0.0.1", "172.17.0.1"), 0)`, then `door.port` is a port free on both.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Sequence
from typing import Final

# Connections that may arrive in one moment; past it Linux lets the client try again a second later.
_BACKLOG: Final = 1024
_TRIES: Final = 8


class NotBound(OSError):
    """`address` can't be had at that port; `errno` says why."""

    def __init__(self, number: int, reason: str, address: str) -> None:
        super().__init__(number, reason)
        self.address = address


class Door:
    """Bound sockets that take connections once told to."""

    def __init__(self, servers: Sequence[asyncio.Server]) -> None:
        self._servers = servers
        self.sockets = [socket for server in servers for socket in server.sockets]
        self.port: int = self.sockets[0].getsockname()[1]

    async def start_serving(self) -> None:
        for server in self._servers:
            await server.start_serving()

    def close(self) -> None:
        """Take no more connections; those there are go on."""
        for server in self._servers:
            server.close()


async def bind(factory: Callable[[], asyncio.BaseProtocol], addresses: Sequence[str], port: int) -> Door:
    """Bind every one of `addresses` at `port`; 0 is a port that is free on all of them. Raises NotBound."""
    for tries_left in reversed(range(_TRIES)):
        try:
            return await _bind(factory, addresses, port)
        except NotBound as error:
            if port or error.errno != errno.EADDRINUSE or not tries_left:
                raise
    raise AssertionError("unreachable")


async def _bind(factory: Callable[[], asyncio.BaseProtocol], addresses: Sequence[str], port: int) -> Door:
    servers: list[asyncio.Server] = []
    try:
        for address in addresses:
            server = await _bind_one(factory, address, port)
            servers.append(server)
            port = server.sockets[0].getsockname()[1]
    except BaseException:
        for server in servers:
            server.close()
        raise
    return Door(servers)


async def _bind_one(factory: Callable[[], asyncio.BaseProtocol], address: str, port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(factory, address, port, backlog=_BACKLOG, start_serving=False)
    except OSError as error:
        # without IPv6 in the kernel it says nothing but that it could not
        raise NotBound(error.errno or errno.EADDRNOTAVAIL, error.strerror or "", address) from None
    if not server.sockets:
        raise NotBound(errno.EADDRNOTAVAIL, "", address)
    return server
