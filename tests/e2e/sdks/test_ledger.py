"""What the SDKs were told of their usage is what stands on the ledger, for every dialect in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest

from support.processes import daemon
from support.sdks import HELLO, KEY, MODELS, SYSTEM, Counted, World, counted

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("sdks")]

Asked = Callable[[str, str, list[Any]], Any]
"""(model, what begins the prompt, messages) → the raw response."""


def messages(claude: anthropic.Anthropic) -> Asked:
    def ask(model: str, begins: str, said: list[Any]) -> Any:
        return claude.messages.with_raw_response.create(model=model, max_tokens=500, system=begins, messages=said)

    return ask


def completions(gpt: openai.OpenAI) -> Asked:
    def ask(model: str, begins: str, said: list[Any]) -> Any:
        whole = [{"role": "developer", "content": begins}, *said]
        return gpt.chat.completions.with_raw_response.create(model=model, messages=whole)

    return ask


def responses(gpt: openai.OpenAI) -> Asked:
    def ask(model: str, begins: str, said: list[Any]) -> Any:
        return gpt.responses.with_raw_response.create(model=model, instructions=begins, input=said, store=False)

    return ask


def conversation(ask: Asked, model: str, name: str) -> tuple[str, list[Counted]]:
    """Three turns of one session, the last one refused: the session, and what the SDK was told of the others."""
    said: list[Any] = [{"role": "user", "content": "hi"}]
    sessions, usages = set(), []
    for words in ("And?", "too often"):
        raw = ask(model, f"{name} to {model}. {SYSTEM}", said)
        sessions.add(raw.headers["x-synrouter-session"])
        usages.append(counted(raw.parse().usage.model_dump()))
        said += [{"role": "assistant", "content": HELLO}, {"role": "user", "content": words}]
    with pytest.raises((anthropic.RateLimitError, openai.RateLimitError)):
        ask(model, f"{name} to {model}. {SYSTEM}", said)
    [session] = sessions
    return session, usages


def test_every_pair_is_on_the_ledger_as_its_sdk_was_told(claude, gpt, here: World):
    asks = {"messages": messages(claude), "completions": completions(gpt), "responses": responses(gpt)}
    talks = {(n, m): conversation(ask, m, n) for n, ask in asks.items() for m in MODELS.values()}
    rows = here.sessions({session for session, _ in talks.values()}, turns=3)
    assert len(rows) == 9
    for (_, model), (session, (first, second)) in talks.items():
        row = rows[session]
        assert (row["turns"], row["errors"], row["model"]) == (3, 1, model.rpartition("/")[2])
        assert first.cached == 0 < 3000 < second.cached == row["cache_read_tokens"]
        written = row["cache_write_5m_tokens"] + row["cache_write_1h_tokens"]
        assert row["input_tokens"] + row["cache_read_tokens"] + written == first.input + second.input
        assert row["output_tokens"] == first.output + second.output
        assert (written > 0) == (model == MODELS["anthropic"])
        # what a provider of the user's own takes, nobody knows
        assert (row["cost_usd"] is not None) == (model == MODELS["anthropic"])


@pytest.fixture
def nowhere(tmp_path) -> Iterator[tuple[str, str]]:
    """A proxy that was pointed nowhere else: the names of models alone say where they lead."""
    with daemon(tmp_path / "home", "", key=KEY) as proxy:
        yield proxy.url, proxy.token


def test_an_unknown_model_is_the_sdks_own_exception_with_the_nearest_name(nowhere: tuple[str, str]):
    url, token = nowhere
    said: Any = [{"role": "user", "content": "hi"}]
    with anthropic.Anthropic(api_key=token, base_url=url, max_retries=0) as claude:
        with pytest.raises(anthropic.NotFoundError) as caught:
            claude.messages.create(model="clawde-opus-4-8", max_tokens=9, messages=said)
        assert caught.value.type == "not_found_error"
        assert "claude-opus-4-8" in str(caught.value)
    with openai.OpenAI(api_key=token, base_url=f"{url}/v1", max_retries=0) as gpt:
        for ask in (
            lambda: gpt.chat.completions.create(model="clawde-opus-4-8", messages=said),
            lambda: gpt.responses.create(model="clawde-opus-4-8", input="hi"),
            lambda: gpt.models.retrieve("clawde-opus-4-8"),
        ):
            with pytest.raises(openai.NotFoundError) as missing:
                ask()
            assert missing.value.code == "model_not_found"
