"""What a turn cost and would have cost: reported usage times known prices, exact in Decimal USD.

What is not known for certain costs None, never a guess: iterations billed outside the totals, a server tool
without a published fee, a service tier or place without a published multiplier.

>>> from datetime import date
>>> from synrouter_cli.providers import price
>>> opus = price("anthropic", "claude-opus-4-8", date(2026, 11, 21))
>>> turn = Usage(input_tokens=10, cache_read_tokens=100_000, output_tokens=200)
>>> cost(turn, opus), no_cache_cost(turn, opus)
(Decimal('0.05505'), Decimal('0.50505'))
>>> to_pico(cost(turn, opus))
55050000000
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Context, Decimal

from synrouter_cli.providers import Price
from synrouter_cli.wire.usage import Usage

__all__ = ["cost", "from_pico", "no_cache_cost", "split_cost", "to_pico", "with_split"]

_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Wide enough for any sum of money here; independent of the thread's own decimal context."""
_MILLION = Decimal(1_000_000)
_THOUSAND = Decimal(1_000)
_PICO_DIGITS = 12


def cost(usage: Usage, price: Price) -> Decimal | None:
    """USD of a turn, or None where some part of it has no known price.

    Batch, place and speed multiply tokens and stack; fees of server tools stay as they are
    (platform.claude.com, "Pricing").
    """
    if usage.has_iterations:
        return None
    tokens = _token_cost(usage, price)
    fees = _fees(usage, price)
    return None if tokens is None or fees is None else _EXACT.add(tokens, fees)


def no_cache_cost(usage: Usage, price: Price) -> Decimal | None:
    """USD of the same turn with every prompt token at the input price, as if nothing were ever cached."""
    return split_cost(usage, price, input_tokens=usage.prompt_tokens)


def split_cost(
    usage: Usage,
    price: Price,
    *,
    input_tokens: int,
    cache_read_tokens: int = 0,
    cache_write_5m_tokens: int = 0,
    cache_write_1h_tokens: int = 0,
) -> Decimal | None:
    """USD of the same turn, had its prompt been billed in these parts: `cost(with_split(…), price)`."""
    split = with_split(
        usage,
        input_tokens=input_tokens,
        cache_read_tokens=cache_read_tokens,
        cache_write_5m_tokens=cache_write_5m_tokens,
        cache_write_1h_tokens=cache_write_1h_tokens,
    )
    return cost(split, price)


def with_split(
    usage: Usage,
    *,
    input_tokens: int,
    cache_read_tokens: int,
    cache_write_5m_tokens: int,
    cache_write_1h_tokens: int,
) -> Usage:
    """The usage with its prompt tokens split otherwise; output, tools, tier and speed stay.

    The parts need not add up to the same prompt: a request that was trimmed was longer before. Raises
    ValueError for a negative part.
    """
    parts = (input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens)
    if min(parts) < 0:
        raise ValueError(f"token counts can't be negative: {parts}")
    return replace(
        usage,
        input_tokens=input_tokens,
        cache_read_tokens=cache_read_tokens,
        cache_write_5m_tokens=cache_write_5m_tokens,
        cache_write_1h_tokens=cache_write_1h_tokens,
    )


def to_pico(usd: Decimal) -> int:
    """USD as integer pico-USD (1e-12), what the ledger keeps; halves round to even."""
    scaled = _EXACT.scaleb(usd, _PICO_DIGITS)
    return int(scaled.to_integral_value(rounding=ROUND_HALF_EVEN, context=_EXACT))


def from_pico(pico_usd: int) -> Decimal:
    """Pico-USD as Decimal USD, exact."""
    return _EXACT.scaleb(Decimal(pico_usd), -_PICO_DIGITS)


def _token_cost(usage: Usage, price: Price) -> Decimal | None:
    rates = price.rates(usage.prompt_tokens, speed=usage.speed)
    factor = _factor(usage, price)
    if rates is None or factor is None:
        return None
    total = Decimal(0)
    for tokens, rate in (
        (usage.input_tokens, rates.input),
        (usage.cache_read_tokens, rates.cache_read),
        (usage.cache_write_5m_tokens, rates.cache_write_5m),
        (usage.cache_write_1h_tokens, rates.cache_write_1h),
        (usage.output_tokens, rates.output),
    ):
        if not tokens:
            continue
        if rate is None:
            return None
        total = _EXACT.fma(Decimal(tokens), rate, total)
    return _EXACT.divide(_EXACT.multiply(total, factor), _MILLION)


def _factor(usage: Usage, price: Price) -> Decimal | None:
    factor = Decimal(1)
    for value, multipliers in (
        (usage.service_tier, price.service_tiers),
        (usage.inference_geo, price.inference_geos),
    ):
        if value is None:
            continue
        multiplier = multipliers.get(value)
        if multiplier is None:
            return None
        factor = _EXACT.multiply(factor, multiplier)
    return factor


def _fees(usage: Usage, price: Price) -> Decimal | None:
    """USD for server tools, priced by the thousand."""
    total = Decimal(0)
    for tool, uses in usage.server_tools.items():
        if not uses:
            continue
        fee = price.fees.get(tool)
        if fee is None:
            return None
        total = _EXACT.fma(Decimal(uses), fee, total)
    return _EXACT.divide(total, _THOUSAND)
