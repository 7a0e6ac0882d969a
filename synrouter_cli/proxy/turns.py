"""A turn from its request to its row: the glue between the pure core and the ledger.

`begin` never raises: what can't be planned goes out as it came. `finish` never raises: what can't be metered is
recorded as such.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from types import TracebackType
from typing import Any, Final, Protocol

from synrouter_cli import providers
from synrouter_cli.cache.model import Found, Marker, Store, look_up
from synrouter_cli.cache.planner import Plan, decide, repaired
from synrouter_cli.cache.rules import client_markers, rendered
from synrouter_cli.cache.shadow import Pair
from synrouter_cli.identity import identify
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.body import Unplannable, apply_edits
from synrouter_cli.prompt.markers import marker_edits
from synrouter_cli.prompt.segments import Prompt, segment
from synrouter_cli.proxy.keeping import pack, unpack
from synrouter_cli.proxy.planned import Planned, has_history, plan_text, situation
from synrouter_cli.proxy.pulse import Pulse
from synrouter_cli.proxy.reckoning import Reckoner
from synrouter_cli.sessions import Session, Sessions, stored
from synrouter_cli.wire.usage import Usage

__all__ = ["ActiveTurn", "Inbound", "Outcome", "Turns"]

log = logging.getLogger("synrouter.turns")

MODES: Final = frozenset({"auto", "coding", "general"})
MOST_RESTORED: Final = 1024
REMEMBERED_SECONDS: Final = 7 * 86400.0
"""A session that nobody has continued for so long begins anew, with turn numbers behind those in the ledger."""
MOST_PAIRS: Final = 256
MOST_WARM: Final = 64
"""Sessions that `warm` names: what is asked for twice a second stays small."""
MOST_LINES: Final = 256


class LedgerPort(Protocol):
    """What turns need of a ledger."""

    def record(self, turn: Turn) -> None: ...
    def remember(self, kind: str, key: str, value: bytes) -> None: ...
    def recall(self, kind: str, *, limit: int = 10_000) -> list[tuple[str, bytes, float]]: ...
    def forget(self, kind: str, key: str) -> None: ...
    def last_turn(self, session: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Inbound:
    """One planned request, read in full. Header names are lower case and hold no credentials."""

    endpoint: str
    """messages | count_tokens"""
    provider: str
    dialect: str
    headers: Mapping[str, str]
    query: str
    body: bytes
    wire_encoded: bool
    scope: bytes
    """Keyed digest of provider and credential: whose cache it is."""
    billing: str
    """api | subscription"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended. Durations are milliseconds."""

    status: str
    """ok | error | cancelled | truncated"""
    http_status: int | None = None
    error_type: str | None = None
    usage: Usage | None = None
    usage_quality: str = "none"
    model_used: str = ""
    stop_reason: str | None = None
    message_id: str | None = None
    ttfb_ms: float | None = None
    total_ms: float = 0.0
    attempts: int = 1
    sent: bool = True
    """False where the request never reached the provider."""


class ActiveTurn:
    """One turn under way. The values of `session_id`, `number`, `plan` go into the answer's headers."""

    def __init__(self, turns: Turns, row: Turn, body: bytes, planned: Planned | None, *, recorded: bool) -> None:
        self.session_id = row.session
        self.number = row.turn
        self.plan = row.plan
        self.body = body
        self.edited = False
        self._turns = turns
        self._row = row
        self._planned = planned
        self._recorded = recorded
        self._finished = False

    def edit(self, body: bytes) -> None:
        """Send these bytes instead of those that came."""
        self.body, self.edited = body, True

    def original(self) -> None:
        """The original bytes are sent after all: what we predict is what the client's own markers meet."""
        self.edited = False
        self.plan = f"{self._row.level}; original"
        self._row = replace(self._row, plan=self.plan)
        planned = self._planned
        if planned is not None and not planned.committed:
            planned.plan = replace(
                planned.plan,
                markers=planned.client,
                found=self._turns.found(planned, planned.client, planned.pair.sent, planned.sent_live),
                choice="client",
                reason="the provider refused our markers; the original bytes were sent",
            )

    def responding(self, http_status: int) -> None:
        """The answer's headers are here: what the request wrote can be read from now on."""
        if self._planned is not None and 200 <= http_status < 300:
            self._turns.guarded(lambda planned: self._turns.commit(planned, self._row.started_at), self._planned)

    def finish(self, outcome: Outcome) -> None:
        """Meter the turn and write its row; the first call counts."""
        if self._finished:
            return
        self._finished = True
        if self._recorded:
            self._turns.finish(self._row, self._planned, outcome)


class Turns:
    """All turns of a daemon: sessions, the two cache stores of each scope, and the rows that come of them."""

    def __init__(
        self,
        *,
        level: str,
        mode: str,
        ledger: LedgerPort,
        clock: Callable[[], float],
        on_turn: Callable[[Turn], None] | None = None,
        secret: bytes = b"",
    ) -> None:
        self._level = level
        self._mode = mode
        self._ledger = ledger
        self._clock = clock
        self._on_turn = on_turn
        self._secret = secret
        self._sessions = Sessions()
        self._pairs: dict[str, Pair] = {}
        self._reckoner = Reckoner()
        self._pulse = Pulse()
        self._lines: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._restore()

    # ── begin ─────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, inbound: Inbound) -> ActiveTurn:
        """Plan a request. Never raises."""
        now = self._clock()
        if inbound.endpoint == "count_tokens":
            row = Turn(session="none", turn=0, started_at=now, plan="count_tokens")
            return ActiveTurn(self, row, inbound.body, None, recorded=False)
        try:
            return self._begin(inbound, now)
        except Unplannable as error:
            return self._unplanned(inbound, now, str(error))
        except Exception as error:
            # the agent's request goes out whatever is wrong with us; the type tells no content
            log.error("planning failed: %s", type(error).__name__, exc_info=_frames_only(error))
            return self._unplanned(inbound, now, f"planning failed ({type(error).__name__})")

    def _begin(self, inbound: Inbound, now: float) -> ActiveTurn:
        hint = self._sessions.hint(inbound.scope, identify(inbound.headers, b""), inbound.body)
        prompt = segment(inbound.body, hint, keeps_thinking=_keeps_thinking(inbound.provider), secret=self._secret)
        if not prompt.keys:
            raise Unplannable("the request has no content")
        identity = identify(inbound.headers, prompt.metadata, _newest_system(prompt))
        session = self._sessions.resolve(inbound.scope, identity, prompt, now)
        number = self._number(session, now)
        planned = self._plan(inbound, prompt, session, now)
        marks = planned.plan.markers
        row = Turn(
            session=session.id,
            turn=number,
            started_at=now,
            client=session.client,
            kind=session.kind,
            parent=session.parent,
            mode=self._mode_of(inbound),
            level=self._level,
            provider=inbound.provider,
            dialect=inbound.dialect,
            model=prompt.model,
            billing=inbound.billing,
            streamed=prompt.stream,
            plan=plan_text(self._level, marks),
            planned=self._level != "observe",
            predicted_read_tokens=planned.tokens[planned.plan.found.hit] if planned.plan.found.hit >= 0 else 0,
            reason=planned.plan.reason,
            retry_of=session.repeats(prompt, number),
        )
        turn = ActiveTurn(self, row, inbound.body, planned, recorded=True)
        if self._level != "observe" and marks != planned.client:
            edits = marker_edits(prompt, {m.position: m.ttl for m in marks})
            if edits:
                turn.edit(apply_edits(inbound.body, edits))
        self._ledger.record(row)
        return turn

    def _plan(self, inbound: Inbound, prompt: Prompt, session: Session, now: float) -> Planned:
        facts = self._facts(inbound.provider, prompt.model)
        if not session.anchors.items():
            session.anchors.rate = self._reckoner.rates.get(prompt.model, session.anchors.rate)
        shape = rendered(prompt, settings_reach_head=facts.settings_reach_head)
        tokens = session.anchors.measure(prompt.keys, prompt.tokens, prompt.index)
        pair_key = self._pair_key(inbound, prompt.model)
        if len(self._pairs) > MOST_PAIRS:
            self._pairs = {key: pair for key, pair in self._pairs.items() if pair.prune(now)}
        pair = self._pairs.setdefault(pair_key, Pair())
        client = repaired(client_markers(prompt))
        client_live = pair.client.live(shape, now)
        client_found = look_up(shape, client, pair.client, facts, now=now, tokens=tokens, live=client_live)
        sent_live = pair.sent.live(shape, now)
        if self._level == "observe":
            found = look_up(shape, client, pair.sent, facts, now=now, tokens=tokens, live=sent_live)
            plan = Plan(client, found, "client", "observed only")
        else:
            plan = decide(
                situation(inbound.provider, prompt, shape, client, tokens, pair.sent, facts, session, now, sent_live)
            )
        return Planned(
            prompt=prompt,
            rendered=shape,
            tokens=tokens,
            session=session,
            pair=pair,
            pair_key=pair_key,
            facts=facts,
            plan=plan,
            sent_live=sent_live,
            client=client,
            client_found=client_found,
            client_live=client_live,
            gap_s=now - session.last_at if session.last_at else None,
            lost=session.last is None and not session.restored and has_history(prompt) and not sent_live,
        )

    def found(self, planned: Planned, markers: tuple[Marker, ...], store: Store, live: list[int]) -> Found:
        """What these markers meet, by the model."""
        return look_up(planned.rendered, markers, store, planned.facts, now=0.0, tokens=planned.tokens, live=live)

    def _mode_of(self, inbound: Inbound) -> str:
        asked = inbound.headers.get("x-synrouter-mode", "").strip().lower()
        return asked if asked in MODES else self._mode

    def _number(self, session: Session, now: float) -> int:
        if not session.turn and not session.restored:
            session.turn = session.reserved = self._ledger.last_turn(session.id)
        number, grew = session.number(now)
        if grew:
            self._ledger.remember("session", session.id, stored(session))
        return number

    def _unplanned(self, inbound: Inbound, now: float, reason: str) -> ActiveTurn:
        identity = identify(inbound.headers, b"")
        seed = inbound.scope + f"{identity.client}\0{identity.key or ''}".encode()
        session_id = sha256(b"unplanned\0" + seed).hexdigest()[:12]
        session = self._sessions.fixed(session_id, identity.client, inbound.scope)
        row = Turn(
            session=session_id,
            turn=self._number(session, now),
            started_at=now,
            client=identity.client,
            mode=self._mode_of(inbound),
            level=self._level,
            provider=inbound.provider,
            dialect=inbound.dialect,
            model="",
            billing=inbound.billing,
            plan=f"{self._level}; unplanned",
            reason=reason,
        )
        self._ledger.record(row)
        return ActiveTurn(self, row, inbound.body, None, recorded=True)

    # ── the answer ────────────────────────────────────────────────────────────────────────────────────────────

    def guarded(self, step: Callable[[Planned], None], planned: Planned) -> None:
        """Run a step of bookkeeping that must not reach the agent when it fails."""
        try:
            step(planned)
        except Exception as error:
            log.error("bookkeeping failed: %s", type(error).__name__, exc_info=_frames_only(error))

    def commit(self, planned: Planned, started_at: float) -> None:
        """The response has begun: both stores take over what their requests wrote, once."""
        if planned.committed:
            return
        planned.committed = True
        planned.pair.sent.begun(planned.rendered, planned.plan.found, started_at, planned.tokens)
        planned.pair.client.begun(planned.rendered, planned.client_found, started_at, planned.tokens)
        planned.session.settle(planned.prompt, started_at)
        newest = planned.plan.found.newest
        if newest >= 0:
            planned.session.tail = planned.pair.sent.place(planned.rendered, newest)

    def finish(self, row: Turn, planned: Planned | None, outcome: Outcome) -> None:
        """Price the turn and record its row. Never raises."""
        final = replace(
            row,
            status=outcome.status,
            http_status=outcome.http_status,
            error_type=outcome.error_type,
            usage=outcome.usage,
            usage_quality=outcome.usage_quality,
            model_used=outcome.model_used,
            ttfb_ms=outcome.ttfb_ms,
            total_ms=outcome.total_ms,
            attempts=outcome.attempts,
        )
        try:
            final = self._reckoner.priced(final, planned, sent=outcome.sent)
        except Exception as error:
            log.error("metering failed: %s", type(error).__name__, exc_info=_frames_only(error))
        self._ledger.record(final)
        self._pulse.note(final)
        if planned is not None:
            self.guarded(self._keep, planned)
        if self._on_turn is not None:
            self._on_turn(final)

    # ── what is live ──────────────────────────────────────────────────────────────────────────────────────────

    def warm(self) -> dict[str, float]:
        """Session → seconds until the entry at the end of its last request expires; the latest MOST_WARM that have
        one. Looked up when asked for: a hit of another session renews it, an eviction ends it."""
        now = self._clock()
        left: dict[str, float] = {}
        for session in self._sessions.latest():
            if session.tail is not None and (expires_at := session.tail.expires_at()) > now:
                left[session.id] = expires_at - now
                if len(left) == MOST_WARM:
                    break
        return left

    def health(self) -> dict[str, dict[str, Any]]:
        """Provider → how it fares, by the turns of this run."""
        return self._pulse.report()

    def note_line(self, session: str, turn: int, line: str) -> None:
        """Keep the line in which a turn's request changed, as `explain` shows it: in memory only, the latest
        MOST_LINES of all."""
        self._lines[session, turn] = line
        while len(self._lines) > MOST_LINES:
            self._lines.popitem(last=False)

    def changed_line(self, session: str, turn: int) -> str | None:
        """The line that was noted for a turn, while it is kept."""
        return self._lines.get((session, turn))

    # ── what stays ────────────────────────────────────────────────────────────────────────────────────────────

    def _facts(self, provider: str, model: str) -> providers.CacheFacts:
        facts = providers.facts(provider, model)
        learned = self._reckoner.minimums.get(model)
        return facts if learned is None else replace(facts, minimum_tokens=max(learned, facts.minimum_tokens))

    def _pair_key(self, inbound: Inbound, model: str) -> str:
        betas = inbound.headers.get("anthropic-beta", "")
        names = ",".join(sorted(name.strip() for name in betas.split(",") if name.strip()))
        return sha256(inbound.scope + f"{model}\0{names}".encode("utf-8", "surrogatepass")).hexdigest()[:24]

    def _keep(self, planned: Planned) -> None:
        planned.pair.prune(self._clock())
        self._ledger.remember("session", planned.session.id, stored(planned.session))
        self._ledger.remember("cache", planned.pair_key, pack(planned.pair))

    def _restore(self) -> None:
        """Bring back what is still of use, and forget the rest for good."""
        now = self._clock()
        for place, (key, value, at) in enumerate(self._ledger.recall("session")):
            if place >= MOST_RESTORED or now - at > REMEMBERED_SECONDS:
                self._ledger.forget("session", key)
            else:
                self._sessions.restore(value)
        for key, value, _ in self._ledger.recall("cache"):
            pair = unpack(value)
            if pair is not None and pair.prune(now):
                self._pairs[key] = pair
            else:
                self._ledger.forget("cache", key)
        places = {place.key: place for pair in self._pairs.values() for place in pair.sent.places()}
        for session in self._sessions:
            session.tail = next((places[end] for end in reversed(session.ends) if end in places), None)

    def close(self) -> None:
        """A clean end: turn numbers that were reserved and not used are given back."""
        for session in self._sessions:
            self._ledger.remember("session", session.id, stored(session, clean=True))


def _keeps_thinking(provider: str) -> Callable[[str], bool]:
    return lambda model: providers.facts(provider, model).keeps_thinking


def _newest_system(prompt: Prompt) -> bytes:
    """The last system block's text, where some clients write their session's id."""
    tools, system, _ = prompt.unit_counts
    if not system or prompt.body is None:
        return b""
    start = prompt.starts[tools + system - 1]
    return prompt.body[start : start + prompt.units[tools + system - 1].length]


def _frames_only(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """The place an error came from, without its text, which may quote a prompt."""
    bare = RuntimeError(type(error).__name__).with_traceback(error.__traceback__)
    return (RuntimeError, bare, error.__traceback__)
