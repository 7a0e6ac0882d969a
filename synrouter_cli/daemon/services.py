"""The user's own service managers: systemd where it runs, launchd on macOS (written to its documentation, untested).

Example: `manager = manager_of(environ); manager.check(); manager.write(service, log_file); manager.start()`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from synrouter_cli import private_files
from synrouter_cli.errors import ConfigConflict, SynrouterError
from synrouter_cli.service_units import LABEL, UNIT, Service, is_as_made, launchd_list, program_of, systemd_unit

__all__ = ["Manager", "NoManager", "installed_file", "lost_program", "manager_of", "write"]

_SECONDS: Final = 150.0
"""Longer than a stop with a full drain."""


class NoManager(SynrouterError):
    """No service manager of yours runs here: {why}."""

    next_command = "synrouter up --detach"


class ManagerFailed(SynrouterError):
    """{name} says: {said}"""


class Manager(Protocol):
    """A service manager, for the one service that the proxy is."""

    name: str
    file: Path
    hint: str
    """What shows why it does not start."""

    def check(self) -> None:
        """Raises NoManager where it does not run."""

    def text(self, service: Service, log_file: Path) -> bytes:
        """What would be written."""

    def is_edited(self) -> bool:
        """Whether there is a file that is not as it was made."""

    def start(self) -> None:
        """Take the file up and start the service, anew where it runs."""

    def stop(self) -> None:
        """Stop the service, and start it no more."""

    def forget(self) -> None:
        """The file is gone."""

    def pid(self) -> int:
        """The running service's process, 0 where there is none."""


def manager_of(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Manager:
    """The one of this system. Raises NoManager where there is none that is known."""
    if platform == "darwin":
        return Launchd(Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist")
    if platform.startswith("linux"):
        config = environ.get("XDG_CONFIG_HOME") or ""
        base = Path(config) if os.path.isabs(config) else Path.home() / ".config"
        return Systemd(base / "systemd" / "user" / UNIT)
    raise NoManager(why="services are made for systemd and launchd only")


def installed_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The service's file, where one is installed; asks nobody."""
    try:
        file = manager_of(environ).file
    except NoManager:
        return None
    return file if file.is_file() else None


def lost_program(file: Path) -> str | None:
    """The program that a service starts, where it is not there any more."""
    program = program_of(file.read_bytes())
    return program if program is not None and not Path(program).exists() else None


def write(manager: Manager, content: bytes) -> None:
    """Put the service's file in place. Raises ConfigConflict where somebody has edited it."""
    if manager.is_edited():
        raise ConfigConflict(
            detail=f"{manager.file} was edited since it was made.",
            hint="synrouter service uninstall    # keeps a copy; then install it again",
        )
    manager.file.parent.mkdir(parents=True, exist_ok=True)
    private_files.replace(manager.file, content)


@dataclass
class Systemd:
    """`systemctl --user`."""

    file: Path
    name: str = "systemd"
    hint: str = f"systemctl --user status {UNIT}"

    def check(self) -> None:
        if shutil.which("systemctl") is None:
            raise NoManager(why="there is no systemctl")
        answer = _ask("systemctl", "--user", "show-environment")
        if answer.returncode:
            raise NoManager(why=f"systemctl --user says: {_said(answer)}")

    def text(self, service: Service, log_file: Path) -> bytes:
        return systemd_unit(service).encode("utf-8", "surrogateescape")

    def is_edited(self) -> bool:
        return self.file.is_file() and not is_as_made(self.file.read_text("utf-8", "surrogateescape"))

    def start(self) -> None:
        self._do("daemon-reload")
        self._do("enable", UNIT)
        _ask("systemctl", "--user", "reset-failed", UNIT)  # of one that was never loaded it complains
        self._do("restart", UNIT)

    def stop(self) -> None:
        self._do("disable", "--now", UNIT)

    def forget(self) -> None:
        self._do("daemon-reload")
        _ask("systemctl", "--user", "reset-failed", UNIT)

    def pid(self) -> int:
        answer = _ask("systemctl", "--user", "show", UNIT, "--property=MainPID", "--value")
        return int(answer.stdout) if re.fullmatch(r"[0-9]+\s*", answer.stdout) else 0

    def _do(self, *words: str) -> None:
        answer = _ask("systemctl", "--user", *words)
        if answer.returncode:
            raise ManagerFailed(name=self.name, said=_said(answer), hint=self.hint)


@dataclass
class Launchd:
    """`launchctl` for the user's own domain."""

    file: Path
    name: str = "launchd"
    hint: str = f"launchctl print gui/$(id -u)/{LABEL}"

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    def check(self) -> None:
        if shutil.which("launchctl") is None:
            raise NoManager(why="there is no launchctl")

    def text(self, service: Service, log_file: Path) -> bytes:
        return launchd_list(service, str(log_file))

    def is_edited(self) -> bool:
        return False  # property lists are rewritten by tools; ours is made anew each time

    def start(self) -> None:
        _ask("launchctl", "bootout", f"{self._domain}/{LABEL}")
        answer = _ask("launchctl", "bootstrap", self._domain, str(self.file))
        if answer.returncode:
            raise ManagerFailed(name=self.name, said=_said(answer), hint=self.hint)

    def stop(self) -> None:
        _ask("launchctl", "bootout", f"{self._domain}/{LABEL}")

    def forget(self) -> None:
        """It knows nothing more once it was booted out."""

    def pid(self) -> int:
        found = re.search(r"^\s*pid = ([0-9]+)$", _ask("launchctl", "print", f"{self._domain}/{LABEL}").stdout, re.M)
        return int(found[1]) if found else 0


def _ask(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a manager's command. Raises ManagerFailed where it can't be run or never ends."""
    try:
        return subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ManagerFailed(name=words[0], said=type(error).__name__) from None


def _said(answer: subprocess.CompletedProcess[str]) -> str:
    """The first line of what it complained of."""
    lines = (answer.stderr or answer.stdout).strip().splitlines()
    return lines[0] if lines else f"exit code {answer.returncode}"
