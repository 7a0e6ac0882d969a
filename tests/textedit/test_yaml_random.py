"""A thousand random edits of YAML, against another parser (ruamel.yaml, version 1.2)."""

from __future__ import annotations

import random
import re

from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from support.configs import HUNDREDS, THOUSAND, objects, paths_in, rendered_yaml, values
from synrouter_cli.errors import EditError
from synrouter_cli.textedit import ABSENT, Edit, Yaml, apply, undo
from synrouter_cli.textedit.values import changed, find, same

OURS = [
    Edit(("providers", "synrouter", "base_url"), "http://127.0.0.1:7477"),
    Edit(("model",), "m"),
    Edit(("models",), {"name": "Synrouter", "on": True}, element=True),
]


def oracle(text: str):
    value = YAML(typ="safe", pure=True).load(text.removeprefix("\ufeff"))
    return {} if value is None else value


@st.composite
def files(draw):
    value = draw(objects())
    return value, rendered_yaml(value, random.Random(draw(st.integers(0, 2**32))))


@THOUSAND
@given(files(), st.data())
def test_an_edit_changes_its_path_and_nothing_else_or_is_refused(file, data):
    value, text = file
    assert same(oracle(text), value), text
    before = Yaml.parse(text)
    assert same(before.value, value)
    path = data.draw(paths_in(value))
    new = data.draw(st.one_of(st.just(ABSENT), values()))
    after = before.remove(path) if new is ABSENT else before.set(path, new)
    assert same(oracle(after.text), changed(value, path, new))
    assert after.text.startswith("\ufeff") == text.startswith("\ufeff")
    assert not line_ends(text) or line_ends(after.text) <= line_ends(text)


def line_ends(text: str) -> set[str]:
    return set(re.findall(r"\r\n|\n|\r", text))


@HUNDREDS
@given(files(), st.data())
def test_what_is_set_and_taken_back_leaves_every_byte(file, data):
    value, text = file
    path = data.draw(paths_in(value))
    if not value:
        return
    done, changes = apply(Yaml.parse(text), [Edit(path, data.draw(values()))])
    undone = undo(done, changes)
    assert undone.kept == ()
    assert undone.document.text == text
    assert undo(undone.document, changes) == undone


@HUNDREDS
@given(files(), st.data())
def test_undo_gives_what_the_user_made_of_the_file_since(file, data):
    value, text = file
    try:
        done, changes = apply(Yaml.parse(text), OURS)
    except EditError:
        assert not isinstance(value.get("providers"), dict | None) or not isinstance(value.get("models"), list | None)
        return
    path = data.draw(paths_in(done.value))
    new = data.draw(st.one_of(st.just(ABSENT), values()))
    edited = done.remove(path) if new is ABSENT else done.set(path, new)
    undone = undo(edited, changes)
    if path[0] not in ("providers", "model", "models"):
        assert undone.kept == ()
        assert same(undone.document.value, changed(value, path, new))
    assert undo(undone.document, changes) == undone


@HUNDREDS
@given(files(), st.data())
def test_an_insertion_takes_nothing_away(file, data):
    value, text = file
    path = data.draw(paths_in(value))
    if find(value, path) is not ABSENT or any(
        find(value, path[:depth]) in (None, {}, []) for depth in range(len(path))
    ):
        return
    letters = iter(Yaml.parse(text).set(path, data.draw(values())).text)
    assert all(letter in letters for letter in text)
