"""Cline's CLI itself: configured in an empty home, at work, undone; and started with no file touched.

It takes no second prompt without a terminal but as an editor's agent, and then a key from the environment alone.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.clients import CANARY, RUN_SECONDS, Stage, assert_hits, stage
from support.processes import end
from support.toolchain import npm_executable

pytestmark = [pytest.mark.slow_client, pytest.mark.xdist_group("cline")]

VERSION = "3.0.65"
MODEL = "claude-sonnet-4-6"
FILE = ".cline/data/settings/providers.json"
QUIET = {"CLINE_SESSION_BACKEND_MODE": "local", "CLINE_NO_AUTO_UPDATE": "1"}
"""Without a process in the background, which would outlive the test."""
THEIRS = {
    "version": 1,
    "lastUsedProvider": "openai-native",
    "modes": {},
    "providers": {
        name: {
            "settings": {"provider": name, "apiKey": "sk-mine", "model": "theirs"},
            "updatedAt": "2026-11-20T00:00:00.000Z",
            "tokenSource": "manual",
        }
        for name in ("anthropic", "openai-native")
    },
}


def script(project: Path) -> list[Any]:
    listing = {"name": "run_commands", "input": {"commands": ["ls"]}}
    reading = {"name": "read_files", "input": {"files": [{"path": str(project / "notes.md")}]}}
    return [
        {
            "when": "Look around",
            "steps": [
                {"say": "I list the files.", "tools": [listing]},
                {"say": "Now the notes.", "tools": [reading]},
                {"say": "There is one file of notes."},
            ],
        },
        {"when": "Go on", "steps": [{"say": "Once more.", "tools": [listing]}, {"say": "Nothing has changed."}]},
    ]


@pytest.fixture(scope="module")
def cline() -> Path:
    return npm_executable("cline", VERSION, "cline")


@pytest.fixture
def on(cline: Path, tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, script(tmp_path / "project")) as on:
        (on.project / "notes.md").write_text("Remember the milk.\n")
        yield on


def environment(cline: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join([str(cline.parent), os.environ["PATH"]]), **QUIET}


def written(on: Stage) -> Any:
    """Its file, but for the times of writing."""
    held = json.loads((on.home / FILE).read_text())
    for entry in held["providers"].values():
        del entry["updatedAt"]
    return held


@dataclass
class Agent:
    """Cline as an editor's agent: JSON-RPC, a line a message (agentclientprotocol.com)."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    asked: int = 0

    def call(self, method: str, **params: Any) -> Any:
        """The result; whatever the agent wants to do meanwhile is allowed."""
        self.asked += 1
        self._send(id=self.asked, method=method, params=params)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = json.loads(line)
            update = message.get("params", {}).get("update", {})
            if update.get("sessionUpdate") == "agent_message_chunk":
                self.said.append(update["content"]["text"])
            elif message.get("method") == "session/request_permission":
                option = message["params"]["options"][0]["optionId"]
                self._send(id=message["id"], result={"outcome": {"outcome": "selected", "optionId": option}})
            elif message.get("id") == self.asked and "method" not in message:
                return message["result"]
        raise AssertionError(f"ended with {self.process.wait()} instead of an answer to {method}")

    def _send(self, **message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()


def two_prompts(on: Stage, cline: Path, **more: str) -> str:
    """In one session; what Cline said last."""
    with subprocess.Popen(
        [cline, "--acp"],
        cwd=on.project,
        env=on.environment(**environment(cline), **more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            agent = Agent(process)
            agent.call("initialize", protocolVersion=1, clientCapabilities={})
            session = agent.call("session/new", cwd=str(on.project), mcpServers=[])["sessionId"]
            for prompt in ("Look around, please.", "Go on."):
                agent.call("session/prompt", sessionId=session, prompt=[{"type": "text", "text": prompt}])
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(RUN_SECONDS) == 0
            return "".join(agent.said)
        finally:
            end(process)


def test_configured_it_works_and_hits_and_an_undo_leaves_nothing(on: Stage, cline: Path):
    on.synrouter("configure", "cline", "--yes", "--model", MODEL)
    configured = written(on)
    token = on.synrouter("token", "show").stdout.strip()

    answer = on.run([cline, "Look around, please."], **environment(cline)).stdout
    assert answer.strip().endswith("There is one file of notes.")
    assert [line["model"] for line in on.billed()] == [MODEL] * 3
    assert assert_hits(on, "cline")["turns"] == 3

    assert written(on) == configured  # it has written it anew
    assert oct((on.home / FILE).stat().st_mode & 0o777) == "0o600"
    assert on.holding(token) == [str(on.home / FILE), str(on.proxy.home / "data" / "token")]
    on.synrouter("configure", "cline", "--undo", "--yes")
    assert FILE not in on.tree()
    assert on.holding(CANARY) == []


def test_two_prompts_of_an_editor_are_one_session_that_hits(on: Stage, cline: Path):
    on.synrouter("configure", "cline", "--yes", "--model", MODEL)
    token = on.synrouter("token", "show").stdout.strip()
    said = two_prompts(on, cline, CLINE_PROVIDER="anthropic", CLINE_MODEL=MODEL, CLINE_API_KEY=token)
    assert said.endswith("Nothing has changed.")
    assert assert_hits(on, "cline", at_least=5)["turns"] == 5


def test_what_the_user_had_is_set_aside_and_comes_back_in_a_file_that_cline_still_takes(on: Stage, cline: Path):
    (on.home / FILE).parent.mkdir(parents=True)
    (on.home / FILE).write_text(json.dumps(THEIRS))
    before = written(on)
    on.synrouter("configure", "cline", "--yes", "--model", MODEL)
    on.run([cline, "Look around, please."], **environment(cline))
    assert_hits(on, "cline")
    on.synrouter("configure", "cline", "--undo", "--yes")
    assert written(on) == before
    on.run([cline, "history", "--json"], **environment(cline))
    assert written(on) == before


def test_run_starts_it_on_the_proxy_whatever_its_own_file_says_and_leaves_that_alone(on: Stage, cline: Path):
    (on.home / FILE).parent.mkdir(parents=True)
    (on.home / FILE).write_text(json.dumps(THEIRS))
    words = ("run", "--model", MODEL, "cline", "Look around, please.")
    answer = on.synrouter(*words, **environment(cline)).stdout
    assert answer.strip().endswith("There is one file of notes.")
    assert_hits(on, "cline")
    assert (on.home / FILE).read_text() == json.dumps(THEIRS)
    assert on.holding(on.synrouter("token", "show").stdout.strip()) == [str(on.proxy.home / "data" / "token")]
