"""The clients that can be put on the proxy, each in a module of its own: config text → edits.

>>> client_of("claude-code").title, client_names()[0]
('Claude Code', 'claude-code')
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from synrouter_cli.errors import UsageError

if TYPE_CHECKING:  # at run time with the modules: names alone are wanted quickly
    from synrouter_cli.clients.client import Client

MODULES: Final = (
    "claude_code",
    "codex",
    "openclaw",
    "kilo",
    "hermes",
    "opencode",
    "pi",
    "droid",
    "crush",
    "qwen",
    "aider",
    "cline",
    "continue_",
    "zed",
    "roo",
    "cursor",
)
"""In the order in which they are shown; a client's name is its module's."""


def client_names() -> tuple[str, ...]:
    """As the command line has them."""
    return tuple(module.removesuffix("_").replace("_", "-") for module in MODULES)


@lru_cache(maxsize=1)
def all_clients() -> tuple[Client, ...]:
    return tuple(import_module(f"{__name__}.{module}").CLIENT for module in MODULES)


def client_of(name: str) -> Client:
    """The client of that name. Raises UsageError, which lists the names there are."""
    for client in all_clients():
        if client.name == name:
            return client
    known = ", ".join(client_names())
    raise UsageError(detail=f"There is no client {name!r}; known are: {known}.", hint="synrouter configure --list")
