"""The tables of the dashboard as data: a column each with its heading, its cell, and how badly it is wanted.

The session table's last column counts down how long the session's prefix stays in the provider's cache:

    Session  Client       Mode    Model              Turns  Hit   Cost   Saved  Warm
    a1b2c3   claude-code  coding  claude-sonnet-4-6     12  91%  $0.12  $0.03   4:12
"""

from __future__ import annotations

from datetime import datetime

from synrouter_cli.dashboard import amounts
from synrouter_cli.dashboard.layout import Column, Piece
from synrouter_cli.dashboard.snapshot import Figures, Group, Session, Snapshot
from synrouter_cli.dashboard.units import NOTHING, countdown, milliseconds, percent, tokens
from synrouter_cli.ledger.rows import Turn

SHORT_ID = 6
"""Characters of a session's id that are shown, as in `up`'s lines."""
LOW_S = 60.0
"""A cache that stays warm for less is about to cool down."""


def session_columns(snapshot: Snapshot) -> list[Column[Session]]:
    """Sessions of the range."""
    return [
        Column("Session", lambda one: (one.id[:SHORT_ID], "bold"), least=SHORT_ID),
        Column("Client", lambda one: (one.client, ""), least=12),
        Column("Kind", lambda one: (one.kind, "dim"), 5, least=8),
        Column("Mode", lambda one: (one.mode, ""), 3, least=7),
        Column("Model", lambda one: (one.model or NOTHING, ""), 1, least=17, most=40),
        Column("Turns", lambda one: (f"{one.figures.count('turns'):,}", "")),
        Column("Errors", lambda one: _errors(one.figures), 7),
        Column("Prompt", lambda one: (tokens(one.figures.prompt_tokens), ""), 6),
        Column("Hit", lambda one: (percent(one.figures.cache_hit_rate), "cyan")),
        Column("Output", lambda one: (tokens(one.figures.count("output_tokens")), ""), 8),
        Column("Cost", lambda one: amounts.cost(one.figures)),
        Column("Saved", lambda one: amounts.saved_by_synrouter(one.figures)),
        Column("In all", lambda one: amounts.saved(one.figures), 4),
        Column("Warm", lambda one: _warm(snapshot, one)),
    ]


def model_columns() -> list[Column[Group]]:
    """Models of the range."""
    return [
        Column("Model", lambda one: (one.key or NOTHING, "bold"), least=12, most=40),
        Column("Turns", lambda one: (f"{one.figures.count('turns'):,}", "")),
        Column("Errors", lambda one: _errors(one.figures), 3),
        Column("Prompt", lambda one: (tokens(one.figures.prompt_tokens), ""), 1),
        Column("Hit", lambda one: (percent(one.figures.cache_hit_rate), "cyan")),
        Column("Output", lambda one: (tokens(one.figures.count("output_tokens")), ""), 2),
        Column("Cost", lambda one: amounts.cost(one.figures)),
        Column("Saved", lambda one: amounts.saved_by_synrouter(one.figures)),
        Column("In all", lambda one: amounts.saved(one.figures)),
    ]


def turn_columns(snapshot: Snapshot) -> list[Column[Turn]]:
    """Turns, the latest first."""
    return [
        Column("Time", lambda one: (clock(snapshot, one.started_at), "dim"), least=8),
        Column("Session", lambda one: (f"{one.session[:SHORT_ID]} #{one.turn}", ""), 7, least=11),
        Column("Client", lambda one: (one.client, ""), 2, least=12),
        Column("Model", lambda one: (one.model_used or one.model or NOTHING, ""), 1, least=15, most=40),
        Column("Prompt", _prompt, 5),
        Column("Hit", lambda one: (percent(amounts.turn_hit(one)), "cyan")),
        Column("Out", _output, 6),
        Column("Cost", amounts.turn_cost),
        Column("Saved", amounts.turn_saved),
        Column("In all", amounts.turn_saved_in_all, 8),
        Column("TTFB", lambda one: (milliseconds(one.ttfb_ms), "")),
        Column("State", lambda one: _state(snapshot, one), least=9),
        Column("Why", lambda one: (one.reason or "", "dim"), 9, least=30, most=90),
    ]


def failure_columns(snapshot: Snapshot) -> list[Column[Turn]]:
    """Turns that did not end well."""
    return [
        Column("Time", lambda one: (clock(snapshot, one.started_at, with_day=True), "dim"), least=14),
        Column("Session", lambda one: (f"{one.session[:SHORT_ID]} #{one.turn}", ""), 3, least=10),
        Column("Client", lambda one: (one.client, ""), 1, least=8),
        Column("Model", lambda one: (one.model_used or one.model or NOTHING, ""), 2, least=10, most=32),
        Column("Tries", lambda one: (f"{one.attempts}", ""), 4),
        Column("State", lambda one: _state(snapshot, one), least=9, most=40),
        Column("Why", lambda one: (_why(one), "dim"), 5, least=20, most=80),
    ]


def clock(snapshot: Snapshot, at: float, *, with_day: bool = False) -> str:
    """The time of day, and the day where it is asked for."""
    moment = datetime.fromtimestamp(at, snapshot.zone)
    return moment.strftime("%m-%d %H:%M:%S" if with_day else "%H:%M:%S")


def _why(turn: Turn) -> str:
    """What is known of why it failed: not sent, or not understood. Why markers stand where they do is no answer."""
    return turn.reason or "" if not turn.planned or not turn.attempts else ""


def _errors(figures: Figures) -> Piece:
    count = figures.count("errors")
    return (f"{count:,}", "red") if count else (NOTHING, "dim")


def _warm(snapshot: Snapshot, session: Session) -> Piece:
    left = snapshot.warm.get(session.id, 0.0) - snapshot.at
    if left <= 0:
        return (NOTHING if session.own_cache else "cold"), "dim"
    return countdown(left), "yellow" if left < LOW_S else "green"


def _prompt(turn: Turn) -> Piece:
    return (tokens(turn.usage.prompt_tokens) if turn.usage else NOTHING), ""


def _output(turn: Turn) -> Piece:
    return (tokens(turn.usage.output_tokens) if turn.usage else NOTHING), ""


def _state(snapshot: Snapshot, turn: Turn) -> Piece:
    if turn.status == "ok":
        return ("keep-warm", "cyan") if turn.kind == "ping" else ("ok", "green")
    if turn.status == "started":
        return ("running", "cyan") if snapshot.daemon.state in ("up", "stopping") else ("unknown", "yellow")
    parts = [turn.status if turn.status != "error" else "", str(turn.http_status or ""), turn.error_type or ""]
    if turn.status != "error":  # what the provider answered says nothing of a turn that the client left
        parts = parts[:1]
    style = "red" if turn.status in ("error", "truncated") else "yellow"
    return " ".join(part for part in parts if part) or "error", style
