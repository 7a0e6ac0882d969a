"""The order of tools: by layer and first sight, held while tools come and go; the edits move raw tools and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt.body import Edit, apply_edits, inverse_edits
from synrouter_cli.prompt.layers import layer_ends, layer_of, read_tools
from synrouter_cli.prompt.order import MOST_NAMES, Order, ordered, reorder_edits
from synrouter_cli.prompt.segments import segment


def extended(order: Order, names: list[str]) -> Order:
    return order.extended(names, [layer_of(name) for name in names])


def in_order(names: list[str], order: Order) -> list[str]:
    return [names[place] for place in ordered(names, [layer_of(name) for name in names], order)]


def shared(one: list[str], other: list[str]) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def test_a_first_request_is_ordered_by_layer_and_else_as_it_came() -> None:
    names = ["mcp__b__1", "Skill", "Read", "mcp__a__1", "Agent", "Bash"]
    assert in_order(names, Order()) == ["Read", "Bash", "Skill", "Agent", "mcp__b__1", "mcp__a__1"]


def test_a_server_that_flaps_finds_its_tools_at_their_old_places() -> None:
    full = ["Bash", "mcp__a__1", "mcp__b__1", "mcp__c__1"]
    order = extended(Order(), full)
    without = ["Bash", "mcp__a__1", "mcp__c__1"]
    assert extended(order, without) is order
    assert in_order(without, order) == without
    assert in_order([*without, "mcp__b__1"], order) == full, "wherever the client puts it when it comes back"


def test_a_server_that_connects_late_stands_behind_the_others_for_good() -> None:
    order = extended(extended(Order(), ["Bash", "mcp__b__1"]), ["Bash", "mcp__a__1", "mcp__b__1"])
    assert in_order(["Bash", "mcp__a__1", "mcp__b__1"], order) == ["Bash", "mcp__b__1", "mcp__a__1"]


def test_a_layer_that_was_pinned_outlives_a_new_table() -> None:
    order = Order().extended(["x", "y"], [3, 0])
    assert ordered(["x", "y", "z"], [0, 0, 1], order) == (1, 2, 0)


def test_an_order_does_not_grow_without_end() -> None:
    names = [f"t{i}" for i in range(MOST_NAMES + 5)]
    order = extended(Order(), names)
    assert len(order.names) == len(order.layers) == MOST_NAMES
    more = extended(order, ["Read", "new"])
    assert more == order
    assert in_order(["new", "t1", "t0"], more) == ["t0", "t1", "new"]


def test_two_tools_of_one_name_stay_as_they_came() -> None:
    order = extended(Order(), ["a", "Bash", "a"])
    assert order.names == ("a", "Bash")
    assert ordered(["a", "Bash", "a"], [1, 0, 1], order) == (1, 0, 2)
    assert Order().extended(["a", "a"], [1, 2]).layers == (1,), "the first sight counts"


CORE_NAMES = ["Read", "Edit", "Bash", "Grep"]
OTHERS = st.sampled_from(["Agent", "Skill", "Task", *(f"mcp__{s}__{t}" for s in "abc" for t in "12")])
NAMES = st.lists(st.one_of(st.sampled_from(CORE_NAMES), OTHERS), unique=True, max_size=10)


@given(NAMES, st.lists(NAMES, max_size=4))
def test_the_order_names_each_tool_once_and_is_by_layer(names: list[str], earlier: list[list[str]]) -> None:
    order = Order()
    for seen in earlier:
        order = extended(order, seen)
    result = in_order(names, order)
    assert sorted(result) == sorted(names)
    layers = [layer_of(name) for name in result]
    assert layers == sorted(layers)
    assert in_order(result, extended(order, result)) == result, "what stands in order stays"


@st.composite
def woven(draw: st.DrawFn, core: list[str]) -> list[str]:
    """The core in its order, with other tools anywhere between."""
    names = list(core)
    for other in draw(st.lists(OTHERS, unique=True, max_size=6)):
        names.insert(draw(st.integers(0, len(names))), other)
    return names


@given(st.permutations(CORE_NAMES).flatmap(lambda core: st.tuples(woven(core), woven(core))))
def test_two_sessions_with_the_same_core_share_at_least_that(sessions: tuple[list[str], list[str]]) -> None:
    one, other = (in_order(names, Order()) for names in sessions)
    assert shared(one, other) >= len(CORE_NAMES)


@given(NAMES, NAMES)
def test_new_tools_leave_all_before_the_end_of_their_layer_in_place(names: list[str], new: list[str]) -> None:
    order = extended(Order(), names)
    grown = new + [name for name in names if name not in new]
    before, after = in_order(names, order), in_order(grown, extended(order, grown))
    lowest = min((layer_of(name) for name in new if name not in names), default=4)
    assert shared(before, after) >= sum(layer_of(name) <= lowest for name in names)


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_two_tools_never_change_places_in_a_session(requests: list[list[str]]) -> None:
    order, seen = Order(), []
    for names in requests:
        order = extended(order, names)
        seen.append(in_order(names, order))
    for names in seen:
        now = in_order(names[::-1], order)
        assert now == names


SPACE = st.text(" \n\t", max_size=3).map(str.encode)
RAW_TOOL = st.one_of(
    st.builds(
        lambda name, mark, ascii_only: json.dumps(
            {"name": name, "n": 1.10, **({"cache_control": {"type": "ephemeral"}} if mark else {})},
            ensure_ascii=ascii_only,
        ).encode("utf-8", "surrogatepass"),
        st.one_of(OTHERS, st.sampled_from(CORE_NAMES), st.text(st.characters(codec=None, categories=None), max_size=4)),
        st.booleans(),
        st.booleans(),
    ),
    st.sampled_from([b'{"name":"Read","name":"x","big":123456789012345678901234567890}', b'{ "name" : "\\/" }', b"{}"]),
)


@st.composite
def tool_arrays(draw: st.DrawFn) -> tuple[bytes, list[bytes], bytes, bytes]:
    tools = draw(st.lists(RAW_TOOL, max_size=7))
    inside = b",".join(draw(SPACE) + tool + draw(SPACE) for tool in tools)
    before = b'{"model":"m",%s"tools" :%s' % (draw(SPACE), draw(SPACE))
    after = draw(SPACE) + b', "system":"s","messages":[{"role":"user","content":"hi"}]}'
    return before + b"[" + inside + b"]" + after, tools, before, after


@given(tool_arrays(), st.data())
def test_the_edits_move_raw_tools_and_nothing_else(case, data: st.DataObject) -> None:
    body, tools, before, after = case
    prompt = segment(body)
    permutation = data.draw(st.permutations(range(len(tools))))
    edits = reorder_edits(prompt, permutation)
    sent = apply_edits(body, edits)
    assert apply_edits(sent, inverse_edits(body, edits)) == body
    assert len(sent) == len(body)
    assert sent.startswith(before + b"[") and sent.endswith(b"]" + after)

    again = segment(sent)
    spans = [(start, start + again.units[place].length) for place, start in enumerate(again.starts[: len(tools)])]
    assert [sent[start:end] for start, end in spans] == [tools[place] for place in permutation]
    assert Counter(block.digest for block in again.blocks) == Counter(block.digest for block in prompt.blocks)
    gaps = [prompt.starts[i + 1] - prompt.starts[i] - prompt.units[i].length for i in range(len(tools) - 1)]
    assert [after - end for (_, end), (after, _) in pairwise(spans)] == gaps


@given(tool_arrays())
def test_tools_that_stand_in_order_are_not_edited_and_others_once(case) -> None:
    body, _, _, _ = case
    prompt = segment(body)
    tools = read_tools(prompt)
    order = Order().extended(tools.names, tools.layers)
    permutation = ordered(tools.names, tools.layers, order)
    edits = reorder_edits(prompt, permutation)
    assert (edits == []) == (permutation == tuple(range(len(tools.names))))

    sent = segment(apply_edits(body, edits))
    after = read_tools(sent)
    assert list(after.layers) == sorted(tools.layers)
    assert len(layer_ends(sent, after.layers)) == max(len(set(tools.layers)) - 1, 0), "each layer has its end now"
    assert reorder_edits(sent, ordered(after.names, after.layers, order)) == []


def test_separators_stay_where_they_are() -> None:
    body = b'{"tools":[ {"name":"b"} ,\n\n{"name":"a"},{"name":"longer"}\t],"messages":[]}'
    sent = apply_edits(body, reorder_edits(segment(body), (2, 0, 1)))
    assert sent == b'{"tools":[ {"name":"longer"} ,\n\n{"name":"b"},{"name":"a"}\t],"messages":[]}'
    msgspec.json.decode(sent)


def test_only_tools_that_move_are_edited() -> None:
    body = b'{"tools":[{"name":"a"},{"name":"b"},{"name":"c"}],"messages":[]}'
    assert reorder_edits(segment(body), (0, 2, 1)) == [Edit(23, 12, b'{"name":"c"}'), Edit(36, 12, b'{"name":"b"}')]


@pytest.mark.parametrize("permutation", [(0,), (0, 0), (0, 1, 2), (1, 2), ()])
def test_what_is_no_permutation_is_refused(permutation: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="no order of 2 tools"):
        reorder_edits(segment(b'{"tools":[{"name":"a"},{"name":"b"}],"messages":[]}'), permutation)
