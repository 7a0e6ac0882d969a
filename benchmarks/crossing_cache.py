"""What the cache is worth after translation: recorded sessions as they are, and as OpenAI's clients would ask them.

    python benchmarks/crossing_cache.py --traces DIR [--model claude-opus-4-8] [--requests N] [--json]

Each session goes three times to the simulated cache, through Synrouter's planner, marked by nobody: in Anthropic's
dialect; and put into Chat Completions and into Responses as such a client keeps its history, its answers as ours told
them, then translated as the proxy does it. The hit rate is tokens read of tokens sent. Translated sessions must be
within 0.5 points of the native one in the same run; the exit code says so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from msgspec.structs import replace

from benchmarks import traces
from benchmarks.bodies import Body, OnceEach, Part, as_bytes
from benchmarks.runs import Front, Sum, price_of, stops
from synrouter_cli.proxy.crossing import cross
from synrouter_cli.ways import Way
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import Request, Response

WITHIN = 0.005
"""Of the hit rate."""
LONGEST = 32_000


def native(body: Body) -> bytes:
    return as_bytes(body)


# ── the client's history, in its own words ──


def said(dialect: str, message: Part) -> list[Part]:
    """A message of the recording as a client of a dialect keeps it: an answer as ours told it, anything else as the
    request's own codec writes it."""
    if message["role"] == "assistant":
        return _given_back(dialect, _answered(dialect, message["content"]))
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": message["content"]}]}
    request, _ = CODECS["anthropic"].decode_request(json.dumps(body).encode())
    out, _ = CODECS[dialect].encode_request(request)  # type: ignore[index]
    return _messages(dialect, json.loads(out))


def _messages(dialect: str, body: Body) -> list[Part]:
    found: list[Part] = body["messages" if dialect == "chat" else "input"]
    return found


def _answered(dialect: str, content: list[Part]) -> Body:
    """An answer of Claude's as a client of the dialect gets it from us."""
    whole = {"type": "message", "id": "msg_1", "role": "assistant", "model": "m", "content": content,
             "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}  # fmt: skip
    answer, _ = CODECS["anthropic"].decode_response(json.dumps(whole).encode())
    assert isinstance(answer, Response)
    body, _ = CODECS[dialect].encode_response(replace(answer, created=0), Request("m"))  # type: ignore[index]
    found: Body = json.loads(body)
    return found


def _given_back(dialect: str, answer: Body) -> list[Part]:
    if dialect == "responses":
        return list(answer["output"])
    message = answer["choices"][0]["message"]
    return [{key: value for key, value in message.items() if value is not None}]


def asked(dialect: str, message: Callable[[Part], list[Part]]) -> Callable[[Body], bytes]:
    """A body of the recording as the request of a client of the dialect."""

    def put(body: Body) -> bytes:
        items = [one for each in body["messages"] for one in message(each)]
        system = "".join(block["text"] for block in body["system"])
        functions = [
            {"name": one["name"], "description": one["description"], "parameters": one["input_schema"]}
            for one in body["tools"]
        ]
        if dialect == "chat":
            tools = [{"type": "function", "function": one} for one in functions]
            items = [{"role": "system", "content": system}, *items]
            made: Body = {"model": body["model"], "messages": items, "tools": tools, "max_tokens": LONGEST}
        else:
            made = {"model": body["model"], "instructions": system, "input": items, "max_output_tokens": LONGEST,
                    "tools": [{"type": "function", "strict": False, **one} for one in functions]}  # fmt: skip
        return json.dumps({**made, "stream": True}, separators=(",", ":")).encode()

    return put


def translated(dialect: str, put: Callable[[Body], bytes]) -> Callable[[Body], bytes]:
    """What is planned on, for such a request."""

    def make(body: Body) -> bytes:
        way = Way("anthropic", "anthropic", body["model"])
        return cross(dialect, put(body), way, "markers", output_tokens=LONGEST).hub

    return make


def ways() -> Iterator[tuple[str, Callable[[Body], bytes]]]:
    yield "anthropic", native
    for dialect in ("chat", "responses"):
        once: Callable[[Part], list[Part]] = OnceEach(lambda message, dialect=dialect: said(dialect, message))  # type: ignore[misc]
        yield dialect, translated(dialect, asked(dialect, once))


def with_ids(trace: traces.Trace) -> traces.Trace:
    """Calls that were recorded without an id, a provider's own searches, have one here: no client could send null."""
    for at, message in enumerate(trace.messages):
        for place, block in enumerate(message["content"]):
            if block.get("type") == "tool_use" and not block.get("id"):
                block["id"] = f"toolu_{at}_{place}"
    return trace


def run(trace: traces.Trace, model: str, make: Callable[[Body], bytes], most: int | None) -> Sum:
    """A session through Synrouter, each request's bytes made by `make`."""
    fixed, front, result = traces.head(), Front(model), Sum()
    steps = [(one.at, traces.body(one, model, fixed)) for one in traces.requests(trace)][:most]
    whys = stops([body for _, body in steps], trace.last_stop)
    for (now, body), stop in zip(steps, whys, strict=True):
        _, split = front.send(now, make(body), {"x-session-id": "1"}, stop=stop)
        result.add(split, price_of(split, model))
    return result


def main() -> int:
    """The table; 1 where a translated session is too far from the native one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--model", default="claude-opus-4-8")
    parser.add_argument("--requests", type=int, help="only the first so many of a session")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    sums: dict[str, Sum] = {}
    for trace in map(with_ids, traces.load_all(options.traces)):
        found = {name: run(trace, options.model, make, options.requests) for name, make in ways()}
        for name, one in found.items():
            whole = sums.setdefault(name, Sum())
            whole.add(one.split, one.usd)
        rows.append(_row(trace.name, found))
        print(f"  {trace.name}", file=sys.stderr)
    rows.append(_row("all", sums))
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        print(f"{'session':32}{'native':>10}{'chat':>10}{'responses':>11}{'worst, points':>15}{'USD of each':>30}")
        for row in rows:
            rates = f"{row['anthropic']:>10.2%}{row['chat']:>10.2%}{row['responses']:>11.2%}"
            costs = "".join(f"{usd:>10.2f}" for usd in row["usd"])
            print(f"{row['session']:32}{rates}{row['worst'] * 100:>15.2f}{costs}")
    return 1 if any(row["worst"] > WITHIN for row in rows) else 0


def _row(session: str, found: dict[str, Sum]) -> dict[str, Any]:
    rates = {name: one.hit_rate for name, one in found.items()}
    worst = max(rates["anthropic"] - rate for rate in rates.values())
    return {"session": session, **rates, "worst": worst, "usd": [float(one.usd) for one in found.values()]}


if __name__ == "__main__":
    sys.exit(main())
