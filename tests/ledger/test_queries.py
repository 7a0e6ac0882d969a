"""The rollups give what the rows give: each figure is worked out again here, in Python, from the turns."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synrouter_cli.ledger import queries
from synrouter_cli.ledger.figures import Figures
from synrouter_cli.ledger.migrations import SchemaTooNew, SchemaTooOld
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.queries import LedgerUnreadable
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.ledger.store import Store
from synrouter_cli.wire.usage import Usage

# The night on which Berlin's clocks went back; St John's and Kathmandu are not whole hours off UTC.
NIGHT = datetime(2025, 10, 26, tzinfo=UTC).timestamp()
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu")]
FINAL = ("ok", "error", "cancelled", "truncated", "unknown")

# Times close around the midnights of these zones: where an edge is counted twice or not at all, it shows.
MIDNIGHTS = [NIGHT + hours * 3600 for hours in (0, -2, 2.5, -5.75)]
moments = st.builds(
    lambda midnight, quarter, beside: midnight + 900 * quarter + beside,
    st.sampled_from(MIDNIGHTS),
    st.integers(-1, 1),
    st.sampled_from([-1.0, -0.001, 0.0, 0.5, 450.0]),
)
small = st.integers(0, 1000)
money = st.none() | st.integers(0, 10**13)
turns = st.builds(
    Turn,
    session=st.sampled_from(["a", "b", "c", "ab"]),
    turn=st.integers(1, 4),
    started_at=moments,
    status=st.sampled_from(["started", *FINAL]),
    client=st.sampled_from(["claude-code", "codex"]),
    mode=st.sampled_from(["coding", "general"]),
    kind=st.sampled_from(["main", "side", "ping"]),
    parent=st.sampled_from([None, None, "a", "b", "none of them"]),
    provider=st.sampled_from(["anthropic", "openai"]),
    model=st.sampled_from(["m1", "m2"]),
    model_used=st.sampled_from(["", "m2", "m3"]),
    billing=st.sampled_from(["api", "api", "subscription"]),
    http_status=st.sampled_from([None, 200, 429]),
    usage=st.none() | st.builds(Usage, small, small, small, small, small),
    usage_quality=st.sampled_from(["exact", "partial", "estimated", "none"]),
    cost_pusd=money,
    baseline_no_cache_pusd=money,
    baseline_client_pusd=money,
    trimmed_tokens=small,
    shared_read_tokens=small,
    trimmed_pusd=st.integers(0, 10**13),
)


def worked_out(chosen: Iterable[Turn]) -> dict[str, Any]:
    """The figures of `stats --json`, from the turns, by the words of the schema."""
    chosen = list(chosen)
    own = [turn for turn in chosen if turn.kind != "ping"]
    usages = [turn.usage for turn in chosen if turn.usage]
    read = sum(usage.cache_read_tokens for usage in usages)
    prompt = sum(usage.prompt_tokens for usage in usages)
    billed = [turn for turn in chosen if turn.billing == "api"]
    listed = [turn for turn in chosen if turn.billing == "subscription"]
    cost, no_cache, client = dollars(billed)
    list_cost, list_no_cache, list_client = dollars(listed)
    return {
        "turns": len(own),
        "errors": sum(turn.status in ("error", "truncated") for turn in own),
        "input_tokens": sum(usage.input_tokens for usage in usages),
        "cache_read_tokens": read,
        "cache_write_5m_tokens": sum(usage.cache_write_5m_tokens for usage in usages),
        "cache_write_1h_tokens": sum(usage.cache_write_1h_tokens for usage in usages),
        "output_tokens": sum(usage.output_tokens for usage in usages),
        "trimmed_tokens": sum(turn.trimmed_tokens for turn in chosen),
        "cache_hit_rate": read / prompt if prompt else None,
        "subscription_turns": sum(turn.billing == "subscription" for turn in own),
        "cost_usd": cost,
        "baseline_no_cache_usd": no_cache,
        "baseline_client_usd": client,
        "saved_usd": None if cost is None else no_cache - cost,
        "saved_percent": float(100 * (no_cache - cost) / no_cache) if no_cache else None,
        "saved_by_synrouter_usd": None if cost is None else client - cost,
        "estimated_turns": sum(turn.usage_quality in ("partial", "estimated") for turn in chosen),
        "unpriced_turns": sum(unpriced(turn) for turn in billed),
        "subscription_unpriced_turns": sum(unpriced(turn) for turn in listed),
        "subscription_list_cost_usd": list_cost,
        "subscription_list_baseline_no_cache_usd": list_no_cache,
        "subscription_list_baseline_client_usd": list_client,
        "pings": len(chosen) - len(own),
        "ping_cost_usd": None if cost is None else dollars_of(t.cost_pusd for t in priced(billed) if t.kind == "ping"),
        "shared_read_tokens": sum(turn.shared_read_tokens for turn in chosen),
        "trimmed_saved_usd": None if cost is None else dollars_of(t.trimmed_pusd for t in priced(billed)),
    }


def prices(turn: Turn) -> tuple[int | None, ...]:
    return turn.cost_pusd, turn.baseline_no_cache_pusd, turn.baseline_client_pusd


def refused(turn: Turn) -> bool:
    return turn.status == "error" and turn.usage is None and turn.http_status == 429


def unpriced(turn: Turn) -> bool:
    return None in prices(turn) and not refused(turn)


def dollars(chosen: list[Turn]) -> list[Any]:
    none_known = all(unpriced(turn) or refused(turn) for turn in chosen)
    if none_known and any(unpriced(turn) for turn in chosen):
        return [None, None, None]
    return [dollars_of(prices(turn)[i] for turn in priced(chosen)) for i in range(3)]


def priced(chosen: list[Turn]) -> list[Turn]:
    return [turn for turn in chosen if None not in prices(turn)]


def dollars_of(amounts: Iterable[int]) -> Fraction:
    return Fraction(sum(amounts), 10**12)


def exactly(figures: Figures) -> dict[str, Any]:
    """The figures with dollars as fractions, to compare them without a rounding of any kind."""
    numbers = figures.numbers()
    return {
        name: Fraction(value) if name.endswith("_usd") and value is not None else value
        for name, value in numbers.items()
    }


@settings(max_examples=200)
@given(
    history=st.lists(st.lists(turns, max_size=8), max_size=4),
    edges=st.tuples(moments, moments),
    zone=st.sampled_from(ZONES),
)
def test_every_figure_from_the_rollups_is_the_one_worked_out_from_the_turns(history, edges, zone):
    since, until = sorted(edges)
    with TemporaryDirectory() as folder:
        db = sqlite3.connect(":memory:", isolation_level=None)
        store = Store.open(Path(folder) / "ledger.db", connect=lambda path: db)
        for turns_of_batch in history:
            store.write(Batch({(turn.session, turn.turn): turn for turn in turns_of_batch}))
    queries.know_days(db, zone)
    kept = {(turn.session, turn.turn): turn for part in history for turn in part}
    final = [t for t in kept.values() if t.status != "started" and since <= t.started_at < until]

    assert exactly(queries.totals(db, since, until)) == worked_out(final)
    ended = [turn for turn in kept.values() if turn.status != "started"]
    for session in ("ab", "nobody"):
        own = worked_out(turn for turn in ended if turn.session == session)
        assert exactly(queries.session_totals(db, session)) == own
    children = [turn for turn in ended if turn.parent is not None and turn.started_at >= since]
    by_parent = {one: worked_out(t for t in children if t.parent == one) for one in (t.parent for t in children)}
    assert {one: exactly(found) for one, found in queries.children_totals(db, since).items()} == by_parent
    keys = {
        "day": lambda turn: datetime.fromtimestamp(turn.started_at, zone).date().isoformat(),
        "session": lambda turn: turn.session,
        "client": lambda turn: turn.client,
        "model": lambda turn: turn.model_used or turn.model,
        "provider": lambda turn: turn.provider,
    }
    assert set(keys) == set(queries.DIMENSIONS)
    for by, key_of in keys.items():
        expected = {key: worked_out(t for t in final if key_of(t) == key) for key in map(key_of, final)}
        assert {row.key: exactly(row.figures) for row in queries.groups(db, since, until, by)} == expected

    sessions = queries.sessions(db, since, until)
    assert {session.id for session in sessions} == {turn.session for turn in final}
    for session in sessions:
        own = [turn for turn in final if turn.session == session.id]
        all_of_it = (turn for turn in kept.values() if turn.session == session.id)
        last = max(all_of_it, key=lambda turn: (turn.kind != "ping", turn.turn))
        models = Counter({turn.model_used or turn.model: 0 for turn in own})
        models.update(turn.model_used or turn.model for turn in own if turn.kind != "ping")
        assert exactly(session.figures) == worked_out(own)
        assert (session.client, session.mode, session.kind) == (last.client, last.mode, last.kind)
        assert session.model == min(models, key=lambda model: (-models[model], model))
        assert session.last_bucket == max(turn.started_at // 900 * 900 for turn in own)
    db.close()


@pytest.fixture
def filled(ledger_file: Path, make_turn):
    store = Store.open(ledger_file)
    written = [make_turn("s1", n, started_at=NIGHT + 600 * n) for n in range(1, 6)]
    written.append(make_turn("s2", 1, started_at=NIGHT + 1234.5, status="started"))
    store.write(Batch({(turn.session, turn.turn): turn for turn in written}))
    store.close()
    return ledger_file


def test_whole_buckets_are_answered_without_the_rows(filled):
    with closing(sqlite3.connect(filled)) as db, db:
        db.execute("DELETE FROM turns")
    with queries.reading(filled) as db:
        assert queries.totals(db, NIGHT, NIGHT + 86400).count("turns") == 5


def test_a_ragged_edge_is_answered_from_the_rows(filled):
    with closing(sqlite3.connect(filled)) as db, db:
        db.execute("DELETE FROM rollup")
    with queries.reading(filled) as db:
        assert queries.totals(db, NIGHT + 1, NIGHT + 899).count("turns") == 1


def test_the_last_turns_are_the_latest_to_begin_those_under_way_too(filled):
    with queries.reading(filled) as db:
        assert [(t.session, t.turn) for t in queries.last_turns(db, 3)] == [("s1", 5), ("s1", 4), ("s1", 3)]
        assert ("s2", 1, "started") in [(t.session, t.turn, t.status) for t in queries.last_turns(db, 9)]


def test_the_turns_of_a_session_come_in_order_and_whole(filled, make_turn):
    with queries.reading(filled) as db:
        assert queries.turns_of(db, "s1") == [make_turn("s1", n, started_at=NIGHT + 600 * n) for n in range(1, 6)]
        assert (queries.last_turn(db, "s1"), queries.last_turn(db, "nobody")) == (5, 0)


def test_sessions_come_latest_first_and_rows_with_most_turns_first(ledger_file, make_turn):
    store = Store.open(ledger_file)
    rows = [("old", 1, 0, "m1"), ("new", 1, 5000, "m2"), ("new", 2, 5001, "m2")]
    store.write(Batch({(s, n): make_turn(s, n, started_at=NIGHT + at, model=model) for s, n, at, model in rows}))
    store.close()
    found = queries.report(ledger_file, NIGHT, NIGHT + 9000, by="model")
    assert [session.id for session in found.sessions] == ["new", "old"]
    assert [row.key for row in found.rows] == ["m2", "m1"]


def test_a_reader_sees_one_snapshot_while_the_writer_goes_on(filled, make_turn):
    store = Store.open(filled)
    with queries.reading(filled) as db:
        before = queries.totals(db, 0.0, 4e9).count("turns")
        store.write(Batch({("s9", 1): make_turn("s9", 1)}))
        assert queries.totals(db, 0.0, 4e9).count("turns") == before
    store.close()
    assert queries.report(filled, 0.0, 4e9).totals.count("turns") == before + 1


def test_a_reader_can_write_nothing(filled):
    with pytest.raises(LedgerUnreadable, match="readonly"), queries.reading(filled) as db:
        db.execute("DELETE FROM turns")


def test_without_a_ledger_every_figure_is_nothing(tmp_path):
    missing = queries.report(tmp_path / "none.db", 0.0, 1.0)
    (tmp_path / "empty.db").touch()
    assert missing == queries.report(tmp_path / "empty.db", 0.0, 1.0)
    assert (missing.totals.count("turns"), missing.sessions, missing.rows) == (0, [], [])
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_ledger_is_an_error_with_a_next_command(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerUnreadable) as refused:
        queries.report(tmp_path / "ledger.db", 0.0, 1.0)
    assert "not a database" in refused.value.message
    assert refused.value.hint.startswith("synrouter up ")


@pytest.mark.parametrize(("version", "error"), [(99, SchemaTooNew), (-1, SchemaTooOld)])
def test_another_schema_is_an_error_not_a_guess(filled, version, error):
    with closing(sqlite3.connect(filled)) as db:
        db.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(error):
        queries.report(filled, 0.0, 1.0)


def test_odd_characters_in_the_path_are_part_of_the_path(tmp_path, make_turn):
    path = tmp_path / "a?b#c%20 d" / "ledger.db"
    store = Store.open(path)
    store.write(Batch({("s1", 1): make_turn()}))
    store.close()
    assert queries.report(path, 0.0, 4e9).totals.count("turns") == 1


def test_days_begin_where_the_zone_says(ledger_file, make_turn):
    midnight = datetime(2025, 11, 21, tzinfo=ZoneInfo("Asia/Kathmandu"))
    store = Store.open(ledger_file)
    at = [midnight - timedelta(seconds=1), midnight]
    store.write(Batch({("s1", n): make_turn(turn=n, started_at=at[n].timestamp()) for n in range(2)}))
    store.close()
    found = queries.report(ledger_file, 0.0, 4e9, by="day", zone=ZoneInfo("Asia/Kathmandu"))
    assert [(row.key, row.figures.count("turns")) for row in found.rows] == [
        ("2025-11-20", 1),
        ("2025-11-21", 1),
    ]
