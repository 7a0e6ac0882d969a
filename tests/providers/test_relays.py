"""Relays are known by the exact host of an address, and say whom they take."""

from __future__ import annotations

import pytest

from synrouter_cli.providers import relay_of


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://agentrouter.org", "AgentRouter"),
        ("https://agentrouter.org/", "AgentRouter"),
        ("https://AgentRouter.org:443/v1", "AgentRouter"),
        ("https://agentrouter.org.", "AgentRouter"),
        ("https://api.saverouter.com/anthropic", "SaveRouter"),
        ("https://saverouter.com", None),
        ("https://agentrouter.org.evil.com", None),
        ("https://evil.com/agentrouter.org", None),
        ("https://agentrouter.org@evil.com", None),
        ("https://notagentrouter.org", None),
        ("https://api.anthropic.com", None),
        ("http://127.0.0.1:9911", None),
        ("http://[::1", None),
        ("", None),
    ],
)
def test_a_relay_is_found_by_its_exact_host(url: str, name: str | None) -> None:
    relay = relay_of(url)
    assert (relay.name if relay else None) == name


@pytest.mark.parametrize(
    ("url", "client", "taken"),
    [
        ("https://agentrouter.org", "claude-code", True),
        ("https://agentrouter.org", "kilo", False),
        ("https://agentrouter.org", "unknown", False),
        ("https://api.saverouter.com", "claude-code", False),
        ("https://api.saverouter.com", "kilo", True),
    ],
)
def test_a_relay_says_whom_it_takes_in_a_sentence_that_names_it(url: str, client: str, taken: bool) -> None:
    relay = relay_of(url)
    assert relay is not None
    assert relay.takes(client) is taken
    assert relay.sentence.startswith(relay.name) and relay.sentence.endswith(".")


def test_what_is_known_of_each() -> None:
    saverouter, agentrouter = relay_of("https://api.saverouter.com"), relay_of("https://agentrouter.org")
    assert saverouter is not None and agentrouter is not None
    assert (saverouter.key_headers, saverouter.refuses, saverouter.only) == ({"x-api-key"}, {"claude-code"}, set())
    assert (agentrouter.key_headers, agentrouter.refuses, agentrouter.only) == (set(), set(), {"claude-code"})
    assert (saverouter.checks_clients, agentrouter.checks_clients) == (False, True)
