"""From reported usage to a priced row: what the turn cost, and what the client's own request would have.

The provider's report is the truth: it corrects the cache model before anything is claimed. Where the client's own
request is billed by the same segments as ours, its cost is ours, to the cent; otherwise it is worked out from prefix
lengths that the provider itself reported.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from synrouter_cli import meter, providers
from synrouter_cli.cache.anchors import Measured
from synrouter_cli.cache.model import bill
from synrouter_cli.cache.shadow import Reported, Verdict, judge, reread, same_bill
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.providers import Price
from synrouter_cli.proxy.correcting import correct, on_client, trips
from synrouter_cli.proxy.explaining import explained
from synrouter_cli.proxy.placed import PlacedRequest, compared
from synrouter_cli.proxy.planned import Planned
from synrouter_cli.proxy.worth import with_trimmed
from synrouter_cli.wire.usage import Usage

__all__ = ["Reckoner"]

LEARNABLE_MINIMUM_TOKENS: Final = 8192
"""No model's minimum is known to be higher; a longer prefix that was not cached has another reason."""
SLACK_TOKENS: Final = 64
"""So much may stand between a prompt's reported total and its last entry's length."""


class Reckoner:
    """Prices turns, and remembers across sessions what reports teach of a model."""

    def __init__(self) -> None:
        self.rates: dict[str, float] = {}
        """Tokens to estimated tokens, by model."""
        self.minimums: dict[str, int] = {}
        """Minimum prefix lengths that turned out higher than the facts say, by model."""

    def priced(self, row: Turn, planned: Planned | PlacedRequest | None, *, sent: bool = True) -> Turn:
        """The row with its money, its verdict and its reason. Unknown prices stay None."""
        usage = row.usage
        if usage is None:
            # a refusal costs nothing, nor does what was never sent; otherwise nobody knows what was billed
            refused = row.http_status is not None and row.http_status >= 400
            zero = 0 if refused or not sent else None
            return replace(row, cost_pusd=zero, baseline_no_cache_pusd=zero, baseline_client_pusd=zero)
        model = providers.billed_as(row.provider, row.model, row.model_used)
        price = providers.price(row.provider, model, datetime.fromtimestamp(row.started_at, UTC).date())
        client_usage, lost = usage, True
        if planned is not None and planned.committed:
            if isinstance(planned, Planned):
                row, client_usage = self._compared(row, planned, usage, price)
            else:
                row, client_usage = compared(planned, row, usage)
                self.rates[row.model] = planned.lane.anchors.rate
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
        prompt = planned.prompt
        ends = [*prompt.message_ends(), *(end - 1 for end in planned.rendered.layer_ends[:2] if end)]
        verdict = judge(planned.plan.found, planned.sent_live, planned.tokens, reported, ends)
        row = explained(row, planned, verdict, reported, usage, price)
        correct(row, planned, verdict, reported, usage)
        tokens = self._learn(planned, verdict, reported)
        if not reported.read and not reported.write:
            self._raise_minimum(row, planned, tokens)
        planned.lost = planned.lost or verdict.unexpected
        if trips(planned, verdict, reported, usage):
            row = replace(row, reason=f"{row.reason}; the second in a row that only our edits explain: these end here")
        row = with_trimmed(row, planned, usage, price)
        return row, self._client_usage(planned, verdict, tokens, usage)

    def _client_usage(self, planned: Planned, verdict: Verdict, tokens: Measured, usage: Usage) -> Usage:
        facts, total = planned.facts, usage.prompt_tokens
        sent = reread(planned.rendered, planned.plan.markers, planned.sent_live, verdict, facts, tokens)
        counts = planned.client_counts(tokens)
        own = on_client(planned, verdict)
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
        anchors, keys = planned.lane.anchors, planned.prompt.keys
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
