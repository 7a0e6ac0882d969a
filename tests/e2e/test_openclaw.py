"""OpenClaw itself, configured by `synrouter configure` or started by `synrouter run`: it works, hits, leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.clients import CANARY, assert_hits, stage
from support.openclaw import FILE, VERSION, asked, said, surroundings
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
        assert on.holding(token) == [str(on.proxy.home / "data" / "token")]

        on.synrouter("configure", "openclaw", "--undo", "--yes", **around)
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
