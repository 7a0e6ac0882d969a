"""What is known of a planned request while its answer is under way, and how its situation is read.

>>> plan_text("safe", (Marker(3, "1h"), Marker(9, "5m")))
'safe; marks=2; ttl=1h,5m'
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from synrouter_cli import providers
from synrouter_cli.cache.anchors import Measured
from synrouter_cli.cache.model import Found, Marker, Rendered, Store
from synrouter_cli.cache.planner import Plan, Rates, Situation
from synrouter_cli.cache.shadow import Pair
from synrouter_cli.prompt.markers import is_fixed, slots_taken
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.sessions import Session, is_probe

__all__ = ["Planned", "has_history", "plan_text", "situation"]

GOES_ON = 0.95
"""The probability that an agent's session goes on while its cache lives, where nothing says otherwise."""


@dataclass(slots=True)
class Planned:
    """A planned request: its prompt, what it should meet in the cache, and what the client's own would meet."""

    prompt: Prompt
    rendered: Rendered
    tokens: Measured
    session: Session
    pair: Pair
    pair_key: str
    facts: providers.CacheFacts
    plan: Plan
    sent_live: list[int]
    client: tuple[Marker, ...]
    client_found: Found
    client_live: list[int]
    gap_s: float | None
    """Seconds since the session's last request; None where this is its first."""
    lost: bool
    """The client may have had entries that we know nothing of: nothing is claimed for this turn."""
    committed: bool = False


def situation(
    provider: str,
    prompt: Prompt,
    shape: Rendered,
    client: tuple[Marker, ...],
    tokens: Measured,
    store: Store,
    facts: providers.CacheFacts,
    session: Session,
    now: float,
    live: list[int],
) -> Situation:
    """Put together what the planner decides on."""
    fixed_at = {i for i, block in prompt.marked_blocks() if is_fixed(block)}
    dropped = False
    if not facts.keeps_thinking and session.last is not None:
        dropped = prompt.real_user_block() != session.last.real_user_block()
    change = session.change(prompt, thinking_dropped=dropped)
    return Situation(
        rendered=shape,
        client=client,
        markable=prompt.markable,
        tokens=tokens,
        store=store,
        facts=facts,
        now=now,
        live=live,
        stable_end=change.stable_end,
        branch=change.branch,
        continues=_continues(session, prompt),
        rates=rates(provider, prompt.model, datetime.fromtimestamp(now, UTC).date()),
        fixed=tuple(m for m in client if m.position in fixed_at),
        fixed_slots=sum(slots_taken(prompt.blocks[i]) for i in fixed_at),
    )


@lru_cache(maxsize=256)
def rates(provider: str, model: str, day: date) -> Rates:
    """A model's own prices relative to its input price; where no price is known, what is usual."""
    facts = providers.facts(provider, model)
    price = providers.price(provider, model, day)
    own = price.rates() if price is not None else None
    if own is not None and own.input:
        five, hour, read = own.cache_write_5m, own.cache_write_1h, own.cache_read
        if five is not None and hour is not None and read is not None:
            return Rates(float(five / own.input), float(hour / own.input), float(read / own.input))
    usual = facts.write_multipliers
    return Rates(float(usual["5m"]), float(usual["1h"]), float(facts.read_multiplier))


def has_history(prompt: Prompt) -> bool:
    """Whether the request goes on with something: an assistant has spoken in it."""
    return any(unit.role == "assistant" for unit in prompt.message_units)


def plan_text(level: str, markers: tuple[Marker, ...]) -> str:
    """The value of x-synrouter-plan."""
    if level == "observe":
        return level
    ttls = ",".join(marker.ttl for marker in markers)
    return f"{level}; marks={len(markers)}" + (f"; ttl={ttls}" if ttls else "")


def _continues(session: Session, prompt: Prompt) -> float:
    """How likely another request follows while the cache lives."""
    if is_probe(prompt) or (session.kind == "side" and not has_history(prompt)):
        return 0.0
    return GOES_ON
