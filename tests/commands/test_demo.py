"""`synrouter demo` as a function: what it plays, what it says in the end, what it leaves alone."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from synrouter_cli.commands import demo
from synrouter_cli.errors import UsageError
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.paths import find_paths
from synrouter_cli.wire.usage import Usage

USD = 10**12


@pytest.mark.parametrize("seconds", [0.0, 1.9, 3601.0, float("nan"), -1.0])
def test_a_length_that_makes_no_sense_is_refused_with_what_does(seconds: float):
    with pytest.raises(UsageError, match="--seconds takes a number from 2 to 3600") as caught:
        demo.run(plain=True, seconds=seconds)
    assert caught.value.hint == "synrouter demo"


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What a short demo prints on stdout and stderr, in a temporary folder of the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    assert demo.run(plain=True, seconds=2.0) == 0
    printed = capfd.readouterr()
    return printed.out, printed.err


def test_a_demo_tells_its_story_and_leaves_nothing_behind(played: tuple[str, str], tmp_path: Path):
    told, noted = played
    assert told.startswith("synrouter: listening on http://127.0.0.1:")
    assert "a simulation" in noted and "no key, no network" in noted
    for word in ("claude-code", "aider", "cline", "subagent", "error 529 overloaded_error"):
        assert word in told
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "synrouter-home").exists(), "the user's own home was touched"


def test_its_last_words_are_the_ledger_s_figures_and_what_to_type_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(demo.shutil, "which", lambda name: f"/usr/bin/{name}")
    paths = find_paths({"SYNROUTER_HOME": str(tmp_path / "home")})
    paths.create()
    ledger = Ledger.open(paths.ledger_file)
    money = {"cost_pusd": USD, "baseline_client_pusd": 3 * USD, "baseline_no_cache_pusd": 9 * USD}
    usage = Usage(1000, 9000, 0, 0, 5)
    ledger.record(Turn("s", 1, 1.7e9, status="ok", usage=usage, usage_quality="exact", http_status=200, **money))
    assert ledger.flush(10)
    ledger.close()
    said = list(demo.closing(paths))
    assert said[1] == "Simulated requests, real ledger: 1 turns, 90% read from the cache."
    assert [re.split(r"\s{2,}", line.strip())[:2] for line in said[2:6]] == [
        ["cost", "$1.00"],
        ["without any caching", "$9.00"],
        ["as these agents ask", "$3.00"],
        ["saved by Synrouter", "$2.00"],
    ]
    assert [line.strip() for line in said[8:]] == [
        "SYNROUTER_ANTHROPIC_KEY=sk-ant-… synrouter up",
        "ANTHROPIC_BASE_URL=http://127.0.0.1:7477 ANTHROPIC_AUTH_TOKEN=$(synrouter token show) claude",
        "synrouter stats",
    ]


@pytest.mark.parametrize(
    ("started_as", "typed"),
    [(".venv/bin/synrouter", ".venv/bin/synrouter"), ("/x/synrouter_cli/__main__.py", " -m synrouter_cli")],
)
def test_what_to_type_next_names_a_program_that_the_shell_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started_as: str, typed: str
):
    monkeypatch.setattr(demo.shutil, "which", lambda name: None)
    monkeypatch.setattr(demo.sys, "argv", [started_as])
    assert list(demo.closing(find_paths()))[-1].strip().removesuffix(" stats").endswith(typed)
