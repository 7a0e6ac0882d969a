"""Replay sessions against the cache model: what a policy costs on the same requests, at the same times.

    python benchmarks/replay.py --traces DIR [--model claude-opus-4-8] [--json]

Two tables. "caching": each session as a client that marks nothing, Synrouter against fixed layouts. "never worse":
each session as real clients mark it, Synrouter in front of them against the client alone. Costs are USD at the model's
prices, without output. A request that the provider would refuse ends the run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import layouts, traces
from synrouter_cli import meter, providers
from synrouter_cli.cache.model import Split
from synrouter_cli.estimate.synrouter import Memory, Synrouter
from synrouter_cli.estimate.upstream import Upstream
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.wire.usage import Usage


@dataclass(slots=True)
class Sum:
    """What a run cost: tokens by class, USD without output, turns and those that hit."""

    split: Split = field(default_factory=Split)
    usd: Decimal = Decimal(0)
    per_turn: list[Decimal] = field(default_factory=list)
    rows: list[Turn] = field(default_factory=list)

    def add(self, split: Split, usd: Decimal) -> None:
        old = self.split
        self.split = Split(
            old.read + split.read,
            old.write_5m + split.write_5m,
            old.write_1h + split.write_1h,
            old.input + split.input,
        )
        self.usd += usd
        self.per_turn.append(usd)

    @property
    def hit_rate(self) -> float:
        return self.split.read / self.split.total if self.split.total else 0.0


Step = tuple[float, dict[str, Any]]


def steps(trace: traces.Trace, model: str) -> list[Step]:
    """A session's requests without markers."""
    fixed = traces.head()
    return [(request.at, traces.body(request, model, fixed)) for request in traces.requests(trace)]


def alone(requests: Iterable[Step], model: str, layout: Callable[[layouts.Body], layouts.Body]) -> Sum:
    """The client on its own."""
    upstream, result = Upstream(model), Sum()
    for now, body in requests:
        split = upstream.answer(as_bytes(layouts.laid_out(body, layout)), now)
        result.add(split, price_of(split, model))
    return result


def through(
    requests: Iterable[Step], model: str, layout: Callable[[layouts.Body], layouts.Body], level: str = "safe"
) -> Sum:
    """The same client with Synrouter in front of it."""
    upstream, ledger, result = Upstream(model), Memory(), Sum()
    synrouter = Synrouter(level, ledger)
    for now, body in requests:
        raw = as_bytes(layouts.laid_out(body, layout))
        sent = synrouter.sends(raw, now, model)
        if level == "observe" and sent.body != raw:
            raise ValueError("observe changed a byte")
        split = upstream.answer(sent.body, now)
        sent.answered(split)
        result.add(split, price_of(split, model))
    result.rows = ledger.rows
    return result


def price_of(split: Split, model: str, output_tokens: int = 0) -> Decimal:
    """USD of a prompt's tokens, and of an answer's."""
    price = providers.price("anthropic", model, date(2026, 11, 1))
    if price is None:
        raise SystemExit(f"no price for {model}")
    cost = meter.cost(Usage(split.input, split.read, split.write_5m, split.write_1h, output_tokens), price)
    assert cost is not None
    return cost


def fan_out(calls: int, turns: int, model: str) -> list[Step]:
    """A session in which every turn answers `calls` calls, with a word between each: no run shortens it."""
    fixed = traces.head()
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": "begin " * 200}]}]
    result: list[Step] = []
    for turn in range(turns):
        request = traces.Request(turn * 20.0, list(messages), 0, None, None, 0.0)
        result.append((turn * 20.0, traces.body(request, model, fixed)))
        uses: list[dict[str, Any]] = []
        results: list[dict[str, Any]] = []
        for call in range(calls):
            ident = f"toolu_{turn}_{call}"
            uses += [
                {"type": "text", "text": f"Now part {call} of step {turn}."},
                {
                    "type": "tool_use",
                    "id": ident,
                    "name": "tool_01",
                    "input": {"path": f"src/{turn}/{call}.py"},
                },
            ]
            results.append({"type": "tool_result", "tool_use_id": ident, "content": f"line {turn} {call}\n" * 60})
            results.append({"type": "text", "text": f"note {call}"})
        messages += [{"role": "assistant", "content": uses}, {"role": "user", "content": results}]
    return result


def as_bytes(body: dict[str, Any]) -> bytes:
    """A body as it goes over the wire."""
    return json.dumps(body).encode()


def caching(found: list[traces.Trace], model: str) -> list[dict[str, Any]]:
    """Each session as a client that marks nothing."""
    rows = []
    sessions = [(trace.name, steps(trace, model)) for trace in found]
    sessions += [(f"fan-out of {calls}", fan_out(calls, 12, model)) for calls in (14, 30)]
    for name, requests in sessions:
        nothing = alone(requests, model, layouts.none)
        ours = through(requests, model, layouts.none)
        best_turns = alone(requests, model, layouts.head_previous_tail)
        rows.append(
            {
                "session": name,
                "requests": len(requests),
                "none": nothing.usd,
                "head + tail": alone(requests, model, layouts.head_tail).usd,
                "head + prev + tail": best_turns.usd,
                "ours": ours.usd,
                "hit": ours.hit_rate,
                "saved": 1 - ours.usd / nothing.usd,
                "worst turn": max((a - b for a, b in zip(ours.per_turn, best_turns.per_turn, strict=True))),
            }
        )
        print(f"  {name}", file=sys.stderr)
    return rows


def never_worse(found: list[traces.Trace], model: str) -> list[dict[str, Any]]:
    """Each session as real clients mark it, with Synrouter in front and without."""
    rows = []
    for name, layout in layouts.LAYOUTS.items():
        theirs_usd = ours_usd = by_us = observe_gap = Decimal(0)
        for trace in found:
            requests = steps(trace, model)
            theirs = alone(requests, model, layout)
            ours = through(requests, model, layout)
            observed = through(requests, model, layout, "observe")
            theirs_usd += theirs.usd
            ours_usd += ours.usd
            by_us += sum(
                (meter.from_pico((r.baseline_client_pusd or 0) - (r.cost_pusd or 0)) for r in ours.rows),
                Decimal(0),
            )
            observe_gap += sum(
                (meter.from_pico(abs((r.baseline_client_pusd or 0) - (r.cost_pusd or 0))) for r in observed.rows),
                Decimal(0),
            )
        rows.append(
            {
                "layout": name,
                "client alone": theirs_usd,
                "ours": ours_usd,
                "ours/client": ours_usd / theirs_usd,
                "claimed": by_us,
                "true": theirs_usd - ours_usd,
                "observe |baseline-cost|": observe_gap,
            }
        )
        print(f"  {name}", file=sys.stderr)
    return rows


def _table(rows: list[dict[str, Any]]) -> None:
    names = list(rows[0])
    widths = [max(len(name), 12) for name in names]
    widths[0] = max(len(str(row[names[0]])) for row in rows) + 1
    print(
        "  ".join(name.rjust(w) if i else name.ljust(w) for i, (name, w) in enumerate(zip(names, widths, strict=True)))
    )
    for row in rows:
        cells = []
        for index, (name, width) in enumerate(zip(names, widths, strict=True)):
            value = row[name]
            text = f"{value:.4f}" if isinstance(value, Decimal | float) else str(value)
            cells.append(text.rjust(width) if index else text.ljust(width))
        print("  ".join(cells))


def main() -> None:
    """Run both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--model", default="claude-opus-4-8")
    parser.add_argument("--only", choices=["caching", "never-worse"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = traces.load_all(options.traces)
    result: dict[str, list[dict[str, Any]]] = {}
    if options.only != "never-worse":
        result["caching"] = caching(found, options.model)
    if options.only != "caching":
        result["never worse"] = never_worse(found, options.model)
    if options.json:
        print(json.dumps(result, default=float, indent=1))
        return
    for rows in result.values():
        _table(rows)
        print()


if __name__ == "__main__":
    main()
