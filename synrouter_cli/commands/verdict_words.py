"""Verdicts in words: for each code a sentence on what happened.

What fills it comes from the row and its detail, which hold names and numbers only.

>>> from synrouter_cli.ledger.rows import Turn
>>> happened(Turn("s", 2, 0.0, "ok", verdict="expired", detail='{"gap_s": 1400, "ttl_s": 300}'))
'23 minutes since the turn before; its entries live 5 minutes.'
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.dashboard.units import tokens
from synrouter_cli.ledger.rows import Turn

__all__ = ["Detail", "Words", "detail_of", "happened", "names", "place_in", "provider_says", "say", "span"]

Detail = Mapping[str, Any]
Words = Mapping[str, str | Callable[[Turn, Detail], str]]
"""By verdict: a sentence, or what makes one of a row and its detail."""

_SHOWN_NAMES: Final = 4
_PROVIDER: Final = {
    "model_changed": "says that the model changed",
    "system_changed": "says that the system prompt changed",
    "tools_changed": "says that the tools changed",
    "messages_changed": "says that the messages changed",
    "previous_message_not_found": "knows the request before this one no more",
    "unavailable": "can't say what changed: a setting or a beta, perhaps",
    "other": "gives a reason that this version does not know",
}
_OURS: Final = "The client had sent it unchanged: an edit of the proxy's own was not the same as before."


def detail_of(turn: Turn) -> dict[str, Any]:
    """A row's detail; empty where it has none that can be read."""
    try:
        detail = json.loads(turn.detail or "{}")
    except ValueError:
        return {}
    return detail if isinstance(detail, dict) else {}


def happened(turn: Turn) -> str:
    """What made the turn go as it went, in a sentence."""
    words = say(_HAPPENED, turn) or _without_verdict(turn)
    return f"{words} {_OURS}" if detail_of(turn).get("ours") else words


def provider_says(turn: Turn) -> str:
    """What the provider itself said of the miss, where it was asked; "" where it said nothing."""
    said = detail_of(turn).get("provider")
    reason = _PROVIDER.get(str(said.get("reason"))) if isinstance(said, dict) else None
    if not isinstance(said, dict) or reason is None:
        return ""
    missed = said.get("missed_tokens")
    return f"{reason}; about {tokens(missed)} tokens" if isinstance(missed, int) else reason


def say(table: Words, turn: Turn) -> str:
    """What a table has for the turn's verdict; "" where it has nothing, or the detail is of another version."""
    entry = table.get(turn.verdict, "")
    if isinstance(entry, str):
        return entry
    try:
        return entry(turn, detail_of(turn))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return ""


def _without_verdict(turn: Turn) -> str:
    if turn.verdict:
        return f"{clean(turn.verdict)}."
    if turn.status == "started":
        return "It is still under way, or the proxy ended before it did."
    if turn.status == "error" and not turn.attempts:
        return clean(turn.reason or "It was not sent.")
    if turn.status == "error":
        failure = f"HTTP {turn.http_status}" if turn.http_status else "no answer"
        kind = f", {clean(turn.error_type)}" if turn.error_type else ""
        return f"It failed: {failure}{kind}."
    if turn.kind == "ping":
        return "A keep-warm request of the proxy's own."
    return f"Nothing was predicted for it: {clean(turn.reason or turn.status)}."


# ── what happened ──


def _unmarked(turn: Turn, detail: Detail) -> str:
    if "out_of_reach" in detail:
        return (
            f"{tokens(detail['out_of_reach'])} tokens were in the cache, but no marker stood near enough to read them."
        )
    return "No part of it was marked for caching."


def _pause(detail: Detail) -> str:
    before = "the last turn at this provider and model" if detail.get("apart") else "the turn before"
    return f"{span(detail['gap_s'])} since {before}"


def _expired(turn: Turn, detail: Detail) -> str:
    return f"{_pause(detail)}; its entries live {span(detail['ttl_s'])}."


def _provider(turn: Turn, detail: Detail) -> str:
    (was, now), models = detail["asked"]["provider"], [clean(model) for model in detail["asked"]["model"]]
    if was == now:
        return f"Another key of {clean(now)} was used: its cache knows nothing of this session."
    which = f" ({models[1]}) was asked after {clean(was)} ({models[0]})"
    return f"Another provider: {clean(now)}{which}; its cache knows nothing of this session."


def _partial(turn: Turn, detail: Detail) -> str:
    if "gap_s" in detail:
        pause = _pause(detail)
        return f"{pause}: what was written for {span(detail['ttl_s'])} had expired, the rest was read."
    return "Only a part of what had been cached was read."


def _tools(turn: Turn, detail: Detail) -> str:
    change = detail["tools"]
    parts = _groups(change)
    if change.get("reordered"):
        if not parts:
            return "The same tools came in another order."
        parts.append("another order")
    count = f" ({change['before']} before, {change['after']} now)" if change["before"] != change["after"] else ""
    what = "; ".join(parts) or f"from tool {change['first'] + 1} on"
    return f"The tools changed{count}: {what}."


def _system(turn: Turn, detail: Detail) -> str:
    change = detail["system"]
    block = f"System block {change['block'] + 1}"
    if change["how"] != "changed":
        return f"{block} {'is new' if change['how'] == 'inserted' else 'is gone'}."
    return f"{block} changed{place_in(change)} ({_sizes(change)}){_kind(change)}."


def _message(turn: Turn, detail: Detail) -> str:
    change = detail["message"]
    before, after = change["messages"]
    number = f"message {change['index'] + 1}"
    match change["how"]:
        case "rewind":
            return f"The history was cut at {number}: {before} messages before, {after} now."
        case "compaction":
            return f"Most of the history was replaced, from {number} on: {before} messages before, {after} now."
        case "thinking":
            return f"This model's provider left out earlier thinking, from {number} on."
    what = f"{clean(change['role'])}, {clean(change['what'])}"
    if change["how"] == "changed":
        said = f"{number.capitalize()} of {before} ({what}) changed{place_in(change)}"
        return f"{said} ({_sizes(change)}){_kind(change)}."
    verb = "was put into" if change["how"] == "inserted" else "was taken out of"
    return f"A block ({what}) {verb} the history, at {number}."


def _model(turn: Turn, detail: Detail) -> str:
    before, after = detail["model"]
    return f"The model changed from {clean(before)} to {clean(after)}."


def _betas(turn: Turn, detail: Detail) -> str:
    return f"The client's betas changed: {'; '.join(_groups(detail['betas']))}."


def _settings(turn: Turn, detail: Detail) -> str:
    return f"Settings changed that cached prefixes depend on: {names(detail['settings'])}."


def _minimum(turn: Turn, detail: Detail) -> str:
    size = f"{detail['tokens']:,} tokens"
    return f"Too short to be cached: {size}, and {clean(turn.model)} takes {detail['minimum']:,} or more."


def _lost(turn: Turn, detail: Detail) -> str:
    read = turn.usage.cache_read_tokens if turn.usage else 0
    return f"{tokens(detail['expected'])} tokens should have been in the cache; the provider read {tokens(read)}."


def _unexpected(turn: Turn, detail: Detail) -> str:
    read = turn.usage.cache_read_tokens if turn.usage else 0
    return f"{tokens(read)} tokens were read where {tokens(detail['expected'])} were known to be cached."


def _shared(turn: Turn, detail: Detail) -> str:
    return f"{tokens(turn.shared_read_tokens)} tokens were read that another session had written."


_HAPPENED: Final[Words] = {
    "first": "First sight of this prefix: there was nothing to read yet.",
    "hit": "All that was cached was read, as predicted.",
    "shared": _shared,
    "partial": _partial,
    "expired": _expired,
    "provider": _provider,
    "tools": _tools,
    "system": _system,
    "message": _message,
    "model": _model,
    "betas": _betas,
    "settings": _settings,
    "minimum": _minimum,
    "unmarked": _unmarked,
    "lost": _lost,
    "unexpected": _unexpected,
}


# ── words ──


def span(seconds: float) -> str:
    """A time in one unit.

    >>> span(45), span(300), span(1400), span(3600), span(86_400 * 3)
    ('45 seconds', '5 minutes', '23 minutes', '1 hour', '3 days')
    """
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size * (2 if size == 86_400 else 1) or size == 1:
            count = round(seconds / size)
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    raise AssertionError("a second is the last unit")


def names(some: Sequence[str]) -> str:
    """The first few of them.

    >>> names(["Bash"]), names(["a", "b", "c", "d", "e", "f"])
    ('Bash', 'a, b, c, d and 2 more')
    """
    shown = ", ".join(clean(name) for name in some[:_SHOWN_NAMES])
    return f"{shown} and {len(some) - _SHOWN_NAMES} more" if len(some) > _SHOWN_NAMES else shown


def place_in(change: Detail) -> str:
    """Line and column, where they are known."""
    return f" at line {change['line']:,}, column {change['column']:,}" if "line" in change else ""


def _groups(change: Detail) -> list[str]:
    return [f"{group} {names(change[group])}" for group in ("added", "removed", "changed") if change.get(group)]


def _sizes(change: Detail) -> str:
    before, after = change["before"], change["after"]
    return f"{after:,} bytes" if before == after else f"{before:,} bytes before, {after:,} now"


def _kind(change: Detail) -> str:
    what = {"clock": "a date or time", "counter": "a count", "id": "an id", "cch": "the billing line's cch"}
    kind = what.get(change.get("kind", ""))
    return f": {kind}" if kind else ""
