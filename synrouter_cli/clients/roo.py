"""Roo Code, and Zoo Code, which goes on with it since May 2026: their profiles lie in the editor's secret storage, and
no file is read for them; but at each start they import the file that a setting of the editor names. That file is ours;
the key stands in it at 0600.

Source: RooCodeInc/Roo-Code 3.52.1 and Zoo-Code-Org/Zoo-Code 3.82.0: src/package.json, src/utils/autoImportSettings.ts,
src/core/config/importExport.ts, src/api/providers/anthropic.ts, packages/types/src/provider-settings.ts.

>>> [extension.setting for extension in EXTENSIONS]
['roo-cline.autoImportSettingsPath', 'zoo-code.autoImportSettingsPath']
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Final, NamedTuple

from synrouter_cli.clients.client import NAME, TOKEN, Client, FileEdit, Plan, Surroundings, Wish
from synrouter_cli.errors import ConfigConflict
from synrouter_cli.providers import canonical
from synrouter_cli.textedit import Edit, leaves


class Extension(NamedTuple):
    title: str
    identifier: str
    setting: str
    file: str
    """What our file for it is called."""
    any_model: bool
    """Whether it asks for a model that it does not know, too."""


EXTENSIONS: Final = (
    Extension("Roo Code", "rooveterinaryinc.roo-cline", "roo-cline.autoImportSettingsPath", "roo-code.json", False),
    Extension("Zoo Code", "zoocodeorganization.zoo-code", "zoo-code.autoImportSettingsPath", "zoo-code.json", True),
)
ROO_MODELS: Final = {
    "claude-sonnet-4-6": "claude-sonnet-4-6",
    "claude-opus-4-6": "claude-opus-4-6",
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-sonnet-4-5": "claude-sonnet-4-5",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
}
"""Those that the last Roo Code knows, as it spells them, its best first; of any other it makes claude-sonnet-4-5."""


class Editor(NamedTuple):
    """An editor that they may be installed in: the folder of its settings, and of its extensions."""

    settings: str
    extensions: str


EDITORS: Final = (
    Editor("Code", ".vscode"),
    Editor("Code - Insiders", ".vscode-insiders"),
    Editor("VSCodium", ".vscode-oss"),
    Editor("Cursor", ".cursor"),
    Editor("Windsurf", ".windsurf"),
    Editor("", ".vscode-server"),  # the far side of WSL, SSH and dev containers, where extensions run then
)


class Place(NamedTuple):
    """An extension in an editor, and the settings of that editor."""

    extension: Extension
    path: PurePath


def installed(around: Surroundings) -> tuple[Place, ...]:
    """Wherever one of them is."""
    lists = {each: _listed(around, each) for each in EDITORS}
    return tuple(
        Place(extension, _settings(around, editor))
        for editor, listed in lists.items()
        for extension in EXTENSIONS
        if extension.identifier in listed
    )


def places(around: Surroundings) -> tuple[Place, ...]:
    """What is configured: VS Code for both, where neither is found."""
    unknown = tuple(Place(extension, _settings(around, EDITORS[0])) for extension in EXTENSIONS)
    return installed(around) or unknown


def _listed(around: Surroundings, editor: Editor) -> str:
    return (around.read(around.home / editor.extensions / "extensions" / "extensions.json") or "").lower()


def _settings(around: Surroundings, editor: Editor) -> PurePath:
    if not editor.settings:
        return around.home / editor.extensions / "data" / "Machine" / "settings.json"
    if around.platform == "win32":
        base = around.folder("APPDATA", "AppData", "Roaming")
    elif around.platform == "darwin":
        base = around.home / "Library" / "Application Support"
    else:
        base = around.config_home
    return base / editor.settings / "User" / "settings.json"


def configure(wish: Wish, around: Surroundings) -> Plan:
    """Raises ConfigConflict where a file of the user's is imported already: only one can be."""
    found = places(around)
    notes = [
        "each start of the editor makes the profile synrouter the current one; a mode that has a profile of its own"
        " takes that one, so choose synrouter in the modes you use"
    ]
    if not installed(around):
        notes.append("neither Roo Code nor Zoo Code was found in an editor; VS Code's settings are written for both")
    imports: list[FileEdit] = []
    settings: list[FileEdit] = []
    for extension in dict.fromkeys(place.extension for place in found):
        model = _model(wish, extension)
        if not extension.any_model and model not in ROO_MODELS.values():
            notes.append(f"{extension.title} does not know {model} and asks for claude-sonnet-4-5 in its place")
        imports.append(FileEdit(_file(wish, extension), "json", tuple(leaves((), _profiles(wish.url, model)))))
    for path in dict.fromkeys(place.path for place in found):
        here = [place.extension for place in found if place.path == path]
        settings.append(FileEdit(path, "jsonc", tuple(_import(wish, around, path, extension) for extension in here)))
    later = "restart the editor (after an --undo, delete the profile synrouter in the extension's own settings)"
    return Plan((*imports, *settings), _model(wish, found[0].extension), tuple(notes), later)


def _model(wish: Wish, extension: Extension) -> str:
    if extension.any_model:
        return wish.chosen().id
    return ROO_MODELS.get(canonical(wish.model), wish.model) or next(iter(ROO_MODELS.values()))


def _file(wish: Wish, extension: Extension) -> PurePath:
    return wish.token_file.parent / extension.file


def _profiles(url: str, model: str) -> dict[str, object]:
    """No globalSettings: they would go over the user's own, what may run unasked among them."""
    profile = {
        "id": NAME,
        "apiProvider": "anthropic",
        "anthropicBaseUrl": url,  # v1/messages is appended
        "apiKey": TOKEN,
        "apiModelId": model,
    }
    return {"providerProfiles": {"currentApiConfigName": NAME, "apiConfigs": {NAME: profile}}}


def _import(wish: Wish, around: Surroundings, path: PurePath, extension: Extension) -> Edit:
    ours = str(_file(wish, extension))
    theirs = _imported(around, path, extension)
    if theirs and theirs != ours:
        detail = f"{path} has {extension.title} import {theirs} already, and it imports one file only."
        raise ConfigConflict(detail=detail, hint=f"take {extension.setting} out there, then: synrouter configure roo")
    return Edit((extension.setting,), ours)


def points_at(around: Surroundings) -> str:
    """What an imported profile says; the extensions' own storage can't be read."""
    for extension, path in places(around):
        imported = _imported(around, path, extension)
        if imported:
            profile = ("providerProfiles", "apiConfigs", NAME, "anthropicBaseUrl")
            url = around.glance(around.home / imported.removeprefix("~/"), "json", *profile)
            if isinstance(url, str):
                return url
    return ""


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    workspace = around.project / ".vscode" / "settings.json"
    for extension, path in places(around):
        ours = str(_file(wish, extension))
        if _imported(around, workspace, extension) not in ("", ours):
            yield f"{workspace} goes before the user's settings and has {extension.setting}: take it out there"
        profiles = around.glance(path.with_name("globalStorage") / "storage.json", "json", "userDataProfiles")
        if profiles and isinstance(profiles, list):
            yield f"the editor's profiles may have settings of their own: set {extension.setting} to {ours} there, too"


def _imported(around: Surroundings, path: PurePath, extension: Extension) -> str:
    value = around.glance(path, "jsonc", extension.setting)
    return value.strip() if isinstance(value, str) else ""


CLIENT: Final = Client(
    name="roo",
    title="Roo Code",
    configure=configure,
    points_at=points_at,
    overrides=overrides,
)
