"""`stats`: the schema other programs rely on, and a table that fits and tells the truth."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

import synrouter_cli
from synrouter_cli.commands.stats import one_shape, stats
from synrouter_cli.errors import UsageError
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.ledger.store import Store
from synrouter_cli.settings import Settings, load
from synrouter_cli.wire.usage import Usage

NOW = 1_763_726_400.5  # 2025-11-21 12:00 UTC
USD = 10**12
FIGURES = [
    "turns",
    "errors",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "trimmed_tokens",
    "cache_hit_rate",
    "subscription_turns",
    "cost_usd",
    "baseline_no_cache_usd",
    "baseline_client_usd",
    "saved_usd",
    "saved_percent",
    "saved_by_synrouter_usd",
    "estimated_turns",
    "unpriced_turns",
]


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def settings() -> Settings:
    return load()


@pytest.fixture
def write(settings: Settings) -> Callable[..., None]:
    def write(*turns: Turn) -> None:
        store = Store.open(settings.paths.ledger_file)
        store.write(Batch({(turn.session, turn.turn): turn for turn in turns}))
        store.close()

    return write


@pytest.fixture
def show(settings: Settings, capsys, monkeypatch) -> Callable[..., str]:
    def show(width: int = 80, **options: Any) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        if options.pop("as_json", False):
            options["shape"] = "json"
        stats(settings.paths, **({"now": NOW} | options))
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out

    return show


@pytest.fixture
def answer(show) -> Callable[..., Any]:
    return lambda **options: json.loads(show(as_json=True, **options), parse_float=Decimal)


def turn(session: str = "0123456789ab", number: int = 1, **changes: Any) -> Turn:
    figures: dict[str, Any] = {
        "started_at": NOW - 3600 * number,
        "status": "ok",
        "client": "claude-code",
        "mode": "coding",
        "model": "claude-sonnet-4-5",
        "usage": Usage(100, 8000, 1500, 400, 250),
        "usage_quality": "exact",
        "cost_pusd": 2 * USD,
        "baseline_no_cache_pusd": 10 * USD,
        "baseline_client_pusd": 3 * USD,
    }
    return Turn(session=session, turn=number, **(figures | changes))


# ── JSON ──


def test_the_json_has_the_schema_that_programs_rely_on(write, answer):
    write(turn(number=1), turn(number=2))
    found = answer(by="client")
    assert list(found) == ["schema_version", "since", "until", "totals", "sessions", "rows"]
    assert found["schema_version"] == 1
    assert list(found["totals"])[: len(FIGURES)] == FIGURES
    assert set(found["sessions"][0]) >= {"id", "client", "mode", "model", *FIGURES}
    assert set(found["rows"][0]) >= {"client", *FIGURES}
    assert {name: found["totals"][name] for name in FIGURES} == {
        "turns": 2,
        "errors": 0,
        "input_tokens": 200,
        "cache_read_tokens": 16000,
        "cache_write_5m_tokens": 3000,
        "cache_write_1h_tokens": 800,
        "output_tokens": 500,
        "trimmed_tokens": 0,
        "cache_hit_rate": Decimal("0.8"),
        "subscription_turns": 0,
        "cost_usd": 4,
        "baseline_no_cache_usd": 20,
        "baseline_client_usd": 6,
        "saved_usd": 16,
        "saved_percent": 80,
        "saved_by_synrouter_usd": 2,
        "estimated_turns": 0,
        "unpriced_turns": 0,
    }


def test_money_in_the_json_keeps_every_pico_dollar(write, answer):
    write(turn(cost_pusd=123_456_789_012_345, baseline_no_cache_pusd=999_999_999_999_999))
    totals = answer()["totals"]
    assert totals["cost_usd"] == Decimal("123.456789012345")
    assert totals["saved_usd"] == Decimal("876.543210987654")


def test_an_unknown_price_is_null_never_0(write, answer):
    write(
        turn("priced", model="known"),
        turn("unpriced", model="new", cost_pusd=None, baseline_no_cache_pusd=None, baseline_client_pusd=None),
    )
    found = answer(by="model")
    known, new = sorted(found["rows"], key=lambda row: row["model"])
    money = ("cost_usd", "baseline_no_cache_usd", "baseline_client_usd", "saved_usd", "saved_by_synrouter_usd")
    assert [new[name] for name in (*money, "saved_percent")] == [None] * 6
    assert (known["cost_usd"], known["unpriced_turns"], new["unpriced_turns"]) == (2, 0, 1)
    assert (found["totals"]["cost_usd"], found["totals"]["unpriced_turns"]) == (2, 1)


def test_a_subscriptions_list_prices_are_no_dollars(write, answer):
    write(turn("a", billing="subscription"), turn("b"))
    totals = answer()["totals"]
    assert (totals["turns"], totals["subscription_turns"], totals["cost_usd"]) == (2, 1, 2)
    assert totals["subscription_list_cost_usd"] == 2
    assert totals["subscription_list_baseline_no_cache_usd"] == 10


def test_without_a_ledger_the_json_has_zero_totals(answer):
    found = answer()
    assert (found["totals"]["turns"], found["totals"]["cost_usd"]) == (0, 0)
    assert (found["sessions"], found["rows"]) == ([], [])


@pytest.mark.parametrize("by", ["day", "session", "client", "model", "provider"])
def test_the_rows_are_named_by_what_was_asked_for(write, answer, by):
    write(turn("s1"), turn("s2", client="codex", model="m2", provider="openai", started_at=NOW - 90_000))
    expected = {
        "day": ["2025-11-20", "2025-11-21"],
        "session": ["s1", "s2"],
        "client": ["claude-code", "codex"],
        "model": ["claude-sonnet-4-5", "m2"],
        "provider": ["anthropic", "openai"],
    }
    assert sorted(row[by] for row in answer(by=by)["rows"]) == expected[by]


def test_a_session_tells_whose_it_is(write, answer):
    write(turn("s1", kind="subagent", parent="s0"))
    [session] = answer()["sessions"]
    assert [session[name] for name in ("id", "client", "mode", "kind", "parent")] == [
        "s1",
        "claude-code",
        "coding",
        "subagent",
        "s0",
    ]


# ── the range ──


@pytest.mark.parametrize(
    ("since", "begins"),
    [
        ("7d", "2025-11-14T12:00:00+00:00"),
        ("24h", "2025-11-20T12:00:00+00:00"),
        ("30m", "2025-11-21T11:30:00+00:00"),
        ("2w", "2025-11-07T12:00:00+00:00"),
        ("2025-11-01", "2025-11-01T00:00:00+00:00"),
        ("2025-11-01T08:30", "2025-11-01T08:30:00+00:00"),
        ("2025-11-01T08:30:00+02:00", "2025-11-01T06:30:00+00:00"),
        ("2025-11-01T08:30:00Z", "2025-11-01T08:30:00+00:00"),
        (" 7d ", "2025-11-14T12:00:00+00:00"),
        ("999999w", "1970-01-01T00:00:00+00:00"),
        ("1900-01-01", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_since_takes_spans_dates_and_times_and_says_what_it_understood(answer, since, begins):
    assert answer(since=since)["since"] == begins


def test_the_range_ends_now_and_holds_the_turn_that_began_this_second(write, answer):
    write(turn(started_at=NOW))
    found = answer(since="1m")
    assert (found["until"], found["totals"]["turns"]) == ("2025-11-21T12:00:01+00:00", 1)


def test_until_is_not_part_of_the_range(write, answer):
    midnight = datetime.fromisoformat("2025-11-21T00:00:00+00:00").timestamp()
    write(turn(number=1, started_at=midnight), turn(number=2, started_at=midnight - 1))
    assert answer(since="2025-11-20", until="2025-11-21")["totals"]["turns"] == 1


@pytest.mark.parametrize(
    "since", ["", "yesterday-ish", "7", "7x", "-3d", "d", "2025-13-01", "9999-12-31T23:59:59-12:00"]
)
def test_a_since_that_says_nothing_is_a_usage_error_with_an_example(show, since):
    with pytest.raises(UsageError) as refused:
        show(since=since)
    assert refused.value.exit_code == 2
    assert refused.value.message.startswith("--since takes")
    assert refused.value.hint == "synrouter stats --since 24h"


@pytest.mark.parametrize("options", [{"since": "2026-01-01"}, {"since": "1h", "until": "2h"}])
def test_a_range_that_ends_before_it_begins_is_a_usage_error(show, options):
    with pytest.raises(UsageError, match="not before"):
        show(**options)


def test_an_unknown_breakdown_is_a_usage_error_that_lists_the_known_ones(show):
    with pytest.raises(UsageError, match="day, session, client, model, provider") as refused:
        show(by="colour\x1b[31m")
    assert "\x1b" not in refused.value.message


# ── the table ──


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_is_written_where_no_ledger_is(show, settings, as_json):
    show(as_json=as_json)
    assert not settings.paths.data_dir.exists()


def test_without_a_ledger_a_sentence_and_the_next_command(show):
    assert show() == "No ledger yet: it begins with the first turn through the proxy.\n  next: synrouter up\n"


def test_without_turns_in_the_range_a_sentence_and_the_next_command(write, show):
    write(turn(started_at=NOW - 86_400))
    assert show(since="1h").splitlines() == [
        "No finished turns from 2025-11-21 11:00 to 2025-11-21 12:00.",
        "  next: synrouter stats --since 30d",
    ]


def test_the_table_at_80_columns(write, show):
    write(turn(number=1), turn(number=30, status="error"))
    assert [line.rstrip() for line in show(80).splitlines()[:9]] == [
        "Turns from 2025-11-14 12:00 to 2025-11-21 12:00",
        "",
        f"{'':73}By Syn-",
        "Day         Turns  Input  Write   Read  Hit  Output   Cost   Saved    %   router",
        "────────────────────────────────────────────────────────────────────────────────",
        "2025-11-20      1    100  1.90k  8.00k  80%     250  $2.00   $8.00  80%    $1.00",
        "2025-11-21      1    100  1.90k  8.00k  80%     250  $2.00   $8.00  80%    $1.00",
        "",
        "Total           2    200  3.80k  16.0k  80%     500  $4.00  $16.00  80%    $2.00",
    ]


def every_case() -> list[Turn]:
    large = {"cost_pusd": 900 * USD, "baseline_no_cache_pusd": 999 * USD, "baseline_client_pusd": 800 * USD}
    none = dict.fromkeys(("cost_pusd", "baseline_no_cache_pusd", "baseline_client_pusd"))
    tokens = {"usage": Usage(10**9, 10**9, 10**9, 10**9, 10**9)}
    name = "a-model-with-a-very-long-name-20251121"
    estimated = [turn("s1", n, model=name, usage_quality="estimated", **large, **tokens) for n in range(1, 130)]
    listed = [turn("s2", n, model="m2", billing="subscription", **large) for n in range(1, 130)]
    return [*estimated, turn("s1", 130, model=name, **none), *listed, turn("s3", model="", client="", **none)]


@pytest.mark.parametrize("by", ["day", "session", "client", "model", "provider"])
@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_no_number_is_cut_and_no_line_is_too_long(write, show, by, width):
    write(*every_case())
    output = show(width, by=by, since="30d")
    lines = output.splitlines()
    total = next(line for line in lines if line.startswith("Total"))
    assert max(map(len, lines)) <= width
    assert "~$116,100.00+?" in total
    assert "~-$12,900.00" in total
    assert "…" not in re.sub(r"^\S*( \S*)?…|\S+…", "", total)


def test_marks_tell_estimates_unknown_prices_list_prices_and_losses(write, show):
    write(*every_case())
    output = show(160, by="session", since="30d")
    rows = {line.split()[0]: line for line in output.splitlines() if line.startswith(("s1", "s2", "s3"))}
    assert re.search(r"~\$116,100\.00\+\? +~\$12,771\.00 +9% +~-\$12,900\.00$", rows["s1"])
    assert re.search(r"\*\$116,100\.00 +\*\$12,771\.00 +9% +\*-\$12,900\.00$", rows["s2"])
    assert re.search(r" \? +\? +– +\?$", rows["s3"])


def test_under_the_table_stands_what_the_figures_mean(write, show):
    write(*every_case(), turn("s4", status="error"))
    text = " ".join(show(120, since="30d").split())
    for told in (
        "Saved: what the same turns cost at the provider's prices without any cache, minus their cost.",
        "By Synrouter: what the client's own requests, unchanged, would have cost, minus that cost;",
        "Failed: 1 of 261 turns.",
        "~ Usage of 129 turns was not reported in full and is estimated.",
        "? The cost of 2 turns is unknown, and in none of the sums.",
        "* 129 turns on a subscription cost no dollars: at list prices $116,100.00 instead of $128,871.00",
    ):
        assert told in text


PING = {"kind": "ping", "baseline_no_cache_pusd": 0, "baseline_client_pusd": 0}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"trimmed_tokens": 12_345, "trimmed_pusd": USD // 2},
            "Trimming: about $0.5000 more not spent on 12,345 trimmed tokens; assumes no re-read, in none of the sums.",
        ),
        (
            {"trimmed_tokens": 9, "trimmed_pusd": USD, "billing": "subscription"},
            "Trimming: about *$1.00 more not spent on 9 trimmed tokens; assumes no re-read, in none of the sums.",
        ),
        (
            {"trimmed_tokens": 9, "trimmed_pusd": USD, "cost_pusd": None},
            "Trimming: about ? more not spent on 9 trimmed tokens; assumes no re-read, in none of the sums.",
        ),
        (PING, "Keep-warm: 1 ping cost $2.00, contained in Cost."),
        (PING | {"billing": "subscription"}, "Keep-warm: 1 ping cost *$2.00, contained in Cost."),
    ],
    ids=["trimmed", "trimmed, list price", "trimmed, price unknown", "a ping", "a ping, list price"],
)
def test_what_trimming_and_keep_warm_did_has_a_line_of_its_own(write, show, changes, told):
    write(turn(**changes))
    assert show(300).splitlines()[-1] == told


def test_an_estimate_of_trimming_is_about_once_and_no_word_is_broken(write, show):
    write(turn(trimmed_tokens=9, trimmed_pusd=USD // 2, usage_quality="estimated"))
    notes = [line for columns in range(60, 80) for line in show(columns).splitlines()]
    assert any("Trimming: about $0.5000 more" in line for line in notes)
    assert not any(line.endswith("re-") for line in notes)


def test_pings_are_in_the_cost_and_not_among_the_turns(write, show, answer):
    write(turn(number=1), turn(number=2, **PING), turn(number=3, status="error", **PING))
    totals = answer()["totals"]
    assert (totals["turns"], totals["errors"], totals["pings"]) == (1, 0, 2)
    assert (totals["cost_usd"], totals["ping_cost_usd"], totals["saved_by_synrouter_usd"]) == (6, 4, -3)
    assert show(300).splitlines()[-1] == "Keep-warm: 2 pings cost $4.00, contained in Cost."


@pytest.mark.parametrize("part", ["totals", "sessions", "rows"])
def test_trimming_pings_and_shared_reads_are_in_every_part_of_the_json(write, answer, part):
    write(turn(shared_read_tokens=70, trimmed_pusd=USD // 4))
    found = answer()[part]
    figures = found if part == "totals" else found[0]
    added = [figures[name] for name in ("pings", "ping_cost_usd", "shared_read_tokens", "trimmed_saved_usd")]
    assert added == [0, 0, 70, Decimal("0.25")]


def test_csv_has_what_was_added_behind_what_it_always_had(write, show):
    write(turn(shared_read_tokens=70, trimmed_pusd=USD // 4))
    [row] = csv.DictReader(io.StringIO(show(shape="csv")))
    assert list(row.items())[-4:] == [
        ("pings", "0"),
        ("ping_cost_usd", "0"),
        ("shared_read_tokens", "70"),
        ("trimmed_saved_usd", "0.25"),
    ]


def test_a_plain_range_has_no_note_but_the_rule(write, show):
    write(turn())
    assert show(300).splitlines()[-1].startswith("Saved: ")


def test_names_from_outside_are_shown_as_text(write, show):
    write(turn(model="\x1b[31mred\x1b]0;t\x07[/bold]\u202e", client="[link=http://x]c[/link]"))
    assert "red[/bold]" in show(120, by="model")
    output = show(120, by="client")
    assert "[link=http://x]c[/link]" in output
    assert "\x1b" not in output


def test_a_narrow_terminal_gets_fewer_columns(write, show):
    write(*every_case())
    output = show(60, by="model", since="30d")
    assert "Output" not in output
    assert "Saved" in output


def test_piped_output_has_no_colour_and_forced_colour_marks_a_loss_red(write, show, monkeypatch):
    write(turn(baseline_client_pusd=USD))
    assert "\x1b" not in show(120)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert re.search(r"\x1b\[[\d;]*31m *-\$1\.00", show(120))


# ── shapes ──


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("by", ["day", "session", "client", "model", "provider"])
def test_csv_has_the_names_and_the_exact_values_of_the_json(write, show, answer, by):
    write(*every_case())
    expected = answer(by=by, since="30d")["sessions" if by == "session" else "rows"]
    if by == "session":
        expected = [{"session": row.pop("id"), **row} for row in expected]
    rows = rows_of(show(by=by, since="30d", shape="csv"))
    assert [list(row) for row in rows] == [list(row) for row in expected]
    for row, wanted in zip(rows, expected, strict=True):
        assert {name: value for name, value in row.items() if value} == {
            name: value if isinstance(value, str) else f"{value:f}" if isinstance(value, Decimal) else str(value)
            for name, value in wanted.items()
            if value not in (None, "")
        }


@pytest.mark.parametrize(
    "evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\x1b[0m=cmd|'/c calc'!A1", "\u202e=1"]
)
def test_no_text_in_the_csv_is_a_formula(write, show, evil):
    write(turn(evil, client=evil, model=evil, provider=evil, mode=evil))
    for by in ("session", "client", "model", "provider"):
        [row] = rows_of(show(by=by, shape="csv"))
        assert row[by].startswith("'")
        assert [value for value in row.values() if value.lstrip().startswith(("=", "+", "-", "@", "\t"))] == []


def test_a_loss_in_the_csv_is_a_number(write, show):
    write(turn(baseline_client_pusd=USD))
    [row] = rows_of(show(shape="csv"))
    assert row["saved_by_synrouter_usd"] == "-1"


def test_csv_without_turns_is_its_heading(show):
    assert show(shape="csv", by="model").startswith("model,turns,errors,")
    assert show(shape="csv", by="model").count("\n") == 1


def test_wide_has_every_column_whatever_the_terminal_has(write, show):
    write(*every_case())
    heading = show(40, shape="wide", by="model", since="30d").splitlines()[3].split()
    columns = "Turns Failed Input Write Read Hit Output Trimmed Cost No cache Client's own Saved % router"
    assert heading == ["Model", *columns.split()]


def test_compact_has_the_least_columns_even_where_there_is_room(write, show):
    write(*every_case())
    lines = show(200, shape="compact", since="30d").splitlines()
    assert lines[3].split() == ["Day", "Turns", "Hit", "Cost", "Saved", "router"]
    assert max(map(len, lines[:8])) < 80


@pytest.mark.parametrize("shape", ["table", "compact", "wide"])
def test_the_rule_of_the_baselines_stands_under_every_table(write, show, shape):
    write(turn())
    assert "Saved: what the same turns cost at the provider's prices without any cache" in show(120, shape=shape)


def test_two_shapes_at_once_are_a_usage_error():
    with pytest.raises(UsageError, match="--wide and --csv exclude each other"):
        one_shape({"compact": False, "wide": True, "json": False, "csv": True})


@pytest.mark.parametrize("options", [{"since": "7d"}, {"until": "1d"}, {"timezone": "UTC"}, {"by": "day"}])
def test_live_takes_no_range(show, options):
    with pytest.raises(UsageError, match="--live has a range of its own"):
        show(shape="live", **options)


def test_live_is_the_dashboard_of_these_paths(settings, monkeypatch):
    monkeypatch.setattr("synrouter_cli.commands.live.run", lambda paths: (paths, 7)[1] if paths else 0)
    assert stats(settings.paths, shape="live") == 7


def test_many_sessions_are_cut_and_counted(write, show):
    write(*[turn(f"{number:012x}", started_at=NOW - 60 * number) for number in range(1, 121)])
    output = show(120, by="session")
    assert sum("claude-code" in line for line in output.splitlines()) == 100
    assert "The latest 100 sessions; 20 more are in the total, and in --json and --csv." in output
    assert re.search(r"^Total +120 ", output, re.MULTILINE)
    assert len(rows_of(show(by="session", shape="csv"))) == 120


def test_wide_characters_keep_the_columns_in_line(write, show):
    write(turn("a", model="模型-模型"), turn("b", model="plain"))
    lines = [line for line in show(120, by="model").splitlines() if "$" in line]
    assert len({_columns(line) for line in lines}) == 1


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


# ── time zones ──


def test_days_and_dates_are_those_of_the_zone(write, answer):
    late = datetime.fromisoformat("2025-11-20T23:30:00+00:00").timestamp()
    write(turn(number=1, started_at=late), turn(number=2, started_at=late + 3600))
    days = {zone: [row["day"] for row in answer(timezone=zone)["rows"]] for zone in ("UTC", "Asia/Tokyo", None)}
    assert days == {
        "UTC": ["2025-11-20", "2025-11-21"],
        "Asia/Tokyo": ["2025-11-21"],
        None: ["2025-11-20", "2025-11-21"],
    }
    found = answer(timezone="Asia/Tokyo", since="2025-11-21", until="2025-11-22")
    assert (found["since"], found["totals"]["turns"]) == ("2025-11-21T00:00:00+09:00", 2)


def test_the_zone_stands_above_the_table(write, show):
    write(turn())
    assert show(timezone="Asia/Tokyo").splitlines()[0] == (
        "Turns from 2025-11-14 21:00 to 2025-11-21 21:00 (Asia/Tokyo)"
    )


@pytest.mark.parametrize("zone", ["", "Nowhere", "../etc/passwd", "Europe", "Europe/Berlin\x1b[31m", "/etc/localtime"])
def test_a_zone_that_does_not_exist_is_a_usage_error(show, zone):
    with pytest.raises(UsageError, match="--timezone takes a name") as refused:
        show(timezone=zone)
    assert "\x1b" not in refused.value.message


# ── honest ──


@given(st.data())
@settings_of_hypothesis(max_examples=25)
def test_every_figure_is_the_one_worked_out_from_the_raw_rows(data):
    """By another way: no rollup, no view, no Sums; plain Python over the turns as they were written."""
    turns = [data.draw(any_turn(number)) for number in range(data.draw(st.integers(1, 12)))]
    with tempfile.TemporaryDirectory() as home:
        paths = load(environ={"SYNROUTER_HOME": home}).paths
        store = Store.open(paths.ledger_file)
        store.write(Batch({(one.session, one.turn): one for one in turns}))
        store.close()
        with redirect_stdout(io.StringIO()) as printed:
            stats(paths, since="3d", shape="json", by="client", now=NOW)
        with redirect_stdout(io.StringIO()) as sheet:
            stats(paths, since="3d", shape="csv", by="client", now=NOW)
    found = json.loads(printed.getvalue(), parse_float=Decimal)
    final = [one for one in turns if one.status != "started" and NOW - 3 * 86_400 - 1 < one.started_at < NOW + 1]
    wanted = worked_out(final)
    assert {name: found["totals"][name] for name in wanted} == wanted
    for row in found["rows"]:
        wanted = worked_out([one for one in final if one.client == row["client"]])
        assert {name: row[name] for name in wanted} == wanted
    assert sum(int(row["turns"]) for row in rows_of(sheet.getvalue())) == len(final)


def any_turn(number: int) -> st.SearchStrategy[Turn]:
    money = st.none() | st.integers(0, 10**13)
    counts = st.integers(0, 10**6)
    return st.builds(
        Turn,
        session=st.sampled_from(["s1", "s2"]),
        turn=st.just(number),
        started_at=st.floats(NOW - 4 * 86_400, NOW),
        status=st.sampled_from(["ok", "ok", "error", "truncated", "cancelled", "unknown", "started"]),
        client=st.sampled_from(["claude-code", "codex"]),
        billing=st.sampled_from(["api", "api", "subscription"]),
        usage=st.none() | st.builds(Usage, counts, counts, counts, counts, counts),
        usage_quality=st.sampled_from(["exact", "partial", "estimated", "none"]),
        http_status=st.sampled_from([None, 200, 529]),
        cost_pusd=money,
        baseline_no_cache_pusd=money,
        baseline_client_pusd=money,
    )


def worked_out(turns: list[Turn]) -> dict[str, Any]:
    usages = [one.usage for one in turns if one.usage]
    billed = [one for one in turns if one.billing == "api"]
    money = [(one.cost_pusd, one.baseline_no_cache_pusd, one.baseline_client_pusd) for one in billed]
    priced = [three for three in money if None not in three]
    refused = [one for one in billed if one.status == "error" and one.usage is None and (one.http_status or 0) >= 400]
    unpriced = [one for one, three in zip(billed, money, strict=True) if None in three and one not in refused]
    known = [three for one, three in zip(billed, money, strict=True) if None not in three and one not in refused]
    nothing_known = unpriced and not known
    cost, without, clients = (sum(three[place] for three in priced) for place in range(3))
    read = sum(usage.cache_read_tokens for usage in usages)
    prompt = sum(usage.prompt_tokens for usage in usages)

    def dollars(pico: int) -> Decimal | None:
        return None if nothing_known else Decimal(pico) / 10**12

    return {
        "turns": len(turns),
        "errors": sum(one.status in ("error", "truncated") for one in turns),
        "input_tokens": sum(usage.input_tokens for usage in usages),
        "output_tokens": sum(usage.output_tokens for usage in usages),
        "cache_read_tokens": read,
        "subscription_turns": len(turns) - len(billed),
        "estimated_turns": sum(one.usage_quality in ("partial", "estimated") for one in turns),
        "unpriced_turns": len(unpriced),
        "cost_usd": dollars(cost),
        "baseline_no_cache_usd": dollars(without),
        "baseline_client_usd": dollars(clients),
        "saved_usd": dollars(without - cost),
        "saved_by_synrouter_usd": dollars(clients - cost),
        "cache_hit_rate": pytest.approx(Decimal(read) / prompt) if prompt else None,
    }


def test_the_command_line_prints_the_same_and_leaves_with_2_for_a_bad_value(write, settings, tmp_path):
    write(replace(turn(), started_at=time.time() - 60))
    environment = os.environ | {
        "SYNROUTER_HOME": str(settings.paths.config_dir),
        "PYTHONPATH": str(Path(synrouter_cli.__file__).parents[1]),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; from synrouter_cli.cli import main; sys.exit(main(sys.argv[1:]))"
        return subprocess.run(
            [sys.executable, "-c", code, "stats", *arguments],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            check=False,
        )

    good, bad = run("--json", "--since", "1h"), run("--since", "soon")
    assert (good.returncode, json.loads(good.stdout)["totals"]["turns"]) == (0, 1)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "--since takes" in bad.stderr
    assert "Traceback" not in bad.stderr
