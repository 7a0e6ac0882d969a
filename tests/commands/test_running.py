"""`run` and `env`: a client on the proxy with no file touched; its terminal, signals and exit code are its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.clients import tree
from support.dialogue import ROOT
from support.processes import Running, running, wait_for
from support.toolchain import apt_executable
from synrouter_cli.clients.client import PRIVATE, TOKEN, Launch
from synrouter_cli.commands.private_folder import own, private_folder, sweep
from synrouter_cli.commands.running import environment
from synrouter_cli.commands.shells import lines, word
from synrouter_cli.credentials import Secret
from synrouter_cli.daemon import client, lock, process, tokens

KEY = Secret("sk-sr-local-canary-0123456789")
PROVIDERS_KEY = "sk-ant-api03-canary-0123456789"
REPORTS = 'env > "$REPORT.env"; tr "\\0" "\\n" < /proc/$$/cmdline > "$REPORT.words"; cat; exit ${CODE:-0}'
"""A client that writes down what it was given, copies its input and ends with the code that it is told."""
FILES = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore it
from synrouter_cli.clients.client import PRIVATE, TOKEN, Client, Launch
from synrouter_cli.commands import running
launch = Launch({"PLACE": PRIVATE}, private={"c.json": TOKEN + " in " + PRIVATE}, arguments=("--at", PRIVATE + "/c.json"))
running.client_of = lambda name: Client(name, "Private", ("private",), launch=lambda wish, around: launch)
from synrouter_cli.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""`synrouter` where a client takes its provider from files alone."""


def command(*words: str, files: bool = False) -> list[str]:
    return [sys.executable, *(["-c", FILES] if files else ["-m", "synrouter_cli"]), *words]


def environ(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "SYNROUTER_PORT": "0", **more}


@pytest.fixture
def serving(user) -> Iterator[None]:
    """A proxy serves; it is stopped by its own command, which knows its pid."""
    subprocess.run(command("up", "--detach"), env=environ(), check=True, capture_output=True, timeout=60)
    try:
        yield
    finally:
        stop(user)


def stop(user) -> None:
    if lock.is_held(user.paths.lock_file):
        subprocess.run(command("down"), env=environ(), check=True, capture_output=True, timeout=60)


# ── run ──


def test_it_starts_the_proxy_and_the_client_which_takes_its_place(user, tmp_path):
    user.has("claude", REPORTS)
    before = tree(user.home)
    try:
        ran = subprocess.run(
            command("run", "--model", "claude-opus-4-8", "claude-code", "--", "-p", "x y"),
            env=environ(REPORT=str(tmp_path / "report"), SYNROUTER_ANTHROPIC_KEY=PROVIDERS_KEY, ANTHROPIC_API_KEY="x"),
            input=b"typed",
            capture_output=True,
            timeout=60,
        )
        daemon = client.find(user.paths)
    finally:
        stop(user)
    port = daemon.state.port
    assert (ran.returncode, ran.stdout) == (0, b"typed")
    assert ran.stderr.decode() == f"synrouter: started on port {port}; to stop it: synrouter down\n"
    words = (tmp_path / "report.words").read_text().split("\n")[2:]
    assert words == ["--model", "claude-opus-4-8", "-p", "x y", ""]
    given = (tmp_path / "report.env").read_text().splitlines()
    assert f"ANTHROPIC_BASE_URL=http://127.0.0.1:{port}" in given
    assert f"ANTHROPIC_AUTH_TOKEN={tokens.client_token(user.paths).reveal()}" in given
    assert [line for line in given if PROVIDERS_KEY in line or line.startswith("ANTHROPIC_API_KEY")] == []
    assert tree(user.home) == before


def test_code_and_signals_are_the_clients(user, serving, tmp_path):
    user.has("claude", REPORTS)
    ran = subprocess.run(
        command("run", "claude-code"), env=environ(REPORT=str(tmp_path / "r"), CODE="7"), input=b"", capture_output=True, timeout=60
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (7, b"")
    user.has("claude", 'trap "exit 5" TERM; trap "" PIPE; echo here; while :; do sleep 0.05; done')
    with running(command("run", "claude-code"), logs=tmp_path / "logs", env=environ()) as started:
        started.printed("here")
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(20) == 5


def test_a_pipe_that_is_closed_ends_the_client_as_it_would_without_us(user, serving):
    user.has("claude", "exec yes")
    ran = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m synrouter_cli run claude-code | head -1'],
        env=environ(), capture_output=True, timeout=60,
    )  # fmt: skip
    assert (ran.stdout, ran.stderr) == (b"y\n", b"")


def test_a_proxy_that_does_not_start_says_why_and_no_client_is_started(user, tmp_path):
    user.has("claude", f"touch {tmp_path}/started")
    user.paths.create()
    user.paths.config_file.write_text('port = 0\nlisten = "0.0.0.0"\n')
    refused = user.types("run", "claude-code")
    assert refused.code == 2
    assert "name the Host they call it by" in refused.err
    assert not (tmp_path / "started").exists()


def test_a_proxy_that_is_only_a_lock_is_not_taken_for_one_that_serves(user, tmp_path):
    user.has("claude", f"touch {tmp_path}/started")
    user.paths.create()
    with lock.hold(user.paths.lock_file):
        refused = user.types("run", "claude-code")
    assert (refused.code, refused.err) == (
        1,
        "synrouter: Synrouter is just starting or stopping.\n  next: synrouter status\n",
    )
    assert not (tmp_path / "started").exists()


REFUSED = {
    "unknown": (("run", "nope"), 2, "There is no client 'nope'", "synrouter configure --list"),
    "not installed": (("run", "crush"), 1, "is not installed: there is no crush on PATH.", "install it, then type"),
    "impossible": (("run", "cursor"), 1, "Cursor can't be put on the proxy this way", ""),
    "impossible for env": (("env", "cursor"), 1, "Cursor can't be put on the proxy this way", ""),
    "auth": (("run", "--auth", "x", "claude-code"), 2, "no --auth 'x'; it has: key, subscription", "synrouter"),
    "auth of env": (("env", "claude-code", "--auth", "x"), 2, "no --auth 'x'", "synrouter"),
    "shell": (("env", "claude-code", "--shell", "tcsh"), 2, "for sh, bash, zsh, fish, powershell, not for 'tcsh'", "synrouter env"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "code", "said", "then"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_says_why_and_starts_nothing(user, words, code, said, then):
    refused = user.types(*words)
    assert (refused.code, refused.out, said in refused.err) == (code, "", True), refused.err
    assert f"\n  next: {then}" in refused.err if then else "next:" not in refused.err
    assert not lock.is_held(user.paths.lock_file)


# ── private files ──


def left(user) -> list[Path]:
    return list(user.paths.state_dir.glob("run-*"))


@contextmanager
def private(user, tmp_path: Path, script: str) -> Iterator[Running]:
    user.has("private", f'cat "$PLACE/c.json"; echo; ls -ld "$PLACE" "$PLACE/c.json"; echo "$@"; {script}')
    with running(command("run", "x", "more", files=True), logs=tmp_path / "logs", env=environ()) as started:
        started.printed("more$")
        yield started


def test_private_files_are_there_while_the_client_runs_and_then_gone(user, serving, tmp_path):
    with private(user, tmp_path, "exit 3") as started:
        assert started.process.wait(20) == 3
        text, folder, file, words = started.stdout.read_text().splitlines()
    place = folder.split()[-1]
    assert text == f"{tokens.client_token(user.paths).reveal()} in {place}"
    assert (folder[:10], file[:10], words) == ("drwx------", "-rw-------", f"--at {place}/c.json more")
    assert left(user) == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["SIGTERM", "SIGHUP"]
)  # fmt: skip
def test_a_signal_reaches_the_client_and_the_folder_goes(user, serving, tmp_path, number, code):
    with private(user, tmp_path, "exec sleep 1000") as started:
        assert len(left(user)) == 1
        started.process.send_signal(number)
        assert started.process.wait(20) == code
    assert left(user) == []


def test_ctrl_c_is_the_clients_to_answer(user, serving, tmp_path):
    script = 'trap "echo asked; exit 4" INT; echo ready; while :; do sleep 0.05; done'
    with private(user, tmp_path, script) as started:
        started.printed("^ready$")
        started.process.send_signal(signal.SIGINT)  # to us alone: it must not end what is waited for
        [folder] = left(user)
        wait_for(lambda: len(owners(folder)) == 2, "both owners")
        os.kill(owners(folder)[1], signal.SIGINT)
        assert started.process.wait(20) == 4
    assert left(user) == []


def test_what_a_kill_left_is_swept_at_the_next_start_but_not_while_its_client_lives(user, serving, tmp_path):
    with private(user, tmp_path, "exec sleep 1000") as started:
        [folder] = left(user)
        wait_for(lambda: len(owners(folder)) == 2, "both owners")
        started.process.kill()
        started.process.wait(20)
        sweep(user.paths.state_dir)
        assert left(user) == [folder]
        sleeping = owners(folder)[1]
        os.kill(sleeping, signal.SIGKILL)
        wait_for(lambda: process.create_time(sleeping) is None, "the end of the client")
        user.has("claude", "exit 0")  # one that needs no files of its own sweeps as well
        subprocess.run(command("run", "claude-code"), env=environ(), check=True, timeout=60)
        assert left(user) == []


def owners(folder: Path) -> list[int]:
    return [pid for pid, _ in json.loads((folder / ".owners").read_bytes())]


def test_only_what_is_nobodys_for_certain_is_swept(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    for name in ("run-mine", "run-ended", "run-reused", "run-just-made", "run-old", "run-garbage", "other"):
        (tmp_path / name).mkdir()
    own(tmp_path / "run-mine", os.getpid())
    own(tmp_path / "run-ended", ended.pid)
    (tmp_path / "run-reused" / ".owners").write_text(f'[[{os.getpid()}, "another time"]]')
    (tmp_path / "run-garbage" / ".owners").write_text("garbage")
    (tmp_path / "run-file").touch()
    (tmp_path / "run-link").symlink_to(tmp_path / "other")
    old = time.time() - 3600
    os.utime(tmp_path / "run-old", (old, old))
    with private_folder(tmp_path) as folder:
        sweep(tmp_path)
        kept = {path.name for path in tmp_path.iterdir()} - {folder.name}
        assert folder.is_dir()
    assert kept == {"run-mine", "run-just-made", "run-garbage", "other", "run-file", "run-link"}


# ── env ──

HARD = {
    "PLAIN": "http://127.0.0.1:7477",
    "QUOTES": """it's "so" ‘here’""",
    "DOLLAR": "$HOME `id` $(id) \\ \\\\ %d",
    "LINES": "one: 1\ntwo: 2",
    "EMPTY": "",
    "JSON": '{"a": "b"}',
    "KEY": TOKEN,
    "HEADER": f"a: $b `c` \"d\" 'e' \\\nx-synrouter-key: {TOKEN}",
    "TWICE": f"{TOKEN} and {TOKEN}",
}
LAUNCH = Launch(HARD, unset=("OLD", "NOT_SET"))
RUNNERS = {"sh": ["sh", "-c"], "bash": ["bash", "-c"], "fish": ["fish", "--no-config", "-c"]}


@pytest.mark.parametrize("shell", RUNNERS)
def test_a_shell_that_runs_the_lines_has_exactly_the_values(user, shell):
    program, *options = RUNNERS[shell]
    user.has("synrouter", f'[ "$*" = "token show" ] && echo {KEY.reveal()}')
    names = " ".join((*HARD, "OLD"))
    show = f"{sys.executable} -c 'import os, sys; print([os.environ.get(name) for name in sys.argv[1:]])' {names}"
    script = "\n".join([*lines(LAUNCH, "fish" if shell == "fish" else "sh"), show])
    done = subprocess.run(
        [str(apt_executable(program)), *options, script], env={**os.environ, "OLD": "1"}, capture_output=True, text=True, timeout=60
    )  # fmt: skip
    wanted = [value.replace(TOKEN, KEY.reveal()) for value in HARD.values()]
    assert (done.stdout, done.stderr) == (f"{[*wanted, None]}\n", "")


def test_bash_and_zsh_get_the_lines_of_sh():
    assert list(lines(LAUNCH, "bash")) == list(lines(LAUNCH, "zsh")) == list(lines(LAUNCH, "sh"))


def test_powershell_gets_its_own_quotes():
    assert list(lines(LAUNCH, "powershell")) == [
        "Remove-Item Env:OLD -ErrorAction Ignore",
        "Remove-Item Env:NOT_SET -ErrorAction Ignore",
        "$env:PLAIN = 'http://127.0.0.1:7477'",
        "$env:QUOTES = 'it''s \"so\" ‘‘here’’'",
        "$env:DOLLAR = '$HOME `id` $(id) \\ \\\\ %d'",
        "$env:LINES = 'one: 1\ntwo: 2'",
        "$env:EMPTY = ''",
        '$env:JSON = \'{"a": "b"}\'',
        "$env:KEY = '' + (synrouter token show) + ''",
        "$env:HEADER = 'a: $b `c` \"d\" ''e'' \\\nx-synrouter-key: ' + (synrouter token show) + ''",
        "$env:TWICE = '' + (synrouter token show) + ' and ' + (synrouter token show) + ''",
    ]


@pytest.mark.parametrize(
    ("text", "shell", "quoted"),
    [
        ("--settings", "sh", "--settings"),
        ("http://a/b", "fish", "http://a/b"),
        ("a b's", "sh", "'a b'\"'\"'s'"),
        ("a b's", "zsh", "'a b'\"'\"'s'"),
        ("a b's", "fish", "'a b\\'s'"),
        ("a b's", "powershell", "'a b''s'"),
        ("", "sh", "''"),
    ],
)
def test_a_word_is_quoted_where_a_shell_would_read_something_into_it(text, shell, quoted):
    assert word(text, shell) == quoted


def test_env_prints_lines_that_set_up_the_client_and_no_key(user):
    user.types("token")
    shown = user.types("env", "claude-code")
    assert (shown.code, shown.err) == (0, "  next: synrouter up\n")
    assert 'export ANTHROPIC_AUTH_TOKEN="$(synrouter token show)"' in shown.out.splitlines()
    assert tokens.client_token(user.paths).reveal() not in shown.said
    assert (
        "set -gx ANTHROPIC_AUTH_TOKEN (synrouter token show)"
        in user.types("env", "claude-code", "--shell", "fish").out.splitlines()
    )


def test_a_clients_environment_is_ours_without_providers_keys_and_what_goes_before():
    launch = Launch({"KEY": f"a {TOKEN}", "AT": f"{PRIVATE}/c"}, unset=("OLD",))
    ours = {"PATH": "/bin", "OLD": "1", "KEY": "before", "SYNROUTER_Z_AI_KEY": "canary", "SYNROUTER_HOME": "/s"}
    assert environment(launch, KEY, "/p", ours) == {
        "PATH": "/bin",
        "KEY": f"a {KEY.reveal()}",
        "AT": "/p/c",
        "SYNROUTER_HOME": "/s",
    }
