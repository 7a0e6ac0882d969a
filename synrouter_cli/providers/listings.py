"""What a provider says of its models when it is asked for its list, in whichever of the shapes.

OpenAI's shape is `{"data": [{"id"}]}`, Anthropic's adds limits, OpenRouter and Together add context and prices,
Together gives the list bare, Gemini puts `models/` before its names. A value that is not what it should be is left out.

>>> read_listing(b'{"data": [{"id": "models/gemini-3.1-pro"}, {"id": "", "context_length": 8192}]}')
(Listed(id='gemini-3.1-pro', context_tokens=None, output_tokens=None, rates=None),)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from synrouter_cli.providers.pricing import Rates

__all__ = ["Listed", "read_listing"]

MOST: Final = 5000
"""Models of one list that are kept."""
_LONGEST: Final = 200
_CONTEXT: Final = ("context_tokens", "context_length", "max_input_tokens", "context_window", "max_model_len")
_OUTPUT: Final = ("output_tokens", "max_completion_tokens", "max_output_tokens", "max_tokens")
_MILLION: Final = Decimal(1_000_000)
_MOST_USD: Final = _MILLION


@dataclass(frozen=True, slots=True)
class Listed:
    """One model as its provider lists it."""

    id: str
    context_tokens: int | None = None
    output_tokens: int | None = None
    rates: Rates | None = None
    """USD per million tokens, where the list says them."""


def read_listing(body: bytes) -> tuple[Listed, ...]:
    """The models, each once, in the list's own order. Raises ValueError where the body is no list of models."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise ValueError("no JSON") from None
    rows = said.get("data", said.get("models")) if isinstance(said, dict) else said
    if not isinstance(rows, list):
        raise ValueError("no list of models")
    return tuple({model.id: model for row in rows[:MOST] for model in _model(row)}.values())


def _model(row: Any) -> Iterator[Listed]:
    name = row.get("id", row.get("name")) if isinstance(row, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST or not name.isprintable() or " " in name:
        return
    top = row.get("top_provider") if isinstance(row.get("top_provider"), dict) else {}
    tokens = {**top, **{key: value for key, value in row.items() if value is not None}}
    yield Listed(name.removeprefix("models/"), _count(tokens, _CONTEXT), _count(tokens, _OUTPUT), _rates(row))


def _count(row: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    found = (row.get(name) for name in names)
    return next((value for value in found if type(value) is int and value > 0), None)


def _rates(row: Mapping[str, Any]) -> Rates | None:
    """OpenRouter's prices are strings, USD per token; Together's are numbers, USD per million."""
    prices = row.get("pricing")
    if not isinstance(prices, dict):
        return None
    if "prompt" in prices:
        given, answered, *cached = (
            _usd(prices.get(name), _MILLION)
            for name in ("prompt", "completion", "input_cache_read", "input_cache_write", "input_cache_write_1h")
        )
    else:
        given, answered, *cached = (_usd(prices.get(name), Decimal(1)) for name in ("input", "output", "cached_input"))
    return None if given is None or answered is None else Rates(given, answered, *cached)


def _usd(value: Any, times: Decimal) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value)) * times
    except ArithmeticError:
        return None
    return amount.normalize() if amount.is_finite() and 0 <= amount <= _MOST_USD else None
