"""Whatever a client or a provider calls itself, the terminal only shows it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.dashboard.sanitize import clean


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b[?1049hscreen", "screen"),
        ("\x9b31mred", "red"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]52;c;ZXZpbA==\x1b\\b", "ab"),
        ("a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x9d52;c;ZXZpbA==\x9cb", "ab"),
        ("a\x1bPq#0;2\x1b\\b", "ab"),
        ("a\x90q\x9cb", "ab"),
        ("a\x1b_Gf=100\x1b\\b", "ab"),
        ("a\x1b^secret\x1b\\b", "ab"),
        ("a\x1bXsos\x1b\\b", "ab"),
        ("a\x1b]0;never ended", "a"),
        ("a\x1bcb", "ab"),
        ("a\x1b(0b", "ab"),
        ("a\x1b\x1b[31mb", "ab"),
        ("a\x1b", "a"),
        ("over\rwrite", "over write"),
        ("two\r\nlines\tand a tab", "two lines and a tab"),
        ("line\u2028and\u2029paragraph", "line and paragraph"),
        ("back\x08space\x7f bell\x07", "backspace bell"),
        ("\u202eevil\u202c \u2066x\u2069 \u200fy\u061c", "evil x y"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("tag\U000e0041", "tag"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("[bold]markup[/x] stays", "[bold]markup[/x] stays"),
        ("claude-sonnet-4-5 Ümläut 模型 🚀", "claude-sonnet-4-5 Ümläut 模型 🚀"),
        ("", ""),
    ],
)
def test_escape_sequences_go_whole_and_visible_text_stays(hostile, shown):
    assert clean(hostile) == shown


def test_every_control_character_goes():
    assert clean("".join(map(chr, [*range(32), *range(0x7F, 0xA0)]))).strip() == ""


@given(st.text(st.characters(codec=None, exclude_categories=[]) | st.sampled_from("\x1b[]\\;\x07\x9b\x9c\u202e")))
def test_what_is_left_is_one_line_without_anything_invisible(text):
    shown = clean(text)
    assert {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()
    assert clean(shown) == shown
    shown.encode("utf-8")


def test_a_long_hostile_text_takes_no_long_time():
    for text in ("\x1b]" * 100_000, "\x1b[" + "0" * 200_000, "\x1b" * 200_000, "\x90\x1b" * 100_000):
        assert len(clean(text)) <= 1
