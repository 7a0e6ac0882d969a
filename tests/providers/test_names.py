"""Every spelling of a model leads to one name, and no unknown one to a known name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.providers import canonical

SPELLINGS = {
    "claude-opus-4-8": [
        "claude-opus-4-8",
        "claude-opus-4.8",
        "Claude-Opus-4-8",
        " claude-opus-4-8\n",
        "anthropic/claude-opus-4.8",
        "openrouter/anthropic/claude-opus-4.8",
        "claude-opus-4-8[1m]",
        "claude-opus-4-8-20260301",
        "claude-opus-4-8-20260301[1m]",
        "claude-opus-4-8@20260301",
        "claude-opus-4-8-latest",
        "claude-opus-4-8@default",
        "claude-4.8-opus",
        "claude-4-8-opus",
        "anthropic.claude-opus-4-8",
        "anthropic.claude-opus-4-8-v1",
        "us.anthropic.claude-opus-4-8-20260301-v1:0",
        "global.anthropic.claude-opus-4-8-20260301-v1:0",
        "us-gov.anthropic.claude-opus-4-8-v1:0",
        "apac.anthropic.claude-opus-4-8-v2:0[1m]",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-8-20260301-v1:0",
        "publishers/anthropic/models/claude-opus-4-8@20260301",
        "bedrock.claude-opus-4-8",
        "bedrock.eu.anthropic.claude-opus-4-8-v1:0",
    ],
    "claude-sonnet-4-5": ["claude-sonnet-4-5-20250929", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"],
    "claude-sonnet-4": ["claude-sonnet-4-20250514", "claude-sonnet-4-0", "claude-4-sonnet-20250514", "claude-sonnet-4@20250514"],
    "claude-opus-4": ["claude-opus-4-20250514", "claude-opus-4-0", "claude-4-opus"],
    "claude-opus-4-1": ["claude-opus-4-1-20250805", "claude-opus-4.1"],
    "claude-opus-5": ["claude-opus-5", "claude-opus-5-20260724", "claude-5-opus", "claude-5.0-opus", "claude-opus-5.0"],
    "claude-opus-5-5": ["claude-opus-5.5", "claude-5-5-opus-20260922"],
    "claude-haiku-3-5": ["claude-3-5-haiku-20241022", "claude-3.5-haiku", "claude-3-5-haiku-latest"],
    "claude-sonnet-3-7": ["claude-3-7-sonnet-20250219", "anthropic/claude-3.7-sonnet"],
    "claude-haiku-3": ["claude-3-haiku-20240307"],
    "claude-fable-5-2": ["claude-fable-5.2", "claude-fable-5-2-20261101"],
    "gpt-5.5": ["gpt-5.5", "openai/gpt-5.5", "GPT-5.5"],
    "gpt-5.5-2026-04-23": ["openai/gpt-5.5-2026-04-23"],
    "gpt-4o-2024-05-13": ["gpt-4o-2024-05-13"],
    "glm-5.2": ["z-ai/glm-5.2", "GLM-5.2"],
    "gemini-3.1-pro": ["models/gemini-3.1-pro"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("spelling", "expected"), [(s, name) for name, spellings in SPELLINGS.items() for s in spellings]
)
def test_every_spelling_leads_to_the_name(spelling, expected):
    assert canonical(spelling) == expected


@pytest.mark.parametrize(
    "unknown",
    [
        "claude-opus-4-8-turbo",
        "claude-opus-4-8:thinking",
        "claude-opus-4-80",
        "claude-opus-48",
        "claude-opus-4-8-mini-20260101",
        "claude-opus",
        "my-claude-opus-4-8",
        "claude-opus-4-8-distill",
        "",
    ],
)
def test_an_unknown_name_never_becomes_a_known_one(unknown):
    assert canonical(unknown) not in SPELLINGS


parts = st.sampled_from(
    "claude - opus sonnet 4 5 8 . 0 -v1 :0 @ 20250929 -latest [1m] / us. anthropic. anthropic/ gpt -2025-01-01 Ü".split()
)


@given(st.lists(parts, max_size=9).map("".join) | st.text(max_size=20))
def test_a_name_stays_as_it_is_once_it_is_canonical(model):
    assert canonical(canonical(model)) == canonical(model)
