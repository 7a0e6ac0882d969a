"""`synrouter configure qwen`, then Qwen Code with nothing in its environment; then `--undo`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.clients import CANARY, RUN_SECONDS, Stage, assert_hits, stage, tree
from support.toolchain import node_folder, npm_executable

pytestmark = [pytest.mark.e2e, pytest.mark.slow_client, pytest.mark.xdist_group("qwen")]

VERSION = "0.24.4"
MODEL = "claude-sonnet-4-6"
LIST = {"name": "glob", "input": {"pattern": "*"}}
SCRIPT = [
    {"when": "Go on", "steps": [{"say": "Once more.", "tools": [LIST]}, {"say": "Still nothing."}]},
    {"when": "Look around", "steps": [{"say": "I list.", "tools": [LIST]}, {"say": "Nothing there."}]},
]


@pytest.fixture(scope="module")
def qwen() -> Path:
    return npm_executable("@qwen-code/qwen-code", VERSION, "qwen")


@pytest.fixture(scope="module")
def on_path(qwen: Path) -> dict[str, str]:
    """Qwen Code and the node that it runs on."""
    return {"PATH": os.pathsep.join([str(qwen.parent), str(node_folder()), os.environ["PATH"]])}


def two_prompts(on: Stage, qwen: Path, environment: dict[str, str]) -> list[str]:
    """What one process answers to two prompts, the second given after the first answer."""
    command = [qwen, "--input-format", "stream-json", "--output-format", "stream-json"]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    answers: list[str] = []
    with subprocess.Popen(
        command, cwd=on.project, env=on.environment(**environment), text=True, bufsize=1, **pipes
    ) as client:
        assert client.stdin is not None and client.stdout is not None
        for prompt in ("Look around, please.", "Go on."):
            client.stdin.write(json.dumps({"type": "user", "message": {"role": "user", "content": prompt}}) + "\n")
            client.stdin.flush()
            ends = (line for line in map(json.loads, client.stdout) if line["type"] == "result")
            answers.append(next(ends)["result"])
        client.stdin.close()
        assert client.wait(RUN_SECONDS) == 0
    return answers


def test_an_empty_home_is_configured_works_and_is_empty_again(qwen: Path, on_path: dict[str, str], tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        on.synrouter("configure", "qwen", "--yes", "--model", MODEL)
        assert set(on.tree()) == {".qwen", ".qwen/settings.json"}
        settings = on.home / ".qwen" / "settings.json"
        assert oct(settings.stat().st_mode & 0o777) == "0o600"

        assert two_prompts(on, qwen, on_path) == ["Nothing there.", "Still nothing."]
        assert assert_hits(on, "qwen", at_least=4)["model"] == MODEL

        on.synrouter("configure", "qwen", "--undo", "--yes")
        assert json.loads(settings.read_text()) == {"$version": 4}  # what Qwen Code put there
        token = on.synrouter("token", "show").stdout.strip()
        assert on.holding(token) == [str(on.proxy.home / "data" / "token")]
        assert on.holding(CANARY) == []


def test_settings_of_the_user_s_come_back_byte_for_byte(qwen: Path, on_path: dict[str, str], tmp_path: Path):
    own = {"id": MODEL, "envKey": "MINE", "baseUrl": "http://127.0.0.1:9"}
    theirs = (
        f'{{\n\t// mine\n\t"modelProviders": {{ "anthropic": [ {json.dumps(own)} ] }},\n\t"env": {{"MINE": "x"}},\n'
        '\t"security": {"auth": {"selectedType": "openai"}},\n\t"model": {"name": "gpt-6-sol"},\n\t"$version": 4\n}'
    )
    with stage(tmp_path, SCRIPT) as on:
        (on.home / ".qwen").mkdir()
        (on.home / ".qwen" / "settings.json").write_text(theirs)
        before = tree(on.home)
        on.synrouter("configure", "qwen", "--yes", "--model", MODEL)
        on.run([qwen, "Look around, please.", "--output-format", "json"], **on_path)
        assert len(on.billed()) >= 2
        on.synrouter("configure", "qwen", "--undo", "--yes")
        assert tree(on.home)[".qwen/settings.json"] == before[".qwen/settings.json"]


def test_run_starts_it_with_no_file_touched(qwen: Path, on_path: dict[str, str], tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        asked = ("run", "--model", MODEL, "qwen", "Look around, please.", "--output-format", "json")
        ran = on.synrouter(*asked, **on_path)
        assert json.loads(ran.stdout)[-1]["result"] == "Nothing there."
        assert on.billed()[0]["model"] == MODEL
        assert {row["client"] for row in on.stats()["sessions"]} == {"qwen"}
        assert ".qwen/settings.json" not in on.tree()
        token = on.synrouter("token", "show").stdout.strip()
        assert on.holding(token) == [str(on.proxy.home / "data" / "token")]
