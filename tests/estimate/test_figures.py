"""Dollars add up, losses stay losses, and what can't be said is not said."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal as D

import pytest

from support.transcripts import MODEL, START
from synrouter_cli.estimate.events import Named
from synrouter_cli.estimate.figures import Priced, Session, Sums, priced, saved, total
from synrouter_cli.estimate.replay import Turn
from synrouter_cli.wire.usage import Usage

USAGE = Usage(1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000)


def sums(*turns: Priced | None) -> Sums:
    made = Sums()
    for turn in turns:
        made.add(turn, Usage(1))
    return made


def test_a_turn_is_priced_at_list_prices_of_its_day():
    turn = Turn(Named("s"), START, MODEL, "anthropic", USAGE, USAGE, Usage(0, 4_000_000, output_tokens=1_000_000))
    assert priced(turn) == Priced(D("5") + D("0.5") + D("6.25") + D("10") + D("25"), D("45"), D("46.75"), D("27"))


@pytest.mark.parametrize(("model", "group"), [("claude-opus-99", "anthropic"), ("gpt-99", "openai"), ("x", "other")])
def test_an_unknown_price_is_never_guessed(model, group):
    assert priced(Turn(Named("s"), START, model, group, USAGE)) is None


def test_a_saving_is_the_share_that_the_model_saves_of_what_was_paid():
    assert sums(Priced(D(8), D(20), D(10), D(5))).saved_usd == D(4)


def test_a_loss_is_negative():
    assert sums(Priced(D(10), D(20), D(10), D(11))).saved_usd == D(-1)


@pytest.mark.parametrize("observe", ["7.4", "12.6", "100"])
def test_where_the_model_is_far_off_nothing_is_said(observe):
    made = sums(Priced(D(10), D(20), D(observe), D(1)))
    assert not made.fits and made.saved_usd is None
    assert made.observe_usd == D(observe)


def test_turns_without_price_or_usage_are_in_no_sum_and_those_without_a_model_as_they_were():
    made = sums(Priced(D(1), D(2), D(1), D(1)), None, Priced(D(3), D(4)))
    made.add(None, None)
    assert (made.turns, made.unpriced_turns, made.no_usage_turns, made.unmodelled_turns) == (4, 1, 1, 1)
    assert (made.cost_usd, made.no_cache_usd, made.observe_usd, made.safe_usd) == (D(4), D(6), D(4), D(4))
    assert made.saved_usd == 0


def test_without_any_priced_turn_all_is_unknown():
    made = sums(None)
    assert [made.cost_usd, made.no_cache_usd, made.observe_usd, made.safe_usd, made.saved_usd] == [None] * 5


def test_savings_of_parts_add_up_and_skip_what_can_t_be_said():
    parts = [sums(Priced(D(8), D(20), D(10), D(5))), sums(Priced(D(1), D(2), D(9), D(1))), sums(None)]
    assert saved(parts) == D(4)
    assert saved(parts[1:]) is None
    assert total(parts).turns == 3


def test_a_session_is_split_by_month():
    session = Session("s", "pi", "shop", "anthropic")
    for days in (0, 1, 20):
        session.add(Turn(Named("s", agent="a"), START + days * 86_400, MODEL, "anthropic", Usage(100)), UTC)
    assert {month: part.turns for month, part in session.months.items()} == {"2026-11": 2, "2026-12": 1}
    assert (session.first_at, session.last_at) == (START, START + 20 * 86_400)
    assert session.sums.turns == 3 and session.agents == {"a"}
