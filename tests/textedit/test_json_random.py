"""A thousand random edits of JSON, JSONC and JSON5 each, against parsers of others."""

from __future__ import annotations

import json
import random
import re

import pyjson5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.configs import HUNDREDS, THOUSAND, objects, paths_in, rendered_json, values
from synrouter_cli.errors import EditError
from synrouter_cli.textedit import ABSENT, Edit, Json, Json5, Jsonc, apply, undo
from synrouter_cli.textedit.values import changed, find, same

KINDS = {"json": Json, "jsonc": Jsonc, "json5": Json5}
_STRINGS_AND_NOTES = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\r\n]*|/\*.*?\*/', re.DOTALL)


def oracle(text: str, kind: str):
    text = text.removeprefix("\ufeff")
    if kind == "json5":
        return pyjson5.decode(text)
    if kind == "jsonc":
        text = _STRINGS_AND_NOTES.sub(lambda match: match[1] or " ", text)
        text = re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', lambda match: match[1] or " ", text)
    return json.loads(text)


@st.composite
def files(draw):
    kind = draw(st.sampled_from(sorted(KINDS)))
    value = draw(objects())
    text = rendered_json(value, random.Random(draw(st.integers(0, 2**32))), kind)
    return kind, value, text


@pytest.mark.parametrize("kind", KINDS)
@THOUSAND
@given(data=st.data())
def test_an_edit_changes_its_path_and_nothing_else(kind, data):
    value = data.draw(objects())
    text = rendered_json(value, random.Random(data.draw(st.integers(0, 2**32))), kind)
    assert same(oracle(text, kind), value)
    document = KINDS[kind].parse(text)
    assert same(document.value, value)
    for _ in range(2):
        path = data.draw(paths_in(document.value))
        new = data.draw(st.one_of(st.just(ABSENT), values()))
        before = document
        document = before.remove(path) if new is ABSENT else before.set(path, new)
        assert same(oracle(document.text, kind), changed(before.value, path, new))
        assert document.text.startswith("\ufeff") == text.startswith("\ufeff")
        assert line_ends(document.text) <= line_ends(before.text) or line_ends(before.text) == set()


def line_ends(text: str) -> set[str]:
    return set(re.findall(r"\r\n|\n|\r", text))


@HUNDREDS
@given(files(), st.data())
def test_what_is_set_and_taken_back_leaves_every_byte(file, data):
    kind, value, text = file
    path = data.draw(paths_in(value))
    done, changes = apply(KINDS[kind].parse(text), [Edit(path, data.draw(values()))])
    undone = undo(done, changes)
    assert undone.kept == ()
    assert undone.document.text == text
    assert undo(undone.document, changes) == undone


@HUNDREDS
@given(files(), st.data())
def test_an_insertion_takes_nothing_away(file, data):
    kind, value, text = file
    path = data.draw(paths_in(value))
    if find(value, path) is not ABSENT or find(value, path[:-1]) in (None, {}, []):
        return
    letters = iter(KINDS[kind].parse(text).set(path, data.draw(values())).text)
    assert all(letter in letters for letter in text)


@HUNDREDS
@given(files(), st.data())
def test_undo_gives_what_the_user_made_of_the_file_since(file, data):
    kind, value, text = file
    document = KINDS[kind].parse(text)
    ours = [
        Edit(("env", "SR_URL"), "http://127.0.0.1:7477"),
        Edit(("model",), "m"),
        Edit(("sr", "list"), "x", element=True),
    ]
    try:
        done, changes = apply(document, ours)
    except EditError:
        assert not isinstance(value.get("env"), dict | None)  # refused: it would have to go
        return
    path = data.draw(paths_in(done.value))
    new = data.draw(st.one_of(st.just(ABSENT), values()))
    edited = done.remove(path) if new is ABSENT else done.set(path, new)
    undone = undo(edited, changes)
    touched = path[0] in ("env", "model", "sr")
    expected = value if touched else changed(value, path, new)
    for key in {*expected, *undone.document.value} - ({path[0]} if touched else set()):
        assert same(undone.document.value.get(key, ABSENT), expected.get(key, ABSENT))
    assert touched or undone.kept == ()
    again = undo(undone.document, changes)
    assert again == undone
