"""A client whose conversation goes to several providers and models, Synrouter, and the books of each of them, on one clock.

Each place counts tokens in its own way, so that nothing which is learned at one fits at another.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from support.memory import Memory
from synrouter_cli import meter, providers
from synrouter_cli.demo.judge import Judge
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.proxy.turn import ActiveTurn, Inbound, Outcome
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.session import Session
from synrouter_cli.wire.usage import Usage


@dataclass(frozen=True)
class Place:
    """Whom a request is sent to: `scope` stands for provider and key, `rate` is tokens to estimated ones."""

    provider: str
    model: str
    scope: bytes
    rate: float = 1.0
    markers: bool = True


OPUS = Place("anthropic", "claude-opus-4-8", b"anthropic, our key")
HAIKU = Place("anthropic", "claude-haiku-4-5", b"anthropic, our key", 0.8)
"""It leaves out earlier thinking."""
FABLE = Place("anthropic", "claude-fable-5-2", b"anthropic, our key", 1.3)
"""It binds thinking to what stood before, so that no content may be edited."""
OTHER_KEY = Place("anthropic", "claude-opus-4-8", b"anthropic, another key")
ROUTER = Place("openrouter", "anthropic/claude-opus-4.8", b"openrouter, our key", 1.1)
GPT = Place("openai", "gpt-5.5", b"openai, our key", markers=False)
MARKED = (OPUS, HAIKU, FABLE, OTHER_KEY, ROUTER)


class Places:
    """One client, its requests' ways, and what each provider billed, or would have without Synrouter."""

    def __init__(self, level: str = "safe") -> None:
        self.now = 1_790_000_000.0
        self.ledger = Memory()
        self.level = level
        self.judge, self.alone = Judge(), Judge()
        self.paid = self.would_have_paid = Decimal(0)
        self.hours = Decimal(0)
        """What writing for an hour cost more than for five minutes, where the client does not."""
        self.headers: dict[str, str] = {"x-claude-code-session-id": "s1"}
        self.policy: Policy | None = None
        self.restart()

    def restart(self) -> None:
        self.turns = Turns(
            level=self.level,
            mode="auto",
            ledger=self.ledger,
            clock=lambda: self.now,
            secret=b"k",
            policy=self.policy,
        )

    def begin(self, made: dict[str, Any], to: Place, owner: bytes = b"") -> ActiveTurn:
        raw = json.dumps({**made, "model": to.model}).encode()
        return self.turns.begin(
            Inbound(
                "messages",
                to.provider,
                "anthropic",
                self.headers,
                "",
                raw,
                False,
                to.scope,
                "api",
                markers=to.markers,
                model=to.model,
                owner=owner,
            )
        )

    def fail(self, made: dict[str, Any], to: Place) -> Turn:
        """The provider is overloaded."""
        turn = self.begin(made, to)
        turn.responding(529)
        turn.finish(Outcome("error", 529, "overloaded_error"))
        return self.ledger.rows[-1]

    def ask(
        self,
        made: dict[str, Any],
        to: Place,
        after: float = 5.0,
        *,
        past: Iterable[Place] = (),
        owner: bytes = b"",
        answer: str = "msg",
    ) -> Turn:
        """Send a request `after` seconds; those `past` fail before. The row that came of it."""
        self.now += after
        for place in past:
            self.fail(made, place)
        return self.finish(self.begin(made, to, owner), to, made, answer)

    def finish(self, turn: ActiveTurn, to: Place, made: dict[str, Any] | None = None, answer: str = "msg") -> Turn:
        """The provider's answer to what is sent, where without Synrouter `made` would have been."""
        ours = Usage(9_000, output_tokens=10)
        if to.markers:
            ours = self._billed(self.judge, turn.body, to)
            self.paid += self._price(ours, to)
        if to.markers and made is not None:
            theirs = self._billed(self.alone, json.dumps({**made, "model": to.model}).encode(), to)
            self.would_have_paid += self._price(theirs, to)
            longer = max(ours.cache_write_1h_tokens - theirs.cache_write_1h_tokens, 0)
            hour, five = Usage(cache_write_1h_tokens=longer), Usage(cache_write_5m_tokens=longer)
            self.hours += self._price(hour, to) - self._price(five, to)
        turn.responding(200)
        turn.finish(Outcome("ok", 200, None, ours, "exact", to.model, "tool_use", answer, 1.0, 2.0, 1))
        return self.ledger.rows[-1]

    def session(self, row: Turn | None = None) -> Session:
        wanted = (row or self.ledger.rows[-1]).session
        return next(session for session in self.turns._sessions if session.id == wanted)

    def _billed(self, judge: Judge, body: bytes, to: Place) -> Usage:
        weighed = judge.weigh(body, scope=to.scope.decode(), now=self.now)
        judge.begun(weighed)
        split = weighed.split
        counts = (round(count * to.rate) for count in (split.input, split.read, split.write_5m, split.write_1h))
        return Usage(*counts, output_tokens=10)

    def _price(self, usage: Usage, to: Place) -> Decimal:
        price = providers.price(to.provider, to.model, datetime.fromtimestamp(self.now, UTC).date())
        cost = meter.cost(usage, price) if price is not None else None
        assert cost is not None
        return cost
