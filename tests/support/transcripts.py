"""Made-up transcripts in the formats of real clients, written line by line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC).timestamp()
MODEL = "claude-opus-4-8"


def iso(at: float) -> str:
    return datetime.fromtimestamp(START + at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def usage(given: int = 3, read: int = 0, five: int = 0, hour: int = 0, output: int = 50) -> dict[str, Any]:
    """As the Messages API reports it."""
    return {
        "input_tokens": given,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": five + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour},
        "output_tokens": output,
        "service_tier": "standard",
    }


class ClaudeCode:
    """Lines of one of Claude Code's files; each goes on behind the last unless told otherwise."""

    def __init__(self, session: str = "sess-one", **common: Any) -> None:
        self.lines: list[str] = []
        self.last: str | None = None
        self.common = {"sessionId": session, "cwd": "/home/me/shop", "isSidechain": False, **common}

    def add(self, kind: str, at: float, parent: str | None = "last", **rest: Any) -> str:
        entry = f"{self.common['sessionId']}-{self.common.get('agentId', '')}-{len(self.lines)}"
        behind = self.last if parent == "last" else parent
        line = {"type": kind, "uuid": entry, "parentUuid": behind, "timestamp": iso(at), **self.common, **rest}
        self.lines.append(json.dumps(line))
        self.last = entry
        return entry

    def person(self, at: float, said: str = "go on, please", **rest: Any) -> str:
        return self.add("user", at, message={"role": "user", "content": said}, **rest)

    def result(self, at: float, call: str, text: str = "line\n" * 50, **rest: Any) -> str:
        block = {"type": "tool_result", "tool_use_id": call, "content": text}
        return self.add("user", at, message={"role": "user", "content": [block]}, **rest)

    def block(
        self, at: float, ident: str, block: dict[str, Any], reported: Any, model: str = MODEL, **rest: Any
    ) -> str:
        message = {"id": ident, "role": "assistant", "model": model, "content": [block], "usage": reported}
        return self.add("assistant", at, message=message, **rest)

    def answer(self, at: float, ident: str, reported: Any, said: str = "Done.", **rest: Any) -> str:
        return self.block(at, ident, {"type": "text", "text": said}, reported, **rest)

    def call(self, at: float, ident: str, reported: Any, call: str, **rest: Any) -> str:
        block = {"type": "tool_use", "id": call, "name": "Read", "input": {"path": f"src/{call}.py"}}
        return self.block(at, ident, block, reported, **rest)

    @property
    def raw(self) -> list[bytes]:
        return [line.encode() for line in self.lines]

    def write(self, path: Path, tail: str = "") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in self.lines) + tail)
        return path


def cached(session: str = "sess-one", turns: int = 6, ids: str = "msg") -> ClaudeCode:
    """A session with a tool call a turn, cached as it should be: each request reads what the last one wrote."""
    file = ClaudeCode(session)
    file.person(0.0, "find the fault in the shop " * 20)
    whole = 20_000
    for turn in range(turns):
        read = whole if turn else 0
        grown = 20_000 if not turn else 400
        file.call(10.0 * turn + 5, f"{ids}_{turn}", usage(0, read, grown), f"toolu_{turn}")
        whole = read + grown
        file.result(10.0 * turn + 9, f"toolu_{turn}")
    file.answer(10.0 * turns, f"{ids}_{turns}", usage(0, whole, 400))
    return file


def pi_line(kind: str, ident: str, parent: str | None, at: float, **rest: Any) -> bytes:
    return json.dumps({"type": kind, "id": ident, "parentId": parent, "timestamp": iso(at), **rest}).encode()


def pi_message(ident: str, parent: str | None, at: float, role: str, content: Any, **rest: Any) -> bytes:
    return pi_line("message", ident, parent, at, message={"role": role, "content": content, **rest})


PI_USAGE = {"input": 10, "output": 20, "cacheRead": 300, "cacheWrite": 4000, "totalTokens": 4330}


def codex_line(kind: str, at: float, **payload: Any) -> bytes:
    return json.dumps({"timestamp": iso(at), "type": kind, "payload": payload}).encode()


def codex_count(at: float, last: tuple[int, int, int] | None, total: tuple[int, int, int] | None) -> bytes:
    """A token_count event: (input, of it cached, output) of the last request and of all."""
    names = ("input_tokens", "cached_input_tokens", "output_tokens")
    info = {}
    if last:
        info["last_token_usage"] = dict(zip(names, last, strict=True))
    if total:
        info["total_token_usage"] = dict(zip(names, total, strict=True))
    return codex_line("event_msg", at, type="token_count", info=info or None)


CONTEXTS: dict[str, dict[str, Any]] = {
    "claude-code": {"type": "user", "uuid": "a", "sessionId": "s", "message": {}},
    "codex": {"type": "session_meta", "payload": {"id": "s"}},
    "pi": {"type": "session", "id": "s", "cwd": "/home/me"},
    "openclaw": {"type": "session", "id": "s", "cwd": "/home/me"},
}
"""Client → a line by which its files are known."""
