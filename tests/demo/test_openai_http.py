"""The simulated OpenAI over plain HTTP: who may ask, where, what the books say, and its bad days."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from support.openai_side import CHAT_TOOL, KEY, TOOL, chat, responses, serving
from support.processes import get_json, simulated_provider
from synrouter_cli.demo.api import Provider
from synrouter_cli.demo.provider import main
from wire.oracle import error_faults, event_faults, events_of

BEARER = {"authorization": f"Bearer {KEY}"}
BOTH = [("chat/completions", chat(stream=True)), ("responses", responses(stream=True))]


@pytest.fixture
async def served() -> AsyncIterator[tuple[str, Provider]]:
    async with serving() as both:
        yield both


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:
        yield session


async def posted(
    http: aiohttp.ClientSession, url: str, body: Any, headers: dict[str, str] | None = None
) -> tuple[int, Any, aiohttp.ClientResponse]:
    async with http.post(url, json=body, headers=BEARER | (headers or {})) as answer:
        return answer.status, await answer.json(content_type=None), answer


async def streamed(http: aiohttp.ClientSession, url: str, body: Any, fault: str) -> tuple[bytes, Exception | None]:
    got = b""
    async with http.post(url, json=body, headers=BEARER | {"x-demo-fault": fault}) as answer:
        try:
            async for piece in answer.content.iter_any():
                got += piece
        except (aiohttp.ClientError, ConnectionError) as error:
            return got, error
    return got, None


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, None),
        ({"x-api-key": KEY}, None),
        ({"authorization": f"Basic {KEY}"}, None),
        ({"authorization": "Bearer sk-other"}, "invalid_api_key"),
    ],
)
@pytest.mark.parametrize(("endpoint", "body"), BOTH)
async def test_a_bearer_is_the_only_key(
    served: tuple[str, Provider],
    http: aiohttp.ClientSession,
    endpoint: str,
    body: dict[str, Any],
    headers: dict[str, str],
    code: str | None,
):
    async with http.post(f"{served[0]}/v1/{endpoint}", json=body, headers=headers) as answer:
        told = await answer.json()
    assert (answer.status, told["error"]["code"], error_faults("chat", told)) == (401, code, [])


async def test_a_local_server_takes_requests_without_a_key(http: aiohttp.ClientSession):
    server = TestServer(Provider(flavour="local").application())
    await server.start_server(shutdown_timeout=0.1)
    url = str(server.make_url("")).rstrip("/")
    async with http.post(f"{url}/v1/chat/completions", json=chat()) as answer:
        assert answer.status == 200
    async with http.get(f"{url}/v1/models") as answer:
        assert (await answer.json())["object"] == "list"
    asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    async with http.post(f"{url}/v1/messages", json=asked, headers={"anthropic-version": "2023-06-01"}) as answer:
        assert answer.status == 200
    await server.close()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/api/v1/chat/completions",
        "/v1beta/openai/chat/completions",
        "/compatible-mode/v1/chat/completions",
        "/v1/responses",
        "/api/v1/responses",
    ],
)
async def test_it_stands_where_the_providers_have_it(
    served: tuple[str, Provider], http: aiohttp.ClientSession, path: str
):
    body = chat() if path.endswith("completions") else responses()
    assert (await posted(http, served[0] + path, body))[0] == 200


@pytest.mark.parametrize(
    "prefix", ["/v1", "/anthropic/v1", "/api/anthropic/v1", "/apps/anthropic/v1", "/api/v1", "/inference/v1"]
)
async def test_anthropics_messages_stand_where_relays_have_them(
    served: tuple[str, Provider], http: aiohttp.ClientSession, prefix: str
):
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    body = {"model": "claude-opus-4-8", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}
    for path in ("messages", "messages/count_tokens"):
        async with http.post(f"{served[0]}{prefix}/{path}", json=body, headers=headers) as answer:
            assert answer.status == 200
    assert {line.dialect for line in served[1].answered} == {"anthropic"}


async def test_a_path_without_a_version_is_deepseeks_alone(http: aiohttp.ClientSession):
    statuses = []
    for flavour in ("deepseek", "openai"):
        async with serving(flavour) as (url, _):
            statuses.append((await posted(http, f"{url}/chat/completions", chat()))[0])
    assert statuses == [200, 404]


async def test_openrouter_says_whether_a_key_is_good(served: tuple[str, Provider], http: aiohttp.ClientSession):
    statuses = []
    for key in (KEY, "sk-other"):
        async with http.get(f"{served[0]}/api/v1/key", headers={"authorization": f"Bearer {key}"}) as answer:
            statuses.append(answer.status)
    assert statuses == [200, 401]


async def test_models_come_in_the_askers_shape(served: tuple[str, Provider], http: aiohttp.ClientSession):
    async with http.get(f"{served[0]}/v1/models", headers=BEARER) as answer:
        assert {model["object"] for model in (await answer.json())["data"]} == {"model"}
    async with http.get(f"{served[0]}/v1/models", headers=BEARER | {"anthropic-version": "2023-06-01"}) as answer:
        assert {model["type"] for model in (await answer.json())["data"]} == {"model"}


async def test_an_unknown_path_is_a_404_and_a_websocket_a_426(
    served: tuple[str, Provider], http: aiohttp.ClientSession
):
    status, told, _ = await posted(http, f"{served[0]}/v1/v1/responses", responses())
    assert (status, told["error"]["message"]) == (404, "Invalid URL (POST /v1/v1/responses)")
    upgrade = BEARER | {"connection": "upgrade", "upgrade": "websocket"}
    async with http.get(f"{served[0]}/v1/responses", headers=upgrade) as answer:
        assert answer.status == 426


async def test_the_books_tell_dialect_tools_cache_and_a_digest_of_the_key(
    served: tuple[str, Provider], http: aiohttp.ClientSession
):
    url, _ = served
    asked = responses("word " * 2000, tools=[TOOL], prompt_cache_key="a session's")
    for _ in range(2):
        await posted(http, f"{url}/v1/responses", asked, {"session-id": "ses_1"})
    await posted(
        http, f"{url}/v1/chat/completions", chat(tools=[CHAT_TOOL], model="gpt-5.6") | {"messages": asked["input"]}
    )
    await posted(http, f"{url}/v1/embeddings", {"model": "e", "input": "x"})
    async with http.get(f"{url}/__usage") as answer:
        first, again, written, embedded = (await answer.json())["requests"]
    assert [first[name] for name in ("dialect", "endpoint", "tools", "session", "cached")] == [
        "responses",
        "responses",
        1,
        "ses_1",
        0,
    ]
    assert again["cached"] == again["usage"]["input_tokens_details"]["cached_tokens"] > 2000
    assert len(again["cache_key"]) == 16
    assert "session's" not in json.dumps([first, again])
    assert (written["dialect"], written["cache_key"]) == ("chat", "")
    assert written["written"] == written["usage"]["prompt_tokens_details"]["cache_write_tokens"] > 2000
    assert (embedded["endpoint"], embedded["complete"]) == ("embeddings", True)


@pytest.mark.parametrize(("endpoint", "body"), BOTH)
async def test_a_scripts_fault_happens_to_the_first_tries(
    served: tuple[str, Provider], http: aiohttp.ClientSession, endpoint: str, body: dict[str, Any]
):
    asked = chat("trouble") if "chat" in endpoint else responses("trouble")
    tries = [await posted(http, f"{served[0]}/v1/{endpoint}", asked) for _ in range(3)]
    assert [status for status, _, _ in tries] == [503, 503, 200]
    assert error_faults("chat", tries[0][1]) == []


@pytest.mark.parametrize(("endpoint", "body"), BOTH)
@pytest.mark.parametrize(("fault", "status", "kind"), [("429:7", 429, "requests"), ("529", 529, "server_error"), ("401", 401, "invalid_request_error")])  # fmt: skip
async def test_a_status_on_demand(
    served: tuple[str, Provider],
    http: aiohttp.ClientSession,
    endpoint: str,
    body: Any,
    fault: str,
    status: int,
    kind: str,
):
    found, told, answer = await posted(http, f"{served[0]}/v1/{endpoint}", body, {"x-demo-fault": fault})
    assert (found, told["error"]["type"]) == (status, kind)
    assert answer.headers.get("retry-after") == ("7" if ":" in fault else None)
    assert served[1].answered[0].usage == {}


@pytest.mark.parametrize(("endpoint", "body"), BOTH)
async def test_pages_resets_and_unknown_faults_on_demand(
    served: tuple[str, Provider], http: aiohttp.ClientSession, endpoint: str, body: Any
):
    url = f"{served[0]}/v1/{endpoint}"
    async with http.post(url, json=body, headers=BEARER | {"x-demo-fault": "html"}) as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")
    with pytest.raises((ConnectionResetError, aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        await http.post(url, json=body, headers=BEARER | {"x-demo-fault": "reset"})
    status, told, _ = await posted(http, url, body, {"x-demo-fault": "flood"})
    assert (status, told["error"]["message"][:13]) == (400, "x-demo-fault:")


@pytest.mark.parametrize(("endpoint", "body"), BOTH)
@pytest.mark.parametrize(("fault", "breaks"), [("cut", True), ("reset-mid", True), ("eof", False)])
async def test_a_stream_ends_in_the_middle_on_demand(
    served: tuple[str, Provider], http: aiohttp.ClientSession, endpoint: str, body: Any, fault: str, breaks: bool
):
    got, broken = await streamed(http, f"{served[0]}/v1/{endpoint}", body, fault)
    assert (broken is not None) == breaks
    assert b"[DONE]" not in got
    assert b"response.completed" not in got
    assert not served[1].answered[0].complete


@pytest.mark.parametrize(("endpoint", "body"), BOTH)
async def test_an_error_in_the_middle_ends_the_stream_in_the_dialects_way(
    served: tuple[str, Provider], http: aiohttp.ClientSession, endpoint: str, body: Any
):
    got, broken = await streamed(http, f"{served[0]}/v1/{endpoint}", body, "error-event:rate_limit_exceeded")
    *before, last = events_of(got)
    dialect = "chat" if "chat" in endpoint else "responses"
    assert broken is None
    assert len(before) > 3
    assert [fault for event in before for fault in event_faults(dialect, event)] == []
    if dialect == "chat":
        assert last["error"]["code"] == "rate_limit_exceeded"
    else:
        assert event_faults(dialect, last) == []
        assert last["sequence_number"] == before[-1]["sequence_number"] + 1
        assert last["response"]["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize(("endpoint", "body"), BOTH)
async def test_a_dripping_or_late_stream_is_the_same_stream(
    served: tuple[str, Provider], http: aiohttp.ClientSession, endpoint: str, body: Any
):
    url = f"{served[0]}/v1/{endpoint}"
    whole = await streamed(http, url, body, "")
    for fault in ("drip:97", "stall:0.01", "slow:0.01"):
        assert await streamed(http, url, body, fault) == whole


async def test_a_relay_that_works_says_so_in_a_comment(http: aiohttp.ClientSession):
    async with serving("openrouter") as (url, _):
        got, _ = await streamed(http, f"{url}/api/v1/chat/completions", chat(stream=True), "")
    assert got.startswith(b": OPENROUTER PROCESSING\n\n")
    assert events_of(got)[-1]["usage"]["cost"] > 0


@pytest.mark.parametrize(("flavour", "header"), [("xai", "x-grok-conv-id"), ("openrouter", "x-session-id")])
async def test_a_header_names_whose_cache_it_is(http: aiohttp.ClientSession, flavour: str, header: str):
    async with serving(flavour) as (url, provider):
        for name, value in ((header, "one"), (header, "one"), (header, "two"), ("x-other", "one")):
            await posted(http, f"{url}/v1/chat/completions", chat("word " * 2000), {name: value})
    assert [line.cached > 2000 for line in provider.answered] == [False, True, False, False]


def test_as_a_process_it_takes_a_flavour(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with simulated_provider(tmp_path, None, "", "--flavour", "deepseek") as url:
        listed = get_json(f"{url}/v1/models", BEARER)
    assert [model["id"] for model in listed["data"]] == ["deepseek-chat", "deepseek-reasoner"]
    with pytest.raises(SystemExit):
        main(["--flavour", "vanilla"])
    assert "vanilla" in capsys.readouterr().err
