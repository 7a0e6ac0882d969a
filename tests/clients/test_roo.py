"""Roo Code: against its source; an extension of an editor can't be run here."""

from __future__ import annotations

import json
from pathlib import PurePath

import pytest

from support.client_files import HOME, LOCAL_KEY, PROJECT, URL, configured, surroundings, undone, wish
from synrouter_cli.clients.client import FileEdit
from synrouter_cli.clients.editing import holds_key
from synrouter_cli.clients.roo import CLIENT, MODELS, SETTING, configure, overrides, points_at, settings_files
from synrouter_cli.errors import ConfigConflict

CODE = HOME / ".config" / "Code" / "User" / "settings.json"
OURS = HOME / ".synrouter" / "roo-code.json"
INSTALLED = '[{"identifier":{"id":"RooVeterinaryInc.roo-cline"},"version":"3.52.1"}]'
IN_CODE: dict[PurePath, str] = {HOME / ".vscode" / "extensions" / "extensions.json": INSTALLED}


def test_the_editor_is_told_to_import_a_profile_and_nothing_else():
    after, _ = configured(configure(wish(), surroundings(IN_CODE)), IN_CODE)
    assert json.loads(after[CODE]) == {SETTING: str(OURS)}
    # Only this much: globalSettings would go over the user's own, what may run unasked among them.
    assert json.loads(after[OURS]) == {
        "providerProfiles": {
            "currentApiConfigName": "synrouter",
            "apiConfigs": {
                "synrouter": {
                    "id": "synrouter",
                    "apiProvider": "anthropic",
                    "anthropicBaseUrl": URL,
                    "apiKey": LOCAL_KEY,
                    "apiModelId": "claude-sonnet-4-6",
                }
            },
        }
    }
    assert points_at(surroundings(after)) == URL


def test_the_key_is_in_our_own_file_alone():
    plan = configure(wish(), surroundings(IN_CODE))
    holding = [f.path for f in plan.files if isinstance(f, FileEdit) and any(holds_key(e.value) for e in f.edits)]
    assert holding == [OURS]
    after, _ = configured(plan, IN_CODE)
    assert [path for path, text in after.items() if LOCAL_KEY in text] == [OURS]


SPELLINGS = {
    "": "claude-sonnet-4-6",
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-opus-4.6": "claude-opus-4-6",
}


@pytest.mark.parametrize(("asked", "spelled"), SPELLINGS.items(), ids=[*SPELLINGS.values()])
def test_a_model_is_spelled_as_roo_code_knows_it(asked: str, spelled: str):
    plan = configure(wish(asked), surroundings(IN_CODE))
    assert plan.model == spelled
    assert spelled in MODELS.values()
    assert len(plan.notes) == 1


def test_a_model_that_it_does_not_know_is_written_with_a_warning():
    plan = configure(wish("claude-opus-5-5"), surroundings(IN_CODE))
    assert plan.model == "claude-opus-5-5"
    assert "does not know claude-opus-5-5" in plan.notes[1]


SETTINGS = '{\n\t"editor.fontSize": 14, // big\n\t"roo-cline.debug": true,\n}'


@pytest.mark.parametrize("text", [None, SETTINGS, SETTINGS.replace("\n", "\r\n")], ids=["none", "comments", "windows"])
def test_an_undo_gives_the_settings_back_and_takes_our_file_away(text: str | None):
    texts = IN_CODE | ({CODE: text} if text else {})
    plan = configure(wish(), surroundings(texts))
    after, changes = configured(plan, texts)
    assert undone(plan, after, changes) == texts


def test_a_second_time_changes_nothing():
    after, _ = configured(configure(wish(), surroundings(IN_CODE)), IN_CODE)
    assert configured(configure(wish(), surroundings(after)), after)[0] == after


def test_an_import_of_the_users_own_is_left_alone():
    texts = IN_CODE | {CODE: json.dumps({SETTING: "~/team/roo.json"})}
    with pytest.raises(ConfigConflict, match=r"~/team/roo\.json"):
        configure(wish(), surroundings(texts))


def test_where_an_import_of_the_users_own_points_is_told():
    profile = {"apiProvider": "anthropic", "anthropicBaseUrl": "http://127.0.0.1:7999"}
    imported = {"providerProfiles": {"currentApiConfigName": "synrouter", "apiConfigs": {"synrouter": profile}}}
    texts = IN_CODE | {CODE: json.dumps({SETTING: "~/roo.json"}), HOME / "roo.json": json.dumps(imported)}
    assert points_at(surroundings(texts)) == "http://127.0.0.1:7999"
    assert points_at(surroundings(IN_CODE)) == ""


EXTENSIONS = PurePath("extensions", "extensions.json")
PLACES: dict[str, tuple[str, list[str], list[str]]] = {
    "nowhere": ("linux", [], [".config/Code/User"]),
    "VSCodium": ("linux", [".vscode-oss"], [".config/VSCodium/User"]),
    "two editors": ("linux", [".vscode-insiders", ".cursor"], [".config/Code - Insiders/User", ".config/Cursor/User"]),
    "the far side of SSH": ("linux", [".vscode-server"], [".vscode-server/data/Machine"]),
    "macOS": ("darwin", [".vscode"], ["Library/Application Support/Code/User"]),
    "Windows": ("win32", [".windsurf"], ["AppData/Roaming/Windsurf/User"]),
}


@pytest.mark.parametrize(("platform", "installed", "folders"), PLACES.values(), ids=PLACES.keys())
def test_every_editor_that_has_it_is_written(platform: str, installed: list[str], folders: list[str]):
    texts: dict[PurePath, str] = {HOME / folder / EXTENSIONS: INSTALLED for folder in installed}
    texts[HOME / ".vscode-oss-dev" / EXTENSIONS] = INSTALLED
    around = surroundings(texts, platform=platform)
    assert settings_files(around) == tuple(HOME / folder / "settings.json" for folder in folders)
    assert any("not found" in note for note in configure(wish(), around).notes) == (not installed)


BEATEN: dict[str, tuple[dict[PurePath, str], str]] = {
    "nothing": ({}, ""),
    "the workspace": ({PROJECT / ".vscode" / "settings.json": json.dumps({SETTING: "x.json"})}, ".vscode/settings.json"),
    "a workspace without it": ({PROJECT / ".vscode" / "settings.json": '{"a": 1} // mine'}, ""),
    "profiles of the editor": (
        {CODE.with_name("globalStorage") / "storage.json": '{"userDataProfiles": [{"location": "5d", "name": "Go"}]}'},
        "profiles of the editor",
    ),
    "no profiles": ({CODE.with_name("globalStorage") / "storage.json": '{"userDataProfiles": []}'}, ""),
}  # fmt: skip


@pytest.mark.parametrize(("texts", "said"), BEATEN.values(), ids=BEATEN.keys())
def test_what_goes_before_the_users_settings_is_named(texts: dict[PurePath, str], said: str):
    sentences = list(overrides(wish(), surroundings(IN_CODE | texts)))
    assert len(sentences) == bool(said)
    assert said in "".join(sentences)


def test_an_extension_has_nothing_to_start():
    assert CLIENT.launch is None
    assert CLIENT.executables == ()
