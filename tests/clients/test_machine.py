"""What is asked of a client's programs."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from synrouter_cli.clients.client import Client
from synrouter_cli.clients.machine import executable_of, version_of

CLIENT = Client("some", "Some", executables=("some", "some-other"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are scripts of a POSIX shell here")


def program(path: Path, *lines: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines)))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("echo 1.2.3",), "1.2.3"),
        (("echo", "echo welcome", "echo some 1.2.3"), "some 1.2.3"),
        (("echo 1.2.3", "exit 1"), ""),
        (("echo welcome",), ""),
    ],
)
def test_its_version_is_the_first_line_with_a_number_of_a_program_that_ends_well(
    tmp_path: Path, lines: tuple[str, ...], said: str
):
    assert version_of(CLIENT, program(tmp_path / "some", *lines), {}) == said


def test_another_program_beside_it_is_asked_where_its_own_version_leaves_traces(tmp_path: Path):
    client = replace(CLIENT, version_program="some-quiet")
    real = program(tmp_path / "real" / "some", "echo 9 >trace")
    link = tmp_path / "some"
    link.symlink_to(real)
    assert version_of(client, link, {}) == ""
    program(real.with_name("some-quiet"), "echo 1.2.3")
    assert version_of(client, link, {}) == "1.2.3"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real", "some"]


def test_the_folders_that_a_program_makes_for_its_version_are_gone_again(tmp_path: Path):
    client = replace(CLIENT, version_folders=("XDG_CACHE_HOME", "XDG_DATA_HOME"))
    some = program(tmp_path / "some", 'mkdir "$XDG_CACHE_HOME/cache" "$XDG_DATA_HOME/1.2.3"', 'ls "$XDG_DATA_HOME"')
    there = sorted(tmp_path.iterdir())
    assert version_of(client, some, {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path)}) == "1.2.3"
    assert sorted(tmp_path.iterdir()) == there


def test_it_is_looked_for_on_path_under_each_of_its_names(tmp_path: Path):
    other = program(tmp_path / "bin" / "some-other")
    assert executable_of(CLIENT, {"PATH": str(other.parent)}) == other
    assert executable_of(CLIENT, {"PATH": str(tmp_path)}) is None
