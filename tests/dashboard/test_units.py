"""Figures as text: short, signed, never a wrong zero."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.dashboard.units import percent, tokens, usd


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "?"),
        ("0", "$0.00"),
        ("0.00001", "<$0.0001"),
        ("-0.00001", "-<$0.0001"),
        ("0.00005", "$0.0001"),
        ("0.0213", "$0.0213"),
        ("-0.0213", "-$0.0213"),
        ("0.99999", "$1.0000"),
        ("1", "$1.00"),
        ("2.345", "$2.35"),
        ("-1234.5", "-$1,234.50"),
        ("1234567.891", "$1,234,567.89"),
    ],
)
def test_dollars(amount, shown):
    assert usd(None if amount is None else Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00k"),
        (9_999, "10.0k"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (999_499, "999k"),
        (999_500, "1.00M"),
        (12_345_678, "12.3M"),
        (2 * 10**9, "2.00G"),
        (10**13, "10.0T"),
    ],
)
def test_tokens(count, shown):
    assert tokens(count) == shown


@given(st.integers(0, 10**14))
def test_tokens_take_at_most_five_characters_and_are_right_to_half_a_percent(count):
    shown = tokens(count)
    scale = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}.get(shown[-1], 1)
    assert len(shown) <= 5
    assert abs(float(shown.rstrip("kMGT")) * scale - count) <= count / 190


@pytest.mark.parametrize(
    ("share", "shown"),
    [(None, "–"), (0.0, "0%"), (0.29, "29%"), (0.9999, "99%"), (1.0, "100%"), (-0.255, "-26%")],
)
def test_a_share_is_rounded_down_so_that_only_all_is_100(share, shown):
    assert percent(share) == shown
