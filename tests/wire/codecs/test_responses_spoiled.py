"""Bodies and streams with anything anywhere: refused, or read and written again; never an error of ours."""

from __future__ import annotations

import contextlib
import copy
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.responses import CODEC
from synrouter_cli.wire.ir import Failure, Finished, Request
from wire.cases.responses import ANSWERS, ERRORS, REQUESTS, STREAMS, sse

JUNK = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "x", [], {}, [None], [[]], [{}], ["x"], {"type": "x"}, {"type": None}, {"text": 3}]
)
PLACES = st.lists(st.integers(0, 10**6), min_size=1, max_size=3)


def places(value, path=()):
    """The path of every value inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [one for key, inner in inside for one in places(inner, (*path, key))]


def spoiled(value, chosen, junk):
    """A copy in which some values are junk, or gone."""
    value = copy.deepcopy(value)
    for number in chosen:
        *path, last = (all_ := places(value))[number % len(all_)]
        holder = value
        for key in path:
            holder = holder[key]
        if junk == "x" and isinstance(holder, dict):
            del holder[last]
        else:
            holder[last] = copy.deepcopy(junk)
        if not places(value):
            break
    return value


@settings(max_examples=600)
@given(st.sampled_from(REQUESTS), PLACES, JUNK)
def test_a_spoiled_request_is_refused_or_goes_on(case, chosen, junk):
    body = json.dumps(spoiled(case[1], chosen, junk)).encode()
    with contextlib.suppress(InvalidRequest):
        request, _ = CODEC.decode_request(body)
        CODEC.encode_request(request)


@settings(max_examples=400)
@given(st.sampled_from([*ANSWERS, *((name, body) for name, (_, body) in ERRORS)]), PLACES, JUNK)
def test_a_spoiled_answer_is_a_failure_or_goes_on(case, chosen, junk):
    answer, _ = CODEC.decode_response(json.dumps(spoiled(case[1], chosen, junk)).encode())
    if isinstance(answer, Failure):
        CODEC.encode_failure(answer)
    else:
        CODEC.encode_response(answer, Request("m"))


@settings(max_examples=400)
@given(st.sampled_from(STREAMS), PLACES, JUNK)
def test_a_spoiled_stream_comes_to_one_end(case, chosen, junk):
    events = spoiled([{**one} for one in case[1]], chosen, junk)
    stream = sse([one for one in events if isinstance(one, dict) and isinstance(one.get("type"), str)])
    decoder, encoder = CODEC.stream_decoder(), CODEC.stream_encoder(Request("m"))
    found = decoder.feed(stream) + decoder.end()
    assert [isinstance(one, Failure | Finished) for one in found].count(True) == 1
    for one in found:
        encoder.encode(one)
