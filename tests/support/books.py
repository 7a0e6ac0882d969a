"""A client, Synrouter and the simulated provider's books on one clock, without a socket between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from support.memory import Memory
from synrouter_cli.demo.judge import Judge, Weighed
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.proxy.turn import ActiveTurn, Inbound, Outcome
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.session import Session
from synrouter_cli.wire.usage import Usage

MODEL = "claude-sonnet-4-6"
PRICES = {"input": 3, "read": 0.3, "write_5m": 3.75, "write_1h": 6, "output": 15}
"""MODEL's, in USD per million tokens."""
WORDS = "the quick brown fox jumps over the lazy dog and reads another file; "


class Bench:
    """`books` are what the provider billed, one a turn; `sent` what reached it."""

    def __init__(self, level: str = "safe", judge: Judge | None = None, **turns: Any) -> None:
        self.now = 1_790_000_000.0
        self.ledger = Memory()
        self.judge = judge if judge is not None else Judge()
        self.sent: list[bytes] = []
        self.books: list[Usage] = []
        self.weighed: list[Weighed] = []
        self._settings = {"level": level, "mode": "auto", **turns}
        self.restart()

    def restart(self, **turns: Any) -> None:
        self._settings |= turns
        self.turns = Turns(ledger=self.ledger, clock=lambda: self.now, secret=b"k", **self._settings)

    def begin(self, body: Mapping[str, Any] | bytes, headers: Mapping[str, str], **inbound: Any) -> ActiveTurn:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.turns.begin(
            Inbound("messages", "anthropic", "anthropic", headers, "", raw, False, b"scope", "api", **inbound)
        )

    def ask(
        self,
        body: Mapping[str, Any] | bytes,
        after: float = 5.0,
        *,
        headers: Mapping[str, str] | None = None,
        stop: str = "tool_use",
        output: int = 10,
        **inbound: Any,
    ) -> Turn:
        """Send a request `after` seconds; the row that came of it."""
        self.now += after
        turn = self.begin(body, headers if headers is not None else {"x-claude-code-session-id": "s1"}, **inbound)
        self.sent.append(turn.body)
        weighed = self.judge.weigh(turn.body, scope="one", now=self.now)
        turn.responding(200)
        self.judge.begun(weighed)
        usage = usage_of(weighed, output)
        self.books.append(usage)
        self.weighed.append(weighed)
        turn.finish(Outcome("ok", 200, None, usage, "exact", MODEL, stop, "msg", 1.0, 2.0, 1))
        return self.ledger.rows[-1]

    def session(self, row: Turn) -> Session:
        """The session of a row as it is remembered now."""
        return next(session for session in self.turns._sessions if session.id == row.session)


def usage_of(weighed: Weighed, output: int = 10) -> Usage:
    """What the provider reports for a request."""
    split = weighed.split
    return Usage(split.input, split.read, split.write_5m, split.write_1h, output)


def picodollars(usage: Usage) -> int:
    """What MODEL's price list says for this usage, by hand."""
    parts = (
        (usage.input_tokens, "input"),
        (usage.cache_read_tokens, "read"),
        (usage.cache_write_5m_tokens, "write_5m"),
        (usage.cache_write_1h_tokens, "write_1h"),
        (usage.output_tokens, "output"),
    )
    return sum(tokens * round(PRICES[kind] * 1_000_000) for tokens, kind in parts)
