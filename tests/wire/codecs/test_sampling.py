"""What a model that reasons takes of a request's sampling, for clients that can't know."""

from __future__ import annotations

import json

import pytest

from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.codecs.sampling import sampled
from synrouter_cli.wire.ir import Reasoning, Request


@pytest.mark.parametrize(
    ("model", "reasons"),
    [
        *((model, True) for model in ("gpt-5", "gpt-5.5", "openai/gpt-5.4-mini", "gpt-6-sol", "o3", "o4-mini", "o1-pro")),
        *((model, False) for model in ("gpt-4.1", "gpt-4o", "gpt-oss-20b", "gpt-5-chat-latest", "gemini-3-pro", "o2x", "claude-opus-5")),
    ],
)  # fmt: skip
def test_only_models_that_reason_have_their_sampling_fixed(model: str, reasons: bool):
    fields, losses = sampled(Request(model, temperature=0.0, top_p=0.9, stop=("x",)))
    assert fields == ({} if reasons else {"temperature": 0.0, "top_p": 0.9, "stop": ["x"]})
    assert [loss.code for loss in losses] == (["sampling", "sampling", "stop_sequences"] if reasons else [])


def test_what_they_do_anyway_is_no_loss():
    assert sampled(Request("gpt-5", temperature=1.0)) == ({}, ())


@pytest.mark.parametrize("off", [Reasoning(effort="none"), Reasoning("disabled")])
def test_without_reasoning_everything_goes_on(off: Reasoning):
    assert sampled(Request("gpt-5.5", temperature=0.3, reasoning=off)) == ({"temperature": 0.3}, ())


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_a_client_of_the_dialect_hears_it_from_the_provider_and_another_never(dialect):
    codec = CODECS[dialect]
    for origin, kept in ((dialect, True), ("anthropic", False)):
        body, losses = codec.encode_request(Request("gpt-5.5", temperature=0.3, dialect=origin))
        assert ("temperature" in json.loads(body)) is kept
        assert [loss.code for loss in losses] == ([] if kept else ["sampling"])
