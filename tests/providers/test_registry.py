"""The facts as published, table by table; what is unknown is careful."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from synrouter_cli.credentials import variable_of
from synrouter_cli.providers import (
    CacheFacts,
    billed_writes,
    cache_kind,
    credential_owner,
    facts,
    price,
    provider_names,
    provider_of,
)

MINIMUM = {
    512: "opus-5 opus-5-5 sonnet-5-5 fable-5 fable-5-1 mythos-5 mythos-5-1",
    1024: "opus-4-8 sonnet-5 sonnet-4-6 sonnet-4-5 opus-4-1 opus-4",
    2048: "opus-4-7 haiku-3-5",
    4096: "opus-4-6 opus-4-5 haiku-4-5 haiku-5-5 fable-5-2",
}
KEEPS = (
    "opus-4-5 opus-4-6 opus-4-7 opus-4-8 opus-5 opus-5-5 sonnet-4-6 sonnet-5 sonnet-5-5 fable-5 fable-5-1 fable-5-2"
    " mythos-5 mythos-5-1 mythos-5-2 haiku-5-5"
).split()
DROPS = "opus-4-1 opus-4 sonnet-4-5 haiku-4-5 haiku-3-5".split()
CHECKED = "fable-5-2 mythos-5-2 fable-5-1 opus-5-5 mythos-5-1".split()
READS = {
    "0.05": "opus-5-5 sonnet-5-5",
    "0.025": "fable-5-1 fable-5-2 mythos-5-1 mythos-5-2",
    "0.1": "opus-4-5 opus-4-6 opus-4-7 opus-4-8 opus-5 sonnet-4-5 sonnet-4-6 sonnet-5 haiku-4-5 haiku-5-5",
}


def of(model: str) -> CacheFacts:
    return facts("anthropic", f"claude-{model}")


@pytest.mark.parametrize(("minimum", "model"), [(m, name) for m, names in MINIMUM.items() for name in names.split()])
def test_the_minimum_is_the_published_one(minimum, model):
    assert of(model).minimum_tokens == minimum
    assert of(model).known


@pytest.mark.parametrize("model", KEEPS + DROPS)
def test_thinking_is_kept_by_the_newer_models_only(model):
    assert of(model).keeps_thinking is (model in KEEPS)


@pytest.mark.parametrize("model", KEEPS + DROPS)
def test_thinking_is_bound_to_its_context_on_the_newest_models_only(model):
    assert of(model).prefix_check is (model in CHECKED)


@pytest.mark.parametrize(("multiplier", "model"), [(m, name) for m, names in READS.items() for name in names.split()])
def test_the_read_multiplier_is_the_published_one_and_agrees_with_the_price(multiplier, model):
    assert of(model).read_multiplier == Decimal(multiplier)
    known = price("anthropic", f"claude-{model}", date(2026, 11, 21))
    if known is not None:
        rates = known.rates()
        assert rates.cache_read == rates.input * Decimal(multiplier)
        assert rates.cache_write_5m == rates.input * of(model).write_multipliers["5m"]
        assert rates.cache_write_1h == rates.input * of(model).write_multipliers["1h"]


def test_settings_reach_tools_and_system_where_that_was_seen():
    assert of("opus-5").settings_reach_head
    assert of("sonnet-5").settings_reach_head
    assert not of("opus-4-6").settings_reach_head


def test_images_cost_three_times_as_much_from_4_7_on():
    assert {of(m).max_image_tokens for m in ("opus-4-7", "sonnet-5", "fable-5-2")} == {4784}
    assert {of(m).max_image_tokens for m in ("opus-4-6", "sonnet-4-6", "haiku-4-5")} == {1568}


def test_what_holds_for_every_model():
    for model in (*KEEPS, *DROPS, "unheard-of"):
        assert of(model).lookback_positions == 20
        assert of(model).max_markers == 4
        assert of(model).ttls == {"5m": 300, "1h": 3600}
        assert of(model).write_multipliers == {"5m": Decimal("1.25"), "1h": Decimal(2)}


def test_an_unknown_model_is_treated_with_care():
    unknown = of("opus-9")
    assert (unknown.known, unknown.minimum_tokens, unknown.prefix_check) == (False, 4096, True)
    assert (unknown.keeps_thinking, unknown.settings_reach_head) == (True, True)


@pytest.mark.parametrize(
    "spelling", ["anthropic/claude-opus-4.8", "claude-opus-4-8[1m]", "us.anthropic.claude-opus-4-8-v1:0"]
)
def test_facts_are_found_under_any_spelling(spelling):
    assert facts("anthropic", spelling) == of("opus-4-8")


def test_facts_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        of("opus-5").minimum_tokens = 0


def test_the_provider_says_where_it_is_and_how_it_is_asked():
    provider = provider_of("anthropic")
    assert provider.base_url == "https://api.anthropic.com"
    assert provider.auth_for("anthropic", "k") == ("x-api-key", "k")
    assert provider.dialects == {"anthropic": "/v1"}


def test_a_scheme_stands_before_the_key_where_the_dialect_wants_it():
    deepseek = provider_of("deepseek")
    assert deepseek.auth_for("chat", "k") == ("authorization", "Bearer k")
    assert deepseek.auth_for("anthropic", "k") == ("x-api-key", "k")


@pytest.mark.parametrize(
    ("provider", "dialect", "query", "path"),
    [
        ("anthropic", "anthropic", "?beta=true", "/v1/messages?beta=true"),
        ("agentrouter", "anthropic", "", "/v1/messages?beta=true"),
        ("agentrouter", "anthropic", "?beta=true", "/v1/messages?beta=true"),
        ("agentrouter", "anthropic", "?a=1", "/v1/messages?a=1&beta=true"),
        ("google", "chat", "", "/v1beta/openai/messages"),
    ],
)
def test_a_path_stands_under_the_dialects_own(provider, dialect, query, path):
    assert provider_of(provider).path(dialect, "/messages", query) == path


@pytest.mark.parametrize("provider", provider_names())
def test_every_provider_can_be_asked(provider):
    found = provider_of(provider)
    assert found.dialects and set(found.dialects) <= {"anthropic", "chat", "responses"}
    assert found.base_url == found.base_url.rstrip("/")
    assert found.base_url.startswith("http://127.0.0.1:" if found.local else "https://")
    assert all(path.startswith("/") and not path.endswith("/") for path in found.dialects.values())


@pytest.mark.parametrize(
    ("credential", "owner", "billing"),
    [
        ("sk-ant-api03-x", "anthropic", "api"),
        ("sk-ant-oat01-x", "anthropic", "subscription"),
        ("sk-proj-x", "openai", "api"),
        ("gsk_x", None, "api"),
        ("sk-sr-local-x", None, "api"),
        ("x-sk-ant-api03", None, "api"),
        ("", None, "api"),
    ],
)
def test_a_credential_belongs_to_the_provider_whose_prefix_it_has(credential, owner, billing):
    found = credential_owner(credential)
    assert (found.name if found else None) == owner
    assert provider_of("anthropic").billing(credential) == billing


def test_unknown_providers_are_an_error():
    with pytest.raises(KeyError):
        provider_of("nobody")


def test_claude_has_the_same_facts_wherever_it_is():
    assert facts("bedrock", "claude-opus-5") == facts("anthropic", "claude-opus-5")


# ── whose facts hold where ──


@pytest.mark.parametrize(
    ("provider", "model", "minimum", "read", "ttls"),
    [
        ("qwen", "qwen3-max", 1024, "0.1", {"5m": 300}),
        ("openrouter", "qwen/qwen3-max", 1024, "0.1", {"5m": 300}),
        ("qwen", "deepseek-v4-pro", 1024, "0.1", {"5m": 300}),
        ("minimax", "MiniMax-M2", 512, "0.1", {"5m": 300}),
        ("minimax", "MiniMax-M2.7", 512, "0.2", {"5m": 300}),
        ("qwen", "claude-opus-5-5", 512, "0.05", {"5m": 300, "1h": 3600}),
        ("corp", "whatever", 4096, "0.1", {"5m": 300, "1h": 3600}),
    ],
)
def test_facts_go_by_the_models_name_and_else_by_who_has_it(provider, model, minimum, read, ttls):
    found = facts(provider, model)
    assert (found.minimum_tokens, found.read_multiplier, found.ttls) == (minimum, Decimal(read), ttls)
    assert found.lookback_positions == 20 and found.max_markers == 4
    assert found.write_multipliers["5m"] == Decimal("1.25")
    assert set(found.write_multipliers) == set(ttls)


@pytest.mark.parametrize(
    ("provider", "model", "kind"),
    [
        ("anthropic", "claude-opus-5-5", "markers"),
        ("anthropic", "what-a-relay-has", "markers"),
        ("bedrock", "us.anthropic.claude-opus-4-8", "markers"),
        ("openrouter", "anthropic/claude-opus-4.8", "markers"),
        ("openrouter", "z-ai/glm-5.2", "session"),
        ("synrouter", "claude-opus-5-5", "markers"),
        ("synrouter", "oaic.gpt-5.5", "automatic"),
        ("saverouter", "glm-5.2", "automatic"),
        ("qwen", "qwen3-max", "markers"),
        ("minimax", "MiniMax-M2.5", "markers"),
        ("minimax", "MiniMax-M3", "automatic"),
        ("openai", "gpt-6-sol", "breakpoints"),
        ("openai", "gpt-5.5", "key"),
        ("moonshot", "kimi-k3", "breakpoints"),
        ("moonshot", "kimi-k2.5", "key"),
        ("xai", "grok-4.7", "conversation"),
        ("deepseek", "deepseek-v4-pro", "automatic"),
        ("deepseek", "claude-opus-4-8", "markers"),
        ("together", "Qwen/Qwen3", "automatic"),
        ("ollama", "claude-like", "none"),
    ],
)
def test_how_prompts_are_cached_depends_on_provider_and_model(provider, model, kind):
    assert cache_kind(provider_of(provider), model) == kind


@pytest.mark.parametrize(
    ("model", "multipliers"),
    [
        ("gpt-5.5", None),
        ("gpt-5.6-sol", {"30m": "1.25", "12h": "1.25"}),
        ("openai/gpt-6.1-terra", {"30m": "1.25", "12h": "1.25"}),
        ("kimi-k2.6", None),
        ("moonshotai/kimi-k3.1-pro", {"5m": "1", "1h": "2"}),
        ("claude-opus-5-5", None),
    ],
)
def test_some_models_bill_what_their_own_cache_writes(model, multipliers):
    found = billed_writes(model)
    expected = None if multipliers is None else {name: Decimal(times) for name, times in multipliers.items()}
    assert (None if found is None else found.write_multipliers) == expected
    assert found is None or set(found.ttls) == set(found.write_multipliers)


@pytest.mark.parametrize("model", ["gpt-5.6-sol", "gpt-6-sol", "gpt-6.1-terra", "kimi-k3", "kimi-k3.1-pro"])
def test_what_writes_cost_is_what_the_price_list_says(model):
    rates = price("moonshot" if model.startswith("kimi") else "openai", model, date(2026, 11, 21)).rates()
    multipliers = billed_writes(model).write_multipliers
    assert rates.cache_write_5m == rates.input * min(multipliers.values())
    assert rates.cache_write_1h in (None, rates.input * max(multipliers.values()))


@pytest.mark.parametrize("model", ["gpt-5.5", "gpt-5.4", "kimi-k2.6"])
def test_who_does_not_bill_writes_has_no_price_for_them(model):
    rates = price("moonshot" if model.startswith("kimi") else "openai", model, date(2026, 11, 21)).rates()
    assert rates.cache_write_5m is None and billed_writes(model) is None


# ── small free calls ──


@pytest.mark.parametrize(
    ("provider", "listing", "trial"),
    [
        ("anthropic", ("anthropic", "/v1/models?limit=1000"), ("anthropic", "/v1/models?limit=1")),
        ("openai", ("responses", "/v1/models"), ("responses", "/v1/models")),
        ("google", ("chat", "/v1beta/openai/models"), ("chat", "/v1beta/openai/models")),
        ("bedrock", ("anthropic", "/v1/models"), ("anthropic", "/v1/models")),
        ("openrouter", ("chat", "/api/v1/models"), ("chat", "/api/v1/key")),
        ("minimax", ("chat", "/v1/models"), ("chat", "/v1/models")),
        ("qwen", ("chat", "/compatible-mode/v1/models"), ("chat", "/compatible-mode/v1/models")),
        ("zai", ("chat", "/api/paas/v4/models"), ("chat", "/api/paas/v4/models")),
        ("ollama", ("chat", "/v1/models"), ("chat", "/v1/models")),
    ],
)
def test_lists_of_models_and_trials_of_keys_stand_where_they_cost_nothing(provider, listing, trial):
    assert provider_of(provider).listing() == listing
    assert provider_of(provider).key_trial() == trial


# ── the table of the README ──


@pytest.mark.parametrize("provider", provider_names())
def test_the_readme_has_a_row_for_each(provider):
    found = provider_of(provider)
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    names = {"anthropic": "Anthropic Messages", "chat": "Chat", "responses": "Responses"}
    dialects = ", ".join(names[dialect] for dialect in found.dialects)
    assert f"| `{provider}` | {found.title} | {dialects} | `{variable_of(provider)}` | " in readme
