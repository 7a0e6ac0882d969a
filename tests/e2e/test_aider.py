"""Aider itself: configured in an empty home, at work, undone; and started with no file touched. It calls no tools: it
edits by what the model answers, and each prompt of its user is a request."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.clients import CANARY, Stage, stage
from support.toolchain import pip_executable

pytestmark = [pytest.mark.slow_client, pytest.mark.xdist_group("aider")]

VERSION = "0.86.2"
MODEL = "claude-sonnet-4-6"
CONF = ".aider.conf.yml"
OURS = (CONF, ".aider/synrouter.model.metadata.json", ".aider/synrouter.model.settings.yml")
EDIT = "code.py\n```python\n<<<<<<< SEARCH\nANSWER = 41\n=======\nANSWER = 42\n>>>>>>> REPLACE\n```\n"
SCRIPT: list[Any] = [
    {"when": "Correct it", "steps": [{"say": f"One off.\n\n{EDIT}"}]},
    {"when": "Go on", "steps": [{"say": "Nothing is left to do."}]},
]
QUIET = "--no-pretty --no-fancy-input --yes-always --no-check-update --no-show-release-notes --no-analytics".split()
OPTIONS = (*QUIET, "--no-gitignore", "--no-auto-commits", "code.py")
PROMPTS = "Correct it, please.\nGo on.\nGo on once more.\n"
THEIRS = """\
# my Aider
model: gpt-6
set-env: [ANTHROPIC_API_BASE=http://127.0.0.1:9]
anthropic-api-key: sk-ant-mine
"""


@pytest.fixture(scope="module")
def aider() -> Path:
    return pip_executable("aider-chat", VERSION, "aider", before_python=13)


def write_project(on: Stage) -> None:
    functions = "\n\n".join(f"def number_{n}() -> int:\n    return {n}" for n in range(400))
    (on.project / "code.py").write_text(f"ANSWER = 41\n\n\n{functions}\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "code"]):
        name = ["-c", "user.name=me", "-c", "user.email=me@localhost"]
        subprocess.run(["git", *name, *words], cwd=on.project, check=True, capture_output=True)


def assert_one_session_that_hits(on: Stage) -> None:
    lines = on.billed()
    assert [(line["status"], line["model"]) for line in lines] == [(200, MODEL)] * 3
    assert [line["request_id"] for line in lines[1:] if not line["usage"]["cache_read_input_tokens"]] == []
    stats = on.stats()
    [session] = stats["sessions"]
    assert (session["kind"], session["client"], session["turns"]) == ("main", "aider", 3)
    assert (session["mode"], stats["totals"]["errors"]) == ("coding", 0)


def test_an_empty_home_is_configured_works_and_is_empty_again(aider: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        write_project(on)
        on.synrouter("configure", "aider", "--yes", "--model", MODEL)
        written = on.tree()
        assert {path: mode for path, (mode, content) in written.items() if content} == dict.fromkeys(OURS, "0o600")

        printed = on.run([aider, *OPTIONS], typed=PROMPTS).stdout
        assert "Nothing is left to do." in printed
        assert "Warning" not in printed  # as it has for a model that it does not know
        assert (on.project / "code.py").read_text().startswith("ANSWER = 42\n")
        assert_one_session_that_hits(on)

        working = on.tree()
        assert {path: working[path] for path in OURS} == {path: written[path] for path in OURS}
        token = on.proxy.token
        assert on.holding(token) == [str(on.home / CONF), str(on.proxy.home / "data" / "token")]

        on.synrouter("configure", "aider", "--undo", "--yes")
        assert on.tree() == {path: entry for path, entry in working.items() if path not in OURS}
        assert on.holding(CANARY) == []


def test_run_starts_it_on_the_proxy_whatever_its_own_file_says_and_leaves_that_alone(aider: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        write_project(on)
        (on.home / CONF).write_text(THEIRS)
        before = on.tree()

        path = {"PATH": f"{aider.parent}{os.pathsep}{os.environ['PATH']}"}
        ran = on.synrouter("run", "--model", MODEL, "aider", "--", *OPTIONS, typed=PROMPTS, **path)
        assert "Nothing is left to do." in ran.stdout
        assert_one_session_that_hits(on)

        after = on.tree()
        assert after[CONF] == before[CONF]
        assert on.holding(on.proxy.token) == [str(on.proxy.home / "data" / "token")]
