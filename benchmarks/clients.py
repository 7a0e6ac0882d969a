"""Real clients with Synrouter in front, alone, uncached, and under the best layout of somebody who knows them.

    python benchmarks/clients.py --traces DIR [--only CLIENT]… [--session NAME]… [--most N] [--worst N] [--json]
    python benchmarks/clients.py --mix [--seed N] [--count N] …

Each session, recorded or of the mix, is sent as each client of `shapes.py` would send it, on a cache of its own.
`best` is the cheapest of the fixed layouts in `KNOWING` for five minutes, placed with what is known of the client's
prompts; `best 1h` is the same places for an hour. `claimed` is what the ledger says was saved, `true` what was. Costs
are USD of prompts. Ends with 1 where a client's sessions are dearer than with its own markers by more than 0.01%, or
where claimed and true differ by half a cent in one of them. `worst session` is ours/client of the one that fares worst:
one that ends after a request or two may not get back what was written for its next.

>>> body = {"system": [{}], "tools": [{}], "messages": [{"role": r} for r in ("user", "assistant", "user")]}
>>> [place(name, body, Client(lambda at, body: body)) for name in ("system", "real", "before assistant", "previous")]
[('system', 0), ('messages', 2), ('messages', 0), ('messages', 0)]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.table import Table

from benchmarks import mix, replay, traces
from benchmarks.bodies import LISTS, Body, OnceEach, Part, as_bytes, mark_message, marked
from benchmarks.layouts import FIVE, HOUR
from benchmarks.runs import Step, Sum, alone, through
from benchmarks.shapes import SHAPES, Client
from synrouter_cli import meter

KNOWING = (
    ("system", "tail"),
    ("system", "real"),
    ("system", "previous", "real"),
    ("tools", "system", "previous", "real"),
    ("system", "before assistant"),
    ("system", "before assistant", "real"),
    ("system", "before user"),
    ("system", "before user", "real"),
)
"""Fixed layouts as the places they mark."""
DEARER, CENT = Decimal("1.0001"), Decimal("0.005")


def place(name: str, body: Body, client: Client) -> tuple[str, int] | None:
    """Where a place is in this body, or None where it has none."""
    if name == "tools":
        return ("tools", len(body["tools"]) - 1) if body.get("tools") else None
    if name == "system":
        return "system", range(len(body["system"]))[client.stable_system]
    messages = body["messages"]
    lasting = len(messages) - client.carriers
    users = [index for index in range(lasting) if messages[index]["role"] == "user"]
    answers = [index for index in range(lasting) if messages[index]["role"] == "assistant"]
    found = {
        "tail": len(messages) - 1,
        "real": lasting - 1,
        "previous": users[-2] if len(users) > 1 else -1,
        "before assistant": answers[-1] - 1 if answers else -1,
        "before user": users[-1] - 1 if users else -1,
    }[name]
    return ("messages", found) if found >= 0 else None


def placed(body: Body, client: Client, names: Sequence[str], ttl: dict[str, str]) -> Body:
    """A body without markers → with markers at these places."""
    result = {**body, **{name: list(body[name]) for name in LISTS if name in body}}
    for where, index in {found for name in names if (found := place(name, body, client)) is not None}:
        if where == "messages":
            mark_message(result, index, ttl)
        else:
            result[where][index] = marked(result[where][index], ttl)
    return result


def _unmarked_block(block: Part) -> Part:
    return {key: value for key, value in block.items() if key != "cache_control"}


def _unmarked_part(part: Part) -> Part:
    content = part.get("content")
    plain = _unmarked_block(part) if "cache_control" in part else part
    if isinstance(content, list) and any("cache_control" in block for block in content):
        plain = {**plain, "content": [_unmarked_block(block) for block in content]}
    return plain


_unmarked = OnceEach(_unmarked_part)


def unmarked(body: Body) -> Body:
    """The body without any marker."""
    plain = _unmarked_block(body)
    return {**plain, **{name: [_unmarked(part) for part in plain[name]] for name in LISTS if name in plain}}


Best = dict[str, tuple[str, Sum]]
"""Lifetime → the best layout's name and what it costs."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One session of a client: USD, and the name of the best layout for each lifetime."""

    session: str
    requests: int
    uncached: Decimal
    client: Sum
    ours: Sum
    best: Best

    @property
    def claimed(self) -> Decimal:
        return sum(
            (meter.from_pico((row.baseline_client_pusd or 0) - (row.cost_pusd or 0)) for row in self.ours.rows),
            Decimal(0),
        )

    @property
    def true(self) -> Decimal:
        return self.client.usd - self.ours.usd

    @property
    def ratio(self) -> Decimal:
        """What it costs through Synrouter, of what the client pays alone."""
        return self.ours.usd / self.client.usd


def wrong(found: Sequence[Measured]) -> str:
    """What must not be, in words: dearer than alone, all sessions together, or a false claim in one of them."""
    client, ours = (sum(column, Decimal(0)) for column in _columns(found))
    said = [f"dearer than alone: ${ours:.4f}, ${client:.4f}"] if ours > client * DEARER else []
    false = [m for m in found if abs(m.claimed - m.true) >= CENT]
    return "; ".join([*said, *(f"{m.session} claimed ${m.claimed:.4f}, true ${m.true:.4f}" for m in false)])


def _columns(found: Sequence[Measured]) -> tuple[list[Decimal], list[Decimal]]:
    return [m.client.usd for m in found], [m.ours.usd for m in found]


class Knowing:
    """The best fixed layout of a session, worked out once for all clients that send the same but for markers."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._known: dict[tuple[object, ...], Best] = {}

    def best(self, plain: list[Step], client: Client) -> Best:
        """The cheapest of `KNOWING` on requests without markers."""
        ends = [as_bytes(plain[index][1]) for index in (0, -1)]
        key = (len(plain), *ends, client.stable_system, client.carriers)
        if key not in self._known:
            runs = {names: self._run(plain, client, names, FIVE) for names in KNOWING}
            names = min(runs, key=lambda names: runs[names].usd)
            hour = self._run(plain, client, names, HOUR)
            self._known[key] = {"5m": (" + ".join(names), runs[names]), "1h": (" + ".join(names), hour)}
        return self._known[key]

    def _run(self, plain: list[Step], client: Client, names: Sequence[str], ttl: dict[str, str]) -> Sum:
        return alone([(at, placed(body, client, names, ttl)) for at, body in plain], self._model, _as_is)


def measure(session: str, steps: list[Step], client: Client, model: str, knowing: Knowing) -> Measured:
    """Replay a session as a client sends it, alone, through Synrouter, uncached and under the best layout."""
    sent = client.requests(steps)
    plain = [(at, unmarked(body)) for at, body in sent]
    return Measured(
        session,
        len(sent),
        alone(plain, model, _as_is).usd,
        alone(sent, model, _as_is),
        through(sent, model, _as_is, headers=client.headers),
        knowing.best(plain, client),
    )


def _as_is(body: Body) -> Body:
    return body


def summed(name: str, found: Sequence[Measured]) -> dict[str, Any]:
    """A client's row over all its sessions; each session has the layout that is best for it."""
    client, ours = (sum(column, Decimal(0)) for column in _columns(found))
    uncached = sum((m.uncached for m in found), Decimal(0))
    five, hour = (sum((m.best[ttl][1].usd for m in found), Decimal(0)) for ttl in ("5m", "1h"))
    return {
        "client": name,
        "requests": sum(m.requests for m in found),
        "uncached": uncached,
        "client/uncached": client / uncached,
        "ours/uncached": ours / uncached,
        "best/uncached": five / uncached,
        "ours/client": ours / client,
        "worst session": max(m.ratio for m in found),
        "ours/best": ours / five,
        "ours/best 1h": ours / hour,
        "claimed": sum((m.claimed for m in found), Decimal(0)),
        "true": sum((m.true for m in found), Decimal(0)),
        "best layout": ", ".join(dict.fromkeys(m.best["5m"][0] for m in found)),
        "wrong": wrong(found),
    }


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """A row a client."""
    result = Table(title="prompt cost", title_justify="left")
    for name, value in rows[0].items():
        result.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in rows:
        result.add_row(*(f"{v:.4f}" if isinstance(v, Decimal) else str(v) for v in row.values()))
    return result


def worst_turns(found: Measured, count: int) -> Table:
    """The turns that cost most beyond the best layout for five minutes, with what was planned."""
    name, best = found.best["5m"]
    result = Table(title=f"{found.session}: dearer than {name}", title_justify="left")
    for column in ("turn", "ours", "best", "client", "plan", "read", "5m", "1h", "input", "reason"):
        result.add_column(column)
    mine, theirs, own = found.ours.per_turn, best.per_turn, found.client.per_turn
    dearer = [index for index in range(len(mine)) if mine[index] > theirs[index]]
    for index in sorted(dearer, key=lambda index: theirs[index] - mine[index])[:count]:
        row = found.ours.rows[index]
        usage = row.usage
        assert usage is not None
        tokens = (usage.cache_read_tokens, usage.cache_write_5m_tokens, usage.cache_write_1h_tokens, usage.input_tokens)
        costs = (f"{usd[index]:.4f}" for usd in (mine, theirs, own))
        result.add_row(str(index), *costs, row.plan, *map(str, tokens), row.reason)
    return result


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = result.add_mutually_exclusive_group(required=True)
    source.add_argument("--traces", type=Path, help="a folder of recorded sessions (*.jsonl)")
    source.add_argument("--mix", action="store_true", help="made sessions: paused, headless and short ones")
    result.add_argument("--seed", type=int, default=1, help="of the mix")
    result.add_argument("--count", type=int, default=6, help="of the mix's sessions")
    result.add_argument("--only", action="append", metavar="CLIENT", help="only clients whose name contains this")
    result.add_argument("--session", action="append", help="only sessions whose name contains this")
    result.add_argument("--most", type=int, metavar="N", help="only the first N requests of each")
    result.add_argument("--model", default="claude-opus-4-8", help="whose prices and rules hold")
    result.add_argument("--worst", type=int, default=0, metavar="N", help="the N worst turns of each against the best")
    result.add_argument("--json", action="store_true")
    return result


def _source(options: argparse.Namespace) -> Iterator[tuple[str, list[Step]]]:
    """Sessions by name."""
    if options.mix:
        yield from ((made.name, made.requests) for made in mix.sessions(options.seed, options.count, options.model))
    else:
        yield from ((t.name, replay.steps(t, options.model)) for t in traces.load_all(options.traces))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    options = parser().parse_args(arguments)
    wanted = options.session or [""]
    sessions = [(name, steps[: options.most]) for name, steps in _source(options) if any(p in name for p in wanted)]
    chosen = [name for name in SHAPES if any(part in name for part in options.only or [""])]
    if not sessions or not chosen:
        print("no such session, or no such client", file=sys.stderr)
        return 2
    console = Console() if sys.stdout.isatty() else Console(width=240)
    rows: list[dict[str, Any]] = []
    knowing = Knowing(options.model)
    for name in chosen:
        measured = [measure(session, steps, SHAPES[name], options.model, knowing) for session, steps in sessions]
        rows.append(summed(name, measured))
        print(f"  {name}", file=sys.stderr)
        for one in measured if options.worst and not options.json else ():
            if one.ours.usd > one.best["5m"][1].usd:
                console.print(name, worst_turns(one, options.worst))
    if options.json:
        print(json.dumps(rows, default=float, indent=1))
    else:
        console.print(table(rows))
    return 1 if any(row["wrong"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
