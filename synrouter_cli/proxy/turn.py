"""One turn under way: what came, what is sent for it, how it ended.

>>> Outcome("ok", 200).on(Turn(session="s", turn=1, started_at=0.0)).status
'ok'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from synrouter_cli.cache.gaps import History
from synrouter_cli.cache.model import look_up
from synrouter_cli.lane import Lane
from synrouter_cli.ledger.rows import OWN_CACHE, Turn
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.proxy.placed import PlacedRequest, as_written
from synrouter_cli.proxy.planned import Planned
from synrouter_cli.session import Session
from synrouter_cli.wire.diagnosis import BETA, Diagnosis, asking
from synrouter_cli.wire.ir import Loss
from synrouter_cli.wire.usage import Usage

__all__ = ["ActiveTurn", "Inbound", "Outcome", "PlacedTurn"]

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Inbound:
    """One planned request, read in full. Header names are lower case and hold no credentials."""

    endpoint: str
    """messages | count_tokens | chat/completions | responses"""
    provider: str
    dialect: str
    """The client's; the body is in the hub's, Anthropic's, whatever it is."""
    headers: Mapping[str, str]
    query: str
    body: bytes
    wire_encoded: bool
    scope: bytes
    """Keyed digest of provider and credential: whose cache it is."""
    billing: str
    """api | subscription"""
    at_home: bool = True
    """The provider is at its own address, not at one that the user named for it."""
    own_credential: bool = False
    """The client's own credential is passed on."""
    markers: bool = True
    """The provider caches by Anthropic's markers: they are planned. Else it caches prefixes by itself."""
    model: str = ""
    """As it is asked of the provider; empty: the body says it."""
    checks_clients: bool = False
    """The upstream is a relay that tells clients apart: nothing by which it does is changed."""
    upstream_dialect: str = ""
    """The provider's."""
    outgoing: Callable[[str], bytes] | None = None
    """Where the provider caches at breakpoints of OpenAI's: from a session's name to the bytes that would go out."""
    owner: bytes = b""
    """Keyed digest of the client's own credential, the same for all that pass none on: whose conversation it is,
    whoever answers."""


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
    diagnosis: Diagnosis | None = None
    withheld: str = ""
    """Why we did not send it."""
    losses: tuple[Loss, ...] = ()
    """What translation had no place for, on the way out and back."""
    upstream_dialect: str = ""
    """The provider's, where the turn was translated."""

    def on(self, row: Turn) -> Turn:
        """The row of a turn that ended so."""
        return replace(
            row,
            status=self.status,
            http_status=self.http_status,
            error_type=self.error_type,
            usage=self.usage,
            usage_quality=self.usage_quality,
            model_used=self.model_used,
            ttfb_ms=self.ttfb_ms,
            total_ms=self.total_ms,
            attempts=self.attempts,
            reason=self.withheld or row.reason,
        )


@dataclass(slots=True)
class Unmarked:
    """A request of which nothing is planned: what its session is to remember once a provider took it."""

    session: Session
    lane: Lane
    prompt: Prompt
    history: History
    """The session's gaps with the one that ended with it."""


class Books(Protocol):
    """Who keeps what is known of turns, and writes their rows."""

    def took(self, unmarked: Unmarked, started_at: float) -> None: ...
    def unasked(self, planned: Planned, now: float) -> None: ...
    def refused(self, planned: Planned) -> None: ...
    def unplaced(self, placed: PlacedRequest, row: Turn) -> None: ...
    def guarded(self, step: Callable[[P], None], planned: P) -> None: ...
    def commit(self, planned: Planned, started_at: float) -> None: ...
    def commit_placed(self, placed: PlacedRequest, started_at: float) -> None: ...
    def finish(self, row: Turn, planned: Planned | PlacedRequest | None, outcome: Outcome) -> None: ...


class ActiveTurn:
    """One turn under way. The values of `session_id`, `number`, `plan` go into the answer's headers."""

    def __init__(
        self,
        books: Books,
        row: Turn,
        body: bytes,
        planned: Planned | None,
        *,
        recorded: bool,
        unmarked: Unmarked | None = None,
    ) -> None:
        self.session_id = row.session
        self.number = row.turn
        self.client = row.client
        self.conversation = row.conversation
        self.plan = row.plan
        self.body = body
        self.edited = False
        self.fallback: bytes | None = None
        """What goes out where the provider refuses our markers: None is the request as it came; else its content as it
        was edited before in this session, with the client's own markers."""
        self.wire: bytes | None = None
        """What goes out in the provider's own dialect, where that was worked out already."""
        self.beta = ""
        """A beta that is asked for besides the client's."""
        self._plain: tuple[bytes, bool, bytes | None] = (body, False, None)
        self._books = books
        self._row = row
        self._planned = planned
        self._unmarked = unmarked
        self._recorded = recorded
        self._finished = False

    def edit(self, body: bytes, fallback: bytes | None = None) -> None:
        """Send these bytes instead of those that came."""
        self.body, self.edited, self.fallback = body, True, fallback

    def question(self, previous: str | None) -> None:
        """Have the provider say why the prompt misses, against the one that the answer `previous` was to."""
        self._plain = (self.body, self.edited, self.fallback)
        self.beta = BETA
        asked = asking(self.body, previous)
        if asked is not None:
            # where only the question was put in, a refusal of markers is one of the client's own
            self.edit(asked, self.fallback if self.edited else asked)

    def unasked(self) -> None:
        """The provider refused the question: this request goes without it, and so do all that come in its session."""
        self.body, self.edited, self.fallback = self._plain
        self.beta = ""
        if self._planned is not None:
            self._books.guarded(lambda planned: self._books.unasked(planned, self._row.started_at), self._planned)

    def original(self) -> None:
        """The client's own markers are sent after all: what we predict is what they meet. The session keeps to them."""
        self.edited = self.fallback is not None
        self.plan = f"{self._row.level}; original"
        self._row = replace(self._row, plan=self.plan)
        planned = self._planned
        if planned is None:
            return
        self._books.refused(planned)
        if not planned.committed:
            found = look_up(
                planned.rendered,
                planned.own,
                planned.pair.sent,
                planned.facts,
                now=self._row.started_at,
                tokens=planned.tokens,
                live=planned.sent_live,
            )
            reason = "the provider refused our markers; the client's own were sent"
            planned.plan = replace(planned.plan, markers=planned.own, found=found, choice="client", reason=reason)
            predicted = planned.tokens[found.hit] if found.hit >= 0 else 0
            self._row = replace(self._row, predicted_read_tokens=predicted, reason=reason)

    def responding(self, http_status: int) -> None:
        """The answer's headers are here: what the request wrote can be read from now on."""
        if not 200 <= http_status < 300:
            return
        if self._unmarked is not None:
            unmarked, self._unmarked = self._unmarked, None
            self._books.took(unmarked, self._row.started_at)
        if self._planned is not None:
            self._books.guarded(lambda planned: self._books.commit(planned, self._row.started_at), self._planned)

    def finish(self, outcome: Outcome) -> None:
        """Meter the turn and write its row; the first call counts."""
        if self._finished:
            return
        self._finished = True
        if self._planned is not None:
            self._planned.session.in_flight -= 1
        if self._recorded:
            self._books.finish(self._row, self._planned, outcome)


class PlacedTurn(ActiveTurn):
    """A turn at a cache that goes by OpenAI's breakpoints. `plain` are the bytes without, `wire` those that go out."""

    def __init__(self, books: Books, row: Turn, body: bytes, placed: PlacedRequest, plain: bytes, wire: bytes) -> None:
        super().__init__(books, row, body, None, recorded=True)
        self.wire, self.edited = wire, wire is not plain
        self._placed, self._without = placed, plain

    def original(self) -> None:
        """The provider refused the breakpoints: this request goes without them, and so do all that come."""
        self.wire, self.edited = self._without, False
        self.plan = f"{self._row.level}; {OWN_CACHE}"
        self._row = replace(self._row, plan=self.plan, planned=False, reason="the provider refused our breakpoints")
        self._row = replace(self._row, predicted_read_tokens=None, predicted_write_tokens=None)
        self._books.guarded(lambda placed: self._books.unplaced(placed, self._row), self._placed)

    def responding(self, http_status: int) -> None:
        if 200 <= http_status < 300:
            self._books.guarded(lambda p: self._books.commit_placed(p, self._row.started_at), self._placed)

    def finish(self, outcome: Outcome) -> None:
        if not self._finished:
            self._finished = True
            if outcome.usage is not None:
                outcome = replace(outcome, usage=as_written(outcome.usage, self._placed.asked_ttl))
            self._books.finish(self._row, self._placed, outcome)
