"""The command line: quick, and every error is a sentence and the next command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import synrouter_cli
from synrouter_cli import __version__
from synrouter_cli.cli import main

ROOT = Path(synrouter_cli.__file__).parents[1]
HEAVY = (
    "aiohttp",
    "keyring",
    "msgspec",
    "rich",
    "asyncio",
    "sqlite3",
    "http.client",
    "filelock",
    "platformdirs",
    "pydantic",
)


def python(code: str, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


@pytest.mark.parametrize(
    "words", [["--help"], ["up", "--help"], ["stats", "--help"], ["token", "--help"], ["keys", "--help"], ["--version"]]
)
def test_help_loads_nothing_heavy(words):
    code = f"""
import sys
from synrouter_cli.cli import main
code = main(sys.argv[1:])
print(code, [name for name in {HEAVY!r} if name in sys.modules])
"""
    assert python(code, *words).stdout.splitlines()[-1] == "0 []"


@pytest.mark.parametrize(
    "words",
    [["status"], ["down"], ["token", "show"], ["logs", "-n", "5"], ["completions", "zsh"]],
)
def test_the_small_commands_load_no_server(words):
    code = """
import sys
from synrouter_cli.cli import main
main(sys.argv[1:])
heavy = ("aiohttp", "asyncio", "keyring", "msgspec", "pydantic", "rich", "sqlite3")
print([name for name in heavy if name in sys.modules])
"""
    assert python(code, *words).stdout.splitlines()[-1] == "[]"


def test_a_list_of_sessions_loads_neither_rich_nor_what_json_needs():
    code = """
import sys
from synrouter_cli.cli import main
main(["sessions"])
print([name for name in ("aiohttp", "asyncio", "keyring", "msgspec", "pydantic", "rich") if name in sys.modules])
"""
    assert python(code).stdout.splitlines()[-1] == "[]"


def test_a_table_of_figures_loads_neither_rich_nor_what_json_needs():
    code = """
import sys
from synrouter_cli.cli import main
main(["stats", "--since", "30d", "--by", "model"])
print([name for name in ("aiohttp", "asyncio", "keyring", "msgspec", "pydantic", "rich") if name in sys.modules])
"""
    assert python(code).stdout.splitlines()[-1] == "[]"


def test_no_words_at_all_is_help(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("Usage: synrouter [OPTIONS] COMMAND")


@pytest.mark.parametrize(
    "words",
    [
        ["up"],
        ["down"],
        ["demo"],
        ["status"],
        ["stats"],
        ["sessions"],
        ["providers"],
        ["models"],
        ["logs"],
        ["token"],
        ["token", "show"],
        ["token", "rotate"],
        ["keys"],
        ["keys", "set"],
        ["keys", "list"],
        ["keys", "remove"],
        ["keys", "test"],
        ["service"],
        ["service", "install"],
        ["service", "uninstall"],
        ["completions"],
    ],
    ids=" ".join,
)
def test_every_help_is_short_and_has_an_example(capsys, words):
    assert main([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Example: " in shown
    assert len(shown.splitlines()) < 25
    assert max(map(len, shown.splitlines())) <= 100


def test_the_help_of_all_lists_every_command_once_under_what_it_is_for(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    groups = re.findall(r"^(\S.*):\n((?:  \S.*\n)+)", shown, re.MULTILINE)
    assert {name: [line.split()[0] for line in lines.splitlines()] for name, lines in groups} == {
        "Run": ["up", "down", "demo", "run", "env"],
        "Look": ["status", "stats", "sessions", "explain", "estimate", "providers", "models", "logs", "doctor"],
        "Set up": ["configure", "completions", "keys", "token", "service"],
        "Options": ["--version", "-h,"],
    }
    assert "Example: synrouter demo" in shown
    assert "..." not in shown.partition("\n")[2]
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "usage", "argument"),
    [
        (["run"], "synrouter run [OPTIONS] CLIENT [-- ARGS]...", "CLIENT        Which"),
        (["estimate"], "synrouter estimate [OPTIONS] [PATH]...", "[PATH]...  Files"),
        (["explain"], "synrouter explain [OPTIONS] [SESSION]", "SESSION  A session's id"),
        (["keys", "set"], "synrouter keys set [OPTIONS] PROVIDER", "PROVIDER  Whose"),
        (
            ["completions"],
            "synrouter completions [OPTIONS] bash|zsh|fish|powershell",
            "bash|zsh|fish|powershell  Whose",
        ),
    ],
)
def test_an_argument_is_shown_as_it_is_typed(capsys, words, usage, argument):
    assert main([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: {usage}\n")
    assert f"\n  {argument}" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["up", "--port", "http"], "Invalid value for '--port': 'http' is not a whole number."),
        (["logs", "-n", "1.5"], "Invalid value for '--lines' / '-n': '1.5' is not a whole number."),
        (["completions"], "Missing argument 'bash|zsh|fish|powershell'."),
        (["stats", "--since"], "Option '--since' requires an argument."),
        (["env", "codex", "--shell"], "Option '--shell' requires an argument."),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_by_its_option(capsys, words, message):
    assert main(words) == 2
    assert capsys.readouterr().err == f"synrouter: {message}\n  next: synrouter {words[0]} --help\n"


def test_up_gets_its_options(monkeypatch):
    seen = []
    monkeypatch.setattr("synrouter_cli.commands.up.up", lambda options, **how: seen.append((options, how)) or 7)
    words = ["--port", "7500", "--mode", "coding", "--level", "safe", "--upstream", "a=b", "--upstream", "c=d"]
    words[6:6] = ["--listen", "0.0.0.0"]
    words += ["--allow-host", "box", "--allow-host", "other:80"]
    assert main(["up", *words, "--detach"]) == 7
    [(options, how)] = seen
    assert list(options.words()) == words
    assert how == {"plain": False, "detach": True, "detached": False}


def test_the_demo_gets_its_options_as_up_does(monkeypatch):
    seen = []
    monkeypatch.setattr("synrouter_cli.commands.demo.run", lambda **options: seen.append(options) or 7)
    assert main(["demo", "--plain", "--seconds", "2.5"]) == 7
    assert main(["up", "--demo", "--plain"]) == 7
    assert [(options["plain"], options["seconds"]) for options in seen] == [(True, 2.5), (True, 45.0)]


@pytest.mark.parametrize(
    "words",
    [
        ["--detach"],
        ["--port", "0"],
        ["--level", "safe"],
        ["--upstream", "a=b"],
        ["--listen", "::1"],
        ["--allow-host", "b"],
    ],
)
def test_a_demo_takes_no_settings_of_the_proxy(capsys, words):
    assert main(["up", "--demo", *words]) == 2
    assert capsys.readouterr().err.splitlines()[1] == "  next: synrouter demo"


def test_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"synrouter {__version__}\n"


MISTAKES = [
    (["nonsense"], "No such command 'nonsense'.", "synrouter --help"),
    (["up", "--nonsense"], "No such option: --nonsense", "synrouter up --help"),
    (["up", "surplus"], "Got unexpected extra argument(s) (surplus)", "synrouter up --help"),
    (["token", "burn"], "No such command 'burn'.", "synrouter token --help"),
    (
        ["up", "--level", "x"],
        "--level: expected one of observe, safe, standard, max",
        "synrouter up --help",
    ),
    (
        ["up", "--port", "70000"],
        "--port: expected a number from 0 to 65535",
        "synrouter up --help",
    ),
    (["up", "--upstream", "x"], "--upstream: expected NAME=URL", "synrouter up --help"),
]


@pytest.mark.parametrize(("words", "message", "hint"), MISTAKES)
def test_a_mistake_is_one_line_and_the_next_command_and_exit_code_2(capsys, words, message, hint):
    assert main(words) == 2
    assert capsys.readouterr() == ("", f"synrouter: {message}\n  next: {hint}\n")


def test_a_mistake_in_the_config_stops_up_but_not_the_commands_that_need_none(capsys):
    home = Path(os.environ["SYNROUTER_HOME"])
    home.mkdir()
    (home / "config.toml").write_text("colour = 1\n")
    assert main(["up"]) == 2
    assert f"{home}/config.toml line 1, colour: unknown key" in capsys.readouterr().err
    assert main(["status"]) == 3
    assert main(["down"]) == 3
    assert main(["token"]) == 0


def test_what_should_not_happen_is_one_line_that_says_where_the_log_is(capsys, monkeypatch):
    def fail(**options):
        raise RuntimeError("sk-ant-canary")

    monkeypatch.setattr("synrouter_cli.commands.status.status", fail)
    assert main(["status"]) == 1
    log = Path(os.environ["SYNROUTER_HOME"], "logs", "synrouter.log")
    assert capsys.readouterr() == ("", f"synrouter: unexpected RuntimeError; it is written down in {log}\n")
    assert "RuntimeError at " in log.read_text()
    assert "canary" not in log.read_text()


def test_without_a_log_it_says_the_place_itself(capsys, monkeypatch):
    Path(os.environ["SYNROUTER_HOME"]).write_text("in the way")

    def fail(**options):
        raise RuntimeError("sk-ant-canary")

    monkeypatch.setattr("synrouter_cli.commands.status.status", fail)
    assert main(["status"]) == 1
    said = capsys.readouterr().err
    assert "can't be written): RuntimeError at " in said
    assert len(said.splitlines()) == 1


def test_an_error_of_the_system_is_told_by_its_file(capsys, monkeypatch):
    def fail(**options):
        raise PermissionError(13, "Permission denied", "/somewhere/token")

    monkeypatch.setattr("synrouter_cli.commands.status.status", fail)
    assert main(["status"]) == 1
    assert capsys.readouterr().err.splitlines()[0] == "synrouter: /somewhere/token: Permission denied."


def test_ctrl_c_is_130(capsys, monkeypatch):
    def interrupt(**options):
        raise KeyboardInterrupt

    monkeypatch.setattr("synrouter_cli.commands.status.status", interrupt)
    assert main(["status"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_leaves_early_is_no_traceback():
    code = """
import sys
from synrouter_cli import cli
from synrouter_cli.commands import status
status.status = lambda **options: print("x" * 1_000_000)
sys.exit(cli.main(["status"]))
"""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_terminal_without_unicode_is_no_traceback():
    code = """
import sys
from synrouter_cli import cli
from synrouter_cli.commands import status
status.status = lambda **options: print("read 3 · … →")
sys.exit(cli.main(["status"]))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"read 3 ? ? ?\n", b"")


def test_the_module_runs_as_the_command_does():
    command = [sys.executable, "-m", "synrouter_cli", "--version"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"synrouter {__version__}\n")


def test_stats_gets_its_options(monkeypatch):
    seen = []
    monkeypatch.setattr("synrouter_cli.commands.stats.stats", lambda paths, **options: seen.append(options))
    words = ["--since", "30d", "--until", "1d", "--timezone", "UTC", "--by", "model", "--json"]
    assert main(["stats", *words]) == 0
    assert seen == [{"since": "30d", "until": "1d", "timezone": "UTC", "by": "model", "shape": "json"}]
