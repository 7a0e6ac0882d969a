"""The savings benchmark on made-up sessions: no policy costs less than the bounds, and known cases cost what they must."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import replay, savings, traces
from benchmarks.bound import Asked, Rates, every_block, one_lifetime
from benchmarks.policies import FIVE, HOUR, Outcome, Session, policies, total
from synrouter_cli.cache.model import FACTS, Marker, Rendered, Split, bill, look_up
from synrouter_cli.cache.store import Store

RATES = Rates(read=0.1, write_5m=1.25, write_1h=2.0, input=1.0)
MODEL = "claude-opus-4-8"


def asked(*times: float, tokens: int = 100) -> list[Asked]:
    """The same prompt again and again."""
    return [Asked(at, (b"a",), (tokens,)) for at in times]


@pytest.mark.parametrize("bound", [every_block, one_lifetime])
@pytest.mark.parametrize(
    ("times", "cost"),
    [
        ((0,), 100),  # nobody comes back: plain input
        ((0, 60), 125 + 10),
        ((0, 299.9), 125 + 10),
        ((0, 300), 200),  # gone: two inputs cost the same as an hour's write, and less than with a read
        ((0, 300, 600), 200 + 10 + 10),
        ((0, 60, 1000), 200 + 10 + 10),
        ((0, 60, 4000), 125 + 10 + 100),
        ((0, 5000, 10_000), 300),
        ((), 0),
    ],
)
def test_the_least_cost_of_one_prompt_is_known_for_simple_times(bound: Any, times: tuple[float, ...], cost: float):
    assert bound(asked(*times), RATES) == pytest.approx(cost)


def test_a_block_that_vanishes_is_not_worth_a_write():
    first = Asked(0.0, (b"a", b"ab"), (1000, 1500))
    then = Asked(10.0, (b"a", b"ac"), (1000, 1500))
    assert every_block([first, then], RATES) == pytest.approx(1250 + 500 + 100 + 500)
    # one lifetime for all that is marked: its last marker may stand before the block that vanishes, or after it
    assert 1250 + 100 + 500 <= one_lifetime([first, then], RATES) <= 1250 + 625 + 100 + 500


def test_a_mix_of_lifetimes_can_cost_less_than_one_at_a_time():
    head = [Asked(at, (b"h", b"h%d" % i), (1000, 3000)) for i, at in enumerate((0.0, 2000.0, 4000.0))]
    assert every_block(head, RATES) < one_lifetime(head, RATES)


# ── never above any policy ──

BLOCK = st.integers(50, 4000)
GAP = st.sampled_from([5.0, 40.0, 299.0, 301.0, 900.0, 3599.0, 3601.0])


@st.composite
def conversations(draw: st.DrawFn) -> list[Asked]:
    """Prompts that grow, are rewound, begin anew, after pauses of all kinds."""
    now, keys, tokens = 0.0, [b"head"], [draw(st.integers(500, 9000))]
    result = []
    for number in range(draw(st.integers(1, 9))):
        kept = draw(st.sampled_from([len(keys), len(keys), len(keys), max(1, len(keys) - 2), 1]))
        keys, tokens = keys[:kept], tokens[:kept]
        for part in range(draw(st.integers(1, 3))):
            keys = [*keys, b"%s/%d.%d" % (keys[-1], number, part)]
            tokens = [*tokens, tokens[-1] + draw(BLOCK)]
        result.append(Asked(now, tuple(keys), tuple(tokens)))
        now += draw(GAP)
    return result


def cost_of(requests: list[Asked], markers: list[list[Marker]]) -> float:
    """What the cache model bills for these markers."""
    store, cost = Store(), 0.0
    for request, chosen in zip(requests, markers, strict=True):
        size = len(request.keys)
        shape = Rendered(list(request.keys), list(range(size)), (0, 1, size), (b"", b"", b""))
        found = look_up(shape, chosen, store, FACTS, now=request.at, tokens=request.tokens)
        store.begun(shape, found, request.at, request.tokens)
        split = bill(found, request.tokens)
        cost += split.read * RATES.read + split.write_5m * RATES.write_5m
        cost += split.write_1h * RATES.write_1h + split.input * RATES.input
    return cost


@settings(max_examples=150)
@given(st.data())
def test_no_placement_of_markers_with_one_lifetime_costs_less(data: st.DataObject):
    requests = data.draw(conversations())
    ttl = data.draw(st.sampled_from(["5m", "1h"]))
    markers = [
        [Marker(at, ttl) for at in data.draw(st.sets(st.integers(0, len(request.keys) - 1), max_size=4))]
        for request in requests
    ]
    cost = cost_of(requests, markers)
    least, single = every_block(requests, RATES), one_lifetime(requests, RATES)
    assert least <= single + 1e-6
    assert single <= cost + 1e-6


@settings(max_examples=150)
@given(st.data())
def test_no_head_of_an_hour_with_a_tail_of_five_minutes_costs_less(data: st.DataObject):
    requests = data.draw(conversations())
    markers = [
        [Marker(0, "1h"), *(Marker(at, "5m") for at in data.draw(st.sets(st.integers(1, len(r.keys) - 1), max_size=3)))]
        for r in requests
    ]
    assert every_block(requests, RATES) <= cost_of(requests, markers) + 1e-6


# ── the benchmark itself ──


def line(at: float, role: str, text: str, **more: Any) -> str:
    moment = datetime.fromtimestamp(1.75e9 + at, UTC).isoformat()
    return json.dumps({"t": moment, "role": role, "content": [{"type": "text", "text": text}], **more})


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A folder with one recorded session: five prompts, a pause of 7 minutes, a rewind."""
    rows = [json.dumps({"session": "made-up", "client": "somebody"})]
    for number, at in enumerate((0, 40, 80, 500, 530)):
        more = {"rewind_to": 4} if number == 4 else {}
        rows.append(line(at, "user", f"Do {number}. " * 400, human=True, **more))
        rows.append(line(at + 20, "assistant", f"Done {number}. " * 200, usage={"output_tokens": 600}))
    (tmp_path / "made-up.jsonl").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_no_policy_costs_less_than_the_bounds(recorded: Path):
    session = Session.of(traces.load(recorded / "made-up.jsonl"), MODEL)
    found = {name: policy(session) for name, policy in policies().items()}
    for name, outcome in found.items():
        if not outcome.pings:  # the bounds know of none
            assert found["bound"].usd <= found["one lifetime"].usd <= outcome.usd or name == "bound", name
    assert any(outcome.pings for outcome in found.values())
    assert found["synrouter observe"] == found["none"]
    assert found["synrouter safe"].usd < found["none"].usd


def test_output_is_part_of_every_cost(recorded: Path):
    session = Session.of(traces.load(recorded / "made-up.jsonl"), MODEL)
    assert session.output_tokens == 5 * 600
    assert float(session.output_usd) == pytest.approx(3000 * 25 / 1e6)
    prompts = sum(request.tokens[-1] for request in session.asked)
    assert float(policies()["none"](session).usd) == pytest.approx(prompts * 5 / 1e6 + 3000 * 25 / 1e6)


def test_what_a_client_marks_is_what_synrouter_gets_to_see(recorded: Path):
    session = Session.of(traces.load(recorded / "made-up.jsonl"), MODEL)
    chosen = policies(["observe"], "head + tail")
    assert chosen["synrouter observe (head + tail)"](session) == chosen["head + tail, 5m"](session)


def test_the_report_has_every_policy_of_every_session(recorded: Path, capsys: pytest.CaptureFixture[str]):
    assert savings.main(["--traces", str(recorded), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["sessions"]["made-up"]) == set(report["all"]) == set(policies())
    assert report["all"]["none"]["saved"] == 0 and report["all"]["none"]["hit_rate"] == 0
    assert 0 < report["all"]["head + tail, 5m"]["saved"] <= report["all"]["bound"]["saved"] < 1
    assert report["all"]["bound"]["hit_rate"] is None


def test_the_tables_name_policies_and_sessions(recorded: Path, capsys: pytest.CaptureFixture[str]):
    assert savings.main(["--traces", str(recorded), "--only", "made", "--level", "safe", "--most", "2"]) == 0
    out = capsys.readouterr().out
    for word in ("made-up", "head + tail, 1h", "synrouter safe", "one lifetime", "of the bound"):
        assert word in out
    assert "observe" not in out


def test_the_mix_is_reported_by_kind_at_each_price(capsys: pytest.CaptureFixture[str]):
    models = ("claude-opus-4-8", "claude-haiku-4-5")
    options = ["--mix", "--count", "5", "--most", "3", *(word for model in models for word in ("--model", model))]
    assert savings.main([*options, "--json"]) == 0
    dear, cheap = json.loads(capsys.readouterr().out)
    assert (dear["model"], cheap["model"]) == models
    assert set(dear["kinds"]) == {"paused", "headless", "short"}
    for policy, found in dear["all"].items():
        assert found["cost_usd"] == pytest.approx(sum(kind[policy]["cost_usd"] for kind in dear["kinds"].values()))
        assert cheap["all"][policy]["cost_usd"] < found["cost_usd"] or policy == "none"
    assert savings.main([*options, "--only", "paused", "--level", "safe"]) == 0
    out = capsys.readouterr().out
    assert "claude-haiku-4-5" in out and "paused" in out and "headless" not in out


def test_behind_is_measured_against_the_better_constant():
    found = {"none": Outcome(Decimal(100)), FIVE: Outcome(Decimal(20)), HOUR: Outcome(Decimal(14))}
    assert [savings.behind(outcome, found) for outcome in found.values()] == [86, 6, 0]


def test_keep_warm_is_a_row_whose_pings_are_charged(recorded: Path):
    session = Session.of(traces.load(recorded / "made-up.jsonl"), MODEL)
    found = {name: policy(session) for name, policy in policies(["safe"]).items()}
    kept, alone = found["synrouter safe, keep-warm"], found["synrouter safe, learned"]
    assert kept.pings > 0 == alone.pings
    assert (kept.prompt or 0) > (alone.prompt or 0)


def test_a_recording_that_stops_while_a_tool_runs_says_so(recorded: Path):
    trace = traces.load(recorded / "made-up.jsonl")
    assert (trace.last_stop, Session.of(trace, MODEL).last_stop) == ("end_turn", "end_turn")
    trace.messages[-1]["content"].append({"type": "tool_use", "id": "t", "name": "Bash", "input": {}})
    assert Session.of(trace, MODEL).last_stop == "tool_use"
    assert Session.of(trace, MODEL, most=2).last_stop == "end_turn"


def test_a_folder_without_sessions_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert savings.main(["--traces", str(tmp_path)]) == 2
    assert "no recorded session in" in capsys.readouterr().err


def test_outcomes_add_up_and_a_rate_is_known_only_where_all_are():
    one, other = Outcome(Decimal(1), 90, 100), Outcome(Decimal(2), 0, 100)
    assert total([one, other]) == Outcome(Decimal(3), 90, 200)
    assert total([one, other]).hit_rate == 0.45
    assert total([one, Outcome(Decimal(2))]).hit_rate is None


def test_the_price_of_an_answer_is_added_to_that_of_its_prompt():
    alone = replay.price_of(Split(input=1000), MODEL)
    assert replay.price_of(Split(input=1000), MODEL, 100) - alone == replay.price_of(Split(), MODEL, 100) > 0
