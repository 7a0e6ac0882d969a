"""A model's name leads to a provider: every rule, their order, and what the user's own rules change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.errors import UnknownModel
from synrouter_cli.providers import Provider, builtin
from synrouter_cli.ways import Book, Way, choose, nearest

ALL = frozenset(builtin())
MODELS = {
    "anthropic": ("claude-opus-4-8", "claude-sonnet-5-5"),
    "openai": ("gpt-5.5", "gpt-6-sol"),
    "openrouter": ("anthropic/claude-opus-4.8", "meta-llama/llama-5", "z-ai/glm-5.2"),
    "together": ("MiniMaxAI/MiniMax-M3",),
    "ollama": ("gpt-oss:20b", "qwen3-coder:30b"),
}
CORP = Provider("corp", "corp", "https://llm.corp.example", {"chat": "/v1"}, builtin=False)


def book(*usable: str, **more: object) -> Book:
    return Book(builtin(), usable=frozenset(usable), models=MODELS, **more)  # type: ignore[arg-type]


def way(model: str, dialect: str = "chat", of: Book | None = None) -> tuple[str, str]:
    found = choose(model, dialect, of or book(*ALL))
    return found.provider, found.model


# ── by name ──


@pytest.mark.parametrize(
    ("model", "provider", "spelled"),
    [
        ("claude-opus-4-8", "anthropic", "claude-opus-4-8"),
        ("claude-opus-4.8", "anthropic", "claude-opus-4-8"),
        ("anthropic/claude-opus-4.8", "anthropic", "claude-opus-4-8"),
        ("Claude-Opus-4-8", "anthropic", "Claude-Opus-4-8"),
        ("gpt-6-sol", "openai", "gpt-6-sol"),
        ("openai/gpt-5.5", "openai", "gpt-5.5"),
        ("o1", "openai", "o1"),
        ("o1-pro", "openai", "o1-pro"),
        ("o3", "openai", "o3"),
        ("o3-mini", "openai", "o3-mini"),
        ("text-embedding-3-small", "openai", "text-embedding-3-small"),
        ("gemini-3.1-pro", "google", "gemini-3.1-pro"),
        ("gemma-4", "google", "gemma-4"),
        ("grok-4.7", "xai", "grok-4.7"),
        ("x-ai/grok-4.7", "xai", "grok-4.7"),
        ("deepseek-v4-pro", "deepseek", "deepseek-v4-pro"),
        ("MiniMax-M2.7", "minimax", "MiniMax-M2.7"),
        ("kimi-k3", "moonshot", "kimi-k3"),
        ("moonshotai/kimi-k3", "moonshot", "kimi-k3"),
        ("qwen3-max", "qwen", "qwen3-max"),
        ("GLM-5.2", "zai", "GLM-5.2"),
        ("z-ai/glm-5.2", "zai", "glm-5.2"),
        ("oaic.gpt-5.5", "synrouter", "oaic.gpt-5.5"),
        ("bedrock.claude-opus-4-8", "bedrock", "anthropic.claude-opus-4-8"),
        ("bedrock.eu.anthropic.claude-opus-4-8-v1:0", "bedrock", "eu.anthropic.claude-opus-4-8-v1:0"),
        ("bedrock/claude-opus-4.8", "bedrock", "anthropic.claude-opus-4-8"),
        ("anthropic.claude-opus-4-8", "bedrock", "anthropic.claude-opus-4-8"),
        ("global.anthropic.claude-opus-4-8[1m]", "bedrock", "global.anthropic.claude-opus-4-8"),
        ("openrouter/anthropic/claude-opus-4.8", "openrouter", "anthropic/claude-opus-4.8"),
        ("openrouter/claude-opus-4-8", "openrouter", "anthropic/claude-opus-4.8"),
        ("openrouter/anthropic/claude-opus-4-8", "openrouter", "anthropic/claude-opus-4.8"),
        ("openrouter/claude-3-5-haiku-20241022", "openrouter", "anthropic/claude-3.5-haiku"),
        ("openrouter/z-ai/glm-5.2", "openrouter", "z-ai/glm-5.2"),
        ("meta-llama/llama-5", "openrouter", "meta-llama/llama-5"),
        ("meta-llama/llama-6", "openrouter", "meta-llama/llama-6"),
        ("MiniMaxAI/MiniMax-M3", "together", "MiniMaxAI/MiniMax-M3"),
        ("together/MiniMaxAI/MiniMax-M3", "together", "MiniMaxAI/MiniMax-M3"),
        ("accounts/fireworks/models/kimi-k2p5", "fireworks", "accounts/fireworks/models/kimi-k2p5"),
        ("qwen3-coder:30b", "ollama", "qwen3-coder:30b"),
        ("gpt-oss:20b", "ollama", "gpt-oss:20b"),
        ("ollama/anything:7b", "ollama", "anything:7b"),
    ],
)
def test_a_name_leads_to_its_provider_in_its_spelling(model, provider, spelled):
    assert way(model) == (provider, spelled)


@pytest.mark.parametrize("model", ["nobodys-model", "o2", "o12", "claud", "openai/", "/gpt-5.5", "", "antropic/claude"])
def test_a_name_that_leads_nowhere_is_unknown(model):
    with pytest.raises(UnknownModel):
        choose(model, "chat", book(*ALL))


def test_an_unknown_name_is_told_with_those_that_are_near_and_can_be_used_first():
    of = book("openai")
    assert nearest("gpt-5.6-soll", of)[0] == "gpt-6-sol"
    assert nearest("acme/claude-opus-4-9", of)[0] in ("claude-opus-4-8", "anthropic/claude-opus-4.8")
    assert nearest("zzzzzzzzzz", of) == []
    with pytest.raises(UnknownModel) as caught:
        choose("glaude-opus-4-8", "chat", of)
    assert "near it: claude-opus-4-8" in caught.value.message
    assert caught.value.http_status == 404


def test_of_two_that_have_a_near_name_the_one_that_can_be_used_is_told():
    assert nearest("claude-opus-4.9", Book(builtin(), frozenset({"openrouter"}), models=MODELS))[0] == (
        "anthropic/claude-opus-4.8"
    )


@given(st.text(max_size=30))
def test_any_name_is_a_way_or_unknown(model):
    try:
        found = choose(model, "anthropic", book(*ALL))
    except UnknownModel as error:
        assert len(error.message) < 400
    else:
        assert found.dialect in builtin()[found.provider].dialects


# ── who can be used ──


@pytest.mark.parametrize(
    ("model", "usable", "provider"),
    [
        ("claude-opus-4-8", (), "anthropic"),
        ("claude-opus-4-8", ("openrouter",), "anthropic"),
        ("anthropic/claude-opus-4.8", ("openrouter",), "openrouter"),
        ("anthropic/claude-opus-4.8", ("openrouter", "anthropic"), "anthropic"),
        ("anthropic/claude-opus-4.8", ("openai",), "anthropic"),
        ("z-ai/glm-5.2", ("openrouter",), "openrouter"),
        ("z-ai/glm-6", ("openrouter",), "openrouter"),
        ("x-ai/grok-4.7", (), "xai"),
        ("together/some/model", ("openrouter",), "together"),
        ("qwen3-coder:30b", (), "ollama"),
    ],
)
def test_a_vendor_without_a_key_gives_way_only_to_who_has_the_model_under_its_full_name(model, usable, provider):
    assert way(model, of=book(*usable))[0] == provider


# ── dialects ──


@pytest.mark.parametrize(
    ("model", "asked", "spoken"),
    [
        ("gpt-6-sol", "chat", "chat"),
        ("gpt-6-sol", "responses", "responses"),
        ("gpt-6-sol", "anthropic", "responses"),
        ("claude-opus-4-8", "chat", "anthropic"),
        ("openrouter/claude-opus-4-8", "chat", "anthropic"),
        ("openrouter/z-ai/glm-5.2", "chat", "chat"),
        ("openrouter/z-ai/glm-5.2", "responses", "responses"),
        ("qwen3-max", "chat", "anthropic"),
        ("MiniMax-M2.7", "chat", "anthropic"),
        ("MiniMax-M3", "chat", "chat"),
        ("grok-4.7", "anthropic", "responses"),
        ("gemini-3.1-pro", "responses", "chat"),
        ("deepseek-v4-pro", "anthropic", "anthropic"),
        ("ollama/claude-like", "chat", "chat"),
        ("ollama/claude-like", "responses", "responses"),
    ],
)
def test_the_clients_own_dialect_is_spoken_but_where_markers_need_anthropics(model, asked, spoken):
    assert choose(model, asked, book(*ALL)).dialect == spoken


# ── the user's rules ──


def test_an_alias_stands_for_a_name_and_that_for_another():
    of = book(*ALL, aliases={"fast": "cheap", "cheap": "gpt-6-sol"})
    assert way("fast", of=of) == ("openai", "gpt-6-sol")


def test_aliases_in_a_circle_end():
    with pytest.raises(UnknownModel):
        choose("a", "chat", book(*ALL, aliases={"a": "b", "b": "a"}))


@pytest.mark.parametrize(
    ("model", "provider", "spelled"),
    [
        ("gpt-5.5", "anthropic", "claude-opus-4-8"),
        ("GPT-5.5", "anthropic", "claude-opus-4-8"),
        ("gpt-6-sol", "openrouter", "gpt-6-sol"),
        ("claude-haiku-5-5", "ollama", "qwen3-coder:30b"),
        ("claude-opus-4-8", "bedrock", "anthropic.claude-opus-4-8"),
        ("gpt.5.5x", "zai", "glm-5.2"),
        ("smart", "anthropic", "claude-opus-4-8"),
    ],
)
def test_the_first_route_that_fits_decides(model, provider, spelled):
    routes = (
        ("gpt-5.5", ("claude-opus-4-8",)),
        ("gpt-*", ("openrouter",)),
        ("claude-*haiku*", ("ollama/qwen3-coder:30b",)),
        ("claude-*", ("bedrock",)),
        ("smart", ("best",)),
        ("*", ("glm-5.2",)),
    )
    assert way(model, of=book(*ALL, routes=routes, aliases={"best": "claude-opus-4-8"})) == (provider, spelled)


def test_later_targets_of_a_route_are_fallbacks_each_once():
    routes = (("claude-*", ("anthropic", "openrouter", "claude-sonnet-5-5", "anthropic")),)
    found = choose("claude-opus-4-8", "chat", book(*ALL, routes=routes))
    assert found == Way(
        "anthropic",
        "anthropic",
        "claude-opus-4-8",
        fallbacks=(
            Way("openrouter", "anthropic", "anthropic/claude-opus-4.8"),
            Way("anthropic", "anthropic", "claude-sonnet-5-5"),
        ),
    )


def test_a_routes_target_that_leads_nowhere_is_told_by_its_name():
    with pytest.raises(UnknownModel, match="no-such"):
        choose("gpt-5.5", "chat", book(*ALL, routes=(("gpt-5.5", ("claude-opus-4-8", "no-such")),)))


def test_a_route_for_a_provider_takes_the_name_that_already_says_it():
    of = book(*ALL, routes=(("openrouter/*", ("openrouter",)),))
    assert way("openrouter/z-ai/glm-5.2", of=of) == ("openrouter", "z-ai/glm-5.2")


# ── the user's own providers, and those that were pointed elsewhere ──


def test_what_a_provider_of_the_user_has_goes_before_everybody_elses():
    of = Book({**builtin(), "corp": CORP}, ALL | {"corp"}, models={**MODELS, "corp": ("gpt-5.5", "big")})
    assert choose("big", "anthropic", of) == Way("corp", "chat", "big")
    assert way("gpt-5.5", of=of) == ("corp", "gpt-5.5")
    assert way("gpt-6-sol", of=of) == ("openai", "gpt-6-sol")
    assert way("corp/whatever/it/has", of=of) == ("corp", "whatever/it/has")


def test_a_provider_of_the_user_that_speaks_anthropic_gets_markers_for_any_model():
    own = replace(CORP, dialects={"anthropic": "/v1"}, cache="markers")
    of = Book({**builtin(), "corp": own}, ALL | {"corp"})
    assert choose("corp/big", "chat", of).dialect == "anthropic"


@pytest.mark.parametrize(
    ("model", "dialect", "moved", "expected"),
    [
        ("nobodys", "anthropic", {"anthropic"}, Way("anthropic", "anthropic", "nobodys")),
        ("nobodys", "chat", {"anthropic", "openai"}, Way("openai", "chat", "nobodys")),
        ("nobodys", "chat", {"anthropic"}, Way("anthropic", "anthropic", "nobodys")),
        ("nobodys", "chat", {"not-there"}, None),
        ("claude-opus-9", "chat", {"anthropic", "openai"}, Way("anthropic", "anthropic", "claude-opus-9")),
        ("glm-5.2", "anthropic", {"anthropic"}, Way("anthropic", "anthropic", "glm-5.2")),
        ("gpt-6-sol", "anthropic", {"anthropic"}, Way("openai", "responses", "gpt-6-sol")),
    ],
)
def test_what_was_pointed_elsewhere_gets_every_name_that_nobody_else_serves(model, dialect, moved, expected):
    of = book("openai", moved=frozenset(moved))
    if expected is None:
        with pytest.raises(UnknownModel):
            choose(model, dialect, of)
    else:
        assert choose(model, dialect, of) == expected


def test_a_moved_vendor_keeps_full_names_though_it_has_no_key():
    of = book("openrouter", moved=frozenset({"anthropic"}))
    assert way("anthropic/claude-opus-4.8", of=of) == ("anthropic", "claude-opus-4-8")
