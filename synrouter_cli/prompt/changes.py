"""What changed between two requests of a session, as values: names, places and sizes, never content.

>>> Difference(tools=ToolsChange(added=("mcp__db__query",), first=4, before=4, after=5)).to_detail()
{'tools': {'added': ['mcp__db__query'], 'first': 4, 'before': 4, 'after': 5}}
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from synrouter_cli.prompt.volatile import TextPlace

__all__ = [
    "CAUSES",
    "HOWS",
    "MOST_NAMES",
    "Difference",
    "Elsewhere",
    "MessageChange",
    "NamesChange",
    "SystemChange",
    "ToolsChange",
]

MOST_NAMES: Final = 20
"""Names in a detail; how many more there are stands beside them."""
_NAME_CHARACTERS: Final = 40
_ODD: Final = re.compile(r"[^A-Za-z0-9_.:/@-]")

CAUSES: Final = ("model", "betas", "tools", "settings", "system", "message")
HOWS: Final = ("changed", "inserted", "removed", "rewind", "compaction", "thinking")

NOWHERE: Final = (-1, -1)


@dataclass(frozen=True, slots=True)
class NamesChange:
    """Names that came and went."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolsChange:
    """The tools differ. `first` is the first place in `tools` that does, `before` and `after` count them.

    Names are those that the bodies still told: where one had been given back, some are missing. `at` is the first
    tool that stands in both requests with another text, as its block in each; -1 where there is none.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    reordered: bool = False
    first: int = 0
    before: int = 0
    after: int = 0
    at: tuple[int, int] = NOWHERE


@dataclass(frozen=True, slots=True)
class SystemChange:
    """A system block differs: the first but for Claude Code's `cch`, where there is another.

    `before` and `after` are its sizes in bytes as sent, 0 where it was or is not there. `place` and `kind` (what
    makes the difference, of `volatile.KINDS`) are None where a body had been given back.
    """

    block: int
    how: str
    before: int
    after: int
    place: TextPlace | None = None
    kind: str | None = None
    at: tuple[int, int] = NOWHERE


@dataclass(frozen=True, slots=True)
class MessageChange:
    """A message that was sent before differs or is gone: number `index` of `messages`, counted from 0.

    `how` is changed | inserted | removed (a block of it), rewind (the history was cut there), compaction (most of
    it was replaced), thinking (the provider left out thinking that it had kept). `what` is the block's type, `block`
    its place in the message, `before` and `after` its sizes in bytes, `messages_before` and `messages_after` counts.
    """

    index: int
    how: str
    role: str
    block: int
    what: str
    before: int
    after: int
    messages_before: int
    messages_after: int
    place: TextPlace | None = None
    kind: str | None = None
    at: tuple[int, int] = NOWHERE


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The last request went elsewhere, and where this one goes nothing of the session has been: providers and models,
    each before and now. Where both are the same it is another credential.

    >>> Elsewhere(("anthropic", "anthropic"), ("claude-opus-4-8", "claude-haiku-4-5")).code
    'model'
    """

    provider: tuple[str, str]
    model: tuple[str, str]

    @property
    def code(self) -> str:
        """model | provider"""
        same_provider, same_model = (len(set(pair)) == 1 for pair in (self.provider, self.model))
        return "model" if same_provider and not same_model else "provider"

    def to_detail(self) -> dict[str, Any]:
        """For the ledger: the names that differ."""
        model = [_name(model) for model in self.model]
        if self.code == "model":
            return {"model": model}
        return {"asked": {"provider": [_name(provider) for provider in self.provider], "model": model}}


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs, besides what was added at the end. None and empty stand for "the same"."""

    model: tuple[str, str] | None = None
    betas: NamesChange | None = None
    settings: tuple[str, ...] = ()
    settings_reach_system: bool = False
    """Whether a changed setting voids what is cached from the system on, not of the messages alone."""
    tools: ToolsChange | None = None
    system: SystemChange | None = None
    message: MessageChange | None = None

    def cause(self, *, settings_reach_head: bool = False) -> str:
        """What comes first in the order in which a cached prefix depends on it, one of CAUSES; "" for nothing.

        `settings_reach_head`: on this model settings void all that is cached.
        """
        reach = 0 if settings_reach_head else 1 if self.settings_reach_system else 2
        ordered: Sequence[tuple[str, object]] = (
            ("model", self.model),
            ("betas", self.betas),
            ("settings", self.settings and reach == 0),
            ("tools", self.tools),
            ("settings", self.settings and reach == 1),
            ("system", self.system),
            ("settings", self.settings),
            ("message", self.message),
        )
        return next((cause for cause, there in ordered if there), "")

    @property
    def history_left(self) -> bool:
        """Whether the client dropped history on purpose: what it dropped could not have been read."""
        return self.message is not None and self.message.how in ("rewind", "compaction")

    def to_detail(self) -> dict[str, Any]:
        """For the ledger: at most 20 names, as JSON under 1,500 characters."""
        names = _Names()
        detail: dict[str, Any] = {}
        if self.model:
            detail["model"] = [_name(model) for model in self.model]
        if self.betas:
            detail["betas"] = names.of(added=self.betas.added, removed=self.betas.removed)
        if self.settings:
            detail["settings"] = names.take(self.settings)
        if self.tools:
            detail["tools"] = _tools(self.tools, names)
        if self.system:
            detail["system"] = _system(self.system)
        if self.message:
            detail["message"] = _message(self.message)
        if names.left_out:
            detail["more_names"] = names.left_out
        return detail


@dataclass(slots=True)
class _Names:
    """Hands out names until there are enough of them."""

    left: int = MOST_NAMES
    left_out: int = field(default=0)

    def take(self, names: Sequence[str]) -> list[str]:
        taken = [_name(name) for name in names[: self.left]]
        self.left -= len(taken)
        self.left_out += len(names) - len(taken)
        return taken

    def of(self, **groups: Sequence[str]) -> dict[str, Any]:
        return {group: self.take(names) for group, names in groups.items() if names}


def _name(name: str) -> str:
    return _ODD.sub("?", name[:_NAME_CHARACTERS])


def _tools(change: ToolsChange, names: _Names) -> dict[str, Any]:
    detail = names.of(added=change.added, removed=change.removed, changed=change.changed)
    if change.reordered:
        detail["reordered"] = True
    return {**detail, "first": change.first, "before": change.before, "after": change.after}


def _system(change: SystemChange) -> dict[str, Any]:
    sizes = {"block": change.block, "how": change.how, "before": change.before, "after": change.after}
    return {**sizes, **_text(change.place, change.kind)}


def _message(change: MessageChange) -> dict[str, Any]:
    return {
        "index": change.index,
        "how": change.how,
        "role": _name(change.role),
        "block": change.block,
        "what": _name(change.what),
        "before": change.before,
        "after": change.after,
        "messages": [change.messages_before, change.messages_after],
        **_text(change.place, change.kind),
    }


def _text(place: TextPlace | None, kind: str | None) -> dict[str, Any]:
    where = {} if place is None else {"line": place.line, "column": place.column}
    return where if kind is None else {**where, "kind": kind}
