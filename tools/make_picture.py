"""Draws the README's picture: the dashboard's own view of a made-up day, as an SVG.

    python tools/make_picture.py [--check]

The day is written through the real ledger at the real prices and read back as the dashboard reads it, so that its
figures agree with each other. `--check` only tells whether the file is up to date; the result depends on nothing but
this file, the dashboard and the version of Rich.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI

from synrouter_cli import meter, providers
from synrouter_cli.cache.model import TTL_SECONDS
from synrouter_cli.commands.watching import Watcher
from synrouter_cli.dashboard.glyphs import UNICODE
from synrouter_cli.dashboard.keys import View
from synrouter_cli.dashboard.snapshot import Daemon, Provider, Snapshot
from synrouter_cli.dashboard.view import draw
from synrouter_cli.ledger.ledger import Ledger
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.paths import find_paths
from synrouter_cli.wire.usage import Usage

PICTURE = Path(__file__).resolve().parents[1] / "assets" / "dashboard.svg"
WIDTH, HEIGHT = 110, 30
NOW = datetime(2026, 11, 20, 16, 42, 10, tzinfo=UTC).timestamp()
# Nothing is fetched by looking at the picture: the fonts are those of the machine.
_FONTS = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace'


@dataclass(frozen=True, slots=True)
class Work:
    """A session: `head` tokens at first, `step` more a turn; `own` is the share of its reads that the client's own
    markers would have got."""

    session: str
    client: str
    model: str
    turns: int
    every_s: float
    ended_s_ago: float
    head: int
    step: int
    own: float = 1.0
    kind: str = "main"
    misses: tuple[int, ...] = ()
    fails: tuple[int, ...] = ()


DAY: Sequence[Work] = (
    Work("5d0e71", "claude-code", "claude-opus-4-8", 96, 41, 31, 23_000, 1_150, misses=(40,), fails=(71,)),
    Work("a93b20", "cline", "claude-sonnet-4-6", 64, 47, 74, 17_000, 1_400, own=0.31),
    Work("c04f9a", "claude-code", "claude-sonnet-4-6", 18, 23, 410, 14_000, 2_100, kind="subagent"),
    Work("71e6d8", "aider", "claude-opus-4-8", 38, 95, 3_900, 15_000, 1_700, own=0.0, misses=(20,)),
    Work("e2275b", "openclaw", "claude-sonnet-4-6", 51, 160, 9_600, 31_000, 620, own=0.78),
)


def turns(work: Work) -> Iterator[Turn]:
    """The rows of a session."""
    price = providers.price("anthropic", work.model, datetime.fromtimestamp(NOW, UTC).date())
    assert price is not None
    cached = 0
    for number in range(1, work.turns + 1):
        before_end = (work.turns - number) * work.every_s
        at = NOW - work.ended_s_ago - before_end - work.every_s * (number * 7 % 11) / 12
        row = Turn(session=work.session, turn=number, started_at=at, client=work.client, kind=work.kind,
                   model=work.model, model_used=work.model, streamed=True, planned=True,
                   ttfb_ms=640.0 + 97 * (number * 5 % 13), total_ms=4_000.0)  # fmt: skip
        if number in work.fails:
            yield replace(row, status="error", http_status=529, error_type="overloaded_error", cost_pusd=0,
                          baseline_no_cache_pusd=0, baseline_client_pusd=0)  # fmt: skip
            continue
        whole = work.head + work.step * number + work.step * (number * 3 % 7) // 9
        read = 0 if number in work.misses else cached
        usage = Usage(3, read, whole - read, 0, 90 + 37 * (number * 5 % 17))
        own = meter.with_split(usage, input_tokens=usage.prompt_tokens - int(whole * work.own),
                               cache_read_tokens=int(read * work.own), cache_write_1h_tokens=0,
                               cache_write_5m_tokens=int(whole * work.own) - int(read * work.own))  # fmt: skip
        costs = (meter.cost(usage, price), meter.no_cache_cost(usage, price), meter.cost(own, price))
        cost, no_cache, client = (meter.to_pico(usd) for usd in costs if usd is not None)
        yield replace(row, status="ok", http_status=200, usage=usage, usage_quality="exact", cost_pusd=cost,
                      baseline_no_cache_pusd=no_cache, baseline_client_pusd=client)  # fmt: skip
        cached = whole


def snapshot() -> Snapshot:
    """The day as the dashboard sees it."""
    rows = [turn for work in DAY for turn in turns(work)]
    with tempfile.TemporaryDirectory() as home:
        paths = find_paths({"SYNROUTER_HOME": home})
        paths.create()
        ledger = Ledger.open(paths.ledger_file, clock=lambda: NOW)
        for row in rows:
            ledger.record(row)
        ledger.flush(30)
        ledger.close()
        seen = Watcher(paths, zone=UTC).look(1, NOW)
    newest = max(rows, key=lambda row: row.started_at)
    running = replace(newest, turn=newest.turn + 1, started_at=NOW - 2, status="started", usage=None, cost_pusd=None,
                      usage_quality="none", ttfb_ms=None, http_status=None)  # fmt: skip
    daemon = Daemon(
        state="up",
        address="127.0.0.1:7477",
        uptime_s=31_000.0,
        level="safe",
        in_flight=1,
        providers=(Provider("anthropic", len(rows), 1, False, 1_028.0, "529 overloaded_error", NOW - 1_080),),
        keys={"anthropic": "SYNROUTER_ANTHROPIC_KEY"},
    )
    last = {row.session: row.started_at for row in rows}
    warm = {session: at + TTL_SECONDS["5m"] for session, at in last.items()}
    return replace(seen, turns=[running, *seen.turns], daemon=daemon, warm=warm)


def picture() -> str:
    """The SVG."""
    console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True,
                      color_system="truecolor", legacy_windows=False, _environ={})  # fmt: skip
    console.print(draw(snapshot(), View(), WIDTH, HEIGHT, UNICODE), end="")
    own_fonts = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    own_fonts = own_fonts.replace("font-family: Fira Code, monospace", f"font-family: {_FONTS}")
    return console.export_svg(title="synrouter up", theme=MONOKAI, code_format=own_fonts, unique_id="synrouter")


def main(words: Sequence[str] | None = None) -> int:
    """Write the picture, or with --check say whether it is that one; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    drawn = picture()
    if parser.parse_args(words).check:
        if PICTURE.exists() and PICTURE.read_text("utf-8") == drawn:
            return 0
        print(f"{PICTURE} is out of date: python tools/make_picture.py", file=sys.stderr)
        return 1
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
