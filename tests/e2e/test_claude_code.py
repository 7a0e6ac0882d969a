"""Claude Code itself, through `synrouter up`, to the simulated provider: it works, hits, and is booked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.claude_code import ClaudeCode
from support.processes import Daemon, daemon, get_json, simulated_provider, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("claude-code")]

PROVIDER_KEY = "sk-ant-end-to-end"
TOOLS = ("--allowedTools", "Bash(ls:*)", "Read", "Agent")
# Ledger column → where the API reports it.
COUNTS = {
    "input_tokens": ("input_tokens",),
    "cache_read_tokens": ("cache_read_input_tokens",),
    "cache_write_5m_tokens": ("cache_creation", "ephemeral_5m_input_tokens"),
    "cache_write_1h_tokens": ("cache_creation", "ephemeral_1h_input_tokens"),
    "output_tokens": ("output_tokens",),
}
# USD per million tokens in the order of COUNTS, from the public price list (November 2026).
PRICES = {
    "claude-sonnet-4-6": ("3", "0.30", "3.75", "6", "15"),
    "claude-opus-4-8": ("5", "0.50", "6.25", "10", "25"),
}


def look_around(project: Path) -> list[Any]:
    """List, read, read again, say so; another listing when asked to go on."""
    listing = {"name": "Bash", "input": {"command": "ls", "description": "List the files"}}
    reading = {"name": "Read", "input": {"file_path": str(project / "notes.md")}}
    return [
        {
            "when": "Look around",
            "steps": [
                {"think": "First the files.", "say": "I list the files.", "tools": [listing]},
                {"say": "Now the notes.", "tools": [reading]},
                {"say": "There is one file of notes."},
            ],
        },
        {
            "when": "Go on",
            "steps": [{"say": "Once more.", "tools": [listing]}, {"say": "Nothing has changed."}],
        },
    ]


def reported(line: dict[str, Any], path: Iterable[str]) -> int:
    value: Any = line["usage"]
    for name in path:
        value = value[name]
    return int(value)


def billed(upstream: str) -> list[dict[str, Any]]:
    """The provider's own lines, of model requests alone."""
    lines = get_json(f"{upstream}/__usage")["requests"]
    return [line for line in lines if line["endpoint"] == "messages"]


def ledger(proxy: Daemon, turns: int) -> dict[str, Any]:
    """`synrouter stats` once it holds that many turns: the ledger is written after the answers."""

    def look() -> dict[str, Any] | None:
        stats: dict[str, Any] = json.loads(proxy.cli("stats", "--json", "--by", "session").stdout)
        return stats if stats["totals"]["turns"] >= turns else None

    return wait_for(look, f"{turns} turns on the ledger")


def priced(lines: Iterable[dict[str, Any]], model: str) -> Decimal:
    rates = [Decimal(rate) / 1_000_000 for rate in PRICES[model]]
    tokens = ([reported(line, path) for path in COUNTS.values()] for line in lines)
    return sum((n * rate for counts in tokens for n, rate in zip(counts, rates, strict=True)), Decimal(0))


# It puts reminders into user messages for the one, into system entries between messages for the other.
@pytest.mark.parametrize("model", PRICES)
def test_a_session_and_its_resume_hit_the_cache_and_are_booked_to_the_token(
    claude_code: ClaudeCode, tmp_path: Path, model: str
):
    (claude_code.project / "notes.md").write_text("Remember the milk.\n")
    script = look_around(claude_code.project)
    with (
        simulated_provider(tmp_path / "provider", script, PROVIDER_KEY) as upstream,
        daemon(tmp_path / "home", upstream, key=PROVIDER_KEY) as proxy,
    ):
        first = claude_code.run(proxy, "Look around, please.", "--model", model, *TOOLS)
        again = claude_code.run(proxy, "Go on.", "--model", model, "--resume", first["session_id"], *TOOLS)
        lines = billed(upstream)
        stats = ledger(proxy, len(lines))

    assert (first["is_error"], first["result"]) == (False, "There is one file of notes.")
    assert (again["is_error"], again["result"]) == (False, "Nothing has changed.")
    assert again["session_id"] == first["session_id"]

    assert [line["status"] for line in lines] == [200] * 5
    assert {line["session"] for line in lines} == {first["session_id"]}
    misses = [line["request_id"] for line in lines[1:] if not reported(line, COUNTS["cache_read_tokens"])]
    assert misses == []

    [session] = stats["sessions"]
    assert (session["kind"], session["client"]) == ("main", "claude-code")
    assert (session["turns"], session["model"]) == (len(lines), model)
    for name, path in COUNTS.items():
        assert session[name] == sum(reported(line, path) for line in lines), name
    assert stats["totals"]["errors"] == 0
    assert session["cost_usd"] == pytest.approx(float(priced(lines, model)), rel=1e-9)


def test_a_subagent_is_a_session_of_its_own_and_leaves_the_main_ones_cache_alone(
    claude_code: ClaudeCode, tmp_path: Path
):
    agent = {
        "description": "Look around",
        "prompt": "Count the files.",
        "subagent_type": "general-purpose",
        "run_in_background": False,
    }
    listing = {"name": "Bash", "input": {"command": "ls", "description": "List the files"}}
    script = [
        {"when": "Count the files", "steps": [{"tools": [listing]}, {"say": "None."}]},
        {"when": "Ask", "steps": [{"tools": [{"name": "Agent", "input": agent}]}, {"say": "It says none."}]},
    ]
    with (
        simulated_provider(tmp_path / "provider", script, PROVIDER_KEY) as upstream,
        daemon(tmp_path / "home", upstream, key=PROVIDER_KEY) as proxy,
    ):
        answer = claude_code.run(proxy, "Ask somebody.", "--model", "claude-sonnet-4-6", *TOOLS)
        lines = billed(upstream)
        stats = ledger(proxy, len(lines))

    assert answer["result"] == "It says none."
    main = [line for line in lines if not line["agent"]]
    sub = [line for line in lines if line["agent"]]
    assert (len(main), len(sub)) == (2, 2)
    sessions = {session["kind"]: session for session in stats["sessions"]}
    assert {kind: session["turns"] for kind, session in sessions.items()} == {"main": 2, "subagent": 2}
    assert sessions["subagent"]["parent"] == sessions["main"]["id"]
    for requests in (main, sub):
        assert reported(requests[1], COUNTS["cache_read_tokens"]) > 0
    for name, path in COUNTS.items():
        assert stats["totals"][name] == sum(reported(line, path) for line in lines), name


def test_where_the_provider_checks_what_is_dangerous_its_verdict_arrives_and_no_model_is_asked(
    claude_code: ClaudeCode, tmp_path: Path
):
    """Auto mode: a command that no rule allows runs on the provider's word, which stands in the answer itself."""
    command = "node -e 'fs.writeFileSync(\"made\", String())'"
    making = {"name": "Bash", "input": {"command": command, "description": "Make a file"}}
    script = [{"when": "Make a file", "steps": [{"say": "I make one.", "tools": [making]}, {"say": "It is there."}]}]
    with (
        simulated_provider(tmp_path / "provider", script, PROVIDER_KEY) as upstream,
        daemon(tmp_path / "home", upstream, key=PROVIDER_KEY) as proxy,
    ):
        options = ("--model", "claude-sonnet-4-6", "--permission-mode", "auto")
        assert claude_code.run(proxy, "Make a file.", *options)["result"] == "It is there."
        assert (claude_code.project / "made").exists()
        assert len([line for line in billed(upstream) if line["tools"]]) == len(billed(upstream)) == 2
