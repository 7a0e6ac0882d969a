"""The simulated provider's books, on whole requests; the cache's own rules are tested with the model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synrouter_cli.demo.judge import ANSWER_PREFIX_TOKENS, Judge, Refused

FIVE_MINUTES = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
LONG = "The quick brown fox jumps over the lazy dog. " * 400


def text(words: str, marker: dict[str, str] | None = None) -> dict[str, Any]:
    return {"type": "text", "text": words, **({"cache_control": marker} if marker else {})}


def body(*blocks: dict[str, Any], model: str = "claude-opus-4-8", **fields: Any) -> bytes:
    messages = fields.pop("messages", [{"role": "user", "content": list(blocks)}])
    return json.dumps({"model": model, "max_tokens": 64, "messages": messages, **fields}).encode()


def answered(judge: Judge, raw: bytes, now: float = 0.0, scope: str = "a") -> dict[str, Any]:
    weighed = judge.weigh(raw, scope=scope, now=now)
    judge.begun(weighed)
    return weighed.usage


def test_what_one_request_writes_the_next_reads():
    judge = Judge()
    wrote = answered(judge, body(text(LONG, FIVE_MINUTES)))
    read = answered(judge, body(text(LONG), text("and now?", FIVE_MINUTES)), now=10.0)
    assert wrote["cache_creation_input_tokens"] > 1024
    assert read["cache_read_input_tokens"] == wrote["cache_creation_input_tokens"]
    assert wrote["input_tokens"] == ANSWER_PREFIX_TOKENS


def test_counts_add_up_to_the_prompt_wherever_the_markers_stand():
    totals = set()
    for blocks in (
        [text(LONG), text("tail")],
        [text(LONG, HOUR), text("tail")],
        [text(LONG, HOUR), text("tail", FIVE_MINUTES)],
    ):
        usage = answered(Judge(), body(*blocks))
        totals.add(sum(usage[f"{kind}input_tokens"] for kind in ("", "cache_read_", "cache_creation_")))
        assert sum(usage["cache_creation"].values()) == usage["cache_creation_input_tokens"]
    assert len(totals) == 1


@pytest.mark.parametrize(("ttl", "seconds"), [(FIVE_MINUTES, 300), (HOUR, 3600)])
def test_an_entry_lives_as_long_as_it_was_paid_for(ttl: dict[str, str], seconds: int):
    judge = Judge()
    answered(judge, body(text(LONG, ttl)))
    assert answered(judge, body(text(LONG, ttl)), now=seconds + 0.1)["cache_read_input_tokens"] == 0


def test_an_entry_can_be_read_only_once_its_answer_has_begun():
    judge = Judge()
    first = judge.weigh(body(text(LONG, FIVE_MINUTES)), scope="a", now=0.0)
    second = judge.weigh(body(text(LONG, FIVE_MINUTES)), scope="a", now=0.1)
    judge.begun(first)
    assert second.usage["cache_read_input_tokens"] == 0
    assert answered(judge, body(text(LONG, FIVE_MINUTES)), now=0.2)["cache_read_input_tokens"] > 0


@pytest.mark.parametrize(("scope", "model"), [("b", "claude-opus-4-8"), ("a", "claude-sonnet-4-6")])
def test_nobody_reads_another_accounts_or_models_entries(scope: str, model: str):
    judge = Judge()
    answered(judge, body(text(LONG, FIVE_MINUTES)))
    usage = answered(judge, body(text(LONG, FIVE_MINUTES), model=model), now=1.0, scope=scope)
    assert usage["cache_read_input_tokens"] == 0


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "The request body is not valid JSON"),
        (b"[]", "Input should be a valid dictionary"),
        (body(), "messages.0: all messages must have non-empty content"),
        (body(*[text(str(i), HOUR) for i in range(5)]), "A maximum of 4 blocks with cache_control may be"),
        (body(text("a", FIVE_MINUTES), text("b", HOUR)), "must not come after a ttl='5m'"),
        (body(text(LONG)), "prompt is too long: "),
    ],
)
def test_what_the_api_refuses_is_refused(raw: bytes, words: str):
    with pytest.raises(Refused, match=words.replace(".", r"\.")):
        Judge(context_tokens=1000).weigh(raw, scope="a", now=0.0)


def conversation(first: str, signature: str, model: str) -> bytes:
    thought = [{"type": "thinking", "thinking": "…", "signature": signature}, text("Hello.")]
    messages = [
        {"role": "user", "content": first},
        {"role": "assistant", "content": thought},
        {"role": "user", "content": "and now?"},
    ]
    return body(messages=messages, model=model)


def test_thinking_is_bound_to_what_stood_before_it_on_models_that_check():
    judge = Judge()
    signature = judge.weigh(body(text("hi")), scope="a", now=0.0).signature
    judge.weigh(conversation("hi", signature, "claude-fable-5-2"), scope="a", now=1.0)
    with pytest.raises(Refused, match="The block is bound to a different conversation"):
        judge.weigh(conversation("hi!", signature, "claude-fable-5-2"), scope="a", now=1.0)
    judge.weigh(conversation("hi!", signature, "claude-opus-4-8"), scope="a", now=1.0)
