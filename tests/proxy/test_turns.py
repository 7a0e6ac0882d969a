"""Turns against the simulated provider's books: what is sent, what is claimed, what is remembered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from support.bench import MODEL, Bench, body, last_human, like_claude_code, money
from synrouter_cli.demo.judge import Judge
from synrouter_cli.prompt import blocks
from synrouter_cli.proxy.turn import Inbound, Outcome
from synrouter_cli.wire.usage import Usage


def test_a_client_that_marks_nothing_hits_from_its_second_request_on() -> None:
    bench = Bench()
    rows = [bench.ask(body(rounds)) for rounds in range(6)]
    assert [row.turn for row in rows] == [1, 2, 3, 4, 5, 6]
    assert len({row.session for row in rows}) == 1
    assert all(row.usage.cache_read_tokens > 0 for row in rows[1:])
    assert all(row.predicted_read_tokens == pytest.approx(row.usage.cache_read_tokens, rel=0.02) for row in rows[1:])
    costs = [money(row) for row in rows]
    assert all(client == none for _, client, none in costs), "it would have cached nothing"
    assert costs[0][0] > costs[0][1], "the first write is a loss, and shown as one"
    assert sum(cost for cost, _, _ in costs) < 0.5 * sum(client for _, client, _ in costs)


def test_a_client_that_marks_well_is_claimed_nothing() -> None:
    bench = Bench()
    for rounds in range(8):
        row = bench.ask(body(rounds, like_claude_code))
        cost, client, _ = money(row)
        assert cost == client, row.reason


@pytest.mark.parametrize("mark", [None, like_claude_code, last_human])
def test_in_observe_no_byte_changes_and_the_baseline_is_the_cost(mark) -> None:
    bench = Bench("observe")
    for rounds in range(5):
        request = json.dumps(body(rounds, mark)).encode()
        row = bench.ask(request, after=400.0 if rounds == 3 else 5.0)
        assert bench.sent[-1] == request
        cost, client, _ = money(row)
        assert cost == client
        assert row.plan == "observe" and not row.planned


def test_what_the_clients_own_markers_would_have_saved_is_not_claimed() -> None:
    ours, alone = Bench(), Bench("observe")
    for rounds in range(8):
        request = body(rounds, last_human)
        with_us, without = ours.ask(request), alone.ask(request)
        cost, claimed_client, _ = money(with_us)
        true_client = money(without)[0]
        assert claimed_client == pytest.approx(true_client, rel=0.005)
        assert cost < true_client or rounds < 2


def test_a_reported_eviction_counts_for_the_client_too() -> None:
    bench = Bench()
    for rounds in range(3):
        bench.ask(body(rounds, like_claude_code))
    bench.judge = Judge()  # the provider lost everything
    row = bench.ask(body(3, like_claude_code))
    cost, client, _ = money(row)
    assert row.usage.cache_read_tokens == 0 and cost == client
    assert row.reason.startswith("miss")
    assert bench.ask(body(4, like_claude_code)).usage.cache_read_tokens > 0


def test_after_a_restart_the_prefix_is_known_and_nothing_false_is_claimed() -> None:
    bench = Bench()
    first = [bench.ask(body(rounds)) for rounds in range(3)]
    bench.turns.close()
    bench.restart()
    row = bench.ask(body(3))
    assert row.session == first[0].session and row.turn == 4
    assert row.usage.cache_read_tokens > 0
    assert row.predicted_read_tokens == pytest.approx(row.usage.cache_read_tokens, rel=0.02)


def test_turns_after_lost_state_claim_nothing() -> None:
    bench = Bench()
    for rounds in range(3):
        bench.ask(body(rounds, like_claude_code))
    bench.ledger.kept.clear()
    bench.restart()
    row = bench.ask(body(3, like_claude_code))
    cost, client, _ = money(row)
    assert client <= cost


def test_a_clients_own_hour_is_kept_and_priced() -> None:
    def hour(made: dict[str, Any]) -> None:
        like_claude_code(made)
        made["system"][-1]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
        made["messages"][-1]["content"][-1]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}

    bench = Bench()
    rows = [bench.ask(body(rounds, hour), after=1000.0) for rounds in range(3)]
    assert all("5m" not in row.plan for row in rows)
    assert all(row.usage.cache_write_1h_tokens > 0 and row.usage.cache_write_5m_tokens == 0 for row in rows)
    assert rows[2].usage.cache_read_tokens > 0


def test_side_requests_are_not_marked_and_stay_apart() -> None:
    bench = Bench()
    main = bench.ask(body(2))
    title = {k: v for k, v in body(0).items() if k != "tools"}
    side = bench.ask(title)
    assert side.kind == "side" and side.parent == main.session and bench.sent[-1] == json.dumps(title).encode()
    assert bench.ask(body(3)).usage.cache_read_tokens > 0


def test_several_requests_of_one_session_in_flight() -> None:
    bench = Bench()
    bench.ask(body(2))
    flight = [bench.turns.begin(bench.inbound(json.dumps(body(3 + i)).encode())) for i in range(3)]
    assert [turn.number for turn in flight] == [2, 3, 4]
    for turn in reversed(flight):
        weighed = bench.judge.weigh(turn.body, scope="one", now=bench.now)
        turn.responding(200)
        bench.judge.begun(weighed)
        bench.finish(turn, weighed.usage)
    assert bench.ask(body(6)).usage.cache_read_tokens > 0


@pytest.mark.parametrize("junk", [b"", b"not json", b'{"messages": 5}', b'{"messages":[]}', b'\xff\xfe{"a":1}'])
def test_what_cannot_be_parsed_goes_out_as_it_came_and_is_recorded_as_not_planned(junk: bytes) -> None:
    bench = Bench()
    turn = bench.turns.begin(bench.inbound(junk))
    assert turn.body == junk and not turn.edited and "unplanned" in turn.plan
    turn.responding(400)
    turn.finish(Outcome("error", 400, "invalid_request_error", None, "none", "", None, None, 1.0, 1.0, 1))
    row = bench.ledger.rows[-1]
    assert row.status == "error" and not row.planned and row.reason and row.cost_pusd == 0


def test_our_own_failure_is_not_the_agents(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("the prompt said " + "secret"[::-1])

    monkeypatch.setattr("synrouter_cli.proxy.planning.segment", fails)
    bench = Bench()
    raw = json.dumps(body(1)).encode()
    turn = bench.turns.begin(bench.inbound(raw))
    assert turn.body == raw
    assert "terces" not in caplog.text and "planning failed" in caplog.text


def test_a_failing_meter_still_leaves_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synrouter_cli.proxy.reckoning.judge", lambda *_: 1 / 0)
    bench = Bench()
    row = bench.ask(body(1))
    assert row.status == "ok" and row.cost_pusd is None and row.usage is not None


def test_an_unknown_price_is_unknown_not_zero() -> None:
    bench = Bench()
    bench.now += 1
    raw = json.dumps(body(1, model="claude-nobody-9")).encode()
    turn = bench.turns.begin(bench.inbound(raw))
    turn.responding(200)
    turn.finish(Outcome("ok", 200, None, Usage(10, 0, 0, 0, 5), "exact", "claude-nobody-9", None, None, 1.0, 1.0, 1))
    row = bench.ledger.rows[-1]
    assert (row.cost_pusd, row.baseline_client_pusd, row.baseline_no_cache_pusd) == (None, None, None)


def test_after_a_refusal_of_our_markers_the_original_is_what_is_reckoned() -> None:
    bench = Bench()
    raw = json.dumps(body(2)).encode()
    turn = bench.turns.begin(bench.inbound(raw))
    assert turn.edited
    turn.original()
    assert turn.plan == "safe; original"
    weighed = bench.judge.weigh(raw, scope="one", now=bench.now)
    turn.responding(200)
    bench.finish(turn, weighed.usage)
    cost, client, none = money(bench.ledger.rows[-1])
    assert cost == client == none


def test_a_minimum_higher_than_the_facts_say_is_learned() -> None:
    bench = Bench()
    for _ in range(2):
        bench.now += 5
        turn = bench.turns.begin(bench.inbound(json.dumps(body(0)).encode()))
        turn.responding(200)
        turn.finish(Outcome("ok", 200, None, Usage(3000, 0, 0, 0, 5), "exact", MODEL, None, None, 1.0, 1.0, 1))
    first, second = bench.ledger.rows
    assert "marks=0" not in first.plan and second.plan == "safe; marks=0"


def test_count_tokens_is_no_turn() -> None:
    bench = Bench()
    raw = json.dumps(body(1)).encode()
    turn = bench.turns.begin(replace(bench.inbound(raw), endpoint="count_tokens"))
    turn.responding(200)
    turn.finish(Outcome("ok", 200))
    assert turn.body == raw and not bench.ledger.rows and not bench.ledger.started


def test_a_turn_is_finished_once() -> None:
    bench = Bench()
    turn = bench.turns.begin(bench.inbound(json.dumps(body(1)).encode()))
    turn.finish(Outcome("cancelled"))
    turn.finish(Outcome("ok", 200))
    assert [row.status for row in bench.ledger.rows] == ["cancelled"]


def test_the_started_row_and_the_final_one_share_their_key() -> None:
    bench = Bench()
    row = bench.ask(body(1))
    started = bench.ledger.started[-1]
    assert (started.session, started.turn, started.status) == (row.session, row.turn, "started")


def test_the_unchanged_prefix_of_a_session_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.ask(body(20))
    read: list[int] = []
    original = blocks.read_block
    monkeypatch.setattr(blocks, "read_block", lambda *a: read.append(1) or original(*a))
    monkeypatch.setattr(bench.judge, "weigh", lambda *a, **k: None)
    bench.turns.begin(bench.inbound(json.dumps(body(21)).encode()))
    assert len(read) <= 3


def test_what_nobody_needs_any_more_is_forgotten_at_a_restart() -> None:
    bench = Bench()
    bench.ask(body(1))
    assert {kind for kind, _ in bench.ledger.kept} == {"session", "cache", "expected"}
    bench.now += 8 * 86400
    bench.restart()
    assert {kind for kind, _ in bench.ledger.kept} == {"expected"}, "habits are counts, and stay"


def test_a_mode_named_in_a_header_is_taken_only_if_it_is_one() -> None:
    bench = Bench()
    assert bench.ask(body(0), x_synrouter_mode="general").mode == "general"
    assert bench.ask(body(1), x_synrouter_mode="\x1b[2J").mode == "coding"


@pytest.mark.parametrize(("sent", "cost"), [(False, 0), (True, None)])
def test_without_an_answer_only_what_was_never_sent_is_known_to_cost_nothing(sent: bool, cost: int | None) -> None:
    bench = Bench()
    turn = bench.turns.begin(bench.inbound(json.dumps(body(1)).encode()))
    turn.finish(Outcome("error", None, "api_error", sent=sent))
    assert bench.ledger.rows[-1].cost_pusd == cost


@pytest.mark.parametrize(
    ("provider", "model", "level", "ttls"),
    [
        ("qwen", "qwen3-max", "safe", {"5m"}),
        ("minimax", "MiniMax-M2.5", "safe", {"5m"}),
        ("qwen", "qwen3-max", "observe", {"1h"}),
        ("anthropic", MODEL, "safe", {"1h"}),
    ],
)
def test_an_hour_goes_out_as_five_minutes_where_the_provider_knows_no_other(
    provider: str, model: str, level: str, ttls: set[str]
) -> None:
    hour = {"type": "ephemeral", "ttl": "1h"}
    made = {
        "model": model,
        "max_tokens": 100,
        "system": [{"type": "text", "text": "word " * 2_000, "cache_control": hour}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "word " * 900, "cache_control": hour}]}],
    }
    raw = json.dumps(made).encode()
    turn = Bench(level).turns.begin(
        Inbound("messages", provider, "anthropic", {"x-session-id": "s"}, "", raw, False, b"scope", "api")
    )
    sent = json.loads(turn.body)
    assert sent["system"][0]["cache_control"]["ttl"] in ttls
    assert sent["messages"][0]["content"][0]["cache_control"]["ttl"] in ttls
    assert turn.plan == ("observe" if level == "observe" else f"safe; marks=2; ttl={','.join(2 * sorted(ttls))}")
    assert (turn.body == raw) is (ttls == {"1h"})
