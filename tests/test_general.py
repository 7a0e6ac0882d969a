"""General mode: many short sessions of one agent share the longest head that they can, whatever MCP servers they have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from benchmarks import general
from benchmarks.general import MIXED_CORE, MIXED_EXTENDED, Shape, play, sessions
from support.books import Bench
from synrouter_cli.ledger.rows import Turn

SESSIONS = 40
SEEDS = (1, 2, 3)
REGULARLY_LATE = (360.0, 1500.0)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("shape", "level"),
    [
        (Shape(), "safe"),
        (Shape("shuffled"), "standard"),
        (Shape("shuffled"), "max"),
        (Shape("mixed"), "max"),
        (Shape(every_s=(20.0, 240.0)), "safe"),
        (Shape(every_s=REGULARLY_LATE), "safe"),
        (Shape("mixed", every_s=REGULARLY_LATE), "max"),
    ],
)
def test_nine_tenths_of_the_shared_head_are_read_from_the_second_session_on(
    shape: Shape, level: str, seed: int
) -> None:
    played = play(sessions(seed, SESSIONS, shape), level)
    assert {row.mode for row in played.rows} == {"general"}
    assert len(played.firsts) == SESSIONS == len({row.session for row in played.rows})
    assert played.read_share >= 0.9
    assert played.cost_share < 0.5, "it pays"
    assert all(first.shared > 10_000 for first in played.firsts[1:])


def test_a_head_that_sessions_come_back_to_after_more_than_five_minutes_gets_an_hour() -> None:
    played = play(sessions(5, 20, Shape(every_s=REGULARLY_LATE)), "safe")
    second, *later = played.firsts[1:]
    assert second.read == 0, "the first one was written for five minutes"
    assert second.row.usage.cache_write_1h_tokens > 0.9 * second.shared
    assert all(first.read > 10_000 for first in later)
    assert "the head for an hour" in second.row.reason


def test_where_sessions_follow_each_other_closely_nothing_is_written_for_an_hour() -> None:
    played = play(sessions(5, 20, Shape(every_s=(20.0, 200.0))), "safe")
    assert sum(row.usage.cache_write_1h_tokens for row in played.rows) == 0
    assert all(first.read > 10_000 for first in played.firsts[1:])


@pytest.mark.parametrize("level", ["safe", "max"])
def test_what_was_read_of_another_sessions_entry_is_reported_as_such(level: str) -> None:
    played = play(sessions(3, 15, Shape("mixed")), level)
    seen: set[str] = set()
    for row in played.rows:
        begins = row.session not in seen
        seen.add(row.session)
        if begins and row.usage.cache_read_tokens:
            assert row.shared_read_tokens == row.usage.cache_read_tokens and row.verdict == "shared"
        else:
            assert row.shared_read_tokens == 0
    assert sum(row.verdict == "shared" for row in played.rows) >= 12


def test_mixed_in_by_name_only_level_max_brings_the_agents_own_tools_together() -> None:
    asked = sessions(1, SESSIONS, Shape("mixed"))
    safe, most = play(asked, "safe"), play(asked, "max")
    shared = [sum(first.read for first in played.firsts) for played in (safe, most)]
    assert shared[1] > 1.5 * shared[0] and most.cost_share < safe.cost_share


# ── one session at a time ──


def tools(*servers: str) -> list[dict[str, Any]]:
    names = [*MIXED_CORE, *MIXED_EXTENDED, *(f"mcp__{server}__{i}" for server in servers for i in range(3))]
    return [{"name": n, "description": general.WORDS * 12, "input_schema": {"type": "object"}} for n in sorted(names)]


def request(first: str, turns: int, *servers: str) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"{first}: " + general.WORDS * 10}]
    for turn in range(turns):
        messages += [
            {"role": "assistant", "content": f"answer {turn}"},
            {"role": "user", "content": f"question {turn}: " + general.WORDS * 20},
        ]
    return {
        "model": general.MODEL,
        "max_tokens": 100,
        "tools": tools(*servers),
        "system": general.WORDS * 50,
        "messages": messages,
    }


def names(sent: bytes) -> list[str]:
    return [tool["name"] for tool in json.loads(sent)["tools"]]


def test_at_max_a_server_that_flaps_finds_its_tools_at_their_old_places() -> None:
    bench, chance = Bench("max", mode="general"), Random(4)
    headers = {"x-session-id": "s1"}
    rows = [bench.ask(request("a", 0, "a", "b", "c"), headers=headers)]
    full = names(bench.sent[0])
    assert all(not name.startswith("mcp__") for name in full[: -3 * 3]), "the agent's own tools come first"
    for turn in range(1, 8):
        there = [server for server in "abc" if server == "a" or chance.random() < 0.5]
        rows.append(bench.ask(request("a", turn, *there), headers=headers))
        assert names(bench.sent[-1]) == [n for n in full if n[:5] != "mcp__" or n.split("__")[1] in there]
    assert len({row.session for row in rows}) == 1
    head = bench.weighed[0].prompt.tokens[len(MIXED_CORE + MIXED_EXTENDED) - 1]
    assert all(row.usage.cache_read_tokens >= head - 5 for row in rows[1:])


def test_at_max_a_new_session_takes_over_the_order_of_the_one_before() -> None:
    bench = Bench("max", mode="general")
    bench.ask(request("a", 0, "b", "c"), headers={})
    bench.ask(request("b", 0, "a", "b", "c"), headers={})
    old, new = names(bench.sent[0]), names(bench.sent[1])
    assert new[: len(old)] == old and all(name.startswith("mcp__a__") for name in new[len(old) :])
    bench.restart()
    bench.ask(request("c", 0, "a", "b", "c"), headers={})
    assert names(bench.sent[2]) == new, "after a restart, too"


@pytest.mark.parametrize("headers", [{}, {"x-claude-code-session-id": "s", "x-synrouter-mode": "general"}])
def test_the_mode_is_told_by_the_header_or_the_missing_id(headers: Mapping[str, str]) -> None:
    bench = Bench()
    rows: list[Turn] = [bench.ask(request("a", turn, "a"), headers=headers) for turn in range(2)]
    assert [row.mode for row in rows] == ["general", "general"]
    assert all(a.usage.cache_read_tokens < b.usage.cache_read_tokens for a, b in pairwise(rows))
