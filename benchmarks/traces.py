"""Recorded sessions as the requests a client would have sent, on the clock they were sent at.

A trace is a JSON Lines file: one header, then one message a line (its README says which keys). System prompts and
tool schemas are not in most of them, so filler of the usual size stands in for both, the same in every request.

>>> list(requests(load(path)))[0].at   # doctest: +SKIP
1769163151.4
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

SYSTEM_CHARS = 24_000
TOOLS = 24
TOOL_CHARS = 2_600
_WORDS = "the agent reads a file, runs one command and says in short what it found; "


@dataclass(frozen=True, slots=True)
class Trace:
    """One recorded session."""

    name: str
    client: str
    messages: list[dict[str, Any]]

    @property
    def last_stop(self) -> str:
        """Why its last answer ended: "tool_use" where the recording stops while a tool runs."""
        answers = (line["content"] for line in reversed(self.messages) if line["role"] == "assistant")
        return "tool_use" if any(block.get("type") == "tool_use" for block in next(answers, ())) else "end_turn"


@dataclass(frozen=True, slots=True)
class Request:
    """A request before an assistant message: `messages` so far, sent at `at`, answered with `output_tokens`."""

    at: float
    messages: list[dict[str, Any]]
    output_tokens: int
    usage: dict[str, Any] | None
    model: str | None
    begins: float
    rewound: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


def load(path: Path) -> Trace:
    """Read one trace file."""
    with path.open(encoding="utf-8") as lines:
        head = json.loads(next(lines))
        return Trace(head["session"], head["client"], [json.loads(line) for line in lines])


def load_all(folder: Path) -> list[Trace]:
    """All traces of a folder, by name."""
    return [load(path) for path in sorted(folder.glob("*.jsonl"))]


def requests(trace: Trace) -> Iterator[Request]:
    """The requests of a session: one before every assistant message."""
    kept: list[dict[str, Any]] = []
    sent_at = 0.0
    rewound = False
    for line in trace.messages:
        at = _seconds(line["t"])
        if line.get("reset"):
            kept, rewound = [], True
        if "rewind_to" in line:
            kept, rewound = kept[: line["rewind_to"]], True
        if line["role"] == "assistant":
            usage = line.get("usage")
            output = int((usage or {}).get("output_tokens", 0)) or _chars(line["content"]) // 4
            begins = _seconds(line.get("t_first", line["t"]))
            if kept:
                yield Request(sent_at, answered(kept), output, usage, line.get("model"), begins, rewound)
                rewound = False
        kept.append({"role": line["role"], "content": [clean(block) for block in line["content"]]})
        sent_at = max(sent_at, at)


def clean(block: dict[str, Any]) -> dict[str, Any]:
    """A block as the API takes it: what was left out of the recording is put back as filler."""
    kind = block.get("type")
    if kind == "thinking":
        chars = int(block.get("signature_chars", 0)) or 300
        return {"type": "thinking", "thinking": block.get("thinking", ""), "signature": "s" * chars}
    if kind == "image":
        return {"type": "text", "text": "(image)"}
    if kind == "text":
        return {"type": "text", "text": block.get("text") or "(empty)"}
    kept = {k: v for k, v in block.items() if k not in ("signature_chars", "omitted_chars")}
    if kind == "tool_result" and isinstance(kept.get("content"), list):
        kept["content"] = [clean(inner) for inner in kept["content"]]
    return kept


def answered(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same messages with every tool_use answered: aborted ones say "(interrupted)"."""
    result: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        result.append(message)
        calls = [b["id"] for b in message["content"] if b.get("type") == "tool_use"]
        if message["role"] != "assistant" or not calls:
            continue
        following = messages[index + 1] if index + 1 < len(messages) else None
        has = {b.get("tool_use_id") for b in following["content"]} if following is not None else set()
        open_calls = [c for c in calls if c not in has]
        if open_calls:
            filler = [{"type": "tool_result", "tool_use_id": c, "content": "(interrupted)"} for c in open_calls]
            if following is not None and following["role"] == "user":
                messages = [*messages]
                messages[index + 1] = {"role": "user", "content": [*filler, *following["content"]]}
            else:
                result.append({"role": "user", "content": filler})
    return result


def head() -> dict[str, Any]:
    """System prompt and tools of the usual size, the same in every request."""
    text = (_WORDS * (SYSTEM_CHARS // len(_WORDS) + 1))[:SYSTEM_CHARS]
    tools = []
    for index in range(TOOLS):
        description = (_WORDS * (TOOL_CHARS // len(_WORDS) + 1))[: TOOL_CHARS - 200]
        schema = {"type": "object", "properties": {"path": {"type": "string"}, "n": {"type": "integer"}}}
        tools.append({"name": f"tool_{index:02}", "description": description, "input_schema": schema})
    return {"system": [{"type": "text", "text": text}], "tools": tools}


def body(request: Request, model: str, fixed: dict[str, Any]) -> dict[str, Any]:
    """The request as a Messages body without any marker. Its lists are its own, their parts are not to be changed."""
    return {
        "model": model,
        "max_tokens": 32_000,
        "system": list(fixed["system"]),
        "tools": list(fixed["tools"]),
        "messages": list(request.messages),
        "stream": True,
    }


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def _chars(content: list[dict[str, Any]]) -> int:
    return sum(len(json.dumps(block)) for block in content)
