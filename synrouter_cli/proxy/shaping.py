"""What of a request's content is edited before markers are planned: long results, the order of tools, a billing block.

The same history always becomes the same bytes: what is done depends on the request up to that point and on the
session's pinned policy. Where nothing is edited, what is sent is the request itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from synrouter_cli import providers
from synrouter_cli.lane import Lane
from synrouter_cli.prompt.body import Edit, apply_edits
from synrouter_cli.prompt.layers import Tools, read_tools
from synrouter_cli.prompt.leaving_out import billing_block, without_unit_edits
from synrouter_cli.prompt.order import Order, ordered, reorder_edits
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.prompt.trim import Trimmed, trimmed

__all__ = ["Shape", "rewritten", "shaped"]

Segment = Callable[[bytes, Prompt | None], Prompt]


@dataclass(frozen=True, slots=True)
class Shape:
    """A request as the client sent it, and as it is sent on (the same object where no content is edited)."""

    client: Prompt
    sent: Prompt
    trimmed: Trimmed | None = None
    tools: Tools | None = None
    order: Order = field(default_factory=Order)
    permutation: tuple[int, ...] = ()
    """At each place of the sent tools the client's; empty where the order is the client's."""
    left_out: int = -1
    """The client's block that is left out, -1 where none is."""

    @property
    def edited(self) -> bool:
        return self.sent is not self.client

    def sent_place(self, place: int) -> int:
        """Where the prefix that ends at the client's block `place` ends in what is sent."""
        return place - 1 if 0 <= self.left_out <= place else place

    def client_place(self, place: int) -> int:
        """The other way round."""
        return place + 1 if 0 <= self.left_out <= place else place


def shaped(
    prompt: Prompt, lane: Lane, order: Order, policy: Policy, facts: providers.CacheFacts, segment_again: Segment
) -> Shape:
    """Edit a request's content by the session's policy and order of tools. Models that bind thinking to what stood
    before it get none, nor do lanes in which our edits were not the same from request to request."""
    assert prompt.body is not None
    if facts.prefix_check or policy.level == "observe" or lane.breaker.unsteady:
        return Shape(prompt, prompt, order=order)
    edits: list[Edit] = []
    cut = None
    if policy.limits.least:
        line = lane.line
        earlier = (line.last, line.trimmed) if line.last is not None and line.trimmed is not None else None
        cut = trimmed(prompt, policy.limits, version=policy.version, earlier=earlier, only=lane.only_cut)
        edits += cut.edits
    tools = lane.line.tools
    permutation: tuple[int, ...] = ()
    if policy.orders_tools and prompt.unit_counts[0] > 1:
        tools = read_tools(prompt, lane.line.tools)
        order = order.extended(tools.names, tools.layers)
        permutation = ordered(tools.names, tools.layers, order)
        moved = reorder_edits(prompt, permutation)
        edits += moved
        permutation = permutation if moved else ()
    left_out = -1
    if not policy.billing_block and (unit := billing_block(prompt)) is not None:
        edits += without_unit_edits(prompt, unit)
        left_out = prompt.first_block[unit]
    if not edits:
        return Shape(prompt, prompt, cut, tools, order)
    sent = segment_again(apply_edits(prompt.body, edits), lane.line.last_sent)
    if len(sent.blocks) != len(prompt.blocks) - (left_out >= 0):
        raise ValueError("an edit changed the number of blocks")
    return Shape(prompt, sent, cut, tools, order, permutation, left_out)


def rewritten(shape: Shape, lane: Lane, left_at: int) -> bool:
    """Whether our edits changed what the client left unchanged: what is sent leaves the lane's last request at the
    block `left_at`, the client's own prompt later or not at all. Other tools may be ordered otherwise: no fault.
    """
    last = lane.line.last
    if last is None or left_at < 0 or (not shape.edited and lane.line.last_sent is last):
        return False
    shared = shape.client.shared_with(last.keys)
    same_tools = shared >= max(shape.client.layer_ends[0], last.layer_ends[0])
    return same_tools and shape.client_place(left_at) < shared
