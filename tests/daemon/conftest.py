"""A daemon as a process of its own, in a home of its own, gone at the end of the test."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

import synrouter_cli
from synrouter_cli.cli import main
from synrouter_cli.paths import Paths, find_paths

DEADLINE_S = 20.0
FAKE = Path(__file__).with_name("fake_daemon.py")


class Daemon:
    """`synrouter up` on the fake proxy."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid

    def first_line(self) -> str:
        ready, _, _ = select.select([self.process.stdout], [], [], DEADLINE_S)
        assert ready, "no line in time"
        return self.process.stdout.readline()

    @property
    def port(self) -> int:
        line = self.first_line()
        assert line.startswith("synrouter: listening on http://127.0.0.1:"), line + self.process.stderr.read()
        return int(line.rpartition(":")[2])

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(DEADLINE_S)

    def stderr(self) -> str:
        return self.process.stderr.read()


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("SYNROUTER_HOME", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(Path(synrouter_cli.__file__).parents[1]))
    for name in list(os.environ):
        if name.startswith("SYNROUTER_") and name != "SYNROUTER_HOME":
            monkeypatch.delenv(name)
    return folder


@pytest.fixture
def paths(home) -> Paths:
    found = find_paths()
    found.create()
    return found


@pytest.fixture
def start(home) -> Iterator[Callable[..., Daemon]]:
    """start("--port", "0", FAKE_X="1") → Daemon; with `ignored`, a signal is ignored as nohup does it"""
    started: list[Daemon] = []

    def start(*arguments: str, ignored: int | None = None, **environment: str) -> Daemon:
        command = [sys.executable, str(FAKE), "up", *(arguments or ("--port", "0"))]
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            preexec_fn=None if ignored is None else lambda: signal.signal(ignored, signal.SIG_IGN),
        )
        started.append(Daemon(process))
        return started[-1]

    yield start
    for daemon in started:
        if daemon.process.poll() is None:
            daemon.signal(signal.SIGKILL)
        daemon.wait()
        daemon.process.stdout.close()
        daemon.process.stderr.close()


@dataclass(frozen=True)
class Answer:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def synrouter(home) -> Callable[..., Answer]:
    """synrouter("status") → Answer; in this process, so not for `up`"""

    def call(*arguments: str) -> Answer:
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            code = main(arguments)
        return Answer(code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait for a condition; fails when it does not come true."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.01)

    return wait
