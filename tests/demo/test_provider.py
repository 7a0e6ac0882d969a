"""The simulated API over HTTP: as its SDK sees it, and on its bad days."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import pytest
from aiohttp.test_utils import TestServer

from support.processes import get_json, simulated_provider
from synrouter_cli.demo.api import Provider
from synrouter_cli.demo.provider import main
from synrouter_cli.demo.script import Script

SCRIPT = Script.parse(
    [
        {
            "when": "files",
            "steps": [
                {"think": "Hm.", "say": "I look.", "tools": [{"name": "Bash", "input": {"command": "ls"}}]},
                {"say": "Two files."},
            ],
        },
        {"when": "trouble", "steps": [{"say": "Fine now.", "fault": "529", "times": 2}]},
        {"when": "", "steps": [{"say": "A long answer in many small events. " * 20}]},
    ]
)
KEY = "sk-ant-demo"
HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "x-session-id": "ses_1"}
ASK: dict[str, Any] = {
    "model": "claude-opus-4-8",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": "hi"}],
}
TOOL = {"name": "Bash", "description": "Runs a command.", "input_schema": {"type": "object"}}


@pytest.fixture
def provider() -> Provider:
    return Provider(SCRIPT, key=KEY)


@pytest.fixture
async def url(provider: Provider) -> AsyncIterator[str]:
    server = TestServer(provider.application())
    await server.start_server(shutdown_timeout=0.1)
    yield str(server.make_url("")).rstrip("/")
    await server.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers=HEADERS, timeout=aiohttp.ClientTimeout(10)) as session:
        yield session


async def asked(url: str, headers: dict[str, str]) -> tuple[aiohttp.ClientResponse, Any]:
    async with aiohttp.ClientSession(headers=headers) as http:
        answer = await http.post(f"{url}/v1/messages", json=ASK)
        return answer, await answer.json()


def prompt(words: str, **fields: Any) -> dict[str, Any]:
    return {**ASK, "messages": [{"role": "user", "content": words}], **fields}


async def test_the_sdk_streams_a_tool_loop_to_its_end(url: str, provider: Provider):
    messages: list[Any] = [{"role": "user", "content": "which files?"}]
    async with anthropic.AsyncAnthropic(api_key=KEY, base_url=url, max_retries=0) as client:
        asking = {"model": "claude-opus-4-8", "max_tokens": 1000, "messages": messages, "tools": [TOOL]}
        async with client.messages.stream(**asking, thinking={"type": "adaptive"}) as stream:
            first = await stream.get_final_message()
        assert [block.type for block in first.content] == ["thinking", "text", "tool_use"]
        call = first.content[-1]
        messages += [
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "a b"}]},
        ]
        last = await client.messages.create(**asking)
        counted = await client.messages.count_tokens(**{name: asking[name] for name in ("model", "messages", "tools")})
        models = [model.id async for model in client.models.list()]
    assert (call.input, first.stop_reason) == ({"command": "ls"}, "tool_use")
    assert (last.content[0].text, last.stop_reason) == ("Two files.", "end_turn")
    assert counted.input_tokens == last.usage.input_tokens > first.usage.input_tokens
    assert "claude-opus-4-8" in models
    assert provider.answered[0].usage["output_tokens"] == first.usage.output_tokens


async def test_the_books_name_session_status_and_usage_of_each_request(url: str, http: aiohttp.ClientSession):
    async with http.post(f"{url}/v1/messages?beta=true", json=ASK) as answer:
        usage = (await answer.json())["usage"]
    async with http.post(f"{url}/v1/messages", data=b"{") as answer:
        assert answer.status == 400
    async with http.get(f"{url}/__usage") as answer:
        good, bad = (await answer.json())["requests"]
    assert (good["session"], good["status"], good["complete"], good["usage"]) == ("ses_1", 200, True, usage)
    assert (bad["status"], bad["complete"], bad["usage"]) == (400, False, {})


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"x-api-key": "sk-ant-other"}, 401, "invalid x-api-key"),
        ({"x-api-key": ""}, 401, "x-api-key header is required"),
        ({"anthropic-version": None}, 400, "anthropic-version: header is required"),
        ({"x-demo-fault": "flood"}, 400, "x-demo-fault: no fault 'flood'"),
    ],
)
async def test_headers_are_checked(url: str, headers: dict[str, str | None], status: int, words: str):
    sent = {name: value for name, value in {**HEADERS, **headers}.items() if value is not None}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/v1/messages", json=ASK, headers=sent) as answer,
    ):
        assert answer.status == status
        assert (await answer.json())["error"]["message"].startswith(words)


async def test_a_bearer_is_a_key_too(url: str):
    headers = {"authorization": f"Bearer {KEY}", "anthropic-version": "2023-06-01"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{url}/v1/messages", json=ASK) as answer,
    ):
        assert answer.status == 200


async def test_an_unknown_path_is_a_404_in_the_apis_shape(url: str, http: aiohttp.ClientSession):
    async with http.get(f"{url}/v1/complete") as answer:
        assert answer.status == 404
        assert (await answer.json())["error"]["type"] == "not_found_error"


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("429:7", 429, "rate_limit_error"),
        ("529", 529, "overloaded_error"),
        ("500", 500, "api_error"),
        ("401", 401, "authentication_error"),
    ],
)
async def test_a_status_on_demand(url: str, http: aiohttp.ClientSession, fault: str, status: int, kind: str):
    async with http.post(f"{url}/v1/messages", json=ASK, headers={"x-demo-fault": fault}) as answer:
        assert (answer.status, (await answer.json())["error"]["type"]) == (status, kind)
        assert answer.headers.get("retry-after") == ("7" if fault == "429:7" else None)


async def test_a_gateways_page_on_demand(url: str, http: aiohttp.ClientSession):
    async with http.post(f"{url}/v1/messages", json=ASK, headers={"x-demo-fault": "html"}) as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")


async def test_a_reset_on_demand(url: str, http: aiohttp.ClientSession):
    with pytest.raises((ConnectionResetError, aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        await http.post(f"{url}/v1/messages", json=ASK, headers={"x-demo-fault": "reset"})


async def streamed(http: aiohttp.ClientSession, url: str, fault: str) -> tuple[bytes, list[float], Exception | None]:
    """What came, when it came, and how it broke off."""
    got, times, broken = b"", [], None
    body = prompt("hi", stream=True)
    loop = asyncio.get_running_loop()
    async with http.post(f"{url}/v1/messages", json=body, headers={"x-demo-fault": fault}) as answer:
        try:
            async for piece in answer.content.iter_any():
                got += piece
                times.append(loop.time())
        except (aiohttp.ClientError, ConnectionError) as error:
            broken = error
    return got, times, broken


@pytest.mark.parametrize(("fault", "breaks"), [("cut", True), ("reset-mid", True), ("eof", False)])
async def test_a_stream_ends_in_the_middle_on_demand(
    url: str, http: aiohttp.ClientSession, provider: Provider, fault: str, breaks: bool
):
    got, _, broken = await streamed(http, url, fault)
    assert (broken is not None) == breaks
    assert b"message_stop" not in got
    assert not provider.answered[0].complete
    if fault != "reset-mid":  # a reset throws away what was on its way
        assert got.startswith(b"event: message_start\n")


async def test_an_error_event_on_demand(url: str, http: aiohttp.ClientSession):
    got, _, broken = await streamed(http, url, "error-event:api_error")
    assert broken is None
    name, data = got.rstrip().split(b"\n\n")[-1].split(b"\n")
    assert name == b"event: error"
    assert json.loads(data.removeprefix(b"data: "))["error"]["type"] == "api_error"


async def test_a_stall_on_demand_and_then_the_rest(url: str, http: aiohttp.ClientSession):
    got, times, _ = await streamed(http, url, "stall:0.4")
    assert max(b - a for a, b in pairwise(times)) >= 0.3
    assert got.rstrip().endswith(b'{"type": "message_stop"}')


async def test_a_dripping_stream_is_the_same_stream_in_small_pieces(url: str, http: aiohttp.ClientSession):
    whole, _, _ = await streamed(http, url, "")
    asking = http.post(f"{url}/v1/messages", json=prompt("hi", stream=True), headers={"x-demo-fault": "drip:3"})
    async with asking as answer:
        pieces = [piece async for piece, _ in answer.content.iter_chunks()]
    assert b"".join(pieces) == whole
    assert max(map(len, pieces)) <= 3


async def test_a_scripts_fault_happens_to_the_first_tries_of_a_prompt(url: str, http: aiohttp.ClientSession):
    statuses = []
    for _ in range(3):
        async with http.post(f"{url}/v1/messages", json=prompt("trouble")) as answer:
            statuses.append(answer.status)
    assert statuses == [529, 529, 200]


def test_as_a_process_it_says_where_it_is_first(tmp_path: Path):
    with simulated_provider(tmp_path) as address:
        assert get_json(f"{address}/__usage") == {"requests": []}


def test_a_broken_script_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "steps.json"
    file.write_text("{")
    assert main(["--script", str(file)]) == 2
    assert str(file) in capsys.readouterr().err
