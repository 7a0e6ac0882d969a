"""Where markers go, and that they are never worse than the client's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synrouter_cli.cache.lifetimes import Outlook, Rates
from synrouter_cli.cache.model import Marker, Rendered, Store, bill, look_up
from synrouter_cli.cache.planner import Plan, Situation, decide, repaired


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
