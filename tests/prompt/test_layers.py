"""Layers of tools: told by name and type, read once, ended where a marker serves sessions with other servers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt import layers as module
from synrouter_cli.prompt.layers import (
    CORE,
    EXTENDED,
    MCP,
    PLATFORM,
    Tools,
    layer_ends,
    layer_of,
    read_tools,
    shared_end,
)
from synrouter_cli.prompt.segments import Prompt, segment


def body(*tools: Any, spaced: bool = False) -> bytes:
    made = [{"name": t, "input_schema": {"type": "object"}} if isinstance(t, str) else t for t in tools]
    request = {"model": "m", "tools": made, "messages": [{"role": "user", "content": "hi"}]}
    return json.dumps(request, indent=2 if spaced else None).encode()


def deferred(name: str) -> dict[str, Any]:
    return {"name": name, "defer_loading": True}


LAYERS = {
    CORE: "Read Edit Bash Grep Glob read_file write_to_file run_shell_command apply_patch exec_command write_stdin"
    " str_replace_editor execute_command replace_in_file terminal process view ls multiEdit",
    EXTENDED: "Agent TodoWrite Skill WebFetch task update_plan use_mcp_tool list_mcp_resources linear_create_issue"
    " sessions_spawn mcp mcpServers __init__ _private a__ héllo",
    MCP: "mcp__linear-server__list_issues mcp_github_get_issue mcp-db-query context7___resolve_library_id"
    " developer__shell db.query github/search_code mcp:zed:tool",
}


@pytest.mark.parametrize(
    ("name", "layer"), [(name, layer) for layer, names in LAYERS.items() for name in names.split()]
)
def test_a_name_tells_the_layer(name: str, layer: int) -> None:
    assert layer_of(name) == layer_of(name, "custom") == layer_of(name, "function") == layer


TYPES = {
    "web_search_20250305": PLATFORM,
    "code_execution_20250825": PLATFORM,
    "bash_20250124": PLATFORM,
    "computer_20251124": PLATFORM,
    "memory_20250818": PLATFORM,
    "tool_search_tool_regex_20251119": PLATFORM,
    "mcp_toolset": MCP,
}


@pytest.mark.parametrize(("kind", "layer"), TYPES.items())
def test_a_providers_type_tells_it_before_the_name_does(kind: str, layer: int) -> None:
    assert layer_of("bash", kind) == layer_of("mcp__a__b", kind) == layer_of("", kind) == layer


ODD_TOOLS = {
    "escapes are read": (b'{"n\\u0061me":"R\\u0065ad"}', "Read", CORE),
    "the last of two names counts": (b'{"name":"mcp__a__b","name":"Read"}', "Read", CORE),
    "a lone surrogate is no reason to give up": (b'{"name":"mcp__a__\\ud800","x":1}', "mcp__a__\ufffd", MCP),
    "a name that is no string": (b'{"name":{"a":[1]},"type":7}', "", EXTENDED),
    "no name": (b"{}", "", EXTENDED),
    "null": (b'{"name":null,"type":null}', "", EXTENDED),
    "a set of tools has its server's name": (
        b'{"type":"mcp_toolset","mcp_server_name":"db"}',
        "mcp_toolset:db",
        MCP,
    ),
}


@pytest.mark.parametrize(("tool", "name", "layer"), ODD_TOOLS.values(), ids=ODD_TOOLS.keys())
def test_names_are_read_from_the_bytes(tool: bytes, name: str, layer: int) -> None:
    tools = read_tools(segment(b'{"tools": [ {"name":"Bash"} , %s ],"messages":[]}' % tool))
    assert (tools.names, tools.layers) == (("Bash", name), (CORE, layer))


def test_without_tools_there_are_no_layers() -> None:
    for request in (b'{"messages":[]}', b'{"tools":null,"messages":[]}', b'{"tools":[],"messages":[]}'):
        prompt = segment(request)
        assert read_tools(prompt) == Tools()
        assert layer_ends(prompt, ()) == ()


class Counting:
    """The decoder, counting what it is asked for."""

    def __init__(self, decoder: Any) -> None:
        self.decoder, self.times = decoder, 0

    def decode(self, raw: bytes) -> Any:
        self.times += 1
        return self.decoder.decode(raw)


@pytest.mark.parametrize(
    ("now", "times"),
    [
        (["Bash", "Read", "mcp__a__b"], 0),
        (["Bash", "Read", "mcp__a__b", "mcp__c__d"], 1),
        (["Bash", "Read"], 0),
        (["Bash", "Grep", "mcp__a__b"], 2),
        ([], 0),
    ],
)
def test_tools_that_did_not_change_are_not_decoded_again(monkeypatch, now: list[str], times: int) -> None:
    before = segment(body("Bash", "Read", "mcp__a__b"))
    earlier = read_tools(before)
    counting = Counting(module._tool)
    monkeypatch.setattr(module, "_tool", counting)
    prompt = segment(body(*now), before)
    tools = read_tools(prompt, earlier)
    assert counting.times == times
    assert tools.names == tuple(now)
    assert tools == read_tools(prompt)
    assert (tools is earlier) == (now == ["Bash", "Read", "mcp__a__b"])


ENDS: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "after each layer": (
        ["Bash", "Read", "Agent", {"type": "web_search_20250305", "name": "w"}, "mcp__a__b"],
        (2, 3, 4),
    ),
    "none where all are of one layer": (["Bash", "Read"], ()),
    "sorted by name, only the servers' stand apart": (["Agent", "Bash", "Skill", "mcp__a__b", "mcp__c__d"], (3,)),
    "none where a server's tool comes first": (["mcp__a__b", "Bash", "Read"], ()),
    "not where a tool of an earlier layer follows": (["Bash", "mcp__a__b", "Agent"], (1,)),
    "deferred tools are passed over": (
        [
            deferred("mcp__x__1"),
            "Bash",
            deferred("mcp__x__2"),
            "Agent",
            deferred("Read"),
            "mcp__a__b",
            deferred("Glob"),
        ],
        (2, 4),
    ),
    "no end before deferred tools alone": (["Bash", deferred("mcp__a__b")], ()),
}


@pytest.mark.parametrize(("tools", "ends"), ENDS.values(), ids=ENDS.keys())
def test_a_layer_ends_where_all_that_follows_is_of_later_layers(tools: list[Any], ends: tuple[int, ...]) -> None:
    prompt = segment(body(*tools))
    assert layer_ends(prompt, read_tools(prompt).layers) == ends


NAMES = ["Bash", "Read", "Agent", "Skill", "mcp__a__b", "mcp__c__d", "mcp__e__f"]
TOOL = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES).map(deferred),
    st.just({"type": "web_search_20250305", "name": "web_search"}),
)


@given(st.lists(TOOL, max_size=9))
def test_ends_can_be_marked_and_divide_the_layers(tools: list[Any]) -> None:
    prompt = segment(body(*tools))
    layers = read_tools(prompt).layers
    plain = [i for i, block in enumerate(prompt.blocks[: len(layers)]) if block.kind == "tool"]
    divides = {
        max(i for i in plain if i < end) + 1
        for end in range(1, len(tools))
        if any(i < end for i in plain)
        and any(i >= end for i in plain)
        and max(layers[i] for i in plain if i < end) < min(layers[i] for i in plain if i >= end)
    }
    ends = layer_ends(prompt, layers)
    assert list(ends) == sorted(divides)
    assert all(prompt.markable[end - 1] for end in ends)


@given(st.permutations(["Agent", "Bash", "Skill"]), st.lists(st.sampled_from(NAMES[4:]), unique=True, min_size=1))
def test_at_an_end_before_the_servers_sessions_with_other_servers_have_the_same_key(own, servers) -> None:
    one, other = segment(body(*own, *servers)), segment(body(*own, "mcp__z__z"))
    end = layer_ends(one, read_tools(one).layers)[-1]
    assert end == 3
    assert one.keys[end - 1] == other.keys[end - 1]
    assert one.keys[end] != other.keys[end]


def tool_keys(prompt: Prompt) -> list[bytes]:
    return prompt.keys[: prompt.unit_counts[0]]


SHARED: dict[str, tuple[list[Any], list[list[Any]], int]] = {
    "the longest that is not all": (["a", "b", "c"], [["a", "x"], ["a", "b", "y"], []], 2),
    "a session with all of them says nothing": (["a", "b", "c"], [["a", "b", "c"], ["a", "b", "c", "d"]], 0),
    "one that has only the first ones does": (["a", "b", "c"], [["a", "b", "c"], ["a", "b"]], 2),
    "other tools from the start on": (["a", "b"], [["b", "a"]], 0),
    "nobody else": (["a", "b"], [], 0),
    "no tools": ([], [["a"]], 0),
    "deferred tools at the end are none": (["a", "b", deferred("c")], [["a", "b"], ["a", "x"]], 1),
    "the end stands before deferred tools": (["a", deferred("c"), deferred("d"), "b"], [["a", deferred("c"), "x"]], 1),
    "deferred tools that only another session has": (
        ["a", "b", "c"],
        [[deferred("d"), "a", deferred("e"), "b", "x"]],
        2,
    ),
    "and behind them where a tool follows": (["a", deferred("c"), "b", "d"], [["a", deferred("c"), "b", "e"]], 3),
}


@pytest.mark.parametrize(("own", "others", "end"), SHARED.values(), ids=SHARED.keys())
def test_what_other_sessions_share(own: list[Any], others: list[list[Any]], end: int) -> None:
    prompt = segment(body(*own))
    known = [segment(body(*tools)) for tools in others]
    assert shared_end(prompt.keys, [tool_keys(other) for other in known], len(own)) == end
    assert shared_end(prompt.keys, (other.keys for other in known), len(own)) == end, "keys of whole prompts do as well"
    assert shared_end(prompt.keys, (other.index for other in known), len(own)) == end


def test_where_only_deferred_tools_are_shared_no_end_can_be_marked() -> None:
    prompt = segment(body(deferred("d"), "a"))
    others = [segment(body(deferred("d"), "b"))]
    assert shared_end(prompt.keys, [other.index for other in others], 2) == 0
    assert not prompt.markable[shared_end(prompt.keys, [other.keys for other in others], 2) - 1]


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=4))
def test_shared_tools_are_those_that_another_session_begins_with(own: list[str], others: list[list[str]]) -> None:
    def common(other: list[str]) -> int:
        return next((i for i, (a, b) in enumerate(zip(own, other, strict=False)) if a != b), min(len(own), len(other)))

    wanted = max((common(other) for other in others if common(other) < len(own)), default=0)
    keys = [segment(body(*other)).keys for other in others]
    assert shared_end(segment(body(*own)).keys, keys, len(own)) == wanted
