"""The trimming benchmark on made-up sessions: every result counts once, and only what is cut counts as taken out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import traces, trimming

LONG = "a line of what came out\n" * 1_500  # 36,000 characters


def session(name: str, *results: tuple[str, str]) -> traces.Trace:
    messages: list[dict[str, Any]] = []
    for number, (tool, text) in enumerate(results):
        use = {"type": "tool_use", "id": f"t{number}", "name": tool, "input": {}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": text}
        messages += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    return traces.Trace(name, "made", messages)


def test_shares_are_of_all_results_by_session_and_by_tool() -> None:
    sessions = [session("one", ("Bash", LONG), ("Read", LONG)), session("two", ("bash", "short"))]
    by_tool = trimming.measure(sessions, trimming.LEVELS, "tool")
    assert list(by_tool) == ["bash", "read", "all"]
    standard = by_tool["bash"]["standard"]
    assert (standard.results, standard.touched, standard.chars) == (2, 1, len(LONG) + 5)
    assert 20_000 <= standard.removed < 20_100
    assert by_tool["bash"]["max"].removed > standard.removed
    assert by_tool["read"]["max"].touched == 0
    by_session = trimming.measure(sessions, ["standard"], "session")
    assert {name: shares["standard"].touched for name, shares in by_session.items()} == {"one": 1, "two": 0, "all": 1}
    assert by_session["all"]["standard"] == by_tool["all"]["standard"]


def test_figures_can_be_had_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = session("one", ("Bash", LONG))
    lines = [{"session": made.name, "client": made.client}, *made.messages]
    (tmp_path / "one.jsonl").write_text("\n".join(map(json.dumps, lines)))
    monkeypatch.setattr(sys, "argv", ["trimming.py", "--traces", str(tmp_path), "--level", "max", "--json"])
    trimming.main()
    assert json.loads(capsys.readouterr().out)["one"]["max"]["touched"] == 1
