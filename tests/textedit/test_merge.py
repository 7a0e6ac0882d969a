"""Undo as a merge of three: what was there, what we put, what the user made of it."""

from __future__ import annotations

import json

import pytest

from synrouter_cli.errors import EditError
from synrouter_cli.textedit import ABSENT, LINE, Change, Edit, Json, Jsonc, Toml, Yaml, apply, leaves, undo

URL = Edit(("env", "URL"), "http://127.0.0.1:7477")
KEEPS_ITS_SPELLING = '{"n": 1e5, "env": { }, "s": "\\u00e9"}'


def test_what_was_there_comes_back_as_it_was_spelled():
    done, changes = apply(Json.parse(KEEPS_ITS_SPELLING), [Edit(("n",), 3), URL, Edit(("s",), "x")])
    assert done.value == {"n": 3, "env": {"URL": URL.value}, "s": "x"}
    assert undo(done, changes).document.text == KEEPS_ITS_SPELLING


def test_a_parent_that_we_made_stays_where_the_user_uses_it():
    done, changes = apply(Json.parse("{}"), [URL])
    document, kept = undo(done.set(("env", "MINE"), "1"), changes)
    assert (document.value, kept) == ({"env": {"MINE": "1"}}, ())


def test_a_parent_that_was_there_empty_stays():
    done, changes = apply(Json.parse('{"env": {}}'), [URL])
    assert undo(done, changes).document.text == '{"env": {}}'


def test_a_key_that_the_user_changed_stays_and_is_told():
    done, changes = apply(Json.parse('{"env": {"URL": "old"}}'), [URL])
    document, kept = undo(done.set(("env", "URL"), "theirs"), changes)
    assert document.get(URL.path) == "theirs"
    assert [(each.path, each.before, each.after) for each in kept] == [(URL.path, "old", URL.value)]


def test_a_key_that_the_user_deleted_stays_deleted_and_is_told_where_it_had_been_another():
    done, changes = apply(Json.parse('{"env": {"URL": "old"}, "b": 1}'), [URL, Edit(("new",), 1)])
    document, kept = undo(done.remove(URL.path).remove(("new",)), changes)
    assert document.get(URL.path) is ABSENT
    assert [each.path for each in kept] == [URL.path]


def test_undo_a_second_time_does_nothing():
    done, changes = apply(Json.parse('{"a": 1}'), [URL, Edit(("a",), 2), Edit(("l",), "x", element=True)])
    once = undo(done, changes)
    assert once.document.text == '{"a": 1}'
    assert undo(once.document, changes) == once


def test_configuring_twice_never_restores_our_own_value():
    first = apply(Json.parse('{"a": "mine"}'), [Edit(("a",), "ours 1"), URL])
    second = apply(first.document, [Edit(("a",), "ours 2"), URL], earlier=first.changes)
    assert undo(second.document, second.changes).document.text == '{"a": "mine"}'


def test_what_the_user_put_between_two_configures_comes_back():
    first = apply(Json.parse('{"a": "mine"}'), [Edit(("a",), "ours")])
    second = apply(first.document.set(("a",), "newer"), [Edit(("a",), "ours")], earlier=first.changes)
    assert undo(second.document, second.changes).document.get(("a",)) == "newer"


def test_what_an_older_version_wrote_goes_too():
    first = apply(Json.parse("{}"), [Edit(("obsolete",), True)])
    second = apply(first.document, [URL], earlier=first.changes)
    assert undo(second.document, second.changes).document.text == "{}"


def test_a_parent_made_anew_by_the_second_configure_goes_too():
    first = apply(Json.parse('{"env": {"URL": "old"}}'), [URL])
    second = apply(first.document.remove(("env",)), [URL], earlier=first.changes)
    assert undo(second.document, second.changes).document.text == "{}"


def test_an_element_goes_and_the_users_stay():
    allow = Edit(("models", "allow"), "synrouter/x", element=True)
    done, changes = apply(Json.parse('{"models": {"allow": ["a"]}}'), [allow])
    assert apply(done, [allow], earlier=changes).changes == changes
    document, kept = undo(done.append(("models", "allow"), "b"), changes)
    assert (document.value, kept) == ({"models": {"allow": ["a", "b"]}}, ())


def test_an_element_that_the_user_had_is_not_ours():
    allow = Edit(("allow",), "x", element=True)
    done, changes = apply(Json.parse('{"allow": ["x"]}'), [allow])
    assert changes == ()
    assert undo(done, changes).document.text == '{"allow": ["x"]}'


def test_what_we_took_out_comes_back():
    done, changes = apply(Toml.parse("a = 0x1F\nb = 1\n"), [Edit(("a",), ABSENT)])
    assert done.text == "b = 1\n"
    assert undo(done, changes).document.text == "b = 1\na = 0x1F\n"


def test_a_whole_tree_is_put_leaf_by_leaf_so_that_each_is_taken_back_by_itself():
    edits = list(leaves(("providers", "sr"), {"url": "u", "options": {"a": 1}, "models": {}}))
    assert [edit.path[2:] for edit in edits] == [("url",), ("options", "a"), ("models",)]
    done, changes = apply(Yaml.parse("# mine\n"), edits)
    document, kept = undo(done.set(("providers", "sr", "options", "a"), 2), changes)
    assert document.value == {"providers": {"sr": {"options": {"a": 2}}}}
    assert [each.path for each in kept] == [("providers", "sr", "options", "a")]


@pytest.mark.parametrize("text", ["{}", "{ }", "{\n}\n", "// mine\n{ /* none */ }"])
def test_an_empty_file_is_empty_in_the_same_way_again(text):
    done, changes = apply(Jsonc.parse(text), [URL])
    assert undo(done, changes).document.text == text


def test_changes_survive_a_file_of_json():
    done, changes = apply(
        Yaml.parse("a:\nb: [1]\n"), [Edit(("a", "c"), None), Edit(("b",), ABSENT), Edit(("l",), 2, element=True)]
    )
    stored = json.dumps([each.packed() for each in changes])
    assert tuple(map(Change.unpacked, json.loads(stored))) == changes
    assert undo(done, map(Change.unpacked, json.loads(stored))).document.text == "a:\nb: [1]\n"


def test_an_edit_without_a_place_changes_nothing():
    with pytest.raises(EditError):
        apply(Json.parse('{"env": "text"}'), [URL])


def test_changes_say_all_that_an_undo_needs():
    changes = apply(Json.parse('{"a": 1.0}'), [Edit(("a",), 2), URL]).changes
    assert changes == (
        Change(("a",), 1.0, 2, source="1.0"),
        Change(("env",), ABSENT, {}),
        Change(("env", "URL"), ABSENT, URL.value),
    )


OURS = {"id": "ours", "url": "http://127.0.0.1:7477"}


def element(value, by="id"):
    return Edit(("list",), value, element=True, by=by)


def test_an_element_is_known_by_its_name_and_replaced_in_its_place():
    before = '{"list": [{"id": "ours", "url": "old"}, {"id": "mine"}]}'
    done, changes = apply(Json.parse(before), [element(OURS)])
    assert done.value == {"list": [OURS, {"id": "mine"}]}
    assert undo(done, changes).document.text == before


def test_an_element_that_the_user_has_changed_stays_and_is_told():
    done, changes = apply(Json.parse("{}"), [element(OURS)])
    theirs = done.set(("list", 0, "url"), "http://elsewhere")
    document, kept = undo(theirs, changes)
    assert (document, [change.after for change in kept]) == (theirs, [OURS])


def test_an_element_that_we_replace_by_a_newer_one_is_gone_after_one_undo():
    first = apply(Json.parse('{"list": [{"id": "mine"}]}'), [element(OURS)])
    second = apply(first.document, [element({**OURS, "url": "new"})], earlier=first.changes)
    assert second.document.value == {"list": [{"id": "mine"}, {**OURS, "url": "new"}]}
    assert undo(second.document, second.changes).document.text == '{"list": [{"id": "mine"}]}'


@pytest.mark.parametrize(
    ("before", "theirs", "after"),
    [
        ("{}", None, "{}"),
        ('{"s": "a: 1"}', None, '{"s": "a: 1"}'),
        ('{"s": "a: 1"}', "a: 1\nours\nb: 2", '{"s": "a: 1\\nb: 2"}'),
        ("{}", "ours\nb: 2", '{"s": "b: 2"}'),
        ("{}", "b: 2", '{"s": "b: 2"}'),
    ],
)
def test_a_line_of_a_string_is_put_and_taken_back_by_itself(before, theirs, after):
    done, changes = apply(Json.parse(before), [Edit(("s",), "ours", element=True, by=LINE)])
    assert done.get(("s",)).splitlines()[-1] == "ours"
    document, kept = undo(done if theirs is None else done.set(("s",), theirs), changes)
    assert (document.value, kept) == (json.loads(after), ())
    assert theirs is not None or document.text == after


ENTRY = [
    Edit(("version",), 1, unless=("list",)),
    Edit(("list", "us"), {"at": "never"}, unless=("list", "us", "key")),
    Edit(("list", "us", "key"), "ours"),
    Edit(("list", "us", "model"), "m"),
]


@pytest.mark.parametrize(
    ("before", "theirs", "after", "told"),
    [
        # As the client writes it anew: what belongs to ours goes with it, whatever it has become.
        ("{}", {"version": 2, "list": {"us": {"at": "now", "key": "ours", "model": "other", "more": 1}}}, {}, []),
        ("{}", {"version": 1, "list": {"us": {"at": "now", "model": "m"}}}, {}, []),
        # As long as something of the user's is there, so is what that can't be without.
        (
            "{}",
            {"version": 2, "list": {"us": {"at": "now", "key": "ours"}, "me": {"at": "once"}}},
            {"version": 2, "list": {"me": {"at": "once"}}},
            [],
        ),
        (
            "{}",
            {"version": 1, "list": {"us": {"at": "now", "key": "mine", "model": "m"}}},
            {"version": 1, "list": {"us": {"at": "now", "key": "mine"}}},
            [("list", "us", "key")],
        ),
        # What was there before is not ours.
        (
            '{"version": 3, "list": {"us": {"at": "once"}}}',
            {"version": 3, "list": {"us": {"at": "now", "key": "ours", "model": "m"}}},
            {"version": 3, "list": {"us": {"at": "now"}}},
            [],
        ),
    ],
)
def test_what_belongs_to_a_whole_that_the_client_rewrites_goes_with_it(before, theirs, after, told):
    done, changes = apply(Json.parse(before), ENTRY)
    assert done.get(("list", "us", "key")) == "ours"
    document, kept = undo(Json.parse(json.dumps(theirs)), changes)
    assert (document.value, [change.path for change in kept]) == (after, told)
    assert undo(done, changes).document.text == before


def test_what_was_packed_comes_back_as_it_was():
    for change in (
        Change(("a", 0), ABSENT, {"id": 1}, element=True, by="id"),
        Change(("a",), None, 1, source="null"),
        Change(("a",), ABSENT, {}, unless=("a", "b")),
        Change(("a",), ABSENT, {}, unless=()),
    ):
        assert Change.unpacked(json.loads(json.dumps(change.packed()))) == change
