"""What of a request's content is edited, and where its blocks stand afterwards."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from support.bench import WORDS, body, long_body, results
from synrouter_cli import providers
from synrouter_cli.lane import Lane
from synrouter_cli.prompt.order import Order
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.segments import Prompt, segment
from synrouter_cli.proxy.planned import ClientCounts
from synrouter_cli.proxy.shaping import Shape, shaped

FACTS = providers.facts("anthropic", "claude-sonnet-4-6")
BOUND = providers.facts("anthropic", "claude-fable-5-2")
BILLING = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=a1;"}


def split(made: dict[str, Any]) -> Prompt:
    return segment(json.dumps(made).encode())


def shape_of(
    made: dict[str, Any], policy: Policy, lane: Lane | None = None, order: Order | None = None, facts: Any = FACTS
) -> Shape:
    return shaped(split(made), lane or Lane(b"", "anthropic", "m"), order or Order(), policy, facts, segment)


def with_tools(*names: str, **more: Any) -> dict[str, Any]:
    tools = [{"name": name, "description": f"{name} {WORDS * 5}", "input_schema": {"type": "object"}} for name in names]
    return body(1, tools=tools, **more)


def tool_names(prompt: Prompt) -> list[str]:
    assert prompt.body is not None
    return [tool["name"] for tool in json.loads(prompt.body)["tools"]]


@pytest.mark.parametrize("level", ["observe", "safe", "standard", "max"])
def test_where_nothing_is_to_edit_the_request_itself_is_sent(level: str) -> None:
    shape = shape_of(body(2), Policy.of(level))
    assert shape.sent is shape.client and not shape.edited


@pytest.mark.parametrize(("level", "edited"), [("observe", False), ("safe", False), ("standard", True), ("max", True)])
def test_long_results_are_cut_by_the_policy(level: str, edited: bool) -> None:
    shape = shape_of(long_body(2), Policy.of(level))
    assert shape.edited == edited
    assert len(shape.sent.blocks) == len(shape.client.blocks)


def test_a_model_that_binds_thinking_to_what_stood_before_gets_no_edit() -> None:
    made = with_tools("mcp__a__x", "Bash", system=[BILLING, {"type": "text", "text": WORDS}])
    for policy in (Policy.of("max"), replace(Policy.of("max"), billing_block=False)):
        assert not shape_of(made, policy, facts=BOUND).edited
        assert shape_of(made, policy).edited


def test_once_only_some_blocks_may_be_cut_no_other_is() -> None:
    lane = Lane(b"", "anthropic", "m")
    one = shape_of(long_body(1), Policy.of("standard"))
    assert one.trimmed is not None
    lane.only_cut = frozenset(one.client.blocks[cut.block].digest[:8] for cut in one.trimmed.cuts)
    two = shape_of(long_body(2), Policy.of("standard"), lane)
    assert two.sent.body is not None and one.sent.body is not None
    assert results(two.sent.body) == [results(one.sent.body)[0], results(json.dumps(long_body(2)).encode())[1]]


def test_at_level_max_core_tools_come_first_and_a_servers_come_back_in_place() -> None:
    lane, order = Lane(b"", "anthropic", "m"), Order()
    orders = []
    for names in (["mcp__a__x", "Bash"], ["mcp__b__y", "Bash"], ["mcp__b__y", "mcp__a__x", "Bash"]):
        shape = shape_of(with_tools(*names), Policy.of("max"), lane, order)
        lane.line.tools, order = shape.tools, shape.order
        orders.append(tool_names(shape.sent))
    assert orders == [["Bash", "mcp__a__x"], ["Bash", "mcp__b__y"], ["Bash", "mcp__a__x", "mcp__b__y"]]


def test_places_count_without_the_block_that_is_left_out() -> None:
    made = with_tools("Bash", system=[BILLING, {"type": "text", "text": WORDS}])
    shape = shape_of(made, replace(Policy.of("safe"), billing_block=False))
    assert shape.left_out == 1 and len(shape.sent.blocks) == len(shape.client.blocks) - 1
    assert [shape.sent_place(place) for place in range(4)] == [0, 0, 1, 2]
    assert [shape.client_place(place) for place in (-1, 0, 1, 2)] == [-1, 0, 2, 3]
    for place, block in enumerate(shape.sent.blocks):
        assert shape.client.blocks[shape.client_place(place)].digest == block.digest


def test_the_clients_prefixes_are_as_long_as_what_is_sent_of_them() -> None:
    made = with_tools("mcp__a__x", "Bash", system=[BILLING, {"type": "text", "text": WORDS}])
    shape = shape_of(made, replace(Policy.of("max"), billing_block=False))
    counts = ClientCounts(shape, shape.sent.tokens)
    lengths = [counts[place] for place in range(len(shape.client.blocks))]
    assert lengths == sorted(lengths)
    assert lengths[1] == shape.sent.tokens[1], "all tools"
    assert counts[-1] == shape.sent.tokens[-1], "the whole prompt"
