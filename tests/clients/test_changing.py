"""A plan carried out and taken back: nothing of ours is left, nothing of the user's is lost, whatever comes between."""

from __future__ import annotations

import json
import stat
from dataclasses import replace

import pytest

from support.clients import tree
from synrouter_cli.clients import files
from synrouter_cli.clients.changing import carry_out, prepare, prepare_undo, rekey, take_back
from synrouter_cli.clients.client import TOKEN, FileEdit, OwnFile, Plan
from synrouter_cli.clients.records import Record, Records
from synrouter_cli.credentials import Secret
from synrouter_cli.errors import ConfigConflict, EditError
from synrouter_cli.textedit import Edit

KEY = Secret("sk-sr-local-" + "a" * 43)
NEW = Secret("sk-sr-local-" + "b" * 43)
RECORD = Record("codex", "user", "", "http://127.0.0.1:7477", "key", "")


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "own").mkdir()
    return tmp_path / "home"


@pytest.fixture
def records(home):
    return Records(home.parent / "own" / "clients.json")


@pytest.fixture
def do(home, records):
    """Carries a plan out as the command does."""

    def carry(*entries, meanwhile=lambda: None):
        earlier = records.of("codex", "user")
        prepared = prepare(Plan(entries), RECORD, earlier, KEY, 7477)
        meanwhile()
        return carry_out(prepared, earlier, records, home.parent / "own" / "backups")

    return carry


@pytest.fixture
def undo(home, records):
    def back():
        return take_back(prepare_undo(records.of("codex", "user")), records, home.parent / "own" / "backups")

    return back


def edit(path, *edits, kind="json"):
    return FileEdit(path, kind, edits or (Edit(("env", "KEY"), TOKEN), Edit(("url",), "http://127.0.0.1:7477")))


def test_an_empty_home_is_empty_again(home, do, undo, records):
    do(edit(home / ".x" / "deep" / "c.json"), OwnFile(home / ".x" / "catalog.json", "{}"))
    assert set(tree(home)) == {".x", ".x/catalog.json", ".x/deep", ".x/deep/c.json"}
    assert undo() == ()
    assert tree(home) == {}
    assert records.all() == ()
    assert not (home.parent / "own" / "backups").exists()


def test_mode_and_bytes_come_back(home, do, undo):
    (home / "c.json").write_bytes(b'{"env": { },\r\n "url" : "mine"}')
    (home / "c.json").chmod(0o664)
    before = tree(home)
    do(edit(home / "c.json"))
    assert stat.S_IMODE((home / "c.json").stat().st_mode) == 0o600
    undo()
    assert tree(home) == before


def test_what_the_user_and_the_client_did_since_stays(home, do, undo):
    do(edit(home / "c.json"))
    held = json.loads((home / "c.json").read_text())
    (home / "c.json").write_text(json.dumps({"theirs": 1, **held, "url": "http://elsewhere"}))
    kept = undo()
    assert json.loads((home / "c.json").read_text()) == {"theirs": 1, "url": "http://elsewhere"}
    assert [(path.name, change.path) for path, change in kept] == [("c.json", ("url",))]


def test_a_file_of_ours_that_was_changed_stays_and_a_foreign_one_is_refused(home, do, undo):
    do(OwnFile(home / "catalog.json", "{}"))
    (home / "catalog.json").write_text("theirs now")
    undo()
    assert (home / "catalog.json").read_text() == "theirs now"
    with pytest.raises(ConfigConflict, match=r"not Synrouter's"):
        do(OwnFile(home / "catalog.json", "{}"))


@pytest.mark.parametrize("client_has_run", [False, True])
def test_a_guard_goes_only_with_the_configuration_that_it_guards(home, do, undo, client_has_run):
    do(edit(home / "c.json"), OwnFile(home / ".guard", "", guard=True))
    if client_has_run:
        held = json.loads((home / "c.json").read_text())
        (home / "c.json").write_text(json.dumps({**held, "$schema": "x"}))
    undo()
    assert set(tree(home)) == ({"c.json", ".guard"} if client_has_run else set())


def test_a_guard_that_was_there_is_never_touched(home, do, undo):
    (home / ".guard").write_text("theirs")
    do(edit(home / "c.json"), OwnFile(home / ".guard", "", guard=True))
    undo()
    assert set(tree(home)) == {".guard"}


def test_a_concurrent_edit_is_noticed_and_nothing_is_remembered(home, do, records):
    (home / "c.json").write_text("{}")
    with pytest.raises(ConfigConflict, match="changed by another program"):
        do(edit(home / "c.json"), meanwhile=lambda: (home / "c.json").write_text('{"a": 1}'))
    assert (home / "c.json").read_text() == '{"a": 1}'
    assert records.all() == ()


def test_what_was_written_before_a_failure_can_be_undone(home, do, undo):
    (home / "b.json").write_text("{}")
    with pytest.raises(ConfigConflict):
        do(
            edit(home / "a.json"),
            edit(home / "b.json"),
            meanwhile=lambda: (home / "b.json").write_text('{"theirs": 1}'),
        )
    undo()
    assert set(tree(home)) == {"b.json"}
    assert (home / "b.json").read_text() == '{"theirs": 1}'


def test_a_file_that_does_not_parse_is_named_and_untouched(home, do, records):
    (home / "a.json").write_text("{}")
    (home / "b.json").write_text('{"a" 1}')
    with pytest.raises(EditError) as refused:
        do(edit(home / "a.json"), edit(home / "b.json"))
    assert str(refused.value).startswith(f"{home / 'b.json'}, line 1, column 6: ")
    assert refused.value.exit_code == 5
    assert ((home / "a.json").read_text(), records.all()) == ("{}", ())


def test_a_file_that_a_new_plan_does_not_touch_is_given_back(home, do, undo):
    do(edit(home / "a.json"))
    do(edit(home / "b.json"))
    assert set(tree(home)) == {"b.json"}
    undo()
    assert tree(home) == {}


def test_a_new_key_reaches_the_files_that_hold_it(home, do, undo, records):
    do(edit(home / "a.json"), edit(home / "b.json", Edit(("x",), 1)))
    [record] = records.all()
    assert rekey(record, KEY, NEW) == (home / "a.json",)
    assert json.loads((home / "a.json").read_text())["env"]["KEY"] == NEW.reveal()
    assert rekey(record, KEY, NEW) == ()
    undo()
    assert tree(home) == {}


def test_the_key_is_not_in_what_is_remembered(home, do, records):
    do(edit(home / "a.json"))
    held = [path.read_text() for path in (home.parent / "own").rglob("*") if path.is_file()]
    assert held and not any(KEY.reveal() in text for text in held)
    assert stat.S_IMODE((home.parent / "own" / "clients.json").stat().st_mode) == 0o600


def test_a_diff_is_shown_without_keys(home):
    (home / "a.json").write_text('{\n  "apiKey": "abcdefghijkl"\n}\n')
    prepared = prepare(Plan((edit(home / "a.json"),)), RECORD, None, KEY, 7477)
    shown = "\n".join(prepared.diff())
    assert '+  "url": "http://127.0.0.1:7477"' in shown
    assert KEY.reveal() not in shown and "abcdefghijkl" not in shown


def test_a_file_that_is_gone_is_nothing_to_undo(home, do, undo):
    do(edit(home / "a.json"))
    files.remove(files.read(home / "a.json"))
    assert undo() == ()
    assert tree(home) == {}


def test_a_file_that_was_there_and_empty_is_empty_again(home, do, undo):
    (home / "a.json").write_bytes(b"\n")
    do(edit(home / "a.json"))
    do(edit(home / "a.json"))
    undo()
    assert (home / "a.json").read_bytes() == b"\n"


@pytest.mark.parametrize("order", [("codex", "zed"), ("zed", "codex")])
def test_a_folder_that_two_clients_use_goes_with_the_last_of_them(home, records, order):
    backups = home.parent / "own" / "backups"
    for client in ("codex", "zed"):
        record = replace(RECORD, client=client)
        plan = Plan((edit(home / ".config" / client / "c.json"),))
        carry_out(prepare(plan, record, None, KEY, 7477), None, records, backups)
    for client in order:
        take_back(prepare_undo(records.of(client, "user")), records, backups)
    assert tree(home) == {}
