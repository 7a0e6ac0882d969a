"""`synrouter token`: the local key, which is all that a client gets of us.

Example: `show()` prints one line, `sk-sr-local-…`, and nothing else, so that a shell can take it.
"""

from __future__ import annotations

import sys

from synrouter_cli.daemon import client, lock, tokens
from synrouter_cli.errors import ConfigConflict, SynrouterError
from synrouter_cli.settings import Paths, Secret, find_paths


def show() -> None:
    paths = find_paths()
    paths.create()
    print(tokens.client_token(paths).reveal())


def rotate() -> None:
    """Replace the key, tell a running daemon and put it into the files of configured clients that hold it.

    Raises SynrouterError where the daemon can't be told, ConfigConflict where a client's file can't be changed.
    """
    paths = find_paths()
    paths.create()
    daemon = client.find(paths) if lock.is_held(paths.lock_file) else None
    old = tokens.client_token(paths)
    token = tokens.rotate(paths)
    failed = _update_clients(paths, old, token)
    if daemon is not None:
        try:
            daemon.control.reload_tokens()
        except client.ControlError as error:
            detail = f"The key is replaced, but the running proxy still takes the old one: {error}."
            raise SynrouterError(detail=detail, hint="synrouter down && synrouter up") from None
    print(token.reveal())
    print("The old key is void: give this one to clients that you have set up by hand.", file=sys.stderr)
    if failed is not None:
        raise failed


def _update_clients(paths: Paths, old: Secret, new: Secret) -> ConfigConflict | None:
    """Every client is tried; returns what went wrong last."""
    from synrouter_cli.clients.changing import rekey  # here: clients ask for the key often, and wait for it
    from synrouter_cli.clients.records import Records

    failed = None
    records = Records(paths.clients_file)
    with records.locked():
        for record in records.all():
            try:
                for path in rekey(record, old, new):
                    print(f"{record.client}: new key in {path}", file=sys.stderr)
            except ConfigConflict as error:
                print(f"synrouter: {record.client} still has the old key: {error.message}", file=sys.stderr)
                hint = f"synrouter configure {record.client}"
                failed = ConfigConflict(detail="Not every client could be given the new key.", hint=hint)
    return failed
