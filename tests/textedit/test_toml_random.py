"""A thousand random edits of TOML, against another parser (tomlkit)."""

from __future__ import annotations

import random
import re

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from support.configs import HUNDREDS, THOUSAND, objects, paths_in, rendered_toml, values
from synrouter_cli.errors import EditError
from synrouter_cli.textedit import ABSENT, Edit, Toml, apply, undo
from synrouter_cli.textedit.values import changed, find, same

OURS = [
    Edit(("model_provider",), "synrouter"),
    Edit(("model_providers", "synrouter", "base_url"), "http://127.0.0.1:7477/v1"),
    Edit(("model_providers", "synrouter", "auth", "args"), ["token", "show"]),
]


def oracle(text: str):
    return tomlkit.parse(text.removeprefix("\ufeff")).unwrap()


@st.composite
def files(draw):
    value = draw(objects(nulls=False))
    return value, rendered_toml(value, random.Random(draw(st.integers(0, 2**32))))


@THOUSAND
@given(files(), st.data())
def test_an_edit_changes_its_path_and_nothing_else_or_is_refused(file, data):
    value, text = file
    before = Toml.parse(text)
    assert same(before.value, value)
    path = data.draw(paths_in(value))
    new = data.draw(st.one_of(st.just(ABSENT), values(nulls=False)))
    try:
        after = before.remove(path) if new is ABSENT else before.set(path, new)
    except EditError:
        assert not all(isinstance(key, str) for key in path) or len(path) > 1
        return
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
    new = data.draw(values(nulls=False))
    before = find(value, path)
    if isinstance(before, dict | list) or any(not isinstance(key, str) for key in path):
        return
    try:
        done, changes = apply(Toml.parse(text), [Edit(path, new)])
    except EditError:
        return
    undone = undo(done, changes)
    assert undone.kept == ()
    assert undone.document.text == text
    assert undo(undone.document, changes) == undone


@HUNDREDS
@given(files(), st.data())
def test_undo_gives_what_the_user_made_of_the_file_since(file, data):
    value, text = file
    done, changes = apply(Toml.parse(text), OURS)
    assert undo(done, changes).document.text == text
    path = data.draw(paths_in(done.value))
    new = data.draw(st.one_of(st.just(ABSENT), values(nulls=False)))
    try:
        edited = done.remove(path) if new is ABSENT else done.set(path, new)
    except EditError:
        return
    undone = undo(edited, changes)
    if path[0] not in ("model_provider", "model_providers"):
        assert undone.kept == ()
        assert same(undone.document.value, changed(value, path, new))
    assert undo(undone.document, changes) == undone
