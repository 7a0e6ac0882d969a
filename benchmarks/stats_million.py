"""How long `synrouter stats` takes on a large ledger, against starting typer and Rich and doing nothing.

    python benchmarks/stats_million.py [--turns 1000000] [--days 365] [--rounds 15] [--ledger DIR] [--json]

The ledger is made up: sessions of some 60 turns over all days, six models, both kinds of billing. With --ledger it
is made once in DIR and kept. Commands are run in turn, so that a busy moment of the machine hits all of them; what
counts is the ratio of the medians of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from synrouter_cli.ledger.columns import COLUMNS, ROLLUPS, encode  # noqa: E402
from synrouter_cli.ledger.figures import MEASURES  # noqa: E402
from synrouter_cli.ledger.rows import Turn  # noqa: E402
from synrouter_cli.ledger.store import Store  # noqa: E402
from synrouter_cli.wire.usage import Usage  # noqa: E402

BASELINE = ("-c", "import typer, rich")
COMMANDS = (
    ("stats",),
    ("stats", "--since", "52w"),
    ("stats", "--since", "52w", "--by", "model"),
    ("stats", "--since", "52w", "--by", "client"),
    ("stats", "--since", "52w", "--by", "session"),
    ("stats", "--since", "52w", "--json"),
)
ALLOWED = 3.0
"""Times the baseline, of the plain command."""

_MODELS = ("claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5", "gpt-5.2", "glm-5", "kimi-k3")
_CLIENTS = ("claude-code", "codex", "cline", "openclaw")
_TURNS_A_SESSION = 60


def turns(count: int, days: int, now: float) -> Iterator[Turn]:
    """`count` turns whose sessions began evenly over the last `days` days."""
    dice = random.Random(7)
    sessions = max(1, count // _TURNS_A_SESSION)
    for number in range(count):
        session, turn = divmod(number, _TURNS_A_SESSION)
        begin = now - days * 86_400 * (1 - session / (sessions + 1))
        read, wrote = dice.randrange(10_000, 150_000), dice.randrange(100, 4_000)
        cost = dice.randrange(10**9, 10**11)
        yield Turn(
            session=f"{session * 2654435761 % 2**32:08x}{session:04x}",
            turn=turn + 1,
            started_at=begin + turn * 20,
            status="ok" if dice.random() > 0.01 else "error",
            client=_CLIENTS[session % len(_CLIENTS)],
            model=_MODELS[session % len(_MODELS)],
            billing="subscription" if session % 5 == 0 else "api",
            usage=Usage(12, read, wrote, 0, dice.randrange(20, 900)),
            usage_quality="exact",
            cost_pusd=cost,
            baseline_no_cache_pusd=cost * 6,
            baseline_client_pusd=cost + cost // 9,
        )


def make(path: Path, count: int, days: int) -> None:
    """A ledger of made-up turns. The rollups are summed up at once, by the ledger's own view."""
    Store.open(path).close()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN")
    holes = ", ".join("?" * len(COLUMNS))
    rows = (encode(turn) for turn in turns(count, days, time.time()))
    db.executemany(f"INSERT INTO turns ({', '.join(COLUMNS)}) VALUES ({holes})", rows)
    for table, keys in ROLLUPS.items():
        sums = ", ".join(f"sum({name})" for name in MEASURES)
        names = ", ".join((*keys, *MEASURES))
        db.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(keys)}, {sums} "
            f"FROM final_turns GROUP BY {', '.join(keys)}"
        )
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def seconds(arguments: tuple[str, ...], home: Path) -> float:
    """How long `python ARGUMENTS` takes."""
    environment = {**os.environ, "SYNROUTER_HOME": str(home), "PYTHONPATH": str(ROOT)}
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def measure(home: Path, rounds: int) -> dict[str, float]:
    """Median seconds of the baseline and of every command, run in turn."""
    runs = {" ".join(words): ("-m", "synrouter_cli", *words) for words in COMMANDS}
    runs = {"baseline": BASELINE, **runs}
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, arguments in runs.items():
            taken[name].append(seconds(arguments, home))
    return {name: statistics.median(values) for name, values in taken.items()}


def main() -> int:
    """Make or take the ledger, measure, print; 1 where the plain command takes longer than allowed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--ledger", type=Path, help="a folder to keep the made-up ledger in")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = (options.ledger or Path(folder)).absolute()
        ledger = home / "data" / "ledger.db"
        if not ledger.exists():
            make(ledger, options.turns, options.days)
        medians = measure(home, options.rounds)
    baseline = medians.pop("baseline")
    ratios = {name: value / baseline for name, value in medians.items()}
    if options.json:
        print(json.dumps({"baseline_s": baseline, "seconds": medians, "ratios": ratios}))
    else:
        print(f"{'python ' + ' '.join(BASELINE):<42} {baseline * 1e3:5.0f} ms")
        for name, value in medians.items():
            print(f"{'synrouter ' + name:<42} {value * 1e3:5.0f} ms  {ratios[name]:4.1f} ×")
    return 0 if ratios["stats"] <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
