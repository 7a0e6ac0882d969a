"""`synrouter up`: serves in the foreground and prints a line a turn.

    14:02:31 claude-code a1b2c3 #4 claude-sonnet-4-6 in 12 · read 27,132 · wrote 1,335 · out 88 · hit 95% ·
    $0.0132 (saved $0.0733)

An unknown price is `?`, an estimate is marked `~`, a loss has a minus.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from decimal import Decimal

from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.dashboard.units import UNKNOWN, usd
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.settings import load
from synrouter_cli.wire.usage import Usage


def up(*, port: int | None, mode: str | None, level: str | None, upstreams: Iterable[str], plain: bool) -> int:
    """Serve until stopped; returns the exit code. `plain` is what a terminal gets as well."""
    settings = load(port=port, mode=mode, level=level, upstreams=upstreams)
    from synrouter_cli.daemon import server, wiring  # after the settings: a mistake in them shows at once

    return server.run(settings, assemble=wiring.assemble_with(turn_line))


def turn_line(turn: Turn, zone: tzinfo | None = None) -> str:
    """One finished turn in one line, its time in `zone` (the local one if None)."""
    at = datetime.fromtimestamp(turn.started_at, zone).strftime("%H:%M:%S")
    kind = "" if turn.kind == "main" else f" {turn.kind}"
    who = f"{at} {clean(turn.client)} {clean(turn.session)[:6]} #{turn.turn}{kind}"
    parts = [*_token_parts(turn), _money(turn), *_outcome_parts(turn)]
    return f"{who} {clean(turn.model) or UNKNOWN} {' · '.join(part for part in parts if part)}"


def _token_parts(turn: Turn) -> list[str]:
    usage = turn.usage
    if usage is None:
        return []
    mark = "" if turn.usage_quality == "exact" else "~"
    counts = (
        ("in", usage.input_tokens),
        ("read", usage.cache_read_tokens),
        ("wrote", usage.cache_write_tokens),
        ("out", usage.output_tokens),
    )
    return [f"{name} {mark}{count:,}" for name, count in counts] + [_hit(usage)]


def _hit(usage: Usage) -> str:
    """Read tokens of all prompt tokens, rounded down: only a full hit is 100%."""
    if not usage.prompt_tokens:
        return ""
    return f"hit {100 * usage.cache_read_tokens // usage.prompt_tokens}%"


def _money(turn: Turn) -> str:
    if turn.usage is None and turn.cost_pusd == 0:
        return ""  # refused: nothing to say of money
    mark = "" if turn.usage_quality == "exact" else "~"
    cost = UNKNOWN if turn.cost_pusd is None else mark + _usd(turn.cost_pusd)
    if turn.billing == "subscription":
        return f"list {cost} (subscription)"
    if turn.cost_pusd is None or turn.baseline_no_cache_pusd is None:
        return f"{cost} (saved {UNKNOWN})"
    return f"{cost} (saved {mark}{_usd(turn.baseline_no_cache_pusd - turn.cost_pusd)})"


def _usd(pusd: int) -> str:
    return usd(Decimal(pusd).scaleb(-12))


def _outcome_parts(turn: Turn) -> list[str]:
    if turn.status == "ok":
        return []
    words = [turn.status, str(turn.http_status or ""), clean(turn.error_type or "")]
    return [" ".join(word for word in words if word)]
