"""`synrouter configure codex`: the real Codex works on simulated Claude, with its tools, its reasoning and a resume; then
`--undo`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.clients import CANARY, assert_hits, stage, tree
from support.codex import CATALOG, CONFIG, VERSION, asking, complaints, going_on, said, surroundings
from support.toolchain import npm_executable

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("codex")]

MODEL = "claude-sonnet-4-6"
LOOK = "Look around, please."
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
    return surroundings(codex, tmp_path / "temporary")


def test_an_empty_home_is_configured_works_and_is_empty_again(codex: Path, around: dict[str, str], tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        on.synrouter("configure", "codex", "--yes", "--model", MODEL)
        assert set(on.tree()) == {".codex", CONFIG, CATALOG}
        token = on.synrouter("token", "show").stdout.strip()
        assert on.holding(token) == [str(on.proxy.home / "data" / "token")]  # the client gets it from a command

        catalog = json.loads(on.run([codex, "debug", "models"], **around).stdout)["models"]
        assert {model["slug"]: model["context_window"] for model in catalog}[MODEL] == 1_000_000

        first = on.run([codex, *asking(LOOK)], **around)
        again = on.run([codex, *going_on("Go on.")], **around)
        assert complaints(first.stdout + first.stderr) == []
        assert said(first.stdout)[-1] == "Nothing there."
        assert said(again.stdout)[-1] == "Still nothing."
        assert assert_hits(on, "codex", at_least=4)["model"] == MODEL

        on.synrouter("configure", "codex", "--undo", "--yes")
        assert {CONFIG, CATALOG} & set(on.tree()) == set()
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
        assert said(on.run([codex, *asking(LOOK)], **around).stdout)[-1] == "Nothing there."
        on.synrouter("configure", "codex", "--undo", "--yes")
        assert tree(on.home)[CONFIG] == before[CONFIG]


def test_run_starts_it_with_no_file_touched(codex: Path, around: dict[str, str], tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        ran = on.synrouter("run", "--model", MODEL, "codex", *asking(LOOK), **around)
        assert said(ran.stdout)[-1] == "Nothing there."
        assert CONFIG not in on.tree()
