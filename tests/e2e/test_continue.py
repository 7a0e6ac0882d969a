"""Continue's CLI itself: configured in an empty home, at work, undone; and started with no file touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.clients import CANARY, Stage, assert_hits, stage
from support.tmux import terminal
from support.toolchain import node_folder, npm_executable

pytestmark = [pytest.mark.slow_client, pytest.mark.xdist_group("continue")]

VERSION = "1.5.47"
MODEL = "claude-sonnet-4-6"
CONFIG, ENV, MARKER = ".continue/config.yaml", ".continue/.env", ".continue/.onboarding_complete"
LISTING = {"name": "List", "input": {"dirpath": "."}}
READING = {"name": "Read", "input": {"filepath": "notes.md"}}
SCRIPT: list[Any] = [
    {
        "when": "Look around",
        "steps": [
            {"say": "I list the files.", "tools": [LISTING]},
            {"say": "Now the notes.", "tools": [READING]},
            {"say": "There is one file of notes."},
        ],
    },
    {"when": "Go on", "steps": [{"say": "Once more.", "tools": [LISTING]}, {"say": "Nothing has changed."}]},
]
THEIRS = {
    CONFIG: "# by hand\nname: Mine\nversion: 0.0.1\nschema: v1\nmodels:\n- name: Mine\n  provider: ollama\n  model: m\n",
    ".continue/index/globalContext.json": '{"cliSelectedModel": "Mine"}',
    MARKER: "2025-05-01",
}


@pytest.fixture(scope="module")
def cn() -> Path:
    return npm_executable("@continuedev/cli", VERSION, "cn")


@pytest.fixture
def on(cn: Path, tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, SCRIPT) as on:
        (on.project / "notes.md").write_text("Remember the milk.\n")
        yield on


def environment(cn: Path) -> dict[str, str]:
    path = os.pathsep.join([str(cn.parent), str(node_folder()), os.environ["PATH"]])
    return {"PATH": path, "CONTINUE_TELEMETRY_ENABLED": "0"}


def test_configured_it_works_in_one_session_that_hits_and_an_undo_leaves_nothing(on: Stage, cn: Path):
    on.synrouter("configure", "continue", "--yes", "--model", MODEL)
    configured = {path: entry for path, entry in on.tree().items() if path in (CONFIG, ENV, MARKER)}
    assert [mode for mode, _ in configured.values()] == ["0o600"] * 3
    token = on.synrouter("token", "show").stdout.strip()

    first = on.run([cn, "-p", "--auto", "Look around, please."], **environment(cn))
    again = on.run([cn, "-p", "--auto", "--resume", "Go on."], **environment(cn))
    assert (first.stdout.strip(), again.stdout.strip()) == ("There is one file of notes.", "Nothing has changed.")
    assert [line["model"] for line in on.billed()] == [MODEL] * 5
    assert assert_hits(on, "continue", at_least=5)["turns"] == 5
    assert {path: on.tree()[path] for path in configured} == configured
    assert on.holding(token) == [str(on.home / ENV), str(on.proxy.home / "data" / "token")]

    on.synrouter("configure", "continue", "--undo", "--yes")
    assert not configured.keys() & on.tree().keys()
    assert on.holding(CANARY) == []


def test_a_first_start_on_a_terminal_asks_for_no_key(on: Stage, cn: Path, tmp_path: Path):
    on.synrouter("configure", "continue", "--yes", "--model", MODEL)
    more = on.environment(**environment(cn), TERM="xterm-256color")
    with terminal(tmp_path / "window", f"cd {on.project}; {cn}", env=more, width=120) as shown:
        assert "API key" not in shown.shows("Ask anything", seconds=60)


def test_what_the_user_had_is_beside_ours_and_comes_back(on: Stage, cn: Path):
    (on.home / ".continue" / "index").mkdir(parents=True)
    for path, text in THEIRS.items():
        (on.home / path).write_text(text)
    on.synrouter("configure", "continue", "--yes")
    said = on.run([cn, "-p", "--auto", "Look around, please."], **environment(cn)).stdout
    assert said.strip() == "There is one file of notes."
    assert_hits(on, "continue")
    on.synrouter("configure", "continue", "--undo", "--yes")
    assert {path: (on.home / path).read_text() for path in THEIRS} == THEIRS
    assert ENV not in on.tree()


def test_run_starts_it_on_the_proxy_whatever_its_own_files_say_and_leaves_them_alone(on: Stage, cn: Path):
    (on.home / ".continue" / "index").mkdir(parents=True)
    for path, text in THEIRS.items():
        (on.home / path).write_text(text)
    words = ("run", "--model", MODEL, "continue", "-p", "--auto", "Look around, please.")
    assert on.synrouter(*words, **environment(cn)).stdout.strip() == "There is one file of notes."
    assert_hits(on, "continue")
    assert {path: (on.home / path).read_text() for path in THEIRS} == THEIRS
    assert on.holding(on.synrouter("token", "show").stdout.strip()) == [str(on.proxy.home / "data" / "token")]
