"""Hermes Agent itself: configured in an empty home, at work, undone; and started with no file touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.at_home import AtHome
from support.processes import daemon, simulated_provider
from support.toolchain import pip_executable

pytestmark = [pytest.mark.slow_client, pytest.mark.xdist_group("hermes")]

VERSION = "0.19.0"
PROVIDER_KEY = "sk-ant-end-to-end"
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
def executable() -> Path:
    # Anthropic's SDK is an extra, which it otherwise fetches when it first needs it.
    return pip_executable("hermes-agent", VERSION, "hermes", extra="[anthropic]", before_python=14)


@pytest.fixture
def hermes(executable: Path, tmp_path: Path) -> Iterator[AtHome]:
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    (project / "notes.md").write_text("Remember the milk.\n")
    with (
        simulated_provider(tmp_path / "provider", SCRIPT, PROVIDER_KEY) as upstream,
        daemon(tmp_path / "synrouter", upstream, key=PROVIDER_KEY) as proxy,
    ):
        yield AtHome(home, project, executable, proxy, upstream)


def test_configured_it_works_in_one_session_that_hits_and_an_undo_leaves_nothing(hermes: AtHome):
    hermes.synrouter("configure", "hermes", "--yes", "--model", MODEL)
    configured = hermes.files()
    assert {path: mode for path, (_, mode) in configured.items()} == {CONFIG: 0o600, KEYS: 0o600}

    first = hermes.client("chat", "-Q", "-q", "Look around, please.", **SEALED)
    again = hermes.client("chat", "-Q", "-c", "-q", "Go on.", **SEALED)
    assert "There is one file of notes." in first
    assert "Nothing has changed." in again
    lines = hermes.billed()
    assert [(line["status"], line["model"]) for line in lines] == [(200, MODEL)] * 5
    assert [line["request_id"] for line in lines[1:] if not line["usage"]["cache_read_input_tokens"]] == []

    stats = hermes.stats(5)
    [session] = stats["sessions"]
    assert (session["kind"], session["client"], session["turns"]) == ("main", "hermes", 5)
    assert (session["mode"], stats["totals"]["errors"]) == ("coding", 0)
    assert {path: hermes.files()[path] for path in configured} == configured
    token = hermes.proxy.token.encode()
    assert [path for path, (content, _) in hermes.files().items() if token in content] == [KEYS]

    added = hermes.files().keys() - configured.keys()
    hermes.synrouter("configure", "hermes", "--undo", "--yes")
    assert hermes.files().keys() == added


def test_run_starts_it_on_the_proxy_whatever_its_own_file_says_and_leaves_that_alone(hermes: AtHome):
    (hermes.home / ".hermes").mkdir()
    (hermes.home / CONFIG).write_text(THEIRS)
    # A key of its own must not go to the proxy.
    (hermes.home / KEYS).write_text("OPENROUTER_API_KEY=sk-or-v1-0123456789abcdef0123456789abcdef\n")
    before = hermes.files()

    words = ("run", "hermes", "--model", MODEL, "--", "chat", "-Q", "-q", "Look around, please.")
    assert "There is one file of notes." in hermes.synrouter(*words, **SEALED)
    assert [(line["status"], line["model"]) for line in hermes.billed()] == [(200, MODEL)] * 3
    [session] = hermes.stats(3)["sessions"]
    assert (session["client"], session["turns"]) == ("hermes", 3)

    after = hermes.files()
    assert {path: after[path] for path in before} == before
    token = hermes.proxy.token.encode()
    assert [path for path, (content, _) in after.items() if token in content] == []
