"""The user's own providers, routes, aliases and budgets: what is understood, and what is refused with its place."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from synrouter_cli.errors import ConfigError
from synrouter_cli.own_providers import (
    BudgetLimits,
    at,
    read_aliases,
    read_budget,
    read_providers,
    read_routes,
)
from synrouter_cli.providers import builtin, cache_kind

BASE = {"base_url": "https://llm.corp.example/v1"}
README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def made(name: str = "corp", **row: object):
    return read_providers({name: {**BASE, **row}}, at)[0][name]


@pytest.mark.parametrize(
    ("row", "base_url", "path"),
    [
        ({}, "https://llm.corp.example", "/v1/chat/completions"),
        ({"base_url": "https://x.example"}, "https://x.example", "/chat/completions"),
        ({"base_url": "https://x.example/a/b/"}, "https://x.example", "/a/b/chat/completions"),
        ({"base_url": "http://127.0.0.1:9/v1"}, "http://127.0.0.1:9", "/v1/chat/completions"),
        ({"query": "?api-version=7"}, "https://llm.corp.example", "/v1/chat/completions?api-version=7"),
    ],
)
def test_the_address_is_taken_apart_so_that_every_endpoint_stands_below_it(row, base_url, path):
    provider = made(**row)
    assert (provider.base_url, provider.path("chat", "/chat/completions")) == (base_url, path)


@pytest.mark.parametrize("base_url", ["https://x.example/api", "https://x.example/api/v1", "https://x.example/api/v1/"])
def test_in_anthropics_dialect_the_v1_may_be_left_out_as_its_clients_do(base_url):
    assert made(base_url=base_url, dialect="anthropic").path("anthropic", "/messages") == "/api/v1/messages"


@pytest.mark.parametrize("route", ["/chat/completions", "/responses", "/messages"])
def test_an_address_with_a_clients_route_behind_it_is_told_so(route):
    with pytest.raises(ConfigError, match=rf"^providers\.corp\.base_url: expected it without {route} "):
        made(base_url=f"https://x.example/v1{route}/")


@pytest.mark.parametrize(
    ("row", "auth", "local"),
    [
        ({}, ("authorization", "Bearer k"), False),
        ({"dialect": "anthropic"}, ("x-api-key", "k"), False),
        ({"auth": "bearer", "dialect": "anthropic"}, ("authorization", "Bearer k"), False),
        ({"auth": "X-Api-Key"}, ("x-api-key", "k"), False),
        ({"auth": "api-key"}, ("api-key", "k"), False),
        ({"auth": "none"}, ("", "k"), True),
    ],
)
def test_the_key_goes_where_the_user_says(row, auth, local):
    provider = made(**row)
    assert provider.auth_for(row.get("dialect", "chat"), "k") == auth
    assert (provider.local, provider.builtin) == (local, False)


@pytest.mark.parametrize(
    ("row", "kind"),
    [({}, "automatic"), ({"dialect": "anthropic"}, "markers"), ({"cache": "key"}, "key"), ({"cache": "none"}, "none")],
)
def test_caching_is_as_the_user_says_and_else_usual_for_the_dialect(row, kind):
    assert cache_kind(made(**row), "whatever") == kind


def test_models_and_headers_are_taken_over():
    providers, models = read_providers({"corp": {**BASE, "models": ["a", "b"], "headers": {"X-Team": "7"}}}, at)
    assert models == {"corp": ("a", "b")}
    assert providers["corp"].headers == {"X-Team": "7"}
    assert "X-Team" not in repr(providers["corp"]), "a header may hold a secret"


def test_a_known_provider_keeps_its_own_and_takes_headers_a_query_and_models():
    row = {"headers": {"anthropic-beta": "x"}, "query": "a=1", "models": ["claude-next"]}
    providers, models = read_providers({"anthropic": row}, at)
    anthropic = providers["anthropic"]
    assert (anthropic.base_url, anthropic.builtin) == ("https://api.anthropic.com", True)
    assert anthropic.path("anthropic", "/messages") == "/v1/messages?a=1"
    assert models == {"anthropic": ("claude-next",)}


@pytest.mark.parametrize(
    ("row", "base_url"),
    [
        ({}, "https://bedrock-mantle.us-east-1.api.aws"),
        ({"region": "eu-west-1"}, "https://bedrock-mantle.eu-west-1.api.aws"),
        ({"region": "us-gov-west-1", "endpoint": "mantle"}, "https://bedrock-mantle.us-gov-west-1.api.aws"),
        ({"endpoint": "runtime"}, "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ({"endpoint": "runtime", "region": "ap-south-1"}, "https://bedrock-runtime.ap-south-1.amazonaws.com"),
    ],
)
def test_bedrock_is_in_a_region_and_at_an_endpoint(row, base_url):
    providers, models = read_providers({"bedrock": row}, at)
    bedrock = providers["bedrock"]
    assert models == {}, "who names no models leaves those that are known"
    assert bedrock.base_url == base_url
    assert bedrock.path("anthropic", "/messages") == "/anthropic/v1/messages"


def test_a_region_that_nobody_names_is_that_of_the_address_in_the_data():
    for provider in builtin().values():
        if provider.endpoints:
            assert provider.at_place("", "") == provider.base_url


@pytest.mark.parametrize(
    ("table", "where", "detail"),
    [
        ("x", "providers", "expected a table"),
        ({"corp": "x"}, "providers.corp", "expected a table"),
        ({"Corp": BASE}, "providers.Corp", "small letters"),
        ({"corp": {}}, "providers.corp", "expected base_url"),
        ({"corp": {"base_url": 7}}, "providers.corp", "expected base_url"),
        ({"corp": {"base_url": "http://x.example"}}, "providers.corp.base_url", "loopback"),
        ({"corp": {"base_url": "https://u:p@x.example"}}, "providers.corp.base_url", "not a plain"),
        ({"corp": {**BASE, "dialect": "gemini"}}, "providers.corp.dialect", "one of anthropic, chat, responses"),
        ({"corp": {**BASE, "cache": "session"}}, "providers.corp.cache", "one of markers"),
        ({"corp": {**BASE, "auth": "Host"}}, "providers.corp.auth", "header's name"),
        ({"corp": {**BASE, "auth": "a b"}}, "providers.corp.auth", "header's name"),
        ({"corp": {**BASE, "auth": 7}}, "providers.corp.auth", "header's name"),
        ({"corp": {**BASE, "query": "a b"}}, "providers.corp.query", "NAME=VALUE"),
        ({"corp": {**BASE, "query": 7}}, "providers.corp.query", "NAME=VALUE"),
        ({"corp": {**BASE, "headers": {"Host": "x"}}}, "providers.corp.headers.Host", "no header"),
        ({"corp": {**BASE, "headers": {"X": "a\r\nb"}}}, "providers.corp.headers.X", "printable"),
        ({"corp": {**BASE, "headers": {"X": 7}}}, "providers.corp.headers.X", "printable"),
        ({"corp": {**BASE, "headers": []}}, "providers.corp.headers", "expected a table"),
        ({"corp": {**BASE, "models": "m"}}, "providers.corp.models", "list of names"),
        ({"corp": {**BASE, "models": [""]}}, "providers.corp.models", "list of names"),
        ({"corp": {**BASE, "key": "sk-x"}}, "providers.corp.key", "unknown key"),
        ({"corp": {**BASE, "region": "eu-west-1"}}, "providers.corp.region", "unknown key"),
        ({"openai": {"auth": "none"}}, "providers.openai.auth", "keeps its own"),
        ({"openai": {"region": "eu-west-1"}}, "providers.openai.region", "keeps its own"),
        ({"bedrock": {"region": "Europe"}}, "providers.bedrock.region", "a region such as"),
        ({"bedrock": {"region": "x.evil.example/"}}, "providers.bedrock.region", "a region such as"),
        ({"bedrock": {"region": 7}}, "providers.bedrock.region", "a region such as"),
        ({"bedrock": {"endpoint": "other"}}, "providers.bedrock.endpoint", "one of mantle, runtime"),
        ({"bedrock": {"endpoint": []}}, "providers.bedrock.endpoint", "one of mantle, runtime"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(table, where, detail):
    with pytest.raises(ConfigError) as caught:
        read_providers(table, at)
    assert caught.value.message.startswith(f"{where}: ")
    assert detail in caught.value.message


def test_a_known_provider_is_moved_with_upstreams():
    with pytest.raises(ConfigError) as caught:
        read_providers({"openai": {"base_url": "https://x.example"}}, at)
    assert caught.value.hint == '[upstreams] openai = "https://…"'


def test_routes_keep_the_order_of_the_file():
    table = {"gpt-*": "claude-opus-4-8", "*haiku*": ["ollama/x", "anthropic"]}
    assert read_routes(table, at) == (("gpt-*", ("claude-opus-4-8",)), ("*haiku*", ("ollama/x", "anthropic")))


@pytest.mark.parametrize("target", [[], [""], 7, {"to": "x"}, [7]])
def test_a_route_leads_somewhere(target):
    with pytest.raises(ConfigError, match=r"routes\.m: "):
        read_routes({"m": target}, at)


def test_aliases_are_names_for_names():
    assert read_aliases({"fast": "gpt-6-luna"}, at) == {"fast": "gpt-6-luna"}
    for target in ("", 7, ["x"]):
        with pytest.raises(ConfigError, match=r"aliases\.fast: "):
            read_aliases({"fast": target}, at)


def test_budgets_are_exact_amounts():
    assert read_budget({"daily_usd": 0.1}, at) == BudgetLimits(daily_usd=Decimal("0.1"))
    assert read_budget({}, at) == BudgetLimits()


@pytest.mark.parametrize(
    "table", [{"daily_usd": 0}, {"daily_usd": -1}, {"session_usd": True}, {"session_usd": "1"}, {"x": 1}]
)
def test_a_budget_is_an_amount_above_nothing(table):
    with pytest.raises(ConfigError, match="budget"):
        read_budget(table, at)


def test_the_example_of_the_readme_is_understood():
    (block,) = re.findall(r"^```toml\n(\[providers\.bedrock\].*?)^```$", README, re.MULTILINE | re.DOTALL)
    providers, models = read_providers(tomllib.loads(block)["providers"], at)
    assert providers["bedrock"].base_url == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert models["corp"] == ("big", "small")
