"""An explained turn as a few lines of text, a session as one line a turn, either as JSON for programs. Example:

    Turn 12 of a1b2c3d4e5f6 · claude-code · claude-opus-4-8 · 2025-11-21 14:02:31
    expired     23 minutes since the turn before; its entries live 5 minutes.
    tokens      0 read and 91.0k written of 91.5k; 0 expected to be read
    cost        $0.5700, of which $0.5200 for the miss
    advice      Pauses like this are what 1h entries and keep-warm are for. …

Times are of this machine's zone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, Final

from synrouter_cli.commands import own_cache, translated
from synrouter_cli.commands.verdict_advice import advice
from synrouter_cli.commands.verdict_words import detail_of, happened, provider_says
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.dashboard.units import NOTHING, UNKNOWN, tokens, usd
from synrouter_cli.ledger.rows import Turn

__all__ = ["SCHEMA_VERSION", "as_object", "costliest", "explanation", "overview", "turn_object"]

SCHEMA_VERSION: Final = 1
LISTED: Final = 20
"""The last turns of a session that are listed."""

_TITLE: Final = 12


def explanation(
    turn: Turn, *, line: str | None = None, last: Turn | None = None, width: int = 80, zone: tzinfo | None = None
) -> list[str]:
    """What happened in a turn, what it cost, what to do about it. `line` is the changed line, where it is known, `last`
    the turn before it."""
    at = datetime.fromtimestamp(turn.started_at, zone).strftime("%Y-%m-%d %H:%M:%S")
    head = " · ".join(
        clean(part) for part in (f"Turn {turn.turn} of {turn.session}", turn.client, turn.model, at) if part
    )
    rows = [(_label(turn, last), own_cache.happened(turn, last) or happened(turn)), *_figures(turn)]
    if line:
        rows.append(("line", clean(line)))
    if placed := own_cache.placed(turn):
        rows.append(("placed", placed))
    if said := provider_says(turn):
        rows.append(("provider", said))
    if way := translated.way(turn):
        rows.append(("translated", way))
    rows += [("left out", text) for text in translated.left_out(turn)]
    rows.append(("advice", own_cache.advice(turn, last) or advice(turn)))
    lines = textwrap.wrap(head, width, break_on_hyphens=False)
    for title, text in rows:
        lines += _wrapped(title, text, width)
    return lines


def _label(turn: Turn, last: Turn | None) -> str:
    """The verdict in a word; for a turn without one how it ended, and that it was a ping."""
    own = own_cache.label(turn, last) if turn.status == "ok" else ""
    return turn.verdict or own or ("keep-warm" if turn.kind == "ping" and turn.status == "ok" else turn.status)


def _figures(turn: Turn) -> list[tuple[str, str]]:
    usage = turn.usage
    if usage is None:
        return []
    read, written = tokens(usage.cache_read_tokens), tokens(usage.cache_write_tokens)
    text = f"{read} read and {written} written of {tokens(usage.prompt_tokens)}"
    if turn.predicted_read_tokens is not None:
        text += f"; {tokens(turn.predicted_read_tokens)} expected to be read"
    cost = _usd(turn, turn.cost_pusd)
    if turn.missed_pusd:
        cost += f", of which {_usd(turn, turn.missed_pusd)} for the miss"
    if turn.billing == "subscription":
        cost += " (at list prices: a subscription pays no dollars)"
    return [("tokens", text), ("cost", cost)]


def overview(turns: Sequence[Turn], *, zone: tzinfo | None = None) -> list[str]:
    """A session's last turns, a line each; where it went to several models, each part below the one that it went to."""
    last = turns[-1]
    count = f"{len(turns):,} {'turn' if len(turns) == 1 else 'turns'}"
    lines = [_joined(f"Session {last.session}", last.client, last.model, count)]
    lines.append(f"{'turn':>6}  {'time':<8}  {'verdict':<10}  {'read':>6}  {'written':>7}  {'cost':>9}  {'missed':>9}")
    listed = turns[-LISTED:]
    places = [f"{turn.provider}/{turn.model}" for turn in listed]
    for turn, place, before in zip(listed, places, [None, *places], strict=False):
        if place != before and len(set(places)) > 1:
            lines.append(f"  {clean(place)}")
        usage = turn.usage
        read, written = (
            (tokens(usage.cache_read_tokens), tokens(usage.cache_write_tokens)) if usage else (NOTHING, NOTHING)
        )
        cost = _usd(turn, turn.cost_pusd) if usage else NOTHING
        missed = _usd(turn, turn.missed_pusd) if turn.missed_pusd else ""
        at = datetime.fromtimestamp(turn.started_at, zone).strftime("%H:%M:%S")
        verdict = clean(_label(turn, own_cache.before(turns, turn)))[:10]
        row = f"{turn.turn:>6}  {at}  {verdict:<10}  {read:>6}  {written:>7}  {cost:>9}  {missed:>9}"
        lines.append(row.rstrip())
    return lines


def costliest(turns: Sequence[Turn]) -> Turn | None:
    """The turn whose miss cost most, the later of two; None where no miss cost anything."""
    missed = [turn for turn in turns if turn.missed_pusd]
    return max(missed, key=lambda turn: (turn.missed_pusd or 0, turn.turn), default=None)


def as_object(
    turn: Turn | None, line: str | None, turns: Sequence[Turn] | None = None, *, last: Turn | None = None
) -> dict[str, Any]:
    """For programs: the explained turn, `last` being the one before it, and with `turns` the session's last ones. Money
    is exact, in USD."""
    explained: dict[str, Any] = {}
    if turn is not None:
        said = own_cache.advice(turn, last) or advice(turn)
        explained = {**turn_object(turn), "changed_line": line, "advice": said}
    answer = {"schema_version": SCHEMA_VERSION, **explained}
    if turns is not None:
        answer = {**answer, "turns": [turn_object(each) for each in turns[-LISTED:]]}
    return answer


def turn_object(turn: Turn) -> dict[str, Any]:
    """A turn's verdict and what it rests on; tokens are null where nothing was predicted or reported."""
    usage = turn.usage
    return {
        "session": turn.session,
        "turn": turn.turn,
        "started_at": turn.started_at,
        "status": turn.status,
        "provider": turn.provider,
        "dialect": turn.dialect,
        "upstream_dialect": translated.upstream_dialect(turn) or turn.dialect,
        "model": turn.model,
        "verdict": turn.verdict or None,
        "predicted_read_tokens": turn.predicted_read_tokens,
        "predicted_write_tokens": turn.predicted_write_tokens,
        "reported_read_tokens": usage.cache_read_tokens if usage else None,
        "reported_write_tokens": usage.cache_write_tokens if usage else None,
        "reported_prompt_tokens": usage.prompt_tokens if usage else None,
        "shared_read_tokens": turn.shared_read_tokens,
        "cost_usd": _exact(turn.cost_pusd),
        "missed_usd": _exact(turn.missed_pusd),
        "gap_s": turn.gap_s,
        "own_cache": turn.own_cache,
        "losses": translated.losses(turn),
        "detail": detail_of(turn),
    }


def _joined(*parts: str) -> str:
    return " · ".join(clean(part) for part in parts if part)


def _exact(pusd: int | None) -> Decimal | None:
    return None if pusd is None else Decimal(pusd).scaleb(-12)


def _usd(turn: Turn, pusd: int | None) -> str:
    if pusd is None:
        return UNKNOWN
    marks = ("" if turn.usage_quality == "exact" else "~") + ("*" if turn.billing == "subscription" else "")
    return marks + usd(Decimal(pusd).scaleb(-12))


def _wrapped(title: str, text: str, width: int) -> list[str]:
    first = f"{clean(title):<{_TITLE}}"
    return textwrap.wrap(
        text,
        width,
        initial_indent=first if len(first) == _TITLE else f"{first}  ",
        subsequent_indent=" " * _TITLE,
        break_on_hyphens=False,
    )
