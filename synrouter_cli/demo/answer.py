"""A scripted step as the API puts it on the wire: one message, or the events of its stream.

>>> answer = Answer.of(Step(say="Hi."), ident="00", model="m", prompt_usage={"input_tokens": 3})
>>> answer.message()["content"], answer.stop_reason
([{'type': 'text', 'text': 'Hi.'}], 'end_turn')
>>> [name for name, _ in answer.events()][:3]
['message_start', 'content_block_start', 'ping']
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synrouter_cli.demo.script import Step
from synrouter_cli.prompt.tokens import estimate_block

__all__ = ["Answer"]

DELTA_CHARACTERS = 24
"""How much text an event carries: about what the API sends at a time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, with all the usage that it reports at its end."""

    ident: str
    model: str
    content: tuple[Mapping[str, Any], ...]
    stop_reason: str
    usage: Mapping[str, Any]
    more: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the message that only stand there when asked for."""
    checked: bool = False
    """It says that its calls were checked for what is dangerous, and that none is."""

    @classmethod
    def of(
        cls,
        step: Step,
        *,
        ident: str,
        model: str,
        prompt_usage: Mapping[str, Any],
        signature: str | None = None,
        max_tokens: int | None = None,
    ) -> Answer:
        """`ident` (hex) makes the ids of the message and of its tool calls; with a `signature` it thinks."""
        content: list[dict[str, Any]] = []
        if step.think and signature is not None:
            content.append({"type": "thinking", "thinking": step.think, "signature": signature})
        if step.say:
            content.append({"type": "text", "text": step.say})
        for index, tool in enumerate(step.tools):
            tool_id = f"toolu_{ident[:20]}{index:04d}"
            content.append({"type": "tool_use", "id": tool_id, "name": tool.name, "input": tool.arguments})
        stop_reason = "refusal" if step.refuse else "tool_use" if step.tools else "end_turn"
        output_tokens = sum(estimate_block(block["type"], json.dumps(block).encode()) for block in content)
        if max_tokens is not None and output_tokens > max_tokens:
            content, stop_reason, output_tokens = _cut(content, max_tokens), "max_tokens", max_tokens
        usage = {**prompt_usage, "output_tokens": output_tokens, "service_tier": "standard"}
        return cls(ident, model, tuple(content), stop_reason, usage)

    @property
    def message_id(self) -> str:
        return f"msg_{self.ident[:24]}"

    def message(self) -> dict[str, Any]:
        """The answer to a request that is not streamed."""
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": list(self.content),
            "stop_reason": self.stop_reason,
            "stop_sequence": None,
            "usage": dict(self.usage),
            **self.more,
            **self._verdicts(),
        }

    def _verdicts(self) -> dict[str, Any]:
        """Whole in a message; in a stream at its end (as Claude Code 2.1.329 reads it)."""
        if not self.checked:
            return {}
        passed = {"type": "evaluated", "outcome": "not_flagged"}
        calls = {block["id"]: passed for block in self.content if block["type"] == "tool_use"}
        return {
            "safeguard_results": [{"type": "dangerous_tool_use", "status": {"type": "available", "tool_uses": calls}}]
        }

    def events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The stream's events: (name, data), in the order of the API (platform.claude.com, "Streaming")."""
        start = {**self.message(), "content": [], "stop_reason": None}
        start["usage"] = {**self.usage, "output_tokens": min(1, self.usage["output_tokens"])}
        start.pop("safeguard_results", None)
        yield "message_start", {"type": "message_start", "message": start}
        for index, block in enumerate(self.content):
            opening, deltas = _opened(block)
            yield (
                "content_block_start",
                {"type": "content_block_start", "index": index, "content_block": opening},
            )
            if not index:
                yield "ping", {"type": "ping"}
            for delta in deltas:
                yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
            yield "content_block_stop", {"type": "content_block_stop", "index": index}
        delta = {"stop_reason": self.stop_reason, "stop_sequence": None, **self._verdicts()}
        yield "message_delta", {"type": "message_delta", "delta": delta, "usage": dict(self.usage)}
        yield "message_stop", {"type": "message_stop"}


def _cut(content: Sequence[Mapping[str, Any]], max_tokens: int) -> list[dict[str, Any]]:
    """What is left of an answer that ran into its limit: the beginning of its text."""
    text = next((block["text"] for block in content if block["type"] == "text"), "")
    return [{"type": "text", "text": text[: 3 * max_tokens]}] if text and max_tokens else []


def _opened(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it opens, empty, and the deltas that fill it."""
    if block["type"] == "text":
        deltas = [{"type": "text_delta", "text": part} for part in _parts(block["text"])]
        return {"type": "text", "text": ""}, deltas
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": part} for part in _parts(block["thinking"])]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    parts = ["", *_parts(json.dumps(block["input"], ensure_ascii=False))]
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]


def _parts(text: str) -> Iterator[str]:
    return (text[at : at + DELTA_CHARACTERS] for at in range(0, len(text), DELTA_CHARACTERS))
