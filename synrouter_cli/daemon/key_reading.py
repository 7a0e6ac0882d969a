"""`keys.read` for an event loop, which serves on while a person unlocks the keyring.

Example: `(await read_later(["anthropic"], patience_s=60)).keys`
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from synrouter_cli import keys
from synrouter_cli.keys import Found


async def read_later(providers: Iterable[str], *, patience_s: float) -> Found:
    """The keys that the keyring has for `providers`; cancelled, the child is ended. Raises KeyringError, and OSError
    where there is no room for a process."""
    asked: dict[str, Any] = {"do": "read", "providers": list(providers)}
    child = await asyncio.create_subprocess_exec(
        *keys.command(),
        env=keys.environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(patience_s + keys.GRACE_S):
            out, _ = await child.communicate(keys.question(asked, patience_s))
    except TimeoutError:
        out = b""
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    return keys.understood(out, asked, patience_s)
