"""`synrouter estimate` as it is typed: what it prints, what it never prints, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

import synrouter_cli
from support.transcripts import START, ClaudeCode, cached, codex_count, codex_line, iso, usage
from synrouter_cli.cli import main

ROOT = Path(synrouter_cli.__file__).parents[1]
SECRET = "sk-ant-api03-tell-nobody"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """A home with nothing in it, and no variable of a client."""
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "OPENCLAW_STATE_DIR", "OPENCODE_DB", "PI_CODING_AGENT_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    return tmp_path


@pytest.fixture
def folder(home) -> Path:
    """Claude Code's folder with a cached session, one without any caching, one of an unknown model."""
    projects = home / ".claude" / "projects" / "-home-me-shop"
    cached("cached-one").write(projects / "cached-one.jsonl", tail='{"cut')
    plain = ClaudeCode("plain-two")
    plain.person(0, f"my key is {SECRET}")
    for turn in range(5):
        at = 40 * 86_400 + 10.0 * turn
        plain.answer(at + 4, f"p{turn}", usage(20_000 + 500 * turn), SECRET)
        plain.person(at + 9, SECRET)
    plain.write(projects / "plain-two.jsonl")
    odd = ClaudeCode("odd-three")
    odd.person(0)
    odd.answer(3, "o1", usage(9000), model="claude-opus-99")
    odd.write(projects / "odd-three.jsonl")
    return projects


def codex(home: Path) -> None:
    file = home / ".codex" / "sessions" / "2026" / "11" / "21" / "rollout-x.jsonl"
    file.parent.mkdir(parents=True)
    lines = [
        codex_line("session_meta", 0, id="thread", cwd="/home/me/shop"),
        codex_line("turn_context", 0, model="gpt-5.5"),
    ]
    file.write_bytes(b"\n".join([*lines, codex_count(1, (9000, 8000, 50), (9000, 8000, 50))]))


def estimate(capsys, *words: str) -> dict:
    assert main(["estimate", *words, "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out, parse_float=Decimal)


def test_what_stands_in_the_agents_own_folders_is_found(folder, capsys):
    found = estimate(capsys)
    assert found["schema_version"] == 1
    assert {session["id"] for session in found["sessions"]} == {"cached-one", "plain-two", "odd-three"}
    assert {session["project"] for session in found["sessions"]} == {"shop"}
    assert found["totals"]["skipped_lines"] == 1


def test_totals_are_the_sums_of_sessions_and_of_months(folder, capsys):
    found = estimate(capsys)
    modelled = [session for session in found["sessions"] if session["modelled"]]
    assert [month["month"] for month in found["months"]] == ["2026-11", "2026-12"]
    for name in ("turns", "output_tokens", "cost_usd", "no_cache_usd", "observe_usd", "safe_usd", "saved_usd"):
        whole = found["totals"][name]
        assert whole == sum(session[name] for session in modelled) > 0
        assert whole == sum(month[name] for month in found["months"])


def test_what_is_claimed_is_one_run_of_the_model_against_the_other(folder, capsys):
    by_id = {session["id"]: session for session in estimate(capsys)["sessions"]}
    plain, kept = by_id["plain-two"], by_id["cached-one"]
    assert plain["cost_usd"] == plain["no_cache_usd"] == plain["observe_usd"] > plain["safe_usd"]
    assert plain["saved_usd"] == plain["observe_usd"] - plain["safe_usd"]
    assert kept["saved_usd"] * kept["observe_usd"] == pytest.approx(
        kept["cost_usd"] * (kept["observe_usd"] - kept["safe_usd"])
    )


def test_an_unknown_price_is_null_and_told(folder, capsys):
    found = estimate(capsys)
    odd = next(session for session in found["sessions"] if session["id"] == "odd-three")
    assert [odd[f"{name}_usd"] for name in ("cost", "no_cache", "observe", "safe", "saved")] == [None] * 5
    assert odd["unpriced_turns"] == 1
    assert any("claude-opus-99" in note for note in found["notes"])


def test_codex_on_openai_is_counted_apart_and_said_to_gain_nothing(folder, home, capsys):
    codex(home)
    found = estimate(capsys)
    (openai,) = [other for other in found["totals"]["not_modelled"] if other["provider"] == "openai"]
    assert openai["sessions"] == 1 and openai["cost_usd"] > 0
    assert openai["safe_usd"] is None and openai["saved_usd"] is None
    assert any("gains about nothing" in note for note in found["notes"])
    assert found["totals"]["sessions"] == 2


def test_nothing_of_what_was_said_is_printed(folder, capsys):
    for words in ([], ["--json"]):
        assert main(["estimate", *words]) == 0
        printed = capsys.readouterr()
        assert SECRET not in printed.out + printed.err
        assert "fault" not in printed.out + printed.err


@pytest.mark.parametrize("width", [60, 80, 120])
def test_tables_fit_the_terminal_and_cut_no_number(folder, home, capsys, monkeypatch, width):
    codex(home)
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["estimate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    heads = [line for line in lines if "Turns" in line and "Reported" in line]
    assert len(heads) == 2
    rows = [line for line in lines if line.startswith(("2026-", "Total", "plain-", "cached"))]
    assert len(rows) == 5
    assert all(row.count("$") == (5 if width >= 76 else 4) and "…$" not in row for row in rows)
    assert not any("…" in row.partition("$")[2] for row in rows)


def test_a_sentence_says_what_it_comes_to(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["estimate"]) == 0
    said = capsys.readouterr().out.splitlines()[0]
    assert said.startswith("12 turns in 2 sessions cost $") and "would have saved $" in said


def test_a_path_is_read_instead_of_the_agents_folders(folder, capsys):
    found = estimate(capsys, str(folder / "cached-one.jsonl"), str(folder / "cached-one.jsonl"))
    assert [session["id"] for session in found["sessions"]] == ["cached-one"]
    assert found["totals"]["files"] == 1


def test_files_that_are_no_transcripts_are_told(folder, capsys):
    (folder / "log.jsonl").write_text('{"level":"info"}\n')
    found = estimate(capsys, str(folder))
    assert found["totals"]["foreign_files"] == 1
    assert any("1 file there is no transcript" in note for note in found["notes"])


@pytest.mark.parametrize("words", [[], ["--json"], ["{home}/nothing"], ["{home}"]])
def test_where_nothing_is_found_that_is_said_with_the_next_step(home, capsys, words):
    assert main(["estimate", *(word.format(home=home) for word in words)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("synrouter: No transcripts of agents")
    assert printed.err.splitlines()[1].startswith("  next: synrouter estimate PATH")


def test_transcripts_without_any_usage_are_nothing_to_go_by(home, capsys):
    file = ClaudeCode()
    file.person(0)
    file.answer(1, "m1", None)
    file.write(home / ".claude" / "projects" / "p" / "x.jsonl")
    assert main(["estimate"]) == 1
    assert capsys.readouterr().err.startswith("synrouter: No transcripts of agents with reported usage")


def test_names_from_outside_can_t_write_on_the_terminal(home, capsys):
    file = ClaudeCode("evil", cwd="/home/me/\x1b[31mred\x1b]0;owned\x07")
    file.person(0)
    file.answer(1, "m1", usage(0, 0, 9000))
    file.write(home / ".claude" / "projects" / "p" / "evil.jsonl")
    assert main(["estimate"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert estimate(capsys)["sessions"][0]["project"] == "red"


def test_times_are_utc_in_json(folder, capsys):
    kept = next(session for session in estimate(capsys)["sessions"] if session["id"] == "cached-one")
    assert kept["first_at"] == iso(0.0)[:19] + "+00:00"
    assert START == 1_795_255_200


def test_an_interrupt_ends_it_cleanly(home, tmp_path):
    folder = home / ".claude" / "projects" / "p"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "never-ends.jsonl")  # reading it waits until somebody writes
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home)}
    command = [sys.executable, "-m", "synrouter_cli", "estimate"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        writer = os.open(folder / "never-ends.jsonl", os.O_WRONLY)  # returns once it reads
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        os.close(writer)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (130, b"", b"")
