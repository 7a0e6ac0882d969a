"""What differs between two texts: of what kind it is, and where it stands."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt.volatile import (
    KINDS,
    SHOWN,
    TextPlace,
    kind_of_change,
    line_of_change,
    place_of_change,
    shared_start,
)

BILLING = "x-anthropic-billing-header: cc_version=2.1.181; cc_entrypoint=cli; cch={};"

CHANGES = {
    "time": ("It is 12:03:04.", "It is 12:04:31.", "clock"),
    "ISO time": ("2025-11-21T12:03:04Z", "2025-11-22T01:14:09Z", "clock"),
    "ISO time with an offset": ("at 2025-11-21 12:03:04+01:00", "at 2025-11-21 12:03:05+01:00", "clock"),
    "a clock of twelve hours": ("now: 3:15 PM", "now: 11:02 am", "clock"),
    "date in words": ("Today is Friday, November 21, 2025.", "Today is Saturday, November 22, 2025.", "clock"),
    "date(1)": ("Fri Nov 21 12:03:04 UTC 2025", "Sat Nov 22 09:13:44 UTC 2025", "clock"),
    "American date": ("date: 11/21/2025", "date: 11/22/2025", "clock"),
    "epoch": ("now=1763726400", "now=1763726460", "clock"),
    "epoch in milliseconds": ("now=1763726400123", "now=1763726460456", "clock"),
    "age": ("edited 5 minutes ago", "edited 12 minutes ago", "clock"),
    "count": ("turn 9 of 80", "turn 10 of 80", "counter"),
    "tokens left": ("12,345 tokens left", "9,870 tokens left", "counter"),
    "share": ("context: 12.5%", "context: 80%", "counter"),
    "uuid": ("id 6b1f0d3e-1111-4222-8333-444455556666", "id 7b1f0d3e-1111-4222-8333-444455556667", "id"),
    "commit": ("HEAD is 4962547", "HEAD is 2d2c7b6", "id"),
    "request id": ("req_011CSHoEeqs5C35K2UUqR7Fy", "req_011CSHoEeqs5C35K2XXqR7Fz", "id"),
    "temporary folder": ("cwd: /tmp/run-a8f3k2x9q1zz", "cwd: /tmp/run-b7d1m4y8w2yy", "id"),
    "time and count": ("3 of 9 at 12:03", "4 of 9 at 12:07", "counter"),
    "billing line": (BILLING.format("ab12f"), BILLING.format("00f1e"), "cch"),
    "billing line's version": (BILLING.format("ab12f"), BILLING.format("ab12f").replace("cli", "sdk"), "text"),
    "cch elsewhere": ("cch=abc;", "cch=xyz;", "text"),
    "words": ("branch: main", "branch: fix", "text"),
    "a line more": ("a\nb", "a\n12:03\nb", "text"),
}


@pytest.mark.parametrize(("before", "after", "kind"), CHANGES.values(), ids=CHANGES)
def test_the_kind_of_a_change(before: str, after: str, kind: str) -> None:
    assert kind_of_change(before, after) == kind
    assert kind_of_change(after, before) == kind


@pytest.mark.parametrize(("before", "after", "kind"), CHANGES.values(), ids=CHANGES)
def test_what_stands_around_it_makes_no_difference(before: str, after: str, kind: str) -> None:
    page = "You are a careful agent. It was 2024.\n{}\nNever guess; ask 3 times.\n"
    assert kind_of_change(page.format(before), page.format(after)) == kind
    assert place_of_change(page.format(before), page.format(after)).line == before.count("\n") + 2


@given(st.text(), st.text())
def test_every_change_has_a_kind(before: str, after: str) -> None:
    assert kind_of_change(before, after) in KINDS


@given(st.text("ab\n"), st.text("ab\n"))
def test_the_shared_start_is_all_that_is_shared(one: str, other: str) -> None:
    at = shared_start(one, other)
    assert one[:at] == other[:at]
    assert at == min(len(one), len(other)) or one[at] != other[at]


@given(st.text("ab\n"), st.text("ab\n"))
def test_a_place_leads_to_the_changed_character(before: str, after: str) -> None:
    place = place_of_change(before, after)
    lines = after.split("\n")
    at = sum(len(line) + 1 for line in lines[: place.line - 1]) + place.column - 1
    assert at == shared_start(before, after)


def test_line_and_column_count_from_one() -> None:
    assert place_of_change("a\nbc", "a\nbd") == TextPlace(2, 2)
    assert place_of_change("", "x") == TextPlace(1, 1)


def test_a_long_line_is_shown_around_the_change() -> None:
    before, after = "word " * 100 + "old" + " word" * 100, "word " * 100 + "new" + " word" * 100
    line = line_of_change(before, after)
    assert len(line) == SHOWN
    assert "new" in line
    assert (line[0], line[-1]) == ("…", "…")


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("a\nold\nz", "a\nnew\nz", "new"),
        ("a\ngone\nz", "a\n\nz", "gone"),
        ("a\ngone", "a\n", "gone"),
        ("same", "same", "same"),
        ("", "", ""),
    ],
)
def test_the_new_line_is_shown_and_the_old_one_where_nothing_is_left(before: str, after: str, line: str) -> None:
    assert line_of_change(before, after) == line


def test_texts_of_megabytes_are_compared_at_once() -> None:
    before = "x" * 5_000_000 + "a" + "12:03 " * 1000
    after = "x" * 5_000_000 + "b" + "12:04 " * 1000
    started = time.process_time()
    assert kind_of_change(before, after) == "text"
    assert len(line_of_change(before, after)) <= SHOWN
    assert time.process_time() - started < 2
