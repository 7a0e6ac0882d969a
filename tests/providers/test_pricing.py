"""Prices as published; genai-prices as the oracle; nothing guessed; the generated file up to date."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

import genai_prices
import pytest

from synrouter_cli.meter import cost
from synrouter_cli.providers import Rates, listed_models, price, price_version
from synrouter_cli.wire.usage import Usage

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

PUBLISHED = {
    "opus-4-5 opus-4-6 opus-4-7 opus-4-8 opus-5": "5 25 6.25 10 .50",
    "opus-5-5": "4 20 5 8 .20",
    "sonnet-4-5 sonnet-4-6": "3 15 3.75 6 .30",
    "sonnet-5": "2 10 2.50 4 .20",
    "sonnet-5-5": "2 10 2.50 4 .10",
    "haiku-4-5": "1 5 1.25 2 .10",
    "fable-5-1": "10 50 12.5 20 .25",
    "fable-5-2": "8 40 10 16 .20",
}
ROWS = [(model, row) for models, row in PUBLISHED.items() for model in models.split()]


def rates(row: str) -> Rates:
    given, answered, short, long, read = map(Decimal, row.split())
    return Rates(given, answered, read, short, long)


@pytest.mark.parametrize(("model", "row"), ROWS)
def test_claude_prices_are_the_published_ones(model, row):
    known = price("anthropic", f"claude-{model}", TODAY)
    assert known.rates() == known.rates(900_000) == rates(row)


def test_a_long_prompt_reprices_all_of_a_haiku_5_5_request():
    haiku = price("anthropic", "claude-haiku-5-5", TODAY)
    assert haiku.rates(0) == haiku.rates(100_000) == rates(".10 .50 .125 .20 .01")
    assert haiku.rates(100_001) == rates(".50 2.50 .625 1 .05")


def test_prices_of_earlier_days_are_kept():
    assert price("anthropic", "claude-opus-4-6", date(2026, 3, 12)).rates(200_001).input == 10
    assert price("anthropic", "claude-opus-4-6", date(2026, 3, 13)).rates(200_001).input == 5
    assert price("anthropic", "claude-sonnet-4-5", date(2026, 1, 1)).rates(200_001).output == Decimal("22.5")
    assert price("anthropic", "claude-sonnet-4-5", TODAY).rates(200_001).output == 15


def test_the_day_is_that_of_utc():
    eastern = timezone(timedelta(hours=9))
    assert price("anthropic", "claude-opus-4-6", datetime(2026, 3, 13, 8, tzinfo=eastern)).rates(200_001).input == 10
    assert price("anthropic", "claude-opus-4-6", datetime(2026, 3, 13, 10, tzinfo=eastern)).rates(200_001).input == 5
    assert price("anthropic", "claude-opus-4-6", datetime(2026, 3, 13, 0, 0)).rates(200_001).input == 5


def test_fast_prices_are_their_own_or_unknown():
    assert price("anthropic", "claude-opus-5-5", TODAY).rates(speed="fast") == rates("8 40 10 16 .40")
    assert price("anthropic", "claude-fable-5-2", TODAY).rates(speed="fast") == rates("16 80 20 32 .40")
    assert price("anthropic", "claude-sonnet-5-5", TODAY).rates(speed="fast") is None
    assert price("anthropic", "claude-opus-5-5", TODAY).rates(speed="slow") is None
    assert price("anthropic", "claude-opus-5-5", TODAY).rates(speed="standard") == rates("4 20 5 8 .20")


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-opus-9"),
        ("anthropic", "claude-opus-4-8-turbo"),
        ("anthropic", "claude-opus-5-5-fast"),
        ("anthropic", "claude-opus-4-8:thinking"),
        ("anthropic", "claude-mythos-5"),
        ("anthropic", "claude-mythos-5-1"),
        ("anthropic", "gpt-5.5"),
        ("anthropic", ""),
        ("openai", "gpt-5.5-codex"),
        ("openai", "gpt-5.5-mini"),
        ("openai", "gpt-"),
        ("openai", "gpt-5-2027-01-01"),
        ("openai", "claude-opus-4-8"),
        ("deepseek", "deepseek-v4-pro"),  # priced by the hour of day
        ("openai", "gpt-image-1"),
        ("nobody", "claude-opus-4-8"),
        ("synrouter", "claude-opus-4-8"),  # what a relay asks is not what the vendor asks
        ("saverouter", "claude-opus-4-8"),
        ("ollama", "gpt-5.5"),
        ("openrouter", "openrouter/auto"),
        ("openrouter", "deepseek/deepseek-r1:free"),
        ("bedrock", "gpt-5.5"),
        ("qwen", "qwen3-max"),  # in no source that we take prices from
    ],
)
def test_what_is_not_known_for_certain_has_no_price(provider, model):
    assert price(provider, model, TODAY) is None


@pytest.mark.parametrize(
    ("provider", "model", "same_as"),
    [
        ("anthropic", "us.anthropic.claude-opus-4-8-20260301-v1:0", "claude-opus-4-8"),
        ("openai", "openai/gpt-5.5", "gpt-5.5"),
        ("openai", "gpt-5.5-2026-04-23", "gpt-5.5"),
        ("openai", "gpt-6-sol-2026-09-01", "gpt-6-sol"),
        ("xai", "grok-4-latest", "grok-4-0709"),
        ("zai", "z-ai/GLM-5.2", "glm-5.2"),
        ("bedrock", "us.anthropic.claude-opus-4-8", "anthropic.claude-opus-4-8"),
        ("bedrock", "eu.anthropic.claude-opus-4-8-v1:0", "claude-opus-4-8"),
        ("bedrock", "bedrock.global.anthropic.claude-opus-5", "global.anthropic.claude-opus-5-v1:0"),
        ("openrouter", "claude-opus-4-8", "anthropic/claude-opus-4.8"),
        ("fireworks", "kimi-k2p5", "accounts/fireworks/models/kimi-k2p5"),
    ],
)
def test_other_spellings_and_snapshots_have_the_same_price(provider, model, same_as):
    assert price(provider, model, TODAY) == price(provider, same_as, TODAY) is not None


@pytest.mark.parametrize("model", [row[0] for row in ROWS if not row[0].startswith(("fable", "opus-4-1"))])
def test_a_global_profile_costs_what_anthropic_asks_and_any_other_a_tenth_more(model):
    home = price("anthropic", f"claude-{model}", TODAY).rates()
    assert price("bedrock", f"global.anthropic.claude-{model}", TODAY).rates() == home
    regional = price("bedrock", f"eu.anthropic.claude-{model}", TODAY).rates()
    assert regional == Rates(*(getattr(home, name) * Decimal("1.1") for name in Rates.__slots__))


@pytest.mark.parametrize("model", ["claude-opus-4.8", "claude-sonnet-5.5", "claude-haiku-4.5"])
def test_openrouter_asks_twice_the_input_for_an_hour(model):
    rates = price("openrouter", f"anthropic/{model}", TODAY).rates()
    assert rates.cache_write_5m == rates.input * Decimal("1.25")
    assert rates.cache_write_1h == rates.input * 2


@pytest.mark.parametrize(
    ("provider", "model", "tokens"),
    [
        ("openai", "gpt-6-sol", 1_050_000),
        ("deepseek", "deepseek-v4-pro", 1_000_000),
        ("bedrock", "global.anthropic.claude-opus-4-8", 1_000_000),
        ("fireworks", "accounts/fireworks/models/kimi-k2p5", 262_144),
        ("openai", "gpt-5.6-cyber", None),
    ],
)
def test_context_windows_are_known_where_the_source_knows_them(provider, model, tokens):
    assert listed_models(provider)[model] == tokens


@pytest.mark.parametrize(
    ("provider", "absent"),
    [("openai", "gpt-image-1"), ("openai", "davinci"), ("google", "claude-3-haiku"), ("moonshot", "kimi-k2"),
     ("openrouter", "claude-3-opus"), ("bedrock", "qwen.qwen3-32b")],
)  # fmt: skip
def test_what_is_no_longer_offered_or_not_for_agents_is_not_listed(provider, absent):
    assert absent not in listed_models(provider)
    assert listed_models(provider)


def test_a_snapshot_with_a_price_of_its_own_keeps_it():
    assert price("openai", "gpt-4o-2024-05-13", TODAY).rates().input == 5
    assert price("openai", "gpt-4o", TODAY).rates().input == Decimal("2.5")


def test_searches_have_a_fee_and_fetches_none():
    fees = price("anthropic", "claude-opus-5-5", TODAY).fees
    assert fees == {"web_search_requests": Decimal(10), "web_fetch_requests": Decimal(0)}


def test_batches_and_places_have_multipliers():
    opus = price("anthropic", "claude-opus-5-5", TODAY)
    assert opus.service_tiers == {"standard": 1, "batch": Decimal("0.5")}
    assert opus.inference_geos["us"] == Decimal("1.1")


def test_the_version_names_both_tables():
    generated, _, own = price_version().partition(" + table ")
    assert generated == f"genai-prices {version('genai-prices')}"
    assert date.fromisoformat(own)
    assert price("anthropic", "claude-opus-5", TODAY).version == price_version()


ORACLE = [
    ("anthropic", "anthropic", model)
    for model in (
        "claude-3-5-haiku-20241022 claude-sonnet-4-20250514 claude-sonnet-4-5-20250929 claude-sonnet-4-6"
        " claude-sonnet-5 claude-sonnet-5-5 claude-opus-4-1-20250805 claude-opus-4-5 claude-opus-4-6 claude-opus-4-7"
        " claude-opus-4-8 claude-opus-5 claude-opus-5-5 claude-haiku-4-5-20251001 claude-haiku-5-5 claude-fable-5"
        " claude-fable-5-1 claude-fable-5-2 claude-mythos-5-2"
    ).split()
] + [
    ("openai", "openai", "gpt-5.5"),
    ("openai", "openai", "gpt-6-sol"),
    ("openai", "openai", "gpt-6.1-terra"),
    ("google", "google", "gemini-2.5-pro"),
    ("xai", "x-ai", "grok-4.7"),
    ("mistral", "mistral", "mistral-large-latest"),
    ("moonshot", "moonshotai", "kimi-k3"),
    ("zai", "zai", "glm-5.2"),
]


@pytest.mark.parametrize("prompt", [1_000, 100_000, 100_001, 150_000, 250_000, 300_000])
@pytest.mark.parametrize(("provider", "theirs", "model"), ORACLE, ids=[row[2] for row in ORACLE])
def test_costs_agree_with_genai_prices(provider, theirs, model, prompt):
    known = price(provider, model, TODAY)
    standard = known.rates()
    usage = Usage(
        input_tokens=prompt - prompt // 2,
        cache_read_tokens=prompt // 4 if standard.cache_read is not None else 0,
        cache_write_5m_tokens=prompt // 8 if standard.cache_write_5m is not None else 0,
        cache_write_1h_tokens=prompt // 8 if standard.cache_write_1h is not None else 0,
        output_tokens=4321,
    )
    expected = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            **({"cache_write_1h_tokens": usage.cache_write_1h_tokens} if usage.cache_write_1h_tokens else {}),
        ),
        model_ref=model,
        provider_id=theirs,
        genai_request_timestamp=NOW,
    ).total_price
    if (provider, model) == ("anthropic", "claude-sonnet-4-5-20250929") and prompt > 200_000:
        expected = cost(usage, price("anthropic", "claude-sonnet-4-6", TODAY))  # the tier has ended, ours says
    assert cost(usage, known) == expected


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-fable-5-2", "claude-opus-4-8"])
@pytest.mark.parametrize(
    ("fields", "context"),
    [({"service_tier": "batch"}, {"processing": "batch"}), ({"speed": "fast"}, {"speed": "fast"})],
)
def test_batch_and_fast_agree_with_genai_prices(model, fields, context):
    usage = Usage(input_tokens=1000, cache_read_tokens=2000, cache_write_5m_tokens=300, output_tokens=50, **fields)
    expected = genai_prices.calc_price(
        genai_prices.Usage(input_tokens=3300, output_tokens=50, cache_read_tokens=2000, cache_write_tokens=300),
        model_ref=model,
        provider_id="anthropic",
        genai_request_timestamp=NOW,
        price_context=context,
    ).total_price
    assert cost(usage, price("anthropic", model, TODAY)) == expected


def generator():
    spec = importlib.util.spec_from_file_location("generate_prices", ROOT / "tools" / "generate_prices.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_file_is_what_the_generator_writes():
    module = generator()
    assert module.TARGET.read_text("utf-8") == module.generate() == module.generate()


def test_the_generator_says_when_the_file_is_out_of_date(tmp_path, monkeypatch, capsys):
    module = generator()
    monkeypatch.setattr(module, "TARGET", tmp_path / "prices.json")
    monkeypatch.setattr(sys, "argv", ["generate_prices.py"])
    assert module.main() == 0
    monkeypatch.setattr(sys, "argv", ["generate_prices.py", "--check"])
    assert module.main() == 0
    module.TARGET.write_text("{}")
    assert module.main() == 1
    assert "python tools/generate_prices.py" in capsys.readouterr().err


def test_the_generated_file_is_small_and_read_in_no_time():
    code = (
        "import time; from datetime import date; from synrouter_cli import providers; t = time.perf_counter();"
        "providers.price('anthropic', 'claude-opus-5', date(2026, 11, 21)); print(time.perf_counter() - t)"
    )
    best = min(
        float(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    )
    assert best < 0.05  # about 5 ms here; the bound is for slow machines
    assert (ROOT / "synrouter_cli" / "providers" / "prices.json").stat().st_size < 200_000


def test_a_price_is_read_once():
    assert price("anthropic", "claude-opus-5", TODAY) is price("anthropic", "claude-opus-5", TODAY)
