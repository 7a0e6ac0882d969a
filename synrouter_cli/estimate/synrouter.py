"""Synrouter itself in a replay: the turns of the proxy without its sockets, on the clock of what is replayed.

This is the one place here that knows how turns are begun and ended.

>>> body = b'{"messages":[{"role":"user","content":"hello"}]}'
>>> sent = Synrouter("observe").sends(body, 0.0)
>>> sent.body == body
True
"""

from __future__ import annotations

from synrouter_cli.cache.model import Split
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.proxy.expecting import Expectations
from synrouter_cli.proxy.turn import ActiveTurn, Inbound, Outcome
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.wire.usage import Usage

__all__ = ["Memory", "Sent", "Synrouter"]


class Memory:
    """A ledger that keeps rows in a list, all of them or none."""

    def __init__(self, *, keeps_rows: bool = True) -> None:
        self.rows: list[Turn] = []
        self._keeps_rows = keeps_rows

    def record(self, turn: Turn) -> None:
        if self._keeps_rows and turn.status != "started":
            self.rows.append(turn)

    def remember(self, kind: str, key: str, value: bytes) -> None:
        """Nothing outlives a replay."""

    def recall(self, kind: str, *, limit: int = 10_000) -> list[tuple[str, bytes, float]]:
        return []

    def forget(self, kind: str, key: str) -> None:
        """Nothing was remembered."""

    def last_turn(self, session: str) -> int:
        return 0


class Sent:
    """A request as it goes on to the provider."""

    def __init__(self, turn: ActiveTurn, model: str) -> None:
        self.body = turn.body
        self._turn = turn
        self._model = model

    def answered(self, split: Split, stop: str = "tool_use") -> None:
        """The provider billed the prompt so; `stop` is why the answer ended."""
        usage = Usage(split.input, split.read, split.write_5m, split.write_1h, 0)
        self._turn.responding(200)
        self._turn.finish(Outcome("ok", 200, None, usage, "exact", self._model, stop, None, 1.0, 1.0, 1))


class Synrouter:
    """One session's turns at a level."""

    def __init__(
        self, level: str, ledger: Memory | None = None, expectations: Expectations | None = None, agent: str = ""
    ) -> None:
        """`expectations` are what was learned of the user's earlier sessions, and learn of this one; `agent` names a
        subagent, whose habits are others."""
        self._now = 0.0
        self._agent = {"x-claude-code-agent-id": agent} if agent else {}
        ledger = Memory(keeps_rows=False) if ledger is None else ledger
        self._turns = Turns(level=level, mode="auto", ledger=ledger, clock=lambda: self._now, expectations=expectations)

    def sends(self, body: bytes, now: float, model: str = "", session: str = "replay") -> Sent:
        """What is sent for this request at `now`, seconds since the epoch."""
        self._now = now
        headers = {"x-session-id": session, **self._agent}
        inbound = Inbound("messages", "anthropic", "anthropic", headers, "", body, False, b"scope", "api")
        return Sent(self._turns.begin(inbound), model)

    def over(self) -> None:
        """The session has ended: that is learned too."""
        self._turns.over()
