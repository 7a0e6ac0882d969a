"""A ledger that keeps everything in memory, for tests of what is between a request and its row."""

from __future__ import annotations

from dataclasses import dataclass, field

from synrouter_cli.ledger.rows import Turn


@dataclass
class Memory:
    """`rows` are final ones, `started` the others; `kept` is what a restart finds, all of it remembered at `at`."""

    rows: list[Turn] = field(default_factory=list)
    started: list[Turn] = field(default_factory=list)
    kept: dict[tuple[str, str], bytes] = field(default_factory=dict)
    at: float = 1_790_000_000.0

    def record(self, turn: Turn) -> None:
        (self.started if turn.status == "started" else self.rows).append(turn)

    def remember(self, kind: str, key: str, value: bytes) -> None:
        self.kept[kind, key] = value

    def forget(self, kind: str, key: str) -> None:
        self.kept.pop((kind, key), None)

    def recall(self, kind: str, *, limit: int = 10_000) -> list[tuple[str, bytes, float]]:
        return [(key, value, self.at) for (k, key), value in reversed(self.kept.items()) if k == kind][:limit]

    def last_turn(self, session: str) -> int:
        return max((row.turn for row in self.started if row.session == session), default=0)
