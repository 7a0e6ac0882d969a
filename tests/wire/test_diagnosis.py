"""The provider's diagnosis: read from any answer, asked for in any body, and nothing else is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.wire.anthropic import UsageTap, read_response
from synrouter_cli.wire.diagnosis import REASONS, Diagnosis, asking, read_diagnosis

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def said(kind: object, missed: object = None) -> dict[str, Any]:
    return {"cache_miss_reason": {"type": kind, "cache_missed_input_tokens": missed}}


@pytest.mark.parametrize(
    ("value", "diagnosis"),
    [
        *((said(reason, 7), Diagnosis(reason, 7)) for reason in REASONS),
        ({"cache_miss_reason": {"type": "unavailable"}}, Diagnosis("unavailable")),
        (said("phase_of_the_moon"), Diagnosis("other")),
        (said("tools_changed", True), Diagnosis("tools_changed")),
        (said("tools_changed", -1), Diagnosis("tools_changed")),
        (None, None),
        ({"cache_miss_reason": None}, None),
        (said(None), None),
    ],
)
def test_what_an_answer_says_is_read(value: object, diagnosis: Diagnosis | None) -> None:
    assert read_diagnosis(value) == diagnosis


@given(json_values, st.booleans())
def test_whatever_stands_there_usage_is_read_all_the_same(value: object, inside: bool) -> None:
    diagnostics = {"cache_miss_reason": value} if inside else value
    message = {"id": "m", "model": "claude-opus-5", "usage": {"input_tokens": 3, "output_tokens": 1}}
    message["diagnostics"] = diagnostics
    whole = read_response(json.dumps(message).encode())
    tap = UsageTap()
    tap.feed(b"event: message_start\ndata: %s\n\n" % json.dumps({"type": "message_start", "message": message}).encode())
    assert whole.usage is not None and tap.usage is not None
    assert whole.usage.input_tokens == tap.usage.input_tokens == 3
    assert whole.diagnosis == tap.diagnosis == read_diagnosis(diagnostics)


@given(st.dictionaries(st.text().filter(lambda name: name != "diagnostics"), json_values, min_size=1), st.booleans())
def test_the_question_is_put_in_and_the_rest_stays_as_it_is(body: dict[str, Any], spaced: bool) -> None:
    raw = json.dumps(body, indent=2 if spaced else None).encode()
    asked = asking(raw, "msg_01")
    assert asked is not None and json.loads(asked) == {"diagnostics": {"previous_message_id": "msg_01"}, **body}
    assert asked.endswith(raw.lstrip()[1:])


@pytest.mark.parametrize("previous", [None, "", 'x"y', "m\n", "é", "a" * 129])
def test_an_id_that_is_none_is_null(previous: str | None) -> None:
    asked = asking(b'{"model":"m"}', previous)
    assert asked is not None and json.loads(asked)["diagnostics"] == {"previous_message_id": None}


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"{ }", b'{"diagnostics":null}', b'{"a":1, "diagnostics" : {}}'])
def test_where_the_client_asks_or_nothing_can_be_asked_the_body_stays(raw: bytes) -> None:
    assert asking(raw, None) is None


def test_the_word_elsewhere_in_the_body_is_no_question() -> None:
    assert (
        asking(b'{"messages":[{"role":"user","content":"see \\"diagnostics\\""},{"diagnostics":1}]}', None) is not None
    )
