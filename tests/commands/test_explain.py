"""`explain`: which turn it is about, the JSON other programs rely on, the line that only the daemon knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from synrouter_cli.cli import main
from synrouter_cli.commands import explain as command
from synrouter_cli.daemon.client import ControlError
from synrouter_cli.errors import NotRunning
from synrouter_cli.ledger.pending import Batch
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.ledger.store import Store
from synrouter_cli.paths import find_paths
from synrouter_cli.wire.usage import Usage

NOW = 1_763_726_400.0
CENT = 10**10
SYSTEM = {"system": {"block": 1, "how": "changed", "before": 9, "after": 9, "line": 2, "column": 8, "kind": "clock"}}


def turn(session: str, number: int, verdict: str, missed: int | None = 0, detail: Any = None, **more: Any) -> Turn:
    return Turn(
        session,
        number,
        NOW + 60 * number,
        **{
            "status": "ok",
            "model": "claude-opus-4-8",
            "usage": Usage(500, 1_000, 90_000, 0, 70),
            "usage_quality": "exact",
            "cost_pusd": 57 * CENT,
            "predicted_read_tokens": 1_000,
            "predicted_write_tokens": 90_500,
            "verdict": verdict,
            "missed_pusd": missed,
            "gap_s": 60.0,
            "detail": json.dumps(detail or {}),
            **more,
        },
    )


TURNS = (
    turn("aaaa1111", 1, "first"),
    turn("aaaa1111", 2, "system", 50 * CENT, SYSTEM),
    turn("aaaa1111", 3, "expired", 20 * CENT, {"gap_s": 1400, "ttl_s": 300}),
    turn("aaaa2222", 1, "hit"),
    turn("bbbb", 1, "hit"),
    turn("bb", 1, "lost", None, {"expected": 9}),
)


def write(*turns: Turn) -> None:
    paths = find_paths()
    paths.create()
    store = Store.open(paths.ledger_file)
    store.write(Batch({(each.session, each.turn): each for each in turns}))
    store.close()


@pytest.fixture
def ledger() -> None:
    write(*TURNS)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def said(*words: str) -> tuple[int, str, str]:
        code = main(["explain", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return said


class Daemon:
    """A running one that knows one line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, line: str | None = None, error: Exception | None = None):
        self.control = self
        self.asked: list[tuple[str, int]] = []
        self._line, self._error = line, error
        monkeypatch.setattr(command.client, "find", lambda paths: self)

    def changed_line(self, session: str, number: int) -> str | None:
        self.asked.append((session, number))
        if self._error is not None:
            raise self._error
        return self._line


@pytest.mark.parametrize(
    ("words", "turn_shown", "listed"),
    [
        ((), "Turn 3 of aaaa1111", False),
        (("aaaa1111",), "Turn 2 of aaaa1111", True),
        (("aaaa1",), "Turn 2 of aaaa1111", True),
        (("aaaa1", "--turn", "3"), "Turn 3 of aaaa1111", False),
        (("bb", "--turn", "1"), "Turn 1 of bb", False),
        (("aaaa2",), "No miss of this session cost anything.", True),
    ],
)
def test_which_turn_is_explained(ledger: None, said: Any, words: Any, turn_shown: str, listed: bool) -> None:
    code, out, err = said(*words)
    assert (code, err) == (0, "")
    assert turn_shown in out
    assert out.startswith("Session ") == listed


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("zz",), 1, "No session begins with 'zz'.\n  next: synrouter sessions"),
        (("",), 1, "No session begins with ''.\n  next: synrouter sessions"),
        (("aaaa",), 2, "'aaaa' is the start of aaaa1111, aaaa2222.\n  next: synrouter explain aaaa1111"),
        (("bbbb", "--turn", "7"), 1, "Session bbbb has no turn 7; its last is 1.\n  next: synrouter explain bbbb"),
        (("--turn", "7"), 2, "--turn goes with a session.\n  next: synrouter explain SESSION --turn 12"),
    ],
)
def test_what_is_not_there_has_a_next_step(ledger: None, said: Any, words: Any, code: int, message: str) -> None:
    assert said(*words) == (code, "", f"synrouter: {message}\n")


def test_a_ledger_without_misses_and_no_ledger_say_so(said: Any) -> None:
    code, out, err = said()
    assert (code, out) == (1, "")
    assert err == "synrouter: No ledger yet: it begins with the first turn through the proxy.\n  next: synrouter up\n"
    assert said("aaaa") == (code, out, err)
    write(turn("bbbb", 1, "hit"))
    code, out, err = said()
    assert (code, out) == (1, "")
    assert err == "synrouter: No miss in the ledger cost anything.\n  next: synrouter sessions\n"


def test_the_json_of_a_turn(ledger: None, said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Daemon(monkeypatch, "Today: Friday")
    code, out, _ = said("aaaa1", "--turn", "2", "--json")
    assert code == 0
    answer = json.loads(out)
    said_to_do = answer.pop("advice")
    assert answer == {
        "schema_version": 1,
        "session": "aaaa1111",
        "turn": 2,
        "started_at": NOW + 120,
        "status": "ok",
        "provider": "anthropic",
        "dialect": "anthropic",
        "upstream_dialect": "anthropic",
        "own_cache": False,
        "losses": [],
        "model": "claude-opus-4-8",
        "verdict": "system",
        "predicted_read_tokens": 1_000,
        "predicted_write_tokens": 90_500,
        "reported_read_tokens": 1_000,
        "reported_write_tokens": 90_000,
        "reported_prompt_tokens": 91_500,
        "shared_read_tokens": 0,
        "cost_usd": 0.57,
        "missed_usd": 0.5,
        "gap_s": 60.0,
        "detail": SYSTEM,
        "changed_line": "Today: Friday",
    }
    assert "line 2" in said_to_do
    assert daemon.asked == [("aaaa1111", 2)]


def test_the_json_of_a_session_has_its_turns_beside_the_costliest_miss(ledger: None, said: Any) -> None:
    answer = json.loads(said("aaaa1", "--json")[1])
    assert (answer["turn"], answer["verdict"], answer["changed_line"]) == (2, "system", None)
    assert [(each["turn"], each["verdict"], each["missed_usd"]) for each in answer["turns"]] == [
        (1, "first", 0),
        (2, "system", 0.5),
        (3, "expired", 0.2),
    ]
    answer = json.loads(said("aaaa2", "--json")[1])
    assert list(answer) == ["schema_version", "turns"]


def test_a_price_that_nobody_knows_is_null(ledger: None, said: Any) -> None:
    assert json.loads(said("bb", "--turn", "1", "--json")[1])["missed_usd"] is None


@pytest.mark.parametrize("line", ["Today: Friday", "Today:\x1b[31m Friday\u202e"])
def test_the_changed_line_comes_from_the_daemon_and_cannot_touch_the_terminal(
    ledger: None, said: Any, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    Daemon(monkeypatch, line)
    assert "\nline        Today: Friday\n" in said("aaaa1", "--turn", "2")[1]


@pytest.mark.parametrize("error", [NotRunning(), ControlError("it answered 404")])
def test_without_the_line_the_rest_is_said(
    ledger: None, said: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    daemon = Daemon(monkeypatch, error=error)
    code, out, err = said("aaaa1", "--turn", "2")
    assert (code, err) == (0, "")
    assert "System block 2 changed" in out
    assert "\nline " not in out
    assert daemon.asked == [("aaaa1111", 2)]


def test_the_daemon_is_asked_only_where_something_of_the_prompt_changed(
    ledger: None, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(monkeypatch, "never shown")
    assert "never shown" not in said("aaaa1", "--turn", "3")[1]
    assert daemon.asked == []
