"""Roo Code and Zoo Code: against their source; an extension of an editor can't be run here."""

from __future__ import annotations

import json
from pathlib import PurePath

import pytest

from support.client_files import HOME, LOCAL_KEY, PROJECT, URL, configured, surroundings, undone, wish
from synrouter_cli.clients.client import FileEdit
from synrouter_cli.clients.editing import holds_key
from synrouter_cli.clients.roo import CLIENT, ROO_MODELS, configure, installed, overrides, points_at
from synrouter_cli.errors import ConfigConflict

CODE = HOME / ".config" / "Code" / "User" / "settings.json"
EXTENSIONS = PurePath("extensions", "extensions.json")
ROO = '[{"identifier":{"id":"RooVeterinaryInc.roo-cline"},"version":"3.52.1"}]'
ZOO = '[{"identifier":{"id":"zoocodeorganization.zoo-code","uuid":"0"},"version":"3.82.0"}]'
BOTH = ROO[:-1] + "," + ZOO[1:]
SETTINGS = {ROO: "roo-cline.autoImportSettingsPath", ZOO: "zoo-code.autoImportSettingsPath"}
OURS = {ROO: HOME / ".synrouter" / "roo-code.json", ZOO: HOME / ".synrouter" / "zoo-code.json"}
MODELS = {ROO: "claude-sonnet-4-6", ZOO: "claude-sonnet-5-5"}
EITHER = pytest.mark.parametrize("one", [ROO, ZOO], ids=["Roo Code", "Zoo Code"])


def in_code(listed: str) -> dict[PurePath, str]:
    """VS Code with these extensions."""
    return {HOME / ".vscode" / EXTENSIONS: listed}


@EITHER
def test_the_editor_is_told_to_import_a_profile_and_nothing_else(one: str):
    texts = in_code(one)
    after, _ = configured(configure(wish(), surroundings(texts)), texts)
    assert after.keys() == {*texts, CODE, OURS[one]}
    assert json.loads(after[CODE]) == {SETTINGS[one]: str(OURS[one])}
    # Only this much: globalSettings would go over the user's own, what may run unasked among them.
    assert json.loads(after[OURS[one]]) == {
        "providerProfiles": {
            "currentApiConfigName": "synrouter",
            "apiConfigs": {
                "synrouter": {
                    "id": "synrouter",
                    "apiProvider": "anthropic",
                    "anthropicBaseUrl": URL,
                    "apiKey": LOCAL_KEY,
                    "apiModelId": MODELS[one],
                }
            },
        }
    }
    assert points_at(surroundings(after)) == URL


def test_the_key_is_in_our_own_files_alone():
    texts = in_code(BOTH)
    plan = configure(wish(), surroundings(texts))
    holding = [f.path for f in plan.files if isinstance(f, FileEdit) and any(holds_key(e.value) for e in f.edits)]
    assert holding == [*OURS.values()]
    after, _ = configured(plan, texts)
    assert [path for path, text in after.items() if LOCAL_KEY in text] == [*OURS.values()]


SPELLINGS = {
    "": "claude-sonnet-4-6",
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-opus-4.6": "claude-opus-4-6",
}


@pytest.mark.parametrize(("asked", "spelled"), SPELLINGS.items(), ids=[*SPELLINGS.values()])
def test_a_model_is_spelled_as_roo_code_knows_it(asked: str, spelled: str):
    plan = configure(wish(asked), surroundings(in_code(ROO)))
    assert plan.model == spelled
    assert spelled in ROO_MODELS.values()
    assert len(plan.notes) == 1


def test_a_model_that_roo_code_does_not_know_is_written_with_a_warning_and_for_zoo_code_without():
    roo, zoo = (configure(wish("claude-opus-5-5"), surroundings(in_code(one))) for one in (ROO, ZOO))
    assert (roo.model, zoo.model) == ("claude-opus-5-5", "claude-opus-5-5")
    assert "does not know claude-opus-5-5" in roo.notes[1]
    assert len(zoo.notes) == 1


THEIRS = '{\n\t"editor.fontSize": 14, // big\n\t"roo-cline.debug": true,\n}'


@pytest.mark.parametrize("text", [None, THEIRS, THEIRS.replace("\n", "\r\n")], ids=["none", "comments", "windows"])
@pytest.mark.parametrize("listed", [ROO, ZOO, BOTH], ids=["Roo Code", "Zoo Code", "both"])
def test_an_undo_gives_the_settings_back_and_takes_our_files_away(listed: str, text: str | None):
    texts = in_code(listed) | ({CODE: text} if text else {})
    plan = configure(wish(), surroundings(texts))
    after, changes = configured(plan, texts)
    assert undone(plan, after, changes) == texts


@EITHER
def test_a_second_time_changes_nothing(one: str):
    after, _ = configured(configure(wish(), surroundings(in_code(one))), in_code(one))
    assert configured(configure(wish(), surroundings(after)), after)[0] == after


@EITHER
def test_an_import_of_the_users_own_is_left_alone(one: str):
    texts = in_code(one) | {CODE: json.dumps({SETTINGS[one]: "~/team/profiles.json"})}
    with pytest.raises(ConfigConflict, match=r"~/team/profiles\.json") as refused:
        configure(wish(), surroundings(texts))
    assert SETTINGS[one] in refused.value.hint


def test_where_an_import_of_the_users_own_points_is_told():
    profile = {"apiProvider": "anthropic", "anthropicBaseUrl": "http://127.0.0.1:7999"}
    imported = {"providerProfiles": {"currentApiConfigName": "synrouter", "apiConfigs": {"synrouter": profile}}}
    texts = in_code(ROO) | {CODE: json.dumps({SETTINGS[ROO]: "~/roo.json"}), HOME / "roo.json": json.dumps(imported)}
    assert points_at(surroundings(texts)) == "http://127.0.0.1:7999"
    assert points_at(surroundings(in_code(ROO))) == ""


PLACES: dict[str, tuple[str, dict[str, str], list[tuple[str, str]]]] = {
    "nowhere": ("linux", {}, []),
    "VSCodium": ("linux", {".vscode-oss": ROO}, [("Roo Code", ".config/VSCodium/User")]),
    "two editors": (
        "linux",
        {".vscode-insiders": ROO, ".cursor": BOTH},
        [
            ("Roo Code", ".config/Code - Insiders/User"),
            ("Roo Code", ".config/Cursor/User"),
            ("Zoo Code", ".config/Cursor/User"),
        ],
    ),
    "the far side of SSH": ("linux", {".vscode-server": ZOO}, [("Zoo Code", ".vscode-server/data/Machine")]),
    "macOS": ("darwin", {".vscode": ZOO}, [("Zoo Code", "Library/Application Support/Code/User")]),
    "Windows": ("win32", {".windsurf": ROO}, [("Roo Code", "AppData/Roaming/Windsurf/User")]),
    "an editor that has others": ("linux", {".vscode": '[{"identifier":{"id":"golang.go"}}]'}, []),
}


@pytest.mark.parametrize(("platform", "there", "found"), PLACES.values(), ids=PLACES.keys())
def test_every_editor_that_has_one_is_found(platform: str, there: dict[str, str], found: list[tuple[str, str]]):
    texts: dict[PurePath, str] = {HOME / folder / EXTENSIONS: listed for folder, listed in there.items()}
    around = surroundings(texts, platform=platform)
    expected = [(title, HOME / folder / "settings.json") for title, folder in found]
    assert [(place.extension.title, place.path) for place in installed(around)] == expected
    assert any("was found" in note for note in configure(wish(), around).notes) == (not found)


def test_where_none_is_found_vs_code_is_prepared_for_both():
    after, _ = configured(configure(wish(), surroundings({})), {})
    assert json.loads(after[CODE]) == {SETTINGS[one]: str(OURS[one]) for one in (ROO, ZOO)}
    assert points_at(surroundings(after)) == URL


STORAGE = CODE.with_name("globalStorage") / "storage.json"
WORKSPACE = PROJECT / ".vscode" / "settings.json"
BEATEN: dict[str, tuple[dict[PurePath, str], str]] = {
    "nothing": ({}, ""),
    "the workspace": ({WORKSPACE: json.dumps({SETTINGS[ROO]: "x.json"})}, ".vscode/settings.json"),
    "a workspace without it": ({WORKSPACE: '{"a": 1} // mine'}, ""),
    "a workspace that does not parse": ({WORKSPACE: "{"}, ""),
    "profiles of the editor": ({STORAGE: '{"userDataProfiles": [{"location": "5d", "name": "Go"}]}'}, "profiles"),
    "no profiles": ({STORAGE: '{"userDataProfiles": []}'}, ""),
}


@pytest.mark.parametrize(("texts", "said"), BEATEN.values(), ids=BEATEN.keys())
def test_what_goes_before_the_users_settings_is_named(texts: dict[PurePath, str], said: str):
    sentences = list(overrides(wish(), surroundings(in_code(ROO) | texts)))
    assert len(sentences) == bool(said)
    assert said in "".join(sentences)


def test_an_extension_has_nothing_to_start():
    assert (CLIENT.launch, CLIENT.executables) == (None, ())
