"""`synrouter service` with the real systemd: a user instance of its own, as a login has one."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes import running, wait_for
from support.toolchain import apt_executable, missing

pytestmark = [pytest.mark.e2e, pytest.mark.slow_client]

# An instance asks whether the machine was booted with systemd; in a mount namespace of its own the answer is yes.
INSTANCE = """
mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system || exit 9
exec /lib/systemd/systemd --user --log-target=console
"""


@pytest.fixture
def login(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody who is logged in."""
    apt_executable("systemctl", "systemd")
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        missing("a systemd of its own takes root and unshare")
    home, runtime = tmp_path / "home of 50% é", tmp_path / "run"
    for folder in (home, runtime):
        folder.mkdir(mode=0o700)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    env = kept | {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "SYNROUTER_HOME": str(home / "ours")}
    with running(["unshare", "--mount", "sh", "-c", INSTANCE], logs=tmp_path / "systemd", env=env) as instance:
        wait_for(
            lambda: instance.process.poll() is not None or systemctl(env, "show-environment"), "systemd", seconds=30
        )
        if instance.process.poll() == 9:
            missing("nothing can be mounted here")
        yield env
        systemctl(env, "stop", "synrouter.service")


def systemctl(env: dict[str, str], *words: str) -> str:
    answer = subprocess.run(["systemctl", "--user", *words], env=env, capture_output=True, text=True, timeout=60)
    return answer.stdout.strip() if answer.returncode == 0 else ""


def synrouter(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "synrouter_cli", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=90)


def test_it_serves_comes_back_and_goes(login):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    before = {path for path in Path(login["HOME"]).rglob("*") if path.is_file()}
    done = synrouter(login, "service", "install", "--port", str(port))
    assert done.returncode == 0, done
    unit = Path(login["HOME"], ".config", "systemd", "user", "synrouter.service")
    verified = subprocess.run(["systemd-analyze", "--user", "verify", unit], env=login, capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")

    def pid() -> int:
        return int(systemctl(login, "show", "synrouter", "--property=MainPID", "--value") or 0)

    def serves() -> bool:
        told = synrouter(login, "status").stdout
        return f"running, pid {pid()}" in told and f"127.0.0.1:{port}" in told

    assert serves()
    first = pid()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: pid() not in (0, first) and serves(), "the proxy once more", seconds=30)

    down = synrouter(login, "down")
    assert down.returncode == 0 and "at your next login" in down.stdout
    wait_for(lambda: systemctl(login, "show", "synrouter", "--property=SubState", "--value") == "dead", "its end")
    assert systemctl(login, "is-enabled", "synrouter") == "enabled"

    assert systemctl(login, "start", "synrouter.service") == ""  # as the next login does
    wait_for(serves, "the proxy at the next login", seconds=30)
    gone = synrouter(login, "service", "uninstall")
    assert gone.returncode == 0, gone
    assert synrouter(login, "status").returncode == 3
    assert systemctl(login, "show", "synrouter", "--property=LoadState", "--value") == "not-found"
    ours = Path(login["SYNROUTER_HOME"])
    left = {path for path in Path(login["HOME"]).rglob("*") if path.is_file() and ours not in path.parents}
    assert left == before
