"""OpenCode itself, configured by `synrouter configure` or started by `synrouter run`: it works, hits, leaves nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from support.clients import CANARY, Stage, assert_hits, stage
from support.toolchain import npm_executable

pytestmark = [pytest.mark.e2e, pytest.mark.slow_client, pytest.mark.xdist_group("opencode")]

VERSION = "1.18.33"
MODEL = "claude-sonnet-4-6"
FOLDER = ".config/opencode"
# What it would fetch, in vain.
QUIET = {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"}
LIST = {"name": "bash", "input": {"command": "ls", "description": "List the files"}}
READ = {"name": "read", "input": {"filePath": "notes.md"}}
SCRIPT: list[Any] = [
    {
        "when": "Look around",
        "steps": [
            {"think": "First the files.", "say": "I list the files.", "tools": [LIST]},
            {"say": "Now the notes.", "tools": [READ]},
            {"say": "There is one file of notes."},
        ],
    },
    {"when": "Go on", "steps": [{"say": "Once more.", "tools": [LIST]}, {"say": "Nothing has changed."}]},
]


@pytest.fixture(scope="session")
def opencode() -> Path:
    return npm_executable("opencode-ai", VERSION, "opencode")


def surroundings(opencode: Path) -> dict[str, str]:
    return {"PATH": f"{opencode.parent}{os.pathsep}{os.environ['PATH']}", **QUIET}


def ask(on: Stage, opencode: Path, prompt: str, *options: str) -> str:
    return on.run([opencode, "run", *options, prompt], **QUIET).stdout


def test_an_empty_home_is_configured_works_and_is_empty_again(opencode: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        (on.project / "notes.md").write_text("Remember the milk.\n")
        assert VERSION in on.synrouter("configure", "--list", **surroundings(opencode)).stdout
        assert on.tree() == {}
        on.synrouter("configure", "opencode", "--yes", "--model", MODEL, **surroundings(opencode))
        written = {path: entry for path, entry in on.tree().items() if path != FOLDER}
        assert written.keys() == {".config", f"{FOLDER}/opencode.jsonc"}
        token = on.synrouter("token", "show").stdout.strip()
        keys_place = [str(on.proxy.home / "data" / "token")]
        assert on.holding(token) == keys_place

        assert "There is one file of notes." in ask(on, opencode, "Look around, please.")
        assert "Nothing has changed." in ask(on, opencode, "Go on.", "--continue")
        session = assert_hits(on, "opencode", at_least=5)
        assert (session["turns"], session["model"]) == (5, MODEL)
        [title] = [row for row in on.stats()["sessions"] if row["kind"] == "side"]
        assert title["model"] != MODEL, "the small model writes titles"
        assert {path: on.tree()[path] for path in written} == written
        assert on.holding(token) == keys_place

        added = on.tree().keys() - written.keys()
        on.synrouter("configure", "opencode", "--undo", "--yes")
        assert on.tree().keys() == added | {".config"}
        assert on.holding(CANARY) == []


def test_a_project_alone_is_put_on_the_proxy_without_a_key_in_it(opencode: Path, tmp_path: Path):
    theirs = '{\r\n\t"$schema": "https://opencode.ai/config.json", // mine\r\n\t"share": "disabled"\r\n}'
    with stage(tmp_path, SCRIPT) as on:
        (on.project / "notes.md").write_text("Remember the milk.\n")
        (on.project / "opencode.json").write_bytes(theirs.encode())
        words = ("configure", "opencode", "--scope", "project", "--yes", "--model", MODEL)
        on.synrouter(*words, **surroundings(opencode))
        on.synrouter("token", "rotate")
        assert on.tree() == {}
        assert "There is one file of notes." in ask(on, opencode, "Look around, please.")
        assert_hits(on, "opencode")
        on.synrouter("configure", "opencode", "--scope", "project", "--undo", "--yes")
        assert (on.project / "opencode.json").read_bytes() == theirs.encode()


def test_run_starts_it_on_the_proxy_whatever_its_own_file_says_and_leaves_that_alone(opencode: Path, tmp_path: Path):
    theirs = '{\n  "$schema": "https://opencode.ai/config.json",\n  "model": "openai/gpt-6-sol",\n  "enabled_providers": ["openai"]\n}\n'
    with stage(tmp_path, SCRIPT) as on:
        (on.project / "notes.md").write_text("Remember the milk.\n")
        (on.home / FOLDER).mkdir(parents=True)
        (on.home / FOLDER / "opencode.json").write_text(theirs)
        words = ("run", "--model", MODEL, "opencode", "run", "Look around, please.")
        assert "There is one file of notes." in on.synrouter(*words, **surroundings(opencode)).stdout
        assert assert_hits(on, "opencode")["model"] == MODEL
        assert (on.home / FOLDER / "opencode.json").read_text() == theirs
