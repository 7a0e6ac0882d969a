"""What a client is told of the model that was asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from synrouter_cli.commands.wishes import wish
from synrouter_cli.providers import Rates
from synrouter_cli.settings import load

CONFIG = """\
[aliases]
quick = "gpt-5.5"
[providers.corp]
base_url = "http://127.0.0.1:9/v1"
dialect = "chat"
models = ["house-large"]
"""
GPT = (1_000_000, Rates(Decimal("5"), Decimal("30"), Decimal("0.5")))


@pytest.mark.parametrize(
    ("asked", "context_tokens", "rates"),
    [
        ("gpt-5.5", *GPT),
        ("openai/gpt-5.5", *GPT),
        ("quick", *GPT),
        ("deepseek-chat", 64_000, None),
        ("house-large", 200_000, None),
        ("nobody-knows", 200_000, None),
    ],
)
def test_it_is_described_as_its_vendor_has_it_under_the_name_that_was_asked_for(
    user, asked: str, context_tokens: int, rates: Rates | None
):
    user.paths.create()
    user.paths.config_file.write_text(CONFIG)
    model = wish(load(), asked_model=asked).chosen()
    assert (model.id, model.context_tokens, model.rates) == (asked, context_tokens, rates)
