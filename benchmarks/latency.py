"""What Synrouter adds to a request: direct, a plain aiohttp pass-through and Synrouter, interleaved in one run.

    python benchmarks/latency.py [--mb 0.3 1 3] [--concurrent 1 32] [--requests 192] [--rss 1000] [--starts 5] [--json]

Every round sends the next request of so many growing sessions to each of the three, in turning order. Reported are
the medians of time to first byte and to the last one, what pass-through and Synrouter add to direct, the cost of one
event, CPU per request, how long `up` takes until it serves, and the resident memory after so many requests of 0.3 MB.
All of it takes under two minutes. Machines are noisy: compare only numbers of one run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TCPConnector

ROOT = Path(__file__).resolve().parent.parent
EVENTS = 200
LINE = "def read(path): return open(path).read()  # what an agent reads all day\n"
Samples = dict[str, list[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: `pid` is the process whose CPU and memory are its cost."""

    name: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    pid: int = 0


@contextlib.contextmanager
def process(arguments: list[str], **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process and the address it prints."""
    child = subprocess.Popen(arguments, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield child, child.stdout.readline().strip().rsplit(" ", 1)[-1]
    finally:
        child.terminate()
        child.wait(20)


@contextlib.contextmanager
def targets(home: str) -> Iterator[list[Target]]:
    """The three, running."""
    python = sys.executable
    with contextlib.ExitStack() as stack:
        _, up = stack.enter_context(process([python, "-m", "benchmarks.servers", "upstream", "--events", str(EVENTS)]))
        plain, via = stack.enter_context(process([python, "-m", "benchmarks.servers", "passthrough", "--to", up]))
        ours, url = stack.enter_context(
            process(
                [
                    python,
                    "-m",
                    "synrouter_cli",
                    "up",
                    "--plain",
                    "--port",
                    str(free_port()),
                    "--upstream",
                    f"anthropic={up}",
                ],
                SYNROUTER_HOME=home,
                SYNROUTER_ANTHROPIC_KEY="sk-ant-benchmark",
            )
        )
        token = subprocess.run(
            [python, "-m", "synrouter_cli", "token", "show"],
            cwd=ROOT, env={**os.environ, "SYNROUTER_HOME": home}, check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        drain(ours)
        yield [
            Target("direct", up),
            Target("pass-through", via, {}, plain.pid),
            Target("synrouter", url, {"x-api-key": token}, ours.pid),
        ]


def drain(child: subprocess.Popen[str]) -> None:
    """Keep reading a child's lines, so that it never waits for us."""
    import threading

    def read() -> None:
        assert child.stdout is not None
        for _ in child.stdout:
            pass

    threading.Thread(target=read, daemon=True).start()


def free_port() -> int:
    """A port nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def session(megabytes: float, rounds: int, name: str) -> Iterator[bytes]:
    """Requests of one session that begins at this size and grows by a tool call a round."""
    size = int(megabytes * 1_000_000)
    results = 40
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"begin {name}"}]

    def call(number: int, chars: int) -> None:
        ident = f"toolu_{name}_{number}"
        use = {"type": "tool_use", "id": ident, "name": "Bash", "input": {"command": f"cat {number}"}}
        text = (LINE * (chars // len(LINE) + 1))[:chars]
        messages.append({"role": "assistant", "content": [{"type": "text", "text": "Reading."}, use]})
        messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": ident, "content": text}]})

    tools = [{"name": f"t{i}", "description": LINE * 30, "input_schema": {"type": "object"}} for i in range(20)]
    head = {"model": "claude-opus-4-8", "max_tokens": 1000, "stream": True, "system": LINE * 200, "tools": tools}
    rest = size - len(json.dumps(head))
    for number in range(results):
        call(number, rest // results - 300)
    for number in range(rounds):
        call(results + number, 400)
        yield json.dumps({**head, "messages": messages}).encode()


async def ask(client: ClientSession, target: Target, body: bytes, name: str) -> tuple[float, float]:
    """Seconds to the first byte and to the last."""
    headers = {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-claude-code-session-id": name,
        **target.headers,
    }
    start = time.perf_counter()
    first = 0.0
    async with client.post(f"{target.url}/v1/messages", data=body, headers=headers) as response:
        if response.status != 200:
            raise SystemExit(f"{target.name}: {response.status} {(await response.text())[:300]}")
        async for _ in response.content.iter_any():
            first = first or time.perf_counter() - start
    return first, time.perf_counter() - start


async def measure(
    found: list[Target], megabytes: float, rounds: int, concurrent: int
) -> tuple[Samples, dict[str, float]]:
    """Times by target, and CPU seconds a request."""
    samples: Samples = {target.name: [] for target in found}
    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector, timeout=ClientTimeout(total=120)) as client:
        label = f"{megabytes}-{concurrent}"
        sessions = [session(megabytes, rounds + 1, f"s{label}-{i}") for i in range(concurrent)]
        bodies = [next(one) for one in sessions]

        async def ask_all(target: Target) -> list[tuple[float, float]]:
            return await asyncio.gather(*(ask(client, target, body, f"{label}-{i}") for i, body in enumerate(bodies)))

        for target in found:  # connections, imports, first sights
            await ask_all(target)
        before = {target.name: cpu(target.pid) for target in found}
        for number in range(rounds):
            bodies = [next(one) for one in sessions]
            for offset in range(len(found)):
                target = found[(number + offset) % len(found)]
                samples[target.name] += await ask_all(target)
        used = {t.name: (cpu(t.pid) - before[t.name]) / (rounds * concurrent) for t in found if t.pid}
    return samples, used


def cpu(pid: int) -> float:
    """CPU seconds of a process so far; 0 where the system does not tell."""
    if not pid or not Path("/proc").is_dir():
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Resident memory of a process in MB; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def fill(target: Target, requests: int) -> None:
    """Send so many requests of 0.3 MB, in sessions of 50."""
    async with ClientSession(timeout=ClientTimeout(total=120)) as client:
        for number in range(requests // 50):
            for body in session(0.3, 50, f"rss{number}"):
                await ask(client, target, body, f"rss{number}")


def memory_mb(requests: int) -> float:
    """Resident memory of a fresh process after so many requests."""
    with tempfile.TemporaryDirectory() as home, targets(home) as found:
        asyncio.run(fill(found[2], requests))
        return rss_mb(found[2].pid)


def row(samples: Samples, used: dict[str, float], megabytes: float, concurrent: int) -> dict[str, Any]:
    """Medians in milliseconds."""
    p50 = {n: [statistics.median(column) * 1000 for column in zip(*times, strict=True)] for n, times in samples.items()}
    direct = p50["direct"]
    result: dict[str, Any] = {
        "MB": megabytes,
        "concurrent": concurrent,
        "direct first": direct[0],
        "direct total": direct[1],
    }
    for name in ("pass-through", "synrouter"):
        result[f"{name} +first"] = p50[name][0] - direct[0]
        result[f"{name} +total"] = p50[name][1] - direct[1]
        result[f"{name} +event"] = (p50[name][1] - p50[name][0] - (direct[1] - direct[0])) / EVENTS
        result[f"{name} cpu"] = used.get(name, 0.0) * 1000
    result["ours - plain, total"] = p50["synrouter"][1] - p50["pass-through"][1]
    return result


def start_seconds(times: int) -> list[float]:
    """How long `up` takes from its start to the line that says that it serves, each time in a new home."""
    found = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as home:
            command = [sys.executable, "-m", "synrouter_cli", "up", "--plain", "--port", "0"]
            began = time.perf_counter()
            with process(command, SYNROUTER_HOME=home):
                found.append(time.perf_counter() - began)
    return sorted(found)


UNITS = {"MB": "", "concurrent": "", "+event": "µs"}
"""What is not in milliseconds."""


def shown(rows: list[dict[str, Any]]) -> str:
    """The rows side by side: a line a figure, a column a size and concurrency."""
    lines = []
    for name in rows[0]:
        unit = next((unit for part, unit in UNITS.items() if part in name), "ms")
        scale, places = (1000, 0) if unit == "µs" else (1, 2)
        values = (f"{row[name]:g}" if not unit else f"{row[name] * scale:.{places}f}" for row in rows)
        lines.append(f"{name:<22}" + "".join(f"{value:>10}" for value in values) + f" {unit}")
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, nargs="+", default=[0.3, 1, 3], help="sizes of a request")
    parser.add_argument("--concurrent", type=int, nargs="+", default=[1, 32], help="so many at a time")
    parser.add_argument("--requests", type=int, default=192, help="at least so many of each, in 4 rounds or more")
    parser.add_argument("--rss", type=int, default=1000, help="requests before memory is measured; 0 leaves it out")
    parser.add_argument("--starts", type=int, default=5, help="times that `up` is started; 0 leaves it out")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report: dict[str, Any] = {"rows": [], "start_s": start_seconds(options.starts)}
    if options.rss:
        report |= {"rss_mb": memory_mb(options.rss), "rss_requests": options.rss}
    with tempfile.TemporaryDirectory() as home, targets(home) as found:
        for megabytes in options.mb:
            for concurrent in options.concurrent:
                rounds = max(4, -(-options.requests // concurrent))
                samples, used = asyncio.run(measure(found, megabytes, rounds, concurrent))
                report["rows"].append(row(samples, used, megabytes, concurrent))
                print(f"  {megabytes:g} MB, {concurrent} at a time", file=sys.stderr)
    if options.json:
        print(json.dumps(report, indent=1))
        return
    print(shown(report["rows"]))
    if starts := report["start_s"]:
        print(f"\nup serves after {statistics.median(starts):.2f} s (best {starts[0]:.2f})")
    if options.rss:
        print(f"resident after {options.rss} requests of 0.3 MB: {report['rss_mb']:.1f} MB")


if __name__ == "__main__":
    main()
