"""A made mix of sessions in which neither constant lifetime wins: paused, headless and short ones, over a few weeks.

    python benchmarks/mix.py [--seed N] [--count N] [--model claude-opus-4-8]

Gaps between requests are drawn from the quantiles of 244 recorded sessions (50% under 7.4 s, 90% under 65 s, 3.15%
over five minutes, 0.34% over an hour; 73% of those over five minutes stand before a human prompt). A paused session is
worked on by a person, a headless one is one prompt and a long tool loop, a short one is left after a few requests. The
same seed gives the same sessions. Printed is what each kind costs where everything is written for five minutes, and for
an hour; all sessions meet one cache, in the order of time.

>>> first, again = sessions(1, 6), sessions(1, 6)
>>> [s.requests for s in first] == [s.requests for s in again]
True
>>> sorted({kind_of(s) for s in first})
['headless', 'paused', 'short']
>>> [at for at, _, _ in timeline(first)] == sorted(at for s in first for at, _ in s.requests)
True
"""

from __future__ import annotations

import argparse
import math
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import layouts, traces
from benchmarks.layouts import Layout
from benchmarks.policies import Session, timeline
from benchmarks.runs import Step, alone_together

MODEL = "claude-opus-4-8"
__all__ = ["SHARES", "by_kind", "constant", "gap", "kind_of", "sessions", "timeline"]

SHARES = {"paused": 0.12, "headless": 0.28, "short": 0.60}
"""Kind → its share of the sessions."""
QUANTILES = ((0.0, 1.5), (0.5, 7.4), (0.9, 65.0), (0.9685, 300.0), (0.99, 1061.0), (0.9966, 3600.0), (1.0, 50_000.0))
"""(share of gaps, seconds that they stay under). The two ends are plausible, the rest is published."""
UNDER_5M, UNDER_1H, IN_A_LOOP = 0.9685, 0.9966, 0.95
SLOW_TOOL = 0.02
"""In a paused session, the share of gaps inside a tool loop that last over five minutes."""
LONG_PAUSE = 0.8
"""The share of human prompts in a paused session that come after more than five minutes."""
A_DAY = 3
"""Sessions a day."""
FIRST_DAY_S, DAY_S = 1_789_948_800.0, 86_400.0

Pause = tuple[float, bool]
"""Seconds before a request, and whether a person typed it."""


def gap(random: Random, low: float = 0.0, high: float = 1.0) -> float:
    """Seconds between two requests, drawn between the `low` and the `high` quantile of all gaps."""
    share = random.uniform(low, high)
    index = max(bisect_left(QUANTILES, (share, 0.0)), 1)
    (left, less), (right, more) = QUANTILES[index - 1], QUANTILES[index]
    part = (share - left) / (right - left)
    return less ** (1 - part) * more**part


def sessions(seed: int, count: int = 60, model: str = MODEL) -> list[Session]:
    """`count` sessions of one user in the order of their starts, each in a project of its own."""
    random = Random(seed)
    kinds = [kind for kind, share in SHARES.items() for _ in range(math.ceil(count * share))][:count]
    random.shuffle(kinds)
    starts = sorted(FIRST_DAY_S + n // A_DAY * DAY_S + random.uniform(9, 18) * 3600 for n in range(count))
    return [
        _session(random, f"{kind}-{n:02}", at, model) for n, (kind, at) in enumerate(zip(kinds, starts, strict=True))
    ]


def kind_of(session: Session) -> str:
    """paused | headless | short."""
    return session.name.partition("-")[0]


def _paused(random: Random) -> Iterator[Pause]:
    for prompt in range(random.randint(5, 9)):
        long = random.random() < LONG_PAUSE
        pause = gap(random, UNDER_5M) if long else gap(random, 0.5, UNDER_5M)
        yield pause if prompt else 0.0, True
        for _ in range(random.randint(4, 12)):
            slow = random.random() < SLOW_TOOL
            yield gap(random, UNDER_5M, UNDER_1H) if slow else gap(random, 0.0, IN_A_LOOP), False


def _loop(fewest: int, most: int) -> Callable[[Random], Iterator[Pause]]:
    def pauses(random: Random) -> Iterator[Pause]:
        yield 0.0, True
        for _ in range(random.randint(fewest, most) - 1):
            yield gap(random, 0.0, IN_A_LOOP), False

    return pauses


_KINDS = {"paused": _paused, "headless": _loop(40, 150), "short": _loop(1, 6)}


def _session(random: Random, name: str, at: float, model: str) -> Session:
    fixed = traces.head()
    fixed["system"].append({"type": "text", "text": f"Project: /home/user/work/{name}"})
    messages: list[dict[str, Any]] = []
    steps: list[Step] = []
    output_tokens = 0
    for number, (pause, human) in enumerate(_KINDS[name.partition("-")[0]](random)):
        at += pause
        said = random.randint(150, 600)
        messages += _turn(random, number, human)
        request = traces.Request(at, list(messages), said, None, None, at)
        steps.append((at, traces.body(request, model, fixed)))
        output_tokens += said
    return Session(name, model, steps, output_tokens)


def _turn(random: Random, number: int, human: bool) -> list[dict[str, Any]]:
    """What comes in before a request: a prompt, or a call and its result."""
    if human:
        prompt = {"role": "user", "content": [{"type": "text", "text": _text(random, random.randint(100, 1500))}]}
        done = {"role": "assistant", "content": [{"type": "text", "text": _text(random, random.randint(200, 1200))}]}
        return [done, prompt] if number else [prompt]
    ident = f"toolu_{number:04}"
    thinking = {"type": "thinking", "thinking": "", "signature": "s" * random.randint(300, 900)}
    use = {"type": "tool_use", "id": ident, "name": "tool_01", "input": {"path": _text(random, 60)}}
    result = _text(random, int(500 * 16 ** random.random()))
    return [
        {"role": "assistant", "content": [thinking, use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": ident, "content": result}]},
    ]


_LINES = ("def value(self):", "    return self.total", "error: not found in", "# reads the file", "| name | size |")
_POOL = "".join(f"{line} {number}\n" for number in range(600) for line in _LINES)


def _text(random: Random, chars: int) -> str:
    """So many characters that nobody else has: a number, and a piece of a long text."""
    start = random.randrange(len(_POOL) // 2)
    return f"{random.getrandbits(64):016x} {_POOL[start : start + max(chars - 17, 1)]}"


def constant(found: Sequence[Session], layout: Layout) -> list[Decimal]:
    """USD of each session, output included, where all meet one cache and mark by the same layout."""
    costs = alone_together(timeline(found), found[0].model, layout)
    return [cost.usd + session.output_usd for cost, session in zip(costs, found, strict=True)]


def by_kind(found: Sequence[Session], costs: Sequence[Decimal]) -> dict[str, Decimal]:
    """Kind → USD, and all of them together."""
    result = dict.fromkeys((*SHARES, "all"), Decimal(0))
    for session, usd in zip(found, costs, strict=True):
        result[kind_of(session)] += usd
        result["all"] += usd
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what each kind costs under both constants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--model", default=MODEL)
    options = parser.parse_args(arguments)
    found = sessions(options.seed, options.count, options.model)
    gaps = [after - before for s in found for (before, _), (after, _) in pairwise(s.requests)]
    over = [sum(g > limit for g in gaps) / max(len(gaps), 1) for limit in (300.0, 3600.0)]
    count = sum(len(s.requests) for s in found)
    print(f"{count} requests, {over[0]:.2%} of gaps over 5 minutes, {over[1]:.2%} over 1 hour")
    short = by_kind(found, constant(found, layouts.head_tail))
    long = by_kind(found, constant(found, layouts.head_tail_1h))
    print(f"{'kind':<10}{'sessions':>10}{'requests':>10}{'5m':>10}{'1h':>10}{'1h/5m':>8}")
    for kind in short:
        of_kind = [s for s in found if kind in (kind_of(s), "all")]
        counts = f"{len(of_kind):>10}{sum(len(s.requests) for s in of_kind):>10}"
        print(f"{kind:<10}{counts}{short[kind]:>10.2f}{long[kind]:>10.2f}{long[kind] / short[kind]:>8.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
