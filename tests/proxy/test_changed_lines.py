"""The lines that changed: kept in memory by the turns, told to our own commands only, in no row and no log."""

from __future__ import annotations

from typing import Any

import pytest

from support.edge import CLIENT_TOKEN, CONTROL_TOKEN, running_edge
from support.memory import Memory
from synrouter_cli.proxy import bookkeeping
from synrouter_cli.proxy.turn import Inbound
from synrouter_cli.proxy.turns import Turns


@pytest.fixture
def turns() -> Turns:
    return Turns(level="safe", mode="auto", ledger=Memory(at=0.0), clock=lambda: 0.0)


def test_a_line_is_known_by_session_and_turn(turns: Turns) -> None:
    turns._books.note_line("s1", 2, "Today: Friday")
    assert turns.changed_line("s1", 2) == "Today: Friday"
    assert turns.changed_line("s1", 3) is None
    assert turns.changed_line("s2", 2) is None


def test_only_the_latest_lines_are_kept(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookkeeping, "MOST_LINES", 3)
    for number in range(5):
        turns._books.note_line("s1", number, str(number))
    assert [turns.changed_line("s1", number) for number in range(5)] == [None, None, "2", "3", "4"]


# ── the route ──


class KnowingTurns:
    """What the control API asks of turns."""

    def begin(self, inbound: Inbound) -> Any:
        raise AssertionError

    def warm(self) -> dict[str, float]:
        return {}

    def health(self) -> dict[str, dict[str, Any]]:
        return {}

    def changed_line(self, session: str, turn: int) -> str | None:
        return "Today: Friday" if (session, turn) == ("s 1&x=", 2) else None


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("?session=s+1%26x%3D&turn=2", "Today: Friday"),
        ("?turn=2&session=s%201%26x%3D", "Today: Friday"),
        ("?session=s+1%26x%3D&turn=3", None),
        ("?session=s+1%26x%3D", None),
        ("?session=s+1%26x%3D&turn=-2", None),
        ("?session=s+1%26x%3D&turn=%C2%B2", None),
        ("?session=s+1%26x%3D&turn=" + "9" * 5000, None),
        ("?turn=2", None),
        ("?", None),
        ("", None),
    ],
)
async def test_the_route_tells_the_line_of_a_turn(query: str, line: str | None) -> None:
    async with running_edge(services={"turns": KnowingTurns()}) as edge:
        headers = {"Authorization": f"Bearer {CONTROL_TOKEN}"}
        answer = await edge.ask("GET", f"/_synrouter/explain{query}", b"", headers, token=None)
    assert answer.status == 200
    assert answer.json() == {"changed_line": line}


@pytest.mark.parametrize("token", [None, CLIENT_TOKEN])
async def test_the_route_is_for_our_own_commands_only(token: str | None) -> None:
    async with running_edge(services={"turns": KnowingTurns()}) as edge:
        answer = await edge.ask("GET", "/_synrouter/explain?session=s+1%26x%3D&turn=2", b"", token=token)
    assert answer.status in (401, 403)
    assert b"Friday" not in answer.body
