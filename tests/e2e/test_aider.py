"""Aider itself: configured in an empty home, at work, undone; and started with no file touched. It calls no tools: it
edits by what the model answers, and each prompt of its user is a request."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.at_home import AtHome
from support.processes import daemon, simulated_provider
from support.toolchain import pip_executable

pytestmark = [pytest.mark.slow_client, pytest.mark.xdist_group("aider")]

VERSION = "0.86.2"
PROVIDER_KEY = "sk-ant-end-to-end"
MODEL = "claude-sonnet-4-6"
EDIT = "code.py\n```python\n<<<<<<< SEARCH\nANSWER = 41\n=======\nANSWER = 42\n>>>>>>> REPLACE\n```\n"
SCRIPT: list[Any] = [
    {"when": "Correct it", "steps": [{"say": f"One off.\n\n{EDIT}"}]},
    {"when": "Go on", "steps": [{"say": "Nothing is left to do."}]},
    {"when": "commit message", "steps": [{"say": "fix: the answer"}]},
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
def executable() -> Path:
    return pip_executable("aider-chat", VERSION, "aider", before_python=13)


@pytest.fixture
def aider(executable: Path, tmp_path: Path) -> Iterator[AtHome]:
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    functions = "\n\n".join(f"def number_{n}() -> int:\n    return {n}" for n in range(400))
    (project / "code.py").write_text(f"ANSWER = 41\n\n\n{functions}\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "code"]):
        name = ["-c", "user.name=me", "-c", "user.email=me@localhost"]
        subprocess.run(["git", *name, *words], cwd=project, check=True, capture_output=True)
    with (
        simulated_provider(tmp_path / "provider", SCRIPT, PROVIDER_KEY) as upstream,
        daemon(tmp_path / "synrouter", upstream, key=PROVIDER_KEY) as proxy,
    ):
        yield AtHome(home, project, executable, proxy, upstream)


def test_configured_it_works_in_one_session_that_hits_and_an_undo_leaves_nothing(aider: AtHome):
    aider.synrouter("configure", "aider", "--yes", "--model", MODEL)
    names = [".aider.conf.yml", ".aider/synrouter.model.metadata.json", ".aider/synrouter.model.settings.yml"]
    configured = aider.files()
    assert list(configured) == names
    assert configured[".aider.conf.yml"][1] == 0o600

    printed = aider.client(*OPTIONS, stdin=PROMPTS)
    assert "Nothing is left to do." in printed
    assert "Warning" not in printed
    assert (aider.project / "code.py").read_text().startswith("ANSWER = 42\n")
    lines = aider.billed()
    assert [(line["status"], line["model"]) for line in lines] == [(200, MODEL)] * 3
    assert [line["request_id"] for line in lines[1:] if not line["usage"]["cache_read_input_tokens"]] == []

    stats = aider.stats(3)
    [session] = stats["sessions"]
    assert (session["kind"], session["client"], session["turns"]) == ("main", "aider", 3)
    assert stats["totals"]["errors"] == 0
    assert {path: aider.files()[path] for path in names} == configured
    token = aider.proxy.token.encode()
    assert [path for path, (content, _) in aider.files().items() if token in content] == [".aider.conf.yml"]

    added = aider.files().keys() - set(names)
    aider.synrouter("configure", "aider", "--undo", "--yes")
    assert aider.files().keys() == added


def test_run_starts_it_on_the_proxy_whatever_its_own_file_says_and_leaves_that_alone(aider: AtHome):
    (aider.home / ".aider.conf.yml").write_text(THEIRS)
    before = aider.files()

    words = ("run", "aider", "--model", MODEL, "--", *OPTIONS)
    assert "Nothing is left to do." in aider.synrouter(*words, stdin=PROMPTS)
    assert [(line["status"], line["model"]) for line in aider.billed()] == [(200, MODEL)] * 3
    [session] = aider.stats(3)["sessions"]
    assert (session["client"], session["turns"]) == ("aider", 3)

    after = aider.files()
    assert {path: after[path] for path in before} == before
    token = aider.proxy.token.encode()
    assert [path for path, (content, _) in after.items() if token in content] == []
