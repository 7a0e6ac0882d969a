"""What was read and written before is the same again, and no more of it is kept than is allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.chat import messages_in
from synrouter_cli.wire.codecs.made import Made
from synrouter_cli.wire.codecs.remembered import Begins, Remembered
from synrouter_cli.wire.codecs.responses import items_in
from synrouter_cli.wire.ir import Message, Text
from wire.crossings import DIALECTS, PAIRS, REQUESTS, Json, carried, dumped, on

LISTS: Final = {"anthropic": "messages", "chat": "messages", "responses": "input"}
"""Where a conversation stands in each dialect."""


@contextmanager
def nothing_remembered() -> Iterator[None]:
    """Everything is read and written anew, and by the long way."""

    def each(self: Remembered[Any], pieces: list[Any], path: str) -> list[Any]:
        places = [(one, f"{path}.{i}") for i, one in enumerate(pieces)]
        return [
            self._read(bytes(one), at) if isinstance(one, msgspec.Raw) else self._read_decoded(one, at)  # type: ignore[misc]
            for one, at in places
        ]

    def no_plain_one(piece: bytes) -> Any:
        raise msgspec.ValidationError("none")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Remembered, "each", each)
        patch.setattr(Made, "get", lambda *_: None)
        patch.setattr(Begins, "message", lambda *_: None)
        patch.setattr(messages_in, "_plain", no_plain_one)
        patch.setattr(items_in, "_plain", no_plain_one)
        yield


def outcome(body: Json | bytes, source: str, target: str) -> Any:
    try:
        return carried(body, source, target)
    except InvalidRequest as error:
        return str(error)


@pytest.mark.parametrize(("source", "target", "body"), on(PAIRS, REQUESTS))
def test_a_request_is_the_same_whether_it_was_seen_before_or_not(source: str, target: str, body: Any):
    with nothing_remembered():
        anew = outcome(body, source, target)
    assert outcome(body, source, target) == anew
    for other in DIALECTS:  # what one way makes of shared values is nothing to another
        outcome(body, source, other)
    assert outcome(body, source, target) == anew


MESSAGES: Final[dict[str, list[Json]]] = {
    dialect: [
        one
        for _, body in REQUESTS[dialect]
        for one in (body if isinstance(body, dict) else {}).get(LISTS[dialect], ())
        if isinstance(one, dict)
    ]
    for dialect in DIALECTS
}


@given(data=st.data(), source=st.sampled_from(DIALECTS))
@settings(deadline=None)
def test_a_conversation_means_the_same_in_whatever_order_its_messages_were_seen_before(data: st.DataObject, source):
    begun = data.draw(st.sampled_from([body for _, body in REQUESTS[source] if isinstance(body, dict)]))
    said = data.draw(st.lists(st.sampled_from(MESSAGES[source]), max_size=8))
    for length in range(len(said) + 1):
        body = {**begun, LISTS[source]: said[:length]}
        for target in DIALECTS:
            with nothing_remembered():
                anew = outcome(body, source, target)
            assert outcome(body, source, target) == anew


def conversation(dialect: str, about: str, calls: int) -> bytes:
    """So many calls and their results, each another than all others."""
    said: list[Json] = [{"role": "user", "content": f"count {about}"}]
    for i in range(calls):
        name, call = "count", f"{about}_{i}"
        if dialect == "anthropic":
            use = {"type": "tool_use", "id": call, "name": name, "input": {"n": i}}
            said.append({"role": "assistant", "content": [use]})
            said.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": "ok"}]})
        elif dialect == "chat":
            function = {"name": name, "arguments": json.dumps({"n": i})}
            said.append({"role": "assistant", "tool_calls": [{"id": call, "type": "function", "function": function}]})
            said.append({"role": "tool", "tool_call_id": call, "content": "ok"})
        else:
            said.append({"type": "reasoning", "id": f"rs_{call}", "summary": [], "encrypted_content": "gAAAA"})
            said.append({"type": "function_call", "call_id": call, "name": name, "arguments": json.dumps({"n": i})})
            said.append({"type": "function_call_output", "call_id": call, "output": "ok"})
    limit = {"max_tokens": 9} if dialect == "anthropic" else {}
    return dumped({"model": "m", **limit, LISTS[dialect]: said})


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_of_a_next_turn_only_what_is_new_is_read_and_written(source: str, target: str, monkeypatch: pytest.MonkeyPatch):
    read, written, about = [], [], f"{source}_{target}"
    again, keep = Remembered._again, Made.keep
    carried(conversation(source, about, 20), source, target)
    monkeypatch.setattr(Remembered, "_again", lambda *given: (read.append(given[1]), again(*given))[1])
    monkeypatch.setattr(Made, "keep", lambda *given: (written.append(given[1]), keep(*given))[1])
    carried(conversation(source, about, 21), source, target)
    assert len(read) == (3 if source == "responses" else 2)
    assert len({id(one) for one in written}) == 2


# ── what is kept ──


def pieces(*numbers: int) -> list[msgspec.Raw]:
    return [msgspec.Raw(b'"%02d"' % one) for one in numbers]


def remembering(limit: int) -> tuple[Remembered[str], list[str]]:
    """A memory of strings, and what was read so far."""
    read: list[str] = []

    def reader(piece: bytes, path: str) -> str:
        read.append(msgspec.json.decode(piece, type=str))
        return read[-1]

    return Remembered(reader, limit=limit), read


def test_no_more_is_kept_than_twice_the_limit():
    memory, read = remembering(1000)
    for i in range(100):
        memory.each(pieces(i), "messages")
    assert len(memory._new) + len(memory._old) <= 2 * 1000 // 204
    assert memory.each(pieces(0), "messages") == ["00"]
    assert read[-1] == "00", "the oldest was forgotten"


def test_what_is_asked_for_again_and_again_is_never_forgotten():
    memory, read = remembering(1000)
    for i in range(1, 100):
        assert memory.each(pieces(0, i), "messages") == ["00", f"{i:02}"]
    assert read.count("00") == 1


def test_a_piece_that_is_too_long_is_read_each_time():
    memory, read = remembering(203)
    assert [memory.each(pieces(1), "messages") for _ in range(3)] == [["01"]] * 3
    assert read == ["01"] * 3
    assert memory._new == memory._old == {}


def test_what_can_not_be_read_is_told_with_its_place_each_time():
    def refusing(piece: bytes, path: str) -> str:
        raise InvalidRequest(detail=f"{path}: no")

    memory = Remembered(refusing)
    for _ in range(2):
        with pytest.raises(InvalidRequest, match=r"messages\.0: no"):
            memory.each(pieces(1), "messages")


def test_a_message_of_the_same_blocks_is_the_same_one_and_of_others_another():
    begun, one, other = Begins(), Text("a"), Text("a")
    message = begun.keep([one], Message("user", (one,)))
    assert begun.message([one]) is message
    assert begun.message([other]) is None
    assert begun.message([one, one]) is None


def test_what_was_made_of_a_message_goes_with_it_and_with_its_context():
    made: Made[str] = Made()
    message, equal = Message("user", ()), Message("user", ())
    made.keep(message, 1, "first")
    assert made.get(equal, 1) is None
    assert made.keep(message, 2, "second") == made.get(message, 2) == "second"
    assert made.get(message, 1) is None
    del message
    assert len(made) == 0
