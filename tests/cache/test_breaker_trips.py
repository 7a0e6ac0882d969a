"""The breaker: which rows of turns trip it, and what each trip ends."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.breaker import MOST_GAP_S, Breaker, Evidence

FINE = Evidence()
MISS = Evidence(missed=True, gap_s=5.0)
REWRITTEN = Evidence(rewritten=True, gap_s=5000.0)
EXCUSED = (
    Evidence(missed=True, gap_s=MOST_GAP_S),
    Evidence(missed=True, overlapped=True),
    Evidence(missed=True, server_tools=True),
    Evidence(missed=True, changed=True),
)


def after(turns: Sequence[Evidence]) -> Breaker:
    breaker = Breaker()
    for turn in turns:
        breaker = breaker.after(turn)
    return breaker


@pytest.mark.parametrize(
    ("turns", "tripped", "unsteady"),
    [
        ([MISS], False, False),
        ([MISS, FINE, MISS], False, False),
        ([MISS, MISS], True, False),
        ([MISS, MISS, FINE, FINE], True, False),
        ([REWRITTEN], False, False),
        ([REWRITTEN, REWRITTEN], False, True),
        ([MISS, REWRITTEN], False, True),
        ([REWRITTEN, REWRITTEN, FINE, MISS], False, True),
        ([REWRITTEN, REWRITTEN, MISS, MISS], True, True),
        *(([MISS, excused, MISS], True, False) for excused in EXCUSED),
        *(([excused] * 5, False, False) for excused in EXCUSED),
    ],
)
def test_two_misses_in_a_row_that_nothing_excuses_trip_it(turns, tripped, unsteady) -> None:
    breaker = after(turns)
    assert (breaker.tripped, breaker.unsteady) == (tripped, unsteady)


@given(st.lists(st.sampled_from([FINE, MISS, REWRITTEN, *EXCUSED])), st.sampled_from([FINE, MISS, REWRITTEN, *EXCUSED]))
def test_what_has_tripped_stays_so(turns: list[Evidence], one_more: Evidence) -> None:
    before, later = after(turns), after([*turns, one_more])
    assert later.tripped >= before.tripped and later.unsteady >= before.unsteady
