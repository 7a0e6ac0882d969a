"""Cursor can't be put on a proxy of this machine, and says why.

Source: cursor.com/docs, "API keys"; what it calls a base URL is called by its own servers.

>>> CLIENT.configure is None, "localhost" in CLIENT.refusal
(True, True)
"""

from __future__ import annotations

from typing import Final

from synrouter_cli.clients.client import Client

CLIENT: Final = Client(
    name="cursor",
    title="Cursor",
    executables=("cursor", "cursor-agent"),
    refusal=(
        "its own servers build the prompt and call the model, also with a key and a base URL of yours, and they can't"
        " reach 127.0.0.1 or localhost on this machine. Putting Synrouter on the internet for them is no way out:"
        " whoever finds it spends your money. In Cursor's terminal Claude Code and the others can be used with it"
    ),
)
