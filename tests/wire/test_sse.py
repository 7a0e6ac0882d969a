"""The splitter against a plain reading of the standard, in every cut."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.wire.sse import Event, EventStream

PING = b"event: ping\ndata: {}\n\n"


def plain_reading(stream: bytes) -> list[tuple[bytes, bytes]]:
    """Name and data of every event, by lines, all at once: slow, and easy to see that it is right."""
    stream = stream.removeprefix(b"\xef\xbb\xbf")
    lines = re.split(rb"\r\n|\n|\r", stream)
    events, name, data = [], None, None
    for line in lines[:-1]:
        if not line:
            if name is not None or data is not None:
                events.append((name or b"", data or b""))
            name, data = None, None
            continue
        field, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if field == b"event":
            name = value
        elif field == b"data":
            data = value if data is None else data + b"\n" + value
    return events


def read(chunks: list[bytes], **options) -> list[Event]:
    stream = EventStream(**options)
    return [event for chunk in chunks for event in stream.feed(chunk)]


def names_and_data(events: list[Event]) -> list[tuple[bytes, bytes]]:
    return [(event.name, event.data) for event in events]


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


CASES = {
    "an event": (b"event: a\ndata: 1\n\n", [(b"a", b"1")]),
    "no name": (b"data: 1\n\n", [(b"", b"1")]),
    "no data": (b"event: a\n\n", [(b"a", b"")]),
    "no space after the colon": (b"event:a\ndata:1\n\n", [(b"a", b"1")]),
    "one space is taken off, no more": (b"data:  1\n\n", [(b"", b" 1")]),
    "several data lines": (b"data: 1\ndata\ndata: 3\n\n", [(b"", b"1\n\n3")]),
    "the last name counts": (b"event: a\nevent: b\ndata: 1\n\n", [(b"b", b"1")]),
    "CRLF": (b"event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", [(b"a", b"1"), (b"", b"2")]),
    "CR": (b"event: a\rdata: 1\r\rdata: 2\r\r", [(b"a", b"1"), (b"", b"2")]),
    "line ends mixed": (b"data: 1\r\ndata: 2\n\rdata: 3\r\ndata: 4\r\r\n", [(b"", b"1\n2"), (b"", b"3\n4")]),
    "a byte order mark": (b"\xef\xbb\xbfdata: 1\n\n", [(b"", b"1")]),
    "a comment is no event": (b": hello\n\ndata: 1\n\n", [(b"", b"1")]),
    "a comment inside an event": (b"data: 1\n: hello\ndata: 2\n\n", [(b"", b"1\n2")]),
    "other fields alone are no event": (b"id: 7\nretry: 10\n\n", []),
    "more blank lines": (b"\n\n\ndata: 1\n\n\n\n\ndata: 2\n\n\n", [(b"", b"1"), (b"", b"2")]),
    "an unfinished event is none": (b"data: 1\n\ndata: 2\n", [(b"", b"1")]),
    "characters of several bytes": ("data: Grüße, 日本語 🙂\n\n".encode(), [(b"", "Grüße, 日本語 🙂".encode())]),
    "U+2028 and U+0085 end no line": ("data: a\u2028b\u0085c\n\n".encode(), [(b"", "a\u2028b\u0085c".encode())]),
}


@pytest.mark.parametrize(("stream", "expected"), CASES.values(), ids=CASES)
def test_each_case_reads_as_the_standard_says(stream, expected):
    assert names_and_data(read([stream])) == expected
    assert plain_reading(stream) == expected


@pytest.mark.parametrize("stream", [stream for stream, _ in CASES.values()], ids=CASES)
def test_each_case_reads_the_same_byte_by_byte_and_cut_anywhere_in_two(stream):
    whole = read([stream])
    assert read([stream[i : i + 1] for i in range(len(stream))]) == whole
    for place in range(len(stream) + 1):
        assert read([stream[:place], stream[place:]]) == whole, place


lines = st.sampled_from([b"data: {", b"data:}", b"event: a", b"event:b", b": note", b"id: 1", b"x", "data: ü".encode()])
ends = st.sampled_from([b"\n", b"\n\n", b"\r\n", b"\r\n\r\n", b"\r", b"\r\r", b"\n\r", b"\n\n\n"])
streams = st.tuples(
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\n"]), st.lists(st.tuples(lines, ends).map(b"".join), max_size=14)
).map(lambda parts: parts[0] + b"".join(parts[1]))


@given(streams, st.lists(st.integers(0, 10_000), max_size=8))
def test_any_stream_in_any_cut_reads_as_the_standard_says(stream, at):
    assert names_and_data(read(cut(stream, at))) == plain_reading(stream)


@given(streams, st.lists(st.integers(0, 10_000), max_size=8))
def test_spans_do_not_depend_on_the_cut_and_hold_the_event(stream, at):
    events = read(cut(stream, at))
    assert [e.span for e in events] == [e.span for e in read([stream])]
    for event in events:
        start, end = event.span
        assert plain_reading(stream[start:end] + b"\n\n") == [(event.name, event.data)]


def test_at_boundary_before_the_first_byte_and_after_each_event_only():
    stream = EventStream()
    assert stream.at_boundary
    for i, byte in enumerate(PING + PING):
        stream.feed(bytes([byte]))
        assert stream.at_boundary == ((i + 1) % len(PING) == 0), i


def test_at_boundary_with_crlf_waits_for_the_last_lf():
    stream = EventStream()
    stream.feed(b"data: 1\r\n\r")
    assert not stream.at_boundary
    stream.feed(b"\n")
    assert stream.at_boundary
    stream.feed(b"data: 2\r\n")
    assert not stream.at_boundary


def test_at_boundary_after_a_comment_and_after_more_blank_lines():
    stream = EventStream()
    for data in (b": note\n\n", b"\n", b"\n\n"):
        stream.feed(data)
        assert stream.at_boundary, data


def test_half_a_byte_order_mark_is_no_boundary():
    stream = EventStream()
    stream.feed(b"\xef\xbb")
    assert not stream.at_boundary
    stream.feed(b"\xbfdata: 1\n\n")
    assert stream.at_boundary


@given(streams, streams)
def test_an_event_put_in_at_a_boundary_disturbs_no_other(before, after):
    stream = EventStream()
    stream.feed(before)
    if not stream.at_boundary or after.startswith(b"\xef\xbb\xbf"):
        return
    expected = plain_reading(before + after)
    assert [e for e in plain_reading(before + PING + after) if e != (b"ping", b"{}")] == expected


def test_pending_is_what_there_is_of_an_unfinished_event():
    stream = EventStream()
    stream.feed(PING + b"event: mess")
    assert stream.pending == b"event: mess"
    stream.feed(b"age\n\n")
    assert stream.pending == b""


@pytest.mark.parametrize("size", [1, 7, 64, 5000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_event_over_the_limit_is_named_but_not_kept(size, end):
    big = end.join([b"event: big", b"data: " + b"x" * 5000, b"data: y", b"", b""])
    stream = EventStream(limit=1000)
    events, largest = [], 0
    data = PING + big + PING
    for i in range(0, len(data), size):
        events += stream.feed(data[i : i + size])
        largest = max(largest, len(stream._pending))
    if size < 5000:
        assert [(e.name, e.whole) for e in events] == [(b"ping", True), (b"big", False), (b"ping", True)]
        assert events[1].data == b""
        assert largest <= 1000 + size
    assert [e.span for e in events] == [e.span for e in read([data], limit=1 << 20)]
    assert stream.at_boundary


def test_an_event_over_the_limit_is_no_boundary_before_its_end():
    stream = EventStream(limit=10)
    stream.feed(b"data: " + b"x" * 100)
    assert (stream.at_boundary, stream.pending) == (False, b"")
    stream.feed(b"\n")
    assert not stream.at_boundary
    assert [e.whole for e in stream.feed(b"\n")] == [False]
    assert stream.at_boundary


def test_a_long_event_in_many_pieces_takes_time_in_proportion():
    stream = EventStream(limit=1 << 22)
    piece = b"x" * 50
    for _ in range(40_000):  # 2 MB; looking at all of it for each piece would be 40 GB
        stream.feed(piece)
    assert [e.data for e in stream.feed(b"\n\ndata: y\n\n")] == [b"y"]


SKIPPED = (b"event: a\ndata: {",)


def test_skipped_events_leave_no_trace_but_their_length():
    data = b'event: a\ndata: {"x":1}\n\n' + PING + b"event: a\ndata: {}\n\n"
    events = read([data], skip=SKIPPED)
    assert [e.name for e in events] == [b"ping"]
    assert data[slice(*events[0].span)] == PING[:-1]


def test_an_event_that_is_cut_off_inside_is_not_skipped():
    assert names_and_data(read([b'event: a\ndata: {"x":\n\n'], skip=SKIPPED)) == [(b"a", b'{"x":')]


@given(streams, st.lists(st.integers(0, 10_000), max_size=8))
def test_skipping_never_loses_another_event(stream, at):
    expected = [e for e in plain_reading(stream) if not (e[0] == b"a" and e[1].startswith(b"{"))]
    found = [e for e in names_and_data(read(cut(stream, at), skip=SKIPPED)) if not (e[0] == b"a" and e[1][:1] == b"{")]
    assert found == expected
