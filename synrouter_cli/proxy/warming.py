"""Keep-warm: which sessions' entries are pinged shortly before they expire.

A session is watched from the end of an answer to its next request, the MOST_WATCHED latest of them. It is let go of
where a ping does not pay, failed or wrote more than it read, and where the budget is spent. A ping leaves no trace in
what is known of a session but its renewed entries: neither its times nor the client's own cache.

>>> Warming(KeepWarm(), ledger=None, planning=None, number=None).due(0.0)
[]
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final, Protocol

from synrouter_cli import meter, providers
from synrouter_cli.cache.gaps import FIVE_MINUTES
from synrouter_cli.cache.model import look_up
from synrouter_cli.cache.store import Entry
from synrouter_cli.cache.warmth import Worth, due_at, return_in_time, weigh, went_well
from synrouter_cli.config_file import KeepWarm
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.ping import ping_body
from synrouter_cli.proxy.expecting import OPEN_ENDS
from synrouter_cli.proxy.keeping import keep_pair
from synrouter_cli.proxy.planned import Planned
from synrouter_cli.proxy.planning import Planning, rates
from synrouter_cli.proxy.spending import Spending
from synrouter_cli.session import Session, is_probe
from synrouter_cli.wire.usage import Usage

__all__ = ["Ping", "Warming"]

log = logging.getLogger("synrouter.warming")

MOST_WATCHED: Final = 64
PINGED: Final = frozenset({"anthropic"})
"""Providers whose API says what `max_tokens: 0` does."""


class Ledger(Protocol):
    """What keep-warm needs of a ledger."""

    def record(self, turn: Turn) -> None: ...
    def remember(self, kind: str, key: str, value: bytes) -> None: ...
    def forget(self, kind: str, key: str) -> None: ...
    def recall(self, kind: str, *, limit: int = 10_000) -> list[tuple[str, bytes, float]]: ...


class Ended(Protocol):
    """How a ping ended: `turns.Outcome`."""

    @property
    def status(self) -> str: ...
    @property
    def usage(self) -> Usage | None: ...
    @property
    def sent(self) -> bool: ...
    def on(self, row: Turn) -> Turn: ...


@dataclass(slots=True)
class _Watched:
    """A session that waits for its next request: its last one, and the row of that."""

    planned: Planned
    row: Turn
    under_way: bool = False

    def entry(self) -> Entry | None:
        """The entry at the end of what the last request left in the cache."""
        planned = self.planned
        newest = planned.plan.found.newest
        return planned.pair.sent.entry(planned.rendered, newest) if newest >= 0 else None


class Ping:
    """One ping under way, as the proxy sees it: a turn that came from nobody."""

    edited = True
    fallback: bytes | None = None
    wire: bytes | None = None
    beta = ""

    def __init__(self, warming: Warming, row: Turn, planned: Planned, body: bytes) -> None:
        self.session_id = row.session
        self.number = row.turn
        self.client = row.client
        self.conversation = row.conversation
        self.plan = row.plan
        self.body = body
        self._warming = warming
        self._row = row
        self._planned = planned
        self._finished = False

    def original(self) -> None:
        """There is no other way to send it."""

    def unasked(self) -> None:
        """It asks nothing."""

    def responding(self, http_status: int) -> None:
        """The answer's headers are here: what it reads is renewed from its start on."""
        if 200 <= http_status < 300:
            self._warming.begun(self._planned, self._row.started_at)

    def finish(self, outcome: Ended) -> None:
        """Meter it and write its row; the first call counts."""
        if not self._finished:
            self._finished = True
            self._warming.ended(self._row, self._planned, outcome)


class Warming:
    """The sessions that are watched, and what is spent on them."""

    def __init__(
        self,
        settings: KeepWarm,
        *,
        ledger: Ledger,
        planning: Planning,
        number: Callable[[Session, float], int],
        on_turn: Callable[[Turn], None] | None = None,
        left: Callable[[str], int | None] = lambda _: None,
    ) -> None:
        """`number` gives a session's next turn number, `left` the pico-USD that its budgets still allow, None for
        any."""
        self._enabled = settings.enabled
        self._ledger = ledger
        self._planning = planning
        self._number = number
        self._on_turn = on_turn
        self._left = left
        self._watched: OrderedDict[str, _Watched] = OrderedDict()
        self._spending = Spending(settings)

    def restore(self) -> None:
        """Take over what was spent before a restart."""
        for _, packed, _ in self._ledger.recall("keep-warm", limit=1):
            self._spending.restore(packed)

    # ── what turns tell ──

    def began(self, session_id: str) -> None:
        """A request of the session is here."""
        self._watched.pop(session_id, None)

    def answered(self, row: Turn, planned: Planned) -> None:
        """A request has ended; watch its session where pings may come to pay."""
        self._watched.pop(row.session, None)
        if not self._enabled or not _may_be_kept(row, planned):
            return
        sent = planned.prompt
        tokens = planned.lane.anchors.measure(sent.keys, sent.tokens, sent.index)
        # the bytes of an earlier request are the session's to keep
        self._watched[row.session] = _Watched(replace(planned, last_sent=None, tokens=tokens), row)
        while len(self._watched) > MOST_WATCHED:
            self._watched.popitem(last=False)

    def watches(self, session_id: str) -> bool:
        """Whether a ping of this session may still come."""
        return session_id in self._watched

    # ── pings ──

    def due(self, now: float) -> list[Ping]:
        """The pings that are to be sent now (epoch seconds)."""
        found = []
        for session_id, watched in list(self._watched.items()):
            entry = watched.entry()
            if watched.under_way or (entry is not None and now < due_at(entry.expires_at, entry.ttl)):
                continue
            ping = self._ping(watched, entry, now) if entry is not None and now < entry.expires_at else None
            if ping is None:
                del self._watched[session_id]
            else:
                watched.under_way = True
                found.append(ping)
        return found

    def _ping(self, watched: _Watched, entry: Entry, now: float) -> Ping | None:
        planned, last, session = watched.planned, watched.row, watched.planned.session
        if planned.lane.breaker.tripped or session.over or session.newest.line.last_sent is not planned.prompt:
            return None
        found = look_up(
            planned.rendered, planned.plan.markers, planned.pair.sent, planned.facts, now=now, tokens=planned.tokens
        )
        cost = _estimate(last, planned, found.hit, now)
        if found.hit < 0 or found.writes or cost is None:
            return None
        planned = replace(planned, plan=replace(planned.plan, found=found))
        worth = self._worth(session, last, entry, cost, now)
        if not worth.ping:
            log.debug("session %s is not kept warm: %s", session.id, worth.reason)
            return None
        own, marks = planned.own, planned.plan.markers
        body = ping_body(planned.prompt, None if marks == own else {mark.position: mark.ttl for mark in marks})
        if body is None:
            return None
        self._book(session.id, now, cost)
        row = _row(last, self._number(session, now), now, entry)
        row = replace(row, predicted_read_tokens=planned.tokens[found.hit], reason=_reason(worth, cost))
        self._ledger.record(row)
        return Ping(self, row, planned, body)

    def _worth(self, session: Session, last: Turn, entry: Entry, cost: int, now: float) -> Worth:
        chance = return_in_time(
            self._planning.expectations.habits[session.kind],
            session.gaps,
            idle_s=now - session.last_at,
            left_s=entry.expires_at - now,
            ttl_s=entry.ttl,
            open_end=session.stopped in OPEN_ENDS,
        )
        prices = rates(last.provider, last.model, _day_of(now))
        of_pings, of_all = self._spending.left(session.id, now), self._left(last.conversation)
        left_pusd = of_pings if of_all is None else min(of_pings, of_all)
        return weigh(chance, prices, cost_pusd=cost, left_pusd=left_pusd)

    def begun(self, planned: Planned, started_at: float) -> None:
        """A ping is being answered: what it reads is renewed. The client's own cache knows of none."""
        found, owner = planned.plan.found, planned.session.id
        planned.pair.sent.begun(planned.rendered, found, started_at, planned.tokens, owner=owner)

    def ended(self, row: Turn, planned: Planned, outcome: Ended) -> None:
        """A ping has ended: its row, what it really cost, and whether another one may follow. Never raises."""
        try:
            self._ended(row, planned, outcome)
        except Exception as error:
            log.error("a ping's bookkeeping failed: %s", type(error).__name__)

    def _ended(self, row: Turn, planned: Planned, outcome: Ended) -> None:
        usage = outcome.usage or Usage()
        read, written = usage.cache_read_tokens, usage.cache_write_tokens
        goes_on = went_well(ok=outcome.status == "ok", read_tokens=read, written_tokens=written)
        watched = self._watched.get(row.session)
        if watched is not None and watched.planned.rendered is planned.rendered:
            watched.under_way = False
            if not goes_on:
                del self._watched[row.session]
        final = self._planning.reckoner.priced(outcome.on(row), None, sent=outcome.sent)
        # the client would not have sent it: whatever it costs is a loss of ours
        final = replace(final, baseline_no_cache_pusd=0, baseline_client_pusd=0)
        if final.cost_pusd is not None:
            estimate = _estimate(row, planned, planned.plan.found.hit, row.started_at) or 0
            self._book(row.session, row.started_at, final.cost_pusd - estimate)
        if not goes_on:
            final = replace(final, reason=f"{row.reason}; {_why_it_ends(outcome.status, read)}")
        self._ledger.record(final)
        if outcome.status == "ok" and not read and not written:
            planned.pair.sent.evict(planned.rendered, [marker.position for marker in planned.plan.markers])
        keep_pair(self._ledger, planned.pair_key, planned.pair, row.started_at, row.session)
        if self._on_turn is not None:
            self._on_turn(final)

    def _book(self, session_id: str, now: float, pusd: int) -> None:
        self._spending.book(session_id, now, pusd)
        self._ledger.remember("keep-warm", "", self._spending.packed())


def _may_be_kept(row: Turn, planned: Planned) -> bool:
    session = planned.session
    return (
        planned.committed
        and row.status == "ok"
        and session.stopped is not None
        and session.in_flight == 0
        and row.level != "observe"
        and row.billing == "api"
        and row.cost_pusd is not None
        and row.provider in PINGED
        and session.kind != "side"
        and not is_probe(planned.shape.client)
    )


def _estimate(row: Turn, planned: Planned, hit: int, now: float) -> int | None:
    """What a ping that reads up to block `hit` will cost in pico-USD, None where no price is known."""
    price = providers.price(row.provider, row.model, _day_of(now))
    read = planned.tokens[hit] if hit >= 0 else 0
    cost = meter.cost(Usage(max(planned.tokens[-1] - read, 0), read), price) if price is not None else None
    return None if cost is None else meter.to_pico(cost)


def _row(last: Turn, number: int, now: float, entry: Entry) -> Turn:
    return Turn(
        session=last.session,
        turn=number,
        started_at=now,
        client=last.client,
        kind="ping",
        parent=last.parent,
        mode=last.mode,
        level=last.level,
        provider=last.provider,
        dialect=last.dialect,
        model=last.model,
        billing=last.billing,
        plan=f"ping; ttl={'5m' if entry.ttl <= FIVE_MINUTES else '1h'}",
    )


def _reason(worth: Worth, cost_pusd: int) -> str:
    return f"{worth.reason}; about ${meter.from_pico(cost_pusd):.4f}"


def _why_it_ends(status: str, read_tokens: int) -> str:
    if status != "ok":
        return "it failed, no more follow"
    return "it wrote more than it read, no more follow" if read_tokens else "it read nothing, no more follow"


def _day_of(now: float) -> date:
    return datetime.fromtimestamp(now, UTC).date()
