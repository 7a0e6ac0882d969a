"""What sums say: dollars over priced turns, unknown is None and never 0, a subscription stands apart."""

from __future__ import annotations

from decimal import Decimal

from synrouter_cli.ledger.figures import Figures, Sums

DOLLAR = 10**12


def priced(cost: int, no_cache: int, client: int, turns: int = 1) -> Sums:
    return Sums(
        turns=turns,
        priced_turns=turns,
        cost_pusd=cost,
        baseline_no_cache_pusd=no_cache,
        baseline_client_pusd=client,
    )


def test_a_saving_is_the_baseline_minus_the_cost_exactly():
    sums = priced(DOLLAR + 1, 4 * DOLLAR, 2 * DOLLAR)
    assert sums.cost_usd == Decimal("1.000000000001")
    assert sums.saved_usd == Decimal("2.999999999999")
    assert sums.saved_by_synrouter_usd == Decimal("0.999999999999")


def test_a_loss_is_negative():
    sums = priced(5 * DOLLAR, 4 * DOLLAR, 3 * DOLLAR)
    assert (sums.saved_usd, sums.saved_percent, sums.saved_by_synrouter_usd) == (-1, -25.0, -2)


def test_only_unpriced_turns_make_every_dollar_unknown():
    sums = Sums(turns=2, unpriced_turns=2)
    unknown = [sums.cost_usd, sums.saved_usd, sums.saved_percent, sums.saved_by_synrouter_usd]
    assert unknown == [None] * 4


def test_with_some_unpriced_turns_the_dollars_cover_the_priced_ones():
    sums = priced(DOLLAR, 2 * DOLLAR, DOLLAR)
    sums.add(Sums(turns=1, unpriced_turns=1))
    assert (sums.turns, sums.unpriced_turns, sums.cost_usd) == (2, 1, 1)


def test_no_turns_cost_nothing_and_have_no_rates():
    numbers = Figures().numbers()
    assert (numbers["turns"], numbers["cost_usd"], numbers["saved_usd"]) == (0, 0, 0)
    assert numbers["cache_hit_rate"] is None
    assert numbers["saved_percent"] is None


def test_the_hit_rate_is_reads_over_the_whole_prompt():
    figures = Figures()
    figures.add(
        "api",
        Sums(input_tokens=10, cache_read_tokens=60, cache_write_5m_tokens=20, cache_write_1h_tokens=10),
    )
    assert figures.cache_hit_rate == 0.6


def test_a_subscriptions_turns_cost_no_dollars_and_their_list_prices_stand_apart():
    figures = Figures()
    figures.add("api", priced(DOLLAR, 2 * DOLLAR, DOLLAR))
    figures.add("subscription", priced(7 * DOLLAR, 9 * DOLLAR, 8 * DOLLAR, turns=3))
    numbers = figures.numbers()
    assert (numbers["turns"], numbers["subscription_turns"]) == (4, 3)
    assert (numbers["cost_usd"], numbers["baseline_no_cache_usd"], numbers["saved_usd"]) == (1, 2, 1)
    assert numbers["subscription_list_cost_usd"] == 7
    assert numbers["subscription_list_baseline_no_cache_usd"] == 9
    assert numbers["subscription_list_baseline_client_usd"] == 8


def test_unpriced_turns_of_a_subscription_do_not_make_the_dollars_unknown():
    figures = Figures()
    figures.add("subscription", Sums(turns=1, unpriced_turns=1))
    numbers = figures.numbers()
    assert (numbers["cost_usd"], numbers["unpriced_turns"]) == (0, 0)
    assert (numbers["subscription_list_cost_usd"], numbers["subscription_unpriced_turns"]) == (None, 1)


def test_large_sums_keep_every_digit():
    assert str(priced(9_123_456_123_456_789_012, 0, 0).cost_usd) == "9123456.123456789012"
