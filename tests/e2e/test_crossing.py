"""Claude Code and Codex on providers that speak another dialect than theirs: tools, thinking, a resume, and hits on the
ledger. Nothing is set but what `synrouter configure` sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.clients import MODELS, Dialect, Stage, assert_hits, stage
from support.codex import CATALOG, CONFIG, VERSION, asking, complaints, going_on, items, said, surroundings
from support.processes import get_json
from support.toolchain import npm_executable

pytestmark = [pytest.mark.e2e]


# ── Claude Code ──

ALLOWED = ("--allowedTools", "Bash(ls:*)", "ToolSearch", "TaskCreate", "Agent")
QUIET = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
BASH = {"name": "Bash", "input": {"command": "ls", "description": "List the files"}}
SEARCH = {"name": "ToolSearch", "input": {"query": "select:TaskCreate", "max_results": 5}}
TASK = {"name": "TaskCreate", "input": {"subject": "Look", "description": "At all of it"}}
AGENT = {
    "name": "Agent",
    "input": {
        "description": "Look around",
        "prompt": "Count the files.",
        "subagent_type": "general-purpose",
        "model": "haiku",  # whatever that is
        "run_in_background": False,
    },
}
CLAUDE_SCRIPT: list[Any] = [
    {"when": "Count the files", "steps": [{"tools": [BASH]}, {"say": "None."}]},
    {
        "when": "Look around",
        "steps": [
            {"think": "First the files.", "say": "I list.", "tools": [BASH, BASH]},
            {"think": "Somebody else.", "tools": [AGENT]},
            {"say": "Nothing there."},
        ],
    },
    {"when": "Go on", "steps": [{"say": "A tool.", "tools": [SEARCH]}, {"tools": [TASK]}, {"say": "Noted."}]},
]


def ask_claude(on: Stage, claude: Path, prompt: str, *options: str) -> dict[str, Any]:
    command = [claude, "-p", prompt, "--output-format", "json", *ALLOWED, *options]
    answer: dict[str, Any] = json.loads(on.run(command, **QUIET).stdout)
    return answer


@pytest.mark.xdist_group("claude-code")
@pytest.mark.parametrize("speaks", ["responses", "chat"])
def test_claude_code_works_with_tools_a_subagent_a_resume_and_tools_that_it_loads_later(
    claude_code_executable: Path, tmp_path: Path, speaks: Dialect
):
    with stage(tmp_path, CLAUDE_SCRIPT, speaks=speaks) as on:
        on.synrouter("configure", "claude-code", "--yes", "--model", MODELS[speaks])
        first = ask_claude(on, claude_code_executable, "Look around, please.")
        again = ask_claude(on, claude_code_executable, "Go on.", "--resume", first["session_id"])
        assert (first["result"], again["result"]) == ("Nothing there.", "Noted.")
        assert again["usage"]["cache_read_input_tokens"] > 0  # it is told, in its own words

        context = ask_claude(on, claude_code_executable, "/context", "--resume", first["session_id"])
        assert MODELS[speaks] in context["result"]  # about two dozen counts, none of which reaches the provider

        lines, stats = on.billed(), on.stats()
        assert {line["endpoint"] for line in lines} == {"responses" if speaks == "responses" else "chat/completions"}
        assert {line["status"] for line in lines} == {200}
        sessions = {row["kind"]: row for row in stats["sessions"]}
        assert {kind: row["turns"] for kind, row in sessions.items()} == {"main": 6, "subagent": 2}
        assert sessions["subagent"]["parent"] == sessions["main"]["id"]
        assert {(row["client"], row["model"]) for row in stats["sessions"]} == {("claude-code", MODELS[speaks])}
        assert stats["totals"]["errors"] == 0
        assert stats["totals"]["cache_read_tokens"] == sum(line["cached"] for line in lines)
        for agent in {line["agent"] for line in lines}:
            reads = [line["cached"] for line in lines if line["agent"] == agent]
            assert all(read > 0 for read in reads[1:]), reads


# ── Codex ──

PATCH = (
    "*** Begin Patch\n*** Update File: notes.md\n@@\n-Remember the milk.\n"
    '+Remember the "tea" – naïve \\n.\n*** Add File: more/list.md\n+one\n*** End Patch\n'
)
LIST = {"name": "exec_command", "input": {"cmd": "ls"}}
SHOW = {"name": "exec_command", "input": {"cmd": "cat notes.md"}}
PLAN = {"name": "update_plan", "input": {"plan": [{"step": "Change the note", "status": "in_progress"}]}}
CODEX_SCRIPT: list[Any] = [
    {
        "when": "Look around",
        "steps": [
            {"think": "First the files.", "say": "I list.", "tools": [LIST, SHOW], "interleave": True},
            {"think": "Now a plan.", "tools": [PLAN]},
            {"think": "Then the note.", "say": "I change it.", "tools": [{"name": "apply_patch", "input": PATCH}]},
            {"say": "Changed."},
        ],
    },
    {"when": "Go on", "steps": [{"think": "Again.", "say": "Once more.", "tools": [LIST]}, {"say": "Still there."}]},
]
WITH_PLANS = ("-c", "tools.update_plan.enabled=true")


@pytest.fixture(scope="session")
def codex() -> Path:
    return npm_executable("@openai/codex", VERSION, "codex")


@pytest.mark.xdist_group("codex")
@pytest.mark.parametrize("speaks", ["anthropic", "chat", "responses"])
def test_codex_runs_commands_plans_changes_files_thinks_and_resumes(codex: Path, tmp_path: Path, speaks: Dialect):
    with stage(tmp_path, CODEX_SCRIPT, speaks=speaks) as on:
        around = surroundings(codex, tmp_path / "temporary")
        (on.project / "notes.md").write_text("Remember the milk.\n")
        on.synrouter("configure", "codex", "--yes", "--model", MODELS[speaks])

        first = on.run([codex, *asking("Look around, please."), *WITH_PLANS], **around)
        again = on.run([codex, *going_on("Go on."), *WITH_PLANS], **around)
        assert complaints(first.stdout + first.stderr + again.stdout + again.stderr) == []
        assert (said(first.stdout)[-1], said(again.stdout)[-1]) == ("Changed.", "Still there.")

        did = items(first.stdout)
        commands = [item for item in did if item["type"] == "command_execution"]
        assert {item["aggregated_output"] for item in commands} == {"notes.md\n", "Remember the milk.\n"}
        changes = next(item["changes"] for item in did if item["type"] == "file_change")
        assert {Path(change["path"]).name: change["kind"] for change in changes} == {
            "notes.md": "update",
            "list.md": "add",
        }
        assert (on.project / "notes.md").read_text() == 'Remember the "tea" – naïve \\n.\n'
        assert (on.project / "more" / "list.md").read_text() == "one\n"
        plan = next(item for item in did if item["type"] == "todo_list")
        assert [step["text"] for step in plan["items"]] == ["Change the note"]
        if speaks != "responses":  # OpenAI's own models sum up their thoughts only where they are asked to
            assert next(i["text"] for i in did if i["type"] == "reasoning") == "First the files."

        row = assert_hits(on, "codex", at_least=6)
        assert (row["turns"], row["model"]) == (6, MODELS[speaks])


@pytest.mark.xdist_group("codex")
def test_codex_asks_again_where_claude_is_overloaded_in_the_middle_of_an_answer(codex: Path, tmp_path: Path):
    steps = [{"say": "There it is.", "fault": "error-event:overloaded_error"}]
    with stage(tmp_path, [{"when": "Look", "steps": steps}]) as on:
        on.synrouter("configure", "codex", "--yes", "--model", MODELS["anthropic"])
        ran = on.run([codex, *asking("Look around, please.")], **surroundings(codex, tmp_path / "temporary"))
        assert said(ran.stdout)[-1] == "There it is."
        assert len(on.billed()) == 2


@pytest.mark.xdist_group("codex")
def test_codex_without_a_catalog_asks_for_one_and_gives_websockets_up_at_once(codex: Path, tmp_path: Path):
    with stage(tmp_path, CODEX_SCRIPT) as on:
        around = surroundings(codex, tmp_path / "temporary", "codex_core::client=warn,codex_models_manager=warn")
        (on.project / "notes.md").write_text("Remember the milk.\n")
        on.synrouter("configure", "codex", "--yes", "--model", MODELS["anthropic"])
        config = on.home / CONFIG
        kept = [line for line in config.read_text().splitlines() if not line.startswith("model_catalog_json")]
        config.write_text("\n".join([*kept, ""]))
        (on.home / CATALOG).unlink()

        sockets = ("-c", "model_providers.synrouter.supports_websockets=true")
        ran = on.run([codex, *asking("Look around, please."), *WITH_PLANS, *sockets], **around)
        assert said(ran.stdout)[-1] == "Changed."
        assert (on.project / "more" / "list.md").exists()  # it has the tools that the list promises
        told = [line for line in ran.stderr.splitlines() if " WARN " in line or " ERROR " in line]
        fallback = [line for line in told if "falling back to HTTP" in line]
        assert len(fallback) == 1, told
        # Titles it would have from a model of its own that nobody here has.
        assert [line for line in told if line not in fallback and "gpt-" not in line] == []

        known = json.loads((on.home / ".codex" / "models_cache.json").read_text())["models"]
        assert {model["slug"]: model["context_window"] for model in known}[MODELS["anthropic"]] == 1_000_000
        asked = get_json(f"{on.upstream}/__usage")["requests"]
        assert {line["endpoint"] for line in asked} == {"messages"}
