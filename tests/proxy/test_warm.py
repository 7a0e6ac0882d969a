"""How long each session's cache stays warm, and the control route that says so: tested against the cache model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.edge import CLIENT_TOKEN, CONTROL_TOKEN, running_edge
from support.memory import Memory
from synrouter_cli.proxy import bookkeeping
from synrouter_cli.proxy.resting import Rests
from synrouter_cli.proxy.turn import Inbound, Outcome
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.wire.usage import Usage

WORDS = "the quick brown fox jumps over the lazy dog and reads another file; "
MODEL = "claude-sonnet-4-6"
START = 1_790_000_000.0


class Desk:
    """Turns on a clock of their own, and a provider that reports what was predicted."""

    def __init__(self) -> None:
        self.now = START
        self.ledger = Memory(at=START)
        self.restart()

    def restart(self) -> None:
        self.turns = Turns(level="safe", mode="auto", ledger=self.ledger, clock=lambda: self.now, secret=b"k")

    def ask(self, session: str = "s1", rounds: int = 1, ttl: str | None = None, **more: Any) -> str:
        """One request; its session's id."""
        turn = self.turns.begin(inbound(session, rounds, ttl))
        turn.responding(more.pop("http_status", 200))
        planned = turn._planned
        assert planned is not None
        read = planned.tokens[planned.plan.found.hit] if planned.plan.found.hit >= 0 else 0
        written = (0, 4000) if ttl == "1h" else (4000, 0)
        usage = Usage(10, more.pop("read", read), *written, 5)
        turn.finish(Outcome("ok", 200, None, usage, "exact", MODEL, "end_turn", "m", 1.0, 2.0, 1))
        return turn.session_id

    def warm(self) -> dict[str, float]:
        return self.turns.warm()


def inbound(session: str, rounds: int, ttl: str | None) -> Inbound:
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": session + WORDS * 300}]}]
    for i in range(rounds):
        messages += [
            {"role": "assistant", "content": [{"type": "text", "text": f"step {i}"}]},
            {"role": "user", "content": [{"type": "text", "text": f"{i} {WORDS * 20}"}]},
        ]
    if ttl:
        messages[-1]["content"][-1]["cache_control"] = {"type": "ephemeral", "ttl": ttl}
    tools = [{"name": "Bash", "description": WORDS * 30, "input_schema": {"type": "object"}}]
    body = {"model": MODEL, "max_tokens": 100, "tools": tools, "messages": messages}
    headers = {"x-claude-code-session-id": session}
    raw = json.dumps(body).encode()
    return Inbound("messages", "anthropic", "anthropic", headers, "", raw, False, b"scope", "api")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_session_is_warm_for_five_minutes_from_its_requests_start(desk: Desk) -> None:
    session = desk.ask()
    desk.now += 100
    assert desk.warm() == {session: pytest.approx(200)}
    desk.now += 200
    assert desk.warm() == {}


def test_the_next_request_renews_it(desk: Desk) -> None:
    desk.ask(rounds=1)
    desk.now += 250
    session = desk.ask(rounds=2)
    desk.now += 100
    assert desk.warm() == {session: pytest.approx(200)}


def test_an_hours_lifetime_counts_as_one(desk: Desk) -> None:
    session = desk.ask(ttl="1h")
    assert desk.warm() == {session: pytest.approx(3600)}


def test_nothing_is_warm_before_the_provider_answers_or_where_it_refuses(desk: Desk) -> None:
    turn = desk.turns.begin(inbound("s1", 1, None))
    assert desk.warm() == {}
    turn.responding(529)
    turn.finish(Outcome("error", 529, "overloaded_error"))
    assert desk.warm() == {}


def test_sessions_have_each_their_own_and_the_latest_come_first(desk: Desk) -> None:
    first = desk.ask("s1")
    desk.now += 60
    second = desk.ask("s2")
    assert list(desk.warm()) == [second, first]
    assert desk.warm() == {second: pytest.approx(300), first: pytest.approx(240)}


def test_what_the_provider_has_evicted_is_not_warm(desk: Desk) -> None:
    desk.ask(rounds=1)
    desk.now += 10
    # reads nothing though an entry was expected: everything on this prefix is gone, but what this request wrote
    session = desk.ask(rounds=2, read=0)
    assert list(desk.warm()) == [session]
    for pair in desk.turns._planning.pairs.values():
        pair.sent.entries.clear()
    assert desk.warm() == {}


def test_after_a_restart_what_lives_is_still_warm(desk: Desk) -> None:
    session = desk.ask()
    desk.now += 100
    desk.restart()
    assert desk.warm() == {session: pytest.approx(200)}
    desk.now += 201
    desk.restart()
    assert desk.warm() == {}


def test_no_more_sessions_are_named_than_a_dashboard_can_show(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookkeeping, "MOST_WARM", 5)
    ids = [desk.ask(f"session-{number}") for number in range(8)]
    assert list(desk.warm()) == ids[:-6:-1]


# ── the route ──


class LiveTurns:
    """What the control API asks of turns."""

    def begin(self, inbound: Inbound) -> Any:
        raise AssertionError

    def warm(self) -> dict[str, float]:
        return {"a1b2c3": 251.96}

    def health(self) -> dict[str, dict[str, Any]]:
        return {"anthropic": {"turns": 3}}

    def changed_line(self, session: str, turn: int) -> str | None:
        raise AssertionError


async def test_live_says_the_health_and_what_no_row_says() -> None:
    rests = Rests(clock=lambda: 0.0)
    rests.note("openai", "gpt-5.5", 12)
    services = {"turns": LiveTurns(), "rests": rests}
    async with running_edge(services=services, key_sources={"anthropic": "SYNROUTER_ANTHROPIC_KEY"}) as edge:
        headers = {"Authorization": f"Bearer {CONTROL_TOKEN}"}
        health = (await edge.ask("GET", "/_synrouter/health", b"", headers, token=None)).json()
        answer = await edge.ask("GET", "/_synrouter/live", b"", headers, token=None)
    live = answer.json()
    assert answer.status == 200
    assert set(live) - set(health) == {"providers", "resting", "warm"}
    assert {name: live[name] for name in health if name != "uptime_s"} == {
        name: value for name, value in health.items() if name != "uptime_s"
    }
    assert live["providers"] == {"anthropic": {"turns": 3}}
    assert live["keys"] == {"anthropic": "SYNROUTER_ANTHROPIC_KEY"}
    assert live["warm"] == {"a1b2c3": 252.0}
    assert live["resting"] == {"openai": 12.0}
    assert live["in_flight"] == 0


@pytest.mark.parametrize("token", [None, CLIENT_TOKEN])
async def test_live_is_for_our_own_commands_only(token: str | None) -> None:
    async with running_edge(services={"turns": LiveTurns()}) as edge:
        answer = await edge.ask("GET", "/_synrouter/live", b"", token=token)
    assert answer.status in (401, 403)
    assert b"warm" not in answer.body
