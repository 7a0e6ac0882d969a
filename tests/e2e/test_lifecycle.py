"""The daemon's life with everything real: many at once, two side by side, stopped in mid-stream, upgraded while it runs."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import synrouter_cli
from support.processes import Daemon, daemon, running, simulated_provider, wait_for
from synrouter_cli import __version__
from synrouter_cli.ledger.queries import reading

pytestmark = pytest.mark.e2e

ROOT = Path(synrouter_cli.__file__).parents[1]
SCRIPT = [
    {"when": "pause", "steps": [{"say": "one two three four five six", "fault": "stall:1"}]},
    {"when": "hang", "steps": [{"say": "one two three four five six", "fault": "stall:60"}]},
    {"when": "break", "steps": [{"say": "one two three four five six", "fault": "cut"}]},
    {"when": "overload", "steps": [{"fault": "529", "times": 99}]},
]
UP = ["up", "--plain", "--port", "0"]


@pytest.fixture
def provider(tmp_path) -> Iterator[str]:
    with simulated_provider(tmp_path / "provider", SCRIPT, key="sk-ant-test") as url:
        yield url


def body(text: str, *, stream: bool = True, **more: Any) -> bytes:
    message = {"role": "user", "content": text}
    request = {"model": "claude-opus-4-8", "max_tokens": 50, "stream": stream, "messages": [message], **more}
    return json.dumps(request).encode()


@contextmanager
def opened(
    url: str, token: str, content: bytes, path: str = "/v1/messages", **headers: str
) -> Iterator[http.client.HTTPResponse]:
    """An answer whose head is here; its body may still come."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    own = {"x-api-key": token, "anthropic-version": "2023-06-01", "content-type": "application/json"}
    connection.request("POST", path, content, own | headers)
    with closing(connection), connection.getresponse() as answer:
        yield answer


def ask(*request: Any, **headers: str) -> tuple[int, bytes]:
    """Status and body of an answer."""
    with opened(*request, **headers) as answer:
        return answer.status, answer.read()


def cli(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`synrouter ARGUMENTS`, whatever it leaves with."""
    command = [sys.executable, "-m", "synrouter_cli", *arguments]
    return subprocess.run(
        command, env={**os.environ, "SYNROUTER_HOME": str(home)}, capture_output=True, text=True, timeout=60
    )


def statuses(home: Path) -> list[str]:
    """The status of each turn on the ledger, in the order of their beginning."""
    with reading(home / "data" / "ledger.db") as db:
        return [status for (status,) in db.execute("SELECT status FROM turns ORDER BY started_at")]


def test_of_twelve_starts_at_once_one_runs_and_eleven_say_so(tmp_path):
    home, command = tmp_path / "home", [sys.executable, "-m", "synrouter_cli", *UP]
    environment = {**os.environ, "SYNROUTER_HOME": str(home)}
    with ExitStack() as stack:
        starts = [
            stack.enter_context(running(command, logs=tmp_path / str(number), env=environment)) for number in range(12)
        ]
        wait_for(lambda: sum(one.process.poll() is not None for one in starts) >= 11, "eleven ended", seconds=90)
        ended = [one for one in starts if one.process.poll() is not None]
        (left,) = [one for one in starts if one not in ended]
        left.printed("listening on")
        assert [one.process.returncode for one in ended] == [1] * 11
        for one in ended:
            first, second = one.stderr.read_text().splitlines()
            assert first.startswith("synrouter: Synrouter is already running")
            assert second == "  next: synrouter status"
            assert one.stdout.read_text() == ""


def test_sigterm_in_mid_stream_lets_the_stream_end_as_it_should(tmp_path, provider):
    with daemon(tmp_path / "home", provider) as proxy:
        with opened(proxy.url, proxy.token, body("pause")) as answer:
            assert answer.read(6) == b"event:"
            proxy.running.process.send_signal(signal.SIGTERM)
            rest = answer.read()
        assert b"event: message_stop" in rest
        assert b"event: error" not in rest
        assert proxy.running.process.wait(20) == 0
        assert "finishing 1 request, up to 30 s" in proxy.running.stderr.read_text()
    [row] = json.loads(cli(tmp_path / "home", "stats", "--json").stdout)["sessions"]
    assert (row["turns"], row["errors"]) == (1, 0)


def test_a_second_signal_cuts_the_stream_with_an_error_event_of_the_dialect(tmp_path, provider):
    with daemon(tmp_path / "home", provider) as proxy:
        with opened(proxy.url, proxy.token, body("hang")) as answer:
            assert answer.read(6) == b"event:"
            proxy.running.process.send_signal(signal.SIGTERM)
            wait_for(lambda: "finishing 1" in proxy.running.stderr.read_text(), "it drains")
            proxy.running.process.send_signal(signal.SIGTERM)
            last = answer.read().decode().strip().split("\n\n")[-1].splitlines()
        assert proxy.running.process.wait(20) == 0
    assert last[0] == "event: error"
    event = json.loads(last[1].removeprefix("data: "))
    assert (event["type"], event["error"]["type"]) == ("error", "overloaded_error")
    assert "Synrouter" in event["error"]["message"]


def test_after_kill_9_in_mid_stream_a_start_works_and_the_turn_is_unknown(tmp_path, provider):
    home = tmp_path / "home"
    with daemon(home, provider) as proxy, opened(proxy.url, proxy.token, body("hang")) as answer:
        assert answer.read(6) == b"event:"
        wait_for(lambda: statuses(home) == ["started"], "the row is on disk")
        proxy.running.process.kill()
        proxy.running.process.wait(20)
    assert cli(home, "status").returncode == 3
    with daemon(home, provider) as proxy:
        assert b"message_stop" in ask(proxy.url, proxy.token, body("hello"))[1]
        wait_for(lambda: statuses(home) == ["unknown", "ok"], "both turns are final")


def test_after_a_clean_end_a_session_goes_on_with_the_next_number(tmp_path, provider):
    numbers = []
    for _ in range(3):
        with daemon(tmp_path / "home", provider) as proxy:
            for _ in range(2):
                with opened(proxy.url, proxy.token, body("hello"), **{"x-session-id": "one"}) as answer:
                    numbers.append(answer.headers["x-synrouter-turn"])
                    answer.read()
            assert proxy.cli("down").returncode == 0
    assert numbers == ["1", "2", "3", "4", "5", "6"]


def test_two_homes_run_side_by_side_and_know_nothing_of_each_other(tmp_path, provider):
    first, second = tmp_path / "first", tmp_path / "second"
    with daemon(first, provider) as one, daemon(second, provider) as two:
        assert one.token != two.token
        assert ask(one.url, two.token, body("hello"))[0] == 401
        assert b"message_stop" in ask(one.url, one.token, body("hello"))[1]
        wait_for(lambda: json.loads(one.cli("status", "--json").stdout)["committed"] == 1, "the turn is a row")
        assert json.loads(two.cli("status", "--json").stdout)["committed"] == 0
        assert one.cli("down").stdout == f"synrouter: stopped (pid {one.running.process.pid})\n"
        assert json.loads(two.cli("status", "--json").stdout)["running"] is True
        assert b"message_stop" in ask(two.url, two.token, body("hello"))[1]


# ── on a terminal ──


@dataclass
class Screen:
    """`synrouter up` on a terminal of its own; `shown` is all that it wrote there so far."""

    process: subprocess.Popen[bytes]
    terminal: int
    shown: bytes = b""

    def shows(self, wanted: bytes) -> None:
        deadline = time.monotonic() + 30
        while wanted not in self.shown:
            assert time.monotonic() < deadline, f"no {wanted!r} in {self.shown[-1000:]!r}"
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.shown += os.read(self.terminal, 65536)

    def types(self, keys: bytes) -> None:
        os.write(self.terminal, keys)

    def drawer(self) -> int:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}").parent.glob("*/children")
        (pid,) = {int(pid) for file in children for pid in file.read_text().split()}
        return pid

    def wait(self) -> int:
        """The exit code; a terminal that nobody reads would hold the process up."""
        while self.process.poll() is None:
            if select.select([self.terminal], [], [], 0.1)[0]:
                with suppress(OSError):  # Linux: nobody has the other end any more
                    self.shown += os.read(self.terminal, 65536)
        return self.process.returncode


@pytest.fixture
def screen(tmp_path) -> Iterator[Screen]:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    environment = {**os.environ, "SYNROUTER_HOME": str(tmp_path / "home"), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, "up", "--port", "0"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    yield Screen(process, ours)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    os.close(ours)


# A session leader whose controlling terminal is its standard input, so that Ctrl-C is a signal.
ON_A_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from synrouter_cli.cli import main
sys.exit(main())
"""
INTO_THE_DASHBOARD, OUT_OF_IT = b"\x1b[?1049h", b"\x1b[?1049l"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the drawer through /proc")
def test_a_dashboard_that_is_killed_leaves_a_usable_terminal_and_the_proxy(screen, tmp_path):
    screen.shows(INTO_THE_DASHBOARD)
    screen.shows(b"127.0.0.1:")
    os.kill(screen.drawer(), signal.SIGKILL)
    screen.shows(b"the dashboard ended unexpectedly; the proxy goes on, with a line a turn")
    assert screen.shown.rindex(OUT_OF_IT) > screen.shown.rindex(INTO_THE_DASHBOARD)
    assert cli(tmp_path / "home", "status").returncode == 0
    screen.types(b"\x03")
    assert screen.wait() == 130


@pytest.mark.parametrize(("key", "code"), [(b"q", 0), (b"\x03", 130)])
def test_leaving_the_dashboard_stops_the_proxy(screen, tmp_path, key, code):
    screen.shows(INTO_THE_DASHBOARD)
    screen.shows(b"127.0.0.1:")
    screen.types(key)
    assert screen.wait() == code
    assert OUT_OF_IT in screen.shown
    assert b"unexpectedly" not in screen.shown
    assert cli(tmp_path / "home", "status").returncode == 3


# ── an upgrade under a running daemon ──


@pytest.fixture
def installed(tmp_path, provider) -> Iterator[tuple[Daemon, Path]]:
    """A daemon of an older version, and where its package lies."""
    site = tmp_path / "site"
    package = site / "synrouter_cli"
    shutil.copytree(ROOT / "synrouter_cli", package, ignore=shutil.ignore_patterns("__pycache__"))
    init = package / "__init__.py"
    init.write_text(init.read_text().replace(__version__, "0.0.9"))
    environment = {
        **os.environ,
        "PYTHONPATH": str(site),
        "SYNROUTER_HOME": str(tmp_path / "home"),
        "SYNROUTER_ANTHROPIC_KEY": "sk-ant-test",
    }
    command = [sys.executable, "-P", "-m", "synrouter_cli", *UP, "--upstream", f"anthropic={provider}"]
    with running(command, logs=tmp_path / "logs", env=environment) as process:
        url = process.printed(r"^synrouter: listening on (http://127\.0\.0\.1:\d+)$")[1]
        yield Daemon(url, tmp_path / "home", process), package


def replace_all(package: Path) -> None:
    """Nothing of the package can be imported or read any more, as in the midst of an upgrade."""
    for file in package.rglob("*"):
        if file.suffix == ".py":
            file.write_text("raise RuntimeError('this is another version')\n")
        elif file.is_file():
            file.unlink()


def zstd(content: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd as codec
    else:
        from backports import zstd as codec
    return codec.compress(content)


def test_an_upgrade_under_a_running_daemon_breaks_nothing(installed):
    proxy, package = installed
    replace_all(package)
    token = (proxy.home / "data" / "token").read_text().strip()
    tools = [{"name": "Bash", "description": "d" * 5000, "input_schema": {"type": "object"}}]
    marked = [{"type": "text", "text": "s " * 5000, "cache_control": {"type": "ephemeral"}}]
    plain = body("hello")
    asked = [
        ask(proxy.url, token, plain),
        ask(proxy.url, token, body("hello", stream=False)),
        ask(proxy.url, token, body("tools", tools=tools, system=marked)),
        ask(proxy.url, token, body("an unknown model", model="claude-nobody-knows-9")),
        ask(proxy.url, token, gzip.compress(plain), **{"content-encoding": "gzip"}),
        ask(proxy.url, token, zlib.compress(plain), **{"content-encoding": "deflate"}),
        ask(proxy.url, token, zstd(plain), **{"content-encoding": "zstd"}),
        ask(proxy.url, token, b"not zstd", **{"content-encoding": "zstd"}),
        ask(proxy.url, token, plain, "/v1/messages/count_tokens"),
        ask(proxy.url, token, b"{"),
        ask(proxy.url, token, body("overload")),
        ask(proxy.url, token, plain, "/nowhere"),
        ask(proxy.url, "wrong", plain),
        ask(proxy.url, token, plain, origin="http://evil.example"),
    ]
    assert [status for status, _ in asked] == [200, 200, 200, 200, 200, 200, 200, 400, 200, 400, 529, 404, 401, 403]
    assert b"event: error" in ask(proxy.url, token, body("break"))[1]

    status = cli(proxy.home, "status")
    assert f"version    0.0.9; this command is {__version__}: synrouter down, then synrouter up" in status.stdout
    rotated = cli(proxy.home, "token", "rotate")
    assert rotated.returncode == 0
    assert ask(proxy.url, token, plain)[0] == 401
    with opened(proxy.url, rotated.stdout.strip(), body("pause")) as answer:
        assert answer.read(6) == b"event:"
        stopping = threading.Thread(target=cli, args=(proxy.home, "down"))
        stopping.start()
        assert b"message_stop" in answer.read()
    stopping.join()
    assert proxy.running.process.wait(20) == 0
    assert proxy.running.stderr.read_text().count("Traceback") == 0
    log = (proxy.home / "logs" / "synrouter.log").read_text()
    assert "another version" not in log
    assert "ImportError" not in log
    assert "RuntimeError" not in log


@pytest.mark.parametrize("how", [[], ["--detach"]])
def test_a_start_beside_a_daemon_of_another_version_says_so(installed, how):
    proxy, _ = installed
    refused = cli(proxy.home, *UP, *how)
    assert refused.returncode == 1
    first, second = refused.stderr.splitlines()
    where = f"(pid {proxy.running.process.pid}, {proxy.url})"
    assert first == f"synrouter: Synrouter is already running {where} as version 0.0.9, this is {__version__}."
    assert second == "  next: synrouter down && synrouter up"
