"""Two misses in a row that are ours stop our edits; one, or one that is excused, does not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.breaker import Breaker, Evidence

OURS = Evidence(missed=True, gap_s=5.0)
HIT = Evidence(gap_s=5.0)
EXCUSES = {
    "a minute passed": replace(OURS, gap_s=60.0),
    "another request was under way": replace(OURS, overlapped=True),
    "a server tool ran": replace(OURS, server_tools=True),
    "model, betas or settings changed": replace(OURS, changed=True),
}


def after(*turns: Evidence) -> Breaker:
    breaker = Breaker()
    for turn in turns:
        breaker = breaker.after(turn)
    return breaker


def test_two_misses_in_a_row_trip_it() -> None:
    assert not after(OURS).tripped
    assert after(OURS, OURS).tripped


def test_a_hit_between_them_begins_anew() -> None:
    assert not after(OURS, HIT, OURS).tripped
    assert after(OURS, HIT, OURS, OURS).tripped


@pytest.mark.parametrize("excused", EXCUSES.values(), ids=EXCUSES)
def test_a_miss_that_something_else_explains_does_not_count(excused: Evidence) -> None:
    assert not excused.ours
    assert not after(*[excused] * 5).tripped
    assert not after(OURS, excused).tripped


@pytest.mark.parametrize("excused", EXCUSES.values(), ids=EXCUSES)
def test_nor_does_it_end_a_row_of_those_that_count(excused: Evidence) -> None:
    assert after(OURS, excused, OURS).tripped


EVIDENCE = st.builds(
    Evidence,
    missed=st.booleans(),
    gap_s=st.sampled_from([1.0, 59.9, 60.0, 400.0]),
    overlapped=st.booleans(),
    server_tools=st.booleans(),
    changed=st.booleans(),
)


@given(st.lists(EVIDENCE), st.lists(EVIDENCE))
def test_once_tripped_it_stays_so(before, later) -> None:
    tripped = after(*before, OURS, OURS)
    for turn in later:
        tripped = tripped.after(turn)
    assert tripped.tripped


@given(st.lists(EVIDENCE))
def test_it_trips_only_where_two_counted_without_a_hit_between(turns) -> None:
    counted = [turn.ours for turn in turns if turn.ours or not turn.missed]
    assert after(*turns).tripped == any(one and two for one, two in pairwise(counted))
