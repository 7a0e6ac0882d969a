"""Every hard case of the Messages API, read and written again: the same as before, and as the SDK's types say."""

from __future__ import annotations

import json

import pytest

from synrouter_cli.wire.codecs.anthropic import CODEC
from synrouter_cli.wire.ir import Request
from wire.cases import anthropic as cases
from wire.oracle import answer_faults, error_faults, event_faults, events_of, request_faults

ASKED = Request("claude-opus-4-8")


def named(values):
    return [pytest.param(value, id=name) for name, value in values]


def sse(events):
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)


def encoded(events, encoder=None):
    encoder = encoder or CODEC.stream_encoder(ASKED)
    out = b"".join(encoder.encode(event) for event in events) + encoder.end()
    assert not encoder.losses
    return out


def decoded(pieces):
    decoder = CODEC.stream_decoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.end()


@pytest.mark.parametrize("request_", named(cases.REQUESTS))
def test_a_request_is_written_as_it_was_read(request_):
    assert request_faults("anthropic", request_) == []
    read, lost = CODEC.decode_request(json.dumps(request_, ensure_ascii=False).encode())
    body, more = CODEC.encode_request(read)
    assert (lost, more) == ((), ())
    assert json.loads(body) == request_
    assert CODEC.decode_request(body)[0] == read


@pytest.mark.parametrize("request_", named(cases.BETA_REQUESTS))
def test_a_request_with_beta_fields_is_written_as_it_was_read(request_):
    assert request_faults("anthropic", request_, beta=True) == []
    body, lost = CODEC.encode_request(CODEC.decode_request(json.dumps(request_).encode())[0])
    assert (json.loads(body), lost) == (request_, ())


@pytest.mark.parametrize("answer", named(cases.ANSWERS))
def test_an_answer_is_written_as_it_was_read(answer):
    read, _ = CODEC.decode_response(json.dumps(answer).encode())
    body, lost = CODEC.encode_response(read, ASKED)
    assert answer_faults("anthropic", answer) == answer_faults("anthropic", body) == []
    assert lost == ()
    again = json.loads(body)
    assert {**again, "usage": None} == {**answer, "usage": None}
    assert answer["usage"].items() <= again["usage"].items()
    assert CODEC.decode_response(body)[0] == read or "service_tier" not in answer["usage"]


@pytest.mark.parametrize("events", named(cases.STREAMS))
def test_a_stream_is_written_as_it_was_read(events):
    assert [fault for one in events for fault in event_faults("anthropic", one)] == []
    read = decoded([sse(events)])
    out = encoded(read)
    assert [fault for one in events_of(out) for fault in event_faults("anthropic", one)] == []
    assert decoded([out]) == read


@pytest.mark.parametrize("events", named(cases.STREAMS))
@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_a_stream_gives_the_same_events_however_it_is_cut(events, ends):
    stream = b"\xef\xbb\xbf: hello\n\n" + sse(events)
    stream = stream.replace(b"\n", ends)
    whole = decoded([sse(events)])
    assert decoded([stream[i : i + 1] for i in range(len(stream))]) == whole
    for size in (2, 7, 97):
        assert decoded([stream[i : i + size] for i in range(0, len(stream), size)]) == whole


@pytest.mark.parametrize("error", named(cases.ERRORS))
def test_an_error_is_written_as_it_was_read(error):
    status, body = error
    failure, _ = CODEC.decode_response(json.dumps(body).encode())
    again = CODEC.encode_failure(failure)
    assert error_faults("anthropic", again[1]) == []
    assert (again[0], json.loads(again[1])) == (status, body)
