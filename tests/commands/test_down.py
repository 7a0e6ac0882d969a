"""How `down` insists, against a daemon that does as it is told; a real one is in tests/daemon."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack

import pytest

from synrouter_cli.commands.down import stop
from synrouter_cli.daemon import lock
from synrouter_cli.daemon.client import ControlError, Daemon, Health
from synrouter_cli.daemon.process import create_time
from synrouter_cli.daemon.state import State
from synrouter_cli.errors import NotResponding
from synrouter_cli.paths import find_paths


class FakeControl:
    def __init__(self, on_shutdown):
        self._on_shutdown = on_shutdown
        self.calls = 0

    def shutdown(self):
        self.calls += 1
        self._on_shutdown()


@pytest.fixture
def paths():
    found = find_paths()
    found.create()
    return found


@pytest.fixture
def held(paths):
    with ExitStack() as stack:
        stack.enter_context(lock.hold(paths.lock_file))
        yield stack


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def daemon(on_shutdown, *, pid=None, proved=True, stopping=False) -> Daemon:
    pid = pid or os.getpid()
    state = State(pid, create_time(pid), 7477, "ab", "1", drain_s=0.1, stopping=stopping)
    health = Health("ab", "1", pid, 7477, 1.0, 0, 0) if proved else None
    return Daemon(state, FakeControl(on_shutdown), health)


def test_a_daemon_that_leaves_was_asked_once(paths, held):
    told = daemon(held.close)
    stop(paths, told, grace_s=5)
    assert told.control.calls == 1


def test_a_daemon_that_drains_already_is_not_asked_again_since_that_would_cut_it(paths, held):
    told = daemon(lambda: None, stopping=True, proved=False)
    held.close()
    stop(paths, told, grace_s=5)
    assert told.control.calls == 0


def test_one_that_leaves_while_it_is_asked_is_gone(paths, held):
    def leave():
        held.close()
        raise ControlError("nothing listens there")

    stop(paths, daemon(leave), grace_s=5)


def test_one_that_does_not_take_the_request_is_told(paths, held):
    def refuse():
        raise ControlError("it answered 500")

    with pytest.raises(NotResponding, match="it answered 500"):
        stop(paths, daemon(refuse), grace_s=0.1)


def test_one_that_proved_itself_and_stays_is_signalled(paths, held, sleeper):
    with pytest.raises(NotResponding, match="it does not leave"):
        stop(paths, daemon(lambda: None, pid=sleeper.pid), grace_s=0.1)
    assert sleeper.wait(10) != 0


def test_one_that_did_not_prove_itself_is_not_signalled(paths, held, sleeper):
    with pytest.raises(NotResponding) as raised:
        stop(paths, daemon(lambda: None, pid=sleeper.pid, proved=False, stopping=True), grace_s=0.1)
    assert raised.value.hint == f"kill {sleeper.pid}"
    assert sleeper.poll() is None
