"""What is to stand in OpenClaw's configuration, as values: our provider with its models, and a model's settings. What
the user has added to either is kept.

>>> model_settings({"agents": {"defaults": {"model": "anthropic/m"}}}, "synrouter/m")
{'params': {'cacheRetention': 'short'}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from synrouter_cli.clients.client import NAME, TOKEN, Wish
from synrouter_cli.providers import Model
from synrouter_cli.textedit import Key

__all__ = [
    "ALLOWED",
    "DEFAULTS",
    "MODELS",
    "PROVIDER",
    "UTILITY",
    "at",
    "default_model",
    "entries",
    "model_of",
    "model_settings",
    "models_elsewhere",
    "provider",
    "table",
    "wants_small",
]

PROVIDER: Final = ("models", "providers", NAME)
DEFAULTS: Final = ("agents", "defaults")
MODELS: Final = (*DEFAULTS, "models")
ALLOWED: Final = (*DEFAULTS, "modelPolicy", "allow")
UTILITY: Final = (*DEFAULTS, "utilityModel")
_BESIDE: Final = (
    (*DEFAULTS, "model", "fallbacks"),
    UTILITY,
    (*DEFAULTS, "subagents", "model"),
    (*DEFAULTS, "heartbeat", "model"),
)
"""Settings that name models beside the default one."""


def at(value: Any, keys: tuple[Key, ...]) -> Any:
    """What stands there; None where nothing does."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def model_of(setting: Any) -> str:
    """The model that a setting names: it may be a name, or an object with the name as `primary`.

    >>> model_of("anthropic/m"), model_of({"primary": "anthropic/m"}), model_of(None)
    ('anthropic/m', 'anthropic/m', '')
    """
    named = setting.get("primary") if isinstance(setting, dict) else setting
    return named if isinstance(named, str) else ""


def default_model(config: Mapping[str, Any]) -> str:
    return model_of(at(config, (*DEFAULTS, "model")))


def entries(provider: Any) -> list[dict[str, Any]]:
    """The models of a provider."""
    models = table(provider).get("models")
    return [entry for entry in models if isinstance(entry, dict)] if isinstance(models, list) else []


def provider(wish: Wish, config: Mapping[str, Any], chosen: Model) -> dict[str, Any]:
    """Our provider, `chosen` first of its models."""
    there = table(at(config, PROVIDER))
    added = {entry.get("id"): entry for entry in entries(there)}
    models = [chosen, *(model for model in wish.models if model.id != chosen.id)]
    ours = [{**added.pop(model.id, {}), **_described(model)} for model in models]
    return {
        **there,
        "baseUrl": wish.url,
        "api": "anthropic-messages",  # without it the client takes another dialect
        "apiKey": TOKEN,
        "headers": {**table(there.get("headers")), "X-Synrouter-Client": "openclaw"},
        "models": [*ours, *added.values()],
    }


def _described(model: Model) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": model.id, "name": model.title}
    if "claude" in model.id:  # what others can do is not known
        entry |= {"reasoning": True, "input": ["text", "image"]}
    entry |= {"contextWindow": model.context_tokens, "maxTokens": model.output_tokens}
    if model.rates is not None:
        rates = model.rates
        prices: dict[str, Decimal | None] = {"input": rates.input, "output": rates.output}
        prices |= {"cacheRead": rates.cache_read, "cacheWrite": rates.cache_write_5m}
        entry["cost"] = {name: _number(price) for name, price in prices.items() if price is not None}
    return entry


def _number(price: Decimal) -> int | float:
    return int(price) if price == int(price) else float(price)


def model_settings(config: Mapping[str, Any], ref: str) -> dict[str, Any]:
    """What is set for the model, under this name or the one it has been called by until now; and that its prompts
    are marked for the cache, which its documentation promises for a base URL of one's own only where that is said."""
    there = table(at(config, (*MODELS, ref)))
    params = table(there.get("params"))
    before = default_model(config)
    if before.rpartition("/")[2] == ref.rpartition("/")[2]:
        params = {**table(at(config, (*MODELS, before, "params"))), **params}
    if "cacheRetention" not in params and "cacheRetention" not in table(at(config, (*DEFAULTS, "params"))):
        params = {**params, "cacheRetention": "short"}
    return {**there, "params": params} if params else there


def wants_small(config: Mapping[str, Any]) -> bool:
    """Whether a small model is to be named for titles: where it is ours, or the client's own provider has one that is
    taken unasked. Others have their titles from the main model, and naming one would switch more on than titles."""
    named = at(config, UTILITY)
    return (default_model(config).startswith("anthropic/")) if named is None else model_of(named).startswith(f"{NAME}/")


def models_elsewhere(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(setting, model) for each model of another provider that stays in use."""
    for keys in _BESIDE:
        value = at(config, keys)
        for name in value if isinstance(value, list) else [model_of(value)]:
            if isinstance(name, str) and "/" in name and not name.startswith(f"{NAME}/"):
                yield ".".join(keys), name
