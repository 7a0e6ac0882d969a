"""The bytes of a keep-warm ping: the last request but for its limits, and none where the API would refuse it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.rules import client_markers
from synrouter_cli.demo.checks import refusal
from synrouter_cli.prompt.body import apply_edits
from synrouter_cli.prompt.markers import marker_edits
from synrouter_cli.prompt.ping import ping_body
from synrouter_cli.prompt.segments import segment

MESSAGES = [{"role": "user", "content": "hi"}]


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "max_tokens": 64, "messages": MESSAGES, **fields}).encode()


@pytest.mark.parametrize(
    ("asked", "pinged"),
    [
        (b'{"max_tokens": 64, "stream": true, %s}', b'{"max_tokens": 0, "stream": false, %s}'),
        (b'{"stream":false,%s,"max_tokens":1e3}', b'{"stream":false,%s,"max_tokens":0}'),
        (b' {%s,"max_tokens":64}', b' {"stream":false,%s,"max_tokens":0}'),
        (
            b'{"x":[1,{"max_tokens":7}],%s,"stream":null}',
            b'{"max_tokens":0,"x":[1,{"max_tokens":7}],%s,"stream":false}',
        ),
        (b'{"max\\u005ftokens":5,"stream":true,%s}', b'{"max\\u005ftokens":0,"stream":false,%s}'),
        (b'{"t":"\\ud83d","max_tokens":5,"stream":true,%s}', b'{"t":"\\ud83d","max_tokens":0,"stream":false,%s}'),
    ],
)
def test_only_the_limits_change(asked: bytes, pinged: bytes) -> None:
    rest = b'"messages":[{"role":"user","content":"hi"}]'
    assert ping_body(segment(asked % rest), None) == pinged % rest


@pytest.mark.parametrize(
    "fields",
    [
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"output_config": {"format": {"type": "json_schema", "schema": {}}}},
        {"output_format": {"type": "json_schema", "schema": {}}},
        {"tool_choice": {"type": "any"}},
        {"tool_choice": {"type": "tool", "name": "Bash"}},
    ],
)
def test_what_the_api_refuses_at_no_tokens_is_not_sent(fields: dict[str, Any]) -> None:
    assert ping_body(segment(body(**fields)), {}) is None
    assert refusal(json.loads(body(**fields, **{"max_tokens": 0}))) is not None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        {"thinking": {"type": "disabled"}},
        {"output_config": {"format": None}, "output_format": None},
        {"tool_choice": {"type": "auto"}},
        {"tool_choice": {"type": "none"}},
        {"tool_choice": None, "thinking": None},
    ],
)
def test_what_the_api_takes_is_sent_with_its_settings(fields: dict[str, Any]) -> None:
    ping = ping_body(segment(body(stream=True, **fields)), {})
    assert ping is not None
    assert json.loads(ping) == {**json.loads(body(**fields)), "max_tokens": 0, "stream": False}
    assert refusal(json.loads(ping)) is None


def test_a_request_whose_bytes_were_given_back_has_none() -> None:
    prompt = segment(body())
    prompt.forget_body()
    assert ping_body(prompt, {}) is None


# ── the same prefix, whatever the request looks like ──

TEXT = st.text(max_size=12)
MARK = st.sampled_from(
    [{}, {"cache_control": {"type": "ephemeral"}}, {"cache_control": {"type": "ephemeral", "ttl": "1h"}}]
)
BLOCK = st.builds(lambda text, mark: {"type": "text", "text": "x" + text, **mark}, TEXT, MARK)
MESSAGE = st.builds(
    lambda content, role: {"role": role, "content": content},
    st.one_of(TEXT.map(lambda text: "x" + text), st.lists(BLOCK, min_size=1, max_size=3)),
    st.sampled_from(["user", "assistant"]),
)
REQUEST = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE, min_size=1, max_size=4)},
    optional={
        "max_tokens": st.integers(0, 9999),
        "stream": st.sampled_from([True, False, None]),
        "metadata": st.dictionaries(TEXT, TEXT, max_size=2),
        "thinking": st.sampled_from([{"type": "adaptive"}, {"type": "disabled"}]),
        "cache_control": st.just({"type": "ephemeral"}),
    },
)


@given(REQUEST, st.data())
def test_a_ping_is_the_request_as_it_was_sent(request: dict[str, Any], data: st.DataObject) -> None:
    names = data.draw(st.permutations(list(request)))
    raw = json.dumps({name: request[name] for name in names}, indent=data.draw(st.sampled_from([None, 2]))).encode()
    asked = segment(raw)
    wanted = data.draw(
        st.none() | st.dictionaries(st.integers(0, len(asked.blocks) - 1), st.sampled_from(["5m", "1h"]), max_size=4)
    )
    sent = segment(raw if wanted is None else apply_edits(raw, marker_edits(asked, wanted)))
    ping = ping_body(asked, wanted)
    assert ping is not None
    again = segment(ping)
    assert (again.keys, again.seeds, client_markers(again)) == (sent.keys, sent.seeds, client_markers(sent))
    assert (again.max_tokens, again.stream) == (0, False)
    assert json.loads(ping) == {**json.loads(sent.body or b""), "max_tokens": 0, "stream": False}
