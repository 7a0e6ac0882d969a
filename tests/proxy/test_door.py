"""Several addresses at one port: all of them or none, and whose fault it was."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from synrouter_cli.proxy.door import NotBound, bind

NOBODYS = "203.0.113.77"  # RFC 5737: for documentation, on no machine


async def test_every_address_gets_the_same_port_and_takes_connections_once_told_to() -> None:
    door = await bind(asyncio.Protocol, ("127.0.0.1", "127.0.0.2"), 0)
    assert [bound.getsockname() for bound in door.sockets] == [("127.0.0.1", door.port), ("127.0.0.2", door.port)]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.2", door.port)
    await door.start_serving()
    for address in ("127.0.0.1", "127.0.0.2"):
        _, writer = await asyncio.open_connection(address, door.port)
        writer.close()
    door.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.2", door.port)


async def test_the_address_whose_port_is_taken_is_named_and_the_others_are_given_back() -> None:
    with socket.create_server(("127.0.0.2", 0)) as squatter:
        port = squatter.getsockname()[1]
        with pytest.raises(NotBound) as busy:
            await bind(asyncio.Protocol, ("127.0.0.1", "127.0.0.2"), port)
        assert (busy.value.errno, busy.value.address) == (errno.EADDRINUSE, "127.0.0.2")
        socket.create_server(("127.0.0.1", port)).close()


async def test_a_free_port_is_looked_for_again_where_it_is_taken_on_the_second_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    create, asked = loop.create_server, []

    async def busy_twice(factory: object, address: str, port: int, **options: object) -> asyncio.Server:
        asked.append(address)
        if address == "127.0.0.2" and asked.count(address) < 3:
            raise OSError(errno.EADDRINUSE, "taken")
        return await create(factory, address, port, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(loop, "create_server", busy_twice)
    door = await bind(asyncio.Protocol, ("127.0.0.1", "127.0.0.2"), 0)
    assert asked == ["127.0.0.1", "127.0.0.2"] * 3
    door.close()


async def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(NotBound) as refused:
        await bind(asyncio.Protocol, ("127.0.0.1", NOBODYS), 0)
    assert (refused.value.errno, refused.value.address) == (errno.EADDRNOTAVAIL, NOBODYS)
