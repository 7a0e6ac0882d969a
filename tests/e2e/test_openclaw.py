"""OpenClaw itself, configured by `synrouter configure` or started by `synrouter run`: it works, hits, leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.clients import CANARY, RUN_SECONDS, assert_hits, stage
from support.openclaw import FILE, VERSION, asked, said, surroundings
from support.tmux import terminal
from support.toolchain import npm_executable

pytestmark = [pytest.mark.e2e, pytest.mark.slow_client, pytest.mark.xdist_group("openclaw")]

MODEL = "claude-sonnet-4-6"
LIST = {"name": "exec", "input": {"command": "ls"}}
READ = {"name": "read", "input": {"path": "AGENTS.md"}}
SCRIPT = [
    {
        "when": "Look around",
        "steps": [
            {"think": "First the files.", "say": "I list the files.", "tools": [LIST]},
            {"say": "Now one of them.", "tools": [READ]},
            {"say": "A workspace."},
        ],
    },
    {"when": "Go on", "steps": [{"say": "Once more.", "tools": [LIST]}, {"say": "Nothing has changed."}]},
]
THEIRS = """// mine
{
  agents: { $include: './agents.json5' },
}
"""
AGENTS = "{ defaults: { model: 'anthropic/claude-opus-4-8', modelPolicy: { allow: ['anthropic/*'] } } } // clever\n"


@pytest.fixture(scope="session")
def openclaw() -> Path:
    return npm_executable("openclaw", VERSION, "openclaw")


def test_an_empty_home_is_configured_works_and_has_nothing_of_ours_afterwards(openclaw: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        around = surroundings(on, openclaw)
        on.synrouter("configure", "openclaw", "--yes", "--model", MODEL, **around)
        assert set(on.tree()) == {".openclaw", FILE}
        token = on.synrouter("token", "show").stdout.strip()
        written = on.tree()[FILE]
        on.run([openclaw, "config", "validate"], **around)

        assert said(on.run([openclaw, *asked("Look around, please.")], **around).stdout) == "A workspace."
        assert said(on.run([openclaw, *asked("Go on.")], **around).stdout) == "Nothing has changed."
        session = assert_hits(on, "openclaw", at_least=5)
        assert (session["turns"], session["model"]) == (5, MODEL)
        assert on.tree()[FILE] == written
        assert on.holding(CANARY) == []
        assert on.holding(token) == [str(on.home / FILE), str(on.proxy.home / "data" / "token")]

        on.synrouter("configure", "openclaw", "--undo", "--yes", **around)
        assert on.holding(token) == [str(on.proxy.home / "data" / "token")]
        assert FILE not in on.tree()


def test_run_works_beside_the_users_configuration_and_touches_none_of_it(openclaw: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        around = surroundings(on, openclaw)
        folder = on.home / ".openclaw"
        folder.mkdir()
        (folder / "openclaw.json").write_text(THEIRS)
        (folder / "agents.json5").write_text(AGENTS)
        ran = on.synrouter("run", "openclaw", *asked("Look around, please."), **around)
        assert said(ran.stdout) == "A workspace."
        assert_hits(on, "openclaw")
        assert on.stats()["sessions"][0]["model"] == "claude-opus-4-8"  # the user's own choice
        assert ((folder / "openclaw.json").read_text(), (folder / "agents.json5").read_text()) == (THEIRS, AGENTS)
        assert list(on.proxy.home.rglob("run-*")) == []


def test_a_budget_that_is_used_up_is_told_as_an_answer_and_locks_nothing(openclaw: Path, tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text("[budget]\nsession_usd = 0.0001\n")
    with stage(tmp_path, SCRIPT) as on:
        around = surroundings(on, openclaw)
        on.synrouter("configure", "openclaw", "--yes", "--model", MODEL, **around)
        # the first request of the session goes out, the one with the tool's result does not
        for prompt in ("Look around, please.", "Go on."):
            told = said(on.run([openclaw, *asked(prompt)], **around).stdout)
            assert "The session budget is used up" in told and "[budget] session_usd" in told
        assert len(on.billed()) == 1
        row = on.stats()["sessions"][0]
        assert (row["client"], row["turns"], row["errors"]) == ("openclaw", 3, 2)


def test_its_terminal_without_a_gateway_works_too(openclaw: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        around = surroundings(on, openclaw)
        on.synrouter("configure", "openclaw", "--yes", "--model", MODEL, **around)
        with terminal(tmp_path / "window", "openclaw chat", width=110, env=on.environment(**around)) as window:
            window.shows("local ready", seconds=RUN_SECONDS)
            window.press("Look around, please.", "Enter")
            window.shows("A workspace.", seconds=RUN_SECONDS)
        assert_hits(on, "openclaw")
