"""`synrouter service install|uninstall`: the proxy starts when its user logs in, and again when it dies.

synrouter: installed in ~/.config/systemd/user/synrouter.service
synrouter: listening on http://127.0.0.1:7477 (pid 4711), from now on at each login
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from synrouter_cli.commands import down
from synrouter_cli.commands.up import Options
from synrouter_cli.daemon import client, lock, services
from synrouter_cli.daemon.client import Daemon
from synrouter_cli.daemon.services import Manager
from synrouter_cli.errors import SynrouterError, UsageError
from synrouter_cli.listening import HOST
from synrouter_cli.paths import Paths
from synrouter_cli.service_units import Service, kept_environment
from synrouter_cli.settings import Settings

_START_S: Final = 30.0
_POLL_S: Final = 0.1
_STOP_S: Final = 15.0
"""To close the ledger and leave, after the drain."""


class NotImportable(SynrouterError):
    """Synrouter can't be imported by {python} in another folder: a service can't start it."""

    next_command = "install it as a package, then: synrouter service install"


class NeverServed(SynrouterError):
    """{name} did not bring the proxy up within {seconds} s."""


def show() -> None:
    """Say whether there is a service, and whether it runs. Raises NoManager."""
    manager = services.manager_of()
    if not manager.file.is_file():
        print("synrouter: no service is installed")
        print("  next: synrouter service install", file=sys.stderr)
        return
    manager.check()
    pid = manager.pid()
    print(f"synrouter: installed in {manager.file}, {f'runs (pid {pid})' if pid else 'does not run'}")


def install(options: Options, *, dry_run: bool = False) -> None:
    """Make the service, start it, and wait until it serves. Raises NoManager, ConfigConflict, NeverServed."""
    if options.port == 0:
        raise UsageError(detail="A service needs a port that stays.", hint="synrouter service install --port 7477")
    settings = options.load()
    manager = services.manager_of()
    kept, withheld = kept_environment(_absolute(os.environ))
    command = (sys.executable, "-P", "-m", "synrouter_cli", "up", "--detached", *options.words())
    service = Service(command, kept, int(settings.drain_s + _STOP_S))
    content = manager.text(service, settings.paths.log_file)
    if dry_run:
        print(f"# {manager.file}\n{content.decode('utf-8', 'replace')}", end="")
        return
    manager.check()
    _check_import(kept)
    settings.paths.create()
    services.write(manager, content)
    print(f"synrouter: installed in {manager.file}", flush=True)
    _make_room(settings.paths, manager)
    manager.start()
    daemon = _serving(settings.paths, manager)
    print(f"synrouter: listening on http://{HOST}:{daemon.state.port} (pid {daemon.state.pid}), now and at each login")
    for line in _notes(settings, withheld):
        print(line, file=sys.stderr)


def uninstall(*, dry_run: bool = False) -> None:
    """Stop the service and take it away; twice is fine. An edited file is kept beside our own backups."""
    manager = services.manager_of()
    if not manager.file.is_file():
        print("synrouter: no service is installed")
        return
    if dry_run:
        print(f"synrouter: would stop the service and remove {manager.file}")
        return
    manager.check()
    manager.stop()
    if manager.is_edited():
        print(f"synrouter: it was edited; a copy is in {_kept_copy(manager.file)}")
    manager.file.unlink(missing_ok=True)
    manager.forget()
    print(f"synrouter: removed {manager.file}; the proxy starts by itself no more")
    print("  next: synrouter up --detach    # to run it until you log out", file=sys.stderr)


def _check_import(environment: Mapping[str, str]) -> None:
    """A service has neither our folder nor our PYTHONPATH."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    asked = [sys.executable, "-P", "-c", "import synrouter_cli"]
    if subprocess.run(asked, cwd="/", env=bare | dict(environment), capture_output=True).returncode:
        raise NotImportable(python=sys.executable)


def _make_room(paths: Paths, manager: Manager) -> None:
    """A proxy that somebody started by hand makes room; its open requests are finished first."""
    if not lock.is_held(paths.lock_file):
        return
    running = client.find(paths)
    if running.state.pid != manager.pid():
        down.stop(paths, running)
        print(f"synrouter: stopped the one that ran (pid {running.state.pid})", flush=True)


def _serving(paths: Paths, manager: Manager) -> Daemon:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        daemon = client.seen(paths)
        if daemon is not None and daemon.health is not None and daemon.state.pid == manager.pid():
            return daemon
        time.sleep(_POLL_S)
    raise NeverServed(name=manager.name, seconds=f"{_START_S:g}", hint=manager.hint)


def _notes(settings: Settings, withheld: list[str]) -> Iterator[str]:
    """What the service does not have, and what to type instead."""
    for name in withheld:
        if name in settings.key_sources.values():
            provider = next(one for one, source in settings.key_sources.items() if source == name)
            yield f"synrouter: {name} is not given to it, since keys stand in no file"
            yield f"  next: synrouter keys set {provider}"
        elif not name.startswith("SYNROUTER_"):
            yield f"synrouter: {name} is not given to it, since there is a password in it"


def _absolute(environ: Mapping[str, str]) -> dict[str, str]:
    """Folders and files as they are found from anywhere."""
    files = ("SYNROUTER_HOME", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    found = {name: str(Path(environ[name]).expanduser().absolute()) for name in files if environ.get(name)}
    return {**environ, **found}


def _kept_copy(file: Path) -> Path:
    from synrouter_cli.paths import find_paths

    paths = find_paths()
    paths.create()
    paths.backups_dir.mkdir(mode=0o700, exist_ok=True)
    copy = paths.backups_dir / f"{file.name}.{time.strftime('%Y%m%d-%H%M%S')}"
    copy.write_bytes(file.read_bytes())
    return copy
