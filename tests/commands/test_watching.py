"""Every figure on the dashboard is worked out once more from the raw rows, without SQL, rollups or the figures' own code."""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from synrouter_cli.commands import watching
from synrouter_cli.commands.watching import Watcher, midnight
from synrouter_cli.dashboard.glyphs import UNICODE
from synrouter_cli.dashboard.keys import View
from synrouter_cli.dashboard.snapshot import Snapshot
from synrouter_cli.dashboard.view import draw
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.ledger.store import Store
from synrouter_cli.paths import Paths, find_paths
from synrouter_cli.wire.usage import Usage

NOW = datetime(2025, 11, 21, 14, 2, 31, tzinfo=UTC).timestamp()
ZONES = [UTC, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/St_Johns"), ZoneInfo("Pacific/Kiritimati")]
CLIENTS = ("claude-code", "opencode", "kilo")
MODELS = ("claude-sonnet-4-6", "claude-opus-4-8", "claude-haiku-4-5-20251001")
STATES = ("ok", "error", "truncated", "cancelled", "unknown", "started")


@pytest.fixture
def paths() -> Paths:
    found = find_paths()
    found.create()
    return found


def write(paths: Paths, turns: Iterable[Turn]) -> None:
    store = Store.open(paths.ledger_file)
    store.write(Batch({(turn.session, turn.turn): turn for turn in turns}))
    store.close()


def some_turns(seed: int, count: int = 400) -> list[Turn]:
    """Turns of the last 40 days with everything that can stand in a row, gains and losses."""
    rng = random.Random(seed)
    return [_some_turn(rng, number) for number in range(1, count + 1)]


def _some_turn(rng: random.Random, number: int) -> Turn:
    session = rng.randrange(9)
    status = rng.choices(STATES, [80, 6, 3, 5, 3, 3])[0]
    ended = status in ("ok", "truncated", "cancelled") and rng.random() > 0.1
    cost = rng.randrange(10**6, 3 * 10**11)
    priced = ended and session != 7
    return Turn(
        session=f"{session}f{session}e{session}d-rest",
        turn=number,
        started_at=NOW - rng.random() ** 3 * 40 * 86_400,
        status=status,
        client=CLIENTS[session % 3],
        mode="coding" if session % 2 else "general",
        kind=("main", "subagent", "side")[session % 3],
        model=MODELS[session % 2],
        model_used="" if rng.random() < 0.1 else rng.choice(MODELS),
        billing="subscription" if session in (2, 5) else "api",
        http_status=529 if status == "error" else 200,
        error_type="overloaded_error" if status == "error" else None,
        usage=Usage(*(rng.randrange(10**5) for _ in range(5))) if ended else None,
        usage_quality=rng.choice(("exact", "exact", "exact", "estimated", "partial")) if ended else "none",
        cost_pusd=cost if priced else 0 if status == "error" else None,
        baseline_no_cache_pusd=cost * rng.randrange(1, 6) if priced else 0 if status == "error" else None,
        baseline_client_pusd=int(cost * rng.uniform(0.7, 2)) if priced else 0 if status == "error" else None,
        ttfb_ms=rng.uniform(100, 20_000) if ended else None,
    )


# ── the other way: plain rows, fractions, and a hand that writes numbers down ──


class Tally:
    """Figures of rows, worked out one by one."""

    def __init__(self, rows: list[Turn]) -> None:
        self.rows = [row for row in rows if row.status != "started"]

    def of(self, billing: str) -> list[Turn]:
        return [row for row in self.rows if row.billing == billing]

    @property
    def shown(self) -> list[Turn]:
        """Those whose dollars are shown: a subscription's only where nothing else is there."""
        return self.of("api") or self.of("subscription")

    @property
    def listed(self) -> bool:
        return bool(self.rows) and not self.of("api")

    @property
    def hit(self) -> Fraction | None:
        used = [row.usage for row in self.rows if row.usage]
        read = sum(usage.cache_read_tokens for usage in used)
        prompt = read + sum(u.input_tokens + u.cache_write_5m_tokens + u.cache_write_1h_tokens for u in used)
        return Fraction(read, prompt) if prompt else None

    @property
    def errors(self) -> int:
        return sum(row.status in ("error", "truncated") for row in self.rows)

    @staticmethod
    def refused(row: Turn) -> bool:
        return row.status == "error" and row.usage is None and (row.http_status or 0) >= 400

    @staticmethod
    def known(row: Turn) -> bool:
        return None not in (row.cost_pusd, row.baseline_client_pusd, row.baseline_no_cache_pusd)

    def unpriced(self, rows: list[Turn]) -> int:
        return sum(not self.known(row) and not self.refused(row) for row in rows)

    def money(self, minus: str | None, plus: str = "cost_pusd", rows: list[Turn] | None = None) -> str:
        """The sum of a column less another, with its marks."""
        rows = self.shown if rows is None else rows
        known = [row for row in rows if self.known(row)]
        if self.unpriced(rows) and not [row for row in known if not self.refused(row)]:
            return "?"
        total = sum(getattr(row, plus) - (getattr(row, minus) if minus else 0) for row in known)
        estimated = any(row.usage_quality in ("partial", "estimated") for row in rows)
        star = "*" if rows and rows[0].billing == "subscription" else ""
        return ("~" if estimated else "") + star + dollars(Fraction(total, 10**12))

    @property
    def cost(self) -> str:
        rows = self.shown
        some = [row for row in rows if self.known(row) and not self.refused(row)]
        return self.money(None) + ("+?" if self.unpriced(rows) and some else "")

    @property
    def ours(self) -> str:
        return self.money("cost_pusd", "baseline_client_pusd")

    @property
    def in_all(self) -> str:
        return self.money("cost_pusd", "baseline_no_cache_pusd")

    def share(self, baseline: str) -> str:
        known = [row for row in self.shown if self.known(row)]
        whole = sum(getattr(row, baseline) for row in known)
        saved = sum(getattr(row, baseline) - row.cost_pusd for row in known)
        return percent(Fraction(saved, whole)) if whole and "?" not in self.money(None) else ""


def dollars(amount: Fraction) -> str:
    sign, size = ("-", -amount) if amount < 0 else ("", amount)
    if 0 < size < Fraction(5, 100_000):
        return f"{sign}<$0.0001"
    places = 2 if size >= 1 or size == 0 else 4
    units = math.floor(size * 10**places + Fraction(1, 2))
    whole, part = divmod(units, 10**places)
    return f"{sign}${whole:,}.{part:0{places}}"


def percent(share: Fraction | None) -> str:
    return "–" if share is None else f"{math.floor(share * 100)}%"


def within(turns: list[Turn], days: int, zone: tzinfo) -> list[Turn]:
    """Rows of the last `days` local dates."""
    today = datetime.fromtimestamp(NOW, zone).date()
    dates = {today - timedelta(days=ago) for ago in range(days)}
    return [turn for turn in turns if datetime.fromtimestamp(turn.started_at, zone).date() in dates]


def screen(snapshot: Snapshot, name: str, days: int, width: int = 200, height: int = 100) -> list[str]:
    return draw(snapshot, View(screen=name, days=days), width, height, UNICODE).text().splitlines()


def cells(lines: list[str], first: str) -> list[list[str]]:
    """The rows of the table whose heading begins with `first`."""
    start = next(i for i, line in enumerate(lines) if line.startswith(f" {first}"))
    rows = []
    for line in lines[start + 1 :]:
        if not line.strip() or line.startswith("─") or "next:" in line:
            break
        rows.append(re.split(r"\s{2,}", line.strip()))
    return rows


@pytest.mark.parametrize("days", [1, 7, 30])
@pytest.mark.parametrize("seed", range(3))
def test_the_headline_is_what_the_rows_add_up_to(paths: Paths, seed: int, days: int) -> None:
    turns = some_turns(seed)
    write(paths, turns)
    for zone in ZONES:
        snapshot = Watcher(paths, zone=zone).look(days, NOW)
        tally = Tally(within(turns, days, zone))
        lines = screen(snapshot, "overview", days)
        shown = re.split(r"\s{2,}", lines[3].strip())
        errors = f" · {tally.errors} error{'s' if tally.errors != 1 else ''}" if tally.errors else ""
        assert shown == [
            f"{tally.ours} · {tally.share('baseline_client_pusd')}",
            tally.cost,
            f"{tally.in_all} · {tally.share('baseline_no_cache_pusd')}",
            percent(tally.hit),
            f"{len(tally.rows)}{errors}",
        ]
        apart = tally.of("subscription")
        paid = tally.money(None, rows=apart), tally.money(None, "baseline_no_cache_pusd", apart)
        ours = tally.money("cost_pusd", "baseline_client_pusd", apart)
        noun = "turn" if len(apart) == 1 else "turns"
        said = f" subscription: {len(apart)} {noun} · list price {paid[0]} · uncached {paid[1]} · saved {ours}"
        assert (said in lines) == bool(apart)
        estimated = sum(row.usage_quality in ("partial", "estimated") for row in tally.rows)
        unpriced = tally.unpriced(tally.rows)
        notes = [f"~ {estimated} estimated"] * bool(estimated)
        notes += [f"? {unpriced} without a price, in none of the sums"] * bool(unpriced)
        assert not notes or " " + " · ".join(notes) in lines


@pytest.mark.parametrize("days", [1, 7, 30])
@pytest.mark.parametrize("seed", range(3))
def test_sessions_and_models_are_what_their_rows_add_up_to(paths: Paths, seed: int, days: int) -> None:
    turns = some_turns(seed)
    write(paths, turns)
    zone = ZONES[seed]
    snapshot = Watcher(paths, zone=zone).look(days, NOW)
    rows = within(turns, days, zone)
    expected = {}
    for session in {row.session for row in rows}:
        tally = Tally([row for row in rows if row.session == session])
        if tally.rows:
            last = max((row for row in turns if row.session == session), key=lambda row: row.turn)
            names = [row.model_used or row.model for row in tally.rows]
            model = min(set(names), key=lambda name: (-names.count(name), name))
            expected[session[:6]] = [last.client, last.kind, last.mode, model, *_figures(tally)]
    # the width of a name's column is never the last word: compare without the columns between
    found = {row[0]: row[1:-1] for row in cells(screen(snapshot, "sessions", days), "Session")}
    assert {key: _without_output(row, 7) for key, row in found.items()} == expected

    models = {}
    for model in {row.model_used or row.model for row in rows}:
        tally = Tally([row for row in rows if (row.model_used or row.model) == model])
        if tally.rows:
            models[model] = _figures(tally)
    found = {row[0]: row[1:] for row in cells(screen(snapshot, "models", days), "Model")}
    assert {key: _without_output(row, 3) for key, row in found.items()} == models


def _figures(tally: Tally) -> list[str]:
    errors = str(tally.errors) if tally.errors else "–"
    return [str(len(tally.rows)), errors, percent(tally.hit), tally.cost, tally.ours, tally.in_all]


def _without_output(row: list[str], prompt: int) -> list[str]:
    """Without the token counts, which are rounded to three digits: they are compared on their own."""
    at = row.index(next(cell for cell in row[prompt - 1 :] if re.fullmatch(r"[\d.]+[kM]?|0", cell)), prompt - 1)
    return [cell for i, cell in enumerate(row) if i not in (at, at + 2)]


@pytest.mark.parametrize("seed", range(3))
def test_the_last_turns_are_the_rows_themselves(paths: Paths, seed: int) -> None:
    turns = some_turns(seed)
    write(paths, turns)
    snapshot = Watcher(paths, zone=UTC).look(1, NOW)
    latest = sorted(turns, key=lambda turn: (-turn.started_at, -turn.turn))
    rows = cells(screen(snapshot, "overview", 1), "Time")
    assert len(rows) > 20
    for shown, turn in zip(rows, latest, strict=False):
        assert shown[0] == datetime.fromtimestamp(turn.started_at, UTC).strftime("%H:%M:%S")
        assert shown[1] == f"{turn.session[:6]} #{turn.turn}"
        assert shown[3] == (turn.model_used or turn.model)
        tally = Tally([replace(turn, status="ok")])
        assert shown[5] == percent(tally.hit)
        nothing = turn.status == "started" or (turn.usage is None and turn.cost_pusd == 0)
        mark = ("" if turn.usage_quality == "exact" else "~") + ("*" if turn.billing == "subscription" else "")
        bare = "–" if nothing else "?" if turn.cost_pusd is None else None
        saved = bare or mark + dollars(Fraction(turn.baseline_client_pusd - turn.cost_pusd, 10**12))
        assert shown[7] == (bare or mark + dollars(Fraction(turn.cost_pusd, 10**12)))
        assert shown[8] == saved


@pytest.mark.parametrize("days", [7, 30])
def test_a_bar_is_what_its_rows_add_up_to(paths: Paths, days: int) -> None:
    turns = some_turns(1)
    write(paths, turns)
    snapshot = Watcher(paths, zone=UTC).look(days, NOW)
    start = datetime(2025, 11, 21, tzinfo=UTC).timestamp() - (days - 1) * 86_400
    length = {7: 6 * 3600, 30: 86_400}[days]
    for index, bar in enumerate(snapshot.bars):
        began = start + index * length
        tally = Tally([turn for turn in turns if began <= turn.started_at < began + length])
        assert bar.hit_rate == (None if tally.hit is None else pytest.approx(float(tally.hit)))
        sums = [row for row in tally.shown if tally.known(row)]
        if bar.saved_usd is not None:
            assert bar.saved_usd * 10**12 == sum(row.baseline_client_pusd - row.cost_pusd for row in sums)
        else:
            assert not tally.shown or tally.money(None) == "?"
    assert len(snapshot.bars) == {7: 27, 30: 30}[days]


def test_errors_are_the_rows_that_did_not_end_well(paths: Paths) -> None:
    turns = some_turns(2)
    write(paths, turns)
    snapshot = Watcher(paths, zone=UTC).look(30, NOW)
    unwell = [turn for turn in within(turns, 30, UTC) if turn.status not in ("ok", "started")]
    unwell.sort(key=lambda turn: -turn.started_at)
    shown = [row[1] for row in cells(screen(snapshot, "errors", 30), "Time")]
    assert shown == [f"{turn.session[:6]} #{turn.turn}" for turn in unwell[:60]][: len(shown)]
    assert len(shown) >= min(len(unwell), 50)


def test_a_day_begins_at_the_local_midnight_when_the_clocks_change_too():
    berlin = ZoneInfo("Europe/Berlin")
    noon = datetime(2025, 10, 26, 12, tzinfo=berlin).timestamp()  # 25 hours long
    assert midnight(noon, -1, berlin) - midnight(noon, 0, berlin) == 25 * 3600
    assert datetime.fromtimestamp(midnight(noon, 6, berlin), berlin).isoformat() == "2025-10-20T00:00:00+02:00"


# ── when it looks ──


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often the ledger was read."""
    reads = [0]
    original = Watcher._read

    def read(self: Watcher, *arguments: Any) -> Snapshot:
        reads[0] += 1
        return original(self, *arguments)

    monkeypatch.setattr(Watcher, "_read", read)
    return lambda: reads[0]


def test_the_ledger_is_read_when_it_changed_and_not_otherwise(paths: Paths, counted: Callable[[], int]) -> None:
    write(paths, some_turns(1, 20))
    watcher = Watcher(paths, zone=UTC, monotonic=Clock())
    first = watcher.look(7, NOW)
    watcher.look(7, NOW)  # opening the ledger for the first time touches its log
    read = counted()
    for tick in range(5):
        watcher.look(7, NOW + tick)
    assert counted() == read
    write(paths, [replace(turn, turn=turn.turn + 100) for turn in some_turns(1, 20)])
    assert watcher.look(7, NOW).totals.count("turns") == 2 * first.totals.count("turns")
    assert counted() == read + 1


def test_another_range_is_read_at_once_and_tomorrow_too(paths: Paths, counted: Callable[[], int]) -> None:
    write(paths, some_turns(1, 50))
    watcher = Watcher(paths, zone=UTC, monotonic=Clock())
    for days in (1, 7, 30, 1):
        watcher.look(days, NOW)
    assert counted() == 4
    assert watcher.look(1, NOW + 86_400).totals.count("turns") == 0
    assert counted() == 5


def test_a_slow_ledger_is_read_rarely(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, reads = Clock(), []

    def slow(self: Watcher, *arguments: Any) -> Snapshot:
        reads.append(clock.now)
        clock.now += 0.3
        return Snapshot(at=0.0, since=arguments[0])

    monkeypatch.setattr(Watcher, "_read", slow)
    stamps = iter(range(10_000))
    monkeypatch.setattr(watching, "_files", lambda path: (next(stamps),))
    watcher = Watcher(paths, zone=UTC, monotonic=clock)
    while clock.now < 160:
        watcher.look(30, NOW)
        clock.now += 0.5
    assert len(reads) in (4, 5), "0.3 s of reading, then 15 s of rest"


def test_what_a_daemon_writes_meanwhile_is_seen(paths: Paths) -> None:
    ledger = Ledger.open(paths.ledger_file)
    try:
        watcher = Watcher(paths, zone=UTC)
        assert watcher.look(1, NOW).totals.count("turns") == 0
        ledger.record(replace(some_turns(1, 1)[0], status="ok", started_at=NOW - 1))
        assert ledger.flush(10)
        deadline = time.monotonic() + 10
        while not watcher.look(1, NOW).totals.count("turns"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        ledger.close()


# ── what is wrong is shown ──


def test_no_ledger_yet_is_said(paths: Paths) -> None:
    snapshot = Watcher(paths, zone=UTC).look(1, NOW)
    assert snapshot.totals is None
    assert " No ledger yet." in screen(snapshot, "overview", 1)


def test_a_ledger_that_cannot_be_read_is_said_and_the_last_figures_stay(paths: Paths) -> None:
    write(paths, some_turns(1, 30))
    watcher = Watcher(paths, zone=UTC, monotonic=(clock := Clock()))
    before = watcher.look(30, NOW).totals
    paths.ledger_file.write_bytes(b"no ledger at all" * 1000)
    for suffix in ("-wal", "-shm"):
        Path(f"{paths.ledger_file}{suffix}").unlink(missing_ok=True)
    clock.now += 100
    after = watcher.look(30, NOW)
    assert after.totals == before
    assert "can't be read" in after.ledger_problem
    assert any("can't be read" in line for line in screen(after, "overview", 30))


def test_no_daemon_is_said_with_the_next_command(paths: Paths) -> None:
    lines = screen(Watcher(paths, zone=UTC).look(1, NOW), "overview", 1)
    assert "○ not running" in lines[0]
    assert " Synrouter is not running.  next: synrouter up" in lines
