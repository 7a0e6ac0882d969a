"""Turns whose provider keeps its cache by itself, in words: what it read, and where it read nothing after it had.

Nothing was planned there, so nothing is predicted and no saving is ours. A turn is compared with the session's last one
before it at the same provider and model that has a report.

>>> turns = [_example(1, 9_000), _example(2, 0)]
>>> label(turns[1], turns[0])
'own miss'
>>> happened(turns[1], turns[0])
"Nothing was read from the provider's own cache; the turn before, 4 minutes earlier, had read 9.00k tokens."
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from synrouter_cli.commands.verdict_words import detail_of, span
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.dashboard.units import percent, tokens
from synrouter_cli.ledger.rows import OWN_CACHE, Turn
from synrouter_cli.wire.usage import Usage

__all__ = ["advice", "before", "happened", "label", "placed", "summary"]

_MISSED: Final = (
    "Nothing to do: such caches drop what was not asked for in some minutes, and not every server of the provider has"
    " all of it."
)


def before(turns: Sequence[Turn], turn: Turn) -> Turn | None:
    """The turn that one is compared with."""
    there = (one for one in reversed(turns) if (one.provider, one.model) == (turn.provider, turn.model))
    return next((one for one in there if one.turn < turn.turn and one.usage is not None and one.kind != "ping"), None)


def label(turn: Turn, last: Turn | None) -> str:
    """In a word or two; "" for a turn that this is not about."""
    if not turn.own_cache or turn.usage is None:
        return ""
    return "own miss" if _is_miss(turn, last) else "own hit" if turn.usage.cache_read_tokens else "own cache"


def happened(turn: Turn, last: Turn | None) -> str:
    """What the cache did; "" for a turn that this is not about."""
    if not turn.own_cache or turn.usage is None:
        return ""
    read = turn.usage.cache_read_tokens
    if read:
        share = percent(read / turn.usage.prompt_tokens)
        return f"The provider caches by itself: it read {share} of the prompt from its cache."
    if last is None or last.usage is None:
        return "Nothing was read from the provider's own cache: this is the session's first turn there."
    if not last.usage.cache_read_tokens:
        return "Nothing was read from the provider's own cache, nor in the turn before."
    gap = span(max(turn.started_at - last.started_at, 0))
    had = f"the turn before, {gap} earlier, had read {tokens(last.usage.cache_read_tokens)} tokens"
    return f"Nothing was read from the provider's own cache; {had}."


def placed(turn: Turn) -> str:
    """What that cache was told, and why; "" for a turn in which nothing of ours was.

    >>> detail = '{"breakpoints":[3100,8400],"explicit":true}'
    >>> placed(Turn("s", 2, 0.0, "ok", detail=detail, reason="It pays."))
    "breakpoints after 3.10k and 8.40k tokens, none of the provider's own: It pays."
    """
    detail = detail_of(turn)
    places = detail.get("breakpoints")
    if isinstance(detail.get("ttl"), str) and turn.planned:
        return f"a lifetime of {clean(detail['ttl'])}: {clean(turn.reason or '')}"
    if not isinstance(places, list):
        return ""
    after = " and ".join(tokens(place) for place in places if isinstance(place, int))
    what = f"breakpoint{'s' * (len(places) > 1)} after {after} tokens" if places else "no breakpoint"
    alone = ", none of the provider's own" if detail.get("explicit") else ""
    return f"{what}{alone}: {clean(turn.reason or '')}"


def advice(turn: Turn, last: Turn | None) -> str:
    """What can be done about it; "" for a turn that this is not about."""
    if placed(turn):
        return "Nothing to do."
    if not label(turn, last):
        return ""
    return _MISSED if _is_miss(turn, last) else "Nothing to do."


def summary(turns: Sequence[Turn]) -> str:
    """Of a whole session, what its providers' own caches did; "" where none of its turns is about that."""
    own = [turn for turn in turns if turn.own_cache and turn.usage is not None]
    prompts = sum(turn.usage.prompt_tokens for turn in own if turn.usage)
    if not prompts:
        return ""
    read = sum(turn.usage.cache_read_tokens for turn in own if turn.usage)
    misses = sum(_is_miss(turn, before(turns, turn)) for turn in own)
    missed = f"; {misses:,} of {len(own):,} turns read nothing after one that had" if misses else ""
    share = percent(read / prompts)
    if len(own) == sum(turn.usage is not None for turn in turns):
        return f"The provider caches by itself: it read {share} of all prompts from its cache{missed}."
    who = clean(" and ".join(sorted({turn.provider for turn in own})))
    count = f"{len(own):,} {'turn' if len(own) == 1 else 'turns'}"
    return f"Caching by itself, {who} read {share} of the prompts of {count} from its cache{missed}."


def _is_miss(turn: Turn, last: Turn | None) -> bool:
    had = last.usage.cache_read_tokens if last is not None and last.usage is not None else 0
    return had > 0 and turn.usage is not None and not turn.usage.cache_read_tokens


def _example(number: int, read: int) -> Turn:
    usage = Usage(10_000 - read, read, output_tokens=5)
    return Turn("s", number, 240.0 * number, "ok", provider="openai", plan=f"safe; {OWN_CACHE}", usage=usage)
