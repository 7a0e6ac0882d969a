"""How likely the next request comes soon, after a pause, later or never: what moves the expectation, and which way."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synrouter_cli.cache.gaps import AGES, HOUR, MOST_GAPS, NOTHING_SEEN, Habits, History, Seen

LOOP = (8.0, False)
BACK = (20.0, True)
PAUSE = (900.0, True)
LATER = (7200.0, True)

SECONDS = st.sampled_from([0.0, 8.0, 299.0, 300.0, 900.0, 3599.0, 3600.0, 20_000.0])
GAPS = st.lists(st.tuples(SECONDS, st.booleans()), max_size=30)
PAST = st.lists(st.tuples(GAPS, st.booleans()), max_size=12)


def learned(*sessions: list[tuple[float, bool]], times: int = 40) -> Habits:
    habits = Habits()
    for _ in range(times):
        for session in sessions:
            habits.learn(session)
    return habits


def expected(habits: Habits, *gaps: tuple[float, bool]) -> float:
    return habits.pause_first(History.of(gaps))


@given(PAST, GAPS)
def test_what_is_expected_is_a_probability_and_all_that_can_come_adds_up(past, gaps) -> None:
    habits = Habits()
    for session, open_end in past:
        habits.learn(session, open_end=open_end)
    history = History.of(gaps)
    coming = habits.next(history)
    parts = (coming.soon, coming.paused, coming.long, coming.never)
    assert all(0 <= part <= 1 for part in parts)
    assert sum(parts) == pytest.approx(1)
    assert 0 <= habits.pause_first(history) <= 1


@given(GAPS)
def test_a_history_has_one_request_more_than_gaps(gaps) -> None:
    history = History.of(gaps)
    assert history.requests == len(gaps) + 1
    assert history.returns.all == sum(returned for _, returned in gaps)


@pytest.mark.parametrize(
    ("gap_s", "seen"),
    [
        (0.0, Seen(1, 0, 0)),
        (299.9, Seen(1, 0, 0)),
        (300.0, Seen(1, 1, 0)),
        (3599.9, Seen(1, 1, 0)),
        (3600.0, Seen(1, 0, 1)),
    ],
)
def test_a_pause_lasts_from_five_minutes_to_less_than_an_hour(gap_s: float, seen: Seen) -> None:
    assert NOTHING_SEEN.after(gap_s) == seen


# ── a session's own past ──


def test_nothing_is_expected_of_a_fresh_install_but_a_little() -> None:
    assert expected(Habits()) < 0.4


@given(GAPS, st.integers(0, 30))
def test_a_pause_more_is_never_less_to_be_expected(gaps, at: int) -> None:
    with_pause, without = list(gaps), list(gaps)
    with_pause.insert(min(at, len(gaps)), PAUSE)
    without.insert(min(at, len(gaps)), BACK)
    assert expected(Habits(), *with_pause) > expected(Habits(), *without)


def test_each_pause_makes_the_next_likelier() -> None:
    chances = [expected(Habits(), *[LOOP, PAUSE] * pauses) for pauses in range(8)]
    assert all(before < after for before, after in pairwise(chances))
    assert chances[3] > 0.5


@pytest.mark.parametrize("loops", [1, 5, 20, 80])
def test_somebody_who_returned_makes_a_pause_likelier(loops: int) -> None:
    assert expected(Habits(), *[LOOP] * loops, BACK) > expected(Habits(), *[LOOP] * (loops + 1))


def test_a_loop_that_nobody_breaks_makes_a_pause_less_likely_in_the_end() -> None:
    chances = [expected(Habits(), *[LOOP] * loops) for loops in (32, 64, 128, 256, 512)]
    assert all(before > after for before, after in pairwise(chances))
    assert chances[-1] < expected(Habits()) / 2


@given(st.integers(0, 200))
def test_a_session_that_has_lived_longer_is_less_likely_to_end(loops: int) -> None:
    habits = Habits()
    one, next_ = (habits.next(History.of([LOOP] * n)) for n in (loops, loops + 1))
    assert next_.never <= one.never


# ── what other sessions taught ──

PAUSED = [LOOP, LOOP, PAUSE] * 6
HEADLESS = [LOOP] * 40
SHORT = [LOOP]
LEFT = [LOOP, LATER] * 5


@pytest.mark.parametrize(
    ("session", "low", "high"),
    [(PAUSED, 0.8, 1.0), (HEADLESS, 0.0, 0.05), (SHORT, 0.0, 0.1), (LEFT, 0.0, 0.15)],
    ids=["paused", "headless", "short", "left for hours"],
)
def test_habits_decide_what_a_new_session_is_expected_to_do(session, low: float, high: float) -> None:
    assert low <= expected(learned(session)) <= high


def test_sessions_that_end_soon_make_the_end_likely() -> None:
    assert learned(SHORT).next(History.of(SHORT)).never > 0.8
    assert learned(HEADLESS).next(History.of(SHORT)).never < 0.1


def test_of_paused_and_headless_sessions_in_turn_the_loop_tells_which_it_is() -> None:
    habits = learned(PAUSED, HEADLESS)
    assert expected(habits, *[LOOP] * 30) < expected(habits) < expected(habits, LOOP, LOOP, PAUSE)


def test_a_few_sessions_do_not_yet_decide() -> None:
    once, often = learned(PAUSED, times=1), learned(PAUSED, times=40)
    assert expected(Habits()) < expected(once) < expected(often)


def test_habits_are_known_well_after_many_gaps() -> None:
    assert not Habits().sure(History())
    assert learned(HEADLESS, times=5).sure(History())
    assert Habits().sure(History.of([LOOP] * 101))


@given(PAST)
def test_a_whole_session_teaches_what_its_steps_do(past) -> None:
    whole, steps = Habits(), Habits()
    for session, open_end in past:
        whole.learn(session, open_end=open_end)
        history = History()
        for gap_s, returned in session:
            steps.passed(history, gap_s, returned=returned)
            history = history.after(gap_s, returned=returned)
        steps.over(history, open_end=open_end)
    assert whole == steps


@given(PAST)
def test_counts_agree_with_each_other(past) -> None:
    habits = Habits()
    for session, open_end in past:
        habits.learn(session, open_end=open_end)
    assert sum(habits.ended) == len(past)
    assert sum(habits.requests) == sum(len(session) + 1 for session, _ in past)
    assert all(last <= all_ for last, all_ in zip(habits.ended, habits.requests, strict=True))
    assert habits.returns.all <= habits.attended_gaps <= habits.loops.all + habits.returns.all


def test_old_habits_fade_and_keep_their_shares() -> None:
    habits = learned(PAUSED, HEADLESS, times=MOST_GAPS // (len(PAUSED) + len(HEADLESS)))
    before = replace(habits, requests=list(habits.requests), ended=list(habits.ended))
    most = habits.loops.all + habits.returns.all
    while habits.loops.all + habits.returns.all >= most:
        most = habits.loops.all + habits.returns.all
        habits.learn(PAUSED)
    assert habits.loops.all + habits.returns.all == pytest.approx(MOST_GAPS / 2, rel=0.05)
    for gaps in ([], [LOOP] * 10, PAUSED):
        assert expected(habits, *gaps) == pytest.approx(expected(before, *gaps), abs=0.03)
        assert habits.next(History.of(gaps)).never == pytest.approx(before.next(History.of(gaps)).never, abs=0.03)


# ── by age ──


@pytest.mark.parametrize(
    ("requests", "age"), [(1, 0), (2, 1), (3, 1), (4, 2), (7, 2), (8, 3), (63, 5), (64, 6), (9999, 6)]
)
def test_requests_are_counted_by_how_many_the_session_has_had(requests: int, age: int) -> None:
    habits = Habits()
    habits.over(History(Seen(requests - 1)), open_end=False)
    assert habits.ended == [int(place == age) for place in range(len(AGES))]


# ── while nothing comes ──

WITHINS = st.floats(1.0, 20_000.0)
IDLES = st.floats(300.0, 70_000.0)


@settings(max_examples=200)
@given(PAST, GAPS, IDLES, WITHINS, WITHINS, st.booleans())
def test_the_longer_one_waits_for_it_the_likelier_it_comes(past, gaps, idle_s, one, other, open_end: bool) -> None:
    habits = Habits()
    for session, open_ in past:
        habits.learn(session, open_end=open_)
    history = History.of(gaps)
    short, long = (habits.returns_within(history, idle_s, within, open_end=open_end) for within in sorted((one, other)))
    assert 0 <= short <= long <= 1


@pytest.mark.parametrize("open_end", [False, True])
@pytest.mark.parametrize("gaps", [[], [LOOP] * 20, PAUSED])
def test_the_longer_nobody_came_the_less_likely_somebody_comes_now(gaps, open_end: bool) -> None:
    history, habits = History.of(gaps), Habits()
    chances = [
        habits.returns_within(history, idle, 280.0, open_end=open_end) for idle in (300.0, 900.0, HOUR, 20_000.0)
    ]
    assert all(before > after for before, after in pairwise(chances))
    assert habits.returns_within(history, 30 * 86_400.0, 280.0, open_end=open_end) < 1e-4


def test_a_tool_that_runs_is_waited_for_longer_than_somebody_who_never_returned() -> None:
    habits, alone = Habits(), History.of([LOOP] * 20)
    by_kind = [habits.returns_within(alone, 300.0, 3000.0, open_end=open_end) for open_end in (False, True)]
    assert by_kind[0] < by_kind[1]


def test_somebody_who_always_returned_after_a_pause_is_waited_for() -> None:
    assert learned(PAUSED).returns_within(History.of(PAUSED[:9]), 300.0, 3300.0, open_end=False) > 0.8
