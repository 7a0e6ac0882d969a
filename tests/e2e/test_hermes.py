"""Hermes Agent itself: configured in an empty home, at work, undone; and started with no file touched."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.clients import CANARY, RUN_SECONDS, assert_hits, stage
from support.processes import wait_for
from support.tmux import terminal
from support.toolchain import pip_executable

pytestmark = [pytest.mark.slow_client, pytest.mark.xdist_group("hermes")]

VERSION = "0.19.0"
MODEL = "claude-sonnet-4-6"
CONFIG, KEYS = ".hermes/config.yaml", ".hermes/.env"
SEALED = {"HERMES_DISABLE_LAZY_INSTALLS": "1"}
LISTING = {"name": "terminal", "input": {"command": "ls"}}
READING = {"name": "read_file", "input": {"path": "notes.md"}}
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
THEIRS = """\
# my Hermes
model:
  default: anthropic/claude-opus-4.6
  provider: openrouter
  base_url: https://openrouter.ai/api/v1
display:
    skin: mono   # quiet
"""


@pytest.fixture(scope="module")
def hermes() -> Path:
    # Anthropic's SDK is an extra, which it otherwise fetches when it first needs it.
    return pip_executable("hermes-agent", VERSION, "hermes", extra="[anthropic]", before_python=14)


def test_an_empty_home_is_configured_works_and_is_empty_again(hermes: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        (on.project / "notes.md").write_text("Remember the milk.\n")
        on.synrouter("configure", "hermes", "--yes", "--model", MODEL)
        written = on.tree()
        assert {path: mode for path, (mode, content) in written.items() if content} == {CONFIG: "0o600", KEYS: "0o600"}

        first = on.run([hermes, "chat", "-Q", "-q", "Look around, please."], **SEALED)
        again = on.run([hermes, "chat", "-Q", "-c", "-q", "Go on."], **SEALED)
        assert "There is one file of notes." in first.stdout
        assert "Nothing has changed." in again.stdout
        session = assert_hits(on, "hermes", at_least=5)
        assert (session["turns"], session["mode"], session["model"]) == (5, "coding", MODEL)

        working = on.tree()
        assert {path: working[path] for path in (CONFIG, KEYS)} == {path: written[path] for path in (CONFIG, KEYS)}
        token = on.proxy.token
        assert on.holding(token) == [str(on.home / KEYS), str(on.proxy.home / "data" / "token")]

        on.synrouter("configure", "hermes", "--undo", "--yes")
        assert on.tree() == {path: entry for path, entry in working.items() if path not in (CONFIG, KEYS)}
        assert on.holding(CANARY) == []


def test_in_its_terminal_titles_and_summaries_arrive_and_belong_to_the_conversation(hermes: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        (on.project / "notes.md").write_text("Remember the milk.\n")
        on.synrouter("configure", "hermes", "--yes", "--model", MODEL)
        around = on.environment(**SEALED)
        with terminal(tmp_path / "window", f"cd {on.project} && {hermes}", width=120, height=45, env=around) as window:
            window.shows("Type your message", seconds=RUN_SECONDS)
            for prompt, answer in (("Look around, please.", "one file of notes."), ("Go on.", "Nothing has changed.")):
                window.press(prompt)
                window.press("Enter")
                window.shows(answer, seconds=RUN_SECONDS)
            window.press("/compress")
            window.press("Enter")
            window.shows("Compressed:", seconds=RUN_SECONDS)
            assert "failed" not in window.screen
            wait_for(lambda: len(on.billed()) >= 7, "five requests, a title and a summary")
        main = assert_hits(on, "hermes", at_least=5)
        [side] = [row for row in on.stats()["sessions"] if row["kind"] == "side"]
        assert (side["client"], side["parent"], side["turns"]) == ("hermes", main["id"], 2)


def test_run_starts_it_on_the_proxy_whatever_its_own_file_says_and_leaves_that_alone(hermes: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        (on.project / "notes.md").write_text("Remember the milk.\n")
        (on.home / ".hermes").mkdir(mode=0o700)
        (on.home / CONFIG).write_text(THEIRS)
        # A key of its own must not go to the proxy.
        (on.home / KEYS).write_text("OPENROUTER_API_KEY=sk-or-v1-0123456789abcdef0123456789abcdef\n")
        before = on.tree()

        path = {"PATH": f"{hermes.parent}{os.pathsep}{os.environ['PATH']}", **SEALED}
        words = ("run", "--model", MODEL, "hermes", "--", "chat", "-Q", "-q", "Look around, please.")
        assert "There is one file of notes." in on.synrouter(*words, **path).stdout
        assert assert_hits(on, "hermes")["model"] == MODEL

        after = on.tree()
        assert {path: after[path] for path in (CONFIG, KEYS)} == {path: before[path] for path in (CONFIG, KEYS)}
        assert on.holding(on.proxy.token) == [str(on.proxy.home / "data" / "token")]


def test_the_list_of_clients_tells_its_version_and_leaves_no_trace(hermes: Path, tmp_path: Path):
    with stage(tmp_path, []) as on:
        command = on.home / "bin" / "hermes"
        command.parent.mkdir()
        command.symlink_to(hermes)
        before = on.tree()
        path = {"PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}
        listed = json.loads(on.synrouter("configure", "--list", "--json", **path).stdout)
        [row] = [row for row in listed["clients"] if row["client"] == "hermes"]
        assert (row["installed"], row["version"], row["configured"]) == (True, VERSION, "no")
        assert on.tree() == before
