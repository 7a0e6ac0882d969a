"""The shapes in which the Messages API reports usage, and their meaning as `Usage`.

Counts come in pieces: a stream repeats some of them later, with nulls where nothing is new. `update` lets the
last value of each win; nothing is ever added up (platform.claude.com, "Streaming messages").

>>> start = Reported(input_tokens=3, cache_creation_input_tokens=40, output_tokens=1)
>>> start.update(Reported(output_tokens=12))
>>> start.usage().cache_write_5m_tokens, start.usage().output_tokens
(40, 12)
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from synrouter_cli.wire.usage import Usage

__all__ = ["UNKNOWN", "Reported"]

UNKNOWN = "unknown"
"""Stands for a name that is not a string, or that an error does not give; no price is known for it."""

_Count = Annotated[int, msgspec.Meta(ge=0)]


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: _Count | None = None
    ephemeral_1h_input_tokens: _Count | None = None


class _Counts(msgspec.Struct):
    input_tokens: _Count | None = None
    cache_creation_input_tokens: _Count | None = None
    cache_read_input_tokens: _Count | None = None
    output_tokens: _Count | None = None

    def total(self) -> int:
        prompt = (self.input_tokens or 0) + (self.cache_creation_input_tokens or 0)
        return prompt + (self.cache_read_input_tokens or 0) + (self.output_tokens or 0)


class _Iteration(_Counts):
    type: str = "message"


class Reported(_Counts):
    """A `usage` object as it stands in an answer. Fields that are new to us are left out."""

    cache_creation: _CacheCreation | None = None
    server_tool_use: dict[str, Any] | None = None
    service_tier: Any = None
    inference_geo: Any = None
    speed: Any = None
    iterations: list[_Iteration] | None = None

    def update(self, newer: Reported) -> None:
        """Take over every value that the newer report gives."""
        for name in self.__struct_fields__:
            value = getattr(newer, name)
            if value is not None:
                setattr(self, name, value)

    def usage(self) -> Usage:
        """The report in the exclusive form: its input counts never overlap."""
        short, long = self._writes()
        return Usage(
            input_tokens=self.input_tokens or 0,
            cache_read_tokens=self.cache_read_input_tokens or 0,
            cache_write_5m_tokens=short,
            cache_write_1h_tokens=long,
            output_tokens=self.output_tokens or 0,
            service_tier=_name(self.service_tier),
            speed=_name(self.speed),
            inference_geo=_name(self.inference_geo),
            server_tools=_uses(self.server_tool_use),
            has_iterations=self._has_more_than_the_top_level(),
        )

    def _writes(self) -> tuple[int, int]:
        """5m and 1h writes. What the breakdown leaves of the total was written for 5 minutes: all of it where
        there is no breakdown, and what the API adds by itself after server tools."""
        total = self.cache_creation_input_tokens or 0
        if self.cache_creation is None:
            return total, 0
        short = self.cache_creation.ephemeral_5m_input_tokens or 0
        long = self.cache_creation.ephemeral_1h_input_tokens or 0
        return max(short, total - long), long

    def _has_more_than_the_top_level(self) -> bool:
        """Whether something is billed beside the top level, which is the sum of iterations of type `message`
        alone: a compaction, an advisor, a fallback to another model (platform.claude.com, "Compaction")."""
        iterations = self.iterations or []
        if any(iteration.type != "message" and iteration.total() for iteration in iterations):
            return True
        return sum(iteration.total() for iteration in iterations) > self.total()


def _uses(counters: dict[str, Any] | None) -> dict[str, int]:
    """How often each server tool was used; those that were not are left out."""
    found = (counters or {}).items()
    return {name: uses for name, uses in found if isinstance(uses, int) and uses > 0}


def _name(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else UNKNOWN
