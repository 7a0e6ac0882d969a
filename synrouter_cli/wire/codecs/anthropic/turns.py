"""A conversation in the order that the Messages API takes.

- Results of calls come first in the message right after the calls: results in several messages, or behind other words,
  are brought together there.
- A system or developer message before the first turn belongs to `system`. A later one is a `role: system` entry where
  the model takes those and the API's rule of place allows it: right after a user's message, and nothing but an answer
  after it. Anywhere else it stands in the user's turn as text within `<system>`.
- Neighbouring messages of the assistant are one; the first message is the user's; none is empty.

What is written for a message never depends on what comes after the next answer, so a longer history has the shorter
one's bytes as its beginning.

>>> from synrouter_cli.wire.ir import Text
>>> told = (Message("user", (Text("hi"),)), Message("developer", (Text("be brief"),)))
>>> [one["role"] for one in turns(told, Writer(), system_entries=True)]
['user', 'system']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from synrouter_cli.wire.codecs.anthropic.blocks_out import Writer, marker
from synrouter_cli.wire.codecs.made import Made
from synrouter_cli.wire.ir import Block, Loss, Message, Text, ToolResult, ToolUse
from synrouter_cli.wire.losses import field

__all__ = ["leading", "opens_with_thinking", "turns"]

Json = dict[str, Any]
_SYSTEM: Final = ("system", "developer")
_UNMARKED: Final = ("thinking", "redacted_thinking")
_NOBODY: Final = {"role": "user", "content": "(Nothing was said yet.)"}
_MADE: Final[Made[tuple[Json, list[Loss]]]] = Made()


class _Placed(Struct, frozen=True, gc=False):
    """A message and where it stood."""

    at: int
    message: Message


def leading(messages: Sequence[Message]) -> int:
    """How many messages stand before the first turn."""
    return next((i for i, one in enumerate(messages) if not _instructs(one)), len(messages))


def _instructs(message: Message) -> bool:
    """Whether it is an instruction in words: pictures and files are the user's to show."""
    return message.role in _SYSTEM and all(isinstance(block, Text) for block in message.blocks)


def turns(messages: Sequence[Message], to: Writer, *, system_entries: bool) -> list[Json]:
    """The `messages` of a request, without those that belong to `system`."""
    if to.own:  # as it came; what is wrong with it the API says
        return _said(_message(one.role, one, i, to) for i, one in enumerate(messages))
    out: list[Json] = []
    start, answered = leading(messages), messages[:0]
    while start < len(messages):
        answers = messages[start].role == "assistant"
        stop = start + 1
        while stop < len(messages) and (messages[stop].role == "assistant") is answers:
            stop += 1
        only = messages[start] if stop == start + 1 else None
        if only is not None and (answers or (only.role == "user" and len(only.blocks) == 1)):
            written = [_message(only.role, only, start, to)]
        else:
            run = [_Placed(at, messages[at]) for at in range(start, stop)]
            written = _answers(run, to) if answers else list(_asked(run, answered, to, system_entries=system_entries))
        said = _said(written)
        if not said and (not answers or (out and out[-1]["role"] == "system")):  # where the next message can't follow
            said = [{**_NOBODY, "role": "assistant" if answers else "user"}]
        out += said
        answered, start = messages[start:stop] if answers else answered, stop
    if not out:
        return [dict(_NOBODY)]
    return out if out[0]["role"] == "user" else [dict(_NOBODY), *out]


def _said(written: Iterable[Json]) -> list[Json]:
    """Those that say something: what has no content may still have something else."""
    return [one for one in written if one["content"] or len(one) > 2]


def _calls(messages: Sequence[Message]) -> bool:
    return any(isinstance(block, ToolUse) for one in messages for block in one.blocks)


def _answers(run: list[_Placed], to: Writer) -> list[Json]:
    """The assistant's words: one message."""
    if len(run) == 1:
        return [_message("assistant", one.message, one.at, to) for one in run]
    content = [block for one in run for block in _content(one, to)]
    return [{"role": "assistant", "content": content, **_extras(run[0].message, to, run[0].at)}]


def _asked(run: list[_Placed], answered: Sequence[Message], to: Writer, *, system_entries: bool) -> Iterator[Json]:
    """What stands between two answers, of which `answered` is the first."""
    with_results = _with_results(run) if _calls(answered) else 0
    if with_results:
        yield _results(run[:with_results], to)
    rest = run[with_results:]
    last = _told_last(rest) if system_entries else 0
    told = last if with_results or len(rest) > last else 0
    for one in rest[: len(rest) - told]:
        yield _message("user", one.message, one.at, to)
    if told:
        yield _entry(rest[len(rest) - told :], to)


def _with_results(run: list[_Placed]) -> int:
    """How many messages are to be made one, so that results come first; 0 where they do already."""
    first = run[0].message
    if len(run) == 1 and len(first.blocks) == 1 and first.role == "user":
        return 0
    holding = [i for i, one in enumerate(run) if any(isinstance(b, ToolResult) for b in one.message.blocks)]
    if not holding:
        return 0
    kinds = [isinstance(one, ToolResult) for one in first.blocks]
    in_order = holding == [0] and first.role == "user" and kinds == sorted(kinds, reverse=True)
    return 0 if in_order else holding[-1] + 1


def _results(run: list[_Placed], to: Writer) -> Json:
    content = [block for one in run for block in _content(one, to)]
    content.sort(key=lambda block: block["type"] != "tool_result")
    return {"role": "user", "content": content}


def _told_last(run: list[_Placed]) -> int:
    """How many system or developer messages end the run."""
    return next((i for i, one in enumerate(reversed(run)) if not _instructs(one.message)), len(run))


def _entry(run: list[_Placed], to: Writer) -> Json:
    if len(run) == 1:
        return _message("system", run[0].message, run[0].at, to)
    return {"role": "system", "content": [block for one in run for block in _content(one, to, folded=False)]}


def _message(role: str, message: Message, at: int, to: Writer) -> Json:
    """A message with nothing of its neighbours in it: the same again, and the same losses, where it stands again."""
    context = (role, at, to.own)
    made = _MADE.get(message, context)
    if made is None:
        before = len(to.losses)
        out = _written(role, _Placed(at, message), to)
        _MADE.keep(message, context, (out, to.losses[before:]))
        return out
    to.losses += made[1]
    return made[0]


def _written(role: str, one: _Placed, to: Writer) -> Json:
    message = one.message
    folded = role == "user" and message.role in _SYSTEM
    only = message.blocks[0] if len(message.blocks) == 1 else None
    content: Any
    plain = message.bare and isinstance(only, Text) and only.cache is message.cache is None and not folded
    if plain and isinstance(only, Text) and (to.own or only.text.strip()):
        content = only.text
    else:
        content = _content(one, to, folded=folded)
    if not content:
        to.lose("empty_message", f"messages.{one.at}")
    out = {"role": role, "content": content}
    return out if message.name is None and not message.extras else out | _extras(message, to, one.at)


def _content(one: _Placed, to: Writer, *, folded: bool | None = None) -> list[Json]:
    message = one.message
    fold = message.role in _SYSTEM if folded is None else folded
    blocks: tuple[Block, ...] = message.blocks
    if fold:
        blocks = tuple(_told(block) for block in blocks)
    content = to.blocks(blocks, (("messages", one.at), "content"))
    if message.cache is not None:
        _mark(content, message, to, one.at)
    return content


def _told(block: Block) -> Block:
    """An instruction within the user's turn."""
    if not isinstance(block, Text) or not block.text:
        return block
    return Text(f"<system>\n{block.text}\n</system>", block.cache)


def _mark(content: list[Json], message: Message, to: Writer, at: int) -> None:
    """A marker on the message object marks the last block that may bear one."""
    assert message.cache is not None
    for i, block in reversed(list(enumerate(content))):
        if block["type"] not in _UNMARKED:
            content[i] = block if "cache_control" in block else {**block, "cache_control": marker(message.cache)}
            return
    to.lose("cache_marker", f"messages.{at}")


def _extras(message: Message, to: Writer, at: int) -> Json:
    if message.name is not None:
        to.lose("message_name", f"messages.{at}.name")
    if to.own:
        return dict(message.extras)
    to.losses.extend(field(name, f"messages.{at}.{name}") for name in message.extras)
    return {}


def opens_with_thinking(written: Sequence[Json]) -> bool:
    """Whether the answer that the last results belong to begins with thinking, as models with a budget want it.
    `written` is what `turns` gave, so that thinking which was left out does not count."""
    for one in reversed(written):
        kinds = [block["type"] for block in one["content"]] if isinstance(one["content"], list) else ["text"]
        if one["role"] == "assistant":
            return "tool_use" not in kinds or kinds[0] in _UNMARKED
        if one["role"] == "user" and "tool_result" not in kinds:
            return True
    return True
