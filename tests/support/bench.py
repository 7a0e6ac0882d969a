"""A client, Synrouter and the simulated provider on one clock, for tests of what is sent, claimed and remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from support.memory import Memory
from synrouter_cli.cache.store import Store
from synrouter_cli.demo.judge import Judge
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.proxy.turn import ActiveTurn, Inbound, Outcome
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.session import Session
from synrouter_cli.wire.usage import Usage

MODEL = "claude-sonnet-4-6"
FIVE = {"type": "ephemeral"}


class Bench:
    """A client, Synrouter and the provider on one clock."""

    def __init__(self, level: str = "safe", policy: Policy | None = None) -> None:
        self.now = 1_790_000_000.0
        self.ledger = Memory()
        self.judge = Judge()
        self.level = level
        self.policy = policy
        self.sent: list[bytes] = []
        self.names: dict[str, str] = {"x-claude-code-session-id": "s1"}
        """Headers of every request, where `ask` names no others."""
        self.at_home = True
        self.billing = "api"
        self.keeps_hours = True
        """Whether the provider keeps for an hour what is written for one."""
        self.restart()

    def restart(self, level: str | None = None) -> None:
        """The daemon ends and another one begins on the same ledger."""
        self.level = self.level if level is None else level
        self.turns = Turns(
            level=self.level,
            mode="auto",
            ledger=self.ledger,
            clock=lambda: self.now,
            secret=b"k",
            policy=self.policy,
        )

    def inbound(self, body: bytes, **headers: str) -> Inbound:
        names = {**self.names, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return Inbound(
            "messages", "anthropic", "anthropic", names, "", body, False, b"scope", self.billing, at_home=self.at_home
        )

    def begin(self, body: dict[str, Any] | bytes, after: float = 5.0, **headers: str) -> ActiveTurn:
        """Plan a request `after` seconds; it is under way until `answer`."""
        self.now += after
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        turn = self.turns.begin(self.inbound(raw, **headers))
        self.sent.append(turn.body)
        return turn

    def answer(self, turn: ActiveTurn, stop: str = "tool_use") -> Turn:
        """The provider's answer to what is sent; the row that came of it."""
        betas = turn._planned.betas if turn._planned is not None else ""
        weighed = self.judge.weigh(turn.body, scope=f"one {betas}".strip(), now=self.now)
        turn.responding(200)
        self.judge.begun(weighed)
        usage = weighed.usage
        if not self.keeps_hours:
            self._five_minutes(weighed.store, usage)
        self.finish(turn, usage, stop=stop, model=weighed.prompt.model)
        return self.ledger.rows[-1]

    def ask(self, body: dict[str, Any] | bytes, after: float = 5.0, stop: str = "tool_use", **headers: str) -> Turn:
        """Send a request `after` seconds; the row that came of it."""
        return self.answer(self.begin(body, after, **headers), stop)

    def finish(
        self, turn: ActiveTurn, reported: dict[str, Any], output: int = 10, stop: str = "tool_use", model: str = MODEL
    ) -> None:
        writes = reported["cache_creation"]
        usage = Usage(
            reported["input_tokens"],
            reported["cache_read_input_tokens"],
            writes["ephemeral_5m_input_tokens"],
            writes["ephemeral_1h_input_tokens"],
            output,
        )
        turn.finish(Outcome("ok", 200, None, usage, "exact", model, stop, "msg", 1.0, 2.0, 1))

    def session(self, row: Turn | None = None) -> Session:
        """What the daemon remembers of a row's session; of the last one's unless told."""
        wanted = (row or self.ledger.rows[-1]).session
        return next(session for session in self.turns._sessions if session.id == wanted)

    def _five_minutes(self, store: Store, usage: dict[str, Any]) -> None:
        writes = usage["cache_creation"]
        writes["ephemeral_5m_input_tokens"] += writes["ephemeral_1h_input_tokens"]
        writes["ephemeral_1h_input_tokens"] = 0
        for entries in store.entries.values():
            for entry in entries.values():
                if entry.ttl > 300:
                    entry.ttl, entry.expires_at = 300.0, self.now + 300.0


WORDS = "the quick brown fox jumps over the lazy dog and reads another file; "


def body(rounds: int, mark: Callable[[dict[str, Any]], None] | None = None, **more: Any) -> dict[str, Any]:
    """A session after so many tool calls, long enough to be cached."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": "begin " + WORDS * 40}]}]
    for i in range(rounds):
        call = {"type": "tool_use", "id": f"t{i}", "name": "Bash", "input": {"command": f"ls {i}"}}
        result = {"type": "tool_result", "tool_use_id": f"t{i}", "content": f"{i} " + WORDS * 30}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    made = {
        "model": MODEL,
        "max_tokens": 100,
        "system": [{"type": "text", "text": WORDS * 60}],
        "tools": [{"name": "Bash", "description": WORDS * 30, "input_schema": {"type": "object"}}],
        "messages": messages,
        **more,
    }
    if mark is not None:
        mark(made)
    return made


def like_claude_code(made: dict[str, Any]) -> None:
    made["system"][-1]["cache_control"] = dict(FIVE)
    made["messages"][-1]["content"][-1]["cache_control"] = dict(FIVE)


def last_human(made: dict[str, Any]) -> None:
    made["messages"][0]["content"][0]["cache_control"] = dict(FIVE)


def money(row: Turn) -> tuple[int, int, int]:
    assert row.cost_pusd is not None and row.baseline_client_pusd is not None
    assert row.baseline_no_cache_pusd is not None
    return row.cost_pusd, row.baseline_client_pusd, row.baseline_no_cache_pusd


LINE = "line of output number 7 and more\n"


def long_body(rounds: int, mark: Callable[[dict[str, Any]], None] | None = None, **more: Any) -> dict[str, Any]:
    """The same session where each command printed 66,000 characters."""
    made = body(rounds, **more)
    for number, message in enumerate(made["messages"]):
        if message["content"][0]["type"] == "tool_result":
            message["content"][0]["content"] = f"{number}\n" + LINE * 2000
    if mark is not None:
        mark(made)
    return made


def results(raw: bytes) -> list[Any]:
    """The contents of the tool results in a request, in order."""
    blocks = [block for message in json.loads(raw)["messages"] for block in message["content"]]
    return [block["content"] for block in blocks if block["type"] == "tool_result"]


def hours(made: dict[str, Any]) -> None:
    """A client that asks for an hour."""
    for block in (made["system"][-1], made["messages"][-1]["content"][-1]):
        block["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
