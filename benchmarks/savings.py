"""What recorded sessions cost under each policy, and how much of what there is to save it saves.

    python benchmarks/savings.py --traces DIR [--model claude-opus-4-8] [--client none] [--only SESSION]… [--json]

Every session is replayed on the cache model at its own times: without caching, with a marker at the head, with head
and tail for five minutes and for an hour, through Synrouter, and under the two bounds of `bound.py`. `saved` is of the
cost without caching, output included; `hit` is read tokens of prompt tokens. Nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks import layouts, traces
from benchmarks.policies import LEVELS, Outcome, Session, policies, total

Results = dict[str, dict[str, Outcome]]
"""Session → policy → outcome."""


def measure(sessions: Sequence[Session], levels: Sequence[str], client: str, console: Console) -> Results:
    """Replay each session under each policy, with a progress bar on `console`."""
    chosen = policies(levels, client)
    results: Results = {session.name: {} for session in sessions}
    columns = (
        TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        # what takes longest are the requests
        task = progress.add_task("", total=sum(len(session.requests) for session in sessions) * len(chosen))
        for session in sessions:
            for name, policy in chosen.items():
                progress.update(task, description=f"{session.name}: {name}")
                results[session.name][name] = policy(session)
                progress.advance(task, len(session.requests))
    return results


def overall(results: Results) -> dict[str, Outcome]:
    """Policy → all sessions together."""
    names = next(iter(results.values()))
    return {name: total(found[name] for found in results.values()) for name in names}


def saved(outcome: Outcome, nothing: Outcome) -> float:
    """The share of the cost without caching that was saved."""
    return float(1 - outcome.usd / nothing.usd) if nothing.usd else 0.0


def figures(found: dict[str, Outcome]) -> dict[str, dict[str, float | None]]:
    """Policy → its figures, as `--json` has them."""
    return {
        name: {"cost_usd": float(o.usd), "saved": saved(o, found["none"]), "hit_rate": o.hit_rate}
        for name, o in found.items()
    }


def totals_table(found: dict[str, Outcome]) -> Table:
    """A row a policy."""
    table = Table("policy", title="all sessions", title_justify="left")
    for name in ("cost", "saved", "of the bound", "hit"):
        table.add_column(name, justify="right")
    most = saved(found["bound"], found["none"])
    for name, outcome in found.items():
        share = saved(outcome, found["none"])
        reach = f"{share / most:.1%}" if most else "–"
        table.add_row(name, f"${outcome.usd:,.2f}", f"{share:.1%}", reach, _hit(outcome))
    return table


def sessions_table(results: Results) -> Table:
    """A row a session and policy, so that cost, saved and hit stand side by side."""
    names = list(next(iter(results.values())))
    table = Table("session", "none", title="cost, saved, hit", title_justify="left")
    for name in names[1:]:
        table.add_column(name, justify="right")
    for session, found in results.items():
        cells = (f"${o.usd:,.2f} {saved(o, found['none']):.1%} {_hit(o)}" for n, o in found.items() if n != "none")
        table.add_row(session, f"${found['none'].usd:,.2f}", *cells)
    return table


def _hit(outcome: Outcome) -> str:
    return "" if outcome.hit_rate is None else f"{outcome.hit_rate:.1%}"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--traces", type=Path, required=True, help="a folder of recorded sessions (*.jsonl)")
    result.add_argument("--model", default="claude-opus-4-8", help="whose prices and rules hold")
    result.add_argument("--client", choices=sorted(layouts.LAYOUTS), default="none", help="how the client marks")
    result.add_argument("--level", action="append", choices=["observe", "safe", "standard", "max"])
    result.add_argument("--only", action="append", metavar="SESSION", help="only sessions whose name contains this")
    result.add_argument("--most", type=int, metavar="N", help="only the first N requests of each")
    result.add_argument("--json", action="store_true")
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; 0, or 2 where there is nothing to replay."""
    options = parser().parse_args(arguments)
    wanted = options.only or [""]
    found = [t for t in traces.load_all(options.traces) if any(part in t.name for part in wanted)]
    if not found:
        print(f"no recorded session in {options.traces}", file=sys.stderr)
        return 2
    sessions = [Session.of(trace, options.model, options.most) for trace in found]
    results = measure(sessions, options.level or LEVELS, options.client, Console(stderr=True))
    together = overall(results)
    if options.json:
        report: dict[str, Any] = {name: figures(by_policy) for name, by_policy in results.items()}
        print(json.dumps({"model": options.model, "sessions": report, "all": figures(together)}, indent=1))
        return 0
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(totals_table(together))
    console.print(sessions_table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
