"""`synrouter configure codex`: the real Codex works on simulated Claude, with its tools, its reasoning and a resume; then
`--undo`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from support.clients import CANARY, assert_hits, stage, tree
from support.toolchain import node_folder, npm_executable

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("codex")]

VERSION = "0.169.0"
MODEL = "claude-sonnet-4-6"
OPTIONS = ("--strict-config", "--skip-git-repo-check", "--json", "--dangerously-bypass-approvals-and-sandbox")
ASK = ("exec", *OPTIONS, "Look around, please.")
AGAIN = ("exec", "resume", "--last", *OPTIONS, "Go on.")
LIST = {"name": "exec_command", "input": {"cmd": "ls"}}
SCRIPT = [
    {
        "when": "Look around",
        "steps": [{"think": "First the files.", "say": "I list.", "tools": [LIST]}, {"say": "Nothing there."}],
    },
    {"when": "Go on", "steps": [{"say": "Once more.", "tools": [LIST]}, {"say": "Still nothing."}]},
]


@pytest.fixture(scope="module")
def codex() -> Path:
    return npm_executable("@openai/codex", VERSION, "codex")


@pytest.fixture
def around(codex: Path, tmp_path: Path) -> dict[str, str]:
    """Codex and the node that starts it; it makes no helpers below the machine's folder for temporary files."""
    elsewhere = tmp_path / "temporary"
    elsewhere.mkdir()
    path = os.pathsep.join([str(codex.parent), str(node_folder()), os.environ["PATH"]])
    return {"PATH": path, "TMPDIR": str(elsewhere), "RUST_LOG": "off"}


def complaints(printed: str) -> list[str]:
    """Warnings and errors of the client's, but for that of a missing sandbox."""
    expected = ("bubblewrap", "Reading additional input")
    lines = [line for line in printed.splitlines() if line and not any(word in line for word in expected)]
    return [line for line in lines if "warn" in line.lower() or "error" in line.lower()]


def said(printed: str) -> list[str]:
    """What the agent said."""
    events = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    items = [event["item"] for event in events if event["type"] == "item.completed"]
    return [item["text"] for item in items if item["type"] == "agent_message"]


def test_an_empty_home_is_configured_works_and_is_empty_again(codex: Path, around: dict[str, str], tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        on.synrouter("configure", "codex", "--yes", "--model", MODEL)
        assert set(on.tree()) == {".codex", ".codex/config.toml", ".codex/synrouter-models.json"}
        token = on.synrouter("token", "show").stdout.strip()
        assert on.holding(token) == [str(on.proxy.home / "data" / "token")]  # the client gets it from a command

        catalog = json.loads(on.run([codex, "debug", "models"], **around).stdout)["models"]
        assert {model["slug"]: model["context_window"] for model in catalog}[MODEL] == 1_000_000

        first = on.run([codex, *ASK], **around)
        again = on.run([codex, *AGAIN], **around)
        assert complaints(first.stdout + first.stderr) == []
        assert said(first.stdout)[-1] == "Nothing there."
        assert said(again.stdout)[-1] == "Still nothing."
        assert assert_hits(on, "codex", at_least=4)["model"] == MODEL

        on.synrouter("configure", "codex", "--undo", "--yes")
        assert {".codex/config.toml", ".codex/synrouter-models.json"} & set(on.tree()) == set()
        assert on.holding(token) == [str(on.proxy.home / "data" / "token")]
        assert on.holding(CANARY) == []


def test_the_user_s_own_provider_comes_back_byte_for_byte(codex: Path, around: dict[str, str], tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        theirs = (
            'model = "gpt-6-sol"   # mine\r\nmodel_provider = "corp"\r\n\r\n[model_providers.corp]\r\nname = "Corp"\r\n'
            f'base_url = "http://127.0.0.1:9/v1"\r\n\r\n[projects."{on.project}"]\r\ntrust_level = "trusted"\r\n'
        )
        (on.home / ".codex").mkdir()
        (on.home / ".codex" / "config.toml").write_bytes(theirs.encode())
        before = tree(on.home)
        on.synrouter("configure", "codex", "--yes", "--model", MODEL)
        assert said(on.run([codex, *ASK], **around).stdout)[-1] == "Nothing there."
        on.synrouter("configure", "codex", "--undo", "--yes")
        assert tree(on.home)[".codex/config.toml"] == before[".codex/config.toml"]


def test_run_starts_it_with_no_file_touched(codex: Path, around: dict[str, str], tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        ran = on.synrouter("run", "--model", MODEL, "codex", *ASK, **around)
        assert said(ran.stdout)[-1] == "Nothing there."
        assert ".codex/config.toml" not in on.tree()
