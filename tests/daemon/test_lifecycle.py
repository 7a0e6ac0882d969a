"""The daemon as its user sees it: start, second start, stop, Ctrl-C, kill -9, and what stays."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import time

import pytest

from synrouter_cli.daemon import client, lock, state
from synrouter_cli.daemon.tokens import client_token


def hold_a_request(port: int) -> socket.socket:
    """A request in flight, begun for certain."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.recv(4) == b"held"
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    with connection:
        return b"".join(iter(lambda: connection.recv(100), b""))


def opens(port: int, token: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/client", headers={"Authorization": f"Bearer {token}"})
    status = connection.getresponse().status
    connection.close()
    return status == 200


def test_the_first_line_says_where_it_listens_once_it_serves(start, paths):
    port = start().port
    assert client.find(paths).health.port == port


def test_twelve_starts_at_once_give_one_daemon_and_eleven_sentences(start, paths):
    daemons = [start() for _ in range(12)]
    ended = []
    deadline = time.monotonic() + 60
    while len(ended) < 11 and time.monotonic() < deadline:
        ended = [daemon for daemon in daemons if daemon.process.poll() is not None]
        time.sleep(0.05)
    assert [daemon.wait() for daemon in ended] == [1] * 11
    for daemon in ended:
        said = daemon.stderr().splitlines()
        assert said[0].startswith("synrouter: Synrouter is already running")
        assert said[1:] == ["  next: synrouter status"]
        assert daemon.process.stdout.read() == ""
    (running,) = set(daemons) - set(ended)
    assert client.find(paths).health.pid == running.pid


def test_a_second_start_names_the_first(start):
    first = start()
    port = first.port
    second = start()
    assert second.wait() == 1
    said = f"synrouter: Synrouter is already running (pid {first.pid}, http://127.0.0.1:{port})."
    assert second.stderr().splitlines() == [said, "  next: synrouter status"]


def test_a_busy_port_is_named_with_the_next_command_and_nothing_is_left(start, paths):
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        daemon = start("--port", str(port))
        assert daemon.wait() == 1
        assert daemon.stderr().splitlines() == [
            f"synrouter: Port {port} on 127.0.0.1 is taken by another program.",
            f"  next: synrouter up --port {port + 1}",
        ]
    assert not paths.state_file.exists()
    assert not lock.is_held(paths.lock_file)


def test_down_stops_it_and_leaves_no_state(start, synrouter, paths):
    daemon = start()
    assert daemon.port
    stopped = synrouter("down")
    assert (stopped.returncode, stopped.stdout) == (0, f"synrouter: stopped (pid {daemon.pid})\n")
    assert daemon.wait() == 0
    assert not paths.state_file.exists()


def test_down_says_what_it_waits_for_and_waits(start, synrouter, home):
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text("drain_s = 0.5\n")
    daemon = start()
    held = hold_a_request(daemon.port)
    stopped = synrouter("down")
    assert stopped.stderr == "synrouter: finishing 1 request, up to 0.5 s\n"
    assert (stopped.returncode, daemon.wait()) == (0, 0)
    assert read_to_end(held) == b"cut"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 0)])
def test_a_signal_stops_it_and_leaves_no_state(start, paths, number, code):
    daemon = start()
    assert daemon.port
    daemon.signal(number)
    assert daemon.wait() == code
    assert daemon.stderr() == ""
    assert not paths.state_file.exists()
    assert not lock.is_held(paths.lock_file)


def test_under_nohup_a_closed_terminal_does_not_stop_it(start, paths, synrouter):
    daemon = start(ignored=signal.SIGHUP)
    assert daemon.port
    daemon.signal(signal.SIGHUP)
    assert client.find(paths).health.pid == daemon.pid
    assert synrouter("down").returncode == 0


def test_a_signal_drains_and_a_second_one_cuts(start, synrouter, paths, until):
    daemon = start()
    held = hold_a_request(daemon.port)
    daemon.signal(signal.SIGTERM)
    until(lambda: state.read(paths.state_file).stopping)
    assert daemon.process.poll() is None
    status = synrouter("status")
    assert (status.returncode, status.stdout.splitlines()[0]) == (0, f"synrouter  stopping, pid {daemon.pid}")
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert read_to_end(held) == b"cut"
    assert "finishing 1 request, up to 30 s" in daemon.stderr()


def test_the_drain_ends_after_its_time(start, home):
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text("drain_s = 0.2\n")
    daemon = start()
    held = hold_a_request(daemon.port)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert read_to_end(held) == b"cut"


def test_after_kill_9_nothing_runs_by_any_account_and_a_start_goes_well(start, synrouter, paths):
    daemon = start()
    assert daemon.port
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    assert paths.state_file.exists()
    for command in ("status", "down"):
        answer = synrouter(command)
        assert answer.returncode == 3
        assert answer.stderr == "synrouter: Synrouter is not running.\n  next: synrouter up\n"
    again = start()
    assert again.port == client.find(paths).health.port


def test_a_forged_pid_is_not_signalled(start, synrouter, paths):
    assert start().port
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        forged = json.loads(paths.state_file.read_bytes()) | {"pid": bystander.pid}
        paths.state_file.write_text(json.dumps(forged))
        answer = synrouter("down")
        assert answer.returncode == 1
        assert "is not of the daemon that runs" in answer.stderr
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_forged_pid_with_its_true_start_time_is_not_signalled_either(start, synrouter, paths):
    from synrouter_cli.daemon.process import create_time

    assert start().port
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        forged = {"pid": bystander.pid, "create_time": create_time(bystander.pid)}
        paths.state_file.write_text(json.dumps(json.loads(paths.state_file.read_bytes()) | forged))
        answer = synrouter("down")
        assert answer.returncode == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_daemon_of_another_instance_at_its_port_is_not_believed(start, synrouter, paths):
    daemon = start()
    assert daemon.port
    other = json.loads(paths.state_file.read_bytes()) | {"instance": "0" * 32}
    paths.state_file.write_text(json.dumps(other))
    assert synrouter("down").returncode == 1
    assert daemon.process.poll() is None


def test_the_control_token_is_not_sent_to_a_squatter_of_a_dead_daemons_port(start, synrouter):
    daemon = start()
    port = daemon.port
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    with socket.create_server(("127.0.0.1", port)) as squatter:
        squatter.settimeout(0.5)
        assert synrouter("status").returncode == 3
        with pytest.raises(TimeoutError):
            squatter.accept()


def test_a_rotated_token_is_taken_up_by_the_running_daemon(start, synrouter, paths):
    port = start().port
    old = synrouter("token", "show").stdout.strip()
    assert opens(port, old)
    rotated = synrouter("token", "rotate")
    new = rotated.stdout.strip()
    assert (rotated.returncode, opens(port, old), opens(port, new)) == (0, False, True)
    assert client_token(paths).reveal() == new


def test_tokens_survive_a_restart(start, synrouter):
    before = synrouter("token").stdout
    first = start()
    assert first.port
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    port = start().port
    assert synrouter("token", "show").stdout == before
    assert opens(port, before.strip())


def test_every_file_is_0600_and_every_directory_0700_under_umask_0(start, home):
    previous = os.umask(0)
    try:
        daemon = start()
        assert daemon.port
    finally:
        os.umask(previous)
    modes = {path.relative_to(home).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*")}
    assert modes == {
        "data": 0o700,
        "data/token": 0o600,
        "data/control-token": 0o600,
        "logs": 0o700,
        "logs/synrouter.log": 0o600,
        "state": 0o700,
        "state/daemon.json": 0o600,
        "state/daemon.lock": 0o600,
    }


def test_a_key_is_in_no_file_no_argument_and_no_output(start, synrouter, home):
    canary = "canary-0123456789abcdef"
    daemon = start("--port", "0", SYNROUTER_ANTHROPIC_KEY=canary)
    assert daemon.port
    with open(f"/proc/{daemon.pid}/cmdline", "rb") as arguments:
        assert canary.encode() not in arguments.read()
    status = synrouter("status", "--json")
    assert json.loads(status.stdout)["keys"] == {"anthropic": "SYNROUTER_ANTHROPIC_KEY"}
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert canary not in status.stdout + daemon.process.stdout.read() + daemon.stderr()
    assert all(canary.encode() not in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_a_reader_that_does_not_read_does_not_stop_it(start, synrouter, paths):
    daemon = start("--port", "0", FAKE_LINES="3000")
    port = daemon.port
    token = paths.control_token_file.read_text().strip()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/say", headers={"Authorization": f"Bearer {token}"})
    assert connection.getresponse().status == 200
    connection.close()
    assert synrouter("down").returncode == 0
    assert daemon.wait() == 0


def test_a_reader_that_leaves_does_not_stop_it(start, synrouter, paths):
    daemon = start("--port", "0", FAKE_LINES="5")
    port = daemon.port
    daemon.process.stdout.close()
    token = paths.control_token_file.read_text().strip()
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/say", headers={"Authorization": f"Bearer {token}"})
        assert connection.getresponse().status == 200
        connection.close()
    assert synrouter("down").returncode == 0
    assert (daemon.wait(), daemon.stderr()) == (0, "")


def test_a_missing_file_of_certificates_is_told_before_anything_starts(start, home):
    daemon = start("--port", "0", SSL_CERT_FILE="/nowhere/ca.pem")
    assert daemon.wait() == 2
    assert daemon.stderr().startswith("synrouter: /nowhere/ca.pem: no such file of certificates")
    assert not home.exists()
