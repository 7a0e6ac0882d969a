"""The verdict of a turn in its row: what was read against what was predicted, why, and in a sentence what went wrong.

The rules are those of `cache/verdicts.py`; here they get a turn in plain values, and the session remembers what the
turn left in the cache for the next.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import msgspec

from synrouter_cli.cache import verdicts
from synrouter_cli.cache.gaps import FIVE_MINUTES
from synrouter_cli.cache.shadow import Reported, Verdict
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.changes import Difference
from synrouter_cli.prompt.difference import changed_line
from synrouter_cli.providers import Price
from synrouter_cli.proxy.planned import Planned
from synrouter_cli.proxy.worth import missed_pusd
from synrouter_cli.wire.usage import Usage

__all__ = ["explained"]

MOST_DETAIL: Final = 2000


def explained(
    row: Turn, planned: Planned, verdict: Verdict, reported: Reported, usage: Usage, price: Price | None
) -> Turn:
    """The row with its verdict: predicted against reported, and why. What the turn left in the cache is remembered in
    its lane, which the next one there is compared with."""
    tokens, writes = planned.tokens, planned.plan.found.writes
    difference, shared = planned.difference(), _shared_read(planned, reported)
    outcome = verdicts.classify(_facts(row, planned, verdict, reported, difference, shared))
    _remember(planned, reported)
    if outcome.missed_tokens and difference is not None and planned.last_sent is not None:
        planned.changed_line = changed_line(planned.last_sent, planned.prompt, difference)
    named = {**outcome.detail, "ours": True} if planned.rewritten and outcome.missed_tokens else outcome.detail
    detail = msgspec.json.encode(named).decode() if named else None
    miss = _miss(planned, verdict, reported)
    return replace(
        row,
        verdict=outcome.code,
        detail=detail if detail is None or len(detail) <= MOST_DETAIL else None,
        reason=f"{miss}; {planned.plan.reason}" if miss else planned.plan.reason,
        shared_read_tokens=shared,
        predicted_write_tokens=tokens[writes[-1].position] - (row.predicted_read_tokens or 0) if writes else 0,
        missed_pusd=missed_pusd(outcome.missed_tokens, usage, price),
    )


def _facts(
    row: Turn, planned: Planned, verdict: Verdict, reported: Reported, difference: Difference | None, shared_read: int
) -> verdicts.Facts:
    """The turn in plain values, as verdicts are made of."""
    before, gap_s, tokens = planned.line, planned.line_gap_s, planned.tokens
    return verdicts.Facts(
        read=reported.read,
        written=reported.write,
        total=reported.total,
        predicted=row.predicted_read_tokens or 0,
        unexpected=verdict.unexpected,
        live=tokens[planned.sent_live[-1]] if planned.sent_live else 0,
        shared_read=shared_read,
        marked=bool(planned.plan.markers),
        marked_tokens=tokens[planned.plan.markers[-1].position] if planned.plan.markers else 0,
        minimum=planned.facts.minimum_tokens,
        cached=None if gap_s is not None and before.cached_ttl_s is None else before.cached_tokens,
        shared=tokens[planned.left_at - 1] if planned.left_at > 0 else 0 if not planned.left_at else None,
        gap_s=gap_s,
        ttl_s=before.cached_ttl_s,
        difference=difference,
        elsewhere=planned.elsewhere,
        apart=planned.apart,
        settings_reach_head=planned.facts.settings_reach_head,
    )


def _remember(planned: Planned, reported: Reported) -> None:
    """What the turn left in the cache, for the lane's next; and whether what the last one left was gone."""
    before, found = planned.line, planned.plan.found
    entry = planned.pair.sent.entry(planned.rendered, found.newest) if found.newest >= 0 else None
    soon = planned.line_gap_s is not None and planned.line_gap_s < FIVE_MINUTES
    planned.gone = planned.elsewhere is None and soon and reported.read * 2 < before.cached_tokens
    line = planned.lane.turn_to(planned.shape.client)
    ttl_s = entry.ttl if entry is not None else line.cached_ttl_s
    line.cached_tokens, line.cached_ttl_s = reported.read + reported.write, ttl_s


def _shared_read(planned: Planned, reported: Reported) -> int:
    """How much was read from an entry that another session wrote."""
    owner = planned.hit_owner
    return reported.read if reported.read and owner and owner != planned.session.id else 0


def _miss(planned: Planned, verdict: Verdict, reported: Reported) -> str:
    """In a sentence, what went other than it should; empty where nothing did."""
    found = planned.plan.found
    if planned.rewritten and reported.write:
        return "miss: our own edits changed what the client had sent unchanged"
    if verdict.unexpected:
        return f"read {reported.read} tokens where no entry was known"
    if not verdict.as_predicted:
        return f"miss: {planned.tokens[found.hit] - reported.read} tokens more were expected in the cache"
    if verdict.position >= 0 or not found.writes:
        return ""
    if planned.line_gap_s is None:
        return "miss: first sight of this prefix"
    if planned.elsewhere is not None:
        return f"miss: another {planned.elsewhere.code}, whose cache knows nothing of this session"
    if planned.line_gap_s >= 300:
        there = " there" if planned.apart else ""
        return f"miss: {planned.line_gap_s / 60:.0f} min since the last request{there}, longer than its entries live"
    return "miss: no entry lives on this prefix"
