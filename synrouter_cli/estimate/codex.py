"""Codex's transcripts, of which only usage is read: OpenAI caches by itself, so nothing needs to be replayed.

`token_count` events carry the last request's usage and the sum of all so far. They are repeated, and a fork begins with
those of its parent: an event whose sum is the one before is none, and a fork's answers have their parent's names.
OpenAI counts cached tokens as input too, and reasoning as output.

>>> usage = b'{"input_tokens":100,"cached_input_tokens":80,"output_tokens":5,"total_tokens":105}'
>>> info = b'{"last_token_usage":%s,"total_token_usage":%s}' % (usage, usage)
>>> line = b'{"type":"event_msg","payload":{"type":"token_count","info":%s}}' % info
>>> [event.usage.input_tokens for event in read([line, line], Named("s")) if isinstance(event, Answered)]
[20]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from synrouter_cli.estimate.events import Answered, Event, Named, Skipped, decoded, number, seconds, text
from synrouter_cli.wire.usage import Usage

__all__ = ["read"]

_decoder = msgspec.json.Decoder(dict[str, Any])
_OF_USE: Final = (b'"session_meta"', b'"turn_context"', b'"token_count"')
_COUNTS: Final = ("input_tokens", "cached_input_tokens", "output_tokens")


def read(lines: Iterable[bytes], name: Named) -> Iterator[Event]:
    """The events of one rollout: its name and its answers."""
    rollout = _Rollout(name)
    for raw in lines:
        if not any(word in raw for word in _OF_USE):
            if not raw.rstrip().endswith(b"}"):
                yield Skipped()
            continue
        entry = decoded(_decoder, raw)
        if entry is None:
            yield Skipped()
            continue
        payload = entry.get("payload")
        if isinstance(payload, dict):
            yield from rollout.feed(entry, payload)


class _Rollout:
    def __init__(self, name: Named) -> None:
        self._name = name
        self._named = False
        self._root = name.session
        self._provider = "openai"
        self._model = ""
        self._sum: Mapping[str, int] = dict.fromkeys(_COUNTS, 0)

    def feed(self, entry: Mapping[str, Any], payload: Mapping[str, Any]) -> Iterator[Event]:
        kind = entry.get("type")
        if kind == "session_meta" and not self._named:
            self._meta(payload)
        elif kind == "turn_context":
            self._model = text(payload.get("model")) or self._model
        elif kind == "event_msg" and payload.get("type") == "token_count":
            info = payload.get("info")
            if isinstance(info, dict):
                yield from self._counted(info, seconds(entry.get("timestamp")))

    def _meta(self, payload: Mapping[str, Any]) -> None:
        session = text(payload.get("id")) or self._name.session
        project = text(payload.get("cwd")).replace("\\", "/").rstrip("/").rpartition("/")[2]
        self._name = Named(session, project or self._name.project)
        self._root = text(payload.get("forked_from_id")) or _spawned_by(payload.get("source")) or session
        self._provider = text(payload.get("model_provider")) or self._provider

    def _counted(self, info: Mapping[str, Any], at: float) -> Iterator[Event]:
        total, last = info.get("total_token_usage"), info.get("last_token_usage")
        so_far = _counts(total) if isinstance(total, dict) else None
        if so_far is not None and so_far == self._sum:
            return
        counts = _counts(last) if isinstance(last, dict) else None
        if counts is None and so_far is not None:
            counts = {key: max(0, so_far[key] - self._sum[key]) for key in _COUNTS}
        if so_far is None and counts is not None:
            so_far = {key: self._sum[key] + counts[key] for key in _COUNTS}
        if counts is None or so_far is None or not any(counts.values()):
            return
        self._sum = so_far
        if not self._named:
            self._named = True
            yield self._name
        cached = min(counts["cached_input_tokens"], counts["input_tokens"])
        usage = Usage(
            input_tokens=counts["input_tokens"] - cached,
            cache_read_tokens=cached,
            output_tokens=counts["output_tokens"],
        )
        ident = f"{self._root}:{':'.join(str(so_far[key]) for key in _COUNTS)}"
        model = text(info.get("model")) or self._model
        yield Answered(ident, model, usage, at=at, provider=self._provider)


def _counts(reported: Mapping[str, Any]) -> dict[str, int]:
    return {key: number(reported.get(key)) for key in _COUNTS}


def _spawned_by(source: object) -> str:
    """The thread whose history a subagent's file begins with."""
    for key in ("subagent", "thread_spawn"):
        source = source.get(key) if isinstance(source, dict) else None
    return text(source.get("parent_thread_id")) if isinstance(source, dict) else ""
