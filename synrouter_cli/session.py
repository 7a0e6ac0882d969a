"""What is remembered of one session, and what a prompt says of the session that it may belong to.

>>> Session("0123456789ab", "kilo", "main").number(0.0)
(1, True)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256

from synrouter_cli.cache.anchors import Anchors
from synrouter_cli.cache.breaker import Breaker
from synrouter_cli.cache.gaps import History
from synrouter_cli.cache.store import Place
from synrouter_cli.prompt.lasting import Lasting
from synrouter_cli.prompt.layers import Tools
from synrouter_cli.prompt.order import Order
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.prompt.trim import Trimmed

__all__ = ["RESERVE", "Change", "Line", "Session", "first_key", "head_key", "is_beside", "is_probe", "opening"]

RESERVE = 256
"""Turn numbers are reserved ahead, so that after a crash none is given out twice and the gap shows."""

RESERVE_MOST = 4096
"""A session in a hurry reserves more at a time: what is reserved must lie on the disk before it is given out."""

HURRY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Change:
    """`stable_end`: blocks before it are expected to stand in the next request. `branch`: the first block that
    differs from the last request, -1 where this one only adds to it. `lasting`: what is known of that now."""

    stable_end: int
    branch: int
    lasting: Lasting


@dataclass(slots=True)
class Line:
    """What is remembered of the last request of a session that had these tools (`head`, the key at their end)."""

    head: bytes = b""
    at: float = 0.0
    """When it was sent; 0 before there was one."""
    last: Prompt | None = None
    """As the client sent it, and as it was sent on: the same object where no content was edited."""
    last_sent: Prompt | None = None
    trimmed: Trimmed | None = None
    """What was cut in `last`."""
    tools: Tools | None = None
    shared_ends: tuple[int, ...] = ()
    lasting: Lasting = field(default_factory=Lasting)
    pair_key: str = ""
    betas: str = ""
    cached_tokens: int = 0
    """What of a prompt it left in the cache, and for how long; None seconds where that is not known."""
    cached_ttl_s: float | None = None


@dataclass(slots=True)
class Session:
    """What is remembered of one session. `turn` is the last number given out, `reserved` the highest that may be."""

    id: str
    client: str
    kind: str
    parent: str | None = None
    scope: bytes = b""
    turn: int = 0
    reserved: int = 0
    reserve: int = RESERVE
    reserved_at: float = 0.0
    last_at: float = 0.0
    """When its last request was sent that the provider took; 0 before there was one."""
    begun_at: float = 0.0
    line: Line = field(default_factory=Line)
    """The last request, which the next is compared with."""
    other: Line | None = None
    """The last one with other tools: an agent that now and then asks with other tools (a heartbeat) goes on where it
    was."""
    policy: Policy | None = None
    only_cut: frozenset[bytes] | None = None
    """After the breaker tripped: the blocks that go on being cut, by the start of their digest."""
    order: Order = field(default_factory=Order)
    gaps: History = field(default_factory=History)
    stopped: str | None = None
    """Why the last answer ended, None where that is not known."""
    answered: str | None = None
    """The last answer's id, where the next request is to name it."""
    over: bool = False
    """It was counted among those that have ended."""
    breaker: Breaker = field(default_factory=Breaker)
    in_flight: int = 0
    ends: list[bytes] = field(default_factory=list)
    """Prefix keys at the ends of the last request's newest messages; after a restart all that is left of it."""
    first_key: bytes = b""
    head_key: bytes = b""
    opening: bytes = b""
    """A digest of the first message alone."""
    indexed: bytes = b""
    """The `first_key` by which it is found, where it has no id of its own."""
    message_count: int = 0
    anchors: Anchors = field(default_factory=Anchors)
    restored: bool = False
    newest_key: bytes = b""
    newest_turn: int = 0
    tail: Place | None = None
    """The longest prefix that the last request left in the cache."""

    def number(self, now: float) -> tuple[int, bool]:
        """The next turn's number, and whether the reservation grew and must be stored."""
        self.turn += 1
        if self.reserved - self.turn >= self.reserve * 3 // 4:
            return self.turn, False
        hurry = now - self.reserved_at < HURRY_SECONDS
        self.reserve = min(self.reserve * 4, RESERVE_MOST) if hurry else RESERVE
        self.reserved, self.reserved_at = self.turn + self.reserve, now
        return self.turn, True

    def repeats(self, prompt: Prompt, turn: int) -> int | None:
        """The turn that asked the very same, where this one is a client's retry."""
        key = prompt.keys[-1] if prompt.keys else b""
        earlier = self.newest_turn if key and key == self.newest_key else None
        self.newest_key, self.newest_turn = key, turn
        return earlier

    def turn_to(self, prompt: Prompt) -> Line:
        """The line that this prompt goes on with: the one with its tools, else the newest."""
        head = head_key(prompt)
        if self.other is not None and self.line.head != head and self.other.head == head:
            self.line, self.other = self.other, self.line
        return self.line

    def left_at(self, sent: Prompt) -> int:
        """The first block that differs from the last request as it was sent; -1 where this one only adds to it."""
        last = self.line.last_sent
        if last is None:
            return -1
        shared = sent.shared_with(last.keys)
        return -1 if shared == len(last.keys) else shared

    def change(self, sent: Prompt, left_at: int, *, likely: Callable[[], bool], thinking_dropped: bool) -> Change:
        """Where this prompt leaves the session's last one (`left_at`), and what of it will probably not last.

        `likely` says whether what changed is a clock, a counter or an id; `thinking_dropped` that the provider left
        earlier thinking out, which says nothing of what is to come.
        """
        last, lasting = self.line.last_sent, self.line.lasting
        if last is not None and not thinking_dropped:
            lasting = lasting.after(last, sent, left_at, likely)
        return Change(lasting.stable_end(sent), left_at, lasting)

    def settle(self, prompt: Prompt, sent: Prompt, now: float) -> None:
        """The provider took this request: it is the one that the next is compared with."""
        line, head = self.turn_to(prompt), head_key(prompt)
        if line.last is not None and line.head != head:
            self.other, self.line = line, replace(line)
        self.line.head, self.line.at, self.line.last, self.line.last_sent = head, now, prompt, sent
        self.last_at = now
        ends = prompt.message_ends()
        self.message_count = len(ends)
        self.ends = [prompt.keys[end] for end in ends[-64:] if end >= 0]
        self.first_key = first_key(prompt)
        self.head_key = head_key(prompt)
        self.opening = opening(prompt)
        self.restored = False


def first_key(prompt: Prompt) -> bytes:
    """The prefix key at the end of the first message."""
    ends = prompt.message_ends()
    return prompt.keys[ends[0]] if ends and ends[0] >= 0 else b""


def opening(prompt: Prompt) -> bytes:
    """A digest of the first message alone, whatever tools and system stand before it."""
    units = prompt.message_units
    return sha256(b"".join(block.digest for block in units[0].blocks)).digest()[:16] if units else b""


def head_key(prompt: Prompt) -> bytes:
    """The prefix key at the end of the tools, empty where there are none."""
    end = prompt.layer_ends[0]
    return prompt.keys[end - 1] if end else b""


def is_probe(prompt: Prompt) -> bool:
    """A quota check or a connection test: one token asked for, nothing to continue."""
    return prompt.max_tokens is not None and prompt.max_tokens <= 1


def is_beside(prompt: Prompt, main: Session) -> bool:
    """Whether an agent asks this beside a conversation that has tools: a title, a summary, a classifier, which have
    none or must call one of their own."""
    last = main.line.last
    if not main.head_key or last is None:
        return False
    if not head_key(prompt):
        return True
    choice = prompt.settings.get("tool_choice", b"")
    return (b'"any"' in choice or b'"tool"' in choice) and not _tools(last) & _tools(prompt)


def _tools(prompt: Prompt) -> frozenset[bytes]:
    return frozenset(block.digest for unit in prompt.units[: prompt.unit_counts[0]] for block in unit.blocks)
