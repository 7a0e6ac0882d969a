"""`service install` and `uninstall` with a stand-in for systemd and the real proxy; systemd itself is in tests/e2e."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from support.processes import wait_for
from support.systemctl import lives
from synrouter_cli.daemon import client
from synrouter_cli.paths import find_paths
from synrouter_cli.service_units import is_as_made

STAND_IN = Path(__file__).parents[1] / "support" / "systemctl.py"
KEY = "sk-ant-canary-of-the-service"


@pytest.fixture
def memory(user, tmp_path, monkeypatch):
    """What the stand-in remembers; what it started is ended."""
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setenv("STAND_IN", str(folder))
    user.has("systemctl", f'exec {sys.executable} {STAND_IN} "$@"')
    yield folder
    if (pid := running(folder)) is not None:
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def unit(user) -> Path:
    return user.home / ".config" / "systemd" / "user" / "synrouter.service"


@pytest.fixture
def free_port() -> int:
    """One that nobody listens on; a service keeps its own, so it can't take any."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def running(memory: Path) -> int | None:
    file = memory / "pid"
    pid = int(file.read_text()) if file.exists() else 0
    return pid if pid and lives(pid) else None


def port(free_port: int) -> tuple[str, str]:
    return "--port", str(free_port)


def test_it_serves_and_is_known_everywhere_and_goes_again(user, memory, unit, free_port):
    done = user.types("service", "install", *port(free_port), "--level", "safe")
    assert done.code == 0, done
    pid = running(memory)
    assert f"installed in {unit}" in done.out
    assert f"listening on http://127.0.0.1:{free_port} (pid {pid})" in done.out
    assert is_as_made(unit.read_text()) and (memory / "enabled").exists()
    daemon = client.find(find_paths())
    assert (daemon.state.pid, daemon.state.port, daemon.state.level) == (pid, free_port, "safe")
    assert f"starts at login: {unit}" in user.types("status").out
    assert user.types("service").out == f"synrouter: installed in {unit}, runs (pid {pid})\n"
    found = json.loads(user.types("doctor", "--json").out)["findings"]
    assert [each["state"] for each in found if each["subject"] == "service"] == ["ok"]

    assert "at your next login" in user.types("down").out
    wait_for(lambda: running(memory) is None, "the service's end")
    assert "does not run" in user.types("service").out

    gone = user.types("service", "uninstall")
    assert (gone.code, unit.exists(), (memory / "enabled").exists()) == (0, False, False)
    again = user.types("service", "uninstall")
    assert (again.code, again.out) == (0, "synrouter: no service is installed\n")


def test_one_that_runs_makes_room_and_a_second_install_starts_it_anew(user, memory, unit, free_port):
    assert user.types("up", "--detach", *port(free_port)).code == 0
    before = client.find(find_paths()).state.pid
    done = user.types("service", "install", *port(free_port))
    assert done.code == 0 and f"stopped the one that ran (pid {before})" in done.out
    first = running(memory)
    again = user.types("service", "install", *port(free_port), "--mode", "general")
    assert again.code == 0 and "stopped the one" not in again.out
    assert running(memory) not in (None, first, before) and '"--mode" "general"' in unit.read_text()
    assert user.types("service", "uninstall").code == 0
    assert running(memory) is None


def test_an_edited_unit_is_not_replaced_and_leaves_a_copy(user, memory, unit, free_port):
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    refused = user.types("service", "install", *port(free_port))
    assert (refused.code, unit.read_text()) == (5, "[Service]\nExecStart=/bin/true\n")
    assert "was edited" in refused.err and "synrouter service uninstall" in refused.err
    gone = user.types("service", "uninstall")
    copy = Path(gone.out.split("a copy is in ")[1].split("\n")[0])
    assert copy.read_text() == "[Service]\nExecStart=/bin/true\n" and not unit.exists()


def test_no_key_and_no_password_stands_in_the_unit(user, memory, unit, free_port, monkeypatch):
    monkeypatch.setenv("SYNROUTER_ANTHROPIC_KEY", KEY)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{KEY}@proxy.example:8080")
    monkeypatch.setenv("NO_PROXY", "corp.example")
    done = user.types("service", "install", *port(free_port))
    assert done.code == 0
    assert KEY not in unit.read_text() and '"NO_PROXY=corp.example"' in unit.read_text()
    assert "SYNROUTER_ANTHROPIC_KEY is not given to it" in done.err and "synrouter keys set anthropic" in done.err
    assert "HTTPS_PROXY is not given to it" in done.err and KEY not in done.said
    user.types("service", "uninstall")


@pytest.mark.parametrize("instance", [True, False])
def test_where_no_systemd_runs_nothing_is_left(user, memory, unit, instance):
    if instance:
        (memory / "no-instance").touch()
    else:
        (user.programs / "systemctl").unlink()
        user.has("systemctl", "echo Failed to connect to bus >&2; exit 1")
    refused = user.types("service", "install")
    assert refused.code == 1 and "synrouter up --detach" in refused.err
    assert not unit.exists() and not (user.home / ".config").exists()


def test_a_dry_run_shows_the_unit_and_asks_nobody(user, memory, unit):
    shown = user.types("service", "install", "--port", "7500", "--dry-run")
    assert shown.code == 0 and shown.out.startswith(f"# {unit}\n") and '"--port" "7500"' in shown.out
    assert is_as_made(shown.out.split("\n", 1)[1])
    assert not unit.exists() and not (memory / "asked").exists()


def test_a_mistake_in_the_settings_is_told_before_anything_is_written(user, memory, unit):
    assert user.types("service", "install", "--level", "most").code == 2
    assert user.types("service", "install", "--port", "0").code == 2
    assert not unit.exists()


def test_a_service_whose_program_is_gone_is_found(user, memory, unit, free_port):
    assert user.types("service", "install", *port(free_port)).code == 0
    user.types("down")
    unit.write_text(unit.read_text().replace(sys.executable, "/gone/bin/python"))
    found = json.loads(user.types("doctor", "--json").out)["findings"]
    [about] = [each for each in found if each["subject"] == "service"]
    assert (about["state"], about["next"]) == ("fail", "synrouter service install") and "/gone/bin/python" in about[
        "text"
    ]
