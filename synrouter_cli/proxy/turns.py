"""A turn from its request to its row: the glue between the pure core and the ledger.

`begin` never raises: what can't be planned goes out as it came. `finish` never raises: what can't be metered is
recorded as such.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from types import TracebackType
from typing import Any, Final, TypeVar

from synrouter_cli.config_file import NEVER_KEPT, KeepWarm
from synrouter_cli.identity import identify, mode_of
from synrouter_cli.lane import Lane
from synrouter_cli.ledger.rows import OWN_CACHE, Turn
from synrouter_cli.prompt.body import Unplannable, apply_edits
from synrouter_cli.prompt.markers import marker_edits
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.proxy.asking import may_be_asked, with_beta, with_diagnosis, without_beta
from synrouter_cli.proxy.budgeting import Budgets
from synrouter_cli.proxy.expecting import Expectations
from synrouter_cli.proxy.keeping import LedgerPort, keep_pair, restore_pairs, restore_sessions
from synrouter_cli.proxy.losing import Losing, counted, with_translation
from synrouter_cli.proxy.placed import PlacedRequest
from synrouter_cli.proxy.placing import Placements
from synrouter_cli.proxy.planned import Planned, plan_text
from synrouter_cli.proxy.planning import Asked, Planning
from synrouter_cli.proxy.pulse import Pulse
from synrouter_cli.proxy.reckoning import Reckoner
from synrouter_cli.proxy.turn import ActiveTurn, Inbound, Outcome, PlacedTurn, Unmarked
from synrouter_cli.proxy.warming import Ping, Warming
from synrouter_cli.session import Session
from synrouter_cli.session_memory import stored
from synrouter_cli.sessions import Sessions

__all__ = ["Turns"]

log = logging.getLogger("synrouter.turns")

MODES: Final = frozenset({"auto", "coding", "general"})
MOST_WARM: Final = 64
"""Sessions that `warm` names: what is asked for twice a second stays small."""
MOST_LINES: Final = 256
P = TypeVar("P")
FIRST_WORDS: Final = 4096
"""Bytes of a first message that may say whose it is."""


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
        policy: Policy | None = None,
        keep_warm: KeepWarm = NEVER_KEPT,
        expectations: Expectations | None = None,
        budgets: Budgets | None = None,
    ) -> None:
        """`policy` is that of sessions that begin now, where it is not the level's usual one; `expectations` are what
        was learned elsewhere, and learn on; `budgets` are told what turns and pings cost."""
        self._level = level
        self._mode = mode
        self._policy = policy if policy is not None else Policy.of(level)
        self._ledger = ledger
        self._clock = clock
        self._on_turn = on_turn
        self._budgets = budgets
        self._sessions = Sessions()
        self._reckoner = Reckoner()
        self._planning = Planning(self._sessions, self._reckoner, secret=secret)
        self._placements = Placements(self._planning)
        self._warming = Warming(
            keep_warm,
            ledger=ledger,
            planning=self._planning,
            number=self._number,
            on_turn=self._ended,
            left=budgets.left if budgets is not None else lambda _: None,
        )
        if expectations is not None:
            self._planning.expectations = expectations
        self._pulse = Pulse()
        self._losing = Losing()
        self._lines: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._restore()

    def learn(self, sessions: Iterable[Iterable[tuple[float, bool]]]) -> None:
        """Take over the gaps of whole sessions: (seconds, whether somebody came back) each."""
        self._planning.expectations.learn(sessions)

    def over(self) -> None:
        """No session goes on: each is learned of as one that has ended."""
        self._planning.expectations.ended(self._sessions)

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
        hint = self._sessions.hint(inbound.owner, identify(inbound.headers, b""), inbound.body)
        prompt = self._planning.segment(inbound.provider, inbound.body, hint)
        if not prompt.keys:
            raise Unplannable("the request has no content")
        identity = identify(inbound.headers, prompt.metadata, _newest_system(prompt))
        model = inbound.model or prompt.model
        session = self._sessions.resolve(inbound.owner, identity, prompt, now, (inbound.scope, model))
        self._warming.began(session.id)
        self._planning.expectations.sweep(self._sessions, now)
        self._begins(session, prompt)  # first: the number is stored with its policy
        lane = session.lane(inbound.scope, inbound.provider, model)
        policy = self._policy_at(session, lane, inbound)
        number = self._number(session, now)
        mode = mode_of(self._asked_mode(inbound), session.client, identity.key)
        if not inbound.markers:
            return self._unmarked(inbound, prompt, session, lane, number, mode, now)
        observed = self._level == "observe"
        betas = inbound.headers.get("anthropic-beta", "")
        questions = (
            policy.diagnoses
            and policy.level != "observe"
            and not observed
            and may_be_asked(inbound.provider, own_credential=inbound.own_credential)
            and not inbound.checks_clients
        )
        if questions:
            betas = with_beta(betas)
        planned = self._planning.plan(Asked(betas, mode, observed), prompt, session, lane, policy, now)
        marks, level = planned.plan.markers, planned.policy.level
        row = Turn(
            session=session.id,
            turn=number,
            started_at=now,
            client=session.client,
            kind=session.kind,
            parent=session.parent,
            mode=mode,
            level=level,
            provider=inbound.provider,
            dialect=inbound.dialect,
            model=prompt.model,
            billing=inbound.billing,
            streamed=prompt.stream,
            plan=plan_text(level, marks),
            planned=level != "observe",
            predicted_read_tokens=planned.tokens[planned.plan.found.hit] if planned.plan.found.hit >= 0 else 0,
            reason=planned.plan.reason,
            retry_of=session.repeats(prompt, number),
            gap_s=planned.gap_s,
        )
        turn = ActiveTurn(self, row, inbound.body, planned, recorded=True)
        self._edit(turn, planned)
        if questions:
            turn.question(lane.answered)
        self._ledger.record(row)
        session.in_flight += 1  # last: what fails here is never finished
        return turn

    def _unmarked(
        self, inbound: Inbound, prompt: Prompt, session: Session, lane: Lane, number: int, mode: str, now: float
    ) -> ActiveTurn:
        """A turn of a provider that caches by itself: known again and metered, and nothing of it changed but for what a
        cache at breakpoints is told."""
        row = Turn(
            session=session.id,
            turn=number,
            started_at=now,
            client=session.client,
            kind=session.kind,
            parent=session.parent,
            mode=mode,
            level=self._level,
            provider=inbound.provider,
            dialect=inbound.dialect,
            model=lane.model,
            billing=inbound.billing,
            streamed=prompt.stream,
            plan=f"{self._level}; {OWN_CACHE}",
            retry_of=session.repeats(prompt, number),
            gap_s=now - session.last_at if session.last_at else None,
        )
        if inbound.outgoing is not None:
            turn = self._placed(inbound, prompt, session, lane, row)
            if turn is not None:
                return turn
        self._ledger.record(row)
        unmarked = Unmarked(session, lane, prompt, self._planning.expectations.history(session, prompt, now))
        return ActiveTurn(self, row, inbound.body, None, recorded=True, unmarked=unmarked)

    def _placed(self, inbound: Inbound, prompt: Prompt, session: Session, lane: Lane, row: Turn) -> ActiveTurn | None:
        """The turn with what its cache is told in its bytes; None where that is nothing."""
        try:
            found = self._placements.place(inbound, prompt, session, lane, row)
        except Unplannable:
            return None
        except Exception as error:
            log.error("placing failed: %s", type(error).__name__, exc_info=_frames_only(error))
            return None
        if found is None:
            return None
        row = found.request.on(row)
        self._ledger.record(row)
        return PlacedTurn(self, row, inbound.body, found.request, found.plain, found.wire)

    def count(self, body: bytes, provider: str = "anthropic") -> int:
        """About how many tokens a request in the hub's dialect has. Raises Unplannable."""
        prompt = self._planning.segment(provider, body, None)
        return int(prompt.tokens[-1]) if len(prompt.tokens) else 0

    def _edit(self, turn: ActiveTurn, planned: Planned) -> None:
        """Put the plan into the bytes."""
        sent, marks = planned.shape.sent, planned.plan.markers
        assert sent.body is not None
        content = sent.body if planned.shape.edited else None
        wanted = marks != planned.own or planned.shortens
        edits = marker_edits(sent, {m.position: m.ttl for m in marks}) if wanted else []
        if edits:
            turn.edit(apply_edits(sent.body, edits), content)
        elif content is not None:
            turn.edit(content, content)

    def _begins(self, session: Session, prompt: Prompt) -> None:
        """Pin a new session's policy: that of the session which it goes on from, else what is set now."""
        if session.policy is not None:
            return
        parent = self._sessions.inherited(session, prompt)
        if parent is not None:
            session.goes_on_from(parent)
        else:
            session.policy = self._policy
            # its tools stand as in the session before, so that both share the longest head
            session.order = self._sessions.latest_order(session)

    @staticmethod
    def _policy_at(session: Session, lane: Lane, inbound: Inbound) -> Policy:
        """The session's policy where it asks now, pinned with the first request there."""
        assert session.policy is not None
        if lane.policy is None:
            stays = inbound.at_home or inbound.billing == "subscription" or inbound.checks_clients
            lane.policy = replace(session.policy, billing_block=stays)
        return lane.policy

    def unasked(self, planned: Planned, now: float) -> None:
        """The provider refused our question: this session asks no more, and this request lives where its betas say."""
        if planned.lane.policy is not None:
            planned.lane.policy = replace(planned.lane.policy, diagnoses=False)
        self._planning.move(planned, without_beta(planned.betas), now)

    def refused(self, planned: Planned) -> None:
        """The provider refused our markers: there this session keeps to the client's own."""
        planned.lane.breaker = replace(planned.lane.breaker, tripped=True)

    def _asked_mode(self, inbound: Inbound) -> str:
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
        seed = inbound.owner + f"{identity.client}\0{identity.key or ''}".encode()
        session_id = sha256(b"unplanned\0" + seed).hexdigest()[:12]
        session = self._sessions.fixed(session_id, identity.client, inbound.owner)
        row = Turn(
            session=session_id,
            turn=self._number(session, now),
            started_at=now,
            client=identity.client,
            mode=mode_of(self._asked_mode(inbound), identity.client, identity.key),
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

    def unplaced(self, placed: PlacedRequest, row: Turn) -> None:
        """The provider refused what we told its cache."""
        self._placements.refused(placed, row)

    def commit_placed(self, placed: PlacedRequest, started_at: float) -> None:
        """The response has begun."""
        self._placements.begun(placed, started_at)

    def guarded(self, step: Callable[[P], None], planned: P) -> None:
        """Run a step of bookkeeping that must not reach the agent when it fails."""
        try:
            step(planned)
        except Exception as error:
            log.error("bookkeeping failed: %s", type(error).__name__, exc_info=_frames_only(error))

    def took(self, unmarked: Unmarked, started_at: float) -> None:
        """A provider that caches by itself took a request. Never raises."""
        session, prompt = unmarked.session, unmarked.prompt
        try:
            self._planning.expectations.passed(session, prompt, unmarked.history, started_at)
            session.settle(unmarked.lane, prompt, prompt, started_at)
            session.stopped = None
            self._ledger.remember("session", session.id, stored(session))
        except Exception as error:
            log.error("bookkeeping failed: %s", type(error).__name__, exc_info=_frames_only(error))

    def commit(self, planned: Planned, started_at: float) -> None:
        """The response has begun: both stores take over what their requests wrote, once."""
        if planned.committed:
            return
        planned.committed = True
        session, lane, facts = planned.session, planned.lane, planned.facts
        keeps = facts.hour_keeps_five
        planned.pair.sent.begun(
            planned.rendered, planned.plan.found, started_at, planned.tokens, owner=session.id, hour_keeps_five=keeps
        )
        planned.pair.client.begun(
            planned.client_rendered,
            planned.client_found,
            started_at,
            planned.client_tokens,
            owner=session.id,
            hour_keeps_five=keeps,
        )
        self._planning.expectations.came(
            session, lane.line, planned.shape.client, planned.prompt, planned.history, started_at
        )
        session.settle(lane, planned.shape.client, planned.shape.sent, started_at)
        lane.line.trimmed, lane.line.tools, session.order = (
            planned.shape.trimmed,
            planned.shape.tools,
            planned.shape.order,
        )
        lane.line.pair_key, lane.line.betas = planned.pair_key, planned.betas
        newest = planned.plan.found.newest
        if newest >= 0:
            session.tail = planned.pair.sent.place(planned.rendered, newest)

    def finish(self, row: Turn, planned: Planned | PlacedRequest | None, outcome: Outcome) -> None:
        """Price the turn and record its row. Never raises."""
        final = outcome.on(row)
        try:
            final = self._reckoner.priced(final, planned, sent=outcome.sent)
        except Exception as error:
            log.error("metering failed: %s", type(error).__name__, exc_info=_frames_only(error))
        if outcome.diagnosis is not None:
            final = replace(final, detail=with_diagnosis(final.detail, outcome.diagnosis))
        if outcome.upstream_dialect or outcome.losses:
            final = self._translated(final, outcome)
        self._ledger.record(final)
        if not outcome.withheld:  # what we did not send says nothing of the provider
            self._pulse.note(final)
        if isinstance(planned, PlacedRequest):
            if planned.committed:
                planned.session.stopped = outcome.stop_reason
            self.guarded(self._keep, planned)
        elif planned is not None:
            if planned.gone:
                self._planning.expectations.gone(planned.session)
            if planned.changed_line:
                self.note_line(final.session, final.turn, planned.changed_line)
            if planned.committed:
                planned.session.stopped = outcome.stop_reason
                planned.lane.answered = outcome.message_id if planned.policy.diagnoses else None
            if planned.lane.breaker.tripped:
                self._freeze(planned)
            self.guarded(self._keep, planned)
            self.guarded(lambda planned: self._warming.answered(final, planned), planned)
        self._ended(final)

    def _translated(self, final: Turn, outcome: Outcome) -> Turn:
        """The row of a translated turn with what that lost."""
        try:
            self._losing.note(final.session, outcome.losses)
            detail = with_translation(final.detail, outcome.upstream_dialect, counted(outcome.losses))
        except Exception as error:
            log.error("losses were not counted: %s", type(error).__name__)
            return final
        return replace(final, detail=detail)

    def _ended(self, final: Turn) -> None:
        """A turn or a ping is over, and priced."""
        if self._budgets is not None:
            self._budgets.note(final)
        if self._on_turn is not None:
            self._on_turn(final)

    # ── keep-warm ──────────────────────────────────────────────────────────────────────────────────────────────

    def due_pings(self, now: float) -> list[Ping]:
        """The keep-warm pings to be sent now (epoch seconds); none unless they are switched on."""
        return self._warming.due(now)

    def watches(self, session_id: str) -> bool:
        """Whether a ping of this session may come before its next request."""
        return self._warming.watches(session_id)

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

    @staticmethod
    def _freeze(planned: Planned) -> None:
        """From now on only those blocks are cut that were: the history stays as it was sent there. That is what the
        last request cut, and this one, which may have been planned before the breaker tripped."""
        lane, shape = planned.lane, planned.shape
        taken = [
            (lane.line.last, lane.line.trimmed),
            (shape.client, shape.trimmed if planned.committed else None),
        ]
        for prompt, trimmed in taken:
            cuts = trimmed.cuts if prompt is not None and trimmed is not None else ()
            blocks = prompt.blocks if prompt is not None else []
            cut = frozenset(blocks[cut.block].digest[:8] for cut in cuts)
            lane.only_cut = cut | (lane.only_cut or frozenset())

    def _keep(self, planned: Planned | PlacedRequest) -> None:
        session = planned.session
        self._ledger.remember("session", session.id, stored(session))
        keep_pair(self._ledger, planned.pair_key, planned.pair, self._clock(), session.id)
        self._ledger.remember("expected", "", self._planning.expectations.packed())

    def _restore(self) -> None:
        """Bring back what is still of use, and forget the rest for good."""
        now = self._clock()
        restore_sessions(self._ledger, self._sessions, now)
        self._planning.pairs.update(restore_pairs(self._ledger, now))
        for _, value, _ in self._ledger.recall("expected", limit=1):
            self._planning.expectations = Expectations.read(value)
        self._warming.restore()
        places = {place.key: place for pair in self._planning.pairs.values() for place in pair.sent.places()}
        for session in self._sessions:
            session.tail = next((places[end] for end in reversed(session.ends) if end in places), None)

    def close(self) -> None:
        """A clean end: turn numbers that were reserved and not used are given back."""
        for session in self._sessions:
            self._ledger.remember("session", session.id, stored(session, clean=True))


def _newest_system(prompt: Prompt) -> bytes:
    """The last system block's text, where some clients write their session's id; where there is no system prompt, the
    beginning of the first message."""
    tools, system, messages = prompt.unit_counts
    if prompt.body is None or not system + messages:
        return b""
    at = max(tools, tools + system - 1)
    length = prompt.units[at].length
    return prompt.body[prompt.starts[at] : prompt.starts[at] + (length if system else min(length, FIRST_WORDS))]


def _frames_only(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """The place an error came from, without its text, which may quote a prompt."""
    bare = RuntimeError(type(error).__name__).with_traceback(error.__traceback__)
    return (RuntimeError, bare, error.__traceback__)
