"""Breakpoints for requests in OpenAI's dialects: from the bytes that would go out to those that do.

What is known of the session (whether somebody continues it, what of its prompt will not last) decides, on the cache
model of the bytes themselves. A client that says anything of the cache itself is left alone.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from synrouter_cli import providers
from synrouter_cli.cache.breakpoints import met
from synrouter_cli.cache.lifetimes import Rates
from synrouter_cli.cache.model import Rendered
from synrouter_cli.cache.placing import Placed, Placing, Prices, lifetime, own, place
from synrouter_cli.lane import Lane, LaneKey
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.body import apply_edits
from synrouter_cli.prompt.breakpoints import breakpoint_edits
from synrouter_cli.prompt.openai import OpenAIPrompt, segment_openai
from synrouter_cli.prompt.prompt import MESSAGES, Prompt
from synrouter_cli.providers import BilledWrites
from synrouter_cli.proxy.expecting import SHARED, is_lost
from synrouter_cli.proxy.placed import Line, PlacedRequest
from synrouter_cli.proxy.planning import Planning, pair_key_of
from synrouter_cli.proxy.turn import Inbound
from synrouter_cli.session import Session

__all__ = ["Outgoing", "Placements"]

MOST_LINES: Final = 512
MOST_BODIES: Final = 32
"""Of so many lines the bytes are kept, so that what did not change need not be read again."""
_Place = tuple[str, LaneKey]
"""A session's lane."""
_OPENING: Final = frozenset({"system", "developer"})


class Outgoing(NamedTuple):
    """A request that was placed: `plain` are the bytes without anything of ours, `wire` those that go out."""

    request: PlacedRequest
    plain: bytes
    wire: bytes


@dataclass(slots=True)
class Placements:
    """All sessions' last requests in their providers' dialect, and which models refused what they were told."""

    planning: Planning
    lines: OrderedDict[tuple[_Place, bytes], Line] = field(default_factory=OrderedDict)
    newest: dict[_Place, Line] = field(default_factory=dict)
    """The one that the last request there was of."""
    refusing: set[tuple[str, str]] = field(default_factory=set)
    """(provider, model)"""

    def place(self, inbound: Inbound, hub: Prompt, session: Session, lane: Lane, row: Turn) -> Outgoing | None:
        """The request with what is to be told the cache; None where nothing can be, or the client says it itself.
        Raises Unplannable."""
        facts = providers.billed_writes(row.model)
        if facts is None or inbound.outgoing is None:
            return None
        plain = inbound.outgoing(session.id)
        newest = self.newest.get((session.id, lane.key))
        previous = newest.last if newest is not None else None
        read = segment_openai(inbound.upstream_dialect, plain, previous, secret=self.planning.secret)
        if read.asks or not read.prompt.keys:
            return None
        request = self._plan(read, facts, hub, session, lane, row)
        asked = request.placed.asked
        edits = breakpoint_edits(
            read,
            [mark.position for mark in asked.marks],
            explicit=asked.explicit is not request.client.explicit,
            ttl=request.asked_ttl,
        )
        return Outgoing(request, plain, apply_edits(plain, edits) if edits else plain)

    def begun(self, request: PlacedRequest, started_at: float) -> None:
        """The answer has begun: the stores and what is expected of the session take it over, once."""
        if request.committed:
            return
        request.committed = True
        request.begun(started_at)
        session, lane, hub, expectations = request.session, request.lane, request.hub, self.planning.expectations
        newest = request.placed.found.newest
        session.tail = request.pair.sent.place(request.form, newest) if newest >= 0 else None
        if request.head_key:
            expectations.heads.used(request.head_key, started_at, begins=not session.last_at)
        expectations.came(session, lane.line, hub, hub, request.history, started_at)
        session.settle(lane, hub, hub, started_at)

    def refused(self, request: PlacedRequest, row: Turn) -> None:
        """That model takes none of it there after all: it is told nothing until the next start."""
        request.unplace("the provider refused our breakpoints")
        self.refusing.add((row.provider, row.model))

    def _plan(
        self, read: OpenAIPrompt, facts: BilledWrites, hub: Prompt, session: Session, lane: Lane, row: Turn
    ) -> PlacedRequest:
        prompt, now, expectations = read.prompt, row.started_at, self.planning.expectations
        line = self._line(session, lane, prompt)
        if not lane.anchors.items():
            lane.anchors.rate = self.planning.reckoner.rates.get(row.model, lane.anchors.rate)
        form = Rendered(prompt.keys, prompt.runs, prompt.layer_ends, prompt.seeds, prompt.index)
        tokens = lane.anchors.measure(prompt.keys, prompt.tokens, prompt.index)
        pair_key = pair_key_of(lane.scope, row.model, f"breakpoints,{row.provider},{read.cache_key}")
        pair = self.planning.pair(pair_key, now)
        live, client_live = pair.sent.live(form, now), pair.client.live(form, now)
        lasting, left_at = line.lasting, -1
        if line.last is not None:
            shared = prompt.shared_with(line.last.keys)
            left_at = -1 if shared == len(line.last.keys) else shared
            lasting = lasting.after(line.last, prompt, left_at, _unknown_nature)
        history = expectations.history(session, hub, now)
        head = _head(prompt)
        head_key = sha256(pair_key.encode() + prompt.keys[head]).digest()[:16] if head >= 0 else b""
        usual, rates = facts.asked_ttls[0], _rates(row.provider, row.model, datetime.fromtimestamp(now, UTC).date())
        ttl = usual
        if len(facts.asked_ttls) > 1:
            entry = pair.sent.entry(form, live[-1]) if live else None
            outlook = expectations.outlook(session, lane.line, hub, history, now, row.mode, hours=pair.hours)
            ttl = lifetime(usual, facts.asked_ttls[1], entry.ttl if entry is not None else 0.0, outlook, rates)
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
            shared=expectations.heads.shared(head_key, SHARED[row.mode]) if head_key else 0.0,
            prices=Prices(rates.write_5m, rates.read),
            ttl=ttl,
            usual_ttl=usual,
            settable=facts.breakpoints,
        )
        client = own(situation)
        if row.level == "observe" or (row.provider, row.model) in self.refusing:
            placed = Placed(client, met(client, live, facts, tokens), False, "observed only")
        else:
            placed = place(situation)
        return PlacedRequest(
            line=line,
            session=session,
            lane=lane,
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
            gap_s=now - line.at if line.last is not None else None,
            history=history,
            lost=is_lost(session, lane, hub, lives=bool(live)),
            head_key=head_key,
        )

    def _line(self, session: Session, lane: Lane, prompt: Prompt) -> Line:
        place, end = (session.id, lane.key), prompt.layer_ends[0]
        key = (place, prompt.keys[end - 1] if end else b"")
        line = self.newest[place] = self.lines.setdefault(key, Line())
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
def _rates(provider: str, model: str, day: date) -> Rates:
    """A model's own prices relative to its input price, the longer lifetime's in the place of an hour's; where none is
    known, what is usual."""
    facts = providers.billed_writes(model)
    assert facts is not None
    usual = [float(facts.write_multipliers[ttl]) for ttl in facts.asked_ttls]
    price = providers.price(provider, model, day)
    own = price.rates() if price is not None else None
    if own is None or not own.input or own.cache_write_5m is None or own.cache_read is None:
        return Rates(usual[0], usual[-1], float(facts.read_multiplier))
    longer = own.cache_write_1h if own.cache_write_1h is not None else own.input * Decimal(usual[-1])
    return Rates(float(own.cache_write_5m / own.input), float(longer / own.input), float(own.cache_read / own.input))
