"""The dashboard's process: where it starts, what it is given, how it says that it can't."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from synrouter_cli.commands import live
from synrouter_cli.commands.live import NoDashboard, why_not
from synrouter_cli.paths import Paths, find_paths


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Mapping[str, str]]]:
    """What would have been started, and in which environment."""
    calls: list[tuple[list[str], Mapping[str, str]]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, env: calls.append((command, env)))
    return calls


@pytest.mark.parametrize(
    ("stdin", "stdout", "term", "possible"),
    [
        (Tty(), Tty(), "xterm-256color", True),
        (Tty(), Tty(), "dumb", False),
        (Tty(), Tty(), "", False),
        (Tty(), io.StringIO(), "xterm", False),
        (io.StringIO(), Tty(), "xterm", False),
        (None, None, "xterm", False),
    ],
)
def test_a_dashboard_needs_a_terminal_that_can_move_its_cursor(stdin, stdout, term, possible):
    assert (why_not(stdin, stdout, {"TERM": term}) is None) is possible


def test_without_a_terminal_run_raises_and_names_the_next_command(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(NoDashboard) as error:
        live.run(find_paths())
    assert error.value.exit_code == 1
    assert error.value.hint == "synrouter stats"


def test_the_child_finds_the_same_installation_and_gets_no_key(spawned, monkeypatch, tmp_path):
    monkeypatch.setenv("SYNROUTER_ANTHROPIC_KEY", "sk-ant-secret")
    live.spawn(find_paths())
    other = tmp_path / "other"
    live.spawn(Paths(other, other / "data", other / "state", other / "logs"), ascii=True)
    (first, same), (second, elsewhere) = spawned
    assert first[1:] == ["-P", "-m", "synrouter_cli.commands.live", "--owned"]
    assert second[-1] == "--ascii"
    assert same["SYNROUTER_HOME"] == os.environ["SYNROUTER_HOME"]
    assert find_paths(elsewhere).ledger_file == other / "data" / "ledger.db"
    assert "sk-ant-secret" not in str(spawned)


def test_the_child_runs_this_very_package_wherever_it_is_started(spawned, tmp_path, monkeypatch):
    """A folder that holds another `synrouter_cli` is not what is imported."""
    live.spawn(find_paths())
    (command, environment) = spawned[0]
    trap = tmp_path / "synrouter_cli"
    trap.mkdir()
    (trap / "__init__.py").write_text("raise SystemExit('trapped')")
    monkeypatch.undo()
    child = subprocess.run(
        command, env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert (child.returncode, child.stderr) == (
        1,
        "synrouter: No dashboard here: this is no terminal. Next: synrouter stats\n",
    )


def test_a_failure_is_told_in_a_line_and_written_down(monkeypatch, capsys):
    monkeypatch.setattr(live, "run", lambda *_, **__: 1 / 0)
    assert live.main([]) == 1
    said = capsys.readouterr().err
    assert said == f"synrouter: the dashboard failed; see {find_paths().log_file}\n"
    assert "ZeroDivisionError" in find_paths().log_file.read_text()
    monkeypatch.setattr(live, "run", lambda *_, **__: (_ for _ in ()).throw(NoDashboard(detail="x")))
    assert live.main([]) == 1
    assert "Next: synrouter stats" in capsys.readouterr().err
