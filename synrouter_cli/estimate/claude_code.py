"""Claude Code's transcripts: a line a content block, usage repeated on each, counted once by message id.

Blocks of one answer may stand apart, with results of its tools between them: they are put together again. A person's
line whose parent stands further back is a rewind; a compaction begins the conversation anew; subagents (`isSidechain`)
are conversations of their own, in this file or in files of their own. Lines that are only for the screen are left out.

>>> line = b'{"type":"user","uuid":"u","message":{"role":"user","content":"hello"},"timestamp":"2026-11-21T10:00:00Z"}'
>>> [type(event).__name__ for event in read([line, b'{"cut of'], Named("s"))]
['Named', 'Said', 'Skipped']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from synrouter_cli.estimate.events import Answered, Block, Event, Named, Said, Skipped, Thread, decoded, seconds, text
from synrouter_cli.wire.reported import Reported
from synrouter_cli.wire.usage import Usage

__all__ = ["blocks_of", "read", "usage_of"]


class _Line(msgspec.Struct):
    type: str = ""
    subtype: str | None = None
    uuid: str | None = None
    parentUuid: str | None = None
    sessionId: str | None = None
    agentId: str | None = None
    cwd: str | None = None
    timestamp: Any = None
    isSidechain: bool = False
    isCompactSummary: bool = False
    isVisibleInTranscriptOnly: bool = False
    isApiErrorMessage: bool = False
    message: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct):
    content: Any = ""
    id: str | None = None
    model: str | None = None
    usage: Any = None


_line = msgspec.json.Decoder(_Line)
_message = msgspec.json.Decoder(_Message)


def read(lines: Iterable[bytes], name: Named) -> Iterator[Event]:
    """The events of one file. `name` is what the file's own name says; lines of subagents say the rest."""
    threads: dict[str, _Conversation] = {}
    agents: dict[str, str] = {}
    current: _Conversation | None = None
    for raw in lines:
        line = decoded(_line, raw)
        if line is None:
            yield Skipped()
            continue
        if line.type not in _KINDS:
            continue
        agent = _agent(line, agents, name.agent)
        conversation = threads.get(agent)
        if conversation is None:
            session = name.session or line.sessionId or ""
            project = text(line.cwd).replace("\\", "/").rstrip("/").rpartition("/")[2] or name.project
            conversation = threads[agent] = _Conversation(Named(session, project, agent))
        if conversation is not current:
            yield conversation.name
            current = conversation
        try:
            yield from conversation.feed(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            yield Skipped()
    for conversation in threads.values():
        if conversation.is_open:
            if conversation is not current:
                yield conversation.name
                current = conversation
            yield from conversation.flush()


def usage_of(reported: object) -> Usage | None:
    """A `usage` object of the Messages API; None where there is none, or none that makes sense."""
    try:
        usage = msgspec.convert(reported, Reported).usage()
    except msgspec.MsgspecError:
        return None
    return usage if usage.prompt_tokens or usage.output_tokens else None


def blocks_of(content: object) -> list[Block]:
    """A message's content as a list of blocks."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if not isinstance(content, list):
        return []
    return [block for block in content if isinstance(block, dict) and isinstance(block.get("type"), str)]


_KINDS = frozenset({"user", "assistant", "system", "attachment", "progress"})
"""Lines that have a place in the conversation; only the first two carry messages."""


def _agent(line: _Line, agents: dict[str, str], own: str) -> str:
    """Which subagent a line is of; older versions say only that it is one, and of which line it goes on."""
    agent = own
    if line.isSidechain and not own:
        agent = line.agentId or agents.get(line.parentUuid or "") or (line.uuid or "sidechain")[:8]
    if line.uuid and agent:
        agents[line.uuid] = agent
    return agent


@dataclass(slots=True)
class _Open:
    """An answer whose blocks are still coming, and results of its tools that came between them."""

    answer: Answered
    blocks: list[Block] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    results: list[Block] = field(default_factory=list)
    result_entries: list[str] = field(default_factory=list)
    results_at: float = 0.0


class _Conversation:
    """One thread: the main one, or a subagent's."""

    def __init__(self, name: Named) -> None:
        self.name = name
        self._thread = Thread()
        self._open: _Open | None = None
        self._above: dict[str, str] = {}
        """Lines that say nothing, and what they stand behind."""
        self._seen: set[str] = set()

    @property
    def is_open(self) -> bool:
        return self._open is not None

    def feed(self, line: _Line) -> Iterator[Event]:
        if line.uuid:
            if line.uuid in self._seen:
                return
            self._seen.add(line.uuid)
        if line.type == "system" and line.subtype == "compact_boundary":
            yield from self._begin_anew()
        elif line.type == "assistant" and not line.isApiErrorMessage:
            yield from self._assistant(line)
        elif line.type == "user" and (line.isCompactSummary or not line.isVisibleInTranscriptOnly):
            yield from self._user(line)
        elif line.uuid and line.parentUuid:
            self._above[line.uuid] = line.parentUuid

    def _begin_anew(self) -> Iterator[Event]:
        yield from self.flush()
        yield from self._thread.forget(self._thread.length)

    def _assistant(self, line: _Line) -> Iterator[Event]:
        message = _message.decode(line.message)
        if message.model == "<synthetic>" or not message.model:
            if line.uuid and line.parentUuid:
                self._above[line.uuid] = line.parentUuid
            return
        ident = message.id or line.uuid or ""
        usage = usage_of(message.usage)
        if self._open is None or self._open.answer.id != ident:
            yield from self.flush()
            self._open = _Open(Answered(ident, message.model, usage, at=seconds(line.timestamp)))
        answer = self._open.answer
        if usage is not None and (answer.usage is None or usage.output_tokens >= answer.usage.output_tokens):
            self._open.answer = replace(answer, usage=usage)  # the last report of an answer is the whole one
        self._open.blocks += blocks_of(message.content)
        if line.uuid:
            self._open.entries.append(line.uuid)

    def _user(self, line: _Line) -> Iterator[Event]:
        blocks = blocks_of(_message.decode(line.message).content)
        at = seconds(line.timestamp)
        is_result = any(block["type"] == "tool_result" for block in blocks)
        if is_result and self._open is not None:
            self._open.results += blocks
            self._open.results_at = max(self._open.results_at, at)
            if line.uuid:
                self._open.result_entries.append(line.uuid)
            return
        if line.isCompactSummary:
            yield from self._begin_anew()
        else:
            yield from self.flush()
            if not is_result and line.parentUuid:
                yield from self._thread.branch(self._behind(line.parentUuid))
        if blocks:
            yield Said("user", blocks, at)
            self._thread.add(1)
        if line.uuid:
            self._thread.passed(line.uuid)

    def _behind(self, entry: str) -> str:
        """The line with a message that this one stands behind."""
        for _ in range(len(self._above) + 1):
            if self._thread.knows(entry) or entry not in self._above:
                break
            entry = self._above[entry]
        return entry

    def flush(self) -> Iterator[Event]:
        """The open answer is whole."""
        done, self._open = self._open, None
        if done is None:
            return
        yield replace(done.answer, blocks=tuple(done.blocks))
        self._thread.add(1)
        for entry in done.entries:
            self._thread.passed(entry)
        if done.results:
            yield Said("user", tuple(done.results), done.results_at)
            self._thread.add(1)
        for entry in done.result_entries:
            self._thread.passed(entry)
