"""Completions: the scripts are those of the commands, and real shells complete with them."""

from __future__ import annotations

import importlib.util
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command

import synrouter_cli
from support.toolchain import apt_executable
from synrouter_cli import config_file
from synrouter_cli.cli import app, main
from synrouter_cli.clients import client_names
from synrouter_cli.commands.completion_tree import KINDS, read
from synrouter_cli.commands.completion_values import KINDS as VALUES
from synrouter_cli.commands.completions import SHELLS, script
from synrouter_cli.commands.shells import SHELLS as SHELLS_OF_ENV
from synrouter_cli.commands.stats import DIMENSIONS
from synrouter_cli.commands.wishes import AUTHS, SCOPES
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.ledger.store import Store
from synrouter_cli.paths import find_paths

ROOT = Path(synrouter_cli.__file__).parents[1]
EVIL = "x$(touch owned)`touch owned`;touch owned"


@pytest.fixture
def ledger() -> None:
    """Turns of today in four sessions, one of whose names a shell would run."""
    store = Store.open(find_paths().ledger_file)
    now = time.time()
    turns = [
        Turn("sess-one", 1, now - 60, status="ok", client="claude-code", model="claude-opus-4-8"),
        Turn("sess-two", 1, now - 30, status="ok", client="codex", model="gpt-5.2"),
        Turn("sess-two", 2, now - 20, status="ok", client="codex", model="gpt-5.2"),
        Turn(EVIL, 1, now - 10, status="ok", client=EVIL, model=EVIL),
        Turn("-rf", 1, now - 10, status="ok", client="-rf", model="--since"),
    ]
    store.write(Batch({(turn.session, turn.turn): turn for turn in turns}))
    store.close()


@pytest.fixture
def values(capsys) -> Callable[[str], list[str]]:
    def values(kind: str) -> list[str]:
        assert main(["complete-values", kind]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out.splitlines()

    return values


@pytest.fixture
def program(tmp_path, monkeypatch) -> Path:
    """`synrouter` on the PATH, in an empty directory; shells keep what they write in a home of their own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    file = folder / "synrouter"
    file.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m synrouter_cli "$@"\n')
    file.chmod(0o700)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return file


def shell(name: str) -> str:
    return str(apt_executable(name))


# ── the scripts ──


@pytest.mark.parametrize("name", SHELLS)
def test_the_script_in_the_checkout_is_that_of_the_commands(name, capsys):
    file, _ = SHELLS[name]
    assert main(["completions", name]) == 0
    printed = capsys.readouterr().out
    kept = (ROOT / "completions" / file).read_text("utf-8")
    assert printed == kept, "run: python tools/generate_completions.py"


def test_the_tool_writes_the_same_scripts(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("generate", ROOT / "tools" / "generate_completions.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(tool, "FOLDER", tmp_path / "made")
    assert tool.main() == 0
    made = {file.name: file.read_bytes() for file in (tmp_path / "made").iterdir()}
    assert made == {file.name: file.read_bytes() for file in (ROOT / "completions").iterdir()}


@pytest.mark.parametrize("name", SHELLS)
def test_a_new_option_is_in_every_script(name):
    command = get_command(app)
    for node in read(command).everywhere():
        for option in node.options:
            for word in option.names:
                bare = word.lstrip("-") if name == "fish" else word
                assert re.search(rf"(?<![\w-]){re.escape(bare)}(?![\w-])", script(name, command))


def test_a_shell_that_nobody_knows_is_a_usage_error(capsys):
    assert main(["completions", "tcsh"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("synrouter: There are completions for bash, zsh, fish, powershell, not for 'tcsh'.")


def test_what_is_hidden_is_not_completed():
    nodes = list(read(get_command(app)).everywhere())
    assert "/complete-values" not in [node.place for node in nodes]
    assert "--detached" not in [name for node in nodes for option in node.options for name in option.names]


def test_fixed_words_are_those_that_the_program_takes():
    root = read(get_command(app))
    words = {
        (place, option.names[0]): option.takes.words
        for place, node in root.commands.items()
        for option in node.options
        if option.takes and option.takes.words
    }
    assert words == {
        ("up", "--mode"): config_file.MODES,
        ("up", "--level"): config_file.LEVELS,
        ("stats", "--by"): DIMENSIONS,
        ("configure", "--scope"): tuple(SCOPES),
        **{(command, "--auth"): tuple(AUTHS) for command in ("configure", "run", "env")},
        ("env", "--shell"): SHELLS_OF_ENV,
    }
    assert root.commands["completions"].argument.words == tuple(SHELLS)


def test_every_kind_of_value_has_its_source():
    assert set(KINDS.values()) <= set(VALUES)


# ── the values ──


def test_values_come_from_the_ledger_the_latest_first(ledger, values):
    assert values("sessions") == ["sess-two\tcodex, 2 turns", "sess-one\tclaude-code, 1 turn"] or values(
        "sessions"
    ) == ["sess-one\tclaude-code, 1 turn", "sess-two\tcodex, 2 turns"]  # within one bucket by name
    assert sorted(values("models")) == ["claude-opus-4-8\t", "gpt-5.2\t"]
    assert values("clients") == [f"{name}\t" for name in client_names()]


def test_days_are_spans_and_the_days_with_turns(ledger, values):
    found = [line.split("\t") for line in values("days")]
    assert [value for value, _ in found[:4]] == ["24h", "7d", "30d", "52w"]
    assert sum(int(what.split()[0]) for _, what in found[4:]) == 5
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day, _ in found[4:])


def test_providers_are_those_the_program_knows(values):
    assert "anthropic\thttps://api.anthropic.com" in values("providers")
    assert "anthropic=\thttps://api.anthropic.com" in values("upstreams")


def test_zones_are_names_that_stats_takes(values):
    assert "Europe/Berlin\t" in values("zones")


@pytest.mark.parametrize("kind", ["sessions", "models", "nonsense"])
def test_without_a_ledger_nothing_is_said(kind, values):
    assert values(kind) == []


@pytest.mark.parametrize("kind", ["sessions", "models", "clients"])
def test_what_a_shell_would_run_or_take_for_an_option_is_never_given_out(ledger, values, kind):
    assert [line for line in values(kind) if "touch" in line or line.startswith("-")] == []


@pytest.mark.parametrize("kind", VALUES)
def test_values_load_nothing_heavy(ledger, kind):
    code = f"""
import sys
from synrouter_cli.cli import main
main(["complete-values", {kind!r}])
print([name for name in ("aiohttp", "rich", "asyncio", "keyring", "pydantic") if name in sys.modules])
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


# ── real shells ──

CASES = [
    ("synrouter st", {"status", "stats"}),
    ("synrouter estimate --js", {"--json"}),
    ("synrouter estimate ./no-such", set()),
    ("synrouter token ", {"show", "rotate"}),
    ("synrouter completions f", {"fish"}),
    ("synrouter stats --by se", {"session"}),
    ("synrouter up --level s", {"safe", "standard"}),
    ("synrouter up --upstream anth", {"anthropic="}),
    ("synrouter up --plain --de", {"--detach", "--demo"}),
    ("synrouter stats --by model --wi", {"--wide"}),
    ("synrouter stats --timezone Europe/Berl", {"Europe/Berlin"}),
    ("synrouter up --port ", set()),
]


def bash_words(line: str) -> list[str]:
    """As readline splits it: an `=` is a word of its own."""
    return [word for part in line.split(" ") for word in (re.findall(r"=|[^=]+", part) or [""])]


@pytest.mark.parametrize(
    ("line", "expected"),
    [*CASES, ("synrouter stats --by=se", {"session"}), ("synrouter up --level=", set(config_file.LEVELS))],
)
def test_bash_completes(program, ledger, line, expected):
    words = bash_words(line)
    code = """
source <(synrouter completions bash)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_synrouter
printf '%s\\n' "${COMPREPLY[@]}"
"""
    command = [shell("bash"), "--norc", "-c", code, "bash", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert set(done.stdout.split()) == expected


def test_bash_does_not_run_what_a_name_holds(program, tmp_path):
    program.write_text("#!/bin/sh\nprintf '%s\\n' '$(touch owned)' '`touch owned`'\n")
    code = f"""
source {ROOT}/completions/synrouter.bash
COMP_WORDS=(synrouter stats --since '') COMP_CWORD=3
_synrouter
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run([shell("bash"), "--norc", "-c", code], capture_output=True, text=True, timeout=60)
    assert "owned" in done.stdout
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_fish_completes(program, ledger, line, expected):
    code = f"source {ROOT}/completions/synrouter.fish; complete -C '{line}'"
    done = subprocess.run([shell("fish"), "-N", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert {found.split("\t")[0] for found in done.stdout.splitlines()} == expected


def test_fish_tells_what_a_value_is(program, ledger):
    code = f"source {ROOT}/completions/synrouter.fish; complete -C 'synrouter stats --since 7'"
    done = subprocess.run([shell("fish"), "-N", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "7d\tthe last week\n"


ZSH = """
PROMPT='ready> ' RPROMPT= PROMPT_EOL_MARK=
autoload -U compinit; compinit -u -D
{load}
unsetopt beep listbeep
bindkey '^I' expand-or-complete
"""


def zsh_shows(load: str, line: str, wanted: str, folder: Path) -> None:
    """Type `line` and a TAB at an interactive zsh; fails unless it makes `wanted` of it."""
    (folder / ".zshrc").write_text(ZSH.format(load=load))
    executable = shell("zsh")
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(ZDOTDIR=str(folder), TERM="dumb", COLUMNS="200", LINES="50")
        os.execv(executable, [executable, "-i"])
    try:
        read_until(terminal, "ready> ")
        os.write(terminal, f"{line}\t".encode())
        read_until(terminal, wanted)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def read_until(terminal: int, text: str) -> None:
    """Read what a terminal shows, control sequences aside, until `text` is in it."""
    shown = ""
    deadline = time.monotonic() + 30
    while text not in shown:
        assert time.monotonic() < deadline, f"no {text!r} in {shown!r}"
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            shown += os.read(terminal, 4096).decode("utf-8", "replace")
            shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x07|\r", "", shown)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("synrouter dow", "synrouter down "),
        ("synrouter stats --by sess", "--by session "),
        ("synrouter stats --by=sess", "--by=session "),
        ("synrouter up --upstream anth", "--upstream anthropic="),
        ("synrouter tok", "synrouter token "),
        ("synrouter stats --since 7", "--since 7d "),
    ],
)
def test_zsh_completes(program, ledger, tmp_path, line, shown):
    zsh_shows("source <(synrouter completions zsh)", line, shown, tmp_path)


def test_zsh_completes_from_a_file_in_fpath(program, tmp_path):
    load = f"fpath=({ROOT}/completions $fpath); compinit -u -D"
    zsh_shows(load, "synrouter stats --by sess", "--by session ", tmp_path)
