"""OpenClaw and Kilo on providers that speak another dialect than theirs: configured by us in Anthropic's, and by their
users in OpenAI's dialects on Claude. Tools, thinking, a second prompt, one main session, and hits on the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support import kilo as kilo_code
from support import openclaw as open_claw
from support.clients import MODELS, Dialect, Stage, assert_hits, stage
from support.toolchain import npm_executable

pytestmark = [pytest.mark.e2e, pytest.mark.slow_client]

DIALECTS: list[Dialect] = ["responses", "chat"]
OURS = "synrouter"


def script(command: dict[str, Any], read: dict[str, Any]) -> list[Any]:
    return [
        {
            "when": "Look around",
            "steps": [
                {"think": "First the files.", "say": "I list the files.", "tools": [command]},
                {"think": "One of them.", "say": "Now the notes.", "tools": [read, command]},
                {"say": "There is one file of notes."},
            ],
        },
        {"when": "Go on", "steps": [{"say": "Once more.", "tools": [command]}, {"say": "Nothing has changed."}]},
    ]


# ── OpenClaw ──

CLAW_SCRIPT = script(
    {"name": "exec", "input": {"command": "ls"}},
    {"name": "read", "input": {"path": "AGENTS.md"}},
)


@pytest.fixture(scope="session")
def openclaw() -> Path:
    return npm_executable("openclaw", open_claw.VERSION, "openclaw")


def claw(on: Stage, openclaw: Path, model: str, **changes: str) -> dict[str, Any]:
    """Configured by us, with `changes` of our provider's entry, asked twice; the ledger's row."""
    around = open_claw.surroundings(on, openclaw)
    on.synrouter("configure", "openclaw", "--yes", "--model", model, **around)
    if changes:
        file = on.home / open_claw.FILE
        config = json.loads(file.read_text())
        config["models"]["providers"][OURS] |= changes
        file.write_text(json.dumps(config))
    first = on.run([openclaw, *open_claw.asked("Look around, please.")], **around)
    again = on.run([openclaw, *open_claw.asked("Go on.")], **around)
    assert open_claw.said(first.stdout) == "There is one file of notes."
    assert open_claw.said(again.stdout) == "Nothing has changed."
    row = assert_hits(on, "openclaw", at_least=5)
    assert (row["turns"], row["model"]) == (5, model)
    return row


@pytest.mark.xdist_group("openclaw")
@pytest.mark.parametrize("speaks", DIALECTS)
def test_openclaw_works_as_we_configure_it(openclaw: Path, tmp_path: Path, speaks: Dialect):
    with stage(tmp_path, CLAW_SCRIPT, speaks=speaks) as on:
        claw(on, openclaw, MODELS[speaks])


@pytest.mark.xdist_group("openclaw")
@pytest.mark.parametrize("api", ["openai-completions", "openai-responses"])
def test_openclaw_in_a_dialect_of_openais_works_on_claude(openclaw: Path, tmp_path: Path, api: str):
    with stage(tmp_path, CLAW_SCRIPT) as on:
        claw(on, openclaw, MODELS["anthropic"], api=api, baseUrl=f"{on.proxy.url}/v1")


# ── Kilo ──

KILO_SCRIPT = script(
    {"name": "bash", "input": {"command": "ls", "description": "List the files"}},
    {"name": "read", "input": {"filePath": "notes.md"}},
)


@pytest.fixture(scope="session")
def kilo() -> Path:
    return npm_executable("@kilocode/cli", kilo_code.VERSION, "kilo")


def asked_kilo(on: Stage, kilo: Path, model: str, package: str = "") -> None:
    """Configured by us, with `package` in the place of its dialect, asked twice."""
    (on.project / "notes.md").write_text("Remember the milk.\n")
    on.synrouter("configure", "kilo", "--yes", "--model", model, **kilo_code.surroundings(kilo))
    if package:
        file = on.home / kilo_code.FOLDER / "kilo.jsonc"
        config = json.loads(file.read_text())
        config["provider"][OURS]["npm"] = package
        file.write_text(json.dumps(config))
    assert "There is one file of notes." in kilo_code.ask(on, kilo, "Look around, please.")
    assert "Nothing has changed." in kilo_code.ask(on, kilo, "Go on.", "--continue")
    row = assert_hits(on, "kilo", at_least=5)
    assert (row["turns"], row["model"]) == (5, model)


@pytest.mark.xdist_group("kilo")
@pytest.mark.parametrize("speaks", DIALECTS)
def test_kilo_works_as_we_configure_it(kilo: Path, tmp_path: Path, speaks: Dialect):
    with stage(tmp_path, KILO_SCRIPT, speaks=speaks) as on:
        asked_kilo(on, kilo, MODELS[speaks])


@pytest.mark.xdist_group("kilo")
@pytest.mark.parametrize("package", ["@ai-sdk/openai-compatible", "@ai-sdk/openai"])
def test_kilo_in_a_dialect_of_openais_works_on_claude(kilo: Path, tmp_path: Path, package: str):
    with stage(tmp_path, KILO_SCRIPT) as on:
        asked_kilo(on, kilo, MODELS["anthropic"], package)
