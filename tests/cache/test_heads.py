"""How a head is used by all the sessions that have it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.gaps import Seen
from synrouter_cli.cache.heads import MOST_HEADS, Head, Heads

KEY = b"head"


def used(*ats: float, begins: bool = False) -> Heads:
    heads = Heads()
    for at in ats:
        heads.used(KEY, at, begins=begins)
    return heads


def test_of_a_head_that_is_not_known_what_is_said_of_the_session_is_said() -> None:
    assert Heads().pause_first(KEY, 0.3) == pytest.approx(0.3)
    assert Heads().shared(KEY, usual=0.02) == 0.02


@pytest.mark.parametrize(
    ("ats", "way"),
    [((0.0, 900.0, 1800.0), "more"), ((0.0, 7200.0, 14400.0), "less"), ((0.0, 5.0, 10.0), "same")],
    ids=["pauses", "hours", "none"],
)
def test_its_own_pauses_move_what_is_expected_of_it(ats: tuple[float, ...], way: str) -> None:
    expected = used(*ats).pause_first(KEY, 0.3)
    assert {"more": expected > 0.5, "less": expected < 0.2, "same": expected == pytest.approx(0.3)}[way]


def test_a_head_with_which_sessions_keep_beginning_is_shared() -> None:
    often, never = used(*range(40), begins=True), used(*range(40))
    assert often.shared(KEY, 0.02) > 0.6
    assert never.shared(KEY, 0.3) < 0.15


def test_a_clock_that_goes_back_makes_no_gap() -> None:
    assert dict(used(100.0, 50.0).items())[KEY] == Head(50.0, Seen(1, 0, 0), 2)


def test_what_nobody_uses_any_more_is_forgotten_first() -> None:
    heads = Heads()
    for number in range(MOST_HEADS):
        heads.used(b"%d" % number, float(number), begins=True)
    heads.used(b"0", 100.0, begins=False)
    heads.used(b"new", 101.0, begins=True)
    kept = {key for key, _ in heads.items()}
    assert len(kept) == MOST_HEADS and b"0" in kept and b"1" not in kept


@given(st.lists(st.tuples(st.floats(0, 1e6), st.booleans())), st.floats(0, 1), st.floats(0, 1))
def test_what_is_expected_is_a_probability_and_is_kept(uses, session: float, usual: float) -> None:
    heads = Heads()
    for at, begins in uses:
        heads.used(KEY, at, begins=begins)
    again = Heads(heads.items())
    assert 0 <= heads.pause_first(KEY, session) == again.pause_first(KEY, session) <= 1
    assert 0 <= heads.shared(KEY, usual) == again.shared(KEY, usual) <= 1
