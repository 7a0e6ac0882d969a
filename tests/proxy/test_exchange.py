"""The life of a request: what planning is told, what goes upstream, what becomes of failures of ours."""

from __future__ import annotations

import gzip
import json
import logging

import pytest

from support.edge import (
    MESSAGE,
    PROVIDER_KEY,
    Edge,
    Received,
    Turn,
    Upstream,
    Wire,
    chunk,
    request,
    running_edge,
    stream,
    whole,
)
from synrouter_cli.credentials import Secret

REFUSES_MARKERS = json.dumps(
    {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        },
    }
).encode()
REFUSES_MODEL = REFUSES_MARKERS.replace(b"cache_control", b"model")


async def test_a_turn_is_told_everything_but_credentials(edge: Edge) -> None:
    await edge.ask(
        target="/api/anthropic/v1/messages?beta=true",
        body=b'{"model": "x"}',
        headers={"X-Claude-Code-Session-Id": "s-1", "anthropic-beta": "b1"},
    )
    [turn] = edge.turns.turns
    inbound = turn.inbound
    assert (inbound.endpoint, inbound.provider, inbound.dialect) == ("messages", "anthropic", "anthropic")
    assert (inbound.query, inbound.body, inbound.wire_encoded) == ("beta=true", b'{"model": "x"}', False)
    assert (inbound.billing, len(inbound.scope)) == ("api", 16)
    assert inbound.headers["x-claude-code-session-id"] == "s-1"
    assert "x-api-key" not in inbound.headers
    assert turn.responses == [200]


@pytest.mark.parametrize(
    ("target", "endpoint"), [("/messages", "messages"), ("/api/anthropic/messages/count_tokens", "count_tokens")]
)
async def test_count_tokens_is_a_turn_too_with_and_without_v1(edge: Edge, target: str, endpoint: str) -> None:
    assert (await edge.ask(target=target)).status == 200
    assert edge.turns.turns[0].inbound.endpoint == endpoint
    assert edge.upstream.received[0].line.startswith(f"POST /v1{target.removeprefix('/api/anthropic')} ")


@pytest.mark.parametrize("query", ["", "?beta=true", "?a=%20+%2B%zz&a=b;c='\"{}|^`&=&&=", "?x=1?y=2&%E2%9C%93"])
async def test_path_and_query_arrive_byte_for_byte(edge: Edge, query: str) -> None:
    await edge.ask(target=f"/v1/messages{query}")
    assert edge.upstream.received[0].line == f"POST /v1/messages{query} HTTP/1.1"


async def test_a_base_url_with_a_path_is_put_before_it(edge: Edge) -> None:
    base = f"http://127.0.0.1:{edge.upstream.port}/relay/anthropic"
    async with running_edge(upstream=edge.upstream, upstreams={"anthropic": base}) as second:
        await second.ask(target="/v1/messages?beta=true")
    assert edge.upstream.received[0].line == "POST /relay/anthropic/v1/messages?beta=true HTTP/1.1"


async def test_models_batches_and_files_are_no_turns(edge: Edge) -> None:
    for method, target in (
        ("GET", "/v1/models?limit=1000"),
        ("GET", "/v1/messages/batches/b_1/results"),
        ("DELETE", "/v1/files/f_1"),
    ):
        answer = await edge.ask(method, target, b"")
        assert answer.status == 200
        assert answer.all("x-synrouter-turn") == []
    assert edge.turns.turns == []
    assert [received.line.rpartition(" ")[0] for received in edge.upstream.received] == [
        "GET /v1/models?limit=1000",
        "GET /v1/messages/batches/b_1/results",
        "DELETE /v1/files/f_1",
    ]


async def test_an_upload_is_streamed_past_every_cap() -> None:
    async with running_edge(max_body_bytes=1000, in_flight_bytes=1000) as edge:
        file = bytes(range(256)) * 20_000
        answer = await edge.ask(target="/v1/files", body=file, headers={"Content-Type": "multipart/form-data"})
        assert answer.status == 200
        [received] = edge.upstream.received
        assert received.body == file
        assert received.all("content-length") == [str(len(file))]
        chunked = request(edge.port, target="/v1/files", body=b"", headers={"Transfer-Encoding": "chunked"})
        await edge.ask_raw(chunked + chunk(b"a" * 600) + chunk(b"b" * 600) + b"0\r\n\r\n")
        assert edge.upstream.received[1].body == b"a" * 600 + b"b" * 600
        assert edge.upstream.received[1].all("transfer-encoding") == ["chunked"]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("/v1/nothing", "/v1/messages"),
        ("/api/tags", "/v1/messages"),
        ("/v1/completions", "/v1/chat/completions"),
        ("/v1/responses/resp_1", "/v1/responses"),
        ("/api/v1/audio/speech", "/v1/chat/completions"),
    ],
)
async def test_what_is_not_served_is_a_404_that_says_what_is(edge: Edge, target: str, says: str) -> None:
    answer = await edge.ask(target=target)
    assert (answer.status, answer.error["type"]) == (404, "not_found_error")
    assert says in answer.error["message"]
    assert answer.error.get("code") == (None if says == "/v1/messages" else "unknown_url")
    assert edge.upstream.received == []


# ── edits, and back ──


async def test_an_edited_body_goes_out_edited(edge: Edge) -> None:
    edge.turns.edit = lambda body: body.replace(b"{}", b'{"edited": 1}')
    await edge.ask()
    assert edge.upstream.received[0].body == b'{"edited": 1}'


async def test_where_our_markers_are_refused_the_original_bytes_follow_at_once(edge: Edge) -> None:
    edge.turns.edit = lambda body: body + b" "
    edge.upstream.plays(whole(REFUSES_MARKERS, 400), whole(MESSAGE))
    wire = gzip.compress(b"{}")
    answer = await edge.ask(body=wire, headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.body) == (200, MESSAGE)
    first, second = edge.upstream.received
    assert (first.body, first.all("content-encoding")) == (b"{} ", [])
    assert (second.body, second.all("content-encoding")) == (wire, ["gzip"])
    [turn] = edge.turns.turns
    assert turn.fell_back
    assert (turn.outcome.status, turn.outcome.attempts) == ("ok", 2)
    assert turn.responses == [200]


async def test_content_that_was_edited_stays_so_where_our_markers_are_refused(edge: Edge) -> None:
    edge.turns.edit = lambda body: b'{"cut": 1, "marked": 1}'
    edge.turns.content = lambda body: b'{"cut": 1}'
    edge.upstream.plays(whole(REFUSES_MARKERS, 400), whole(MESSAGE))
    answer = await edge.ask(body=gzip.compress(b'{"long": 1}'), headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.body) == (200, MESSAGE)
    assert [received.body for received in edge.upstream.received] == [b'{"cut": 1, "marked": 1}', b'{"cut": 1}']
    assert not edge.upstream.received[1].all("content-encoding")
    [turn] = edge.turns.turns
    assert turn.fell_back and turn.outcome.attempts == 2


async def test_where_only_content_was_edited_a_400_about_markers_is_the_clients(edge: Edge) -> None:
    edge.turns.edit = edge.turns.content = lambda body: b'{"cut": 1}'
    edge.upstream.plays(whole(REFUSES_MARKERS, 400))
    answer = await edge.ask()
    assert (answer.status, answer.body) == (400, REFUSES_MARKERS)
    assert len(edge.upstream.received) == 1 and not edge.turns.turns[0].fell_back


async def test_only_a_400_about_markers_makes_us_fall_back(edge: Edge) -> None:
    edge.turns.edit = lambda body: body + b" "
    for refusal, status in ((REFUSES_MODEL, 400), (REFUSES_MARKERS, 403)):
        edge.upstream.plays(whole(refusal, status))
        answer = await edge.ask()
        assert (answer.status, answer.body) == (status, refusal)
    assert len(edge.upstream.received) == 2
    assert not any(turn.fell_back for turn in edge.turns.turns)


async def test_a_400_to_the_clients_own_bytes_is_the_clients(edge: Edge) -> None:
    edge.upstream.plays(whole(REFUSES_MARKERS, 400))
    answer = await edge.ask()
    assert (answer.status, answer.body) == (400, REFUSES_MARKERS)
    assert len(edge.upstream.received) == 1
    outcome = await edge.outcome()
    assert (outcome.status, outcome.http_status) == ("error", 400)
    assert outcome.error_type == "invalid_request_error"


async def test_the_original_bytes_refused_too_are_told_in_the_providers_words(edge: Edge) -> None:
    edge.turns.edit = lambda body: body + b" "
    second = REFUSES_MARKERS.replace(b"Found 5", b"Found 6")
    edge.upstream.plays(whole(REFUSES_MARKERS, 400), whole(second, 400))
    assert (await edge.ask()).body == second
    assert len(edge.upstream.received) == 2


async def test_where_the_second_try_finds_no_provider_the_first_answer_counts(edge: Edge) -> None:
    edge.turns.edit = lambda body: body + b" "

    async def refuse_and_leave(_: Received, wire: Wire) -> None:
        assert edge.upstream._server is not None
        edge.upstream._server.close()
        await wire.send(whole(REFUSES_MARKERS, 400, connection="close"))
        wire.writer.close()

    edge.upstream.plays(refuse_and_leave)
    answer = await edge.ask()
    assert (answer.status, answer.body) == (400, REFUSES_MARKERS)


# ── failures of ours ──


async def test_where_planning_fails_the_request_goes_out_as_it_came(
    edge: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    edge.turns.fails = True
    answer = await edge.ask(body=b'{"secret prompt": 1}')
    assert (answer.status, answer.body) == (200, MESSAGE)
    assert edge.upstream.received[0].body == b'{"secret prompt": 1}'
    assert "RuntimeError at edge.py" in caplog.text
    assert "secret prompt" not in caplog.text


@pytest.mark.parametrize("method", ["responding", "finish"])
async def test_bookkeeping_that_fails_is_not_the_clients_concern(
    edge: Edge, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("bookkeeping")

    monkeypatch.setattr(Turn, method, fail)
    edge.upstream.plays(whole(b"".join(stream()), content_type="text/event-stream"))
    answer = await edge.ask()
    assert (answer.status, answer.body) == (200, b"".join(stream()))


async def test_an_error_nobody_thought_of_is_told_in_the_dialect_without_its_text(
    edge: Edge, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError(PROVIDER_KEY)

    monkeypatch.setattr("synrouter_cli.proxy.trip.to_upstream", fail)
    with caplog.at_level(logging.DEBUG):
        answer = await edge.ask()
    assert (answer.status, answer.error["type"]) == (500, "api_error")
    assert "KeyError" in answer.error["message"]
    assert PROVIDER_KEY not in answer.body.decode() + caplog.text
    assert edge.turns.turns[0].outcome.status == "error"


# ── whose credential goes where ──


async def test_a_clients_credential_never_reaches_another_provider() -> None:
    other = Upstream()
    await other.open()
    async with running_edge() as edge:
        upstreams = {
            "anthropic": f"http://127.0.0.1:{edge.upstream.port}",
            "openai": f"http://127.0.0.1:{other.port}",
        }
        keys = {"openai": Secret("sk-openai")}
        async with running_edge(upstream=edge.upstream, upstreams=upstreams, provider_keys=keys) as both:
            mine = [("x-synrouter-key", "sk-sr-local-" + "c" * 43), ("Authorization", "Bearer sk-ant-oat01-mine")]
            for script in (whole(MESSAGE), whole(b"", 307, location=upstreams["openai"] + "/v1/messages")):
                edge.upstream.plays(script)
                for target in ("/v1/messages", "/v1/models", "/v1/chat/completions"):
                    await both.ask("GET" if "models" in target else "POST", target, headers=mine, token=None)
    await other.close()
    assert edge.upstream.received
    assert other.connections == 0
    for received in edge.upstream.received:
        assert received.all("authorization") == ["Bearer sk-ant-oat01-mine"]
        assert received.all("x-api-key") == []
