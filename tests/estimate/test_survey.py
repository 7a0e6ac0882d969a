"""Files of every kind are read and replayed; what can't be read is told, and an answer counts once over all files."""

from __future__ import annotations

import json
import os
import sqlite3
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from support.transcripts import (
    MODEL,
    PI_USAGE,
    ClaudeCode,
    cached,
    codex_count,
    codex_line,
    pi_line,
    pi_message,
    usage,
)
from synrouter_cli.estimate.places import found_in
from synrouter_cli.estimate.survey import Survey, survey

try:
    from compression import zstd
except ImportError:
    from backports import zstd

CREATED = 1_795_255_200_000
TOKENS = {"input": 10, "output": 20, "reasoning": 0, "cache": {"read": 0, "write": 9000}}


def look(folder: Path, advance=lambda size: None) -> Survey:
    return survey(found_in(folder)[0], zone=UTC, advance=advance)


def test_dollars_are_those_that_a_slate_would_come_to(tmp_path):
    """cached(): 20,000 written, then 400 more a turn on top of what is read; 50 tokens are answered each time."""
    cached(turns=6).write(tmp_path / "sess-one.jsonl")
    (session,) = look(tmp_path).sessions
    read = sum(20_000 + 400 * turn for turn in range(6))
    written, answered = 20_000 + 6 * 400, 7 * 50
    million = Decimal(1_000_000)
    output = answered * 25 / million
    assert session.sums.cost_usd == read * Decimal("0.5") / million + written * Decimal("6.25") / million + output
    assert session.sums.no_cache_usd == (read + written) * 5 / million + output
    assert session.sums.turns == 7
    assert (session.id, session.project, session.client) == ("sess-one", "shop", "claude-code")


def test_an_answer_in_two_files_counts_in_the_older_one(tmp_path):
    first, second = cached(turns=3), cached("sess-two", turns=3)
    second.person(70.0)
    second.answer(75.0, "msg_new", usage(0, 21_600, 300))
    os.utime(first.write(tmp_path / "sess-one.jsonl"), (100, 100))
    os.utime(second.write(tmp_path / "sess-two.jsonl"), (200, 200))
    assert {session.id: session.sums.turns for session in look(tmp_path).sessions} == {"sess-one": 4, "sess-two": 1}


def test_subagents_are_part_of_their_session(tmp_path):
    cached(turns=2).write(tmp_path / "sess-one.jsonl")
    agent = ClaudeCode(isSidechain=True, agentId="a1")
    agent.person(20.0)
    agent.answer(22.0, "sub_1", usage(0, 0, 5000))
    agent.answer(23.0, "msg_0", usage(0, 0, 20_000))  # what it took over from its parent
    agent.write(tmp_path / "sess-one" / "subagents" / "agent-a1.jsonl")
    (session,) = look(tmp_path).sessions
    assert session.sums.turns == 4 and session.agents == {"a1"}


def test_a_last_line_that_is_cut_off_is_told(tmp_path):
    cached(turns=2).write(tmp_path / "sess-one.jsonl", tail='{"type":"assist')
    found = look(tmp_path)
    assert (found.skipped_lines, found.sessions[0].sums.turns) == (1, 3)


def test_bytes_are_told_as_they_are_read(tmp_path):
    path = cached(turns=60).write(tmp_path / "sess-one.jsonl")
    steps: list[int] = []
    look(tmp_path, steps.append)
    assert sum(steps) == 2 * path.stat().st_size
    assert len(steps) > 4


def test_openai_s_caching_is_counted_apart(tmp_path):
    lines = [codex_line("session_meta", 0, id="t", cwd="/home/me/shop"), codex_line("turn_context", 0, model="gpt-5.5")]
    lines.append(codex_count(1, (9000, 8000, 50), (9000, 8000, 50)))
    (tmp_path / "rollout-1.jsonl").write_bytes(b"\n".join(lines))
    found = look(tmp_path)
    assert found.modelled() == [] and found.months() == {}
    (session,) = found.others()["openai"]
    assert session.sums.cost_usd < session.sums.no_cache_usd
    assert session.sums.observe_usd is None


def test_a_pi_session_is_replayed(tmp_path):
    header = json.dumps({"type": "session", "id": "s1", "cwd": "/home/me/shop"}).encode()
    said = {"provider": "anthropic", "model": MODEL, "usage": PI_USAGE}
    lines = [header, pi_message("a", None, 0, "user", "hi"), pi_message("b", "a", 1, "assistant", [], **said)]
    (tmp_path / "x.jsonl").write_bytes(b"\n".join(lines))
    (session,) = look(tmp_path).sessions
    assert (session.client, session.id, session.sums.modelled_turns) == ("pi", "s1", 1)


@pytest.mark.parametrize("packed", [False, True])
def test_openclaw_s_database_holds_the_same_entries(tmp_path, packed):
    said = {"provider": "anthropic", "model": MODEL, "usage": PI_USAGE}
    entries = [
        pi_line("session", "s1", None, 0, cwd="/home/me/shop"),
        pi_message("a", None, 0, "user", "hi"),
        pi_message("b", "a", 1, "assistant", [], **said),
    ]
    path = tmp_path / "openclaw-agent.sqlite"
    with sqlite3.connect(path) as made:
        made.execute(
            "CREATE TABLE transcript_events (session_id TEXT, seq INTEGER, event_json TEXT, created_at INTEGER)"
        )
        if packed:
            made.execute("ALTER TABLE transcript_events ADD COLUMN event_zstd BLOB")
        for seq, entry in reversed(list(enumerate(entries))):
            if packed and seq:
                row = ("s1", seq, None, 0, zstd.compress(entry))
                made.execute("INSERT INTO transcript_events VALUES (?,?,?,?,?)", row)
            else:
                row = ("s1", seq, entry.decode(), 0)
                made.execute(
                    "INSERT INTO transcript_events (session_id, seq, event_json, created_at) VALUES (?,?,?,?)", row
                )
    made.close()
    (session,) = look(tmp_path).sessions
    assert (session.client, session.id, session.sums.modelled_turns) == ("openclaw", "s1", 1)


def opencode(path: Path, sessions: list[tuple[str, str | None]]) -> None:
    """A database of sessions with one answer each: (id, parent)."""
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE session (id TEXT, parent_id TEXT, directory TEXT)")
        made.execute("CREATE TABLE message (id TEXT, session_id TEXT, time_created INTEGER, data TEXT)")
        made.execute("CREATE TABLE part (id TEXT, message_id TEXT, session_id TEXT, data TEXT)")
        for ident, parent in sessions:
            made.execute("INSERT INTO session VALUES (?,?,?)", (ident, parent, "/home/me/shop"))
            user = {"role": "user", "time": {"created": CREATED}}
            answer = {"role": "assistant", "modelID": MODEL, "providerID": "anthropic", "tokens": TOKENS}
            answer["time"] = {"created": CREATED + 1000}
            for place, message in enumerate((user, answer)):
                row = (f"{ident}-m{place}", ident, CREATED + place, json.dumps(message))
                made.execute("INSERT INTO message VALUES (?,?,?,?)", row)
                part = json.dumps({"type": "text", "text": "hello"})
                made.execute(
                    "INSERT INTO part VALUES (?,?,?,?)", (f"{ident}-p{place}", f"{ident}-m{place}", ident, part)
                )
    made.close()


def test_a_database_of_sessions_and_those_they_began(tmp_path):
    opencode(tmp_path / "kilo.db", [("ses_1", None), ("ses_2", "ses_1"), ("ses_3", "ses_2")])
    (session,) = look(tmp_path).sessions
    assert (session.client, session.id, session.project) == ("kilo", "ses_1", "shop")
    assert session.sums.modelled_turns == 3 and session.agents == {"ses_2", "ses_3"}


def test_small_files_of_older_versions_are_read_unless_the_database_has_them(tmp_path):
    folder = tmp_path / "opencode"
    storage = folder / "storage"
    for ident in ("ses_1", "ses_old"):
        for kind, place, name, data in (
            ("session", "global", ident, {"id": ident, "directory": "/home/me/shop"}),
            ("message", ident, f"{ident}-m0", {"role": "user", "time": {"created": CREATED}}),
            ("part", f"{ident}-m0", "p", {"type": "text", "text": "hello"}),
            ("message", ident, f"{ident}-m1", {"role": "assistant", "modelID": MODEL, "tokens": TOKENS}),
        ):
            file = storage / kind / place / f"{name}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(data))
    (storage / "message" / "ses_old" / "zzz.json").write_text('{"role": "assi')
    opencode(folder / "opencode.db", [("ses_1", None)])
    found = look(tmp_path)
    assert {session.id: session.sums.turns for session in found.sessions} == {"ses_1": 1, "ses_old": 1}
    assert found.skipped_lines == 1


def test_a_file_that_can_t_be_read_ends_nothing(tmp_path):
    cached(turns=2).write(tmp_path / "sess-one.jsonl")
    opencode(tmp_path / "opencode.db", [("ses_1", None)])
    sources, _ = found_in(tmp_path)
    with sqlite3.connect(tmp_path / "opencode.db") as made:
        made.execute("DROP TABLE part")
    made.close()
    found = survey(sources, zone=UTC)
    assert found.unreadable_files == [tmp_path / "opencode.db"]
    assert [session.id for session in found.sessions] == ["sess-one"]
