"""What is remembered: round trip, one record a client and scope, private, and never half-read."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.clients.client import TOKEN
from synrouter_cli.clients.records import EditedFile, Record, Records
from synrouter_cli.errors import ConfigConflict
from synrouter_cli.textedit import ABSENT, Change

FILE = EditedFile(
    Path("/home/me/.x/c.json"),
    "json",
    (Change(("env", "KEY"), ABSENT, TOKEN), Change(("l",), ABSENT, {"id": "us"}, element=True, by="id")),
    created=True,
    folders=(Path("/home/me/.x"),),
    mode=0o644,
)
RECORD = Record("codex", "user", "", "http://127.0.0.1:7477", "key", "gpt", (FILE, EditedFile(Path("/g"), guard=True)))


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path / "clients.json")


def test_what_is_put_is_what_is_read(records):
    assert records.all() == ()
    records.put(RECORD)
    assert records.all() == (RECORD,)
    assert records.of("codex", "user") == RECORD
    assert RECORD.file(FILE.path) == FILE
    assert RECORD.file(Path("/other")) is None


def test_each_client_has_one_record_a_scope_and_project(records):
    places = [("codex", "user", ""), ("codex", "project", "/a"), ("codex", "project", "/b"), ("kilo", "user", "")]
    for place in places:
        records.put(Record(*place, "http://old", "key", ""))
        records.put(Record(*place, "http://new", "key", ""))
    assert [(record.place, record.url) for record in records.all()] == [(place, "http://new") for place in places]
    records.drop(Record("codex", "project", "/a", "", "", ""))
    assert [record.place for record in records.all()] == [place for place in places if place[2] != "/a"]


def test_it_is_the_users_alone(records, tmp_path):
    records.put(RECORD)
    assert stat.S_IMODE((tmp_path / "clients.json").stat().st_mode) == 0o600
    with records.locked():
        assert stat.S_IMODE((tmp_path / "clients.lock").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clients.json", "clients.lock"]


@pytest.mark.parametrize(
    "text", ["", "garbage", "[]", "{}", '{"schema_version": 1}', '{"schema_version": 1, "records": [{}]}', "\xff"]
)
def test_what_is_not_ours_is_refused_and_left_as_it_is(records, tmp_path, text):
    path = tmp_path / "clients.json"
    path.write_bytes(text.encode("latin-1"))
    for act in (records.all, lambda: records.put(RECORD), lambda: records.drop(RECORD)):
        with pytest.raises(ConfigConflict, match="can't be read as what was configured"):
            act()
    assert path.read_bytes() == text.encode("latin-1")


def test_another_versions_is_refused(records, tmp_path):
    (tmp_path / "clients.json").write_text('{"schema_version": 2, "records": []}')
    with pytest.raises(ConfigConflict, match="another version"):
        records.all()


def test_fields_that_a_later_version_adds_are_no_harm(records, tmp_path):
    records.put(RECORD)
    held = json.loads((tmp_path / "clients.json").read_text())
    held["later"] = held["records"][0]["later"] = held["records"][0]["files"][0]["later"] = 1
    (tmp_path / "clients.json").write_text(json.dumps(held))
    assert records.all() == (RECORD,)


def test_one_command_at_a_time(records, monkeypatch):
    monkeypatch.setattr("synrouter_cli.clients.records._PATIENCE_S", 0)
    other = Records(records._path)
    with records.locked(), pytest.raises(ConfigConflict, match="at work"), other.locked():
        raise AssertionError("two at once")
    with other.locked():
        assert other.all() == ()


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(), inner, max_size=2)),
    max_leaves=4,
)
CHANGES = st.builds(
    Change,
    st.lists(st.text(min_size=1), min_size=1, max_size=3).map(tuple),
    st.one_of(st.just(ABSENT), VALUES),
    st.one_of(st.just(ABSENT), VALUES),
)


@given(st.lists(CHANGES, max_size=3), st.booleans(), st.one_of(st.none(), st.integers(0, 0o777)))
def test_every_file_comes_back_as_it_was_kept(changes, created, mode):
    file = EditedFile(Path("/c"), "toml", tuple(changes), created, (Path("/a"), Path("/a/b")), mode)
    assert EditedFile.unpacked(json.loads(json.dumps(file.packed()))) == file
