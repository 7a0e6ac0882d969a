"""How things fare: the providers, where their keys came from, the ledger; and, in red, what is wrong.

anthropic ok · first byte 1.2s · 412 turns · 3 errors, the last 529 overloaded_error at 14:01
keys: anthropic from SYNROUTER_ANTHROPIC_KEY · ledger ok · queue 0
"""

from __future__ import annotations

from rich.cells import cell_len

from synrouter_cli.dashboard.glyphs import Glyphs
from synrouter_cli.dashboard.layout import Line, Piece, line, rule
from synrouter_cli.dashboard.snapshot import Daemon, Provider, Snapshot
from synrouter_cli.dashboard.tables import clock
from synrouter_cli.dashboard.units import milliseconds

_MOST_PROVIDERS = 3


def health(snapshot: Snapshot, width: int, glyphs: Glyphs) -> list[Line]:
    """The part of the screen on health, nothing where no daemon says anything."""
    daemon = snapshot.daemon
    if daemon.state not in ("up", "stopping"):
        return []
    shown = sorted(daemon.providers, key=lambda one: (not one.resting_s, not one.failing, not one.errors))[
        :_MOST_PROVIDERS
    ]
    part = f" · {len(shown)} of {len(daemon.providers):,} providers" if len(shown) < len(daemon.providers) else ""
    lines = [rule(f"health{part}", width, glyphs)]
    lines += [line(glyphs, width, *_provider(snapshot, one)) for one in shown]
    if not daemon.providers:
        lines.append(line(glyphs, width, (" no turns since the start", "dim")))
    return [*lines, line(glyphs, width, *_keys(daemon, width), *_ledger(daemon))]


def banners(snapshot: Snapshot, width: int, glyphs: Glyphs) -> list[Line]:
    """What must not be overlooked, a line each."""
    daemon = snapshot.daemon
    found = []
    if daemon.problem:
        found.append((daemon.problem, daemon.hint))
    if snapshot.ledger_problem:
        found.append((snapshot.ledger_problem, ""))
    if daemon.ledger_error:
        found.append((f"Turns wait to be written: {daemon.ledger_error}", "synrouter status"))
    if daemon.dropped:
        found.append((f"{daemon.dropped:,} ledger entries were lost.", "synrouter status"))
    if daemon.ledger_notice:
        found.append((daemon.ledger_notice, ""))
    if daemon.own_version and daemon.version != daemon.own_version:
        text = f"The proxy is version {daemon.version}, this is {daemon.own_version}."
        found.append((text, "synrouter down, then synrouter up"))
    return [line(glyphs, width, *_banner(text, hint)) for text, hint in found]


def _banner(text: str, hint: str) -> list[Piece]:
    return [(f" {text}", "bold red"), (f"  next: {hint}" if hint else "", "red")]


def _provider(snapshot: Snapshot, one: Provider) -> list[Piece]:
    state = ("failing", "bold red") if one.failing else ("ok", "green")
    if one.resting_s:
        state = (f"resting {one.resting_s:.0f}s, others first", "bold red")
    noun = "turn" if one.turns == 1 else "turns"
    text = f" · first byte {milliseconds(one.ttfb_p50_ms)} · {one.turns:,} {noun}"
    pieces = [(f" {one.name} ", "bold"), state, (text, "")]
    if one.errors:
        pieces.append((f" · {one.errors:,} {'error' if one.errors == 1 else 'errors'}", "red"))
        when = f" at {clock(snapshot, one.last_error_at)[:5]}" if one.last_error_at is not None else ""
        pieces.append((f", the last {one.last_error}{when}", "dim"))
    return pieces


def _keys(daemon: Daemon, width: int) -> list[Piece]:
    """Whose keys there are; where from, if the ledger's state still fits behind that."""
    named = ", ".join(f"{provider} from {source}" for provider, source in sorted(daemon.keys.items()))
    room = width - len(" keys ") - sum(cell_len(text) for text, _ in _ledger(daemon))
    if cell_len(named) > room:
        named = ", ".join(sorted(daemon.keys))
    return [(" keys ", "bold"), (named or "none: clients bring their own", "")]


def _ledger(daemon: Daemon) -> list[Piece]:
    state = ("failing", "bold red") if daemon.ledger_error or daemon.dropped else ("ok", "green")
    return [(" · ", "dim"), ("ledger ", "bold"), state, (f" · queue {daemon.queue:,}", "")]
