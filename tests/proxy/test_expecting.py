"""What is expected of sessions: by kind, learned turn by turn, kept in the ledger."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.bench import Bench, body
from synrouter_cli.cache.gaps import Habits, History, Seen
from synrouter_cli.cache.lifetimes import Outlook
from synrouter_cli.lane import Line
from synrouter_cli.prompt.segments import Prompt, segment
from synrouter_cli.proxy.expecting import ENDED_S, Expectations, came_back, has_history, heads_of
from synrouter_cli.session import Session

LOOP = [(8.0, False)] * 40


def prompt(rounds: int = 1, **more: Any) -> Prompt:
    return segment(json.dumps(body(rounds, **more)).encode())


def session(kind: str = "main", **more: Any) -> Session:
    return Session("s", "c", kind, **more)


def outlook(
    expectations: Expectations, of: Session, request: Prompt, mode: str = "coding", hours: bool = True
) -> Outlook:
    return expectations.outlook(of, Line(), request, of.gaps, 0.0, mode, hours=hours)


@pytest.mark.parametrize(
    ("stopped", "rounds", "returned"),
    [
        ("tool_use", 1, False),
        ("pause_turn", 0, False),
        ("end_turn", 1, True),
        ("max_tokens", 1, True),
        (None, 1, False),
        (None, 0, True),
    ],
)
def test_somebody_came_back_where_the_last_answer_asked_for_no_tool(stopped, rounds: int, returned: bool) -> None:
    assert came_back(session(stopped=stopped), prompt(rounds)) == returned


def test_a_sessions_first_request_ends_no_gap() -> None:
    assert Expectations().history(session(), prompt(), 100.0) == History()
    again = Expectations().history(session(last_at=90.0, stopped="end_turn"), prompt(), 100.0)
    assert again == History(returns=Seen(1))


def test_of_a_probe_or_a_lone_side_request_nothing_is_expected() -> None:
    nothing = Outlook(soon=0.0, shared=0.0)
    expectations = Expectations()
    assert outlook(expectations, session(), prompt(max_tokens=1)) == nothing
    assert outlook(expectations, session("side"), prompt(0)) == nothing
    assert outlook(expectations, session("side"), prompt(1)).soon > 0


def test_kinds_of_sessions_have_habits_of_their_own() -> None:
    expectations = Expectations()
    expectations.learn([LOOP] * 20)
    main, sub = (outlook(expectations, session(kind), prompt()) for kind in ("main", "subagent"))
    assert main.sure and not sub.sure
    assert main.tail_pause < sub.tail_pause
    assert sub.keep_hour and not main.keep_hour, "an hour that a subagent asks for is never shortened"


def test_in_general_mode_a_head_is_expected_to_be_shared() -> None:
    general, coding = (outlook(Expectations(), session(), prompt(), mode).shared for mode in ("general", "coding"))
    assert coding == 0.02 and general == 0.3


def test_whether_hours_are_kept_is_passed_on() -> None:
    assert not outlook(Expectations(), session(), prompt(), hours=False).hours


def test_a_session_that_nobody_continued_for_hours_has_ended_once() -> None:
    expectations = Expectations()
    left = session(last_at=1.0, stopped="tool_use")
    expectations.sweep([left], 1.0 + ENDED_S)
    assert not left.over
    for later in (100.0, 130.0, 200.0, 5000.0):
        expectations.sweep([left], 1.0 + ENDED_S + later)
    habits = expectations.habits["main"]
    assert left.over and sum(habits.ended) == 1 and habits.ended_open == 1


def test_turns_teach_what_they_are() -> None:
    bench = Bench()
    for rounds, (after, stop) in enumerate([(5.0, "tool_use"), (8.0, "end_turn"), (900.0, "tool_use"), (4000.0, "x")]):
        bench.ask(body(rounds), after, stop)
    habits = bench.turns._planning.expectations.habits["main"]
    assert (habits.loops, habits.returns) == (Seen(2, 0, 1), Seen(1, 1, 0))
    assert bench.session().gaps == History(habits.loops, habits.returns)


def test_what_was_learned_is_there_after_a_restart() -> None:
    bench = Bench()
    for rounds in range(3):
        bench.ask(body(rounds), 900.0, "end_turn")
    before, gaps = bench.turns._planning.expectations, bench.session().gaps
    row = bench.ledger.rows[-1]
    bench.restart()
    after = bench.turns._planning.expectations
    assert (after.habits, after.heads.items()) == (before.habits, before.heads.items())
    assert bench.session(row).gaps == gaps and bench.session(row).stopped == "end_turn"


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x80"])
def test_what_cannot_be_read_is_not_known(junk: bytes) -> None:
    assert Expectations.read(junk).habits["main"] == Habits()


def test_a_head_is_tools_and_system() -> None:
    made = prompt(1)
    assert heads_of(Line(), made) == [1, 2] and not has_history(prompt(0)) and has_history(made)
    bare = segment(b'{"messages":[{"role":"user","content":"hi"}]}')
    assert heads_of(Line(), bare) == []
