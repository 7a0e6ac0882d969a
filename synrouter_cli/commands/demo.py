"""`synrouter demo`: the real proxy between scripted agents and a simulated provider, on a ledger of its own.

It is `up` with another upstream, a clock that runs fast and somebody at work: guard, planner, meter and ledger are the
real ones, and so are their figures. No key, no network; everything lies in a temporary folder that is gone at the end.

    $ synrouter demo --plain --seconds 20
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from synrouter_cli.dashboard.units import percent, usd
from synrouter_cli.errors import EXIT_INTERRUPTED, UsageError
from synrouter_cli.paths import Paths
from synrouter_cli.settings import load

SECONDS: Final = 45.0
"""How long the demo plays unless told."""
_SHORTEST_S: Final = 2.0
_LONGEST_S: Final = 3600.0
_DRAIN_S: Final = 1.0
_EVER: Final = 2.0**40
_NOTICE: Final = "synrouter: a simulation, {speed:.0f} times as fast as life: no key, no network, no real prompt"
_KEY: Final = "sk-ant-demo-there-is-no-key"


def run(*, plain: bool = False, seconds: float = SECONDS) -> int:
    """Play the demo for about `seconds`, in lines instead of the dashboard with `plain` or without a terminal.

    Returns 0, or 130 after Ctrl-C. Raises UsageError.
    """
    if not _SHORTEST_S <= seconds <= _LONGEST_S:
        detail = f"--seconds takes a number from {_SHORTEST_S:g} to {_LONGEST_S:g}, not {seconds:g}."
        raise UsageError(detail=detail, hint="synrouter demo")
    from synrouter_cli.commands.demo_proxy import assemble_on
    from synrouter_cli.commands.up import terminal_face, turn_line
    from synrouter_cli.daemon import server
    from synrouter_cli.demo.stage import Stage

    with tempfile.TemporaryDirectory(prefix="synrouter-demo-") as home, Stage(seconds) as stage:
        environment = {"SYNROUTER_HOME": home, "SYNROUTER_ANTHROPIC_KEY": _KEY}
        settings = replace(
            load(port=0, upstreams=[f"anthropic={stage.upstream}"], environ=environment),
            key_sources={"anthropic": "simulation"},
            drain_s=_DRAIN_S,
        )
        face = None if plain else terminal_face(settings)
        print(_NOTICE.format(speed=stage.clock.speed), file=sys.stderr)
        code = server.run(settings, assemble=assemble_on(stage, turn_line), face=face)
        if code != EXIT_INTERRUPTED:
            for line in closing(settings.paths):
                print(line)
    return code


def closing(paths: Paths) -> Iterator[str]:
    """What the ledger says in the end, and what to type for the same with real requests."""
    from synrouter_cli.ledger import queries

    totals = queries.report(paths.ledger_file, 0.0, _EVER).totals
    sums = totals.api
    program = _program()
    yield ""
    yield f"Simulated requests, real ledger: {sums.turns} turns, {percent(totals.cache_hit_rate)} read from the cache."
    yield f"  cost                      {usd(sums.cost_usd):>8}"
    yield f"  without any caching       {usd(sums.baseline_no_cache_usd):>8}"
    yield f"  as these agents ask       {usd(sums.baseline_client_usd):>8}   without Synrouter"
    yield f"  saved by Synrouter        {usd(sums.saved_by_synrouter_usd):>8}"
    yield ""
    yield "Next, with requests of your own:"
    yield f"  SYNROUTER_ANTHROPIC_KEY=sk-ant-… {program} up"
    yield f"  ANTHROPIC_BASE_URL=http://127.0.0.1:7477 ANTHROPIC_AUTH_TOKEN=$({program} token show) claude"
    yield f"  {program} stats"


def _program() -> str:
    """What to type for this program: its name where the shell finds it, else as it was started."""
    if shutil.which("synrouter"):
        return "synrouter"
    started = Path(sys.argv[0])
    return str(started) if started.stem == "synrouter" else f"{sys.executable} -m synrouter_cli"
