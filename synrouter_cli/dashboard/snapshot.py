"""Everything one frame of the dashboard is drawn from: figures, sessions, turns, health, as of one moment.

Figures, sessions and groups are taken as the ledger has them; only what is drawn of them stands here.

>>> Snapshot(at=0.0).daemon.state
'down'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from typing import Protocol

from synrouter_cli.ledger.rows import Turn


class Sums(Protocol):
    """What turns of one way of billing add up to; money in USD, None where no price is known."""

    @property
    def turns(self) -> int: ...
    @property
    def errors(self) -> int: ...
    @property
    def estimated_turns(self) -> int: ...
    @property
    def priced_turns(self) -> int: ...
    @property
    def unpriced_turns(self) -> int: ...
    @property
    def cost_usd(self) -> Decimal | None: ...
    @property
    def baseline_no_cache_usd(self) -> Decimal | None: ...
    @property
    def baseline_client_usd(self) -> Decimal | None: ...
    @property
    def saved_usd(self) -> Decimal | None: ...
    @property
    def saved_by_synrouter_usd(self) -> Decimal | None: ...
    @property
    def pings(self) -> int: ...
    @property
    def ping_cost_usd(self) -> Decimal | None: ...
    @property
    def trimmed_tokens(self) -> int: ...
    @property
    def trimmed_saved_usd(self) -> Decimal | None: ...


class Figures(Protocol):
    """The figures of a set of turns, those of a subscription apart."""

    @property
    def api(self) -> Sums: ...
    @property
    def subscription(self) -> Sums: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def cache_hit_rate(self) -> float | None: ...
    def count(self, name: str, /) -> int: ...


class Session(Protocol):
    """A session with turns in the range."""

    @property
    def id(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def mode(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def own_cache(self) -> bool: ...
    @property
    def figures(self) -> Figures: ...


class Group(Protocol):
    """The figures of one model."""

    @property
    def key(self) -> str: ...
    @property
    def figures(self) -> Figures: ...


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of a sparkline; None where nothing is known or nothing happened."""

    saved_usd: Decimal | None = None
    """By Synrouter."""
    hit_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """How a provider fares, by the turns of this run of the daemon."""

    name: str
    turns: int = 0
    errors: int = 0
    failing: bool = False
    """The last turn that ended was an error."""
    ttfb_p50_ms: float | None = None
    """The median time to the first byte of the last turns."""
    last_error: str = ""
    last_error_at: float | None = None
    """Epoch seconds."""
    resting_s: float = 0.0
    """So long others are asked first."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """What the control API says; `problem` and `hint` say why there is nothing."""

    state: str = "down"
    """up | stopping | silent | down"""
    address: str = ""
    uptime_s: float = 0.0
    level: str = ""
    version: str = ""
    own_version: str = ""
    """The version of this program, where it is another one."""
    in_flight: int = 0
    providers: tuple[Provider, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    """Provider → where its key came from."""
    queue: int = 0
    """Ledger entries that wait to be written."""
    dropped: int = 0
    ledger_error: str = ""
    ledger_notice: str = ""
    budget_warnings: tuple[str, ...] = ()
    """Limits that are near, or reached."""
    budget_reached: bool = False
    """That of the day: nothing is sent any more."""
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment. Times are epoch seconds, shown in `zone` (None: this machine's)."""

    at: float
    zone: tzinfo | None = None
    since: float = 0.0
    totals: Figures | None = None
    """None without a ledger."""
    sessions: Sequence[Session] = ()
    """Latest first."""
    models: Sequence[Group] = ()
    turns: Sequence[Turn] = ()
    """Latest first, those under way too; of any day."""
    failures: Sequence[Turn] = ()
    """The latest turns of the range that did not end well."""
    bars: Sequence[Bar] = ()
    """Steps of the range, the earliest first; `bar_name` says what one is."""
    bar_name: str = ""
    warm: Mapping[str, float] = field(default_factory=dict)
    """Session → when its newest cache entry expires."""
    daemon: Daemon = field(default_factory=Daemon)
    ledger_problem: str = ""
