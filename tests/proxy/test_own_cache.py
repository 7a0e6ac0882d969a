"""Turns of a provider that caches by itself, from the request to the row: known again, metered, never claimed."""

from __future__ import annotations

import json

from support.edge import running_edge, whole
from support.memory import Memory
from synrouter_cli.credentials import Secret
from synrouter_cli.proxy.turns import Turns


def answer(cached: int) -> bytes:
    usage = {"prompt_tokens": 9_000, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": cached}}
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    return whole(json.dumps({"id": "c", "model": "gpt-5.5", "choices": [choice], "usage": usage}).encode())


async def test_turns_of_a_provider_that_caches_by_itself_are_metered_and_no_saving_is_claimed():
    ledger = Memory()
    turns = Turns(level="standard", mode="auto", ledger=ledger, clock=lambda: ledger.at, secret=b"k")
    services, keys = {"turns": turns}, {"openai": Secret("sk-proj-o")}
    messages = [{"role": "user", "content": "hi"}]
    async with running_edge(services=services, provider_keys=keys, points=("openai",)) as edge:
        edge.upstream.plays(answer(0), answer(8_000), answer(0))
        for _ in range(3):
            body = json.dumps({"model": "gpt-5.5", "messages": messages}).encode()
            said = await edge.ask(target="/v1/chat/completions", body=body, headers={"x-session-id": "s"})
            assert said.all("x-synrouter-plan") == ["standard; the provider's own cache"]
            messages += [{"role": "assistant", "content": "Hello"}, {"role": "user", "content": "on"}]
            ledger.at += 60
    assert [row.turn for row in ledger.rows] == [1, 2, 3]
    assert len({row.session for row in ledger.rows}) == 1
    assert [row.usage.cache_read_tokens for row in ledger.rows if row.usage] == [0, 8_000, 0]
    for row in ledger.rows:
        assert row.own_cache and not row.planned
        assert (row.verdict, row.missed_pusd, row.predicted_read_tokens, row.detail) == ("", None, None, None)
        assert row.cost_pusd == row.baseline_client_pusd is not None
        assert row.baseline_no_cache_pusd is not None and row.cost_pusd is not None
        assert (row.baseline_no_cache_pusd > row.cost_pusd) is (row.turn == 2)
