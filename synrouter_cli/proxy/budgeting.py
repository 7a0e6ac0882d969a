"""What was spent today (UTC) and by each session, counted in memory from what the ledger knows at the start.

A session's subagents and side requests count as its own. Turns and keep-warm pings count once they have ended, so what
is under way may go beyond a limit. Those of a subscription cost no dollars; an unknown price counts nothing. Without a
limit nothing is read or counted.

>>> from decimal import Decimal
>>> budgets = Budgets(BudgetLimits(daily_usd=Decimal(1)), clock=lambda: 0.0)
>>> budgets.note(Turn("s", 1, 0.0, "ok", cost_pusd=10**12, baseline_no_cache_pusd=0, baseline_client_pusd=0))
>>> budgets.verdict("s").stop.amounts
'$1.00 of $1.00'
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from synrouter_cli.budgets import DAILY, Spent, Standing, Verdict, judge, left, standings
from synrouter_cli.ledger.figures import Sums
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.own_providers import BudgetLimits

__all__ = ["Budgets", "unlimited"]

log = logging.getLogger("synrouter.budget")

MOST_SESSIONS: Final = 4096
"""A session that is let go of is read from the ledger again when it comes back."""
DAY_S: Final = 86_400
CHILDREN_S: Final = 7 * 86_400.0
"""What subagents and side requests spent before is not looked for: a session that nobody continued for so long begins
anew, and their turns are found by time alone."""
WARNING_HEADER: Final = "x-synrouter-warning"


class Ledger(Protocol):
    """Who knows what was spent before this run."""

    def spent(self, since: float, until: float) -> Sums: ...
    def spent_by(self, session: str) -> Sums: ...
    def spent_by_children(self, since: float) -> Mapping[str, Sums]: ...


@dataclass(slots=True)
class _Account:
    pusd: int = 0
    unpriced: int = 0
    told: set[str] = field(default_factory=set)
    """What was said of it already."""

    @property
    def spent(self) -> Spent:
        return Spent(self.pusd, self.unpriced)

    def add(self, turn: Turn) -> None:
        """Priced as the ledger's sums are, so that a restart changes nothing."""
        cost = turn.cost_pusd
        if cost is None or turn.baseline_no_cache_pusd is None or turn.baseline_client_pusd is None:
            self.unpriced += 1
        else:
            self.pusd += cost


class Budgets:
    """Of one running proxy. Times are epoch seconds."""

    def __init__(
        self,
        limits: BudgetLimits,
        *,
        clock: Callable[[], float],
        ledger: Ledger | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """`tell` is given a line when a limit is near and when it is reached, once a day or session."""
        self._limits = limits
        self._clock = clock
        self._ledger = ledger
        self._tell = tell if tell is not None else _no_one
        self._day_number = -1
        self._day = _Account()
        self._sessions: OrderedDict[str, _Account] = OrderedDict()
        """Each by itself; `_children` is what its subagents and side requests spent."""
        self._children: dict[str, _Account] = {}
        self._begin()

    def _begin(self) -> None:
        """Find out what was spent before, while nobody waits for it yet."""
        if self._ledger is None or not self.limited:
            return
        try:
            self._today()
            if self._limits.session_usd is not None:
                found = self._ledger.spent_by_children(self._clock() - CHILDREN_S)
                self._children = {session: _account(sums) for session, sums in found.items()}
        except Exception as error:
            log.error("what was spent before is not known: %s", type(error).__name__)

    @property
    def limited(self) -> bool:
        return self._limits.daily_usd is not None or self._limits.session_usd is not None

    def verdict(self, session_id: str) -> Verdict:
        """Whether a turn of the session may go out now. Never raises: what can't be counted stops nothing."""
        if not self.limited:
            return Verdict()
        try:
            verdict = judge(self._today().spent, self._spent(session_id), self._limits)
            self._say(verdict, session_id)
            return verdict
        except Exception as error:
            log.error("budgets can't be counted: %s", type(error).__name__)
            return Verdict()

    def headers(self, session_id: str) -> dict[str, str]:
        """What answers of the session say from a warning on."""
        warnings = self.verdict(session_id).warnings
        return {WARNING_HEADER: "; ".join(warnings)} if warnings else {}

    def left(self, session_id: str) -> int | None:
        """Pico-USD that the session may still cost; None without a limit."""
        return left(self._today().spent, self._spent(session_id), self._limits) if self.limited else None

    def note(self, turn: Turn) -> None:
        """A turn has ended, or a ping. Never raises."""
        if not self.limited or turn.billing == "subscription" or turn.status == "started":
            return
        try:
            self._note(turn)
        except Exception as error:
            log.error("a turn was not counted in its budget: %s", type(error).__name__)

    def report(self) -> dict[str, Any]:
        """For `status` and the dashboard: limits and spending in USD, and in words; {} without a limit."""
        if not self.limited:
            return {}
        limits, day = self._limits, self._today()
        near = {one: judge(Spent(), self._spent(one), limits).near for one in list(self._sessions)}
        sessions = {one: found[0] for one, found in near.items() if found}
        todays = judge(day.spent, Spent(), limits)
        return {
            "day": datetime.fromtimestamp(self._clock(), UTC).date().isoformat(),
            "daily_usd": None if limits.daily_usd is None else float(limits.daily_usd),
            "session_usd": None if limits.session_usd is None else float(limits.session_usd),
            "spent_usd": day.pusd / 1e12,
            "unpriced_turns": day.unpriced,
            "reached": todays.stop is not None,
            "sessions": {one: standing.spent.pusd / 1e12 for one, standing in sessions.items()},
            "limits": [standing.rule for standing in standings(day.spent, Spent(), limits)],
            "warnings": [
                *todays.warnings,
                *(f"session {one[:6]}: {standing.text}" for one, standing in sessions.items()),
            ],
        }

    # ── counting ──

    def _note(self, turn: Turn) -> None:
        today = self._today()
        if int(turn.started_at // DAY_S) == self._day_number:
            today.add(turn)
        known = turn.conversation in self._sessions  # else the ledger has it when it is asked for
        if turn.parent and self._limits.session_usd is not None:
            self._children.setdefault(turn.parent, _Account()).add(turn)
        elif known:
            self._sessions[turn.session].add(turn)
        if known or self._limits.session_usd is None:
            self.verdict(turn.conversation)

    def _today(self) -> _Account:
        number = int(self._clock() // DAY_S)
        if number > self._day_number:  # a clock that is set back begins no day again
            first = self._day_number < 0
            self._day_number = number
            known = self._ledger if first else None  # of a day that begins in this run, nothing was spent before
            self._day = _account(known.spent(number * DAY_S, (number + 1) * DAY_S)) if known is not None else _Account()
        return self._day

    def _spent(self, session_id: str) -> Spent:
        """By a session and its subagents and side requests."""
        own, more = self._of(session_id), self._children.get(session_id)
        return own.spent if more is None else Spent(own.pusd + more.pusd, own.unpriced + more.unpriced)

    def _of(self, session_id: str) -> _Account:
        if self._limits.session_usd is None:
            return _Account()
        account = self._sessions.get(session_id)
        if account is None:
            account = _account(self._ledger.spent_by(session_id)) if self._ledger is not None else _Account()
            self._sessions[session_id] = account
            while len(self._sessions) > MOST_SESSIONS:
                self._sessions.popitem(last=False)
        self._sessions.move_to_end(session_id)
        return account

    # ── saying ──

    def _say(self, verdict: Verdict, session_id: str) -> None:
        for standing in verdict.near:
            account = self._day if standing.limit == DAILY else self._sessions[session_id]
            word = "reached" if standing.reached else "near"
            if word not in account.told:
                account.told |= {"near", word}
                self._tell(_line(standing, session_id))


def unlimited() -> Budgets:
    """Budgets that stop nothing."""
    return Budgets(BudgetLimits(), clock=float)


def _account(sums: Sums) -> _Account:
    return _Account(sums.cost_pusd, sums.unpriced_turns)


def _line(standing: Standing, session_id: str) -> str:
    whose = "" if standing.limit == DAILY else f" (session {session_id[:6]})"
    then = f"; no more is sent until [budget] {standing.limit} in config.toml is raised" if standing.reached else ""
    return f"{standing.text}{whose}{then}"


def _no_one(line: str) -> None:
    log.warning("%s", line)
