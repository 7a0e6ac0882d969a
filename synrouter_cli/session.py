"""What is remembered of one session, whoever answers, and what a prompt says of the session that it may belong to.

What depends on who answers is in its lanes (`lane.py`).

>>> Session("0123456789ab", "kilo", "main").number(0.0)
(1, True)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from synrouter_cli.cache.gaps import History
from synrouter_cli.cache.store import Place
from synrouter_cli.lane import Lane, LaneKey, Line, head_key
from synrouter_cli.prompt.order import Order
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.segments import Prompt

__all__ = ["RESERVE", "Session", "first_key", "is_beside", "is_probe", "opening"]

RESERVE = 1024
"""Turn numbers are reserved ahead, so that after a crash none is given out twice and the gap shows. More are reserved
once a sixteenth is used: the disk has as long as the rest lasts."""

RESERVE_MOST = 16384
"""A session in a hurry reserves more at a time: what is reserved must lie on the disk before it is given out."""

HURRY_SECONDS = 2.0

MOST_LANES = 6
"""A session is remembered at so many providers and models, those asked last."""


@dataclass(slots=True)
class Session:
    """What is remembered of one session. `turn` is the last number given out, `reserved` the highest that may be."""

    id: str
    client: str
    kind: str
    parent: str | None = None
    owner: bytes = b""
    """Whose it is: of those with another owner it never becomes one."""
    turn: int = 0
    reserved: int = 0
    reserve: int = RESERVE
    reserved_at: float = 0.0
    last_at: float = 0.0
    """When its last request was sent that a provider took; 0 before there was one."""
    begun_at: float = 0.0
    lanes: dict[LaneKey, Lane] = field(default_factory=dict)
    """Where it has been, the latest last."""
    midway: bool = False
    """It had a history when it was seen first: what its client had cached before, and where, nobody knows."""
    policy: Policy | None = None
    order: Order = field(default_factory=Order)
    gaps: History = field(default_factory=History)
    stopped: str | None = None
    """Why the last answer ended, None where that is not known."""
    over: bool = False
    """It was counted among those that have ended."""
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
    restored: bool = False
    newest_key: bytes = b""
    newest_turn: int = 0
    tail: Place | None = None
    """The longest prefix that the last request left in the cache."""

    @property
    def newest(self) -> Lane:
        """The lane of its last request; an empty one before there was one."""
        return next((lane for lane in reversed(self.lanes.values()) if lane.known), Lane(b"", "", ""))

    def has_been(self, to: LaneKey) -> bool:
        """Whether a request of it went there, answered or not."""
        return to in self.lanes or (to[0], "") in self.lanes

    def lane(self, scope: bytes, provider: str, model: str) -> Lane:
        """What is remembered of it there. What the client does to its prompts it does wherever they go: that is known
        of a new lane too."""
        lane = self.lanes.get((scope, model)) or self.lanes.pop((scope, ""), None)  # "": an earlier version knew none
        if lane is None:
            lane = Lane(scope, provider, model, line=Line(lasting=self.newest.line.lasting))
        lane.provider, lane.model = provider, model
        self.lanes.setdefault(lane.key, lane)
        while len(self.lanes) > MOST_LANES:
            del self.lanes[next(iter(self.lanes))]
        return lane

    def goes_on_from(self, parent: Session) -> None:
        """Take over what another session was treated by, wherever it has been: its history stays as it was sent."""
        self.policy, self.order = parent.policy, parent.order
        for key, lane in parent.lanes.items():
            here = self.lanes.setdefault(key, Lane(lane.scope, lane.provider, lane.model))
            here.policy, here.only_cut = lane.policy, lane.only_cut

    def number(self, now: float) -> tuple[int, bool]:
        """The next turn's number, and whether the reservation grew and must be stored."""
        self.turn += 1
        if self.reserved - self.turn >= self.reserve * 15 // 16:
            return self.turn, False
        hurry = now - self.reserved_at < HURRY_SECONDS
        self.reserve = min(self.reserve * 4, RESERVE_MOST) if hurry else RESERVE
        self.reserved, self.reserved_at = self.turn + self.reserve, now
        return self.turn, True

    def repeats(self, prompt: Prompt, turn: int) -> int | None:
        """The turn that asked the very same, where this one is a client's retry or a fallback."""
        key = prompt.keys[-1] if prompt.keys else b""
        earlier = self.newest_turn if key and key == self.newest_key else None
        self.newest_key, self.newest_turn = key, turn
        return earlier

    def settle(self, lane: Lane, prompt: Prompt, sent: Prompt, now: float) -> None:
        """The provider took this request: it is the one that the next is compared with."""
        lane.settle(prompt, sent, now)
        self.lanes.pop(lane.key, None)
        self.lanes[lane.key] = lane
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


def is_probe(prompt: Prompt) -> bool:
    """A quota check or a connection test: one token asked for, nothing to continue."""
    return prompt.max_tokens is not None and prompt.max_tokens <= 1


def is_beside(prompt: Prompt, main: Session) -> bool:
    """Whether an agent asks this beside a conversation that has tools: a title, a summary, a classifier, which have
    none or must call one of their own."""
    last = main.newest.line.last
    if not main.head_key or last is None:
        return False
    if not head_key(prompt):
        return True
    choice = prompt.settings.get("tool_choice", b"")
    return (b'"any"' in choice or b'"tool"' in choice) and not _tools(last) & _tools(prompt)


def _tools(prompt: Prompt) -> frozenset[bytes]:
    return frozenset(block.digest for unit in prompt.units[: prompt.unit_counts[0]] for block in unit.blocks)
