"""Roo Code: its profiles lie in VS Code's secret storage, which no file reaches; but at each start it imports the file
that `roo-cline.autoImportSettingsPath` names. That file is ours; the key stands in it at 0600.

Source: RooCodeInc/Roo-Code 3.52.1, src/utils/autoImportSettings.ts, src/core/config/importExport.ts,
packages/types/src/provider-settings.ts and providers/anthropic.ts.

>>> CLIENT.launch is None, SETTING
(True, 'roo-cline.autoImportSettingsPath')
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Final, NamedTuple

from synrouter_cli.clients.client import NAME, TOKEN, Client, FileEdit, Plan, Surroundings, Wish
from synrouter_cli.errors import ConfigConflict
from synrouter_cli.providers import canonical
from synrouter_cli.textedit import Edit, leaves

SETTING: Final = "roo-cline.autoImportSettingsPath"
EXTENSION: Final = "rooveterinaryinc.roo-cline"
VERSION: Final = "3.52.1"
MODELS: Final = {
    "claude-sonnet-4-6": "claude-sonnet-4-6",
    "claude-opus-4-6": "claude-opus-4-6",
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-sonnet-4-5": "claude-sonnet-4-5",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
}
"""Those that Roo Code knows, as it spells them, its best first. Any other becomes claude-sonnet-4-5 without a word."""


class Editor(NamedTuple):
    """An editor that Roo Code may be installed in: the folder of its settings, and of its extensions."""

    settings: str
    extensions: str


EDITORS: Final = (
    Editor("Code", ".vscode"),
    Editor("Code - Insiders", ".vscode-insiders"),
    Editor("VSCodium", ".vscode-oss"),
    Editor("Cursor", ".cursor"),
    Editor("Windsurf", ".windsurf"),
)
SERVER: Final = ".vscode-server"
"""On the far side of WSL, SSH and dev containers, where extensions run then."""


def settings_files(around: Surroundings) -> tuple[PurePath, ...]:
    """Of every editor that has Roo Code; of VS Code where none has."""
    found = [_user_file(around, each) for each in EDITORS if _has_roo(around, each.extensions)]
    if _has_roo(around, SERVER):
        found.append(around.home / SERVER / "data" / "Machine" / "settings.json")
    return tuple(found) or (_user_file(around, EDITORS[0]),)


def _user_file(around: Surroundings, editor: Editor) -> PurePath:
    if around.platform == "win32":
        base = around.folder("APPDATA", "AppData", "Roaming")
    elif around.platform == "darwin":
        base = around.home / "Library" / "Application Support"
    else:
        base = around.config_home
    return base / editor.settings / "User" / "settings.json"


def _has_roo(around: Surroundings, folder: str) -> bool:
    return EXTENSION in (around.read(around.home / folder / "extensions" / "extensions.json") or "").lower()


def import_file(wish: Wish) -> PurePath:
    return wish.token_file.parent / "roo-code.json"


def configure(wish: Wish, around: Surroundings) -> Plan:
    """Raises ConfigConflict where a file of the user's is imported already: Roo Code imports only one."""
    ours = import_file(wish)
    paths = settings_files(around)
    for path in paths:
        theirs = _imported(around, path)
        if theirs and theirs != str(ours):
            detail = f"{path} has Roo Code import {theirs} already, and it imports one file only."
            raise ConfigConflict(detail=detail, hint=f"take {SETTING} out there, then: synrouter configure roo")
    asked = canonical(wish.model)
    model = MODELS.get(asked, wish.model) or next(iter(MODELS.values()))
    notes = [
        "each start of the editor makes Roo Code's profile synrouter the current one; a mode that has a profile of its"
        " own takes that one, so choose synrouter in the modes you use"
    ]
    if asked and asked not in MODELS:
        notes.append(f"Roo Code {VERSION} does not know {wish.model} and asks claude-sonnet-4-5 in its place")
    if not any(_has_roo(around, folder) for folder in (*(each.extensions for each in EDITORS), SERVER)):
        notes.append("Roo Code was not found in any editor here; VS Code's settings are written for it")
    profile = {
        "id": NAME,
        "apiProvider": "anthropic",
        "anthropicBaseUrl": wish.url,  # /v1/messages is appended
        "apiKey": TOKEN,
        "apiModelId": model,
    }
    imported = {"providerProfiles": {"currentApiConfigName": NAME, "apiConfigs": {NAME: profile}}}
    files = (
        FileEdit(ours, "json", tuple(leaves((), imported))),
        *(FileEdit(path, "jsonc", (Edit((SETTING,), str(ours)),)) for path in paths),
    )
    later = "restart the editor (after an --undo, delete the profile synrouter in Roo Code's own settings)"
    return Plan(files, model, tuple(notes), later)


def points_at(around: Surroundings) -> str:
    """What the imported profile says; Roo Code's own storage can't be read."""
    for path in settings_files(around):
        imported = _imported(around, path)
        if imported:
            profile = ("providerProfiles", "apiConfigs", NAME, "anthropicBaseUrl")
            url = around.glance(_resolved(around, imported), "json", *profile)
            if isinstance(url, str):
                return url
    return ""


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    ours = str(import_file(wish))
    workspace = around.project / ".vscode" / "settings.json"
    if _imported(around, workspace) not in ("", ours):
        yield f"{workspace} goes before the user's settings and has {SETTING}: take it out there"
    for path in settings_files(around):
        state = around.glance(path.with_name("globalStorage") / "storage.json", "json", "userDataProfiles")
        if state and isinstance(state, list):
            yield f"profiles of the editor beside {path} may have settings of their own: set {SETTING} to {ours} there"


def _imported(around: Surroundings, path: PurePath) -> str:
    value = around.glance(path, "jsonc", SETTING)
    return value.strip() if isinstance(value, str) else ""


def _resolved(around: Surroundings, path: str) -> PurePath:
    """As Roo Code does: `~/` and relative paths are the home's."""
    return around.home / path.removeprefix("~/")


CLIENT: Final = Client(
    name="roo",
    title="Roo Code",
    configure=configure,
    points_at=points_at,
    overrides=overrides,
)
