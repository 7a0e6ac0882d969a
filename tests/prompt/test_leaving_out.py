"""Claude Code's billing block is found where it stands first, and an element leaves the list with one comma."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt.body import apply_edits, inverse_edits
from synrouter_cli.prompt.leaving_out import billing_block, without_unit_edits
from synrouter_cli.prompt.segments import segment

BILLING = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329.a1b; cc_entrypoint=cli;"}
YOU = {"type": "text", "text": "You are an agent."}
TOOLS = [{"name": "Bash"}, {"name": "Read"}]


def request(system: Any, tools: Any = None) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": BILLING["text"]}], "system": system, "tools": tools}
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "block",
    [
        BILLING,
        {**BILLING, "cache_control": {"type": "ephemeral"}},
        {"text": BILLING["text"], "type": "text"},
        {"type": "text", "text": "x-anthropic-billing-header:\ud800"},
    ],
)
@pytest.mark.parametrize("tools", [None, TOOLS])
def test_the_billing_block_is_found_at_the_head_of_the_system_list(block: Any, tools: Any) -> None:
    for system in ([block], [block, YOU], [block, BILLING]):
        assert billing_block(segment(request(system, tools))) == len(tools or [])


NONE_THERE = {
    "no system": None,
    "an empty list": [],
    "another first": [YOU, BILLING],
    "a string, in which it does not stand alone": BILLING["text"],
    "the name is only mentioned": [{"type": "text", "text": f"see {BILLING['text']}"}],
    "it stands in another field": [{"type": "text", "text": "hi", "x": BILLING["text"]}],
    "no text": [{"type": "image", "text": BILLING["text"]}],
    "a text that is no string": [{"type": "text", "text": [BILLING["text"]]}],
    "another case": [{"type": "text", "text": BILLING["text"].upper()}],
}


@pytest.mark.parametrize("system", NONE_THERE.values(), ids=NONE_THERE.keys())
def test_nothing_else_is_taken_for_it(system: Any) -> None:
    assert billing_block(segment(request(system, TOOLS))) is None


CASES = {
    "the first, with the comma after it": (b'[ {"a":1} , {"b":2} ]', 0, b'[ {"b":2} ]'),
    "one in the middle": (b'[{"a":1},\n {"b":2},\n {"c":3}]', 1, b'[{"a":1},\n {"c":3}]'),
    "the last, with the comma before it": (b'[{"a":1},\n {"b":2}\n]', 1, b'[{"a":1}\n]'),
    "the only one": (b'[\n{"a":1,"cache_control":{"type":"ephemeral"}} ]', 0, b"[\n ]"),
}


@pytest.mark.parametrize(("system", "element", "left"), CASES.values(), ids=CASES.keys())
def test_an_element_goes_with_exactly_one_comma(system: bytes, element: int, left: bytes) -> None:
    body = b'{"system":%s,"tools":[{"name":"Bash"}],"messages":[]}'
    prompt = segment(body % system)
    assert apply_edits(body % system, without_unit_edits(prompt, 1 + element)) == body % left


SPACE = st.text(" \n\r\t", max_size=3)
ELEMENT = st.builds(
    lambda text, mark, ascii_only: json.dumps(
        {"type": "text", "text": text, **({"cache_control": {"type": "ephemeral"}} if mark else {})},
        ensure_ascii=ascii_only,
    ),
    st.one_of(
        st.text(st.characters(codec=None, categories=None), max_size=6),
        st.sampled_from([",", "],[", '"},{"', BILLING["text"]]),
    ),
    st.booleans(),
    st.booleans(),
)


@st.composite
def system_lists(draw: st.DrawFn) -> tuple[bytes, list[str], str, str]:
    elements = draw(st.lists(ELEMENT, min_size=1, max_size=4))
    inside = ",".join(draw(SPACE) + element + draw(SPACE) for element in elements)
    before = '{"tools":[{"name":"t"}],' + draw(SPACE) + '"system":' + draw(SPACE) + "["
    after = "]" + draw(SPACE) + ',"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}'
    return (before + inside + after).encode("utf-8", "surrogatepass"), elements, before, after


@given(system_lists(), st.data())
def test_all_other_elements_and_all_around_stay_as_they_came(case, data: st.DataObject) -> None:
    body, elements, before, after = case
    place = data.draw(st.integers(0, len(elements) - 1))
    prompt = segment(body)
    edits = without_unit_edits(prompt, 1 + place)
    sent = apply_edits(body, edits)
    assert apply_edits(sent, inverse_edits(body, edits)) == body
    assert sent.startswith(before.encode()) and sent.endswith(after.encode())

    left = segment(sent)
    start, end = left.starts[1:], [s + u.length for s, u in zip(left.starts, left.units, strict=True)][1:]
    others = [element for index, element in enumerate(elements) if index != place]
    raws = [sent[a:b].decode("utf-8", "surrogatepass") for a, b in zip(start, end, strict=True)]
    assert raws[: len(others)] == others
    assert left.unit_counts == (1, len(others), 1)
    json.loads(sent.decode("utf-8", "surrogatepass"))


@given(system_lists())
def test_without_the_block_conversations_share_their_head(case) -> None:
    _, elements, before, after = case
    sent = []
    for number in range(2):
        block = json.dumps({"type": "text", "text": f"x-anthropic-billing-header: cch={number};"})
        body = (before + ", ".join([block, *elements]) + after).encode("utf-8", "surrogatepass")
        prompt = segment(body)
        unit = billing_block(prompt)
        assert unit == 1
        sent.append(apply_edits(body, without_unit_edits(prompt, unit)))
    assert sent[0] == sent[1]


@pytest.mark.parametrize(("system", "unit"), [("text", 2), ([YOU], 1), ([YOU], 3), (None, 2), (["text"], 2)])
def test_what_is_no_element_of_the_list_is_refused(system: Any, unit: int) -> None:
    with pytest.raises(ValueError, match="no element of the system list"):
        without_unit_edits(segment(request(system, TOOLS)), unit)
