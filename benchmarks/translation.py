"""What translation costs: a request from one dialect to another, and an event of a streamed answer.

    python benchmarks/translation.py [--kilobytes 300] [--rounds 60] [--json]

A request is a session of tool calls, with thinking that the provider signed in every fifth answer, in the words of
each dialect. `first` is one of a session that was never seen before; `next` one with another call and its result after
what was seen the turn before, as all but the first of a session are. Decoding and encoding are timed together.
`through` is the next request through the proxy: what is planned on, in the hub's dialect, and what goes out.

An event is one of a stream of thinking, text and a call's arguments, fed alone as it comes over the wire, until the
client's bytes are there. Figures are medians of many rounds in one process, and the best; `of json` is the median in
units of what `json.loads` and `json.dumps` of the same body, or of the same events, take in the same run.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from synrouter_cli.proxy.crossing import cross
from synrouter_cli.ways import Way
from synrouter_cli.wire.codecs.disguise import Restorer
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import (
    BlockEnded,
    BlockStarted,
    Delta,
    Finished,
    Request,
    Started,
    StreamEvent,
    Text,
    Thinking,
    ToolUse,
)
from synrouter_cli.wire.sealed import seal
from synrouter_cli.wire.usage import Usage

MODELS = {"anthropic": "claude-opus-4-8", "chat": "gpt-6-sol", "responses": "gpt-6-sol"}
REQUEST_LIMIT_MS, EVENT_LIMIT_US = 3.0, 60.0
TOOLS = 24
MESSAGES = 300
EACH_THINKS = 5
DELTAS = 400
Body = dict[str, Any]


Calls = list[tuple[str, str, str | None]]


def conversation(kilobytes: int, session: int = 0, more: int = 0) -> Calls:
    """So many calls and some more: id, its result, and the thinking before it where there is some. No call of one
    session is one of another's."""
    size = max(kilobytes * 1000 // (MESSAGES // 2) - 350, 40)
    line = 'a line of what "some tool" has put out — and more\n'
    output, thought = line * max(size // len(line), 1), "Let me look at that first. " * 8
    names = [f"call_{session}_{i}" for i in range(MESSAGES // 2 + more)]
    return [(name, output, None if i % EACH_THINKS else thought) for i, name in enumerate(names)]


def schema(i: int) -> Body:
    fields = {f"field_{n}": {"type": "string", "description": f"Field {n} of tool {i}."} for n in range(4)}
    return {"type": "object", "properties": fields, "required": ["field_0"]}


def of_anthropic(calls: Calls) -> Body:
    messages: list[Body] = [{"role": "user", "content": "begin"}]
    for call, output, thinking in calls:
        use = {"type": "tool_use", "id": call, "name": "tool_1", "input": {"field_0": "make test", "n": 3}}
        messages.append({"role": "assistant", "content": [*([thought(thinking)] if thinking else []), use]})
        messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": output}]})
    tools = [{"name": f"tool_{i}", "description": "Does it. " * 30, "input_schema": schema(i)} for i in range(TOOLS)]
    return {"model": MODELS["anthropic"], "max_tokens": 32_000, "system": "You are an agent. " * 300, "tools": tools,
            "messages": messages, "thinking": {"type": "adaptive"}, "stream": True}  # fmt: skip


def thought(words: str) -> Body:
    return {"type": "thinking", "thinking": words, "signature": "EqQBCkYIBRgCKkD" * 24}


def of_chat(calls: Calls) -> Body:
    messages: list[Body] = [
        {"role": "system", "content": "You are an agent. " * 300},
        {"role": "user", "content": "begin"},
    ]
    for call, output, thinking in calls:
        function = {"name": "tool_1", "arguments": '{"field_0":"make test","n":3}'}
        said: Body = {"role": "assistant", "content": None}
        if thinking:
            detail = {"type": "reasoning.text", "text": thinking, "signature": thought(thinking)["signature"],
                      "format": "anthropic-claude-v1", "index": 0}  # fmt: skip
            said |= {"reasoning_content": thinking, "reasoning_details": [detail]}
        messages.append({**said, "tool_calls": [{"id": call, "type": "function", "function": function}]})
        messages.append({"role": "tool", "tool_call_id": call, "content": output})
    functions = [{"name": f"tool_{i}", "description": "Does it. " * 30, "parameters": schema(i)} for i in range(TOOLS)]
    return {"model": MODELS["chat"], "messages": messages, "stream": True, "reasoning_effort": "high",
            "tools": [{"type": "function", "function": one} for one in functions]}  # fmt: skip


def of_responses(calls: Calls) -> Body:
    items: list[Body] = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "begin"}]}]
    for call, output, thinking in calls:
        if thinking:
            summary = [{"type": "summary_text", "text": thinking}]
            sealed = seal("anthropic", thought(thinking))
            items.append({"type": "reasoning", "id": f"rs_{call}", "summary": summary, "encrypted_content": sealed})
        arguments = '{"field_0":"make test","n":3}'
        items.append({"type": "function_call", "call_id": call, "name": "tool_1", "arguments": arguments})
        items.append({"type": "function_call_output", "call_id": call, "output": output})
    tools = [{"type": "function", "name": f"tool_{i}", "description": "Does it. " * 30, "parameters": schema(i),
              "strict": False} for i in range(TOOLS)]  # fmt: skip
    return {"model": MODELS["responses"], "instructions": "You are an agent. " * 300, "input": items, "tools": tools,
            "stream": True, "reasoning": {"effort": "high"}, "include": ["reasoning.encrypted_content"]}  # fmt: skip


BODIES: dict[str, Callable[[Calls], Body]] = {
    "anthropic": of_anthropic, "chat": of_chat, "responses": of_responses,
}  # fmt: skip


def translate(source: str, target: str, body: bytes) -> bytes:
    request, _ = CODECS[source].decode_request(body)  # type: ignore[index]
    return CODECS[target].encode_request(replace(request, model=MODELS[target]))[0]  # type: ignore[index]


def through(source: str, target: str, body: bytes) -> bytes:
    crossing = cross(source, body, Way("p", target, MODELS[target]), "markers" if target == "anthropic" else "key")
    return crossing.hub if crossing.planned else crossing.outgoing("a session")


def answer() -> list[StreamEvent]:
    """A stream of thinking, text and arguments, as values."""
    blocks = [
        (Thinking(""), "thinking", "and so "),
        (Text(""), "text", "a word "),
        (ToolUse("call_1", "tool_1", ""), "arguments", "xyz "),
    ]
    events: list[StreamEvent] = [Started("msg_1", MODELS["chat"], Usage(10, 1000), 1764115200)]
    for i, (block, kind, piece) in enumerate(blocks):
        pieces = [Delta(i, kind, piece)] * DELTAS  # type: ignore[arg-type]
        if kind == "arguments":
            pieces = [Delta(i, kind, '{"field_0":"'), *pieces, Delta(i, kind, '"}')]  # type: ignore[arg-type]
        signed = [Delta(i, "signature", "EqQB" * 90)] if kind == "thinking" else []
        events += [BlockStarted(i, block), *pieces, *signed, BlockEnded(i)]
    return [*events, Finished("tool_use", usage=Usage(10, 1000, output_tokens=1300))]


def wire(dialect: str) -> list[bytes]:
    """The events of the answer as a provider of a dialect sends them."""
    encoder = CODECS[dialect].stream_encoder(Request(MODELS[dialect], stream=True, include_usage=True))  # type: ignore[index]
    whole = b"".join(map(encoder.encode, answer())) + encoder.end()
    return [event + b"\n\n" for event in whole.split(b"\n\n") if event]


def stream(source: str, target: str, events: list[bytes], asked: Request) -> int:
    decoder, restorer = CODECS[source].stream_decoder(), Restorer(asked)  # type: ignore[index]
    encoder, size = CODECS[target].stream_encoder(asked), 0  # type: ignore[index]
    for piece in events:
        for event in decoder.feed(piece):
            for one in restorer.event(event):
                size += len(encoder.encode(one))
    return size


def timed(work: Callable[[Any], Any], given: Sequence[Any]) -> tuple[float, float]:
    """Best and median, seconds of this process alone, so that what else runs on the machine matters less. `work` is
    done once with each that is given, the first one untimed."""
    took = []
    work(given[0])
    gc.collect()
    for one in given[1:]:
        begun = time.process_time()
        work(one)
        took.append(time.process_time() - begun)
    return min(took), statistics.median(took)


def dumped(body: Body) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def row(source: str, target: str, kilobytes: int, rounds: int) -> dict[str, Any]:
    make, few = BODIES[source], max(rounds // 4, 3)
    whole = conversation(kilobytes, more=rounds)
    growing = [dumped(make(whole[: len(whole) - rounds + i])) for i in range(rounds + 1)]
    strangers = [dumped(make(conversation(kilobytes, i + 1))) for i in range(few + 1)]
    _, plain = timed(lambda body: json.dumps(json.loads(body)), growing[: few + 1])
    _, first = timed(lambda body: translate(source, target, body), strangers)
    best, median = timed(lambda body: translate(source, target, body), growing)
    _, proxied = timed(lambda body: through(source, target, body), growing)
    events = wire(source)
    asked, _ = CODECS[target].decode_request(dumped(BODIES[target](conversation(5))))  # type: ignore[index]
    each_best, each = timed(lambda _: stream(source, target, events, asked), range(few + 1))
    data = [event.partition(b"data: ")[2] for event in events if b"[DONE]" not in event]
    _, each_plain = timed(lambda _: [json.dumps(json.loads(one)) for one in data], range(few + 1))
    return {
        "from": source,
        "to": target,
        "MB": len(growing[0]) / 1e6,
        "first ms": first * 1e3,
        "of json": first / plain,
        "next ms": median * 1e3,
        "best": best * 1e3,
        "of json ": median / plain,
        "through ms": proxied * 1e3,
        "of json  ": proxied / plain,
        "µs/event": each / len(events) * 1e6,
        "best ": each_best / len(events) * 1e6,
        "of json   ": each / each_plain,
    }


def main() -> int:
    """The table; 1 where a median is beyond what is allowed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kilobytes", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # as the daemon does
    rows = [
        row(one, other, options.kilobytes - 25, options.rounds) for one in CODECS for other in CODECS if one != other
    ]
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        names = list(rows[0])
        print("  ".join(name.rjust(max(len(name), 9)) for name in names))
        for one in rows:
            cells = (f"{value:.2f}" if isinstance(value, float) else value for value in one.values())
            print("  ".join(cell.rjust(max(len(name), 9)) for cell, name in zip(cells, names, strict=True)))
    limits = dict.fromkeys(("first ms", "next ms", "through ms"), REQUEST_LIMIT_MS) | {"µs/event": EVENT_LIMIT_US}
    return 1 if any(one[name] > most for one in rows for name, most in limits.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
