"""From a request to its plan, through turns against the simulated provider's books."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.bench import FIVE, WORDS, Bench, body, hours, long_body, results

# ── what begins, and what goes on ──


def test_the_first_request_of_a_client_without_ids_begins_a_session() -> None:
    bench = Bench()
    bench.names = {}
    row = bench.ask(body(0))
    assert row.gap_s is None
    assert bench.session().gaps.requests == 1, "nothing came before it"
    head = bench.turns._planning.expectations.heads.items()[0][1]
    assert head.uses == 1
    assert bench.ask(body(1), after=7.0).gap_s == 7.0


def test_short_sessions_without_ids_teach_that_their_head_is_shared() -> None:
    bench = Bench()
    bench.names = {}
    for number in range(12):
        made = body(0)
        made["messages"][0]["content"][0]["text"] += str(number)
        bench.ask(made)
    expected = bench.turns._planning.expectations
    (key, head), *_ = expected.heads.items()
    assert head.begins == 11 and expected.heads.shared(key, 0.02) > 0.3


# ── failures of ours ──


def test_a_plan_that_fails_leaves_no_request_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.ask(body(0))
    with monkeypatch.context() as patch:
        patch.setattr("synrouter_cli.proxy.turns.marker_edits", lambda *_: 1 / 0)
        turn = bench.begin(body(1))
        assert "unplanned" in turn.plan
    assert all(session.in_flight == 0 for session in bench.turns._sessions)


# ── a policy is pinned ──


def test_a_policy_is_kept_though_the_daemon_ended_before_the_first_answer_did() -> None:
    bench = Bench("standard")
    first = bench.begin(long_body(1))
    bench.restart("safe")
    again = bench.begin(long_body(1))
    assert results(again.body) == results(first.body)


def test_what_was_cut_stays_cut_where_our_markers_were_refused() -> None:
    bench = Bench("standard")
    turn = bench.begin(long_body(1))
    assert turn.fallback is not None
    turn.original()
    turn.body = turn.fallback
    bench.answer(turn)
    following = results(bench.begin(long_body(2)).body)
    assert following[0] == results(turn.body)[0], "the history stays as it was sent"
    assert following[1] == long_body(2)["messages"][4]["content"][0]["content"], "nothing new is cut"


def test_after_a_refusal_what_is_predicted_is_what_the_clients_own_markers_meet() -> None:
    bench = Bench()
    bench.ask(body(1))
    turn = bench.begin(body(2))
    turn.original()
    turn.body = json.dumps(body(2)).encode()
    row = bench.answer(turn)
    assert row.predicted_read_tokens == 0 and row.verdict == "unmarked"


# ── fixed markers ──


def within_a_result(made: dict[str, Any]) -> None:
    """A marker inside of a tool's result, which is never moved."""
    text = {"type": "text", "text": WORDS * 20, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    made["messages"][-1]["content"][0]["content"] = [text]


@pytest.mark.parametrize("before", [None, within_a_result], ids=["behind five minutes", "behind an hour"])
def test_a_marker_that_cannot_be_moved_is_taken_by_the_provider_beside_ours(before) -> None:
    bench = Bench()
    for rounds in range(1, 4):
        bench.ask(body(rounds, before))
    row = bench.ask(body(4, within_a_result))  # raises where the provider refuses it
    assert row.usage.cache_read_tokens > 0


# ── what is kept for an hour ──


def test_five_minutes_reported_for_an_hour_are_what_is_planned_from_then_on() -> None:
    bench = Bench()
    bench.keeps_hours = False
    first = bench.ask(body(0, hours))
    assert "1h" in first.plan
    (pair,) = bench.turns._planning.pairs.values()
    assert not pair.hours
    assert all(place.expires_at() == bench.now + 300 for place in pair.sent.places()), "what was written is shortened"
    assert "1h" not in bench.ask(body(1, hours)).plan
    bench.restart()
    assert "1h" not in bench.ask(body(2, hours)).plan
    assert bench.ask(body(3, hours), after=400.0).usage.cache_read_tokens == 0


def test_a_head_that_was_read_where_an_hour_was_asked_for_says_nothing_of_hours() -> None:
    def head_only(made: dict[str, Any]) -> None:
        made["system"][-1]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
        made["messages"][-1]["content"][-1]["cache_control"] = dict(FIVE)

    other, bench = Bench(), Bench()
    other.ask(body(0, head_only))
    bench.judge = other.judge  # another machine of the same account wrote the head
    bench.now = other.now
    made = body(0, head_only)
    made["messages"][0]["content"][0]["text"] += "another question"
    row = bench.ask(made)
    assert row.usage.cache_read_tokens > 0 and row.usage.cache_write_1h_tokens == 0
    (pair,) = bench.turns._planning.pairs.values()
    assert pair.hours


def test_an_hour_that_the_client_asked_for_is_not_explained_by_a_pause() -> None:
    bench = Bench()
    reason = bench.ask(body(0, hours)).reason
    assert "likely" not in reason.replace("unlikely", "") and reason.endswith("; for an hour, as the client asks")


# ── a billing block ──


def billed(made: dict[str, Any], conversation: str = "a1") -> dict[str, Any]:
    line = {"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1; cch={conversation};"}
    made["system"] = [line, *made["system"]]
    return made


def test_a_billing_block_that_is_left_out_in_front_of_everything_counts_nothing() -> None:
    bench = Bench()
    bench.at_home = False
    made = billed(body(1))
    del made["tools"]
    made["system"][0]["cache_control"] = dict(FIVE)
    row = bench.ask(made, x_claude_code_agent_id="a1")
    assert b"billing" not in bench.sent[-1]
    assert row.baseline_client_pusd == row.baseline_no_cache_pusd, "a marker on nothing caches nothing"
