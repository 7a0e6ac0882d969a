"""`stats`: the schema other programs rely on, and a table that fits and tells the truth."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import synrouter_cli
from synrouter_cli.commands.stats import stats
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
        stats(settings, **({"now": NOW} | options))
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
