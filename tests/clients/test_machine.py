"""The machine as a client's module sees it, and what programs say of their version."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from support.processes import wait_for
from synrouter_cli.clients import client_of, machine
from synrouter_cli.clients.client import TOKEN, Client
from synrouter_cli.clients.machine import executable_of, project_root, said_version, surroundings, version_of
from synrouter_cli.clients.records import EditedFile, Record
from synrouter_cli.errors import ConfigConflict, EditError
from synrouter_cli.textedit import ABSENT, Change


def program(folder: Path, script: str, name: str = "claude") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return path


SAID = {
    "2.1.329 (Claude Code)": "2.1.329",
    "codex-cli 0.63.0": "0.63.0",
    "v24.1.0": "24.1.0",
    "Hermes Agent v0.9.0-rc.1+build": "0.9.0-rc.1+build",
    "\\033[1mopenclaw\\033[0m \\033[32m2026.11.3\\033[0m": "2026.11.3",
    "a banner\\n\\n  aider 0.86": "0.86",
    "no number": "",
    "42": "",
    "": "",
    "\\377\\376\\033]0;owned\\007 1.2.3": "1.2.3",
}


@pytest.mark.parametrize(("said", "version"), SAID.items())
def test_a_version_is_what_looks_like_one(tmp_path, said, version):
    assert said_version(program(tmp_path, f"printf '{said}'"), os.environ) == version


@pytest.mark.parametrize("script", ["echo 1.2.3; exit 1", "echo 1.2.3 >&2", "kill -9 $$"])
def test_a_program_that_fails_or_only_complains_has_no_version(tmp_path, script):
    assert said_version(program(tmp_path, script), os.environ) == ""


def test_what_is_no_program_has_no_version(tmp_path):
    (tmp_path / "claude").write_bytes(b"\x7fnot a program")
    (tmp_path / "claude").chmod(0o700)
    assert said_version(tmp_path / "claude", os.environ) == ""
    assert said_version(tmp_path / "gone", os.environ) == ""


def test_a_program_that_hangs_is_ended_with_what_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_VERSION_S", 0.5)
    hanging = program(tmp_path, f"sleep 1000 & echo $! > {tmp_path}/pid; wait")
    assert said_version(hanging, os.environ) == ""
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not alive(pid), "the end of what it started")


def test_a_program_that_writes_without_end_is_not_read_to_the_end(tmp_path):
    begun = time.monotonic()
    assert said_version(program(tmp_path, "exec yes 1.2.3"), os.environ) == ""
    assert time.monotonic() - begun < machine._VERSION_S


def test_a_program_whose_child_keeps_the_output_open_is_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_VERSION_S", 0.5)
    assert said_version(program(tmp_path, "echo 1.2.3; sleep 1000 &"), os.environ) == "1.2.3"


def test_it_is_asked_without_providers_keys_and_without_input(tmp_path):
    asked = program(tmp_path, 'cat; echo "1.0.${#SYNROUTER_ANTHROPIC_KEY}"')
    assert said_version(asked, {**os.environ, "SYNROUTER_ANTHROPIC_KEY": "canary"}) == "1.0.0"


def test_the_program_is_the_one_that_the_given_path_has(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    program(tmp_path / "b", "")
    client = client_of("claude-code")
    assert executable_of(client, {"PATH": f"{tmp_path}/a:{tmp_path}/b"}) == tmp_path / "b" / "claude"
    assert executable_of(client, {"PATH": f"{tmp_path}/a"}) is None


def test_another_program_beside_it_is_asked_where_its_own_version_leaves_traces(tmp_path):
    (tmp_path / "real").mkdir()
    real = program(tmp_path / "real", f"touch {tmp_path}/trace; echo 9.9", "some")
    link = tmp_path / "some"
    link.symlink_to(real)
    assert version_of(Client("some", "Some", ("some",)), program(tmp_path, "echo some 1.2.3"), os.environ) == "1.2.3"
    client = Client("some", "Some", ("some",), version_program="some-quiet")
    assert version_of(client, link, os.environ) == ""
    program(real.parent, "echo 1.2.3", "some-quiet")
    assert version_of(client, link, os.environ) == "1.2.3"
    assert not (tmp_path / "trace").exists()


def test_the_folders_that_a_program_makes_for_its_version_are_gone_again(tmp_path):
    client = Client("some", "Some", ("some",), version_folders=("XDG_CACHE_HOME", "XDG_DATA_HOME"))
    some = program(tmp_path, 'mkdir "$XDG_CACHE_HOME/cache" "$XDG_DATA_HOME/1.2.3"; ls "$XDG_DATA_HOME"', "some")
    assert version_of(client, some, os.environ | {"XDG_CACHE_HOME": str(tmp_path)}) == "1.2.3"
    assert [*tmp_path.iterdir()] == [some]


def test_it_is_looked_for_under_each_of_its_names(tmp_path):
    other = program(tmp_path, "", "some-other")
    client = Client("some", "Some", ("some", "some-other"))
    assert executable_of(client, {"PATH": str(tmp_path)}) == other


def test_files_are_seen_as_they_would_be_without_us(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "c.json"
    path.write_text('{"mine": 1, "key": "sk-sr-local-x"}')
    change = Change(("key",), ABSENT, TOKEN)
    record = Record("x", "user", "", "", "key", "", (EditedFile(path, "json", (change,)),))
    assert surroundings({"HOME": str(tmp_path)}).read(path) == '{"mine": 1, "key": "sk-sr-local-x"}'
    assert surroundings({"HOME": str(tmp_path)}, [record]).read(path) == '{"mine": 1}'


def test_what_is_not_there_is_none_and_what_can_not_be_read_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    around = surroundings({"HOME": str(tmp_path)})
    assert around.read(tmp_path / "none") is None
    assert not around.exists(tmp_path / "none") and around.exists(tmp_path)
    with pytest.raises(ConfigConflict, match="Is a directory"):
        around.read(tmp_path)
    (tmp_path / "latin").write_bytes(b'{"a": "\xe9"}')
    with pytest.raises(EditError):
        around.read(tmp_path / "latin")


def test_a_project_is_the_repository_that_a_folder_is_in(tmp_path):
    (tmp_path / "repository" / "a" / "b").mkdir(parents=True)
    assert project_root(tmp_path / "repository" / "a") == tmp_path / "repository" / "a"
    (tmp_path / "repository" / ".git").touch()  # a worktree's is a file
    assert project_root(tmp_path / "repository" / "a" / "b") == tmp_path / "repository"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
