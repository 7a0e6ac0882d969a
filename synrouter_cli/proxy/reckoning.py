"""From reported usage to a priced row: what the turn cost, and what the client's own request would have.

The provider's report is the truth: it corrects the cache model before anything is claimed. Where the client's own
request is billed by the same segments as ours, its cost is ours, to the cent; otherwise it is worked out from prefix
lengths that the provider itself reported.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from synrouter_cli import meter, providers
from synrouter_cli.cache.anchors import Measured
from synrouter_cli.cache.model import bill
from synrouter_cli.cache.shadow import Reported, Verdict, judge, reread, same_bill
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.proxy.planned import Planned
from synrouter_cli.wire.usage import Usage

__all__ = ["Reckoner"]

LEARNABLE_MINIMUM_TOKENS = 8192
"""No model's minimum is known to be higher; a longer prefix that was not cached has another reason."""


class Reckoner:
    """Prices turns, and remembers across sessions what reports teach of a model."""

    def __init__(self) -> None:
        self.rates: dict[str, float] = {}
        """Tokens to estimated tokens, by model."""
        self.minimums: dict[str, int] = {}
        """Minimum prefix lengths that turned out higher than the facts say, by model."""

    def priced(self, row: Turn, planned: Planned | None, *, sent: bool = True) -> Turn:
        """The row with its money and its reason. Unknown prices stay None."""
        usage = row.usage
        if usage is None:
            # a refusal costs nothing, nor does what was never sent; otherwise nobody knows what was billed
            refused = row.http_status is not None and row.http_status >= 400
            zero = 0 if refused or not sent else None
            return replace(row, cost_pusd=zero, baseline_no_cache_pusd=zero, baseline_client_pusd=zero)
        client_usage, lost = usage, True
        if planned is not None and planned.committed:
            client_usage, reason = self._client_usage(row, planned, usage)
            row = replace(row, reason=reason)
            lost = planned.lost
        model = row.model_used or row.model
        price = providers.price(row.provider, model, datetime.fromtimestamp(row.started_at, UTC).date())
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

    def _client_usage(self, row: Turn, planned: Planned, usage: Usage) -> tuple[Usage, str | None]:
        """What the client's own request would have been billed, and how the turn went against the prediction."""
        reported = Reported(usage.cache_read_tokens, usage.cache_write_tokens, usage.prompt_tokens)
        ends = [*planned.prompt.message_ends(), *(end - 1 for end in planned.rendered.layer_ends[:2] if end)]
        verdict = judge(planned.plan.found, planned.sent_live, planned.tokens, reported, ends)
        reason = _reason(planned, verdict, reported)
        self._correct(row, planned, verdict, reported)
        tokens = self._learn(planned, verdict, reported)
        if not reported.read and not reported.write:
            self._raise_minimum(row, planned, tokens)
        planned.lost = planned.lost or verdict.unexpected
        shape, facts = planned.rendered, planned.facts
        sent = reread(shape, planned.plan.markers, planned.sent_live, verdict, facts, tokens)
        client = reread(shape, planned.client, planned.client_live, verdict, facts, tokens)
        if same_bill(sent, client):
            return usage, reason
        split = bill(client, tokens, usage.prompt_tokens)
        own = meter.with_split(
            usage,
            input_tokens=split.input,
            cache_read_tokens=split.read,
            cache_write_5m_tokens=split.write_5m,
            cache_write_1h_tokens=split.write_1h,
        )
        return own, reason

    def _correct(self, row: Turn, planned: Planned, verdict: Verdict, reported: Reported) -> None:
        """Bring both stores in line with what the provider reported."""
        shape, pair = planned.rendered, planned.pair
        sides = (
            (pair.sent, planned.plan.markers, planned.sent_live),
            (pair.client, planned.client, planned.client_live),
        )
        if not reported.read and not reported.write:
            for store, markers, _ in sides:
                store.evict(shape, [marker.position for marker in markers])
        elif not verdict.as_predicted:
            for store, markers, live in sides:
                store.evict(shape, verdict.evicted)
                if verdict.unexpected and verdict.position >= 0:
                    store.add(shape, verdict.position, 300.0, row.started_at + 300.0, reported.read)
                again = reread(shape, markers, live, verdict, planned.facts, planned.tokens)
                store.begun(shape, again, row.started_at, planned.tokens)

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
            anchors.learn(keys[verdict.position], reported.read)
        last = planned.plan.markers[-1].position if planned.plan.markers else -1
        if reported.write and not verdict.unexpected and last > verdict.position:
            anchors.learn(keys[last], reported.read + reported.write)
        if anchors.exact(keys[-1]) is None:
            # a few tokens that open the answer are in the total: less exact than a marker's count
            anchors.learn(keys[-1], reported.total)
        return anchors.measure(keys, planned.prompt.tokens, planned.prompt.index)


def _reason(planned: Planned, verdict: Verdict, reported: Reported) -> str | None:
    """One sentence on how the turn went."""
    found = planned.plan.found
    if verdict.unexpected:
        return f"read {reported.read} tokens where no entry was known"
    if not verdict.as_predicted:
        return f"miss: {planned.tokens[found.hit] - reported.read} tokens more were expected in the cache"
    if verdict.position >= 0 or not found.writes:
        return planned.plan.reason
    if planned.gap_s is None:
        return "miss: first sight of this prefix"
    if planned.gap_s >= 300:
        return f"miss: {planned.gap_s / 60:.0f} min since the last request, longer than its entries live"
    return "miss: no entry lives on this prefix"
