"""`logs`: the last lines, and what comes, over rotations; nothing in them can reach the terminal."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import synrouter_cli
from support.processes import running, wait_for
from synrouter_cli.cli import main
from synrouter_cli.commands.logs import Log
from synrouter_cli.daemon import logs as daemon_logs
from synrouter_cli.paths import find_paths


@pytest.fixture
def path() -> Path:
    paths = find_paths()
    paths.create()
    return paths.log_file


@pytest.fixture
def log(path, monkeypatch) -> Iterator[logging.Logger]:
    """The daemon's own log, which rotates after 1,000 bytes."""
    monkeypatch.setattr(daemon_logs, "_FILE_BYTES", 1000)
    root = logging.getLogger()
    before, level = root.handlers, root.level
    handler = daemon_logs.install(path, str)
    yield logging.getLogger("synrouter.test")
    handler.close()
    root.handlers, root.level = before, level


def shown(capsys, *options: str) -> list[str]:
    assert main(["logs", *options]) == 0
    return capsys.readouterr().out.splitlines()


def numbers(lines: list[str]) -> list[int]:
    return [int(line.rpartition(" ")[2]) for line in lines]


def test_the_last_lines_come_over_rotated_files_in_their_order(log, path, capsys):
    for number in range(200):
        log.info("line %d", number)
    assert len(list(path.parent.iterdir())) == 5
    assert numbers(shown(capsys)) == list(range(180, 200))
    assert numbers(shown(capsys, "-n", "3")) == [197, 198, 199]
    assert shown(capsys, "--lines", "0") == []
    everything = numbers(shown(capsys, "-n", "1000"))
    assert everything == list(range(everything[0], 200))


@pytest.mark.parametrize("burst", [1, 7, 25])
def test_following_loses_no_line_and_repeats_none_through_rotations(log, path, burst):
    seen = []
    with closing(Log(path)) as followed:
        for start in range(0, 200, burst):
            for number in range(start, start + burst):
                log.info("line %d", number)
            seen += numbers([line.decode() for line in followed.new_lines()])
    assert seen == list(range(seen[-1] + 1))


def test_following_begins_with_a_log_that_is_not_there_yet(path):
    with closing(Log(path)) as followed:
        assert list(followed.new_lines()) == []
        path.write_text("one\ntw")
        assert list(followed.new_lines()) == [b"one"]
        with path.open("a") as file:
            file.write("o\n")
        assert list(followed.new_lines()) == [b"two"]


def test_files_of_others_in_the_folder_are_not_shown(path, capsys):
    path.write_text("ours\n")
    path.with_name("synrouter.log.bak").write_text("theirs\n")
    path.with_name("synrouter.log.").write_text("theirs\n")
    path.with_name("other.log.1").write_text("theirs\n")
    assert shown(capsys) == ["ours"]


def test_what_a_line_holds_cannot_reach_the_terminal(path, capsys):
    path.write_bytes(b"a\x1b]0;owned\x07\x1b[2Jb\xff\xe2\x80\xae\x9bc\n")
    [line] = shown(capsys)
    assert line.isprintable()
    assert "owned" not in line


def test_without_a_log_it_says_so(capsys):
    assert main(["logs"]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"synrouter: There is no log yet: {find_paths().log_file}"
    assert second == "  next: synrouter up"


def test_a_negative_count_is_a_usage_error(capsys):
    assert main(["logs", "-n", "-1"]) == 2
    assert "--lines takes a number of lines" in capsys.readouterr().err


def test_it_follows_until_ctrl_c_which_is_130(path, tmp_path):
    path.write_text("first\n")
    environment = {**os.environ, "PYTHONPATH": str(Path(synrouter_cli.__file__).parents[1])}
    with running([sys.executable, "-m", "synrouter_cli", "logs", "-f"], logs=tmp_path / "out", env=environment) as one:
        one.printed("^first$")
        with path.open("a") as file:
            file.write("second\n")
        one.printed("^second$")
        path.rename(path.with_name("synrouter.log.1"))
        path.write_text("third\n")
        one.printed("^third$")
        one.process.send_signal(signal.SIGINT)
        assert one.process.wait(20) == 130
        assert one.stderr.read_text() == ""


def test_a_reader_that_leaves_ends_it(path):
    path.write_text("line\n" * 5)
    environment = {**os.environ, "PYTHONPATH": str(Path(synrouter_cli.__file__).parents[1])}
    command = [sys.executable, "-m", "synrouter_cli", "logs", "-f"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()

        def ended() -> bool:
            with path.open("a") as file:
                file.write("more\n")
            return process.poll() is not None

        wait_for(ended, "it ends")
        assert (process.returncode, process.stderr.read()) == (1, b"")
