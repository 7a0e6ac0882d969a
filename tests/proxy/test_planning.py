"""From a request to its plan, through turns against the simulated provider's books."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.bench import FIVE, WORDS, Bench, body, hours, last_human, like_claude_code, long_body, results

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


@pytest.mark.parametrize("level", ["safe", "standard"])
def test_where_our_markers_are_refused_the_content_goes_out_as_it_was_edited_with_the_clients_own(level: str) -> None:
    bench = Bench(level)
    raw = json.dumps(long_body(1, None if level == "safe" else like_claude_code)).encode()
    turn = bench.begin(raw)
    assert turn.edited and b"cache_control" in turn.body
    if level == "safe":
        assert turn.fallback is None, "the original bytes"
        return
    assert turn.fallback is not None and results(turn.fallback) == results(turn.body) != results(raw)
    marked = [
        block for m in json.loads(turn.fallback)["messages"] for block in m["content"] if "cache_control" in block
    ]
    assert len(marked) == 1 and turn.fallback.count(b"cache_control") == raw.count(b"cache_control")


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


@pytest.mark.parametrize(
    ("at_home", "billing", "left_out"),
    [(True, "api", False), (False, "subscription", False), (True, "subscription", False), (False, "api", True)],
)
def test_the_billing_block_is_left_out_for_others_only(at_home: bool, billing: str, left_out: bool) -> None:
    bench = Bench()
    bench.at_home, bench.billing = at_home, billing
    bench.ask(billed(body(1)))
    assert (b"x-anthropic-billing-header" not in bench.sent[-1]) == left_out


def test_a_billing_block_that_changes_costs_another_upstream_nothing() -> None:
    bench = Bench()
    bench.at_home = False
    rows = [bench.ask(billed(body(rounds), f"c{rounds}")) for rounds in range(4)]
    assert all(row.verdict == "hit" for row in rows[1:])


# ── levels ──


def pinned(bench: Bench, rounds: int, level: str) -> None:
    """A session that began at one level and goes on at another."""
    for number in range(rounds):
        bench.ask(long_body(number))
    bench.restart(level)


@pytest.mark.parametrize("level", ["safe", "standard", "max"])
def test_another_level_changes_nothing_of_what_a_session_has_sent(level: str) -> None:
    bench, same = Bench("standard"), Bench("standard")
    pinned(bench, 4, level)
    pinned(same, 4, "standard")
    for rounds in (4, 5):
        row, twin = bench.ask(long_body(rounds)), same.ask(long_body(rounds))
        assert bench.sent[-1] == same.sent[-1]
        assert row.level == "standard" and row.usage == twin.usage and row.usage.cache_read_tokens > 0


def test_a_session_that_began_at_safe_stays_uncut_at_standard() -> None:
    bench = Bench("safe")
    pinned(bench, 2, "standard")
    bench.ask(long_body(3))
    assert results(bench.sent[-1]) == results(json.dumps(long_body(3)).encode())


@pytest.mark.parametrize("level", ["standard", "max"])
def test_while_the_daemon_observes_no_byte_of_any_session_changes(level: str) -> None:
    bench = Bench(level)
    pinned(bench, 3, "observe")
    for mark in (None, like_claude_code):
        raw = json.dumps(long_body(3, mark)).encode()
        row = bench.ask(raw)
        assert bench.sent[-1] == raw and row.plan == "observe"
    bench.restart(level)
    bench.ask(long_body(4))
    assert len(results(bench.sent[-1])[0]) < 40_000, "then the session goes on as it began"


def test_a_resumed_session_under_another_id_goes_on_as_it_was_sent() -> None:
    bench = Bench("standard")
    for rounds in range(4):
        bench.ask(long_body(rounds))
    before = results(bench.sent[-1])
    bench.restart("safe")
    row = bench.ask(long_body(4), x_claude_code_session_id="resumed")
    assert row.level == "standard" and results(bench.sent[-1])[:3] == before
    assert row.usage.cache_read_tokens > 0
    fresh = long_body(4)
    fresh["messages"][0]["content"][0]["text"] = "another task " + WORDS * 40
    assert bench.ask(fresh, x_claude_code_session_id="fresh").level == "safe"


# ── trimming ──


def test_a_long_result_is_cut_at_first_sight_and_never_again_otherwise() -> None:
    bench = Bench("standard")
    rows = [bench.ask(long_body(rounds)) for rounds in range(5)]
    first = [results(raw) for raw in bench.sent]
    assert len(first[1][0]) < 40_000 < len(long_body(1)["messages"][2]["content"][0]["content"])
    assert all(first[later][:earlier] == first[earlier] for earlier in range(5) for later in range(earlier, 5))
    assert all(row.verdict == "hit" for row in rows[1:])
    bench.restart()
    assert bench.ask(long_body(5)).verdict == "hit"
    assert results(bench.sent[-1])[:4] == first[4]
    rewound = bench.ask(long_body(2))
    assert results(bench.sent[-1]) == first[2] and rewound.usage.cache_read_tokens > 0
    bench.ask(long_body(3))
    assert results(bench.sent[-1]) == first[3]


def test_what_was_cut_is_counted_and_is_no_part_of_the_baselines() -> None:
    bench, cut_before = Bench("standard"), Bench("safe")
    for rounds in range(4):
        row = bench.ask(long_body(rounds, like_claude_code))
        content = json.loads(bench.sent[-1])
        for block in (block for message in content["messages"] for block in message["content"]):
            block.pop("cache_control", None)
        like_claude_code(content)
        for block in [*content["system"][:-1], *content["tools"]]:
            block.pop("cache_control", None)
        twin = cut_before.ask(content)
        assert row.baseline_no_cache_pusd == pytest.approx(twin.baseline_no_cache_pusd, rel=0.001)
        assert row.baseline_client_pusd == pytest.approx(twin.baseline_client_pusd, rel=0.005)
        assert (row.trimmed_tokens > 10_000 and row.trimmed_pusd > 0) == (rounds > 0)
        assert twin.trimmed_tokens == twin.trimmed_pusd == 0
    written, read = bench.ledger.rows[1], bench.ledger.rows[3]
    once = written.trimmed_pusd / written.trimmed_tokens
    assert once == pytest.approx(3 * 1.25 * 1e6, rel=0.01), "written once"
    share = read.trimmed_pusd / read.trimmed_tokens
    assert share == pytest.approx(3 * (2 * 0.1 + 1.25) / 3 * 1e6, rel=0.01), "two are read, one is written"


def test_the_clients_own_life_is_that_of_its_markers_on_what_is_sent() -> None:
    """A client that marks its last human message only, once through Synrouter and once on the edited content alone."""
    ours, alone = Bench("standard"), Bench("observe")
    for rounds in range(7):
        row = ours.ask(long_body(rounds, last_human))
        content = json.loads(ours.sent[-1])
        blocks = [block for message in content["messages"] for block in message["content"]]
        for block in [*blocks, *content["system"], *content["tools"]]:
            block.pop("cache_control", None)
        last_human(content)
        true = alone.ask(content, after=5.0)
        assert row.baseline_client_pusd == pytest.approx(true.cost_pusd, rel=0.005)


def test_no_content_is_edited_for_a_model_that_binds_thinking_to_what_stood_before() -> None:
    bench = Bench("max")
    bench.ask(long_body(2, model="claude-fable-5-2"))
    assert results(bench.sent[-1]) == results(json.dumps(long_body(2)).encode())
    bench.ask(long_body(2), x_claude_code_session_id="other")
    assert results(bench.sent[-1]) != results(json.dumps(long_body(2)).encode())


def test_a_servers_tools_that_flap_come_back_to_the_prefix_they_left() -> None:
    def tools(*names: str) -> list[dict[str, Any]]:
        return [{"name": n, "description": n + WORDS * 30, "input_schema": {"type": "object"}} for n in names]

    bench = Bench("max")
    both = bench.ask(body(1, tools=tools("mcp__a__x", "Bash", "mcp__b__y")))
    gone = bench.ask(body(2, tools=tools("Bash", "mcp__b__y")))
    back = bench.ask(body(3, tools=tools("mcp__b__y", "Bash", "mcp__a__x")))
    assert [tool["name"] for tool in json.loads(bench.sent[-1])["tools"]] == ["Bash", "mcp__a__x", "mcp__b__y"]
    assert gone.verdict == "tools" and back.usage.cache_read_tokens >= both.usage.cache_write_5m_tokens


# ── text that changes ──


def clocked(rounds: int, minute: int, text: str = "It is 12:{:02}:00.") -> dict[str, Any]:
    """Three system blocks, what changes in the second."""
    texts = ["Rules. " + WORDS * 80, text.format(minute), "More rules. " + WORDS * 60]
    return body(rounds, system=[{"type": "text", "text": text} for text in texts])


def test_markers_stand_before_a_clock_and_nothing_is_written_behind_it() -> None:
    bench = Bench()
    rows = [bench.ask(clocked(rounds, rounds)) for rounds in range(8)]
    assert all(row.usage.cache_read_tokens > 1000 for row in rows[2:])
    assert all(row.usage.cache_write_5m_tokens < 100 for row in rows[2:])
    best = Bench("observe")
    for rounds in range(8):
        made = clocked(rounds, rounds)
        made["system"][0]["cache_control"] = dict(FIVE)
        best.ask(made)
    costs = [sum(row.cost_pusd or 0 for row in one.ledger.rows[2:]) for one in (bench, best)]
    assert costs[0] <= 1.03 * costs[1], "as with a marker before the clock"


def test_a_text_that_changed_once_is_marked_through_again() -> None:
    bench = Bench()
    for rounds in range(3):
        bench.ask(clocked(rounds, 0, "The branch is main."))
    changed = bench.ask(clocked(3, 0, "The branch is fix."))
    assert changed.verdict == "system"
    following = bench.ask(clocked(4, 0, "The branch is fix."))
    assert following.verdict == "hit" and following.usage.cache_read_tokens > 5000


def test_a_date_that_changed_at_midnight_is_marked_through_again_soon() -> None:
    bench = Bench()
    for rounds, minute in enumerate([0, 0, 1, 1, 1, 1]):
        row = bench.ask(clocked(rounds, minute))
    assert row.verdict == "hit" and row.usage.cache_read_tokens > 6000


def test_openclaws_carrier_is_not_marked_in_the_very_first_request() -> None:
    carrier = {"type": "text", "text": "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>> step " + WORDS * 40}
    bench = Bench()
    made = body(0)
    made["messages"].append({"role": "user", "content": [carrier]})
    bench.ask(made)
    messages = json.loads(bench.sent[-1])["messages"]
    assert "cache_control" in messages[0]["content"][-1] and "cache_control" not in messages[1]["content"][-1]


def test_a_last_message_that_is_rewritten_each_time_is_not_marked_again() -> None:
    """Aider sends reminders in its last user message, and takes them out of the next request."""
    bench = Bench()
    messages: list[dict[str, Any]] = []
    for step in range(6):
        question = {"role": "user", "content": f"Question {step}. {WORDS * 30}"}
        asked = {"role": "user", "content": f"{question['content']} Reminder of the rules: {WORDS * 30}"}
        row = bench.ask(body(0, messages=[*messages, asked]))
        messages += [question, {"role": "assistant", "content": f"Answer {step}. {WORDS * 10}"}]
    last = json.loads(bench.sent[-1])["messages"][-1]
    assert isinstance(last["content"], str), "no marker"
    assert row.usage.cache_read_tokens > 0.6 * row.usage.prompt_tokens
