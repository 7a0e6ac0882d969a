"""Lists of models in every shape that providers give them; what is odd is left out, never guessed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.providers import Listed, Rates, read_listing

ANTHROPIC = {
    "data": [
        {"type": "model", "id": "claude-opus-5-5", "display_name": "Claude Opus 5.5", "max_input_tokens": 1_000_000,
         "max_tokens": 128_000, "created_at": "2026-09-22T00:00:00Z"},
    ],
    "has_more": False,
}  # fmt: skip
OPENAI = {"object": "list", "data": [{"id": "gpt-6-sol", "object": "model", "owned_by": "openai"}]}
OPENROUTER = {
    "data": [
        {
            "id": "anthropic/claude-opus-4.8",
            "context_length": 1_000_000,
            "top_provider": {"max_completion_tokens": 128_000, "context_length": 900_000},
            "pricing": {"prompt": "0.000005", "completion": "0.000025", "input_cache_read": "0.0000005",
                        "input_cache_write": "0.00000625", "image": "0"},
        },
        {"id": "openrouter/auto", "context_length": 2_000_000, "pricing": {"prompt": "-1", "completion": "-1"}},
        {"id": "free/model:free", "context_length": 8192, "pricing": {"prompt": "0", "completion": "0"}},
    ]
}  # fmt: skip
TOGETHER = [{"id": "Qwen/Qwen3", "context_length": 262_144, "pricing": {"input": 0.2, "output": 0.6, "base": 0}}]
GEMINI = {"object": "list", "data": [{"id": "models/gemini-3.1-pro", "object": "model"}]}
VLLM = {"object": "list", "data": [{"id": "/models/llama", "max_model_len": 32_768}]}


@pytest.mark.parametrize(
    ("said", "models"),
    [
        (ANTHROPIC, [Listed("claude-opus-5-5", 1_000_000, 128_000)]),
        (OPENAI, [Listed("gpt-6-sol")]),
        (
            OPENROUTER,
            [
                Listed(
                    "anthropic/claude-opus-4.8",
                    1_000_000,
                    128_000,
                    Rates(Decimal(5), Decimal(25), Decimal("0.5"), Decimal("6.25")),
                ),
                Listed("openrouter/auto", 2_000_000),
                Listed("free/model:free", 8192, None, Rates(Decimal(0), Decimal(0))),
            ],
        ),
        (TOGETHER, [Listed("Qwen/Qwen3", 262_144, None, Rates(Decimal("0.2"), Decimal("0.6")))]),
        (GEMINI, [Listed("gemini-3.1-pro")]),
        (VLLM, [Listed("/models/llama", 32_768)]),
        ({"data": []}, []),
    ],
    ids=["anthropic", "openai", "openrouter", "together", "gemini", "vllm", "empty"],
)
def test_every_shape_is_read(said, models):
    assert read_listing(json.dumps(said).encode()) == tuple(models)


@pytest.mark.parametrize(
    "row", [{}, {"id": 7}, {"id": ""}, {"id": "a b"}, {"id": "x\x1b[2J"}, {"id": "x" * 201}, "x", None]
)
def test_what_has_no_usable_name_is_left_out(row):
    assert read_listing(json.dumps({"data": [row, {"id": "good"}]}).encode()) == (Listed("good"),)


@pytest.mark.parametrize(
    "row",
    [
        {"context_length": -1},
        {"context_length": True},
        {"context_length": "many"},
        {"top_provider": "x"},
        {"pricing": "free"},
        {"pricing": {"prompt": "NaN", "completion": "1"}},
        {"pricing": {"prompt": "1e999999", "completion": True}},
        {"pricing": {"prompt": "0.1"}},
    ],
)
def test_an_odd_value_is_no_value(row):
    assert read_listing(json.dumps({"data": [{"id": "m", **row}]}).encode()) == (Listed("m"),)


def test_a_model_is_listed_once():
    assert len(read_listing(b'[{"id": "m"}, {"id": "m"}]')) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"data": {}}', b'"x"', b"null", b"7"])
def test_what_is_no_list_is_an_error(body):
    with pytest.raises(ValueError, match=r"no (JSON|list of models)"):
        read_listing(body)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "pricing", "prompt", "completion", "context_length"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(st.lists(values, max_size=4))
def test_no_list_breaks_it(rows):
    assert all(isinstance(model.id, str) for model in read_listing(json.dumps({"data": rows}).encode()))
