"""A conversation as the bodies that a client would send for it, built of pieces that are encoded once.

System prompt and tools stand in no transcript: filler of the size that the first reported usage leaves for them takes
their place, the same in every request. Where a client puts its markers is a row of LAYOUTS.

>>> talk = Conversation()
>>> talk.say("user", [{"type": "text", "text": "hello"}])
>>> talk.body(b'"m"', Head.of(0), LAYOUTS["pi"], "5m").count(b"cache_control")
3
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from synrouter_cli.estimate.events import Block
from synrouter_cli.prompt.segments import segment
from synrouter_cli.prompt.tokens import estimate

__all__ = ["LAYOUTS", "NOTHING", "Conversation", "Head", "Layout"]

_MARKERS: Final = {
    "5m": b',"cache_control":{"type":"ephemeral"}',
    "1h": b',"cache_control":{"type":"ephemeral","ttl":"1h"}',
}
_NEVER_MARKED: Final = frozenset({"thinking", "redacted_thinking"})
_WORDS: Final = "the agent reads a file, runs one command and says in short what it found; "
_SAMPLE: Final = _WORDS * 600
TOOLS_SHARE: Final = 0.6
"""How much of the head is tools, the rest being the system prompt: usual for coding agents."""
SMALLEST_HEAD: Final = 32
"""Tokens of a head of which nothing is known."""


@dataclass(frozen=True, slots=True)
class _Message:
    """`mark_at` is where a marker goes in, -1 where the message may carry none."""

    raw: bytes
    mark_at: int
    role: str
    answers: bool


@dataclass(frozen=True, slots=True)
class Head:
    """Tools and the blocks of the system prompt as JSON, without markers."""

    tool: bytes
    system: tuple[bytes, ...]

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, tokens: int, shared: int = 0) -> Head:
        """A head of about so many tokens by the estimate. Where `shared` is less, the system prompt has a second block
        behind so many: what other conversations do not have."""
        tokens = max(tokens, SMALLEST_HEAD)
        first = shared if SMALLEST_HEAD <= shared <= tokens - SMALLEST_HEAD else tokens
        tools = round(first * TOOLS_SHARE)
        tool = b'{"name":"tools","input_schema":{"type":"object"},"description":"%s"}' % _filler(tools)
        sizes = (first - tools, tokens - first) if first < tokens else (first - tools,)
        return cls(tool, tuple(b'{"type":"text","text":"%s"}' % _filler(size) for size in sizes))


@lru_cache(maxsize=1)
def _characters_a_token() -> float:
    return len(_SAMPLE) / estimate(_SAMPLE.encode())


def _filler(tokens: int) -> bytes:
    size = max(1, round(tokens * _characters_a_token()))
    return (_WORDS * (size // len(_WORDS) + 1))[:size].encode()


Messages = Sequence[_Message]


def _newest(messages: Messages, count: int) -> list[int]:
    found: list[int] = []
    for place in range(len(messages) - 1, -1, -1):
        if len(found) == count:
            break
        if messages[place].mark_at >= 0:
            found.append(place)
    return found


def _last(messages: Messages) -> list[int]:
    return _newest(messages, 1)


def _last_two(messages: Messages) -> list[int]:
    return _newest(messages, 2)


def _person_and_result(messages: Messages) -> list[int]:
    """The newest message that a person wrote, and the newest result of a tool."""
    newest: dict[bool, int] = {}
    for place in range(len(messages) - 1, -1, -1):
        if messages[place].role == "user":
            newest.setdefault(messages[place].answers, place)
            if len(newest) == 2:
                break
    return sorted(newest.values())


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a client puts markers: on its last tool, on how many of the last system blocks, on which messages."""

    tools: bool
    system: int
    messages: Callable[[Messages], list[int]]


NOTHING: Final = Layout(False, 0, lambda messages: [])
"""A client that marks nothing, or whose marking does not work."""
LAYOUTS: Final[Mapping[str, Layout]] = {
    "claude-code": Layout(False, 2, _last),
    "pi": Layout(True, 1, _last),
    "opencode": Layout(False, 1, _last_two),
    "kilo": Layout(False, 1, _last_two),
    "openclaw": Layout(True, 1, _person_and_result),
}
"""As observed on the wire in November 2026. What a client puts behind its newest message for one request only is in no
transcript and left out."""


class Conversation:
    """The messages so far. Each is encoded once; a request joins them."""

    def __init__(self) -> None:
        self._messages: list[_Message] = []

    def __len__(self) -> int:
        return len(self._messages)

    def say(self, role: str, blocks: Sequence[Block]) -> None:
        """Add a message; one without content is kept as a place."""
        encoded = [msgspec.json.encode(block) for block in blocks]
        before = b'{"role":"%s","content":[' % role.encode()
        raw = b"%s%s]}" % (before, b",".join(encoded))
        at, mark_at = len(before) - 1, -1
        for block, piece in zip(blocks, encoded, strict=True):
            at += 1 + len(piece)
            if _may_be_marked(block):
                mark_at = at - 1
        answers = any(block["type"] == "tool_result" for block in blocks)
        self._messages.append(_Message(raw if blocks else b"", mark_at, role, answers))

    def keep(self, start: int, end: int | None) -> None:
        """Only messages [start, end) go on."""
        self._messages = self._messages[start:end]

    @property
    def is_empty(self) -> bool:
        return not any(message.raw for message in self._messages)

    def tokens(self) -> int:
        """All messages, by the estimate."""
        return segment(self.body(b'""', None, NOTHING, "5m")).tokens[-1]

    def body(self, model: bytes, head: Head | None, layout: Layout, ttl: str) -> bytes:
        """The request that would be sent now, `model` being a JSON string."""
        marker = _MARKERS[ttl]
        pieces = [message.raw for message in self._messages]
        for place in layout.messages(self._messages):
            raw, mark_at = self._messages[place].raw, self._messages[place].mark_at
            if mark_at >= 0:
                pieces[place] = raw[:mark_at] + marker + raw[mark_at:]
        said = b",".join(filter(None, pieces))
        if head is None:
            return b'{"model":%s,"messages":[%s]}' % (model, said)
        tool = head.tool[:-1] + marker + b"}" if layout.tools else head.tool
        unmarked = len(head.system) - layout.system
        blocks = (block if place < unmarked else block[:-1] + marker + b"}" for place, block in enumerate(head.system))
        return b'{"model":%s,"max_tokens":32000,"stream":true,"tools":[%s],"system":[%s],"messages":[%s]}' % (
            model,
            tool,
            b",".join(blocks),
            said,
        )


def _may_be_marked(block: Block) -> bool:
    if block["type"] in _NEVER_MARKED:
        return False
    return block["type"] != "text" or bool(str(block.get("text", "")).strip())
