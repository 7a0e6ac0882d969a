"""What planning costs: the time from a request's bytes to the bytes that are sent, and that of its bookkeeping.

    python benchmarks/planning.py [--messages 300] [--kilobytes 300] [--turns 60] [--json]

A session of so many messages goes on by a tool call and its result each turn. "with cuts" has three results over the
limit of `standard` in its history; "general" has tools of eight MCP servers. Times are milliseconds of one process.
`decode` is what finding the values of the same body costs by itself, for a measure of the machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import msgspec

from benchmarks import traces
from synrouter_cli.estimate.synrouter import Memory
from synrouter_cli.proxy.turn import Inbound, Outcome
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.wire.usage import Usage

MODEL = "claude-opus-4-8"
CASES = {
    "safe": ("safe", False, False),
    "standard": ("standard", False, False),
    "standard, with cuts": ("standard", True, False),
    "max, with cuts": ("max", True, False),
    "general": ("standard", False, True),
}
WARM_UP = 5
_raw = msgspec.json.Decoder(msgspec.Raw)


def call(number: str, text: str) -> list[dict[str, Any]]:
    """An assistant's tool call and its result."""
    use = {"type": "tool_use", "id": f"toolu_{number}", "name": "Bash", "input": {"command": "make"}}
    result = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": text}
    return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]


def history(messages: int, size: int, *, cuts: bool) -> list[dict[str, Any]]:
    """So many messages of about `size` bytes in all, head not counted; `cuts` are beside that."""
    line = "a line of what some tool has put out\n"
    each = max(size // max(messages // 2, 1) - 200, len(line))
    found: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": "begin"}]}]
    for number in range(messages // 2):
        long = cuts and number % (messages // 6) == messages // 12
        found += call(str(number), line * (1000 if long else each // len(line)))
    return found


def measure(name: str, messages: int, size: int, turns: int) -> dict[str, float]:
    """Milliseconds of one case: the first request, the median of the others, their bookkeeping, a mere decode."""
    level, cuts, general = CASES[name]
    head = traces.head()
    if general:
        head["tools"] += [
            {**head["tools"][0], "name": f"mcp__server{server}__tool{tool}"} for server in range(8) for tool in range(3)
        ]
    talk = history(messages, size - len(json.dumps(head)), cuts=cuts)
    now = [1_790_000_000.0]
    running = Turns(
        level=level, mode="general" if general else "auto", ledger=Memory(keeps_rows=False), clock=lambda: now[0]
    )
    begins, ends, decodes = [], [], []
    for number in range(turns):
        raw = json.dumps({"model": MODEL, "max_tokens": 32_000, **head, "messages": talk}).encode()
        inbound = Inbound(
            "messages", "anthropic", "anthropic", {"x-session-id": "one"}, "", raw, False, b"scope", "api"
        )
        start = time.perf_counter()
        _raw.decode(raw)
        decoded = time.perf_counter()
        turn = running.begin(inbound)
        begun = time.perf_counter()
        planned = turn._planned
        assert planned is not None
        found, tokens = planned.plan.found, planned.tokens
        read = tokens[found.hit] if found.hit >= 0 else 0
        written = tokens[found.writes[-1].position] - read if found.writes else 0
        usage = Usage(tokens[-1] - read - written, read, written, 0, 40)
        turn.responding(200)
        before = time.perf_counter()
        turn.finish(Outcome("ok", 200, None, usage, "exact", MODEL, "tool_use", "msg", 1.0, 1.0, 1))
        ends.append(time.perf_counter() - before)
        begins.append(begun - decoded)
        decodes.append(decoded - start)
        talk = [*talk, *call(f"m{number}", "done")]
        now[0] += 8.0
    return {
        "kilobytes": len(raw) / 1000,
        "first": begins[0] * 1e3,
        "p50": statistics.median(begins[WARM_UP:]) * 1e3,
        "finish p50": statistics.median(ends[WARM_UP:]) * 1e3,
        "decode p50": statistics.median(decodes[WARM_UP:]) * 1e3,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--kilobytes", type=int, default=300)
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # as the daemon does
    measure("safe", 20, 50_000, 10)  # what is read and imported once
    found = {name: measure(name, options.messages, options.kilobytes * 1000, options.turns) for name in CASES}
    if options.json:
        print(json.dumps(found, indent=1))
        return 0
    for name, figures in found.items():
        print(f"{name:20}", *(f"{key} {value:8.3f}" for key, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
