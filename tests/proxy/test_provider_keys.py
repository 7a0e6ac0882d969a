"""A key that comes later than the request: waited for, or told of in the client's dialect."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from support.edge import CLIENT_TOKEN, CONTROL_TOKEN, running_edge
from synrouter_cli.credentials import Secret
from synrouter_cli.errors import KeyringLocked

KEY = "sk-ant-api03-canary-that-came-later"


class Later:
    """Keys that are known once somebody waited for them, unless the keyring is `locked`."""

    keyring = "Secret Service"
    problem = ""

    def __init__(self, *, locked: bool = False) -> None:
        self.known: Mapping[str, Secret] = {}
        self.sources: Mapping[str, str] = {}
        self.locked = locked
        self.waited: list[str] = []

    async def settle(self, provider: str) -> None:
        self.waited.append(provider)
        await asyncio.sleep(0)
        if self.locked:
            raise KeyringLocked(backend="", detail="", provider=provider)
        await self.reload()

    async def reload(self) -> None:
        self.known = {"anthropic": Secret(KEY)}
        self.sources = {"anthropic": "the keyring (Secret Service)"}


@pytest.mark.parametrize(("method", "target"), [("POST", "/v1/messages"), ("GET", "/v1/models")])
async def test_a_request_goes_out_with_a_key_that_came_while_it_waited(method: str, target: str) -> None:
    keys = Later()
    async with running_edge(services={"keys": keys}, provider_keys={}) as edge:
        for _ in range(2):
            assert (await edge.ask(method, target, b"{}" if method == "POST" else b"")).status == 200
        assert [received.all("x-api-key") for received in edge.upstream.received] == [[KEY], [KEY]]
    assert keys.waited == ["anthropic"], "once it is there nobody waits"


async def test_a_locked_keyring_is_a_503_that_clients_do_not_repeat_and_says_what_to_type() -> None:
    async with running_edge(services={"keys": Later(locked=True)}, provider_keys={}) as edge:
        answer = await edge.ask()
        assert answer.status == 503
        assert answer.all("x-should-retry") == ["false"]
        assert answer.error["type"] == "api_error"
        assert "synrouter keys test anthropic" in answer.error["message"]
        assert edge.upstream.received == []


async def test_a_client_that_keeps_its_own_credential_does_not_wait_for_ours() -> None:
    keys = Later(locked=True)
    async with running_edge(
        services={"keys": keys}, provider_keys={}, upstreams={"anthropic": "http://127.0.0.1:9"}
    ) as edge:
        headers = {"x-synrouter-key": CLIENT_TOKEN, "x-api-key": "sk-ant-api03-of-the-client"}
        assert (await edge.ask("POST", "/v1/messages", b"{}", headers, token=None)).status == 502
    assert keys.waited == []


async def test_no_key_anywhere_is_a_403_with_the_command_that_keeps_one() -> None:
    async with running_edge(provider_keys={}) as edge:
        answer = await edge.ask()
    assert answer.status == 403
    assert answer.error["message"].startswith("Synrouter has no key for anthropic. Next: synrouter keys set anthropic ")


async def test_reload_keys_is_for_our_own_commands_and_says_sources_not_keys() -> None:
    keys = Later(locked=True)
    async with running_edge(services={"keys": keys}, provider_keys={}) as edge:
        refused = await edge.ask("POST", "/_synrouter/reload-keys", b"")
        assert refused.status in (401, 403) and keys.known == {}
        headers = {"Authorization": f"Bearer {CONTROL_TOKEN}"}
        answer = await edge.ask("POST", "/_synrouter/reload-keys", b"", headers, token=None)
        sources = {"anthropic": "the keyring (Secret Service)"}
        assert answer.json() == {"keys": sources, "keyring": "Secret Service", "problem": ""}
        assert (await edge.ask()).status == 200
