"""What both dialects of OpenAI's refuse in the same words: unknown fields, and parameters a model does not take.

>>> next(field_refusals({"top_k": 1}, frozenset({"top_p"}))).message
"Unknown parameter: 'top_k'."
>>> [refusal.code for refusal in model_refusals({"model": "gpt-5", "temperature": 0.2}, None)]
['unsupported_value']
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from synrouter_cli.demo.openai.errors import Refusal, missing, too_long, unknown, wrong_type, wrong_value
from synrouter_cli.demo.openai.flavours import Flavour, bills_writes, reasons

__all__ = ["common_refusals", "field_refusals", "model_refusals", "required"]

_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_LONGEST_KEY: Final = 64
_FLAGS: Final = ("stream", "parallel_tool_calls", "store")


def field_refusals(value: Mapping[str, Any], known: frozenset[str], path: str = "") -> Iterator[Refusal]:
    """Every field that is not `known`."""
    for name in value:
        if name not in known:
            where = f"{path}.{name}" if path else name
            yield unknown(where)


def required(body: Mapping[str, Any], *names: str) -> Iterator[Refusal]:
    """Every one of these that is not there."""
    return (missing(name) for name in names if body.get(name) is None)


def common_refusals(body: Mapping[str, Any], flavour: Flavour) -> Iterator[Refusal]:
    """Types and lengths of what both dialects have."""
    if not isinstance(body["model"], str):
        yield wrong_type("model", "a string", body["model"])
        return
    for name in _FLAGS:
        if not isinstance(body.get(name, False), bool | None):
            yield wrong_type(name, "a boolean", body[name])
    key = body.get("prompt_cache_key")
    if isinstance(key, str) and len(key) > _LONGEST_KEY:
        yield too_long("prompt_cache_key", key, _LONGEST_KEY)
    options = body.get("prompt_cache_options")
    if options is not None and not bills_writes(body["model"]) and not flavour.ttl:
        yield _unsupported("prompt_cache_options")
    elif options is not None and options.get("mode", "implicit") not in ("implicit", "explicit"):
        yield wrong_value("prompt_cache_options.mode", options["mode"], ("implicit", "explicit"))
    if body.get("stream_options") is not None and not body.get("stream"):
        words = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        yield Refusal(words, "stream_options")


def model_refusals(body: Mapping[str, Any], effort: Any, effort_path: str = "reasoning_effort") -> Iterator[Refusal]:
    """Sampling that a reasoning model has none of; effort that another model has none of."""
    if not reasons(body["model"]):
        if effort is not None:
            yield _unsupported(effort_path)
        return
    if effort not in (None, *_EFFORTS):
        yield wrong_value(effort_path, effort, _EFFORTS)
    if effort == "none":
        return
    for name in ("temperature", "top_p"):
        if body.get(name) not in (None, 1, 1.0):
            words = f"'{name}' does not support {body[name]} with this model. Only the default (1) value is supported."
            yield Refusal(f"Unsupported value: {words}", name, "unsupported_value")
    for name in ("stop", "presence_penalty", "frequency_penalty", "logit_bias"):
        if body.get(name):
            yield _unsupported(name)


def _unsupported(name: str) -> Refusal:
    return Refusal(f"Unsupported parameter: '{name}' is not supported with this model.", name, "unsupported_parameter")
