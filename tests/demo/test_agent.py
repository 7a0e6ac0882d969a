"""The scripted agent against the simulated provider itself: it marks, works, sends a subagent, repeats, gives up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from synrouter_cli.demo.agent import Agent, Line, Refused, heard, marked, play
from synrouter_cli.demo.answer import Answer
from synrouter_cli.demo.api import Answered, Provider
from synrouter_cli.demo.clock import FastClock
from synrouter_cli.demo.script import Step, ToolCall
from synrouter_cli.demo.story import PEOPLE, SCRIPT, STORY_S, Person, Said
from synrouter_cli.wire.sse import EventStream

QUICK = 10_000.0


@asynccontextmanager
async def reached(application: web.Application) -> AsyncIterator[Line]:
    async with TestServer(application) as server, ClientSession() as http:
        yield Line(http, str(server.make_url("")).rstrip("/"), "sk-any", FastClock(speed=QUICK, story_s=STORY_S))


def recording(bodies: list[dict[str, Any]], status: int = 200) -> web.Application:
    """An API that keeps what it is asked and says the same to all."""

    async def answer(request: web.Request) -> web.Response:
        bodies.append({**await request.json(), "headers": dict(request.headers)})
        if status != 200:
            return web.json_response({"error": {"type": "x"}}, status=status)
        said = Answer.of(Step(say="Done."), ident="00", model="m", prompt_usage={"input_tokens": 3})
        events = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in said.events())
        return web.Response(text=events, content_type="text/event-stream")

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/v1/messages", answer)
    return app


def marks(body: dict[str, Any]) -> list[str]:
    """Where the markers of a request stand."""
    found = [f"system.{i}" for i, block in enumerate(body["system"]) if "cache_control" in block]
    found += [f"tools.{i}" for i, tool in enumerate(body["tools"]) if "cache_control" in tool]
    for number, message in enumerate(body["messages"]):
        found += [f"messages.{number}.{i}" for i, b in enumerate(message["content"]) if "cache_control" in b]
    return found


async def asked_by(how: str) -> list[dict[str, Any]]:
    bodies: list[dict[str, Any]] = []
    person = Person("aider", how, "claude-opus-4-8", (Said("One.", 0), Said("Two.", 0)))
    async with reached(recording(bodies)) as line:
        assert await Agent(person, line, "s").work() == "Done."
    return bodies


async def test_one_that_marks_well_marks_the_system_prompt_and_the_last_block():
    assert [marks(body) for body in await asked_by("well")] == [
        ["system.0", "messages.0.0"],
        ["system.0", "messages.2.0"],
    ]


async def test_one_with_a_single_marker_marks_what_was_typed_last():
    assert [marks(body) for body in await asked_by("one")] == [["messages.0.0"], ["messages.2.0"]]


async def test_one_that_marks_nothing_marks_nothing():
    assert [marks(body) for body in await asked_by("none")] == [[], []]


async def test_a_marker_is_never_left_behind_in_the_conversation():
    message = {"role": "user", "content": [{"type": "text", "text": "Hi."}]}
    assert marked(message)["content"][0]["cache_control"]
    assert "cache_control" not in message["content"][0]


async def test_what_is_not_worth_repeating_is_given_up_at_once():
    bodies: list[dict[str, Any]] = []
    async with reached(recording(bodies, status=400)) as line:
        with pytest.raises(Refused, match="400"):
            await Agent(PEOPLE[1], line, "s").work()
    assert len(bodies) == 1


async def test_an_overloaded_api_is_asked_three_times():
    bodies: list[dict[str, Any]] = []
    async with reached(recording(bodies, status=529)) as line:
        with pytest.raises(Refused, match="529"):
            await Agent(PEOPLE[1], line, "s").work()
    assert len(bodies) == 3


async def test_the_whole_story_is_told_and_nothing_is_refused_but_what_the_script_breaks():
    provider = Provider(SCRIPT)
    async with reached(provider.application()) as line:
        await play(line.url, line.token, line.clock)
    answered: list[Answered] = list(provider.answered)
    assert Counter(one.status for one in answered) == {200: len(answered) - 1, 529: 1}
    assert all(one.complete for one in answered if one.status == 200)
    steps = sum(len(rule.steps) for rule in SCRIPT.rules)
    assert len(answered) == steps + 1
    main, agents = {one.session for one in answered}, {one.agent for one in answered} - {""}
    assert len(main) == len(PEOPLE) and agents == {"agent-1"}


def test_what_a_stream_says_is_heard_to_the_letter():
    call = ToolCall("Bash", {"command": "ls 'ä' \"b\"", "n": 2})
    step = Step(say="A long answer in pieces, with ümlauts. " * 5, tools=(call, ToolCall("Read", {})))
    answer = Answer.of(step, ident="ab" * 16, model="m", prompt_usage={"input_tokens": 3})
    stream = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in answer.events())
    assert heard(EventStream().feed(stream.encode())) == list(answer.content)


def test_an_error_in_the_middle_of_a_stream_is_one():
    event = b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"}}\n\n'
    with pytest.raises(Refused, match="overloaded_error"):
        heard(EventStream().feed(event))
