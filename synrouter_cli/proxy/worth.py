"""What tokens would have cost elsewhere: those that were cut out, where they stood; those that were missed, as a read.

>>> from synrouter_cli.cache.model import Marker
>>> found = Found(4, (), (Marker(9, "5m"),))
>>> where(found, [(3, 100), (8, 50), (12, 7)])
Split(read=100, write_5m=50, write_1h=0, input=7)
"""

from __future__ import annotations

from dataclasses import replace

from synrouter_cli import meter
from synrouter_cli.cache.model import Found, Split
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.providers import Price
from synrouter_cli.proxy.planned import Planned
from synrouter_cli.wire.usage import Usage

__all__ = ["missed_pusd", "where", "with_trimmed"]


def with_trimmed(row: Turn, planned: Planned, usage: Usage, price: Price | None) -> Turn:
    """The row with what was cut out of the request: its tokens, and what they would have cost where they stood, read,
    written or plain input. An estimate, and it assumes that the agent reads none of it again."""
    shape, found = planned.shape, planned.plan.found
    if shape.trimmed is None or not shape.trimmed.cuts:
        return row
    rate = planned.lane.anchors.rate
    removed = [(shape.sent_place(cut.block), shape.client.blocks[cut.block].tokens) for cut in shape.trimmed.cuts]
    split = where(
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


def where(found: Found, removed: list[tuple[int, int]]) -> Split:
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


def missed_pusd(tokens: int, usage: Usage, price: Price | None) -> int | None:
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
