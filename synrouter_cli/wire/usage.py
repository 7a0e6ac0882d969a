"""Token usage of one answer, in the exclusive form: the input counts never overlap.

>>> Usage(input_tokens=2, cache_read_tokens=100, output_tokens=7).prompt_tokens
102
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens a provider reported for one turn.

    The four input counts are disjoint and add up to the prompt, as Anthropic reports them
    (platform.claude.com, "Prompt caching": tracking cache performance).
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    server_tools: Mapping[str, int] = field(default_factory=dict)
    has_iterations: bool = False
    """Parts of the turn (compaction, advisor) are billed outside the top-level counts."""

    @property
    def cache_write_tokens(self) -> int:
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def prompt_tokens(self) -> int:
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens
