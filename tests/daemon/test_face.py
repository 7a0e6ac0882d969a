"""A dashboard on the daemon's terminal: left by its user, killed, stopped; the terminal is usable in the end."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest

from synrouter_cli.daemon.face import Face
from synrouter_cli.daemon.voice import Voice

QUITS = "pass"
DIES = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
SITS = "import time; print('drawing', flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SITS
GREETING = "synrouter: listening on http://127.0.0.1:7477"


class Drawer:
    """Starts a program as the drawer, on a pipe that a test can wait at."""

    def __init__(self, code: str) -> None:
        self._code = code
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen([sys.executable, "-c", self._code], stdout=subprocess.PIPE)
        if "drawing" in self._code:
            self.process.stdout.readline()
        return self.process

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()


@pytest.fixture
def terminal() -> Iterator[tuple[int, object]]:
    ours, theirs = pty.openpty()
    stream = os.fdopen(theirs, "w")
    yield ours, stream
    stream.close()
    os.close(ours)


@pytest.fixture
def drawer() -> Iterator[object]:
    made: list[Drawer] = []

    def drawer(code: str) -> Drawer:
        made.append(Drawer(code))
        return made[-1]

    yield drawer
    for one in made:
        one.close()


async def test_a_drawer_that_its_user_leaves_stops_the_daemon(terminal, drawer):
    said: list[str] = []
    stop = asyncio.Event()
    voice = Voice(said.append, said.append, Face(drawer(QUITS), terminal[1]))
    async with voice.speaking(GREETING, stop.set):
        await asyncio.wait_for(stop.wait(), 20)
    assert said == []


async def test_a_drawer_that_dies_leaves_a_usable_terminal_and_lines_go_on(terminal, drawer):
    ours, stream = terminal
    before = termios.tcgetattr(stream.fileno())
    said: list[str] = []
    noted = asyncio.Event()
    voice = Voice(said.append, lambda line: (said.append(line), noted.set()), Face(drawer(DIES), stream))
    stops: list[bool] = []

    def spawn_in_raw_mode() -> subprocess.Popen[bytes]:
        raw = [*before]
        raw[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(stream.fileno(), termios.TCSANOW, raw)
        return drawer(DIES)()

    voice = Voice(said.append, voice.note, Face(spawn_in_raw_mode, stream))
    async with voice.speaking(GREETING, lambda: stops.append(True)):
        await asyncio.wait_for(noted.wait(), 20)
        voice.turn("a turn")
    assert termios.tcgetattr(stream.fileno()) == before
    shown = os.read(ours, 1000)
    assert b"\x1b[?1049l" in shown
    assert b"\x1b[?25h" in shown
    assert said == [
        "synrouter: the dashboard ended unexpectedly; the proxy goes on, with a line a turn",
        GREETING,
        "a turn",
    ]
    assert stops == []


async def test_while_it_draws_no_line_goes_to_the_terminal(terminal, drawer):
    said: list[str] = []
    voice = Voice(said.append, said.append, Face(drawer(SITS), terminal[1]))
    async with voice.speaking(GREETING, lambda: None):
        voice.turn("a turn")
    assert said == []


@pytest.mark.parametrize("code", [SITS, STUBBORN])
async def test_a_stop_ends_the_drawer_however_stubborn_and_is_no_surprise(terminal, drawer, code, monkeypatch):
    monkeypatch.setattr("synrouter_cli.daemon.face._LEAVE_S", 0.2)
    said: list[str] = []
    draws = drawer(code)
    voice = Voice(said.append, said.append, Face(draws, terminal[1]))
    async with voice.speaking(GREETING, lambda: said.append("stopped")):
        assert draws.process.poll() is None
    assert draws.process.poll() is not None
    assert said == []


async def test_where_nothing_can_draw_the_greeting_is_said_and_lines_come(terminal):
    def spawn() -> subprocess.Popen[bytes]:
        raise OSError(11, "no more processes")

    said: list[str] = []
    voice = Voice(said.append, said.append, Face(spawn, terminal[1]))
    async with voice.speaking(GREETING, lambda: None):
        voice.turn("a turn")
    assert said == [GREETING, "a turn"]


async def test_a_stream_that_is_no_terminal_is_left_alone(tmp_path, drawer):
    with open(tmp_path / "file", "w") as stream:
        noted = asyncio.Event()
        voice = Voice(lambda line: None, lambda line: noted.set(), Face(drawer(DIES), stream))
        async with voice.speaking(GREETING, lambda: None):
            await asyncio.wait_for(noted.wait(), 20)
