"""A turn's beginning: from a request to what is sent, the glue between the pure core and the ledger. What comes of its
answer is `bookkeeping.py`'s.

`begin` never raises: what can't be planned goes out as it came.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final, TypeVar

from synrouter_cli.config_file import NEVER_KEPT, KeepWarm
from synrouter_cli.identity import identify, mode_of
from synrouter_cli.lane import Lane
from synrouter_cli.ledger.rows import OWN_CACHE, Turn
from synrouter_cli.prompt.body import Unplannable, apply_edits
from synrouter_cli.prompt.markers import marker_edits
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.proxy.asking import may_be_asked, with_beta
from synrouter_cli.proxy.bookkeeping import Bookkeeping, frames_only
from synrouter_cli.proxy.budgeting import Budgets
from synrouter_cli.proxy.expecting import Expectations
from synrouter_cli.proxy.keeping import LedgerPort
from synrouter_cli.proxy.planned import Planned, plan_text
from synrouter_cli.proxy.planning import Asked
from synrouter_cli.proxy.turn import ActiveTurn, Inbound, PlacedTurn, Unmarked
from synrouter_cli.proxy.warming import Ping
from synrouter_cli.session import Session

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
    """All turns of a daemon."""

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
        self._books = Bookkeeping(
            ledger=ledger,
            clock=clock,
            on_turn=on_turn,
            secret=secret,
            keep_warm=keep_warm,
            expectations=expectations,
            budgets=budgets,
        )
        self._sessions, self._planning = self._books.sessions, self._books.planning
        self._placements, self._warming = self._books.placements, self._books.warming

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
            return ActiveTurn(self._books, row, inbound.body, None, recorded=False)
        try:
            return self._begin(inbound, now)
        except Unplannable as error:
            return self._unplanned(inbound, now, str(error))
        except Exception as error:
            # the agent's request goes out whatever is wrong with us; the type tells no content
            log.error("planning failed: %s", type(error).__name__, exc_info=frames_only(error))
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
        number = self._books.number(session, now)
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
        turn = ActiveTurn(self._books, row, inbound.body, planned, recorded=True)
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
        return ActiveTurn(self._books, row, inbound.body, None, recorded=True, unmarked=unmarked)

    def _placed(self, inbound: Inbound, prompt: Prompt, session: Session, lane: Lane, row: Turn) -> ActiveTurn | None:
        """The turn with what its cache is told in its bytes; None where that is nothing."""
        try:
            found = self._placements.place(inbound, prompt, session, lane, row)
        except Unplannable:
            return None
        except Exception as error:
            log.error("placing failed: %s", type(error).__name__, exc_info=frames_only(error))
            return None
        if found is None:
            return None
        row = found.request.on(row)
        self._ledger.record(row)
        return PlacedTurn(self._books, row, inbound.body, found.request, found.plain, found.wire)

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

    def _asked_mode(self, inbound: Inbound) -> str:
        asked = inbound.headers.get("x-synrouter-mode", "").strip().lower()
        return asked if asked in MODES else self._mode

    def _unplanned(self, inbound: Inbound, now: float, reason: str) -> ActiveTurn:
        identity = identify(inbound.headers, b"")
        seed = inbound.owner + f"{identity.client}\0{identity.key or ''}".encode()
        session_id = sha256(b"unplanned\0" + seed).hexdigest()[:12]
        session = self._sessions.fixed(session_id, identity.client, inbound.owner)
        row = Turn(
            session=session_id,
            turn=self._books.number(session, now),
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
        return ActiveTurn(self._books, row, inbound.body, None, recorded=True)

    # ── keep-warm ──────────────────────────────────────────────────────────────────────────────────────────────

    def due_pings(self, now: float) -> list[Ping]:
        """The keep-warm pings to be sent now (epoch seconds); none unless they are switched on."""
        return self._warming.due(now)

    def watches(self, session_id: str) -> bool:
        """Whether a ping of this session may come before its next request."""
        return self._warming.watches(session_id)

    # ── what others ask ───────────────────────────────────────────────────────────────────────────────────────

    def warm(self) -> dict[str, float]:
        """Session → seconds until the entry at the end of its last request expires."""
        return self._books.warm()

    def health(self) -> dict[str, dict[str, Any]]:
        """Provider → how it fares, by the turns of this run."""
        return self._books.health()

    def changed_line(self, session: str, turn: int) -> str | None:
        """The line in which a turn's request changed, while it is kept."""
        return self._books.changed_line(session, turn)

    def close(self) -> None:
        """A clean end."""
        self._books.close()


def _newest_system(prompt: Prompt) -> bytes:
    """The last system block's text, where some clients write their session's id; where there is no system prompt, the
    beginning of the first message."""
    tools, system, messages = prompt.unit_counts
    if prompt.body is None or not system + messages:
        return b""
    at = max(tools, tools + system - 1)
    length = prompt.units[at].length
    return prompt.body[prompt.starts[at] : prompt.starts[at] + (length if system else min(length, FIRST_WORDS))]
