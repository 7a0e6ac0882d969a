"""Starts the daemon as a process of its own: no terminal, a session of its own, `/` as its directory.

Who starts it waits until it serves, or gets what it said on stderr before it ended: that is what it would have
told a terminal.

Example: `serve_detached(paths, ["up", "--detached", "--port", "0"])` returns the daemon that serves.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from synrouter_cli.daemon import client, state
from synrouter_cli.daemon.client import Daemon
from synrouter_cli.errors import SynrouterError
from synrouter_cli.paths import Paths

START_S: Final = 30.0
"""How long a start may take; 0.5 s is usual."""
_POLL_S = 0.01
_STOP_S = 5.0
_SAID_BYTES = 10_000
_FILES_BY_ENVIRONMENT = ("SYNROUTER_HOME", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


class NeverServed(SynrouterError):
    """The proxy did not serve within {seconds} s and was stopped."""

    next_command = "synrouter logs"


class Ended(Exception):
    """The process ended before it served, with an exit `code`; `said` is its stderr."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(code)
        self.code = code
        self.said = said


def serve_detached(paths: Paths, arguments: Sequence[str], *, patience_s: float = START_S) -> Daemon:
    """Start `synrouter ARGUMENTS` detached and wait until it serves. Raises Ended and NeverServed."""
    with _spawned(arguments) as (child, said):
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if (code := child.poll()) is not None:
                said.seek(0)
                raise Ended(code if code > 0 else 1, said.read(_SAID_BYTES).decode("utf-8", "replace"))
            if daemon := _serving(paths, child.pid):
                return daemon
            time.sleep(_POLL_S)
        raise NeverServed(seconds=f"{patience_s:g}")


def _serving(paths: Paths, pid: int) -> Daemon | None:
    """The daemon, once the process `pid` wrote that it serves, and proved it."""
    written = state.read(paths.state_file)
    if written is None or written.pid != pid:
        return None
    try:
        daemon = client.find(paths)
    except SynrouterError:  # of an instant ago: it may be just leaving again
        return None
    return daemon if daemon.health and daemon.health.pid == pid else None


@contextmanager
def _spawned(arguments: Sequence[str]) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The child, and what it says on stderr; ended again where the block fails."""
    with tempfile.TemporaryFile() as said:  # a pipe would close with us
        child = subprocess.Popen(
            # Without -P whatever lies in the directory that we were called in could be imported.
            [sys.executable, "-P", "-m", "synrouter_cli", *arguments],
            env=_environment(os.environ, sys.path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
            creationflags=_flag("CREATE_NEW_PROCESS_GROUP") | _flag("DETACHED_PROCESS"),
        )
        try:
            yield child, said
        except BaseException:
            _end(child)
            raise
        child.returncode = 0  # it outlives us on purpose: no warning that it still runs


def _environment(ours: Mapping[str, str], import_path: Sequence[str]) -> dict[str, str]:
    """The child imports what we import, and its paths do not depend on the directory that it leaves."""
    environment = dict(ours)
    for name in _FILES_BY_ENVIRONMENT:
        if environment.get(name):
            environment[name] = str(Path(environment[name]).expanduser().absolute())
    environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in import_path)
    return environment


def _flag(name: str) -> int:
    return int(getattr(subprocess, name, 0))  # Windows only


def _end(child: subprocess.Popen[bytes]) -> None:
    """Stop what does not serve, so that whoever starts it again finds no half-started one."""
    child.terminate()
    try:
        child.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
