"""Which tools and which shell commands are reads, and which are commands, searches and fetches."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt.calls import kind_of_call
from synrouter_cli.prompt.shell_reads import reads_file
from synrouter_cli.prompt.tool_names import COMMAND, FETCH, READ, SEARCH, UNKNOWN, glob_pattern, kind_of_tool

NAMES = {
    COMMAND: "Bash BashOutput PowerShell exec exec_command shell local_shell container.exec write_stdin process terminal"
    " Execute execute_command run_in_terminal runTests run_shell_command run_terminal_cmd bash read_bash execute_bash"
    " read_command_output developer__shell mcp__db__execute_sql mcp__db__query job_output get_terminal_output",
    SEARCH: "Grep Glob LS ls list find grep_search file_search search_files list_files list_code_definition_names"
    " codebase_search web_search WebSearch websearch codesearch google_web_search search_file_content finder list_dir"
    " mcp__linear-server__list_issues github-mcp-server-search_code mcp__github__search_code find_path session_search",
    FETCH: "WebFetch web_fetch webfetch fetch FetchUrl fetch_webpage web_extract browser browser_snapshot _fetch_pr"
    " mcp__playwright__browser_snapshot mcp__fetch__fetch read_web_page read_url_content agentic_fetch take_snapshot",
    READ: "Read read read_file ReadFile read_many_files view View view_file cat open_file get_file_contents fs_read"
    " str_replace_based_edit_tool NotebookRead copilot_readFile mcp__filesystem__read_text_file text_editor fetch_file"
    " mcp__github__get_file_contents github-mcp-server-get_file_contents ReadMcpResourceTool mcp__serena__find_symbol",
    UNKNOWN: "Edit Write MultiEdit Task Agent TodoWrite Skill ToolSearch tool_search_call apply_patch update_plan"
    " report_intent mcp__linear__get_issue skills_list memory_search mcp__read__update ExitPlanMode",
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NAMES.items() for name in names.split()])
def test_a_tool_is_known_by_its_name(kind: str, name: str) -> None:
    assert kind_of_tool(name) == kind


READS = [
    "cat a.txt",
    "head -n 40 src/a.py",
    "tail -50 build.log",
    "sed -n '1,220p' src/main.ts",
    "sed -n 1,80p a.py && sed -n 1,80p b.py",
    "cd src && nl -ba main.c | sed -n '10,60p'",
    "cat a.json | jq '.items[] | .name'",
    "jq . package.json",
    "cat a | grep -v '^#' | sort | uniq -c",
    "awk 'NR>=1 && NR<=50' a.go",
    "less README.md; echo done",
    "bat --plain a.rs 2>/dev/null",
    "bash -lc 'cd x && cat y'",
    'sh -c "head -20 a"',
    "cmd /c type a.txt",
    "powershell -Command Get-Content a.txt",
    "Get-Content -Path .\\a.txt | Select-Object -First 40",
    "git show HEAD~2:src/a.py",
    "git -C /repo show main:README.md | head -80",
    "git cat-file -p abc123",
    "sudo cat /etc/hosts",
    "LANG=C timeout 5 /usr/bin/head -5 a",
    "for f in a b; do echo \"== $f\"; cat $f; done",
    "while read -r f; do sed -n 1,9p $f; done < list",
    "find . -name '*.md' -exec cat {} \\;",
    "rg -l foo | xargs cat | head -200",
    "ls | xargs -I{} sh -c 'cat {}'",
    "ssh host 'cat /var/log/x | tail -5'",
    "docker exec c cat /etc/passwd",
    "# show it\ncat a",
    "make > log 2>&1; tail -100 log",
    "(cat a; cat b)",
    "cat < a b",
]  # fmt: skip
NO_READS = [
    "",
    "make",
    "npm test 2>&1 | tail -50",
    "rg -n foo src",
    "grep -n cat src/a.py | head -20",
    "git show HEAD",
    "git diff main...HEAD",
    "git log -p -- cat",
    "ls -la && find . -type f",
    "find src/type -name head",
    "cat a.sql | psql db",
    "cat a b > c",
    "cat > a <<'EOF'\ncat b\nEOF",
    "python - <<EOF\ncat b\nEOF",
    "sed -i 's/a/b/' f",
    "go test ./... | sed 's/x/y/'",
    "echo cat a",
    "# cat a",
    "echo '; cat a'",
    "kubectl get pods -o json | jq .items",
    "| | ; && \\",
    "cat",
    "head -5",
    "curl -s https://example.org | head -100",
    "'unclosed",
]


@pytest.mark.parametrize("command", READS)
def test_a_command_that_prints_a_file_is_a_read(command: str) -> None:
    assert reads_file(command)


@pytest.mark.parametrize("command", NO_READS)
def test_a_command_that_prints_something_else_is_none(command: str) -> None:
    assert not reads_file(command)


@pytest.mark.parametrize(
    ("name", "arguments", "kind"),
    [
        ("Bash", {"command": "cat a"}, READ),
        ("exec_command", {"cmd": "sed -n 1,9p a"}, READ),
        ("shell", {"command": ["bash", "-lc", "cat a | head"]}, READ),
        ("shell", {"command": ["cat", "a"]}, READ),
        ("run_commands", {"commands": ["ls", "cat a"]}, READ),
        ("run_commands", {"commands": [{"command": "cat a"}]}, READ),
        ("shell", {"command": ["make", "all"]}, COMMAND),
        ("shell", {"command": 5}, COMMAND),
        ("shell", {"command": [None, 5, {}]}, COMMAND),
        ("write_stdin", {"session_id": 1, "chars": "cat a"}, COMMAND),
        ("Grep", {"command": "cat a"}, SEARCH),
        ("nobody_knows", {"command": "make"}, UNKNOWN),
    ],
)
def test_a_shells_call_is_what_its_command_is(name: str, arguments: dict[str, Any], kind: str) -> None:
    assert kind_of_call(name, arguments) == kind


@given(st.text(alphabet="cat a.|&;><()'\"\\\n$#{}sed-n1", max_size=60))
def test_any_command_is_decided(command: str) -> None:
    assert reads_file(command) in (True, False)
    assert reads_file(f"cat a\n{command}") or "<" in command or "'" in command or '"' in command or command[:1] in "|"


def test_a_glob_is_for_whole_names_in_any_case() -> None:
    assert glob_pattern("MCP__db__*").fullmatch("mcp__DB__rows")
    assert glob_pattern("a?c").fullmatch("abc")
    assert not glob_pattern("a.c").fullmatch("abc")
    assert not glob_pattern("Bash").fullmatch("BashOutput")
