"""Through the proxy to a relay: what it refuses is explained, everything else arrives as it was sent."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from support.edge import (
    CLIENT_TOKEN,
    LAST_CHUNK,
    MESSAGE,
    PROVIDER_KEY,
    SSE_HEAD,
    Edge,
    Received,
    Wire,
    chunk,
    head,
    request,
    stream,
    whole,
)
from support.memory import Memory
from synrouter_cli.addresses import Proxies
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.providers import Relay, relay_of
from synrouter_cli.proxy.turn import Inbound
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.proxy.upstream import Upstream

AGENTROUTER = relay_of("https://agentrouter.org")
SAVEROUTER = relay_of("https://api.saverouter.com")

# As these relays answer, with invented addresses and ids.
CLIENT = {
    "error": {"message": "unauthorized client detected, contact support for assistance at https://help.example"},
    "message": "UNAUTHENTICATED",
    "success": False,
    "type": "unauthorized_client_error",
}
TOKEN = {"error": {"message": "无效的令牌 (request id: 20260801)", "type": "new_api_error"}, "type": "error"}
CONTENT = {
    "error": {
        "code": "content-blocked",
        "message": "content-blocked (request id: 123)",
        "param": "",
        "type": "agent_router_api_error",
    }
}
PAGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>checking</body></html>"
CLAUDE_CODE = [("X-Claude-Code-Session-Id", "5f0c"), ("User-Agent", "claude-cli/2.1.329 (external, cli)")]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Relay | None], None]:
    """at(relay): the test's upstream is taken for that relay."""
    return lambda relay: monkeypatch.setattr(Upstream, "relay", lambda *_: relay)


def encoded(body: bytes, coding: str) -> tuple[bytes, dict[str, str]]:
    match coding:
        case "gzip":
            return gzip.compress(body), {"content_encoding": "gzip"}
        case "deflate":
            return zlib.compress(body), {"content_encoding": "deflate"}
    return body, {}


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def as_event(value: object) -> bytes:
    return b": wait\n\nevent: error\ndata: " + as_json(value) + b"\n\n"


SHAPES = [("application/json", as_json), ("text/event-stream", as_event), ("text/html", as_json), ("", as_json)]


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
@pytest.mark.parametrize(("content_type", "written"), SHAPES, ids=[name or "untyped" for name, _ in SHAPES])
@pytest.mark.parametrize(
    ("status", "said", "kind", "explained"),
    [
        (401, CLIENT, "unauthorized_client_error", "Synrouter: AgentRouter takes Claude Code's own traffic only"),
        (401, TOKEN, "new_api_error", "Synrouter: “无效的令牌” is “invalid token”"),
        (400, CONTENT, "agent_router_api_error", "Synrouter: AgentRouter's own filter refused this"),
    ],
)
async def test_a_relays_complaint_keeps_its_status_words_and_type_and_says_what_to_do(
    edge: Edge,
    at: Callable[[Relay | None], None],
    status: int,
    said: dict[str, dict[str, str]],
    kind: str,
    explained: str,
    content_type: str,
    written: Callable[[object], bytes],
    coding: str,
) -> None:
    at(AGENTROUTER)
    body, headers = encoded(written(said), coding)
    edge.upstream.plays(whole(body, status, content_type=content_type, retry_after="7", x_request_id="r1", **headers))
    answer = await edge.ask(body=b'{"model": "m", "stream": true}', headers=[("User-Agent", "crush/1.0")])
    assert (answer.status, answer.error["type"]) == (status, kind)
    own, _, ours = answer.error["message"].partition(" | ")
    assert own == said["error"]["message"]
    assert ours.startswith(explained) and "Next: " in ours
    assert answer.all("content-type") == ["application/json"] and answer.all("content-encoding") == []
    assert (answer.all("retry-after"), answer.all("x-request-id")) == (["7"], ["r1"])
    assert answer.all("x-should-retry") == (["false"] if status == 401 else [])
    assert {**said["error"], **answer.error} == answer.error  # what else the relay says stays
    outcome = await edge.outcome()
    assert (outcome.status, outcome.http_status, outcome.error_type) == ("error", status, kind)


async def test_claude_code_itself_is_told_what_else_the_same_words_mean(edge: Edge, at: Callable[..., None]) -> None:
    at(AGENTROUTER)
    edge.upstream.plays(whole(as_json(CLIENT), 401))
    answer = await edge.ask(headers=CLAUDE_CODE)
    assert "also of a key that is missing and of a model" in answer.error["message"]


async def test_a_client_that_only_borrows_claude_codes_user_agent_is_not_taken_for_it(
    edge: Edge, at: Callable[..., None]
) -> None:
    at(AGENTROUTER)
    edge.upstream.plays(whole(as_json(CLIENT), 401))
    for body, is_it in (
        (b'{"metadata": {"user_id": "a_session_01234567"}}', True),
        (b'{"m": "session_01234567"}', False),
    ):
        answer = await edge.ask(body=body, headers=CLAUDE_CODE[1:])
        assert ("This came from" not in answer.error["message"]) is is_it


async def test_the_model_list_is_explained_as_well(edge: Edge, at: Callable[..., None]) -> None:
    at(AGENTROUTER)
    edge.upstream.plays(whole(as_json(TOKEN), 401))
    answer = await edge.ask("GET", "/v1/models", b"")
    assert (answer.status, answer.error["type"]) == (401, "new_api_error")
    assert "synrouter keys set anthropic" in answer.error["message"]


async def test_a_complaint_about_an_edited_request_is_explained_as_well(edge: Edge) -> None:
    edge.turns.edit = lambda body: body + b" "
    edge.upstream.plays(whole(as_json(CONTENT), 400))
    answer = await edge.ask()
    assert answer.error["message"].startswith("content-blocked (request id: 123) | Synrouter: the relay's own filter")
    assert len(edge.upstream.received) == 1


@pytest.mark.parametrize("base", ["https://agentrouter.org", "https://api.saverouter.com/v"])
async def test_a_relay_is_known_by_the_address_that_the_user_names(base: str) -> None:
    upstream = Upstream(base_urls={"anthropic": base}, proxies=Proxies(), connect_timeout_s=1, idle_timeout_s=1)
    assert upstream.relay("anthropic") is relay_of(base) is not None
    assert not upstream.at_home("anthropic")
    await upstream.close()


async def test_plain_text_is_its_own_message(edge: Edge) -> None:
    edge.upstream.plays(whole(b"content-blocked\n", 403, content_type="text/plain"))
    answer = await edge.ask()
    assert (answer.status, answer.error["type"]) == (403, "permission_error")
    assert answer.error["message"].startswith("content-blocked | Synrouter: the relay's own filter")


# ── what a relay takes where ──


async def test_where_claude_code_is_not_taken_a_refusal_says_so(edge: Edge, at: Callable[..., None]) -> None:
    at(SAVEROUTER)
    edge.upstream.plays(whole(as_json({"detail": "Forbidden"}), 403))
    answer = await edge.ask(headers=CLAUDE_CODE)
    assert answer.json()["detail"] == "Forbidden"
    assert answer.error["message"].startswith("Forbidden | Synrouter: SaveRouter does not take Claude Code")
    assert (await edge.ask()).body == as_json({"detail": "Forbidden"})


async def test_a_clients_own_bearer_goes_on_as_it_came_and_its_refusal_says_where_the_key_belongs(
    edge: Edge, at: Callable[..., None]
) -> None:
    at(SAVEROUTER)
    edge.upstream.plays(whole(as_json({"error": {"message": "missing key", "type": "auth"}}), 401))
    own = [("x-synrouter-key", CLIENT_TOKEN), ("Authorization", "Bearer relay-key-1")]
    answer = await edge.ask(token=None, headers=own)
    [received] = edge.upstream.received
    assert (received.all("authorization"), received.all("x-api-key")) == (["Bearer relay-key-1"], [])
    assert "takes a key in x-api-key only" in answer.error["message"]
    assert "relay-key-1" not in answer.body.decode()
    assert (await edge.ask()).json()["error"] == {"message": "missing key", "type": "auth"}
    assert edge.upstream.received[-1].all("x-api-key") == [PROVIDER_KEY]


# ── pages ──


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
@pytest.mark.parametrize(
    ("status", "told", "kind"), [(200, 502, "api_error"), (403, 403, "permission_error"), (503, 503, "api_error")]
)
async def test_a_web_page_becomes_an_error_that_says_where_to_look(
    edge: Edge, status: int, told: int, kind: str, coding: str
) -> None:
    body, headers = encoded(PAGE, coding)
    edge.upstream.plays(whole(body, status, content_type="text/html; charset=utf-8", **headers))
    answer = await edge.ask(body=b'{"stream": true}')
    assert (answer.status, answer.error["type"]) == (told, kind)
    assert f"answered {status} with a web page (Just a moment...)" in answer.error["message"]
    assert "--upstream anthropic=URL" in answer.error["message"]
    assert answer.all("content-encoding") == []
    assert answer.all("x-should-retry") == (["false"] if status == 200 else [])
    assert (await edge.outcome()).status == "error"


async def test_a_web_page_is_no_list_of_models(edge: Edge) -> None:
    edge.upstream.plays(whole(PAGE, content_type="text/html"))
    assert (await edge.ask("GET", "/v1/models", b"")).status == 502


async def test_a_file_that_is_a_page_is_a_file(edge: Edge) -> None:
    edge.upstream.plays(whole(PAGE, content_type="text/html"))
    answer = await edge.ask("GET", "/v1/files/f1/content", b"")
    assert (answer.status, answer.body) == (200, PAGE)


@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_a_message_under_a_pages_type_goes_on_and_is_metered(edge: Edge, coding: str) -> None:
    body, headers = encoded(MESSAGE, coding)
    edge.upstream.plays(whole(body, content_type="text/html", **headers))
    answer = await edge.ask()
    assert (answer.status, answer.body) == (200, body)
    assert (await edge.outcome()).usage_quality == "exact"


# ── what is left alone ──


def anthropics(status: int, kind: str, message: str) -> bytes:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return whole(json.dumps(body, indent=1).encode(), status)


LEFT_ALONE = [
    anthropics(400, "invalid_request_error", "messages.3: `role: system` is not content-blocked"),
    anthropics(400, "invalid_request_error", "prompt is too long: 212345 tokens > 200000 maximum"),
    anthropics(401, "authentication_error", "invalid x-api-key"),
    anthropics(429, "rate_limit_error", "slow down"),
    anthropics(529, "overloaded_error", "Overloaded"),
    whole(as_json({"error": "no such model"}), 404),
    whole(as_json([{"message": "无效的令牌"}]), 401),
    whole(b'{"error": {"message": "content-blocked', 400),
    whole(b'{"error": ' * 5000, 400),
    whole(b"", 401),
    whole(b"not gzip, content-blocked", 400, content_encoding="gzip"),
    whole(as_json(CONTENT), 400, content_encoding="br-unknown"),
    whole(as_json({**CONTENT, "more": "x" * 70_000}), 400),
    whole(gzip.compress(as_json({**CONTENT, "more": "x" * 70_000})), 400, content_encoding="gzip"),
    whole(b"content-blocked " * 1000, 400, content_type="text/plain"),
]


@pytest.mark.parametrize("answered", LEFT_ALONE, ids=range(len(LEFT_ALONE)))
async def test_every_other_error_arrives_byte_for_byte(edge: Edge, at: Callable[..., None], answered: bytes) -> None:
    at(AGENTROUTER)
    edge.upstream.plays(answered)
    answer = await edge.ask()
    assert answer.body == answered.partition(b"\r\n\r\n")[2]
    assert answer.all("x-should-retry") == []


@pytest.mark.parametrize("said", [CLIENT, TOKEN, CONTENT])
@pytest.mark.parametrize("status", [400, 401])
async def test_the_provider_at_its_own_address_is_never_reworded(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, said: object, status: int
) -> None:
    monkeypatch.setattr(Upstream, "at_home", lambda *_: True)
    edge.upstream.plays(whole(as_json(said), status))
    assert (await edge.ask()).body == as_json(said)


ASKED = b'{"model":"claude-opus-4-8","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
FORCED = "Thinking may not be enabled when tool_choice forces tool use."


@pytest.mark.parametrize("home", [True, False])
@pytest.mark.parametrize("target", ["/v1/messages", "/v1/chat/completions"])
async def test_the_rule_about_forced_tools_is_explained_wherever_it_is_told(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, home: bool, target: str
) -> None:
    monkeypatch.setattr(Upstream, "at_home", lambda *_: home)
    said = {"type": "error", "error": {"type": "invalid_request_error", "message": FORCED}, "request_id": "req_1"}
    edge.upstream.plays(whole(as_json(said), 400))
    answer = await edge.ask(target=target, body=ASKED)
    assert answer.status == 400
    assert answer.error["message"].startswith(f"{FORCED} | Synrouter: the request went out as the client made it")
    assert "Next: tool_choice auto or none" in answer.error["message"]
    quoted = as_json({**said, "error": {**said["error"], "message": f"messages.0: {FORCED}"}})
    edge.upstream.plays(whole(quoted, 400))
    assert "Synrouter" not in (await edge.ask(target=target, body=ASKED)).error["message"]


async def test_an_error_that_breaks_off_is_not_made_a_whole_one(edge: Edge, at: Callable[..., None]) -> None:
    at(AGENTROUTER)

    async def cut(_: Received, wire: Wire) -> None:
        await wire.send(head(401, content_type="application/json", content_length="500") + as_json(TOKEN))
        wire.writer.close()

    edge.upstream.plays(cut)
    answer = await edge.ask()
    assert (answer.status, answer.complete) == (401, False)
    assert answer.body == as_json(TOKEN)


async def test_of_a_good_stream_each_event_arrives_before_the_next_is_sent(edge: Edge, at: Callable[..., None]) -> None:
    at(AGENTROUTER)
    for content_type in ("text/event-stream", "text/html"):
        go_on = asyncio.Event()
        first, *rest = stream()

        async def held(_: Received, wire: Wire, kind: str = content_type, go: asyncio.Event = go_on) -> None:
            await wire.send(head(content_type=kind, transfer_encoding="chunked") + chunk(stream()[0]))
            await go.wait()
            await wire.send(b"".join(map(chunk, stream()[1:])) + LAST_CHUNK)

        edge.upstream.plays(held)
        async with edge.connect() as connection:
            await connection.send(request(edge.port, body=b'{"stream": true}'))
            status, _ = await connection.head()
            assert status == 200
            async with asyncio.timeout(5):
                arrived = await connection.reader.readuntil(first)
            assert arrived.endswith(first)
            go_on.set()
            assert rest[-1] in await connection.reader.readuntil(rest[-1])


async def test_an_error_event_inside_a_good_stream_is_the_providers(edge: Edge) -> None:
    said = as_event(CONTENT)
    edge.upstream.plays(SSE_HEAD + chunk(stream()[0]) + chunk(said) + LAST_CHUNK)
    answer = await edge.ask(body=b'{"stream": true}')
    assert answer.body.startswith(stream()[0] + said)


# ── Claude Code's own traffic ──

SENT = [
    ("Accept", "application/json"),
    ("Content-Type", "application/json"),
    ("User-Agent", "claude-cli/2.1.329 (external, cli)"),
    ("X-Claude-Code-Session-Id", "5f0c"),
    ("X-Stainless-Arch", "x64"),
    ("X-Stainless-Lang", "js"),
    ("X-Stainless-OS", "Linux"),
    ("X-Stainless-Package-Version", "0.94.0"),
    ("X-Stainless-Retry-Count", "0"),
    ("X-Stainless-Runtime", "node"),
    ("X-Stainless-Timeout", "600"),
    ("anthropic-beta", "claude-code-20250219,interleaved-thinking-2025-05-14"),
    ("anthropic-dangerous-direct-browser-access", "true"),
    ("anthropic-version", "2023-06-01"),
    ("x-app", "cli"),
]


async def test_claude_codes_headers_and_query_reach_the_relay_unchanged_and_nothing_is_added(
    edge: Edge, at: Callable[..., None]
) -> None:
    at(AGENTROUTER)
    body = b'{"model":"claude-opus-4-8","messages":[]}'
    dropped = [("Accept-Encoding", "gzip, br"), ("Connection", "keep-alive"), ("x-synrouter-mode", "coding")]
    await edge.ask(target="/v1/messages?beta=true", body=body, headers=[*SENT, *dropped])
    [received] = edge.upstream.received
    assert received.line == "POST /v1/messages?beta=true HTTP/1.1"
    assert received.body == body
    transport = {"host", "content-length", "x-api-key"}
    assert [pair for pair in received.headers if pair[0].lower() not in transport] == SENT
    assert received.all("x-api-key") == [PROVIDER_KEY]


async def test_no_other_client_is_dressed_up(edge: Edge, at: Callable[..., None]) -> None:
    at(AGENTROUTER)
    edge.upstream.plays(whole(as_json(CLIENT), 401))
    await edge.ask(headers=[("User-Agent", "crush/1.0")])
    [received] = edge.upstream.received
    assert {name.lower() for name, _ in received.headers} == {"host", "user-agent", "x-api-key", "content-length"}
    assert received.all("user-agent") == ["crush/1.0"]


@pytest.mark.parametrize("relay", [None, SAVEROUTER, AGENTROUTER])
async def test_planning_knows_whether_the_upstream_tells_clients_apart(
    edge: Edge, at: Callable[..., None], relay: Relay | None
) -> None:
    at(relay)
    await edge.ask()
    assert edge.turns.turns[0].inbound.checks_clients is (relay is AGENTROUTER)


@pytest.mark.parametrize("checks", [True, False])
def test_where_clients_are_told_apart_the_question_is_not_asked_and_the_billing_block_stays(checks: bool) -> None:
    system = [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329; cc_entrypoint=cli;"},
        {"type": "text", "text": "You are Claude Code. " * 400},
    ]
    body = json.dumps({"model": "claude-sonnet-4-6", "system": system, "messages": [{"role": "user", "content": "hi"}]})
    turns = Turns(
        level="standard",
        mode="coding",
        ledger=Memory(),
        clock=lambda: 1e9,
        policy=replace(Policy.of("standard"), diagnoses=True),
    )
    headers = {"x-claude-code-session-id": "s", "anthropic-beta": "b1"}
    turn = turns.begin(
        Inbound(
            *("messages", "anthropic", "anthropic", headers, "", body.encode(), False, b"scope", "api"),
            at_home=False,
            checks_clients=checks,
        )
    )
    assert (turn.beta == "", b"diagnostics" not in turn.body) == (checks, checks)
    assert (b"x-anthropic-billing-header" in turn.body) is checks
