"""The dashboard in a real terminal: seen, driven with keys, resized, ended in every way."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from support.processes import Daemon, daemon, simulated_provider, wait_for
from support.screens import turn
from support.tmux import Terminal, terminal
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.paths import Paths, find_paths

pytestmark = pytest.mark.e2e

LIVE = "python -m synrouter_cli.commands.live"
SIZES = [(80, 24), (110, 32), (200, 60)]
# how long a cache stays warm, at a row's end; the time of day in the headline has two digits for its hour
WARM = re.compile(r"(?<!\d)4:[0-5]\d$", re.MULTILINE)
HOSTILE = (
    "\x1b]0;owned\x07title",
    "\x1b]52;c;ZXZpbA==\x07clip",
    "\x1b]8;;http://evil\x1b\\link",
    "\x1b[2J\x1b[1;1Hgone",
    "\x9b31mred\x9d0;owned\x9c",
    "\x1bPq#0\x1b\\dcs",
    "\x1b[?1049lout\x1bc",
    "\u202eevil\u202c",
    "[bold red]markup[/x]",
    "line\r\n\tbreak\x08\x07",
)


def turns(count: int = 40) -> list[Turn]:
    """Today's latest first: a loss, an error, one under way, and a session of each kind of client."""
    now = time.time()
    made = [
        turn(
            number,
            session=f"{number % 4}c0ffee12345",
            started_at=now - number,
            client=("claude-code", "opencode")[number % 2],
        )
        for number in range(1, count)
    ]
    made[3] = replace(made[3], status="error", usage=None, cost_pusd=0, http_status=529, error_type="overloaded_error")
    return made


@pytest.fixture
def paths() -> Paths:
    found = find_paths()
    found.create()
    return found


@pytest.fixture
def ledger(paths: Paths) -> Iterator[Ledger]:
    opened = Ledger.open(paths.ledger_file)
    for one in turns():
        opened.record(one)
    assert opened.flush(10)
    yield opened
    opened.close()


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def window(request: pytest.FixtureRequest, ledger: Ledger, tmp_path: Path) -> Iterator[Terminal]:
    with terminal(tmp_path / "t", LIVE, width=request.param[0], height=request.param[1]) as opened:
        opened.shows("SAVED BY SYNROUTER")
        yield opened


@pytest.fixture
def small(ledger: Ledger, tmp_path: Path) -> Iterator[Terminal]:
    with terminal(tmp_path / "t", LIVE) as opened:
        opened.shows("SAVED BY SYNROUTER")
        yield opened


def test_every_key_does_what_the_bottom_line_says(window: Terminal) -> None:
    assert window.ask("#{alternate_on} #{cursor_flag}") == "1 0"
    first = window.shows("last turns")
    assert "q quit" in first.splitlines()[-1]
    assert re.search(r" 39 · 1 error", first)
    for key, text in (
        ("s", "─ sessions · today ─"),
        ("m", "─ models · today ─"),
        ("e", "did not end well"),
        ("?", "tput rmcup; reset"),
    ):
        window.press(key)
        window.shows(text)
    window.press("?")
    window.shows("last turns")
    for key, name in (("2", "7 days "), ("3", "30 days "), ("1", " today ")):
        window.press(key)
        window.shows(f"sessions · {name.strip()}")
        assert name in window.screen.splitlines()[0]
    window.press("q")
    assert window.ended() == 0
    assert "SAVED" not in window.screen, "the alternate screen is left"


def test_new_turns_appear_and_a_paused_screen_stands_still(small: Terminal, ledger: Ledger) -> None:
    small.press("p")
    small.shows(" paused ")
    before = small.screen
    ledger.record(turn(900, session="fffffe", started_at=time.time(), client="newcomer"))
    assert ledger.flush(10)
    time.sleep(1.2)  # two looks: that nothing happens can only be waited for
    assert small.screen == before
    small.press("p")
    small.shows("newcomer")
    ledger.record(turn(901, session="fffffd", started_at=time.time(), client="another-one"))
    small.shows("another-one")


def test_the_screen_follows_the_window(small: Terminal) -> None:
    for width, height in [(200, 60), (110, 32), (80, 24)]:
        small.resize(width, height)
        wait_for(lambda height=height: "q quit" in (small.screen.splitlines() or [""])[height - 1], "the last line")
        lines = small.screen.splitlines()
        assert len(lines) == height
        assert max(map(len, lines)) == width, "the rules go all across"
    small.resize(60, 20)
    small.shows("needs 80 columns and 24")
    small.resize(80, 24)
    small.shows("last turns")


def test_nothing_is_left_of_another_screen(small: Terminal) -> None:
    small.press("e")
    small.shows("did not end well")
    small.press("e")
    small.shows("last turns")
    assert "did not end well" not in small.screen
    assert "Tries" not in small.screen


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=lambda v: str(v)
)
def test_a_signal_ends_it_and_the_terminal_is_as_before(small: Terminal, number: signal.Signals, code: int) -> None:
    os.kill(small.pid_of("commands.live"), number)
    assert small.ended() == code


def test_ctrl_c_ends_it_and_ctrl_z_does_nothing(small: Terminal) -> None:
    small.press("C-z")
    small.press("s")
    small.shows("─ sessions")
    small.press("C-c")
    assert small.ended() == 130


def test_an_error_of_ours_leaves_the_terminal_as_it_was_and_says_where_to_look(ledger: Ledger, tmp_path: Path) -> None:
    failing = (
        'python -c "import sys; from synrouter_cli.commands import live, showing; '
        'showing.draw = lambda *_: 1 / 0; sys.exit(live.main([]))"'
    )
    with terminal(tmp_path / "t", failing) as window:
        screen = window.shows("the dashboard failed")
        assert window.ended() == 1
        assert "Traceback" not in screen
    assert "ZeroDivisionError" in find_paths().log_file.read_text()


def test_after_kill_9_what_the_help_page_says_is_enough(ledger: Ledger, tmp_path: Path) -> None:
    with terminal(tmp_path / "t", f"{LIVE}; tput rmcup; reset; true") as window:
        window.shows("SAVED BY SYNROUTER")
        os.kill(window.pid_of("commands.live"), signal.SIGKILL)
        window.shows("ended with")
        assert window.ask("#{alternate_on} #{cursor_flag} #{wrap_flag}") == "0 1 1"


def test_ascii_no_colour_and_a_locale_without_unicode(ledger: Ledger, tmp_path: Path) -> None:
    for name, command, env in (
        ("option", f"{LIVE} --ascii", {}),
        ("locale", LIVE, {"LC_ALL": "C"}),
    ):
        with terminal(tmp_path / name, command, env=env) as window:
            assert window.shows("SAVED BY SYNROUTER").isascii(), name
    for name, env, coloured in (("colour", {}, True), ("no-colour", {"NO_COLOR": "1"}, False)):
        with terminal(tmp_path / name, LIVE, env=env) as window:
            window.shows("SAVED BY SYNROUTER")
            sent = re.findall(r"\x1b\[([\d;]*)m", window.coloured)
            colours = {int(code) for codes in sent for code in codes.split(";") if code}
            assert bool(colours & {*range(30, 38), 38, *range(90, 98)}) is coloured, name


@pytest.mark.parametrize("command", [f"export TERM=dumb; {LIVE}", f"{LIVE} | cat", f"{LIVE} < /dev/null"])
def test_where_there_is_no_terminal_a_sentence_says_so(ledger: Ledger, tmp_path: Path, command: str) -> None:
    with terminal(tmp_path / "t", f"{command} 2>&1") as window:
        screen = window.shows("ended with")
        assert "synrouter: No dashboard here" in screen
        assert "synrouter stats" in screen
        assert "SAVED" not in screen


def test_hostile_names_change_nothing_on_the_screen(paths: Paths, ledger: Ledger, tmp_path: Path) -> None:
    now = time.time()
    for number, name in enumerate(HOSTILE):
        row = turn(number, session=f"{name}{number}", client=name, model=name, started_at=now + number / 100)
        ledger.record(replace(row, reason=name, error_type=name, status="error", http_status=400))
    assert ledger.flush(10)
    with terminal(tmp_path / "t", LIVE, width=200, height=60) as window:
        window.shows("markup")
        title = window.ask("#{pane_title}")
        for key in ("", "s", "m", "e"):
            if key:
                window.press(key)
            window.shows({"": "last turns", "s": "─ sessions", "m": "─ models", "e": "did not end well"}[key])
            lines = window.screen.splitlines()
            assert lines[0].startswith(" synrouter ○ not running")
            assert lines[-1].startswith(" q quit")
            assert len(lines) == 60
            assert "[bold red]markup[/x]" in "\n".join(lines)
            assert window.ask("#{alternate_on}") == "1"
        assert window.ask("#{pane_title}") == title
        assert window.tmux("list-buffers") == "", "nothing reached the clipboard"
        window.press("q")
        assert window.ended() == 0


def test_it_writes_nothing_while_nothing_changes(ledger: Ledger, tmp_path: Path) -> None:
    typescript = tmp_path / "written"
    with terminal(tmp_path / "t", LIVE) as window:
        window.shows("SAVED BY SYNROUTER")
        window.tmux("pipe-pane", f"cat > {typescript}")
        time.sleep(1.5)
        # the clock in the corner may turn meanwhile: one line
        assert typescript.stat().st_size < 300


def test_it_takes_a_few_percent_of_a_core_and_no_more_memory_as_time_goes_by(ledger: Ledger, tmp_path: Path) -> None:
    """Ten turns a second for five seconds. CPU time does not depend on what else this machine does, or hardly."""
    with terminal(tmp_path / "t", LIVE, width=120, height=40) as window:
        window.shows("SAVED BY SYNROUTER")
        pid = window.pid_of("commands.live")
        cpu, memory, began = cpu_seconds(pid), resident_kib(pid), time.monotonic()
        for number in range(1000, 1050):
            ledger.record(turn(number, session=f"{number:06}", started_at=time.time()))
            time.sleep(0.1)
        assert (cpu_seconds(pid) - cpu) / (time.monotonic() - began) < 0.05
        assert resident_kib(pid) - memory < 3000
        window.shows("001049")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kib(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


# ── beside a daemon ──


@pytest.fixture
def running(tmp_path: Path, paths: Paths) -> Iterator[Daemon]:
    with simulated_provider(tmp_path / "provider") as url, daemon(paths.config_dir, url) as started:
        yield started


TOOLS = [{"name": "Bash", "description": "runs a command", "input_schema": {"type": "object"}}]


def ask(running: Daemon, token: str, text: str = "hello") -> None:
    long = {"role": "user", "content": text + " and read another file" * 2000}
    body = {"model": "claude-sonnet-4-6", "max_tokens": 50, "messages": [long]}
    headers = {
        "x-api-key": token,
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-claude-code-session-id": "0b5e2c1a-1111-2222-3333-444455556666",
    }
    request = Request(f"{running.url}/v1/messages", json.dumps({**body, "tools": TOOLS}).encode(), headers)
    with build_opener(ProxyHandler({})).open(request, timeout=20) as answer:
        answer.read()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_turn_shows_within_a_second_with_health_and_a_cache_that_cools_down(
    running: Daemon, tmp_path: Path, width: int, height: int
) -> None:
    token = running.token
    with terminal(tmp_path / "t", LIVE, width=width, height=height) as window:
        screen = window.shows(f"● {running.url.removeprefix('http://')}")
        assert "keys anthropic from SYNROUTER_ANTHROPIC_KEY · ledger ok · queue 0" in screen
        ask(running, token)
        began = time.monotonic()
        window.shows("claude-sonnet-4-6")
        assert time.monotonic() - began < 5
        screen = window.shows("anthropic ok")
        warm = WARM.search(screen)
        assert warm, screen
        wait_for(lambda: warm[0] not in window.screen and WARM.search(window.screen), "a countdown")
        assert running.running.process.poll() is None
        running.cli("down")
        window.shows("not running")
        window.shows("next: synrouter up")
        window.press("q")
        assert window.ended() == 0


def test_it_finds_a_daemon_that_starts_after_it(tmp_path: Path, paths: Paths) -> None:
    with terminal(tmp_path / "t", LIVE) as window:
        window.shows("not running")
        with simulated_provider(tmp_path / "provider") as url, daemon(paths.config_dir, url):
            window.shows("● 127.0.0.1:")
        window.shows("not running")


def test_it_leaves_with_the_process_that_owns_it(ledger: Ledger, tmp_path: Path) -> None:
    """A proxy that is killed takes its dashboard along, and the terminal is left as it was."""
    owner = (
        'python -c "import os, sys, time; from synrouter_cli.commands import live; '
        "from synrouter_cli.paths import find_paths; child = live.spawn(find_paths()); "
        'print(child.pid, flush=True); time.sleep(2); os.kill(os.getpid(), 9)" owner'
    )
    with terminal(tmp_path / "t", f"{owner}; sleep 2") as window:
        window.shows("SAVED BY SYNROUTER")
        window.ended()


def test_whoever_leaves_an_owned_dashboard_ends_it_well(ledger: Ledger, tmp_path: Path) -> None:
    owner = (
        'python -c "import signal, sys; from synrouter_cli.commands import live; '
        "from synrouter_cli.paths import find_paths; signal.signal(signal.SIGINT, lambda *_: None); "
        'sys.exit(live.spawn(find_paths()).wait())"'
    )
    for key in ("q", "C-c"):
        with terminal(tmp_path / f"t-{key}", owner) as window:
            window.shows("SAVED BY SYNROUTER")
            window.press(key)
            assert window.ended() == 0


# ── where `synrouter up` shows it ──


@pytest.fixture
def up(tmp_path: Path, paths: Paths) -> Iterator[Terminal]:
    with (
        simulated_provider(tmp_path / "provider") as url,
        terminal(tmp_path / "t", f"synrouter up --port 0 --upstream anthropic={url}") as window,
    ):
        window.shows("● 127.0.0.1:")
        yield window


def test_leaving_the_dashboard_of_up_stops_the_proxy(up: Terminal, paths: Paths) -> None:
    up.press("q")
    assert up.ended() == 0
    assert not paths.state_file.exists()


def test_ctrl_c_stops_proxy_and_dashboard(up: Terminal, paths: Paths) -> None:
    up.press("C-c")
    assert up.ended() in (0, 130)
    assert not paths.state_file.exists()


def test_a_dashboard_that_is_killed_leaves_a_usable_terminal_and_a_running_proxy(up: Terminal, paths: Paths) -> None:
    os.kill(up.pid_of("commands.live"), signal.SIGKILL)
    up.shows("synrouter: listening on http://127.0.0.1:")
    wait_for(lambda: up.ask("#{alternate_on} #{cursor_flag} #{wrap_flag}") == "0 1 1", "the terminal as it was")
    assert paths.state_file.exists()
    up.press("C-c")
    assert up.ended() == 130
