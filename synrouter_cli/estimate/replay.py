"""A transcript's requests, one by one, on the cache model: as their client marked them, and as Synrouter would.

At `observe` no byte is changed, so what that costs *is* the client's own request on the model. Both runs see the same
requests at the same times with the same lengths, those that were reported, and both have the same luck: what the
provider lost before its time is lost for both, what somebody else kept warm is warm for both. Only markers differ.
Synrouter learns its user's habits as it goes, from the transcripts before.

>>> one = Answered("a", "claude-opus-4-8", Usage(input_tokens=9000, output_tokens=5), at=10.0)
>>> said = Said("user", [{"type": "text", "text": "hello"}], 5.0)
>>> [turn.safe.cache_write_tokens > 8000 for turn in replayed([Named("s"), said, one], {}, "claude-code", set())]
[True]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from synrouter_cli import meter
from synrouter_cli.cache.model import Split
from synrouter_cli.estimate.conversation import LAYOUTS, NOTHING, Conversation, Head, Layout
from synrouter_cli.estimate.events import Answered, Event, Kept, Named, Said, Skipped
from synrouter_cli.estimate.models import group_of
from synrouter_cli.estimate.synrouter import Synrouter
from synrouter_cli.estimate.upstream import Upstream
from synrouter_cli.prompt.body import Unplannable
from synrouter_cli.proxy.expecting import Expectations
from synrouter_cli.wire.usage import Usage

__all__ = ["MODELLED", "Habits", "Turn", "habits_of", "replayed"]

MODELLED: Final = "anthropic"
"""Whose models' cache is modelled."""
MOST_TOKENS: Final = 10_000_000
"""More than any model takes in, or gives out, at once."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request. `observe` and `safe` are its usage by the model; None where its cache is not modelled."""

    name: Named
    at: float
    """When it was sent, seconds since the epoch."""
    model: str
    group: str
    """Whose model it is: anthropic, openai …"""
    usage: Usage | None
    observe: Usage | None = None
    safe: Usage | None = None


@dataclass(frozen=True, slots=True)
class Habits:
    """How a client's requests were cached, by what it reported."""

    layout: Layout
    ttl: str
    shared: int = 0
    """The shortest prefix that was ever read, in tokens: what stays where all else is gone. 0 where none was."""


@dataclass(slots=True)
class _Written:
    read: int = 0
    five: int = 0
    hour: int = 0
    least_read: int = 0


def habits_of(events: Iterable[Event], client: str) -> dict[Named, Habits]:
    """A first look at a transcript: each thread's layout and lifetime.

    A thread that never read nor wrote a cache has none, whatever its client usually does.
    """
    sums: dict[Named, _Written] = {}
    name = Named("")
    for event in events:
        if isinstance(event, Named):
            name = event
        elif isinstance(event, Answered) and event.usage and group_of(event.model, event.provider) == MODELLED:
            read, written = event.usage.cache_read_tokens, sums.setdefault(name, _Written())
            written.read += read
            written.five += event.usage.cache_write_5m_tokens
            written.hour += event.usage.cache_write_1h_tokens
            written.least_read = min(read or written.least_read, written.least_read or read)
    usual = LAYOUTS.get(client, NOTHING)
    return {
        name: Habits(
            usual if written.read or written.five or written.hour else NOTHING,
            "1h" if written.hour > written.five else "5m",
            written.least_read,
        )
        for name, written in sums.items()
    }


def replayed(
    events: Iterable[Event],
    habits: Mapping[Named, Habits],
    client: str,
    seen: set[str],
    expectations: Expectations | None = None,
) -> Iterator[Turn | Skipped]:
    """The turns of a transcript, and the lines that could not be read.

    `seen` are ids of answers that were counted before; those are replayed, since they warmed the cache, but are no
    turns of this transcript. It grows. `expectations` are what was learned of earlier transcripts, and learn on.
    """
    threads: dict[Named, _Thread] = {}
    usual = Habits(LAYOUTS.get(client, NOTHING), "5m")
    expectations = expectations if expectations is not None else Expectations()

    def thread_of(name: Named) -> _Thread:
        if name not in threads:
            threads[name] = _Thread(name, habits.get(name, usual), Synrouter("safe", None, expectations, name.agent))
        return threads[name]

    thread = thread_of(Named(""))
    for event in events:
        if isinstance(event, Named):
            thread = thread_of(event)
        elif isinstance(event, Skipped):
            yield event
        elif isinstance(event, Answered):
            turn = thread.answered(event)
            if event.id not in seen:
                seen.add(event.id)
                yield turn
        elif isinstance(event, Said):
            thread.said(event)
        else:
            assert isinstance(event, Kept)
            thread.talk.keep(event.start, event.end)
    for ended in threads.values():
        ended.synrouter.over()


@dataclass(slots=True)
class _Thread:
    """One conversation, what the provider's cache has of it by the model, and Synrouter in front of another such."""

    name: Named
    habits: Habits
    synrouter: Synrouter
    talk: Conversation = field(default_factory=Conversation)
    head: Head | None = None
    sent_at: float = 0.0
    alone: dict[str, Upstream] = field(default_factory=dict)
    behind: dict[str, Upstream] = field(default_factory=dict)

    def said(self, event: Said) -> None:
        self.talk.say(event.role, event.blocks)
        self.sent_at = max(self.sent_at, event.at)

    def answered(self, event: Answered) -> Turn:
        """Replay the request of this answer, and go on with it."""
        if event.usage is not None and not _makes_sense(event.usage):
            event = replace(event, usage=None)
        self.sent_at = self.sent_at or event.at
        group = group_of(event.model, event.provider)
        turn = Turn(self.name, self.sent_at, event.model, group, event.usage)
        if group == MODELLED and not self.talk.is_empty:
            both = self._both(event)
            if both is not None and event.usage is not None:
                turn = replace(turn, observe=_billed(event.usage, both[0]), safe=_billed(event.usage, both[1]))
        self.talk.say("assistant", event.blocks)
        self.sent_at = max(self.sent_at, event.at)
        return turn

    def _both(self, event: Answered) -> tuple[Split, Split] | None:
        """How the prompt is billed at `observe` and at `safe`; None where it can't be said."""
        usage = event.usage
        total = usage.prompt_tokens if usage is not None else None
        if self.head is None and total is None:
            return None
        try:
            if self.head is None:
                self.head = Head.of((total or 0) - self.talk.tokens(), self.habits.shared)
            body = self.talk.body(msgspec.json.encode(event.model), self.head, self.habits.layout, self.habits.ttl)
            alone, behind = (at.setdefault(event.model, Upstream(event.model)) for at in (self.alone, self.behind))
            asked = alone.ask(body, self.sent_at, total)
            sent = self.synrouter.sends(body, self.sent_at, event.model)
            asked_by_us = behind.ask(sent.body, self.sent_at, total, same=asked)
        except (Unplannable, ValueError):  # a block of a shape that nobody knows
            return None
        luck = asked.luck(usage) if usage is not None else None
        observe, safe = alone.settle(asked, luck), behind.settle(asked_by_us, luck)
        sent.answered(safe, "tool_use" if any(block["type"] == "tool_use" for block in event.blocks) else "end_turn")
        return observe, safe


def _makes_sense(usage: Usage) -> bool:
    """Whether a prompt is reported, and nothing that no model could take."""
    return 0 < usage.prompt_tokens <= MOST_TOKENS and usage.output_tokens <= MOST_TOKENS


def _billed(usage: Usage, split: Split) -> Usage:
    """The reported usage with its prompt billed by the model; output and all else stay as they were."""
    return meter.with_split(
        usage,
        input_tokens=split.input,
        cache_read_tokens=split.read,
        cache_write_5m_tokens=split.write_5m,
        cache_write_1h_tokens=split.write_1h,
    )
