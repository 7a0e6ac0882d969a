"""Marker edits: exactly the wanted markers, every other byte as it came, and a way back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt.body import apply_edits, inverse_edits
from synrouter_cli.prompt.markers import is_fixed, marker_edits
from synrouter_cli.prompt.segments import segment


def edit(body: bytes, wanted: dict[int, str]) -> bytes:
    return apply_edits(body, marker_edits(segment(body), wanted))


CASES = {
    "string content becomes a list by two inserts": (
        b'{"messages":[{"role":"user","content":"h\\u0069"}]}',
        {0: "5m"},
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"h\\u0069","cache_control":{"type":"ephemeral"}}]}]}',
    ),
    "so does a string system": (
        b'{"system" : "s" ,"messages":[]}',
        {0: "1h"},
        b'{"system" : [{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}] ,"messages":[]}',
    ),
    "a marker is inserted at a block's end": (
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a" }]}]}',
        {0: "5m"},
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a" ,"cache_control":{"type":"ephemeral"}}]}]}',
    ),
    "on a tool": (
        b'{"tools":[{"name":"a","input_schema":{}},{"name":"b"}],"messages":[]}',
        {1: "5m"},
        b'{"tools":[{"name":"a","input_schema":{}},{"name":"b","cache_control":{"type":"ephemeral"}}],"messages":[]}',
    ),
    "null is replaced": (
        b'{"messages":[{"role":"user","content":[{"type":"text","cache_control": null,"text":"a"}]}]}',
        {0: "5m"},
        b'{"messages":[{"role":"user","content":[{"type":"text","cache_control": {"type":"ephemeral"},"text":"a"}]}]}',
    ),
    "null that is not wanted stays null": (
        b'{"messages":[{"role":"user","content":[{"type":"text","cache_control": null,"text":"a"}]}]}',
        {},
        b'{"messages":[{"role":"user","content":[{"type":"text","cache_control": null,"text":"a"}]}]}',
    ),
    "a marker in front is removed with its comma": (
        b'{"messages":[{"role":"user","content":[{"cache_control":{"type":"ephemeral"} , "type":"text","text":"a"}]}]}',
        {},
        b'{"messages":[{"role":"user","content":[{ "type":"text","text":"a"}]}]}',
    ),
    "a marker at the end is removed with its comma": (
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a" , "cache_control" : {"type":"ephemeral"} }]}]}',
        {},
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a"  }]}]}',
    ),
    "a key written with escapes becomes null": (
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache\\u005fcontrol":{"type":"ephemeral"}}]}]}',
        {},
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache\\u005fcontrol":null}]}]}',
    ),
    "the ttl is changed in place": (
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"ttl":"1h","type":"ephemeral"}}]}]}',
        {0: "5m"},
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"ttl":"5m","type":"ephemeral"}}]}]}',
    ),
    "the ttl is added": (
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}',
        {0: "1h"},
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}',
    ),
    "unknown keys in a marker are kept, and it stays where it is": (
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","scope":"global"}}]}]}',
        {},
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","scope":"global"}}]}]}',
    ),
    "a marker inside a tool result stays": (
        b'{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}]}',
        {},
        b'{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}]}',
    ),
    "the automatic marker goes on where its block is wanted": (
        b'{"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":"a"}]}',
        {0: "5m"},
        b'{"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":"a"}]}',
    ),
    "and is removed where it is not": (
        b'{"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":"a"}]}',
        {},
        b'{"messages":[{"role":"user","content":"a"}]}',
    ),
    "big numbers, duplicate keys and odd spacing are left alone": (
        b'{"x":1e400,"x":123456789012345678901234567890, "messages" :[ {"role":"user","n":1.10,"content":[{"type":"tool_use","id":"1","name":"n","input":{"a":1,"a":2,"s":"\\/"}}]} ] }',
        {0: "5m"},
        b'{"x":1e400,"x":123456789012345678901234567890, "messages" :[ {"role":"user","n":1.10,"content":[{"type":"tool_use","id":"1","name":"n","input":{"a":1,"a":2,"s":"\\/"},"cache_control":{"type":"ephemeral"}}]} ] }',
    ),
    "lone surrogates go out as they came": (
        b'{"messages":[{"role":"user","content":"\\ud83d"}]}',
        {0: "5m"},
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"\\ud83d","cache_control":{"type":"ephemeral"}}]}]}',
    ),
}


@pytest.mark.parametrize(("body", "wanted", "sent"), CASES.values(), ids=CASES.keys())
def test_marker_edits(body: bytes, wanted: dict[int, str], sent: bytes) -> None:
    assert edit(body, wanted) == sent


def mark() -> st.SearchStrategy[Any]:
    return st.sampled_from(
        [None, {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}, {"ttl": "5m", "type": "ephemeral"}, "absent",
         {"type": "ephemeral", "ttl": None}, {"type": "ephemeral", "scope": "global"}]
    )  # fmt: skip


def with_mark(block: dict[str, Any], value: Any, first: bool) -> dict[str, Any]:
    if value == "absent":
        return block
    return {"cache_control": value, **block} if first else {**block, "cache_control": value}


BLOCK = st.builds(
    with_mark,
    st.one_of(
        st.builds(
            lambda t: {"type": "text", "text": t},
            st.text(st.characters(codec=None, categories=None), max_size=6),
        ),
        st.builds(
            lambda n: {"type": "tool_use", "id": "t", "name": "n", "input": {"n": n, "b": 1.10}},
            st.integers(),
        ),
        st.just({"type": "tool_result", "tool_use_id": "t", "content": "x"}),
        st.just(
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}],
            }
        ),
    ),
    mark(),
    st.booleans(),
)
BODY = st.builds(
    lambda tools, system, contents, automatic, indent, ascii_only: json.dumps(
        with_mark(
            {
                "tools": [with_mark({"name": f"n{i}"}, m, i % 2 == 0) for i, m in enumerate(tools)],
                "system": system,
                "messages": [{"role": "user", "content": content} for content in contents],
            },
            automatic,
            True,
        ),
        indent=indent,
        ensure_ascii=ascii_only,
    ).encode("utf-8", "surrogatepass"),
    st.lists(mark(), max_size=3),
    st.one_of(st.text(max_size=5), st.lists(BLOCK, max_size=2)),
    st.lists(st.one_of(st.text(max_size=5), st.lists(BLOCK, max_size=3)), max_size=4),
    mark(),
    st.sampled_from([None, 1]),
    st.booleans(),
)


@given(BODY, st.data())
def test_exactly_the_wanted_markers_and_the_way_back(body: bytes, data: st.DataObject) -> None:
    prompt = segment(body)
    possible = [i for i, block in enumerate(prompt.blocks) if block.markable]
    wanted = data.draw(st.dictionaries(st.sampled_from(possible), st.sampled_from(["5m", "1h"]))) if possible else {}
    edits = marker_edits(prompt, wanted)
    sent = apply_edits(body, edits)
    assert apply_edits(sent, inverse_edits(body, edits)) == body

    after = segment(sent)
    assert after.keys == prompt.keys, "markers never change what the prompt means"
    automatic = after.automatic is not None and after.automatic.ttl is not None
    for index, block in enumerate(after.blocks):
        if is_fixed(prompt.blocks[index]) and prompt.blocks[index].mark is not None and prompt.blocks[index].mark.extra:
            assert block.mark.extra
            continue
        ttl = block.mark.ttl if block.mark is not None else None
        if automatic and ttl is None and index in wanted:
            continue  # the automatic marker stands for it
        assert ttl == wanted.get(index), index


def strip(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: strip(v) for k, v in value.items() if k != "cache_control"}
    if isinstance(value, list):
        return [strip(v) for v in value]
    return value


def as_list(value: Any) -> Any:
    return [{"type": "text", "text": value}] if isinstance(value, str) else value


@given(BODY, st.data())
def test_nothing_but_markers_changes(body: bytes, data: st.DataObject) -> None:
    prompt = segment(body)
    possible = [i for i, block in enumerate(prompt.blocks) if block.markable]
    wanted = dict.fromkeys(data.draw(st.sets(st.sampled_from(possible))), "5m") if possible else {}
    before, after = json.loads(body), json.loads(apply_edits(body, marker_edits(prompt, wanted)))
    for value in (before, after):
        value["system"] = as_list(value["system"])
        for message in value["messages"]:
            message["content"] = as_list(message["content"])
    assert strip(before) == strip(after)
