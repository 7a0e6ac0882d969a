"""The control client against a server that answers as it is told."""

from __future__ import annotations

import json
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from synrouter_cli.credentials import Secret
from synrouter_cli.daemon import client, lock, state
from synrouter_cli.daemon.client import Control, ControlError
from synrouter_cli.daemon.process import create_time
from synrouter_cli.daemon.state import State
from synrouter_cli.daemon.tokens import control_token
from synrouter_cli.errors import NotResponding, NotRunning, SynrouterError

HEALTH = {
    "instance": "ab12",
    "version": "1.2.3",
    "pid": os.getpid(),
    "port": 0,
    "uptime_s": 5.5,
    "in_flight": 2,
    "committed": 7,
    "ledger": {"queue": 0},
    "something_newer": True,
}


class Server(HTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body = 200, json.dumps(HEALTH).encode()
        self.seen: list[tuple[str, str, str, str]] = []

    @property
    def port(self) -> int:
        return self.server_address[1]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        headers = self.headers
        self.server.seen.append((self.command, self.path, headers["Host"], headers["Authorization"]))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_GET

    def log_message(self, *arguments):
        return


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def control(server):
    return Control(server.port, Secret("sk-sr-control-x"))


def test_health_is_read_and_fields_of_a_newer_daemon_are_left_out(control):
    health = control.health()
    assert (health.instance, health.in_flight, health.committed, health.ledger) == (
        "ab12",
        2,
        7,
        {"queue": 0},
    )


def test_each_call_goes_to_its_route_with_host_and_token(control, server):
    control.health()
    control.shutdown()
    control.reload_tokens()
    host, token = f"127.0.0.1:{server.port}", "Bearer sk-sr-control-x"
    assert server.seen == [
        ("GET", "/_synrouter/health", host, token),
        ("POST", "/_synrouter/shutdown", host, token),
        ("POST", "/_synrouter/reload-tokens", host, token),
    ]


@pytest.mark.parametrize(("answer", "line"), [("Today: Friday", "Today: Friday"), (None, None), (7, None)])
def test_the_changed_line_of_a_turn_is_asked_for_by_session_and_number(control, server, answer, line):
    server.body = json.dumps({"changed_line": answer}).encode()
    assert control.changed_line("s 1&x=", 2) == line
    assert [path for _, path, _, _ in server.seen] == ["/_synrouter/explain?session=s+1%26x%3D&turn=2"]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"{}", "answered 401"),
        (307, b"{}", "answered 307"),
        (500, b"secret", "answered 500"),
        (200, b"<html>", "not JSON"),
        (200, b"[]", "not JSON"),
        (200, b"{}", "lacks 'instance'"),
    ],
)
def test_an_answer_that_is_none_is_an_error_that_says_so(control, server, status, body, said):
    server.status, server.body = status, body
    with pytest.raises(ControlError, match=said):
        control.health()


def test_a_port_where_nothing_listens_is_an_error_that_says_so():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ControlError, match="nothing listens"):
        Control(port, Secret("x")).health()


def test_a_port_that_never_answers_is_given_up():
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ControlError, match="no answer in time"),
    ):
        Control(silent.getsockname()[1], Secret("x"), timeout_s=0.1).health()


# ── find ──


@pytest.fixture
def running(paths, server):
    """This process holds the lock and serves: it is the daemon."""
    with lock.hold(paths.lock_file):
        write(paths, server.port)
        yield paths


def write(paths, port, **changes):
    values = {"pid": os.getpid(), "create_time": create_time(os.getpid()), "port": port, "instance": "ab12"}
    state.write(paths.state_file, State(**(values | {"version": "1.2.3"} | changes)))


def test_a_daemon_that_proves_itself_is_found(running, server):
    daemon = client.find(running)
    assert (daemon.state.port, daemon.health.in_flight) == (server.port, 2)
    assert server.seen[0][3] == f"Bearer {control_token(running).reveal()}"


def test_without_the_lock_nothing_runs_and_nobody_is_asked(paths, server):
    write(paths, server.port)
    with pytest.raises(NotRunning):
        client.find(paths)
    assert server.seen == []


def test_with_the_lock_but_no_state_it_is_starting_or_stopping(paths):
    with lock.hold(paths.lock_file), pytest.raises(SynrouterError, match="starting or stopping"):
        client.find(paths)


@pytest.mark.parametrize("changes", [{"pid": 1}, {"create_time": "boot:1"}, {"create_time": None}])
def test_a_state_of_another_process_is_not_believed_and_nobody_is_asked(running, server, changes):
    write(running, server.port, **changes)
    with pytest.raises(SynrouterError, match="is not of the daemon that runs"):
        client.find(running)
    assert server.seen == []
    assert client.believable_state(running) is None


def test_another_instance_at_the_port_is_not_believed(running, server):
    server.body = json.dumps(HEALTH | {"instance": "other"}).encode()
    with pytest.raises(NotResponding, match="another program has its port"):
        client.find(running)


def test_a_daemon_that_does_not_answer_is_told_with_its_pid(running, server):
    server.status = 500
    with pytest.raises(NotResponding) as raised:
        client.find(running)
    assert raised.value.hint == f"kill {os.getpid()}"


def test_a_daemon_that_drains_is_found_without_its_health(running, server):
    write(running, server.port, stopping=True)
    server.status = 500
    assert client.find(running).health is None
