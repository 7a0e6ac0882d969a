"""How much of the tool results in recorded sessions trimming touches, and how much of their text it takes out.

    python benchmarks/trimming.py --traces DIR [--level standard]… [--by tool|session] [--json]

Every result counts once, however often it was sent. A replay can't see what an agent would have read again. Nothing
leaves the machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.table import Table

from benchmarks import traces
from synrouter_cli.prompt.segments import segment
from synrouter_cli.prompt.trim import LIMITS, trimmed

LEVELS = ("standard", "max")


@dataclass
class Share:
    """Results and their characters, and how many of them are touched and taken out."""

    results: int = 0
    touched: int = 0
    chars: int = 0
    removed: int = 0

    def add(self, chars: int, removed: int) -> None:
        self.results += 1
        self.touched += removed > 0
        self.chars += chars
        self.removed += removed


def results(trace: traces.Trace, level: str) -> Iterator[tuple[str, int, int]]:
    """Of every tool result of a session the tool's name, its characters and how many of them are taken out."""
    # compactions and rewinds are no matter: a cut depends on the result and its call alone
    messages = [{"role": m["role"], "content": [traces.clean(b) for b in m["content"]]} for m in trace.messages]
    prompt = segment(json.dumps({"messages": messages}).encode())
    removed = {cut.block: cut.removed_chars for cut in trimmed(prompt, LIMITS[level]).cuts}
    content = [block for message in messages for block in message["content"]]
    names = {block["id"]: block["name"] for block in content if block["type"] == "tool_use"}
    for index, block in enumerate(content):
        if block["type"] == "tool_result":
            yield names.get(block["tool_use_id"], "?"), _chars(block.get("content")), removed.get(index, 0)


def _chars(content: Any) -> int:
    if isinstance(content, str):
        return len(content)
    return sum(len(block.get("text", "")) for block in content or [])


def measure(sessions: Sequence[traces.Trace], levels: Sequence[str], by: str) -> dict[str, dict[str, Share]]:
    """Session or tool → level → share; the tools' names in small letters, since clients differ in that."""
    found: dict[str, dict[str, Share]] = defaultdict(lambda: {level: Share() for level in levels})
    for trace in sessions:
        for level in levels:
            for name, chars, removed in results(trace, level):
                for row in (trace.name if by == "session" else name.lower(), "all"):
                    found[row][level].add(chars, removed)
    return dict(sorted(found.items(), key=lambda row: (row[0] == "all", -row[1][levels[0]].chars)))


def table(found: dict[str, dict[str, Share]], levels: Sequence[str], by: str) -> Table:
    """A row a session or tool."""
    shown = Table(by, title="results touched and characters taken out", title_justify="left")
    for heading in ("results", "characters", *(f"{level} {what}" for level in levels for what in ("touched", "out"))):
        shown.add_column(heading, justify="right")
    for name, shares in found.items():
        first = shares[levels[0]]
        cells = [f"{first.results:,}", f"{first.chars:,}"]
        for share in shares.values():
            cells += [f"{share.touched} ({share.touched / share.results:.1%})"]
            cells += [f"{share.removed:,} ({share.removed / max(share.chars, 1):.1%})"]
        shown.add_row(name, *cells)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--level", action="append", choices=LEVELS)
    parser.add_argument("--by", choices=("tool", "session"), default="session")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    levels = options.level or LEVELS
    found = measure(traces.load_all(options.traces), levels, options.by)
    if options.json:
        print(json.dumps({row: {level: asdict(s) for level, s in shares.items()} for row, shares in found.items()}))
    else:
        Console(width=None if sys.stdout.isatty() else 140).print(table(found, levels, options.by))


if __name__ == "__main__":
    main()
