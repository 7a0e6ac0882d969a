"""Digests are by meaning; offsets are those of the bytes that came; the unchanged prefix is taken over."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt import blocks
from synrouter_cli.prompt.body import Unplannable
from synrouter_cli.prompt.segments import Prompt, segment

MARK = {"cache_control": {"type": "ephemeral"}}


def body(value: Any, **dump: Any) -> bytes:
    return json.dumps(value, **dump).encode()


def request(messages: list[Any], **more: Any) -> bytes:
    return body({"model": "claude-opus-4-8", "messages": messages, **more})


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": value, **more}


USER = {"role": "user", "content": "hello"}
SAME_MEANING = {
    "string and list of one text": ([USER], [{"role": "user", "content": [text("hello")]}]),
    "a marker more": ([USER], [{"role": "user", "content": [text("hello", **MARK)]}]),
    "a null marker": ([USER], [{"role": "user", "content": [text("hello", cache_control=None)]}]),
    "order of keys": ([USER], [{"content": [{"text": "hello", "type": "text"}], "role": "user"}]),
    "null citations": ([USER], [{"role": "user", "content": [text("hello", citations=None)]}]),
    "tool result as string and as list": (
        [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "out"}]}],
        [
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t", "content": [text("out")]}],
            }
        ],
    ),
    "a marker inside a tool result": (
        [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "out"}]}],
        [
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t", "content": [text("out", **MARK)]}],
            }
        ],
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME_MEANING.values(), ids=SAME_MEANING.keys())
def test_the_same_meaning_has_the_same_keys(one: list[Any], other: list[Any]) -> None:
    assert segment(request(one)).keys == segment(request(other)).keys


DIFFERENT = {
    "text": ([USER], [{"role": "user", "content": "hello!"}]),
    "role": ([USER], [{"role": "assistant", "content": "hello"}]),
    "role system": ([USER], [{"role": "system", "content": "hello"}]),
    "id of a call": (
        [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "n", "input": {}}]}],
        [{"role": "assistant", "content": [{"type": "tool_use", "id": "b", "name": "n", "input": {}}]}],
    ),
    "error flag": (
        [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]}],
        [
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x", "is_error": True}],
            }
        ],
    ),
    "where one text ends": (
        [{"role": "user", "content": [text("ab"), text("c")]}],
        [{"role": "user", "content": [text("a"), text("bc")]}],
    ),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_another_meaning_has_other_keys(one: list[Any], other: list[Any]) -> None:
    assert segment(request(one)).keys != segment(request(other)).keys


def test_tools_and_system_are_by_meaning_too() -> None:
    tool = {"name": "Bash", "input_schema": {"type": "object"}}
    one = segment(request([USER], tools=[tool], system="be brief"))
    other = segment(request([USER], tools=[{**tool, **MARK}], system=[text("be brief", **MARK)]))
    assert one.keys == other.keys
    assert one.layer_ends == other.layer_ends == (1, 2, 3)


def test_deferred_tools_stay_out_of_the_prefix() -> None:
    tool = {"name": "Bash", "input_schema": {}}
    late = {"name": "Late", "input_schema": {}, "defer_loading": True}
    without, with_late = segment(request([USER], tools=[tool])), segment(request([USER], tools=[tool, late]))
    assert without.keys[-1] == with_late.keys[-1]
    assert not with_late.blocks[1].markable


@pytest.mark.parametrize(
    ("block", "markable"),
    [
        (text("x"), True),
        (text(""), False),
        (text(" \n\t"), False),
        (text("\u00a0\u3000"), False),
        (text("\\"), True),
        ({"type": "thinking", "thinking": "hm", "signature": "s"}, False),
        ({"type": "redacted_thinking", "data": "s"}, False),
        ({"type": "tool_use", "id": "a", "name": "n", "input": {}}, True),
        ({"type": "tool_result", "tool_use_id": "a", "content": ""}, True),
        ({"type": "image", "source": {"type": "url", "url": "http://x"}}, True),
        ({"type": "server_tool_use", "id": "a", "name": "web_search", "input": {}}, True),
    ],
)
def test_what_may_carry_a_marker(block: dict[str, Any], markable: bool) -> None:
    prompt = segment(request([{"role": "user", "content": [block]}]))
    assert prompt.blocks[0].markable is markable


def test_blank_strings_may_not_carry_a_marker() -> None:
    assert not segment(request([{"role": "user", "content": "  "}])).blocks[0].markable
    assert not segment(request([USER], system="")).blocks[0].markable


def test_offsets_are_those_of_the_bytes_that_came() -> None:
    raw = b'{ "messages" : [ {"role":"user" , "content": [ {"type":"text","text":"a\\/b"} , {"type":"text","text":"c"}]} ] }'
    prompt = segment(raw)
    places = [
        raw[prompt.starts[prompt.unit_of(i)] + block.start : prompt.starts[prompt.unit_of(i)] + block.end]
        for i, block in enumerate(prompt.blocks)
    ]
    assert places == [b'{"type":"text","text":"a\\/b"}', b'{"type":"text","text":"c"}']


@pytest.mark.parametrize(
    "bad",
    [b"", b"null", b"[]", b"{", b'{"messages":1}', b'{"messages":[{"role":"user"}]}', b'{"messages":[{"content":"x"}]}',
     b'{"messages":[{"role":"user","content":5}]}', b'{"x":NaN,"messages":[]}', b'{"messages":' + b"[" * 3000,
     b'{"model":5,"messages":[]}', b'{"messages":[],"thread":{"type":"create"}}'],
)  # fmt: skip
def test_what_is_no_messages_request_is_refused_not_guessed(bad: bytes) -> None:
    with pytest.raises(Unplannable):
        segment(bad)


def test_a_lone_surrogate_unplans_nothing() -> None:
    raw = rb'{"model":"m","messages":[{"role":"user","content":"cut \ud83d"},{"role":"assistant","content":"ok"}]}'
    prompt = segment(raw)
    assert [raw[prompt.starts[i] :][:8] for i in range(2)] == [b'"cut \\ud', b'"ok"}]}']
    assert prompt.body == raw


BLOCKS = st.one_of(
    st.builds(text, st.text(max_size=12)),
    st.builds(lambda n: {"type": "tool_use", "id": f"t{n}", "name": "n", "input": {"n": n}}, st.integers(0, 5)),
    st.builds(lambda n: {"type": "tool_result", "tool_use_id": f"t{n}", "content": "out"}, st.integers(0, 5)),
    st.just({"type": "thinking", "thinking": "hm", "signature": "s"}),
)
MESSAGES = st.lists(
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["user", "assistant", "system"]),
        st.one_of(st.text(max_size=12), st.lists(BLOCKS, max_size=4)),
    ),
    max_size=8,
)


def views(prompt: Prompt) -> tuple[Any, ...]:
    return (
        prompt.keys,
        prompt.tokens,
        prompt.runs,
        prompt.layer_ends,
        prompt.blocks,
        prompt.starts,
        prompt.seeds,
    )


@given(MESSAGES, MESSAGES, st.integers(0, 8), st.booleans(), st.booleans())
def test_taking_over_from_the_last_request_changes_nothing(
    old: list[Any], fresh: list[Any], keep: int, same_system: bool, keeps: bool
) -> None:
    tools = [{"name": "Bash", "input_schema": {}}]
    first = segment(request(old, system="s", tools=tools), keeps_thinking=lambda _: keeps)
    second = request(old[:keep] + fresh, system="s" if same_system else "t", tools=tools)
    taken = segment(second, first, keeps_thinking=lambda _: keeps)
    assert views(taken) == views(segment(second, keeps_thinking=lambda _: keeps))
    of_another_model = segment(request(old, system="s", tools=tools), keeps_thinking=lambda _: not keeps)
    taken = segment(second, of_another_model, keeps_thinking=lambda _: keeps)
    assert views(taken) == views(segment(second, keeps_thinking=lambda _: keeps))


def test_the_unchanged_prefix_is_compared_not_digested_again(monkeypatch: pytest.MonkeyPatch) -> None:
    history = [{"role": "user" if i % 2 == 0 else "assistant", "content": f"message {i}"} for i in range(50)]
    first = segment(request(history, system="s"))
    read: list[int] = []
    original = blocks.read_block
    monkeypatch.setattr(blocks, "read_block", lambda *a: read.append(1) or original(*a))
    segment(request([*history, {"role": "user", "content": "new"}], system="s"), first)
    assert len(read) == 1


def test_a_body_given_back_to_the_machine_is_digested_again() -> None:
    raw = request([USER], system="s")
    first = segment(raw)
    first.forget_body()
    assert views(segment(raw, first)) == views(segment(raw))


def test_older_models_drop_earlier_thinking_at_the_next_user_message() -> None:
    think = {"type": "thinking", "thinking": "hm", "signature": "s"}
    call = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]}
    history = [USER, {"role": "assistant", "content": [think, call]}, result]
    bare = [USER, {"role": "assistant", "content": [call]}, result]
    human = {"role": "user", "content": "go on"}

    def keys(messages: list[Any], keeps: bool) -> list[bytes]:
        return segment(request(messages), keeps_thinking=lambda _: keeps).keys

    assert keys(history, False)[-1] != keys(bare, False)[-1], "within the tool loop thinking counts"
    assert keys([*history, human], False)[-1] == keys([*bare, human], False)[-1], "then it is gone"
    assert keys([*history, human], True)[-1] != keys([*bare, human], True)[-1], "newer models keep it"


def test_settings_reach_the_layers_they_invalidate() -> None:
    plain = segment(request([USER]))
    thinking = segment(request([USER], thinking={"type": "enabled", "budget_tokens": 1024}))
    fast = segment(request([USER], speed="fast"))
    image = segment(
        request([USER, {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "u"}}]}])
    )
    assert plain.seeds[:2] == thinking.seeds[:2] and plain.seeds[2] != thinking.seeds[2]
    assert plain.seeds[1] != fast.seeds[1] and plain.seeds[2] != fast.seeds[2]
    assert plain.seeds[1] == image.seeds[1] and plain.seeds[2] != image.seeds[2]


def test_keys_are_keyed_by_the_secret() -> None:
    raw = request([USER])
    assert segment(raw, secret=b"a").keys != segment(raw, secret=b"b").keys


def test_a_setting_of_one_message_is_part_of_the_prompt() -> None:
    plain = request([{"role": "user", "content": "hi"}, {"role": "system", "content": "s"}])
    low = request(
        [{"role": "user", "content": "hi"}, {"role": "system", "content": "s", "output_config": {"effort": "low"}}]
    )
    first = segment(plain)
    assert segment(low, first).keys == segment(low).keys != first.keys
    assert segment(low).keys[0] == first.keys[0]


def test_the_same_content_under_another_role_is_not_taken_over() -> None:
    first = segment(request([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]))
    second = request([{"role": "user", "content": "hi"}, {"role": "user", "content": "ho"}])
    assert segment(second, first).keys == segment(second).keys
