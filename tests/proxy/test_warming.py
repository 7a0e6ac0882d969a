"""Which sessions get keep-warm pings, what a ping leaves behind, and what ends them: turns on a clock of their own."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from support.memory import Memory
from synrouter_cli import meter
from synrouter_cli.config_file import KeepWarm
from synrouter_cli.proxy.turn import ActiveTurn, Inbound, Outcome
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.proxy.warming import MOST_WATCHED, Ping
from synrouter_cli.session import Session
from synrouter_cli.wire.usage import Usage

WORDS = "the quick brown fox jumps over the lazy dog and reads another file; "
MODEL = "claude-sonnet-4-6"
START = 1_790_000_000.0
HOUR = 3600.0
SWITCHED_ON = KeepWarm(True, Decimal(10), Decimal(100))
LUNCHES = [[(8.0, False), (5000.0, True)] * 8] * 9
"""The past of somebody who always comes back after 83 minutes."""


def inbound(session: str = "s1", rounds: int = 1, *, ttl: str = "1h", billing: str = "api", **fields: Any) -> Inbound:
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": session + WORDS * 300}]}]
    for i in range(rounds):
        messages += [
            {"role": "assistant", "content": [{"type": "text", "text": f"step {i}"}]},
            {"role": "user", "content": [{"type": "text", "text": f"{i} {WORDS * 20}"}]},
        ]
    messages[-1]["content"][-1]["cache_control"] = {"type": "ephemeral", "ttl": ttl}
    tools = [{"name": "Bash", "description": WORDS * 30, "input_schema": {"type": "object"}}]
    body = {"model": MODEL, "max_tokens": 100, "stream": True, "tools": tools, "messages": messages, **fields}
    headers = {"x-claude-code-session-id": session}
    raw = json.dumps(body).encode()
    return Inbound("messages", "anthropic", "anthropic", headers, "", raw, False, b"scope", billing)


class Desk:
    """Turns whose provider reports what was predicted, unless it is told otherwise."""

    def __init__(self, keep_warm: KeepWarm = SWITCHED_ON, level: str = "safe") -> None:
        self.now = START
        self.ledger = Memory(at=START)
        self.keep_warm, self.level = keep_warm, level
        self.restart()

    def restart(self) -> None:
        self.turns = Turns(
            level=self.level,
            mode="auto",
            ledger=self.ledger,
            clock=lambda: self.now,
            secret=b"k",
            keep_warm=self.keep_warm,
        )
        self.turns.learn(LUNCHES)

    def ask(self, asked: Inbound | None = None, *, status: str = "ok", stop: str | None = "end_turn") -> str:
        turn = self.turns.begin(asked or inbound())
        self.answer(turn, status=status, stop=stop)
        return turn.session_id

    def answer(self, turn: ActiveTurn, *, status: str = "ok", stop: str | None = "end_turn") -> None:
        turn.responding(200)
        planned = turn._planned
        assert planned is not None
        found, tokens = planned.plan.found, planned.tokens
        read = tokens[found.hit] if found.hit >= 0 else 0
        written = tokens[found.writes[-1].position] - read if found.writes else 0
        hour = any(marker.ttl == "1h" for marker in found.writes)
        usage = Usage(10, read, 0 if hour else written, written if hour else 0, 5)
        turn.finish(Outcome(status, 200, None, usage, "exact", planned.prompt.model, stop, "m", 1.0, 2.0, 1))

    def due(self, after_s: float = 3560.0) -> list[Ping]:
        self.now += after_s
        return self.turns.due_pings(self.now)

    def reply(
        self, ping: Ping, *, read: int = 6000, written: int = 0, http_status: int = 200, usage: bool = True
    ) -> None:
        ping.responding(http_status)
        status = "ok" if http_status == 200 else "error"
        tokens = Usage(3, read, 0, written, 0) if usage else None
        ping.finish(Outcome(status, http_status, None, tokens, "exact", MODEL, "max_tokens", "m", 1.0, 2.0, 1))

    @property
    def session(self) -> Session:
        return next(iter(self.turns._sessions))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_session_whose_user_comes_back_later_is_pinged_shortly_before_its_entry_expires(desk: Desk) -> None:
    session = desk.ask()
    assert desk.due(3550.0) == []
    [ping] = desk.due(6.0)
    assert (ping.session_id, ping.number, ping.plan) == (session, 2, "ping; ttl=1h")
    sent = json.loads(ping.body)
    assert (sent["max_tokens"], sent["stream"]) == (0, False)
    assert sent["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert desk.turns.due_pings(desk.now + 5) == []  # it is under way


def test_its_markers_are_those_of_the_request_as_it_was_sent(desk: Desk) -> None:
    turn = desk.turns.begin(inbound())
    desk.answer(turn)
    [ping] = desk.due()
    assert ping.body == turn.body.replace(b'"max_tokens": 100', b'"max_tokens": 0').replace(b"true", b"false")


def test_what_it_reads_is_renewed_and_it_comes_again_as_long_as_it_pays(desk: Desk) -> None:
    session = desk.ask()
    [ping] = desk.due()
    desk.reply(ping)
    assert desk.turns.warm() == {session: pytest.approx(HOUR)}
    assert desk.due(3500.0) == []
    [again] = desk.due(60.0)
    assert again.number == 3


def test_a_session_that_is_over_gets_no_endless_pings(desk: Desk) -> None:
    desk.ask()
    sent = 0
    for _ in range(4 * 24 * 60):
        for ping in desk.due(15.0):
            sent += 1
            desk.reply(ping)
    assert 1 <= sent <= 6
    assert not desk.turns.watches(desk.session.id)


def test_its_row_is_a_cost_without_any_baseline(desk: Desk) -> None:
    desk.ask()
    [ping] = desk.due()
    assert desk.ledger.started[-1].kind == "ping"
    desk.reply(ping)
    row = desk.ledger.rows[-1]
    assert (row.kind, row.turn, row.status, row.billing) == ("ping", 2, "ok", "api")
    assert row.cost_pusd == meter.to_pico(Decimal("0.000009") + 6000 * Decimal("0.0000003"))
    assert (row.baseline_no_cache_pusd, row.baseline_client_pusd) == (0, 0)
    assert row.reason is not None and "it pays from 8.7%; about $0.00" in row.reason
    ping.finish(Outcome("error"))
    assert len(desk.ledger.rows) == 2  # the first word counts


def test_it_leaves_no_trace_in_the_session_but_what_is_cached(desk: Desk) -> None:
    desk.ask()
    session = desk.session
    seen = ("last_at", "gaps", "stopped", "over", "in_flight", "ends", "tail")
    there = ("at", "line", "other", "breaker")

    def known() -> list[Any]:
        planning = desk.turns._planning
        clients = [copy.deepcopy(pair.client.entries) for pair in planning.pairs.values()]
        remembered = [copy.copy(getattr(session, name)) for name in seen]
        remembered += [copy.copy(getattr(session.newest, name)) for name in there]
        return [*remembered, planning.expectations.packed(), clients]

    before = known()
    [ping] = desk.due()
    desk.reply(ping)
    assert known() == before


def test_the_next_request_reads_what_a_ping_kept(desk: Desk) -> None:
    desk.ask()
    [ping] = desk.due()
    desk.reply(ping)
    desk.now += 1500.0
    turn = desk.turns.begin(inbound(rounds=2))
    assert turn._planned is not None and turn._planned.plan.found.hit >= 0
    assert turn._planned.client_found.hit == -1  # alone, the client would have paid for a rewrite
    assert turn._row.gap_s == pytest.approx(5060.0)
    desk.answer(turn)
    row = desk.ledger.rows[-1]
    assert row.cost_pusd is not None and row.baseline_client_pusd is not None
    assert row.cost_pusd < row.baseline_client_pusd / 4


# ── never ──


def off(desk: Desk) -> None:
    desk.keep_warm = KeepWarm()
    desk.restart()
    desk.ask()


def observed(desk: Desk) -> None:
    desk.level = "observe"
    desk.restart()
    desk.ask()


def in_flight(desk: Desk) -> None:
    desk.ask()
    desk.turns.begin(inbound(rounds=2))


def overlapping(desk: Desk) -> None:
    first, second = desk.turns.begin(inbound()), desk.turns.begin(inbound(rounds=2))
    desk.answer(second)
    desk.answer(first)
    desk.session.newest.line.last_sent = second._planned.prompt if second._planned else None


def tripped(desk: Desk) -> None:
    desk.ask()
    desk.session.newest.breaker = replace(desk.session.newest.breaker, tripped=True)


def over(desk: Desk) -> None:
    desk.ask()
    desk.session.over = True


def evicted(desk: Desk) -> None:
    desk.ask()
    for pair in desk.turns._planning.pairs.values():
        pair.sent.entries.clear()


def bytes_gone(desk: Desk) -> None:
    desk.ask()
    assert desk.session.newest.line.last_sent is not None
    desk.session.newest.line.last_sent.forget_body()


def restarted(desk: Desk) -> None:
    desk.ask()
    desk.restart()


NEVER: dict[str, Callable[[Desk], object]] = {
    "switched off": off,
    "level observe": observed,
    "a subscription": lambda desk: desk.ask(inbound(billing="subscription")),
    "a probe": lambda desk: desk.ask(inbound(max_tokens=1)),
    "a model without a price": lambda desk: desk.ask(inbound(model="claude-nobody-knows")),
    "thinking with a budget": lambda desk: desk.ask(inbound(thinking={"type": "enabled", "budget_tokens": 2000})),
    "a forced tool": lambda desk: desk.ask(inbound(tool_choice={"type": "any"})),
    "an answer that was cut": lambda desk: desk.ask(status="truncated"),
    "an answer that ended for no known reason": lambda desk: desk.ask(stop=None),
    "a request under way": in_flight,
    "an answer that a later one overtook": overlapping,
    "a tripped breaker": tripped,
    "a session that was counted as over": over,
    "an evicted entry": evicted,
    "bytes that were given back": bytes_gone,
    "a restart": restarted,
}


@pytest.mark.parametrize("case", NEVER)
def test_it_is_never_sent_for(case: str) -> None:
    desk = Desk()
    NEVER[case](desk)
    assert desk.due() == []
    assert not any(row.kind == "ping" for row in desk.ledger.started)


def test_a_refused_request_after_the_last_answer_ends_it(desk: Desk) -> None:
    desk.ask()
    desk.now += 60
    turn = desk.turns.begin(inbound(rounds=2))
    turn.responding(529)
    turn.finish(Outcome("error", 529, "overloaded_error"))
    assert desk.due(3500.0) == []


# ── for good, until the next request ──


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"read": 100, "written": 5900}, "it wrote more than it read"),
        ({"read": 0, "written": 0}, "it read nothing"),
        ({"http_status": 400, "usage": False}, "it failed"),
        ({"http_status": 529, "usage": False}, "it failed"),
    ],
)
def test_what_ends_pings_until_the_next_request(desk: Desk, answer: dict[str, Any], why: str) -> None:
    session = desk.ask()
    [ping] = desk.due()
    desk.reply(ping, **answer)
    reason = desk.ledger.rows[-1].reason
    assert reason is not None and reason.endswith(f"{why}, no more follow")
    assert not desk.turns.watches(session)
    assert desk.due() == []
    desk.ask(inbound(rounds=2))
    assert len(desk.due()) == 1


def test_a_request_that_comes_while_a_ping_is_under_way_is_what_counts(desk: Desk) -> None:
    session = desk.ask()
    [ping] = desk.due()
    desk.ask(inbound(rounds=2))
    desk.reply(ping, http_status=400, usage=False)
    assert desk.turns.watches(session)
    assert len(desk.due()) == 1


# ── budgets ──


def cost_of_a_ping() -> Decimal:
    desk = Desk()
    desk.ask()
    [ping] = desk.due()
    planned = ping._planned
    read = planned.tokens[planned.plan.found.hit]
    return (read * Decimal("0.3") + (planned.tokens[-1] - read) * 3) / 1_000_000


def pings_within(session_usd: Decimal, day_usd: Decimal, sessions: int = 1) -> int:
    desk = Desk(KeepWarm(True, session_usd, day_usd))
    for number in range(sessions):
        desk.ask(inbound(f"session {number}"))
    sent = 0
    for _ in range(3):
        for ping in desk.due(3570.0 if sent else 3560.0):
            sent += 1
            planned = ping._planned
            desk.reply(ping, read=planned.tokens[planned.plan.found.hit])
    return sent


def test_the_budget_of_a_session_ends_them() -> None:
    one = cost_of_a_ping()
    assert [pings_within(one * n / 10, Decimal(9)) for n in (9, 15, 25)] == [0, 1, 2]


def test_the_budget_of_a_day_is_all_sessions_together() -> None:
    one = cost_of_a_ping()
    assert pings_within(Decimal(9), one * Decimal("2.5"), sessions=5) == 2
    assert pings_within(Decimal(9), Decimal(9), sessions=5) > 4


def test_what_was_spent_is_known_after_a_restart() -> None:
    one = cost_of_a_ping()
    desk = Desk(KeepWarm(True, one * Decimal("1.5"), Decimal(9)))
    desk.ask()
    [ping] = desk.due()
    desk.reply(ping, read=ping._planned.tokens[ping._planned.plan.found.hit])
    desk.restart()
    desk.ask(inbound(rounds=2))
    assert desk.due() == []


def test_a_ping_whose_cost_nobody_knows_counts_as_estimated() -> None:
    one = cost_of_a_ping()
    desk = Desk(KeepWarm(True, one * Decimal("1.5"), Decimal(9)))
    desk.ask()
    [ping] = desk.due()
    ping.finish(Outcome("cancelled"))
    assert desk.ledger.rows[-1].cost_pusd is None
    desk.ask(inbound(rounds=2))
    assert desk.due() == []


def test_no_more_sessions_are_watched_than_are_looked_at(desk: Desk) -> None:
    ids = [desk.ask(inbound(f"session {number}")) for number in range(MOST_WATCHED + 3)]
    assert [desk.turns.watches(session) for session in ids] == [False] * 3 + [True] * MOST_WATCHED
