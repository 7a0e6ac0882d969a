"""`synrouter demo` from outside: by itself, cut short, on a terminal; figures from the ledger, nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.processes import running, wait_for
from support.tmux import terminal

pytestmark = pytest.mark.e2e

PLAY = "import sys; from synrouter_cli.commands import demo; sys.exit(demo.run(plain={plain}, seconds={seconds}))"
MONEY = r"(-?\$[\d,.]+)"


def play(seconds: float, *, plain: bool = True) -> list[str]:
    return [sys.executable, "-c", PLAY.format(plain=plain, seconds=seconds)]


@dataclass(frozen=True)
class Place:
    """Where a demo runs: a home that is not its business, and a folder for what is temporary."""

    home: Path
    temporary: Path

    @property
    def environment(self) -> dict[str, str]:
        # a proxy that leads nowhere: the demo must not ask it
        nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
        return {**os.environ, **nowhere, "SYNROUTER_HOME": str(self.home), "TMPDIR": str(self.temporary)}

    def processes(self) -> list[str]:
        """The dashboards that look at a demo of this place."""
        home = f"SYNROUTER_HOME={self.temporary}/".encode()
        return [file.parent.name for file in Path("/proc").glob("[0-9]*/environ") if home in _read(file)]

    def untouched(self) -> bool:
        return not self.home.exists() and not list(self.temporary.iterdir())


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # gone by now, or somebody else's
        return b""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "tmp").mkdir()
    return Place(tmp_path / "home", tmp_path / "tmp")


def dollars(text: str) -> float:
    return float(text.replace("$", "").replace(",", ""))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a whole demo prints; that it ends well and leaves nothing is checked here."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "tmp").mkdir()
    place = Place(folder / "home", folder / "tmp")
    done = subprocess.run(play(8), env=place.environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch("synrouter: a simulation, .* no key, no network.*\n", done.stderr)
    assert place.untouched()
    return done.stdout


def test_it_ends_by_itself_and_its_sums_are_those_of_its_lines(told: str):
    lines = re.findall(rf"hit \d+% · {MONEY} \(saved {MONEY}, by Synrouter {MONEY}\)$", told, re.MULTILINE)
    errors = re.findall(r" error 529 overloaded_error$", told, re.MULTILINE)
    [turns] = re.findall(r"real ledger: (\d+) turns", told)
    assert int(turns) == len(lines) + len(errors) and errors
    [cost] = re.findall(rf"  cost\s+{MONEY}", told)
    [without] = re.findall(rf"  without any caching\s+{MONEY}", told)
    spent, saved, ours = (sum(dollars(line[at]) for line in lines) for at in (0, 1, 2))
    assert dollars(cost) == pytest.approx(spent, abs=0.02)
    assert dollars(without) == pytest.approx(spent + saved, abs=0.02)
    [by_synrouter] = re.findall(rf"  saved by Synrouter\s+{MONEY}", told)
    assert dollars(by_synrouter) == pytest.approx(ours, abs=0.02)


def test_a_pause_really_costs_the_cache_and_other_turns_hit(told: str):
    hits: dict[str, list[int]] = {}
    for session, hit in re.findall(r" claude-code (\w+) #\d+ claude-opus\S+ .*hit (\d+)%", told):
        hits.setdefault(session, []).append(int(hit))
    [main] = hits.values()
    assert main[0] == 0 and 0 in main[1:]
    assert sorted(main)[len(main) // 2] >= 90


def test_ctrl_c_ends_it_with_130_and_nothing_left(place: Place, tmp_path: Path):
    with running(play(300), logs=tmp_path / "logs", env=place.environment) as demo:
        demo.printed(r"claude-code \w+ #1 ")
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(20) == 130
    said = demo.stdout.read_text() + demo.stderr.read_text()
    assert "Traceback" not in said and "cancelled" not in said and "finishing" not in said
    assert place.untouched()


def test_a_kind_kill_leaves_nothing_either(place: Place, tmp_path: Path):
    with running(play(300), logs=tmp_path / "logs", env=place.environment) as demo:
        demo.printed(r"claude-code \w+ #1 ")
        demo.process.terminate()
        assert demo.process.wait(20) == 0
    assert place.untouched()


def test_two_at_a_time_are_not_in_each_other_s_way(place: Place, tmp_path: Path):
    with (
        running(play(300), logs=tmp_path / "one", env=place.environment) as one,
        running(play(300), logs=tmp_path / "two", env=place.environment) as two,
    ):
        ports = {each.printed(r"^synrouter: listening on http://127\.0\.0\.1:(\d+)$")[1] for each in (one, two)}
        assert len(ports) == 2


@pytest.mark.parametrize("command", ["synrouter demo", "synrouter up --demo"])
def test_on_a_terminal_the_dashboard_fills_and_q_ends_it(place: Place, tmp_path: Path, command: str):
    variables = {name: place.environment[name] for name in ("SYNROUTER_HOME", "TMPDIR")}
    with terminal(tmp_path / "screen", command, width=110, height=32, env=variables) as window:
        wait_for(lambda: re.search(r"claude-code +main .*claude-opus-4-8 +[2-9]", window.screen), "turns to be seen")
        shown = window.shows("aider")
        assert "SAVED BY SYNROUTER" in shown and "anthropic from simulation" in shown
        # how long its cache stays warm, by the story's clock
        wait_for(lambda: re.search(r"^ *\w+ +claude-code +main .* [1-5]:\d\d *$", window.screen, re.M), "a warm cache")
        assert len(place.processes()) == 1, "the dashboard is a process of its own"
        window.press("q")
        assert window.ended() == 0
        assert place.processes() == []
        left = window.shows("real ledger")
    assert "cancelled" not in left and "Ctrl-C again" not in left
    assert place.untouched()


def test_on_a_terminal_ctrl_c_ends_it_too(place: Place, tmp_path: Path):
    variables = {name: place.environment[name] for name in ("SYNROUTER_HOME", "TMPDIR")}
    with terminal(tmp_path / "screen", "trap : INT; synrouter demo", width=80, height=24, env=variables) as window:
        window.shows("claude-opus")
        window.press("C-c")
        assert window.ended() == 130
        assert "Traceback" not in window.screen
    assert place.untouched()
