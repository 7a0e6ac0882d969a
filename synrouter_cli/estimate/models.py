"""Whose a model is, by its name: that decides on its price and on whether its cache is modelled.

>>> group_of("us.anthropic.claude-opus-4-8-v1:0"), group_of("gpt-5.5-codex"), group_of("", "openai"), group_of("llama")
('anthropic', 'openai', 'openai', 'other')
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from synrouter_cli.providers import canonical

__all__ = ["group_of"]

_BEGINNINGS: Final = (
    ("claude", "anthropic"),
    ("gpt", "openai"),
    ("codex", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("gemini", "google"),
    ("deepseek", "deepseek"),
    ("kimi", "moonshot"),
    ("glm", "zai"),
    ("grok", "xai"),
    ("minimax", "minimax"),
    ("devstral", "mistral"),
    ("mistral", "mistral"),
)
_PROVIDERS: Final = {"openai": "openai", "openai-codex": "openai", "anthropic": "anthropic"}
OTHER: Final = "other"


@lru_cache(maxsize=1024)
def group_of(model: str, provider: str = "") -> str:
    """The maker of a model: anthropic, openai … or other. `provider`, as a client calls it, helps where the name says
    nothing."""
    name = canonical(model)
    for beginning, group in _BEGINNINGS:
        if name.startswith(beginning):
            return group
    return _PROVIDERS.get(provider.lower(), OTHER)
