"""Pi itself: configured in an empty home, at work, undone; and started with no file touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.clients import CANARY, Stage, assert_hits, stage
from support.toolchain import node_folder, npm_executable

pytestmark = [pytest.mark.slow_client, pytest.mark.xdist_group("pi")]

VERSION = "1.5.2"
"""The newest whose dependencies npm still has."""
MODELS, SETTINGS = ".pi/agent/models.json", ".pi/agent/settings.json"
LISTING = {"name": "bash", "input": {"command": "ls"}}
READING = {"name": "read", "input": {"path": "notes.md"}}
SCRIPT: list[Any] = [
    {
        "when": "Look around",
        "steps": [
            {"think": "First the files.", "say": "I list the files.", "tools": [LISTING]},
            {"say": "Now the notes.", "tools": [READING]},
            {"say": "There is one file of notes."},
        ],
    },
    {"when": "Go on", "steps": [{"say": "Once more.", "tools": [LISTING]}, {"say": "Nothing has changed."}]},
]
THEIRS = {
    MODELS: '{"providers": {"mine": {"baseUrl": "http://127.0.0.1:9", "api": "anthropic-messages",'
    ' "apiKey": "sk-mine", "models": [{"id": "m"}]}}} // by hand',
    SETTINGS: '{"defaultProvider": "mine", "defaultModel": "m", "enabledModels": ["mine/*"]}',
}


@pytest.fixture(scope="module")
def pi() -> Path:
    return npm_executable("@earendil-works/pi-coding-agent", VERSION, "pi")


@pytest.fixture
def on(pi: Path, tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, SCRIPT) as on:
        (on.project / "notes.md").write_text("Remember the milk.\n")
        yield on


def environment(pi: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join([str(pi.parent), str(node_folder()), os.environ["PATH"]]), "PI_OFFLINE": "1"}


# The second one takes system messages, tools and effort in between.
@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "claude-opus-5-5"])
def test_configured_it_works_in_one_session_that_hits_and_an_undo_leaves_nothing(on: Stage, pi: Path, model: str):
    on.synrouter("configure", "pi", "--yes", "--model", model)
    configured = {path: entry for path, entry in on.tree().items() if path in (MODELS, SETTINGS)}
    assert [mode for mode, _ in configured.values()] == ["0o600", "0o600"]
    token = on.synrouter("token", "show").stdout.strip()

    first = on.run([pi, "-p", "Look around, please."], **environment(pi))
    again = on.run([pi, "-p", "--continue", "Go on."], **environment(pi))
    assert (first.stdout.strip(), again.stdout.strip()) == ("There is one file of notes.", "Nothing has changed.")
    assert [line["model"] for line in on.billed()] == [model] * 5
    assert assert_hits(on, "pi", at_least=5)["turns"] == 5
    assert {path: on.tree()[path] for path in configured} == configured
    assert on.holding(token) == [str(on.proxy.home / "data" / "token")]

    on.synrouter("configure", "pi", "--undo", "--yes")
    assert not configured.keys() & on.tree().keys()
    assert on.holding(CANARY) == []


def test_what_the_user_had_is_beside_ours_and_comes_back(on: Stage, pi: Path):
    (on.home / ".pi" / "agent").mkdir(parents=True)
    for path, text in THEIRS.items():
        (on.home / path).write_text(text)
    on.synrouter("configure", "pi", "--yes")
    assert on.run([pi, "-p", "Look around, please."], **environment(pi)).stdout == "There is one file of notes.\n"
    assert_hits(on, "pi")
    on.synrouter("configure", "pi", "--undo", "--yes")
    assert {path: (on.home / path).read_text() for path in THEIRS} == THEIRS


def test_run_starts_it_on_the_proxy_whatever_its_own_files_say_and_leaves_them_alone(on: Stage, pi: Path):
    (on.home / ".pi" / "agent").mkdir(parents=True)
    for path, text in THEIRS.items():
        (on.home / path).write_text(text)
    words = ("run", "--model", "claude-sonnet-4-6", "pi", "-p", "Look around, please.")
    assert on.synrouter(*words, **environment(pi)).stdout == "There is one file of notes.\n"
    assert_hits(on, "pi")
    assert {path: (on.home / path).read_text() for path in THEIRS} == THEIRS
    assert on.holding(on.synrouter("token", "show").stdout.strip()) == [str(on.proxy.home / "data" / "token")]
