"""Money: exact, additive, and None rather than guessed."""

from __future__ import annotations

import decimal
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.meter import cost, from_pico, no_cache_cost, split_cost, to_pico, with_split
from synrouter_cli.providers import Price, Rates, Schedule, price
from synrouter_cli.wire.usage import Usage

TODAY = date(2026, 11, 21)
OPUS = price("anthropic", "claude-opus-4-8", TODAY)
HAIKU = price("anthropic", "claude-haiku-5-5", TODAY)
FABLE = price("anthropic", "claude-fable-5-2", TODAY)
TURN = Usage(
    input_tokens=1_000,
    cache_read_tokens=100_000,
    cache_write_5m_tokens=2_000,
    cache_write_1h_tokens=3_000,
    output_tokens=500,
)


def test_a_turn_costs_the_sum_of_its_parts():
    # 1,000 × 5 + 100,000 × .5 + 2,000 × 6.25 + 3,000 × 10 + 500 × 25, per million
    assert cost(TURN, OPUS) == Decimal("0.11")


def test_without_caching_every_prompt_token_costs_as_input():
    assert no_cache_cost(TURN, OPUS) == Decimal("0.5425")


def test_nothing_costs_nothing():
    assert cost(Usage(), OPUS) == no_cache_cost(Usage(), OPUS) == 0


@pytest.mark.parametrize(
    ("fields", "factor"),
    [
        ({"service_tier": "standard"}, "1"),
        ({"service_tier": "batch"}, "0.5"),
        ({"inference_geo": "us"}, "1.1"),
        ({"inference_geo": "global"}, "1"),
        ({"inference_geo": "not_available"}, "1"),
        ({"inference_geo": ""}, "1"),
        ({"speed": "standard"}, "1"),
        ({"speed": "fast"}, "2"),
        ({"service_tier": "batch", "inference_geo": "us", "speed": "fast"}, "1.1"),
    ],
)
def test_batch_place_and_speed_multiply_and_stack(fields, factor):
    turn = replace(TURN, **fields)
    assert cost(turn, OPUS) == cost(TURN, OPUS) * Decimal(factor)
    assert no_cache_cost(turn, OPUS) == no_cache_cost(TURN, OPUS) * Decimal(factor)


@pytest.mark.parametrize(
    "fields",
    [
        {"service_tier": "priority"},
        {"service_tier": "unknown"},
        {"inference_geo": "eu"},
        {"speed": "slow"},
        {"has_iterations": True},
        {"server_tools": {"code_execution_requests": 1}},
        {"server_tools": {"web_search_requests": 1, "something_new": 1}},
    ],
)
def test_what_has_no_known_price_costs_none(fields):
    turn = replace(TURN, **fields)
    assert cost(turn, OPUS) is None
    assert no_cache_cost(turn, OPUS) is None
    assert split_cost(turn, OPUS, input_tokens=5) is None


def test_fast_without_published_prices_costs_none():
    assert cost(replace(TURN, speed="fast"), HAIKU) is None


def test_fees_are_added_and_not_multiplied():
    tools = {"web_search_requests": 3, "web_fetch_requests": 9, "code_execution_requests": 0}
    turn = replace(TURN, server_tools=tools, service_tier="batch")
    assert cost(turn, OPUS) == cost(TURN, OPUS) / 2 + Decimal("0.03")
    assert no_cache_cost(turn, OPUS) == no_cache_cost(TURN, OPUS) / 2 + Decimal("0.03")


def test_a_category_without_a_price_costs_none_only_where_it_was_used():
    bare = Price(Schedule(Rates(Decimal(2), Decimal(8))), None, {}, {}, {}, "v")
    assert cost(Usage(input_tokens=10, output_tokens=10), bare) == Decimal("0.0001")
    assert cost(Usage(cache_read_tokens=1), bare) is None
    assert cost(Usage(cache_write_5m_tokens=1), bare) is None
    assert cost(Usage(cache_write_1h_tokens=1), bare) is None
    assert no_cache_cost(Usage(cache_read_tokens=1), bare) == Decimal("0.000002")


def test_the_tier_follows_the_whole_prompt_however_it_is_split():
    for split in (Usage(input_tokens=100_001), Usage(cache_read_tokens=100_000, input_tokens=1)):
        assert no_cache_cost(split, HAIKU) == Decimal("0.0500005")
    assert cost(Usage(cache_read_tokens=100_000, input_tokens=1, output_tokens=10), HAIKU) == Decimal("0.0050255")
    assert cost(Usage(cache_read_tokens=99_999, input_tokens=1, output_tokens=10), HAIKU) == Decimal("0.00100509")


def test_with_split_changes_the_prompt_alone():
    turn = replace(TURN, service_tier="batch", server_tools={"web_search_requests": 1})
    split = with_split(turn, input_tokens=1, cache_read_tokens=2, cache_write_5m_tokens=3, cache_write_1h_tokens=4)
    assert split == replace(turn, input_tokens=1, cache_read_tokens=2, cache_write_5m_tokens=3, cache_write_1h_tokens=4)
    assert split.output_tokens == turn.output_tokens


def test_with_split_refuses_negative_parts():
    with pytest.raises(ValueError, match="negative"):
        with_split(TURN, input_tokens=-1, cache_read_tokens=0, cache_write_5m_tokens=0, cache_write_1h_tokens=0)


def test_money_does_not_depend_on_the_threads_decimal_context():
    expected = cost(TURN, OPUS), to_pico(cost(TURN, OPUS)), from_pico(123_456_789_012_345)
    with decimal.localcontext(prec=3, rounding=decimal.ROUND_UP):
        assert (cost(TURN, OPUS), to_pico(expected[0]), from_pico(123_456_789_012_345)) == expected


@pytest.mark.parametrize(
    ("usd", "pico"),
    [
        ("0", 0),
        ("1", 10**12),
        ("0.000000000001", 1),
        ("0.0000000000005", 0),
        ("0.0000000000015", 2),
        ("0.0000000000025", 2),
        ("-0.0000000000015", -2),
        ("-3.25", -3_250_000_000_000),
        ("123456789.123456789012", 123456789123456789012),
    ],
)
def test_pico_usd_rounds_halves_to_even(usd, pico):
    assert to_pico(Decimal(usd)) == pico


counts = st.integers(0, 5_000_000)
usages = st.builds(
    Usage,
    input_tokens=counts,
    cache_read_tokens=counts,
    cache_write_5m_tokens=counts,
    cache_write_1h_tokens=counts,
    output_tokens=counts,
    service_tier=st.sampled_from([None, "standard", "batch"]),
    inference_geo=st.sampled_from([None, "us", "global"]),
    speed=st.sampled_from([None, "fast"]),
    server_tools=st.sampled_from([{}, {"web_search_requests": 7}]),
)
flat = st.sampled_from([OPUS, FABLE])


@given(st.integers(-(10**30), 10**30))
def test_pico_usd_and_usd_are_the_same_money(pico):
    assert to_pico(from_pico(pico)) == pico


@given(usages, usages, flat)
def test_the_cost_of_two_turns_is_the_cost_of_their_sum(one, two, known):
    two = replace(two, service_tier=one.service_tier, inference_geo=one.inference_geo, speed=one.speed)
    two = replace(two, server_tools={})
    both = replace(
        one,
        **{name: getattr(one, name) + getattr(two, name) for name in Usage.__slots__ if name.endswith("_tokens")},
    )
    assert cost(both, known) == cost(one, known) + cost(two, known)


@given(usages, flat)
def test_every_cost_is_exact_in_pico_usd(usage, known):
    assert from_pico(to_pico(cost(usage, known))) == cost(usage, known)


@given(usages, flat)
def test_caching_saves_exactly_when_its_reads_outweigh_its_writes(usage, known):
    rates = known.rates(speed=usage.speed)
    gained = usage.cache_read_tokens * (rates.input - rates.cache_read)
    paid = usage.cache_write_5m_tokens * (rates.cache_write_5m - rates.input)
    paid += usage.cache_write_1h_tokens * (rates.cache_write_1h - rates.input)
    saved = no_cache_cost(usage, known) - cost(usage, known)
    assert (saved > 0) == (gained > paid)
    assert (saved == 0) == (gained == paid)


@given(usages, flat)
def test_the_own_split_costs_what_the_turn_costs(usage, known):
    own = {name: getattr(usage, name) for name in Usage.__slots__ if name.endswith("_tokens")}
    del own["output_tokens"]
    assert split_cost(usage, known, **own) == cost(usage, known)


@given(usages)
def test_more_of_anything_never_costs_less(usage):
    for name in (
        "input_tokens",
        "cache_read_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "output_tokens",
    ):
        if usage.speed is None:
            assert cost(replace(usage, **{name: getattr(usage, name) + 1}), HAIKU) > cost(usage, HAIKU)
