"""What is remembered of a session at one provider, credential and model: what was sent there says nothing of another's
cache, nor do another's counts and misses.

>>> Lane(b"whose cache", "anthropic", "claude-opus-5-5").known
False
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from synrouter_cli.cache.anchors import Anchors
from synrouter_cli.cache.breaker import Breaker
from synrouter_cli.prompt.lasting import Lasting
from synrouter_cli.prompt.layers import Tools
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.prompt.trim import Trimmed

__all__ = ["Change", "Lane", "LaneKey", "Line", "head_key"]

LaneKey = tuple[bytes, str]
"""The keyed digest of provider and credential, and the model."""


@dataclass(frozen=True, slots=True)
class Change:
    """`stable_end`: blocks before it are expected to stand in the next request. `branch`: the first block that
    differs from the last request, -1 where this one only adds to it. `lasting`: what is known of that now."""

    stable_end: int
    branch: int
    lasting: Lasting


@dataclass(slots=True)
class Line:
    """What is remembered of the last request of a lane that had these tools (`head`, the key at their end)."""

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
class Lane:
    """A session at one (provider, credential, model)."""

    scope: bytes
    """Keyed digest of provider and credential: whose cache it is."""
    provider: str
    model: str
    at: float = 0.0
    """When its last request was sent that the provider took; 0 before there was one."""
    line: Line = field(default_factory=Line)
    """The last request, which the next is compared with."""
    other: Line | None = None
    """The last one with other tools: an agent that now and then asks with other tools (a heartbeat) goes on where it
    was."""
    policy: Policy | None = None
    """The session's, with what depends on who is asked."""
    only_cut: frozenset[bytes] | None = None
    """After the breaker tripped: the blocks that go on being cut, by the start of their digest."""
    breaker: Breaker = field(default_factory=Breaker)
    anchors: Anchors = field(default_factory=Anchors)
    answered: str | None = None
    """The last answer's id, where the next request is to name it."""

    @property
    def key(self) -> LaneKey:
        return self.scope, self.model

    @property
    def known(self) -> bool:
        """Whether the session has been here."""
        return self.at > 0 or self.line.last is not None

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
        """Where this prompt leaves the lane's last one (`left_at`), and what of it will probably not last.

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
        self.at = now

    def prompts(self) -> list[Prompt]:
        """The last requests as they came, and as they were sent where that is another."""
        found: list[Prompt] = []
        for line in (self.line, self.other):
            if line is not None:
                both = (line.last, line.last_sent if line.last_sent is not line.last else None)
                found += [prompt for prompt in both if prompt is not None]
        return found


def head_key(prompt: Prompt) -> bytes:
    """The prefix key at the end of the tools, empty where there are none."""
    end = prompt.layer_ends[0]
    return prompt.keys[end - 1] if end else b""
