"""A budget in `config.toml`, with everything real: what a person sees of it, and that a restart forgets nothing."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from support.processes import Daemon, daemon, simulated_provider, wait_for

pytestmark = pytest.mark.e2e

SCRIPT = [{"when": "hello", "steps": [{"say": "one two three four five six"}]}]
BODY = {"model": "claude-opus-4-8", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}


def ask(proxy: Daemon, *, client: str = "kilo") -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=30)
    headers = {
        "x-api-key": proxy.token,
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "x-synrouter-client": client,
    }
    try:
        connection.request("POST", "/v1/messages", json.dumps(BODY), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_budget_that_is_used_up_stays_so_over_a_restart(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text("[budget]\ndaily_usd = 0.0001\n")
    with simulated_provider(tmp_path / "provider", SCRIPT, key="sk-ant-test") as provider:
        with daemon(home, provider) as proxy:
            assert ask(proxy)[0] == 200
            refused, answer = ask(proxy)
            assert (refused, answer["error"]["type"]) == (402, "billing_error")
            assert "synrouter down && synrouter up" in answer["error"]["message"]
            proxy.running.printed(r"^synrouter: daily budget: \$0\.000\d of \$0\.0001 spent today \(UTC\), \d+%")
            proxy.running.printed(r"^.* error 402 billing_error$")
            assert "budget     $0.000" in proxy.cli("status").stdout
            wait_for(lambda: json.loads(proxy.cli("status", "--json").stdout)["committed"] == 2, "both rows written")
        with daemon(home, provider) as proxy:
            assert ask(proxy)[0] == 402
            told, message = ask(proxy, client="openclaw")
            assert told == 200
            assert message["content"][0]["text"].startswith("Synrouter: The daily budget is used up")
            assert json.loads(proxy.cli("status", "--json").stdout)["budget"]["reached"] is True
