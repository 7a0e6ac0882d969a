"""Who speaks OpenAI's dialects, and what is different with each: data, nothing else.

>>> FLAVOURS["deepseek"].counters, FLAVOURS["openai"].strict
('deepseek', True)
>>> [bills_writes(model) for model in ("gpt-5.6", "gpt-6-sol", "gpt-5.5", "o3", "gpt-4.1")]
[True, True, False, False, False]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["FLAVOURS", "Flavour", "bare", "bills_writes", "reasons"]

_FAMILY = re.compile(r"(?:o\d|gpt-(\d+)(?:\.(\d+))?)")


@dataclass(frozen=True, slots=True)
class Flavour:
    """One provider's ways. Tokens; seconds."""

    name: str
    models: tuple[str, ...]
    strict: bool = False
    """Fields that the API reference doesn't have are a 400; others ignore them."""
    needs_key: bool = True
    counters: Literal["openai", "deepseek", "none"] = "openai"
    """How the usage tells what was cached."""
    shard: Literal["key", "account", "conversation", "session"] = "key"
    """What a prompt must have in common with the one that wrote, to find it: `prompt_cache_key`, nothing but the
    account, the header `x-grok-conv-id`, or `session_id`."""
    shard_header: str = ""
    """The header that may name the conversation or session in place of the field."""
    step: int = 128
    minimum: int = 1024
    life_s: tuple[int, int] = (300, 600)
    """Least and most that an unused entry is kept; where in between differs by shard."""
    reasoning: str = "reasoning_content"
    """Where Chat Completions shows what was thought."""
    marks: bool = False
    """`cache_control` is honoured, as Anthropic would."""
    ttl: str = ""
    """The end of each prompt is written, and that is billed; so long it is kept where nothing else is asked for. Empty
    where nothing is billed."""
    tells_usage: bool = False
    """A stream ends with the usage also where it was not asked for."""
    cost: bool = False
    """The usage has a `cost`."""
    adds_reasoning: bool = False
    """`completion_tokens` of Chat Completions leaves out what was thought; only the total has it."""


FLAVOURS: Final[Mapping[str, Flavour]] = {
    flavour.name: flavour
    for flavour in (
        Flavour("openai", ("gpt-5.6", "gpt-5.5", "gpt-5", "gpt-4.1", "o4-mini", "text-embedding-3-small"), strict=True),
        Flavour(
            "deepseek",
            ("deepseek-chat", "deepseek-reasoner"),
            counters="deepseek",
            shard="account",
            step=64,
            minimum=64,
            life_s=(3600, 7200),
        ),
        Flavour(
            "xai",
            ("grok-4", "grok-code-fast-1"),
            shard="conversation",
            shard_header="x-grok-conv-id",
            minimum=128,
            tells_usage=True,
            adds_reasoning=True,
        ),
        Flavour(
            "openrouter",
            ("anthropic/claude-sonnet-4.5", "openai/gpt-5", "qwen/qwen3-coder"),
            shard="session",
            shard_header="x-session-id",
            reasoning="reasoning",
            marks=True,
            tells_usage=True,
            cost=True,
        ),
        Flavour("moonshot", ("kimi-k3",), shard="account", ttl="5m"),
        Flavour("local", ("qwen3-coder:30b", "gpt-oss:20b"), needs_key=False, counters="none"),
    )
}


def bare(model: str) -> str:
    """The model's name without a vendor in front."""
    return model.rpartition("/")[2]


def reasons(model: str) -> bool:
    """Whether it is one of OpenAI's reasoning models, which take other parameters than those before."""
    found = _FAMILY.match(bare(model))
    return found is not None and (found[1] is None or int(found[1]) >= 5)


def bills_writes(model: str) -> bool:
    """Whether cache writes cost: GPT-5.6 and later (developers.openai.com, "Prompt caching")."""
    found = _FAMILY.match(bare(model))
    return found is not None and found[1] is not None and (int(found[1]), int(found[2] or 0)) >= (5, 6)
