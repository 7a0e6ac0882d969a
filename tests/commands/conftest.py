"""A user of clients: a home, a project and programs on PATH of the test's own; commands run in this process."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.clients import tree
from synrouter_cli.cli import main
from synrouter_cli.paths import Paths, find_paths

CLAUDE = 'case "$1" in --version) echo "2.1.329 (Claude Code)";; esac'


@dataclass(frozen=True)
class Answer:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


@dataclass(frozen=True)
class User:
    """Everything is below one folder; Claude Code is installed."""

    home: Path
    project: Path
    programs: Path
    capsys: pytest.CaptureFixture[str]

    def types(self, *words: str) -> Answer:
        """`synrouter WORDS`, without a terminal."""
        self.capsys.readouterr()
        code = main(words)
        return Answer(code, *self.capsys.readouterr())

    def has(self, name: str, script: str) -> Path:
        """A program on PATH: what `sh` makes of `script`."""
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        return program

    @property
    def paths(self) -> Paths:
        return find_paths()

    @property
    def settings_file(self) -> Path:
        """Claude Code's."""
        return self.home / ".claude" / "settings.json"

    @property
    def settings(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.settings_file.read_text())
        return value

    def owns(self, text: str) -> None:
        self.settings_file.parent.mkdir(exist_ok=True)
        self.settings_file.write_text(text)

    def everything(self) -> dict[str, object]:
        """The home, the project and our own folder: path → mode and content."""
        return {str(root): tree(root) if root.exists() else None for root in self.folders}

    @property
    def folders(self) -> tuple[Path, Path, Path]:
        return self.home, self.project, Path(os.environ["SYNROUTER_HOME"])


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> User:
    someone = User(tmp_path / "user", tmp_path / "user" / "work" / "project", tmp_path / "programs", capsys)
    someone.project.mkdir(parents=True)
    someone.programs.mkdir()
    someone.has("claude", CLAUDE)
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(someone.home))
    monkeypatch.setenv("PATH", f"{someone.programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(someone.project)
    return someone
