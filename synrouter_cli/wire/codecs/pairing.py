"""Calls and results in pairs, as Anthropic and OpenAI both want them: a call has an id that no other has, and its one
result stands right after the answer that called.

Clients and servers are less strict: ids come again with every answer (`call_0`), a history that was cut begins with a
result, a call that was broken off has none. Results that came late are moved up to their calls, a call without one
gets a word in its place, a result without a call is a text of the user's, and an id that is taken gets a number. What
is written for an answer and what stood before it never depends on what comes after its results.

>>> from synrouter_cli.wire.ir import Text, ToolResult, ToolUse
>>> call, said = Message("assistant", (ToolUse("c", "f", "{}"),)), Message("user", (Text("Go on"),))
>>> [type(one.blocks[0]).__name__ for one in paired((call, said))]
['ToolUse', 'ToolResult', 'Text']
>>> [one.blocks[0].id for one in paired((call, said, call)) if one.role == "assistant"]
['c', 'c_2']
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from synrouter_cli.wire.ir import Block, Message, Text, ToolResult, ToolUse

__all__ = ["paired", "plain_id", "shortened", "unused"]

_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9_-]")
Messages = tuple[Message, ...]
_NO_RESULT: Final = "(The call was broken off: it has no result.)"
_NO_CALL: Final = "(The result of a call that is not part of this conversation any more:)"


def paired(messages: Messages, shaped: Callable[[str], str] = str) -> Messages:
    """The conversation in pairs; the same value where it was so. `shaped` gives an id the form that the target takes,
    and the same id again for one that has it."""
    if _are_pairs(messages, shaped):
        return messages
    out: list[Message] = []
    taken: set[str] = set()
    at = 0
    while at < len(messages):
        answers = _run(messages, at, answer=True)
        rest = _run(messages, at + len(answers), answer=False)
        at += len(answers) + len(rest)
        called, names = _called(answers, taken, shaped)
        out += called
        out += _answered(rest, names) if rest or at < len(messages) else ()
    return tuple(out)


def unused(called: str, taken: set[str]) -> str:
    """An id that no other call has, by a number behind it where one has; it is taken then, in its plain form."""
    found, n = called, 1
    while plain_id(found) in taken:
        n += 1
        found = f"{called}_{n}"
    taken.add(plain_id(found))
    return found


def plain_id(called: str) -> str:
    """An id of the characters that the Messages API takes.

    >>> plain_id("functions.ls:0"), plain_id("")
    ('functions_ls_0', '_')
    """
    return _NOT_IN_IDS.sub("_", called) or "_"


def shortened(called: str, longest: int) -> str:
    """An id of no more than so many characters; a longer one ends with its digest.

    >>> shortened("call_1", 40), shortened("call_" + "x" * 60, 40)
    ('call_1', 'call_xxxxxxxxxxxxxxxxxxxxxx_b8823c910815')
    """
    if len(called) <= longest:
        return called
    digest = hashlib.sha256(called.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{called[: longest - 13]}_{digest[:12]}"


def _are_pairs(messages: Messages, shaped: Callable[[str], str]) -> bool:
    """Whether all is as it is to be, which it nearly always is."""
    taken: set[str] = set()
    waiting: list[str] = []
    for message in messages:
        if message.role == "assistant":
            if waiting:
                return False
            waiting = [block.id for block in message.blocks if block.__class__ is ToolUse]
            for called in waiting:
                plain = plain_id(called)
                if plain in taken or shaped(called) != called:
                    return False
                taken.add(plain)
            continue
        results = [block.id for block in message.blocks if block.__class__ is ToolResult]
        if results != waiting and sorted(results) != sorted(waiting):
            return False
        waiting = []
    return True


def _run(messages: Messages, start: int, *, answer: bool) -> Messages:
    end = start
    while end < len(messages) and (messages[end].role == "assistant") is answer:
        end += 1
    return messages[start:end]


Named = tuple[str, ToolUse]
"""What a call was called, and the call as it goes on."""


def _called(answers: Messages, taken: set[str], shaped: Callable[[str], str]) -> tuple[Messages, list[Named]]:
    """Answers whose calls have ids of their own; one message, where calls are in another than the last."""
    names: list[Named] = []
    out: list[Message] = []
    early = False
    for message in answers:
        early = early or bool(names)
        blocks = tuple([_own(one, names, taken, shaped) if isinstance(one, ToolUse) else one for one in message.blocks])
        same = all(new is old for new, old in zip(blocks, message.blocks, strict=True))
        out.append(message if same else replace(message, blocks=blocks))
    if early:
        out = [replace(out[0], blocks=tuple(block for one in out for block in one.blocks), bare=False)]
    return tuple(out), names


def _own(call: ToolUse, names: list[Named], taken: set[str], shaped: Callable[[str], str]) -> ToolUse:
    name = shaped(unused(shaped(call.id), taken))
    taken.add(plain_id(name))
    own = call if name == call.id else replace(call, id=name)
    names.append((call.id, own))
    return own


def _answered(rest: Messages, names: list[Named]) -> Sequence[Message]:
    """What follows an answer: the results of its calls first, together, then the rest as it stood."""
    if _is_answer(rest, names):
        return rest
    waiting = list(names)
    results: list[Block] = []
    others: list[Message] = []
    for message in rest:
        kept: list[Block] = []
        for block in message.blocks:
            if isinstance(block, ToolResult):
                _place(block, waiting, results, kept)
            else:
                kept.append(block)
        changed = len(kept) < len(message.blocks) or any(isinstance(one, ToolResult) for one in message.blocks)
        if kept or not changed:
            others.append(replace(message, blocks=tuple(kept), bare=False) if changed else message)
    results += [ToolResult(call.id, (Text(_NO_RESULT),), None, True, call.kind) for _, call in waiting]
    return [Message("user", tuple(results)), *others] if results else others


def _is_answer(rest: Messages, names: list[Named]) -> bool:
    """Whether the results are those of the calls, all in the first message."""
    found = [(i, one.id) for i, message in enumerate(rest) for one in message.blocks if isinstance(one, ToolResult)]
    if not names and not found:
        return True
    wanted = [call.id for given, call in names if given == call.id]
    return (
        len(wanted) == len(names)
        and not any(i for i, _ in found)
        and (not found or rest[0].role == "user")
        and sorted(one for _, one in found) == sorted(wanted)
    )


def _place(result: ToolResult, waiting: list[Named], results: list[Block], kept: list[Block]) -> None:
    """A result to its call, or to what the user says."""
    named = next((one for one in waiting if one[0] == result.id), None)
    if named is None:
        kept += [Text(_NO_CALL), *result.content]
        return
    waiting.remove(named)
    results.append(result if named[1].id == result.id else replace(result, id=named[1].id))
