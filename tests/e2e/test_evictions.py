"""The real proxy in front of a provider that loses entries: its ledger is the provider's bill."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from support.processes import daemon, get_json, simulated_provider, wait_for

TURNS = 60
WORDS = "one two three four five six seven eight nine ten; "
_direct = build_opener(ProxyHandler({}))


def request(turns: int) -> dict[str, Any]:
    marked = {"cache_control": {"type": "ephemeral"}}
    messages: list[dict[str, Any]] = []
    for number in range(turns):
        messages.append({"role": "user", "content": f"question {number}: " + WORDS * 20})
        messages.append({"role": "assistant", "content": f"answer {number}"})
    messages.append({"role": "user", "content": [{"type": "text", "text": "and now?", **marked}]})
    system = [{"type": "text", "text": WORDS * 300, **marked}]
    return {"model": "claude-sonnet-4-6", "max_tokens": 50, "system": system, "messages": messages}


@pytest.mark.parametrize("level", ["observe", "safe"])
def test_the_ledger_follows_what_a_forgetful_provider_reports(tmp_path: Path, level: str) -> None:
    with (
        simulated_provider(tmp_path / "provider", None, "", "--evict", "0.4", "--seed", "3") as upstream,
        daemon(tmp_path / "home", upstream, "--level", level) as proxy,
    ):
        headers = {"x-api-key": proxy.token, "anthropic-version": "2023-06-01", "x-session-id": "one"}
        for number in range(TURNS):
            ask = Request(f"{proxy.url}/v1/messages", json.dumps(request(number)).encode(), headers)
            with _direct.open(ask, timeout=20) as answer:
                assert json.load(answer)["type"] == "message"
        totals = wait_for(
            lambda: (t := json.loads(proxy.cli("stats", "--json").stdout)["totals"])["turns"] == TURNS and t, "rows"
        )
        books = [line["usage"] for line in get_json(f"{upstream}/__usage")["requests"]]
    assert totals["input_tokens"] == sum(usage["input_tokens"] for usage in books)
    assert totals["cache_read_tokens"] == sum(usage["cache_read_input_tokens"] for usage in books)
    writes = totals["cache_write_5m_tokens"] + totals["cache_write_1h_tokens"]
    assert writes == sum(usage["cache_creation_input_tokens"] for usage in books)
    assert any(
        later["cache_read_input_tokens"] < earlier["cache_read_input_tokens"] for earlier, later in pairwise(books)
    ), "something was lost"
    assert totals["cache_read_tokens"] > 0
    if level == "observe":
        assert totals["baseline_client_usd"] == totals["cost_usd"]
