"""What a provider reported corrects the cache model, on both of its sides, and weighs on the lane's breaker.

An entry that turned out not to be there is forgotten for what was sent and for the client's own request alike; one
that nobody knew of is added; an hour that was given as five minutes is one no more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from synrouter_cli.cache.breaker import Evidence
from synrouter_cli.cache.model import Counts, Marker, Rendered
from synrouter_cli.cache.shadow import Reported, Verdict, reread
from synrouter_cli.cache.store import Store
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.proxy.planned import Planned
from synrouter_cli.wire.usage import Usage

__all__ = ["correct", "on_client", "trips"]


def correct(row: Turn, planned: Planned, verdict: Verdict, reported: Reported, usage: Usage) -> None:
    """Bring both stores in line with what the provider reported."""
    keeps = planned.facts.hour_keeps_five
    sides = _sides(planned, verdict)
    for side in sides:
        if not reported.read and not reported.write:
            # nothing was cached of what was marked; where nothing was, that says nothing
            gone = side.markers if planned.plan.found.markers else ()
            side.store.evict(side.shape, [marker.position for marker in gone])
        elif not side.verdict.as_predicted:
            side.store.evict(side.shape, side.verdict.evicted)
            if side.verdict.unexpected and side.verdict.position >= 0:
                side.store.add(side.shape, side.verdict.position, 300.0, row.started_at + 300.0, reported.read)
            again = reread(side.shape, side.markers, side.live, side.verdict, planned.facts, side.tokens)
            owner = planned.session.id
            side.store.begun(side.shape, again, row.started_at, side.tokens, owner=owner, hour_keeps_five=keeps)
    sent = sides[0]
    met = reread(sent.shape, sent.markers, sent.live, sent.verdict, planned.facts, sent.tokens)
    asked = any(marker.ttl == "1h" for marker in met.writes)
    if asked and usage.cache_write_5m_tokens and not usage.cache_write_1h_tokens:
        # an hour was asked for and five minutes were given: from now on that is what is planned with
        planned.pair.hours = False
        for side in sides:
            side.store.shorten(side.shape, [marker.position for marker in side.markers], row.started_at)


def trips(planned: Planned, verdict: Verdict, reported: Reported, usage: Usage) -> bool:
    """Two misses in a row that only our edits explain end them, in this lane; whether this turn does so."""
    if planned.plan.choice == "client" and not planned.shape.edited and not planned.rewritten:
        return False
    last = planned.last_sent
    evidence = Evidence(
        missed=planned.plan.found.hit >= 0
        and not verdict.as_predicted
        and not verdict.unexpected
        and reported.write > 0,
        gap_s=planned.line_gap_s or 0.0,
        overlapped=planned.overlapped,
        server_tools=any(usage.server_tools.values()),
        changed=planned.last_pair_key != planned.pair_key or (last is not None and last.seeds != planned.prompt.seeds),
        rewritten=planned.rewritten and reported.write > 0,
    )
    before = planned.lane.breaker
    planned.lane.breaker = after = before.after(evidence)
    return (after.tripped, after.unsteady) != (before.tripped, before.unsteady)


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two lives of a request: what was sent, or the client's own."""

    store: Store
    shape: Rendered
    markers: tuple[Marker, ...]
    live: list[int]
    tokens: Counts
    verdict: Verdict


def _sides(planned: Planned, verdict: Verdict) -> tuple[_Side, _Side]:
    pair = planned.pair
    return (
        _Side(pair.sent, planned.rendered, planned.plan.markers, planned.sent_live, planned.tokens, verdict),
        _Side(
            pair.client,
            planned.client_rendered,
            planned.client,
            planned.client_live,
            planned.client_tokens,
            on_client(planned, verdict),
        ),
    )


def on_client(planned: Planned, verdict: Verdict) -> Verdict:
    """The verdict at the places of the client's own request."""
    shape = planned.shape
    if not shape.edited:
        return verdict
    evicted = tuple(shape.client_place(place) for place in verdict.evicted)
    return replace(verdict, position=shape.client_place(verdict.position), evicted=evicted)
