"""What is known of turns, and what is written of them: from the first byte of an answer to the row on the ledger.

Nothing here raises towards a request: what fails is written down, and the turn is recorded as far as it is known.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, TypeVar

from synrouter_cli.config_file import NEVER_KEPT, KeepWarm
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.proxy.asking import with_diagnosis, without_beta
from synrouter_cli.proxy.budgeting import Budgets
from synrouter_cli.proxy.expecting import Expectations
from synrouter_cli.proxy.keeping import LedgerPort, keep_pair, restore_pairs, restore_sessions
from synrouter_cli.proxy.losing import Losing, counted, with_translation
from synrouter_cli.proxy.placed import PlacedRequest
from synrouter_cli.proxy.placing import Placements
from synrouter_cli.proxy.planned import Planned
from synrouter_cli.proxy.planning import Planning
from synrouter_cli.proxy.pulse import Pulse
from synrouter_cli.proxy.reckoning import Reckoner
from synrouter_cli.proxy.turn import Outcome, Unmarked
from synrouter_cli.proxy.warming import Warming
from synrouter_cli.session import Session
from synrouter_cli.session_memory import stored
from synrouter_cli.sessions import Sessions

__all__ = ["Bookkeeping", "frames_only"]

log = logging.getLogger("synrouter.turns")

MOST_WARM: Final = 64
"""Sessions that `warm` names: what is asked for twice a second stays small."""
MOST_LINES: Final = 256
P = TypeVar("P")


class Bookkeeping:
    """The sessions, the two cache stores of each scope, and the rows that come of turns: `turn.Books`."""

    def __init__(
        self,
        *,
        ledger: LedgerPort,
        clock: Callable[[], float],
        on_turn: Callable[[Turn], None] | None = None,
        secret: bytes = b"",
        keep_warm: KeepWarm = NEVER_KEPT,
        expectations: Expectations | None = None,
        budgets: Budgets | None = None,
    ) -> None:
        """As of `Turns`."""
        self.ledger = ledger
        self._clock = clock
        self._on_turn = on_turn
        self._budgets = budgets
        self.sessions = Sessions()
        self._reckoner = Reckoner()
        self.planning = Planning(self.sessions, self._reckoner, secret=secret)
        self.placements = Placements(self.planning)
        self.warming = Warming(
            keep_warm,
            ledger=ledger,
            planning=self.planning,
            number=self.number,
            on_turn=self._ended,
            left=budgets.left if budgets is not None else lambda _: None,
        )
        if expectations is not None:
            self.planning.expectations = expectations
        self._pulse = Pulse()
        self._losing = Losing()
        self._lines: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._restore()

    def number(self, session: Session, now: float) -> int:
        """The session's next turn number, on its way to the disk before anybody has it."""
        if not session.turn and not session.restored:
            session.turn = session.reserved = self.ledger.last_turn(session.id)
        number, grew = session.number(now)
        if grew:
            self.ledger.remember("session", session.id, stored(session))
        return number

    def unasked(self, planned: Planned, now: float) -> None:
        """The provider refused our question: this session asks no more, and this request lives where its betas say."""
        if planned.lane.policy is not None:
            planned.lane.policy = replace(planned.lane.policy, diagnoses=False)
        self.planning.move(planned, without_beta(planned.betas), now)

    def refused(self, planned: Planned) -> None:
        """The provider refused our markers: there this session keeps to the client's own."""
        planned.lane.breaker = replace(planned.lane.breaker, tripped=True)

    def unplaced(self, placed: PlacedRequest, row: Turn) -> None:
        """The provider refused what we told its cache."""
        self.placements.refused(placed, row)

    def commit_placed(self, placed: PlacedRequest, started_at: float) -> None:
        """The response has begun."""
        self.placements.begun(placed, started_at)

    def guarded(self, step: Callable[[P], None], planned: P) -> None:
        """Run a step of bookkeeping that must not reach the agent when it fails."""
        try:
            step(planned)
        except Exception as error:
            log.error("bookkeeping failed: %s", type(error).__name__, exc_info=frames_only(error))

    def took(self, unmarked: Unmarked, started_at: float) -> None:
        """A provider that caches by itself took a request. Never raises."""
        session, prompt = unmarked.session, unmarked.prompt
        try:
            self.planning.expectations.passed(session, prompt, unmarked.history, started_at)
            session.settle(unmarked.lane, prompt, prompt, started_at)
            session.stopped = None
            self.ledger.remember("session", session.id, stored(session))
        except Exception as error:
            log.error("bookkeeping failed: %s", type(error).__name__, exc_info=frames_only(error))

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
        self.planning.expectations.came(
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
            log.error("metering failed: %s", type(error).__name__, exc_info=frames_only(error))
        if outcome.diagnosis is not None:
            final = replace(final, detail=with_diagnosis(final.detail, outcome.diagnosis))
        if outcome.upstream_dialect or outcome.losses:
            final = self._translated(final, outcome)
        self.ledger.record(final)
        if not outcome.withheld:  # what we did not send says nothing of the provider
            self._pulse.note(final)
        if isinstance(planned, PlacedRequest):
            if planned.committed:
                planned.session.stopped = outcome.stop_reason
            self.guarded(self._keep, planned)
        elif planned is not None:
            if planned.gone:
                self.planning.expectations.gone(planned.session)
            if planned.changed_line:
                self.note_line(final.session, final.turn, planned.changed_line)
            if planned.committed:
                planned.session.stopped = outcome.stop_reason
                planned.lane.answered = outcome.message_id if planned.policy.diagnoses else None
            if planned.lane.breaker.tripped:
                self._freeze(planned)
            self.guarded(self._keep, planned)
            self.guarded(lambda planned: self.warming.answered(final, planned), planned)
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

    # ── what is live ──────────────────────────────────────────────────────────────────────────────────────────

    def warm(self) -> dict[str, float]:
        """Session → seconds until the entry at the end of its last request expires; the latest MOST_WARM that have
        one. Looked up when asked for: a hit of another session renews it, an eviction ends it."""
        now = self._clock()
        left: dict[str, float] = {}
        for session in self.sessions.latest():
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
        self.ledger.remember("session", session.id, stored(session))
        keep_pair(self.ledger, planned.pair_key, planned.pair, self._clock(), session.id)
        self.ledger.remember("expected", "", self.planning.expectations.packed())

    def _restore(self) -> None:
        """Bring back what is still of use, and forget the rest for good."""
        now = self._clock()
        restore_sessions(self.ledger, self.sessions, now)
        self.planning.pairs.update(restore_pairs(self.ledger, now))
        for _, value, _ in self.ledger.recall("expected", limit=1):
            self.planning.expectations = Expectations.read(value)
        self.warming.restore()
        places = {place.key: place for pair in self.planning.pairs.values() for place in pair.sent.places()}
        for session in self.sessions:
            session.tail = next((places[end] for end in reversed(session.ends) if end in places), None)

    def close(self) -> None:
        """A clean end: turn numbers that were reserved and not used are given back."""
        for session in self.sessions:
            self.ledger.remember("session", session.id, stored(session, clean=True))


def frames_only(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """The place an error came from, without its text, which may quote a prompt."""
    bare = RuntimeError(type(error).__name__).with_traceback(error.__traceback__)
    return (RuntimeError, bare, error.__traceback__)
