"""Edits restore, sent bytes outside the edits are the received ones, lone surrogates don't stop the parser."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt.body import Edit, address, apply_edits, inverse_edits, parseable


@st.composite
def edited(draw: st.DrawFn) -> tuple[bytes, list[Edit]]:
    body = draw(st.binary(min_size=0, max_size=200))
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=8)))
    edits = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        if edits and edits[-1].offset == start and edits[-1].length == 0 and start == end:
            continue
        edits.append(Edit(start, end - start, draw(st.binary(max_size=20))))
    return body, edits


@given(edited())
def test_the_inverse_list_restores_the_body(case: tuple[bytes, list[Edit]]) -> None:
    body, edits = case
    assert apply_edits(apply_edits(body, edits), inverse_edits(body, edits)) == body


@given(edited(), st.randoms())
def test_the_order_in_which_edits_are_given_makes_no_difference(case, random) -> None:
    body, edits = case
    if len({edit.offset for edit in edits}) < len(edits):
        return  # two at one offset keep the order they are given in
    shuffled = list(edits)
    random.shuffle(shuffled)
    assert apply_edits(body, shuffled) == apply_edits(body, edits)


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        apply_edits(b"abcdef", [Edit(1, 3, b""), Edit(2, 1, b"")])
    with pytest.raises(ValueError, match="leaves the body"):
        apply_edits(b"abc", [Edit(2, 5, b"")])


def test_a_raw_value_tells_where_it_stands() -> None:
    body = b' {"a" : [ 1, {"b":"x"} ]}'
    raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])["a"]
    start = address(raw) - address(body)
    assert body[start : start + len(memoryview(raw))] == b'[ 1, {"b":"x"} ]'


SURROGATES = [
    (rb'"\ud800"', rb'"\ufffd"'),
    (rb'"\udc00 x"', rb'"\ufffd x"'),
    (rb'"\ud83d\ude00"', rb'"\ud83d\ude00"'),
    (rb'"\ud83d\ud83d\ude00"', rb'"\ufffd\ud83d\ude00"'),
    (rb'"\ud83d \ude00"', rb'"\ufffd \ufffd"'),
    (rb'"\\ud800"', rb'"\\ud800"'),
    (rb'"\\\ud800"', rb'"\\\ufffd"'),
    (rb'"\ud83d\n\ude00"', rb'"\ufffd\n\ufffd"'),
    (b'"\xed\xa0\xbd"', b'"\xef\xbf\xbd"'),
]


@pytest.mark.parametrize(("text", "clean"), SURROGATES)
def test_lone_surrogates_are_replaced_in_a_copy_of_the_same_length(text: bytes, clean: bytes) -> None:
    assert parseable(text) == clean
    assert len(parseable(text)) == len(text)
    msgspec.json.decode(parseable(text))


@given(st.text(st.characters(codec=None, categories=None), max_size=40), st.booleans())
def test_any_text_python_can_write_becomes_parseable(text: str, ascii_only: bool) -> None:
    body = json.dumps(text, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    clean = parseable(body)
    assert len(clean) == len(body)
    msgspec.json.decode(clean)
