"""What the tests of OpenAI's dialects share: a script, requests, and a client of the real SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import openai
from aiohttp.test_utils import TestServer

from synrouter_cli.demo.api import Provider
from synrouter_cli.demo.openai.flavours import FLAVOURS
from synrouter_cli.demo.openai.upstream import Asked, Sender, Upstream
from synrouter_cli.demo.script import Script

KEY = "sk-demo"
SENDER = Sender("account")

SCRIPT = Script.parse(
    [
        {
            "when": "files",
            "steps": [
                {"think": "Hm, files.", "say": "I look.", "tools": [{"name": "Bash", "input": {"command": "ls -la"}}]},
                {"think": "Two.", "say": "Two files."},
            ],
        },
        {
            "when": "both at once",
            "steps": [
                {
                    "think": "Two calls.",
                    "interleave": True,
                    "tools": [
                        {"name": "Bash", "input": {"command": "cat a_file_with_a_long_name"}},
                        {"name": "Bash", "input": {"command": "cat another_file_with_a_name"}},
                    ],
                },
                {"say": "Both read."},
            ],
        },
        {
            "when": "patch",
            "steps": [
                {
                    "tools": [
                        {"name": "apply_patch", "input": "*** Begin Patch\n*** End Patch"},
                        {"name": "search", "namespace": "web", "input": {"q": "π"}},
                    ]
                },
                {"say": "Patched."},
            ],
        },
        {
            "when": "native",
            "steps": [
                {
                    "tools": [
                        {"name": "local_shell", "input": {"command": ["ls"]}},
                        {"name": "tool_search", "input": {"query": "mail"}},
                    ]
                },
                {"tools": [{"name": "send", "namespace": "mail", "input": {}}]},
            ],
        },
        {"when": "harm", "steps": [{"say": "I will not help with that, whoever asks.", "refuse": True}]},
        {"when": "trouble", "steps": [{"say": "Fine now.", "fault": "503", "times": 2}]},
        {"when": "", "steps": [{"think": "Long.", "say": "A long answer in many small events. " * 20}]},
    ]
)
PARAMETERS = {"type": "object", "properties": {"command": {"type": "string"}}}
CHAT_TOOL: dict[str, Any] = {"type": "function", "function": {"name": "Bash", "parameters": PARAMETERS}}
TOOL: dict[str, Any] = {"type": "function", "name": "Bash", "parameters": PARAMETERS, "strict": False}
CUSTOM: dict[str, Any] = {"type": "custom", "name": "apply_patch"}
NAMESPACE: dict[str, Any] = {
    "type": "namespace",
    "name": "web",
    "description": "The web.",
    "tools": [{"type": "function", "name": "search", "parameters": {"type": "object", "properties": {}}}],
}


def chat(words: str = "hi", **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-5", "messages": [{"role": "user", "content": words}], **fields}


def responses(words: str = "hi", **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-5", "input": [{"role": "user", "content": words}], **fields}


def upstream(flavour: str = "openai", **options: Any) -> Upstream:
    return Upstream(SCRIPT, FLAVOURS[flavour], **options)


def answered(side: Upstream, asked: Asked, now: float = 0.0) -> Any:
    return side.answer(asked, asked.step, now)


@asynccontextmanager
async def serving(
    flavour: str = "openai", clock: Callable[[], float] = lambda: 1e9
) -> AsyncIterator[tuple[str, Provider]]:
    """The process' URL, and its books."""
    provider = Provider(SCRIPT, clock=clock, key=KEY, flavour=flavour)
    server = TestServer(provider.application())
    await server.start_server(shutdown_timeout=0.1)
    try:
        yield str(server.make_url("")).rstrip("/"), provider
    finally:
        await server.close()


def sdk(url: str, path: str = "/v1") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=KEY, base_url=f"{url}{path}", max_retries=0)
