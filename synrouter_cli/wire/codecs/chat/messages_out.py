"""Values → messages. Results of tools come right after the calls that they belong to, whatever else the user says in
the same breath after them; images of a result follow in a user message, since a tool message is text.

>>> leaving = Leaving(Target(), foreign=True)
>>> said = Message("user", (ToolResult("c1", (Text("ok"),)), Text("Go on")))
>>> [message["role"] for message in messages_out(Request("m", messages=(said,)), leaving)]
['tool', 'user']
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from synrouter_cli.wire.codecs.chat.calls import call_out
from synrouter_cli.wire.codecs.chat.fields import Object
from synrouter_cli.wire.codecs.chat.leaving import Leaving, Target
from synrouter_cli.wire.codecs.chat.parts import part_out
from synrouter_cli.wire.codecs.chat.reasoning import call_extras, reasoning_out
from synrouter_cli.wire.codecs.chat.weaving import Placed, placed
from synrouter_cli.wire.codecs.made import Made
from synrouter_cli.wire.ir import (
    Block,
    Loss,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Request,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)

__all__ = ["Target", "messages_out", "with_system_first"]

_SYSTEM: Final = ("system", "developer")
_WORDS: Final = (Text, Refusal)
_ANSWERS: Final = (Text, Refusal, Opaque, Thinking, RedactedThinking)
_JOINT: Final = "\n\n"
"""Between texts that were told apart."""
_PLAIN: Final = {"type", "text"}
_THOUGHT: Final = (Thinking, RedactedThinking)
_FAILED: Final = "Error: "
_SAYS_SO: Final = 80
"""Characters at the start of a result in which the word error is looked for."""
_MADE: Final[Made[tuple[list[Object], list[Loss]]]] = Made()


def with_system_first(request: Request, leaving: Leaving) -> Request:
    """The instructions before the first turn as one system prompt, and later ones as the user's words: many servers
    know no role `developer`, and their models' templates a system message nowhere else."""
    start = next((i for i, one in enumerate(request.messages) if not _instructs(one)), len(request.messages))
    leaving.led = start
    first = tuple(block for one in request.messages[:start] for block in one.blocks if isinstance(block, Text))
    rest = tuple([_as_users(one) if one.role in _SYSTEM else one for one in request.messages[start:]])
    bare = request.system_bare and not first
    return replace(request, system=(*request.system, *first), system_bare=bare, messages=rest)


def _instructs(message: Message) -> bool:
    return message.role in _SYSTEM and all(isinstance(block, Text) for block in message.blocks)


def _as_users(message: Message) -> Message:
    blocks = [
        replace(one, text=f"<system>\n{one.text}\n</system>") if isinstance(one, Text) and one.text else one
        for one in message.blocks
    ]
    return replace(message, role="user", blocks=tuple(blocks))


def messages_out(request: Request, leaving: Leaving) -> list[Object]:
    """The system prompt as the first message, and the conversation. One message may become several."""
    found: list[Object] = []
    if request.system:
        content = _content(request.system, request.system_bare, "system", leaving)
        found.append({"role": "system", "content": content})
    target = leaving.target
    for i, message in enumerate(request.messages, leaving.led):
        context = (i, leaving.foreign, leaving.plain, leaving.files, target.markers, target.reasoning)
        made = _MADE.get(message, context)
        if made is None:
            before = len(leaving.losses)
            written = _message_out(message, f"messages.{i}", leaving)
            made = _MADE.keep(message, context, (written, leaving.losses[before:]))
        else:
            leaving.losses += made[1]
        found += made[0]
    return found


def _message_out(message: Message, path: str, leaving: Leaving) -> list[Object]:
    if message.role == "assistant":
        return _assistant_out(message, path, leaving)
    if message.role == "user":
        return _user_out(message, path, leaving)
    return _said(message.role, message, list(enumerate(message.blocks)), path, leaving)


def _named(message: Message, path: str, leaving: Leaving) -> Object:
    named = {"name": message.name} if message.name is not None else {}
    return named if message.cache is None and not message.extras else {**named, **leaving.marked(message, path)}


def _content(blocks: Sequence[Block], bare: bool, path: str, leaving: Leaving, at: Sequence[int] = ()) -> Any:
    """A string where the source had one, or where a foreign source has one plain text: the same for both of its
    spellings; or texts alone, where the server may take no parts. Else the parts."""
    parts: list[Object] = []
    for place, block in enumerate(blocks):
        parts += part_out(block, f"{path}.{at[place] if at else place}", leaving)
    flat = bare or (leaving.foreign and len(parts) == 1) or (leaving.plain and len(parts) > 1)
    return _flat(parts, leaving) if flat and all(part.keys() == _PLAIN for part in parts) else parts


def _flat(parts: Sequence[Object], leaving: Leaving) -> str:
    return (_JOINT if leaving.plain else "").join(part["text"] for part in parts)


def _said(
    role: str, message: Message, blocks: Sequence[tuple[int, Block]], path: str, leaving: Leaving
) -> list[Object]:
    """A message of what is no call, result or thinking; none where nothing of it could come along."""
    shown = [one for one in blocks if not isinstance(one[1], _WORDS)] if leaving.foreign and role != "user" else []
    if shown:  # in an instruction there are words only
        words = [one for one in blocks if one not in shown]
        return [
            *(_said(role, message, words, path, leaving) if words else ()),
            *_said("user", message, shown, path, leaving),
        ]
    content = _content([b for _, b in blocks], message.bare, f"{path}.content", leaving, [i for i, _ in blocks])
    if not content and blocks and not message.bare:
        leaving.lose("empty_message", path)
        return []
    return [{"role": role, "content": content, **_named(message, path, leaving)}]


# ── the user ──


def _user_out(message: Message, path: str, leaving: Leaving) -> list[Object]:
    results = [(i, block) for i, block in enumerate(message.blocks) if isinstance(block, ToolResult)]
    others = [(i, block) for i, block in enumerate(message.blocks) if not isinstance(block, ToolResult)]
    found: list[Object] = []
    shown: list[Object] = []
    for i, result in results:
        found.append(_result_out(result, f"{path}.content.{i}", leaving, shown))
    if shown:
        found.append({"role": "user", "content": shown})
    if others or not results:
        found += _said("user", message, others, path, leaving)
    return found


def _result_out(result: ToolResult, path: str, leaving: Leaving, shown: list[Object]) -> Object:
    """A tool message; what of the result is no text goes into `shown`, with a word on whose it is, unless it stood
    in a message of this dialect already."""
    if (words := _words(result, leaving)) is not None:
        return {"role": "tool", "tool_call_id": result.id, "content": words}
    texts: list[Object] = []
    media: list[Object] = []
    for i, block in enumerate(result.content):
        for part in part_out(block, f"{path}.content.{i}", leaving):
            (texts if part["type"] == "text" or not leaving.foreign else media).append(part)
    if media:
        shown.append({"type": "text", "text": f"Of the result of {result.id}:"})
        shown += media
        if not texts:
            texts.append({"type": "text", "text": "See the next message."})
    if result.is_error:
        _say_that_it_failed(texts)
    flat = result.bare or leaving.plain or (leaving.foreign and len(texts) <= 1)
    content = _flat(texts, leaving) if flat and all(part.keys() == _PLAIN for part in texts) else texts
    return {"role": "tool", "tool_call_id": result.id, "content": content, **leaving.marked(result, path)}


def _words(result: ToolResult, leaving: Leaving) -> str | None:
    """All that a result says, where that is one plain text, as it mostly is."""
    if len(result.content) != 1 or result.is_error or result.cache is not None or result.extras:
        return None
    only = result.content[0]
    if not isinstance(only, Text) or only.cache is not None or only.citations or only.extras:
        return None
    return only.text if result.bare or leaving.foreign else None


def _say_that_it_failed(texts: list[Object]) -> None:
    """A tool message has no field for it: the text tells, where it does not begin with an error already."""
    if not texts:
        texts.append({"type": "text", "text": ""})
    said = texts[0]["text"]
    if "error" not in said[:_SAYS_SO].lower():
        texts[0] = {**texts[0], "text": _FAILED + said}


# ── the assistant ──


def _assistant_out(message: Message, path: str, leaving: Leaving) -> list[Object]:
    said: list[Block] = []
    at: list[int] = []
    calls: list[Object] = []
    thinking = placed(message.blocks) if any(isinstance(one, _THOUGHT) for one in message.blocks) else []
    kept = call_extras(thinking) if thinking else {}
    refusals: list[str] = []
    for i, block in enumerate(message.blocks):
        if isinstance(block, ToolUse):
            call = call_out(block, f"{path}.content.{i}", leaving)
            calls.append(call | kept[block.id] if block.id in kept else call)
        elif isinstance(block, Refusal):
            refusals.append(block.text)
        elif leaving.foreign and not isinstance(block, _ANSWERS):
            leaving.lose("block", f"{path}.content.{i}")  # an answer holds words only
        elif not isinstance(block, _THOUGHT):
            said.append(block)
            at.append(i)
    content: Any = _content(said, message.bare, f"{path}.content", leaving, at) if said or message.bare else None
    thought = _thought_out(thinking, message, path, leaving) if thinking else {}
    if not (content or calls or refusals or thought or message.bare):
        leaving.lose("empty_message", path)
        return []
    nothing = None if calls or refusals or not leaving.foreign else ""
    found: Object = {"role": "assistant", "content": content if content or message.bare else nothing}
    if refusals:
        found["refusal"] = "".join(refusals)
    found |= thought
    if calls:
        found["tool_calls"] = calls
    return [found | _named(message, path, leaving)]


def _thought_out(thinking: list[Placed], message: Message, path: str, leaving: Leaving) -> Object:
    kept = leaving.target.reasoning
    for i, block in enumerate(message.blocks):
        if isinstance(block, _THOUGHT) and (not kept or _is_sealed_elsewhere(block)):
            leaving.lose("foreign_thinking", f"{path}.content.{i}")
    return reasoning_out(thinking) if kept else {}


def _is_sealed_elsewhere(block: Thinking | RedactedThinking) -> bool:
    """Whether it is a reasoning item that Responses alone can open: its words go on, if it has any."""
    return block.item is not None and bool(block.item.get("encrypted_content"))
