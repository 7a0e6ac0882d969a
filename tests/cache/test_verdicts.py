"""One verdict a turn: the table of rules, its order, and the tokens of a miss."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.verdicts import CODES, Facts, Outcome, classify
from synrouter_cli.prompt.changes import (
    CAUSES,
    Difference,
    Elsewhere,
    MessageChange,
    NamesChange,
    SystemChange,
    ToolsChange,
)

HIT = Facts(
    read=90_000, written=1_000, total=91_500, predicted=90_000, live=90_000, cached=90_000, gap_s=20.0, ttl_s=300.0
)
"""A turn of a long session as it should be."""
MISS = replace(HIT, read=0, written=91_000, predicted=0, live=0)
TOOLS = Difference(tools=ToolsChange(added=("mcp__db__query",), first=4, before=4, after=5))
SYSTEM = Difference(system=SystemChange(1, "changed", 800, 803))
MESSAGE = Difference(message=MessageChange(4, "changed", "user", 0, "text", 9, 8, 31, 33))
REWIND = Difference(message=MessageChange(4, "rewind", "user", 0, "text", 9, 8, 31, 5))
GONE_ELSEWHERE = Elsewhere(("anthropic", "openrouter"), ("claude-opus-4-8", "claude-opus-4.8"))
ANOTHER_KEY = Elsewhere(("anthropic", "anthropic"), ("claude-opus-4-8", "claude-opus-4-8"))
SWITCHED = Elsewhere(("anthropic", "anthropic"), ("claude-opus-4-8", "claude-haiku-4-5"))
MODEL = Difference(model=("claude-opus-4-8", "claude-haiku-4-5"))

TABLE: dict[str, tuple[Facts, str, int]] = {
    "as predicted": (HIT, "hit", 0),
    "as predicted, but for what estimates err": (replace(HIT, read=89_000), "hit", 0),
    "a changed system that stood behind the markers": (replace(HIT, difference=SYSTEM), "hit", 0),
    "after a rewind, all that was kept": (
        replace(HIT, read=20_000, total=21_000, predicted=20_000, shared=20_000, difference=REWIND),
        "hit",
        0,
    ),
    "after a rewind, what was kept is gone too": (
        replace(MISS, total=21_000, written=20_500, predicted=20_000, shared=20_000, difference=REWIND),
        "lost",
        20_000,
    ),
    "the session's first request": (Facts(read=0, written=9_000, total=9_100), "first", 0),
    "first request, head known of another session": (
        Facts(read=20_000, written=9_000, total=29_100, predicted=20_000, shared_read=20_000),
        "shared",
        0,
    ),
    "own entry and a little of another's": (replace(HIT, shared_read=4_000), "hit", 0),
    "after a turn that left nothing": (replace(MISS, cached=0), "first", 0),
    "a pause": (replace(MISS, gap_s=1400.0), "expired", 90_000),
    "a pause of a second less than the lifetime": (replace(MISS, gap_s=299.0, predicted=90_000), "expired", 90_000),
    "an hour's entry, a pause of minutes": (replace(MISS, gap_s=1400.0, ttl_s=3600.0), "lost", 90_000),
    "a pause that only the head outlived": (
        replace(HIT, read=30_000, predicted=30_000, gap_s=1400.0),
        "partial",
        60_000,
    ),
    "a pause and other tools": (replace(MISS, gap_s=1400.0, difference=TOOLS), "expired", 90_000),
    "a night after a restart": (replace(MISS, cached=None, gap_s=40_000.0, ttl_s=None), "expired", 0),
    "another tool": (replace(MISS, difference=TOOLS), "tools", 90_000),
    "another system": (replace(MISS, read=10_000, predicted=10_000, difference=SYSTEM), "system", 80_000),
    "another message": (replace(MISS, read=50_000, predicted=50_000, difference=MESSAGE), "message", 40_000),
    "a rewind that read nothing": (
        replace(MISS, total=21_000, shared=20_000, difference=REWIND),
        "message",
        20_000,
    ),
    "another model": (replace(MISS, difference=MODEL), "model", 90_000),
    "another provider": (replace(MISS, elsewhere=GONE_ELSEWHERE), "provider", 90_000),
    "another key": (replace(MISS, elsewhere=ANOTHER_KEY), "provider", 90_000),
    "another model, where nothing of it was known": (replace(MISS, elsewhere=SWITCHED), "model", 90_000),
    "another provider after a pause": (replace(MISS, gap_s=1400.0, elsewhere=GONE_ELSEWHERE), "provider", 90_000),
    "another provider, after one that caches by itself": (
        replace(MISS, cached=None, ttl_s=None, elsewhere=GONE_ELSEWHERE),
        "provider",
        0,
    ),
    "another provider, where another session wrote the head": (
        replace(MISS, read=20_000, predicted=20_000, shared_read=20_000, elsewhere=GONE_ELSEWHERE),
        "provider",
        70_000,
    ),
    "another provider that had read it all before": (
        replace(HIT, cached=None, ttl_s=None, shared_read=90_000, elsewhere=GONE_ELSEWHERE),
        "shared",
        0,
    ),
    "other betas": (replace(MISS, difference=Difference(betas=NamesChange(("x",)))), "betas", 90_000),
    "another effort": (
        replace(MISS, difference=Difference(settings=("output_config.effort",))),
        "settings",
        90_000,
    ),
    "a prompt too short": (
        Facts(read=0, written=0, total=900, marked_tokens=800, minimum=1024, gap_s=9.0),
        "minimum",
        0,
    ),
    "a prompt too short at first sight": (Facts(read=0, written=0, total=900, minimum=1024), "minimum", 0),
    "nothing marked": (Facts(read=0, written=0, total=400, marked=False, minimum=1024), "unmarked", 0),
    "gone before its time": (replace(MISS, predicted=90_000, live=90_000), "lost", 90_000),
    "some of it gone before its time": (replace(HIT, read=30_000), "lost", 60_000),
    "no marker reached the entry": (replace(MISS, live=90_000), "unmarked", 90_000),
    "a marker reached an earlier entry": (replace(HIT, read=30_000, predicted=30_000), "unmarked", 60_000),
    "an entry that was given up before": (
        replace(HIT, read=30_000, predicted=30_000, live=30_000),
        "partial",
        60_000,
    ),
    "a change behind all that was cached": (
        replace(MISS, read=30_000, predicted=30_000, live=90_000, shared=90_000, difference=MESSAGE),
        "unmarked",
        60_000,
    ),
    "another model though nothing was changed": (replace(MISS, shared=91_000, difference=MODEL), "model", 90_000),
    "more than anyone knew of": (replace(HIT, read=91_000, predicted=30_000, unexpected=True), "unexpected", 0),
}


@pytest.mark.parametrize(("facts", "code", "missed"), TABLE.values(), ids=TABLE)
def test_each_situation_has_its_verdict(facts: Facts, code: str, missed: int) -> None:
    outcome = classify(facts)
    assert (outcome.code, outcome.missed_tokens) == (code, missed)


def test_every_code_stands_in_the_table() -> None:
    assert {code for _, code, _ in TABLE.values()} == set(CODES)


@pytest.mark.parametrize(
    ("facts", "detail"),
    [
        (HIT, {}),
        (replace(HIT, difference=SYSTEM), {}),
        (replace(MISS, gap_s=1400.4), {"gap_s": 1400, "ttl_s": 300}),
        (replace(MISS, gap_s=1400.4, difference=TOOLS), {**TOOLS.to_detail(), "gap_s": 1400, "ttl_s": 300}),
        (replace(MISS, gap_s=1400.4, apart=True), {"gap_s": 1400, "ttl_s": 300, "apart": True}),
        (
            replace(MISS, elsewhere=GONE_ELSEWHERE),
            {"asked": {"provider": ["anthropic", "openrouter"], "model": ["claude-opus-4-8", "claude-opus-4.8"]}},
        ),
        (replace(MISS, elsewhere=SWITCHED), {"model": ["claude-opus-4-8", "claude-haiku-4-5"]}),
        (replace(MISS, difference=TOOLS), TOOLS.to_detail()),
        (replace(HIT, read=30_000), {"expected": 90_000}),
        (replace(HIT, read=30_000, predicted=30_000), {"out_of_reach": 90_000}),
        (Facts(read=0, written=0, total=900, marked_tokens=800, minimum=1024), {"tokens": 800, "minimum": 1024}),
    ],
)
def test_what_belongs_to_a_verdict_stands_in_its_detail(facts: Facts, detail: dict[str, Any]) -> None:
    assert classify(facts).detail == detail


def test_the_first_rule_that_fits_gives_the_verdict() -> None:
    everything = Difference(MODEL.model, NamesChange(("x",)), ("speed",), False, TOOLS.tools, SYSTEM.system)
    assert classify(replace(MISS, difference=everything)).code == "model"
    assert classify(replace(MISS, difference=everything, gap_s=301.0)).code == "expired"
    assert classify(replace(MISS, difference=replace(everything, model=None, betas=None))).code == "tools"
    reach = replace(MISS, difference=replace(everything, model=None, betas=None), settings_reach_head=True)
    assert classify(reach).code == "settings"


TOKENS = st.sampled_from([0, 1, 60, 900, 1024, 5_000, 90_000, 10**7])
SECONDS = st.none() | st.sampled_from([0.0, 20.0, 279.0, 281.0, 301.0, 3599.0, 10**6 + 0.5])
ANY = st.builds(
    Facts,
    read=TOKENS,
    written=TOKENS,
    total=TOKENS,
    predicted=TOKENS,
    unexpected=st.booleans(),
    live=TOKENS,
    shared_read=TOKENS,
    marked=st.booleans(),
    marked_tokens=st.none() | TOKENS,
    minimum=TOKENS,
    cached=st.none() | TOKENS,
    shared=st.none() | TOKENS,
    gap_s=SECONDS,
    ttl_s=SECONDS,
    difference=st.none() | st.sampled_from([Difference(), TOOLS, SYSTEM, MESSAGE, REWIND, MODEL]),
    settings_reach_head=st.booleans(),
)


@given(ANY)
def test_every_situation_has_a_known_verdict(facts: Facts) -> None:
    outcome = classify(facts)
    assert isinstance(outcome, Outcome)
    assert outcome.code in CODES
    assert len(json.dumps(dict(outcome.detail))) < 1600
    assert 0 <= outcome.missed_tokens <= facts.total
    if outcome.code in CAUSES:
        assert outcome.missed_tokens > 0
        assert facts.difference is not None
    if outcome.code == "hit":
        assert facts.read > 0
