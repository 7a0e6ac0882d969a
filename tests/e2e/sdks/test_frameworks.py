"""LangChain's and LlamaIndex's classes for Anthropic and OpenAI, each in an environment of its own, against providers of
every dialect."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support import framework_runs
from support.sdks import ADA, ALIASES, BERGAMO, HELLO, MODELS, PNG, RAIN, SYSTEM, THINKERS, THOUGHT, ZURICH, World
from support.toolchain import pip_python

pytestmark = [pytest.mark.slow_client, pytest.mark.xdist_group("sdks")]

RUN_SECONDS = 300
LANGCHAIN = {"langchain-core": "1.8.3", "langchain-anthropic": "1.7.10", "langchain-openai": "1.7.4", "openai": "2.54.0", "anthropic": "2.14.0"}  # fmt: skip
LLAMA_INDEX = {"llama-index-core": "0.14.25", "llama-index-llms-anthropic": "0.12.3", "llama-index-llms-openai": "0.8.3", "openai": "2.54.0", "anthropic": "0.125.0"}  # fmt: skip
"""It does not run with the `anthropic` SDK from 1.0 on, though it says so."""
PAIRS = [f"{client} to {dialect}" for client in MODELS for dialect in MODELS]
pairs = pytest.mark.parametrize("pair", PAIRS)

Told = Mapping[str, Any]


def run(python: Path, here: World, **job: Any) -> Told:
    """What each step of each pair came to."""
    whole = {"url": here.proxy.url, "token": here.token, "png": PNG, "system": SYSTEM, **job}
    ran = subprocess.run(
        [str(python), framework_runs.__file__],
        input=json.dumps(whole),
        env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", "HTTPS_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    told: Told = json.loads(ran.stdout)
    return told


def of(pair: str) -> tuple[str, str]:
    client, _, dialect = pair.partition(" to ")
    return client, dialect


@pytest.fixture(scope="module")
def langchain(here: World) -> Told:
    python = pip_python(LANGCHAIN, before_python=15)
    thinkers = {pair: THINKERS[of(pair)[1]] for pair in PAIRS}
    models = {pair: (of(pair)[0], MODELS[of(pair)[1]]) for pair in PAIRS}
    return run(python, here, framework="langchain", pairs=models, thinkers=thinkers)


@pytest.fixture(scope="module")
def llama_index(here: World) -> Told:
    """It takes names only that it knows, so that others stand for them in the user's aliases."""

    def name(client: str, dialect: str) -> str:
        begins = "claude" if client == "anthropic" else "gpt"
        known = {alias: MODELS[dialect] for alias, model in ALIASES.items() if model == MODELS[dialect]}
        return next((alias for alias in known if alias.startswith(begins)), MODELS[dialect])

    python = pip_python(LLAMA_INDEX, before_python=15)
    models = {pair: (of(pair)[0], name(*of(pair))) for pair in PAIRS}
    return run(python, here, framework="llama_index", pairs=models)


CALLS = {"name": "get_weather", "input": ZURICH}, {"name": "get_weather", "input": BERGAMO}
ENDS = {
    "anthropic": {"end_turn", "tool_use"},
    "chat": {"stop", "tool_calls"},
    "responses": {"completed"},
}
"""What LangChain calls the end of an answer, and of one that calls a tool."""


@pairs
@pytest.mark.parametrize("step", ["plain", "stream"])
def test_langchain_gets_text_usage_and_the_asked_models_name(langchain: Told, pair: str, step: str):
    client, dialect = of(pair)
    told = langchain[pair][step]
    assert told["text"] == HELLO, told
    assert told["model"] == MODELS[dialect]
    assert told["ended"] in ENDS[client]
    assert told["input"] > 0 < told["output"]


@pairs
@pytest.mark.parametrize("step", ["tool", "tool streamed", "both"])
def test_langchain_calls_tools_and_goes_on(langchain: Told, pair: str, step: str):
    told = langchain[pair][step]
    wanted = list(CALLS if step == "both" else CALLS[:1])
    assert told["first"]["calls"] == wanted, told
    assert told["first"]["invalid"] == 0
    assert told["first"]["ended"] in ENDS[of(pair)[0]]
    assert told["second"]["text"] == ("Rain in both." if step == "both" else RAIN)
    assert told["third"]["text"] == "Sun."


@pairs
@pytest.mark.parametrize("step", ["thinking", "thinking streamed"])
def test_langchain_shows_what_was_thought_and_gives_it_back(langchain: Told, pair: str, step: str):
    told = langchain[pair][step]
    if pair == "chat to chat":
        # as with DeepSeek itself: this class does not keep `reasoning_content`, which it wants back
        assert told["error"] == "OpenAIInvalidRequestError"
        assert "reasoning_content" in told["says"]
        return
    assert (told["second"]["text"], told["third"]["text"]) == (RAIN, "Sun."), told
    if of(pair)[0] != "chat":
        assert told["first"]["thought"] == told["third"]["thought"] == THOUGHT


@pairs
def test_langchain_parses_an_answer_into_a_class(langchain: Told, pair: str):
    assert langchain[pair]["structured"] == ADA
    assert langchain[pair]["structured by a tool"] == ADA


@pairs
def test_langchain_shows_images_and_reads_from_the_cache(langchain: Told, pair: str):
    told = langchain[pair]
    assert told["image"]["text"] == HELLO
    assert told["image"]["input"] > told["plain"]["input"]
    first, second = told["cached"]
    assert first["cached"] == 0 < 3000 < second["cached"] < second["input"]


@pairs
def test_langchain_raises_its_own_exceptions(langchain: Told, pair: str):
    named = "Anthropic" if of(pair)[0] == "anthropic" else "OpenAI"
    assert langchain[pair]["busy"]["error"] == f"{named}RateLimitError"
    assert langchain[pair]["wrong"]["error"] == f"{named}InvalidRequestError"


def test_langchain_counts_tokens_and_embeds(langchain: Told):
    assert all(langchain[f"anthropic to {dialect}"]["count"] > 0 for dialect in MODELS)
    assert langchain["chat to chat"]["embeddings"] is True


@pairs
def test_llama_index_chats_completes_and_streams(llama_index: Told, pair: str):
    told = llama_index[pair]
    assert [told[step] for step in ("plain", "complete", "stream", "system", "image")] == [HELLO] * 5


@pairs
@pytest.mark.parametrize("step", ["tool", "tool streamed", "both"])
def test_llama_index_calls_tools_and_goes_on(llama_index: Told, pair: str, step: str):
    wanted = list(CALLS if step == "both" else CALLS[:1])
    assert llama_index[pair][step] == {"calls": wanted, "text": "Rain in both." if step == "both" else RAIN}


@pairs
def test_llama_index_parses_and_raises(llama_index: Told, pair: str):
    assert llama_index[pair]["structured"] == ADA
    assert llama_index[pair]["busy"]["error"] == "RateLimitError"
