"""A scripted coding agent: asks, runs the tools it is asked for, comes back, sends a subagent, repeats what failed.

What it says and does stands in `story.py`; the model's part comes over the wire like any other.

>>> marked({"role": "user", "content": [{"type": "text", "text": "Hi."}]})["content"][-1]["cache_control"]
{'type': 'ephemeral'}
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TCPConnector

from synrouter_cli.demo.clock import FastClock
from synrouter_cli.demo.props import TOOL_SECONDS, system_prompt, tool_result, tool_schemas
from synrouter_cli.demo.script import ToolCall
from synrouter_cli.demo.story import PEOPLE, SUBAGENT, Person
from synrouter_cli.wire.sse import Event, EventStream

__all__ = ["Agent", "Line", "Refused", "heard", "marked", "play"]

Message = dict[str, Any]

_MARK = {"type": "ephemeral"}
_RETRIES = 3
_RETRY_SECONDS = 5.0
_WORTH_REPEATING = frozenset({429, 500, 502, 503, 529})
_MAX_TOKENS = 8_000
_TOTAL_S = 60.0


class Refused(Exception):
    """The agent gave up on a request: its status, and what the answer said."""


@dataclass(frozen=True, slots=True)
class Line:
    """How to reach the proxy."""

    http: ClientSession
    url: str
    token: str
    clock: FastClock


class Agent:
    """One session of a person's. A subagent has the session of the agent that sent it, and a name of its own."""

    def __init__(self, person: Person, line: Line, session: str, name: str = "") -> None:
        self._person = person
        self._line = line
        self._session = session
        self._name = name
        self._messages: list[Message] = []
        self._sent = 0

    async def work(self) -> str:
        """Everything the person says, one after the other; the last answer's text. Raises Refused, OSError."""
        said = ""
        for prompt in self._person.says:
            await self._line.clock.sleep(prompt.after_s)
            self._messages.append({"role": "user", "content": [_text(prompt.text)]})
            said = await self._until_done()
        return said

    async def _until_done(self) -> str:
        while True:
            content = await self._ask()
            self._messages.append({"role": "assistant", "content": content})
            calls = [block for block in content if block["type"] == "tool_use"]
            if not calls:
                return "".join(block["text"] for block in content if block["type"] == "text")
            results = [await self._run(call) for call in calls]
            self._messages.append({"role": "user", "content": results})

    async def _run(self, call: Mapping[str, Any]) -> dict[str, Any]:
        wanted = ToolCall(call["name"], call["input"])
        await self._line.clock.sleep(TOOL_SECONDS[wanted.name])
        said = await self._send_somebody() if wanted.name == "Agent" else tool_result(wanted)
        return {"type": "tool_result", "tool_use_id": call["id"], "content": said}

    async def _send_somebody(self) -> str:
        self._sent += 1
        return await Agent(SUBAGENT, self._line, self._session, f"agent-{self._sent}").work()

    async def _ask(self) -> list[dict[str, Any]]:
        """One answer; what is worth repeating is asked again."""
        body = json.dumps(self._body()).encode()
        for attempt in range(1, _RETRIES + 1):
            async with self._line.http.post(self._address, data=body, headers=self._headers) as response:
                if response.status == 200:
                    return heard(EventStream().feed(await response.read()))
                said = (await response.text())[:200]
                if response.status not in _WORTH_REPEATING or attempt == _RETRIES:
                    raise Refused(f"{response.status}: {said}")
            await self._line.clock.sleep(_RETRY_SECONDS * attempt)
        raise AssertionError("the loop returns or raises")

    @property
    def _address(self) -> str:
        return f"{self._line.url}/v1/messages"

    @property
    def _headers(self) -> dict[str, str]:
        person = self._person
        headers = {
            "content-type": "application/json",
            "anthropic-version": "2023-06-01",
            "x-api-key": self._line.token,
        }
        if person.client != "claude-code":
            return headers | {"x-synrouter-client": person.client, "x-session-id": self._session}
        if self._name:
            headers["x-claude-code-agent-id"] = self._name
        return headers | {"x-claude-code-session-id": self._session}

    def _body(self) -> dict[str, Any]:
        """The whole conversation, with the markers that this client sets."""
        person = self._person
        system, messages = [_text(system_prompt(person.client + self._name))], list(self._messages)
        if person.marks == "well":
            system[-1]["cache_control"] = _MARK
            messages[-1] = marked(messages[-1])
        elif person.marks == "one":
            typed = max(i for i, message in enumerate(messages) if _is_typed(message))
            messages[typed] = marked(messages[typed])
        return {
            "model": person.model,
            "max_tokens": _MAX_TOKENS,
            "stream": True,
            "system": system,
            "tools": tool_schemas(person.client),
            "messages": messages,
        }


async def play(url: str, token: str, clock: FastClock) -> None:
    """Let all of them work at the same time, until the last is done. Raises ExceptionGroup of Refused or OSError."""
    connector, timeout = TCPConnector(limit=0), ClientTimeout(total=_TOTAL_S)
    async with ClientSession(connector=connector, timeout=timeout) as http, asyncio.TaskGroup() as group:
        line = Line(http, url, token, clock)
        for number, person in enumerate(PEOPLE):
            group.create_task(Agent(person, line, f"demo-{number + 1}-{int(clock())}").work())


def marked(message: Mapping[str, Any]) -> Message:
    """The message with a cache marker on its last block."""
    *before, last = message["content"]
    return {**message, "content": [*before, {**last, "cache_control": _MARK}]}


def heard(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The content of a streamed answer, ready to be sent back (platform.claude.com, "Streaming")."""
    content: list[dict[str, Any]] = []
    inputs: dict[int, str] = {}
    for event in events:
        data = json.loads(event.data)
        if data["type"] == "error":
            raise Refused(f"in the stream: {data['error']['type']}")
        if data["type"] == "content_block_start":
            content.append(dict(data["content_block"]))
        elif data["type"] == "content_block_delta":
            _add(content[data["index"]], data["delta"], inputs, data["index"])
    for index, text in inputs.items():
        content[index]["input"] = json.loads(text)
    return content


def _add(block: dict[str, Any], delta: Mapping[str, Any], inputs: dict[int, str], index: int) -> None:
    if delta["type"] == "text_delta":
        block["text"] += delta["text"]
    elif delta["type"] == "input_json_delta":
        inputs[index] = inputs.get(index, "") + delta["partial_json"]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _is_typed(message: Mapping[str, Any]) -> bool:
    return bool(message["role"] == "user" and message["content"][-1]["type"] == "text")
