"""What the simulated caches of OpenAI's dialects read and write, on the clock."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.openai_side import answered, chat, responses, upstream
from synrouter_cli.demo.openai.prompt import chat_prompt, responses_prompt
from synrouter_cli.demo.openai.upstream import Sender, Upstream

LONG = "word " * 2000  # 2,500 tokens
TEXT = {"type": "text", "text": LONG}


def turn(side: Upstream, body: dict[str, Any], now: float = 0.0, sender: Sender | None = None, dialect: Any = "chat"):
    """The cached and written tokens of a request that is answered."""
    asked = side.weigh(dialect, json.dumps(body).encode(), sender or Sender("account"), now=now)
    answered(side, asked, now)
    return asked.looked.cached, asked.looked.written


def test_a_prefix_is_read_in_whole_steps_of_128_from_1024_tokens_on():
    side, body = upstream(), chat(LONG)
    assert turn(side, body) == (0, 0)
    cached, written = turn(side, body)
    assert (cached % 128, written) == (0, 0)
    assert 2500 - 128 < cached <= 2500
    assert turn(upstream(), chat("short")) == turn(side, chat("short")) == (0, 0)


def test_a_grown_conversation_reads_what_it_had_and_a_changed_beginning_nothing():
    side, body = upstream(), chat(LONG)
    turn(side, body)
    grown = {
        **body,
        "messages": [*body["messages"], {"role": "assistant", "content": "ok"}, {"role": "user", "content": LONG}],
    }
    assert turn(side, grown)[0] >= 2432
    changed = {**grown, "messages": [{"role": "system", "content": "12:01"}, *grown["messages"]]}
    assert turn(side, changed)[0] == 0


@pytest.mark.parametrize("field", [{"reasoning_effort": "low"}, {"verbosity": "low"}, {"model": "gpt-5.5"}])
def test_another_setting_or_model_has_a_cache_of_its_own(field: dict[str, str]):
    side = upstream()
    turn(side, chat(LONG))
    assert turn(side, chat(LONG) | field)[0] == 0


def test_another_key_or_account_misses_what_one_has_written():
    side, body = upstream(), chat(LONG, prompt_cache_key="one")
    turn(side, body)
    assert turn(side, body)[0] > 0
    assert turn(side, chat(LONG, prompt_cache_key="two"))[0] == 0
    assert turn(side, chat(LONG))[0] == 0
    assert turn(side, body, sender=Sender("somebody else"))[0] == 0


def test_an_entry_lives_five_to_ten_minutes_from_its_last_use_on():
    side, body = upstream(), chat(LONG)
    for now in (0.0, 299.0, 598.0):
        turn(side, body, now)
    assert turn(side, body, 897.0)[0] > 0
    assert turn(side, body, 1500.0)[0] == 0
    day = chat(LONG, prompt_cache_key="day", prompt_cache_retention="24h")
    turn(side, day)
    assert turn(side, day, 80_000.0)[0] > 0


def test_both_dialects_of_one_model_count_and_cache_alike():
    side, body = upstream(), responses(LONG)
    turn(side, body, dialect="responses")
    assert turn(side, body, dialect="responses") == (2432, 0)


def test_gpt_5_6_bills_writes_and_reads_to_the_exact_end_of_a_message():
    side, body = upstream(), chat(LONG, model="gpt-5.6")
    cached, written = turn(side, body)
    assert (cached, written) == (0, chat_prompt(body).tokens - (len(chat_prompt(body).data) % 4 > 0))
    grown = {
        **body,
        "messages": [*body["messages"], {"role": "assistant", "content": "ok"}, {"role": "user", "content": LONG}],
    }
    again, more = turn(side, grown)
    assert again == written
    assert again + more == len(chat_prompt(grown).data) // 4
    assert turn(side, grown, 1799.0) == (again + more, 0)
    assert turn(side, grown, 1799.0 + 1801.0)[0] == 0


def test_explicit_breakpoints_write_what_is_marked_and_nothing_else():
    side = upstream()
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    body = chat("", model="gpt-5.6", prompt_cache_options={"mode": "explicit"})
    assert turn(side, {**body, "messages": [{"role": "user", "content": [TEXT]}]}) == (0, 0)
    marked = {**body, "messages": [{"role": "user", "content": [TEXT | mark, TEXT]}]}
    _, written = turn(side, marked)
    assert 2500 <= written < 2520
    assert turn(side, marked) == (written, 0)
    half_day = {**marked, "prompt_cache_options": {"mode": "explicit", "ttl": "12h"}, "prompt_cache_key": "12h"}
    turn(side, half_day)
    assert turn(side, half_day, 40_000.0)[0] == written


def test_deepseek_needs_no_key_and_counts_hits_and_misses():
    side = upstream("deepseek")
    asked = side.weigh("chat", json.dumps(chat(LONG)).encode(), Sender("a"), now=0.0)
    first = answered(side, asked).usage
    asked = side.weigh("chat", json.dumps(chat(LONG, prompt_cache_key="other")).encode(), Sender("a"), now=1000.0)
    again = answered(side, asked, 1000.0).usage
    assert (first["prompt_cache_hit_tokens"], first["prompt_cache_miss_tokens"]) == (0, first["prompt_tokens"])
    assert again["prompt_cache_hit_tokens"] % 64 == 0
    assert again["prompt_cache_hit_tokens"] + again["prompt_cache_miss_tokens"] == again["prompt_tokens"]
    assert again["prompt_cache_hit_tokens"] > 2400


def test_xai_finds_what_a_conversation_has_written_and_without_one_lands_anywhere():
    side, body = upstream("xai"), chat(LONG, model="grok-4")
    turn(side, body, sender=Sender("a", "conversation"))
    assert turn(side, body, sender=Sender("a", "conversation"))[0] > 2000
    assert turn(side, body, sender=Sender("a"))[0] == turn(side, body, sender=Sender("a"))[0] == 0


def claude(*markers: int, **fields: Any) -> dict[str, Any]:
    parts = [{**TEXT, "cache_control": {"type": "ephemeral"}} if at in markers else TEXT for at in range(3)]
    return chat("", model="anthropic/claude-sonnet-4.5", **fields) | {"messages": [{"role": "user", "content": parts}]}


def test_openrouter_honours_cache_control_and_is_sticky_by_session_id():
    side = upstream("openrouter")
    assert turn(side, claude()) == turn(side, claude()) == (0, 0)
    _, written = turn(side, claude(0))
    assert turn(side, claude(0)) == (written, 0)
    assert turn(side, claude(1))[0] == written
    turn(side, claude(0, session_id="one"))
    assert turn(side, claude(0, session_id="one"))[0] == written
    assert turn(side, claude(0, session_id="two"))[0] == 0
    hour = claude()
    hour["messages"][0]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    _, more = turn(side, hour, 10_000.0)
    assert turn(side, hour, 10_000.0 + 3000)[0] == more > 7000
    assert turn(side, claude(0), 20_000.0) == (0, written)
    assert turn(side, claude(0), 20_301.0) == (0, written)


def test_openrouter_says_what_it_cost():
    side = upstream("openrouter")
    costs = []
    for _ in range(2):
        asked = side.weigh("chat", json.dumps(claude(2)).encode(), Sender("a"), now=0.0)
        costs.append(answered(side, asked).usage["cost"])
    assert 0 < costs[1] < costs[0] / 2


def test_a_cache_that_loses_all_it_gets_never_hits():
    side = upstream(evicts=1.0)
    assert turn(side, chat(LONG)) == turn(side, chat(LONG)) == (0, 0)


TEXTS = st.text(max_size=40)


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), TEXTS), min_size=1), TEXTS)
def test_a_conversation_that_grows_has_the_one_before_as_its_prefix(said: list[tuple[str, str]], more: str):
    messages = [{"role": role, "content": text} for role, text in said]
    before = chat_prompt({"messages": messages})
    after = chat_prompt({"messages": [*messages, {"role": "user", "content": more}]})
    assert after.data.startswith(before.data)
    assert after.message_ends[: len(before.message_ends)] == before.message_ends
    listed = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in said]
    assert chat_prompt({"messages": listed}).data == before.data
    assert responses_prompt({}, messages).data == before.data


def test_a_picture_has_a_length_of_its_own_not_that_of_its_base64():
    def prompt(data: str, **detail: str) -> Any:
        url = {"url": f"data:image/png;base64,{data}", **detail}
        return chat_prompt({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]})

    assert prompt("A" * 100_000).tokens == prompt("B").tokens < 800
    assert prompt("A").data != prompt("B").data
    assert prompt("A", detail="low").tokens < 100


def test_moonshot_writes_the_end_of_each_prompt_for_as_long_as_it_is_asked_to():
    side, body = upstream("moonshot"), chat(LONG, model="kimi-k3")
    _, written = turn(side, body)
    assert written > 2000
    assert turn(side, body, 299.0) == (written, 0)
    assert turn(side, body, 700.0) == (0, written)
    hour = chat(LONG + "for an hour", model="kimi-k3", prompt_cache_options={"ttl": "1h"})
    turn(side, hour)
    assert turn(side, hour, 3599.0)[0] > 2000
