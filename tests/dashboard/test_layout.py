"""Lines and tables that fit, bars that tell no lie, keys that do what they say."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from synrouter_cli.dashboard.glyphs import ASCII, UNICODE, glyphs_for
from synrouter_cli.dashboard.keys import View, press
from synrouter_cli.dashboard.layout import Column, line, plain, rule, spread, table, wrapped
from synrouter_cli.dashboard.spark import hit_rates, savings
from synrouter_cli.dashboard.units import age, countdown, milliseconds

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]), max_size=60)


@given(st.lists(ANY_TEXT, max_size=4), st.integers(0, 90), st.sampled_from([UNICODE, ASCII]))
def test_a_line_is_exactly_as_wide_as_asked_whatever_is_in_it(texts, width, glyphs):
    assert cell_len(plain(line(glyphs, width, *[(text, "") for text in texts]))) == width


@given(ANY_TEXT, st.integers(0, 40), st.booleans())
def test_text_is_fitted_to_the_cell(text, width, right):
    for glyphs in (UNICODE, ASCII):
        assert cell_len(glyphs.fit(glyphs.text(text), width, right=right)) == width


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT, st.integers(0, 10**6)), max_size=5), st.integers(30, 150))
def test_every_line_of_a_table_is_as_wide_as_the_screen(rows, width):
    columns = [
        Column("Name", lambda row: (row[0], ""), least=6),
        Column("Other", lambda row: (row[1], "dim"), 1, least=9),
        Column("Count", lambda row: (str(row[2]), "")),
    ]
    lines = table(UNICODE, width, columns, rows)
    assert {cell_len(plain(one)) for one in lines} == {width}
    assert all(plain(one).rstrip().endswith(str(row[2])) for one, row in zip(lines[1:], rows, strict=True))


def test_the_least_wanted_column_goes_first_and_names_are_cut_before_numbers():
    columns = [
        Column("Name", lambda row: (row, ""), least=4),
        Column("Rare", lambda row: ("12345678", ""), 2),
        Column("Some", lambda row: ("12345678", ""), 1),
        Column("Must", lambda row: ("12345678", "")),
    ]
    heads = [plain(table(UNICODE, width, columns, ["a-long-name"])[0]).split() for width in (60, 30, 20, 14)]
    assert heads == [["Name", "Rare", "Some", "Must"], ["Name", "Some", "Must"], ["Name", "Must"], ["Name", "Must"]]
    assert plain(table(UNICODE, 18, columns, ["a-long-name"])[1]) == " a-long-… 12345678"


def test_a_column_that_says_nothing_is_not_drawn():
    columns = [Column("Name", lambda row: (row, ""), least=4), Column("Why", lambda row: ("", ""), 1, least=20)]
    assert plain(table(UNICODE, 80, columns, ["x"])[0]).split() == ["Name"]


def test_ends_of_a_line_stand_apart_and_the_left_one_gives_way():
    assert plain(spread(UNICODE, 12, [("left", "")], [("right", "")])) == "left   right"
    assert plain(spread(UNICODE, 12, [("left and more", "")], [("right", "")])) == "left a…right"


def test_text_is_broken_between_words():
    assert [plain(one).rstrip() for one in wrapped(UNICODE, 12, "one two three four")] == [" one two", " three four"]
    assert plain(rule("x", 8, ASCII)) == "- x ----"


# ── bars ──


def test_a_loss_is_drawn_as_a_loss_and_nothing_known_as_nothing():
    bars = savings([None, Decimal("-5"), Decimal(0), Decimal("0.01"), Decimal(1)], 6, UNICODE)
    assert plain(bars) == " ·▾▁▂█"
    assert dict(bars)["▾"] == "red"
    assert plain(savings([None, Decimal("-5"), Decimal(0), Decimal(1)], 4, ASCII)) == " v_#"
    assert plain(savings([Decimal(-1), Decimal(-2)], 2, UNICODE)) == "▾▾"


@given(st.lists(st.none() | st.decimals(-100, 100, places=4), max_size=50), st.integers(0, 40))
def test_savings_are_one_bar_a_value_the_last_ones(values, width):
    text = plain(savings(values, width, UNICODE))
    assert len(text) == width
    shown = values[-width:] if width else []
    for value, bar in zip(shown, text[width - len(shown) :], strict=True):
        assert (bar == "▾") == (value is not None and value < 0)
        assert (bar == "·") == (value is None)
        assert (bar == "▁") == (value is not None and value == 0)


@pytest.mark.parametrize(("share", "bar"), [(0.0, "▁"), (0.001, "▂"), (0.5, "▅"), (1.0, "█"), (None, "·"), (7.0, "█")])
def test_a_hit_rate_is_drawn_on_the_scale_of_one(share, bar):
    assert plain(hit_rates([share], 1, UNICODE)) == bar


# ── keys and numbers ──


def test_keys():
    view = View()
    assert press(view, "2") == View(days=7)
    assert press(view, "3").range_name == "30 days"
    assert press(press(view, "e"), "m").screen == "models"
    assert press(press(view, "?"), "?") == view
    assert press(press(view, "S"), "\x1b") == view
    assert press(press(view, "p"), "p") == view
    assert press(view, "x") is view


def test_the_locale_decides_what_can_be_shown():
    assert glyphs_for("UTF-8") is glyphs_for("utf8") is UNICODE
    assert glyphs_for("ISO-8859-1") is glyphs_for(None) is glyphs_for("ANSI_X3.4-1968") is ASCII


@given(st.floats(0, 10**7))
def test_durations_take_little_room(value):
    assert len(milliseconds(value)) <= 5
    assert len(countdown(min(value, 3600))) <= 4
    assert len(age(value)) <= 8


def test_a_lifetime_counts_down():
    shown = [countdown(seconds) for seconds in (3600, 600, 599.9, 61, 1, 0.5, 0, -5)]
    assert shown == ["60m", "10m", "9:59", "1:01", "0:01", "0:00", "cold", "cold"]
