"""A request to a model that bills writes at breakpoints, while its answer is under way, and what its report says.

As with planned requests (`planned.py`) there are two lives: what was sent, and the client's own request on stores of
its own. The report corrects both before anything is claimed; where both are billed alike, the client's cost is the
cost.

Example: `placed.begun(started_at)` once the answer has begun, then `compared(placed, row, usage)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from synrouter_cli import meter
from synrouter_cli.cache import verdicts
from synrouter_cli.cache.anchors import Measured
from synrouter_cli.cache.breakpoints import Breakpoints, begun, met
from synrouter_cli.cache.gaps import History
from synrouter_cli.cache.model import TTL_SECONDS, Rendered, Split, bill
from synrouter_cli.cache.placing import Placed
from synrouter_cli.cache.shadow import Pair, Reported, Verdict, judge
from synrouter_cli.lane import Lane
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.lasting import Lasting
from synrouter_cli.prompt.openai import OpenAIPrompt
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.providers import BilledWrites
from synrouter_cli.session import Session
from synrouter_cli.wire.usage import Usage

__all__ = ["Line", "PlacedRequest", "as_written", "compared"]

ROUGHLY: Final = 0.2
"""An estimated length may err by this share."""


@dataclass(slots=True)
class Line:
    """What is remembered of a lane's last request with the same tools, in the provider's dialect."""

    last: Prompt | None = None
    at: float = 0.0
    """When it was sent."""
    lasting: Lasting = field(default_factory=Lasting)
    cached_tokens: int = 0
    """What of a prompt it left in the cache."""
    beyond: int = 0
    """So many tokens open the answer: they are in a prompt's total, and behind its last message."""


@dataclass(slots=True)
class PlacedRequest:
    """`hub` is the request in Anthropic's form, by which its session is known; everything else is of what is sent."""

    line: Line
    session: Session
    lane: Lane
    hub: Prompt
    read: OpenAIPrompt
    form: Rendered
    tokens: Measured
    pair: Pair
    pair_key: str
    facts: BilledWrites
    placed: Placed
    sent_live: list[int]
    client: Breakpoints
    client_live: list[int]
    lasting: Lasting
    adds: bool
    """It only adds to the last request there."""
    cached_before: int
    """What that one left in the cache, in tokens."""
    gap_s: float | None
    """Seconds since that one; None where this is the first."""
    history: History
    lost: bool
    """The client may have had entries that we know nothing of: nothing is claimed for this turn."""
    head_key: bytes = b""
    """Names the head and the cache that it is in; empty where there is none."""
    committed: bool = False

    @property
    def predicted_read_tokens(self) -> int:
        hit = self.placed.found.hit
        return self.tokens[hit] if hit >= 0 else 0

    @property
    def predicted_write_tokens(self) -> int:
        split = bill(self.placed.found, self.tokens)
        return split.write_5m + split.write_1h

    @property
    def asked_ttl(self) -> str:
        """The lifetime that is asked for; empty for the usual one."""
        implicit = self.placed.asked.implicit
        return implicit.ttl if implicit is not None and implicit.ttl != self.facts.asked_ttls[0] else ""

    def on(self, row: Turn) -> Turn:
        """The row of the turn with what is placed in it; as it is where that is nothing."""
        if not self.placed.ours:
            return row
        return replace(
            row,
            plan=plan_text(row.level, self.placed.asked, self.asked_ttl),
            planned=True,
            reason=self.placed.reason,
            predicted_read_tokens=self.predicted_read_tokens,
            predicted_write_tokens=self.predicted_write_tokens,
        )

    def unplace(self, reason: str) -> None:
        """The client's own request is sent after all."""
        found = met(self.client, self.sent_live, self.facts, self.tokens)
        self.placed = Placed(self.client, found, False, reason)

    def begun(self, started_at: float) -> None:
        """The answer has begun: both stores take over what their requests wrote."""
        pair, facts, tokens = self.pair, self.facts, self.tokens
        client = met(self.client, self.client_live, facts, tokens)
        begun(pair.sent, self.form, self.placed.found, facts, started_at, tokens, owner=self.session.id)
        begun(pair.client, self.form, client, facts, started_at, tokens, owner=self.session.id)
        self.line.last, self.line.at, self.line.lasting = self.read.prompt, started_at, self.lasting


def plan_text(level: str, asked: Breakpoints, ttl: str = "") -> str:
    """The value of x-synrouter-plan where something is placed; `ttl` is a lifetime that is asked for.

    >>> plan_text("safe", Breakpoints((), None)), plan_text("safe", Breakpoints((), None), "1h")
    ('safe; breakpoints=0; explicit', 'safe; ttl=1h')
    """
    if ttl:
        return f"{level}; ttl={ttl}"
    return f"{level}; breakpoints={len(asked.marks)}" + ("; explicit" if asked.explicit else "")


def as_written(usage: Usage, ttl: str) -> Usage:
    """The usage of a request that asked for this lifetime. Reports don't tell it: what was written was for an hour, and
    where they tell no writes, all that was not read.

    >>> as_written(Usage(input_tokens=5, cache_write_5m_tokens=90), "1h").cache_write_1h_tokens
    90
    >>> as_written(Usage(input_tokens=95, cache_read_tokens=7), "1h").cache_write_1h_tokens
    95
    """
    if ttl != "1h" or usage.cache_write_1h_tokens:
        return usage
    if not usage.cache_write_5m_tokens:
        return replace(usage, input_tokens=0, cache_write_1h_tokens=usage.input_tokens)
    return replace(usage, cache_write_5m_tokens=0, cache_write_1h_tokens=usage.cache_write_5m_tokens)


def compared(request: PlacedRequest, row: Turn, usage: Usage) -> tuple[Turn, Usage]:
    """How the turn went against its prediction, and what the client's own request would have been billed."""
    reported = Reported(usage.cache_read_tokens, usage.cache_write_tokens, usage.prompt_tokens)
    found = request.placed.found
    _measure(request, reported)
    verdict = judge(found, request.sent_live, request.tokens, reported, request.read.prompt.message_ends())
    if request.placed.ours:
        row = _explained(request, row, verdict, reported)
    request.line.cached_tokens = reported.read + reported.write
    if _broke_an_hour(request, verdict):
        request.pair.hours = False
    sides = (
        (request.pair.sent, request.placed.asked, request.sent_live),
        (request.pair.client, request.client, request.client_live),
    )
    for store, asked, live in sides:
        if found.markers and not reported.read and not reported.write:
            store.evict(request.form, [mark.position for mark in asked.written(request.facts)])
        elif not verdict.as_predicted:
            store.evict(request.form, verdict.evicted)
            if verdict.unexpected and verdict.position >= 0:
                ttl = float(request.facts.ttls[request.facts.asked_ttls[0]])
                store.add(request.form, verdict.position, ttl, row.started_at + ttl, reported.read)
            again = met(asked, _there(live, verdict), request.facts, request.tokens)
            begun(store, request.form, again, request.facts, row.started_at, request.tokens, owner=request.session.id)
    tokens = _learn(request, verdict, reported)
    request.lost = request.lost or verdict.unexpected
    return row, _client_usage(request, verdict, tokens, usage)


def _measure(request: PlacedRequest, reported: Reported) -> None:
    """Entries stand at exact places: where the length of the one that is expected was but estimated, a read near it is
    that length."""
    anchors, prompt, hit = request.lane.anchors, request.read.prompt, request.placed.found.hit
    if hit < 0 or anchors.exact(prompt.keys[hit]) is not None:
        return
    if abs(reported.read - request.tokens[hit]) <= ROUGHLY * request.tokens[hit]:
        anchors.learn(prompt.keys[hit], reported.read)
        request.tokens = anchors.measure(prompt.keys, prompt.tokens, prompt.index)


def _broke_an_hour(request: PlacedRequest, verdict: Verdict) -> bool:
    """Whether what was asked for an hour was gone after five minutes."""
    entries = [request.pair.sent.entry(request.form, place) for place in verdict.evicted]
    paused = request.gap_s is not None and request.gap_s > TTL_SECONDS["5m"]
    return paused and any(entry is not None and entry.ttl == TTL_SECONDS["1h"] for entry in entries)


def _there(live: Sequence[int], verdict: Verdict) -> list[int]:
    gone = set(verdict.evicted)
    there = {place for place in live if place not in gone}
    return sorted(there | ({verdict.position} if verdict.unexpected and verdict.position >= 0 else set()))


def _client_usage(request: PlacedRequest, verdict: Verdict, tokens: Measured, usage: Usage) -> Usage:
    def billed(asked: Breakpoints, live: Sequence[int]) -> Split:
        return bill(met(asked, _there(live, verdict), request.facts, tokens), tokens, usage.prompt_tokens)

    client = billed(request.client, request.client_live)
    if client == billed(request.placed.asked, request.sent_live):
        return usage
    return meter.with_split(
        usage,
        input_tokens=client.input,
        cache_read_tokens=client.read,
        cache_write_5m_tokens=client.write_5m,
        cache_write_1h_tokens=client.write_1h,
    )


def _learn(request: PlacedRequest, verdict: Verdict, reported: Reported) -> Measured:
    """Pin the prompt's prefixes to the reported counts."""
    anchors, prompt, found = request.lane.anchors, request.read.prompt, request.placed.found
    anchors.calibrate(request.tokens, reported.total)
    if verdict.as_predicted and verdict.position >= 0 and reported.read:
        anchors.learn(prompt.keys[verdict.position], reported.read)
    if reported.write and not verdict.unexpected and found.writes:
        anchors.learn(prompt.keys[found.writes[-1].position], reported.read + reported.write)
        if found.writes[-1].position == len(prompt.keys) - 1:
            request.line.beyond = reported.total - reported.read - reported.write
    if anchors.exact(prompt.keys[-1]) is None:
        anchors.learn(prompt.keys[-1], reported.total - request.line.beyond)
    return anchors.measure(prompt.keys, prompt.tokens, prompt.index)


def _explained(request: PlacedRequest, row: Turn, verdict: Verdict, reported: Reported) -> Turn:
    """The row with its verdict: predicted against reported, and what was placed."""
    tokens, asked = request.tokens, request.placed.asked
    # there is no lookback: of what changed nothing is read but what an entry stands before
    cached = request.cached_before if request.adds else min(request.cached_before, request.predicted_read_tokens)
    outcome = verdicts.classify(
        verdicts.Facts(
            read=reported.read,
            written=reported.write,
            total=reported.total,
            predicted=request.predicted_read_tokens,
            unexpected=verdict.unexpected,
            minimum=request.facts.minimum_tokens,
            cached=cached,
            gap_s=request.gap_s,
            ttl_s=float(request.facts.ttls[request.facts.asked_ttls[0]]),
        )
    )
    placed: dict[str, object] = {"ttl": request.asked_ttl}
    if not request.asked_ttl:
        placed = {"breakpoints": [tokens[mark.position] for mark in asked.marks], "explicit": asked.explicit}
    detail = msgspec.json.encode({**outcome.detail, **placed}).decode()
    return replace(row, verdict=outcome.code, detail=detail)
