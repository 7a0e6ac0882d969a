"""`synrouter token`: the local key, which is all that a client gets of us.

Example: `show()` prints one line, `sk-sr-local-…`, and nothing else, so that a shell can take it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from synrouter_cli.credentials import Secret
from synrouter_cli.daemon import client, lock, tokens
from synrouter_cli.errors import ConfigConflict, SynrouterError
from synrouter_cli.paths import Paths, find_paths

if TYPE_CHECKING:  # at run time where it is needed: clients ask for the key often, and wait for it
    from synrouter_cli.clients.records import Records


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
    failed = _with_a_new_key(paths)
    if daemon is not None:
        try:
            daemon.control.reload_tokens()
        except client.ControlError as error:
            detail = f"The key is replaced, but the running proxy still takes the old one: {error}."
            raise SynrouterError(detail=detail, hint="synrouter down && synrouter up") from None
    print(tokens.client_token(paths).reveal())
    print("The old key is void: give this one to clients that you have set up by hand.", file=sys.stderr)
    if failed is not None:
        raise failed


def _with_a_new_key(paths: Paths) -> ConfigConflict | None:
    """Replace it while no client is configured; whatever is wrong with clients, the old one is void afterwards.

    Returns what went wrong with them. Raises ConfigConflict, with nothing replaced, where another command is at work.
    """
    from synrouter_cli.clients.records import Records

    records = Records(paths.clients_file)
    with records.locked():
        old, new = tokens.client_token(paths), tokens.rotate(paths)
        try:
            return _update_clients(records, old, new)
        except ConfigConflict as error:  # what is remembered can't be read
            return error


def _update_clients(records: Records, old: Secret, new: Secret) -> ConfigConflict | None:
    """Every client is tried; returns what there is to do for those that failed."""
    from synrouter_cli.clients.changing import rekey
    from synrouter_cli.commands.configure import command_for

    failed = None
    for record in records.all():
        try:
            for path in rekey(record, old, new):
                print(f"{record.client}: new key in {path}", file=sys.stderr)
        except ConfigConflict as error:
            print(f"synrouter: {record.client} still has the old key: {error.message}", file=sys.stderr)
            failed = ConfigConflict(detail="Not every client could be given the new key.", hint=command_for(record))
    return failed
