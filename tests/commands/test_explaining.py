"""Verdicts in words: as they always read, never wider than asked, for every verdict and every detail."""

from __future__ import annotations

import json
import os
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.verdicts import CODES
from synrouter_cli.commands.explaining import as_object, costliest, explanation, overview
from synrouter_cli.commands.verdict_advice import _ADVICE, advice
from synrouter_cli.commands.verdict_words import _HAPPENED, happened
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.prompt.changes import Difference, Elsewhere, MessageChange, NamesChange, SystemChange, ToolsChange
from synrouter_cli.prompt.volatile import KINDS, TextPlace
from synrouter_cli.wire.usage import Usage

GOLDEN = Path(__file__).parents[1] / "golden" / "explain"
NOON = 1_763_726_551.0  # 2025-11-21 12:02:31 UTC
CENT = 10**10


def turn(verdict: str, detail: Difference | dict[str, Any] | None = None, **more: Any) -> Turn:
    values = detail.to_detail() if isinstance(detail, Difference) else detail
    row = {
        "status": "ok",
        "client": "claude-code",
        "model": "claude-opus-4-8",
        "level": "safe",
        "usage": Usage(500, 0, 91_000, 0, 700),
        "usage_quality": "exact",
        "cost_pusd": 57 * CENT,
        "missed_pusd": 52 * CENT,
        "predicted_read_tokens": 0,
        "verdict": verdict,
        "detail": None if values is None else json.dumps(values),
    }
    return Turn("a1b2c3d4e5f6", 12, NOON, **{**row, **more})


READ = {"usage": Usage(500, 90_000, 1_000, 0, 700), "cost_pusd": 7 * CENT, "missed_pusd": 0}
HEAD_READ = {"usage": Usage(500, 30_000, 61_000, 0, 700), "predicted_read_tokens": 30_000, "missed_pusd": 35 * CENT}
SMALL = {"usage": Usage(812, 0, 0, 0, 70), "cost_pusd": CENT, "missed_pusd": 0}
SYSTEM = SystemChange(1, "changed", 14_212, 14_212, TextPlace(212, 17), "clock")
MESSAGE = MessageChange(4, "changed", "user", 0, "tool_result", 31_204, 61, 31, 33, TextPlace(1, 1), "text")


def message(**changes: Any) -> Difference:
    values = {name: getattr(MESSAGE, name) for name in MessageChange.__slots__}
    return Difference(message=MessageChange(**{**values, **changes}))


def asked(provider: tuple[str, str], model: tuple[str, str]) -> dict[str, Any]:
    return Elsewhere(provider, model).to_detail()


SHOWN: dict[str, tuple[Turn, str | None]] = {
    "first": (turn("first", {}, missed_pusd=0), None),
    "hit": (turn("hit", {}, predicted_read_tokens=90_000, **READ), None),
    "shared": (
        turn("shared", {"shared": 90_000}, shared_read_tokens=90_000, predicted_read_tokens=90_000, **READ),
        None,
    ),
    "partial": (turn("partial", {"gap_s": 1400, "ttl_s": 300}, **HEAD_READ), None),
    "out-of-reach": (turn("unmarked", {"out_of_reach": 90_000}, level="observe", **HEAD_READ), None),
    "expired": (turn("expired", {"gap_s": 1400, "ttl_s": 300}), None),
    "expired-overnight": (turn("expired", {"gap_s": 40_000, "ttl_s": 3600}), None),
    "expired-apart": (turn("expired", {"gap_s": 1400, "ttl_s": 300, "apart": True}), None),
    "provider": (turn("provider", asked(("anthropic", "openrouter"), ("claude-opus-4-8", "claude-opus-4.8"))), None),
    "provider-key": (turn("provider", asked(("anthropic", "anthropic"), ("claude-opus-4-8", "claude-opus-4-8"))), None),
    "tools-mcp": (
        turn(
            "tools",
            Difference(
                tools=ToolsChange(("mcp__db__query", "mcp__db__list"), ("Agent",), first=4, before=14, after=15)
            ),
        ),
        None,
    ),
    "tools-reordered": (turn("tools", Difference(tools=ToolsChange(reordered=True, first=3, before=9, after=9))), None),
    "system-clock": (turn("system", Difference(system=SYSTEM)), "Today: 2025-11-22"),
    "message-changed": (turn("message", message()), "[Old tool result content cleared]"),
    "message-rewind": (turn("message", message(how="rewind", messages_after=9)), None),
    "message-compaction": (turn("message", message(index=0, how="compaction", messages_after=4)), None),
    "message-thinking": (turn("message", message(how="thinking", role="assistant", what="thinking")), None),
    "message-thinking-dropped": (
        turn("message", message(how="removed", role="assistant", what="thinking", after=0)),
        "thinking: The user is asking for …",
    ),
    "model": (turn("model", Difference(model=("claude-opus-4-8", "claude-haiku-4-5"))), None),
    "betas": (turn("betas", Difference(betas=NamesChange(("context-1m-2025-08-07",)))), None),
    "settings": (turn("settings", Difference(settings=("output_config.effort", "thinking"))), None),
    "minimum": (turn("minimum", {"tokens": 812, "minimum": 4096}, **SMALL), None),
    "unmarked": (turn("unmarked", {}, level="observe", **SMALL), None),
    "lost": (
        turn("lost", {"expected": 90_000}, predicted_read_tokens=90_000, billing="subscription"),
        None,
    ),
    "unexpected": (turn("unexpected", {"expected": 0}, **READ), None),
    "failed": (
        turn("", None, status="error", usage=None, http_status=429, error_type="rate_limit_error", cost_pusd=0),
        None,
    ),
}


@pytest.mark.parametrize("name", SHOWN)
def test_an_explanation_reads_as_it_always_did(name: str) -> None:
    row, line = SHOWN[name]
    lines = explanation(row, line=line, width=80, zone=UTC)
    file = GOLDEN / f"{name}.txt"
    shown = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(shown, "utf-8")
    assert shown == file.read_text("utf-8"), f"{file} differs; if it should: UPDATE_GOLDEN=1 make test"
    assert 3 <= len(lines) <= 10
    assert max(map(len, lines)) <= 80


def test_every_verdict_is_shown_and_has_its_words() -> None:
    assert {row.verdict for row, _ in SHOWN.values()} == {"", *CODES}
    assert set(_HAPPENED) == set(CODES)
    assert set(_ADVICE) | {"hit"} == set(CODES)


@pytest.mark.parametrize("kind", KINDS)
def test_volatile_text_has_advice_of_its_own_in_system_and_messages(kind: str) -> None:
    system = turn("system", Difference(system=SystemChange(0, "changed", 1, 2, TextPlace(3, 4), kind)))
    said = advice(system)
    assert ("line 3" in said) == (kind in ("clock", "counter", "id"))
    assert (said == advice(turn("message", message(kind=kind)))) == (kind == "cch")


def test_what_stands_in_a_row_of_another_version_is_no_obstacle() -> None:
    for code in (*CODES, "something-newer"):
        for detail in (None, "", "no JSON", "[]", "{}", '{"tools": 3, "system": null, "message": {"how": "x"}}'):
            row = turn(code, None)
            row = Turn(**{**{name: getattr(row, name) for name in Turn.__slots__}, "detail": detail})
            assert happened(row)
            assert advice(row)
            assert as_object(row, None)["verdict"] == code


def test_an_unfinished_an_unplanned_and_a_ping_say_what_they_are() -> None:
    assert "under way" in happened(turn("", status="started", usage=None))
    assert "keep-warm" in happened(turn("", kind="ping"))
    assert "not a Messages request" in happened(turn("", reason="not a Messages request: ValidationError"))


WORDS = """tools system message added first before after how block index messages role what gap_s ttl_s expected
    tokens minimum model settings kind line column betas changed reordered""".split()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 10**12) | st.text(max_size=20) | st.sampled_from(["changed", "clock"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=8,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(CODES),
    VALUES,
    st.text(max_size=40),
    st.text(max_size=90) | st.none(),
    st.sampled_from(["ok", "error", "started"]),
)
def test_no_row_can_break_the_text_or_reach_the_terminal(
    code: str, detail: Any, name: str, line: str | None, status: str
) -> None:
    row = turn(code, None, client=name, model=name, status=status)
    row = Turn(**{**{slot: getattr(row, slot) for slot in Turn.__slots__}, "detail": json.dumps(detail)})
    for text in explanation(row, line=line, width=80, zone=UTC):
        assert text.isprintable()


def test_a_session_is_listed_a_line_a_turn_the_last_twenty() -> None:
    turns = [
        Turn(
            "a1b2c3d4e5f6",
            number,
            NOON + 60 * number,
            status="ok",
            client="claude-code",
            model="claude-opus-4-8",
            usage=Usage(500, 1_000 * number, 2_000, 0, 700),
            usage_quality="exact",
            cost_pusd=number * CENT,
            missed_pusd=(number == 22) * 3 * CENT,
            verdict="expired" if number == 22 else "hit",
        )
        for number in range(1, 24)
    ]
    turns.append(Turn("a1b2c3d4e5f6", 24, NOON, client="claude-code", model="claude-opus-4-8"))
    lines = overview(turns, zone=UTC)
    assert lines[0] == "Session a1b2c3d4e5f6 · claude-code · claude-opus-4-8 · 24 turns"
    assert len(lines) == 22
    assert max(map(len, lines)) <= 80
    assert [line.split() for line in (lines[1], *lines[-3:])] == [
        ["turn", "time", "verdict", "read", "written", "cost", "missed"],
        ["22", "12:24:31", "expired", "22.0k", "2.00k", "$0.2200", "$0.0300"],
        ["23", "12:25:31", "hit", "23.0k", "2.00k", "$0.2300"],
        ["24", "12:02:31", "started", "–", "–", "–"],
    ]


def test_the_costliest_miss_is_the_later_of_two_alike_and_none_where_nothing_was_missed() -> None:
    rows = [Turn("s", number, NOON, missed_pusd=missed) for number, missed in enumerate([None, 5, 9, 9, 0, 1])]
    assert costliest(rows) == rows[3]
    assert costliest(rows[:1]) is None
    assert costliest([]) is None
