"""A client, Synrouter and the simulated provider of OpenAI's dialects on one clock, without a socket between them; and
beside it the same provider as it would bill the client's own requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from support.memory import Memory
from synrouter_cli.demo.openai.flavours import FLAVOURS
from synrouter_cli.demo.openai.upstream import Asked, Sender, Upstream
from synrouter_cli.demo.script import Script
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.providers import cache_kind, provider_of
from synrouter_cli.proxy.crossing import cross
from synrouter_cli.proxy.turn import Inbound, Outcome
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.ways import Way
from synrouter_cli.wire.usage import Usage

MODEL = "gpt-5.6-sol"
KIMI = "kimi-k3"
PRICES = {
    MODEL: {"input": 4, "read": 0.4, "write": 5, "write_1h": 5, "output": 20},
    KIMI: {"input": 3, "read": 0.3, "write": 3, "write_1h": 6, "output": 15},
}
"""In USD per million tokens."""
WORDS = "the quick brown fox jumps over the lazy dog and reads another file; "
SCRIPT = Script.parse([{"when": "", "steps": [{"say": "Done."}]}])


class World:
    """`books` is what the provider billed for our requests, `theirs` for the client's own; `sent` what reached it."""

    def __init__(
        self, level: str = "safe", mode: str = "auto", *, evicts: float = 0.0, provider: str = "openai"
    ) -> None:
        self.now = 1_790_000_000.0
        self.ledger = Memory()
        self.provider = provider
        self.ours = Upstream(SCRIPT, FLAVOURS[provider], evicts=evicts, seed=1)
        self.clients = Upstream(SCRIPT, FLAVOURS[provider])
        self.sent: list[bytes] = []
        self.plain: list[bytes] = []
        self.books: list[Usage] = []
        self.theirs: list[Usage] = []
        self.plans: list[str] = []
        self._settings: dict[str, Any] = {"level": level, "mode": mode}
        self.restart()

    def restart(self) -> None:
        self.turns = Turns(ledger=self.ledger, clock=lambda: self.now, secret=b"k", **self._settings)

    def ask(
        self,
        dialect: str,
        body: Mapping[str, Any],
        after: float = 5.0,
        *,
        to: str = "",
        session: str = "s1",
        stop: str = "tool_use",
        refused: bool = False,
        key: str = "key",
    ) -> Turn:
        """Send a request `after` seconds, in the dialect `to` where the provider speaks another; the row of it. Each `key`
        has a cache of its own."""
        self.now += after
        raw = json.dumps(body).encode()
        way = Way(self.provider, to or dialect, str(body["model"]))
        kind = cache_kind(provider_of(self.provider), way.model)
        crossing = cross(dialect, raw, way, kind, output_tokens=4096)
        headers = {"x-session-id": session} if session else {}
        turn = self.turns.begin(
            Inbound(
                dialect,
                self.provider,
                dialect,
                headers,
                "",
                crossing.hub,
                False,
                key.encode(),
                "api",
                markers=False,
                model=way.model,
                upstream_dialect=way.dialect,
                outgoing=crossing.outgoing if kind == "breakpoints" else None,
            )
        )
        plain = crossing.outgoing(turn.session_id)
        if refused and turn.edited:
            turn.original()
        wire = turn.wire if turn.wire is not None else plain
        self.sent.append(wire)
        self.plain.append(plain)
        self.plans.append(turn.plan)
        usage = self._weigh(self.ours, way.dialect, wire, key, turn.responding)
        self.books.append(usage)
        self.theirs.append(self._weigh(self.clients, way.dialect, plain, key))
        reported = replace(usage, cache_write_5m_tokens=usage.cache_write_tokens, cache_write_1h_tokens=0)
        turn.finish(Outcome("ok", 200, None, reported, "exact", way.model, stop, "id", 1.0, 2.0, 1))
        return self.ledger.rows[-1]

    def _weigh(self, side: Upstream, dialect: Any, wire: bytes, key: str, responding: Any = None) -> Usage:
        asked: Asked = side.weigh(dialect, wire, Sender(key), now=self.now)
        if responding is not None:
            responding(200)
        side.answer(asked, asked.step, self.now)
        looked = asked.looked
        hour = looked.by_ttl.get("1h", 0)
        rest = asked.prompt.tokens - looked.cached - looked.written
        return Usage(rest, looked.cached, looked.written - hour, hour, 10)

    @property
    def cost(self) -> int:
        return sum(picodollars(usage, self.model) for usage in self.books)

    @property
    def their_cost(self) -> int:
        return sum(picodollars(usage, self.model) for usage in self.theirs)

    @property
    def model(self) -> str:
        return KIMI if self.provider == "moonshot" else MODEL

    @property
    def claimed(self) -> int:
        """What the ledger says that the client's own requests would have cost more."""
        return sum((row.baseline_client_pusd or 0) - (row.cost_pusd or 0) for row in self.ledger.rows)


def picodollars(usage: Usage, model: str = MODEL) -> int:
    """What the price list says for this usage, by hand."""
    parts = (
        (usage.input_tokens, "input"),
        (usage.cache_read_tokens, "read"),
        (usage.cache_write_5m_tokens, "write"),
        (usage.cache_write_1h_tokens, "write_1h"),
        (usage.output_tokens, "output"),
    )
    return sum(tokens * round(PRICES[model][kind] * 1_000_000) for tokens, kind in parts)
