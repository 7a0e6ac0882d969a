"""The names that a ledger knows, the latest first."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from synrouter_cli.ledger import names
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.queries import reading
from synrouter_cli.ledger.store import Store

NOON = 1_763_726_400.0  # 2025-11-21 12:00 UTC
HOUR = 3600.0


@pytest.fixture
def db(ledger_file, make_turn):
    turns = [
        make_turn("old", 1, started_at=NOON - 30 * HOUR, client="codex", model="m-old"),
        make_turn("new", 1, started_at=NOON - 29 * HOUR, model="m-old"),
        make_turn("new", 7, started_at=NOON - HOUR, client="cline", model="m-new"),
        make_turn("open", 1, started_at=NOON, status="started", client="nobody", model="m-open"),
        make_turn("between", 1, started_at=NOON - 2 * HOUR, model=""),
    ]
    store = Store.open(ledger_file)
    store.write(Batch({(turn.session, turn.turn): turn for turn in turns}))
    store.close()
    with reading(ledger_file, ZoneInfo("UTC")) as db:
        yield db


def test_sessions_come_with_the_client_and_the_number_of_their_last_turn(db):
    assert names.sessions(db, 10) == [("new", "cline", 7), ("between", "claude-code", 1), ("old", "codex", 1)]
    assert names.sessions(db, 1) == [("new", "cline", 7)]


def test_models_come_once_and_never_empty(db):
    assert names.models(db) == ["m-new", "m-old"]


def test_days_are_those_with_final_turns_since_then(db):
    assert names.days(db, 0.0) == [("2025-11-21", 2), ("2025-11-20", 2)]
    assert names.days(db, NOON - 12 * HOUR) == [("2025-11-21", 2)]
