"""A longer history begins with the shorter one's bytes, on every way: so what a provider has in its cache is read again
with every turn, however the client and the provider speak."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import msgspec
import pytest

from synrouter_cli.wire.codecs.anthropic.tools_out import FORMER
from wire.crossings import DIALECTS, PAIRS, REQUESTS, Json, carried

MESSAGES: Final = {"anthropic": "messages", "chat": "messages", "responses": "input"}
_USERS_ITEMS: Final = ("message", "function_call_output", "custom_tool_call_output", "local_shell_call_output",
                       "shell_call_output", "apply_patch_call_output", "tool_search_output")  # fmt: skip
EXCEPT: Final = {
    "half a surrogate pair": "what is no text in UTF-8 can't be told apart by this test",
    "result that found tools": "tools that were loaded are told of from then on, after the others",
    "tool_search_that_loads_a_namespace": "tools that a search has loaded are told of from then on, after the others",
}
"""Cases whose earlier turn is not the beginning of the later one, and why."""


def is_of_the_user(dialect: str, message: Json) -> bool:
    """Whether an answer may follow: what a client sends last."""
    role = message.get("role")
    if dialect == "responses":
        return role == "user" if "role" in message else message.get("type") in _USERS_ITEMS
    return role in ("user", "tool", "function")


def more(dialect: str) -> list[Json]:
    """An answer and what follows it."""
    if dialect == "responses":
        said = {"type": "message", "role": "assistant", "id": "msg_9", "status": "completed",
                "content": [{"type": "output_text", "text": "Yes.", "annotations": []}]}  # fmt: skip
        return [said, {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And now?"}]}]
    return [{"role": "assistant", "content": "Yes."}, {"role": "user", "content": "And now?"}]


def turns(dialect: str, body: Json) -> list[Json]:
    """The requests of a conversation: one wherever an answer of the model followed, and one more at the end."""
    key = MESSAGES[dialect]
    history = body[key] if isinstance(body[key], list) else []
    places = [
        i + 1
        for i, (one, after) in enumerate(pairwise(history))
        if is_of_the_user(dialect, one) and not is_of_the_user(dialect, after) and _is_answer(dialect, after)
    ]
    found = [{**body, key: history[:place]} for place in places]
    if history and is_of_the_user(dialect, history[-1]):
        found += [body, {**body, key: [*history, *more(dialect)]}]
    return found


def _is_answer(dialect: str, message: Json) -> bool:
    return message.get("role", "assistant") == "assistant" and message.get("type") != "additional_tools"


def parts(target: str, out: bytes) -> tuple[list[bytes], dict[str, bytes]]:
    """The messages' own bytes, and those of all other fields."""
    fields = msgspec.json.decode(out, type=dict[str, msgspec.Raw])
    if FORMER.encode() in bytes(fields.get("tools", b"")):  # no model calls what it is not offered: only a case does
        del fields["tools"], fields["tool_choice"]
    messages = msgspec.json.decode(fields.pop(MESSAGES[target]), type=list[msgspec.Raw])
    return [bytes(one) for one in messages], {name: bytes(one) for name, one in fields.items()}


def cases() -> list[Any]:
    return [
        pytest.param(source, target, body, id=f"{source}-{target}: {name}")
        for source, target in PAIRS
        for name, body in REQUESTS[source]
        if len(turns(source, body)) > 1 and name not in EXCEPT
    ]


@pytest.mark.parametrize(("source", "target", "body"), cases())
def test_a_longer_history_begins_with_the_shorter_ones_bytes(source: str, target: str, body: Json):
    before: list[bytes] = []
    fixed: dict[str, bytes] = {}
    for one in turns(source, body):
        messages, others = parts(target, carried(one, source, target)[1])
        assert messages[: len(before)] == before
        assert others == (fixed or others)
        before, fixed = messages, others


def test_tools_that_a_search_has_loaded_come_after_the_others():
    for source, name in (("responses", "tool_search_that_loads_a_namespace"), ("anthropic", "result that found tools")):
        body = dict(REQUESTS[source])[name]
        for target in {*DIALECTS} - {source}:
            before, after = (parts(target, carried(one, source, target)[1]) for one in turns(source, body)[:2])
            assert after[0][: len(before[0])] == before[0]
            assert after[1]["tools"].startswith(before[1]["tools"][:-1])
            assert len(after[1]["tools"]) > len(before[1]["tools"])


def test_there_are_conversations_of_several_turns_in_every_dialect():
    for dialect in DIALECTS:
        assert sum(len(turns(dialect, body)) > 2 for _, body in REQUESTS[dialect]) >= 10
