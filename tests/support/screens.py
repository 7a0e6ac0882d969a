"""A day at the screen: snapshots with everything in them, and turns and figures to make others from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from typing import Any

from synrouter_cli.dashboard.snapshot import Bar, Daemon, Provider, Snapshot
from synrouter_cli.ledger.figures import Figures, Sums
from synrouter_cli.ledger.queries import Group, Session
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.wire.usage import Usage

NOW = 1_763_733_751.0  # 2025-11-21 14:02:31 UTC
USD = 10**12


def sums(turns: int = 10, cost: str = "1", client: str = "1.5", none: str = "4", **more: int) -> Sums:
    """Sums with money in USD and a hit rate of 90%."""
    money = {
        "cost_pusd": int(Decimal(cost) * USD),
        "baseline_client_pusd": int(Decimal(client) * USD),
        "baseline_no_cache_pusd": int(Decimal(none) * USD),
    }
    counts = {"input_tokens": 1000, "cache_read_tokens": 90_000, "cache_write_5m_tokens": 9000, "output_tokens": 2500}
    return Sums(turns=turns, priced_turns=turns - more.get("unpriced_turns", 0), **(money | counts | more))


def figures(*arguments: Any, **options: Any) -> Figures:
    return Figures(api=sums(*arguments, **options))


def turn(number: int = 1, **changes: Any) -> Turn:
    values: dict[str, Any] = {
        "session": "a1b2c3d4e5f6",
        "started_at": NOW - 30.0 * number,
        "status": "ok",
        "client": "claude-code",
        "model": "claude-sonnet-4-6",
        "usage": Usage(12, 27_132, 1335, 0, 88),
        "usage_quality": "exact",
        "cost_pusd": 14_600_000_000,
        "baseline_no_cache_pusd": 87_000_000_000,
        "baseline_client_pusd": 19_800_000_000,
        "http_status": 200,
        "ttfb_ms": 842.0,
        "total_ms": 4000.0,
    }
    return Turn(turn=number, **(values | changes))


def full() -> Snapshot:
    """Everything that a screen has to show, once."""
    totals = Figures(
        api=sums(412, "3.19", "6.61", "18.01", errors=3, estimated_turns=4),
        subscription=sums(30, "4.2", "5.2", "30.1"),
    )
    losing = figures(2, "0.03", "0.0238", "0.05", estimated_turns=1)
    subscribed = Figures(subscription=sums(30, "4.2", "5.2", "30.1"))
    unpriced = figures(5, "0", "0", "0", unpriced_turns=5)
    sessions = [
        Session("a1b2c3d4e5f6", "claude-code", "coding", "main", None, "claude-sonnet-4-6", 0, figures(212)),
        Session("b2c3d4e5f6a1", "opencode", "coding", "subagent", "x", "claude-opus-4-8", 0, losing),
        Session("c3d4e5f6a1b2", "hermes-agent", "general", "main", None, "somebody/a-new-one", 0, unpriced),
        Session("d4e5f6a1b2c3", "claude-code", "auto", "main", None, "claude-opus-4-8", 0, subscribed),
        Session("e5f6a1b2c3d4", "kilo", "auto", "side", None, "claude-haiku-4-5-20251001", 0, figures(1)),
    ]
    turns = [
        turn(0, status="started", usage=None, usage_quality="none", cost_pusd=None, http_status=None, ttfb_ms=None),
        turn(1, reason="miss: 12 min since the last request, longer than its entries live"),
        turn(2, baseline_client_pusd=9 * 10**9),
        turn(3, status="error", usage=None, cost_pusd=0, http_status=529, error_type="overloaded_error"),
        turn(4, cost_pusd=None, session="c3d4e5f6a1b2", model="somebody/a-new-one", client="hermes-agent"),
        turn(5, usage_quality="estimated", status="truncated"),
        turn(6, billing="subscription", model_used="claude-opus-4-8", ttfb_ms=12_300.0),
        turn(7, status="cancelled", usage=None, cost_pusd=None, usage_quality="none"),
    ]
    turns += [turn(number, ttfb_ms=700.0 + number) for number in range(8, 60)]
    daemon = Daemon(
        state="up",
        address="127.0.0.1:7477",
        uptime_s=8077.0,
        level="safe",
        version="1.0",
        own_version="1.0",
        in_flight=2,
        providers=(Provider("anthropic", 412, 3, False, 1240.0, "529 overloaded_error", NOW - 90),),
        keys={"anthropic": "SYNROUTER_ANTHROPIC_KEY"},
        queue=1,
    )
    return Snapshot(
        at=NOW,
        zone=UTC,
        since=NOW - 50_551.0,
        totals=totals,
        sessions=sessions,
        models=[Group("claude-sonnet-4-6", totals), Group("claude-opus-4-8", losing), Group("", unpriced)],
        turns=turns,
        failures=[turns[3], turns[5], turns[7]],
        bars=[Bar(), Bar(Decimal(1), 0.5), Bar(Decimal(-1), 0.0), Bar(Decimal(0), 1.0), Bar(None, 0.99)],
        bar_name="by 6 h",
        warm={"a1b2c3d4e5f6": NOW + 252.0, "b2c3d4e5f6a1": NOW + 9.0, "d4e5f6a1b2c3": NOW + 3540.0},
        daemon=daemon,
    )


def troubled() -> Snapshot:
    """Everything that can be wrong, at once."""
    snapshot = full()
    daemon = replace(
        snapshot.daemon,
        state="stopping",
        version="0.9",
        dropped=2,
        ledger_error="OperationalError: database or disk is full",
        ledger_notice="a damaged ledger was moved aside",
        providers=(Provider("anthropic", 9, 9, True, None, "502 api_error", NOW),),
        keys={},
    )
    return replace(snapshot, daemon=daemon, ledger_problem="The ledger can't be read: locked")
