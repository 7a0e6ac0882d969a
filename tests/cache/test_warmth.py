"""The decision on a keep-warm ping: when it is due, from which chance on it pays, what ends it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.gaps import Habits, History
from synrouter_cli.cache.lifetimes import Rates
from synrouter_cli.cache.warmth import break_even, due_at, return_in_time, weigh, went_well

USUAL = Rates()


@pytest.mark.parametrize(
    ("read", "pays_from"),
    [(0.1, 0.087), (0.05, 0.042), (0.025, 0.020), (0.7, 1.0), (1.25, 1.0), (2.0, 1.0)],
)
def test_a_ping_pays_from_r_over_w_minus_r_at_the_models_own_prices(read: float, pays_from: float) -> None:
    assert break_even(Rates(read=read)) == pytest.approx(pays_from, abs=0.0006)


def test_an_hours_entry_is_weighed_by_the_cheaper_rewrite() -> None:
    assert break_even(Rates(write_1h=2.0)) == break_even(Rates(write_1h=9.0))


@pytest.mark.parametrize(("ttl_s", "due"), [(300.0, 980.0), (3600.0, 955.0)])
def test_it_is_due_shortly_before_the_entry_expires(ttl_s: float, due: float) -> None:
    assert due_at(1000.0, ttl_s) == due


@pytest.mark.parametrize(
    ("chance", "cost", "left", "ping", "reason"),
    [
        (0.5, 10, 10, True, "P 50.0%"),
        (0.087, 10, 10, True, "P 8.7%"),
        (0.0869, 10, 10, False, "P 8.7%, it pays from 8.7%"),
        (0.0, 0, 10, False, "P 0.0%"),
        (0.5, 11, 10, False, "budget"),
        (0.5, 1, 0, False, "budget"),
    ],
)
def test_it_is_sent_while_it_pays_and_the_budget_lasts(
    chance: float, cost: int, left: int, ping: bool, reason: str
) -> None:
    worth = weigh(chance, USUAL, cost_pusd=cost, left_pusd=left)
    assert (worth.ping, reason in worth.reason) == (ping, True), worth


@pytest.mark.parametrize(
    ("ok", "read", "written", "goes_on"),
    [
        (True, 9000, 0, True),
        (True, 9000, 9000, True),
        (True, 9000, 9001, False),
        (True, 0, 9000, False),
        (True, 0, 0, False),
        (False, 9000, 0, False),
    ],
)
def test_one_that_writes_more_than_it_reads_or_fails_is_the_last(ok: bool, read: int, written: int, goes_on: bool):
    assert went_well(ok=ok, read_tokens=read, written_tokens=written) is goes_on


# ── the chance of a return in time ──

LUNCHES = History.of([(8.0, False), (5000.0, True)] * 12)


def learned(histories: int) -> Habits:
    habits = Habits()
    for _ in range(histories):
        habits.learn([(8.0, False), (5000.0, True)] * 6)
    return habits


def chance(habits: Habits, history: History, idle_s: float, *, ttl_s: float = 3600.0, open_end: bool = False) -> float:
    return return_in_time(habits, history, idle_s=idle_s, left_s=45.0, ttl_s=ttl_s, open_end=open_end)


def test_who_always_comes_back_after_lunch_is_waited_for() -> None:
    assert chance(learned(9), LUNCHES, 3555.0) > 4 * break_even(USUAL) > chance(Habits(), History(), 3555.0)


def test_a_session_that_nobody_returns_to_is_not_kept_for_ever() -> None:
    """However long pauses used to be: at some hour of silence no ping pays any more, and none does after that."""
    silence = [3555.0 + 3555.0 * pings for pings in range(60)]
    for open_end in (False, True):
        chances = [chance(learned(9), LUNCHES, idle, open_end=open_end) for idle in silence]
        pays = [found > break_even(USUAL) for found in chances]
        assert not any(pays[24:])
        assert pays == sorted(pays, reverse=True)


def test_a_return_that_needs_no_ping_is_none_of_its_doing() -> None:
    habits = learned(9)
    everything = habits.returns_within(LUNCHES, 3555.0, 3600.0, open_end=False)
    assert return_in_time(habits, LUNCHES, idle_s=3555.0, left_s=3600.0, ttl_s=3600.0, open_end=False) == 0.0
    assert chance(habits, LUNCHES, 3555.0) < everything


GAPS = st.lists(st.tuples(st.floats(1, 40_000), st.booleans()), max_size=12)


@given(st.lists(GAPS, max_size=4), GAPS, st.floats(280, 90_000), st.floats(1, 3600), st.floats(0, 45), st.booleans())
def test_it_is_a_probability_that_grows_with_the_lifetime(
    past: list[list[tuple[float, bool]]],
    gaps: list[tuple[float, bool]],
    idle_s: float,
    ttl_s: float,
    left_s: float,
    open_end: bool,
) -> None:
    habits, history = Habits(), History.of(gaps)
    for one in past:
        habits.learn(one)
    some, more = (
        return_in_time(habits, history, idle_s=idle_s, left_s=left_s, ttl_s=left_s + length, open_end=open_end)
        for length in (ttl_s, 2 * ttl_s)
    )
    assert 0.0 <= some <= more + 1e-12 <= 1.0 + 1e-9
