"""Where markers go, and that they are never worse than the client's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synrouter_cli.cache import lifetimes, planner
from synrouter_cli.cache.lifetimes import Outlook, Rates
from synrouter_cli.cache.model import Marker, Rendered, bill, look_up
from synrouter_cli.cache.planner import Plan, decide, repaired
from synrouter_cli.cache.scoring import Scoring, Situation
from synrouter_cli.cache.store import Store


@dataclass(frozen=True)
class Facts:
    minimum_tokens: int = 1024
    lookback_positions: int = 20


FACTS = Facts()
RATES = Rates()


def situation(blocks: int, client: dict[int, str] | None = None, store: Store | None = None, **more) -> Situation:
    """Three tools, two system blocks, the rest messages; a thousand tokens a block."""
    shape = Rendered([b"k%d" % i for i in range(blocks)], list(range(blocks)), (3, 5, blocks), (b"", b"", b""))
    return Situation(
        rendered=shape,
        client=tuple(Marker(p, t) for p, t in (client or {}).items()),
        markable=more.pop("markable", [True] * blocks),
        tokens=[1000 * (i + 1) for i in range(blocks)],
        store=store if store is not None else Store(),
        facts=more.pop("facts", FACTS),
        now=more.pop("now", 0.0),
        stable_end=more.pop("stable_end", blocks),
        **more,
    )


def commit(s: Situation, plan: Plan) -> None:
    s.store.begun(s.rendered, plan.found, s.now, s.tokens)


def places(plan: Plan) -> list[int]:
    return [marker.position for marker in plan.markers]


def test_a_first_request_is_marked_at_the_head_and_at_the_tail() -> None:
    assert places(decide(situation(10))) == [2, 4, 9]


def test_the_next_one_also_where_the_last_one_wrote() -> None:
    first = situation(10)
    commit(first, decide(first))
    assert places(decide(situation(12, store=first.store))) == [2, 4, 9, 11]


def test_any_number_of_new_blocks_still_hits() -> None:
    first = situation(10)
    commit(first, decide(first))
    plan = decide(situation(80, store=first.store))
    assert plan.found.hit == 9


def test_the_tail_is_never_a_block_that_may_not_be_marked() -> None:
    plan = decide(situation(10, markable=[True] * 8 + [False] * 2))
    assert places(plan)[-1] == 7


def test_the_tail_stands_before_what_will_not_last() -> None:
    assert places(decide(situation(10, stable_end=8)))[-1] == 7


def test_a_branch_point_gets_the_spare_marker_and_the_next_branch_reads_it() -> None:
    first = situation(10)
    commit(first, decide(first))
    plan = decide(branched(first, 30, "b"))
    assert places(plan) == [2, 4, 7, 29]
    assert price(bill(plan.found, first_tokens(30))) == price(
        bill(replace(plan.found, writes=plan.found.writes[-1:]), first_tokens(30))
    )
    commit(branched(first, 30, "b"), plan)
    assert decide(branched(first, 30, "c")).found.hit == 7


def branched(first: Situation, blocks: int, name: str) -> Situation:
    """A request that shares eight blocks with the first one and goes another way from there."""
    s = situation(blocks, store=first.store, branch=8)
    keys = [*s.rendered.keys[:8], *(f"{name}{i}".encode() for i in range(8, blocks))]
    return replace(s, rendered=replace(s.rendered, keys=keys))


def first_tokens(blocks: int) -> list[int]:
    return [1000 * (i + 1) for i in range(blocks)]


@pytest.mark.parametrize("client", [{}, {4: "5m"}, {2: "5m", 4: "5m", 8: "5m", 9: "5m"}])
def test_a_request_nobody_continues_gets_no_marker_of_ours(client: dict[int, str]) -> None:
    plan = decide(situation(10, client, outlook=Outlook(soon=0.0)))
    assert {m.position: m.ttl for m in plan.markers} == client


def test_a_prefix_under_the_minimum_is_not_marked() -> None:
    assert decide(situation(6, facts=Facts(minimum_tokens=7000))).markers == ()


def test_client_markers_that_serve_are_kept_as_they_are() -> None:
    client = {4: "5m", 9: "5m"}
    plan = decide(situation(10, client))
    assert {m.position: m.ttl for m in plan.markers}.items() >= client.items()


def test_four_useless_client_markers_are_taken_over() -> None:
    plan = decide(situation(40, {5: "5m", 6: "5m", 7: "5m", 8: "5m"}))
    assert plan.choice == "ours" and places(plan)[-1] == 39


def test_more_than_four_client_markers_become_four() -> None:
    plan = decide(situation(10, {3: "5m", 4: "5m", 7: "5m", 8: "5m", 9: "5m"}))
    assert len(plan.markers) <= 4


def test_fixed_markers_stay_and_use_their_slots() -> None:
    fixed = (Marker(4, "5m"),)
    plan = decide(situation(40, {4: "5m"}, fixed=fixed, fixed_slots=2))
    assert Marker(4, "5m") in plan.markers
    assert len(plan.markers) <= 3


@pytest.mark.parametrize(
    ("client", "ttls"),
    [
        ({}, {"5m"}),
        ({4: "1h", 9: "1h"}, {"1h"}),
    ],
)
def test_lifetimes_are_the_clients_or_5m(client: dict[int, str], ttls: set[str]) -> None:
    assert {m.ttl for m in decide(situation(10, client)).markers} == ttls


def test_an_hour_at_the_head_and_5m_at_the_tail_stay_in_order() -> None:
    plan = decide(situation(12, {4: "1h", 9: "5m"}))
    by_place = {m.position: m.ttl for m in plan.markers}
    assert by_place[4] == "1h" and by_place[11] == "5m" and by_place.get(2, "1h") == "1h"


def test_an_hour_after_5m_is_repaired() -> None:
    assert repaired([Marker(1, "5m"), Marker(2, "1h")]) == (Marker(1, "5m"), Marker(2, "5m"))
    assert repaired([Marker(2, "5m"), Marker(1, "1h")]) == (Marker(1, "1h"), Marker(2, "5m"))


def test_a_read_that_costs_less_than_a_tenth_is_weighed_at_its_own_price() -> None:
    cheap = decide(situation(10, rates=Rates(read=0.025)))
    assert places(cheap) == [2, 4, 9]


@st.composite
def steps(
    draw: st.DrawFn, gaps: tuple[float, ...] = (1.0, 30.0, 290.0, 400.0)
) -> list[tuple[int, float, dict[int, str]]]:
    blocks, now, result = 6, 0.0, []
    for _ in range(draw(st.integers(1, 10))):
        blocks += draw(st.integers(1, 40))
        now += draw(st.sampled_from(gaps))
        positions = draw(st.sets(st.integers(0, blocks - 1), max_size=4))
        result.append((blocks, now, dict.fromkeys(sorted(positions), "5m")))
    return result


@settings(max_examples=60)
@given(steps())
def test_plans_are_valid_and_append_only_sessions_always_hit(
    history: list[tuple[int, float, dict[int, str]]],
) -> None:
    store = Store()
    before: tuple[int, float] | None = None
    for blocks, now, client in history:
        s = situation(blocks, client, store, now=now)
        plan = decide(s)
        assert len(plan.markers) <= 4
        assert list(plan.markers) == sorted(plan.markers)
        assert repaired(plan.markers) == plan.markers
        if before is not None and now - before[1] < 300:
            assert plan.found.hit >= before[0], "the last request's tail is read"
        commit(s, plan)
        before = (plan.markers[-1].position, now)


@settings(max_examples=60)
@given(steps(gaps=(1.0, 30.0, 290.0)))
def test_over_a_session_without_pauses_ours_never_costs_more_than_the_clients_own(history) -> None:
    ours, theirs = Store(), Store()
    cost_ours = cost_theirs = 0.0
    for blocks, now, client in history:
        s = situation(blocks, client, ours, now=now)
        plan = decide(s)
        commit(s, plan)
        cost_ours += price(bill(plan.found, s.tokens))
        own = replace(s, store=theirs)
        found = look_up(own.rendered, own.client, theirs, FACTS, now=now, tokens=own.tokens)
        theirs.begun(own.rendered, found, now, own.tokens)
        cost_theirs += price(bill(found, own.tokens))
    # the last turn's write is for a turn that does not come
    last = history[-1][0] * 1000 * 0.25
    assert cost_ours <= cost_theirs + last


def price(split) -> float:
    return split.read * 0.1 + split.write_5m * 1.25 + split.write_1h * 2 + split.input


# ── lifetimes by expectation ──

LIKELY = Outlook(tail_pause=0.8, head_pause=0.8)
UNLIKELY = Outlook(tail_pause=0.05, head_pause=0.05)
SHARED_HEAD = Outlook(tail_pause=0.05, head_pause=0.9, shared=0.3)


def ttls(plan: Plan) -> dict[int, str]:
    return {marker.position: marker.ttl for marker in plan.markers}


def test_where_a_pause_is_likely_head_and_tail_are_for_an_hour() -> None:
    plan = decide(situation(10, outlook=LIKELY))
    assert ttls(plan) == {2: "1h", 4: "1h", 9: "1h"}
    assert plan.reason.endswith("; for an hour: a pause is likely (80%) before the session ends")


def test_where_it_is_not_both_are_for_five_minutes() -> None:
    plan = decide(situation(10, outlook=UNLIKELY))
    assert set(ttls(plan).values()) == {"5m"}
    assert plan.reason.endswith("; for 5 minutes: a pause is unlikely (5%)")


def test_a_head_that_others_come_back_to_is_for_an_hour_the_rest_for_five_minutes() -> None:
    plan = decide(situation(10, outlook=SHARED_HEAD))
    assert ttls(plan) == {2: "1h", 4: "1h", 9: "5m"}
    assert "; the head for an hour, the rest for 5 minutes: a pause is unlikely (5%)" in plan.reason


def test_over_a_live_hours_head_a_tail_for_five_minutes_is_legal() -> None:
    first = situation(10, outlook=SHARED_HEAD)
    commit(first, decide(first))
    plan = decide(situation(14, store=first.store, now=400.0, outlook=UNLIKELY))
    assert plan.found.hit == 4, "the tail for five minutes has expired, the head has not"
    assert ttls(plan) == {2: "1h", 4: "1h", 13: "5m"}


def test_over_a_live_prefix_of_five_minutes_no_hour_is_asked_for_until_a_pause_has_ended_it() -> None:
    first = situation(10, outlook=UNLIKELY)
    commit(first, decide(first))
    warm = decide(situation(12, store=first.store, now=100.0, outlook=LIKELY))
    assert set(ttls(warm).values()) == {"5m"} and warm.found.hit == 9
    assert warm.reason.endswith("; for 5 minutes, as what it stands on")
    cold = decide(situation(12, store=first.store, now=400.0, outlook=LIKELY))
    assert set(ttls(cold).values()) == {"1h"}


@pytest.mark.parametrize(
    ("more", "kept"),
    [({}, True), ({"sure": True}, False), ({"sure": True, "keep_hour": True}, True), ({"hours": False}, False)],
    ids=["little was seen", "enough was seen", "a subagent's", "where the provider gives five minutes"],
)
def test_an_hour_that_the_client_asks_for_is_kept_unless_enough_was_seen(more: dict[str, bool], kept: bool) -> None:
    plan = decide(situation(10, {4: "1h", 9: "1h"}, outlook=replace(UNLIKELY, **more)))
    assert set(ttls(plan).values()) == {"1h" if kept else "5m"}
    if kept:
        assert plan.reason.endswith("; for an hour, as the client asks")


def test_where_the_provider_keeps_nothing_for_an_hour_none_is_asked_for() -> None:
    nothing_kept = replace(LIKELY, hours=False)
    for client in ({}, {4: "1h", 9: "1h"}):
        assert set(ttls(decide(situation(10, client, outlook=nothing_kept))).values()) == {"5m"}


def test_before_an_hour_that_cannot_be_changed_all_is_for_an_hour() -> None:
    first = situation(10, outlook=UNLIKELY)
    commit(first, decide(first))
    fixed = (Marker(11, "1h"),)
    plan = decide(situation(12, {11: "1h"}, first.store, now=5.0, outlook=UNLIKELY, fixed=fixed, fixed_slots=1))
    assert Marker(11, "1h") in plan.markers and set(ttls(plan).values()) == {"1h"}
    assert plan.found.hit == 9


CHANCE = st.floats(0.0, 1.0)
OUTLOOKS = st.builds(
    Outlook,
    soon=st.sampled_from([0.2, 0.6, 0.95]),
    tail_pause=CHANCE,
    head_pause=CHANCE,
    shared=st.sampled_from([0.02, 0.3]),
    hours=st.booleans(),
    keep_hour=st.booleans(),
    sure=st.booleans(),
)
READS = st.sampled_from([0.025, 0.05, 0.1])


@settings(max_examples=80)
@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.sampled_from([5.0, 280.0, 400.0, 3500.0]), OUTLOOKS), min_size=2, max_size=12
    )
)
def test_what_is_warm_is_read_whatever_is_expected_now(turns) -> None:
    store, blocks, now = Store(), 6, 0.0
    for grown, gap_s, outlook in turns:
        blocks, now = blocks + grown, now + gap_s
        s = situation(blocks, store=store, now=now, outlook=outlook)
        live = store.live(s.rendered, now)
        plan = decide(s)
        assert plan.found.hit == (live[-1] if live else -1)
        commit(s, plan)
        assert all(store.entry(s.rendered, p).expires_at >= now + 300 for p in live), "and renewed"


@st.composite
def situations(draw: st.DrawFn, most: int = 40, client: bool = True) -> Situation:
    """A prompt over what one or two earlier ones left, with whatever markers a client may send."""
    store, blocks, now = Store(), draw(st.integers(6, 8)), 0.0
    for _ in range(draw(st.integers(0, 2))):
        before = situation(blocks, store=store, now=now, outlook=draw(OUTLOOKS))
        commit(before, decide(before))
        blocks = min(blocks + draw(st.integers(0, most)), most)
        now += draw(st.sampled_from([5.0, 400.0, 2000.0]))
    places = draw(st.sets(st.integers(0, blocks - 1), max_size=6)) if client else set()
    return situation(
        blocks,
        {place: draw(st.sampled_from(["5m", "1h"])) for place in sorted(places)},
        store,
        now=now,
        outlook=draw(OUTLOOKS),
        rates=Rates(read=draw(READS)),
        stable_end=blocks - draw(st.integers(0, 3)),
        branch=draw(st.integers(-1, blocks - 1)),
    )


@given(situations())
def test_every_plan_is_one_that_the_provider_takes(s: Situation) -> None:
    plan = decide(s)
    assert len(plan.markers) <= 4
    assert plan.markers == repaired(plan.markers), "in order, and never an hour after five minutes"
    assert all(s.markable[marker.position] for marker in plan.markers)
    assert plan == decide(s), "the same situation gives the same plan"


def every_plan(blocks: int) -> Iterator[tuple[Marker, ...]]:
    """All legal sets of at most four markers: so many for an hour, the rest for five minutes."""
    for count in range(5):
        for places in combinations(range(blocks), count):
            for long in range(count + 1):
                yield tuple(Marker(place, "1h" if i < long else "5m") for i, place in enumerate(places))


def lost_to_the_best(s: Situation) -> float:
    """What the chosen plan scores worse than the best of all, as a share of the prompt at the input price."""
    score = Scoring(s).score
    return (score(decide(s).markers) - min(map(score, every_plan(len(s.rendered.keys))))) / s.tokens[-1]


@settings(max_examples=15, deadline=None)
@given(situations(most=8, client=False))
def test_where_the_client_marks_nothing_no_plan_of_all_scores_better(s: Situation) -> None:
    assert lost_to_the_best(s) < 0.01


@settings(max_examples=15, deadline=None)
@given(situations(most=8))
def test_where_it_marks_no_more_is_lost_than_the_doubts_in_its_favour(s: Situation) -> None:
    assert lost_to_the_best(s) < lifetimes.DOUBT * 0.75 + planner.DOUBT * 2
