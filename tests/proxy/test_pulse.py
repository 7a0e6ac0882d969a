"""How a provider fares is told from the turns that ended."""

from __future__ import annotations

import json

from synrouter_cli.ledger.rows import Turn
from synrouter_cli.proxy.pulse import RECENT_TURNS, Pulse


def turn(status: str = "ok", **changes) -> Turn:
    return Turn(**{"session": "s", "turn": 1, "started_at": 5.0, "status": status} | changes)


def test_an_error_is_told_until_a_turn_goes_well_and_remembered_after():
    pulse = Pulse()
    pulse.note(turn("error", http_status=529, error_type="overloaded_error"))
    assert pulse.report()["anthropic"]["failing"] is True
    pulse.note(turn("cancelled"))
    assert pulse.report()["anthropic"]["failing"] is True
    pulse.note(turn())
    report = pulse.report()["anthropic"]
    assert (report["failing"], report["turns"], report["errors"]) == (False, 3, 1)
    assert report["last_error"] == {
        "type": "overloaded_error",
        "http_status": 529,
        "session": "s",
        "turn": 1,
        "at": 5.0,
    }


def test_a_client_that_leaves_is_no_error_of_the_provider_and_a_cut_answer_is():
    pulse = Pulse()
    pulse.note(turn("cancelled"))
    assert pulse.report()["anthropic"]["errors"] == 0
    pulse.note(turn("truncated"))
    assert pulse.report()["anthropic"]["last_error"]["type"] == "truncated"


def test_the_median_is_over_the_latest_turns_only():
    pulse = Pulse()
    for _ in range(500):
        pulse.note(turn(ttfb_ms=9000.0))
    for _ in range(RECENT_TURNS):
        pulse.note(turn(ttfb_ms=100.0))
    assert pulse.report()["anthropic"]["ttfb_p50_ms"] == 100.0


def test_providers_are_apart_and_the_report_stays_small():
    pulse = Pulse()
    for number in range(1000):
        pulse.note(turn("error", provider=f"p{number % 3}", error_type="x" * 1000, ttfb_ms=float(number)))
    assert sorted(pulse.report()) == ["p0", "p1", "p2"]
    assert len(json.dumps(pulse.report())) < 1000
    assert Pulse().report() == {}
