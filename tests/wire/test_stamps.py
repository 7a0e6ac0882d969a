"""Whose signature is whose: stamps go on, come off for their provider, and keep thinking from any other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.wire.ir import (
    BlockEnded,
    BlockStarted,
    Delta,
    Loss,
    Message,
    Request,
    Response,
    StreamEvent,
    Text,
    Thinking,
    ToolUse,
)
from synrouter_cli.wire.sealed import seal
from synrouter_cli.wire.stamps import (
    EventStamper,
    is_stamped,
    returned,
    stamp,
    stamped_response,
    without_stamps,
)

MINE, OTHERS = stamp("zai"), stamp("minimax")


def asked(*blocks: Any) -> Request:
    return Request("m", messages=(Message("user", (Text("q"),)), Message("assistant", (*blocks, Text("a")))))


def of(request: Request) -> tuple[Any, ...]:
    return request.messages[1].blocks


@given(st.lists(st.text(alphabet="abcAZ09+/=", min_size=1), min_size=1), st.booleans())
def test_what_is_stamped_in_pieces_comes_back_as_it_was(pieces: list[str], spaced: bool):
    """A client puts the pieces of a signature together, stamps and all."""
    kept = "".join(MINE + piece for piece in pieces)
    separators = (", ", ": ") if spaced else (",", ":")
    body = json.dumps([{"type": "thinking", "signature": kept}, {"signature": OTHERS + "x"}], separators=separators)
    expected = json.dumps(
        [{"type": "thinking", "signature": "".join(pieces)}, {"signature": OTHERS + "x"}], separators=separators
    )
    assert without_stamps(body.encode(), "zai").decode() == expected
    request, losses = returned(asked(Thinking("t", kept)), "zai", strict=False)
    assert (of(request)[0].signature, losses) == ("".join(pieces), ())


def test_a_text_that_speaks_of_stamps_stays():
    quoted = json.dumps({"text": json.dumps({"signature": MINE + "abc"}), "more": MINE}).encode()
    assert without_stamps(quoted, "zai") == quoted
    assert not is_stamped(quoted)


def test_thinking_of_another_goes_no_further():
    theirs, claudes = Thinking("t", OTHERS + "x"), Thinking("t", "EqQB")
    request, losses = returned(asked(theirs, claudes), "anthropic", strict=True)
    assert of(request) == (claudes, Text("a"))
    assert losses == (Loss("foreign_thinking", "messages.1.content.0"),)
    request, losses = returned(Request("m", messages=(Message("assistant", (theirs,)),)), "anthropic", strict=True)
    assert request.messages == ()


@pytest.mark.parametrize(("strict", "kept"), [(True, False), (False, True)])
def test_thinking_that_nobody_signed_is_left_out_where_it_would_be_refused(strict: bool, kept: bool):
    request, _ = returned(asked(Thinking("t")), "x", strict=strict)
    assert (Thinking("t") in of(request)) is kept


@pytest.mark.parametrize(
    ("signature", "provider", "kept"),
    [(MINE + "x", "zai", "x"), (MINE + "x", "anthropic", None), ("EqQB", "zai", seal), ("EqQB", "anthropic", seal)],
)
def test_also_where_another_dialect_carried_it(signature: str, provider: str, kept: Any):
    carried = Thinking("", seal("anthropic", {"type": "thinking", "thinking": "t", "signature": signature}))
    request, _ = returned(asked(carried), provider, strict=True)
    found = next((block for block in of(request) if isinstance(block, Thinking)), None)
    assert found == (None if kept is None else carried if kept is seal else Thinking("t", kept))


def test_a_request_without_any_is_the_same_value():
    request = asked(Thinking("t", "EqQB"), ToolUse("c", "f", "{}"))
    assert returned(request, "zai", strict=True)[0].messages[1] is request.messages[1]


def test_an_answers_thinking_is_stamped_whether_it_is_signed_or_not():
    answer = Response("r", "m", (Thinking("t", "x"), Thinking("t"), Text("x")), "end_turn")
    assert stamped_response(answer, "zai").blocks == (Thinking("t", MINE + "x"), Thinking("t", MINE), Text("x"))


def test_so_is_a_streams():
    stamper = EventStamper("zai")
    events: list[StreamEvent] = [
        BlockStarted(0, Thinking("")),
        Delta(0, "thinking", "t"),
        Delta(0, "signature", ""),
        Delta(0, "signature", "x"),
        BlockEnded(0),
        BlockStarted(1, Thinking("")),
        BlockEnded(1),
        BlockStarted(2, Thinking("", "y")),
        BlockEnded(2),
        BlockStarted(3, Text("")),
        BlockEnded(3),
    ]
    expected = list(events)
    expected[3] = Delta(0, "signature", MINE + "x")
    expected[7] = BlockStarted(2, Thinking("", MINE + "y"))
    expected.insert(6, Delta(1, "signature", MINE))
    assert [each for event in events for each in stamper.event(event)] == expected
