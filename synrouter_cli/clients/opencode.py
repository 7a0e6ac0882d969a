"""OpenCode: `~/.config/opencode/opencode.jsonc`, or of a project; the key is a reference to its file.

Source: the client itself (1.18.33) and opencode.ai/docs, "Config" and "Providers" (November 2026).

>>> CLIENT.executables, CLIENT.scopes
(('opencode',), ('user', 'project'))
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

from synrouter_cli.clients import opencode_shape as shape
from synrouter_cli.clients.client import TOKEN, Client, Launch, Plan, Surroundings, Wish
from synrouter_cli.errors import ConfigConflict

KIND: Final = shape.Kind(
    client="opencode",
    title="OpenCode",
    schema="https://opencode.ai/config.json",
    prefix="OPENCODE",
    folder="opencode",
    files=("config.json", "opencode.json", "opencode.jsonc"),
    new_file="opencode.jsonc",
    project_files=("opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc"),
    home_files=(".opencode/opencode.json", ".opencode/opencode.jsonc"),
)


def project_file(around: Surroundings) -> PurePath:
    paths = [around.project / name for name in KIND.project_files]
    return next((path for path in reversed(paths) if around.exists(path)), paths[0])


def configure(wish: Wish, around: Surroundings) -> Plan:
    """Raises ConfigConflict where the key would have to stand in a project."""
    path = _edited(wish, around)
    notes: tuple[str, ...] = ()
    if wish.scope == "project":
        if shape.reference(wish.token_file) == TOKEN:
            detail = f"OpenCode can't be told of a file like {wish.token_file}, and a project is no place for a key."
            raise ConfigConflict(detail=detail, hint="synrouter configure opencode")
        notes = (f"{path} names a file of this machine alone: do not check it in",)
    model = wish.chosen(shape.current_model(KIND, around))
    return Plan(shape.file_edits(wish, KIND, around, path, model), model.id, notes, "restart OpenCode")


def launch(wish: Wish, around: Surroundings) -> Launch:
    return shape.launch(wish, KIND, around)


def points_at(around: Surroundings) -> str:
    return shape.points_at(KIND, around)


def overrides(wish: Wish, around: Surroundings) -> Iterable[str]:
    return shape.overrides(wish, KIND, around, _edited(wish, around))


def _edited(wish: Wish, around: Surroundings) -> PurePath:
    return KIND.user_file(around) if wish.scope == "user" else project_file(around)


CLIENT: Final = Client(
    name=KIND.client,
    title=KIND.title,
    executables=("opencode",),
    version_folders=shape.VERSION_FOLDERS,
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
    scopes=("user", "project"),
)
