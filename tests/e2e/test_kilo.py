"""Kilo Code's command line, configured by `synrouter configure` or started by `synrouter run`: it works, hits, and is as
careful as before; nothing is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.clients import CANARY, assert_hits, stage
from support.kilo import FOLDER, QUIET, VERSION, ask, surroundings
from support.toolchain import npm_executable

pytestmark = [pytest.mark.e2e, pytest.mark.slow_client, pytest.mark.xdist_group("kilo")]

MODEL = "claude-sonnet-4-6"
MARKER = f"{FOLDER}/.bash-permission-migrated"
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
def kilo() -> Path:
    return npm_executable("@kilocode/cli", VERSION, "kilo")


def test_an_empty_home_is_configured_works_and_is_empty_again(kilo: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        (on.project / "notes.md").write_text("Remember the milk.\n")
        assert VERSION in on.synrouter("configure", "--list", **surroundings(kilo)).stdout
        assert on.tree() == {}
        on.synrouter("configure", "kilo", "--yes", "--model", MODEL, **surroundings(kilo))
        written = {path: entry for path, entry in on.tree().items() if path != FOLDER}
        assert written.keys() == {".config", f"{FOLDER}/kilo.jsonc", MARKER}
        token = on.synrouter("token", "show").stdout.strip()
        keys_place = [str(on.proxy.home / "data" / "token")]
        assert on.holding(token) == keys_place

        assert "There is one file of notes." in ask(on, kilo, "Look around, please.")
        assert "Nothing has changed." in ask(on, kilo, "Go on.", "--continue")
        session = assert_hits(on, "kilo", at_least=5)
        assert (session["turns"], session["model"]) == (5, MODEL)
        # Kilo has not found anything to move on: no permission was added.
        assert {path: on.tree()[path] for path in written} == written
        assert on.holding(token) == keys_place

        added = on.tree().keys() - written.keys()
        on.synrouter("configure", "kilo", "--undo", "--yes")
        assert on.tree().keys() == added | {".config"}
        assert on.holding(CANARY) == []


def test_without_the_marker_kilo_would_allow_every_command_and_with_it_asks(kilo: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        on.synrouter("configure", "kilo", "--yes", "--model", MODEL, **surroundings(kilo))
        config = on.home / FOLDER / "kilo.jsonc"
        shown = json.loads(on.run([kilo, "debug", "config"], **QUIET).stdout)
        assert "permission" not in shown
        (on.home / MARKER).unlink()
        on.run([kilo, "debug", "config"], **QUIET)
        assert '"bash": "allow"' in config.read_text(), "the marker serves no purpose any more"


def test_a_file_of_the_users_comes_back_byte_for_byte_and_a_token_is_read_anew(kilo: Path, tmp_path: Path):
    theirs = '// mine\r\n{\r\n\t"$schema": "https://app.kilo.ai/config.json",\r\n\t"permission": {"bash": "deny"}, // no\r\n}\r\n'
    with stage(tmp_path, SCRIPT) as on:
        folder = on.home / FOLDER
        folder.mkdir(parents=True)
        (folder / "kilo.json").write_bytes(theirs.encode())
        (folder / "kilo.json").chmod(0o644)
        on.synrouter("configure", "kilo", "--yes", "--model", MODEL, **surroundings(kilo))
        on.synrouter("token", "rotate")
        assert "I list the files." in ask(on, kilo, "Look around, please.")
        shown = json.loads(on.run([kilo, "debug", "config"], **QUIET).stdout)
        assert shown["permission"] == {"bash": "deny"}
        on.synrouter("configure", "kilo", "--undo", "--yes")
        assert (folder / "kilo.json").read_bytes() == theirs.encode()
        assert (folder / "kilo.json").stat().st_mode & 0o777 == 0o644
        # Without the marker Kilo would allow now what the user never allowed.
        assert MARKER in on.tree()


def test_run_starts_it_on_the_proxy_whatever_its_own_file_says_and_leaves_that_alone(kilo: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        (on.project / "notes.md").write_text("Remember the milk.\n")
        folder = on.home / FOLDER
        folder.mkdir(parents=True)
        theirs = '{\n  "$schema": "https://app.kilo.ai/config.json",\n  "model": "openai/gpt-6-sol",\n  "enabled_providers": ["openai"]\n}\n'
        (folder / "kilo.jsonc").write_text(theirs)
        (on.home / MARKER).touch()
        words = ("run", "--model", MODEL, "kilo", "run", "--auto", "Look around, please.")
        assert "There is one file of notes." in on.synrouter(*words, **surroundings(kilo)).stdout
        assert assert_hits(on, "kilo")["model"] == MODEL
        assert (folder / "kilo.jsonc").read_text() == theirs
