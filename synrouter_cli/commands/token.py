"""`synrouter token`: the local key, which is all that a client gets of us.

Example: `show()` prints one line, `sk-sr-local-…`, and nothing else, so that a shell can take it.
"""

from __future__ import annotations

import sys

from synrouter_cli.daemon import client, lock, tokens
from synrouter_cli.errors import SynrouterError
from synrouter_cli.settings import find_paths


def show() -> None:
    paths = find_paths()
    paths.create()
    print(tokens.client_token(paths).reveal())


def rotate() -> None:
    """Replace the key and tell a running daemon. Raises SynrouterError where it can't be told."""
    paths = find_paths()
    paths.create()
    daemon = client.find(paths) if lock.is_held(paths.lock_file) else None
    token = tokens.rotate(paths)
    if daemon is not None:
        try:
            daemon.control.reload_tokens()
        except client.ControlError as error:
            detail = f"The key is replaced, but the running proxy still takes the old one: {error}."
            raise SynrouterError(detail=detail, hint="synrouter down && synrouter up") from None
    print(token.reveal())
    print("The old key is void: give this one to your clients.", file=sys.stderr)
