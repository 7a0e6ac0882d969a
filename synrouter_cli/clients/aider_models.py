"""What Aider is told of each known model in files of ours: limits, prices, that its prompt is cached, and whether it
takes a temperature. Aider's own list ends before them, and for a model that it does not know it asks for 4,096 tokens
and rewrites whole files.

Source: aider.chat, "Advanced model settings"; which parameters a model takes: Anthropic's migration guides.

>>> spelled("claude-opus-4-8")
'anthropic/claude-opus-4-8'
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from synrouter_cli.clients.client import Wish
from synrouter_cli.providers import Model

_WITH_TEMPERATURE: Final = re.compile(r"-4-[0-6](-|$)")
"""Claude up to 4.6 takes sampling parameters and thinking budgets; later models answer both with a 400."""


def spelled(model: str) -> str:
    """As Aider names it: who it is from, then the id."""
    return f"anthropic/{model}"


def settings_text(wish: Wish, base: str = "") -> str:
    """How Aider talks to each known model, in JSON, which is YAML too; with `base` each is reached there."""
    return f"# Synrouter's, gone with `synrouter configure aider --undo`\n{_json([*_entries(wish, base)])}"


def metadata_text(wish: Wish) -> str:
    """Limits in tokens and prices in USD per token, in the form of LiteLLM's public list."""
    return _json({spelled(model.id): _metadata(model) for model in wish.models})


def _entries(wish: Wish, base: str) -> Iterator[dict[str, Any]]:
    for model in wish.models:
        older = _WITH_TEMPERATURE.search(model.id) is not None
        headers = {"X-Synrouter-Client": "aider"}
        parameters = {"max_tokens": model.output_tokens, "extra_headers": headers}
        yield {
            "name": spelled(model.id),
            "edit_format": "diff",
            "use_repo_map": True,
            "cache_control": True,
            "use_temperature": older,
            "accepts_settings": ["thinking_tokens"] if older else [],
            "weak_model_name": spelled(wish.small_for(model)),
            "editor_model_name": spelled(model.id),
            "editor_edit_format": "editor-diff",
            "extra_params": parameters | ({"api_base": base} if base else {}),
        }


def _metadata(model: Model) -> dict[str, Any]:
    said: dict[str, Any] = {
        "max_tokens": model.output_tokens,
        "max_input_tokens": model.context_tokens,
        "max_output_tokens": model.output_tokens,
        "litellm_provider": "anthropic",
        "mode": "chat",
        "supports_vision": True,
        "supports_prompt_caching": True,
    }
    rates = model.rates
    if rates is not None:
        said |= {"input_cost_per_token": _each(rates.input), "output_cost_per_token": _each(rates.output)}
        if rates.cache_read is not None and rates.cache_write_5m is not None:
            said["cache_read_input_token_cost"] = _each(rates.cache_read)
            said["cache_creation_input_token_cost"] = _each(rates.cache_write_5m)
    return said


def _each(per_million: Decimal) -> float:
    return float(per_million / 1_000_000)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1) + "\n"
