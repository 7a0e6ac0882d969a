"""Pi's transcripts, and those of OpenClaw, which has the same entries: a tree, a line an entry.

An entry whose parent is not the newest one begins a branch there. A compaction leaves its summary and the entries from
`firstKeptEntryId` on (pi-mono, `docs/session.md`). Writes are not told apart by lifetime: they count as 5 minutes'.

>>> said = b'{"type":"message","id":"a","parentId":null,"message":{"role":"user","content":"hello"}}'
>>> [type(event).__name__ for event in read([b'{"type":"session","id":"s","cwd":"/home/me/shop"}', said], Named(""))]
['Named', 'Said']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from synrouter_cli.estimate.events import (
    Answered,
    Block,
    Event,
    Named,
    Said,
    Skipped,
    Thread,
    decoded,
    number,
    seconds,
    text,
)
from synrouter_cli.wire.usage import Usage

__all__ = ["read"]

_decoder = msgspec.json.Decoder(dict[str, Any])
_SUMMARY_BEFORE: Final = "The conversation so far, as a summary: "
"""Stands for the sentence that the client puts before a summary; its length is all that matters."""


def read(lines: Iterable[bytes], name: Named) -> Iterator[Event]:
    """The events of one file. `name` is what is known of it before it is read."""
    tree = _Tree(name)
    for raw in lines:
        entry = decoded(_decoder, raw)
        if entry is None:
            yield Skipped()
            continue
        yield from tree.feed(entry)


class _Tree:
    def __init__(self, name: Named) -> None:
        self._name = name
        self._named = False
        self._thread = Thread()
        self._newest = ""

    def feed(self, entry: Mapping[str, Any]) -> Iterator[Event]:
        kind = entry.get("type")
        if kind == "session":
            project = text(entry.get("cwd")).replace("\\", "/").rstrip("/").rpartition("/")[2]
            self._name = Named(text(entry.get("id")) or self._name.session, project or self._name.project)
            return
        if not self._named:
            self._named = True
            yield self._name
        ident, parent = text(entry.get("id")), text(entry.get("parentId"))
        if parent and parent != self._newest:
            yield from self._thread.branch(parent)
        if kind == "compaction":
            yield from self._compaction(entry)
        else:
            said = _said(entry, kind)
            if said is not None:
                yield said
                self._thread.add(1)
        if ident:
            self._thread.passed(ident)
            self._newest = ident

    def _compaction(self, entry: Mapping[str, Any]) -> Iterator[Event]:
        first = text(entry.get("firstKeptEntryId"))
        start = self._thread.before(first) if self._thread.knows(first) else self._thread.length
        summary = _SUMMARY_BEFORE + text(entry.get("summary"))
        # the summary goes on behind what was kept: where it stands makes no difference to what a cache has of it
        yield from self._thread.forget(start)
        yield Said("user", [{"type": "text", "text": summary}], seconds(entry.get("timestamp")))
        self._thread.add(1)


def _said(entry: Mapping[str, Any], kind: object) -> Said | Answered | None:
    """The message that an entry puts into the conversation; None where it puts none."""
    message = entry.get("message")
    at = seconds(entry.get("timestamp"))
    if kind == "custom_message":
        return _plain(entry.get("content"), at)
    if kind == "branch_summary":
        return _plain(_SUMMARY_BEFORE + text(entry.get("summary")), at)
    if kind != "message" or not isinstance(message, dict):
        return None
    role = message.get("role")
    if role == "assistant":
        return _answered(entry, message, at)
    if role == "toolResult":
        return Said("user", [_result(message)], at)
    if role == "bashExecution":
        ran = f"Ran `{text(message.get('command'))}`\n{text(message.get('output'))}"
        return None if message.get("excludeFromContext") else _plain(ran, at)
    return _plain(message.get("content") or message.get("summary"), at) if isinstance(role, str) else None


def _plain(content: object, at: float) -> Said | None:
    blocks = _blocks(content)
    return Said("user", blocks, at) if blocks else None


def _answered(entry: Mapping[str, Any], message: Mapping[str, Any], at: float) -> Answered:
    ident = text(entry.get("id"))
    return Answered(
        id=f"{ident or message.get('responseId') or ''}@{entry.get('timestamp')}",
        model=text(message.get("model")),
        usage=_usage(message.get("usage")),
        blocks=_blocks(message.get("content")),
        at=seconds(message.get("timestamp")) or at,
        provider=text(message.get("provider")),
    )


def _usage(reported: object) -> Usage | None:
    if not isinstance(reported, dict):
        return None
    usage = Usage(
        input_tokens=number(reported.get("input")),
        cache_read_tokens=number(reported.get("cacheRead")),
        cache_write_5m_tokens=number(reported.get("cacheWrite")),
        output_tokens=number(reported.get("output")),
    )
    return usage if usage.prompt_tokens or usage.output_tokens else None


def _result(message: Mapping[str, Any]) -> Block:
    return {
        "type": "tool_result",
        "tool_use_id": text(message.get("toolCallId")),
        "content": _blocks(message.get("content")),
    }


def _blocks(content: object) -> list[Block]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if not isinstance(content, list):
        return []
    return [block for item in content if isinstance(item, dict) and (block := _block(item)) is not None]


def _block(item: Mapping[str, Any]) -> Block | None:
    """A content block as the Messages API takes it; None for what is none."""
    kind = item.get("type")
    if kind == "text":
        return {"type": "text", "text": text(item.get("text"))} if item.get("text") else None
    if kind == "thinking":
        signature = text(item.get("thinkingSignature"))
        return {"type": "thinking", "thinking": text(item.get("thinking")), "signature": signature}
    if kind == "toolCall":
        given = item.get("arguments")
        use = {"type": "tool_use", "id": text(item.get("id")), "name": text(item.get("name"))}
        return {**use, "input": given if isinstance(given, dict) else {}}
    if kind == "image":
        source = {"type": "base64", "media_type": text(item.get("mimeType")), "data": text(item.get("data"))}
        return {"type": "image", "source": source}
    return None
