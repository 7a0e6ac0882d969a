"""The simulated provider as a process: its first line on stdout is its address.

$ python -m synrouter_cli.demo.provider --port 0 --script steps.json
http://127.0.0.1:41873
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from synrouter_cli.demo.api import Provider
from synrouter_cli.demo.openai.flavours import FLAVOURS
from synrouter_cli.demo.script import Script

__all__ = ["bound", "main", "serve", "serving"]


def bound(port: int = 0) -> tuple[socket.socket, str]:
    """A socket on loopback that takes connections, and its URL; 0 takes a free port. Raises OSError."""
    listening = socket.create_server(("127.0.0.1", port))
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


@asynccontextmanager
async def serving(provider: Provider, listening: socket.socket) -> AsyncIterator[None]:
    """Serve on a bound socket, which is closed in the end."""
    runner = web.AppRunner(provider.application(), access_log=None, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()


async def serve(provider: Provider, port: int) -> None:
    """Serve on loopback, say where, and stop on SIGINT or SIGTERM."""
    listening, url = bound(port)
    async with serving(provider, listening):
        print(url, flush=True)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m synrouter_cli.demo.provider", description=serve.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--script", type=Path, help="a JSON file of rules and steps")
    parser.add_argument("--flavour", choices=sorted(FLAVOURS), default="openai", help="of OpenAI's dialects")
    parser.add_argument("--key", default="", help="the only API key that is accepted")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between two events of a stream")
    parser.add_argument("--evict", type=float, default=0.0, help="share of the cache lost after each request, 0 to 1")
    parser.add_argument("--seed", type=int, default=0, help="of what is lost")
    options = parser.parse_args(arguments)
    try:
        script = Script.load(options.script) if options.script else Script()
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    provider = Provider(
        script,
        key=options.key,
        pace=options.pace,
        evicts=options.evict,
        seed=options.seed,
        flavour=options.flavour,
    )
    asyncio.run(serve(provider, options.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
