"""A real daemon that listens elsewhere too: who is served there, what stays on this machine, what it says of itself."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.processes import Daemon, daemon
from synrouter_cli.daemon import state
from synrouter_cli.paths import find_paths

NAME = "host.docker.internal"
NOBODYS = "203.0.113.77"
"""For documentation (RFC 5737), on no machine."""


def own_address() -> str:
    """An address of this machine beyond loopback: the one it would send from. Nothing is sent to find it out."""
    code = "import socket\ns = socket.socket(type=socket.SOCK_DGRAM)\ns.connect(('192.0.2.1', 9))\nprint(s.getsockname()[0])"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    found = asked.stdout.strip()
    if asked.returncode or found.startswith("127.") or found == "0.0.0.0":
        pytest.skip("this machine has no address but loopback's")
    return found


@pytest.fixture
def up(tmp_path: Path, home: Path) -> Iterator[Callable[..., Daemon]]:
    """up("--listen", …) → a daemon of the real proxy; its provider is nobody."""
    started = []

    def start(*options: str) -> Daemon:
        context = daemon(home, "http://127.0.0.1:9", *options)
        started.append(context)
        return context.__enter__()

    yield start
    for context in started:
        context.__exit__(None, None, None)


def ask(
    address: str, port: int, path: str, *, host: str | None = None, token: str = "", method: str = "GET"
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, port, timeout=20)
    headers = {"Host": host or f"{address}:{port}", "Authorization": f"Bearer {token}"}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    result = answer.status, answer.read()
    connection.close()
    return result


def port_of(running: Daemon) -> int:
    return int(running.url.rpartition(":")[2])


def test_another_address_of_loopback_is_served_beside_127_0_0_1_without_a_warning(up):
    running = up("--listen", "127.0.0.2")
    port = port_of(running)
    for address in ("127.0.0.1", "127.0.0.2"):
        assert ask(address, port, "/healthz") == (200, b"ok")
        assert ask(address, port, "/healthz", host=f"{NAME}:{port}")[0] == 421
    assert running.running.stderr.read_text() == ""
    shown = running.cli("status").stdout
    assert f"           http://127.0.0.2:{port}\n" in shown
    assert "warning" not in shown


def test_ipv6_is_served_beside_127_0_0_1(up):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    running = up("--listen", "[::1]", "--allow-host", "FD00::5")
    port = port_of(running)
    assert ask("127.0.0.1", port, "/healthz") == (200, b"ok")
    for host in (f"[::1]:{port}", f"localhost:{port}", f"[fd00::5]:{port}"):
        assert ask("::1", port, "/healthz", host=host) == (200, b"ok")
    assert ask("::1", port, "/healthz", host=f"[fd00::6]:{port}")[0] == 421
    assert f"           http://[::1]:{port}\n" in running.cli("status").stdout


def test_a_name_alone_is_allowed_on_loopback_and_does_not_open_the_control_api(up, paths):
    running = up("--allow-host", NAME)
    port, control = port_of(running), paths.control_token_file.read_text().strip()
    assert ask("127.0.0.1", port, "/healthz", host=f"{NAME}:{port}") == (200, b"ok")
    assert ask("127.0.0.1", port, "/_synrouter/health", host=f"{NAME}:{port}", token=control)[0] == 403
    assert ask("127.0.0.1", port, "/_synrouter/health", token=control)[0] == 200


@pytest.mark.parametrize("wildcard", [False, True])
def test_beyond_loopback_only_allowed_hosts_are_served_with_the_token_and_never_the_control_api(up, paths, wildcard):
    address = own_address()
    listen = "0.0.0.0" if wildcard else address
    running = up("--listen", listen, "--allow-host", NAME, "--allow-host", f"{address}:1")
    port, control = port_of(running), paths.control_token_file.read_text().strip()
    allowed = f"{NAME}:{port}"
    served = {
        host: ask(address, port, "/healthz", host=host)[0]
        for host in (allowed, f"{address}:1", f"{address}:{port}", f"127.0.0.1:{port}", f"localhost:{port}", NAME)
    }
    assert served == {allowed: 200, f"{address}:1": 200} | dict.fromkeys(list(served)[2:], 421)
    assert ask(address, port, "/nowhere", host=allowed)[0] == 401
    assert ask(address, port, "/nowhere", host=allowed, token=running.token)[0] == 404
    for route, method in (("health", "GET"), ("shutdown", "POST"), ("reload-keys", "POST")):
        status, body = ask(address, port, f"/_synrouter/{route}", host=allowed, token=control, method=method)
        assert (status, json.loads(body)["error"]["type"]) == (403, "permission_error")
    assert ask(address, port, "/_synrouter/health", host=f"127.0.0.1:{port}", token=control)[0] == 421
    assert ask("127.0.0.1", port, "/_synrouter/health", token=control)[0] == 200


def test_what_is_open_is_warned_of_at_the_start_in_the_log_and_in_status(up, paths):
    address = own_address()
    running = up("--listen", address, "--allow-host", NAME)
    port = port_of(running)
    (warning,) = running.running.stderr.read_text().splitlines()
    assert warning.startswith(f"synrouter: open beyond this machine: whoever reaches {address}, port {port}")
    assert warning.removeprefix("synrouter: ") in paths.log_file.read_text()
    shown = running.cli("status").stdout
    assert (
        f"address    http://127.0.0.1:{port}\n           http://{address}:{port}\nhosts      {NAME}\nwarning    "
        in shown
    )
    value = json.loads(running.cli("status", "--json").stdout)
    assert (value["url"], value["listen"]) == (running.url, address)
    assert (value["allow_hosts"], value["exposed"]) == ([NAME], True)


def test_in_the_background_it_is_the_same_and_down_ends_it(home):
    address = own_address()

    def synrouter(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "synrouter_cli", *arguments]
        environment = {**os.environ, "SYNROUTER_ANTHROPIC_KEY": "sk-ant-test"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)

    started = synrouter("up", "--detach", "--port", "0", "--listen", address, "--allow-host", NAME)
    try:
        written = state.read(find_paths().state_file)
        assert (written.listen, written.allow_hosts) == (address, (NAME,))
        assert started.stdout == f"synrouter: listening on http://127.0.0.1:{written.port}\n"
        assert started.stderr.startswith("synrouter: open beyond this machine")
        assert ask(address, written.port, "/healthz", host=f"{NAME}:{written.port}") == (200, b"ok")
    finally:
        synrouter("down")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, written.port), timeout=20)


def test_by_itself_nothing_beyond_127_0_0_1_is_open(up):
    running = up()
    for address in ("127.0.0.2", own_address()):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port_of(running)), timeout=20)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--listen", "0.0.0.0"], 2, "  next: synrouter up --listen 0.0.0.0 --allow-host host.docker.internal"),
        (["--listen", NOBODYS, "--allow-host", NAME], 1, f"synrouter: {NOBODYS} is no address of this machine."),
        (["--listen", "localhost"], 2, "synrouter: --listen: expected an IP address of this machine"),
        (["--allow-host", "*"], 2, "synrouter: --allow-host: expected a Host as clients send it"),
    ],
)
def test_what_it_can_not_listen_on_is_said(home, options, code, said):
    command = [sys.executable, "-m", "synrouter_cli", "up", "--plain", "--port", "0", *options]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (refused.returncode, refused.stdout) == (code, "")
    assert said in refused.stderr


def test_a_port_that_is_busy_on_one_address_is_said_with_that_address(home):
    with socket.create_server(("127.0.0.2", 0)) as squatter:
        port = squatter.getsockname()[1]
        command = [sys.executable, "-m", "synrouter_cli", "up", "--port", str(port), "--listen", "127.0.0.2"]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert f"Port {port} on 127.0.0.2 is taken by another program." in refused.stderr
