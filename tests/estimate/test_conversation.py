"""Bodies are what a client would send: valid, marked where it marks, with a head of the right size."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.rules import client_markers, violation
from synrouter_cli.estimate.conversation import LAYOUTS, NOTHING, Conversation, Head
from synrouter_cli.prompt.segments import segment

TEXT = {"type": "text", "text": "hello"}
USE = {"type": "tool_use", "id": "t", "name": "Read", "input": {"path": "a\u2028b"}}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "x = 1"}
THINKING = {"type": "thinking", "thinking": "hm", "signature": "s"}


def talk(*messages) -> Conversation:
    made = Conversation()
    for role, *blocks in messages:
        made.say(role, blocks)
    return made


LOOP = talk(
    ("user", TEXT), ("assistant", THINKING, USE), ("user", RESULT), ("assistant", TEXT, THINKING), ("user", TEXT)
)


def marked(conversation: Conversation, client: str, ttl: str = "5m", shared: int = 0) -> list[str]:
    """The places of markers: tools, system.N, messages.N.M."""
    body = json.loads(conversation.body(b'"m"', Head.of(9000, shared), LAYOUTS.get(client, NOTHING), ttl))
    value = {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}
    found = ["tools" for tool in body["tools"] if tool.get("cache_control") == value]
    found += [f"system.{n}" for n, block in enumerate(body["system"]) if block.get("cache_control") == value]
    for n, message in enumerate(body["messages"]):
        found += [f"messages.{n}.{m}" for m, b in enumerate(message["content"]) if b.get("cache_control") == value]
    return found


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("claude-code", ["system.0", "messages.4.0"]),
        ("pi", ["tools", "system.0", "messages.4.0"]),
        ("opencode", ["system.0", "messages.3.0", "messages.4.0"]),
        ("kilo", ["system.0", "messages.3.0", "messages.4.0"]),
        ("openclaw", ["tools", "system.0", "messages.2.0", "messages.4.0"]),
        ("nobody", []),
    ],
)
def test_each_client_marks_where_it_marks(client, expected):
    assert marked(LOOP, client) == expected
    assert marked(LOOP, client, "1h") == expected


def test_claude_code_marks_both_parts_of_a_system_prompt():
    assert marked(LOOP, "claude-code", shared=5000)[:2] == ["system.0", "system.1"]


@pytest.mark.parametrize("tokens", [50, 900, 15_000, 120_000])
@pytest.mark.parametrize("share", [0, 0.5])
def test_a_head_is_as_long_as_it_is_said_to_be(tokens, share):
    prompt = segment(LOOP.body(b'"m"', Head.of(tokens, int(tokens * share)), NOTHING, "5m"))
    assert prompt.tokens[prompt.layer_ends[1] - 1] == pytest.approx(tokens, rel=0.03, abs=40)
    assert len(prompt.blocks[: prompt.layer_ends[1]]) == (3 if share and tokens > 64 else 2)


def test_a_shared_part_ends_where_it_is_said_to_end():
    prompt = segment(LOOP.body(b'"m"', Head.of(30_000, 12_000), NOTHING, "5m"))
    assert prompt.tokens[1] == pytest.approx(12_000, rel=0.03)


def test_a_cut_conversation_goes_on_with_what_is_kept():
    made = talk(("user", TEXT), ("assistant", USE), ("user", RESULT))
    made.keep(1, None)
    made.keep(0, 1)
    assert [m["role"] for m in json.loads(made.body(b'"m"', None, NOTHING, "5m"))["messages"]] == ["assistant"]


blocks = st.sampled_from([TEXT, USE, RESULT, THINKING, {"type": "text", "text": " "}, {"type": "text", "text": '"}]'}])
messages = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.lists(blocks, max_size=4)), max_size=8)


@given(messages, st.sampled_from(sorted(LAYOUTS)), st.sampled_from(["5m", "1h"]), st.integers(0, 9000))
def test_no_body_is_one_that_the_api_refuses(said, client, ttl, shared):
    made = talk(*((role, *content) for role, content in said))
    prompt = segment(made.body(b'"m"', Head.of(9000, shared), LAYOUTS[client], ttl))
    assert violation(prompt) is None
    assert 1 <= len(client_markers(prompt)) <= 4
    unmarked = segment(made.body(b'"m"', Head.of(9000, shared), NOTHING, ttl))
    assert prompt.keys == unmarked.keys
    assert len(prompt.unit_counts) == 3 and prompt.unit_counts[2] == sum(bool(content) for _, content in said)
