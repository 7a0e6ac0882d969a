"""The simulated provider: lengths are those that were reported, and luck is the same for everybody who asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synrouter_cli.cache.model import Split
from synrouter_cli.estimate.upstream import Luck, Upstream
from synrouter_cli.wire.usage import Usage

MODEL = "claude-opus-4-8"
MARK = {"type": "ephemeral"}


def body(turns: int, marked: bool = True) -> bytes:
    messages: list[dict[str, Any]] = []
    for turn in range(turns):
        messages.append({"role": "user", "content": [{"type": "text", "text": f"question {turn} " * 400}]})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": f"answer {turn}"}]})
    last: dict[str, Any] = {"type": "text", "text": "and now? " * 300}
    system: dict[str, Any] = {"type": "text", "text": "be brief " * 4000}
    if marked:
        last["cache_control"] = system["cache_control"] = MARK
    messages.append({"role": "user", "content": [last]})
    return json.dumps({"model": MODEL, "system": [system], "messages": messages}).encode()


def test_a_prompt_is_as_long_as_reported_and_a_read_as_long_as_what_was_written():
    upstream = Upstream(MODEL)
    first = upstream.answer(body(0), 0.0, total=12_345)
    assert first == Split(write_5m=12_345)
    second = upstream.answer(body(0), 10.0, total=12_345)
    assert second == Split(read=12_345)
    third = upstream.answer(body(1), 20.0, total=14_000)
    assert third.total == 14_000 and third.read > 0


def test_without_markers_nothing_is_read_or_written():
    upstream = Upstream(MODEL)
    upstream.answer(body(0, marked=False), 0.0, total=9000)
    assert upstream.answer(body(0, marked=False), 1.0, total=9000) == Split(input=9000)


def test_an_entry_is_gone_after_its_lifetime():
    upstream = Upstream(MODEL)
    upstream.answer(body(0), 0.0, total=9000)
    assert upstream.answer(body(0), 301.0, total=9000).read == 0


def lucky(upstream: Upstream, now: float, usage: Usage) -> tuple[Luck | None, Split]:
    asked = upstream.ask(body(0), now, usage.prompt_tokens)
    luck = asked.luck(usage)
    return luck, upstream.settle(asked, luck)


def test_as_predicted_is_no_luck():
    upstream = Upstream(MODEL)
    assert lucky(upstream, 0.0, Usage(cache_write_5m_tokens=9000))[0] is None
    assert lucky(upstream, 9.0, Usage(cache_read_tokens=9000))[0] is None


def test_what_the_provider_lost_is_written_again_by_everybody():
    upstream, other = Upstream(MODEL), Upstream(MODEL)
    for each in (upstream, other):
        each.answer(body(0), 0.0, total=9000)
    luck, split = lucky(upstream, 9.0, Usage(cache_write_5m_tokens=9000))
    assert luck is not None and split == Split(write_5m=9000)
    assert other.settle(other.ask(body(0), 9.0, 9000), luck) == Split(write_5m=9000)


@pytest.mark.parametrize("read", [5000, 6100])
def test_what_somebody_else_kept_warm_is_read_by_everybody(read):
    upstream, other = Upstream(MODEL), Upstream(MODEL)
    luck, split = lucky(upstream, 0.0, Usage(cache_read_tokens=read, cache_write_5m_tokens=9000 - read))
    assert luck is not None and luck.unexpected
    assert split == Split(read=read, write_5m=9000 - read)
    assert other.settle(other.ask(body(0), 0.0, 9000), luck) == split


def test_the_same_bytes_are_not_read_twice():
    first, second, sent = Upstream(MODEL), Upstream(MODEL), body(1)
    asked = first.ask(sent, 0.0, 9000)
    assert second.ask(sent, 0.0, 9000, same=asked).prompt is asked.prompt
    assert second.ask(bytes(bytearray(sent)), 0.0, 9000, same=asked).prompt is not asked.prompt


def test_what_the_api_refuses_raises():
    with pytest.raises(ValueError, match="thinking"):
        block = {"type": "thinking", "thinking": "", "signature": "", "cache_control": MARK}
        Upstream(MODEL).answer(json.dumps({"messages": [{"role": "assistant", "content": [block]}]}).encode(), 0.0)
