"""Clients' requests as the benchmarks make them: what each sends is legal, and what somebody who knows it would mark."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from benchmarks import clients, layouts, mix, runs
from benchmarks.bodies import as_bytes
from benchmarks.shapes import HEARTBEAT_S, MOST_HEARTBEATS, SHAPES
from synrouter_cli.cache.model import Split
from synrouter_cli.cache.rules import violation
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.segments import segment

MODEL = mix.MODEL


@pytest.fixture(scope="module")
def steps() -> list[runs.Step]:
    """A session with prompts, tool loops and pauses."""
    return next(s.requests for s in mix.sessions(1, 6) if mix.kind_of(s) == "paused")[:30]


@pytest.mark.parametrize("name", SHAPES)
def test_what_a_client_sends_is_what_the_provider_takes(name: str, steps: list[runs.Step]):
    for _, body in SHAPES[name].requests(steps[-3:]):
        raw = as_bytes(body)
        assert raw == json.dumps(body).encode()
        assert violation(segment(raw)) is None
        assert b"cache_control" not in as_bytes(clients.unmarked(body))
        assert (b"cache_control" in raw) == (name != "none")


def test_no_client_changes_the_bodies_it_is_given(steps: list[runs.Step]):
    before = copy.deepcopy(steps[-2:])
    for client in SHAPES.values():
        client.requests(steps[-2:])
    assert steps[-2:] == before


def test_heartbeats_come_every_half_hour_of_a_pause_but_not_all_night(steps: list[runs.Step]):
    at, body = steps[-1]
    session = [(at, body), (at + 2.5 * HEARTBEAT_S, body), (at + 90_000.0, body)]
    sent = SHAPES["openclaw, heartbeats"].requests(session)
    plain = SHAPES["openclaw"].requests(session)
    beats = [step for step in sent if step not in plain]
    assert len(sent) == len(plain) + len(beats)
    assert len([b for b in beats if b[0] < session[1][0]]) in (2, 3)
    assert len([b for b in beats if b[0] > session[1][0]]) == MOST_HEARTBEATS
    assert all(b[1]["tools"][0]["name"] != body["tools"][0]["name"] for b in beats)


def test_dropped_thinking_is_only_in_the_newest_answer(steps: list[runs.Step]):
    sent = SHAPES["openclaw, thinking dropped"].requests(steps)[-1][1]
    answers = [m["content"] for m in sent["messages"] if m["role"] == "assistant"]
    assert [i for i, a in enumerate(answers) if any(b["type"] == "thinking" for b in a)] == [len(answers) - 1]


def test_places_of_somebody_who_knows_the_client():
    roles = ["user", "assistant", "user", "assistant", "user", "user"]
    body = {"system": [{}, {}], "tools": [{}], "messages": [{"role": role} for role in roles]}
    client = replace(SHAPES["openclaw"], carriers=1, stable_system=0)
    found = {name: clients.place(name, body, client) for name in ("tools", "system", "tail", "real", "previous")}
    assert found == {
        "tools": ("tools", 0),
        "system": ("system", 0),
        "tail": ("messages", 5),
        "real": ("messages", 4),
        "previous": ("messages", 2),
    }
    assert clients.place("before assistant", body, client) == ("messages", 2)
    assert clients.place("tools", {**body, "tools": []}, client) is None
    assert clients.place("before assistant", {**body, "messages": body["messages"][:1]}, client) is None


def cost(usd: str, **more: Any) -> runs.Sum:
    return runs.Sum(Split(), Decimal(usd), [Decimal(usd)], **more)


def saved(pusd: int) -> Turn:
    return Turn(session="s", turn=1, started_at=0.0, cost_pusd=10**12, baseline_client_pusd=10**12 + pusd)


@pytest.mark.parametrize(
    ("client", "ours", "claimed_pusd", "wrong"),
    [
        ("1", "1", 0, ""),
        ("1", "1.00009", 0, ""),
        ("1", "1.0002", 0, "dearer than alone: $1.0002, $1.0000"),
        ("2", "1", 10**12, ""),
        ("2", "1", 10**12 - 4 * 10**9, ""),
        ("2", "1", 10**12 - 6 * 10**9, "s claimed $0.9940, true $1.0000"),
    ],
)
def test_dearer_than_alone_or_a_false_claim_is_wrong(client: str, ours: str, claimed_pusd: int, wrong: str):
    one = clients.Measured("s", 1, Decimal(9), cost(client), cost(ours, rows=[saved(claimed_pusd)]), {})
    assert clients.wrong([one]) == wrong


def test_one_dear_session_among_cheap_ones_is_not_wrong():
    short = clients.Measured("short", 1, Decimal(9), cost("1"), cost("1.1", rows=[saved(-(10**11))]), {})
    long = clients.Measured("long", 1, Decimal(9), cost("5"), cost("2", rows=[saved(3 * 10**12)]), {})
    assert clients.wrong([short, long]) == ""
    assert clients.wrong([short]) == "dearer than alone: $1.1000, $1.0000"


def test_the_report_has_a_row_a_client(capsys: pytest.CaptureFixture[str]):
    options = ["--mix", "--session", "paused", "--most", "6", "--only", "cline", "--only", "continue"]
    assert clients.main([*options, "--json"]) == 0
    rows = {row["client"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {"cline", "continue"}
    assert all(row["ours/client"] <= 1.0001 and row["claimed"] == pytest.approx(row["true"]) for row in rows.values())
    assert clients.main(options) == 0
    assert "ours/uncached" in capsys.readouterr().out
    assert clients.main(["--mix", "--session", "nobody"]) == 2


# ── pings ──


def test_a_blind_ping_is_sent_once_a_pause_and_after_the_end_and_keeps_an_hour_more(steps: list[runs.Step]):
    _, body = steps[0]
    session = [(0.0, body), (60.0, body), (6000.0, body), (20_000.0, body)]
    plain = runs.alone(session, MODEL, layouts.head_tail_1h)
    pinged = runs.alone(session, MODEL, layouts.head_tail_1h, ping_after_s=runs.PING_AFTER_S)
    assert pinged.pings == 3
    assert len(pinged.per_turn) == len(plain.per_turn) == 4
    assert pinged.per_turn[2] == plain.per_turn[1], "within an hour of the ping it is a hit"
    assert plain.per_turn[2] == plain.per_turn[0] == pinged.per_turn[3], "without one, and after two hours, it is none"
    assert pinged.usd == sum(pinged.per_turn) + 3 * plain.per_turn[1]


def test_sessions_on_one_cache_are_billed_one_by_one(steps: list[runs.Step]):
    events = [(at, index, (at, steps[0][1])) for at, index in ((0.0, 0), (10.0, 1), (20.0, 0))]
    first, second = runs.alone_together(events, MODEL, layouts.head_tail)
    assert [len(first.per_turn), len(second.per_turn)] == [2, 1]
    assert first.per_turn[1] == second.usd < first.per_turn[0]
    ours = runs.through_together(events, MODEL, layouts.head_tail, "observe")
    assert [run.usd for run in ours] == [first.usd, second.usd]
    assert [len(run.rows) for run in ours] == [2, 1]
