"""Painting writes what changed and nothing else; keys are keys, and sequences are not."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from synrouter_cli.commands.terminal import Terminal
from synrouter_cli.dashboard.layout import Frame


class Screen:
    """A terminal that only collects what is written, and a keyboard that is a pipe."""

    def __init__(self) -> None:
        self.out = io.StringIO()
        reader, self._writer = os.pipe()
        self.stdin = os.fdopen(reader)
        console = Console(file=self.out, force_terminal=True, color_system="standard", width=20)
        self.terminal = Terminal(console, self.stdin)

    def paint(self, *lines: str, width: int = 20) -> tuple[int, str]:
        """How many lines were painted, and what was written for it."""
        before = len(self.out.getvalue())
        count = self.terminal.paint(Frame(tuple(((line.ljust(width), "bold"),) for line in lines), width))
        return count, self.out.getvalue()[before:]

    def type(self, keys: bytes) -> str:
        os.write(self._writer, keys)
        return self.terminal._keys()

    def close(self) -> None:
        os.close(self._writer)
        self.stdin.close()


@pytest.fixture
def screen() -> Iterator[Screen]:
    opened = Screen()
    yield opened
    opened.close()


def test_only_lines_that_changed_are_written(screen: Screen) -> None:
    count, written = screen.paint("one", "two", "three")
    assert count == 3
    assert "\x1b[2J" in written
    assert screen.paint("one", "two", "three") == (0, "")
    count, written = screen.paint("one", "2", "three")
    assert count == 1
    assert "one" not in written
    assert "\x1b[2;1H" in written
    assert "\x1b[2J" not in written, "a screen that is cleared flickers"


def test_a_line_never_wraps_and_wrapping_is_given_back(screen: Screen) -> None:
    _, written = screen.paint("one")
    assert written.startswith("\x1b[?7l")
    assert written.endswith("\x1b[?7h")


def test_another_size_and_a_forgotten_screen_are_painted_in_full(screen: Screen) -> None:
    screen.paint("one", "two")
    assert screen.paint("one", "two", "three")[0] == 3
    assert screen.paint("one", "two", "three", width=19)[0] == 3
    screen.terminal.forget()
    assert screen.paint("one", "two", "three", width=19)[0] == 3


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (b"q", "q"),
        (b"12s", "12s"),
        (b"\x1b", "\x1b"),
        (b"\x1b[A", ""),
        (b"\x1bOq", ""),
        ("é".encode(), ""),
        (b"s\x1b[B", "s"),
    ],
)
def test_keys_are_single_characters_and_sequences_are_none(screen: Screen, typed: bytes, keys: str) -> None:
    assert screen.type(typed) == keys


def test_a_keyboard_that_is_gone_ends_it(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", gone)
    assert screen.terminal._keys() == ""
    assert screen.terminal.ended_by is not None
