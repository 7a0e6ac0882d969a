"""`synrouter configure claude-code`, then Claude Code with nothing in its environment; then `--undo`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from support.clients import CANARY, Stage, assert_hits, stage, tree
from support.processes import get_json

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("claude-code")]

QUIET = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
LIST = {"name": "Bash", "input": {"command": "ls", "description": "List the files"}}
SCRIPT = [
    {"when": "Look around", "steps": [{"say": "I list.", "tools": [LIST]}, {"say": "Nothing there."}]},
    {"when": "Go on", "steps": [{"say": "Once more.", "tools": [LIST]}, {"say": "Still nothing."}]},
]


def ask(stage: Stage, claude: Path, prompt: str, *options: str, **environment: str) -> dict[str, object]:
    command = [claude, "-p", prompt, "--output-format", "json", "--allowedTools", "Bash(ls:*)", *options]
    answer: dict[str, object] = json.loads(stage.run(command, **QUIET, **environment).stdout)
    return answer


def two_prompts(stage: Stage, claude: Path, **environment: str) -> None:
    first = ask(stage, claude, "Look around, please.", **environment)
    again = ask(stage, claude, "Go on.", "--resume", str(first["session_id"]), **environment)
    assert (first["result"], again["result"]) == ("Nothing there.", "Still nothing.")
    assert_hits(stage, "claude-code", at_least=4)


def test_an_empty_home_is_configured_works_and_is_empty_again(claude_code_executable: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        on.synrouter("configure", "claude-code", "--yes", "--model", "claude-sonnet-4-6")
        written = set(on.tree())
        assert written == {".claude", ".claude/settings.json"}
        token = on.synrouter("token", "show").stdout.strip()
        assert on.holding(token) == [str(on.proxy.home / "data" / "token")]  # the client gets it from a command

        two_prompts(on, claude_code_executable)
        assert on.stats()["sessions"][0]["model"] == "claude-sonnet-4-6"

        on.synrouter("configure", "claude-code", "--undo", "--yes")
        assert ".claude/settings.json" not in on.tree()
        assert on.holding(CANARY) == []
        assert on.holding(token) == [str(on.proxy.home / "data" / "token")]


def test_settings_of_the_users_come_back_byte_for_byte(claude_code_executable: Path, tmp_path: Path):
    theirs = '{\r\n\t"env": {"FOO": "1"},   \r\n\t"model": "opus", "permissions": {"deny": []}\r\n}'
    with stage(tmp_path, SCRIPT) as on:
        dotfiles = on.home / "dotfiles"
        dotfiles.mkdir()
        (dotfiles / "claude.json").write_bytes(theirs.encode())
        (on.home / ".claude").mkdir()
        (on.home / ".claude" / "settings.json").symlink_to(dotfiles / "claude.json")
        before = tree(on.home)
        on.synrouter("configure", "claude-code", "--yes", "--model", "claude-sonnet-4-6")
        assert (on.home / ".claude" / "settings.json").is_symlink()
        ask(on, claude_code_executable, "Look around, please.")
        assert len(on.billed()) == 2
        on.synrouter("configure", "claude-code", "--undo", "--yes")
        after = tree(on.home)
        assert {path: after[path] for path in before if path != ".claude"} == {
            path: entry for path, entry in before.items() if path != ".claude"
        }


def test_a_subscription_keeps_its_login_and_the_local_key_has_a_header_of_its_own(
    claude_code_executable: Path, tmp_path: Path
):
    """The login stands in the environment here; the provider takes no other credential."""
    with stage(tmp_path, SCRIPT) as on:
        on.synrouter("configure", "claude-code", "--yes", "--auth", "subscription", "--model", "claude-sonnet-4-6")
        assert oct((on.home / ".claude" / "settings.json").stat().st_mode & 0o777) == "0o600"
        ask(on, claude_code_executable, "Look around, please.", CLAUDE_CODE_OAUTH_TOKEN=CANARY)
        lines = get_json(f"{on.upstream}/__usage")["requests"]
        assert [line["status"] for line in lines if line["endpoint"] == "messages"] == [200, 200]
        on.synrouter("configure", "claude-code", "--undo", "--yes")
        assert ".claude/settings.json" not in on.tree()


def test_run_starts_it_with_no_file_touched_and_hands_back_its_exit_code(claude_code_executable: Path, tmp_path: Path):
    with stage(tmp_path, SCRIPT) as on:
        path = {"PATH": f"{claude_code_executable.parent}{os.pathsep}{os.environ['PATH']}", **QUIET}
        options = ("--output-format", "json", "--allowedTools", "Bash(ls:*)")
        ran = on.synrouter("run", "claude-code", "-p", "Look around, please.", *options, **path)
        assert json.loads(ran.stdout)["result"] == "Nothing there."
        assert_hits(on, "claude-code", at_least=2)
        assert ".claude/settings.json" not in on.tree()
        refused = on.synrouter("run", "claude-code", "--no-such-option", code=1, **path)
        assert "no-such-option" in refused.stderr
