"""What is known of a planned request while its answer is under way.

>>> plan_text("safe", (Marker(3, "1h"), Marker(9, "5m")))
'safe; marks=2; ttl=1h,5m'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synrouter_cli import providers
from synrouter_cli.cache.anchors import Measured
from synrouter_cli.cache.gaps import History
from synrouter_cli.cache.model import Counts, Found, Marker, Rendered
from synrouter_cli.cache.planner import Plan
from synrouter_cli.cache.shadow import Pair
from synrouter_cli.lane import Lane, Line
from synrouter_cli.prompt.changes import Difference, Elsewhere
from synrouter_cli.prompt.difference import compare
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.proxy.shaping import Shape
from synrouter_cli.session import Session

__all__ = ["ClientCounts", "Planned", "plan_text"]


class ClientCounts(Counts):
    """The lengths of the client's own prefixes, in the content that is sent: what was trimmed is not in them."""

    def __init__(self, shape: Shape, sent: Sequence[int]) -> None:
        self._shape = shape
        self._sent = sent
        self._tools_end = shape.client.layer_ends[0] if shape.permutation else 0

    def __getitem__(self, position: int, /) -> int:
        if position < 0:
            position += len(self._shape.client.keys)
        if position >= self._tools_end - 1:
            place = self._shape.sent_place(position)
            return self._sent[place] if place >= 0 else 0  # before everything: what is left out came first
        # tools in another order: their estimates share out what they have together
        estimates = self._shape.client.tokens
        whole = estimates[self._tools_end - 1]
        return round(self._sent[self._tools_end - 1] * estimates[position] / whole) if whole else 0


@dataclass(slots=True)
class Planned:
    """A planned request: what is sent and what it should meet in the cache, and what the client's own would meet.

    `rendered`, `tokens`, `plan` and `sent_live` are of what is sent; `client_…` of the request as it came.
    """

    line: Line
    """What the request is compared with: that of its lane, and in a new one the session's last elsewhere."""
    shape: Shape
    policy: Policy
    rendered: Rendered
    tokens: Measured
    session: Session
    lane: Lane
    pair: Pair
    pair_key: str
    facts: providers.CacheFacts
    plan: Plan
    sent_live: list[int]
    own: tuple[Marker, ...]
    """The client's markers as they stand in what is sent, with lifetimes that the provider has."""
    shortens: bool
    """Some of them have another in the bytes, which the provider does not know."""
    client_rendered: Rendered
    client_tokens: Counts
    client: tuple[Marker, ...]
    client_found: Found
    client_live: list[int]
    gap_s: float | None
    """Seconds since the session's last request; None where this is its first."""
    line_gap_s: float | None
    """Seconds since the last request that this one is compared with, which may have been another than that."""
    elsewhere: Elsewhere | None
    """Where the session's last request went, and that this one goes where none of it has been."""
    history: History
    lost: bool
    """The client may have had entries that we know nothing of: nothing is claimed for this turn."""
    betas: str = ""
    left_at: int = -1
    """The first block that differs from the session's last request, -1 where this one only adds to it."""
    rewritten: bool = False
    """Our own edits changed what the client left unchanged: a fault of ours."""
    hit_owner: str = ""
    """The session that wrote the entry which is expected to be read."""
    last_sent: Prompt | None = None
    """The last request of the session, as it was sent, with its betas and its stores."""
    last_betas: str = ""
    last_pair_key: str = ""
    changed_line: str = ""
    """What of a prompt changed, for this process's memory only; filled in where it made the turn miss."""
    gone: bool = False
    """Most of what the last request left in the cache was not read, though it was a short time ago."""
    apart: bool = False
    """Since the lane's last request the session has been elsewhere."""
    overlapped: bool = False
    """Another request of the session was under way when this one came."""
    committed: bool = False

    @property
    def prompt(self) -> Prompt:
        """The request as it is sent."""
        return self.shape.sent

    def client_counts(self, tokens: Measured) -> Counts:
        """The lengths of the client's prefixes by these of what was sent."""
        return ClientCounts(self.shape, tokens) if self.shape.edited else tokens

    def difference(self) -> Difference | None:
        """What changed since the session's last request; None where there is nothing to compare with."""
        last = self.last_sent
        if last is None or (self.elsewhere is not None and self.elsewhere.code == "provider"):
            return None
        had, has = betas_of(self.last_betas), betas_of(self.betas)
        if self.left_at < 0 and last.seeds == self.prompt.seeds and last.model == self.prompt.model and had == has:
            return Difference()  # it only adds to it: what nearly every request does
        return compare(last, self.prompt, betas_before=had, betas_after=has)


def betas_of(header: str) -> list[str]:
    """The names in an `anthropic-beta` header, in order of the alphabet."""
    return sorted(name.strip() for name in header.split(",") if name.strip())


def plan_text(level: str, markers: tuple[Marker, ...]) -> str:
    """The value of x-synrouter-plan."""
    if level == "observe":
        return level
    ttls = ",".join(marker.ttl for marker in markers)
    return f"{level}; marks={len(markers)}" + (f"; ttl={ttls}" if ttls else "")
