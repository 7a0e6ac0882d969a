"""What sessions cost under each policy, and how much of what there is to save it saves.

    python benchmarks/savings.py --traces DIR [--model claude-opus-4-8]… [--client none] [--only SESSION]… [--json]
    python benchmarks/savings.py --mix [--seed N] [--model …]… [--json]

Every session is replayed on the cache model at its own times: without caching, with a marker at the head, with head
and tail for five minutes and for an hour, the latter also with one blind ping a pause, through Synrouter, and under the
two bounds of `bound.py`. A recorded session is judged by itself; "learned" is Synrouter with the other sessions' times
as its past. The sessions of the mix meet one cache and one Synrouter, which learns as they come. `saved` is of the cost
without caching, output included; `hit` is read tokens of prompt tokens; `behind` is by how many points of the cost
without caching a session costs more than under the better of the two constants. Nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks import layouts, mix, policies, traces
from benchmarks.policies import FIVE, HOUR, LEVELS, Outcome, Session, total

Results = dict[str, dict[str, Outcome]]
"""Session → policy → outcome."""


def measure(groups: Sequence[Sequence[Session]], levels: Sequence[str], client: str, console: Console) -> Results:
    """Replay each group of sessions under each policy, with a progress bar on `console`. A group meets one cache."""
    chosen = policies.together(levels, client)
    results: Results = {session.name: {} for group in groups for session in group}
    columns = (
        TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        # what takes longest are the requests
        sizes = [sum(len(session.requests) for session in group) for group in groups]
        task = progress.add_task("", total=sum(sizes) * len(chosen))
        for group, size in zip(groups, sizes, strict=True):
            for name, policy in chosen.items():
                progress.update(task, description=f"{group[0].name if len(group) == 1 else 'mix'}: {name}")
                for session, outcome in zip(group, policy(group), strict=True):
                    results[session.name][name] = outcome
                progress.advance(task, size)
    return results


def by_kind(results: Results) -> Results:
    """The same results with the sessions of a kind added up: their names begin with it."""
    kinds = dict.fromkeys(name.partition("-")[0] for name in results)
    return {kind: overall(found for name, found in results.items() if name.startswith(f"{kind}-")) for kind in kinds}


def overall(results: Iterable[dict[str, Outcome]]) -> dict[str, Outcome]:
    """Policy → all sessions together."""
    found = list(results)
    return {name: total(by_policy[name] for by_policy in found) for name in found[0]}


def saved(outcome: Outcome, nothing: Outcome) -> float:
    """The share of the cost without caching that was saved."""
    return float(1 - outcome.usd / nothing.usd) if nothing.usd else 0.0


def behind(outcome: Outcome, found: dict[str, Outcome]) -> float:
    """By how many points of the cost without caching it costs more than the better constant; negative: less."""
    better = min(found[FIVE].usd, found[HOUR].usd)
    return 100 * float((outcome.usd - better) / found["none"].usd) if found["none"].usd else 0.0


def figures(found: dict[str, Outcome]) -> dict[str, dict[str, float | None]]:
    """Policy → its figures, as `--json` has them."""
    return {
        name: {
            "cost_usd": float(o.usd),
            "saved": saved(o, found["none"]),
            "hit_rate": o.hit_rate,
            "pings": o.pings,
            "behind_points": behind(o, found),
        }
        for name, o in found.items()
    }


def totals_table(found: dict[str, Outcome], results: Results, title: str) -> Table:
    """A row a policy: all sessions together, and the session that is furthest behind its better constant."""
    table = Table("policy", title=title, title_justify="left")
    for name in ("cost", "saved", "of the bound", "hit", "pings", "behind", "worst session", "behind"):
        table.add_column(name, justify="right")
    most = saved(found["bound"], found["none"])
    for name, outcome in found.items():
        share = saved(outcome, found["none"])
        reach = f"{share / most:.1%}" if most else "–"
        worst = max(results, key=lambda session: behind(results[session][name], results[session]))
        table.add_row(
            name,
            f"${outcome.usd:,.2f}",
            f"{share:.1%}",
            reach,
            _hit(outcome),
            str(outcome.pings or ""),
            f"{behind(outcome, found):+.2f}",
            worst,
            f"{behind(results[worst][name], results[worst]):+.2f}",
        )
    return table


def sessions_table(results: Results, title: str) -> Table:
    """A row a session and policy, so that cost, saved and hit stand side by side."""
    names = list(next(iter(results.values())))
    table = Table("session", "none", title=f"{title}: cost, saved, hit", title_justify="left")
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
    source = result.add_mutually_exclusive_group(required=True)
    source.add_argument("--traces", type=Path, help="a folder of recorded sessions (*.jsonl)")
    source.add_argument("--mix", action="store_true", help="made sessions: paused, headless and short ones")
    result.add_argument("--seed", type=int, default=1, help="of the mix")
    result.add_argument("--count", type=int, default=60, help="of the mix's sessions")
    result.add_argument("--model", action="append", help="whose prices and rules hold; may be repeated")
    result.add_argument("--client", choices=sorted(layouts.LAYOUTS), default="none", help="how the client marks")
    result.add_argument("--level", action="append", choices=["observe", "safe", "standard", "max"])
    result.add_argument("--only", action="append", metavar="SESSION", help="only sessions whose name contains this")
    result.add_argument("--most", type=int, metavar="N", help="only the first N requests of each")
    result.add_argument("--json", action="store_true")
    return result


def groups_of(options: argparse.Namespace, model: str) -> list[list[Session]]:
    """What is replayed: recorded sessions one by one, or the mix together; each session with its past."""
    wanted = options.only or [""]
    if options.mix:
        made = mix.sessions(options.seed, options.count, model)
        if options.most is not None:
            made = [replace(s, requests=s.requests[: options.most]) for s in made]
        chosen = [s for s in made if any(part in s.name for part in wanted)]
        return [chosen] if chosen else []
    # what is left out of the run is still what was learned from
    everything = [Session.of(trace, model, options.most) for trace in traces.load_all(options.traces)]
    return [[s] for s in policies.leave_one_out(everything) if any(part in s.name for part in wanted)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; 0, or 2 where there is nothing to replay."""
    options = parser().parse_args(arguments)
    reports: list[dict[str, Any]] = []
    console = Console() if sys.stdout.isatty() else Console(width=200)
    for model in options.model or [mix.MODEL]:
        groups = groups_of(options, model)
        if not groups:
            print(f"no recorded session in {options.traces or 'the mix'}", file=sys.stderr)
            return 2
        results = measure(groups, options.level or LEVELS, options.client, Console(stderr=True))
        together = overall(results.values())
        shown = by_kind(results) if options.mix else results
        if options.json:
            sessions = {name: figures(found) for name, found in results.items()}
            kinds = {name: figures(found) for name, found in shown.items()} if options.mix else {}
            reports.append({"model": model, "sessions": sessions, "kinds": kinds, "all": figures(together)})
        else:
            console.print(totals_table(together, results, f"all sessions, {model}"))
            console.print(sessions_table(shown, model))
    if options.json:
        print(json.dumps(reports[0] if len(reports) == 1 else reports, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
