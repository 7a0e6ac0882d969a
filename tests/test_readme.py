"""What README.md says works: its shell blocks are run, its commands, options, tasks and files are there.

`make` lines run in a fresh copy of the tree with an empty virtual environment, shortened through ARGS, which the
Makefile hands on from the environment; everything else runs against a proxy in front of the simulated provider.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main

from support.keyrings import session
from support.processes import running, simulated_provider
from support.toolchain import missing
from synrouter_cli.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
KEY = "sk-ant-readme"
LISTENING = r"^synrouter: listening on http://127\.0\.0\.1:(\d+)$"
MAKE_SECONDS = 600

# As it was before tests put their own in place: installing needs the user's proxies and certificates.
_environment = {
    name: value for name, value in os.environ.items() if not re.match(r"MAKE|MFLAGS|VENV|ARGS|PYTEST", name)
}

SHORTENED = {"demo": "--plain --seconds 3", "test": "tests/test_errors.py -p no:cacheprovider"}
"""Task → what keeps it short."""
ELSEWHERE = {"make", "git", "cd"}
"""What is run in the fresh copy, or has made it."""
KNOWN = {*ELSEWHERE, "export", "eval", "claude", "synrouter"}
"""What a line may begin with. `claude` is played by a stand-in."""
LASTS = re.compile(r"synrouter (?:up(?!.*--detach)|stats\b.*--live|logs\b.* -f)")
"""Commands that go on until somebody ends them, or need a terminal."""


def lines(block: str) -> list[str]:
    """The commands of a block without their comments."""
    stripped = (re.sub(r"\s+#\s.*$|^#\s.*$", "", line).rstrip() for line in block.splitlines())
    return [line for line in stripped if line]


COMMANDS = [line for block in BLOCKS for line in lines(block)]


def test_the_first_two_commands_are_the_demo_and_the_tests():
    typed = [line for line in COMMANDS if line.split()[0] not in ("git", "cd")]
    assert typed[:2] == ["make demo", "make test"]


def test_every_command_is_one_that_these_tests_know_how_to_run():
    first = {re.sub(r"^(?:[A-Z_]+=\S+ )*", "", line).split()[0] for line in COMMANDS}
    assert first <= KNOWN


# ── commands and options ──


def mentions() -> Iterator[list[str]]:
    """The words after `synrouter` wherever the README shows a command."""
    code = [*BLOCKS, *re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```$", "", README, flags=re.M | re.S))]
    for text in code:
        for rest in re.findall(r"(?:^|[\s($])synrouter((?: +[^\s`)#;&]+)+)", text.replace("\\|", "|")):
            yield rest.replace("[", " ").replace("]", " ").split()


def alternatives(word: str) -> list[str]:
    return word.split("|")


def check(words: list[str]) -> None:
    """Fail where a command or an option does not exist."""
    command: Any = typer.main.get_command(app)
    for place, word in enumerate(words):
        if word == "--":
            break  # the rest is a client's
        if word.startswith("-"):
            options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            for option in alternatives(word):
                assert option.split("=")[0] in {*options, "--help"}, f"synrouter {' '.join(words)}: no {option}"
        elif hasattr(command, "commands"):
            for name in alternatives(word):
                assert name in command.commands, f"synrouter {' '.join(words[: place + 1])}: no such command"
            command = command.commands[alternatives(word)[0]]


MENTIONS = [words for words in mentions() if words]


@pytest.mark.parametrize("words", MENTIONS, ids=" ".join)
def test_every_command_and_option_that_is_named_exists(words: list[str]):
    check(words)


def test_the_check_can_fail():
    assert len(MENTIONS) > 5
    for wrong in (["frobnicate"], ["up", "--frobnicate"], ["token", "frobnicate"]):
        with pytest.raises(AssertionError):
            check(wrong)


def test_every_task_that_is_named_exists():
    tasks = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", " ".join([*BLOCKS, *re.findall(r"`(make [^`]+)`", README)])))
    assert named <= tasks and named


def test_every_file_that_is_linked_is_there():
    targets = re.findall(r"\]\(([^)#\s]+)", README) + re.findall(r"(?:src|href)=\"([^\"#]+)\"", README)
    assert [t for t in targets if "://" not in t and not (ROOT / t).exists()] == []


# ── the blocks, run ──


@pytest.fixture(scope="module")
def fresh_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as somebody gets it: without what building and testing leave in it."""
    copy = tmp_path_factory.mktemp("fresh") / "synrouter"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "dist", "build"))
    return copy


def make(copy: Path, task: str, home: Path) -> str:
    """Run a task to its end; what it printed on stdout."""
    environment = {**_environment, "ARGS": SHORTENED[task], "SYNROUTER_HOME": str(home), "WORKERS": "1"}
    for name in [name for name in environment if name.startswith("SYNROUTER_") and name != "SYNROUTER_HOME"]:
        del environment[name]
    done = subprocess.run(
        ["make", task], cwd=copy, env=environment, capture_output=True, text=True, timeout=MAKE_SECONDS, check=False
    )
    if done.returncode and re.search(r"No matching distribution|Could not find a version|Connection", done.stderr):
        missing(f"pip can't reach a package index: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.e2e
@pytest.mark.xdist_group("readme")
def test_the_demo_runs_in_a_fresh_copy(fresh_copy: Path, tmp_path: Path):
    said = make(fresh_copy, "demo", tmp_path / "home")
    assert "Simulated requests, real ledger" in said
    assert ".venv/bin/synrouter up" in said, "what it says to type next must be there"
    assert not (tmp_path / "home").exists()


@pytest.mark.e2e
@pytest.mark.xdist_group("readme")
def test_the_tests_run_in_a_fresh_copy(fresh_copy: Path, tmp_path: Path):
    assert re.search(r"^=* ?\d+ passed", make(fresh_copy, "test", tmp_path / "home"), re.MULTILINE)


CLAUDE = """\
import json, os, pathlib, subprocess, sys, urllib.request
headers = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
path = pathlib.Path.home() / ".claude" / "settings.json"
settings = json.loads(path.read_text()) if path.exists() else {}
os.environ.update(settings.get("env", {}))
if settings.get("apiKeyHelper"):
    asked = subprocess.run(settings["apiKeyHelper"], shell=True, capture_output=True, text=True, check=True)
    headers["authorization"] = "Bearer " + asked.stdout.strip()
elif os.environ.get("ANTHROPIC_AUTH_TOKEN"):
    headers["authorization"] = "Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"]
else:
    headers["authorization"] = "Bearer sk-ant-oat-of-the-client"
for line in os.environ.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines():
    name, _, value = line.partition(": ")
    headers[name] = value
body = {"model": "claude-opus-4-8", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
request = urllib.request.Request(
    os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages", json.dumps(body).encode(), headers
)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print("claude was answered", opener.open(request, timeout=20).status)
"""


@pytest.fixture
def stand_ins(tmp_path: Path) -> Path:
    """A folder for PATH: `synrouter` of this tree, its demo shortened, and a `claude` that asks one thing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "claude.py").write_text(CLAUDE)
    program = f'"{sys.executable}" -m synrouter_cli'
    scripts = {
        "synrouter": f'[ "$1" = demo ] && set -- "$@" {SHORTENED["demo"]}\nexec {program} "$@"\n',
        "claude": f'exec "{sys.executable}" "{folder / "claude.py"}"\n',
    }
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}")
        (folder / name).chmod(0o755)
    return folder


def environment_of(home: Path, stand_ins: Path, session: Mapping[str, str]) -> dict[str, str]:
    path = f"{stand_ins}{os.pathsep}{os.environ['PATH']}"
    return {**session, "PATH": path, "PYTHONPATH": str(ROOT), "SYNROUTER_HOME": str(home), "SYNROUTER_PORT": "0"}


def run_block(block: str, environment: Mapping[str, str]) -> str:
    """Run the commands of a block that come to an end, as one script that stops at the first that fails.

    Where a block sets variables for a client and starts none, one is started. Nobody is there to be asked.
    """
    script = [line for line in lines(block) if not LASTS.search(line) and line.split()[0] not in ELSEWHERE]
    script = [f"{line} --yes" if re.match(r"synrouter configure (?!--list)", line) else line for line in script]
    if any(line.startswith(("export ANTHROPIC_", "eval ")) for line in script) and "claude" not in script:
        script.append("claude")
    done = subprocess.run(
        ["sh", "-eu", "-c", "\n".join(script)],
        env=dict(environment), input=KEY,  # where something asks for a key
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout[-1000:]}\n{done.stderr[-1000:]}"
    return done.stdout


@pytest.mark.e2e
def test_every_other_block_runs_on_the_proxy_that_the_readme_starts(tmp_path: Path, stand_ins: Path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    starts = [line for line in COMMANDS if re.search(r"synrouter up(?!.*--(?:detach|demo))", line)]
    assert starts, "the README shows how to start the proxy"
    start = starts[0].replace("…", "readme")
    with session() as keyring, keyring.unlocked("pw"), simulated_provider(tmp_path / "provider") as upstream:
        (home / "config.toml").write_text(f'[upstreams]\nanthropic = "{upstream}"\n')
        environment = environment_of(home, stand_ins, keyring.environment)
        with running(["sh", "-c", f"exec env {start}"], logs=tmp_path / "logs", env=environment) as proxy:
            port = proxy.printed(LISTENING)[1]
            environment |= {"SYNROUTER_PORT": port, "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}"}
            # what stops the proxy comes last
            blocks = sorted(BLOCKS, key=lambda block: "synrouter down" in block)
            said = [run_block(block.replace("7477", port), environment) for block in blocks]
    # one that is configured, one that run starts, one that eval has made ready
    assert "".join(said).count("claude was answered 200") == 3
