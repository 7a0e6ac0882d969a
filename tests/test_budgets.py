"""What was spent against its limits: what stops, what warns, and how it reads."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.budgets import Spent, judge, left
from synrouter_cli.meter import to_pico
from synrouter_cli.own_providers import BudgetLimits

DOLLAR = 10**12
BOTH = BudgetLimits(daily_usd=Decimal(10), session_usd=Decimal(1))
MONEY = st.decimals("0.000001", "1000", places=6)
PUSD = st.integers(0, 2000 * DOLLAR)


@pytest.mark.parametrize(
    ("day", "session", "limits", "stop", "near"),
    [
        (0, 0, BudgetLimits(), None, []),
        (10**15, 10**15, BudgetLimits(), None, []),
        (799 * DOLLAR // 100, 0, BOTH, None, []),
        (8 * DOLLAR, 0, BOTH, None, ["daily_usd"]),
        (10 * DOLLAR - 1, 0, BOTH, None, ["daily_usd"]),
        (10 * DOLLAR, 0, BOTH, "daily_usd", ["daily_usd"]),
        (3 * DOLLAR, DOLLAR, BOTH, "session_usd", ["session_usd"]),
        (12 * DOLLAR, DOLLAR, BOTH, "daily_usd", ["daily_usd", "session_usd"]),
        (12 * DOLLAR, 0, BudgetLimits(session_usd=Decimal(1)), None, []),
    ],
)
def test_a_limit_stops_what_reaches_it_and_warns_from_80_percent_on(day, session, limits, stop, near):
    verdict = judge(Spent(day), Spent(session), limits)
    assert (verdict.stop.limit if verdict.stop else None) == stop
    assert [standing.limit for standing in verdict.near] == near


@given(PUSD, PUSD, st.none() | MONEY, st.none() | MONEY)
def test_nothing_is_left_exactly_where_something_stops(day, session, daily_usd, session_usd):
    limits = BudgetLimits(daily_usd, session_usd)
    rest = left(Spent(day), Spent(session), limits)
    assert (rest is None) == (limits == BudgetLimits())
    assert (rest == 0) == (judge(Spent(day), Spent(session), limits).stop is not None)


@given(MONEY, PUSD, st.integers(0, 9999))
def test_a_warning_fits_into_a_header_and_never_shows_more_than_was_spent(allowed, spent, unpriced):
    for standing in judge(Spent(spent, unpriced), Spent(), BudgetLimits(allowed)).near:
        assert standing.text.isascii() and standing.text.isprintable()
        shown = Decimal(standing.amounts.split()[0].removeprefix("$").replace(",", ""))
        assert to_pico(shown) <= spent


def test_a_refusal_says_which_limit_how_much_was_spent_and_how_to_raise_it():
    stop = judge(Spent(10_021 * DOLLAR // 1000, 2), Spent(), BudgetLimits(daily_usd=Decimal(10))).stop
    assert stop is not None
    assert str(stop.error()) == (
        "The daily budget is used up: $10.02 of $10.00 spent today (UTC) (2 turns without a known price not counted). "
        "This request was not sent. "
        "Next: raise it in config.toml, [budget] daily_usd = 20, then: synrouter down && synrouter up"
    )
    assert (stop.error().http_status, stop.error().type) == (402, "billing_error")


def test_a_sessions_limit_speaks_of_the_session():
    verdict = judge(Spent(), Spent(DOLLAR // 2), BudgetLimits(session_usd=Decimal("0.5")))
    assert verdict.warnings == ("session budget: $0.5000 of $0.5000 spent by this session, 100%",)
