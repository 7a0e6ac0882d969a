"""`token` without a daemon; with one it is in tests/daemon/test_lifecycle.py."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from synrouter_cli.cli import main

TOKEN = re.compile(r"sk-sr-local-[A-Za-z0-9_-]{32,}\n")


def shown(capsys, *words: str) -> str:
    assert main(["token", *words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["show"]])
def test_show_prints_the_token_and_nothing_else(capsys, words):
    assert TOKEN.fullmatch(shown(capsys, *words))


def test_show_shows_the_same_until_it_is_rotated(capsys):
    first = shown(capsys, "show")
    assert shown(capsys, "show") == first
    rotated = shown(capsys, "rotate")
    assert TOKEN.fullmatch(rotated)
    assert rotated != first
    assert shown(capsys, "show") == rotated


def test_rotate_says_on_stderr_what_it_means(capsys):
    assert main(["token", "rotate"]) == 0
    assert capsys.readouterr().err == "The old key is void: give this one to clients that you have set up by hand.\n"


def test_the_token_lies_at_0600(capsys):
    shown(capsys)
    shown(capsys, "rotate")
    path = Path(os.environ["SYNROUTER_HOME"], "data", "token")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_token_file_is_told_with_the_way_out(capsys):
    shown(capsys)
    path = Path(os.environ["SYNROUTER_HOME"], "data", "token")
    path.write_text("garbage")
    assert main(["token"]) == 2
    assert capsys.readouterr().err == f"synrouter: {path}: holds no token\n  next: rm {path}\n"
    path.unlink()
    assert TOKEN.fullmatch(shown(capsys))
