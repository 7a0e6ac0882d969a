"""Many short sessions of one agent whose MCP servers differ: how much of what they share is read from the cache.

    python benchmarks/general.py [--seed N] [--sessions 40] [--model claude-sonnet-4-6]

Each session has the agent's own tools, some of a pool of MCP servers, a system prompt behind them, and one to four
turns. The shared head of a session is the longest prefix of what is sent for its first request that was sent before in
another session, however long ago; printed is its mean length, which share of it is read from the second session on, how
many sessions read less than half of it, and what all requests cost against the agent's own, which carry no markers. The
same seed gives the same sessions.

>>> played = play(sessions(1, 4, Shape()), "safe")
>>> len(played.firsts), played.firsts[0].shared, played.firsts[1].shared > 0
(4, 0, True)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.bodies import as_bytes
from benchmarks.runs import Memory
from synrouter_cli.demo.judge import Judge
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.proxy.turn import Inbound, Outcome
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.wire.usage import Usage

__all__ = ["CASES", "Asked", "First", "Played", "Shape", "play", "sessions"]

MODEL = "claude-sonnet-4-6"
STARTED_S = 1_790_000_000.0
OUTPUT = 100
CORE = "Bash Edit Glob Grep KillShell LS MultiEdit NotebookEdit Read Shell View Write".split()
EXTENDED = "Agent AskUser Skill TodoWrite".split()
MIXED_CORE = "apply_patch bash edit glob grep list_dir multi_edit read_file shell view write_file write_stdin".split()
MIXED_EXTENDED = "ask_user plan task todo_write".split()
SERVERS = {"browser": 6, "db": 3, "github": 5, "mail": 2, "tickets": 4, "wiki": 2}
"""MCP servers and how many tools each has."""
CONNECTED, OFFERED = 0.4, 0.8
"""How often a session has a server, and how often it has one of its tools (users switch single tools off)."""
WORDS = "the quick brown fox jumps over the lazy dog and reads another file; "


@dataclass(frozen=True, slots=True)
class Shape:
    """`order`: by_name (as clients sort; MCP comes last there), mixed (own names on both sides of `mcp__`), shuffled
    (servers as they connect). Sessions begin `every_s` seconds apart, between the two. `offered` is how often a tool
    of a connected server is there."""

    order: str = "by_name"
    every_s: tuple[float, float] = (60.0, 600.0)
    offered: float = OFFERED


CASES = {
    "1-10 min apart, sorted by name": Shape(),
    "1-10 min apart, servers as they connect": Shape("shuffled"),
    "1-10 min apart, MCP mixed in by name": Shape("mixed"),
    "20 s - 4 min apart, sorted by name": Shape("by_name", (20.0, 240.0)),
    "6-25 min apart, sorted by name": Shape("by_name", (360.0, 1500.0)),
    "6-25 min apart, MCP mixed in by name": Shape("mixed", (360.0, 1500.0)),
    "1-10 min apart, whole servers by name": Shape(offered=1.0),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of session `number`; `first` in it."""

    at: float
    number: int
    first: bool
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class First:
    """A session's first request: the tokens of its shared head, and how many of them were read."""

    row: Turn
    shared: int
    read: int


@dataclass(frozen=True, slots=True)
class Played:
    """How it went: the first request of each session, and all rows."""

    firsts: list[First]
    rows: list[Turn]

    @property
    def read_share(self) -> float:
        """Of the shared heads' tokens from the second session on, the share that was read."""
        later = self.firsts[1:]
        return sum(first.read for first in later) / sum(first.shared for first in later)

    @property
    def cost_share(self) -> float:
        """What all requests cost, of what the agent's own would have."""
        return sum(row.cost_pusd or 0 for row in self.rows) / sum(row.baseline_client_pusd or 0 for row in self.rows)


def sessions(seed: int, count: int, shape: Shape, model: str = MODEL) -> list[Asked]:
    """All requests of these sessions, in the order of time."""
    random, at = Random(seed), STARTED_S
    made: list[Asked] = []
    for number in range(count):
        made += _session(random, number, at, _tools(random, shape), model)
        at += random.uniform(*shape.every_s)
    return sorted(made, key=lambda asked: asked.at)


def _session(random: Random, number: int, at: float, tools: list[dict[str, Any]], model: str) -> Iterator[Asked]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"Task {number}: " + WORDS * random.randint(1, 20)}]
    for turn in range(random.randint(1, 4)):
        body = {"model": model, "max_tokens": 1000, "tools": tools, "system": WORDS * 150, "messages": list(messages)}
        yield Asked(at, number, not turn, body)
        call = {"type": "tool_use", "id": f"t{number}-{turn}", "name": tools[0]["name"], "input": {"path": f"{turn}"}}
        result = WORDS * random.randint(2, 40)
        answer = {"type": "tool_result", "tool_use_id": call["id"], "content": f"{number}.{turn}: {result}"}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [answer]}]
        at += random.uniform(5.0, 40.0)


_known_tools: dict[str, dict[str, Any]] = {}


def _tool(name: str) -> dict[str, Any]:
    size = 8 + len(name) % 9 if name.startswith("mcp__") else 25 + 5 * len(name) % 32
    text = f"{name}: " + WORDS * size
    schema = {"type": "object", "properties": {"path": {"type": "string", "description": WORDS}}}
    return _known_tools.setdefault(name, {"name": name, "description": text, "input_schema": schema})


def _tools(random: Random, shape: Shape) -> list[dict[str, Any]]:
    own = MIXED_CORE + MIXED_EXTENDED if shape.order == "mixed" else CORE + EXTENDED
    servers = [name for name in SERVERS if random.random() < CONNECTED]
    if shape.order == "shuffled":
        random.shuffle(servers)
    possible = [f"mcp__{server}__tool_{i}" for server in servers for i in range(SERVERS[server])]
    connected = [name for name in possible if random.random() < shape.offered]
    names = [*sorted(own), *connected] if shape.order == "shuffled" else sorted([*own, *connected])
    return [_tool(name) for name in names]


def play(asked: Sequence[Asked], level: str, mode: str = "auto", model: str = MODEL) -> Played:
    """Send all of it through Synrouter to the simulated provider."""
    now = [STARTED_S]
    memory, judge = Memory(), Judge()
    turns = Turns(level=level, mode=mode, ledger=memory, clock=lambda: now[0], secret=b"k")
    earlier: list[list[bytes]] = []
    firsts: list[First] = []
    for request in asked:
        now[0] = request.at
        inbound = Inbound("messages", "anthropic", "anthropic", {}, "", as_bytes(request.body), False, b"s", "api")
        turn = turns.begin(inbound)
        weighed = judge.weigh(turn.body, scope="s", now=request.at)
        turn.responding(200)
        judge.begun(weighed)
        split, prompt = weighed.split, weighed.prompt
        usage = Usage(split.input, split.read, split.write_5m, split.write_1h, OUTPUT)
        turn.finish(Outcome("ok", 200, None, usage, "exact", model, "tool_use", None, 1.0, 2.0, 1))
        if request.first:
            shared = max((prompt.shared_with(keys) for keys in earlier), default=0)
            tokens = prompt.tokens[shared - 1] if shared else 0
            firsts.append(First(memory.rows[-1], tokens, min(split.read, tokens)))
            earlier.append(prompt.keys)
    return Played(firsts, memory.rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--model", default=MODEL)
    options = parser.parse_args()
    print(f"{'':42}{'level':>9}{'head':>8}{'read':>7}{'missed':>8}{'cost':>7}")
    for name, shape in CASES.items():
        asked = sessions(options.seed, options.sessions, shape, options.model)
        for level in ("safe", "standard", "max"):
            played = play(asked, level, model=options.model)
            later = played.firsts[1:]
            mean = sum(first.shared for first in later) // len(later)
            missed = sum(first.read < first.shared / 2 for first in later)
            figures = f"{mean:>8,}{played.read_share:>7.1%}{missed:>8}{played.cost_share:>7.1%}"
            print(f"{name:42}{level:>9}{figures}")


if __name__ == "__main__":
    main()
