"""What a relay says is explained by its wording, for the client that asked; everything else speaks for itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.providers import relay_of
from synrouter_cli.providers.complaints import Asked, Said, explain

AGENTROUTER = relay_of("https://agentrouter.org")
SAVEROUTER = relay_of("https://api.saverouter.com")
CLIENT = Said(401, "unauthorized client detected, contact support", type="unauthorized_client_error")
TOKEN = Said(401, "无效的令牌 (request id: 2026)", type="new_api_error")
CONTENT = Said(400, "content-blocked (request id: 7)", code="content-blocked", type="agent_router_api_error")


def asked(client: str = "claude-code", relay: object = AGENTROUTER, **more: object) -> Asked:
    return Asked(client, "anthropic", relay, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "by", "phrases"),
    [
        (CLIENT, asked(), ["AgentRouter", "Claude Code's own headers went there unchanged", "dashboard"]),
        (
            CLIENT,
            asked("pi"),
            ["AgentRouter takes Claude Code's own traffic only", "This came from pi", "--upstream anthropic="],
        ),
        (CLIENT, asked("pi", None), ["the relay takes only clients that it knows", "none is dressed up as another"]),
        (CLIENT, asked("unknown"), ["This came from a client that does not name itself"]),
        (TOKEN, asked(), ["“无效的令牌” is “invalid token”", "that Synrouter has", "synrouter keys set anthropic"]),
        (TOKEN, asked(own_key=True), ["key that Claude Code sent", "give it a key of this relay"]),
        (CONTENT, asked(), ["AgentRouter's own filter refused this, not the model", "wait ten seconds"]),
        (Said(403, "no"), asked(relay=SAVEROUTER), ["SaveRouter does not take Claude Code", "--upstream anthropic="]),
        (
            Said(401, "no"),
            asked("pi", SAVEROUTER, own_key=True, key_headers=frozenset({"authorization"})),
            ["takes a key in x-api-key only", "pi sent its own in authorization", "passed on as it came"],
        ),
    ],
)
def test_it_is_said_what_is_meant_and_what_to_do(said: Said, by: Asked, phrases: list[str]) -> None:
    explanation = explain(said, by)
    assert explanation is not None
    for phrase in [*phrases, "Next: "]:
        assert phrase in explanation.text
    assert explanation.permanent is (said is not CONTENT)


@pytest.mark.parametrize(
    "said",
    [
        Said(401, "unauthorized client detected, contact support for assistance at https://example.com"),
        Said(403, "401: Unauthorized Client Detected"),
        Said(401, "", type="unauthorized_client_error"),
        Said(401, "无效的令牌"),
        Said(403, "[403] 無效的令牌"),
        Said(401, "Invalid token (request id: 1)", type="new_api_error"),
        Said(400, "content-blocked"),
        Said(403, "[400]: content_blocked"),
        Said(400, "", code="content-blocked"),
        Said(500, "sensitive words detected"),
    ],
)
def test_each_wording_is_known_in_its_variants_and_of_every_relay(said: Said) -> None:
    assert explain(said, asked("pi", None)) is not None


ANTHROPICS = [
    (400, "invalid_request_error", "messages.1.content.0: unexpected `tool_use_id` found in content-blocked"),
    (400, "invalid_request_error", 'tools.0.name: String "unauthorized client detected" should match pattern'),
    (400, "invalid_request_error", "messages: roles must alternate; 无效的令牌"),
    (400, "invalid_request_error", "prompt is too long: 212345 tokens > 200000 maximum"),
    (400, "invalid_request_error", "Output blocked by content filtering policy"),
    (401, "authentication_error", "invalid x-api-key"),
    (401, "authentication_error", "OAuth token has expired"),
    (403, "permission_error", "Your account does not have access to Claude."),
    (404, "not_found_error", "model: claude-nobody"),
    (429, "rate_limit_error", "This request would exceed your rate limit"),
    (529, "overloaded_error", "Overloaded"),
    (400, "new_api_error", "max_tokens is required"),
]


@pytest.mark.parametrize(("status", "kind", "message"), ANTHROPICS)
def test_what_anthropic_says_speaks_for_itself_wherever_a_relay_passes_it_on(
    status: int, kind: str, message: str
) -> None:
    for relay in (None, AGENTROUTER):
        assert explain(Said(status, message, type=kind), asked("pi", relay, own_key=True)) is None


@pytest.mark.parametrize(
    ("said", "by"),
    [
        (Said(400, "no"), asked(relay=SAVEROUTER)),
        (Said(500, "no"), asked(relay=SAVEROUTER)),
        (Said(401, "no"), asked("pi", SAVEROUTER)),
        (Said(401, "no"), asked("pi", SAVEROUTER, own_key=True, key_headers=frozenset({"x-api-key"}))),
        (Said(401, "no"), asked("pi", AGENTROUTER, own_key=True, key_headers=frozenset({"authorization"}))),
    ],
)
def test_where_a_relays_ways_do_not_explain_it_nothing_is_said(said: Said, by: Asked) -> None:
    assert explain(said, by) is None


@given(st.text(max_size=60), st.sampled_from(["x", "…", " quoted: ", '{"a": "']))
def test_a_wording_inside_another_text_is_not_taken_for_the_relays(text: str, before: str) -> None:
    if any(character.isalpha() for character in text.split("\n")[0]):
        assert explain(Said(400, f"a{text}{before}content-blocked"), asked("pi", None)) is None
