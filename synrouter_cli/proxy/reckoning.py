"""From reported usage to a priced row: what the turn cost, and what the client's own request would have.

The provider's report is the truth: it corrects the cache model before anything is claimed. Where the client's own
request is billed by the same segments as ours, its cost is ours, to the cent; otherwise it is worked out from prefix
lengths that the provider itself reported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import msgspec

from synrouter_cli import meter, providers
from synrouter_cli.cache import verdicts
from synrouter_cli.cache.anchors import Measured
from synrouter_cli.cache.breaker import Evidence
from synrouter_cli.cache.gaps import FIVE_MINUTES
from synrouter_cli.cache.model import Counts, Found, Marker, Rendered, Split, Store, bill
from synrouter_cli.cache.shadow import Reported, Verdict, judge, reread, same_bill
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.difference import changed_line
from synrouter_cli.providers import Price
from synrouter_cli.proxy.planned import Planned
from synrouter_cli.wire.usage import Usage

__all__ = ["Reckoner"]

LEARNABLE_MINIMUM_TOKENS: Final = 8192
"""No model's minimum is known to be higher; a longer prefix that was not cached has another reason."""
MOST_DETAIL: Final = 2000
SLACK_TOKENS: Final = 64
"""So much may stand between a prompt's reported total and its last entry's length."""


class Reckoner:
    """Prices turns, and remembers across sessions what reports teach of a model."""

    def __init__(self) -> None:
        self.rates: dict[str, float] = {}
        """Tokens to estimated tokens, by model."""
        self.minimums: dict[str, int] = {}
        """Minimum prefix lengths that turned out higher than the facts say, by model."""

    def priced(self, row: Turn, planned: Planned | None, *, sent: bool = True) -> Turn:
        """The row with its money, its verdict and its reason. Unknown prices stay None."""
        usage = row.usage
        if usage is None:
            # a refusal costs nothing, nor does what was never sent; otherwise nobody knows what was billed
            refused = row.http_status is not None and row.http_status >= 400
            zero = 0 if refused or not sent else None
            return replace(row, cost_pusd=zero, baseline_no_cache_pusd=zero, baseline_client_pusd=zero)
        model = row.model_used or row.model
        price = providers.price(row.provider, model, datetime.fromtimestamp(row.started_at, UTC).date())
        client_usage, lost = usage, True
        if planned is not None and planned.committed:
            row, client_usage = self._compared(row, planned, usage, price)
            lost = planned.lost
        if price is None:
            return row
        row = replace(row, price_version=price.version)
        cost = meter.cost(usage, price)
        if cost is None:
            return row
        client_cost = meter.cost(client_usage, price)
        if client_cost is not None and lost:
            client_cost = min(client_cost, cost)
        no_cache = meter.no_cache_cost(usage, price)
        return replace(
            row,
            cost_pusd=meter.to_pico(cost),
            baseline_no_cache_pusd=None if no_cache is None else meter.to_pico(no_cache),
            baseline_client_pusd=None if client_cost is None else meter.to_pico(client_cost),
        )

    def _compared(self, row: Turn, planned: Planned, usage: Usage, price: Price | None) -> tuple[Turn, Usage]:
        """How the turn went against its prediction, and what the client's own request would have been billed."""
        reported = Reported(usage.cache_read_tokens, usage.cache_write_tokens, usage.prompt_tokens)
        shared = self._shared_read(planned, reported)
        prompt = planned.prompt
        ends = [*prompt.message_ends(), *(end - 1 for end in planned.rendered.layer_ends[:2] if end)]
        verdict = judge(planned.plan.found, planned.sent_live, planned.tokens, reported, ends)
        row = self._explained(row, planned, verdict, reported, shared, usage, price)
        self._correct(row, planned, verdict, reported, usage)
        tokens = self._learn(planned, verdict, reported)
        if not reported.read and not reported.write:
            self._raise_minimum(row, planned, tokens)
        planned.lost = planned.lost or verdict.unexpected
        if self._trips(planned, verdict, reported, usage):
            row = replace(row, reason=f"{row.reason}; the second in a row that only our edits explain: these end here")
        row = _with_trimmed(row, planned, usage, price)
        return row, self._client_usage(planned, verdict, tokens, usage)

    def _client_usage(self, planned: Planned, verdict: Verdict, tokens: Measured, usage: Usage) -> Usage:
        facts, total = planned.facts, usage.prompt_tokens
        sent = reread(planned.rendered, planned.plan.markers, planned.sent_live, verdict, facts, tokens)
        counts = planned.client_counts(tokens)
        own = _on_client(planned, verdict)
        client = reread(planned.client_rendered, planned.client, planned.client_live, own, facts, counts)
        split = bill(client, counts, total)
        if same_bill(sent, client) if not planned.shape.edited else bill(sent, tokens, total) == split:
            return usage
        return meter.with_split(
            usage,
            input_tokens=split.input,
            cache_read_tokens=split.read,
            cache_write_5m_tokens=split.write_5m,
            cache_write_1h_tokens=split.write_1h,
        )

    def _shared_read(self, planned: Planned, reported: Reported) -> int:
        """How much was read from an entry that another session wrote."""
        owner = planned.hit_owner
        return reported.read if reported.read and owner and owner != planned.session.id else 0

    def _explained(
        self,
        row: Turn,
        planned: Planned,
        verdict: Verdict,
        reported: Reported,
        shared: int,
        usage: Usage,
        price: Price | None,
    ) -> Turn:
        """The row with its verdict: predicted against reported, and why."""
        session, tokens, found = planned.session, planned.tokens, planned.plan.found
        difference = planned.difference()
        writes = found.writes
        facts = verdicts.Facts(
            read=reported.read,
            written=reported.write,
            total=reported.total,
            predicted=row.predicted_read_tokens or 0,
            unexpected=verdict.unexpected,
            live=tokens[planned.sent_live[-1]] if planned.sent_live else 0,
            shared_read=shared,
            marked=bool(planned.plan.markers),
            marked_tokens=tokens[planned.plan.markers[-1].position] if planned.plan.markers else 0,
            minimum=planned.facts.minimum_tokens,
            cached=None if planned.gap_s is not None and session.cached_ttl_s is None else session.cached_tokens,
            shared=tokens[planned.left_at - 1] if planned.left_at > 0 else 0 if not planned.left_at else None,
            gap_s=planned.gap_s,
            ttl_s=session.cached_ttl_s,
            difference=difference,
            settings_reach_head=planned.facts.settings_reach_head,
        )
        outcome = verdicts.classify(facts)
        entry = planned.pair.sent.entry(planned.rendered, found.newest) if found.newest >= 0 else None
        soon = planned.gap_s is not None and planned.gap_s < FIVE_MINUTES
        planned.gone = soon and reported.read * 2 < session.cached_tokens
        session.cached_tokens = reported.read + reported.write
        session.cached_ttl_s = entry.ttl if entry is not None else session.cached_ttl_s
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
            missed_pusd=_missed(outcome.missed_tokens, usage, price),
        )

    def _correct(self, row: Turn, planned: Planned, verdict: Verdict, reported: Reported, usage: Usage) -> None:
        """Bring both stores in line with what the provider reported."""
        keeps = planned.facts.hour_keeps_five
        for side in _sides(planned, verdict):
            if not reported.read and not reported.write:
                side.store.evict(side.shape, [marker.position for marker in side.markers])
            elif not side.verdict.as_predicted:
                side.store.evict(side.shape, side.verdict.evicted)
                if side.verdict.unexpected and side.verdict.position >= 0:
                    side.store.add(side.shape, side.verdict.position, 300.0, row.started_at + 300.0, reported.read)
                again = reread(side.shape, side.markers, side.live, side.verdict, planned.facts, side.tokens)
                owner = planned.session.id
                side.store.begun(side.shape, again, row.started_at, side.tokens, owner=owner, hour_keeps_five=keeps)
        sent = _sides(planned, verdict)[0]
        met = reread(sent.shape, sent.markers, sent.live, sent.verdict, planned.facts, sent.tokens)
        asked = any(marker.ttl == "1h" for marker in met.writes)
        if asked and usage.cache_write_5m_tokens and not usage.cache_write_1h_tokens:
            # an hour was asked for and five minutes were given: from now on that is what is planned with
            planned.pair.hours = False
            for side in _sides(planned, verdict):
                side.store.shorten(side.shape, [marker.position for marker in side.markers], row.started_at)

    def _trips(self, planned: Planned, verdict: Verdict, reported: Reported, usage: Usage) -> bool:
        """Two misses in a row that only our edits explain end them, in this session; whether this turn does so."""
        if planned.plan.choice == "client" and not planned.shape.edited and not planned.rewritten:
            return False
        last = planned.last_sent
        evidence = Evidence(
            missed=planned.plan.found.hit >= 0
            and not verdict.as_predicted
            and not verdict.unexpected
            and reported.write > 0,
            gap_s=planned.gap_s or 0.0,
            overlapped=planned.overlapped,
            server_tools=any(usage.server_tools.values()),
            changed=planned.last_pair_key != planned.pair_key
            or (last is not None and last.seeds != planned.prompt.seeds),
            rewritten=planned.rewritten and reported.write > 0,
        )
        before = planned.session.breaker
        planned.session.breaker = before.after(evidence)
        after = planned.session.breaker
        return (after.tripped, after.unsteady) != (before.tripped, before.unsteady)

    def _raise_minimum(self, row: Turn, planned: Planned, tokens: Measured) -> None:
        """Nothing was cached though it was marked: the model's minimum is higher than the facts say."""
        writes = planned.plan.found.writes
        if not writes:
            return
        marked = tokens[writes[-1].position]
        if marked < LEARNABLE_MINIMUM_TOKENS:
            self.minimums[row.model] = max(self.minimums.get(row.model, 0), marked + 1)

    def _learn(self, planned: Planned, verdict: Verdict, reported: Reported) -> Measured:
        """Pin the prompt's prefixes to the reported counts."""
        anchors, keys = planned.session.anchors, planned.prompt.keys
        anchors.calibrate(planned.tokens, reported.total)
        self.rates[planned.prompt.model] = anchors.rate
        if verdict.as_predicted and verdict.position >= 0 and reported.read:
            known = anchors.exact(keys[verdict.position])
            # a little less than an exact count is an earlier entry: the newest was lost, its length is what it was
            if known is None or known - reported.read < SLACK_TOKENS:
                anchors.learn(keys[verdict.position], reported.read)
        last = planned.plan.markers[-1].position if planned.plan.markers else -1
        if reported.write and not verdict.unexpected and last > verdict.position:
            anchors.learn(keys[last], reported.read + reported.write)
        if anchors.exact(keys[-1]) is None:
            # a few tokens that open the answer are in the total: less exact than a marker's count
            anchors.learn(keys[-1], reported.total)
        return anchors.measure(keys, planned.prompt.tokens, planned.prompt.index)


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
            _on_client(planned, verdict),
        ),
    )


def _on_client(planned: Planned, verdict: Verdict) -> Verdict:
    """The verdict at the places of the client's own request."""
    shape = planned.shape
    if not shape.edited:
        return verdict
    evicted = tuple(shape.client_place(place) for place in verdict.evicted)
    return replace(verdict, position=shape.client_place(verdict.position), evicted=evicted)


def _with_trimmed(row: Turn, planned: Planned, usage: Usage, price: Price | None) -> Turn:
    """The row with what was cut out of the request: its tokens, and what they would have cost where they stood, read,
    written or plain input. An estimate, and it assumes that the agent reads none of it again."""
    shape, found = planned.shape, planned.plan.found
    if shape.trimmed is None or not shape.trimmed.cuts:
        return row
    rate = planned.session.anchors.rate
    removed = [(shape.sent_place(cut.block), shape.client.blocks[cut.block].tokens) for cut in shape.trimmed.cuts]
    split = _where(
        found, [(place, max(round((was - shape.sent.blocks[place].tokens) * rate), 0)) for place, was in removed]
    )
    with_it = meter.with_split(
        usage,
        input_tokens=usage.input_tokens + split.input,
        cache_read_tokens=usage.cache_read_tokens + split.read,
        cache_write_5m_tokens=usage.cache_write_5m_tokens + split.write_5m,
        cache_write_1h_tokens=usage.cache_write_1h_tokens + split.write_1h,
    )
    dearer = meter.cost(with_it, price) if price is not None else None
    cost = meter.cost(usage, price) if price is not None else None
    worth = meter.to_pico(dearer - cost) if dearer is not None and cost is not None else 0
    return replace(row, trimmed_tokens=split.total, trimmed_pusd=max(worth, 0))


def _where(found: Found, removed: list[tuple[int, int]]) -> Split:
    """Removed tokens by how the place at which they stood is billed."""
    long = max((marker.position for marker in found.writes if marker.ttl == "1h"), default=-1)
    last = found.writes[-1].position if found.writes else -1
    read = write_1h = write_5m = rest = 0
    for place, tokens in removed:
        if place <= found.hit:
            read += tokens
        elif place <= long:
            write_1h += tokens
        elif place <= last:
            write_5m += tokens
        else:
            rest += tokens
    return Split(read, write_5m, write_1h, rest)


def _missed(tokens: int, usage: Usage, price: Price | None) -> int | None:
    """What it cost, in pico-USD, that so many tokens were written or plain input and not read; 0 for no miss."""
    if not tokens:
        return 0
    if price is None:
        return None
    parts = {"cache_write_1h_tokens": 0, "cache_write_5m_tokens": 0, "input_tokens": 0}
    left = tokens
    for name in parts:
        had = getattr(usage, name)
        moved = min(left, had)
        parts[name], left = had - moved, left - moved
    hit = meter.with_split(usage, cache_read_tokens=usage.cache_read_tokens + tokens - left, **parts)
    cost, less = meter.cost(usage, price), meter.cost(hit, price)
    return None if cost is None or less is None else max(meter.to_pico(cost - less), 0)


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
    if planned.gap_s is None:
        return "miss: first sight of this prefix"
    if planned.gap_s >= 300:
        return f"miss: {planned.gap_s / 60:.0f} min since the last request, longer than its entries live"
    return "miss: no entry lives on this prefix"
