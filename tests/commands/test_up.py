"""A turn as a line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from synrouter_cli.commands import live
from synrouter_cli.commands.up import terminal_face, turn_line
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.settings import load
from synrouter_cli.wire.usage import Usage

AT = datetime(2026, 11, 21, 14, 2, 31, tzinfo=UTC).timestamp()
USAGE = Usage(
    input_tokens=12,
    cache_read_tokens=27132,
    cache_write_5m_tokens=335,
    cache_write_1h_tokens=1000,
    output_tokens=88,
)


def turn(**changes) -> Turn:
    values = {
        "session": "a1b2c3d4e5f6",
        "turn": 4,
        "started_at": AT,
        "status": "ok",
        "client": "claude-code",
        "model": "claude-sonnet-4-6",
        "http_status": 200,
        "usage": USAGE,
        "usage_quality": "exact",
        "cost_pusd": 13_200_000_000,
        "baseline_no_cache_pusd": 86_500_000_000,
        "baseline_client_pusd": 23_600_000_000,
    }
    return Turn(**(values | changes))


HEAD = "14:02:31 claude-code a1b2c3 #4 claude-sonnet-4-6 "
TOKENS = "in 12 · read 27,132 · wrote 1,335 · out 88 · hit 95%"
UNSURE = "in ~12 · read ~27,132 · wrote ~1,335 · out ~88 · hit 95%"

LINES = [
    (turn(), f"{HEAD}{TOKENS} · $0.0132 (saved $0.0733, by Synrouter $0.0104)"),
    (turn(baseline_no_cache_pusd=13_000_000_000), f"{HEAD}{TOKENS} · $0.0132 (saved -$0.0002, by Synrouter $0.0104)"),
    (turn(cost_pusd=None, baseline_no_cache_pusd=None), f"{HEAD}{TOKENS} · ? (saved ?, by Synrouter ?)"),
    (
        turn(baseline_client_pusd=12_200_000_000),
        f"{HEAD}{TOKENS} · $0.0132 (saved $0.0733, by Synrouter -$0.0010)",
    ),
    (turn(baseline_no_cache_pusd=None), f"{HEAD}{TOKENS} · $0.0132 (saved ?, by Synrouter $0.0104)"),
    (turn(usage_quality="estimated"), f"{HEAD}{UNSURE} · ~$0.0132 (saved ~$0.0733, by Synrouter ~$0.0104)"),
    (
        turn(usage_quality="partial", status="cancelled"),
        f"{HEAD}{UNSURE} · ~$0.0132 (saved ~$0.0733, by Synrouter ~$0.0104) · cancelled 200",
    ),
    (turn(billing="subscription"), f"{HEAD}{TOKENS} · list $0.0132 (subscription)"),
    (turn(billing="subscription", cost_pusd=None), f"{HEAD}{TOKENS} · list ? (subscription)"),
    (
        turn(
            usage=Usage(input_tokens=3, output_tokens=1), cost_pusd=0, baseline_no_cache_pusd=0, baseline_client_pusd=0
        ),
        f"{HEAD}in 3 · read 0 · wrote 0 · out 1 · hit 0% · $0.00 (saved $0.00, by Synrouter $0.00)",
    ),
    (
        turn(usage=Usage(output_tokens=1)),
        f"{HEAD}in 0 · read 0 · wrote 0 · out 1 · $0.0132 (saved $0.0733, by Synrouter $0.0104)",
    ),
    (
        turn(status="error", http_status=529, error_type="overloaded_error", usage=None, cost_pusd=0),
        f"{HEAD}error 529 overloaded_error",
    ),
    (
        turn(status="cancelled", http_status=None, usage=None, cost_pusd=None),
        f"{HEAD}? (saved ?, by Synrouter ?) · cancelled",
    ),
    (
        turn(trimmed_tokens=12_345),
        f"{HEAD}{TOKENS} · trimmed 12,345 · $0.0132 (saved $0.0733, by Synrouter $0.0104)",
    ),
    (
        turn(kind="ping", baseline_no_cache_pusd=0, baseline_client_pusd=0),
        "14:02:31 claude-code a1b2c3 #4 keep-warm ping claude-sonnet-4-6 "
        f"{TOKENS} · $0.0132 (saved -$0.0132, by Synrouter -$0.0132)",
    ),
    (
        turn(kind="subagent"),
        f"14:02:31 claude-code a1b2c3 #4 subagent claude-sonnet-4-6 {TOKENS} · $0.0132 (saved $0.0733, by Synrouter $0.0104)",
    ),
]


@pytest.mark.parametrize(("row", "line"), LINES)
def test_a_turn_as_a_line(row, line):
    assert turn_line(row, UTC) == line


def test_text_from_outside_cannot_reach_the_terminal():
    evil = "\x1b]0;owned\x07x\x1b[2J\n\u202ey\x9b31m"
    line = turn_line(turn(client=evil, session=evil, model=evil, status="error", error_type=evil), UTC)
    assert line.isprintable()
    assert "owned" not in line


def test_the_local_zone_is_the_default(monkeypatch):
    local = datetime.fromtimestamp(AT).strftime("%H:%M:%S")
    assert turn_line(turn()).startswith(f"{local} claude-code ")


class Stream:
    """Standard input or output, on a terminal or not."""

    def __init__(self, is_terminal: bool) -> None:
        self.isatty = lambda: is_terminal


@pytest.mark.parametrize(
    ("reads", "writes", "term", "drawn"),
    [
        (True, True, "xterm-256color", True),
        (False, True, "xterm-256color", False),
        (True, False, "xterm-256color", False),
        (True, True, "dumb", False),
        (True, True, None, False),
    ],
)
def test_a_dashboard_needs_a_terminal_to_read_from_and_to_draw_on(monkeypatch, reads, writes, term, drawn):
    monkeypatch.setattr("sys.stdin", Stream(reads))
    monkeypatch.setattr("sys.stdout", Stream(writes))
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    assert (terminal_face(load()) is not None) is drawn


def test_it_is_drawn_by_the_dashboards_own_process(monkeypatch):
    started = []
    monkeypatch.setattr(live, "spawn", lambda paths: started.append(paths))
    monkeypatch.setattr("sys.stdin", Stream(True))
    monkeypatch.setattr("sys.stdout", Stream(True))
    monkeypatch.setenv("TERM", "xterm")
    settings = load()
    face = terminal_face(settings)
    assert started == []
    face._spawn()
    assert started == [settings.paths]
