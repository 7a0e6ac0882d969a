"""What a plan makes of one file, what is remembered, what an undo leaves."""

from __future__ import annotations

import json
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.clients.client import TOKEN, FileEdit
from synrouter_cli.clients.editing import edited, holds_key, redacted, with_new_key, without
from synrouter_cli.errors import EditError
from synrouter_cli.textedit import ABSENT, LINE, Edit, leaves

KEY, NEW_KEY = "sk-sr-local-one", "sk-sr-local-two"
URL = "http://127.0.0.1:7477"
PORT = 7477


def file(*edits: Edit, kind: str = "json") -> FileEdit:
    return FileEdit(PurePath("c"), kind, edits)


def put(text: str, *edits: Edit, earlier=(), key: str = KEY, kind: str = "json"):
    return edited(text, file(*edits, kind=kind), earlier, token=key, port=PORT)


def test_the_key_is_in_the_file_and_not_in_what_is_remembered():
    text, changes = put("{}", Edit(("a",), f"Bearer {TOKEN}"))
    assert json.loads(text) == {"a": f"Bearer {KEY}"}
    assert KEY not in repr(changes)
    assert [holds_key(change.after) for change in changes if change.path] == [True]
    assert without(text, "json", changes) == ("{}", ())


def test_an_undo_after_the_key_was_replaced_takes_it_out_all_the_same():
    text, changes = put('{"mine": 1}', Edit(("a",), TOKEN))
    assert without(text.replace(KEY, NEW_KEY), "json", changes) == ('{"mine": 1}', ())


def test_a_new_key_goes_where_the_old_one_still_stands():
    text, changes = put("{}", Edit(("a",), TOKEN), Edit(("b",), f"x {TOKEN}"), Edit(("c",), TOKEN))
    theirs = text.replace(f'"c": "{KEY}"', '"c": "their own"')
    renewed = with_new_key(theirs, "json", changes, old=KEY, new=NEW_KEY)
    assert json.loads(renewed) == {"a": NEW_KEY, "b": f"x {NEW_KEY}", "c": "their own"}


def test_configuring_again_takes_out_what_is_not_planned_any_more():
    text, changes = put('{"model": "theirs"}', Edit(("model",), "ours"), Edit(("a", "b"), 1))
    again, later = put(text, Edit(("c",), 2), earlier=changes)
    assert json.loads(again) == {"model": "theirs", "c": 2}
    assert json.loads(without(again, "json", later)[0]) == {"model": "theirs"}


def test_configuring_again_the_same_way_changes_nothing():
    edits = [Edit(("a", "b"), TOKEN), Edit(("l",), {"id": "us", "key": TOKEN}, element=True, by="id")]
    text, changes = put('{"l": [{"id": "mine"}], // x\n "z": 1e3}', *edits, kind="jsonc")
    again, later = put(text, *edits, earlier=changes, kind="jsonc")
    assert (again, later) == (text, changes)


def test_a_line_with_an_old_key_is_replaced_and_not_doubled():
    line = Edit(("h",), f"x-synrouter-key: {TOKEN}", element=True, by=LINE)
    text, changes = put('{"h": "a: 1"}', line)
    again, later = put(text, line, earlier=changes, key=NEW_KEY)
    assert json.loads(again)["h"].splitlines() == ["a: 1", f"x-synrouter-key: {NEW_KEY}"]
    assert without(again, "json", later)[0] == '{"h": "a: 1"}'


@pytest.mark.parametrize(
    "before",
    [
        {"url": f"{URL}/v1", "key": KEY, "model": "synrouter/opus"},
        {"url": URL, "key": "sk-sr-local-of-long-ago", "model": "synrouter"},
    ],
)
def test_what_is_ours_already_is_never_restored(before):
    edits = [Edit(("url",), URL), Edit(("key",), TOKEN), Edit(("model",), "synrouter/sonnet")]
    text, changes = put(json.dumps(before), *edits)
    left = json.loads(without(text, "json", changes)[0])
    assert left == {}


def test_a_value_of_the_users_that_only_looks_near_is_restored():
    before = json.dumps({"url": "http://127.0.0.1:11434", "model": "synroute"})
    text, changes = put(before, Edit(("url",), URL), Edit(("model",), "synrouter/x"))
    assert without(text, "json", changes)[0] == before


def test_a_file_that_does_not_parse_is_refused_with_its_place():
    with pytest.raises(EditError) as refused:
        put('{\n  "a": 1,,\n}', Edit(("b",), 1))
    assert (refused.value.line, refused.value.column) == (2, 10)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('  "ANTHROPIC_API_KEY": "sk-ant-api03-abcdefghijkl"', '  "ANTHROPIC_API_KEY": "…"'),
        (f'+ "x": "{KEY}"', '+ "x": "sk-sr-local-…"'),
        ("api_key = 'abcdefgh'", "api_key = '…'"),
        ("Authorization: Bearer abcdefgh", "Authorization: Bearer …"),
        ("secret: hunter22", "secret: …"),
        ('"url": "https://x", "sk-proj-abcdefghijklmn"', '"url": "https://x", "…"'),
        ('"env_key": "$SYNROUTER_KEY"', '"env_key": "$SYNROUTER_KEY"'),
        ('"apiKeyHelper": "/usr/bin/synrouter token show"', '"apiKeyHelper": "/usr/bin/synrouter token show"'),
        ('"maxTokens": 64000,', '"maxTokens": 64000,'),
    ],
)
def test_a_diff_shows_no_key(line, shown):
    assert redacted(line) == shown


NAMES = st.sampled_from(["a", "b", "env", "model", "x y"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(["", "v", "é"])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=2)),
    max_leaves=5,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


@given(OBJECTS, OBJECTS, OBJECTS)
def test_however_often_it_is_configured_one_undo_gives_the_original_byte_for_byte(theirs, first, second):
    original = json.dumps(theirs, indent=2, ensure_ascii=False)
    try:
        text, changes = put(original, *leaves((), {"ours": first} | first))
        text, changes = put(text, *leaves((), {"ours": second} | second), earlier=changes)
    except EditError:
        return  # a parent of theirs is no object
    undone, kept = without(text, "json", changes)
    assert (json.loads(undone), kept) == (theirs, ())
    assert all(change.before is not ABSENT or change.after is not ABSENT for change in changes)
