"""Whatever stands in a transcript, reading and replaying it ends in figures, never in an error."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.transcripts import (
    CONTEXTS,
    MODEL,
    PI_USAGE,
    ClaudeCode,
    cached,
    codex_count,
    codex_line,
    pi_message,
    usage,
)
from synrouter_cli.estimate import opencode
from synrouter_cli.estimate.events import Named
from synrouter_cli.estimate.figures import Session
from synrouter_cli.estimate.places import Source
from synrouter_cli.estimate.replay import Turn, habits_of, replayed
from synrouter_cli.estimate.survey import survey

CLAUDE = [json.loads(line) for line in cached(turns=2).lines]
PI = [
    CONTEXTS["pi"],
    json.loads(pi_message("a", None, 0, "user", "hello")),
    json.loads(pi_message("b", "a", 1, "assistant", [{"type": "text", "text": "x"}], model=MODEL, usage=PI_USAGE)),
    {"type": "compaction", "id": "c", "parentId": "b", "summary": "s", "firstKeptEntryId": "b"},
]
CODEX = [
    CONTEXTS["codex"],
    json.loads(codex_line("turn_context", 0, model="gpt-5.5")),
    json.loads(codex_count(1, (900, 800, 5), (900, 800, 5))),
]
LINES = {"claude-code": CLAUDE, "pi": PI, "openclaw": PI, "codex": CODEX}

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**25),
    st.floats(allow_nan=False),
    st.sampled_from(["", "x", "assistant", "tool_use", "2026-13-45T99:00:00Z", "\ud800 alone", "a" * 3000]),
    st.lists(st.sampled_from([1, "x", {"type": "tool_result"}, {"type": "thinking"}, {"type": 5}, {}]), max_size=3),
    st.dictionaries(
        st.sampled_from(["type", "text", "content", "input"]), st.sampled_from([0, "x", None, []]), max_size=3
    ),
)


def places(value: object, path: tuple = ()) -> list[tuple]:
    """Paths to all values inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in inside for found in places(child, (*path, key)))]


def changed(value: object, path: tuple, new: object) -> object:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


@st.composite
def damaged(draw: Callable, lines: list[dict]) -> bytes:
    """The lines with a few values replaced and a few bytes lost."""
    made: list[object] = list(lines)
    for _ in range(draw(st.integers(1, 4))):
        which = draw(st.integers(0, len(made) - 1))
        path = draw(st.sampled_from(places(made[which])))
        made[which] = changed(made[which], path, draw(odd))
    raw = "\n".join(json.dumps(line) for line in made).encode()
    cut = draw(st.integers(0, len(raw)))
    return raw[:cut] + raw[cut + draw(st.integers(0, 3)) :]


@pytest.mark.parametrize("client", LINES)
@given(st.data())
def test_damaged_files_end_in_figures(client, data):
    raw = data.draw(damaged(LINES[client]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.jsonl")
        path.write_bytes(raw)
        found = survey([Source(client, "lines", path, len(raw), 0.0)], zone=UTC)
    assert found.files == 1 and found.unreadable_files == []
    for session in found.sessions:
        assert session.sums.turns > 0
        assert (session.sums.cost_usd or 0) >= 0


PARTS = [
    {"type": "text", "text": "x"},
    {"type": "tool", "callID": "c", "tool": "t", "state": {"input": {}, "output": "o"}},
]
TOKENS = {"input": 9000, "output": 5, "reasoning": 0, "cache": {"read": 0, "write": 0}}
MESSAGES = [
    {"message": {"role": "user", "time": {"created": 1}}, "parts": PARTS[:1]},
    {"message": {"role": "assistant", "modelID": MODEL, "tokens": TOKENS, "summary": True}, "parts": PARTS},
]


@given(st.data())
def test_damaged_messages_of_a_database_end_in_figures(data):
    made: list = MESSAGES
    for _ in range(3):
        path = data.draw(st.sampled_from([place for place in places(made) if len(place) > 2]))
        made = changed(made, path, data.draw(odd))
    kept = [m for m in made if isinstance(m["message"], dict) and isinstance(m["parts"], list)]
    entries = [(str(n), m["message"], [p for p in m["parts"] if isinstance(p, dict)]) for n, m in enumerate(kept)]
    events = [Named("s"), *opencode.read(entries)]
    session = Session("s", "kilo", "", "anthropic")
    for turn in replayed(events, habits_of(events, "kilo"), "kilo", set()):
        assert isinstance(turn, Turn)
        session.add(turn, UTC)
    assert session.sums.turns == sum(type(event).__name__ == "Answered" for event in events)


@pytest.mark.parametrize("given", [10_000_001, 10**30])
def test_counts_that_no_provider_would_report_are_no_usage(given, tmp_path):
    file = ClaudeCode()
    file.person(0)
    file.answer(1, "m1", usage(given))
    file.answer(2, "m2", usage(10, output=given))
    path = file.write(tmp_path / "x.jsonl")
    (session,) = survey([Source("claude-code", "lines", path, 9, 0.0)], zone=UTC).sessions
    assert session.sums.no_usage_turns == session.sums.turns == 2
