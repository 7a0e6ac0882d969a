"""Breakpoints for requests in OpenAI's dialects: from the bytes that would go out to those that do.

What is known of the session (whether somebody continues it, what of its prompt will not last) decides, on the cache
model of the bytes themselves. A client that says anything of the cache itself is left alone.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from synrouter_cli import providers
from synrouter_cli.cache.breakpoints import met
from synrouter_cli.cache.model import Rendered
from synrouter_cli.cache.placing import Placed, Placing, Prices, own, place
from synrouter_cli.prompt.body import apply_edits
from synrouter_cli.prompt.breakpoints import breakpoint_edits
from synrouter_cli.prompt.openai import segment_openai
from synrouter_cli.prompt.prompt import MESSAGES, Prompt
from synrouter_cli.proxy.expecting import SHARED, has_history
from synrouter_cli.proxy.placed import Line, PlacedRequest
from synrouter_cli.proxy.planning import Planning, pair_key_of
from synrouter_cli.session import Session

__all__ = ["Placements", "Wish"]

MOST_LINES: Final = 512
MOST_BODIES: Final = 32
"""Of so many lines the bytes are kept, so that what did not change need not be read again."""
_OPENING: Final = frozenset({"system", "developer"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A request on its way out: `body` in `dialect`, to be sent with `level`."""

    provider: str
    dialect: str
    model: str
    scope: bytes
    body: bytes
    level: str
    mode: str


@dataclass(slots=True)
class Placements:
    """All sessions' last requests in their providers' dialect, and which models refused breakpoints."""

    planning: Planning
    lines: OrderedDict[tuple[str, bytes], Line] = field(default_factory=OrderedDict)
    newest: dict[str, Line] = field(default_factory=dict)
    """By session: the one that its last request was of."""
    refusing: set[tuple[str, str]] = field(default_factory=set)
    """(provider, model)"""

    def plan(self, wish: Wish, hub: Prompt, session: Session, now: float) -> PlacedRequest | None:
        """What to ask for; None where the client says it itself. Raises Unplannable."""
        facts = providers.billed_writes(wish.model)
        if facts is None:
            return None
        newest = self.newest.get(session.id)
        previous = newest.last if newest is not None else None
        read = segment_openai(wish.dialect, wish.body, previous, secret=self.planning.secret)
        prompt = read.prompt
        if read.asks or not prompt.keys:
            return None
        line = self._line(session, prompt)
        if not session.anchors.items():
            session.anchors.rate = self.planning.reckoner.rates.get(wish.model, session.anchors.rate)
        form = Rendered(prompt.keys, prompt.runs, prompt.layer_ends, prompt.seeds, prompt.index)
        tokens = session.anchors.measure(prompt.keys, prompt.tokens, prompt.index)
        pair_key = pair_key_of(wish.scope, wish.model, f"breakpoints,{wish.provider},{read.cache_key}")
        pair = self.planning.pair(pair_key, now)
        live, client_live = pair.sent.live(form, now), pair.client.live(form, now)
        lasting, left_at = line.lasting, -1
        if line.last is not None:
            shared = prompt.shared_with(line.last.keys)
            left_at = -1 if shared == len(line.last.keys) else shared
            lasting = lasting.after(line.last, prompt, left_at, _unknown_nature)
        expectations = self.planning.expectations
        history = expectations.history(session, hub, now)
        head = _head(prompt)
        head_key = sha256(pair_key.encode() + prompt.keys[head]).digest()[:16] if head >= 0 else b""
        ttl = facts.asked_ttls[0]
        situation = Placing(
            rendered=form,
            markable=prompt.markable,
            safe=[block.markable and not block.bare for block in prompt.blocks],
            tokens=tokens,
            live=live,
            facts=facts,
            newest=_newest(prompt),
            ends=prompt.message_ends(),
            stable_end=lasting.stable_end(prompt),
            head=head,
            soon=expectations.within(session, hub, history, float(facts.ttls[ttl])),
            shared=expectations.heads.shared(head_key, SHARED[wish.mode]) if head_key else 0.0,
            prices=_prices(wish.provider, wish.model, datetime.fromtimestamp(now, UTC).date()),
            ttl=ttl,
        )
        client = own(situation)
        if wish.level == "observe" or (wish.provider, wish.model) in self.refusing:
            placed = Placed(client, met(client, live, facts, tokens), False, "observed only")
        else:
            placed = place(situation)
        return PlacedRequest(
            line=line,
            session=session,
            hub=hub,
            read=read,
            form=form,
            tokens=tokens,
            pair=pair,
            pair_key=pair_key,
            facts=facts,
            placed=placed,
            sent_live=live,
            client=client,
            client_live=client_live,
            lasting=lasting,
            adds=line.last is not None and left_at < 0,
            cached_before=line.cached_tokens,
            gap_s=now - session.last_at if line.last is not None else None,
            history=history,
            lost=line.last is None and not session.restored and has_history(hub) and not live,
            head_key=head_key,
        )

    def _line(self, session: Session, prompt: Prompt) -> Line:
        end = prompt.layer_ends[0]
        key = (session.id, prompt.keys[end - 1] if end else b"")
        line = self.newest[session.id] = self.lines.setdefault(key, Line())
        self.lines.move_to_end(key)
        while len(self.lines) > MOST_LINES:
            (oldest, _), gone = self.lines.popitem(last=False)
            if self.newest.get(oldest) is gone:
                del self.newest[oldest]
        if len(self.lines) > MOST_BODIES:
            older = list(self.lines.values())[-MOST_BODIES - 1]
            if older.last is not None:
                older.last.forget_body()
        return line


def edited(request: PlacedRequest, body: bytes) -> bytes:
    """The bytes with the breakpoints in them."""
    asked = request.placed.asked
    return apply_edits(body, breakpoint_edits(request.read, [m.position for m in asked.marks], explicit=asked.explicit))


def _unknown_nature() -> bool:
    return False


def _newest(prompt: Prompt) -> int:
    """Where the provider sets its own breakpoint: at the end of the newest message that is not the model's."""
    for unit in range(len(prompt.units) - 1, sum(prompt.unit_counts[:MESSAGES]) - 1, -1):
        if prompt.units[unit].role != "assistant":
            return prompt.first_block[unit] + len(prompt.units[unit].blocks) - 1
    return -1


def _head(prompt: Prompt) -> int:
    """The last block that takes a breakpoint of the system and developer messages that open the prompt, -1 where there
    is none."""
    found = -1
    for unit, message in enumerate(prompt.message_units, sum(prompt.unit_counts[:MESSAGES])):
        if message.role not in _OPENING:
            break
        last = prompt.first_block[unit] + len(message.blocks) - 1
        found = last if prompt.markable[last] else found
    return found


@lru_cache(maxsize=256)
def _prices(provider: str, model: str, day: date) -> Prices:
    """A model's own prices relative to its input price; where none is known, what is usual."""
    price = providers.price(provider, model, day)
    rates = price.rates() if price is not None else None
    if rates is not None and rates.input and rates.cache_write_5m is not None and rates.cache_read is not None:
        return Prices(float(rates.cache_write_5m / rates.input), float(rates.cache_read / rates.input))
    facts = providers.billed_writes(model)
    assert facts is not None
    return Prices(float(facts.write_multipliers[facts.asked_ttls[0]]), float(facts.read_multiplier))
