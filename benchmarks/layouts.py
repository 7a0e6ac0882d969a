"""Where real clients put their markers, as functions of a body: what Synrouter is measured against.

Each takes a Messages body without markers and returns it with the client's own (facts observed on the wire,
November 2026).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Body = dict[str, Any]
FIVE = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def none(body: Body) -> Body:
    """A client that marks nothing."""
    return body


def head_only(body: Body) -> Body:
    """One marker at the end of the system prompt."""
    _mark(body["system"][-1])
    return body


def head_tail(body: Body, ttl: dict[str, str] = FIVE) -> Body:
    """The end of the system prompt and the last block."""
    _mark(body["system"][-1], ttl)
    _mark_last(body["messages"][-1], ttl)
    return body


def head_tail_1h(body: Body) -> Body:
    """The same for an hour."""
    return head_tail(body, HOUR)


def head_previous_tail(body: Body) -> Body:
    """System, the newest user message but one, and the last block: the best fixed layout there is."""
    _mark(body["system"][-1])
    users = [m for m in body["messages"] if m["role"] == "user"]
    for message in users[-2:]:
        _mark_last(message)
    return body


def claude_code(body: Body) -> Body:
    """system[1], system[2] and the last block of the last message; nothing on tools."""
    system = body["system"][0]["text"]
    cut = len(system) * 3 // 4
    body["system"] = [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329; cc_entrypoint=sdk-cli;"},
        {"type": "text", "text": system[:cut], "cache_control": dict(FIVE)},
        {"type": "text", "text": system[cut:], "cache_control": dict(FIVE)},
    ]
    _mark_last(body["messages"][-1])
    return body


def hermes(body: Body) -> Body:
    """System and the last three messages."""
    _mark(body["system"][-1])
    for message in body["messages"][-3:]:
        _mark_last(message)
    return body


def droid(body: Body) -> Body:
    """System for an hour and the last three messages for five minutes."""
    _mark(body["system"][-1], HOUR)
    for message in body["messages"][-3:]:
        _mark_last(message)
    return body


def cline(body: Body) -> Body:
    """One marker, on the last message a person typed."""
    _mark_last(_newest_human(body))
    return body


def openclaw(body: Body) -> Body:
    """Last tool, system[0], the newest real user message, the newest tool result; a carrier message at the end."""
    system = body["system"][0]["text"]
    body["system"] = [
        {"type": "text", "text": system, "cache_control": dict(FIVE)},
        {"type": "text", "text": "Runtime: agent=main | session=main | sessionId=0f3c-77aa-bench"},
    ]
    body["tools"][-1]["cache_control"] = dict(FIVE)
    _mark_last(_newest_human(body))
    for message in reversed(body["messages"]):
        results = [b for b in message["content"] if b["type"] == "tool_result"]
        if results:
            _mark(results[-1])
            break
    count = len(body["messages"])
    carrier = f"<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nstep {count}\n" + "context line\n" * 40
    body["messages"].append({"role": "user", "content": [{"type": "text", "text": carrier}]})
    return body


def openclaw_old(body: Body) -> Body:
    """OpenClaw with a model outside its own list: earlier thinking is dropped at each step."""
    newest = max((i for i, m in enumerate(body["messages"]) if m["role"] == "assistant"), default=-1)
    for index, message in enumerate(body["messages"]):
        if message["role"] == "assistant" and index != newest:
            kept = [b for b in message["content"] if b["type"] != "thinking"]
            message["content"] = kept or [{"type": "text", "text": "…"}]
    return openclaw(body)


LAYOUTS: dict[str, Callable[[Body], Body]] = {
    "none": none,
    "claude-code": claude_code,
    "hermes": hermes,
    "droid": droid,
    "openclaw": openclaw,
    "openclaw, thinking dropped": openclaw_old,
    "cline": cline,
    "head + tail": head_tail,
}


def laid_out(body: Body, layout: Callable[[Body], Body]) -> Body:
    """A copy of the body with a client's markers."""
    return layout(copy.deepcopy(body))


def _newest_human(body: Body) -> dict[str, Any]:
    for message in reversed(body["messages"]):
        if message["role"] == "user" and not any(b["type"] == "tool_result" for b in message["content"]):
            return message  # type: ignore[no-any-return]
    return body["messages"][0]  # type: ignore[no-any-return]


def _mark(block: dict[str, Any], value: dict[str, str] = FIVE) -> None:
    block["cache_control"] = dict(value)


def _mark_last(message: dict[str, Any], value: dict[str, str] = FIVE) -> None:
    """Mark the last block of a message that may carry a marker."""
    for block in reversed(message["content"]):
        if block["type"] == "thinking" or (block["type"] == "text" and not block["text"].strip()):
            continue
        _mark(block, value)
        return
