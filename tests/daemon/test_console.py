"""Lines on stdout never hold up who says them."""

from __future__ import annotations

import io
import threading

import pytest

from synrouter_cli.daemon.console import Console, duplicate


def test_lines_come_out_in_order_before_it_is_left(tmp_path):
    with open(tmp_path / "out", "w") as stream, Console(stream) as console:
        for number in range(100):
            console.say(f"line {number}")
    assert (tmp_path / "out").read_text().splitlines() == [f"line {number}" for number in range(100)]


def test_a_stream_that_takes_nothing_drops_lines_and_does_not_block():
    stream = Stuck()
    with Console(stream) as console:
        for _ in range(5000):
            console.say("x")
        assert 3990 <= console.dropped <= 4000
        stream.go_on.set()


def test_leaving_does_not_wait_for_ever_for_a_stream_that_takes_nothing():
    stream = Stuck()
    with Console(stream) as console:
        for _ in range(5000):
            console.say("x")
    stream.go_on.set()


class Stuck(io.StringIO):
    """Takes nothing until told to go on."""

    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()

    def write(self, text):
        self.go_on.wait()
        return super().write(text)


def test_a_reader_that_left_is_no_error():
    stream = Left()
    with Console(stream) as console:
        for _ in range(3):
            console.say("x")
    assert (console.dropped, stream.calls) == (2, 1)


def test_a_duplicate_writes_to_the_same_file_and_leaves_the_stream_open(tmp_path):
    with open(tmp_path / "out", "w", encoding="ascii") as stream:
        with Console(duplicate(stream)) as console:
            console.say("a · b")
        assert not stream.closed
    assert (tmp_path / "out").read_text() == "a ? b\n"


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_without_a_file_behind_it_lines_go_nowhere(stream):
    with Console(duplicate(stream)) as console:
        console.say("x")
    assert console.dropped == 0


class Left(io.StringIO):
    """A pipe without a reader."""

    calls = 0

    def write(self, text):
        self.calls += 1
        raise BrokenPipeError
