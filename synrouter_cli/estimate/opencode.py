"""OpenCode's and Kilo's messages and parts, the same in their databases and in the JSON files of older versions.

A `step-finish` part ends a request and has its usage; an answer without one has it on the message. A tool part holds
both the call and its result. A compaction leaves the question for the summary and the summary. Results that the client
cleared later on are taken as they were.

>>> user, done = {"role": "user"}, {"role": "assistant", "modelID": "m", "tokens": {"input": 9, "output": 1}}
>>> [type(event).__name__ for event in read([("a", user, [{"type": "text", "text": "hi"}]), ("b", done, [])])]
['Said', 'Answered']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from synrouter_cli.estimate.events import Answered, Block, Event, Kept, Said, number, seconds, text
from synrouter_cli.wire.usage import Usage

__all__ = ["Entry", "read"]

Entry = tuple[str, Mapping[str, Any], Sequence[Mapping[str, Any]]]
"""A message's id, the message, its parts in order."""
_SUMMARY_ASKED: Final = "What did we do so far?"


def read(messages: Iterable[Entry]) -> Iterator[Event]:
    """The events of one session, its messages in order."""
    length = 0
    for ident, message, parts in messages:
        created = seconds(_dict(message.get("time")).get("created"))
        if message.get("role") == "user":
            blocks = [block for part in parts if (block := _block(part)) is not None]
            if blocks:
                yield Said("user", blocks, created)
                length += 1
        elif message.get("role") == "assistant":
            for event in _answers(ident, message, parts, created):
                yield event
                length += 1
            if message.get("summary") is True and length > 2:
                yield Kept(length - 2, None)
                length = 2


def _answers(
    ident: str, message: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], created: float
) -> Iterator[Said | Answered]:
    steps = list(_steps(parts))
    counted = any(tokens is not None for _, tokens in steps)
    for place, (step, tokens) in enumerate(steps):
        if counted and tokens is None:
            continue  # a step that was broken off
        blocks = [block for part in step if (block := _block(part)) is not None]
        yield Answered(
            id=f"{ident}:{place}",
            model=text(message.get("modelID")),
            usage=_usage(tokens if counted else message.get("tokens")),
            blocks=blocks,
            at=created,
            provider=text(message.get("providerID")),
        )
        results = [_result(part) for part in step if part.get("type") == "tool"]
        if results:
            ended = (seconds(_dict(_dict(part.get("state")).get("time")).get("end")) for part in step)
            yield Said("user", results, max(ended, default=0.0))


def _steps(parts: Sequence[Mapping[str, Any]]) -> Iterator[tuple[list[Mapping[str, Any]], object]]:
    """The parts of each request, and its tokens where a part says them."""
    step: list[Mapping[str, Any]] = []
    ended = False
    for part in parts:
        if part.get("type") == "step-finish":
            yield step, part.get("tokens")
            step, ended = [], True
        else:
            step.append(part)
    if not ended or any(_block(part) is not None for part in step):
        yield step, None


def _usage(reported: object) -> Usage | None:
    tokens, cache = _dict(reported), _dict(_dict(reported).get("cache"))
    given, read, written = number(tokens.get("input")), number(cache.get("read")), number(cache.get("write"))
    output = number(tokens.get("output")) + number(tokens.get("reasoning"))
    total = number(tokens.get("total"))
    if total:  # some versions count reasoning as output, some beside it: the total says which
        output = min(output, max(0, total - given - read - written))
    usage = Usage(input_tokens=given, cache_read_tokens=read, cache_write_5m_tokens=written, output_tokens=output)
    return usage if usage.prompt_tokens or usage.output_tokens else None


def _block(part: Mapping[str, Any]) -> Block | None:
    """A part as a content block; None for one that the provider never sees."""
    kind = part.get("type")
    if kind == "text":
        said = "" if part.get("ignored") else text(part.get("text"))
        return {"type": "text", "text": said} if said else None
    if kind == "reasoning":
        anthropic = _dict(_dict(part.get("metadata")).get("anthropic"))
        return {
            "type": "thinking",
            "thinking": text(part.get("text")),
            "signature": text(anthropic.get("signature")),
        }
    if kind == "tool":
        given = _dict(_dict(part.get("state")).get("input"))
        return {"type": "tool_use", "id": text(part.get("callID")), "name": text(part.get("tool")), "input": given}
    if kind == "file":
        return _file(text(part.get("mime")), text(part.get("url")))
    if kind in ("compaction", "subtask"):
        return {"type": "text", "text": _SUMMARY_ASKED}
    return None


def _file(mime: str, url: str) -> Block | None:
    if mime.startswith("image/") and ";base64," in url:
        source = {"type": "base64", "media_type": mime, "data": url.partition(";base64,")[2]}
        return {"type": "image", "source": source}
    return None


def _result(part: Mapping[str, Any]) -> Block:
    state = _dict(part.get("state"))
    output = state.get("output", state.get("error", "(interrupted)"))
    if not isinstance(output, str):
        output = msgspec.json.encode(output).decode()
    return {"type": "tool_result", "tool_use_id": text(part.get("callID")), "content": output}


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
