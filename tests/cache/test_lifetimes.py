"""When an hour pays, at each model's own prices, and what becomes of the lifetime that a client chose."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.lifetimes import Lifetimes, Outlook, Rates, chosen, worth_of_an_hour
from synrouter_cli.proxy.planning import rates

CHANCES = st.floats(0.0, 1.0)
RATES = st.builds(Rates, read=st.sampled_from([0.025, 0.05, 0.1]))
OWN = st.sampled_from(
    [None, Lifetimes("5m", "5m"), Lifetimes("1h", "5m"), Lifetimes("1h", "1h")],
)


def outlook(tail: float = 0.0, head: float | None = None, **more: bool) -> Outlook:
    return Outlook(tail_pause=tail, head_pause=tail if head is None else head, **more)


@pytest.mark.parametrize(
    ("model", "threshold"),
    [
        # p × (2 − r) = 0.75 or p ÷ (1 − p) × (1.25 − r) = 0.75, whichever is higher
        ("claude-opus-4-8", 0.3948),
        ("claude-opus-5-5", 0.3847),
        ("claude-fable-5-2", 0.3798),
        ("claude-sonnet-5-5", 0.3847),
        ("claude-haiku-4-5", 0.3948),
    ],
)
def test_an_hour_is_chosen_from_the_chance_on_at_which_it_pays(model: str, threshold: float) -> None:
    prices = rates("anthropic", model, date(2026, 11, 21))
    assert chosen(outlook(threshold - 0.001), prices, None) == Lifetimes("5m", "5m")
    assert chosen(outlook(threshold + 0.001), prices, None) == Lifetimes("1h", "1h")


def test_a_pause_that_is_certain_is_worth_a_rewrite_for_an_hour() -> None:
    assert worth_of_an_hour(1.0, Rates()) == 1.9
    assert worth_of_an_hour(0.0, Rates()) == 0.0


@given(CHANCES, CHANCES, RATES)
def test_the_likelier_a_pause_the_more_an_hour_is_worth(one: float, other: float, prices: Rates) -> None:
    low, high = sorted((one, other))
    assert worth_of_an_hour(low, prices) <= worth_of_an_hour(high, prices) + 1e-12


@given(CHANCES, CHANCES, RATES, OWN, st.booleans(), st.booleans(), st.booleans())
def test_the_tail_never_lives_longer_than_the_head(tail, head, prices, own, hours, keep, sure) -> None:
    found = chosen(outlook(tail, head, hours=hours, keep_hour=keep, sure=sure), prices, own)
    assert not (found.tail == "1h" and found.head == "5m")
    if not hours:
        assert found == Lifetimes("5m", "5m")


def test_a_head_that_others_use_lives_longer_than_the_tail() -> None:
    assert chosen(outlook(0.1, head=0.8), Rates(), None) == Lifetimes("1h", "5m")


@pytest.mark.parametrize(
    ("tail", "keep", "sure", "lifetimes"),
    [
        (0.0, False, False, Lifetimes("1h", "1h")),
        (0.0, False, True, Lifetimes("5m", "5m")),
        (0.0, True, True, Lifetimes("1h", "1h")),
        (0.38, False, True, Lifetimes("1h", "1h")),
    ],
    ids=["little was seen", "enough was seen", "a subagent's", "it nearly pays"],
)
def test_an_hour_that_the_client_asks_for_is_shortened_only_on_good_grounds(tail, keep, sure, lifetimes) -> None:
    asked = outlook(tail, keep_hour=keep, sure=sure)
    assert chosen(asked, Rates(), Lifetimes("1h", "1h")) == lifetimes


def test_five_minutes_that_the_client_asks_for_are_prolonged_a_little_later() -> None:
    doubtful = outlook(0.41)
    assert chosen(doubtful, Rates(), None) == Lifetimes("1h", "1h")
    assert chosen(doubtful, Rates(), Lifetimes("5m", "5m")) == Lifetimes("5m", "5m")
    assert chosen(outlook(0.6), Rates(), Lifetimes("5m", "5m")) == Lifetimes("1h", "1h")
