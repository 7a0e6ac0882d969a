"""What can't go along: the losses of one request on its way into this dialect, and what its target takes.

Fields that are this dialect's own words go on; another dialect's only where they mean the same here.

>>> leaving = Leaving(Target(markers=False), foreign=True)
>>> leaving.marked(Text("hi", Cache("1h")), "messages.0.content.0"), leaving.losses[0].code
({}, 'cache_marker')
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from synrouter_cli.wire.codecs.chat.fields import Object, cache_out
from synrouter_cli.wire.ir import Cache, Loss, Text
from synrouter_cli.wire.losses import field as field_loss

_SHARED: Final = frozenset({"prompt_cache_breakpoint"})
"""Fields of a part that Responses has too."""
__all__ = ["Leaving", "Marked", "Target", "Text"]


@dataclass(frozen=True, slots=True)
class Target:
    """What differs between the servers of this dialect."""

    markers: bool = True
    """It takes `cache_control` (OpenRouter, Qwen, MiniMax, Claude behind a relay); OpenAI itself refuses the field."""
    reasoning: bool = True
    """It takes reasoning back; OpenAI itself shows and takes none in this dialect."""
    cache_key: bool = True
    """It takes `prompt_cache_key`; OpenAI's own models do in any case."""
    max_tokens: Literal["max_tokens", "max_completion_tokens"] | None = None
    """The name it has for the limit; None: by the model's name."""


class Marked(Protocol):
    @property
    def cache(self) -> Cache | None: ...
    @property
    def extras(self) -> Mapping[str, Any]: ...


class Leaving:
    """One request's way out. `foreign`: its extras are another dialect's words. `plain`: so they are, and the server
    is only known to take what all do: a system prompt at the start, texts as strings. `files`: it knows the files
    that are named by id."""

    __slots__ = ("files", "foreign", "led", "losses", "plain", "target")

    def __init__(self, target: Target, *, foreign: bool, plain: bool = False, files: bool = True) -> None:
        self.target = target
        self.foreign = foreign
        self.plain = foreign and plain
        self.files = files
        self.led = 0
        """Messages that went into the system prompt: the others' places begin after them."""
        self.losses: list[Loss] = []

    def lose(self, code: str, path: str) -> None:
        self.losses.append(Loss(code, path))

    def marker(self, cache: Cache | None, path: str) -> Object:
        """`cache_control` as a field, where there is one and the target takes it."""
        if cache is None:
            return {}
        if not self.target.markers:
            self.lose("cache_marker", path)
            return {}
        return {"cache_control": cache_out(cache)}

    def extras(self, extras: Mapping[str, Any], path: str, known: Collection[str] = ()) -> Object:
        """Extra fields that go on; `known` are those that mean the same here whoever said them."""
        if not extras:
            return {}
        if not self.foreign:
            return dict(extras)
        for name in extras:
            if name not in known:
                self.losses.append(field_loss(name, f"{path}.{name}" if path else name))
        return {name: value for name, value in extras.items() if name in known}

    def marked(self, value: Marked, path: str) -> Object:
        """The marker and the extra fields of a block, tool or message."""
        if value.cache is None and not value.extras:
            return {}
        return {**self.marker(value.cache, path), **self.extras(value.extras, path, _SHARED)}
