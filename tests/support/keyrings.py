"""A real Secret Service for tests: a session bus and gnome-keyring of the test's own, without a display."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.processes import end, running, wait_for
from support.toolchain import apt_executable

SECRETS = "org.freedesktop.secrets"
PROMPTER = "org.gnome.keyring.SystemPrompter"
_NO_QUEUE, _OWNER = 4, 1


@dataclass(frozen=True)
class Keyring:
    """One user's session: `environment` is that of every program in it, `files` where the keyring keeps its own."""

    bus: str
    folder: Path
    environment: dict[str, str]

    @property
    def files(self) -> Path:
        return self.folder / "data" / "keyrings"

    @contextmanager
    def unlocked(self, password: str) -> Iterator[None]:
        """gnome-keyring runs, unlocked by `password`; where that is not the one it was made with, it is locked."""
        command = [str(apt_executable("gnome-keyring-daemon", "gnome-keyring"))]
        command += ["--foreground", "--unlock", "--components=secrets"]
        process = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert process.stdin is not None
            process.stdin.write(f"{password}\n".encode())
            process.stdin.close()
            with _connected(self.bus) as ask:
                wait_for(lambda: ask("NameHasOwner", "s", SECRETS), f"{SECRETS} on the bus")
            yield
        finally:
            end(process)

    @contextmanager
    def nobody_there(self) -> Iterator[None]:
        """Whoever is asked to unlock the keyring never answers."""
        with _connected(self.bus) as ask:
            assert ask("RequestName", "su", PROMPTER, _NO_QUEUE) == _OWNER
            yield


@contextmanager
def session() -> Iterator[Keyring]:
    """A session bus and the private folders of a user; gone afterwards, and with them whatever runs on it."""
    daemon = apt_executable("dbus-daemon")
    # a path to a socket may have 107 bytes at most, and a test's folder is longer
    folder = Path(tempfile.mkdtemp(prefix="synrouter-keyring-"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_KEYRING_BACKEND"}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for name in ("home", "run", "data", "config", "cache"):
            (folder / name).mkdir(mode=0o700)
        environment |= {
            "HOME": str(folder / "home"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            **{f"XDG_{name.upper()}_HOME": str(folder / name) for name in ("data", "config", "cache")},
        }
        environment.pop("DISPLAY", None)
        environment.pop("WAYLAND_DISPLAY", None)
        command = [str(daemon), "--session", "--nofork", "--print-address"]
        bus = stack.enter_context(running(command, logs=folder / "bus", env=environment))
        address = bus.printed(r"^unix:.*$")[0]
        yield Keyring(address, folder, {**environment, "DBUS_SESSION_BUS_ADDRESS": address})


@contextmanager
def _connected(bus: str) -> Iterator[Callable[..., object]]:
    """ask("NameHasOwner", "s", name) → the bus's own answer"""
    from jeepney import DBusAddress, MessageType, new_method_call  # not where there is no D-Bus
    from jeepney.io.blocking import open_dbus_connection

    itself = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    with open_dbus_connection(bus) as connection:

        def ask(method: str, signature: str, *arguments: object) -> object:
            call = new_method_call(itself, method, signature, arguments)
            answer = connection.send_and_get_reply(call, timeout=10)
            assert answer.header.message_type is MessageType.method_return, answer.body
            return answer.body[0]

        yield ask
