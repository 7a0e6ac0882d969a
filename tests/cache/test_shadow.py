"""A report against a prediction, and what it means for the client's own request."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from synrouter_cli.cache.anchors import Anchors
from synrouter_cli.cache.model import Found, Marker, Rendered
from synrouter_cli.cache.shadow import Reported, Verdict, judge, reread, same_bill


@dataclass(frozen=True)
class Facts:
    minimum_tokens: int = 0
    lookback_positions: int = 20


KEYS = [b"%d" % i for i in range(10)]
TOKENS = Anchors().measure(KEYS, [1000 * (i + 1) for i in range(10)])
SHAPE = Rendered(KEYS, list(range(10)), (1, 2, 10), (b"", b"", b""))
ENDS = [0, 1, 3, 5, 7, 9]

CASES = {
    "what was predicted": (7, [1, 7], 8000, Verdict(7, True)),
    "within the estimate's error": (7, [1, 7], 8100, Verdict(7, True)),
    "nothing predicted, nothing read": (-1, [], 0, Verdict(-1, True)),
    "all evicted": (7, [1, 7], 0, Verdict(-1, False, (1, 7))),
    "the tail evicted, the head still there": (7, [1, 7], 2000, Verdict(1, False, (7,))),
    "more than we know of": (-1, [], 4000, Verdict(3, False, unexpected=True)),
    "further than predicted": (1, [1], 8000, Verdict(7, False, unexpected=True)),
}


@pytest.mark.parametrize(("hit", "live", "read", "verdict"), CASES.values(), ids=CASES.keys())
def test_a_report_against_a_prediction(hit: int, live: list[int], read: int, verdict: Verdict) -> None:
    found = Found(hit, (), ())
    assert judge(found, live, TOKENS, Reported(read, 0, 10_000), ENDS) == verdict


def own(markers: list[Marker], live: list[int], verdict: Verdict) -> Found:
    return reread(SHAPE, markers, live, verdict, Facts(), TOKENS)


def test_an_eviction_of_a_shared_prefix_applies_to_the_client_too() -> None:
    found = own([Marker(9)], [1, 7], Verdict(-1, False, (1, 7)))
    assert found.hit == -1 and found.writes == (Marker(9),)


def test_an_entry_that_nobody_knew_of_is_read_by_the_client_too() -> None:
    assert own([Marker(9)], [], Verdict(5, False, unexpected=True)).hit == 5


def test_a_client_without_markers_reads_nothing_even_then() -> None:
    assert own([], [], Verdict(5, False, unexpected=True)).hit == -1


@pytest.mark.parametrize(
    ("ours", "theirs", "alike"),
    [
        ([Marker(9)], [Marker(9)], True),
        ([Marker(3), Marker(9)], [Marker(9)], True),
        ([Marker(9)], [Marker(8)], False),
        ([Marker(9, "1h")], [Marker(9)], False),
        ([Marker(4, "1h"), Marker(9)], [Marker(2, "1h"), Marker(4, "1h"), Marker(9)], True),
        ([], [], True),
    ],
)
def test_requests_are_billed_alike_where_their_segments_are(ours, theirs, alike: bool) -> None:
    nothing = Verdict(-1, True)
    assert same_bill(own(ours, [], nothing), own(theirs, [], nothing)) is alike
