"""The made mix: the same for a seed, with published gaps, and no constant lifetime wins on it."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from benchmarks import layouts, mix
from benchmarks.bodies import as_bytes
from synrouter_cli.cache.rules import violation
from synrouter_cli.prompt.segments import segment


def test_gaps_have_the_published_quantiles():
    random = Random(5)
    gaps = sorted(mix.gap(random) for _ in range(40_000))
    for share, seconds in mix.QUANTILES[1:4]:
        assert gaps[int(share * len(gaps))] == pytest.approx(seconds, rel=0.1)
    assert sum(gap > 3600 for gap in gaps) / len(gaps) == pytest.approx(0.0034, rel=0.2)


def test_each_kind_of_session_pauses_as_it_should():
    found = mix.sessions(3, 30)
    longest = dict.fromkeys(mix.SHARES, 0.0)
    for session in found:
        for (before, _), (after, _) in pairwise(session.requests):
            kind = mix.kind_of(session)
            longest[kind] = max(longest[kind], after - before)
    assert longest["paused"] > 1800
    assert longest["headless"] < 300 and longest["short"] < 300
    assert all(40 <= len(s.requests) <= 150 for s in found if mix.kind_of(s) == "headless")
    assert all(len(s.requests) <= 6 for s in found if mix.kind_of(s) == "short")


def test_another_seed_gives_other_sessions():
    assert mix.timeline(mix.sessions(1, 4)) != mix.timeline(mix.sessions(2, 4))


def test_sessions_only_grow_and_are_requests_that_the_provider_takes():
    session = next(s for s in mix.sessions(1, 6) if mix.kind_of(s) == "paused")
    last = None
    for _, body in session.requests:
        prompt = segment(as_bytes(layouts.laid_out(body, layouts.head_tail)), last)
        assert violation(prompt) is None
        assert last is None or prompt.keys[: len(last.keys)] == last.keys
        last = prompt


def test_an_hour_is_cheaper_for_paused_sessions_and_dearer_for_the_others():
    found = mix.sessions(1, 12)
    five, hour = (
        mix.by_kind(found, mix.constant(found, layout)) for layout in (layouts.head_tail, layouts.head_tail_1h)
    )
    assert hour["paused"] < five["paused"]
    assert hour["headless"] > five["headless"]
    assert hour["short"] > five["short"]
    assert five["all"] == five["paused"] + five["headless"] + five["short"]
