"""`sessions`: the latest first, what they cost, and whether a running proxy says that they are warm."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from synrouter_cli.cli import main
from synrouter_cli.commands import sessions as command
from synrouter_cli.commands.cells import breadth
from synrouter_cli.daemon import client
from synrouter_cli.daemon.client import ControlError
from synrouter_cli.errors import UsageError
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.rows import OWN_CACHE, Turn
from synrouter_cli.ledger.store import Store
from synrouter_cli.paths import Paths
from synrouter_cli.settings import load
from synrouter_cli.wire.usage import Usage

NOW = 1_763_726_400.5  # 2025-11-21 12:00 UTC
USD = 10**12


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def paths() -> Paths:
    return load().paths


@pytest.fixture
def show(paths: Paths, capsys, monkeypatch) -> Callable[..., str]:
    def show(columns: int = 120, **options: Any) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        assert command.sessions(paths, **({"now": NOW} | options)) == 0
        return capsys.readouterr().out

    return show


@pytest.fixture
def answers(monkeypatch) -> Callable[[Any], None]:
    """Have a proxy run that says so of what is warm."""

    def answers(told: Any) -> None:
        def live() -> Any:
            if isinstance(told, Exception):
                raise told
            return told

        monkeypatch.setattr(client, "find", lambda paths: SimpleNamespace(control=SimpleNamespace(live=live)))

    return answers


def turn(session: str, number: int = 1, **changes: Any) -> Turn:
    figures: dict[str, Any] = {
        "started_at": NOW - 3600 + 60 * number,
        "status": "ok",
        "client": "claude-code",
        "mode": "coding",
        "model": "claude-sonnet-4-6",
        "usage": Usage(100, 8000, 1500, 400, 250),
        "usage_quality": "exact",
        "cost_pusd": 2 * USD,
        "baseline_no_cache_pusd": 10 * USD,
        "baseline_client_pusd": 3 * USD,
    }
    return Turn(session=session, turn=number, **(figures | changes))


@pytest.fixture
def some(paths: Paths) -> None:
    turns = [
        turn("0123456789ab"),
        turn("0123456789ab", 2),
        turn("0123456789ab", 30, kind="ping", baseline_no_cache_pusd=0, baseline_client_pusd=0),
        turn("fedcba987654", 9, client="kilo", kind="subagent", cost_pusd=None),
        turn("0ld0ld0ld0ld", 1, started_at=NOW - 9 * 86_400),
    ]
    store = Store.open(paths.ledger_file)
    store.write(Batch({(one.session, one.turn): one for one in turns}))
    store.close()


def test_sessions_are_listed_by_their_last_turn_with_what_they_cost(some, show):
    lines = [line.split() for line in show().splitlines()]
    assert lines[2] == [*"Session Client Mode Model Turns Hit Cost Saved Last seen Warm".split()]
    assert lines[4] == "fedcba kilo subagent coding claude-sonnet-4-6 1 80% ? ? 11-21 11:09 ?".split()
    assert lines[5] == "012345 claude-code coding claude-sonnet-4-6 2 80% $6.00 $14.00 11-21 11:02 ?".split()
    assert len(lines) == 6


@pytest.mark.parametrize(
    ("told", "warm"),
    [
        ({"warm": {"0123456789ab": 252.9}}, ["cold", "4:12"]),
        ({"warm": {"0123456789ab": -3, "fedcba987654": "soon"}}, ["cold", "cold"]),
        ({"warm": None}, ["?", "?"]),
        ({}, ["?", "?"]),
        (ControlError("no answer in time"), ["?", "?"]),
    ],
)
def test_what_is_warm_is_what_a_running_proxy_says(some, show, answers, told, warm):
    answers(told)
    assert [line.split()[-1] for line in show().splitlines()[4:]] == warm


def test_the_json_has_the_whole_id_when_it_was_seen_and_the_figures_of_stats(some, show, answers):
    answers({"warm": {"0123456789ab": 252.5}})
    found = json.loads(show(as_json=True), parse_float=Decimal)
    assert (found["schema_version"], found["since"]) == (1, "2025-11-14T12:00:00+00:00")
    cold, warm = found["sessions"]
    assert (cold["id"], cold["kind"], cold["warm"], cold["warm_s"]) == ("fedcba987654", "subagent", False, 0)
    assert (warm["id"], warm["last_seen"], warm["warm"]) == ("0123456789ab", "2025-11-21T11:02:00+00:00", True)
    assert (warm["turns"], warm["pings"], warm["cost_usd"], warm["warm_s"]) == (2, 1, 6, Decimal("252.5"))


def test_without_a_proxy_the_json_does_not_say_that_a_cache_is_cold(some, show):
    assert [one["warm"] for one in json.loads(show(as_json=True))["sessions"]] == [None, None]


def test_an_earlier_beginning_shows_more(some, show):
    assert "0ld0ld" not in show()
    assert "0ld0ld" in show(since="30d")


@pytest.mark.parametrize("columns", [60, 80, 100, 120])
def test_names_give_way_to_numbers_where_the_terminal_is_narrow(some, show, columns):
    lines = show(columns, since="30d").splitlines()[2:]
    assert max(map(breadth, lines)) <= columns
    assert all(figure in "\n".join(lines) for figure in ("$6.00", "$14.00", "80%"))


def test_no_sessions_are_a_sentence_and_the_next_command(show, paths):
    assert show() == "No ledger yet: it begins with the first turn through the proxy.\n  next: synrouter up\n"
    paths.ledger_file.parent.mkdir(parents=True)
    paths.ledger_file.touch()
    assert show() == "No sessions from 2025-11-14 12:00 to 2025-11-21 12:00.\n  next: synrouter sessions --since 30d\n"
    assert json.loads(show(as_json=True))["sessions"] == []


def test_names_from_outside_cannot_reach_the_terminal(paths, show):
    store = Store.open(paths.ledger_file)
    store.write(Batch({("x", 1): turn("\x1b[2J\x1b", client="\x1b]0;owned\x07", model="\u202eevil")}))
    store.close()
    assert not set(show()) & {"\x1b", "\x07", "\u202e"}


def test_a_since_that_makes_no_sense_is_a_usage_error(show, capsys):
    with pytest.raises(UsageError):
        show(since="soon")
    assert main(["sessions", "--since", "soon"]) == 2
    assert "--since takes" in capsys.readouterr().err


def test_how_warm_the_cache_of_a_provider_is_that_keeps_it_by_itself_nobody_knows(paths, show, answers):
    store = Store.open(paths.ledger_file)
    own = turn("aaaa1111", 2, provider="openai", model="gpt-5.5", plan=f"standard; {OWN_CACHE}")
    store.write(Batch({(one.session, one.turn): one for one in (own, turn("bbbb2222"))}))
    store.close()
    assert [line.split()[-1] for line in show().splitlines()[4:]] == ["–", "?"]
    answers({"warm": {}})
    assert [line.split()[-1] for line in show().splitlines()[4:]] == ["–", "cold"]
    found = json.loads(show(as_json=True))["sessions"]
    assert [(one["id"], one["warm"], one["warm_s"]) for one in found] == [
        ("aaaa1111", None, None),
        ("bbbb2222", False, 0),
    ]
