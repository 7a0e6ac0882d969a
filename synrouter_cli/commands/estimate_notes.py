"""What stands under an estimate: how it was made, what it leaves out, what can't be said.

The first notes hold for every estimate; each of the others only where there is something to tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.dashboard.units import UNKNOWN, usd
from synrouter_cli.estimate.figures import MISFIT, Session, total
from synrouter_cli.estimate.survey import Survey

_RULES = (
    "Reported: the usage in the transcripts at list prices of the day. What a subscription paid for can't be told from "
    "what was billed by the token.",
    "Observe and Safe: the same requests at the same times on a model of the provider's cache, with the client's own "
    "markers and with Synrouter's. Saved: Reported × (1 − Safe ÷ Observe), one run of the model against the other, "
    "never against the bill.",
    "Not in transcripts: system prompts and tools (their size is inferred from the first usage), titles, probes and "
    "retries.",
)
_ONE_LIFETIME = frozenset({"openclaw", "opencode", "kilo", "pi"})
_MOST_NAMES = 3


def notes(result: Survey, foreign: int) -> list[str]:
    """One sentence or two each. `foreign` files looked like transcripts and were none."""
    return [*_RULES, *_on_others(result), *_on_money(result), *_on_reading(result, foreign)]


def _on_others(result: Survey) -> Iterator[str]:
    for group, sessions in result.others().items():
        sums = total(session.sums for session in sessions)
        if group == "anthropic" or not sums.turns - sums.no_usage_turns:
            continue
        what = f"{_count(len(sessions), 'session')} on {_of(group, sessions)}, {_count(sums.turns, 'turn')}: "
        cost = (
            f"{usd(sums.cost_usd)} as reported, {usd(sums.no_cache_usd)} without caching, in none of the sums above. "
        )
        why = (
            "OpenAI caches by itself: Synrouter gains about nothing there."
            if group == "openai"
            else "How these are cached is not modelled, so nothing is said of what Synrouter would save."
        )
        yield what + cost + why


def _of(group: str, sessions: list[Session]) -> str:
    if group == "openai":
        return "OpenAI's models"
    return _names(model for session in sessions for model in session.models)


def _on_money(result: Survey) -> Iterator[str]:
    parts = [part for session in result.sessions for part in session.months.values()]
    sums = total(parts)
    if sums.unpriced_turns:
        models = _names(model for session in result.sessions for model in session.unpriced)
        turns = _count(sums.unpriced_turns, "turn")
        yield f"{UNKNOWN} The cost of {turns} is unknown ({models}), and in none of the sums."
    if sums.no_usage_turns:
        yield f"{_count(sums.no_usage_turns, 'turn')} without reported usage, in none of the sums."
    misfits = [part for part in parts if part.modelled_turns and not part.fits]
    if misfits:
        cost = usd(sum((part.modelled_usd for part in misfits), Decimal(0)))
        yield (
            f"The model is more than {round(100 * MISFIT)}% off what was reported for "
            f"{_count(len(misfits), 'part')} of sessions ({cost}): nothing is claimed for those."
        )
    if any(session.client in _ONE_LIFETIME for session in result.modelled()):
        yield "OpenClaw, Kilo, OpenCode and Pi do not say how long a write was for: 5 minutes are assumed."


def _on_reading(result: Survey, foreign: int) -> Iterator[str]:
    if result.skipped_lines:
        yield f"{_count(result.skipped_lines, 'line')} could not be read."
    if result.unreadable_files:
        names = _names(str(path) for path in result.unreadable_files)
        yield f"{_count(len(result.unreadable_files), 'file')} could not be read, or is of a newer format: {names}."
    if foreign:
        yield f"{_count(foreign, 'file')} there is no transcript that is known."


def _names(found: Iterable[str]) -> str:
    names = sorted({clean(name) or UNKNOWN for name in found})
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, what: str) -> str:
    """`1 turn`, `1,234 turns`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")
