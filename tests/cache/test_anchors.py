"""Estimates are pinned to what the provider reported."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.anchors import MOST_ANCHORS, Anchors

KEYS = [b"a", b"b", b"c", b"d"]


def test_without_a_report_the_estimate_stands() -> None:
    assert list(Anchors().measure(KEYS, [10, 20, 30, 40])) == [10, 20, 30, 40]


def test_a_reported_prefix_is_exact_and_its_neighbours_are_stretched() -> None:
    anchors = Anchors()
    anchors.learn(b"b", 40)
    assert list(anchors.measure(KEYS, [10, 20, 30, 40])) == [20, 40, 50, 60]


def test_between_two_reports_the_estimate_is_shared_out() -> None:
    anchors = Anchors(known=[(b"a", 100), (b"c", 300)])
    assert list(anchors.measure(KEYS, [10, 15, 20, 30])) == [100, 200, 300, 310]


def test_a_report_that_contradicts_an_earlier_one_wins_by_its_place() -> None:
    anchors = Anchors(known=[(b"a", 100), (b"b", 90)])
    assert list(anchors.measure(KEYS, [10, 20, 30, 40]))[1] == 90


def test_the_rate_is_learned_from_the_growth_since_the_last_report() -> None:
    anchors = Anchors()
    anchors.calibrate(anchors.measure(KEYS, [0, 0, 0, 1000]), 1500)
    assert anchors.rate == 1.5
    anchors.learn(b"b", 1000)
    measured = anchors.measure(KEYS, [0, 500, 500, 1500])
    assert measured[-1] == 2500
    anchors.calibrate(measured, 3000)
    assert 1.5 < anchors.rate < 2.0, "later changes move it gently"


def test_a_small_change_teaches_nothing() -> None:
    anchors = Anchors()
    anchors.calibrate(anchors.measure(KEYS, [1, 2, 3, 4]), 400)
    assert anchors.rate == 1.0


def test_memory_is_bounded_and_the_oldest_report_goes_first() -> None:
    anchors = Anchors()
    for number in range(MOST_ANCHORS + 10):
        anchors.learn(b"%d" % number, number)
    assert len(anchors.items()) == MOST_ANCHORS
    assert anchors.exact(b"9") is None and anchors.exact(b"10") == 10


@given(
    st.lists(st.integers(0, 500), min_size=1, max_size=30),
    st.dictionaries(st.integers(0, 29), st.integers(1, 20_000), max_size=5),
    st.floats(0.3, 3),
)
def test_measured_prefixes_never_shrink(steps: list[int], known: dict[int, int], rate: float) -> None:
    estimates = [sum(steps[: i + 1]) for i in range(len(steps))]
    keys = [b"%d" % i for i in range(len(steps))]
    anchors = Anchors(rate, [(b"%d" % i, tokens) for i, tokens in known.items()])
    measured = list(anchors.measure(keys, estimates))
    assert measured == sorted(measured)
