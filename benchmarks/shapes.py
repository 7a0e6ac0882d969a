"""What real clients send besides markers: messages, entries and system blocks of their own (observed, November 2026).

A shape makes of a time and a plain body the body that a client would send then, markers included where it sets some.
`SHAPES` are the clients by name: with the headers that tell whose session it is, and with what somebody who knows the
client would know of its prompts. `heartbeats` puts requests between those of a session.

>>> body = {"system": [{"type": "text", "text": "s"}], "tools": [], "messages": [{"role": "user", "content": "hi"}]}
>>> SHAPES["kilo"].shape(0.0, body)["system"]
[{'type': 'text', 'text': 's', 'cache_control': {'type': 'ephemeral'}}]
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from benchmarks import layouts
from benchmarks.bodies import Body, OnceEach, Part, mark_message, own_lists
from benchmarks.layouts import FIVE, LAYOUTS, laid_out
from benchmarks.runs import Step

Shape = Callable[[float, Body], Body]
HEARTBEAT_S = 1800.0
MOST_HEARTBEATS = 16
"""In one pause: at night there are none."""
DYNAMIC_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Client:
    """A client on the wire. `carriers`: messages at the end that are not there in the next request."""

    shape: Shape
    headers: Mapping[str, str] = field(default_factory=lambda: {"x-session-id": "ses_bench"})
    carriers: int = 0
    stable_system: int = -1
    """The last block of the system prompt that stays the same."""
    heartbeats: bool = False

    def requests(self, steps: list[Step]) -> list[Step]:
        """A session as this client sends it."""
        sent = [(at, self.shape(at, own_lists(body))) for at, body in steps]
        return _with_heartbeats(sent, steps) if self.heartbeats else sent


def _marks(name: str) -> Shape:
    return lambda _, body: laid_out(body, LAYOUTS[name])


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


# ── Claude Code ──


def claude_code(_: float, body: Body) -> Body:
    """With system entries among the messages, and text as a string wherever nothing is marked."""
    messages: list[Part] = []
    for index, message in enumerate(body["messages"]):
        messages.append(_as_string(message))
        if message["role"] == "user" and index % 10 == 0:
            messages.append(_entry(index))
    body["messages"] = messages
    return layouts.claude_code(body)


def _bare(message: Part) -> Part:
    content = message["content"]
    alone = isinstance(content, list) and len(content) == 1 and content[0]["type"] == "text"
    return {**message, "content": content[0]["text"]} if alone else message


_as_string = OnceEach(_bare)


@cache
def _entry(index: int) -> Part:
    text = f"<system-reminder>\nTask list after message {index}: {'one task is open. ' * 20}\n</system-reminder>"
    return {"role": "system", "content": text}


# ── OpenClaw ──


def openclaw(at: float, body: Body) -> Body:
    """With its second system block, which has today's date in it."""
    body["system"] = [*body["system"], _dynamic(_day(at), "main")]
    return layouts.openclaw(body)


def openclaw_old(at: float, body: Body) -> Body:
    """The same with a model outside its own list: earlier thinking is dropped at each step."""
    body["system"] = [*body["system"], _dynamic(_day(at), "main")]
    return layouts.openclaw_old(body)


def heartbeat(at: float, body: Body) -> Body:
    """The question whether there is anything to do: the history under other tools and another system prompt."""
    tools = [{**tool, "name": f"beat_{tool['name']}"} for tool in body["tools"][:6]]
    system = [_text("Heartbeat. " * 400), _dynamic(_day(at), "heartbeat")]
    asked = {"role": "user", "content": [_text(f"Read HEARTBEAT.md. Time: {datetime.fromtimestamp(at, UTC):%H:%M}")]}
    return layouts.openclaw({**body, "tools": tools, "system": system, "messages": [*body["messages"], asked]})


def _with_heartbeats(sent: list[Step], plain: list[Step]) -> list[Step]:
    result: list[Step] = []
    for index, step in enumerate(sent):
        result.append(step)
        end = sent[index + 1][0] if index + 1 < len(sent) else step[0]
        beat = (step[0] // HEARTBEAT_S + 1) * HEARTBEAT_S
        for number in range(MOST_HEARTBEATS):
            at = beat + number * HEARTBEAT_S
            if at < end:
                result.append((at, heartbeat(at, plain[index][1])))
    return result


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


@cache
def _dynamic(day: str, session: str) -> Part:
    runtime = f"Runtime: agent=main | session={session} | sessionId=0f3c-77aa-bench | model=claude"
    return _text((f"Current date: {day}\n{runtime}\n" + "Workspace notes. " * 250)[:DYNAMIC_CHARS])


# ── Aider ──

REMINDER = "\n\nTo suggest changes use a SEARCH/REPLACE block as described. " * 12


def aider(_: float, body: Body) -> Body:
    """Text only: examples, a map of the repository and files before the talk; the newest message has a reminder."""
    talk = [_flattened(message) for message in body["messages"]]
    if talk[-1]["role"] == "user":
        talk[-1] = {"role": "user", "content": talk[-1]["content"] + REMINDER}
    before = list(_aider_head())
    plain: Body = {**body, "messages": [*before, *talk]}
    plain.pop("tools", None)
    for index in range(0, len(before), 2):
        mark_message(plain, index, FIVE)
    return plain


@cache
def _aider_head() -> tuple[Part, ...]:
    parts = []
    for name, chars in (("Example", 6000), ("Repository map", 8000), ("Files", 24_000)):
        parts.append({"role": "user", "content": (f"{name}:\n" + f"{name} line of text\n" * 2000)[:chars]})
        parts.append({"role": "assistant", "content": "Ok."})
    return tuple(parts)


def _flat(message: Part) -> Part:
    content = message["content"]
    if isinstance(content, list):
        content = "\n".join(_said(block) for block in content if block["type"] != "thinking")
    return {"role": message["role"], "content": content or "…"}


def _said(block: Part) -> str:
    if block["type"] == "text":
        return str(block["text"])
    inner: Any = block.get("input", block.get("content", ""))
    return inner if isinstance(inner, str) else json.dumps(inner)


_flattened = OnceEach(_flat)


_OPENCLAW = {"user-agent": "undici", "x-synrouter-client": "openclaw"}
_NONE: dict[str, str] = {}
_NO_ID = frozenset({"hermes", "droid", "pi", "qwen", "continue", "cline", "roo"})
"""Clients that send nothing by which a session could be told: it is found by its beginning."""

SHAPES: dict[str, Client] = {
    **{
        name: Client(_marks(name), _NONE if name in _NO_ID else {"x-session-id": "ses_bench"})
        for name in LAYOUTS
        if not name.startswith("openclaw")
    },
    "claude-code, system entries": Client(claude_code, {"x-claude-code-session-id": "bench"}),
    "aider": Client(aider, {"user-agent": "aider/0.86"}),
    "openclaw": Client(openclaw, _OPENCLAW, carriers=1, stable_system=0),
    "openclaw, thinking dropped": Client(openclaw_old, _OPENCLAW, carriers=1, stable_system=0),
    "openclaw, heartbeats": Client(openclaw, _OPENCLAW, carriers=1, stable_system=0, heartbeats=True),
}
