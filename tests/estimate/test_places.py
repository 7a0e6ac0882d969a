"""Transcripts are found where their clients put them, and told by their content where a path is named."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from support.transcripts import CONTEXTS, ClaudeCode
from synrouter_cli.estimate.database import OPENCLAW, OPENCODE
from synrouter_cli.estimate.places import default_places, found_in, sources

FILES = {
    "claude-code": (".claude/projects/-home-me-shop/one.jsonl", "CLAUDE_CONFIG_DIR", "projects/p/one.jsonl"),
    "codex": (".codex/sessions/2026/11/21/rollout-one.jsonl", "CODEX_HOME", "archived_sessions/rollout-two.jsonl"),
    "openclaw": (".openclaw/agents/main/sessions/one.jsonl", "OPENCLAW_STATE_DIR", "agents/x/sessions/one.jsonl"),
    "pi": (".pi/agent/sessions/--home-me--/one.jsonl", "PI_CODING_AGENT_DIR", "sessions/--x--/one.jsonl"),
    "opencode": (".local/share/opencode/opencode.db", "XDG_DATA_HOME", "opencode/opencode-dev.db"),
    "kilo": (".local/share/kilo/kilo.db", "XDG_DATA_HOME", "kilo/kilo.db"),
}


def put(path: Path, text: str = "{}\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def database(path: Path, tables: frozenset[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as made:
        for table in tables:
            made.execute(f"CREATE TABLE {table} (id TEXT)")
    made.close()
    return path


@pytest.mark.parametrize("client", FILES)
def test_each_client_s_own_folder_is_looked_at(client, tmp_path):
    usual, variable, other = FILES[client]
    file = put(tmp_path / usual)
    assert [(s.client, s.path) for s in sources(default_places({}, tmp_path))] == [(client, file)]
    moved = put(tmp_path / "moved" / other)
    environment = {variable: str(tmp_path / "moved")}
    assert [(s.client, s.path) for s in sources(default_places(environment, tmp_path / "empty"))] == [(client, moved)]


def test_a_named_database_of_opencode_is_read(tmp_path):
    file = put(tmp_path / "else" / "mine.sqlite")
    found = sources(default_places({"OPENCODE_DB": str(file)}, tmp_path))
    assert [(source.client, source.kind, source.path) for source in found] == [("opencode", "opencode", file)]


@pytest.mark.parametrize(("client", "line"), CONTEXTS.items())
def test_a_file_is_told_by_its_first_lines(client, line, tmp_path):
    folder = tmp_path / ("agents/main/sessions" if client == "openclaw" else "anywhere")
    file = put(folder / "x.jsonl", f"not json\n{json.dumps(line)}\n")
    (found,), foreign = found_in(file)
    assert (found.client, found.kind, foreign) == (client, "lines", 0)


@pytest.mark.parametrize(
    ("name", "tables", "client"),
    [
        ("openclaw-agent.sqlite", OPENCLAW, "openclaw"),
        ("kilo.db", OPENCODE, "kilo"),
        ("opencode-dev.db", OPENCODE | {"todo"}, "opencode"),
    ],
)
def test_a_database_is_told_by_its_tables(name, tables, client, tmp_path):
    (found,), foreign = found_in(database(tmp_path / name, tables))
    assert (found.client, found.kind, foreign) == (client, "openclaw" if client == "openclaw" else "opencode", 0)


def test_what_is_no_transcript_is_counted(tmp_path):
    put(tmp_path / "a.jsonl", '{"type":"log"}\n')
    put(tmp_path / "b.jsonl", "")
    put(tmp_path / "c.db", "no database")
    database(tmp_path / "d.db", frozenset({"session_v2"}))
    put(tmp_path / "notes.txt")
    assert found_in(tmp_path) == ([], 4)


def test_folders_of_small_files_are_one_source(tmp_path):
    storage = tmp_path / "kilo" / "storage"
    put(storage / "message" / "ses_1" / "msg_1.json")
    put(storage / "part" / "msg_1" / "prt_1.json")
    (found,), _ = found_in(tmp_path)
    assert (found.client, found.kind, found.path) == ("kilo", "parts", storage)


def test_subagents_come_after_the_threads_they_may_repeat_and_the_oldest_first(tmp_path):
    line = ClaudeCode()
    line.person(0)
    names = ["new.jsonl", "old.jsonl", "old/subagents/agent-a1.jsonl", "agent-b2.jsonl"]
    for at, name in zip((300, 200, 100, 50), names, strict=True):
        os.utime(line.write(tmp_path / name), (at, at))
    found, _ = found_in(tmp_path)
    assert [source.path.name for source in found] == ["old.jsonl", "new.jsonl", "agent-b2.jsonl", "agent-a1.jsonl"]


def test_a_path_that_is_not_there_raises(tmp_path):
    with pytest.raises(FileNotFoundError):
        found_in(tmp_path / "nothing")
