"""The top of the screen: where Synrouter runs, what it saved, what was spent, and how that went.

SAVED BY SYNROUTER   SPENT   AGAINST NO CACHING   HIT RATE   TURNS
$3.42 · 51%          $3.19   $14.82 · 82%         91%        412 · 3 errors
"""

from __future__ import annotations

from datetime import datetime

from synrouter_cli.dashboard import amounts, spark
from synrouter_cli.dashboard.glyphs import Glyphs
from synrouter_cli.dashboard.keys import View
from synrouter_cli.dashboard.layout import Line, Piece, line, rule, spread
from synrouter_cli.dashboard.snapshot import Daemon, Figures, Snapshot
from synrouter_cli.dashboard.units import NOTHING, age, percent

_STATES = {"up": "green", "stopping": "yellow", "silent": "yellow", "down": "red"}
_WORDS = {"stopping": "stopping", "silent": "does not answer", "down": "not running"}


def top(snapshot: Snapshot, view: View, width: int, glyphs: Glyphs) -> list[Line]:
    """The lines above everything else."""
    title = _title(snapshot, view, width, glyphs)
    if view.screen == "help":
        return [title]
    lines = [title, rule("", width, glyphs)]
    if snapshot.totals is None:
        lines += [line(glyphs, width, (text, "")) for text in (" No ledger yet.", " It begins with the first turn.")]
    else:
        lines += _fields(snapshot.totals, width, glyphs)
        lines += _apart(snapshot.totals, width, glyphs)
    return [*lines, *_budget(snapshot.daemon, width, glyphs), _sparks(snapshot, view, width, glyphs)]


def _title(snapshot: Snapshot, view: View, width: int, glyphs: Glyphs) -> Line:
    daemon = snapshot.daemon
    lit = glyphs.on if daemon.state in ("up", "stopping") else glyphs.off
    left = [(" synrouter ", "bold"), (f"{lit} ", _STATES[daemon.state]), (_running(daemon), "")]
    clock = _clock(snapshot)
    right = [(" paused ", "reverse")] if view.paused else []
    return spread(glyphs, width, left, [*right, (f" {view.range_name} ", "bold"), (f"{clock} ", "dim")])


def _clock(snapshot: Snapshot) -> str:
    """The time in minutes: a clock that ticks by the second would redraw an idle screen."""
    return datetime.fromtimestamp(snapshot.at, snapshot.zone).strftime("%H:%M")


def _running(daemon: Daemon) -> str:
    if daemon.state == "down":
        return _WORDS["down"]
    parts = [daemon.address, _WORDS.get(daemon.state, f"up {age(daemon.uptime_s)}"), daemon.level]
    if daemon.in_flight:
        parts.append(f"{daemon.in_flight} in flight")
    return " · ".join(part for part in parts if part)


def _fields(figures: Figures, width: int, glyphs: Glyphs) -> list[Line]:
    """The headline: labels and, under them, figures."""
    sums, listed = amounts.billed(figures), amounts.is_listed(figures)
    ours, ours_style = amounts.saved_by_synrouter(figures)
    every, every_style = amounts.saved(figures)
    ours_share = amounts.share(sums.saved_by_synrouter_usd, sums.baseline_client_usd)
    share = amounts.share(sums.saved_usd, sums.baseline_no_cache_usd)
    cost, _ = amounts.cost(figures)
    fields: list[tuple[str, Piece]] = [
        ("SAVED BY SYNROUTER", (_with(ours, ours_share), f"bold {ours_style}".strip())),
        ("SPENT" if not listed else "LIST PRICE", (cost, "bold")),
        ("AGAINST NO CACHING", (_with(every, share), f"bold {every_style}".strip())),
        ("HIT RATE", (percent(figures.cache_hit_rate), "bold cyan")),
        ("TURNS", (_turns(figures), "bold")),
    ]
    sizes = [max(len(label), len(text)) for label, (text, _) in fields]
    gap = max(1, min(6, (width - 2 - sum(sizes)) // (len(fields) - 1)))
    labels, values = [(" ", "")], [(" ", "")]
    for (label, (text, style)), size in zip(fields, sizes, strict=True):
        labels.append((label.ljust(size + gap), "dim"))
        values += [(text, style), (" " * (size + gap - len(text)), "")]
    labels[-1] = (labels[-1][0].rstrip(), "dim")
    return [line(glyphs, width, *labels), line(glyphs, width, *values[:-1])]


def _with(text: str, share: str) -> str:
    return text if share == NOTHING else f"{text} · {share}"


def _turns(figures: Figures) -> str:
    errors = figures.count("errors")
    noun = "error" if errors == 1 else "errors"
    return f"{figures.count('turns'):,}" + (f" · {errors:,} {noun}" if errors else "")


def _apart(figures: Figures, width: int, glyphs: Glyphs) -> list[Line]:
    """What is counted apart from the dollars: estimates, turns without a price, a subscription."""
    lines = []
    notes = []
    if estimated := figures.count("estimated_turns"):
        notes.append(f"~ {estimated:,} estimated")
    if unpriced := figures.count("unpriced_turns"):
        notes.append(f"? {unpriced:,} without a price, in none of the sums")
    if notes:
        lines.append(line(glyphs, width, (" " + " · ".join(notes), "yellow")))
    if turns := figures.subscription.turns:
        sums = figures.subscription
        cost = amounts.amount(sums.cost_usd, sums, listed=True)
        none = amounts.amount(sums.baseline_no_cache_usd, sums, listed=True)
        ours = amounts.amount(sums.saved_by_synrouter_usd, sums, listed=True)
        noun = "turn" if turns == 1 else "turns"
        text = f" subscription: {turns:,} {noun} · list price {cost} · uncached {none} · saved {ours}"
        lines.append(line(glyphs, width, (text, "magenta")))
    own = _own_doings(figures)
    together = " · ".join(own)
    for text in [together] * bool(own) if len(together) < width else own:  # no figure is ever cut
        lines.append(line(glyphs, width, (f" {text}", "dim")))
    return lines


def _budget(daemon: Daemon, width: int, glyphs: Glyphs) -> list[Line]:
    """What is nearly spent; the day's, which is told first, and one session's: the screen has other things to show."""
    style = "bold red" if daemon.budget_reached else "yellow"
    return [line(glyphs, width, (f" {text}", style)) for text in daemon.budget_warnings[:2]]


def _own_doings(figures: Figures) -> list[str]:
    """What trimming and keep-warm did, which is in the sums only where it was spent."""
    sums, listed, parts = amounts.billed(figures), amounts.is_listed(figures), []
    if sums.trimmed_tokens and sums.trimmed_saved_usd != 0:
        about = amounts.amount(sums.trimmed_saved_usd, sums, listed=listed)
        parts.append(f"trimming: about {about} more, assumes no re-read")
    if pings := sums.pings:
        noun = "ping" if pings == 1 else "pings"
        parts.append(f"keep-warm: {pings:,} {noun} cost {amounts.amount(sums.ping_cost_usd, sums, listed=listed)}")
    return parts


def _sparks(snapshot: Snapshot, view: View, width: int, glyphs: Glyphs) -> Line:
    """Savings and hit rate side by side: by turn for today, else by the steps of the range."""
    if view.days == 1:
        turns = [turn for turn in reversed(snapshot.turns) if turn.status != "started"]
        saved = [amounts.turn_saved_usd(turn) for turn in turns]
        hits = [amounts.turn_hit(turn) for turn in turns]
        step = "by turn"
    else:
        saved = [bar.saved_usd for bar in snapshot.bars]
        hits = [bar.hit_rate for bar in snapshot.bars]
        step = snapshot.bar_name
    labels = (f" saved {step} ", f"   hit rate {step} ")
    room = (width - 1 - sum(map(len, labels))) // 2
    drawn = spark.savings(saved, room, glyphs), spark.hit_rates(hits, room, glyphs)
    return line(glyphs, width, (labels[0], "dim"), *drawn[0], (labels[1], "dim"), *drawn[1])
