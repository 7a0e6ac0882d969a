"""A `Turn` as a row of the table `turns` and back: a column for each field, `usage` spread over its own.

What came from outside is bounded here, so that no row can make its batch fail: texts are cut and freed of
lone surrogates, and a usage no turn can have is unknown usage, hence unknown money.

>>> row = encode(Turn(session="s", turn=1, started_at=0.0))
>>> decode(dict(zip(COLUMNS, row, strict=True))) == Turn(session="s", turn=1, started_at=0.0)
True
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from synrouter_cli.ledger.rows import Turn
from synrouter_cli.wire.usage import Usage

Value = str | int | float | None
"""What SQLite keeps in a cell of this table."""

MAX_TEXT: Final = 200
"""Characters kept of any text: names and short reasons, never content."""
MAX_DETAIL: Final = 2_000
"""Characters of a verdict's JSON; cut JSON is none, so that a longer one is left out."""
MAX_TOKENS: Final = 10**12
MAX_PUSD: Final = 10**15
"""1,000 USD: no turn costs that, and sums of pico-USD must stay within 64 bits (9 million USD)."""
MAX_TOOLS: Final = 16
MAX_TOOL_NAME: Final = 40

TURN_COLUMNS: Final = tuple(field.name for field in fields(Turn) if field.name != "usage")
USAGE_COLUMNS: Final = tuple(field.name for field in fields(Usage))
COLUMNS: Final = TURN_COLUMNS + USAGE_COLUMNS
ROLLUPS: Final = {
    "rollup": ("bucket", "provider", "client", "model", "billing"),
    "session_rollup": ("bucket", "session", "model", "billing"),
}
"""Each rollup and its key; both also hold all of `figures.MEASURES`."""

_MONEY = ("cost_pusd", "baseline_no_cache_pusd", "baseline_client_pusd", "missed_pusd")
_COUNTS = tuple(name for name in USAGE_COLUMNS if name.endswith("_tokens"))
_FLAGS = ("streamed", "planned")


def encode(turn: Turn) -> tuple[Value, ...]:
    """The row of `turn`, in the order of `COLUMNS`."""
    values: dict[str, Any] = {name: getattr(turn, name) for name in TURN_COLUMNS}
    usage = turn.usage
    if usage is not None and not _plausible(usage):
        usage = None
        values.update(dict.fromkeys(_MONEY), usage_quality="none", shared_read_tokens=0, trimmed_pusd=0)
    for name in _MONEY:
        if values[name] is not None and not 0 <= values[name] <= MAX_PUSD:
            values[name] = None
    for name, most in (("trimmed_pusd", MAX_PUSD), ("shared_read_tokens", MAX_TOKENS)):
        if not 0 <= values[name] <= most:
            values[name] = 0
    values["started_at"] = max(0.0, turn.started_at)  # buckets are counted from the epoch on
    for name in USAGE_COLUMNS:
        values[name] = None if usage is None else getattr(usage, name)
    if usage is not None:
        values["server_tools"] = None
    cells = {name: _cell(value) for name, value in values.items()}
    cells["detail"] = _whole(turn.detail)
    if usage is not None:
        cells["server_tools"] = _tools(usage.server_tools)  # bounded by itself: cut JSON is none
    return tuple(cells[name] for name in COLUMNS)


def decode(row: Mapping[str, Any]) -> Turn:
    """The turn of a row with all of `COLUMNS`."""
    values = {name: row[name] for name in TURN_COLUMNS}
    for name in _FLAGS:
        values[name] = bool(values[name])
    usage = None
    if row["input_tokens"] is not None:
        spent = {name: row[name] for name in USAGE_COLUMNS}
        spent["server_tools"] = json.loads(spent["server_tools"])
        spent["has_iterations"] = bool(spent["has_iterations"])
        usage = Usage(**spent)
    return Turn(**values, usage=usage)


def key_text(text: str) -> str:
    """`text` as it stands in the ledger: a key is found again by what was made of it.

    >>> key_text("a\\ud800b")
    'a?b'
    """
    return _storable(text[:MAX_TEXT])


def _whole(detail: str | None) -> str | None:
    return None if detail is None or len(detail) > MAX_DETAIL else _storable(detail)


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return key_text(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _plausible(usage: Usage) -> bool:
    return all(0 <= getattr(usage, name) <= MAX_TOKENS for name in _COUNTS)


def _tools(tools: Mapping[str, int]) -> str:
    kept = sorted(tools.items())[:MAX_TOOLS]
    return json.dumps({name[:MAX_TOOL_NAME]: count for name, count in kept})
