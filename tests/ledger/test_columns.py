"""A turn comes back from its row as it went in; what came from outside can't break a row."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.ledger.columns import COLUMNS, MAX_DETAIL, MAX_PUSD, MAX_TEXT, MAX_TOKENS, decode, encode
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.ledger.store import Store
from synrouter_cli.wire.usage import Usage


def fits(detail: str) -> bool:
    return len(detail) <= MAX_DETAIL


short = st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_TEXT)
count = st.integers(0, MAX_TOKENS)
money = st.none() | st.integers(0, MAX_PUSD)
usages = st.builds(
    Usage,
    input_tokens=count,
    cache_read_tokens=count,
    cache_write_5m_tokens=count,
    cache_write_1h_tokens=count,
    output_tokens=count,
    service_tier=st.none() | short,
    speed=st.none() | short,
    inference_geo=st.none() | short,
    server_tools=st.dictionaries(st.text(max_size=20), st.integers(0, 99), max_size=3),
    has_iterations=st.booleans(),
)
turns = st.builds(
    Turn,
    session=short,
    turn=st.integers(0, 2**40),
    started_at=st.floats(0, 4e9),
    usage=st.none() | usages,
    streamed=st.booleans(),
    planned=st.booleans(),
    client=short,
    reason=st.none() | short,
    cost_pusd=money,
    baseline_no_cache_pusd=money,
    baseline_client_pusd=money,
    ttfb_ms=st.none() | st.floats(0, 1e9),
    retry_of=st.none() | st.integers(0, 99),
    verdict=short,
    detail=st.none() | st.dictionaries(short, st.integers() | short, max_size=4).map(json.dumps).filter(fits),
    gap_s=st.none() | st.floats(0, 1e9),
    shared_read_tokens=count,
    missed_pusd=money,
    trimmed_pusd=st.integers(0, MAX_PUSD),
    predicted_write_tokens=st.none() | count,
)


def through_sqlite(turn: Turn) -> Turn:
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE TABLE turns ({', '.join(COLUMNS)})")
    db.execute(f"INSERT INTO turns VALUES ({', '.join('?' * len(COLUMNS))})", encode(turn))
    row = db.execute(f"SELECT {', '.join(COLUMNS)} FROM turns").fetchone()
    db.close()
    return decode(dict(zip(COLUMNS, row, strict=True)))


@given(turns)
def test_a_turn_comes_back_from_its_row_unchanged(turn):
    assert through_sqlite(turn) == turn


def test_the_table_has_a_column_for_every_field_and_no_other(ledger_file: Path):
    Store.open(ledger_file).close()
    db = sqlite3.connect(ledger_file)
    held = {row[1] for row in db.execute("PRAGMA table_info(turns)")}
    db.close()
    named = {field.name for part in (Turn, Usage) for field in fields(part)} - {"usage"}
    assert held == named == set(COLUMNS)


def test_no_column_can_hold_the_text_of_a_prompt(make_turn):
    prompt = "please refactor the parser " * 1000
    texts = {field.name: prompt for field in fields(Turn) if field.type in ("str", "str | None")}
    usage = replace(make_turn().usage, service_tier=prompt, speed=prompt, server_tools={prompt: 1})
    kept = encode(replace(make_turn(), **texts, usage=usage))
    assert max(len(cell) for cell in kept if isinstance(cell, str)) <= MAX_TEXT


@pytest.mark.parametrize(
    "usage",
    [Usage(input_tokens=-1), Usage(output_tokens=MAX_TOKENS + 1), Usage(cache_read_tokens=2**70)],
    ids=["negative", "too many", "beyond 64 bits"],
)
def test_a_usage_that_no_turn_can_have_is_unknown_and_so_is_the_money(make_turn, usage):
    turn = through_sqlite(make_turn(usage=usage))
    assert (turn.usage, turn.usage_quality, turn.cost_pusd, turn.baseline_client_pusd) == (
        None,
        "none",
        None,
        None,
    )


def test_money_that_rests_on_an_unknown_usage_is_unknown_or_nothing(make_turn):
    gone = {"shared_read_tokens": 5, "missed_pusd": 6, "trimmed_pusd": 7}
    turn = through_sqlite(make_turn(usage=Usage(input_tokens=-1), **gone))
    assert (turn.shared_read_tokens, turn.missed_pusd, turn.trimmed_pusd) == (0, None, 0)


@pytest.mark.parametrize("amount", [-1, 2**70])
def test_amounts_that_no_turn_can_have_are_unknown_or_nothing(make_turn, amount):
    turn = through_sqlite(make_turn(shared_read_tokens=amount, missed_pusd=amount, trimmed_pusd=amount))
    assert (turn.shared_read_tokens, turn.missed_pusd, turn.trimmed_pusd) == (0, None, 0)


@pytest.mark.parametrize(("names", "kept"), [(40, True), (400, False)])
def test_the_detail_of_a_verdict_is_kept_whole_or_not_at_all(make_turn, names, kept):
    detail = json.dumps({"tools": [f"tool_{n:04d}" for n in range(names)]})
    assert len(detail) > MAX_TEXT
    assert through_sqlite(make_turn(detail=detail)).detail == (detail if kept else None)


@pytest.mark.parametrize("cost", [-1, MAX_PUSD + 1, 2**70])
def test_money_that_no_turn_can_cost_is_unknown(make_turn, cost):
    assert through_sqlite(make_turn(cost_pusd=cost)).cost_pusd is None


def test_lone_surrogates_and_infinite_durations_are_replaced(make_turn):
    turn = through_sqlite(
        make_turn(model="m\ud800", detail='{"a": "\ud800"}', total_ms=float("inf"), ttfb_ms=float("nan"))
    )
    assert (turn.model, turn.total_ms, turn.ttfb_ms) == ("m?", None, None)
    assert json.loads(turn.detail) == {"a": "?"}


def test_many_server_tools_stay_valid_json(make_turn):
    usage = replace(make_turn().usage, server_tools={f"tool_{n:0100d}": n for n in range(500)})
    assert len(through_sqlite(make_turn(usage=usage)).usage.server_tools) > 0
