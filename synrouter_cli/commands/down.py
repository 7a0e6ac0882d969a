"""`synrouter down`: asks the daemon to drain and leave, and waits until it is gone.

A process is signalled only if it proved over the control API to be the daemon, and still is the same
process; never on the word of a file.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from synrouter_cli.daemon import client, lock, process, services
from synrouter_cli.daemon.client import ControlError, Daemon
from synrouter_cli.errors import NotResponding
from synrouter_cli.paths import Paths, find_paths

_GRACE_S = 5.0  # after the drain: closing the ledger, leaving
_POLL_S = 0.05


def down() -> None:
    """Stop the daemon. Raises NotRunning, and NotResponding where it does not leave."""
    paths = find_paths()
    daemon = client.find(paths)
    in_flight = daemon.health.in_flight if daemon.health else 0
    if in_flight:
        noun = "request" if in_flight == 1 else "requests"
        text = f"synrouter: finishing {in_flight} {noun}, up to {daemon.state.drain_s:g} s"
        print(text, file=sys.stderr, flush=True)
    stop(paths, daemon)
    print(f"synrouter: stopped (pid {daemon.state.pid})")
    if services.installed_file():
        print("synrouter: its service starts it at your next login; synrouter service uninstall ends that")


def stop(paths: Paths, daemon: Daemon, *, grace_s: float = _GRACE_S) -> None:
    """Ask, wait for the drain, then signal the process that answered, then give up."""
    if not daemon.state.stopping:
        try:
            daemon.control.shutdown()
        except ControlError as error:
            if not _gone_within(paths, grace_s):
                raise _stuck(daemon, f"{error}.") from None
            return
    if _gone_within(paths, daemon.state.drain_s + grace_s):
        return
    proved = daemon.health is not None
    signalled = proved and process.terminate(daemon.state.pid, daemon.state.create_time)
    if signalled and _gone_within(paths, grace_s):
        return
    raise _stuck(daemon, "it does not leave.")


def _gone_within(paths: Paths, seconds: float, clock: Callable[[], float] = time.monotonic) -> bool:
    deadline = clock() + seconds
    while lock.is_held(paths.lock_file):
        if clock() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _stuck(daemon: Daemon, detail: str) -> NotResponding:
    return NotResponding(pid=daemon.state.pid, port=daemon.state.port, detail=detail)
