"""Requests replayed against the cache model: a client alone, and with Synrouter in front, on the clock of the requests.

`alone` and `through` replay one session; `alone_together` and `through_together` several on one cache, in the order of
time, so that Synrouter learns of a user's sessions as they come. Costs are USD of prompts at the model's prices.

>>> hello = {"model": "claude-opus-4-8", "messages": [{"role": "user", "content": "hello " * 9000}]}
>>> run = through([(1.0, hello), (60.0, hello)], "claude-opus-4-8", lambda body: body)
>>> run.split.read == run.split.total // 2 > 0
True
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from math import inf
from typing import Any

from benchmarks.bodies import Body, as_bytes
from benchmarks.layouts import Layout, laid_out
from synrouter_cli import meter, providers
from synrouter_cli.cache.model import Split
from synrouter_cli.config_file import KeepWarm
from synrouter_cli.estimate.synrouter import Memory
from synrouter_cli.estimate.upstream import Upstream
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.proxy.turn import Inbound, Outcome
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.wire.usage import Usage

Step = tuple[float, dict[str, Any]]
Event = tuple[float, int, Step]
"""Seconds, the session's number, its request."""
Histories = Sequence[Sequence[tuple[float, bool]]]
"""Sessions of the past, each by its gaps: seconds, and whether somebody came back (the last answer had asked for no
tool)."""

WIDOW_S = 24 * 3600.0
"""So long after a session's last request keep-warm is looked after: whatever it still sends is charged."""
TICK_S = 15.0
PING_AFTER_S = 3570.0
"""When a blind ping goes out: just before an hour's entry expires."""


@dataclass(slots=True)
class Sum:
    """What a run cost: tokens by class, USD without output, each request's USD, the ledger's rows, pings sent."""

    split: Split = field(default_factory=Split)
    usd: Decimal = Decimal(0)
    per_turn: list[Decimal] = field(default_factory=list)
    rows: list[Turn] = field(default_factory=list)
    pings: int = 0

    def add(self, split: Split, usd: Decimal) -> None:
        """A request of the session."""
        self._charge(split, usd)
        self.per_turn.append(usd)

    def ping(self, split: Split, usd: Decimal) -> None:
        """A request that only keeps an entry warm."""
        self._charge(split, usd)
        self.pings += 1

    def _charge(self, split: Split, usd: Decimal) -> None:
        old = self.split
        self.split = Split(
            old.read + split.read,
            old.write_5m + split.write_5m,
            old.write_1h + split.write_1h,
            old.input + split.input,
        )
        self.usd += usd

    @property
    def hit_rate(self) -> float:
        """Read tokens of prompt tokens."""
        return self.split.read / self.split.total if self.split.total else 0.0


class Front:
    """Synrouter in front of the provider, on one clock, for any number of sessions."""

    def __init__(self, model: str, level: str = "safe", *, histories: Histories = (), keep_warm: bool = False) -> None:
        self.model = model
        self.level = level
        self.upstream = Upstream(model)
        self.ledger = Memory()
        self.now = 0.0
        self.turns = Turns(
            level=level,
            mode="auto",
            ledger=self.ledger,
            clock=lambda: self.now,
            keep_warm=KeepWarm(enabled=keep_warm),
        )
        self.turns.learn(histories)
        self._keep_warm = keep_warm

    def send(
        self, now: float, raw: bytes, headers: Mapping[str, str], client: str = "", stop: str = "tool_use"
    ) -> tuple[str, Split]:
        """One request, answered at once: Synrouter's session and the bill. `client` only makes it faster; `stop` is why
        the answer ends.

        Raises ValueError where the provider would refuse it.
        """
        self.now = now
        turn = self.turns.begin(
            Inbound("messages", "anthropic", "anthropic", headers, "", raw, False, b"scope", "api"),
        )
        if self.level == "observe" and turn.body != raw:
            raise ValueError("observe changed a byte")
        return self._answered(turn, client, stop)

    def idle(self, until: float) -> Iterator[tuple[str, Split]]:
        """Send what keep-warm wants sent before `until`: Synrouter's session and the bill of each."""
        if not self._keep_warm or not self.now:
            return
        while self.now + TICK_S < until:
            self.now += TICK_S
            for turn in self.turns.due_pings(self.now):
                yield self._answered(turn, turn.session_id, "max_tokens")

    def _answered(self, turn: Any, client: str, stop: str) -> tuple[str, Split]:
        split = self.upstream.answer(turn.body, self.now, client)
        usage = Usage(split.input, split.read, split.write_5m, split.write_1h, 0)
        turn.responding(200)
        turn.finish(Outcome("ok", 200, None, usage, "exact", self.model, stop, None, 1.0, 1.0, 1))
        return turn.session_id, split


def stops(bodies: Sequence[Body], last: str = "end_turn") -> list[str]:
    """Why each request's answer ended, as the next request shows: with tool results it goes on, else somebody came
    back. No request shows it of the `last` answer."""
    return [*("tool_use" if _answers(body) else "end_turn" for body in bodies[1:]), last]


def gaps(times: Sequence[float], why: Sequence[str]) -> list[tuple[float, bool]]:
    """The gaps of a session with these request times, each with whether somebody came back."""
    return [(b - a, stop == "end_turn") for (a, b), stop in zip(pairwise(times), why, strict=False)]


def _answers(body: Body) -> bool:
    """Whether a request goes on with the results of tools."""
    content = next((m["content"] for m in reversed(body["messages"]) if m["role"] == "user"), [])
    return not isinstance(content, str) and any(block.get("type") == "tool_result" for block in content)


def alone(requests: Iterable[Step], model: str, layout: Layout, *, ping_after_s: float | None = None) -> Sum:
    """The client on its own; see `alone_together`."""
    return alone_together([(step[0], 0, step) for step in requests], model, layout, ping_after_s=ping_after_s)[0]


def alone_together(
    events: Sequence[Event], model: str, layout: Layout, *, ping_after_s: float | None = None
) -> list[Sum]:
    """Clients on their own that share one cache: what each session cost.

    `ping_after_s`: after such a silence a client sends its last request once more, whether or not it goes on.
    """
    upstream, results = Upstream(model), _sums(events)
    for now, index, body, blind in _with_pings(events, ping_after_s):
        split = upstream.answer(as_bytes(laid_out(body, layout)), now, str(index))
        add = results[index].ping if blind else results[index].add
        add(split, price_of(split, model))
    return results


def through(
    requests: Iterable[Step],
    model: str,
    layout: Layout,
    level: str = "safe",
    *,
    headers: Mapping[str, str] | None = None,
    histories: Histories = (),
    keep_warm: bool = False,
) -> Sum:
    """The same client with Synrouter in front of it; see `through_together`."""
    events = [(step[0], 0, step) for step in requests]
    by_session = [headers] if headers is not None else None
    return through_together(events, model, layout, level, headers=by_session, histories=histories, keep_warm=keep_warm)[
        0
    ]


def through_together(
    events: Sequence[Event],
    model: str,
    layout: Layout,
    level: str = "safe",
    *,
    headers: Sequence[Mapping[str, str]] | None = None,
    histories: Histories = (),
    keep_warm: bool = False,
    last_stops: Sequence[str] = (),
) -> list[Sum]:
    """Sessions through one Synrouter in the order of time: what each cost, pings after its end included.

    `headers` are those of each session's requests, its own id where none are given; `histories` is what was learned
    before; `keep_warm` switches pings on, with their usual budgets; `last_stops` is why each session's last
    answer ended, "end_turn" where none are given.
    """
    front, results = Front(model, level, histories=histories, keep_warm=keep_warm), _sums(events)
    ends_by = _stops_of(events, last_stops)
    whose: dict[str, int] = {}
    ends = (max(now for now, _, _ in events) + WIDOW_S, -1, None) if events else None
    for now, index, step in [*events, *([ends] if ends else [])]:
        for session, split in front.idle(now):
            results[whose[session]].ping(split, price_of(split, model))
        if step is None:
            break
        session, split = front.send(
            now,
            as_bytes(laid_out(step[1], layout)),
            headers[index] if headers else {"x-session-id": f"{index}"},
            stop=next(ends_by[index]),
        )
        whose[session] = index
        results[index].add(split, price_of(split, model))
        results[index].rows.append(front.ledger.rows[-1])
    return results


def _stops_of(events: Sequence[Event], last: Sequence[str]) -> dict[int, Iterator[str]]:
    bodies: dict[int, list[Body]] = {}
    for _, index, step in events:
        bodies.setdefault(index, []).append(step[1])
    return {index: iter(stops(found, last[index] if last else "end_turn")) for index, found in bodies.items()}


def _sums(events: Sequence[Event]) -> list[Sum]:
    return [Sum() for _ in range(1 + max((index for _, index, _ in events), default=0))]


def _with_pings(events: Sequence[Event], after_s: float | None) -> list[tuple[float, int, Body, bool]]:
    """The requests in order, and whether each is a ping."""
    sent = [(now, index, step[1], False) for now, index, step in events]
    if after_s is None:
        return sent
    last: dict[int, tuple[float, Body]] = {}
    pings = []
    for now, index, body, _ in [*sent, *((inf, index, {}, False) for _, index, _ in events)]:
        before = last.get(index)
        if before is not None and now - before[0] > after_s:
            pings.append((before[0] + after_s, index, before[1], True))
            del last[index]
        if now < inf:
            last[index] = (now, body)
    return sorted([*sent, *pings], key=lambda event: event[:2])


def price_of(split: Split, model: str, output_tokens: int = 0) -> Decimal:
    """USD of a prompt's tokens, and of an answer's."""
    price = providers.price("anthropic", model, date(2026, 11, 1))
    if price is None:
        raise SystemExit(f"no price for {model}")
    cost = meter.cost(Usage(split.input, split.read, split.write_5m, split.write_1h, output_tokens), price)
    assert cost is not None
    return cost
