"""OpenAI's web search as Anthropic's, which is live and billed: only where the client asks for a live one."""

from __future__ import annotations

import json

import pytest

from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import Message, Request, Text, Tool


@pytest.mark.parametrize(("config", "live"), [({}, True), ({"external_web_access": False}, False)])
def test_a_search_of_a_cache_is_none_of_the_live_web(config, live):
    search = Tool("builtin", "web_search", config={"type": "web_search", **config}, dialect="responses")
    request = Request("claude-opus-4-8", messages=(Message("user", (Text("hi"),)),), tools=(search,), max_tokens=9)
    body, losses = CODECS["anthropic"].encode_request(request)
    assert [tool["name"] for tool in json.loads(body).get("tools", [])] == (["web_search"] if live else [])
    assert [loss.code for loss in losses] == ([] if live else ["builtin_tool"])
