"""The provider is asked why a prompt missed: on request, for a whole session, with our key, and never in observe."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from support.books import Bench
from support.edge import CLIENT_TOKEN, Tokens
from support.memory import Memory
from synrouter_cli.commands.explaining import explanation
from synrouter_cli.credentials import Secret
from synrouter_cli.demo.api import Provider
from synrouter_cli.demo.judge import Refused
from synrouter_cli.demo.script import Script
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.paths import find_paths
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.proxy.app import Services, start
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.settings import Settings
from synrouter_cli.wire.diagnosis import BETA

WORDS = "one two three four five six seven eight nine ten; "
ASKS = replace(Policy.of("safe"), diagnoses=True)
KEY = "sk-ant-api03-ours"


def request(turns: int, *tools: str, **more: Any) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "begin: " + WORDS * 10}]
    for number in range(turns):
        messages += [
            {"role": "assistant", "content": f"answer {number}"},
            {"role": "user", "content": f"question {number}"},
        ]
    offered = [{"name": name, "description": WORDS * 30, "input_schema": {"type": "object"}} for name in tools]
    made = {"model": "claude-sonnet-4-6", "max_tokens": 50, "tools": offered, "system": WORDS * 200}
    return {**made, "messages": messages, **more}


@dataclass
class Line:
    """A request as the provider got it."""

    betas: str
    body: dict[str, Any]


class Way:
    """A client, the real proxy and the simulated provider, over HTTP."""

    def __init__(self, url: str, ledger: Memory, lines: list[Line]) -> None:
        self.url = url
        self.ledger = ledger
        self.lines = lines

    async def ask(self, body: dict[str, Any], **headers: str) -> Turn:
        names = {"x-synrouter-key": CLIENT_TOKEN, "anthropic-version": "2023-06-01", "x-session-id": "s1"}
        names |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.url}/v1/messages", json=body, headers=names) as answer,
        ):
            assert answer.status == 200, await answer.text()
            await answer.read()
        return self.ledger.rows[-1]


class Refuses(Provider):
    """A provider that knows no diagnostics."""

    async def _weighed(self, request: Any, line: Any) -> Any:
        if b'"diagnostics"' in await request.read() or BETA in request.headers.get("anthropic-beta", ""):
            raise Refused("diagnostics: Extra inputs are not permitted")
        return await super()._weighed(request, line)


class Walk:
    """Builds the way; another policy, level or provider makes another one."""

    def __init__(self) -> None:
        self.ledger = Memory()
        self.closing: list[Any] = []

    async def __call__(self, policy: Policy = ASKS, level: str = "safe", provider: Provider | None = None) -> Way:
        provider = provider or Provider(Script())
        lines: list[Line] = []

        @aiohttp.web.middleware
        async def note(asked: Any, handler: Any) -> Any:
            if asked.path == "/v1/messages":
                lines.append(Line(asked.headers.get("anthropic-beta", ""), json.loads(await asked.read())))
            return await handler(asked)

        app = provider.application()
        app.middlewares.append(note)
        server = TestServer(app)
        await server.start_server(shutdown_timeout=0.1)
        upstream = str(server.make_url("")).rstrip("/")
        turns = Turns(level=level, mode="coding", ledger=self.ledger, clock=lambda: 1_790_000_000.0, policy=policy)
        settings = Settings(
            paths=find_paths(), port=0, upstreams={"anthropic": upstream}, provider_keys={"anthropic": Secret(KEY)}
        )
        running = await start(
            settings,
            Services(
                tokens=Tokens(),
                turns=turns,
                ledger=_Ledger(),
                instance="i",
                scope_key=b"s" * 32,
                shutdown=lambda: None,
                started_at=0.0,
            ),
        )
        self.closing += [running.close(0), server.close()]
        return Way(f"http://127.0.0.1:{running.port}", self.ledger, lines)


class _Ledger:
    committed = 0

    def health(self) -> Any:
        return None


@pytest.fixture
async def walk() -> AsyncIterator[Walk]:
    made = Walk()
    yield made
    for closing in made.closing:
        await closing


def provider_said(row: Turn) -> Any:
    return json.loads(row.detail or "{}").get("provider")


@pytest.mark.parametrize("stream", [False, True])
async def test_the_provider_is_asked_and_what_it_says_stands_in_the_row(walk: Walk, stream: bool) -> None:
    way = await walk()
    rows = [await way.ask(request(turn, "Bash", stream=stream), anthropic_beta="b-1") for turn in range(2)]
    rows.append(await way.ask(request(2, "Bash", "Read", stream=stream), anthropic_beta="b-1"))
    assert [line.betas for line in way.lines] == [f"b-1,{BETA}"] * 3
    ids = [line.body["diagnostics"]["previous_message_id"] for line in way.lines]
    assert ids[0] is None and ids[1].startswith("msg_") and ids[2].startswith("msg_") and ids[1] != ids[2]
    assert [provider_said(row) is not None for row in rows] == [False, False, True]
    said = provider_said(rows[2])
    assert said["reason"] == "tools_changed" and said["missed_tokens"] > 1000
    assert rows[2].verdict == "tools" and "says that the tools changed" in " ".join(explanation(rows[2]))
    assert all(row.usage is not None and row.usage_quality == "exact" for row in rows)


async def test_a_client_without_betas_gets_one(walk: Walk) -> None:
    way = await walk()
    await way.ask(request(0, "Bash"))
    assert [line.betas for line in way.lines] == [BETA]


async def test_a_client_that_asks_by_itself_is_left_to_it(walk: Walk) -> None:
    way = await walk()
    own = {"previous_message_id": None}
    await way.ask(request(0, "Bash", diagnostics=own), anthropic_beta=BETA)
    assert [(line.betas, line.body["diagnostics"]) for line in way.lines] == [(BETA, own)]


@pytest.mark.parametrize(
    ("policy", "level", "headers"),
    [
        (Policy.of("safe"), "safe", {}),
        (replace(Policy.of("observe"), diagnoses=True), "observe", {}),
        (ASKS, "observe", {}),
        (ASKS, "safe", {"authorization": "Bearer the-clients-own"}),
        (ASKS, "safe", {"x_api_key": "sk-the-clients-own"}),
    ],
    ids=["off", "observe", "observed", "login", "key"],
)
async def test_where_it_is_not_to_be_asked_nothing_of_it_is_sent(
    walk: Walk, policy: Policy, level: str, headers: dict[str, str]
) -> None:
    way = await walk(policy, level)
    for turn in range(2):
        await way.ask(request(turn, "Bash"), **headers)
    assert all(line.betas == "" and "diagnostics" not in line.body for line in way.lines) and len(way.lines) == 2


async def test_a_provider_that_refuses_is_asked_no_more_in_that_session(walk: Walk) -> None:
    way = await walk(provider=Refuses(Script()))
    rows = [await way.ask(request(turn, "Bash")) for turn in range(3)]
    asked = [(bool(line.betas), "diagnostics" in line.body) for line in way.lines]
    assert asked == [(True, True), (False, False), (False, False), (False, False)]
    assert [row.status for row in rows] == ["ok"] * 3 and rows[0].attempts == 2
    assert [row.verdict for row in rows] == ["first", "hit", "hit"]
    assert all(row.predicted_read_tokens and not row.missed_pusd for row in rows[1:])
    assert "cache_control" in json.dumps(way.lines[1].body), "our markers stay"


async def test_a_session_goes_on_asking_after_a_restart_and_names_the_last_answer(walk: Walk) -> None:
    first = await walk()
    await first.ask(request(0, "Bash"))
    second = await walk(Policy.of("safe"))
    row = await second.ask(request(1, "Bash"))
    [line] = second.lines
    assert line.betas == BETA and line.body["diagnostics"]["previous_message_id"].startswith("msg_")
    assert provider_said(row) == {"reason": "previous_message_not_found"}, "another provider process"


async def test_a_session_that_began_without_goes_on_without(walk: Walk) -> None:
    first = await walk(Policy.of("safe"))
    await first.ask(request(0, "Bash"))
    second = await walk()
    await second.ask(request(1, "Bash"))
    assert [(line.betas, "diagnostics" in line.body) for line in second.lines] == [("", False)]
    await second.ask(request(0, "Bash", messages=[{"role": "user", "content": "another"}]), x_session_id="s2")
    assert second.lines[-1].betas == BETA, "a new session does"


def test_markers_are_planned_as_without_the_question() -> None:
    asks, plain = Bench(policy=ASKS), Bench()
    rows = [[bench.ask(request(turn, "Bash")) for turn in range(3)] for bench in (asks, plain)]
    assert [row.plan for row in rows[0]] == [row.plan for row in rows[1]]
    for with_it, without in zip(asks.sent, plain.sent, strict=True):
        body = json.loads(with_it)
        assert body.pop("diagnostics") and body == json.loads(without)
