"""The tap on recorded answers: whole, cut anywhere, damaged, compressed; and on answers in one piece."""

from __future__ import annotations

import gzip
import json
import random
from itertools import pairwise
from pathlib import Path

import anthropic.types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from synrouter_cli.wire import decoder
from synrouter_cli.wire.anthropic import ResponseFacts, UsageTap, read_error, read_response
from synrouter_cli.wire.usage import Usage

GOLDEN = Path(__file__).parents[1] / "golden" / "anthropic"

STANDARD = {"service_tier": "standard", "inference_geo": "global"}
EXPECTED = {
    "text": ("claude-opus-4-8", "msg_01text", "end_turn", None, "exact", True,
        Usage(12, 18204, 911, 0, 27, **STANDARD)),
    "thinking": ("claude-fable-5-1", "msg_01think", "end_turn", None, "exact", True,
        Usage(5, 90112, 0, 0, 486, **STANDARD)),
    "tool_use": ("claude-sonnet-5", "msg_01tool", "tool_use", None, "exact", True,
        Usage(3, 40960, 304, 2000, 133, **STANDARD)),
    "server_tool": ("claude-opus-5-5", "msg_01web", "end_turn", None, "exact", True,
        Usage(10682, 0, 3200, 0, 510, server_tools={"web_search_requests": 2, "web_fetch_requests": 1}, **STANDARD)),
    "error_mid_stream": ("claude-opus-5", "msg_01err", None, "overloaded_error", "partial", False,
        Usage(25, 1024, 0, 0, 1, **STANDARD)),
    "compaction": ("claude-opus-4-8", "msg_01comp", "end_turn", None, "exact", True,
        Usage(23000, 0, 0, 0, 1000, has_iterations=True, **STANDARD)),
    "iterations_plain": ("claude-sonnet-5-5", "msg_01iter", "end_turn", None, "exact", True,
        Usage(2, 14646, 0, 3602, 600, **STANDARD)),
    "fast_us": ("claude-opus-5-5", "msg_01fast", "max_tokens", None, "exact", True,
        Usage(7, 0, 0, 0, 8, service_tier="standard", inference_geo="us", speed="fast")),
    "comments_and_padding": ("claude-haiku-5-5", "msg_01pad", "stop_sequence", None, "exact", True,
        Usage(100001, 0, 0, 0, 4, **STANDARD)),
}  # fmt: skip


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.sse").read_bytes()


def tapped(chunks, encoding: str = "") -> UsageTap:
    tap = UsageTap(encoding)
    for chunk in chunks:
        tap.feed(chunk)
    return tap


def seen(tap: UsageTap) -> tuple:
    return (
        tap.model,
        tap.message_id,
        tap.stop_reason,
        tap.error_type,
        tap.usage_quality,
        tap.complete,
        tap.usage,
    )


def test_every_transcript_has_its_expectation():
    assert {path.stem for path in GOLDEN.glob("*.sse")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
class TestTranscripts:
    def test_it_reads_whole(self, name):
        tap = tapped([golden(name)])
        assert seen(tap) == EXPECTED[name]
        assert tap.started
        assert tap.at_boundary

    @pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
    def test_it_reads_the_same_byte_by_byte_with_any_line_end(self, name, end, mark):
        data = mark + golden(name).replace(b"\n", end)
        assert seen(tapped(data[i : i + 1] for i in range(len(data)))) == EXPECTED[name]

    def test_it_reads_the_same_cut_anywhere_in_two(self, name):
        data = golden(name)
        for place in range(len(data)):
            assert seen(tapped([data[:place], data[place:]])) == EXPECTED[name], place

    def test_it_reads_the_same_in_random_pieces(self, name):
        data, cuts = golden(name), random.Random(name)
        for _ in range(100):
            places = sorted(cuts.randrange(len(data)) for _ in range(cuts.randrange(12)))
            places = [0, *places, len(data)]
            assert seen(tapped(data[a:b] for a, b in pairwise(places))) == EXPECTED[name]

    @pytest.mark.parametrize("coding", ["gzip", "zstd", "identity"])
    def test_it_reads_the_same_compressed(self, name, coding):
        pack = {"gzip": gzip.compress, "zstd": decoder.zstd.compress, "identity": bytes}[coding]
        data = pack(golden(name))
        tap = tapped((data[i : i + 99] for i in range(0, len(data), 99)), coding)
        assert seen(tap) == EXPECTED[name]

    def test_a_cut_never_makes_it_more_than_it_was(self, name):
        data = golden(name)
        order = ["none", "partial", "exact"]
        best = 0
        for size in range(len(data) + 1):
            tap = tapped([data[:size]])
            quality = order.index(tap.usage_quality)
            assert quality >= best, size
            best = quality
            if tap.complete:
                assert tap.usage_quality == "exact"
                assert data[:size].rstrip().startswith(data[: data.rindex(b"event: message_s")]), size

    def test_the_transcript_is_in_the_published_format(self, name):
        reader = TypeAdapter(anthropic.types.RawMessageStreamEvent)
        beta_only = ("compaction", "error", "some_new_event", "ping")
        for block in golden(name).decode().split("\n\n"):
            data = "".join(line[6:] for line in block.splitlines() if line.startswith("data: "))
            if data and not any(word in data for word in beta_only):
                reader.validate_json(data)


def event(name: str, **fields) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


START = event("message_start", message={"id": "m", "model": "claude-opus-5", "usage": {"input_tokens": 9}})
DELTA = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 4})
STOP = event("message_stop")
TEXT = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x"})


def test_before_anything_came_nothing_is_known():
    tap = UsageTap()
    assert seen(tap) == ("", None, None, None, "none", False, None)
    assert not tap.started
    assert tap.at_boundary


def test_usage_is_partial_until_the_final_counts():
    tap = tapped([START, TEXT])
    assert (tap.usage_quality, tap.usage) == ("partial", Usage(input_tokens=9))


def test_a_stream_without_message_stop_is_not_complete_but_its_counts_are_exact():
    tap = tapped([START, TEXT, DELTA])
    assert (tap.complete, tap.usage_quality) == (False, "exact")


@pytest.mark.parametrize("size", range(len(b"event: message_s"), len(STOP)))
def test_a_cut_message_stop_completes_the_answer(size):
    assert tapped([START, DELTA, STOP[:size]]).complete


@pytest.mark.parametrize("rest", [b"", b"event: m", b"event: message_", b"event: message_d", b"event: ping\ndata: {"])
def test_what_can_not_be_seen_to_be_message_stop_completes_nothing(rest):
    assert not tapped([START, DELTA, rest]).complete


def test_a_cut_message_stop_without_a_stop_reason_completes_nothing():
    assert not tapped([START, TEXT, STOP[:-4]]).complete


def test_counts_are_never_added_up():
    later = event("message_delta", delta={}, usage={"input_tokens": 9, "output_tokens": 6})
    tap = tapped([START, later, later, DELTA, STOP])
    assert tap.usage == Usage(input_tokens=9, output_tokens=4)


def test_a_message_delta_without_usage_leaves_it_partial():
    tap = tapped([START, event("message_delta", delta={"stop_reason": "end_turn"}), STOP])
    assert (tap.usage_quality, tap.complete) == ("partial", True)


@pytest.mark.parametrize(
    "broken",
    [
        b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_to\n\n',
        b"event: content_block_delta\ndata: {not json\n\n",
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":\n\n',
        b'data: {"type":"message_delta","usage":{"output_tokens":"four"}}\n\n',
        b"data: \xff\xfe\n\n",
        b"data: " + b"[" * 5000 + b"\n\n",
    ],
)
def test_an_event_that_can_not_be_read_makes_the_usage_an_estimate(broken):
    tap = tapped([START, broken, DELTA, STOP])
    assert tap.usage_quality == "estimated"
    assert tap.usage == Usage(input_tokens=9, output_tokens=4)


def test_an_unreadable_start_still_started():
    tap = tapped([b"event: message_start\ndata: {oops\n\n", DELTA, STOP])
    assert (tap.started, tap.usage_quality, tap.complete) == (True, "estimated", True)


def test_events_that_are_new_or_not_anthropics_do_not_matter():
    tap = tapped([START, b"data: [DONE]\n\n", event("new_event", usage_hint=7, content=[1]), DELTA, STOP])
    assert tap.usage_quality == "exact"


def test_text_about_events_is_text():
    about = 'event: message_stop\ndata: {"type":"message_stop"}\n\n{"usage":{"output_tokens":999}} "error"'
    text = event("content_block_delta", index=0, delta={"type": "text_delta", "text": about})
    tap = tapped([START, text])
    assert (tap.complete, tap.error_type, tap.usage) == (False, None, Usage(input_tokens=9))


def test_streams_without_event_lines_are_read_by_the_type_in_their_data():
    data = b"".join(line + b"\n" for line in (START + TEXT + DELTA + STOP).split(b"\n") if b"event:" not in line)
    assert seen(tapped([data])) == seen(tapped([START + TEXT + DELTA + STOP]))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"m"}}\n\n', "api_error"),
        (b'data: {"type":"error","error":{"type":"rate_limit_error"}}\n\n', "rate_limit_error"),
        (b'event: error\ndata: {"type":"error"}\n\n', "unknown"),
        (b"event: error\ndata: upstream fell over\n\n", "unknown"),
        (b'event: error\ndata: {"type":"error","error":"overloaded"}\n\n', "unknown"),
    ],
)
def test_an_error_event_is_seen_whatever_it_says(data, expected):
    tap = tapped([START, data])
    assert (tap.error_type, tap.complete, tap.usage_quality) == (expected, False, "partial")


def test_a_huge_event_without_usage_costs_no_exactness_and_any_other_does():
    filler = b"x" * (3 << 20)
    big_block = b'event: content_block_start\ndata: {"type":"content_block_start","x":"' + filler
    big_other = b'event: message_delta\ndata: {"type":"message_delta","x":"' + filler
    for big, quality in ((big_block, "exact"), (big_other, "estimated")):
        data = START + big + b'"}\n\n' + DELTA + STOP
        tap = tapped(data[i : i + 65536] for i in range(0, len(data), 65536))
        assert (tap.usage_quality, tap.complete, tap.at_boundary) == (quality, True, True)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "br", "nonsense"])
def test_a_false_content_encoding_makes_an_estimate_and_raises_nothing(coding):
    tap = tapped([START, DELTA, STOP], coding)
    assert (tap.usage_quality, tap.usage) == ("estimated", None)


def test_nothing_may_be_put_into_a_compressed_stream():
    tap = UsageTap("gzip")
    assert not tap.at_boundary
    tap.feed(gzip.compress(START))
    assert tap.started
    assert not tap.at_boundary


@given(st.lists(st.binary(max_size=60) | st.sampled_from([START, DELTA, STOP, TEXT, b"\n\n", b"data: "]), max_size=12))
def test_no_bytes_make_it_raise(chunks):
    tap = tapped(chunks)
    assert tap.usage_quality in ("exact", "partial", "estimated", "none")
    assert isinstance(tap.complete, bool)


MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-8",
    "content": [{"type": "text", "text": "Grüße"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 200,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 5,
        "server_tool_use": None,
        "service_tier": "batch",
    },
}
FACTS = ResponseFacts(
    usage=Usage(10, 200, 10, 20, 5, service_tier="batch"),
    usage_quality="exact",
    model="claude-opus-4-8",
    message_id="msg_1",
    stop_reason="end_turn",
)


def test_an_answer_in_one_piece():
    anthropic.types.Message.model_validate(MESSAGE)
    assert read_response(json.dumps(MESSAGE).encode()) == FACTS
    assert read_response(gzip.compress(json.dumps(MESSAGE).encode()), "gzip") == FACTS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", ResponseFacts()),
        (b'{"input_tokens": 12}', ResponseFacts()),
        (json.dumps(MESSAGE).encode()[:-3], ResponseFacts(usage_quality="estimated")),
        (b"<html>502</html>", ResponseFacts(usage_quality="estimated")),
        (b"[1]", ResponseFacts(usage_quality="estimated")),
        (b"\xff", ResponseFacts(usage_quality="estimated")),
        (
            b'{"type":"error","error":{"type":"not_found_error","message":"x"},"request_id":"r"}',
            ResponseFacts(error_type="not_found_error"),
        ),
    ],
)
def test_other_bodies_in_one_piece(body, expected):
    assert read_response(body) == expected


def test_a_body_with_a_false_content_encoding_is_an_estimate():
    assert read_response(json.dumps(MESSAGE).encode(), "gzip") == ResponseFacts(usage_quality="estimated")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', "overloaded_error"),
        (b'{"error":{"type":"invalid_request_error","code":null}}', "invalid_request_error"),
        (b'{"error":"text"}', None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_the_type_of_an_error_answer(body, expected):
    assert read_error(body) == expected
