"""One name for a model, however a client spells it.

Vendor and region prefixes, snapshot dates, context suffixes and Bedrock versions are taken off; dots between
digits of a Claude name become dashes. What is left over and not understood stays, so that it matches nothing.

>>> canonical("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
'claude-sonnet-4-5'
>>> canonical("anthropic/claude-opus-4.8"), canonical("claude-opus-4-6[1m]")
('claude-opus-4-8', 'claude-opus-4-6')
>>> canonical("claude-opus-4-8-turbo"), canonical("openai/gpt-5.5-2026-04-23")
('claude-opus-4-8-turbo', 'gpt-5.5-2026-04-23')
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["canonical"]

_CONTEXT = re.compile(r"\[[0-9]+[km]\]$")
_REGION_AND_VENDOR = re.compile(r"^bedrock\.|^(?:[a-z]{2,6}(?:-[a-z]+)?\.)?anthropic\.")
_BEDROCK_VERSION = re.compile(r"(?<=\d)-v\d+(?::\d+)?$")
_SNAPSHOT = re.compile(r"(?:[-@]20\d{6}|[-@]20\d\d-\d\d-\d\d|[-@]latest|@default)$")
_DOT = re.compile(r"(?<=\d)\.(?=\d)")
_NUMBER_FIRST = re.compile(r"^claude-(\d{1,2}(?:-\d{1,2})?)-([a-z]+)(?=-|$)")
_ZERO_MINOR = re.compile(r"^(claude-[a-z]+-\d{1,2})-0$")


@lru_cache(maxsize=1024)
def canonical(model: str) -> str:
    """The name under which facts and prices are kept; an unknown one comes back without its prefixes."""
    name = model.strip().lower().rsplit("/", 1)[-1]
    while True:
        shorter = _REGION_AND_VENDOR.sub("", _CONTEXT.sub("", name))
        if shorter.startswith("claude"):
            shorter = _claude(shorter)
        if shorter == name:
            return name
        name = shorter


def _claude(name: str) -> str:
    name = _SNAPSHOT.sub("", _BEDROCK_VERSION.sub("", name))
    name = _NUMBER_FIRST.sub(r"claude-\2-\1", _DOT.sub("-", name))
    return _ZERO_MINOR.sub(r"\1", name)
