"""Where the dashboard's snapshots come from: the ledger, read only when it changed, and the control API.

The ledger is read again at most so often that reading takes 2% of the time, however long a range is; the daemon is
asked for what no row says. Neither can end the dashboard: what is wrong is shown on it.

Example: `Watcher(find_paths()).look(days=7, now=time.time()).totals`
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final

from synrouter_cli import __version__
from synrouter_cli.daemon import client, tokens
from synrouter_cli.daemon.client import Control, ControlError
from synrouter_cli.daemon.state import State
from synrouter_cli.dashboard.snapshot import Bar, Daemon, Provider, Snapshot
from synrouter_cli.errors import NotResponding, NotRunning, SynrouterError
from synrouter_cli.ledger import queries, trends
from synrouter_cli.ledger.figures import Figures
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.listening import HOST
from synrouter_cli.paths import Paths

ANSWER_SECONDS: Final = 0.8
"""How long the daemon may take to answer before the screen says that it doesn't."""
SEARCH_SECONDS: Final = 2.0
"""How often a daemon is looked for where none answers."""
REST: Final = 50
"""Reading the ledger is followed by a rest so many times as long."""
MOST_TURNS: Final = 120
MOST_FAILURES: Final = 60
STEPS: Final = {1: (24, "by hour"), 7: (28, "by 6 h"), 30: (30, "by day")}
"""Local days → steps of the sparkline, and what one is called."""


class Watcher:
    """Looks at one installation. `zone` is where days begin (None: this machine's zone)."""

    def __init__(
        self, paths: Paths, *, zone: tzinfo | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._paths = paths
        self._zone = zone
        self._monotonic = monotonic
        self._ledger = Snapshot(at=0.0)
        self._stamp: tuple[object, ...] = ()
        """What was asked for the figures at hand, and the ledger's files as they were."""
        self._rested_at = 0.0
        self._daemon = _DaemonWatch(paths, monotonic)

    def look(self, days: int, now: float, *, failures: bool = True) -> Snapshot:
        """What is to be seen at `now` (epoch seconds) of today and the days before; `failures` only where they are
        looked at: finding them takes as long as all the rest."""
        since = midnight(now, days - 1, self._zone)
        daemon, warm = self._daemon.look(now)
        question = (since, days, failures)
        stamp = (*question, *_files(self._paths.ledger_file))
        began = self._monotonic()
        rested = began >= self._rested_at or question != self._stamp[: len(question)]
        if stamp != self._stamp and rested:
            self._ledger, self._stamp = self._read(since, days, now, failures), stamp
            ended = self._monotonic()
            self._rested_at = ended + REST * (ended - began)
        return replace(self._ledger, at=now, daemon=daemon, warm=warm)

    def _read(self, since: float, days: int, now: float, failures: bool) -> Snapshot:
        until = midnight(now, -1, self._zone)
        count, name = STEPS[days]
        snapshot = Snapshot(at=now, zone=self._zone, since=since, bar_name=name)
        try:
            with queries.reading(self._paths.ledger_file, self._zone) as db:
                steps = trends.steps(db, since, until, count)
                reached = int((now - since) * count / (until - since)) + 1
                turns = queries.last_turns(db, MOST_TURNS)
                return replace(
                    snapshot,
                    totals=queries.totals(db, since, until),
                    sessions=_latest_first(queries.sessions(db, since, until), turns),
                    models=queries.groups(db, since, until, "model"),
                    turns=turns,
                    failures=trends.unwell(db, since, until, MOST_FAILURES) if failures else (),
                    bars=[_bar(figures) for figures in steps[:reached]],
                )
        except FileNotFoundError:
            return snapshot
        except (SynrouterError, OSError) as error:
            return replace(self._ledger, since=since, ledger_problem=str(error))


def midnight(now: float, days_ago: int, zone: tzinfo | None) -> float:
    """The epoch second at which the local day began that many days ago; -1 is tomorrow's."""
    today = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return (today.replace(tzinfo=zone) - timedelta(days=days_ago)).timestamp()


def _latest_first(sessions: list[queries.Session], turns: list[Turn]) -> list[queries.Session]:
    """The ledger knows the order to 15 minutes; among the latest sessions it is that of their last turns."""
    order = {turn.session: index for index, turn in reversed(list(enumerate(turns)))}
    return sorted(sessions, key=lambda session: order.get(session.id, len(turns)))


def _bar(figures: Figures) -> Bar:
    sums = figures.api if figures.api.turns or figures.api.pings else figures.subscription
    return Bar(sums.saved_by_synrouter_usd if sums.turns or sums.pings else None, figures.cache_hit_rate)


def _files(ledger_file: Path) -> tuple[object, ...]:
    """What changes with every commit: which file it is, and when it and its log were written."""
    return tuple(_written(file) for file in (ledger_file, ledger_file.with_name(f"{ledger_file.name}-wal")))


def _written(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


# ── the daemon ──


@dataclass(slots=True)
class _Known:
    """A daemon that proved who it is."""

    state: State
    control: Control


class _DaemonWatch:
    """Finds the daemon, and asks it as long as it answers."""

    def __init__(self, paths: Paths, monotonic: Callable[[], float]) -> None:
        self._paths = paths
        self._monotonic = monotonic
        self._known: _Known | None = None
        self._seen: tuple[Daemon, dict[str, float]] = (Daemon(), {})
        self._search_at = 0.0

    def look(self, now: float) -> tuple[Daemon, dict[str, float]]:
        """The daemon as it is, and session → epoch seconds at which its newest cache entry expires."""
        if self._known is None and self._monotonic() >= self._search_at:
            self._search()
        if self._known is not None:
            try:
                answer = self._known.control.live()
                if answer.get("instance") == self._known.state.instance:
                    self._seen = _daemon(self._known.state, answer), _warm(answer, now)
                    return self._seen
            except ControlError:
                pass  # it stops, or hangs: the search says which
            self._known = None
            self._search()
        return self._seen

    def _search(self) -> None:
        problem: SynrouterError
        try:
            found = client.find(self._paths)
        except NotRunning as error:
            state, problem = "down", error
        except (SynrouterError, OSError) as error:
            state = "silent"
            problem = error if isinstance(error, SynrouterError) else NotResponding(pid="?", port="?", detail=error)
        else:
            if found.health is not None:
                control = Control(found.state.port, tokens.control_token(self._paths), timeout_s=ANSWER_SECONDS)
                self._known = _Known(found.state, control)
                return
            self._seen = replace(self._seen[0], state="stopping", problem="", hint=""), {}
            self._search_at = self._monotonic() + ANSWER_SECONDS
            return
        self._seen = Daemon(state=state, problem=problem.message, hint=problem.hint), {}
        self._search_at = self._monotonic() + SEARCH_SECONDS


def _daemon(state: State, answer: Mapping[str, Any]) -> Daemon:
    """What a daemon says, taken with care: it may be of another version."""
    ledger = _mapping(answer.get("ledger"))
    providers = _mapping(answer.get("providers"))
    resting = _mapping(answer.get("resting"))
    budget = _mapping(answer.get("budget"))
    warnings = budget.get("warnings")
    return Daemon(
        state="up",
        address=f"{HOST}:{state.port}",
        uptime_s=_number(answer.get("uptime_s")),
        level=state.level,
        version=str(answer.get("version", "")),
        own_version=__version__,
        in_flight=int(_number(answer.get("in_flight"))),
        providers=tuple(
            _provider(name, _mapping(values), _number(resting.get(name))) for name, values in sorted(providers.items())
        ),
        keys={str(name): str(source) for name, source in _mapping(answer.get("keys")).items()},
        queue=int(_number(ledger.get("queue"))),
        dropped=int(_number(ledger.get("dropped"))),
        ledger_error=str(ledger.get("last_error") or ""),
        ledger_notice=str(ledger.get("notice") or ""),
        budget_warnings=tuple(str(one) for one in warnings) if isinstance(warnings, list) else (),
        budget_reached=budget.get("reached") is True,
    )


def _provider(name: str, values: Mapping[str, Any], resting_s: float) -> Provider:
    error = _mapping(values.get("last_error"))
    words = (error.get("http_status"), error.get("type"))
    return Provider(
        name=str(name),
        turns=int(_number(values.get("turns"))),
        errors=int(_number(values.get("errors"))),
        failing=values.get("failing") is True,
        ttfb_p50_ms=_number(values["ttfb_p50_ms"]) if values.get("ttfb_p50_ms") is not None else None,
        last_error=" ".join(str(word) for word in words if word),
        last_error_at=_number(error["at"]) if "at" in error else None,
        resting_s=resting_s,
    )


def _warm(answer: Mapping[str, Any], now: float) -> dict[str, float]:
    return {str(session): now + _number(left) for session, left in _mapping(answer.get("warm")).items()}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
